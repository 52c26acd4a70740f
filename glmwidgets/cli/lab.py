"""``glmwidgets demo`` and ``glmwidgets lab``: JupyterLab, ready to use, and words that say what to do next."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from glmwidgets.cli import Parser
from glmwidgets.cli.server import add_server_options, check_installed, place_and_token, running, watch
from glmwidgets.datasets.demo import DEMO_FILE, DEMO_FORMAT
from glmwidgets.files.envelope import enveloped, opened
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import write_bytes, write_text

TOUR = "00_tour.ipynb"

# A news prompt over the first screen is not what a newcomer should have to answer. Own choices still win over these.
LAB_SETTINGS = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


def demo(argv: Sequence[str]) -> int:
    """Open the tour notebook on a simulated run, or on the run that is named.

    Parameters
    ----------
    argv : sequence of str
        Words after ``glmwidgets demo``.

    Returns
    -------
    int
        Exit code.
    """
    parser = Parser(
        prog="glmwidgets demo",
        description="Open the tour in JupyterLab: on a simulated run, or on your own if you name it.",
        allow_abbrev=False,
    )
    parser.add_argument("bold", nargs="?", metavar="BOLD", help="4-D image (.nii, .nii.gz)")
    parser.add_argument("events", nargs="?", metavar="EVENTS", help="table of events: onset, duration, trial_type")
    parser.add_argument("--t-r", type=float, metavar="SECONDS", help="time between scans; the header's by default")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("glmwidgets-demo"),
        help="where the tour goes (default: %(default)s)",
    )
    add_server_options(parser)
    given = parser.parse_intermixed_args(list(argv))
    check_installed("demo")
    folder = tour_folder(given.folder, _own_run(given.bold, given.events, given.t_r))
    todo = "In the page that opens, click the first cell and press Shift+Enter (or Run > Run All Cells in the menu)."
    return _serve(folder, TOUR, given, todo)


def lab(argv: Sequence[str]) -> int:
    """Start JupyterLab in a folder.

    Parameters
    ----------
    argv : sequence of str
        Words after ``glmwidgets lab``.

    Returns
    -------
    int
        Exit code.
    """
    parser = Parser(prog="glmwidgets lab", description="Start JupyterLab in a folder.", allow_abbrev=False)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="default: this one")
    add_server_options(parser)
    given = parser.parse_intermixed_args(list(argv))
    check_installed("lab")
    if not given.folder.is_dir():
        raise NotADirectoryError(f"{given.folder} is not a folder")
    todo = 'In a new notebook: import glmwidgets as gw; gw.explore("bold.nii.gz", events="events.tsv", t_r=2.0)'
    return _serve(resolved(given.folder), None, given, todo)


# The tour's folder ----------------------------------------------------------------------------------------------------


def _own_run(bold: str | None, events: str | None, t_r: float | None) -> dict[str, object] | None:
    """What to explore instead of the simulated run, read and checked here, where an error is easy to see."""
    if bold is None:
        if t_r is not None:
            raise ValueError("--t-r needs a run of your own: glmwidgets demo BOLD.nii.gz EVENTS.tsv --t-r 2")
        return None
    if events is None:
        raise ValueError("name the events, too: glmwidgets demo BOLD.nii.gz EVENTS.tsv")
    from glmwidgets.runs.opening import open_run

    run = open_run(bold, events, t_r)
    return {"bold": run.inputs.bold, "events": run.inputs.events, "t_r": run.t_r}


def tour_folder(wanted: Path, own_run: dict[str, object] | None = None) -> Path:
    """Copy the tour to a folder, never over what a person has changed.

    Parameters
    ----------
    wanted : Path
        The folder; if another tour in it was changed, or is of another run, a number is added to its name.
    own_run : dict, optional
        What `glmwidgets.datasets.demo_run` is to give instead of the simulated run.

    Returns
    -------
    Path
        Absolute.
    """
    tour = tour_source()
    number = 1
    while True:
        folder = resolved(wanted if number == 1 else wanted.with_name(f"{wanted.name}-{number}"))
        notebook, choice = folder / TOUR, folder / DEMO_FILE
        is_same_run = _choice(choice) == own_run if choice.exists() or notebook.exists() else True
        if is_same_run and (not notebook.exists() or _sources(notebook) == _sources(tour)):
            break
        number += 1
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(notebook, tour.read_bytes(), "tour", overwrite=True)
    if own_run is not None:
        write_text(choice, enveloped(DEMO_FORMAT, own_run), "choice of a run", overwrite=True)
    return folder


def _choice(path: Path) -> dict[str, object] | None:
    """The run that an earlier start chose; None if it chose none, and nothing known if it cannot be read."""
    if not path.exists():
        return None
    try:
        return opened(path.read_bytes(), DEMO_FORMAT, path, headless=True)
    except (OSError, ValueError):
        return {}


def tour_source() -> Path:
    """The tour notebook: beside the modules where the package is installed, in ``notebooks/`` in a checkout."""
    package = Path(str(files("glmwidgets")))
    for place in (package / "notebooks" / TOUR, package.parent / "notebooks" / TOUR):
        if place.is_file():
            return place
    raise FileNotFoundError(f"the tour notebook {TOUR} is missing from the installation at {package}")


def _sources(notebook: Path) -> list[tuple[str, str]] | None:
    """What a person may have edited of a notebook; None if it is no notebook any more."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [(cell["cell_type"], "".join(cell["source"])) for cell in cells]
    except (ValueError, KeyError, TypeError):
        return None


