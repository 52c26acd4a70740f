"""Servers that commands start: where they listen, whether they answer, and how they are stopped."""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import importlib.util
import os
import re
import shlex
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Callable
from pathlib import Path

from glmwidgets.cli import CommandError

__all__ = [
    "add_server_options",
    "check_installed",
    "free_port",
    "from_elsewhere",
    "host_name",
    "open_browser",
    "reachable_here",
    "stop",
    "wait_until_it_answers",
]

FIRST_PORT, PORTS = 8888, 100
PATIENCE = 90  # seconds until a server that does not answer is given up; cold disks are slow


def add_server_options(parser: argparse.ArgumentParser) -> None:
    """Where a server listens, and whether a browser is opened."""
    parser.add_argument("--no-browser", action="store_true", help="print the address, open nothing")
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


def free_port(ip: str, port: int | None) -> int:
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
                reason = error
            else:
                return probe.getsockname()[1]
    wanted = f"port {port}" if port is not None else f"any port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1}"
    raise CommandError(f"cannot listen on {wanted} of {ip} ({reason}); choose another with --port")


def wait_until_it_answers(
    process: subprocess.Popen, answers: Callable[[], bool], log: Path, name: str = "JupyterLab"
) -> None:
    """Wait for a server that was started.

    Parameters
    ----------
    process : subprocess.Popen
    answers : callable
        Whether it answers; may raise OSError where it does not.
    log : Path
        What it has written.
    name : str
        What messages call it.

    Raises
    ------
    CommandError
        With its last words, if it has ended or its time is up.
    """
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if answers():
                return
        time.sleep(0.1)
    last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-3:]
    raise CommandError(f"{name} did not start; its last words: {' / '.join(last) or 'none'}")


def stop(process: subprocess.Popen) -> None:
    """End a server, by force if it does not listen."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def is_everywhere(ip: str) -> bool:
    """Whether an address stands for all that the machine has."""
    return ip in ("0.0.0.0", "::", "*", "")


def reachable_here(ip: str) -> str:
    """Name under which a server on an address is reached from this machine."""
    return "localhost" if is_everywhere(ip) else _bracketed(ip)


def host_name(ip: str) -> str:
    """Name under which it is reached from anywhere."""
    return socket.gethostname() if is_everywhere(ip) else _bracketed(ip)


def _bracketed(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip


def open_browser(url: str) -> bool:
    """Whether a browser with a window was opened; one that runs in the terminal would take it over."""
    has_screen = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    return has_screen and webbrowser.open(url)


def from_elsewhere(ip: str, base: str) -> str:
    """How to reach a server that listens on its own machine only."""
    if ip not in ("localhost", "127.0.0.1", "::1"):
        return ""
    port = base.rpartition(":")[2]
    return (
        f"\nIf your browser is on another machine, first run there: ssh -N -L {port}:localhost:{port} "
        f"{socket.gethostname()}\nor start again with --ip 0.0.0.0 on a network that you trust."
    )
