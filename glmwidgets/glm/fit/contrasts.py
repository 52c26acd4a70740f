"""Contrasts of a fit: effect, its covariance, and the t or F test of whether it is zero.

For weights C (q rows over the design's columns): effect ``C beta``, covariance ``s^2 C (X'WX)^+ C'``;

    t = c beta / sqrt(var),        F = (C beta)' [cov]^-1 (C beta) / q.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.inference.heights import p_from_f, p_from_t, z_from_f, z_from_t
from glmwidgets.glm.parallel import one_thread

__all__ = ["Contrast", "NotEstimableError", "compute_contrast", "fixed_effects", "non_estimable_rows"]

STAT_TYPES = ("t", "F")

FIXED_EFFECTS = ("wald", "approximate")

# Share of a contrast that may lie outside the design's row space before it is called non-estimable.
ESTIMABLE_WITHIN = 1e-6

# Rows of unit length are independent if more than this of one lies outside the space of the others.
SAME_ROW = 1e-9


class NotEstimableError(InputError):
    """A contrast that no data could tell under a design."""


@dataclass(frozen=True)
class Contrast:
    """An effect of one or several dimensions in every voxel, with its covariance.

    Attributes
    ----------
    effect : array of shape (q, n_voxels)
        In units of the data.
    covariance : array of shape (q, q, n_voxels)
        In those units squared; zero where nothing can be said (constant series).
    dof : float
        Degrees of freedom of the residuals.
    stat_type : {"t", "F"}
    dispersion : array of shape (n_voxels,), optional
        Variance of the errors that `covariance` is a multiple of, where that is one fit's.
    """

    effect: np.ndarray
    covariance: np.ndarray
    dof: float
    stat_type: str = "t"
    dispersion: np.ndarray | None = None

    def __post_init__(self) -> None:
        check_choice("stat_type", self.stat_type, STAT_TYPES)

    @property
    def dim(self) -> int:
        """Number of rows q."""
        return self.effect.shape[0]

    def effect_size(self) -> np.ndarray:
        """Effect, shape (n_voxels,) for one row, otherwise (q, n_voxels)."""
        return self.effect[0] if self.dim == 1 else self.effect

    def effect_variance(self) -> np.ndarray:
        """Variance of the effect, shape (n_voxels,) for one row, otherwise (q, n_voxels)."""
        variances = np.einsum("iiv->iv", self.covariance)
        return variances[0] if self.dim == 1 else variances

    @property
    def known(self) -> np.ndarray:
        """Voxels of which something can be said, shape (n_voxels,), bool."""
        return np.einsum("iiv->v", self.covariance) > 0

    @cached_property
    def _stat(self) -> np.ndarray:
        known = self.known
        out = np.zeros(self.effect.shape[1])
        if self.dim == 1:
            np.divide(self.effect[0], np.sqrt(self.covariance[0, 0]), out=out, where=known)
            return out if self.stat_type == "t" else out**2
        cov = np.moveaxis(self.covariance, -1, 0)[known]
        effect = self.effect.T[known][:, :, None]
        out[known] = (effect * np.linalg.solve(cov, effect)).sum(axis=(1, 2)) / self.dim
        return out

    def stat(self) -> np.ndarray:
        """The t or F statistic, shape (n_voxels,); 0 where the series are constant."""
        return self._stat

    def p_value(self) -> np.ndarray:
        """One-sided p value of t (large effects), or p value of F; shape (n_voxels,)."""
        if self.stat_type == "t":
            return p_from_t(self._stat, self.dof)
        return p_from_f(self._stat, self.dim, self.dof)

    def z_score(self) -> np.ndarray:
        """Standard normal score with the same one-sided p value, shape (n_voxels,)."""
        if self.stat_type == "t":
            return z_from_t(self._stat, self.dof)
        return z_from_f(self._stat, self.dim, self.dof)


def non_estimable_rows(fit: Fit, weights: np.ndarray) -> np.ndarray:
    """Tell which rows of a contrast the design cannot estimate.

    A row c is estimable if it is a combination of the design's rows: ``c X^+ X = c``.

    Parameters
    ----------
    fit : Fit
    weights : array of shape (q, n_columns)

    Returns
    -------
    array of int
        Indices of the rows that lie outside the row space of the design.
    """
    length = np.linalg.norm(fit.basis.x, axis=0)
    # In units of each column's length, so that the verdict does not depend on the units of a confound.
    scaled = weights / np.where(length > 0, length, 1)
    row_space = np.linalg.qr(np.where(length > 0, length, 1)[:, None] * fit.basis.to_columns)[0]
    outside = np.linalg.norm(scaled - scaled @ row_space @ row_space.T, axis=1)
    return np.flatnonzero(outside > ESTIMABLE_WITHIN * np.linalg.norm(scaled, axis=1))


def chosen_stat_type(stat_type: str | None, n_rows: int) -> str:
    """The test that a contrast of some rows is put to: t for one and F for several, unless it is named.

    Raises
    ------
    ValueError
        If it is no known test, or t is asked of several rows.
    """
    check_choice("stat_type", stat_type, (*STAT_TYPES, None))
    if stat_type == "t" and n_rows > 1:
        raise ValueError(f"a t test has one row of weights, not {n_rows}; use stat_type='F'")
    return stat_type or ("t" if n_rows == 1 else "F")


def compute_contrast(fit: Fit, contrast_def: Any, stat_type: str | None = None) -> Contrast:
    """Estimate a contrast of a fit.

    Parameters
    ----------
    fit : Fit
    contrast_def : str, array of shape (n_columns,) or (q, n_columns), list of str, or dict
        Weights of the design's columns; see `glmwidgets.glm.fit.expressions.contrast_vector`.
    stat_type : {"t", "F"}, optional
        Default: t for one row, F for several.

    Returns
    -------
    Contrast

    Raises
    ------
    ValueError
        If the definition is not a contrast of these columns, or a t test is asked of several rows.
    NotEstimableError
        If it is not estimable under this design.
    """
    weights = np.atleast_2d(contrast_vector(contrast_def, list(fit.columns)))
    stat_type = chosen_stat_type(stat_type, len(weights))
    bad = non_estimable_rows(fit, weights)
    if bad.size:
        involved = [name for name, w in zip(fit.columns, weights[bad[0]], strict=True) if w]
        raise NotEstimableError(
            "the contrast is not estimable: columns of the design are combinations of each other, and no data "
            f"can tell them apart (it weighs {', '.join(involved)})"
        )
    if stat_type == "F":
        weights = _independent_rows(weights, fit)
    in_basis = weights @ fit.basis.to_columns
    with one_thread():
        effect = in_basis @ fit.noise.coefficients
    covariance = fit.noise.covariance(in_basis) * fit.dispersion
    effect = np.where(fit.moments.constant, 0.0, effect)
    return Contrast(effect, covariance, float(fit.dof), stat_type, fit.dispersion)


def _independent_rows(weights: np.ndarray, fit: Fit) -> np.ndarray:
    """Keep the first rows that span all; a repeated hypothesis adds nothing to an F test.

    Looked at in the design's own coordinates and at unit length, so that neither the scale of a row nor the units of a
    column matter.
    """
    rows = weights @ fit.basis.to_columns
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(length > 0, length, 1)
    kept: list[int] = []
    for row in range(len(rows)):
        if np.linalg.matrix_rank(rows[[*kept, row]], tol=SAME_ROW) > len(kept):
            kept.append(row)
    return weights[kept]


def fixed_effects(contrasts: Sequence[Contrast], method: str = "wald") -> Contrast:
    """Combine the same contrast of several independent runs with equal weight.

    ``effect = mean_r(effect_r)``, ``covariance = sum_r(covariance_r) / n^2``, degrees of freedom added. With
    several rows the test is the Wald F of the combined effect and covariance. Nothing is said of a voxel of which
    one of the runs says nothing.

    Parameters
    ----------
    contrasts : sequence of Contrast
        One a run.
    method : {"wald", "approximate"}
        How F contrasts are combined. ``"approximate"`` is what the field's reference does: it averages effects that
        were standardised run by run, and pools the variances of the errors. It depends on how the rows are written
        when the runs' designs differ, and its effects have no units.

    Returns
    -------
    Contrast

    Raises
    ------
    ValueError
        If there is none, they differ in kind or number of rows, or `method` is unknown.
    """
    if not contrasts:
        raise ValueError("no run to combine")
    check_choice("method", method, FIXED_EFFECTS)
    kinds = {(c.stat_type, c.effect.shape) for c in contrasts}
    if len(kinds) > 1:
        raise ValueError("the runs' contrasts differ in kind, number of rows or number of voxels")
    stat_type = contrasts[0].stat_type
    known = np.logical_and.reduce([c.known for c in contrasts])
    if stat_type == "F" and method == "approximate":
        contrasts = [_standardised(c) for c in contrasts]
    n = len(contrasts)
    return Contrast(
        np.where(known, sum(c.effect for c in contrasts) / n, 0.0),
        np.where(known, sum(c.covariance for c in contrasts) / n**2, 0.0),
        float(sum(c.dof for c in contrasts)),
        stat_type,
    )


def _standardised(contrast: Contrast) -> Contrast:
    """Express the effects in units in which their covariance is the variance of the errors."""
    if contrast.dispersion is None:
        raise ValueError("only contrasts of single runs can be combined approximately")
    known = contrast.known
    shape = np.moveaxis(contrast.covariance, -1, 0)[known] / contrast.dispersion[known, None, None]
    values, vectors = np.linalg.eigh(shape)
    effect = np.zeros_like(contrast.effect)
    root = (vectors / np.sqrt(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
    effect[:, known] = (root @ contrast.effect.T[known][:, :, None])[:, :, 0].T
    covariance = np.eye(contrast.dim)[:, :, None] * np.where(known, contrast.dispersion, 0.0)
    return Contrast(effect, covariance, contrast.dof, contrast.stat_type, contrast.dispersion)
