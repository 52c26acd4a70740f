"""The steps of a group, from its maps to a contrast: plain functions, one for each arrow.

A session calls them with a cache and `glmwidgets.models.SecondLevelModel` without one. What maps lie where, and their
values, are `glmwidgets.runs.group_maps`; what survives of a contrast is in `glmwidgets.analysis.thresholding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.analysis.answers import FittedGroup
from glmwidgets.analysis.thresholding import Scored
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.group.fit import fit_group, group_contrast
from glmwidgets.glm.group.terms import TermColumn, design_of_terms
from glmwidgets.specification.reading import reads

__all__ = [
    "default_contrast",
    "difference_of",
    "group_contrast_of",
    "group_design_of",
    "group_fit_of",
    "kept_rows",
    "levels_of",
    "used_of",
]

USED = ("data.left_out", "table.maps")
TABLE = tuple(f"table.{name}" for name in ("maps", "names", "kinds", "cells", "subjects"))
MODEL = (*TABLE, "data.left_out", "design.terms")


def kept_rows(asked: Any) -> list[int]:
    """Rows of the maps that are used."""
    return [i for i, name in enumerate(asked.table.maps) if name not in asked.data.left_out]


@reads(*USED)
def used_of(asked: Any, values: np.ndarray) -> np.ndarray:
    """Values of the maps that are used, out of those of all, shape (n_maps, n_voxels)."""
    rows = kept_rows(asked)
    return values if len(rows) == len(values) else values[rows]


@reads(*MODEL, "design.centre")
def group_design_of(asked: Any) -> pd.DataFrame:
    """Design matrix of the columns of the table that are modelled, one row a map that is used.

    Raises
    ------
    ValueError
        If a map that is left out is none of them, or a column cannot be modelled.
    """
    table, rows = asked.table, kept_rows(asked)
    unknown = sorted(set(asked.data.left_out) - set(table.maps))
    if unknown:
        raise ValueError(f"no map is called {unknown[0]!r}")
    chosen = [table.column(name) for name in asked.design.terms]
    columns = [TermColumn(c.name, c.kind, [c.cells[i] for i in rows]) for c in chosen]
    return design_of_terms(columns, [table.maps[i] for i in rows], asked.design.centre, table.subjects)


@reads(*USED)
def group_fit_of(asked: Any, values: np.ndarray, design: pd.DataFrame) -> FittedGroup:
    """Fit of the design to the maps that are used, out of all."""
    used = used_of(asked, values)
    return FittedGroup.of(used, fit_group(used, design))


@reads(*MODEL, "contrast.expression")
def group_contrast_of(asked: Any, fitted: FittedGroup) -> Scored:
    """The contrast that is asked about, with its z scores."""
    contrast = group_contrast(fitted.fit, asked.contrast.expression or default_contrast(asked))
    return contrast, contrast.z_score()


def default_contrast(asked: Any) -> str:
    """What one will want to ask of a model first: the newest term, or the mean."""
    table = asked.table
    for name in reversed(asked.design.terms):
        if name not in table.names or name == table.subjects:
            continue
        column = table.column(name)
        if column.kind == "number":
            return quote_name(name)
        levels = levels_of(asked, column)
        return difference_of(levels) if len(levels) > 1 else ""
    return "intercept"


def levels_of(asked: Any, column: TermColumn) -> list[str]:
    """Labels that a column gives the maps that are used."""
    return sorted({column.cells[i] for i in kept_rows(asked)} - {""})


def difference_of(levels: Sequence[str]) -> str:
    """The first of some labels minus the second, as an expression."""
    return f"{quote_name(levels[0])} - {quote_name(levels[1])}"
