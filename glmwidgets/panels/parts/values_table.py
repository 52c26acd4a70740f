"""The table of a group's maps, whose cells are typed into; `web/group_table.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import anywidget
import traitlets as t

from glmwidgets.panels.parts.heard import below, heard, is_flag, is_text
from glmwidgets.specification.group import TableSettings
from glmwidgets.web import script

__all__ = ["GroupTable"]


class GroupTable(anywidget.AnyWidget):
    """One row a map: a tick for whether it is used, its name, and a cell for each column.

    A column's heading has a tick for whether it is in the model, and says what its cells are.

    Attributes
    ----------
    data : dict
        See `show`.
    here : int
        Row that is marked; -1 for none.
    refused : dict
        ``row``, ``column`` and ``text`` of what was typed last and cannot be; empty if all is well.

    Examples
    --------
    >>> table = GroupTable()
    >>> table.show(TableSettings(("a", "b"), ("age",), ("number",), (("24", "31"),)), ["age"], ["b"])
    >>> table.data["columns"], table.data["kept"]
    ([{'name': 'age', 'kind': 'number', 'in_model': True, 'fixed': False}], [True, False])
    """

    _esm = script("group_table.js")

    data = t.Dict({"maps": [], "rows": [], "columns": [], "cells": [], "kept": []}).tag(sync=True)
    here = t.Int(-1).tag(sync=True)
    refused = t.Dict().tag(sync=True)

    def show(self, table: TableSettings, terms: Sequence[str], left_out: Sequence[str]) -> None:
        """Show another table, in one message; nothing is sent of one that is the same.

        Parameters
        ----------
        table : TableSettings
        terms : sequence of str
            Columns that are in the model.
        left_out : sequence of str
            Maps that are not used.
        """
        data = {
            "maps": list(table.maps),
            "rows": list(table.rows or table.maps),
            "columns": [
                {"name": name, "kind": kind, "in_model": name in terms, "fixed": name == table.subjects}
                for name, kind in zip(table.names, table.kinds, strict=True)
            ],
            "cells": [list(cells) for cells in table.cells],
            "kept": [name not in left_out for name in table.maps],
        }
        if data != self.data:
            self.data = data

    def on_act(self, handler: Callable[[str, dict[str, Any]], Any]) -> None:
        """Call a handler with what a person did.

        Parameters
        ----------
        handler : callable
            Given ``"cell"`` (row, column, text), ``"keep"`` (row, value), ``"term"`` (column, value), ``"kind"``
            (column) or ``"pick"`` (row), and these as a dictionary.
        """
        maps, columns = (below(lambda name=name: len(self.data[name])) for name in ("maps", "columns"))
        checks = {"row": maps, "column": columns, "text": is_text, "value": is_flag}

        def hear(kind: str, words: tuple[str, ...]) -> None:
            def take(*said: Any) -> None:
                handler(kind, dict(zip(words, said, strict=True)))

            heard(self, kind, take, **{word: checks[word] for word in words})

        for kind, words in _ACTS.items():
            hear(kind, words)


_ACTS = {
    "cell": ("row", "column", "text"),
    "keep": ("row", "value"),
    "term": ("column", "value"),
    "kind": ("column",),
    "pick": ("row",),
}
