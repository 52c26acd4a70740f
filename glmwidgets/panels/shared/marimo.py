"""What marimo shows of an explorer or a panel: its parts that are no controls of ipywidgets, which marimo refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anywidget

from glmwidgets.panels.parts import widgets as W

WORDS = (
    "marimo shows no controls of ipywidgets (version 0.25). The parts below are live; whatever a control sets, "
    '`explorer.session.update({"data.smoothing_fwhm": 6})` sets too.'
)


def alive_parts(widget: W.Widget) -> Iterator[anywidget.AnyWidget]:
    """The views that a widget holds and that marimo can show, from above.

    Parameters
    ----------
    widget : Widget

    Examples
    --------
    >>> from glmwidgets.panels.parts.slider import Slider
    >>> [type(part).__name__ for part in alive_parts(W.VBox([W.HTML("threshold"), Slider()]))]
    ['Slider']
    """
    if isinstance(widget, anywidget.AnyWidget):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from alive_parts(child)


def in_marimo(*parts: anywidget.AnyWidget) -> Any:
    """Parts below each other, with a sentence on what is not there; asked for by marimo alone."""
    import marimo as mo

    return mo.vstack([mo.md(WORDS), *parts])
