"""The steps of a group, from its maps to a contrast: plain functions, one for each arrow.

A session calls them with a cache; `glmwidgets.models.SecondLevelModel` and
`glmwidgets.models.non_parametric_inference` without one. What survives of a contrast is in
`glmwidgets.analysis.thresholding`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.analysis.answers import FittedGroup
from glmwidgets.analysis.thresholding import Scored
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.fit.grammar import ExpressionError, quote_name
from glmwidgets.glm.group.fit import fit_group, group_contrast
from glmwidgets.glm.group.terms import TermColumn, design_of_terms
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.glm.permutation.tests import iter_permutations
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.group_maps import masked_maps
from glmwidgets.specification.reading import reads

USED = ("data.left_out", "table.maps")
TABLE = tuple(f"table.{name}" for name in ("maps", "names", "kinds", "cells", "subjects"))
MODEL = (*TABLE, "data.left_out", "design.terms")


def kept_rows(asked: Any) -> list[int]:
    """Rows of the maps that are used."""
    return [i for i, name in enumerate(asked.table.maps) if name not in asked.data.left_out]


@reads("data.smoothing_fwhm")
def group_values_of(
    asked: Any,
    imgs: Sequence[nib.Nifti1Image],
    names: Sequence[str],
    domain: Domain,
    widths: Sequence[float] | None = None,
    **how: bool,
) -> np.ndarray:
    """Values of all maps in the voxels of a domain, smoothed; see `glmwidgets.runs.group_maps.masked_maps`.

    Widths of a kernel along three axes, which no setting holds, take the place of the one width that is asked for.
    """
    return masked_maps(imgs, names, domain, (asked.data.smoothing_fwhm or None) if widths is None else widths, **how)


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


@reads(*USED, "design.estimator")
def group_fit_of(
    asked: Any, values: np.ndarray, design: pd.DataFrame, variances: np.ndarray | None = None, dof: float = np.inf
) -> FittedGroup:
    """Fit of the design to the maps that are used, out of all; see `glmwidgets.glm.group.fit.fit_group`."""
    used = used_of(asked, values)
    return FittedGroup.of(used, fit_group(used, design, asked.design.estimator, variances, dof))


@reads(*MODEL, "contrast.expression")
def group_contrast_of(asked: Any, fitted: FittedGroup) -> Scored:
    """The contrast that is asked about, with its z scores.

    Raises
    ------
    InputError
        If it cannot be read; a column of the table that is not modelled is named so.
    """
    try:
        contrast = group_contrast(fitted.fit, asked.contrast.expression)
    except ExpressionError as error:
        for column in asked.table.columns():
            named = error.token.strip('"') in (column.name, *(column.cells if column.kind == "label" else ()))
            if named and column.name not in asked.design.terms:
                advice = {
                    "notebook": f"tick {column.name} in the design",
                    "function": f"add {column.name!r} to the terms",
                }
                raise InputError(f"{column.name} is in the table and not in the design", advice=advice) from None
        raise
    return contrast, contrast.z_score()


def permutations_of(
    asked: Any, values: np.ndarray, design: np.ndarray, weights: np.ndarray, **how: Any
) -> Iterator[PermutationResult]:
    """The permutation test that is asked for, as it sharpens.

    Parameters
    ----------
    asked : tree
        Its ``permutation``, and whether the ``threshold`` is two-sided.
    values : array of shape (n, n_voxels)
        Of the maps that are used.
    design : array of shape (n, p)
    weights : array of shape (p,) or (q, p)
    **how
        ``mask``, ``blocks``, ``cancel`` ...: of `glmwidgets.glm.permutation.tests.iter_permutations`.
    """
    chosen = asked.permutation
    return iter_permutations(
        values,
        design,
        weights,
        n_perm=chosen.n_perm,
        two_sided=asked.threshold.two_sided,
        threshold=chosen.forming or None,
        tfce=chosen.tfce,
        true_discoveries=chosen.discoveries,
        seed=chosen.seed,
        **how,
    )


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
