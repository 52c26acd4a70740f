"""The explorer in every host of Jupyter's widgets: ``python -m benchmarks.hosts [--only HOST ...] [--write]``.

Each host has an environment of its own in a folder, into which what it needs is installed; what is there is taken as it
is. In hosts with a page the explorer is opened, a slice is clicked, the threshold dragged, and what the page and the
kernel say of the place compared. ``--write`` puts the table into ``docs/hosts.md``; hosts that were not asked for stay
as they stand there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from playwright.sync_api import Error, Page, Route, sync_playwright

from benchmarks.jupyter import BROWSER_ARGS, browser_path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "hosts.md"
BEGIN, END = "<!-- made by benchmarks/hosts.py -->\n", "<!-- end -->\n"
START_S, SHOWN_S, STEP_S = 120, 240, 30

OPEN = """import glmwidgets as gw
from glmwidgets.datasets import simulate_run
explorer = gw.explore(simulate_run(), settings={"contrast.expression": "faces - houses"})
"""
CANVAS = ".glmw-slices canvas"
READOUT = ".glmw-slices-readout"
# Nothing is handed back: a page would wait for the end of the command, and that of trust for its own question.
RUN_ALL = "() => { window.jupyterapp.commands.execute('runmenu:run-all'); }"
TRUST = "() => { window.jupyterapp.commands.execute('notebook:trust'); }"
IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
# A file of bqplot, bqscales or anywidget that a page asks a network for: answered by what their wheels hold.
WIDGET_CODE = re.compile(r"/(bqplot|bqscales|anywidget)@[^/]*/dist/index(?:\.js)?$")


class Seen(NamedTuple):
    """A line of the table."""

    works: str
    lacks: str = ""


class Host(NamedTuple):
    """A host: the packages whose versions are told, what is installed, and what opens the explorer in it."""

    packages: tuple[str, ...]
    look: Callable[[Place], Seen]


class Place:
    """The environment of a host, and a folder for its files."""

    def __init__(self, folder: Path, name: str, packages: Sequence[str]):
        self.python = folder / name / "bin" / "python"
        self.prefix = self.python.parents[1]
        if not self.python.exists():
            subprocess.run([sys.executable, "-m", "venv", self.prefix], check=True)
        needed = ["-e", f"{ROOT}[lab]", "nbformat", *packages]
        subprocess.run([self.python, "-m", "pip", "install", "-q", *needed], check=True, capture_output=True)
        self.work = folder / "work" / f"{name}-{secrets.token_hex(3)}"
        self.work.mkdir(parents=True)
        home = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "data", "JUPYTER_RUNTIME_DIR": "runtime"}
        self.env = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(self.work / "ipython")}
        self.env |= {name: str(self.work / "home" / part) for name, part in home.items()}
        self.env["PATH"] = f"{self.python.parent}{os.pathsep}{self.env['PATH']}"

    def run(self, *command: object, timeout: float = 600) -> str:
        """Run a module of the environment; RuntimeError with its last line where it fails."""
        done = subprocess.run(
            [self.python, "-m", *map(str, command)],
            env=self.env,
            cwd=self.work,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if done.returncode:
            raise RuntimeError((done.stderr or done.stdout).strip().splitlines()[-1])
        return done.stdout

    def version(self, package: str) -> str:
        """Of a package in the environment."""
        code = f"import importlib.metadata as m; print(m.version({package!r}))"
        return subprocess.run([self.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    def notebook(self, *cells: str, name: str = "explorer.ipynb") -> Path:
        """A notebook of these cells in the folder."""
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
        )
        nbformat.write(content, self.work / name)
        return self.work / name

    @contextmanager
    def server(self, *command: object, path: str = "") -> Iterator[str]:
        """A server of the environment while it is needed, by its address; PORT in the command is a free one."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = str(probe.getsockname()[1])
        words = [str(word).replace("PORT", port) for word in command]
        log = self.work / "server.log"
        with log.open("wb") as out:
            server = subprocess.Popen([self.python, "-m", *words], env=self.env, cwd=self.work, stdout=out, stderr=out)
        address, end = f"http://127.0.0.1:{port}{path}", time.monotonic() + START_S
        try:
            while True:
                try:
                    urllib.request.urlopen(address, timeout=60).close()
                    break
                except OSError as error:
                    if isinstance(error, urllib.error.HTTPError):
                        break
                    if server.poll() is not None or time.monotonic() > end:
                        raise RuntimeError(f"it did not start: {log.read_text().strip().splitlines()[-1]}") from None
                    time.sleep(0.3)
            yield address
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


