"""Charts on a canvas that can be read and clicked; `web/chart.js` is the other half.

A chart is sent whole as one message of some kilobytes, so that a new crosshair costs one repaint whatever is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import numpy as np
import traitlets as t

from glmwidgets.web import script

__all__ = ["Chart", "band", "bars", "line", "mark", "region"]


def _values(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values, dtype=np.float32).tobytes()


def line(x: np.ndarray, y: np.ndarray, colour: str, name: str = "", **look: Any) -> dict[str, Any]:
    """A line; NaN leave gaps.

    Parameters
    ----------
    x, y : array
    colour : str
        Of CSS; a name such as ``"--glmw-muted"`` is looked up in the theme.
    name : str
        What a reading calls it; lines without one are not read.
    **look
        width (pixels), opacity, dash (list of pixels), dots (bool).
    """
    return {"kind": "line", "x": _values(x), "y": _values(y), "colour": colour, "name": name, **look}


def band(x: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str, opacity: float = 0.2) -> dict[str, Any]:
    """The area between two lines."""
    return {
        "kind": "band", "x": _values(x), "y": _values(low), "high": _values(high), "colour": colour, "opacity": opacity
    }  # fmt: skip


def bars(x: np.ndarray, y: np.ndarray, width: float, colour: str, name: str = "", **look: Any) -> dict[str, Any]:
    """Bars from zero, around their x."""
    return {"kind": "bars", "x": _values(x), "y": _values(y), "width": width, "colour": colour, "name": name, **look}


def mark(x: float, colour: str, label: str = "", **look: Any) -> dict[str, Any]:
    """A vertical line with a few words at its top; a `tick` is short, and its words are read when it is pointed at."""
    return {"kind": "mark", "at": float(x), "colour": colour, "label": label, **look}


def region(first: float, last: float, colour: str, name: str = "", opacity: float = 0.16) -> dict[str, Any]:
    """A shaded stretch from top to bottom."""
    return {"from": float(first), "to": float(last), "colour": colour, "name": name, "opacity": opacity}


class Chart(anywidget.AnyWidget):
    """One chart, or several side by side.

    Attributes
    ----------
    plots : list of dict
        What is drawn; see `show`.
    regions : list of dict
        Shaded stretches behind the plots that ask for them, apart because they change seldom.
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
    >>> chart.show([chart.plot([line(np.arange(3), np.arange(3), "--glmw-muted", "data")], x=(0, 2))])
    >>> [part["kind"] for part in chart.plots[0]["parts"]]
    ['line']
    """

    _esm = script("chart.js")

    plots = t.List().tag(sync=True)
    regions = t.List().tag(sync=True)
    marker = t.Float(None, allow_none=True).tag(sync=True)
    height = t.Int(190).tag(sync=True)
    label = t.Unicode("chart").tag(sync=True)
    resting = t.Unicode("").tag(sync=True)

    @staticmethod
    def plot(
        parts: Sequence[dict[str, Any]],
        x: tuple[float, float],
        y: tuple[float, float] | None = None,
        *,
        caption: str = "",
        x_name: str = "",
        x_unit: str = "",
        scans: bool = False,
        regions: bool = False,
        pick: bool = False,
    ) -> dict[str, Any]:
        """Describe one plot.

        Parameters
        ----------
        parts : sequence of dict
            From `line`, `band`, `bars` and `mark`, the hindmost first.
        x, y : (low, high)
            Ends of the axes; y is fitted to the parts by default.
        caption : str
            Above the plot.
        x_name, x_unit : str
            What a reading calls x.
        scans : bool
            Whether points of the first line are scans.
        regions : bool
            Whether the chart's regions are behind it.
        pick : bool
            Whether a click picks a point of the first line.
        """
        return {
            "parts": list(parts), "x": [float(v) for v in x], "y": None if y is None else [float(v) for v in y],
            "caption": caption, "xName": x_name, "xUnit": x_unit, "scans": scans, "regions": regions, "pick": pick,
        }  # fmt: skip

    def show(self, plots: Sequence[dict[str, Any]], resting: str | None = None) -> None:
        """Draw other plots."""
        with self.hold_sync():
            self.plots = list(plots)
            if resting is not None and resting != self.resting:
                self.resting = resting

    def on_pick(self, handler: Callable[[int | None], Any]) -> None:
        """Call a handler with the number of the point that is clicked; with None for the Escape key."""

        def receive(_widget: Any, content: dict[str, Any], _buffers: Any) -> None:
            if content.get("kind") == "pick" and isinstance(content.get("index"), int):
                handler(content["index"])
            elif content.get("kind") == "leave":
                handler(None)

        self.on_msg(receive)
