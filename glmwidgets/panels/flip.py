"""A button that shows one of two things, flipped by a key; `flip.js` is its other half."""

from __future__ import annotations

from pathlib import Path

import anywidget
import traitlets as t

__all__ = ["FlipButton"]


class FlipButton(anywidget.AnyWidget):
    """Two states and a key.

    Attributes
    ----------
    value : bool
        Whether the second is shown.
    labels : list of str
        What the two are called.
    key : str
        One small letter.
    """

    _esm = Path(__file__).with_suffix(".js")

    value = t.Bool(False).tag(sync=True)
    labels = t.List(t.Unicode(), default_value=["B", "A"]).tag(sync=True)
    key = t.Unicode("f").tag(sync=True)
