"""A table whose rows can be picked; `web/table.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets as t

from glmwidgets.panels.parts.heard import below, heard
from glmwidgets.web import script

__all__ = ["RowTable"]


class RowTable(anywidget.AnyWidget):
    """Rows of numbers and texts, sortable, picked by click, arrows or Enter.

    Attributes
    ----------
    columns : list of dict
        ``label``, ``digits`` after the point, ``help``, and ``falling`` if the first click on the heading shall sort
        from the largest down (by default with numbers).
    rows : list of dict
        ``cells``, one a column (number, text or None), and ``sub`` for a row that belongs to the one above.
    here : int
        Row that is marked; -1 for none.
    empty : str
        What stands in the place of no rows.
    """

    _esm = script("table.js")

    columns = t.List(t.Dict()).tag(sync=True)
    rows = t.List(t.Dict()).tag(sync=True)
    here = t.Int(-1).tag(sync=True)
    empty = t.Unicode("").tag(sync=True)

    def on_pick(self, handler: Callable[[int], Any]) -> None:
        """Call a handler with the index of the row that a person picks."""
        heard(self, "pick", handler, row=below(lambda: len(self.rows)))
