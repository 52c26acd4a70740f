"""Charts on a canvas that can be read and clicked; `web/chart.js` is the other half.

A chart is sent whole as one message of some kilobytes, so that a new crosshair costs one repaint whatever is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import heard, is_whole
from glmwidgets.web import script
from glmwidgets.web.palettes import css_variables


@dataclass(frozen=True, eq=False)
class Line:
    """A line over `x`; NaN leave gaps.

    Attributes
    ----------
    x, y : array
    colour : str
        Of CSS; a name such as ``"--glmw-muted"`` is looked up in the theme.
    name : str
        What a reading calls it; lines without one are not read.
    width, dash : pixels
    dots : float
        Radius of each point, pixels.
    """

    x: np.ndarray
    y: np.ndarray
    colour: str
    name: str = ""
    width: float = 1.4
    opacity: float = 1.0
    dash: tuple[float, ...] = ()
    dots: float = 0.0


@dataclass(frozen=True, eq=False)
class Band:
    """The area between two lines over `x`."""

    x: np.ndarray
    y: np.ndarray
    high: np.ndarray
    colour: str
    opacity: float = 0.2


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars from zero, around their x; `width` is in units of x."""

    x: np.ndarray
    y: np.ndarray
    width: float
    colour: str
    name: str = ""
    opacity: float = 1.0


@dataclass(frozen=True, eq=False)
class Mark:
    """An upright line with a few words at its top; a `tick` is short, and its words are read when it is pointed at.

    Ticks of one place stand above each other by their `row`.
    """

    at: float
    colour: str
    label: str = ""
    dash: tuple[float, ...] = ()
    tick: bool = False
    row: int = 0


@dataclass(frozen=True, eq=False)
class Region:
    """A shaded stretch from top to bottom."""

    first: float
    last: float
    colour: str
    name: str = ""
    opacity: float = 0.16


@dataclass(frozen=True, eq=False)
class Plot:
    """One plot of a chart.

    Attributes
    ----------
    parts : sequence of Line, Band, Bars and Mark
        The hindmost first.
    x, y : (low, high)
        Ends of the axes; y is fitted to the parts by default.
    caption : str
        Above the plot.
    x_name, x_unit : str
        What x is called, at the end of its axis and in a reading.
    y_name : str
        What y is, with its unit, at the top of its axis.
    labels : sequence of str
        What stands below x = 0, 1, 2 ... in the place of numbers.
    said : sequence of str
        A reading of each of these, in the place of one made of the parts.
    zero : bool
        Whether zero is within the ends of y, where these are fitted.
    scans : bool
        Whether points of the first line are scans.
    regions : bool
        Whether the chart's regions are behind it.
    pick : bool
        Whether a click picks a point of the first line.
    bare : bool
        Without an axis of y, where its values mean nothing or stand beside it in words.
    """

    parts: Sequence[Line | Band | Bars | Mark]
    x: tuple[float, float]
    y: tuple[float, float] | None = None
    caption: str = ""
    x_name: str = ""
    x_unit: str = ""
    y_name: str = ""
    labels: Sequence[str] = ()
    said: Sequence[str] = ()
    zero: bool = False
    scans: bool = False
    regions: bool = False
    pick: bool = False
    bare: bool = False


def sent(thing: Any) -> Any:
    """A part of a chart as the page reads it: its fields, and in ``kind`` what it is; arrays as 32-bit floats."""
    if is_dataclass(thing):
        return {"kind": type(thing).__name__.lower(), **{f.name: sent(getattr(thing, f.name)) for f in fields(thing)}}
    if isinstance(thing, np.ndarray):
        return np.ascontiguousarray(thing, dtype=np.float32).tobytes()
    if isinstance(thing, list | tuple):
        return [sent(each) for each in thing]
    return thing.item() if isinstance(thing, np.generic) else thing


class Chart(Drawn):
    """One chart, or several side by side.

    Attributes
    ----------
    plots : list of dict
        What is drawn, as it was sent; see `show`.
    regions : list of dict
        Shaded stretches behind the plots that ask for them, apart because they change seldom; see `sent`.
    marker : float or None
        Where a line marks the scan that is shown.
    height : int
        Pixels.
    label : str
        For those who hear the page instead of seeing it.
    resting : str
        What stands below while nothing is pointed at.

    Examples
    --------
    >>> chart = Chart()
    >>> chart.show([Plot([Line(np.arange(3), np.arange(3), "--glmw-muted", "data")], x=(0, 2))])
    >>> [part["kind"] for part in chart.plots[0]["parts"]]
    ['line']
    """

    _esm = script("chart.js")
    _css = css_variables()

    plots = t.List().tag(sync=True)
    regions = t.List().tag(sync=True)
    marker = t.Float(None, allow_none=True).tag(sync=True)
    height = t.Int(190).tag(sync=True)
    label = t.Unicode("chart").tag(sync=True)
    resting = t.Unicode("").tag(sync=True)

    def show(self, plots: Sequence[Plot], resting: str | None = None) -> None:
        """Draw other plots."""
        with self.hold_sync():
            self.plots = sent(list(plots))
            if resting is not None:
                self.resting = resting

    def on_pick(self, handler: Callable[[int | None], Any]) -> None:
        """Call a handler with the number of the point that is clicked; with None for the Escape key."""
        heard(self, "pick", handler, index=is_whole)
        heard(self, "leave", lambda: handler(None))
