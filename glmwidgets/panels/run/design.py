"""The design matrix: as a picture, as correlations, and a column of it over time."""

from __future__ import annotations

from html import escape

import numpy as np

from glmwidgets.analysis.designs import Separability
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.chart import Chart, Line, Plot
from glmwidgets.panels.parts.matrix import MatrixView
from glmwidgets.panels.run.columns import ColumnEdits
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.plural import count
from glmwidgets.session.single.session import Session
from glmwidgets.web.palettes import FIT


class DesignPanel(Panel):
    """Matrix or correlations; hover reads a value, a click on a column draws it.

    Attributes
    ----------
    edits : ColumnEdits or None
        What is done to the columns of a matrix that was given.
    """

    also = ("design matrix", "correlation of regressors", "columns of the design")
    reason = "collinearity"

    def __init__(self, session: Session):
        super().__init__(session, "Design", ("design",))
        self.shown = W.ToggleButtons(options=[("matrix", "matrix"), ("correlation", "correlation")])
        self.shown.add_class("glmw-tabs")
        self.matrix = MatrixView(label="design matrix")
        self.matrix.on_pick(self.guarded(self._pick))
        self.chart = Chart(height=78, label="column of the design")
        self.drawn = text("glmw-note")
        self._column: str | None = None
        self._columns: list[str] = []
        self._painted: tuple | None = None
        self.on_value(self.shown, self._show)
        self.edits = None if session.run.design is None else ColumnEdits(self)
        edits = () if self.edits is None else (self.edits,)
        self.fill(self.shown, self.matrix, self.drawn, self.chart, *edits)
        session.observe_at_once(self._show, "result")

    def _show(self, _change: object = None) -> None:
        result = self.session.result
        wanted = (None if result is None else id(result.design), self.shown.value)
        if result is None or wanted == self._painted:
            return
        self._painted = wanted
        design, names = result.design, list(result.design.columns)
        said = Separability.of(design)
        self.set_verdict(
            f"{count(len(names), 'column')} · condition number {_whole(said.condition)}"
            + (f" · largest VIF {said.worst:.1f}" if np.isfinite(said.worst) else "")
        )
        titles = [
            f"{name} · VIF {vif:.1f}" if np.isfinite(vif) else name
            for name, vif in zip(names, said.inflation, strict=True)
        ]
        self.matrix.resting = "click a column to draw it" if self.shown.value == "matrix" else "between columns"
        if self.shown.value == "matrix":
            x = design.to_numpy()
            low, high = x.min(axis=0), x.max(axis=0)
            # each column over its own range: a drift of a hundredth would be invisible beside a motion in mm
            scaled = np.where(high > low, (x - low) / np.where(high > low, high - low, 1), 0.5)
            times = [f"{time:g} s" for time in design.index]
            self.matrix.show(scaled, times, titles, (0, 1))
        else:
            names = list(said.varying)
            self.matrix.show(said.correlation, names, names, (-1, 1), "diverging")
        self._columns = names
        self._draw_column(self._column if self._column in names else names[0])

    def _pick(self, _row: int, column: int) -> None:
        self._draw_column(self._columns[column])
        if self.edits is not None:
            self.edits.choose(self._columns[column])

    def _draw_column(self, name: str) -> None:
        design = self.session.result.design
        self._column = name
        times = design.index.to_numpy(dtype=float)
        line = Line(times, design[name].to_numpy(), FIT, name, width=1.3)
        self.chart.show([Plot([line], x=(0.0, float(times[-1])), x_unit="s", bare=True)])
        self.drawn.value = escape(name)


def _whole(value: float) -> str:
    return f"{value:.0f}" if np.isfinite(value) else "∞"
