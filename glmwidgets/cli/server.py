"""Servers that commands start: where they listen, whether they answer, and how they are stopped."""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import os
import re
import secrets
import shlex
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from glmwidgets.cli import CommandError
from glmwidgets.glm.errors import told

FIRST_PORT, PORTS = 8888, 100
PATIENCE = 90  # seconds until a server that does not answer is given up; cold disks are slow


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Where a server listens, and whether a browser is opened."""
    parser.add_argument("--no-browser", action="store_true", help="print the address, open no browser")
    parser.add_argument("--port", type=int, help=f"port to listen on (default: a free one from {FIRST_PORT})")
    parser.add_argument(
        "--ip",
        default="localhost",
        help="address to listen on (default: %(default)s); 0.0.0.0 for all",
    )


def check_installed(command: str, extra: str = "lab") -> None:
    """An extra says what is needed; what is missing of it is named with the command that installs it.

    Raises
    ------
    CommandError
    """
    needed = [
        requirement.partition(";")[0].strip()
        for requirement in importlib.metadata.requires("glmwidgets") or []
        if re.search(rf"extra\s*==\s*['\"]{extra}['\"]", requirement)
    ]
    missing = [r for r in needed if importlib.util.find_spec(re.match(r"[\w.-]+", r)[0].replace("-", "_")) is None]
    if missing:
        words = " ".join(f'"{requirement}"' for requirement in missing) if extra == "lab" else f'"glmwidgets[{extra}]"'
        raise CommandError(
            f"glmwidgets {command} needs packages that are not installed; get them with: "
            f"{shlex.quote(sys.executable)} -m pip install {words}"
        )


@contextlib.contextmanager
def running(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    answers: Callable[[str, int], None],
    at: tuple[str, int],
) -> Iterator[tuple[subprocess.Popen, str]]:
    """A server in a process of its own, which answers; stopped at the end of the block.

    Parameters
    ----------
    name : str
        What messages call it.
    command : sequence of str
    environment : mapping from str to str
        Added to that of this process.
    folder : Path
        In which it is started.
    log : Path
        What it writes.
    answers : callable
        Given host and port; raises OSError where nobody answers there.
    at : (ip, port)
        Where it was told to listen.

    Yields
    ------
    process : subprocess.Popen
    base : str
        Its address.
    """
    ip, port = at
    # The kernel must be of the environment that glmwidgets is installed in.
    environment = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", **environment}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT
        )
    try:
        _wait_until_it_answers(process, lambda: answers(_reachable_here(ip), port), log, name)
        yield process, f"http://{_host_name(ip)}:{port}"
    finally:
        _stop(process)


def watch(process: subprocess.Popen, url: str, given: argparse.Namespace, todo: str) -> None:
    """Say where a server is, and stay until it ends or is stopped from here."""
    print(f"\n    {url}\n")
    if given.no_browser or not _open_browser(url):
        print("Open this address in a browser." + _from_elsewhere(given.ip, url))
    print(todo, flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        process.wait()


def place_and_token(ip: str, port: int | None) -> tuple[tuple[str, int], str]:
    """Where a server shall listen, on the first port that is free if none is asked for, and what lets a page in."""
    return (ip, _free_port(ip, port)), secrets.token_hex(24)


def _free_port(ip: str, port: int | None) -> int:
    """The port that is asked for, or the first that is free.

    Raises
    ------
    CommandError
        If it cannot be listened on.
    """
    for candidate in (port,) if port is not None else range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET) as probe:
            if os.name == "posix":
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("" if ip == "*" else ip, candidate))
            except (OSError, OverflowError) as error:
                reason = told(error)
            else:
                return probe.getsockname()[1]
    wanted = f"port {port}" if port is not None else f"any port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1}"
    raise CommandError(f"cannot listen on {wanted} of {ip} ({reason}); choose another with --port")


def _wait_until_it_answers(process: subprocess.Popen, answers: Callable[[], None], log: Path, name: str) -> None:
    """Wait for a server that was started; its last words are an error, if it has ended or its time is up."""
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            return answers()
        time.sleep(0.1)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    code = process.poll()
    how = f"did not answer within {PATIENCE} s: try again" if code is None else f"ended with code {code}"
    raise CommandError(f"{name} {how}; " + (f"its last message: {' / '.join(last)}" if last else "it wrote no message"))


def _stop(process: subprocess.Popen) -> None:
    """End a server, by force if it does not listen."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _is_everywhere(ip: str) -> bool:
    """Whether an address stands for all that the machine has."""
    return ip in ("0.0.0.0", "::", "*", "")


def _reachable_here(ip: str) -> str:
    """Name under which a server on an address is reached from this machine."""
    return "localhost" if _is_everywhere(ip) else _bracketed(ip)


def _host_name(ip: str) -> str:
    """Name under which it is reached from anywhere."""
    return socket.gethostname() if _is_everywhere(ip) else _bracketed(ip)


def _bracketed(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip


def _open_browser(url: str) -> bool:
    """Whether a browser with a window was opened; one that runs in the terminal would take it over."""
    has_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    return has_screen and webbrowser.open(url)


def _from_elsewhere(ip: str, url: str) -> str:
    """How to reach a server that listens on its own machine only."""
    if ip not in ("localhost", "127.0.0.1", "::1"):
        return ""
    port = urlsplit(url).port
    return (
        f"\nIf your browser is on another machine, first run there: ssh -N -L {port}:localhost:{port} "
        f"{socket.gethostname()}\nor start again with --ip 0.0.0.0 on a network that you trust."
    )
