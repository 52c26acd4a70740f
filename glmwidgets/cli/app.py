"""``glmwidgets app``: the explorer alone on a page, by Voilà, for those who want no notebook."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from glmwidgets.cli import Parser
from glmwidgets.cli.server import add_server_options, check_installed, place_and_token, running, watch
from glmwidgets.files.writing import write_text

NOTEBOOK = "glmwidgets.ipynb"
THEMES = ("light", "dark")

MOST_PAGES = 8

#: Setting that says on which grid a run is opened.
GRID = "inputs.target_affine"

#: What the page loads of JupyterLab's extensions.
EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "bqplot",
    "bqscales",
]

TEMPLATE = "glmwidgets"
IN_APP = "GLMWIDGETS_APP"  # as in glmwidgets.panels.parts.download, which would bring the widgets along


def app(argv: Sequence[str]) -> int:
    """Open the explorer full page, on a simulated run or on those that are named.

    Parameters
    ----------
    argv : sequence of str
        Words after ``glmwidgets app``.

    Returns
    -------
    int
        Exit code.
    """
    from glmwidgets.cli.options import add_settings

    parser = Parser(
        prog="glmwidgets app",
        usage="%(prog)s [BOLD EVENTS [BOLD EVENTS ...]] [OPTIONS]\n"
        "       %(prog)s BOLD [BOLD ...] --design FILE [--design FILE ...] [OPTIONS]",
        description="Open the explorer on a page of its own: on a simulated run, on yours, or on several as tabs.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "files", nargs="*", metavar="BOLD EVENTS", help="4-D image and table of events; several pairs open as tabs"
    )
    parser.add_argument("--t-r", type=float, metavar="SECONDS", help="time between scans; the header's by default")
    parser.add_argument(
        "--design",
        action="append",
        metavar="FILE",
        help="design matrix made elsewhere, a row a scan, instead of events; one for each image",
    )
    add_settings(parser, {"the run": (GRID,)})
    add_page_options(parser)
    given = parser.parse_intermixed_args(list(argv))
    check_installed("app", "app")
    return open_app(_runs(given.files, given.t_r, given.design or [], getattr(given, GRID, None)), given)


def add_page_options(parser: Parser) -> None:
    """Options of every explorer that is a page of its own."""
    parser.add_argument("--theme", choices=THEMES, default="light", help="(default: %(default)s)")
    parser.add_argument(
        "--most",
        type=int,
        default=MOST_PAGES,
        metavar="PAGES",
        help="pages that may be open at once, each with a kernel of some 400 MB (default: %(default)s)",
    )
    add_server_options(parser)


def open_app(chosen: dict[str, Any] | None, given: Any, opens: str = "explore") -> int:
    """Open an explorer full page until it is stopped.

    Parameters
    ----------
    chosen, opens
        As in `running_app`.
    given : Namespace
        Of a parser with the options of `add_page_options`.

    Returns
    -------
    int
        Exit code.
    """
    if given.most < 1:
        raise ValueError(f"--most is the number of pages that may be open at once, 1 or more; got {given.most}")
    print("Starting Voilà ...", flush=True)
    todo = (
        f"Each page that is opened has an analysis of its own; up to {given.most} may be open at once (--most). "
        "An analysis ends within a minute after its page is closed.\nPress Ctrl+C here to stop."
    )
    with running_app(chosen, given.ip, given.port, given.theme, given.most, opens) as (process, base, token):
        watch(process, f"{base}/?token={token}", given, todo)
    print("Voilà has stopped.")
    return 0


def _runs(
    files: Sequence[str], t_r: float | None, designs: Sequence[str] = (), grid: Any = None
) -> dict[str, Any] | None:
    """What to explore instead of the simulated run, read and checked here, where an error is easy to see."""
    if not files:
        if designs:
            raise ValueError("--design needs a run of your own: glmwidgets app BOLD.nii.gz --design DESIGN.csv")
        if t_r is not None:
            raise ValueError("--t-r needs a run of your own: glmwidgets app BOLD.nii.gz EVENTS.tsv --t-r 2")
        if grid is not None:
            raise ValueError(
                "--target-affine needs a run of your own: glmwidgets app BOLD.nii.gz EVENTS.tsv --target-affine 3"
            )
        return None
    if designs and len(files) != len(designs):
        raise ValueError(f"{len(files)} images and {len(designs)} designs were named: name one --design for each image")
    if not designs and len(files) % 2:
        raise ValueError(
            f"name an image and its events: glmwidgets app BOLD.nii.gz EVENTS.tsv; {files[-1]} has no partner"
        )
    from glmwidgets.runs.opening import open_runs
    from glmwidgets.session.several.runs import check_same_grid

    named = {"bold": list(files[::2]), "events": list(files[1::2])}
    if designs:
        named = {"bold": list(files), "design": list(designs)}
    runs = open_runs(**named, t_r=t_r, target_affine=grid)
    check_same_grid(runs)
    paths = {name: [getattr(run.inputs, name) for run in runs] for name in named}
    paths["design_matrices"] = paths.pop("design", None)
    given = {name: found for name, found in paths.items() if found}
    given = {name: found[0] if len(runs) == 1 else found for name, found in given.items()} | {"t_r": t_r}
    return given if grid is None else {**given, "target_affine": grid}


def _notebook(chosen: dict[str, Any] | None, opens: str = "explore") -> dict[str, Any]:
    """One cell that shows the explorer; what a person named stands in it as a text, never as code."""
    run = "simulate_run()" if chosen is None else f"**json.loads({json.dumps(chosen)!r})"
    source = [
        "import json",
        "import glmwidgets as gw",
        "from glmwidgets.datasets import simulate_run",
        f"explorer = gw.{opens}({run})",
        "explorer",
    ]
    cell = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": "\n".join(source)}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 4}


def _configuration(token: str, most: int) -> dict[str, Any]:
    return {
        "Voila": {"token": token, "identity_provider_class": "glmwidgets.cli.kernels.AppIdentity"},
        "VoilaConfiguration": {
            "multi_kernel_manager_class": "glmwidgets.cli.kernels.AppKernels",
            # What the explorer is made of, and nothing else that is installed.
            "extension_allowlist": EXTENSIONS,
        },
        "AppKernels": {"most": most},
    }


@contextlib.contextmanager
def running_app(
    chosen: dict[str, Any] | None = None,
    ip: str = "localhost",
    port: int | None = None,
    theme: str = "light",
    most: int = MOST_PAGES,
    opens: str = "explore",
) -> Iterator[tuple[subprocess.Popen, str, str]]:
    """Voilà in a process of its own, stopped at the end of the block.

    Parameters
    ----------
    chosen : dict, optional
        Arguments of what is opened; a simulated run by default.
    ip : str
        Address to listen on.
    port : int or None
        None for the first that is free.
    theme : {"light", "dark"}
    most : int
        Pages that may be open at once.
    opens : {"explore", "explore_study"}
        Function of `glmwidgets` that opens the explorer.

    Yields
    ------
    process : subprocess.Popen
    base : str
        Address of the server, which listens.
    token : str
        What an address must carry to be let in.
    """
    at, token = place_and_token(ip, port)
    with tempfile.TemporaryDirectory(prefix="glmwidgets-app-", ignore_cleanup_errors=True) as private:
        folder, config, log = Path(private) / "page", Path(private) / "config", Path(private) / "voila.log"
        template = Path(private) / "data" / "voila" / "templates" / TEMPLATE
        template.mkdir(parents=True)
        for page in (Path(__file__).parent / "voila").glob("*.*"):
            write_text(template / page.name, page.read_text(encoding="utf-8"), "template")
        write_text(template / "conf.json", json.dumps({"base_template": "lab"}), "template")
        folder.mkdir()
        config.mkdir(mode=0o700)
        write_text(folder / NOTEBOOK, json.dumps(_notebook(chosen, opens)), "notebook")
        # In a file, for the words of a command can be read by everybody on the machine.
        write_text(config / "voila.json", json.dumps(_configuration(token, most)), "configuration")
        paths = [str(Path(private) / "data"), *filter(None, [os.environ.get("JUPYTER_PATH")])]
        command = [sys.executable, "-m", "voila", NOTEBOOK, "--no-browser", f"--Voila.ip={ip}", f"--port={at[1]}"]
        command += ["--Voila.port_retries=0", f"--theme={theme}", f"--template={TEMPLATE}", "--show_tracebacks=True"]
        environment = {"JUPYTER_CONFIG_DIR": str(config), "JUPYTER_PATH": os.pathsep.join(paths), IN_APP: "1"}
        with running("Voilà", command, environment, folder, log, _listens, at) as (process, base):
            yield process, base, token


def _listens(host: str, port: int) -> None:
    # A page would be computed if it were asked for.
    socket.create_connection((host.strip("[]"), port), timeout=2).close()