@contextmanager
def browser(place: Place, network: bool = False) -> Iterator[Page]:
    """A page of 1440 × 900 that reaches this machine alone; `network` answers for the code of widgets.

    What it shows at the end is kept beside the files of the host, as ``seen.png``.
    """
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser_path(), args=BROWSER_ARGS)
        page = opened.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(1000 * SHOWN_S)

        def answer(route: Route) -> None:
            found = WIDGET_CODE.search(route.request.url)
            site = Path(sys.prefix) / "share/jupyter/nbextensions"
            if not (network and found):
                route.abort()
                return
            route.fulfill(
                content_type="text/javascript",
                headers={"Access-Control-Allow-Origin": "*"},
                body=(site / found[1] / "index.js").read_text(encoding="utf-8"),
            )

        page.route(lambda url: "//127.0.0.1" not in url and "//localhost" not in url, answer)
        try:
            yield page
        finally:
            page.screenshot(path=place.work / "seen.png")
            opened.close()


# What is done in each page ------------------------------------------------------------------------------------------


def words(page: Page, selector: str) -> str:
    """Text of the first element there, as one line."""
    return " ".join((page.locator(selector).first.text_content() or "").split())


def until(page: Page, holds: Callable[[], bool]) -> bool:
    """Whether something comes true within the time of a step."""
    end = time.monotonic() + STEP_S
    while time.monotonic() < end:
        if holds():
            return True
        page.wait_for_timeout(200)
    return False


def z_of(page: Page) -> str:
    """What the page reads of the map at the crosshair."""
    found = re.search(r"z ([−\d.]+)", words(page, READOUT))
    return found[1] if found else ""


def tried(page: Page, crosshair: Callable[[], str], height: Callable[[], str]) -> list[str]:
    """Click a slice and drag the threshold; what fails, in words.

    Parameters
    ----------
    page : Page
        With the map in it.
    crosshair, height : callable
        What the kernel says of the place and of the threshold.
    """
    failed = []
    slices, slider = (
        page.locator(CANVAS).first,
        page.locator(".glmw-map-panel .glmw-slider canvas").or_(page.locator(".glmw-slider canvas")).first,
    )
    if not until(page, lambda: bool(z_of(page))):
        return ["the map does not come"]
    slices.scroll_into_view_if_needed()
    before, box = z_of(page), slices.bounding_box()
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.45 * box["height"])
    if not until(page, lambda: z_of(page) not in ("", before)):
        failed.append("a click does not move the crosshair")
    elif not until(page, lambda: z_of(page) in crosshair()):
        failed.append(f"the kernel does not follow the crosshair (page: z {z_of(page)}, kernel: {crosshair()[:80]})")
    slider.scroll_into_view_if_needed()
    before, box = height(), slider.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.3 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], y, steps=8)
    page.mouse.up()
    if not until(page, lambda: height() != before):
        failed.append("the kernel does not follow the threshold")
    return failed


def whole(page: Page) -> Seen:
    """An explorer with all its panels, in sight already."""
    page.wait_for_selector(CANVAS)
    failed = tried(page, lambda: words(page, ".glmw-is-crosshair"), lambda: words(page, ".glmw-threshold-row"))
    return Seen("all" if not failed else "in part", "; ".join(failed))


# Hosts ----------------------------------------------------------------------------------------------------------------


def in_jupyter(place: Place, *server: object, trusts: bool = False, url: str = "/doc/tree/") -> Seen:
    """A notebook in a front end of Jupyter's: run, seen, and trusted by hand where its output is text at first."""
    place.notebook(f"{OPEN}explorer")
    options = (
        *("--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=PORT"),
        *("--IdentityProvider.token=", "--ServerApp.password=", "--LabApp.expose_app_in_browser=True"),
        f"--ServerApp.root_dir={place.work}",
        *("--ServerApp.disable_check_xsrf=True", "--JupyterNotebookApp.expose_app_in_browser=True"),
    )
    with place.server(*server, *options, path="/api/status") as status, browser(place) as page:
        page.goto(f"{status.removesuffix('/api/status')}{url}explorer.ipynb")
        page.wait_for_function(IDLE)
        page.wait_for_timeout(2000)
        page.evaluate(RUN_ALL)
        note = ""
        if trusts:
            try:
                page.wait_for_selector(CANVAS, timeout=60_000)
            except Error:
                note = "shown as text and a picture until File > Trust Notebook is chosen once"
                page.evaluate(TRUST)
                page.get_by_role("button", name="Trust").click(timeout=1000 * STEP_S)
                note += _after_trust(page)
        seen = whole(page)
        return Seen(seen.works, "; ".join(filter(None, [note, seen.lacks])))


