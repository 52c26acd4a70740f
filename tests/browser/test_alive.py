"""The page that stays alive, opened from its file by a browser without a network, under a real mouse."""

import re

import pytest

pytest.importorskip("matplotlib")

from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.session.single.session import Session


@pytest.fixture
def opened(run, tmp_path, context, page):
    """The page, and the session that it was made of."""
    explorer = Explorer(Session(run, {"threshold.alpha": 0.01}, synchronous=True))
    path = explorer.save_html(tmp_path / "alive.html")
    wrong, asked = [], []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("request", lambda request: asked.append(request.url))
    context.set_offline(True)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_function("() => document.documentElement.dataset.alive")
    yield page, explorer.session
    explorer.close()
    assert asked == [path.as_uri()]
    assert wrong == []


def said(page):
    """The voxel and the value below the slices, and the threshold with its p."""
    words = page.locator(".glmw-slices-readout").inner_text()
    voxel = tuple(int(n) for n in re.search(r"voxel (\d+), (\d+), (\d+)", words).groups())
    return voxel, re.search(r"z (\S+)", words)[1].replace("−", "-"), page.locator("#glmw-said").inner_text()


def test_slices_threshold_looks_and_table_answer_without_a_kernel(opened, screenshot):
    page, session = opened
    screenshot(page, "alive")
    z = session.result.z_map
    slices, slider = page.locator(".glmw-slices canvas"), page.locator("#glmw-slider canvas")
    before = said(page)
    box = slices.bounding_box()
    page.mouse.click(box["x"] + 0.27 * box["width"], box["y"] + 0.55 * box["height"])
    page.wait_for_timeout(400)
    voxel, value, _ = said(page)
    assert voxel != before[0]
    assert value == f"{z[voxel]:.2f}"

    # The slider: words and pixels follow.
    picture = slices.evaluate("(canvas) => canvas.toDataURL()")
    box = slider.bounding_box()
    page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_timeout(400)
    height = float(re.search(r"> ([\d.]+)", said(page)[2])[1])
    assert height == pytest.approx(6.0, abs=0.1)
    assert f"p {session.result.rates_at(height)[0]:.0e}"[:3] in said(page)[2]
    assert slices.evaluate("(canvas) => canvas.toDataURL()") != picture

    # A menu, and a row of the table.
    picture = slices.evaluate("(canvas) => canvas.toDataURL()")
    page.get_by_label("colours").select_option(index=2)
    page.get_by_label("view").select_option("mosaic")
    page.wait_for_timeout(200)
    assert page.get_by_label("rows of the mosaic").or_(page.get_by_label("cuts")).first.is_visible()
    assert slices.evaluate("(canvas) => canvas.toDataURL()") != picture
    page.get_by_label("view").select_option("three planes")
    page.locator("#glmw-table tbody tr").first.click()
    page.wait_for_timeout(400)
    assert said(page)[0] == session.clusters.found[0].peaks[0].ijk
    screenshot(page, "alive_changed")
