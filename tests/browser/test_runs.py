"""Two runs as tabs and their fixed effects, by a person's hands in a real JupyterLab."""

import numpy as np
import pytest

CELL = """import glmwidgets as gw
from glmwidgets.datasets import simulate_run
runs = [simulate_run("small", seed=seed) for seed in (1, 2)]
ex = gw.explore(runs, settings={"contrast.expression": "faces", "data.smoothing_fwhm": 8.0})
ex"""


@pytest.fixture
def press(settle):
    """``press(page, name)``: go to a tab."""

    def go(page, name):
        page.locator(".glmw-run-tabs button", has_text=name).click()
        heading = {"fixed effects": "() => !!document.querySelector('.glmw-forest')"}
        page.wait_for_function(heading.get(name, "() => !document.querySelector('.glmw-forest')"), timeout=60_000)
        settle(page)

    return go


def test_what_is_asked_in_one_tab_is_asked_in_all(notebook, press, settle, pixels, ask, screenshot, look):
    page = notebook([CELL], theme=look)
    settle(page)
    first = pixels(page.locator(".glmw-slices canvas").first)
    press(page, "fixed effects")
    # The canvas is as wide as before, for nothing around it moves.
    assert not np.array_equal(pixels(page.locator(".glmw-slices canvas").first), first)
    # Three rows, each with a dot, the last in the colour of what is modelled.
    forest = pixels(page.locator(".glmw-forest canvas")).astype(int)
    orange = (forest[..., 0] > 200) & (forest[..., 2] < 90) & (forest[..., 1] < 160)
    assert orange[-60:].any()
    assert not orange[:40].any()
    contrast = page.locator(".glmw-contrast-row input").first
    contrast.fill("faces - houses")
    contrast.press("Tab")
    page.wait_for_function(
        "() => /t\\(/.test(document.querySelector('.glmw-panel .glmw-bar')?.innerText ?? '')", timeout=60_000
    )
    settle(page)
    screenshot(page.locator(".jp-OutputArea-output").last, f"runs_fixed_{look}")
    assert ask(page, "print(ex.session.result.settings.contrast.expression)") == "faces - houses"
    press(page, "run 2")
    assert page.locator(".glmw-contrast-row input").first.input_value() == "faces - houses"
    assert ask(page, "print(ex.session.run.n_scans, ex.runs.shown, ex.session.is_current)") == "120 1 True"
    page.locator(".glmw-run-tabs input[type=checkbox]").uncheck()
    settle(page)
    assert ask(page, "print(ex.runs.own)") == "(1,)"
