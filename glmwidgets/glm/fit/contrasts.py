"""Contrasts of a fit: effect, its covariance, and the t or F test of whether it is zero.

For weights C (q rows over the design's columns): effect ``C beta``, covariance ``s^2 C (X'WX)^+ C'``;

    t = c beta / sqrt(var),        F = (C beta)' [cov]^-1 (C beta) / q.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy.special import fdtr, fdtri, stdtrit

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError, NotEstimableError, about
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.grammar import is_f_test
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.inference.scores import p_from_f, p_from_t, z_from_f, z_from_t
from glmwidgets.glm.parallel import even_blocks, one_thread

STAT_TYPES = ("t", "F")

FIXED_EFFECTS = ("wald", "approximate")

DOF_METHODS = ("satterthwaite", "sum")

# A test at .05 that is one at more than this is worth a warning.
LIBERAL = 0.055

# Share of a contrast that may lie outside the design's row space before it is called non-estimable.
ESTIMABLE_WITHIN = 1e-6

EPS = np.finfo(np.float64).eps

# Of a row's variance at least this lies outside the rows before it: of less, rounding leaves fewer than four digits.
ALIKE = 1e-12

# Voxels of an F test that are worked on at once, so that the intermediates stay in the processor's cache.
BLOCK = 4096

# Rows of unit length are independent if more than this of one lies outside the space of the others.
SAME_ROW = 1e-9


def unanswered(failed: Mapping[str, ValueError]) -> ValueError:
    """What to raise of a contrast that none of several runs can answer.

    Parameters
    ----------
    failed : mapping from str to exception
        What each run says, by its name.

    Returns
    -------
    ValueError
        Their own where all say the same, for what no run can read is the contrast's fault.
    """
    first, said = next(iter(failed.values())), "; ".join(str(about(name, error)) for name, error in failed.items())
    if len({str(error) for error in failed.values()}) == 1:
        return first
    return InputError(f"no run can estimate this contrast. {said}")


@dataclass(frozen=True)
class Contrast:
    """An effect of one or several dimensions in every voxel, with its covariance.

    Attributes
    ----------
    effect : array of shape (q, n_voxels)
        In units of the data.
    covariance : array of shape (q, q, n_voxels)
        In those units squared; zero where nothing can be said (constant series, whose effect is 0), and where the fit
        leaves no residuals.
    dof : float
        Degrees of freedom of the residuals; the median over voxels where each has its own.
    stat_type : {"t", "F"}
    dispersion : array of shape (n_voxels,), optional
        Variance of the errors that `covariance` is a multiple of, where that is one fit's.
    dofs : array of shape (n_voxels,), optional
        Degrees of freedom of each voxel, where they differ.
    dof_left : float, optional
        Scans minus rank of the design, where `dofs` are fewer because the noise parameters were estimated as well.
    """

    effect: np.ndarray
    covariance: np.ndarray
    dof: float
    stat_type: str = "t"
    dispersion: np.ndarray | None = None
    dofs: np.ndarray | None = None
    dof_left: float | None = None

    def __post_init__(self) -> None:
        check_choice("stat_type", self.stat_type, STAT_TYPES)
        q, n = self.effect.shape if self.effect.ndim == 2 else (0, 0)
        if not q or self.covariance.shape != (q, q, n):
            raise InputError(
                f"an effect has the shape (q, n_voxels) and its covariance (q, q, n_voxels), not {self.effect.shape} "
                f"and {self.covariance.shape}"
            )

    @property
    def dim(self) -> int:
        """Number of rows q."""
        return self.effect.shape[0]

    @property
    def own_dof(self) -> float | np.ndarray:
        """Degrees of freedom that tests count: of each voxel where they differ."""
        return self.dof if self.dofs is None else self.dofs

    def dof_at(self, voxel: int) -> float:
        """Degrees of freedom of one voxel."""
        return float(self.dof if self.dofs is None else self.dofs[voxel])

    def at(self, voxels: slice | np.ndarray) -> Contrast:
        """The contrast in some voxels."""
        return replace(
            self,
            effect=self.effect[:, voxels],
            covariance=self.covariance[:, :, voxels],
            dispersion=None if self.dispersion is None else self.dispersion[voxels],
            dofs=None if self.dofs is None else self.dofs[voxels],
        )

    def effect_size(self) -> np.ndarray:
        """Effect, shape (n_voxels,) for one row, otherwise (q, n_voxels)."""
        return self.effect[0] if self.dim == 1 else self.effect

    def effect_variance(self) -> np.ndarray:
        """Variance of the effect, shape (n_voxels,) for one row, otherwise (q, n_voxels)."""
        variances = np.einsum("iiv->iv", self.covariance)
        return variances[0] if self.dim == 1 else variances

    @property
    def known(self) -> np.ndarray:
        """Voxels of which something can be said, shape (n_voxels,), bool: all but those without effect and variance."""
        return self._varies | (self.effect != 0).any(axis=0)

    def surest_variance(self) -> np.ndarray:
        """Variance of the effect of one row, shape (n_voxels,), and of one without residuals that of rounding."""
        return np.maximum(self.covariance[0, 0], np.square(EPS * self.effect[0]))

    @property
    def _varies(self) -> np.ndarray:
        return np.einsum("iiv->v", self.covariance) > 0

    @cached_property
    def _stat(self) -> np.ndarray:
        varies = self._varies
        out = np.zeros(self.effect.shape[1])
        # An effect that was fitted without residuals is as sure as a number is.
        exact = self.known & ~varies
        if self.dim == 1:
            np.divide(self.effect[0], np.sqrt(self.covariance[0, 0]), out=out, where=varies)
            out[exact] = np.sign(self.effect[0, exact]) / EPS
            return out if self.stat_type == "t" else out**2
        # By number: as booleans they would come voxel behind voxel in memory.
        voxels = np.flatnonzero(varies)
        out[voxels] = _squared_size(self.effect.take(voxels, -1), self.covariance.take(voxels, -1)) / self.dim
        out[exact] = EPS**-2
        return out

    def stat(self) -> np.ndarray:
        """The t or F statistic, shape (n_voxels,); 0 where the series are constant, and finite without residuals."""
        return self._stat

    def p_value(self, two_sided: bool = False) -> np.ndarray:
        """P value of t for large effects or, if two-sided, for effects of either sign; or of F; shape (n_voxels,)."""
        dof = self.own_dof
        if two_sided and self.stat_type == "t":
            return 2 * p_from_t(np.abs(self._stat), dof)
        return p_from_t(self._stat, dof) if self.stat_type == "t" else p_from_f(self._stat, self.dim, dof)

    def one_minus_pvalue(self) -> np.ndarray:
        """One minus the one-sided p value, without the rounding of a subtraction from one; shape (n_voxels,)."""
        dof = self.own_dof
        return p_from_t(-self._stat, dof) if self.stat_type == "t" else fdtr(self.dim, dof, self._stat)

    def z_score(self) -> np.ndarray:
        """Standard normal score with the same one-sided p value, shape (n_voxels,)."""
        dof = self.own_dof
        return z_from_t(self._stat, dof) if self.stat_type == "t" else z_from_f(self._stat, self.dim, dof)


def _squared_size(effect: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """``e' V^-1 e`` of each voxel, for e of shape (q, n_voxels) and V of shape (q, q, n_voxels), positive definite.

    By elimination, a step for all voxels of a block at once: of small matrices a library solves one after the other,
    each of which takes it longer to begin than to solve.
    """
    q, n_voxels = effect.shape
    out = np.zeros(n_voxels)
    for voxels in even_blocks(n_voxels, BLOCK):
        # The effect is one more column, from which each step takes what it shares with the rows before.
        left = np.concatenate([covariance[:, :, voxels], effect[:, np.newaxis, voxels]], axis=1)
        for j in range(q):
            row = left[j, j:]
            if not (row[0] > ALIKE * covariance[j, j, voxels]).all():
                raise ValueError(
                    "the rows of the contrast are so alike that rounding decides their F test: leave out one of them"
                )
            out[voxels] += np.square(row[-1]) / row[0]
            for i in range(j + 1, q):
                left[i, i:] -= row[i - j] / row[0] * row[i - j :]
    return out


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


def chosen_stat_type(stat_type: str | None, n_rows: int, definition: Any = None, columns: Sequence[str] = ()) -> str:
    """The test that a contrast of some rows is put to: t for one and F for several, unless it is named.

    Parameters
    ----------
    stat_type : {"t", "F"}, optional
        Goes before what the contrast itself says.
    n_rows : int
    definition : object, optional
        The contrast: a text such as ``"F(face)"`` asks for an F test.
    columns : sequence of str
        Of the design.

    Raises
    ------
    ValueError
        If it is no known test, or t is asked of several rows.
    """
    check_choice("stat_type", stat_type, (*STAT_TYPES, None))
    if stat_type == "t" and n_rows > 1:
        raise ValueError(f"a t test has one row of weights, not {n_rows}; use stat_type='F'")
    if stat_type is None and isinstance(definition, str) and is_f_test(definition, columns):
        return "F"
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

    Examples
    --------
    >>> from glmwidgets.glm.fit.regression import fit_glm
    >>> from glmwidgets.glm.moments.lagged import Moments
    >>> x = np.column_stack([np.arange(40) // 10 % 2, np.ones(40)])
    >>> y = 2 * x[:, :1] + np.random.default_rng(0).standard_normal((40, 3))
    >>> contrast = compute_contrast(fit_glm(Moments(y), x, "ols"), [1, 0])
    >>> contrast.dof, bool((contrast.z_score() > 3).all())
    (38.0, True)
    """
    weights = np.atleast_2d(contrast_vector(contrast_def, list(fit.columns)))
    stat_type = chosen_stat_type(stat_type, len(weights), contrast_def, fit.columns)
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
    effect = np.where(fit.moments.constant, 0.0, effect)
    if fit.noise.tested is None:
        covariance, dofs = fit.noise.covariance(in_basis), None
    else:
        covariance, dofs = fit.noise.tested(in_basis)
    contrast = Contrast(effect, covariance * fit.dispersion, float(fit.dof), stat_type, fit.dispersion)
    return contrast if dofs is None else replace(with_dofs(contrast, dofs), dof_left=contrast.dof)


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


