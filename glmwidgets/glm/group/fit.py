"""Estimates of a group: maps of n subjects and a design give effects, by one of three estimators.

For the maps ``y = X beta + e`` of one voxel, with first-level variances ``s_i^2`` of the maps where they are known:

- ``ols``: ``beta = X^+ y`` and ``cov(beta) = s^2 (X'X)^+`` with s^2 from the residuals. The scatter between subjects is
  what effects are measured against: results speak of the population. The conventional choice.
- ``fixed_effects``: the same beta, ``cov(beta) = X^+ diag(s_i^2) X^+'``. Only the noise within subjects counts, and
  results speak of these subjects alone.
- ``precision_weighted``: as fixed effects, with maps weighted by their precision, ``W = diag(1 / s_i^2)``,
  ``beta = (X'WX)^+ X'Wy`` and ``cov(beta) = (X'WX)^+``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from glmwidgets.glm.choices import Choices, check_choice
from glmwidgets.glm.errors import NotEstimableError
from glmwidgets.glm.fit.contrasts import Contrast, chosen_stat_type
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.partition import column_space, partition
from glmwidgets.plural import count

# Voxels that are computed together.
BLOCK = 8192


@dataclass(frozen=True)
class GroupFit:
    """Estimates of a group under one design and one estimator.

    Attributes
    ----------
    design : DataFrame of n rows
    estimator : str
        Key of `GROUP_ESTIMATORS`.
    theta : array of shape (r, n_voxels)
        Coefficients of an orthonormal basis of the design's columns.
    basis : array of shape (n, r)
    to_columns : array of shape (p, r)
        ``beta = to_columns @ theta``.
    spread : array
        What the estimator needs for covariances: variance of the errors of shape (n_voxels,), or the maps' variances
        of shape (n, n_voxels).
    dof : float
        Degrees of freedom of the variance; infinite if it is taken as known.
    """

    design: pd.DataFrame
    estimator: str
    theta: np.ndarray
    basis: np.ndarray
    to_columns: np.ndarray
    spread: np.ndarray
    dof: float

    @property
    def beta(self) -> np.ndarray:
        """Coefficients of the design's columns, shape (p, n_voxels); the shortest ones if there is a choice."""
        return self.to_columns @ self.theta

    @property
    def predicted(self) -> np.ndarray:
        """``X beta``, shape (n, n_voxels)."""
        return self.basis @ self.theta

    def r_square(self, data: np.ndarray, voxels: slice = slice(None)) -> np.ndarray:
        """Share of the variance between maps that the design explains, within 0 and 1.

        Parameters
        ----------
        data : array of shape (n, n_voxels)
            Maps that were fitted.
        voxels : slice
            Which of the fit's voxels they are of.

        Returns
        -------
        array of shape (n_voxels,)
        """
        data, theta = np.asarray(data), self.theta[:, voxels]
        share = np.empty(data.shape[1])
        for part, y in _blocks(data):
            rest = ((y - self.basis @ theta[:, part]) ** 2).sum(axis=0)
            total = ((y - y.mean(axis=0)) ** 2).sum(axis=0)
            share[part] = 1 - np.divide(rest, total, out=np.ones_like(rest), where=total > 0)
        return np.clip(share, 0, 1)


class GroupEstimator(NamedTuple):
    """A row of `GROUP_ESTIMATORS`: how effects and their variance are computed, and `said` in a methods section."""

    estimate: Callable[..., np.ndarray]
    spread: Callable[..., np.ndarray]
    covariance: Callable[[GroupFit, np.ndarray], np.ndarray]
    needs_variances: bool
    said: str