def _after_trust(page: Page) -> str:
    """What the front end asks when a notebook was trusted, and so saved."""
    try:
        page.get_by_text("File Changed").wait_for(timeout=5000)
    except Error:
        return ""
    page.get_by_role("button", name="Cancel").click()
    return ' (and Cancel in its question "File Changed")'


def jupyterlab(place: Place) -> Seen:
    """JupyterLab."""
    return in_jupyter(place, "jupyterlab")


def notebook(place: Place) -> Seen:
    """Notebook 7."""
    return in_jupyter(place, "notebook", url="/notebooks/")


def server_side(place: Place) -> Seen:
    """JupyterLab with an extension that executes cells, or keeps documents, on the server."""
    return in_jupyter(place, "jupyterlab", trusts=True)


def voila(place: Place) -> Seen:
    """Voilà."""
    file = place.notebook(f"{OPEN}explorer")
    options = ("--no-browser", "--port=PORT", "--Voila.ip=127.0.0.1", "--token=")
    with place.server("voila", file, *options, path="/voila/static/") as address, browser(place) as page:
        page.goto(address.removesuffix("voila/static/"))
        return whole(page)


def marimo(place: Place) -> Seen:
    """marimo: the notebook of the guide."""
    file = ROOT / "notebooks" / "20_marimo.py"
    with (
        place.server("marimo", "run", file, "--headless", "--no-token", "--port", "PORT", path="/health") as address,
        browser(place) as page,
    ):
        page.goto(address.removesuffix("/health"))
        page.wait_for_selector(CANVAS)
        said = "text=At the crosshair"
        page.wait_for_selector(said)
        chart = page.locator(".glmw-chart canvas")

        def drawn() -> str:
            return chart.evaluate("(canvas) => canvas.toDataURL()")

        before = drawn()
        failed = tried(page, lambda: words(page, said), lambda: z_of(page) and _height(page))
        if drawn() == before:
            failed.append("the series stay")
        return Seen("in part", "; ".join(["map, threshold and series; no controls of ipywidgets", *failed]))


def _height(page: Page) -> str:
    return page.locator(CANVAS).first.evaluate("(canvas) => canvas.toDataURL()")


def panel(place: Place) -> Seen:
    """Panel, with the code of widgets given as a network would."""
    served = 'import panel as pn\npn.extension("ipywidgets")\n'
    shown = 'pn.pane.IPyWidget(explorer, sizing_mode="stretch_width").servable()\n'
    (place.work / "app.py").write_text(f"{served}{OPEN}{shown}")
    with place.server("panel", "serve", "app.py", "--port", "PORT", path="/") as address, browser(place, True) as page:
        page.goto(f"{address.replace('127.0.0.1', 'localhost')}app", wait_until="commit")
        seen = whole(page)
        return Seen(seen.works, "; ".join(filter(None, ["needs a network for the code of widgets", seen.lacks])))


def shiny(place: Place) -> Seen:
    """Shinywidgets."""
    opened = "\n".join(f"    {line}" for line in OPEN.splitlines()[2:])
    (place.work / "app.py").write_text(
        f"from shiny import App, ui\nfrom shinywidgets import output_widget, render_widget\n{OPEN.splitlines()[0]}\n"
        f"{OPEN.splitlines()[1]}\napp_ui = ui.page_fluid(output_widget('brain'))\n"
        "def server(input, output, session):\n  @render_widget\n  def brain():\n"
        f"{opened}\n    return explorer\napp = App(app_ui, server)\n"
    )
    with (
        place.server("shiny", "run", "app.py", "--port", "PORT", path="/") as address,
        browser(place, True) as page,
    ):
        page.goto(address)
        return whole(page)


