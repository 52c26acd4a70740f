"""From a table of subjects to a design matrix: numbers become covariates, labels become groups."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from glmwidgets.glm.group.design import check_group_design
from glmwidgets.glm.tables import number_of, some

# Numbers that are often written where a value is missing, with either sign.
MISSING_CODES = (9, 99, 999, 9999, 99999)

# So many different cells of a column of numbers may be none, and so many codes be those of groups.
MOST_ODD, MOST_CODES = 2, 6

#: What the cells of a column are, with the words for a menu.
KINDS = {"number": "numbers", "label": "groups"}


@dataclass(frozen=True)
class TermColumn:
    """A column of the table of subjects.

    Attributes
    ----------
    name : str
    kind : str
        Key of `KINDS`.
    cells : sequence of str
        As they are typed; empty where nothing is known.
    """

    name: str
    kind: str
    cells: Sequence[str]


def kind_of(cells: Sequence[str]) -> str:
    """What the cells of a column are most likely: a key of `KINDS`.

    Numbers are a covariate, also with one or two cells that are none. Groups coded 1, 2, 3 (or 0, 1), each there more
    than once, are groups, as are numbers that begin with a zero.

    Parameters
    ----------
    cells : sequence of str
        Empty where nothing is known.

    Returns
    -------
    str

    Examples
    --------
    >>> kind_of(["60", "72", "89+"]), kind_of(["1", "2", "1", "2"]), kind_of(["31", "24", ""]), kind_of(["01", "02"])
    ('number', 'label', 'number', 'label')
    """
    filled = [cell.strip() for cell in cells if cell.strip()]
    numbers = [cell for cell in filled if number_of(cell) is not None]
    odd = len(filled) - len(numbers)
    if len(numbers) < 2 * max(odd, 1) or len(set(filled)) - len(set(numbers)) > MOST_ODD:
        return "label" if odd or not filled else "number"
    if any(len(cell) > 1 and cell.isdecimal() and cell.startswith("0") for cell in filled):
        return "label"
    codes = sorted(set(numbers))
    in_order = codes in ([str(i + first) for i in range(len(codes))] for first in (0, 1))
    coded = in_order and not odd and len(codes) <= MOST_CODES
    return "label" if coded and min(map(numbers.count, codes)) > 1 else "number"


def design_of_terms(
    columns: Sequence[TermColumn], maps: Sequence[str], centre: bool = True, subjects: str | None = None
) -> pd.DataFrame:
    """Make the design matrix of a group.

    Without labels, a constant called ``intercept`` stands beside the covariates. With labels, the first such column
    gives a column of ones and zeros for each of its groups, whose coefficients are the groups' means; each further one
    gives deviations from the mean over its groups (1, and -1 for the last), so that the means stay means.

    Parameters
    ----------
    columns : sequence of TermColumn
        Those that are modelled; each has a cell for every map.
    maps : sequence of str
        Names of the maps, for the index and for messages.
    centre : bool
        Subtract the mean from every covariate, so that intercept and groups' means are those at its mean.
    subjects : str, optional
        Name of the column that tells which subject a map is of, where subjects have several.

    Returns
    -------
    DataFrame
        One row a map: groups, covariates, deviations, intercept.

    Raises
    ------
    ValueError
        If a cell is empty, a covariate is the same for all maps, a column of labels has but one, or there are fewer
        maps than the columns need.

    Warns
    -----
    UserWarning
        If columns are combinations of each other.

    Examples
    --------
    >>> age = TermColumn("age", "number", ["20", "30", "40"])
    >>> sex = TermColumn("sex", "label", ["f", "m", "f"])
    >>> design_of_terms([age], ["01", "02", "03"])
         age  intercept
    01 -10.0        1.0
    02   0.0        1.0
    03  10.0        1.0
    >>> design_of_terms([sex], ["01", "02", "03"])
          f    m
    01  1.0  0.0
    02  0.0  1.0
    03  1.0  0.0
    """
    design = columns_of_terms(columns, maps, centre)
    if subjects is not None and subjects not in [column.name for column in columns]:
        warnings.warn(
            f"some have several maps, but the model treats all maps as independent: take {subjects} into the model",
            stacklevel=2,
        )
    return check_group_design(design, len(maps), list(maps))


def columns_of_terms(columns: Sequence[TermColumn], maps: Sequence[str], centre: bool = True) -> pd.DataFrame:
    """The columns of `design_of_terms`, before it is asked whether they make a design that can be fitted.

    Parameters
    ----------
    columns : sequence of TermColumn
        Of the table, those that are modelled.
    maps : sequence of str
        Names of the maps: the rows.
    centre : bool
        Whether covariates are centred.

    Returns
    -------
    DataFrame
        One row a map.

    Raises
    ------
    ValueError
        If a cell is empty or no number, a column is the same for all maps, or a covariate is called ``intercept``.

    Examples
    --------
    >>> columns_of_terms([TermColumn("age", "number", ["20", "30"])], ["a", "b"])
       age  intercept
    a -5.0        1.0
    b  5.0        1.0
    """
    groups: dict[str, np.ndarray] = {}
    covariates: dict[str, np.ndarray] = {}
    deviations: dict[str, np.ndarray] = {}
    names = [column.name for column in columns]
    for column in columns:
        _refuse_empty(column, maps)
        if column.kind == "number":
            covariates[column.name] = _covariate(column, maps, centre)
            continue
        levels = sorted(set(column.cells))
        if len(levels) < 2:
            raise ValueError(f"all maps have the same {column.name} ({levels[0]}): there is nothing to compare")
        ones = {level: np.array([float(cell == level) for cell in column.cells]) for level in levels}
        taken = {*names, *groups, *deviations, "intercept"}
        called = {level: f"{column.name} {level}" if taken & set(levels) else level for level in levels}
        if not groups:
            groups = {called[level]: ones[level] for level in levels}
        else:
            deviations |= {called[level]: ones[level] - ones[levels[-1]] for level in levels[:-1]}
    parts: Mapping[str, np.ndarray] = {**groups, **covariates, **deviations}
    if not groups:
        if "intercept" in parts:
            raise ValueError("a covariate is called 'intercept', as the column of ones that is added: rename it")
        parts = {**parts, "intercept": np.ones(len(maps))}
    return pd.DataFrame(parts, index=list(maps))


def _refuse_empty(column: TermColumn, maps: Sequence[str]) -> None:
    for name, cell in zip(maps, column.cells, strict=True):
        advice = f"type one, leave {name} out, or leave {column.name} out"
        if not cell.strip():
            raise ValueError(f"{name} has no {column.name}: {advice}")
        if column.kind == "number" and number_of(cell) is None:
            odd = [i for i, one in enumerate(column.cells) if one.strip() and number_of(one) is None]
            more = f" ({len(odd)} maps have no number there: {some([maps[i] for i in odd])})" if len(odd) > 1 else ""
            raise ValueError(f"{column.name} of {name} is {cell!r}, which is not a number{more}: {advice}")


def _covariate(column: TermColumn, maps: Sequence[str], centre: bool) -> np.ndarray:
    values = np.array([number_of(cell) for cell in column.cells], dtype=float)
    if np.ptp(values) == 0:
        raise ValueError(f"all maps have the same {column.name} ({column.cells[0]}): it cannot be told from the mean")
    _say_missing_codes(column, values, maps)
    return values - values.mean() if centre else values


def _say_missing_codes(column: TermColumn, values: np.ndarray, maps: Sequence[str]) -> None:
    """Doubt -999 and the like that lie farther from the other values than these from each other."""
    coded = np.isin(np.abs(values), MISSING_CODES)
    if not coded.any() or coded.all():
        return
    low, high = values[~coded].min(), values[~coded].max()
    far = np.flatnonzero(coded & ((values < low - (high - low)) | (values > high + (high - low))))
    if far.size:
        told = some([maps[i] for i in far])
        warnings.warn(
            f"{column.name} of {told} is {column.cells[far[0]]}, and {low:g} to {high:g} of the others: if it stands "
            "for a missing value, empty the cell",
            stacklevel=5,
        )
