"""The table of a group's maps, whose cells are typed into."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import traitlets as t

from glmwidgets.glm.group.terms import KINDS
from glmwidgets.panels.parts.page_messages import heard, is_flag
from glmwidgets.panels.parts.table import RowTable
from glmwidgets.specification.group import TableSettings

#: Column of the page that holds the first column of the table; a tick and the map's name come before it.
FIRST = 2


class GroupTable(RowTable):
    """One row a map: a tick for whether it is used, its name, and a cell for each column.

    A column's heading has a tick for whether it is in the model, and says what its cells are.

    Examples
    --------
    >>> table = GroupTable()
    >>> table.show(TableSettings(("a", "b"), ("age",), ("number",), (("24", "31"),)), ["age"], ["b"])
    >>> table.columns[2]["label"], table.columns[2]["tick"], [row["cells"] for row in table.rows]
    ('age', True, [[True, 'a', '24'], [False, 'b', '31']])
    """

    follows = t.Bool(False).tag(sync=True)

    def show(self, table: TableSettings, terms: Sequence[str], left_out: Sequence[str]) -> None:
        """Show another table, in one message; nothing is sent of what is the same.

        Parameters
        ----------
        table : TableSettings
        terms : sequence of str
            Columns that are in the model.
        left_out : sequence of str
            Maps that are not used.
        """
        columns = [
            {
                "label": name,
                "editable": True,
                "text": kind != "number",
                "tick": name in terms,
                "ticks": f"{name} in the model",
                "kind": KINDS[kind],
                "fixed": name == table.subjects,
                "turns": "names the subjects" if name == table.subjects else "click to read the cells the other way",
            }
            for name, kind in zip(table.names, table.kinds, strict=True)
        ]
        known_as = [
            name if name == row else f"{name} ({row} in the table)"
            for name, row in zip(table.maps, table.rows or table.maps, strict=True)
        ]
        with self.hold_sync():
            self.columns = [
                {"label": "use", "help": "use"},
                {"label": "map", "help": "click to look at a map", "text": True, "press": True, "short": True},
                *columns,
            ]
            self.rows = [
                {
                    "cells": [name not in left_out, name, *(cells[k] for cells in table.cells)],
                    "out": name in left_out,
                    "title": known_as[k],
                }
                for k, name in enumerate(table.maps)
            ]

    def on_keep(self, handler: Callable[[int, bool], Any]) -> None:
        """Call a handler with the row of a map, and whether it shall be used."""
        heard(self, "keep", handler, row=self._is_row, value=is_flag)

    def on_term(self, handler: Callable[[int, bool], Any]) -> None:
        """Call a handler with a column of the table, and whether it shall be in the model."""
        heard(self, "term", lambda column, value: handler(column - FIRST, value), column=self._is_term, value=is_flag)

    def on_kind(self, handler: Callable[[int], Any]) -> None:
        """Call a handler with a column of the table that shall be read the other way."""
        heard(self, "kind", lambda column: handler(column - FIRST), column=self._is_term)

    def _is_term(self, said: Any) -> bool:
        return self._is_column(said) and said >= FIRST
