"""Five hundred things that a person might do, in an order that no one would: nothing breaks, nothing grows.

GLMWIDGETS_SOAK sets their number: 150 where every change is checked.
"""

import os

import numpy as np

ACTIONS = int(os.environ.get("GLMWIDGETS_SOAK", "500"))
SEED = 20
SETTLE_EVERY = 25

CELL = """import ctypes, gc, logging
import ipywidgets
import glmwidgets as gw
from glmwidgets.datasets import simulate_run
from glmwidgets.panels.parts.lazy_widgets import Waits
from glmwidgets.panels.parts.widgets import is_shared

said = []
class Listen(logging.Handler):
    def emit(self, record):
        said.append(self.format(record))
logging.getLogger("glmwidgets").addHandler(Listen(logging.ERROR))

def widgets():  # layouts and styles that many share are made when the first wants one, and are few
    return sum(not is_shared(each) for each in ipywidgets.widgets.widget._instances.values())

def kinds():
    return [repr(each)[:80] for each in ipywidgets.widgets.widget._instances.values() if not is_shared(each)]

def resident_mib():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))

def close():
    global ex
    ex.close()
    del ex
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what the allocator keeps for later is no leak

ex = gw.explore(simulate_run())
ex"""

# Everything in the explorer that answers to a hand, in the order of the page; what leaves the page is left out.
CONTROLS = """() => {
  for (const e of document.querySelectorAll('[data-soak]')) delete e.dataset.soak;
  return [...document.querySelectorAll(
    '.glmw-explorer select, .glmw-explorer input, .glmw-explorer button, .glmw-explorer .noUi-handle, ' +
    '.glmw-explorer canvas, .glmw-explorer tbody tr, .glmw-explorer summary'
  )].filter((e) => {
    const box = e.getBoundingClientRect();
    return !e.disabled && box.width > 3 && box.height > 3 && !/save|export|report|lock/i.test(e.textContent);
  }).map((e, i) => { e.dataset.soak = i; return [i, e.tagName, e.type ?? '', e.className]; });
}"""
# Parts that are made, or told to the page, when they are first wanted, all of them.
MAKE_ALL = """ex.session.wait_until_idle(60)
first = ex.session.settings
ex.events.editor, ex.map.look
ex.hrf.more.value = True
ex.hrf.more.value = False
ex.session.pin()
ex.session.unpin()
ex.session.update({"series.tab": "regions"})
ex.session.wait_until_idle(60)
ex.session.update({"series.tab": first.series.tab})
with ex.session.lock:
    for each in gc.get_objects():
        if isinstance(each, Waits):
            each.wait_no_more()"""
# Back to the first model, and sliders of columns put away: what is counted is counted in the same state.
COME_HOME = """ex.contrasts.weigh.value = False
ex.session.update({path: value for path, (_, value) in first.changes_from(ex.session.settings).items()})"""
EXPRESSIONS = [
    "a",
    "b",
    "face",
    "house",
    "face - house",
    "face; house",
    "nonsense +",
    "",
    "(face + house) / 2",
    "<b>x</b>",
]


class Gone(Exception):
    """What was seen is no longer there."""


def act(page, rng):
    """Do one thing to a control drawn by chance; one that is replaced meanwhile is not waited for."""
    controls = page.evaluate(CONTROLS)
    number, tag, kind, css = controls[rng.integers(len(controls))]
    target = page.query_selector(f"[data-soak='{number}']")
    if target is None:
        raise Gone
    quick = {"timeout": 2000, "force": True, "no_wait_after": True}
    if tag == "SELECT":
        options = target.evaluate("(s) => s.options.length")
        target.select_option(index=int(rng.integers(options)), timeout=2000, force=True)
    elif tag == "INPUT" and kind in ("checkbox", "radio"):
        target.click(**quick)
    elif tag == "INPUT" and kind == "number":
        value = target.input_value(timeout=2000)
        try:
            number = float(value)
        except ValueError:
            number = 1.0
        target.fill(f"{number * rng.choice([0.5, 0.9, 1.1, 2]):.4g}", timeout=2000, force=True)
        target.press("Enter", timeout=2000)
    elif tag == "INPUT":
        target.fill(EXPRESSIONS[rng.integers(len(EXPRESSIONS))], timeout=2000, force=True)
        target.press("Enter", timeout=2000)
    elif "noUi-handle" in css:
        target.focus()
        for _ in range(rng.integers(1, 6)):
            page.keyboard.press("ArrowRight" if rng.random() < 0.5 else "ArrowLeft")
    elif tag == "CANVAS":
        box = target.bounding_box()
        if box is None:
            raise Gone
        x, y = box["x"] + rng.random() * box["width"], box["y"] + rng.random() * box["height"]
        if rng.random() < 0.5:
            page.mouse.click(x, y)
        else:
            page.mouse.move(x, y)
            page.mouse.wheel(0, 120 if rng.random() < 0.5 else -120)
    else:
        target.click(**quick)


def settle(page, ask):
    page.wait_for_timeout(200)
    ask(page, "ex.session.wait_until_idle(60)")
    page.wait_for_timeout(300)


def heap_mib(page):
    """What the page's scripts hold, MiB, once what they let go of is swept away."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    used = devtools.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    devtools.detach()
    return used


def test_hundreds_of_actions_leave_nothing_behind(notebook, page, ask, screenshot):
    from playwright.sync_api import Error

    notebook([CELL])
    page.wait_for_selector(".glmw-slices canvas")
    ask(page, MAKE_ALL)
    rng = np.random.default_rng(SEED)
    fresh = int(ask(page, "print(resident_mib())"))
    counts, done, missed = [], 0, 0
    while done < ACTIONS:
        page.wait_for_timeout(60)
        try:
            act(page, rng)
        except (Error, Gone):  # between being seen and being touched, as it may for a person
            missed += 1
            assert missed < ACTIONS
            continue
        done += 1
        if done % SETTLE_EVERY == 0:
            settle(page, ask)
        if done in (ACTIONS // 2, ACTIONS):
            ask(page, COME_HOME)
            settle(page, ask)
            count, resident = (int(ask(page, f"print({what}())")) for what in ("widgets", "resident_mib"))
            counts.append((count, resident, heap_mib(page)))
    screenshot(page.locator(".glmw-explorer"), "explorer_after_soak")
    (widgets, kernel, heap), (widgets_later, kernel_later, heap_later) = counts
    print(f"widgets {widgets} → {widgets_later}, kernel {kernel} → {kernel_later} MiB")
    print(f"page {heap:.0f} → {heap_later:.0f} MiB")
    print(f"{missed} went away before they were touched, beside {done}")
    assert ask(page, "print(said)") == "[]"
    assert ask(page, "print(ex.session.is_current, ex.session.status.state)") == "True idle"
    assert widgets_later <= widgets
    assert heap_later < heap + 40
    assert kernel_later < 1600, "versions of the data and products have budgets, and a Binder session has 2 GiB"
    ask(page, "close()")
    page.wait_for_timeout(1000)
    closed, left = int(ask(page, "print(resident_mib())")), ask(page, "print(kinds())")
    print(f"closed: kernel {closed} MiB")
    assert closed < fresh + 200, "half a MiB an action would be more"
    assert left == "[]"
