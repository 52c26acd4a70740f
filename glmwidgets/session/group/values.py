"""The values of all subjects in one voxel, and what the model makes of them there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from glmwidgets.glm.group.fit import GroupFit
from glmwidgets.glm.group.terms import TermColumn
from glmwidgets.glm.tables import number_of

# Points of a fitted line: a band is curved.
N_LINE = 41

# How far points of one group are spread sideways, in distances between groups.
JITTER = 0.22


@dataclass(frozen=True, eq=False)
class GroupValues:
    """Values at one voxel, ready to be drawn.

    Attributes
    ----------
    names : tuple of str
        Of the maps that are used.
    x, y : array of shape (n,)
        Where each map is drawn.
    values : array of shape (n,)
        What each map holds there.
    label : str
        What x is; empty for groups beside each other.
    ticks : tuple of str
        Names of groups, which stand at 0, 1, ...; empty for a covariate.
    line : array of shape (4, n_points)
        x, fit, and the ends of its interval: along a covariate, or at each group.
    adjusted : tuple of str
        What else is in the model, whose effects were taken out of y.
    """

    names: tuple[str, ...]
    x: np.ndarray
    y: np.ndarray
    values: np.ndarray
    label: str
    ticks: tuple[str, ...]
    line: np.ndarray
    adjusted: tuple[str, ...]


def values_at(
    fit: GroupFit, values: np.ndarray, voxel: int, column: TermColumn | None, modelled: bool, confidence: float = 0.95
) -> GroupValues:
    """Values of a voxel against a column of the table, adjusted for whatever else is in the model.

    What is drawn of map i is ``x*_i beta + e_i``: its residual on top of what the model predicts where all columns of
    the design but those of the column drawn are at their mean. The interval is that of the prediction's mean,
    ``x* beta +- t s sqrt(x* (X'X)^+ x*')``.

    Parameters
    ----------
    fit : GroupFit
        By least squares.
    values : array of shape (n, n_voxels)
        What was fitted.
    voxel : int
    column : TermColumn or None
        None draws all maps beside each other.
    modelled : bool
        Whether the column is in the model; otherwise maps are drawn as they are.
    confidence : float
        Of the interval.

    Returns
    -------
    GroupValues
    """
    design, y = fit.design, values[:, voxel].astype(float)
    names = tuple(map(str, design.index))
    mine = _columns_of(design, column) if modelled and column is not None else []
    others = tuple(str(name) for name in design.columns if name not in mine and name != "intercept")
    is_number = column is not None and column.kind == "number"
    rows = design.to_numpy(dtype=float).copy()
    if modelled or column is None:
        aside = [j for j, name in enumerate(design.columns) if name in others]
        rows[:, aside] = rows[:, aside].mean(axis=0)
        drawn = y - fit.basis @ fit.theta[:, voxel] + rows @ fit.to_columns @ fit.theta[:, voxel]
    else:
        drawn, others = y, ()
    if is_number:
        x = np.array([number_of(cell) if cell.strip() else np.nan for cell in column.cells], dtype=float)
        line = _along(fit, voxel, rows, design.columns.get_loc(mine[0]), x, confidence) if mine else np.empty((4, 0))
        return GroupValues(names, x, drawn, y, column.name, (), line, others)
    cells = ["all maps"] * len(y) if column is None else list(column.cells)
    levels = sorted(set(cells))
    place = np.array([levels.index(cell) for cell in cells])
    line = np.empty((4, 0))
    if modelled or column is None:
        first = np.array([int(np.flatnonzero(place == k)[0]) for k in range(len(levels))])
        line = np.vstack([np.arange(len(levels)), _interval(fit, voxel, rows[first], confidence)])
    return GroupValues(names, place + _spread(drawn, place), drawn, y, "", tuple(levels), line, others)


def _columns_of(design: pd.DataFrame, column: TermColumn) -> list[str]:
    """Columns of the design that a column of the table became."""
    if column.kind == "number":
        return [column.name] if column.name in design.columns else []
    levels = set(column.cells)
    called = levels | {f"{column.name} {level}" for level in levels}
    return [str(name) for name in design.columns if name in called]


def _interval(fit: GroupFit, voxel: int, rows: np.ndarray, confidence: float) -> np.ndarray:
    """Prediction and the ends of its interval for rows of the design; shape (3, n_rows)."""
    in_basis = rows @ fit.to_columns
    centre = in_basis @ fit.theta[:, voxel]
    half = np.sqrt(fit.spread[voxel] * (in_basis**2).sum(axis=1)) * stdtrit(fit.dof, 0.5 + confidence / 2)
    return np.stack([centre, centre - half, centre + half])


def _along(fit: GroupFit, voxel: int, rows: np.ndarray, at: int, x: np.ndarray, confidence: float) -> np.ndarray:
    """The fitted line over the covariate's range, and its band."""
    where = np.linspace(x.min(), x.max(), N_LINE)
    line = np.repeat(rows[:1], N_LINE, axis=0)
    line[:, at] = where - (x - rows[:, at]).mean()  # as far as it was centred
    return np.vstack([where, _interval(fit, voxel, line, confidence)])


def _spread(y: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Small steps sideways, so that points of like values stand apart: neighbours in value get far steps."""
    out = np.zeros(len(y))
    for k in np.unique(place):
        mine = np.flatnonzero(place == k)
        rank = np.argsort(np.argsort(y[mine], kind="stable"))
        # Multiples of the golden section fill an interval evenly, whatever their number.
        out[mine] = JITTER * (2 * ((rank + 1) * 0.6180339887 % 1) - 1)
    return out
