"""The command line: ``glmwidgets demo``, ``app``, ``lab``, ``fit``, ``report`` and ``study``."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from glmwidgets import __version__
from glmwidgets.files.writing import forget
from glmwidgets.glm.choices import meant
from glmwidgets.glm.errors import GlmwidgetsError, told

__all__ = ["main"]

# Each command is a function ``name(argv) -> exit code`` in a module that is imported only when it is asked for.
COMMANDS = {
    "demo": ("glmwidgets.cli.lab", "open the tour in JupyterLab, on a simulated run or on your own"),
    "app": ("glmwidgets.cli.app", "open the explorer on a page of its own, by Voilà"),
    "lab": ("glmwidgets.cli.lab", "start JupyterLab in a folder"),
    "fit": ("glmwidgets.cli.fit", "fit a model without a browser and write its maps and tables"),
    "report": ("glmwidgets.cli.report", "fit a model and write an HTML report of it"),
    "study": ("glmwidgets.cli.study", "fit many runs under one model: study init, run, status, gather"),
    "clean": ("glmwidgets.cli.clean", "remove outputs and the saved state of widgets from notebooks"),
}


class CommandError(GlmwidgetsError):
    """A command cannot do what it was asked, for a reason that is not in the data."""


# What a person's input can cause. Anything else is a defect of the program, and keeps its traceback.
EXPECTED = (CommandError, ValueError, TypeError, OSError, MemoryError)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and say in one line what went wrong, if anything did.

    Parameters
    ----------
    argv : sequence of str, optional
        Words after ``glmwidgets``; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 if it worked, 2 if the input was wrong, 130 if it was interrupted.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] not in COMMANDS:
        return _no_command(argv)
    name = argv[0]
    forget()
    module, _ = COMMANDS[name]
    with warnings.catch_warnings(), _terminated_like_interrupted():
        warnings.simplefilter("always")
        for of_programmers in (DeprecationWarning, FutureWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", of_programmers)
        warnings.showwarning = lambda message, *_: _say(name, "warning", message)
        try:
            return getattr(import_module(module), name)(argv[1:])
        except EXPECTED as error:
            _say(name, "error", told(error, "terminal"))
            return 2
        except KeyboardInterrupt:
            _say(name, "error", "interrupted")
            return 130


class Parser(argparse.ArgumentParser):
    """A parser of one command that reports a mistake in one line."""

    def error(self, message: str) -> Any:
        """Print the mistake, with the option that was probably meant, and leave with exit code 2."""
        if (word := message.removeprefix("unrecognized arguments: ").split()[0]) != message.split()[0]:
            known = [option for option in self._option_string_actions if option.startswith("--")]
            begun = next((option for option in known if option.startswith(word) or word.startswith(option)), None)
            near = f"did you mean {begun!r}?" if begun and word.startswith("--") else meant(word, known)
            message = "; ".join(filter(None, (message, near)))
        print(f"{self.prog}: error: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)


def _no_command(argv: list[str]) -> int:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {about}" for name, (_, about) in COMMANDS.items())
    parser = Parser(
        prog="glmwidgets",
        usage="glmwidgets COMMAND [OPTIONS]",
        description="Explore an fMRI run live: a general linear model that refits while you drag.",
        epilog=f"commands (each has its own --help):\n{commands}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"glmwidgets {__version__}")
    parser.add_argument("command", nargs="?", metavar="COMMAND", choices=list(COMMANDS), help=argparse.SUPPRESS)
    parser.parse_args(argv)
    parser.print_help()
    return 0


def _say(command: str, kind: str, message: object) -> None:
    print(f"glmwidgets {command}: {kind}: {' '.join(str(message).split())}", file=sys.stderr)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let a polite kill unwind the stack as Ctrl-C does, so that no half-written folder or server stays behind."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set a handler
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