def fixed_effects(contrasts: Sequence[Contrast], method: str = "wald", dof_method: str = "satterthwaite") -> Contrast:
    """Combine the same contrast of several independent runs with equal weight.

    ``effect = mean_r(effect_r)``, ``covariance = sum_r(covariance_r) / n^2``. With several rows the test is the Wald F
    of the combined effect and covariance. Nothing is said of a voxel of which one of the runs says nothing.

    Parameters
    ----------
    contrasts : sequence of Contrast
        One a run.
    method : {"wald", "approximate"}
        How F contrasts are combined. ``"approximate"`` is what nilearn does: it averages effects that
        were standardised run by run, and pools the variances of the errors. It depends on how the rows are written
        when the runs' designs differ, and its effects have no units.
    dof_method : {"satterthwaite", "sum"}
        Degrees of freedom: those of each voxel by `satterthwaite`, or the sum of the runs', which is the field's way
        and finds too much where a short run's variance makes up most of the combined one. ``"approximate"`` takes the
        sum.

    Returns
    -------
    Contrast

    Raises
    ------
    ValueError
        If there is none, they differ in kind or number of rows, or `method` or `dof_method` is unknown.

    Examples
    --------
    >>> runs = [Contrast(np.array([[effect]]), np.array([[[2.0]]]), 30.0, "t") for effect in (1.0, 3.0)]
    >>> both = fixed_effects(runs, dof_method="sum")
    >>> both.effect.item(), both.covariance.item(), both.dof
    (2.0, 1.0, 60.0)
    """
    if not contrasts:
        raise ValueError("no run to combine")
    check_choice("method", method, FIXED_EFFECTS)
    check_choice("dof_method", dof_method, DOF_METHODS)
    kinds = {(c.stat_type, c.effect.shape) for c in contrasts}
    if len(kinds) > 1:
        raise ValueError("the runs' contrasts differ in kind, number of rows or number of voxels")
    stat_type = contrasts[0].stat_type
    known = np.logical_and.reduce([c.known for c in contrasts])
    approximate = stat_type == "F" and method == "approximate"
    if approximate:
        contrasts = [_standardised(c) for c in contrasts]
    n = len(contrasts)
    effect = np.where(known, sum(c.effect for c in contrasts) / n, 0.0)
    covariance = np.where(known, sum(c.covariance for c in contrasts) / n**2, 0.0)
    combined = summed_dof(contrasts, effect, covariance)
    if dof_method == "sum" or approximate or n == 1:
        return combined
    return with_dofs(combined, satterthwaite(contrasts))


