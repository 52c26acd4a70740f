"""A plot that follows some controls: for notebooks that show what a formula does."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from glmwidgets.glm.errors import told
from glmwidgets.panels.parts import plot as bq
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.plot import PLAIN, figure, nice_ticks, value_axis
from glmwidgets.panels.parts.style import stylesheet
from glmwidgets.panels.shared.base import field, text
from glmwidgets.web.palettes import EVENT_COLOURS

log = logging.getLogger(__name__)

Curves = Mapping[str, tuple[Any, Any]]

#: What takes longer than this many seconds is seen to be computing.
SLOW = 0.15


class LivePlot(W.VBox):
    """Curves and a sentence, computed anew whenever a control moves.

    Parameters
    ----------
    compute : callable
        Given the controls' values by name; returns the curves as ``{label: (x, y)}``, or a pair of these and a text.
        What it raises is shown below the plot, and the last good curves stay.
    controls : mapping of str to widget
        Each with a ``value``. What it is called in the plot is its ``description``, or its name.
    x, y : str
        What the axes show.
    points : sequence of str
        Labels of curves that are drawn as points.
    y_range : two floats, optional
        Fixed ends of the vertical axis.
    x_ticks : mapping of float to str, optional
        Where the horizontal axis is marked, and what stands there.
    height : int
        Pixels.

    Attributes
    ----------
    controls : dict of str to widget
    curves : dict
        What was computed last.
    said : str
        The text that was computed last.
    error : str
        Why there is nothing new; empty if all is well.

    Examples
    --------
    >>> plot = LivePlot(lambda f: {"sine": (np.arange(9), np.sin(f * np.arange(9)))}, {"f": W.FloatSlider(value=1)})
    >>> plot.controls["f"].value = 0
    >>> float(plot.curves["sine"][1].max())
    0.0
    """

    def __init__(
        self,
        compute: Callable[..., Any],
        controls: Mapping[str, W.Widget],
        x: str = "",
        y: str = "",
        *,
        points: Sequence[str] = (),
        y_range: tuple[float, float] | None = None,
        x_ticks: Mapping[float, str] | None = None,
        height: int = 230,
    ):
        self.compute, self.controls, self.points = compute, dict(controls), tuple(points)
        self.curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self.said = self.error = ""
        # Callbacks come on any thread; the last one to come is the last one to draw.
        self._lock = threading.RLock()
        low, high = y_range or (None, None)
        self._scales = {"x": bq.LinearScale(), "y": bq.LinearScale(min=low, max=high)}
        marked = {}
        if x_ticks is not None:
            marked = {"tick_values": list(x_ticks), "tick_labels": {f"{at:g}": name for at, name in x_ticks.items()}}
        across = bq.Axis(scale=self._scales["x"], label=x, grid_lines="none", tick_format=PLAIN, **marked)
        self._marks: dict[str, bq.Mark] = {}
        self._y_range, self._upright = y_range, value_axis(self._scales["y"])
        self.figure = figure([], [across, self._upright], height, bottom=40)
        self._unit, self._legend = text("glmw-note", escape(y)), text("glmw-note")
        self._words, self._error = text("glmw-live-words"), text("glmw-error")
        W.show(self._error, False)
        knobs = W.row(
            "glmw-choices", *[field(_name(name, control), control) for name, control in self.controls.items()]
        )
        self._body = W.column("glmw-panel", knobs, self._unit, self.figure, self._legend, self._words, self._error)
        self._seconds = 0.0
        super().__init__([stylesheet(), self._body])
        self.add_class("glmw")
        for control in self.controls.values():
            control.observe(self.redraw, "value")
        self.redraw()

    def redraw(self, _change: Any = None) -> None:
        """Compute the curves of the controls' present values, and show them."""
        with self._lock:
            slow, started = self._seconds > SLOW, time.perf_counter()
            if slow:
                self._body.add_class("glmw-computing")
            try:
                made = self.compute(**{name: control.value for name, control in self.controls.items()})
                curves, said = made if isinstance(made, tuple) else (made, "")
                self._draw({label: (np.asarray(x, float), np.asarray(y, float)) for label, (x, y) in curves.items()})
                self.said, self.error = said, ""
            except Exception as error:
                log.exception("a live plot failed")
                self.error = told(error, "notebook")
            self._seconds = time.perf_counter() - started
            if slow:
                self._body.remove_class("glmw-computing")
            self._words.value = escape(self.said)
            self._error.value = escape(self.error)
            W.show(self._error, self.error)

    def _draw(self, curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
        self.curves = curves
        for label in curves:
            if label not in self._marks:
                self._marks[label] = self._mark(label, EVENT_COLOURS[len(self._marks) % len(EVENT_COLOURS)])
        for label, mark in self._marks.items():
            with mark.hold_sync():
                mark.visible = label in curves
                if mark.visible:
                    mark.x, mark.y = curves[label]
        if len(self.figure.marks) != len(self._marks):
            # points over lines
            self.figure.marks = sorted(self._marks.values(), key=lambda mark: isinstance(mark, bq.Scatter))
        self._mark_heights()
        self._legend.value = "&emsp;".join(self._entry(label) for label in curves)

    def _mark_heights(self) -> None:
        values = np.concatenate([y.ravel() for _, y in self.curves.values()] or [np.zeros(1)])
        values = values[np.isfinite(values)]
        low, high = self._y_range or ((values.min(), values.max()) if values.size else (0.0, 0.0))
        if high > low:
            self._upright.tick_values = nice_ticks(low, high, 6)

    def _entry(self, label: str) -> str:
        sign = "●" if label in self.points else "▬"
        return f'<span style="color:{self._marks[label].colors[0]}">{sign}</span> {escape(label)}'

    def _mark(self, label: str, colour: str) -> bq.Mark:
        nothing = np.zeros(1)
        common = {"x": nothing, "y": nothing, "scales": self._scales, "colors": [colour]}
        if label in self.points:
            return bq.Scatter(**common, default_size=24, stroke_width=0)
        return bq.Lines(**common, stroke_width=1.8)


def _name(name: str, control: W.Widget) -> str:
    """What the control is called; taken from the control, which would write it beside itself."""
    given = getattr(control, "description", "")
    if given:
        control.description = ""
    return given or name.replace("_", " ")
