"""The effect at the crosshair in each run and in all of them, with intervals, and whether the runs agree."""

from __future__ import annotations

import math
from html import escape

import bqplot as bq
import ipywidgets as W
import numpy as np

from glmwidgets.glm.heterogeneity import Heterogeneity
from glmwidgets.panels.base import Panel, text
from glmwidgets.panels.plot import FIT, SIGNAL, figure, time_axis
from glmwidgets.report.style import write_number
from glmwidgets.session.fixed import FixedSession, RunEffect, RunEffects

__all__ = ["ForestPanel"]

# Pixels of a line of the plot, and of the names and numbers beside it.
ROW, AXIS, TOP = 24, 24, 4

# Below this the runs are said to differ.
DIFFERENT = 0.05


class ForestPanel(Panel):
    """A row for each run and one for their combination: the effect, a line over its 95 % interval, the numbers.

    Parameters
    ----------
    session : FixedSession

    Attributes
    ----------
    figure : bqplot.Figure
    points, intervals : bqplot marks
        Of the runs, in their order; the combination is the last.
    """

    def __init__(self, session: FixedSession):
        super().__init__(session, "Each run here")
        self._n = len(session.analysis.analyses) + 1
        self._x = bq.LinearScale(min=-1.0, max=1.0)
        scales = {"x": self._x, "y": bq.LinearScale(min=-0.5, max=self._n - 0.5, reverse=True)}
        rows = np.arange(self._n, dtype=float)
        nowhere = np.full(self._n, np.nan)
        colours = [*[SIGNAL] * (self._n - 1), FIT]
        self._zero = bq.Lines(
            x=np.zeros(2), y=np.array([-0.5, self._n - 0.5]), scales=scales, colors=["#b0b8c0"], stroke_width=1
        )
        self.intervals = bq.Lines(
            x=np.full((self._n, 2), np.nan), y=np.repeat(rows[:, None], 2, 1), scales=scales, colors=colours
        )
        self.intervals.stroke_width = 2
        self.points = bq.Scatter(x=nowhere, y=rows, scales=scales, colors=colours, default_size=60, stroke_width=0)
        self._axis = time_axis(self._x, num_ticks=5)
        self.figure = figure(
            [self._zero, self.intervals, self.points],
            [self._axis],
            ROW * self._n + AXIS + TOP,
            left=12,
            right=12,
            top=TOP,
            bottom=AXIS,
        )
        self._names, self._numbers, self._words = text("glmw-rows"), text("glmw-rows"), text("glmw-note")
        plot = W.Box([self._names, self.figure, self._numbers])
        plot.add_class("glmw-forest")
        self.fill(plot, self._words)
        session.observe_locked(self._show, ["cursor", "result"])
        self._show()

    def _show(self, _change: object = None) -> None:
        here = self.session.series()
        if here is None:
            why = "outside the mask" if self.session.result is not None else "waiting for the runs"
            rows = [RunEffect("", math.nan, math.nan, math.nan)] * self._n
        else:
            several = self.session.result.contrast.dim > 1
            why = "an F test of several rows has no one effect" if several else ""
            rows = [*here.runs, here.combined]
        self.set_verdict(why or "effect with its 95 % interval")
        _write(self._names, "".join(f"<div>{_name(row)}</div>" for row in rows))
        _write(self._numbers, "".join(f"<div>{_numbers(row, self.session.unit)}</div>" for row in rows))
        _write(self._words, escape(_agreement(here)))
        self._draw(rows)

    def _draw(self, rows: list[RunEffect]) -> None:
        ends = np.array([(row.low, row.high) for row in rows])
        known = ends[np.isfinite(ends)]
        if known.size:
            low, high = min(0.0, known.min()), max(0.0, known.max())
            reach = 0.04 * (high - low)
            with self._x.hold_sync():
                self._x.min, self._x.max = float(low - reach), float(high + reach)
        self.intervals.x = ends
        with self.points.hold_sync():
            self.points.x = np.array([row.effect for row in rows])
            self.points.opacities = [1.0 if row.is_used else 0.35 for row in rows]
        opacities = [1.0 if row.is_used else 0.35 for row in rows]
        if self.intervals.opacities != opacities:
            self.intervals.opacities = opacities


def _name(row: RunEffect) -> str:
    muted = "" if row.is_used else ' class="glmw-out"'
    return f"<span{muted}>{escape(row.name)}</span>"


def _numbers(row: RunEffect, unit: str) -> str:
    if not math.isfinite(row.effect):
        return "–"
    muted = "" if row.is_used else ' class="glmw-out"'
    numbers = f"<b>{write_number(row.effect)}</b> [{write_number(row.low)}, {write_number(row.high)}] {unit}"
    return f"<span{muted}>{numbers.rstrip()}</span>"


def _agreement(here: RunEffects | None) -> str:
    """Whether the runs agree, in words."""
    found: Heterogeneity | None = None if here is None else here.agreement
    if found is None:
        return ""
    p = "p < .0001" if found.p < 1e-4 else f"p = {found.p:.2g}".replace("0.", ".", 1)
    test = f"Q({found.dof}) = {write_number(found.q)}, {p}"
    if found.p >= DIFFERENT:
        return f"The runs agree here as far as their variances tell: {test}."
    share = f"{100 * found.i_square:.0f} % of their scatter is beyond them"
    return f"The runs differ here by more than their variances explain: {test}; {share}."


def _write(place: W.HTML, value: str) -> None:
    if place.value != value:
        place.value = value
