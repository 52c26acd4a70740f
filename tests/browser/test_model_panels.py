"""Data, drift, confounds and noise by a person's hands in a real JupyterLab: what is set is what is seen."""

import time

import numpy as np
import pytest

CELL = """import numpy as np
import glmwidgets as gw
from glmwidgets.datasets import simulate_run
head = simulate_run("small", rho=0.7, white_share=0.0)
n, rng = head.img.shape[3], np.random.default_rng(0)
table = head.confounds.copy()
table["framewise_displacement"] = np.where(np.isin(np.arange(n), [12, 13]), 0.9, 0.1)
table["std_dvars"] = 1 + rng.normal(0, 0.05, n)
for k in range(7):
    table[f"a_comp_cor_{k:02d}"] = rng.normal(size=n)
ex = gw.explore(head.img, head.events, head.t_r, confounds=table)
ex"""


def inputs(panel, label):
    return panel.locator(".glmw-field", has_text=label).locator("input").first


@pytest.fixture
def fill(settle):
    """``fill(page, place, value)``: type a value and press Enter."""

    def write(page, place, value):
        place.fill(value)
        place.press("Enter")
        settle(page)

    return write


@pytest.fixture
def until(ask, settle):
    """``until(page, code, holds)``: ask the kernel until what it prints is right."""

    def wait(page, code, holds, seconds=30):
        deadline = time.monotonic() + seconds
        while not holds(said := ask(page, f"print({code})")):
            assert time.monotonic() < deadline, f"{code} is {said}"
            page.wait_for_timeout(100)
        settle(page)

    return wait


def is_drawn(pixels, canvas):
    """Whether a canvas has more than its ground on it."""
    return len(np.unique(pixels(canvas).reshape(-1, 3), axis=0)) > 8


@pytest.fixture
def opened(notebook, settle, look):
    page = notebook([CELL], theme=look)
    settle(page)
    return page


def test_what_is_done_to_the_data_and_explained_away(opened, fill, settle, until, ask, pixels, screenshot, look, panel):
    page = opened
    data, drift = panel(page, "Data"), panel(page, "Drift")

    fill(page, inputs(data, "scans to drop"), "4")
    until(page, "ex.session.result.design.index[0]", lambda said: said == "8.0")
    assert "left, from 8 s on" in data.inner_text()
    handle = data.locator(".noUi-handle")
    before = int(ask(page, "print(ex.session.result.z.size)"))
    handle.focus()
    for _ in range(4):
        handle.press("ArrowLeft")
    until(page, "ex.session.result.z.size", lambda said: int(said) > before)
    until(page, "ex.session.settings.data.mask_cut", lambda said: abs(float(said) - 0.8) < 1e-9)
    assert "mask threshold × 0.80" in data.inner_text()

    canvas = drift.locator("canvas")
    assert is_drawn(pixels, canvas)
    plot = pixels(canvas)
    fill(page, inputs(drift, "in Hz"), "0.04")
    until(page, "ex.session.result.settings.design.high_pass", lambda said: said == "0.04")
    assert inputs(drift, "high-pass").input_value() == "25"
    settle(page)
    assert not np.array_equal(pixels(canvas), plot)
    assert "% of" in drift.locator(".glmw-verdict").inner_text()
    screenshot(page.locator(".glmw-left"), f"model_{look}")


def test_confounds_and_noise(opened, settle, until, pixels, screenshot, look, panel):
    page = opened
    confounds, noise = panel(page, "Confounds"), panel(page, "Noise")

    confounds.locator("select").first.select_option(label="24, with squares")
    settle(page)
    confounds.locator("label", has_text="aCompCor").locator("input").click()
    settle(page)
    confounds.locator("label", has_text="scrub FD").locator("input").click()
    settle(page)
    wanted = {"rot_z_derivative1_power2", "a_comp_cor_04", "censored_12", "censored_13"}
    until(page, "*ex.session.result.design.columns", lambda said: wanted <= set(said.split()))
    assert "5 of 7" in confounds.inner_text()
    assert "2 scans scrubbed" in confounds.inner_text()
    confounds.get_by_text("columns, plot").click()
    settle(page)
    assert is_drawn(pixels, confounds.locator("canvas"))

    noise.locator("select").first.select_option(label="OLS (white)")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.glmw-verdict')].some((v) => /% not white/.test(v.textContent))",
        timeout=30_000,
    )
    settle(page)
    assert noise.locator("select").nth(1).is_disabled()
    assert is_drawn(pixels, noise.locator("canvas"))
    noise.get_by_text("try AR(1) REML").click()
    until(page, "ex.session.result.fit.noise_model", lambda said: said == "ar1-reml")
    assert noise.locator("select").nth(1).evaluate("(s) => s.selectedIndex") == 0
    canvas = page.locator(".glmw-slices canvas").first
    before = pixels(canvas)
    noise.get_by_text("ρ map").click()
    until(page, "ex.session.settings.map.statistic", lambda said: said == "rho")
    settle(page)
    assert not np.array_equal(pixels(canvas), before)
    screenshot(page.locator(".glmw-left"), f"confounds_noise_{look}")
