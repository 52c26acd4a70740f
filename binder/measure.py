"""Run a notebook in JupyterLab as a visitor does and measure the memory: ``python binder/measure.py NOTEBOOK``.

The figure is the sum over the server and its kernel of the most memory that each ever held (``VmHWM`` of Linux), so the
truth is at most that. After the notebook's own cells every noise model is fitted and the data are smoothed, as by a
visitor who tries everything.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from jupyter_client import BlockingKernelClient

LIMIT = 2.0  # GiB: what a Binder machine gives
PATIENCE = 120  # seconds

EVERYTHING = """
from glmwidgets.glm.noise.models import NOISE_MODELS
for changes in [{"noise.model": name.replace("N", "2")} for name in NOISE_MODELS] + [{"data.smoothing_fwhm": 6.0}]:
    assert session.update(changes), session.status
    assert session.wait_until_idle(timeout=300)
"""


def processes_below(root: int) -> list[int]:
    """Ids of a process and of all that it started."""
    parent = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue  # it has ended in the meantime
    found = [root]
    for pid in found:
        found += [child for child, its_parent in parent.items() if its_parent == pid]
    return found


def peak_memory(pid: int) -> float:
    """Most memory that a process has held, in GiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 2**20


def ask(address: str, token: str, data: dict | None = None) -> dict:
    """An answer of the server's interface."""
    request = urllib.request.Request(address, headers={"Authorization": f"token {token}"})
    if data is not None:
        request.data = json.dumps(data).encode()
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def wait_for_server(base: str, token: str, server: subprocess.Popen) -> None:
    """Return when the server answers."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            ask(f"{base}/api/status", token)
            return
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.2)


def check_no_news(base: str, token: str) -> None:
    """The prompt about news must have been answered by postBuild."""
    plugin = "@jupyterlab/apputils-extension:notification"
    properties = ask(f"{base}/lab/api/settings/{plugin}", token)["schema"]["properties"]
    if properties["fetchNews"]["default"] != "false":
        raise SystemExit("JupyterLab would ask about news: overrides.json is not where it looks")


def run_cells(connection: Path, cells: list[str]) -> None:
    """Execute code in a kernel that runs; the first error ends it all."""
    client = BlockingKernelClient(connection_file=str(connection))
    client.load_connection_file()
    client.start_channels(hb=False)  # a kernel that starts slowly on a busy machine is not a dead one
    client.wait_for_ready(timeout=PATIENCE)
    for code in cells:
        reply = client.execute_interactive(code, timeout=600, output_hook=lambda message: None)["content"]
        if reply["status"] != "ok":
            raise SystemExit("\n".join([f"This cell failed:\n{code}\n", *reply.get("traceback", [])]))
    client.stop_channels()


def main(notebook: Path) -> int:
    """Print what was needed; 1 if it was too much."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    with tempfile.TemporaryDirectory() as runtime:
        command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--ServerApp.port={port}", "--allow-root"]
        server = subprocess.Popen(
            [*command, "--ServerApp.ip=127.0.0.1", f"--ServerApp.root_dir={notebook.parent}"],
            env={**os.environ, "JUPYTER_TOKEN": token, "JUPYTER_RUNTIME_DIR": runtime, "JUPYTER_PREFER_ENV_PATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            base = f"http://127.0.0.1:{port}"
            wait_for_server(base, token, server)
            check_no_news(base, token)
            session = {"path": notebook.name, "name": notebook.name, "type": "notebook", "kernel": {"name": "python3"}}
            kernel = ask(f"{base}/api/sessions", token, session)["kernel"]["id"]
            connection = Path(runtime) / f"kernel-{kernel}.json"
            run_cells(connection, code)
            as_it_is = {pid: peak_memory(pid) for pid in processes_below(server.pid)}
            run_cells(connection, [EVERYTHING])
            tried = {pid: peak_memory(pid) for pid in processes_below(server.pid)}
        finally:
            server.terminate()
            server.wait(30)
    at_most = sum(tried.values())
    print(f"{notebook.name}: {len(code)} cells ran; server {tried[server.pid]:.2f} GiB", end=", ")
    print(f"all together {sum(as_it_is.values()):.2f} GiB, {at_most:.2f} GiB after trying everything (limit {LIMIT:g})")
    return int(at_most > LIMIT)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
