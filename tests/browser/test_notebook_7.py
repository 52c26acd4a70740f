"""Notebook 7, which shows widgets in another front end of Jupyter's: what hands do there, the kernel hears."""

import re

import pytest

from benchmarks.jupyter import ALL_RUN, KERNEL_IDLE, RUN_ALL, ask

pytest.importorskip("notebook", reason="needs Notebook 7, of the test extra")

CELLS = [
    "import glmwidgets as gw\nfrom glmwidgets.datasets import simulate_run",
    'ex = gw.explore(simulate_run("small"), settings={"contrast.expression": "faces - houses"})\nex',
]


def test_a_click_and_a_drag_are_answered(lab, context, settle):
    from playwright.sync_api import expect

    page, errors = context.new_page(), []
    name = lab.write(CELLS)
    page.goto(f"{lab.url}/notebooks/{name}?token={lab.token}")
    page.wait_for_function(KERNEL_IDLE, timeout=90_000)
    # What Notebook itself throws while it opens, of a plugin without settings here, is not ours.
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.evaluate(RUN_ALL)
    page.wait_for_function(ALL_RUN, timeout=90_000)
    settle(page)
    slices = page.locator(".glmw-slices canvas").first
    slices.scroll_into_view_if_needed()
    before = ask(page, "print(ex.session.cursor)")
    # The map itself comes in messages of its own, after the words: before it is there, no place can be clicked.
    expect(page.locator(".glmw-slices-readout").first).to_contain_text(before.strip("() \n"), timeout=60_000)
    box = slices.bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.45 * box["height"])
    settle(page)
    after = ask(page, "print(ex.session.cursor)")
    assert after != before
    x, y, z = re.findall(r"\d+", after)
    assert f"{x}, {y}, {z}" in page.locator(".glmw-slices-readout").first.inner_text()
    rates = page.locator(".glmw-threshold-row .glmw-note")
    said, slider = rates.inner_text(), page.locator(".glmw-threshold-row .glmw-slider canvas").first
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    settle(page)
    assert rates.inner_text() != said
    assert errors == []