def executed(place: Place, *command: object) -> Seen:
    """A program that executes a notebook whose last cell shows an explorer."""
    place.notebook(f"{OPEN}explorer")
    place.run(*command)
    saved = json.loads((place.work / "done.ipynb").read_text(encoding="utf-8"))
    data = saved["cells"][-1]["outputs"][-1]["data"]
    state = saved["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    maps = [one["buffers"] for one in state.values() if "_geometry" in one["state"] and one.get("buffers")]
    failed = [
        words
        for words, is_there in (
            ("no picture", "image/png" in data),
            ("no line of text", "cluster" in "".join(data["text/plain"])),
            ("no state of widgets", bool(state)),
            ("the map is not in the state", any(each["path"] == ["_map", "values"] for one in maps for each in one)),
        )
        if not is_there
    ]
    return Seen("the first result is saved, live and as a picture" if not failed else "in part", "; ".join(failed))


def nbclient(place: Place) -> Seen:
    """nbclient, by ``jupyter execute``."""
    return executed(place, "jupyter", "execute", "explorer.ipynb", "--output=done")


def nbconvert(place: Place) -> Seen:
    """Nbconvert."""
    return executed(place, "nbconvert", "--to=notebook", "--execute", "explorer.ipynb", "--output=done")


def papermill(place: Place) -> Seen:
    """Papermill."""
    return executed(place, "papermill", "explorer.ipynb", "done.ipynb")


def nbgrader(place: Place) -> Seen:
    """A notebook that was executed, released to students, and cleaned."""
    place.notebook(f"{OPEN}explorer")
    place.run("nbconvert", "--to=notebook", "--execute", "explorer.ipynb", "--output=done")
    source = place.work / "source" / "ps1"
    source.mkdir(parents=True)
    (place.work / "done.ipynb").rename(source / "problem.ipynb")
    place.run("nbgrader", "generate_assignment", "ps1", "--create")
    released = place.work / "release" / "ps1" / "problem.ipynb"
    held = len(released.read_bytes())
    place.run("glmwidgets", "clean", released)
    left = len(released.read_bytes())
    lacks = (
        f"a released notebook holds the teacher's fit ({held / 1e6:.1f} MB); `glmwidgets clean` leaves {left:,} bytes"
    )
    return Seen("notebooks are released", lacks)


HOSTS: dict[str, Host] = {
    "jupyterlab": Host(("jupyterlab",), jupyterlab),
    "notebook": Host(("notebook",), notebook),
    "voila": Host(("voila",), voila),
    "jupyter-collaboration": Host(("jupyter-collaboration",), server_side),
    "jupyter-server-nbmodel": Host(("jupyter-server-nbmodel", "jupyter-collaboration"), server_side),
    "jupyter-server-documents": Host(("jupyter-server-documents",), server_side),
    "nbclient": Host(("nbclient",), nbclient),
    "nbconvert": Host(("nbconvert",), nbconvert),
    "papermill": Host(("papermill",), papermill),
    "marimo": Host(("marimo",), marimo),
    "panel": Host(("panel", "ipywidgets_bokeh"), panel),
    "shinywidgets": Host(("shinywidgets", "shiny"), shiny),
    "nbgrader": Host(("nbgrader",), nbgrader),
}


def line_of(name: str, folder: Path) -> str:
    """The line of a host as it is found; what could not be installed or opened is said to be not tried, and why."""
    host = HOSTS[name]
    try:
        place = Place(folder, name, host.packages)
    except (subprocess.CalledProcessError, OSError) as error:
        return _line(name, "", Seen("not tried", f"it could not be installed: {type(error).__name__}"))
    version = ", ".join(
        place.version(each) if k == 0 else f"{each} {place.version(each)}" for k, each in enumerate(host.packages)
    )
    try:
        seen = host.look(place)
    except Exception as error:
        seen = Seen("nothing", str(error).strip().splitlines()[0][:160] if str(error).strip() else repr(error))
    return _line(name, version, seen)


def _line(*cells: Any) -> str:
    name, version, seen = cells
    return "| {} | {} | {} | {} |".format(*(each.replace("|", "\\|") for each in (name, version, *seen)))


def told(page: str) -> dict[str, str]:
    """Lines that a page holds, by host."""
    table = page.partition(BEGIN)[2].partition(END)[0]
    lines = [line for line in table.splitlines() if line.startswith("| ")][1:]
    return {line.split("|")[1].strip(): line for line in lines}


def main() -> None:
    """Print the table, or write it into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("hosts"))
    parser.add_argument("--only", nargs="+", choices=HOSTS, default=list(HOSTS))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    for name in given.only:
        line = line_of(name, given.folder.resolve())
        print(line, flush=True)
        if given.write:
            page = PAGE.read_text(encoding="utf-8")  # which may have been changed since the last host
            lines = told(page) | {name: line}
            rest = [lines.get(each, _line(each, "", Seen("not tried"))) for each in HOSTS]
            table = "\n".join(
                ["| host | version | what works | what does not, and why |", "|---|---|---|---|", *rest, ""]
            )
            before, _, after = page.partition(BEGIN)
            PAGE.write_text(f"{before}{BEGIN}{table}{END}{after.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    main()
