"""The table of runs with their figures: sorted, filtered, and picked from."""

from __future__ import annotations

from html import escape

import numpy as np

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.table import RowTable
from glmwidgets.panels.shared.base import Panel, named, text
from glmwidgets.session.study.session import StudySession
from glmwidgets.study.exclusions import looks_like_rule, parse_rule
from glmwidgets.study.figures import FIGURES

#: Figures that the table begins with.
FIRST = ("fd_mean", "tsnr", "task_r_square", "not_white", "map_r")


class RunsPanel(Panel):
    """One row a run: name, figures, and why it is left out; words or a rule show some of them only.

    Attributes
    ----------
    table : RowTable
    filter : Text
        Part of a name, or a rule such as ``fd_mean ge 0.5``.
    columns : SelectMultiple
        Which figures the table has.
    """

    also = ("table of runs", "quality control", "figures")

    def __init__(self, session: StudySession, arranged=lambda order: None):
        super().__init__(session, "Quality", ("figures",))
        self._arranged = arranged
        self.table = RowTable(empty="No run matches.", many=True, follows=False)
        self.filter = named(W.Text(placeholder="name or rule", continuous_update=False), "filter")
        first = [key for key in FIRST if key in FIGURES] or list(FIGURES)[:4]
        self.columns = named(
            W.SelectMultiple(options=[(f.label, key) for key, f in FIGURES.items()], value=first, rows=8),
            "figures of the table",
        )
        self._choose = W.ToggleButton(description="columns", tooltip="which figures the table has")
        self._place = W.row("glmw-place")
        self._choose.observe(self.guarded(self._open), "value")
        self._said = text("glmw-note")
        self._rows: list[int] = []
        self.on_value(self.filter, self._show)
        self.on_value(self.columns, self._show)
        self.table.observe(self.guarded(self._picked), "picked")
        bar = W.row("glmw-bar", self.filter, self._choose)
        self.fill(bar, self._place, self.table, self._said)
        session.observe_locked(self._show, ["figures", "reasons"])
        session.observe_locked(self._mark, ["picked", "brushed"])
        self._show()

    def _open(self, change: dict) -> None:
        self._place.children = (self.columns,) if change["new"] else ()

    def _matches(self) -> list[int]:
        runs, asked = self.session.study.runs, self.filter.value.strip()
        figures = self.session.figures
        if not asked:
            return list(range(len(runs)))
        if looks_like_rule(asked) and figures is not None:
            return [int(i) for i in np.flatnonzero(parse_rule(asked).holds(figures.values))]
        return [i for i, run in enumerate(runs) if asked.casefold() in run.name.casefold()]

    def _show(self, _change: object = None) -> None:
        session, figures = self.session, self.session.figures
        try:
            self._rows, wrong = self._matches(), ""
        except ValueError as error:
            self._rows, wrong = list(range(len(session.study.runs))), str(error)
        shown = [FIGURES[key] for key in self.columns.value]
        columns = [{"label": "run", "text": True, "short": True}]
        columns += [
            # By the word that rules use, which is short; the rest is said when it is pointed at.
            {"label": f.key, "digits": f.digits - 1, "help": f"{f.label}, {f.unit}: {f.definition}"}
            for f in shown
        ]
        columns.append({"label": "left out", "text": True})
        rows = []
        for i in self._rows:
            values = [None] * len(shown) if figures is None else [figures.values.at[i, f.key] for f in shown]
            cells = [None if v is None or not np.isfinite(v) else float(v) for v in values]
            said = "; ".join(figures.said(i)) if figures is not None else ""
            rows.append(
                {
                    "cells": [session.study.runs[i].name, *cells, session.reasons[i]],
                    "out": bool(session.reasons[i]),
                    "bad": said,
                    "title": said or session.reasons[i],
                }
            )
        with self.table.hold_sync():
            self.table.columns, self.table.rows = columns, rows
        self._said.value = escape(wrong or session.said())
        self._arranged(self._rows)
        self._mark()

    def _picked(self, change: dict) -> None:
        rows = [self._rows[k] for k in change["new"] if k < len(self._rows)]
        if len(rows) == 1:
            self.session.pick(rows[0])
        elif len(rows) > 1:
            self.session.brushed = tuple(rows)

    def _mark(self, _change: object = None) -> None:
        place = {row: k for k, row in enumerate(self._rows)}
        self.table.here = place.get(self.session.picked, -1)
        marked = [place[row] for row in self.session.brushed if row in place]
        if marked != self.table.picked and len(marked) != 1:
            self.table.picked = marked
