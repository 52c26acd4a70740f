"""A real JupyterLab in a real Chromium, for tests of what a person sees.

One server and one page for each pytest process; a notebook and a kernel of its own for each test, so that no test sees
what another did. A test takes `notebook`, calls it with the source of some cells and has a page with every cell run.
Any error in the browser's console fails the test. A page on which a test failed is not used again. A test that takes
`context`, or no notebook, has a page of its own. Where there is no browser the tests here are skipped, unless
GLMWIDGETS_REQUIRE_BROWSER=1 makes that a failure.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import os
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from benchmarks import jupyter

HERE = Path(__file__).parent
NEEDED = ("playwright", "pytest_playwright", "jupyterlab", "ipykernel", "anywidget", "nbformat", "PIL")
VIEWPORT = {"width": 1280, "height": 1300}
CELLS_S = 120
# What cells import is imported when a kernel starts, which is while the test before still runs.
STARTUP = """from importlib import import_module as _module
for _name in ("glmwidgets.datasets", "glmwidgets.panels.parts.slices"):
    _module(_name)
for _name in ("explore", "explore_group", "explore_study"):
    getattr(_module("glmwidgets"), _name)
del _module, _name
"""
FAILED = pytest.StashKey[bool]()

SERIOUS = """async (where) => (await axe.run(where)).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`))
"""
UP_TO_DATE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"
# The kernel takes messages in their order: once it has answered this, it has heard all that came before.
# What a map is awaited for is said a moment later: that the explorer works, too.
HEARD = """async () => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  await kernel.requestExecute({ code: 'import time; time.sleep(0.13)', store_history: false }).done;
}"""
# ipywidgets 8.1 tells a view of its size after the layout has come, though the view may be gone by then.
LATE_RESIZE = "Cannot read properties of null (reading 'processLuminoMessage')"
# JupyterLab says this of what it still asked of a kernel whose notebook is closed: that of the test before.
CLOSED_BEFORE_ANSWER = "message before replies were done"


@lru_cache
def what_is_missing() -> str | None:
    """Why browser tests cannot run here, in one line; None if they can."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        return f"browser tests need {', '.join(absent)}: install the extras lab and test"
    if jupyter.browser_path() is None:
        named = ", ".join(jupyter.BROWSERS)
        return f"browser tests need Chromium: none of {named} on PATH, and CHROMIUM names no program"
    return None


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    missing = what_is_missing()
    if missing and os.environ.get("GLMWIDGETS_REQUIRE_BROWSER") == "1":
        pytest.fail(missing, pytrace=False)
    elif missing:
        pytest.skip(missing)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": jupyter.browser_path(), "args": jupyter.BROWSER_ARGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "viewport": VIEWPORT}


@pytest.fixture
def first_time(context):
    """For a test of what a person sees who never was here: pages that a program drives show no tour."""
    context.add_init_script("Object.defineProperty(navigator, 'webdriver', { get: () => false })")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or not report.passed
    return report


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab on a free port, with no configuration but its own."""
    root, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    with jupyter.running_lab(root, home, startup=STARTUP) as lab:
        yield lab


@pytest.fixture(scope="session")
def shared_pages():
    """The page that tests share, while none has it; empty before the first test, and after one that failed."""
    return []


@pytest.fixture
def is_shared(request):
    """Whether a test's page is the one that tests share."""
    return "notebook" in request.fixturenames and "context" not in request.fixturenames


@pytest.fixture
def page(request, is_shared, shared_pages):
    """A page: the shared one, as if it were new, or one of the test's own."""
    if not is_shared:
        yield request.getfixturevalue("context").new_page()
        return
    if shared_pages:
        page = shared_pages.pop()
        page.set_viewport_size(VIEWPORT)
        page.mouse.move(0, 0)
    else:
        new_context = request.getfixturevalue("browser").new_context
        page = new_context(**request.getfixturevalue("browser_context_args")).new_page()
    yield page
    if request.node.stash.get(FAILED, True):
        page.context.close()
    else:
        shared_pages.append(page)


@pytest.fixture
def notebook(request, lab, page, is_shared):
    """``notebook(cells, theme="light") -> page``: a page whose cells have all run without an error.

    The test fails when anything was written to the browser's console as an error, or thrown in the page.
    """
    errors = []

    def thrown(error):
        errors.append(str(error))

    def written(message):
        if message.type == "error":
            errors.append(message.text)

    page.on("pageerror", thrown)
    page.on("console", written)

    def open_notebook(cells, theme="light"):
        jupyter.open_notebook(page, lab, cells, theme, stay=is_shared)
        # The kernel of the next test starts while the page is looked at.
        lab.start_kernel()
        return page

    yield open_notebook
    found = [error for error in errors if not any(known in error for known in (LATE_RESIZE, CLOSED_BEFORE_ANSWER))]
    request.node.stash[FAILED] |= bool(found)
    jupyter.close_notebooks(page)
    page.remove_listener("pageerror", thrown)
    page.remove_listener("console", written)
    assert found == []


@pytest.fixture(params=[("light", 1500), ("dark", 700)], ids=["light-1500", "dark-700"])
def look(request, page):
    """Theme for `notebook`, on a page of one width: what hands do is done light and wide, and dark and narrow."""
    theme, width = request.param
    page.set_viewport_size({"width": width, "height": 1300})
    return theme


@pytest.fixture
def ask():
    """``ask(page, code) -> str``: run code in the page's kernel and give what it printed."""

    return jupyter.ask


@pytest.fixture
def panel():
    """``panel(page, title) -> locator``: the panel of this heading, unfolded."""

    def find(page, title):
        found = page.locator(".glmw-panel", has=page.locator(".glmw-title", has_text=title)).first
        if "glmw-folded" in (found.get_attribute("class") or ""):
            found.locator("> .glmw-head").click()
            found.locator("> .lm-Widget:not(.glmw-head)").first.wait_for(state="attached")
        return found

    return find


@pytest.fixture
def settle():
    """``settle(page, ms=300)``: wait until the explorer has heard what hands did, answered, and painted for so long."""

    def wait(page, ms=300):
        # Twice, for a control that waits for an answer holds back what comes after.
        for _ in range(2):
            page.wait_for_timeout(100)
            page.evaluate(HEARD)
        page.wait_for_function(UP_TO_DATE, timeout=1000 * CELLS_S)
        page.wait_for_timeout(ms)

    return wait


@pytest.fixture
def pixels():
    """``pixels(locator) -> uint8 array (height, width, 3)``: what an element looks like now.

    A canvas is read out, so that nothing above it is seen and its own pixels are not resampled.
    """
    from PIL import Image

    def look(locator):
        if locator.evaluate("(element) => element.tagName") == "CANVAS":
            png = base64.b64decode(locator.evaluate("(canvas) => canvas.toDataURL()").split(",")[1])
        else:
            png = locator.screenshot()
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))

    return look


@pytest.fixture
def serious():
    """``serious(page, selector)``: what axe-core finds there that is serious or critical."""
    pytest.importorskip("axe_playwright_python", reason="needs axe-playwright-python, of the test extra")
    axe = (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")

    def found(page, where):
        page.evaluate(axe)
        return page.evaluate(SERIOUS, where)

    return found


@pytest.fixture
def screenshot(request):
    """``screenshot(locator_or_page, name)``: keep a picture in the folder GLMWIDGETS_SCREENSHOTS, if that is set."""
    folder = os.environ.get("GLMWIDGETS_SCREENSHOTS")

    def keep(what, name):
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            what.screenshot(path=str(Path(folder) / f"{name}.png"))

    return keep
