"""What a person can do to the events, each as changes of settings: edit a cell, rename, merge, split, add, delete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.analysis.events import EventSource, modulator_name
from glmwidgets.glm.events.cells import add_event, checked_name, drop_events, edit_cell, half_labels, to_seconds
from glmwidgets.glm.events.edits import merge_types, rename_types, split_type
from glmwidgets.specification.settings import Settings

#: Stands for a column that tells the first half of the run from the second.
HALVES = "half of the run"

# A type is split by a column that has a few values; more would be a measure.
MOST_PARTS = 6

Changes = dict[str, Any]


def parts_of(events: pd.DataFrame, trial_type: str) -> list[tuple[str, int]]:
    """Columns by which a type could be split, with their number of values.

    Examples
    --------
    >>> parts_of(pd.DataFrame({"onset": [0.0, 9.0], "trial_type": "a", "side": ["left", "right"]}), "a")
    [('side', 2)]
    """
    mine = events[events["trial_type"] == trial_type]
    names = [name for name in mine.columns if name not in ("onset", "trial_type")]
    counts = [(str(name), mine[name].nunique()) for name in names if not mine[name].isna().any()]
    return [(name, n) for name, n in counts if 1 < n <= MOST_PARTS]


@dataclass(frozen=True)
class EventEdits:
    """Edits of the events under some settings; each gives the changes that `Session.update` takes.

    All raise ValueError where they cannot be done; the message says why.

    Attributes
    ----------
    source : EventSource
    settings : Settings
        The present ones.
    window : (start, end)
        Of the run, in seconds.
    """

    source: EventSource
    settings: Settings
    window: tuple[float, float] = (0.0, np.inf)

    @property
    def table(self) -> pd.DataFrame | None:
        """The events as given or as edited: before they are shifted and without modulators."""
        return self.source.table(self.settings.events)

    def modulator(self, name: str) -> tuple[str, str] | None:
        """Type and measure of a modulator of this name."""
        pairs = zip(self.settings.events.modulated, self.settings.events.modulated_by, strict=True)
        return next((pair for pair in pairs if modulator_name(*pair) == name), None)

    def _to(self, table: pd.DataFrame) -> Changes:
        return self.source.changes(self.settings, table)

    # Of cells and rows --------------------------------------------------------------------------------------------

    def cell(self, row: int, column: str, text: str) -> Changes:
        """Put what was typed into a cell."""
        return self._to(edit_cell(self.table, row, column, text))

    def dropped(self, rows: Sequence[int]) -> Changes:
        """Without some events."""
        return self._to(drop_events(self.table, rows))

    def retyped(self, rows: Sequence[int], name: str) -> Changes:
        """Some events given a type."""
        name, types = checked_name(name), self.table["trial_type"].tolist()
        for row in rows:
            types[row] = name
        return self._to(self.table.assign(trial_type=types))

    def added(self, name: str, after: int = -1) -> tuple[Changes, int]:
        """With an event more of a type, some time after another, and which row it is."""
        table, last, lasts = self.table, 0.0, 1.0
        if self.modulator(name) is not None:
            name = self.modulator(name)[0]
        if table is not None:
            mine = table[table["trial_type"] == name]
            lasts = float(mine["duration"].median()) if len(mine) else 1.0
            last = float(table["onset"].iloc[after]) + 2 * lasts
        grown = add_event(table, max(round(min(last, self.window[1] - lasts), 3), 0.0), lasts, name)
        return self._to(grown), len(grown) - 1

    # Of types -----------------------------------------------------------------------------------------------------

    def renamed(self, kind: str, name: str) -> Changes:
        """A type under another name."""
        return self._to(rename_types(self.table, {kind: checked_name(name)}))

    def merged(self, kind: str, other: str | None) -> Changes:
        """Events of a type as events of another."""
        if other is None:
            raise ValueError("there is no other type to merge it into")
        return self._to(merge_types(self.table, [kind], other))

    def split(self, kind: str, by: str) -> Changes:
        """One type for each value of a column, or for each half of the run."""
        table = self.table
        labels: list = half_labels(table, kind, sum(self.window) / 2) if by == HALVES else []
        if by != HALVES:
            found = table.loc[table["trial_type"] == kind, by].tolist()
            labels = [int(x) if isinstance(x, float) and x.is_integer() else x for x in found]
        if len(set(map(str, labels))) < 2:
            raise ValueError(f"all events of {kind!r} have the same {by}: there is nothing to split")
        return self._to(split_type(table, kind, labels))

    def without(self, kind: str) -> Changes:
        """Without the events of a type."""
        return self.dropped(np.flatnonzero(self.table["trial_type"] == kind).tolist())

    def modulated(self, kind: str, measure: str | None) -> Changes:
        """With a modulator of a type."""
        if measure is None:
            raise ValueError(f"no column of numbers differs between the events of {kind!r}")
        return self.source.with_modulator(self.settings, kind, measure)

    def unmodulated(self, name: str) -> Changes:
        """Without the modulator of a name."""
        of = self.modulator(name)
        return {} if of is None else self.source.without_modulator(self.settings, *of)

    # Of all -------------------------------------------------------------------------------------------------------

    def as_given(self) -> Changes:
        """The events of the file, without shift and modulators."""
        gone = {"events.shift": 0.0, "events.modulated": (), "events.modulated_by": ()}
        bare = replace(self, settings=self.settings.updated(gone))
        changes = {**self.source.changes(bare.settings, None), **gone}
        return {path: value for path, value in changes.items() if value != self.settings.get(path)}

    def in_seconds(self) -> Changes:
        """Onsets and durations that were written in milliseconds."""
        return self._to(to_seconds(self.table))

    def lasting(self, seconds: float) -> Changes:
        """The events as they came, with a duration for those that have none."""
        return self._to(self.source.lasting(seconds))
