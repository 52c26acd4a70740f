"""The explorer as a person uses it: a real run in a real JupyterLab, every action by mouse and keyboard."""

import re

import numpy as np
import pytest

FAILED = "() => document.querySelector('.glmw-status .glmw-failed') !== null"


def open_cells(visloc_dir):
    stem = str(visloc_dir / "sub-02_task-oneback_run-1_")
    return [
        "import glmwidgets as gw\n"
        f"ex = gw.explore({stem + 'bold.nii.gz'!r}, events={stem + 'events.tsv'!r}, t_r=2.0,\n"
        "                settings={'contrast.expression': 'face - house', 'data.smoothing_fwhm': 5.0})\n"
        "ex"
    ]


class Hands:
    """What a person does with the explorer, and what they see of it."""

    def __init__(self, page, settle, pixels, ask, panel):
        self.page, self._settle, self._pixels, self._ask, self._panel = page, settle, pixels, ask, panel
        self.canvas = page.locator(".glmw-slices canvas").first
        self.settle()

    def settle(self):
        self._settle(self.page)

    def picture(self):
        return self._pixels(self.canvas)

    def kernel(self, expression):
        return self._ask(self.page, f"print({expression})")

    def panel(self, title):
        return self._panel(self.page, title)

    def status(self):
        return self.page.locator(".glmw-status").inner_text()


@pytest.fixture
def hands(notebook, visloc_dir, settle, pixels, ask, panel, look):
    """The explorer on the whole localizer run, shown and fitted."""
    return Hands(notebook(open_cells(visloc_dir), theme=look), settle, pixels, ask, panel)


def test_every_control_answers_on_a_whole_run(hands, screenshot, look):
    page = hands.page
    screenshot(page.locator(".glmw-explorer"), f"explorer_{look}")

    # the threshold repaints as it is dragged, and the clusters follow
    before, rows = hands.picture(), hands.panel("Clusters").locator("tbody tr").count()
    box = page.locator(".glmw-threshold-row .glmw-slider canvas").first.bounding_box()
    page.mouse.move(box["x"] + 0.26 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + box["height"] / 2, steps=12)
    page.mouse.up()
    hands.settle()
    assert not np.array_equal(hands.picture(), before)
    assert hands.panel("Clusters").locator("tbody tr").count() < rows
    assert float(hands.kernel("ex.session.result.threshold")) > 4
    assert "fixed" in page.locator(".glmw-choices select").first.evaluate("s => s.selectedOptions[0].text")

    # response, noise and contrast each change the map
    for title, choice in [("Response", "Glover"), ("Noise", "OLS (white)")]:
        before = hands.picture()
        hands.panel(title).locator("select").first.select_option(label=choice)
        hands.settle()
        assert not np.array_equal(hands.picture(), before), title
    assert re.search(r"fit \d+ ms.* paint \d", hands.status().replace("\n", " ")), hands.status()
    contrast = page.locator(".glmw-contrast-row input")
    before = hands.picture()
    contrast.fill("scene - object")
    hands.settle()
    assert not np.array_equal(hands.picture(), before)
    assert hands.kernel("ex.session.result.settings.contrast.expression") == "scene - object"

    # a click on a voxel moves the crosshair and the series
    verdict, cursor = page.locator(".glmw-series-head .glmw-verdict"), hands.kernel("ex.session.cursor")
    said = verdict.inner_text()
    area = hands.canvas.bounding_box()
    for across, down in ((0.4, 0.45), (0.25, 0.55)):  # of the brain, as its planes lie in a tall and in a wide window
        page.mouse.click(area["x"] + across * area["width"], area["y"] + down * area["height"])
        hands.settle()
        if "outside" not in verdict.inner_text():
            break
    assert hands.kernel("ex.session.cursor") != cursor
    assert verdict.inner_text() != said
    drawn = "np.frombuffer(ex.series.chart.plots[0]['parts'][0]['y'], 'f4')"
    far = f"bool(abs({drawn} - ex.session.series().data).max() > 1e-4)"
    assert hands.kernel(f"(np := __import__('numpy')) and {far}") == "False"

    # a row of the table takes the crosshair to its peak
    hands.panel("Clusters").locator("tbody tr").first.click()
    hands.settle()
    peak = hands.kernel("ex.session.clusters.found[0].peaks[0].ijk")
    assert hands.kernel("ex.session.cursor") == peak
    assert "glmw-here" in hands.panel("Clusters").locator("tbody tr").first.get_attribute("class")


def test_a_wrong_contrast_speaks_beside_its_field_and_the_map_stays(hands, screenshot, look):
    page = hands.page
    hands.panel("Clusters").locator("tbody tr").first.click()
    hands.settle()
    kept = hands.kernel("id(ex.session.result)")
    page.locator(".glmw-contrast-row input").fill("face - huose")
    page.wait_for_function(FAILED, timeout=20_000)
    page.wait_for_timeout(300)
    panel = page.locator(".glmw-panel", has=page.locator(".glmw-contrast-row"))
    message = panel.locator(".glmw-error")
    assert message.is_visible()
    assert "did you mean 'house'" in message.inner_text()
    assert hands.kernel("id(ex.session.result)") == kept
    screenshot(page.locator(".glmw-explorer"), f"explorer_wrong_contrast_{look}")
    page.locator(".glmw-contrast-row input").fill("face - house")
    hands.settle()
    assert not message.is_visible()


@pytest.mark.parametrize("width", [700, 1800])
def test_nothing_is_clipped_from_narrow_to_wide_in_the_dark(
    notebook, visloc_dir, page, settle, pixels, ask, screenshot, width, panel
):
    page.set_viewport_size({"width": width, "height": 1300})
    hands = Hands(notebook(open_cells(visloc_dir), theme="dark"), settle, pixels, ask, panel)
    explorer = page.locator(".glmw-explorer")
    screenshot(explorer, f"explorer_dark_{width}")
    overflow = explorer.evaluate(
        "(el) => [...el.querySelectorAll('.glmw-panel:not(.glmw-folded)')]"
        ".filter((p) => p.scrollWidth > p.clientWidth + 2).map((p) => p.innerText)"
    )
    assert overflow == []
    assert explorer.evaluate("(el) => el.scrollWidth <= el.clientWidth + 2")
    ink = hands.panel("Noise").locator(".glmw-title").evaluate("(el) => getComputedStyle(el).color")
    assert min(int(c) for c in ink[4:-1].split(",")[:3]) > 150
