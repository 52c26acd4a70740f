"""Event timelines for averages and charts, event-related averages, and their overlap with other events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmwidgets.glm.events.average import (
    EventAverage,
    average_around_events,
    blocks_of_events,
    share_of_mixed_windows,
)
from glmwidgets.glm.fit.residuals import main_frequency

if TYPE_CHECKING:
    from glmwidgets.analysis.places import PlaceSeries

# Seconds after the longest event in which its response has mostly gone, and before it that show where it starts from.
AFTER, BEFORE = 18.0, 6.0
LONGEST_WINDOW = 90.0


@dataclass(frozen=True, eq=False)
class Timeline:
    """Events as charts need them, read from their table once: a crosshair that is dragged asks for them every time.

    Attributes
    ----------
    types : tuple of str
        All event types, which settles their colours.
    shown : tuple of str
        Those in the model, without modulators.
    onsets, durations : dict from type to array of float
        Seconds.
    end : float
        End of the run in seconds.
    """

    types: tuple[str, ...]
    shown: tuple[str, ...]
    onsets: Mapping[str, np.ndarray]
    durations: Mapping[str, np.ndarray]
    end: float

    @classmethod
    def of(cls, events: pd.DataFrame | None, types: Sequence[str], shown: Iterable[str], end: float) -> Timeline:
        """Read a table with onset, duration and trial_type; None for no events."""
        if events is None:
            return cls(tuple(types), (), {}, {}, end)
        rows: Mapping[str, Any] = events.groupby("trial_type").indices
        shown = tuple(kind for kind in shown if kind in rows)
        seconds = (events[name].to_numpy(dtype=float) for name in ("onset", "duration"))
        return cls(tuple(types), shown, *({kind: each[rows[kind]] for kind in shown} for each in seconds), end)

    @cached_property
    def blocks(self) -> Timeline:
        """The same with a block in the place of its trials, for types that come in blocks."""
        found = {kind: blocks_of_events(self.onsets[kind], self.durations[kind]) for kind in self.shown}
        onsets, durations = ({kind: both[i] for kind, both in found.items()} for i in (0, 1))
        return replace(self, onsets=onsets, durations=durations)

    def gathered(self, kinds: Iterable[str]) -> tuple[np.ndarray, np.ndarray]:
        """Onsets and durations of some types together."""
        kinds = list(kinds)
        both = (np.concatenate([np.empty(0), *(of[kind] for kind in kinds)]) for of in (self.onsets, self.durations))
        return tuple(both)


def event_window(events: Timeline, wanted: Sequence[str], t_r: float) -> np.ndarray:
    """Lags from the onset at which series are averaged: whole scans, from before the events until after the longest."""
    longest = float(events.gathered(wanted)[1].max(initial=0.0))
    last = min(longest + AFTER, LONGEST_WINDOW)
    return np.arange(-np.ceil(BEFORE / t_r), np.ceil(last / t_r) + 1) * t_r


def averages_of(
    here: PlaceSeries, events: Timeline, wanted: Sequence[str], lags: np.ndarray
) -> dict[str, EventAverage]:
    """Averages around the blocks of some types: two columns each, cleaned data and the fit of all conditions.

    Drift and confounds, as fitted, are taken out of both, so that zero is the model's baseline.
    """
    both = np.column_stack([here.cleaned, here.task])
    return {
        kind: average_around_events(here.times, both, events.blocks.onsets[kind], lags, here.kept) for kind in wanted
    }


def mixed_share(events: Timeline, wanted: Sequence[str], lags: np.ndarray) -> float:
    """Share of the windows around events of some types into which another event reaches."""
    events = events.blocks
    others, durations = events.gathered(events.shown)
    reach = AFTER + float(durations.max(initial=0.0))
    return share_of_mixed_windows(events.gathered(wanted)[0], others, (float(lags[0]), float(lags[-1])), reach)


def task_frequencies(design: pd.DataFrame, by_condition: Mapping[str, Sequence[str]], t_r: float) -> dict[str, float]:
    """Frequency in Hz at which the columns of each condition are strongest."""
    return {c: main_frequency(design[list(columns)].to_numpy(), t_r) for c, columns in by_condition.items()}
