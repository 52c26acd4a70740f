"""Columns of a given design matrix: which are used, and what is done to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.chips import Chips
from glmwidgets.panels.shared.base import Panel, field, labelled, named, text
from glmwidgets.specification.model import ALL_OTHERS
from glmwidgets.web.palettes import COLUMN_COLOURS


def _without(pairs: Sequence[tuple[str, Any]], name: str) -> list[tuple[str, Any]]:
    return [pair for pair in pairs if pair[0] != name]


class ColumnEdits(W.VBox):
    """A switch for each column; of the one that is chosen its shift in time, and what it is made orthogonal to.

    Parameters
    ----------
    panel : Panel
        Which they stand in.

    Attributes
    ----------
    used : Chips
        Those that are on are in the model.
    column : Dropdown
        The one that `shift` and `orthogonal` are of.
    shift : BoundedFloatText
    unit : Dropdown
        Seconds or scans.
    orthogonal : Dropdown
        Nothing, all others or a column.
    source : Dropdown
        Where the matrix comes from; seen where there are events, too.
    """

    def __init__(self, panel: Panel):
        self._panel, self.session = panel, panel.session
        run = self.session.run
        names = [str(name) for name in run.design]
        self._names = names
        colours = {name: COLUMN_COLOURS[i % len(COLUMN_COLOURS)] for i, name in enumerate(names)}
        self.used = Chips(
            label="columns that are used",
            options=[{"name": name, "label": name, "colour": colours[name], "title": f"use {name}"} for name in names],
        )
        self.column = named(W.Dropdown(options=[(f"column {name}", name) for name in names]), "column to change")
        self.shift = W.BoundedFloatText(min=-1e4, max=1e4, step=0.5, value=0.0)
        units = [("s", 1.0), *([("scans", run.t_r)] if run.is_even else [])]
        self.unit = named(W.Dropdown(options=units, tooltip="unit of the shift"), "unit of the shift")
        others = [("nothing", ""), (ALL_OTHERS, ALL_OTHERS), *((name, name) for name in names)]
        self.orthogonal = W.Dropdown(options=others, value="")
        self.source = panel.control("design.source")
        where = labelled(self.source)
        W.show(where, run.events is not None)
        panel.on_value(self.used, self._use)
        panel.on_value(self.shift, self._shift)
        panel.on_value(self.orthogonal, self._free)
        for control in (self.column, self.unit):
            panel.on_value(control, self._show)
        shifted = W.row("glmw-shift", named(self.shift, "later by"), self.unit)
        words = text("glmw-label", "later by")
        freed = field("orthogonal to", self.orthogonal)
        self._edits = W.column("glmw-view", self.used, self.column, words, shifted, freed)
        super().__init__([where, self._edits])
        self.session.observe_at_once(self._show, "settings")

    def choose(self, name: str) -> None:
        """Have the controls speak of a column."""
        if name in self._names:
            self.column.value = name

    # From the controls ------------------------------------------------------------------------------------------------

    def _use(self, change: dict[str, Any]) -> None:
        off = tuple(name for name in self._names if name not in change["new"])
        if not self._panel.is_following and off != self.session.settings.design.left_out:
            self.session.update({"design.left_out": off})

    def _shift(self, change: dict[str, Any]) -> None:
        if self._panel.is_following:
            return
        seconds, name = round(float(change["new"]) * self.unit.value, 6), self.column.value
        pairs = _without(self.session.settings.design.shifted, name)
        self.session.update({"design.shifted": [*pairs, (name, seconds)] if seconds else pairs})

    def _free(self, change: dict[str, Any]) -> None:
        if self._panel.is_following:
            return
        pairs, name = _without(self.session.settings.design.orthogonalised, self.column.value), self.column.value
        self.session.update({"design.orthogonalised": [*pairs, (name, change["new"])] if change["new"] else pairs})

    # From the session -------------------------------------------------------------------------------------------------

    def _show(self, _change: object = None) -> None:
        chosen, name = self.session.settings.design, self.column.value
        W.show(self._edits, chosen.source == "given")
        with self._panel.following():
            self.used.value = [each for each in self._names if each not in chosen.left_out]
            self.shift.value = dict(chosen.shifted).get(name, 0.0) / self.unit.value
            self.orthogonal.value = dict(chosen.orthogonalised).get(name, "")
