"""Events as a table whose cells can be edited."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import traitlets as t

from glmwidgets.panels.parts.table import RowTable

#: Columns that can be edited, with their help.
EDITABLE = {
    "onset": "seconds from the first scan",
    "duration": "seconds; 0 for an instant",
    "trial_type": "event type: one that there is, or a new name",
    "modulation": "how strong the event is beside others of its type; 1 is the rule",
}

_LABELS = {"onset": "onset, s", "duration": "duration, s", "trial_type": "type"}


class EventGrid(RowTable):
    """One row an event, by onset; several can be picked.

    Attributes
    ----------
    names : list of str
        Of the columns, in the table of events; the first is the number of the event.

    Examples
    --------
    >>> import pandas as pd
    >>> grid = EventGrid()
    >>> grid.show(pd.DataFrame({"onset": [0.5], "duration": [1.0], "trial_type": ["face"]}), {"face": "teal"})
    >>> grid.rows, [column["label"] for column in grid.columns]
    ([{'cells': [1, 0.5, 1.0, 'face'], 'bad': ''}], ['#', 'onset, s', 'duration, s', 'type'])
    """

    many = t.Bool(True).tag(sync=True)
    sorted = t.Int(1).tag(sync=True)
    names: tuple[str, ...] = ()

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
                "digits": 3,
                "help": EDITABLE.get(name, "a column of the file"),
            }
            | ({"colours": dict(colours)} if name == "trial_type" else {})
            for name in names
        ]
        cells = zip(*([_plain(value) for value in events[name].tolist()] for name in names), strict=True)
        marks = marks or {}
        with self.hold_sync():
            self.names = ("#", *names)
            self.columns = [{"label": "#", "help": "number of the event in its table", "text": False}, *columns]
            self.rows = [{"cells": [k + 1, *row], "bad": marks.get(k, "")} for k, row in enumerate(cells)]
            self.empty = empty
            self.picked = [row for row in self.picked if row < len(events)]


def _plain(value: object) -> object:
    """A cell as JSON can hold it."""
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, (bool, np.bool_)):
        return str(value)
    return value if isinstance(value, (int, float, str)) else str(value)
