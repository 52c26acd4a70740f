"""Events as lines of text, which settings and files can hold, and back to the last bit."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np
import pandas as pd

from glmwidgets.glm.events.checks import check_events
from glmwidgets.plural import count

#: Columns of events that are numbers.
NUMBERS = ("onset", "duration", "modulation")
MISSING = "n/a"


def event_lines(events: pd.DataFrame) -> tuple[str, ...]:
    r"""Write events as lines, tabs between the cells, names of the columns first.

    Parameters
    ----------
    events : DataFrame

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> event_lines(pd.DataFrame({"onset": [0.1], "duration": [2.0], "trial_type": ["left hand"]}))
    ('onset\tduration\ttrial_type', '0.1\t2\tleft hand')
    """
    columns = [[_written(value) for value in events[name].tolist()] for name in events.columns]
    return tuple(_line(cells) for cells in [list(map(str, events.columns)), *zip(*columns, strict=True)])


def _written(value: object) -> str:
    if value is None or value is pd.NA or value != value:
        return MISSING
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _line(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\r\n").writerow(cells)
    return out.getvalue().removesuffix("\r\n")


def events_from_lines(lines: Sequence[str]) -> pd.DataFrame:
    r"""Read what `event_lines` wrote.

    Parameters
    ----------
    lines : sequence of str

    Returns
    -------
    DataFrame
        Not checked yet: see `glmwidgets.glm.events.checks.check_events`. Columns of numbers are numbers, whole ones
        integers.

    Raises
    ------
    ValueError
        If a line has more or fewer cells than the first, or a number cannot be read; says which line.

    Examples
    --------
    >>> events_from_lines(["onset\ttrial_type\tblock", "0.1\tface\t1", "12\thouse\t2"])
       onset trial_type  block
    0    0.1       face      1
    1   12.0      house      2
    """
    rows = [next(csv.reader([line], delimiter="\t"), []) for line in lines]
    if not rows:
        raise ValueError("the table of events has no line with the names of its columns")
    names = rows[0]
    if len(set(names)) < len(names):
        raise ValueError("two columns of the table of events have the same name")
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(names):
            raise ValueError(f"event {number} has {count(len(row), 'cell')}, and there are {len(names)} columns")
    return pd.DataFrame({name: _column(name, [row[c] for row in rows[1:]]) for c, name in enumerate(names)})


def _column(name: str, cells: list[str]) -> list | np.ndarray:
    if name == "trial_type":
        return cells
    if name in NUMBERS:
        return np.array([_number(name, row, cell) for row, cell in enumerate(cells, start=1)], dtype=np.float64)
    present = [cell for cell in cells if cell != MISSING]
    try:
        if present and len(present) == len(cells) and all(cell.lstrip("-").isdigit() for cell in cells):
            return np.array([int(cell) for cell in cells], dtype=np.int64)
        return np.array([np.nan if cell == MISSING else float(cell) for cell in cells], dtype=np.float64)
    except (ValueError, OverflowError):
        return [None if cell == MISSING else cell for cell in cells]


def _number(name: str, row: int, cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        raise ValueError(f"{name} of event {row} is not a number: {cell!r}") from None


@lru_cache(maxsize=16)
def checked_lines(lines: tuple[str, ...]) -> pd.DataFrame:
    r"""Read and check what `event_lines` wrote; the last few tables are kept.

    Parameters
    ----------
    lines : tuple of str

    Returns
    -------
    DataFrame
        As of `glmwidgets.glm.events.checks.check_events`, events that are the same united without a word. To be read
        only.

    Raises
    ------
    ValueError
        If the lines are no valid table of events.

    Examples
    --------
    >>> checked_lines(("onset\tduration\ttrial_type", "12\t1\tface"))
       onset  duration trial_type  modulation
    0   12.0       1.0       face         1.0
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return check_events(events_from_lines(lines), "the edited table", complete=True)
