"""The effect at the crosshair in each run and in all of them, with intervals, and whether the runs agree."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from glmwidgets.analysis.voxels import RunEffect, RunEffects
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.chart import Chart, Line, Mark, Plot
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.report.figures.style import write_number
from glmwidgets.session.several.session import FixedSession
from glmwidgets.web.palettes import FIT, RULE, SIGNAL

# Pixels of a line of the plot, and of the names and numbers beside it.
ROW, AXIS, TOP = 24, 22, 6

# Below this the runs are said to differ.
DIFFERENT = 0.05


class ForestPanel(Panel):
    """A row for each run and one for their combination: the effect, a line over its 95 % interval, the numbers.

    Parameters
    ----------
    session : FixedSession

    Attributes
    ----------
    chart : Chart
        The runs in their order from the top; the combination is the last.
    """

    also = ("forest plot", "effect in each run")
    reason = "heterogeneity"

    def __init__(self, session: FixedSession):
        super().__init__(session, "Each run here")
        self._n = len(session.analysis.analyses) + 1
        self.chart = Chart(height=ROW * self._n + AXIS + TOP, label="effect in each run, with its 95 % interval")
        self._names, self._numbers, self._words = text("glmw-rows"), text("glmw-rows"), text("glmw-note")
        plot = W.row("glmw-forest", self._names, self.chart, self._numbers)
        self.fill(plot, self._words)
        session.observe_at_once(self._show, ["cursor", "result"])

    def _show(self, _change: object = None) -> None:
        here = self.session.series()
        if here is None:
            why = "outside the mask" if self.session.result is not None else "waiting for the runs"
            rows = [RunEffect("", math.nan, math.nan, math.nan)] * self._n
        else:
            several = self.session.result.contrast.dim > 1
            why = "an F test of several rows has no single effect" if several else ""
            rows = [*here.runs, here.combined]
        self.set_verdict(why or "effect with its 95 % interval")
        self._names.value = "".join(f"<div>{_name(row)}</div>" for row in rows)
        self._numbers.value = "".join(f"<div>{_numbers(row, self.session.unit)}</div>" for row in rows)
        self._words.value = escape(_agreement(here))
        self._draw(rows)

    def _draw(self, rows: list[RunEffect]) -> None:
        known = [(i, row) for i, row in enumerate(rows) if math.isfinite(row.effect)]
        if not known:
            self.chart.show([])
            return
        ends = np.array([(row.low, row.high) for _, row in known])
        low, high = min(0.0, ends.min()), max(0.0, ends.max())
        reach = 0.04 * (high - low)
        parts: list[Line | Mark] = [Mark(0.0, RULE)]
        for i, row in known:
            colour, opacity = FIT if i == self._n - 1 else SIGNAL, 1.0 if row.is_used else 0.35
            interval, place = np.array([row.low, row.high]), np.full(2, -float(i))
            parts.append(Line(interval, place, colour, width=2.0, opacity=opacity))
            parts.append(Line(np.array([row.effect]), place[:1], colour, opacity=opacity, dots=4.0))
        ends_of_rows = (0.5 - self._n, 0.5)
        unit = self.session.unit
        self.chart.show([Plot(parts, (low - reach, high + reach), ends_of_rows, x_unit=unit, bare=True)])


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
    found = None if here is None else here.agreement
    if found is None:
        return ""
    p = "p < .0001" if found.p < 1e-4 else f"p = {found.p:.2g}".replace("0.", ".", 1)
    test = f"Q({found.dof}) = {write_number(found.q)}, {p}"
    if found.p >= DIFFERENT:
        return f"The runs agree here within their standard errors: {test}."
    share = f"{100 * found.i_square:.0f} % of the scatter is more than that"
    return f"The runs differ here by more than their standard errors explain: {test}; {share}."
