"""The table of runs with their figures: sorted, filtered, and picked from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.chips import Chips
from glmwidgets.panels.parts.table import RowTable
from glmwidgets.panels.shared.base import Panel, named, text
from glmwidgets.plural import count
from glmwidgets.session.study.session import StudySession
from glmwidgets.study.exclusions import Decision, looks_like_rule, parse_rule
from glmwidgets.study.figures import FIGURES

#: Figures that the table begins with.
FIRST = ("fd_mean", "tsnr", "task_r_square", "not_white", "map_r")

#: How decisions are said.
DECIDED = {"keep": "kept by hand", "look": "look again", "drop": "by hand"}

# Numbers in a name count as numbers.
_DIGITS = re.compile(r"(\d+)")


def in_order(values: Sequence[Any], falling: bool) -> list[int]:
    """Places of values as a table shows them: equal ones stay as they were, and what has no value comes last.

    Examples
    --------
    >>> in_order(["sub-10", "sub-9", "sub-9"], False), in_order([1.0, None, 3.0], True)
    ([1, 2, 0], [2, 0, 1])
    """

    def key(place: int) -> Any:
        value = values[place]
        if not isinstance(value, str):
            return value
        return [(0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in _DIGITS.split(value)]

    known = [place for place, value in enumerate(values) if value is not None]
    ordered = sorted(known, key=key)
    if falling:  # those that are equal stay in their order, too
        ordered = sorted(known[::-1], key=key)[::-1]
    return ordered + [place for place, value in enumerate(values) if value is None]


def _in_words(decision: Decision) -> str:
    by = f" ({decision.rater})" if decision.rater else ""
    return f"{DECIDED[decision.what]}{by}{f': {decision.comment}' if decision.comment else ''}"


class RunsPanel(Panel):
    """One row a run: name, figures, and why it is left out; words or a rule show some of them only.

    Attributes
    ----------
    table : RowTable
    filter : Text
        Part of a name, or a rule such as ``fd_mean ge 0.5``.
    columns : Chips
        Which figures the table has.
    """

    also = ("table of runs", "quality control", "figures")

    def __init__(self, session: StudySession, arranged=lambda order: None):
        super().__init__(session, "Quality", ("figures",))
        self._arranged = arranged
        self.table = RowTable(empty="No run matches.", many=True, follows=False)
        self.filter = named(W.Text(placeholder="name or rule", continuous_update=False), "filter")
        first = [key for key in FIRST if key in FIGURES] or list(FIGURES)[:4]
        offered = [
            {"name": key, "label": key, "colour": "var(--glmw-accent)", "title": f"{f.label}: {f.definition}"}
            for key, f in FIGURES.items()
        ]
        self.columns = Chips(options=offered, value=first, label="figures of the table")
        self._choose = W.ToggleButton(description="columns", tooltip="which figures the table has")
        self._place = W.row("glmw-place")
        self._choose.observe(self.guarded(self._open), "value")
        self._said = text("glmw-note")
        self._rows: list[int] = []
        self.on_value(self.filter, self._show)
        self.on_value(self.columns, self._show)
        self.table.observe(self.guarded(self._picked), "picked")
        self.table.observe(self.guarded(self._arrange), ["sorted", "falling"])
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
        # What no run has yet, as a figure of whole runs before these are fitted, takes no room.
        known = [key for key in self.columns.value if figures is None or figures.values[key].notna().any()]
        shown = [FIGURES[key] for key in known]
        columns = [{"label": "run", "text": True, "short": True}]
        columns += [
            # By the word that rules use, which is short; the rest is said when it is pointed at.
            {"label": f.key, "digits": f.digits - 1, "help": f"{f.label}, {f.unit}: {f.definition}"}
            for f in shown
        ]
        columns.append({"label": "decision", "text": True, "help": "why it is left out, or what was decided"})
        values = [None if figures is None else figures.values[f.key].to_numpy(dtype=float) for f in shown]
        by_hand, rows = session.exclusions.by_hand, []
        for i in self._rows:
            cells = [float(of[i]) if of is not None and np.isfinite(of[i]) else None for of in values]
            said = "; ".join(figures.said_of_all[i]) if figures is not None else ""
            name, reason = session.study.runs[i].name, session.reasons[i]
            decided = reason or (_in_words(by_hand[name]) if name in by_hand else "")
            row = {"cells": [name, *cells, decided], "out": bool(reason), "bad": said, "title": said or decided}
            rows.append(row)
        with self.table.hold_sync():
            self.table.columns, self.table.rows = columns, rows
        asked = self.filter.value.strip() and not wrong
        matched = f"{len(self._rows):,} of {count(len(session.study.runs), 'run')} shown. " if asked else ""
        self._said.value = escape(wrong or matched + session.said())
        self._arrange()
        self._mark()

    def _arrange(self, _change: object = None) -> None:
        """Whoever shows the same runs shows them in the table's order."""
        column = self.table.sorted
        if 0 <= column < len(self.table.columns):
            values = [row["cells"][column] for row in self.table.rows]
            self._arranged([self._rows[k] for k in in_order(values, self.table.falling)])
        else:
            self._arranged(self._rows)

    def _picked(self, change: dict) -> None:
        rows = [self._rows[k] for k in change["new"] if k < len(self._rows)]
        if self.is_following:
            return
        if len(rows) == 1:
            self.session.pick(rows[0])
        elif len(rows) > 1:
            self.session.brushed = tuple(rows)

    def _mark(self, _change: object = None) -> None:
        place = {row: k for k, row in enumerate(self._rows)}
        self.table.here = place.get(self.session.picked, -1)
        marked = [place[row] for row in self.session.brushed if row in place]
        if marked != self.table.picked:
            with self.following():
                self.table.picked = marked
