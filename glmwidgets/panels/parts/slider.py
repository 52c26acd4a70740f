"""A slider that is followed in the page before the kernel hears of it; `web/slider.js` is its other half."""

from __future__ import annotations

from uuid import uuid4

import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.web import script, style


class Slider(Drawn):
    """A number on a scale, dragged by hand.

    While it is dragged, the kernel hears of it when the hand rests, and every second if it does not: each message costs
    JupyterLab more than a viewer needs to paint. Viewers in the page that are told to (see
    `glmwidgets.panels.parts.slices.SliceViewer.follow`) repaint with every movement.

    Attributes
    ----------
    value, min, max, step : float
    label : str
        What it is, for those who hear the page instead of seeing it.
    key : str
        By which viewers know it; another for each slider.

    Examples
    --------
    >>> slider = Slider(value=3.0, min=0.0, max=8.0, step=0.5, label="threshold")
    >>> slider.value
    3.0
    """

    _esm = script("slider.js")
    _css = style("slider.css")

    value = t.Float(0.0).tag(sync=True)
    min = t.Float(0.0).tag(sync=True)
    max = t.Float(1.0).tag(sync=True)
    step = t.Float(0.01).tag(sync=True)
    label = t.Unicode("").tag(sync=True)
    key = t.Unicode().tag(sync=True)

    @t.default("key")
    def _new_key(self) -> str:
        return uuid4().hex
