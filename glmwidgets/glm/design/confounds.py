"""Confounds: regressors that come with the data, such as head motion."""

from __future__ import annotations

import os
import warnings
from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from glmwidgets.glm.errors import InputError
from glmwidgets.glm.tables import (
    numbers_of,
    odd_words,
    read_table,
    refuse_repeated,
    refuse_unwritable,
    some,
    swapped_image,
    without_row_numbers,
)
from glmwidgets.plural import count

#: Where a table that is not judged keeps what is wrong with cells that are no numbers, by the name of their column.
_ODD_CELLS = "odd cells"

# A column that is 1 (or 0) in no larger share of the scans is likely a list of outliers.
MARKED = 0.2

#: A table of confounds has no more columns.
MOST_CONFOUNDS = 10_000

#: Confounds as a table, an array, or the path of a table.
Confounds = pd.DataFrame | np.ndarray | str | os.PathLike


def check_confounds(
    confounds: Confounds,
    n_scans: int,
    source: str | None = None,
    fill_first_row: bool = False,
    names: Sequence[str] | None = None,
    judged: bool = True,
) -> pd.DataFrame:
    """Read and check confounds.

    Parameters
    ----------
    confounds : DataFrame, array of shape (n_scans, n_confounds) or (n_scans,), str or path
        One row per scan. A path is read as tab-, comma- or semicolon-separated text.
    n_scans : int
        Number of scans of the run.
    source : str, optional
        Name of the table in messages; by default the path, or "the confounds".
    fill_first_row : bool
        Whether to put 0 where the first row, and only the first, has no value. fMRIPrep leaves it out of
        derivatives and differences, which do not exist before the second scan; nilearn's BIDS reader puts 0
        as well.
    names : sequence of str, optional
        Names of the columns of an array; ``reg0``, ``reg1`` ... by default. Ignored for tables, which have
        their own.
    judged : bool
        Whether all columns are to be modelled. Otherwise cells that are no numbers are NaN, and `refuse_odd_cells` and
        `judge_confounds` look at the columns that are chosen.

    Returns
    -------
    DataFrame of shape (n_scans, n_confounds)
        float64, rows numbered from 0.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    TypeError
        If `confounds` is no table, array or path.
    ValueError
        If the number of rows is not `n_scans`, two columns have one name, or a value is missing or not a
        number. The message names the column and the rows.

    Warns
    -----
    UserWarning
        If a column never changes: the constant already stands for it; if a first column without a name numbers the
        rows, and is left out.

    Examples
    --------
    >>> confounds = pd.DataFrame({"trans_x": [0.1, 0.2, 0.1], "trans_x_derivative1": [np.nan, 0.1, -0.1]})
    >>> check_confounds(confounds, n_scans=3, fill_first_row=True)
       trans_x  trans_x_derivative1
    0      0.1                  0.0
    1      0.2                  0.1
    2      0.1                 -0.1
    """
    if isinstance(confounds, (str, os.PathLike)):
        source = source or os.fspath(confounds)
        table = read_table(confounds, "confounds")
    elif isinstance(confounds, pd.DataFrame):
        table = confounds
    elif isinstance(confounds, (np.ndarray, list, tuple)):
        table = _from_array(np.asarray(confounds), names)
    else:
        raise TypeError(
            "confounds must be a table (pandas.DataFrame), an array with one row per scan, or the path of a table, "
            f"not {type(confounds).__name__}{swapped_image(confounds)}"
        )
    source = source or "the confounds"
    if (named := without_row_numbers(table)) is not table:
        warnings.warn(
            f"{source}: the first column has no name and numbers the rows: it is left out; give it a name if it is a "
            "confound",
            stacklevel=2,
        )
        table = named
    if len(table) != n_scans:
        raise ValueError(
            f"{source}: {count(len(table), 'row')} for {n_scans} scans; confounds need one row for each scan"
        )
    columns = [str(name) for name in table.columns]
    if len(columns) > MOST_CONFOUNDS:
        raise InputError(f"{source}: {len(columns):,} confounds, and no more than {MOST_CONFOUNDS:,} can be looked at")
    refuse_repeated(columns, source)
    refuse_unwritable(columns, source)
    numbers = pd.DataFrame({name: numbers_of(table.iloc[:, j]) for j, name in enumerate(columns)})
    odd = {name: _odd_cells(table.iloc[:, j], name, source) for j, name in enumerate(columns)}
    numbers.attrs[_ODD_CELLS] = {name: words for name, words in odd.items() if words}
    if not judged:
        return numbers
    refuse_odd_cells(numbers, columns)
    return judge_confounds(numbers, source, fill_first_row)


