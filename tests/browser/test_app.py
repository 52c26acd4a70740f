"""The explorer as ``glmwidgets app`` serves it: full page, in either theme, and its controls reach the kernel."""

import urllib.request
from pathlib import Path

import nibabel as nib
import pytest

pytest.importorskip("voila")

from glmwidgets.cli.app import running_app
from glmwidgets.datasets import simulate_run

IDLE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"


def test_a_page_of_its_own_whose_slider_is_answered(tmp_path, page, pixels, screenshot):
    data, run = tmp_path / 'a folder\'s "data"', simulate_run("small")
    data.mkdir()
    nib.save(run.img, data / "bold.nii.gz")
    run.events.to_csv(data / "events.tsv", sep="\t", index=False)
    chosen = {"bold": str(data / "bold.nii.gz"), "events": str(data / "events.tsv"), "t_r": run.t_r}
    page.set_default_timeout(90_000)
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    far = []
    page.on("request", lambda request: far.append(request.url) if _is_far(request.url) else None)
    with running_app(chosen, theme="dark") as (_, base, token):
        with urllib.request.urlopen(f"{base}/", timeout=60) as answer:
            assert "/login" in answer.url  # without the token nobody gets in
        page.goto(f"{base}/?token={token}")
        page.wait_for_function(IDLE)
        assert page.locator(".glmw-explorer").bounding_box()["width"] > 1200  # of 1280
        assert page.evaluate("() => document.body.dataset.jpThemeLight") == "false"
        rates = page.locator(".glmw-threshold-row .glmw-note")
        before, painted = rates.inner_text(), pixels(page.locator(".glmw-slices canvas").first)
        slider = page.locator(".glmw-threshold-row .glmw-slider canvas").bounding_box()
        page.mouse.move(slider["x"] + 0.3 * slider["width"], slider["y"] + slider["height"] / 2)
        page.mouse.down()
        page.mouse.move(slider["x"] + 0.5 * slider["width"], slider["y"] + slider["height"] / 2, steps=5)
        page.mouse.up()
        # p and q are the kernel's to say.
        page.wait_for_function(
            "(before) => document.querySelector('.glmw-threshold-row .glmw-note').innerText !== before", arg=before
        )
        page.wait_for_function(IDLE)
        assert (pixels(page.locator(".glmw-slices canvas").first) != painted).any()
        screenshot(page, "app_dark")
        # What is kept goes to the person: the kernel's folder is gone when the app ends.
        with page.expect_download() as kept:
            page.get_by_text("save as TSV").click()
        assert kept.value.suggested_filename == "clusters.tsv"
        assert Path(kept.value.path()).read_text().startswith("cluster_id\t")
    assert errors == []
    assert far == []


def _is_far(url):
    return not url.startswith(("data:", "blob:")) and "://localhost" not in url
