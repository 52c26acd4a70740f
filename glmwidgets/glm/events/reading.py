"""Events as they are given: a table, its file, or FSL's files of three columns, one for each type."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.glm.errors import InputError, MissingFileError
from glmwidgets.glm.tables import read_numbered_table, some, swapped_image

#: Events as a table, a dictionary of its columns, or the path of one; FSL's as a folder or dictionary of files by type.
Events = pd.DataFrame | str | os.PathLike | Mapping

#: Columns of a file of FSL's.
THREE = ["onset", "duration", "modulation"]


@dataclass(frozen=True)
class Place:
    """How messages name the table and its rows: lines of a file, rows of a table.

    Attributes
    ----------
    source : str
    lines : int array of shape (n_rows,), or None
        Of the file.
    kept : int array, or None
        Rows that are left of those that were given.
    """

    source: str
    lines: np.ndarray | None
    kept: np.ndarray | None = None

    def rows(self, rows: np.ndarray) -> str:
        """Some rows, in words."""
        numbers = rows if self.kept is None else self.kept[rows]
        numbers = numbers if self.lines is None else self.lines[numbers]
        word, origin = ("row", " (counted from 0)") if self.lines is None else ("line", "")
        return f"{word}{'s' if len(rows) > 1 else ''} {some(numbers.tolist())}{origin}"


def read_events(events: Events, source: str | None = None) -> tuple[pd.DataFrame, Place]:
    """The table as it was given, not checked yet, and how messages name it and its rows.

    Parameters
    ----------
    events, source
        See `glmwidgets.glm.events.checks.check_events`.

    Returns
    -------
    table : DataFrame
    where : Place

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If there is no such file, or it is no table.
    """
    if isinstance(events, str | os.PathLike) and Path(events).is_dir():
        source = source or os.fspath(events)
        events = _files_of(Path(events))
    if isinstance(events, str | os.PathLike):
        table, lines = read_numbered_table(events, "events")
        where = Place(source or os.fspath(events), lines)
        return (_of_one_type(table, _stem(Path(events))) if list(table.columns) == THREE else table), where
    where = Place(source or "the events", None)
    if isinstance(events, Mapping):
        if not events:
            raise InputError(f"{where.source}: the dictionary of files is empty")
        if set(THREE[:2]) <= set(events):  # columns, not types
            return _of_columns(events, where.source), where
        return pd.concat([_read_one_type(name, part) for name, part in events.items()], ignore_index=True), where
    if isinstance(events, pd.DataFrame):
        return events, where
    raise TypeError(
        "events must be a table (pandas.DataFrame), the path of one with columns onset, duration and trial_type, or a "
        f"dictionary from types to files of three columns, not {type(events).__name__}"
        f"{swapped_image(events)}"
    )


def _of_columns(columns: Mapping[str, Any], source: str) -> pd.DataFrame:
    """A table that was given as a dictionary of its columns."""
    try:
        return pd.DataFrame(dict(columns))
    except ValueError as error:  # columns of several lengths
        raise InputError(f"{source}: the dictionary of columns is no table ({error})") from None


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").rpartition(".")[0] or path.name


def _files_of(folder: Path) -> dict[str, Path]:
    files = sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
    if not files:
        raise MissingFileError(f"the folder {folder} holds no file of events")
    types = {_stem(one): one for one in files}
    if len(types) < len(files):
        raise InputError(f"two files of the folder {folder} are of one type of events: name each file as its type")
    return types


def _read_one_type(name: object, part: Any) -> pd.DataFrame:
    if isinstance(part, str | os.PathLike):
        what, table = str(part), read_numbered_table(part, "events")[0]
    else:
        what, table = f"the events of {name!r}", part
    if not isinstance(table, pd.DataFrame):
        values = np.atleast_2d(np.asarray(table, dtype=float))
        if values.ndim != 2 or values.shape[1] != len(THREE):
            raise InputError(f"{what}: three columns are needed, {', '.join(THREE)}, not the shape {values.shape}")
        table = pd.DataFrame(values, columns=THREE)
    for column in THREE[:2]:
        if column not in table.columns:
            raise InputError(
                f"{what} has no column {column!r}; its columns are {some(list(table.columns))}",
                advice="a folder or dictionary of events holds files of three columns, one for each type",
            )
    return _of_one_type(table, str(name))


def _of_one_type(table: pd.DataFrame, name: str) -> pd.DataFrame:
    # FSL writes 0 0 0 where there is no event of a type.
    there = [column for column in THREE if column in table.columns]
    is_empty = len(table) == 1 and not table.iloc[0][there].any()
    return table.iloc[: 0 if is_empty else None].assign(trial_type=name)
