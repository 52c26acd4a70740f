"""A JupyterLab of its own on a free port, and notebooks in it whose cells have all run; for benchmarks and tests."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--no-first-run"]
# What JupyterLab would otherwise put over the page, or move under one's hands.
LAB_SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none", "kernelShutdown": True},
}
FOLDERS = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
    "JUPYTERLAB_SETTINGS_DIR": "settings",
    "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
}
START_S = 90
CELLS_S = 180

KERNEL_IDLE = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
ALL_RUN = r"""() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
  return prompts.length && prompts.every((p) => /\[\d+\]/.test(p.textContent));
}"""
FAILED_OUTPUT = (
    ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr'],"
    ".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']"
)
RUN_ALL = "() => window.jupyterapp.commands.execute('runmenu:run-all')"
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}
SET_THEME = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
HAS_THEME = "(light) => document.body.dataset.jpThemeLight === light"
# No value is handed back: that of the command is the whole notebook.
OPEN = "async (path) => { await window.jupyterapp.commands.execute('docmanager:open', { path }); }"
CLOSE_ALL = """() => {
  for (const widget of [...window.jupyterapp.shell.widgets('main')]) {
    widget.context?.sessionContext?.shutdown();
    widget.dispose();
  }
}"""
ASK = """async (code) => {
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
}"""


@cache
def browser_path() -> str | None:
    """Where Chromium is: the variable CHROMIUM, or the first of the usual names on PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    root: Path
    _kernels: list[str] = field(default_factory=list)

    def start_kernel(self) -> None:
        """Begin the kernel of a notebook that is still to be written; the one that is written next takes it."""
        name = f"page_{secrets.token_hex(4)}.ipynb"
        session = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
        request = urllib.request.Request(
            f"{self.url}/api/sessions?token={self.token}",
            json.dumps(session).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=START_S).close()
        self._kernels.append(name)

    def write(self, cells: Sequence[str]) -> str:
        """Write a notebook of these cells, and give its name."""
        import nbformat

        name = self._kernels.pop() if self._kernels else f"page_{secrets.token_hex(4)}.ipynb"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        content = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
        )
        nbformat.write(content, self.root / name)
        return name


@contextmanager
def running_lab(
    root: Path, home: Path, environment: Mapping[str, str] | None = None, startup: str = ""
) -> Iterator[Lab]:
    """JupyterLab with no configuration but its own, serving the folder `root`; its own files go to `home`.

    Every kernel runs the code `startup` before its first cell.
    """
    for name, value in LAB_SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(value))
    if startup:
        folder = home / FOLDERS["IPYTHONDIR"] / "profile_default" / "startup"
        folder.mkdir(parents=True)
        (folder / "startup.py").write_text(startup)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"),
        *(f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"),
        "--JupyterNotebookApp.expose_app_in_browser=True",
        "--ServerApp.terminals_enabled=False",
    ]
    env = {**os.environ, **{name: str(home / folder) for name, folder in FOLDERS.items()}, **(environment or {})}
    log = home / "lab.log"
    with log.open("wb") as out:
        server = subprocess.Popen(command, env=env, stdout=out, stderr=out, cwd=root)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/api/status?token={token}", server, log)
        yield Lab(url, token, root)
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(address: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}") from None
            time.sleep(0.1)


def open_notebook(page, lab: Lab, cells: Sequence[str], theme: str = "light", stay: bool = False) -> None:
    """Open a notebook of these cells on a page, and run all of them.

    The page is loaded anew; with `stay`, a page that shows this JupyterLab already is kept.

    Raises
    ------
    RuntimeError
        If a cell wrote an error.
    """
    name = lab.write(cells)
    if stay and page.url.startswith(lab.url):
        page.evaluate(OPEN, name)
    else:
        page.goto(f"{lab.url}/doc/tree/{name}?token={lab.token}&reset")
    page.wait_for_function(KERNEL_IDLE, timeout=1000 * START_S)
    # Said in either case: the server remembers what was wanted last.
    page.evaluate(SET_THEME, THEMES[theme])
    page.wait_for_function(HAS_THEME, arg=str(theme != "dark").lower())
    run_all(page)


def close_notebooks(page) -> None:
    """Close every notebook on a page, and end their kernels."""
    page.evaluate(CLOSE_ALL)


def run_all(page) -> None:
    """Run every cell of the notebook on a page; a cell that writes an error is a RuntimeError."""
    page.evaluate(RUN_ALL)
    page.wait_for_function(ALL_RUN, timeout=1000 * CELLS_S)
    failed = page.locator(FAILED_OUTPUT)
    if failed.count():
        raise RuntimeError("a cell failed:\n" + "\n".join(failed.all_inner_texts()))


def ask(page, code: str) -> str:
    """Run code in a page's kernel and give what it printed."""
    return page.evaluate(ASK, code).strip()
