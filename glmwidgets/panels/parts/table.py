"""The table of every list: rows in view alone exist in the page; `web/table.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import below, heard, is_text
from glmwidgets.web import script

#: What was typed or pasted into a cell: row, column and text.
Typed = tuple[int, int, str]

#: Row and column of a cell whose text cannot be, and why; none where all is well.
Refused = tuple[int, int, str] | None


class RowTable(Drawn):
    """Rows of numbers and texts: sorted at a heading, picked by click or keys, typed into where a column says so.

    A table of ten thousand rows answers as one of ten does: the page holds those in view.

    Attributes
    ----------
    columns : list of dict
        ``label``, ``digits`` after the point, ``help``, and ``falling`` if the first click on the heading shall sort
        from the largest down (by default with numbers). Optional: ``text`` (written from the left), ``editable``,
        ``colours`` (a dot for each value, which is offered when one types), ``press`` (a click picks the row, where the
        table does not follow), ``short`` (of long names only what differs is shown), and for a heading that can be
        ticked ``tick``, ``ticks``, ``kind``, ``turns`` and ``fixed``: whether it is ticked, what that says, the word
        that a click changes, what that says, and whether it stays.
    rows : list of dict
        ``cells``, one a column (number, text, truth or None). Optional: ``sub`` for a row that belongs to the one
        above, ``out`` for one that is not used, ``bad`` with what is wrong with it, ``title``.
    here : int
        Row that is marked; -1 for none.
    empty : str
        What stands in the place of no rows.
    follows : bool
        Whether each row that the keys or a click come to is picked.
    many : bool
        Whether several rows can be picked at once, which are then `picked`, and no handler is called.
    picked : list of int
    sorted : int
        Column by which rows stand, which a person chooses at its heading; -1 for as they come.
    falling : bool
        Whether from the largest down.
    answer : dict
        What became of the last texts that were typed.

    Examples
    --------
    >>> table = RowTable(columns=[{"label": "subject"}, {"label": "dof", "digits": 0}], empty="No runs.")
    >>> table.rows = [{"cells": [f"sub-{k}", 100 + k]} for k in range(10_000)]
    >>> table.on_pick(lambda row: print("picked", table.rows[row]["cells"][0]))
    """

    _esm = script("table.js")

    columns = t.List(t.Dict()).tag(sync=True)
    rows = t.List().tag(sync=True)
    here = t.Int(-1).tag(sync=True)
    empty = t.Unicode("").tag(sync=True)
    follows = t.Bool(True).tag(sync=True)
    many = t.Bool(False).tag(sync=True)
    picked = t.List(t.Int()).tag(sync=True)
    sorted = t.Int(-1).tag(sync=True)
    falling = t.Bool(False).tag(sync=True)
    answer = t.Dict().tag(sync=True)

    def on_pick(self, handler: Callable[[int], Any]) -> None:
        """Call a handler with the index of the row that a person picks."""
        heard(self, "pick", handler, row=self._is_row)

    def on_edit(self, handler: Callable[[list[Typed]], Refused]) -> None:
        """Call a handler with what was typed into a cell, or pasted into several.

        Parameters
        ----------
        handler : callable
            Given row, column and text of each cell. Takes all, or returns which of them cannot be, and why.
        """

        def take(cells: list[dict[str, Any]]) -> None:
            refused = handler([(cell["row"], cell["column"], cell["text"]) for cell in cells])
            row, column, message = refused or (-1, -1, "")
            self.answer = {"n": self.answer.get("n", 0) + 1, "row": row, "column": column, "message": message}

        def are_cells(said: Any) -> bool:
            return isinstance(said, list) and bool(said) and all(isinstance(one, dict) and is_cell(one) for one in said)

        def is_cell(one: dict[str, Any]) -> bool:
            row, column = one.get("row"), one.get("column")
            known = self._is_row(row) and self._is_column(column) and is_text(one.get("text"))
            return known and bool(self.columns[column].get("editable"))

        heard(self, "edit", take, cells=are_cells)

    def on_delete(self, handler: Callable[[], Any]) -> None:
        """Call a handler when the key that deletes is pressed over picked rows."""
        heard(self, "delete", handler)

    def _is_row(self, said: Any) -> bool:
        return below(lambda: len(self.rows))(said)

    def _is_column(self, said: Any) -> bool:
        return below(lambda: len(self.columns))(said)
