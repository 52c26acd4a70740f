"""The notebook around an explorer: which cell made it, whether a person is there, and what is seen without widgets."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from typing import Any

import ipywidgets as W

from glmwidgets.panels.parts.host import LOSE, host, is_of_all_pages

#: What a reader without live widgets is told.
WAY_BACK = "To have it live, run the cell again, or choose File > Trust Notebook."

# Explorers by the cell that made them, each with the execution that did.
_made: dict[str, list[tuple[str, weakref.ref]]] = {}


def _shell() -> Any:
    """IPython's shell in a kernel; None elsewhere."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    shell = get_ipython()
    return shell if hasattr(shell, "get_parent") else None


def _execution() -> tuple[str, str] | None:
    """The running cell and its execution; None where the front end does not say which cell it is, or none runs."""
    shell = _shell()
    parent = {} if shell is None else shell.get_parent() or {}
    head, cell = parent.get("header", {}), parent.get("metadata", {}).get("cellId")
    return (str(cell), str(head.get("msg_id"))) if cell and head.get("msg_type") == "execute_request" else None


def is_in_notebook() -> bool:
    """Whether a cell of a kernel runs, below which something can be shown."""
    return _shell() is not None


def named_in_notebook(name: str) -> Any:
    """What a name stands for in the notebook, or in the script that runs; None if it is nothing there."""
    return vars(sys.modules["__main__"]).get(name)


def remember(explorer: Any) -> None:
    """Take note of the cell that makes an explorer."""
    now = _execution()
    if now is not None:
        _made.setdefault(now[0], []).append((now[1], weakref.ref(explorer)))


def close_earlier() -> None:
    """Close what an earlier execution of the running cell made: its output is gone, but its memory would stay."""
    now = _execution()
    if now is None:
        return
    before = _made.pop(now[0], [])
    for execution, reference in before:
        explorer = reference()
        if execution == now[1]:
            _made.setdefault(now[0], []).append((execution, reference))
        elif explorer is not None:
            explorer.close()
            _drop_outputs(explorer)


def _drop_outputs(explorer: Any) -> None:
    """Take a closed explorer out of IPython's list of outputs, by which it would be kept as long as the kernel runs."""
    shell = _shell()
    for held in (shell.user_ns.get("_oh", {}), shell.user_ns, shell.user_ns_hidden):
        outputs = [key for key, value in held.items() if value is explorer and not str(key).lstrip("_0123456789")]
        for key in outputs:
            del held[key]
    for name in ("_", "__", "___"):
        if getattr(shell.displayhook, name, None) is explorer:
            setattr(shell.displayhook, name, None)


def is_unattended() -> bool:
    """Whether a program executes the notebook and nobody is there to see what comes after its last cell.

    JupyterLab and other editors name the cell in each request to execute it, programs such as nbclient and papermill do
    not. Voilà executes as they do, for a person who waits.
    """
    shell = _shell()
    if shell is None or os.environ.get("SERVER_SOFTWARE", "").startswith("voila"):
        return False
    parent = shell.get_parent() or {}
    is_cell = parent.get("header", {}).get("msg_type") == "execute_request"
    return is_cell and not parent.get("metadata", {}).get("cellId")


def may_threads_speak(widget: W.Widget) -> bool:
    """Whether what a thread says reaches the page. Jupyter's kernels let it; shinywidgets refuses, Panel may lose it.

    Parameters
    ----------
    widget : Widget
        Any that is open: a thread sends it an empty message.
    """
    if is_of_all_pages() or host() in LOSE:
        return host() not in LOSE
    failed: list[Exception] = []

    def speak() -> None:
        try:
            widget.send({})
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=speak, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return True  # nobody will speak from a thread that cannot be started
    thread.join()
    return not failed


def bundle(widget: W.Widget, words: str, picture: bytes | None = None, **kwargs: Any) -> dict[str, Any] | None:
    """What a widget is shown by: itself, and a line and a picture for readers without widgets.

    Parameters
    ----------
    widget : Widget
    words : str
        What it is.
    picture : bytes, optional
        PNG.
    """
    data = W.DOMWidget._repr_mimebundle_(widget, **kwargs)
    if data is not None:
        data["text/plain"] = f"{words}. {WAY_BACK}"
        if picture is not None:
            data["image/png"] = picture
    return data
