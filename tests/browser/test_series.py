"""Series, averages, residuals, spectrum and carpet by a person's hands in a real JupyterLab."""

import numpy as np

CELL = """import glmwidgets as gw, numpy as np, pandas as pd
stem = {stem!r}
rng = np.random.default_rng(0)
confounds = pd.DataFrame({{"framewise_displacement": rng.random(156), "trans_x": rng.normal(size=156)}})
settings = {{"contrast.expression": "face - house", "design.confounds": ()}}
ex = gw.explore(stem + "bold.nii.gz", stem + "events.tsv", 2.0, confounds=confounds, settings=settings)
ex"""

WATCH = """() => {
  window.glmwCharts = 0;
  document.addEventListener('glmw:chart', () => { window.glmwCharts += 1; });
}"""


def test_tabs_pins_scans_and_the_carpet(notebook, visloc_dir, settle, pixels, ask, screenshot, look):
    page = notebook([CELL.format(stem=str(visloc_dir / "sub-02_task-oneback_run-1_"))], theme=look)
    settle(page)
    panel = page.locator(".glmw-panel", has=page.locator(".glmw-series-head"))
    chart, slices = panel.locator(".glmw-chart canvas"), page.locator(".glmw-slices canvas").first
    page.evaluate(WATCH)

    def kernel(expression):
        return ask(page, f"print({expression})")

    def open_tab(label):
        panel.locator(".glmw-tabs button", has_text=label).click()
        settle(page)
        screenshot(panel, f"series_{label.split()[-1].lower()}_{look}")
        return pixels(chart)

    # a chip draws another line
    before = pixels(chart)
    panel.locator(".glmw-chips button", has_text="contrast").click()
    settle(page)
    assert not np.array_equal(pixels(chart), before)
    assert kernel("ex.session.settings.series.lines") == "('data', 'fit', 'contrast')"

    # pinned, a place stays while the crosshair goes on; its cross takes it off
    panel.get_by_role("button", name="pin", exact=True).click()
    settle(page)
    slices.focus()
    painted = page.evaluate("() => window.glmwCharts")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    settle(page)
    assert page.evaluate("() => window.glmwCharts") > painted
    with_pin = pixels(chart)
    panel.locator(".glmw-chips button[title^=remove]").click()
    settle(page)
    assert kernel("ex.session.settings.series.pins") == "()"
    assert not np.array_equal(pixels(chart), with_pin)

    # a click in time lays the map over that scan, Escape over its background again
    background = pixels(slices)
    area = chart.bounding_box()
    chart.click(position={"x": 0.6 * area["width"], "y": 0.4 * area["height"]})
    settle(page)
    scan = int(kernel("ex.session.scan"))
    assert 60 < scan < 120
    assert f"scan {scan}" in panel.locator(".glmw-scan").inner_text()
    assert not np.array_equal(pixels(slices), background)
    screenshot(page.locator(".glmw-explorer"), f"scan_{look}")
    chart.focus()
    page.keyboard.press("ArrowRight")
    settle(page)
    assert int(kernel("ex.session.scan")) == scan + 1
    page.keyboard.press("Escape")
    settle(page)
    assert kernel("ex.session.scan") == "None"
    np.testing.assert_array_equal(pixels(slices), background)

    pictures = [open_tab(label) for label in ("Event average", "Residuals", "Spectrum", "Carpet")]
    assert len({picture.tobytes() for picture in pictures}) == 4
    carpet = pictures[-1]
    # greys from black to white in the middle of it, and something drawn above it
    middle = carpet[carpet.shape[0] // 2, 60:-20].astype(int)
    assert np.ptp(middle[:, 0]) > 100
    chart.hover()
    page.wait_for_timeout(200)
    assert "FD" in panel.locator(".glmw-read").inner_text()
    panel.locator("select").last.select_option(label="rows by slice, top first")
    settle(page)
    assert not np.array_equal(pixels(chart), carpet)
    chart.click(position={"x": 0.5 * area["width"], "y": 0.5 * area["height"]})
    settle(page)
    assert kernel("ex.session.scan") != "None"
    panel.locator(".glmw-scan").click()
    settle(page)
    assert kernel("ex.session.scan") == "None"

    # outside the mask it says so in words
    open_tab("Series")
    ask(page, "ex.session.move_to((0, 0, 0))")
    settle(page)
    assert "outside the mask" in panel.locator(".glmw-verdict").inner_text()
    screenshot(panel, f"series_outside_{look}")

    # a region is drawn on the slices: seen under the hand, in the table when the stroke ends; Escape ends it
    ask(page, "ex.session.move_to(tuple(ex.session.clusters.found[0].peaks[0].ijk))")
    open_tab("Regions")
    empty = pixels(slices)
    panel.get_by_role("button", name="draw", exact=True).click()
    settle(page)
    area = slices.bounding_box()
    x, y = area["x"] + 0.25 * area["width"], area["y"] + 0.45 * area["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 12, steps=3)
    page.wait_for_timeout(200)
    assert kernel("ex.session.settings.regions.names") == "()"  # nothing is sent while the hand draws
    assert not np.array_equal(pixels(slices), empty)
    page.mouse.up()
    settle(page)
    n = int(kernel("ex.session.regions[0].n_voxels"))
    assert n > 3
    row = panel.locator(".glmw-regions tbody tr").first.inner_text()
    assert row.split() == ["drawn", str(n), "*", "drawn", "voxels"]
    assert "while this same map was visible" in panel.locator(".glmw-read").first.inner_text()
    screenshot(page.locator(".glmw-explorer"), f"regions_{look}")
    page.keyboard.press("Escape")
    settle(page)
    assert kernel("ex.map.viewer.brush") == "0.0"
