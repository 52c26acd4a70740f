"""The model of a group: the usual tests at a click, and the table of what is known of each map."""

from __future__ import annotations

from html import escape
from typing import Any

from glmwidgets.glm.group.terms import KINDS
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.table import Refused, Typed
from glmwidgets.panels.parts.values_table import FIRST, GroupTable
from glmwidgets.panels.shared.base import Panel, labelled, taken, text
from glmwidgets.plural import count
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.group.tests import TESTS
from glmwidgets.specification.group import GroupSettings


class GroupDesignPanel(Panel):
    """Tests at a click, the editable table, and how the maps are smoothed.

    Attributes
    ----------
    tests : dict of Button
        By name of the test.
    table : GroupTable
    upload : FileUpload
        Adds the columns of a table to this one.
    smoothing : BoundedFloatText
    centre : Checkbox
    """

    also = ("design", "covariates", "one-sample test", "two-sample test", "paired test")

    def __init__(self, session: GroupSession):
        super().__init__(session, "Model", ("design", "table", "data", "fit"))
        self.tests = {name: W.Button(description=row.label, tooltip=row.hint) for name, row in TESTS.items()}
        for name, button in self.tests.items():
            button.on_click(self.guarded(lambda _, name=name: session.ask(name)))
        tests = W.row("glmw-bar", *list(self.tests.values()))
        self.table = GroupTable()
        self.table.add_class("glmw-maps")
        self.table.on_edit(self._edit)
        for listen, act in (
            (self.table.on_pick, self._pick),
            (self.table.on_keep, self._keep),
            (self.table.on_term, self._put_term),
            (self.table.on_kind, self._turn),
        ):
            listen(self.guarded(act))
        self.upload = W.FileUpload(accept=".tsv,.csv,.txt", multiple=False, description="add covariates")
        self.upload.observe(self.guarded(self._take_upload), "value")
        self.centre = self.control("design.centre")
        self.smoothing = self.control("data.smoothing_fwhm", lambda mm: mm or None, lambda mm: mm or 0.0)
        tools = W.row("glmw-bar", self.upload, self.centre)
        self._note = text("glmw-note")
        self.fill(tests, self.table, self._note, tools, labelled(self.smoothing))
        session.observe_locked(self._mark, "shown")
        session.observe_at_once(self._show, "settings")
        session.observe_at_once(self._show_fit, ["result", "status"])

    def _edit(self, cells: list[Typed]) -> Refused:
        def change(settings: GroupSettings, row: int, column: int, words: str) -> dict[str, Any]:
            return {"table.cells": settings.table.with_cell(row, column - FIRST, words)}

        return taken(self.session, cells, change)

    def _keep(self, row: int, value: bool) -> None:
        name = self.session.settings.table.maps[row]
        left_out = [other for other in self.session.settings.data.left_out if other != name]
        self.session.update({"data.left_out": tuple(left_out if value else [*left_out, name])})

    def _put_term(self, column: int, value: bool) -> None:
        name = self.session.settings.table.names[column]
        others = [term for term in self.session.settings.design.terms if term != name]
        self.session.take_terms([*others, name] if value else others)

    def _turn(self, column: int) -> None:
        table = self.session.settings.table
        other = next(kind for kind in KINDS if kind != table.kinds[column])
        kinds = (*table.kinds[:column], other, *table.kinds[column + 1 :])
        if self.session.update({"table.kinds": kinds}) and table.names[column] in self.session.settings.design.terms:
            self.session.take_terms(self.session.settings.design.terms)

    def _pick(self, row: int) -> None:
        name = self.session.settings.table.maps[row]
        self.session.show_map(None if self.session.shown == name else name)

    def _take_upload(self, change: dict) -> None:
        if not change["new"]:
            return
        file = change["new"][0]
        self.session.add_covariates_file(file["name"], bytes(file["content"]))
        self.upload.value = ()

    def _show(self, _change: object = None) -> None:
        settings = self.session.settings
        self.table.show(settings.table, settings.design.terms, settings.data.left_out)
        self._note.value = escape(settings.table.matched)
        self._mark()

    def _show_fit(self, _change: object = None) -> None:
        result = self.session.result
        if result is None:
            return
        columns = len(result.design.columns)
        self.set_verdict(f"{count(len(result.rows), 'map')} · {count(columns, 'column')} · dof {result.fit.dof:g}")

    def _mark(self, _change: object = None) -> None:
        maps, shown = self.session.settings.table.maps, self.session.shown
        self.table.here = maps.index(shown) if shown in maps else -1