def summed_dof(contrasts: Sequence[Contrast], effect: np.ndarray, covariance: np.ndarray) -> Contrast:
    """An effect of several runs with the sum of their degrees of freedom, voxel by voxel where a run's differ."""
    combined = Contrast(effect, covariance, float(sum(c.dof for c in contrasts)), contrasts[0].stat_type)
    if any(c.dof_left is not None for c in contrasts):
        left = sum(c.dof if c.dof_left is None else c.dof_left for c in contrasts)
        combined = replace(combined, dof_left=float(left))
    if all(c.dofs is None for c in contrasts):
        return combined
    return with_dofs(combined, np.sum([np.broadcast_to(c.own_dof, effect.shape[1]) for c in contrasts], axis=0))


def with_dofs(contrast: Contrast, dofs: np.ndarray) -> Contrast:
    """The same contrast with degrees of freedom of each voxel's own; those of voxels that say nothing do not matter."""
    known = contrast.known
    middle = float(np.median(dofs[known])) if known.any() else contrast.dof
    return replace(contrast, dof=middle, dofs=np.where(known, dofs, middle))


def warn_if_liberal(plain: Contrast, corrected: Contrast, advice: str, stacklevel: int = 2) -> None:
    """Warn if a combined effect with the sum of the runs' degrees of freedom finds too much.

    Parameters
    ----------
    plain, corrected : Contrast
        Of the same effect.
    advice : str
        What to do, after a colon.
    stacklevel : int
        As of `warnings.warn`, seen from the caller.

    Warns
    -----
    UserWarning
        If in half of the voxels a test at .05 is one at more than .055 by the corrected variance and degrees of
        freedom.
    """
    known = plain.known
    if not known.any():
        return
    # The critical value at .05 in the middle voxel, whose statistic is smaller once its variance is corrected.
    variances = (np.einsum("iiv->v", c.covariance)[known] for c in (plain, corrected))
    shrunk = float(np.median(np.divide(*variances)))
    if plain.stat_type == "t":
        rate = 2 * float(p_from_t(stdtrit(plain.dof, 0.975) * np.sqrt(shrunk), corrected.dof))
    else:
        rate = float(p_from_f(fdtri(plain.dim, plain.dof, 0.95) * shrunk, plain.dim, corrected.dof))
    if rate > LIBERAL:
        warnings.warn(
            f"the sum of the runs' degrees of freedom, {plain.dof:g}, is too large, because runs are short or "
            f"differ in length or variance: a test at .05 rejects {100 * rate:.1f} % of the voxels without effect. In "
            f"the median voxel it is {corrected.dof:.0f}: {advice}",
            stacklevel=stacklevel + 1,
        )


