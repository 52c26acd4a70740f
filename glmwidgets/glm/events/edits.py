"""Small changes to a table of events. Each takes a table and returns a new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from glmwidgets.plural import count


def _require(events: pd.DataFrame, names: Sequence[str]) -> None:
    present = sorted(set(events["trial_type"]))
    unknown = [name for name in names if name not in present]
    if unknown:
        raise ValueError(
            f"no event has the trial_type {', '.join(map(repr, unknown))}; the types are {', '.join(present)}"
        )


def rename_types(events: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Give event types other names.

    Parameters
    ----------
    events : DataFrame
        Checked events.
    names : mapping of str to str
        New name for each old one. Giving two types the same name is refused: that is `merge_types`.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If an old name does not occur, a new one is blank, or two types would become one.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0], "duration": 1.0, "trial_type": ["a", "b"]})
    >>> rename_types(events, {"a": "face"})["trial_type"].tolist()
    ['face', 'b']
    """
    _require(events, list(names))
    before = sorted(set(events["trial_type"]))
    after = [names.get(name, name) for name in before]
    if any(not name.strip() for name in after):
        raise ValueError("the new name of an event type is blank")
    if len(set(after)) < len(after):
        twice = sorted({name for name in after if after.count(name) > 1})
        raise ValueError(f"two event types would be called {', '.join(map(repr, twice))}; to unite them, merge them")
    return events.assign(trial_type=[names.get(name, name) for name in events["trial_type"]])


def merge_types(events: pd.DataFrame, types: Sequence[str], name: str) -> pd.DataFrame:
    """Make one event type out of several.

    Parameters
    ----------
    events : DataFrame
        Checked events.
    types : sequence of str
        Types to unite.
    name : str
        Name of the united type; may be one of `types`, or another type that exists, which it then joins.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If one of the types does not occur, or the name is blank.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0, 20.0], "duration": 1.0, "trial_type": ["a", "b", "c"]})
    >>> merge_types(events, ["a", "b"], "ab")["trial_type"].tolist()
    ['ab', 'ab', 'c']
    """
    _require(events, types)
    if not name.strip():
        raise ValueError("the name of the merged event type is blank")
    return events.assign(trial_type=[name if old in types else old for old in events["trial_type"]])


def split_type(events: pd.DataFrame, trial_type: str, by: str | Sequence[object]) -> pd.DataFrame:
    """Make several event types out of one.

    Parameters
    ----------
    events : DataFrame
        Checked events.
    trial_type : str
        Type to divide.
    by : str or sequence
        A column of the table, or one label for each event of the type in the order of the rows.

    Returns
    -------
    DataFrame
        An event of type ``face`` with label ``left`` becomes one of type ``face_left``.

    Raises
    ------
    ValueError
        If the type or column does not occur, a label is missing, or the number of labels is wrong.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0, 20.0], "duration": 1.0, "trial_type": ["a", "b", "a"]})
    >>> split_type(events, "a", by=["early", "late"])["trial_type"].tolist()
    ['a_early', 'b', 'a_late']
    """
    _require(events, [trial_type])
    chosen = (events["trial_type"] == trial_type).to_numpy(dtype=bool)
    labels = _values_of(events, chosen, by, f"split {trial_type!r}")
    if pd.isna(labels).any():
        raise ValueError(f"cannot split {trial_type!r}: the label is missing for {int(pd.isna(labels).sum())} events")
    names = events["trial_type"].to_numpy(dtype=object).copy()
    names[chosen] = [f"{trial_type}_{label}" for label in labels]
    return events.assign(trial_type=names.tolist())


def shift_onsets(events: pd.DataFrame, seconds: float, trial_type: str | None = None) -> pd.DataFrame:
    """Move events in time, for triggers that came late or scans that were dropped.

    Parameters
    ----------
    events : DataFrame
        Checked events.
    seconds : float
        Added to the onsets; negative for earlier.
    trial_type : str, optional
        Move this type alone.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If the type does not occur, or `seconds` is not finite.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0], "duration": 1.0, "trial_type": ["a", "b"]})
    >>> shift_onsets(events, -0.5, "b")["onset"].tolist()
    [0.0, 8.5]
    """
    if not np.isfinite(seconds):
        raise ValueError(f"onsets can be shifted by a finite number of seconds, not {seconds}")
    if trial_type is None:
        return events.assign(onset=events["onset"] + seconds)
    _require(events, [trial_type])
    return events.assign(onset=events["onset"] + seconds * (events["trial_type"] == trial_type))


def modulate(
    events: pd.DataFrame, trial_type: str, by: str | Sequence[float], name: str | None = None, center: bool = True
) -> pd.DataFrame:
    """Add a parametric modulator: the type's mean response, and what changes with a measure of each event.

    The events of the type are kept with modulation 1 (the main effect) and repeated under a second name with
    the measure, less its mean over these events, as their modulation. Centred, the modulator does not share
    the main effect's variance.

    Parameters
    ----------
    events : DataFrame
        Checked events.
    trial_type : str
        Type to modulate.
    by : str or sequence of float
        A column of the table (reaction time, rating, ...), or one number per event of the type in the order
        of the rows.
    name : str, optional
        Name of the modulator; by default ``face_by_rating``, or ``face_modulation`` if `by` is not a column.
    center : bool
        Whether to subtract the mean.

    Returns
    -------
    DataFrame
        The table with the modulator's rows at its end.

    Raises
    ------
    ValueError
        If the type, or the column, does not occur; a measure is missing or not a number; all of them are
        equal; or the name is taken.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0], "duration": 1.0, "trial_type": "a", "rt": [0.5, 0.7]})
    >>> modulate(events, "a", by="rt")[["onset", "trial_type", "modulation"]].round(2)
       onset trial_type  modulation
    0    0.0          a         1.0
    1    9.0          a         1.0
    2    0.0    a_by_rt        -0.1
    3    9.0    a_by_rt         0.1
    """
    _require(events, [trial_type])
    name = name or (f"{trial_type}_by_{by}" if isinstance(by, str) else f"{trial_type}_modulation")
    if name in set(events["trial_type"]):
        raise ValueError(f"there already is an event type {name!r}; give the modulator another name")
    chosen = (events["trial_type"] == trial_type).to_numpy(dtype=bool)
    given = _values_of(events, chosen, by, f"modulate {trial_type!r}")
    values = pd.to_numeric(pd.Series(given), errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(values).all():
        raise ValueError(
            f"cannot modulate {trial_type!r}: the measure is missing or not a number for "
            f"{int((~np.isfinite(values)).sum())} of {len(values)} events"
        )
    if np.ptp(values) == 0:
        raise ValueError(f"cannot modulate {trial_type!r}: its measure is {values[0]:g} for every event")
    main = events.get("modulation", pd.Series(1.0, index=events.index)).where(~chosen, 1.0)
    modulator = events[chosen].assign(trial_type=name, modulation=values - values.mean() if center else values)
    return pd.concat([events.assign(modulation=main), modulator], ignore_index=True)


def _values_of(events: pd.DataFrame, chosen: np.ndarray, by: str | Sequence, purpose: str) -> np.ndarray:
    if isinstance(by, str):
        if by not in events.columns:
            raise ValueError(
                f"cannot {purpose} by {by!r}: the events have no such column, only {', '.join(events.columns)}"
            )
        return events.loc[chosen, by].to_numpy(dtype=object)
    if len(by) != chosen.sum():
        raise ValueError(f"cannot {purpose}: {count(len(by), 'value')} given for {count(int(chosen.sum()), 'event')}")
    return np.asarray(by, dtype=object)
