"""Events as a table whose cells can be edited; `web/event_grid.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets as t

from glmwidgets.panels.parts.heard import below, heard, is_text
from glmwidgets.web import script

__all__ = ["EDITABLE", "EventGrid"]

#: Columns that can be edited, with their help.
EDITABLE = {
    "onset": "seconds from the first scan",
    "duration": "seconds; 0 for an instant",
    "trial_type": "event type: one that there is, or a new name",
    "modulation": "how strong the event is beside others of its type; 1 is the rule",
}

_LABELS = {"onset": "onset, s", "duration": "duration, s", "trial_type": "type"}


class EventGrid(anywidget.AnyWidget):
    """One row an event; what is typed into a cell is read here, and refused in words where it cannot be.

    Attributes
    ----------
    data : dict
        See `show`.
    picked : list of int
        Rows, counted from 0.
    answer : dict
        What became of the last text that was typed.

    Examples
    --------
    >>> import pandas as pd
    >>> grid = EventGrid()
    >>> grid.show(pd.DataFrame({"onset": [0.5], "duration": [1.0], "trial_type": ["face"]}), {"face": "teal"})
    >>> grid.data["rows"], [column["label"] for column in grid.data["columns"]]
    ([[0.5, 1.0, 'face']], ['onset, s', 'duration, s', 'type'])
    """

    _esm = script("event_grid.js")

    data = t.Dict().tag(sync=True)
    picked = t.List(t.Int()).tag(sync=True)
    answer = t.Dict().tag(sync=True)

    def show(
        self,
        events: pd.DataFrame | None,
        colours: Mapping[str, str],
        marks: Mapping[int, str] | None = None,
        empty: str = "",
    ) -> None:
        """Show another table, in one message.

        Parameters
        ----------
        events : DataFrame or None
        colours : mapping from type to colour
        marks : mapping from row to str
            What is wrong with a row.
        empty : str
            What stands in the place of no rows.
        """
        if events is None:
            events = pd.DataFrame({name: [] for name in EDITABLE})
        # Types come last of the four, wide; what the file holds besides is shown and cannot be changed.
        order = ["onset", "duration", "modulation", "trial_type"]
        names = [name for name in order if name in events.columns]
        names += [name for name in events.columns if name not in order]
        columns = [
            {
                "label": _LABELS.get(name, str(name)),
                "editable": name in EDITABLE,
                "text": name == "trial_type" or events[name].dtype.kind not in "fiub",
                "help": EDITABLE.get(name, "a column of the file"),
                "width": _width(name, events[name]),
            }
            for name in names
        ]
        cells = [[_plain(value) for value in events[name].tolist()] for name in names]
        data = {
            "columns": columns,
            "names": names,
            "rows": [list(row) for row in zip(*cells, strict=True)],
            "colours": dict(colours),
            "marks": {str(row): words for row, words in (marks or {}).items()},
            "empty": empty,
        }
        if data != self.data:
            with self.hold_sync():
                self.data = data
                self.picked = [row for row in self.picked if row < len(events)]

    def on_edit(self, handler: Callable[[int, str, str], str]) -> None:
        """Call a handler with row, column and text of a cell that was edited.

        Parameters
        ----------
        handler : callable
            Returns why the text is refused, or nothing.
        """

        def take(row: int, column: int, text: str) -> None:
            message = handler(row, self.data["names"][column], text)
            self.answer = {"n": self.answer.get("n", 0) + 1, "row": row, "column": column, "message": message or ""}

        rows, names = (below(lambda name=name: len(self.data.get(name, []))) for name in ("rows", "names"))
        heard(self, "edit", take, row=rows, column=names, text=is_text)

    def on_delete(self, handler: Callable[[], Any]) -> None:
        """Call a handler when the key that deletes is pressed over picked rows."""
        heard(self, "delete", handler)


def _width(name: str, column: pd.Series) -> list[int]:
    """Least width in pixels, and share of what is left over."""
    if name == "trial_type":
        return [130, 3]
    return [84, 1] if column.dtype.kind in "fiub" else [120, 2]


def _plain(value: object) -> object:
    """A cell as JSON can hold it."""
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, (bool, np.bool_)):
        return str(value)
    return value if isinstance(value, (int, float, str)) else str(value)
