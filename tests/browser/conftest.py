"""A real JupyterLab in a real Chromium, for tests of what a person sees.

One server for each pytest process, one page for each test. A test takes `notebook`, calls it with the source of some
cells and has a page with every cell run; any error in the browser's console fails the test. Where there is no browser
the tests here are skipped, unless GLMWIDGETS_REQUIRE_BROWSER=1 makes that a failure.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent
NEEDED = ("playwright", "pytest_playwright", "jupyterlab", "ipykernel", "anywidget", "nbformat", "PIL")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
# What JupyterLab would otherwise put over the page, or move under the test's hands.
LAB_SETTINGS = {
    "apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none", "kernelShutdown": True},
}
START_S = 90
CELLS_S = 120

SERIOUS = """async (where) => (await axe.run(where)).violations
  .filter(({ impact }) => impact === 'serious' || impact === 'critical')
  .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`))
"""
UP_TO_DATE = "() => /up to date/.test(document.querySelector('.glmw-status')?.textContent ?? '')"
# The kernel takes messages in their order: once it has answered this, it has heard all that came before.
HEARD = """async () => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  await kernel.requestExecute({ code: '', store_history: false }).done;
}"""
KERNEL_IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
ALL_RUN = r"""() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
  return prompts.length && prompts.every((p) => /\[\d+\]/.test(p.textContent));
}"""
# ipywidgets 8.1 tells a view of its size after the layout has come, though the view may be gone by then.
LATE_RESIZE = "Cannot read properties of null (reading 'processLuminoMessage')"

FAILED_OUTPUT = (
    ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr'],"
    ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
)
# From an input event to the frame after the viewer has painted what it caused: an upper bound of what a person waits.
WATCH_PAINTS = """(inputs) => {
  const watch = window.glmwWatch = { latencies: [], paints: 0, cpu: [], asked: null };
  for (const type of inputs) {
    window.addEventListener(type, (event) => { watch.asked ??= event.timeStamp; }, { capture: true });
  }
  document.addEventListener('glmw:paint', (event) => {
    watch.paints += 1;
    watch.cpu.push(event.detail.ms);
    const asked = watch.asked;
    watch.asked = null;
    if (asked !== null) requestAnimationFrame(() => watch.latencies.push(performance.now() - asked));
  });
}"""


@lru_cache
def browser_path() -> str | None:
    """Where Chromium is: the variable CHROMIUM, or the first of the usual names on PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


@lru_cache
def what_is_missing() -> str | None:
    """Why browser tests cannot run here, in one line; None if they can."""
    absent = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if absent:
        return f"browser tests need {', '.join(absent)}: install the extras lab and test"
    if browser_path() is None:
        return f"browser tests need Chromium: none of {', '.join(BROWSERS)} on PATH, and CHROMIUM names no program"
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
    return {**browser_type_launch_args, "executable_path": browser_path(), "args": BROWSER_ARGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    return {**browser_context_args, "viewport": {"width": 1280, "height": 1300}}


@pytest.fixture
def first_time(context):
    """For a test of what a person sees who never was here: pages that a program drives show no tour."""
    context.add_init_script("Object.defineProperty(navigator, 'webdriver', { get: () => false })")


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    root: Path


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab on a free port, with no configuration but its own."""
    root, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    for name, value in LAB_SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    env = {**os.environ, **{name: str(home / folder) for name, folder in folders.items()}}
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"),
        *(f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"),
        "--ServerApp.terminals_enabled=False",
    ]
    log = home / "lab.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=root)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_server(f"{url}/api/status?token={token}", server, log)
        yield Lab(url, token, root)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def wait_for_server(address, server, log):
    deadline = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(address, timeout=2)
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"JupyterLab did not start:\n{log.read_text()}", pytrace=False)
            time.sleep(0.1)


@pytest.fixture
def notebook(lab, request):
    """``notebook(cells, theme="light") -> page``: a page whose cells have all run without an error.

    The test fails when anything was written to the browser's console as an error, or thrown in the page.
    """
    import nbformat

    page = request.getfixturevalue("page")
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)

    def open_notebook(cells, theme="light"):
        name = f"test_{secrets.token_hex(4)}.ipynb"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
        )
        nbformat.write(content, lab.root / name)
        page.goto(f"{lab.url}/doc/tree/{name}?token={lab.token}&reset")
        page.wait_for_function(KERNEL_IDLE, timeout=1000 * START_S)
        # Said in either case: the server remembers what the test before wanted.
        page.evaluate(
            "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })",
            "JupyterLab Dark" if theme == "dark" else "JupyterLab Light",
        )
        page.wait_for_function(
            "(light) => document.body.dataset.jpThemeLight === light", arg=str(theme != "dark").lower()
        )
        page.evaluate("() => window.jupyterapp.commands.execute('runmenu:run-all')")
        page.wait_for_function(ALL_RUN, timeout=1000 * CELLS_S)
        failed = page.locator(FAILED_OUTPUT)
        assert failed.count() == 0, failed.all_inner_texts()
        return page

    yield open_notebook
    assert [error for error in errors if LATE_RESIZE not in error] == []


@pytest.fixture(params=[("light", 1500), ("dark", 700)], ids=["light-1500", "dark-700"])
def look(request, page):
    """Theme for `notebook`, on a page of one width: what hands do is done light and wide, and dark and narrow."""
    theme, width = request.param
    page.set_viewport_size({"width": width, "height": 1300})
    return theme


@pytest.fixture
def ask():
    """``ask(page, code) -> str``: run code in the page's kernel and give what it printed."""

    def run(page, code):
        return page.evaluate(
            """async (code) => {
              const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
              const future = kernel.requestExecute({ code, store_history: false });
              let text = '';
              future.onIOPub = ({ header, content }) => {
                if (header.msg_type === 'stream') text += content.text;
                if (header.msg_type === 'error') throw new Error(content.evalue);
              };
              const reply = await future.done;
              if (reply.content.status !== 'ok') throw new Error(reply.content.evalue);
              return text;
            }""",
            code,
        ).strip()

    return run


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
        page.wait_for_timeout(100)
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


@dataclass(frozen=True)
class Paints:
    """Times of a viewer's paints, ms: input event to the next frame after the paint, and the paint itself."""

    latencies: np.ndarray
    cpu: np.ndarray

    def __str__(self) -> str:
        if not len(self.latencies):
            return "nothing was painted"
        p50, p95 = np.percentile(self.latencies, [50, 95])
        own = np.median(self.cpu)
        return f"{len(self.latencies)} paints, p50 {p50:.1f} ms, p95 {p95:.1f} ms, paint itself {own:.1f} ms"


@pytest.fixture
def paints():
    """``paints(page, action, inputs) -> Paints``: how long the viewer takes to answer the inputs that action makes."""

    def measure(page, action, inputs=("pointermove", "keydown", "wheel")):
        page.evaluate(WATCH_PAINTS, list(inputs))
        action()
        page.wait_for_timeout(300)
        watch = page.evaluate("() => window.glmwWatch")
        return Paints(np.array(watch["latencies"]), np.array(watch["cpu"]))

    return measure
