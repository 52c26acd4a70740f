"""Who shows the widgets: whether that is one kernel with all its pages, and whether it hears other threads."""

from __future__ import annotations

import sys

import comm
from ipywidgets import Widget

__all__ = ["LOSE", "host", "is_of_all_pages"]

# Packages whose channels lead to a kernel: that of Jupyter's kernels, and where there is no page.
_OF_KERNELS = ("ipykernel", "comm")

#: Packages whose channels do not promise to send what other threads say: Panel 1.9.4 has no lock on the list from which
#: it sends, and then replaces; shinywidgets 0.8.2 refuses it outside of the session that it is of.
LOSE = ("panel", "ipywidgets_bokeh", "shinywidgets")


def host() -> str:
    """Package whose channels widgets open; that of Jupyter's kernels is ipykernel."""
    package = comm.create_comm.__module__.partition(".")[0]
    made = Widget._widget_construction_callback
    if package == "comm" and made is not None:
        # shinywidgets gives a widget its channel once it is made.
        return made.__module__.partition(".")[0]
    base = sys.modules.get("ipykernel.kernelbase") if package in _OF_KERNELS else None
    kernel = getattr(base.Kernel, "_instance", None) if base else None
    # ipywidgets_bokeh has ipykernel's channels, with a kernel of its own.
    return package if kernel is None or hasattr(kernel, "user_ns") else type(kernel).__module__.partition(".")[0]


def is_of_all_pages() -> bool:
    """Whether what widgets say reaches every page that shows them, from any thread: so it is of Jupyter's kernels."""
    return host() in _OF_KERNELS
