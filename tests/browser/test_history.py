"""Undo, saved sessions, several contrasts and A beside B, by a person's hands in a real JupyterLab."""

import numpy as np
import pytest

CELL = """import glmwidgets as gw
stem = {stem!r}
settings = {{"contrast.expression": "face - house"}}
ex = gw.explore(stem + "bold.nii.gz", events=stem + "events.tsv", t_r=2.0, settings=settings)
ex"""


def press(page, label):
    page.locator(".glmw button", has_text=label).first.click()


@pytest.fixture
def open_explorer(notebook, visloc_dir, settle, look):
    """``open_explorer() -> page``: the explorer on the localizer run, fitted."""

    def open_it(more=()):
        stem = str(visloc_dir / "sub-02_task-oneback_run-1_")
        page = notebook([CELL.format(stem=stem), *more], theme=look)
        settle(page)
        return page

    return open_it


def choose_response(page, label):
    heading = page.locator(".glmw-title", has_text="Response")
    page.locator(".glmw-panel", has=heading).first.locator("select").first.select_option(label=label)


def test_undo_after_a_change_of_the_response_restores_the_map(open_explorer, settle, pixels, ask, screenshot, look):
    page = open_explorer()
    canvas = page.locator(".glmw-slices canvas").first
    before = pixels(canvas)
    assert page.locator(".glmw button", has_text="undo").is_disabled()
    choose_response(page, "Glover")
    settle(page)
    assert not np.array_equal(pixels(canvas), before)
    press(page, "undo")
    settle(page)
    # one grey level: the browser rounds the threshold, at which the map begins to fade, to the slider's step
    np.testing.assert_allclose(pixels(canvas).astype(int), before.astype(int), atol=1)
    assert ask(page, "print(ex.session.settings.design.hrf_model)") == "spm"
    press(page, "2 models viewed")
    page.wait_for_timeout(300)
    rows = page.locator(".glmw-history tbody tr")
    assert "HRF glover → spm" in rows.first.inner_text()
    screenshot(page.locator(".glmw-explorer"), f"history_{look}")
    rows.nth(1).click()
    settle(page)
    assert ask(page, "print(ex.session.settings.design.hrf_model)") == "glover"


def test_a_saved_session_opens_in_another_cell_with_the_same_map(notebook, visloc_dir, pixels, ask, tmp_path):
    stem, path = str(visloc_dir / "sub-02_task-oneback_run-1_"), str(tmp_path / "session.json")
    made = CELL.format(stem=stem).removesuffix("\nex")
    cells = [
        f"{made}\nassert ex.session.wait_until_idle(120)\n"
        "ex.session.update({'design.hrf_model': 'glover', 'threshold.height_control': 'fdr'})\n"
        "assert ex.session.wait_until_idle(120)\n"
        f"ex.session.move_to((25, 20, 6))\nex.map.viewer.convention = 'radiological'\nex.save({path!r})\nex.map",
        f"again = gw.explore.load({path!r})\nassert again.session.wait_until_idle(120)\nagain.map",
    ]
    page = notebook(cells)
    page.wait_for_function("() => document.querySelectorAll('.glmw-slices canvas').length === 2")
    page.wait_for_timeout(1500)
    one, two = (pixels(page.locator(".glmw-slices canvas").nth(i)) for i in range(2))
    np.testing.assert_array_equal(one, two)
    assert ask(page, "print(bool(abs(ex.session.result.z - again.session.result.z).max() < 1e-12))") == "True"
    assert ask(page, "print(again.session.cursor)") == "(25, 20, 6)"


def test_a_beside_b(open_explorer, settle, pixels, ask, screenshot, look):
    """A and B on the map: beside each other, subtracted, and A alone while a key is held."""
    page = open_explorer()
    canvas = page.locator(".glmw-slices canvas").first
    before, height = pixels(canvas), canvas.bounding_box()["height"]
    press(page, "pin as A")
    page.wait_for_timeout(500)
    choose_response(page, "Glover")
    settle(page)
    said = page.locator(".glmw-panel", has=page.locator(".glmw-compare")).inner_text()
    assert "HRF spm → glover" in said
    assert "AICc" in said
    screenshot(page.locator(".glmw-explorer"), f"compare_{look}")
    half = pixels(canvas).shape[1] // 2
    sides = pixels(canvas)
    assert not np.array_equal(sides[:, : half - 60], sides[:, half : 2 * half - 60])
    assert " A " in f" {page.locator('.glmw-slices-readout').first.inner_text()} ".replace("\n", " ")

    menu = page.locator(".glmw-slices-tools select").first
    menu.select_option("off")
    settle(page, 600)
    assert ask(page, "print(ex.session.settings.map.compare)") == "off"
    canvas.focus()
    page.wait_for_timeout(200)
    b = pixels(canvas)
    page.keyboard.down("a")
    page.wait_for_timeout(400)
    a = pixels(canvas)
    page.keyboard.up("a")
    page.wait_for_timeout(400)
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(pixels(canvas), b)
    menu.select_option("difference")
    settle(page, 600)
    screenshot(page.locator(".glmw-explorer"), f"compare_difference_{look}")
    assert not np.array_equal(pixels(canvas), b)
    menu.select_option("flicker")
    settle(page)
    seen = [pixels(canvas)[:, :-80] for _ in range(6) if page.wait_for_timeout(250) is None]
    assert len({image.tobytes() for image in seen}) == 2

    # one crosshair, wherever it is moved
    menu.select_option("side")
    settle(page, 600)
    area = canvas.bounding_box()
    page.mouse.click(area["x"] + 0.2 * area["width"], area["y"] + 0.5 * area["height"])
    page.wait_for_timeout(800)
    assert ask(page, "print(ex.map.viewer.cursor == ex.session.cursor)") == "True"
    press(page, "unpin A")
    settle(page, 600)
    assert page.locator(".glmw-slices-tools select").first.is_hidden()
    assert canvas.bounding_box()["height"] == height
    assert pixels(canvas).shape == before.shape


def test_contrasts_are_added_at_a_click_and_weighed_by_hand(open_explorer, settle, ask, screenshot, look):
    page = open_explorer()
    more = page.locator(".glmw-contrast-said > .glmw-more")
    # where the cell is narrow the contrast's tools are below its verdict, and nothing has to be opened
    assert more.is_visible() == (look == "light")
    if more.is_visible():
        more.click()
    press(page, "all pairs")
    settle(page)
    press(page, "effects of interest")
    settle(page)
    rows = page.locator(".glmw-contrasts tbody tr")
    assert rows.count() == 16, rows.all_inner_texts()
    assert "F6" in page.locator(".glmw-contrasts").inner_text()
    rows.filter(has_text="face - house").first.click()
    settle(page)
    assert ask(page, "print(ex.session.settings.contrast.expression)") == "face - house"
    press(page, "weights")
    page.wait_for_timeout(600)
    screenshot(page.locator(".glmw-explorer"), f"contrasts_{look}")
    handle = page.locator(".glmw-weight .noUi-handle").first
    box = handle.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 30, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    settle(page)
    assert "*body" in ask(page, "print(ex.session.settings.contrast.expression)")
    # under a response with several columns a condition is the mean of its own, which is said
    choose_response(page, "FIR")
    settle(page)
    page.locator(".glmw-contrast-said", has_text="mean of its").wait_for(timeout=30_000)
    assert ask(page, "print(ex.session.is_current and ex.session.status.state)") == "idle"
