"""A button that shows one of two things, flipped by a key; `web/flip.js` is its other half."""

from __future__ import annotations

import anywidget
import traitlets as t

from glmwidgets.web import script

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

    _esm = script("flip.js")

    value = t.Bool(False).tag(sync=True)
    labels = t.List(t.Unicode(), default_value=["B", "A"]).tag(sync=True)
    key = t.Unicode("f").tag(sync=True)
