"""The events that are modelled: the table as given or as edited, moved in time, with its modulators.

Everything that speaks of events takes them from here, so that what was renamed, merged or shifted is so everywhere.
"""

from __future__ import annotations

import threading
import warnings
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.glm.events.checks import EventFinding, check_events, event_warnings, without_duration
from glmwidgets.glm.events.edits import modulate, shift_onsets
from glmwidgets.glm.events.table import checked_lines, event_lines
from glmwidgets.glm.fit.expression_names import rewritten_expression
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.response.models import resolve_hrf
from glmwidgets.specification.settings import ContrastSettings, EventsSettings, Settings

#: Tables that are kept ready: a drag of the shift goes through many, undo comes back to few.
KEPT = 8


def types_of(events: pd.DataFrame | None) -> tuple[str, ...]:
    """Event types of a table, sorted.

    Examples
    --------
    >>> types_of(pd.DataFrame({"trial_type": ["house", "face", "house"]}))
    ('face', 'house')
    """
    return () if events is None else tuple(sorted(set(events["trial_type"].tolist())))


def modulator_name(trial_type: str, measure: str) -> str:
    """What the modulator of a type by a measure is called.

    Examples
    --------
    >>> modulator_name("face", "rt")
    'face_by_rt'
    """
    return f"{trial_type}_by_{measure}"


