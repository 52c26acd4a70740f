"""The map and the table of clusters by a person's hands: statistics, mosaic, glass brain, sorting, jumping, saving."""

import numpy as np
import pytest

CELL = """import os
os.chdir({folder!r})
import glmwidgets as gw
stem = {stem!r}
settings = {{"contrast.expression": "face - house", "noise.model": "ar1"}}
ex = gw.explore(stem + "bold.nii.gz", events=stem + "events.tsv", t_r=2.0, settings=settings)
ex"""


@pytest.fixture
def choose(settle):
    """``choose(page, label, option)``: pick an option of the control below a small label."""

    def pick(page, label, option):
        field = page.locator(".glmw-field", has=page.get_by_text(label, exact=True)).first
        field.locator("select").first.select_option(label=option)
        settle(page)

    return pick


@pytest.fixture
def explorer(notebook, visloc_dir, tmp_path, settle, look):
    cell = CELL.format(stem=str(visloc_dir / "sub-02_task-oneback_run-1_"), folder=str(tmp_path))
    page = notebook([cell], theme=look)
    settle(page)
    return page


def test_statistics_views_and_clusters(explorer, choose, settle, ask, pixels, screenshot, tmp_path, look):
    page, canvas = explorer, explorer.locator(".glmw-slices canvas").first
    readout = page.locator(".glmw-slices-readout").first
    seen = {"z": pixels(canvas)}
    # What is picked in quick succession is one step of undo: see `glmwidgets.session.core.steps.PAUSE`.
    for option, told in (("effect", "effect"), ("tSNR", "tSNR"), ("−log₁₀ p", "−log₁₀ p"), ("rho of errors", "rho")):
        choose(page, "colours show", option)
        assert readout.inner_text().split("\n")[-1].startswith(f"{told} ")
        image = pixels(canvas)
        assert not any(np.array_equal(image, other) for other in seen.values())
        seen[option] = image
        page.wait_for_timeout(1100)
        screenshot(page.locator(".glmw-explorer"), f"map_{told.strip('−')}_{look}")
    assert ask(page, "print(len(ex.session.ledger.entries), ex.session.ledger.n_models)") == "1 1"
    page.locator(".glmw button", has_text="undo").first.click()
    settle(page)
    assert readout.inner_text().split("\n")[-1].startswith("−log₁₀ p ")
    choose(page, "colours show", "z")

    # the view's own controls are there when they are asked for
    assert page.locator(".glmw-view").count() == 0
    page.locator(".glmw-map-choices .widget-toggle-button", has_text="view").click()
    page.locator(".glmw-view").wait_for()
    page.wait_for_timeout(300)
    seen["z"] = pixels(canvas)  # the controls take some of the map's room
    choose(page, "view", "mosaic")
    mosaic = pixels(canvas)
    assert mosaic.shape != seen["z"].shape or not np.array_equal(mosaic, seen["z"])
    choose(page, "cuts", "all three")
    assert pixels(canvas).shape[0] > 150
    screenshot(page.locator(".glmw-explorer"), f"map_mosaic_{look}")
    choose(page, "view", "glass brain")
    glass = pixels(canvas)
    screenshot(page.locator(".glmw-explorer"), f"map_glass_{look}")
    choose(page, "view", "three planes")
    np.testing.assert_allclose(pixels(canvas).astype(int), seen["z"].astype(int), atol=1)
    assert not np.array_equal(glass, seen["z"])

    # opacity is dragged without a word from the kernel, which hears of it when the hand rests; undo knows it
    track = page.locator(".glmw-view .glmw-slider canvas").bounding_box()
    ask(page, "heard = []; ex.session.observe(lambda c: heard.append(c.new.map.opacity), 'settings')")
    page.mouse.move(track["x"] + track["width"] - 9, track["y"] + 10)
    page.mouse.down()
    page.mouse.move(track["x"] + 2, track["y"] + 10, steps=20)
    page.wait_for_timeout(60)
    assert not np.array_equal(pixels(canvas), seen["z"])
    page.mouse.up()
    settle(page)
    page.wait_for_timeout(700)
    transparent = pixels(canvas)
    assert ask(page, "print(ex.map.viewer.opacity, heard[-1], len(heard) < 6)") == "0.0 0.0 True"
    page.locator(".glmw button", has_text="undo").first.click()
    settle(page)
    page.wait_for_timeout(300)
    assert ask(page, "print(ex.map.viewer.opacity)") == "1.0"
    np.testing.assert_allclose(pixels(canvas).astype(int), seen["z"].astype(int), atol=1)
    assert not np.array_equal(transparent, seen["z"])

    # sorted by size, smallest first after a second click; the row jumps, and the file holds them all
    heading = page.locator(".glmw-clusters th", has_text="voxels")
    rows = page.locator(".glmw-clusters tbody tr:not(.glmw-sub)")
    sizes = lambda: [int(text) for text in rows.locator("td:nth-child(6)").all_inner_texts()]  # noqa: E731
    heading.click()
    assert sizes() == sorted(sizes(), reverse=True)
    assert len(sizes()) > 5
    heading.click()
    assert sizes() == sorted(sizes())
    first = rows.first.locator("td").all_inner_texts()
    rows.first.click()
    settle(page)
    at = ask(page, "print(*(f'{x:.0f}' for x in ex.session.mm()))").replace("-", "−").split()
    assert at == first[1:4]
    assert first[5] in page.locator(".glmw-right .glmw-values").inner_text()
    page.get_by_role("button", name="Keep").click()
    page.get_by_role("menuitem", name="the table of clusters").click()
    settle(page)
    lines = (tmp_path / "clusters.tsv").read_text().splitlines()
    assert lines[0].split("\t")[:5] == ["cluster_id", "x", "y", "z", "peak_z"]
    assert len(lines) == 1 + page.locator(".glmw-clusters tbody tr").count()

    # keys move the crosshair, and the kernel hears where it came to rest
    canvas.focus()
    before = ask(page, "print(ex.session.cursor)")
    page.keyboard.press("PageUp")
    settle(page)
    assert ask(page, "print(ex.session.cursor)") != before