def satterthwaite(contrasts: Sequence[Contrast]) -> np.ndarray:
    """Degrees of freedom of the sum of several independent runs' covariances.

    ``nu = (sum_r v_r)^2 / sum_r(v_r^2 / d_r)`` for one row (Satterthwaite 1946, Biometrics Bulletin 2:110). For q rows,
    those ``nu_i`` of the principal axes of the summed covariance give ``nu = 2 E / (E - q)`` with
    ``E = sum_i nu_i / (nu_i - 2)`` (Fai and Cornelius 1996, J Stat Comput Simul 54:363).

    Parameters
    ----------
    contrasts : sequence of Contrast
        One a run, of the same rows.

    Returns
    -------
    array of shape (n_voxels,)
        Between the least degrees of freedom of a run and the sum of all.

    Examples
    --------
    >>> full, cut = (Contrast(np.ones((1, 1)), np.full((1, 1, 1), v), d) for v, d in ((1.0, 200.0), (10.0, 10.0)))
    >>> satterthwaite([full, cut]).round(2)
    array([12.09])
    """
    covariances = np.array([c.covariance for c in contrasts])
    dofs = np.array([np.broadcast_to(c.own_dof, c.effect.shape[1]) for c in contrasts])
    q = covariances.shape[1]
    if q == 1:
        v = covariances[:, 0, 0]
    else:
        axes = np.linalg.eigh(np.moveaxis(covariances.sum(axis=0), -1, 0))[1]
        v = np.einsum("vij,rikv,vkj->rjv", axes, covariances, axes, optimize=True)
        dofs = dofs[:, None]
    below = np.square(v) / dofs
    nu = np.divide(np.square(v.sum(axis=0)), below.sum(axis=0), out=np.ones(v.shape[1:]), where=v.sum(axis=0) > 0)
    if q > 1:
        expected = np.maximum(nu, 2 + 1e-6)
        expected = (expected / (expected - 2)).sum(axis=0)
        nu = 2 * expected / (expected - q)
    return np.clip(nu, dofs.min(axis=0).reshape(-1), dofs.sum(axis=0).reshape(-1))


def _standardised(contrast: Contrast) -> Contrast:
    """Express the effects in units in which their covariance is the variance of the errors."""
    if contrast.dispersion is None:
        raise ValueError("only contrasts of single runs can be combined approximately")
    known = contrast._varies
    shape = np.moveaxis(contrast.covariance, -1, 0)[known] / contrast.dispersion[known, None, None]
    values, vectors = np.linalg.eigh(shape)
    effect = np.zeros_like(contrast.effect)
    root = (vectors / np.sqrt(values)[:, None, :]) @ vectors.transpose(0, 2, 1)
    effect[:, known] = (root @ contrast.effect.T[known][:, :, None])[:, :, 0].T
    covariance = np.eye(contrast.dim)[:, :, None] * np.where(known, contrast.dispersion, 0.0)
    return replace(contrast, effect=effect, covariance=covariance)