def refuse_odd_cells(table: pd.DataFrame, used: Collection[str]) -> None:
    """Refuse columns that are used and hold cells which are no numbers.

    Parameters
    ----------
    table : DataFrame
        As `check_confounds` returns it.
    used : collection of str
        Names of columns that are modelled, or by which scans are scrubbed; what is made of a column
        (``rot_x_derivative1``) uses it.

    Raises
    ------
    ValueError
        The message names the column, the rows and the first cell.
    """
    for name, words in table.attrs.get(_ODD_CELLS, {}).items():
        if any(one == name or one.startswith((f"{name}_derivative1", f"{name}_power2")) for one in used):
            raise ValueError(words)


def judge_confounds(table: pd.DataFrame, source: str, fill_first_row: bool = False) -> pd.DataFrame:
    """Refuse columns that are to be modelled and have gaps, and point out those that never change.

    Parameters
    ----------
    table : DataFrame of shape (n_scans, n_confounds)
        float64, NaN where there is no number.
    source : str
        What messages call it.
    fill_first_row : bool
        As in `check_confounds`.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If a value is missing.

    Warns
    -----
    UserWarning
        If a column never changes, or marks several scans.
    """
    values, columns = table.to_numpy(dtype=np.float64, copy=True), list(map(str, table.columns))
    _check_finite(values, columns, source, fill_first_row)
    constant = [columns[j] for j in np.flatnonzero(is_constant(values))]
    if constant:
        s, it = ("s", "it") if len(constant) == 1 else ("", "them")
        warnings.warn(
            f"{source}: {some(constant, repr)} never change{s} and add{s} nothing to the constant of the design: "
            f"contrasts of {it} or of the constant may not be estimable; leave {it} out",
            stacklevel=3,
        )
    _say_marks(values, columns, source)
    return pd.DataFrame(values, columns=columns, index=table.index)


def is_constant(values: np.ndarray) -> np.ndarray:
    """Which columns of an array of shape (n_scans, n) hold one value at every scan.

    Examples
    --------
    >>> is_constant(np.array([[1.0, 2.0], [1.0, 3.0]])).tolist()
    [True, False]
    """
    return np.ptp(values, axis=0) == 0 if len(values) else np.zeros(values.shape[1], dtype=bool)


def _say_marks(values: np.ndarray, columns: list[str], source: str) -> None:
    """Point out columns of 0 and 1 that mark several scans, as lists of outliers do: one column leaves none out."""
    ones = ((values == 0) | (values == 1)).all(axis=0) * (values == 1).sum(axis=0)
    marked = np.minimum(ones, len(values) - ones)
    found = np.flatnonzero((marked > 1) & (marked <= len(values) * MARKED))
    if found.size:
        first, more = found[0], f" (as {count(found.size - 1, 'other')} do)" if found.size > 1 else ""
        mark = "1" if ones[first] == marked[first] else "0"
        warnings.warn(
            f"{source}: {columns[first]!r} marks {marked[first]} of {len(values)} scans by {mark}{more}: as one column "
            "it removes what these have in common, but censors none of them; to censor scans, give each a column of "
            "its own",
            stacklevel=4,
        )


def _from_array(values: np.ndarray, names: Sequence[str] | None) -> pd.DataFrame:
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2:
        raise ValueError(f"confounds must have one row per scan and one column each, not shape {values.shape}")
    names = [f"reg{j}" for j in range(values.shape[1])] if names is None else list(names)
    if len(names) != values.shape[1]:
        raise ValueError(f"{len(names)} names were given for {values.shape[1]} confounds")
    return pd.DataFrame(values, columns=names)


def _odd_cells(column: pd.Series, name: str, source: str) -> str:
    """What is wrong with the cells of a column that are neither a number nor empty; nothing if there are none."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "fiub":
        return ""
    words = np.flatnonzero(np.isnan(numbers_of(column)) & ~column.isna().to_numpy())
    if not words.size:
        return ""
    return f"{source}: {odd_words(column.iloc[words[0]], f'in column {name!r}, {_rows(words)}')}"


def _rows(rows: np.ndarray) -> str:
    return f"row{'s' * (rows.size > 1)} {some(rows.tolist())} (counted from 0)"


def _check_finite(values: np.ndarray, columns: list[str], source: str, fill_first_row: bool) -> None:
    missing = ~np.isfinite(values)
    if fill_first_row:
        values[0, missing[0]] = 0.0
        missing[0] = False
    bad = np.flatnonzero(missing.any(axis=0))
    if not bad.size:
        return
    if missing[1:].any():
        rows = np.flatnonzero(missing[:, bad[0]])
        advice = "leave the column out, or fill in its values"
        detail = f"{columns[bad[0]]!r} has no value in {_rows(rows)}"
    else:
        advice = (
            "fMRIPrep leaves the first row of derivatives empty: fill_first_row=True puts 0 there; "
            "or leave the columns out"
        )
        detail = f"the first row has no value in {some([columns[j] for j in bad], repr)}"
    raise ValueError(f"{source}: {detail}; {advice}")
