"""Two pages on one kernel, as two windows or a class have them: what a hand does in one is seen in both."""

import re
import time

import pytest

from benchmarks.jupyter import KERNEL_IDLE, run_all

EXPLORER = """
import glmwidgets as gw
from glmwidgets.datasets import simulate_run
ex = gw.explore(simulate_run("small"))
ex
"""
# While the states that a page asked for are gathered, the kernel goes on: the page cannot hear that yet.
HASTY = """
from types import SimpleNamespace
from ipywidgets import Widget
answer = Widget._handle_control_comm_msg
def answer_late(message):
    control = Widget._control_comm
    def send(*states, **buffers):
        ex.session.move_to(tuple(n // 3 for n in ex.session.shape))
        control.send(*states, **buffers)
    Widget._control_comm = SimpleNamespace(send=send)
    try:
        answer(message)
    finally:
        Widget._control_comm = control
Widget._handle_control_comm_msg = answer_late
"""
VIEWER = ".glmw-slices canvas"
SLIDER = ".glmw-threshold-row .glmw-slider canvas[aria-label='threshold']"
WITHIN_S = 0.5
# Where the machine has other work, each step on the way waits: from page to server to kernel and back. The same way is
# gone by a question that costs the kernel nothing, so that as many of these are allowed for.
STEPS = 10

# What the read-out says, each time that it is another, from now on.
RECORD = """() => {
  const read = document.querySelector('.glmw-slices-readout'), said = window.glmwSaid = [];
  new MutationObserver(() => {
    const words = read.firstElementChild.textContent.replace('voxel ', '');
    if (said.at(-1) !== words) said.push(words);
  }).observe(read, { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture
def pages(notebook, settle, ask, lab):
    """The explorer in a page, and the same notebook in another that was opened after it."""
    first = notebook([EXPLORER])
    settle(first)
    ask(first, HASTY)
    first.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    name = re.search(r"[\w]+\.ipynb", first.url)[0]
    second = first.context.new_page()
    errors = []
    second.on("pageerror", lambda error: errors.append(str(error)))
    second.goto(f"{lab.url}/doc/workspaces/second/tree/{name}?token={lab.token}")
    second.locator(VIEWER).first.wait_for(timeout=60_000)
    second.wait_for_timeout(1500)
    yield first, second
    second.close()
    assert errors == []


def voxel(page):
    words = page.locator(".glmw-slices-readout").first.inner_text()
    return tuple(int(n) for n in re.search(r"voxel (\d+), (\d+), (\d+)", words).groups())


def threshold(page):
    return float(page.locator(SLIDER).get_attribute("aria-valuenow"))


def label(page):
    """The panel of the map in words, which the kernel writes."""
    return page.locator(".glmw-threshold-row").inner_text()


@pytest.fixture
def agree(ask):
    """``agree(look, *pages, before=None)``: what both pages show, once they show the same and another than before."""

    def wait(look, *pages, before=None):
        began, step = time.monotonic(), 0.0
        while True:
            seen = [look(page) for page in pages]
            now = time.monotonic()
            if seen[0] == seen[1] != before:
                return seen[0]
            ask(pages[0], "pass")
            step = max(step, time.monotonic() - now)
            assert now - began < WITHIN_S + STEPS * step, (seen, before, now - began, step)

    return wait


def test_both_pages_show_what_a_hand_does_in_either(pages, ask, settle, agree):
    first, second = pages
    kernel = lambda code: ask(first, f"print({code})")  # noqa: E731
    start = agree(voxel, *pages)

    # a click in one moves the crosshair of the other
    box = first.locator(VIEWER).first.bounding_box()
    first.mouse.click(box["x"] + 0.22 * box["width"], box["y"] + 0.4 * box["height"])
    clicked = agree(voxel, *pages, before=start)

    # an arrow key in the other goes on from there, and not from where that page was
    second.locator(VIEWER).first.focus()
    second.keyboard.press("PageUp")
    stepped = agree(voxel, *pages, before=clicked)
    assert sum(abs(a - b) for a, b in zip(stepped, clicked, strict=True)) == 1
    assert kernel("tuple(ex.map.viewer.cursor)") == str(stepped)

    # a threshold that is dragged in one stands in the other: handle, label and map
    given = threshold(first)
    box = first.locator(SLIDER).bounding_box()
    middle = box["y"] + box["height"] / 2
    first.mouse.move(box["x"] + 0.3 * box["width"], middle)
    first.mouse.down()
    first.mouse.move(box["x"] + 0.6 * box["width"], middle, steps=20)
    first.mouse.up()
    dragged = agree(threshold, *pages, before=given)
    settle(first)
    agree(label, *pages)
    # The handle stays under the hand, whatever is said beside it.
    now = first.locator(SLIDER).bounding_box()
    assert (now["x"], now["width"], now["height"]) == (box["x"], box["width"], box["height"])
    assert abs(now["y"] - box["y"]) < 1.5
    assert kernel("round(ex.map.slider.value, 4)") == str(round(dragged, 4))

    # and goes on from there in the other
    second.locator(SLIDER).focus()
    second.keyboard.press("ArrowRight")
    assert agree(threshold, *pages, before=dragged) > dragged
    settle(second)
    agree(label, *pages)


def test_a_hand_that_drags_is_never_thrown_back_by_its_own_echo(pages, agree):
    first, second = pages
    first.bring_to_front()  # a page behind another is painted once in a second, and each move of the hand waits for it
    first.evaluate(RECORD)
    box = first.locator(VIEWER).first.bounding_box()
    y = box["y"] + 0.4 * box["height"]
    first.mouse.move(box["x"] + 0.12 * box["width"], y)
    first.mouse.down()
    for k in range(60):  # slow enough for many answers on the way
        first.mouse.move(box["x"] + (0.12 + 0.2 * k / 60) * box["width"], y)
        first.wait_for_timeout(30)
    first.mouse.up()
    first.wait_for_timeout(600)
    said = [[int(n) for n in words.split(",")] for words in first.evaluate("() => window.glmwSaid")]
    moved = [axis for axis in range(3) if len({place[axis] for place in said}) > 3]
    assert len(moved) == 1
    path = [place[moved[0]] for place in said]
    assert path in (sorted(path), sorted(path, reverse=True))
    second.bring_to_front()
    agree(voxel, *pages)


def test_a_page_loaded_anew_shows_the_explorer_of_a_cell_that_is_run_again(notebook, settle, lab):
    first = notebook([EXPLORER])
    settle(first)
    name = re.search(r"[\w]+\.ipynb", first.url)[0]  # not saved: the page that comes has no output of it
    second = first.context.new_page()
    second.goto(f"{lab.url}/doc/workspaces/anew/tree/{name}?token={lab.token}")
    second.wait_for_function(KERNEL_IDLE, timeout=60_000)
    second.wait_for_timeout(1500)  # what the kernel holds is restored
    run_all(second)
    second.locator(VIEWER).first.wait_for(timeout=60_000)
    settle(second)
    second.wait_for_timeout(1500)
    assert second.locator(VIEWER).first.is_visible()
    second.close()