def _blocks(data: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Voxels in parts that fit a processor's cache, in double precision."""
    for start in range(0, data.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        yield part, np.asarray(data[:, part], dtype=float)


def _project(basis: np.ndarray, data: np.ndarray, variances: np.ndarray | None) -> np.ndarray:
    theta = np.empty((basis.shape[1], data.shape[1]))
    for part, y in _blocks(data):
        theta[:, part] = basis.T @ y
    return theta


def _weigh(basis: np.ndarray, data: np.ndarray, variances: np.ndarray) -> np.ndarray:
    theta = np.empty((basis.shape[1], data.shape[1]))
    for start in range(0, data.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        weighted = np.einsum("iv,ir->vri", 1 / variances[:, part], basis)
        right = np.einsum("vri,iv->vr", weighted, data[:, part])
        theta[:, part] = np.linalg.solve(weighted @ basis, right[..., None])[..., 0].T
    return theta


def _error_variance(basis: np.ndarray, data: np.ndarray, theta: np.ndarray, variances: np.ndarray | None) -> np.ndarray:
    rss = np.empty(data.shape[1])
    for part, y in _blocks(data):
        rest = basis @ theta[:, part] - y
        left = np.einsum("iv,iv->v", rest, rest)
        # Voxels in which the design leaves nothing but rounding (constant ones) have no variance and no statistic.
        left[left <= 1e-24 * np.einsum("iv,iv->v", y, y)] = 0
        rss[part] = left
    return rss / (len(basis) - basis.shape[1])


def _given_variances(
    basis: np.ndarray, data: np.ndarray, theta: np.ndarray, variances: np.ndarray | None
) -> np.ndarray:
    return variances


def _ols_covariance(fit: GroupFit, weights: np.ndarray) -> np.ndarray:
    return (weights @ weights.T)[:, :, None] * fit.spread


def _fixed_covariance(fit: GroupFit, weights: np.ndarray) -> np.ndarray:
    by_map = weights @ fit.basis.T
    return np.einsum("qi,iv,ri->qrv", by_map, fit.spread, by_map, optimize=True)


def _weighted_covariance(fit: GroupFit, weights: np.ndarray) -> np.ndarray:
    out = np.empty((len(weights), len(weights), fit.spread.shape[1]))
    for start in range(0, fit.spread.shape[1], BLOCK):
        part = slice(start, start + BLOCK)
        normal = np.einsum("iv,ir->vri", 1 / fit.spread[:, part], fit.basis) @ fit.basis
        out[..., part] = np.moveaxis(weights @ np.linalg.solve(normal, weights.T[np.newaxis]), 0, -1)
    return out


GROUP_ESTIMATORS: Choices[GroupEstimator] = Choices(
    {
        "ols": GroupEstimator(
            _project,
            _error_variance,
            _ols_covariance,
            False,
            "ordinary least squares, with subjects as random effects",
        ),
        "fixed_effects": GroupEstimator(
            _project,
            _given_variances,
            _fixed_covariance,
            True,
            "fixed effects, with equal weights and the maps' own variances",
        ),
        "precision_weighted": GroupEstimator(
            _weigh,
            _given_variances,
            _weighted_covariance,
            True,
            "fixed effects weighted by the maps' precision",
        ),
    }
)


def fit_group(
    data: np.ndarray,
    design: pd.DataFrame,
    estimator: str = "ols",
    variances: np.ndarray | None = None,
    dof: float = np.inf,
) -> GroupFit:
    """Fit a group design to maps.

    Parameters
    ----------
    data : array of shape (n, n_voxels)
        One row a map, in any units.
    design : DataFrame of n rows and p columns
    estimator : str
        Key of `GROUP_ESTIMATORS`.
    variances : array of shape (n, n_voxels), optional
        Variances of the maps from their first level, in units of the data squared.
    dof : float
        Degrees of freedom of these variances taken together.

    Returns
    -------
    GroupFit

    Raises
    ------
    ValueError
        If the estimator is unknown, lacks variances or has some that are not positive, or no degree of freedom is
        left.

    Examples
    --------
    >>> maps = np.array([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])
    >>> fit = fit_group(maps, pd.DataFrame({"intercept": [1.0, 1.0, 1.0]}))
    >>> fit.beta.round(6), fit.dof
    (array([[2., 5.]]), 2.0)
    """
    row = GROUP_ESTIMATORS[check_choice("estimator", estimator, GROUP_ESTIMATORS)]
    basis, to_columns, _ = space = column_space(design)
    if space.rank >= len(basis):
        raise ValueError(
            f"{len(basis)} maps and a design of rank {space.rank} leave no degree of freedom for the errors"
        )
    data = np.asarray(data)
    if row.needs_variances:
        if variances is None:
            raise ValueError(f"the estimator {estimator!r} needs the variance of every map")
        variances = np.asarray(variances, dtype=float)
        good = (variances > 0) & np.isfinite(variances)
        if not good.all():
            worst = int(np.argmin(good.sum(axis=1)))
            raise ValueError(
                f"variances must be positive; those of map {worst} (counted from 0) are not in "
                f"{count(np.count_nonzero(~good[worst]), 'voxel')}: leave them out of the mask"
            )
    theta = row.estimate(basis, data, variances)
    spread = row.spread(basis, data, theta, variances)
    dof = float(dof if row.needs_variances else len(basis) - space.rank)
    return GroupFit(design, estimator, theta, basis, to_columns, spread, dof)


def group_weights(design: pd.DataFrame, contrast: Any = None) -> np.ndarray:
    """Read a contrast of a group design.

    Parameters
    ----------
    design : DataFrame
    contrast : str, array, dict or list of these, optional
        See `glmwidgets.glm.fit.expressions.contrast_vector`. May be left out if there is one column only.

    Returns
    -------
    array of shape (q, p)

    Raises
    ------
    ValueError
        If it cannot be read, or is left out of a design with several columns.

    Examples
    --------
    >>> group_weights(pd.DataFrame({"patient": [1.0, 0.0], "control": [0.0, 1.0]}), "patient - control")
    array([[ 1., -1.]])
    """
    if contrast is None:
        if design.shape[1] > 1:
            raise ValueError(
                f"the design has {design.shape[1]} columns ({', '.join(map(str, design.columns))}): "
                "say which contrast of them is meant"
            )
        contrast = [1.0]
    return np.atleast_2d(contrast_vector(contrast, list(design.columns)))


def group_contrast(fit: GroupFit, contrast: Any = None, stat_type: str | None = None) -> Contrast:
    """Estimate a contrast of a group.

    Parameters
    ----------
    fit : GroupFit
    contrast : str, array, dict or list of these, optional
        As in `group_weights`.
    stat_type : {"t", "F"}, optional
        Default: t for one row, F for several.

    Returns
    -------
    Contrast

    Raises
    ------
    ValueError
        If the contrast cannot be read or estimated.

    Examples
    --------
    >>> maps = np.array([[1.0, 5.0], [2.0, 5.5], [3.0, 6.0]])
    >>> fit = fit_group(maps, pd.DataFrame({"intercept": [1.0, 1.0, 1.0]}))
    >>> group_contrast(fit).stat().round(3)
    array([ 3.464, 19.053])
    """
    from scipy.linalg import qr

    weights = group_weights(fit.design, contrast)
    stat_type = chosen_stat_type(stat_type, len(weights), contrast, [str(name) for name in fit.design])
    try:
        hypothesis = partition(fit.design, weights, stat_type)
    except NotEstimableError as error:
        involved = ", ".join(map(str, fit.design.columns[weights.any(axis=0)]))
        raise NotEstimableError(f"{error} (it weighs {involved})") from None
    if hypothesis.stat_type == "F":
        # As many independent rows as the hypothesis has dimensions; a repeated one adds nothing to the test.
        # At unit length in the design's own coordinates, so that no scale matters.
        rows = weights @ fit.to_columns
        pivots = qr((rows / np.linalg.norm(rows, axis=1, keepdims=True)).T, mode="r", pivoting=True)[1]
        weights = weights[np.sort(pivots[: hypothesis.tested.shape[1]])]
    weights = weights @ fit.to_columns
    covariance = GROUP_ESTIMATORS[fit.estimator].covariance(fit, weights)
    # Maps that agree to the last digit were not measured there: a constant outside the brain, or the same map again.
    effect = np.where(np.einsum("iiv->v", covariance) > 0, weights @ fit.theta, 0.0)
    return Contrast(effect, covariance, fit.dof, hypothesis.stat_type)
