"""The explorer as ``glmwidgets app`` serves it: full page, in either theme, and its controls reach the kernel."""

import subprocess
import time
import urllib.request
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("voila")

from glmwidgets.cli import app
from glmwidgets.cli.app import running_app
from glmwidgets.datasets import simulate_run

IDLE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"


def test_a_page_of_its_own_whose_slider_is_answered(tmp_path, page, pixels, screenshot, serious):
    data, run = tmp_path / 'a folder\'s "data"', simulate_run("small")
    data.mkdir()
    nib.save(run.img, data / "bold.nii.gz")
    run.events.to_csv(data / "events.tsv", sep="\t", index=False)
    chosen = {"bold": str(data / "bold.nii.gz"), "events": str(data / "events.tsv"), "t_r": run.t_r}
    page.set_default_timeout(90_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    warned = []
    page.on("console", lambda message: warned.append(message.text) if message.type == "warning" else None)
    far = []
    page.on("request", lambda request: far.append(request.url) if _is_far(request.url) else None)
    with running_app(chosen, theme="dark") as (_, base, token):
        with urllib.request.urlopen(f"{base}/", timeout=60) as answer:
            assert "/login" in answer.url  # without the token nobody gets in
        page.goto(f"{base}/?token={token}")
        page.wait_for_function(IDLE)
        assert page.locator(".glmw-explorer").bounding_box()["width"] > 1200  # of 1280
        # The explorer is as tall as the window, and the page has nothing to scroll.
        rooms = "[document.documentElement, document.getElementById('rendered_cells')]"
        assert page.evaluate(f"() => {rooms}.every((room) => room.scrollHeight <= innerHeight)")
        assert page.evaluate("() => document.body.dataset.jpThemeLight") == "false"
        rates = page.locator(".glmw-threshold-row .glmw-note")
        before, painted = rates.inner_text(), pixels(page.locator(".glmw-slices canvas").first)
        slider = page.locator(".glmw-threshold-row .glmw-slider canvas").first.bounding_box()
        page.mouse.move(slider["x"] + 0.3 * slider["width"], slider["y"] + slider["height"] / 2)
        page.mouse.down()
        page.mouse.move(slider["x"] + 0.5 * slider["width"], slider["y"] + slider["height"] / 2, steps=5)
        page.mouse.up()
        # p and q are the kernel's to say.
        page.wait_for_function(
            "(before) => document.querySelector('.glmw-threshold-row .glmw-note').innerText !== before", arg=before
        )
        page.wait_for_function(IDLE)
        assert not np.array_equal(pixels(page.locator(".glmw-slices canvas").first), painted)
        screenshot(page, "app_dark")
        assert serious(page, "html") == []
        # What is kept goes to the person: the kernel's folder is gone when the app ends.
        with page.expect_download() as kept:
            page.get_by_role("button", name="Keep").click()
            page.get_by_role("menuitem", name="the table of clusters").click()
        assert kept.value.suggested_filename == "clusters.tsv"
        assert Path(kept.value.path()).read_text().startswith("cluster_id\t")
    assert errors == []
    assert warned == []
    assert far == []


# What anywidget (0.11) waits for a widget's module before it gives the widget up: here no module is in time.
NO_PATIENCE = """
const timeout = AbortSignal.timeout.bind(AbortSignal);
AbortSignal.timeout = (ms) => timeout(ms === 2000 ? 0 : ms);
"""


def test_widgets_whose_modules_come_late_hear_the_kernel(page):
    page.set_default_timeout(90_000)
    page.add_init_script(NO_PATIENCE)
    given_up = []
    page.on("pageerror", lambda error: given_up.append(str(error)))
    with running_app() as (_, base, token):
        page.goto(f"{base}/?token={token}")
        page.wait_for_function(IDLE)
        assert any("Failed to initialize model" in each for each in given_up)
        # The map and the table have what was computed after they were made, and follow a key.
        place = page.locator(".glmw-slices-readout").first
        page.wait_for_function("() => /z .*[0-9]/.test(document.querySelector('.glmw-slices-readout').innerText)")
        page.locator(".glmw-table td", has_text="1a").first.wait_for()
        before = place.inner_text()
        page.locator(".glmw-slices canvas").first.focus()
        page.keyboard.press("k")
        page.keyboard.press("n")
        page.wait_for_function(
            "(before) => document.querySelector('.glmw-slices-readout').innerText !== before", arg=before
        )


def _is_far(url):
    return not url.startswith(("data:", "blob:")) and "://localhost" not in url


@pytest.fixture
def hasty(monkeypatch):
    """Kernels without a page go after three seconds."""
    usual = app._configuration

    def configuration(token, most):
        tree = usual(token, most)
        tree["AppKernels"] |= {"cull_idle_timeout": 3, "cull_interval": 1}
        return tree

    monkeypatch.setattr(app, "_configuration", configuration)


def kernels(server):
    """How many kernels a server has."""
    listed = subprocess.run(["ps", "--ppid", str(server.pid), "-o", "args="], capture_output=True, text=True)
    return sum("ipykernel_launcher" in line for line in listed.stdout.splitlines())


def until(true, seconds=60):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_kernels_live_as_long_as_their_pages(context, hasty):
    def visit(page):
        page.set_default_timeout(90_000)
        answer = page.goto(f"{base}/?token={token}")
        if answer.status == 200:
            page.wait_for_function(IDLE)
        return answer.status

    first, second = context.new_page(), context.new_page()
    with running_app(most=1) as (server, base, token):
        assert visit(first) == 200
        # a page above those that may be open is refused in words, and starts nothing
        assert visit(second) == 503
        assert "1 page is open, which is the limit (--most)" in second.locator("body").inner_text()
        assert kernels(server) == 1
        # one that idles for longer than a kernel may without a page is still answered
        time.sleep(8)
        map_ = first.locator(".glmw-slices canvas").first
        place = first.locator(".glmw-slices-readout").first
        before, box = place.inner_text(), map_.bounding_box()
        first.mouse.click(box["x"] + 0.22 * box["width"], box["y"] + 0.4 * box["height"])
        until(lambda: place.inner_text() != before)
        assert kernels(server) == 1
        # one that is left says goodbye
        first.goto("about:blank")
        until(lambda: kernels(server) == 0)
        # and one that ends without a word is missed
        assert visit(second) == 200
        second.route("**/voila/api/shutdown/**", lambda route: route.abort())
        second.goto("about:blank")
        until(lambda: kernels(server) == 0)
