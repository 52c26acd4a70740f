"""The host of the widgets: whether one kernel serves all pages, and whether it accepts messages from other threads."""

from __future__ import annotations

import sys
from collections.abc import Callable

import comm
from ipywidgets import Widget

# Packages whose channels lead to a kernel: that of Jupyter's kernels, and where there is no page.
_OF_KERNELS = ("ipykernel", "comm")

#: Packages whose channels do not promise to send what other threads say: Panel 1.9.4 has no lock on the list from which
#: it sends, and then replaces; shinywidgets 0.8.2 refuses it outside of the session that it is of.
LOSE = ("panel", "ipywidgets_bokeh", "shinywidgets")

# Packages whose pages know the models of ipywidgets 7 alone (shinywidgets 0.8.2). Its words, texts and ticks had no
# styles, and a page does not show a widget with a style that it was told of and does not know.
_OF_IPYWIDGETS_7 = ("shinywidgets",)

#: What makes a style one that every page knows.
SAYS_NOTHING = {"_model_name": "StyleModel", "_model_module": "@jupyter-widgets/base"}


def giver() -> Callable[[Widget], None] | None:
    """What the host does to each widget that was made, to give it a channel: so does shinywidgets; None elsewhere."""
    return Widget._widget_construction_callback if _opener() == "comm" else None


def _opener() -> str:
    return comm.create_comm.__module__.partition(".")[0]


def host() -> str:
    """Package whose channels widgets open; that of Jupyter's kernels is ipykernel."""
    package, give = _opener(), giver()
    if give is not None:
        return give.__module__.partition(".")[0]
    base = sys.modules.get("ipykernel.kernelbase") if package in _OF_KERNELS else None
    kernel = getattr(base.Kernel, "_instance", None) if base else None
    # ipywidgets_bokeh has ipykernel's channels, with a kernel of its own.
    return package if kernel is None or hasattr(kernel, "user_ns") else type(kernel).__module__.partition(".")[0]


def is_of_all_pages() -> bool:
    """Whether what widgets say reaches every page that shows them, from any thread: so it is of Jupyter's kernels."""
    return host() in _OF_KERNELS


def knows_styles() -> bool:
    """Whether pages of the host know the style of each widget of ipywidgets 8."""
    return host() not in _OF_IPYWIDGETS_7
