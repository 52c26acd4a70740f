"""Design matrices that somebody made elsewhere: read, checked, and changed column by column.

A column is left out, shifted in time or made orthogonal to others; what is asked for is done in this order. All other
columns stay as they are to the last bit.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from os import PathLike
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.glm.design.confound_groups import confound_groups
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.response.table import HRFS
from glmwidgets.glm.tables import read_table
from glmwidgets.plural import count

#: In the place of a column: all others that are used.
ALL_OTHERS = "all others"

_NUISANCE = re.compile(r"drift_?\d+|constant|intercept|(run|session)_?\d+|censored_\d+", re.IGNORECASE)


def checked_design(given: Any, n_scans: int, source: str = "the design matrix") -> pd.DataFrame:
    """Read a design matrix and check it; its index stays, its columns are named by text.

    Parameters
    ----------
    given : DataFrame, array of shape (n_scans, n_columns), or path
    n_scans : int
    source : str
        What messages call it.

    Returns
    -------
    DataFrame of shape (n_scans, n_columns)
        float64. Columns of an array are called ``x0``, ``x1`` ...

    Raises
    ------
    ValueError
        If it has another number of rows, two columns of one name, or a value that is no finite number.

    Examples
    --------
    >>> checked_design(np.ones((4, 2)), 4).columns.tolist()
    ['x0', 'x1']
    """
    if isinstance(given, str | PathLike):
        table = read_table(given, "design matrix")
        # Tables that were written with their row numbers have them back as a first column without a name.
        if str(table.columns[0]).startswith("Unnamed: "):
            table = table.iloc[:, 1:]
    elif isinstance(given, pd.DataFrame):
        table = given
    else:
        array = np.asarray(given)
        if array.ndim != 2:
            raise ValueError(f"{source} must have rows and columns, not the shape {array.shape}")
        table = pd.DataFrame(array, columns=[f"x{j}" for j in range(array.shape[1])])
    if len(table) != n_scans:
        raise ValueError(
            f"{source} has {count(len(table), 'row')} for {n_scans} scans; it needs one row for every scan "
            "(those of a sample mask are taken out by the model)"
        )
    names = [str(name) for name in table.columns]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{source}: more than one column is called {', '.join(map(repr, repeated))}")
    columns = {}
    for j, name in enumerate(names):
        values = pd.to_numeric(table.iloc[:, j], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            raise ValueError(
                f"{source}: column {name!r} has no finite number in row {bad[0]} (counted from 0)"
                f"{f' and {bad.size - 1} more' if bad.size > 1 else ''}"
            )
        columns[name] = values
    return pd.DataFrame(columns, index=table.index)


def edited_design(
    design: pd.DataFrame,
    times: np.ndarray,
    left_out: Sequence[str] = (),
    shifted: Sequence[tuple[str, float]] = (),
    orthogonalised: Sequence[tuple[str, str]] = (),
) -> pd.DataFrame:
    """A given design with columns left out, shifted in time, or made orthogonal to others.

    Parameters
    ----------
    design : DataFrame of shape (n_scans, n_columns)
    times : array of shape (n_scans,)
        Of its rows, in seconds.
    left_out : sequence of str
    shifted : sequence of (column, seconds)
        By how much each comes later: ``x'(t) = x(t - seconds)``, linear between scans; before the first and after the
        last scan a column keeps its value there.
    orthogonalised : sequence of (column, other)
        Each is freed of its multiple of the other by least squares, in this order; `ALL_OTHERS` stands for all others.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If no column is left, or one that is made orthogonal is a combination of the others and nothing of it is left.

    Warns
    -----
    UserWarning
        If the design has no column of a name: nothing is done there.

    Examples
    --------
    >>> design = pd.DataFrame({"task": [0.0, 1.0, 1.0, 0.0], "rt": [0.0, 3.0, 5.0, 0.0], "constant": 1.0})
    >>> times = np.arange(4) * 2.0
    >>> edited_design(design, times, shifted=[("task", 2.0)])["task"].tolist()
    [0.0, 0.0, 1.0, 1.0]
    >>> edited_design(design, times, orthogonalised=[("rt", "task")])["rt"].round(9).tolist()
    [0.0, -1.0, 1.0, 0.0]
    """
    meant = dict.fromkeys(
        [*left_out, *(name for name, _ in shifted), *(name for pair in orthogonalised for name in pair)]
    )
    absent = [name for name in meant if name != ALL_OTHERS and name not in design]
    if absent:
        warnings.warn(
            f"the design matrix has no column {', '.join(map(repr, absent))}: the change to it is not made",
            stacklevel=2,
        )
    kept = [str(name) for name in design if name not in set(left_out)]
    if not kept:
        raise InputError("every column of the design matrix is left out", advice="keep at least one")
    if len(kept) == design.shape[1] and not (shifted or orthogonalised):
        return design
    found = {name: design[name].to_numpy(dtype=np.float64) for name in kept}
    for name, by in shifted:
        if name in found and by:
            found[name] = np.interp(np.asarray(times) - by, times, found[name])
    for name, other in orthogonalised:
        names = [each for each in kept if each != name and other in (ALL_OTHERS, each)]
        if name in found and names:
            found[name] = _freed(name, found[name], np.column_stack([found[each] for each in names]), other)
    return pd.DataFrame(found, index=design.index)


def _freed(name: str, column: np.ndarray, others: np.ndarray, called: str) -> np.ndarray:
    """What of a column is orthogonal to others."""
    size = np.linalg.norm(others, axis=0)
    others = others / np.where(size > 0, size, 1)
    rest = column - others @ np.linalg.lstsq(others, column, rcond=None)[0]
    if np.linalg.norm(rest) <= 1e-9 * np.linalg.norm(column):
        whom = "the others" if called == ALL_OTHERS else repr(called)
        raise InputError(
            f"nothing of the column {name!r} is left once it is made orthogonal to {whom}",
            advice="leave it out instead",
        )
    return rest


def effects_in(design: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Columns that one may want to contrast, by the effect that they model, as far as can be told.

    What does not vary and what is called a drift, a constant or, in fMRIPrep's words, a confound is none. A derivative
    or a delay belongs to the effect that it is called after.

    Parameters
    ----------
    design : DataFrame of shape (n_scans, n_columns)

    Returns
    -------
    dict from effect to columns
        In their order.

    Examples
    --------
    >>> columns = ["face", "face_derivative", "house_delay_0", "house_delay_1", "trans_x", "drift_1", "2"]
    >>> effects_in(pd.DataFrame(np.eye(9, 7), columns=columns).assign(block=1.0))
    {'face': ('face', 'face_derivative'), 'house': ('house_delay_0', 'house_delay_1'), '2': ('2',)}
    """
    names = [str(name) for name in design]
    varies = dict(zip(names, np.ptp(design.to_numpy(dtype=np.float64), axis=0) > 0, strict=True))
    known = {name for group in confound_groups(names) if group.name not in ("other", "all") for name in group.columns}
    counted = "|".join(sorted({re.escape(row.spread) for row in HRFS.values() if row.spread}))
    ending = re.compile(rf"(?P<stem>.+)_(?:derivative|dispersion|(?P<spread>{counted})_\d+)")
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        if name in known or not varies[name] or _NUISANCE.fullmatch(name):
            continue
        match = ending.fullmatch(name)
        owned = match is not None and (match["spread"] or match["stem"] in names)
        effect = match["stem"] if owned else name
        found[effect] = (*found.get(effect, ()), name)
    return found
