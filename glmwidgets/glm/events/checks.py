"""Events: what a valid table is, and what in a valid table is probably a mistake."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from glmwidgets.glm.errors import InputError
from glmwidgets.glm.events.reading import Events, Place, read_events
from glmwidgets.glm.tables import numbers_of, odd_words, refuse_repeated, refuse_unwritable, some

#: A table has no more types of events.
MOST_TYPES = 10_000


def check_events(
    events: Events, source: str | None = None, *, missing_duration: float | None = None, complete: bool = False
) -> pd.DataFrame:
    """Read and check a table of events.

    Parameters
    ----------
    events : DataFrame, str, path or dict
        One row per event. ``onset`` and ``duration`` in seconds are required; ``trial_type`` names the
        condition, ``modulation`` is the amplitude (1 by default). Other columns are kept as they are. A path
        is read as `glmwidgets.glm.tables.read_table` says. FSL has a file of three columns (onset, duration,
        modulation) for each type: a folder of these, or a dictionary from type to file. A dictionary with ``onset``
        and ``duration`` is a table by its columns.
    source : str, optional
        Name of the table in messages; by default the path, or "the events".
    missing_duration : float, optional
        Seconds that events without a duration last; by default these are left out.
    complete : bool
        Whether a row without onset, duration or type is an error, and not left out.

    Returns
    -------
    DataFrame
        A new table, rows in the same order and numbered from 0: ``onset``, ``duration`` (float64),
        ``trial_type`` (str), ``modulation`` (float64), then the other columns. Events of one type with the
        same onset and duration are one row, their modulations summed.

    Raises
    ------
    FileNotFoundError
        If a file does not exist.
    TypeError
        If `events` is none of these.
    ValueError
        If a required column is missing or two have one name, there is no event, or a value is no number, not finite
        or (a duration) negative. The message names the column and the rows.

    Warns
    -----
    UserWarning
        If there is no ``trial_type`` (all events become ``dummy``), if rows without onset, duration or type are left
        out (``n/a``, as BIDS allows), or if events are duplicated.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0, 10], "duration": 2, "trial_type": [1, 2]})
    >>> check_events(events)
       onset  duration trial_type  modulation
    0    0.0       2.0          1         1.0
    1   10.0       2.0          2         1.0
    """
    return checked_events(*read_events(events, source), missing_duration, complete)


def checked_events(
    table: pd.DataFrame, where: Place, missing_duration: float | None = None, complete: bool = False
) -> pd.DataFrame:
    """`check_events` of a table that `glmwidgets.glm.events.reading.read_events` read."""
    refuse_repeated(table.columns, where.source)
    for column in ("onset", "duration"):
        if column not in table.columns:
            raise ValueError(
                f"{where.source} has no column {column!r}; its columns are "
                f"{some(list(table.columns)) or 'none'}. Name the column of "
                f"{'event starts' if column == 'onset' else 'event lengths'} in seconds {column!r}."
            )
    if len(table) == 0:
        raise ValueError(f"{where.source} has a header but no event")
    if "trial_type" in table.columns and (n_types := table["trial_type"].nunique()) > MOST_TYPES:
        raise InputError(
            f"{where.source}: {n_types:,} event types, and no more than {MOST_TYPES:,} can be modelled; is trial_type "
            "the column that names them?"
        )
    if missing_duration is not None:
        if not 0 <= missing_duration < np.inf:
            raise ValueError(f"missing_duration must be 0 s or more, not {missing_duration}")
        there = ~_is_missing(table["duration"])
        table = table.assign(duration=table["duration"].astype(object).where(there, float(missing_duration)))
    if not complete:
        table, where = _without_gaps(table, where)

    onset = _numbers(table["onset"], where)
    duration = _numbers(table["duration"], where)
    if (duration < 0).any():
        rows = np.flatnonzero(duration < 0)
        raise ValueError(
            f"{where.source}: negative duration ({duration[rows[0]]:g} s) in {where.rows(rows)}; "
            "a duration is 0 (an instant) or more seconds"
        )
    if "modulation" in table.columns:
        modulation = _numbers(table["modulation"], where)
    else:
        modulation = np.ones(len(table))
    if "trial_type" in table.columns:
        trial_type = _types(table["trial_type"], where)
    else:
        warnings.warn(
            f"{where.source} has no column 'trial_type': all events are taken as one type, 'dummy'", stacklevel=3
        )
        trial_type = ["dummy"] * len(table)

    columns = {"onset": onset, "duration": duration, "trial_type": trial_type, "modulation": modulation}
    extra = {name: table[name].array for name in table.columns if name not in columns}
    checked = pd.DataFrame({**columns, **extra})
    if len(set(zip(trial_type, onset.tolist(), duration.tolist(), strict=True))) < len(checked):
        return _sum_duplicates(checked, where)
    return checked


def without_duration(table: pd.DataFrame) -> np.ndarray:
    """Which rows of a table have an onset and no duration; bool array of shape (n_rows,)."""
    return _is_missing(table["duration"]) & ~_is_missing(table["onset"])


def _is_missing(column: pd.Series) -> np.ndarray:
    missing = column.isna().to_numpy()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub":
        return missing
    return missing | np.array([isinstance(cell, str) and cell.strip() in ("", "n/a") for cell in column.tolist()])


def _without_gaps(table: pd.DataFrame, where: Place) -> tuple[pd.DataFrame, Place]:
    """The rows that have onset, duration and type; what is left out is said."""
    gaps = {name: _is_missing(table[name]) for name in ("onset", "duration", "trial_type") if name in table.columns}
    lost = np.logical_or.reduce(list(gaps.values()))
    if not lost.any():
        return table, where
    told = [f"{name} in {where.rows(np.flatnonzero(gap))}" for name, gap in gaps.items() if gap.any()]
    n = int(lost.sum())
    sentence = f"{where.source}: {n} of {len(table)} events {'have' if n > 1 else 'has'} no {', no '.join(told)}"
    fill = "missing_duration= fills durations instead" if gaps["duration"].any() else ""
    if lost.all():
        raise InputError(f"{sentence}: no event is left", advice=fill)
    warnings.warn(f"{sentence}; left out{fill and f' ({fill})'}", stacklevel=4)
    kept = np.flatnonzero(~lost)
    return table.iloc[kept], Place(where.source, where.lines, kept)


def _numbers(column: pd.Series, where: Place) -> np.ndarray:
    """The column as float64, or an error that names the first value that is no finite number."""
    values = numbers_of(column)
    wrong = np.flatnonzero(np.isnan(values))
    if not wrong.size:
        return values
    missing = wrong[_is_missing(column.iloc[wrong])]
    if missing.size:
        raise ValueError(
            f"{where.source}: {column.name} is missing in {where.rows(missing)}; fill the value in or remove the event"
        )
    raise ValueError(f"{where.source}: {column.name} {odd_words(column.iloc[wrong[0]], f'in {where.rows(wrong)}')}")


def _types(column: pd.Series, where: Place) -> list[str]:
    # A table with types 1 and 2 may have been stored with them as 1.0 and 2.0.
    refuse_unwritable(column.unique(), where.source)
    names = [str(int(v)) if isinstance(v, float) and v.is_integer() else str(v) for v in column.tolist()]
    missing = _is_missing(column)
    if missing.any():
        raise ValueError(
            f"{where.source}: trial_type is missing in {where.rows(np.flatnonzero(missing))}; "
            "name the type of these events or remove them"
        )
    return names


def _sum_duplicates(events: pd.DataFrame, where: Place) -> pd.DataFrame:
    identity = ["trial_type", "onset", "duration"]
    repeated = events.duplicated(identity).to_numpy()
    warnings.warn(
        f"{where.source}: {where.rows(np.flatnonzero(repeated))} repeat the type, onset and duration of an earlier "
        "event; they are merged and their modulations are summed",
        stacklevel=4,
    )
    total = events.groupby(identity, sort=False)["modulation"].transform("sum")
    return events.assign(modulation=total)[~repeated].reset_index(drop=True)


# Probable mistakes ---------------------------------------------------------------------------------------------

#: Seconds after an event's end during which its response is still to be seen.
RESPONSE_SECONDS = 12.0
#: Durations are doubted that are so many times as long as the run, or as the usual time from one event to the next.
LONGER_THAN_RUN, LONGER_THAN_GAP = 1.5, 20


@dataclass(frozen=True)
class EventFinding:
    """Something in a valid table of events that a person should look at.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        With an error the condition cannot be estimated; a warning is probably a mistake; a note may be meant.
    kind : str
        ``milliseconds``, ``scans``, ``outside``, ``partly outside``, ``long durations``, ``overlap``,
        ``mixed durations``, ``similar names`` or ``censored``.
    condition : str or None
        The event type concerned; None if it is several.
    rows : tuple of int
        Rows of the checked table, counted from 0.
    message : str
        A sentence for people.
    """

    severity: str
    kind: str
    condition: str | None
    rows: tuple[int, ...]
    message: str


def run_window(frame_times: np.ndarray) -> tuple[float, float]:
    """First and last second of a run, one scan lasting until the next.

    Parameters
    ----------
    frame_times : array of shape (n_scans,)
        Seconds. A first time below the repetition time is taken as a slice timing reference: the run starts
        at 0.

    Returns
    -------
    start, end : float

    Examples
    --------
    >>> run_window(np.array([1.0, 3.0, 5.0]))
    (0.0, 7.0)
    """
    t_r = float(np.min(np.diff(frame_times)))
    first = float(frame_times[0])
    return 0.0 if 0 <= first <= t_r * (1 + 1e-6) else first, float(frame_times[-1]) + t_r


def looks_like_milliseconds(onsets: np.ndarray, run_end: float) -> bool:
    """Whether onsets were probably written in milliseconds.

    True if most onsets lie after the end of the run, the last more than twenty times as late, and all of them
    divided by 1000 within the run.

    Parameters
    ----------
    onsets : array of shape (n_events,)
        As written.
    run_end : float
        End of the run in seconds.

    Returns
    -------
    bool

    Examples
    --------
    >>> looks_like_milliseconds(np.array([0.0, 20_000.0, 40_000.0]), run_end=300.0)
    True
    >>> looks_like_milliseconds(np.array([310.0, 330.0]), run_end=300.0)
    False
    """
    last = np.max(onsets)
    return bool(np.median(onsets) > run_end and last > 20 * run_end and last / 1000 <= run_end)


def event_warnings(
    events: pd.DataFrame, frame_times: np.ndarray, sample_mask: np.ndarray | None = None
) -> list[EventFinding]:
    """Find what is probably wrong in a valid table of events.

    Parameters
    ----------
    events : DataFrame
        As `check_events` returns it.
    frame_times : array of shape (n_scans,)
        Times of the scans in seconds, before censoring.
    sample_mask : array, optional
        Scans that are kept: booleans of shape (n_scans,), or indices.

    Returns
    -------
    list of EventFinding
        Errors first, then warnings, then notes.

    Examples
    --------
    >>> events = pd.DataFrame(
    ...     {"onset": [2.0, 3.0, 90.0], "duration": 2.0, "trial_type": ["a", "a", "b"], "modulation": 1.0}
    ... )
    >>> for finding in event_warnings(events, np.arange(0.0, 60.0, 2.0)):
    ...     print(finding.severity, finding.kind, finding.condition, finding.rows)
    error outside b (2,)
    warning overlap a (1,)
    """
    run = _Run.of(events, frame_times)
    if looks_like_milliseconds(run.onset, run.end):
        message = milliseconds_message(run.onset, run.end)
        return [EventFinding("error", "milliseconds", None, tuple(range(len(events))), message)]
    findings = [
        *_in_scans(run, np.asarray(frame_times)),
        *_outside(run),
        *_long_durations(run),
        *_overlaps(run),
        *_mixed_durations(run),
        *_similar_names(run),
    ]
    if sample_mask is not None:
        findings += _censored(run, np.asarray(frame_times)[np.asarray(sample_mask)])
    rank = {"error": 0, "warning": 1, "note": 2}
    return sorted(findings, key=lambda finding: rank[finding.severity])


@dataclass(frozen=True)
class _Run:
    """The events of one run as arrays, and the rows of each type."""

    onset: np.ndarray
    stop: np.ndarray
    rows_of: dict[str, np.ndarray]
    start: float
    end: float

    @classmethod
    def of(cls, events: pd.DataFrame, frame_times: np.ndarray) -> _Run:
        onset = events["onset"].to_numpy()
        trial_type = events["trial_type"].to_numpy(dtype=object)
        rows_of = {name: np.flatnonzero(trial_type == name) for name in sorted(set(trial_type))}
        return cls(onset, onset + events["duration"].to_numpy(), rows_of, *run_window(frame_times))

    @property
    def instant(self) -> np.ndarray:
        return self.stop == self.onset

    @property
    def outside(self) -> np.ndarray:
        return (self.onset >= self.end) | (self.stop < self.start)

    @property
    def span(self) -> str:
        return f"the run ({self.start:g} to {self.end:g} s)"


def _finding(severity: str, kind: str, condition: str | None, rows: np.ndarray, message: str) -> EventFinding:
    return EventFinding(severity, kind, condition, tuple(rows.tolist()), message)


def _in_scans(run: _Run, frame_times: np.ndarray) -> Iterator[EventFinding]:
    """Whole numbers that fill the run if they count scans, and leave most of it empty if they are seconds."""
    steps = np.diff(frame_times)
    t_r, n_scans = float(steps.min()), frame_times.size
    numbers = np.concatenate([run.onset, run.stop])
    even = steps.max() - t_r <= 1e-6 * t_r
    if t_r < 1.5 or not even or numbers.min() < 0 or (numbers != np.rint(numbers)).any():
        return
    if 0.8 * n_scans <= numbers.max() <= n_scans:
        message = (
            f"the onsets may be scans: they are whole numbers up to {run.onset.max():g}, and the run has {n_scans} "
            f"scans in {run.end - run.start:g} s; if so, multiply onset and duration by {t_r:g}"
        )
        yield _finding("warning", "scans", None, np.arange(run.onset.size), message)


def _outside(run: _Run) -> Iterator[EventFinding]:
    outside = run.outside
    partly = ~outside & ((run.stop > run.end) | (run.onset < run.start))
    for name, rows in run.rows_of.items():
        lost, cut = rows[outside[rows]], rows[partly[rows]]
        if lost.size == rows.size:
            message = outside_message(name, run.onset[rows], run.start, run.end)
            yield _finding("error", "outside", name, lost, message)
        elif lost.size:
            message = f"{lost.size} of {rows.size} events of {name!r} lie outside {run.span}"
            yield _finding("warning", "outside", name, lost, message)
        if cut.size:
            message = f"{cut.size} of {rows.size} events of {name!r} reach beyond {run.span}"
            yield _finding("note", "partly outside", name, cut, message)


def _long_durations(run: _Run) -> Iterator[EventFinding]:
    """Durations longer than the run, or whole and far longer than the time from event to event: milliseconds."""
    duration, span = run.stop - run.onset, run.end - run.start
    long = duration > LONGER_THAN_RUN * span
    onsets, lasting = np.unique(run.onset), duration[duration > 0]
    whole = onsets.size > 2 and lasting.size > 0 and bool((lasting == np.rint(lasting)).all())
    if whole and np.median(lasting) > LONGER_THAN_GAP * np.median(np.diff(onsets)):
        long |= duration > 0
    rows = np.flatnonzero(long)
    if rows.size:
        message = (
            f"the durations may be milliseconds: {duration.max():g} is the longest, and the run lasts {span:g} s; "
            "if so, divide duration by 1000"
        )
        yield _finding("warning", "long durations", None, rows, message)


def _overlaps(run: _Run) -> Iterator[EventFinding]:
    for name, rows in run.rows_of.items():
        order = rows[np.argsort(run.onset[rows], kind="stable")]
        latest_stop = np.maximum.accumulate(run.stop[order])
        overlapping = np.sort(order[1:][run.onset[order][1:] < latest_stop[:-1]])
        if overlapping.size:
            n = "1 event starts" if overlapping.size == 1 else f"{overlapping.size} events start"
            message = f"{name!r} overlaps itself: {n} before an earlier one has ended, so their responses add up"
            yield _finding("warning", "overlap", name, overlapping, message)


def _mixed_durations(run: _Run) -> Iterator[EventFinding]:
    instant = run.instant
    for name, rows in run.rows_of.items():
        if instant[rows].any() and not instant[rows].all():
            message = (
                f"{name!r} mixes events of duration 0 with longer ones: an instant counts for a small fraction of "
                "an event that lasts a second; give every event its duration"
            )
            yield _finding("warning", "mixed durations", name, rows[instant[rows]], message)
    types = [name for name, rows in run.rows_of.items() if instant[rows].all()]
    if types and not instant.all():
        message = (
            f"all events of {', '.join(map(repr, types))} have duration 0 and those of other types do not: the "
            "effects of the two kinds have different units and cannot be compared in a contrast"
        )
        rows = np.sort(np.concatenate([run.rows_of[name] for name in types]))
        yield _finding("note", "mixed durations", None, rows, message)


def _similar_names(run: _Run) -> Iterator[EventFinding]:
    by_folded: dict[str, list[str]] = {}
    for name in run.rows_of:
        by_folded.setdefault("".join(name.casefold().split()), []).append(name)
    for names in by_folded.values():
        if len(names) > 1:
            message = f"{', '.join(map(repr, names))} differ only in case or blanks: are they one type?"
            rows = np.sort(np.concatenate([run.rows_of[name] for name in names]))
            yield _finding("warning", "similar names", None, rows, message)


def _censored(run: _Run, kept_times: np.ndarray) -> Iterator[EventFinding]:
    kept = np.sort(kept_times)
    # A kept scan lies in an event's window if more of them come before its end than before its start.
    seen = np.searchsorted(kept, run.stop + RESPONSE_SECONDS, side="right") > np.searchsorted(kept, run.onset)
    for name, rows in run.rows_of.items():
        censored = rows[~seen[rows] & ~run.outside[rows]]
        if censored.size and not seen[rows].any():
            message = f"every scan that could show a response to {name!r} is censored"
            yield _finding("error", "censored", name, censored, message)
        elif censored.size:
            message = f"{censored.size} of {rows.size} events of {name!r} have all their scans censored"
            yield _finding("note", "censored", name, censored, message)


def milliseconds_message(onsets: np.ndarray, run_end: float) -> str:
    """Sentence about onsets in the wrong unit."""
    return (
        f"the onsets look like milliseconds: they go up to {np.max(onsets):g} and the run ends at {run_end:g} s; "
        "divide onset and duration by 1000"
    )


def outside_message(condition: str, onsets: np.ndarray, start: float, end: float) -> str:
    """Sentence about a condition that is not in the run."""
    return f"{condition!r} never happens during the run ({start:g} to {end:g} s): {when_message(onsets)}"


def when_message(onsets: np.ndarray) -> str:
    """Words about when the events of a condition start."""
    if len(onsets) == 1:
        return f"its only onset is at {onsets[0]:g} s"
    return f"its {len(onsets)} onsets are at {onsets.min():g} to {onsets.max():g} s"