def measures_of(events: pd.DataFrame, trial_type: str) -> tuple[str, ...]:
    """Columns that could modulate a type: numbers that are there for each of its events and not all the same.

    Parameters
    ----------
    events : DataFrame
    trial_type : str

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0], "duration": 1.0, "trial_type": "a", "rt": [0.4, 0.7]})
    >>> measures_of(events, "a")
    ('rt', 'onset')
    """
    mine = events[events["trial_type"] == trial_type]
    # A column of the person's own is more likely meant than how long or when the event was.
    last = ("modulation", "duration", "onset")
    names = [name for name in events.columns if name not in (*last, "trial_type")]
    found = []
    for name in [*names, *(name for name in last if name in events.columns)]:
        values = pd.to_numeric(mine[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        if values.size and np.isfinite(values).all() and np.ptp(values) > 0:
            found.append(str(name))
    return tuple(found)


class EventSource:
    """Events of a run under any settings.

    Parameters
    ----------
    given : DataFrame or None
        As they came with the run, checked.
    unlasting : DataFrame, optional
        As they came with the run, with those that have no duration.

    Examples
    --------
    >>> source = EventSource(pd.DataFrame({"onset": [0.0, 9.0], "duration": 1.0, "trial_type": ["a", "b"]}))
    >>> source.events(EventsSettings(shift=0.5))["onset"].tolist()
    [0.5, 9.5]
    """

    def __init__(self, given: pd.DataFrame | None, unlasting: pd.DataFrame | None = None):
        self.given, self._unlasting = given, unlasting
        self._kept: OrderedDict[EventsSettings, pd.DataFrame | None] = OrderedDict()
        # Held for no longer than a table takes, and nothing is called from under it: any thread may ask.
        self._lock = threading.Lock()

    @cached_property
    def _given_lines(self) -> tuple[str, ...] | None:
        return None if self.given is None else event_lines(self.given)

    @cached_property
    def n_unlasting(self) -> int:
        """Number of events that were left out for want of a duration."""
        return 0 if self._unlasting is None else int(without_duration(self._unlasting).sum())

    def lasting(self, seconds: float) -> pd.DataFrame:
        """The events as they came, with a duration for those that have none."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it was said when the run was opened
            return check_events(self._unlasting, missing_duration=seconds)

    def table(self, chosen: EventsSettings) -> pd.DataFrame | None:
        """The table as given or as edited: before it is shifted and without modulators."""
        return self._get(EventsSettings(table=chosen.table))

    def events(self, chosen: EventsSettings) -> pd.DataFrame | None:
        """The events that are modelled.

        Parameters
        ----------
        chosen : EventsSettings

        Returns
        -------
        DataFrame or None
            onset, duration, trial_type, modulation and the columns of the file; None if there are none. To be read
            only: the table is kept.

        Raises
        ------
        ValueError
            If a type cannot be modulated by what was chosen.
        """
        return self._get(chosen)

    def types(self, chosen: EventsSettings) -> tuple[str, ...]:
        """Types that are modelled, modulators among them, sorted."""
        return types_of(self._get(chosen))

    def _get(self, chosen: EventsSettings) -> pd.DataFrame | None:
        with self._lock:
            if chosen not in self._kept:
                self._kept[chosen] = self._make(chosen)
                while len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(chosen)
            return self._kept[chosen]

    def _make(self, chosen: EventsSettings) -> pd.DataFrame | None:
        # That two events are the same is said in words beside the table: see `event_findings`.
        events = self.given if chosen.table is None else checked_lines(chosen.table)
        if events is None:
            return None
        for trial_type, measure in zip(chosen.modulated, chosen.modulated_by, strict=True):
            events = modulate(events, trial_type, measure, modulator_name(trial_type, measure))
        return shift_onsets(events, chosen.shift) if chosen.shift else events

    # Changes, with all that has to follow them ---------------------------------------------------------------

    def changes(self, settings: Settings, table: pd.DataFrame | None) -> dict[str, Any]:
        """Settings that make a table the events, contrasts and choices following the types where they went.

        Parameters
        ----------
        settings : Settings
            The present ones.
        table : DataFrame or None
            The edited table; None for the events as given.

        Returns
        -------
        dict from path to value
            For `Session.update`.

        Raises
        ------
        ValueError
            If the table cannot be used.
        """
        before = self.table(settings.events)
        lines = None if table is None else event_lines(table)
        if lines is not None and lines == self._given_lines:
            lines = None
        after = self.given if lines is None else table
        became = _became(before, after)
        pairs = zip(settings.events.modulated, settings.events.modulated_by, strict=True)
        modulators = list(dict.fromkeys((new, by) for old, by in pairs for new in became.get(old, ())))
        for old, by in zip(settings.events.modulated, settings.events.modulated_by, strict=True):
            became[modulator_name(old, by)] = tuple(modulator_name(new, by) for new in became.get(old, ()))
        return self._followed(settings, EventsSettings(lines, settings.events.shift, *_parted(modulators)), became)

    def with_modulator(self, settings: Settings, trial_type: str, measure: str) -> dict[str, Any]:
        """Settings that add a parametric modulator; arguments, return value and errors as of `changes`."""
        pairs = [*zip(settings.events.modulated, settings.events.modulated_by, strict=True), (trial_type, measure)]
        return self._modulated(settings, list(dict.fromkeys(pairs)))

    def without_modulator(self, settings: Settings, trial_type: str, measure: str) -> dict[str, Any]:
        """Settings that take a parametric modulator away."""
        pairs = zip(settings.events.modulated, settings.events.modulated_by, strict=True)
        return self._modulated(settings, [pair for pair in pairs if pair != (trial_type, measure)])

    def _modulated(self, settings: Settings, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        new = EventsSettings(settings.events.table, settings.events.shift, *_parted(pairs))
        there = types_of(self.events(new))
        gone = {name: () for name in self.types(settings.events) if name not in there}
        return self._followed(settings, new, gone)

    def _followed(
        self, settings: Settings, new: EventsSettings, became: Mapping[str, tuple[str, ...]]
    ) -> dict[str, Any]:
        old_types, types = self.types(settings.events), types_of(self.events(new))
        changes: dict[str, Any] = {
            "events.table": new.table,
            "events.modulated": new.modulated,
            "events.modulated_by": new.modulated_by,
        }
        chosen = settings.design.conditions
        if chosen is not None:
            heirs = {name for old in old_types for name in became.get(old, (old,))}
            kept = {name for old in chosen for name in became.get(old, (old,))}
            on = tuple(name for name in types if name in kept or name not in heirs)
            changes["design.conditions"] = None if on == types else on
        changes |= _contrasts(settings, became, types)
        return {path: value for path, value in changes.items() if value != settings.get(path)}


def _parted(pairs: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(name for name, _ in pairs), tuple(by for _, by in pairs)


def _became(before: pd.DataFrame | None, after: pd.DataFrame | None) -> dict[str, tuple[str, ...]]:
    """What became of each type: itself, or what its events are called now, or nothing."""
    there = set(types_of(after))
    became: dict[str, tuple[str, ...]] = {}
    # New events come at the end, so that row by row the others are still the same.
    same_rows = before is not None and after is not None and len(before) <= len(after)
    for name in types_of(before):
        if name in there:
            became[name] = (name,)
        elif same_rows:
            rows = (before["trial_type"] == name).to_numpy()
            became[name] = tuple(sorted(set(after["trial_type"].to_numpy(dtype=object)[: len(before)][rows])))
        else:
            became[name] = ()
    return became


def _contrasts(settings: Settings, became: Mapping[str, tuple[str, ...]], types: Sequence[str]) -> dict[str, Any]:
    """The list of contrasts under the new names; those of which nothing is left are taken off it."""
    response = resolve_hrf(settings.design.hrf_model, settings.design.fir_delays)
    names = {
        column: tuple(response.column_names(new)[place] for new in heirs)
        for old, heirs in became.items()
        for place, column in enumerate(response.column_names(old))
    }
    contrast: ContrastSettings = settings.contrast
    listed: list[tuple[str, str]] = []
    active = 0
    for place, (name, expression) in enumerate(contrast.listed):
        written = rewritten_expression(expression, names)
        if place == contrast.active:
            active = len(listed)
        if written is not None and (written == expression or written not in [text for _, text in listed]):
            listed.append((name, written))
    if not listed:
        listed = [("", quote_name(response.column_names(types[0])[0]) if types else contrast.expression)]
    active = min(active, len(listed) - 1)
    return contrast.relisted(listed, active)


# What a person should look at -------------------------------------------------------------------------------------


def event_findings(
    source: EventSource, chosen: EventsSettings, frame_times: np.ndarray
) -> tuple[list[EventFinding], list[int]]:
    """What is probably wrong with the events, and with which rows of the table.

    Parameters
    ----------
    source : EventSource
    chosen : EventsSettings
    frame_times : array of shape (n_scans,)
        Seconds.

    Returns
    -------
    findings : list of EventFinding
        Rows are those of `EventSource.table` where they are of one type.
    outside : list of int
        Rows of the table whose events start outside the run.

    Examples
    --------
    >>> source = EventSource(pd.DataFrame({"onset": [0.0, 9.0, 90.0], "duration": 1.0, "trial_type": "a"}))
    >>> findings, outside = event_findings(source, EventsSettings(), np.arange(30) * 2.0)
    >>> outside
    [2]
    """
    table = source.table(chosen)
    if table is None:
        return [], []
    moved = shift_onsets(table, chosen.shift) if chosen.shift else table
    findings = event_warnings(moved, frame_times)
    if chosen.table is not None:
        repeated = len(chosen.table) - 1 - len(table)
        if repeated:
            message = (
                f"{repeated} event{'s repeat' if repeated > 1 else ' repeats'} the type, onset and duration of an "
                "earlier one: they count as one, their modulations summed"
            )
            findings.append(EventFinding("warning", "repeated", None, (), message))
    outside = sorted(
        {row for finding in findings if finding.kind in ("outside", "milliseconds") for row in finding.rows}
    )
    return findings, outside