# The server -----------------------------------------------------------------------------------------------------------


def _serve(folder: Path, notebook: str | None, given: argparse.Namespace, todo: str) -> int:
    """Run JupyterLab until it ends or is stopped from here."""
    print(f"Starting JupyterLab in {folder} ...", flush=True)
    with running_lab(folder, given.ip, given.port) as (process, base, token):
        page = f"{base}/doc/tree/{quote(notebook)}" if notebook else f"{base}/lab"
        todo += "\nPress Ctrl+C here to stop JupyterLab."
        watch(process, f"{page}?token={token}", given, todo)
    print("JupyterLab has stopped.")
    return 0


@contextlib.contextmanager
def running_lab(folder: Path, ip: str, port: int | None) -> Iterator[tuple[subprocess.Popen, str, str]]:
    """JupyterLab in a process of its own, stopped at the end of the block.

    Parameters
    ----------
    folder : Path
        Root of its file browser.
    ip : str
        Address to listen on.
    port : int or None
        None for the first that is free.

    Yields
    ------
    process : subprocess.Popen
    base : str
        Address of the server, which answers.
    token : str
        What an address must carry to be let in.
    """
    at, token = place_and_token(ip, port)
    with tempfile.TemporaryDirectory(prefix="glmwidgets-lab-", ignore_cleanup_errors=True) as private:
        log = Path(private) / "jupyterlab.log"
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.ip={ip}"]
        command += [f"--ServerApp.port={at[1]}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--allow-root")  # Jupyter refuses to serve root, who is the only user of a container
        environment = {**_environment(Path(private)), "JUPYTER_TOKEN": token}
        answers = partial(_answers, token=token)
        with running("JupyterLab", command, environment, folder, log, answers, at) as (process, base):
            yield process, base, token


def _answers(host: str, port: int, token: str) -> None:
    # Without a proxy, which knows nothing of this machine's own ports.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(f"http://{host}:{port}/api/status", headers={"Authorization": f"token {token}"})
    direct.open(request, timeout=2).close()


def _environment(private: Path) -> dict[str, str]:
    """Keep a person's theme and shortcuts, but not their server's passwords or the notebooks they had open."""
    from jupyter_core.paths import jupyter_config_dir

    overrides = private / "config" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    write_text(overrides, json.dumps(LAB_SETTINGS), "settings")
    theirs = os.environ.get("JUPYTERLAB_SETTINGS_DIR") or str(Path(jupyter_config_dir()) / "lab" / "user-settings")
    return {
        "JUPYTER_CONFIG_DIR": str(private / "config"),
        "JUPYTERLAB_WORKSPACES_DIR": str(private / "workspaces"),
        "JUPYTERLAB_SETTINGS_DIR": theirs,
    }
