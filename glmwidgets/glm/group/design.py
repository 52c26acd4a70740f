"""Design matrices of groups: made of subjects and their covariates, and checked."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
import pandas as pd

from glmwidgets.glm.fit.partition import TOLERANCE, column_space
from glmwidgets.glm.group.matching import Matching, match_table
from glmwidgets.glm.tables import numbers_of, odd_words, some
from glmwidgets.plural import count


def make_second_level_design_matrix(subjects_label: Sequence[str | PurePath], confounds: pd.DataFrame | None = None):
    """Make a design of an intercept and the subjects' covariates.

    Parameters
    ----------
    subjects_label : sequence of str or path
        Subjects in the order of their maps, or files whose paths name them.
    confounds : DataFrame, optional
        A column ``subject_label`` and one or more of numbers, one row a subject in any order. Rows of others are
        left out. A subject may be spelled in another way (``01``, ``sub-01``, ``1``) where no other could be meant.

    Returns
    -------
    DataFrame
        One row a map; the covariates, then ``intercept``.

    Raises
    ------
    ValueError
        If a subject has no row or two, a value is missing or no number, or two columns have one name.

    Examples
    --------
    >>> ages = pd.DataFrame({"subject_label": ["02", "01"], "age": [31, 24]})
    >>> make_second_level_design_matrix(["01", "02"], ages)
        age  intercept
    0  24.0        1.0
    1  31.0        1.0
    """
    return design_of_covariates([one if isinstance(one, PurePath) else str(one) for one in subjects_label], confounds)[
        0
    ]


def design_of_covariates(
    maps: Sequence[str | PurePath | None], confounds: pd.DataFrame | None, match: str = "names"
) -> tuple[pd.DataFrame, Matching | None]:
    """`make_second_level_design_matrix`, and which rows of the covariates were taken; see `match_table`."""
    columns: dict[str, np.ndarray] = {}
    matching = None
    if confounds is not None:
        table = check_confounds_table(confounds)
        matching = match_table(maps, table, "the table of confounds", match)
        picked = table.drop(columns="subject_label").iloc[list(matching.rows)]
        for name in picked.columns:
            columns[str(name)] = _numbers(picked[name], f"confound {str(name)!r}", matching.maps)
    if "intercept" in columns:
        raise ValueError("a confound is called 'intercept', as the column of ones that is added: rename it")
    columns["intercept"] = np.ones(len(maps))
    design = pd.DataFrame(columns)
    _warn_of_dependence(design)
    return design, matching


def check_confounds_table(confounds: object) -> pd.DataFrame:
    """Refuse what is not a table of subjects and covariates, in words."""
    if not isinstance(confounds, pd.DataFrame):
        raise TypeError(f"confounds must be a pandas DataFrame, not {type(confounds).__name__}")
    if "subject_label" not in confounds.columns:
        raise ValueError(f"confounds need a column 'subject_label'; there are {', '.join(map(str, confounds.columns))}")
    names = list(confounds.columns)
    if len(names) < 2:
        raise ValueError("confounds need a column of numbers beside 'subject_label'")
    _refuse_repeated(names, "confound")
    if empty := np.flatnonzero(confounds["subject_label"].isna()).tolist():
        raise ValueError(f"column 'subject_label' of the confounds is empty in row {empty[0]} (counted from 0)")
    return confounds


def check_group_design(design: pd.DataFrame, n_maps: int, labels: Sequence[str] | None = None) -> pd.DataFrame:
    """Check a design matrix of a group, and make its columns float64.

    Parameters
    ----------
    design : DataFrame
        One row a map.
    n_maps : int
    labels : sequence of str, optional
        Names of the maps, for messages.

    Returns
    -------
    DataFrame

    Raises
    ------
    ValueError
        If its rows are not one a map, a column is not of finite numbers, zero throughout or named as another, or there
        are too few maps for its columns.

    Warns
    -----
    UserWarning
        If columns are combinations of each other; names them.

    Examples
    --------
    >>> check_group_design(pd.DataFrame({"patient": [1, 1, 0], "control": [0, 0, 1]}), 3)
       patient  control
    0      1.0      0.0
    1      1.0      0.0
    2      0.0      1.0
    """
    if not isinstance(design, pd.DataFrame):
        raise TypeError(
            f"a design matrix must be a pandas DataFrame or the path of a table, not {type(design).__name__}"
        )
    if len(design) != n_maps:
        raise ValueError(
            f"the design matrix has {count(len(design), 'row')} and there are {n_maps} maps: it needs one row a map"
        )
    names = [str(name) for name in design.columns]
    _refuse_repeated(names, "column of the design matrix")
    rows = [f"row {i}" for i in range(n_maps)] if labels is None else list(labels)
    values = {
        name: _numbers(design.iloc[:, j], f"column {name!r} of the design matrix", rows) for j, name in enumerate(names)
    }
    for name, column in values.items():
        if not column.any():
            raise ValueError(f"column {name!r} of the design matrix is zero for all maps")
    checked = pd.DataFrame(values, index=design.index)
    if column_space(checked).rank >= n_maps:
        raise ValueError(
            f"{n_maps} maps are too few for the {len(names)} columns of the design matrix: "
            "no degree of freedom is left for the errors"
        )
    _warn_of_dependence(checked)
    return checked


def _numbers(column: pd.Series, what: str, rows: Sequence[str]) -> np.ndarray:
    values = numbers_of(column)
    bad = np.flatnonzero(np.isnan(values))
    odd = bad[column.iloc[bad].notna().to_numpy()]
    if len(odd) > len(values) // 2:
        shown = some(list(dict.fromkeys(column.iloc[odd].tolist())), repr)
        raise ValueError(f"{what} holds {shown}, which are not numbers: code groups as columns of 0 and 1")
    if len(odd):
        whose = some([rows[i] for i in odd])
        raise ValueError(f"{what}: {odd_words(column.iloc[odd[0]], f'for {whose}')}; type one, or leave the map out")
    if len(bad):
        raise ValueError(f"{what} has no value for {some([rows[i] for i in bad])}")
    return values


def _refuse_repeated(names: Sequence[object], what: str) -> None:
    repeated = sorted({str(name) for name in names if list(names).count(name) > 1})
    if repeated:
        raise ValueError(f"more than one {what} is called {repeated[0]!r}")


def _warn_of_dependence(design: pd.DataFrame) -> None:
    """Say which columns are combinations of each other: those that some null vector of the design weighs."""
    null = column_space(design).null
    if len(null):
        involved = np.linalg.norm(null, axis=0) > TOLERANCE
        names = [str(name) for name, yes in zip(design.columns, involved, strict=True) if yes]
        warnings.warn(
            f"columns of the design matrix are combinations of each other ({', '.join(names)}): "
            "only contrasts that do not depend on how they share an effect can be estimated",
            stacklevel=4,
        )
