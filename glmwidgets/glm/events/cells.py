"""Changes of single events: a cell that is typed, an event more or fewer. Each returns a new table."""

from __future__ import annotations

import re
from collections.abc import Collection

import numpy as np
import pandas as pd

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_EXAMPLES = {"onset": "a number of seconds, such as 12.5", "duration": "a number of seconds, 0 or more, such as 2"}


def edit_cell(events: pd.DataFrame, row: int, column: str, text: str) -> pd.DataFrame:
    """Put what a person typed into a cell.

    Parameters
    ----------
    events : DataFrame
        Checked events.
    row : int
        Counted from 0.
    column : {"onset", "duration", "trial_type", "modulation"}
    text : str
        As typed.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If the text is not what the column holds; says what it may be.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0], "duration": 1.0, "trial_type": ["a", "b"]})
    >>> edit_cell(events, 1, "onset", "9.5")["onset"].tolist()
    [0.0, 9.5]
    >>> edit_cell(events, 1, "onset", "9,5")
    Traceback (most recent call last):
        ...
    ValueError: onset must be a number of seconds, such as 12.5; not '9,5' (a decimal point, not a comma: 9.5)
    """
    if not 0 <= row < len(events):
        raise ValueError(f"there is no event {row + 1}: the table has {len(events)}")
    text = text.strip()
    if column == "trial_type":
        value: object = checked_name(text)
    elif column in ("onset", "duration", "modulation"):
        value = _number(column, text.replace("\u2212", "-"))
    else:
        raise ValueError(f"the column {column!r} cannot be edited")
    cells = events[column].tolist()
    cells[row] = value
    return events.assign(**{column: cells})


def checked_name(text: str) -> str:
    """A name for an event type, without blanks around it.

    Parameters
    ----------
    text : str
        As it was typed.

    Returns
    -------
    str
        With single blanks inside.

    Raises
    ------
    ValueError
        If it is empty.

    Examples
    --------
    >>> checked_name("  left   hand ")
    'left hand'
    """
    name = " ".join(text.split())
    if not name:
        raise ValueError("an event type must have a name")
    return name


def _number(column: str, text: str) -> float:
    wanted = _EXAMPLES.get(column, "a number, such as 1")
    if not _NUMBER.fullmatch(text) or not np.isfinite(float(text)):
        comma = text.replace(",", ".")
        advice = f" (a decimal point, not a comma: {comma})" if _NUMBER.fullmatch(comma) else ""
        raise ValueError(f"{column} must be {wanted}; not {text!r}{advice}")
    value = float(text)
    if column == "duration" and value < 0:
        raise ValueError(f"{column} must be {wanted}; not {text!r}")
    return value


def add_event(events: pd.DataFrame | None, onset: float, duration: float, trial_type: str) -> pd.DataFrame:
    """Add an event at the end of the table.

    Parameters
    ----------
    events : DataFrame or None
        None begins a table.
    onset, duration : float
        Seconds.
    trial_type : str

    Returns
    -------
    DataFrame
        Other columns have no value for it.

    Examples
    --------
    >>> add_event(None, 4.0, 2.0, "face")
       onset  duration trial_type  modulation
    0    4.0       2.0       face         1.0
    """
    cells = {"onset": onset, "duration": duration, "trial_type": checked_name(trial_type), "modulation": 1.0}
    if events is None:
        return pd.DataFrame([cells])
    cells = {name: [*events[name].tolist(), cells.get(name)] for name in events.columns}
    return pd.DataFrame(cells)


def drop_events(events: pd.DataFrame, rows: Collection[int]) -> pd.DataFrame:
    """Take events out.

    Parameters
    ----------
    events : DataFrame
    rows : collection of int
        Counted from 0.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If none would be left.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0], "duration": 1.0, "trial_type": ["a", "b"]})
    >>> drop_events(events, [0])["trial_type"].tolist()
    ['b']
    """
    keep = ~np.isin(np.arange(len(events)), list(rows))
    if not keep.any():
        raise ValueError("the table must keep one event; to leave a type out of the model, clear its tick")
    return events[keep].reset_index(drop=True)


def to_seconds(events: pd.DataFrame) -> pd.DataFrame:
    """Onsets and durations that were written in milliseconds.

    Parameters
    ----------
    events : DataFrame
        With onset and duration in milliseconds.

    Returns
    -------
    DataFrame
        Both in seconds.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0, 9000], "duration": 500, "trial_type": ["a", "b"]})
    >>> to_seconds(events)[["onset", "duration"]].to_numpy().tolist()
    [[0.0, 0.5], [9.0, 0.5]]
    """
    return events.assign(onset=events["onset"] / 1000, duration=events["duration"] / 1000)


def half_labels(events: pd.DataFrame, trial_type: str, middle: float) -> list[str]:
    """In which half of the run each event of a type starts, to split the type by.

    Parameters
    ----------
    events : DataFrame
    trial_type : str
    middle : float
        Seconds.

    Returns
    -------
    list of str
        ``early`` or ``late``, in the order of the type's rows.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [0.0, 9.0], "trial_type": ["a", "a"]})
    >>> half_labels(events, "a", middle=5.0)
    ['early', 'late']
    """
    onsets = events.loc[events["trial_type"] == trial_type, "onset"]
    return ["early" if onset < middle else "late" for onset in onsets]
