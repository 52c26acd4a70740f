"""The effect at the crosshair in each run and in all of them, with intervals, and whether the runs agree."""

from __future__ import annotations

import math
from html import escape

import bqplot as bq
import ipywidgets as W
import numpy as np

from glmwidgets.analysis.voxels import RunEffect, RunEffects
from glmwidgets.glm.fit.heterogeneity import Heterogeneity
from glmwidgets.panels.parts.plot import figure, nice_ticks, time_axis
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.report.figures.style import write_number
from glmwidgets.session.several.session import FixedSession
from glmwidgets.web.palettes import FIT, RULE, SIGNAL

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
        # Without padding, so that the rows stand beside their names.
        self._x = bq.LinearScale(min=-1.0, max=1.0, allow_padding=False)
        y = bq.LinearScale(min=-0.5, max=self._n - 0.5, reverse=True, allow_padding=False)
        scales = {"x": self._x, "y": y}
        self._zero = bq.Lines(
            x=np.zeros(2), y=np.array([-0.5, self._n - 0.5]), scales=scales, colors=[RULE], stroke_width=1
        )
        self.intervals = bq.Lines(x=np.zeros((1, 2)), y=np.zeros((1, 2)), scales=scales, stroke_width=2, visible=False)
        self.points = bq.Scatter(
            x=np.zeros(1), y=np.zeros(1), scales=scales, default_size=60, stroke_width=0, visible=False
        )
        self._axis = time_axis(self._x, tick_values=[-1, 0, 1])
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
        self._names.value = "".join(f"<div>{_name(row)}</div>" for row in rows)
        self._numbers.value = "".join(f"<div>{_numbers(row, self.session.unit)}</div>" for row in rows)
        self._words.value = escape(_agreement(here))
        self._draw(rows)

    def _draw(self, rows: list[RunEffect]) -> None:
        known = [(i, row) for i, row in enumerate(rows) if math.isfinite(row.effect)]
        if known:
            ends = np.array([(row.low, row.high) for _, row in known])
            low, high = min(0.0, ends.min()), max(0.0, ends.max())
            reach = 0.04 * (high - low)
            with self._x.hold_sync():
                self._x.min, self._x.max = float(low - reach), float(high + reach)
            self._axis.tick_values = nice_ticks(low, high, 6)
            places = np.array([i for i, _ in known], dtype=float)
            look = {
                "colors": [FIT if i == self._n - 1 else SIGNAL for i, _ in known],
                "opacities": [1.0 if row.is_used else 0.35 for _, row in known],
            }
            with self.intervals.hold_sync(), self.points.hold_sync():
                self.intervals.x, self.intervals.y = ends, np.repeat(places[:, None], 2, axis=1)
                self.points.x, self.points.y = np.array([row.effect for _, row in known]), places
                for name, value in look.items():
                    setattr(self.intervals, name, value)
                    setattr(self.points, name, value)
        for mark in (self.intervals, self.points):
            mark.visible = bool(known)


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
