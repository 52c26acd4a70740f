"""Diagnostics of a design before any data: collinearity, estimability, efficiency, and what the high-pass removes.

Everything is a plain function of a design matrix ``x`` of shape (n_scans, n_columns), a DataFrame or an array, and of
contrast weights of shape (n_columns,) or (n_rows, n_columns).
"""

from __future__ import annotations

import numpy as np
from scipy.special import nctdtrinc, stdtrit

from glmwidgets.glm.design.collinearity import (
    ESTIMABLE_WITHIN,
    Design,
    as_matrix,
    as_rows,
    centred,
    row_space,
    unit_columns,
)
from glmwidgets.glm.errors import NotEstimableError

# Contrasts -----------------------------------------------------------------------------------------------------


def estimability(x: Design, weights: np.ndarray) -> np.ndarray:
    """Distance of every contrast from what the design can estimate: ``|c - c X^+ X| / |c|``.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)
        Columns are taken at unit length, and the weights in those units.
    weights : array of shape (n_columns,) or (n_rows, n_columns)

    Returns
    -------
    array of shape (n_rows,)
        0 if the contrast is estimable, up to 1 if no part of it is; NaN if it has no weight.

    Examples
    --------
    >>> x = np.array([[1.0, 0, 1], [1, 0, 1], [0, 1, 1]])
    >>> estimability(x, [[1, -1, 0], [1, 0, 0]]).round(3).tolist()
    [0.0, 0.577]
    """
    matrix = as_matrix(x)
    unit, length = unit_columns(matrix)
    return _outside(as_rows(weights, matrix.shape[1]) / length, row_space(unit)[1])


def _outside(scaled: np.ndarray, vt: np.ndarray) -> np.ndarray:
    """Share of each row that is not in a row space; 0 within rounding."""
    size = np.linalg.norm(scaled, axis=1)
    outside = np.linalg.norm(scaled - (scaled @ vt.T) @ vt, axis=1)
    share = np.divide(outside, size, out=np.full_like(size, np.nan), where=size > 0)
    return np.where(share <= ESTIMABLE_WITHIN, 0.0, share)


def ar1_precision(n_scans: int, rho: float) -> np.ndarray:
    """Inverse correlation of AR(1) errors, scaled to errors of unit variance.

    ``((1 + rho^2) I - rho S - rho^2 E) / (1 - rho^2)``, with S the shifts by one scan to both sides and E the
    first and the last scan.

    Parameters
    ----------
    n_scans : int
    rho : float
        Correlation of neighbouring scans, between -1 and 1.

    Returns
    -------
    array of shape (n_scans, n_scans)

    Examples
    --------
    >>> ar1_precision(3, 0.5).round(3).tolist()
    [[1.333, -0.667, 0.0], [-0.667, 1.667, -0.667], [0.0, -0.667, 1.333]]
    """
    if not -1 < rho < 1:
        raise ValueError(f"the autocorrelation rho must lie between -1 and 1, not {rho}")
    diagonal = np.full(n_scans, 1.0 + rho**2)
    diagonal[[0, -1]] -= rho**2
    beside = np.full(n_scans - 1, -rho)
    return (np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)) / (1.0 - rho**2)


def contrast_covariance(x: Design, weights: np.ndarray, precision: np.ndarray | None = None) -> np.ndarray:
    """Covariance of contrast estimates for errors of unit variance: ``C (X' W X)^+ C'``.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)
    weights : array of shape (n_columns,) or (n_rows, n_columns)
    precision : array of shape (n_scans, n_scans), optional
        Inverse W of the errors' correlation matrix; the identity by default. The estimate is the one of
        generalised least squares under that W.

    Returns
    -------
    array of shape (n_rows, n_rows)
        Times the errors' variance, the covariance of the estimates.

    Raises
    ------
    ValueError
        If a contrast is not estimable, or shapes do not fit.

    Examples
    --------
    >>> x = np.column_stack([np.tile([1.0, 0.0], 10), np.ones(20)])
    >>> contrast_covariance(x, [1, 0]).round(3).tolist()
    [[0.2]]
    """
    matrix = as_matrix(x)
    unit, length = unit_columns(matrix)
    s, vt = row_space(unit)
    rows = as_rows(weights, matrix.shape[1])
    distance = _outside(rows / length, vt)
    if (distance > 0).any():
        raise NotEstimableError(
            f"row {int(np.flatnonzero(distance > 0)[0])} of the contrast is not estimable: columns that it weighs are "
            "combinations of each other"
        )
    # In an orthonormal basis Q of the columns' span, X = Q diag(s) V' diag(length).
    q = unit @ vt.T / s
    in_basis = (rows / length) @ vt.T / s
    if precision is None:
        return in_basis @ in_basis.T
    precision = np.asarray(precision, dtype=np.float64)
    if precision.shape != (len(matrix), len(matrix)):
        raise ValueError(f"the precision of {len(matrix)} scans is a square matrix, not of shape {precision.shape}")
    return in_basis @ np.linalg.solve(q.T @ precision @ q, in_basis.T)


def efficiency(x: Design, weights: np.ndarray, precision: np.ndarray | None = None) -> float:
    """Efficiency of a contrast: ``1 / trace(C (X' W X)^+ C')``.

    Parameters
    ----------
    x, weights, precision
        See `contrast_covariance`.

    Returns
    -------
    float
        In units of one over the squared weights, so comparable between designs for one contrast; 0 if it is
        not estimable.

    Notes
    -----
    Dale 1999, Human Brain Mapping 8:109; Friston et al. 1999, NeuroImage 10:607.

    Examples
    --------
    >>> x = np.column_stack([np.tile([1.0, 0.0], 10), np.ones(20)])
    >>> round(efficiency(x, [1, 0]), 6)
    5.0
    """
    try:
        return float(1.0 / np.trace(contrast_covariance(x, weights, precision)))
    except NotEstimableError:
        return 0.0


def smallest_detectable_effect(
    variance: np.ndarray | float, dof: float, alpha: float = 0.001, two_sided: bool = False, power: float = 0.8
) -> np.ndarray:
    """Smallest true effect that a t test finds with a given power.

    ``delta sqrt(variance)``, with delta the non-centrality at which t exceeds its threshold with probability
    `power`.

    Parameters
    ----------
    variance : float or array
        Variance of the contrast's estimate, as `effect_variance` of a fit, or the errors' variance times
        `contrast_covariance`.
    dof : float
        Degrees of freedom of the errors.
    alpha : float
        Probability at which the map is thresholded. A threshold z has ``alpha = scipy.special.ndtr(-z)``,
        one-sided.
    two_sided : bool
        Whether `alpha` is shared by both tails.
    power : float
        Probability of finding the effect, between `alpha` and 1.

    Returns
    -------
    array
        In units of the effect: percent signal change if the data are in percent. Shape of `variance`.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> round(float(smallest_detectable_effect(1.0, dof=1e6, alpha=0.025, power=0.5)), 3)
    1.96
    >>> round(float(smallest_detectable_effect(0.04, dof=100)), 3)
    0.806
    """
    if not (0 < alpha < power < 1 and dof > 0):
        raise ValueError(
            f"alpha and power are probabilities with 0 < alpha < power < 1, and dof is positive: got alpha={alpha}, "
            f"power={power}, dof={dof}"
        )
    threshold = -stdtrit(dof, alpha / 2 if two_sided else alpha)
    return nctdtrinc(dof, 1.0 - power, threshold) * np.sqrt(variance)


# Frequencies ---------------------------------------------------------------------------------------------------


def energy_removed(x: Design, drift: Design) -> np.ndarray:
    """Share of every column's variance that lies in the span of drift columns, and is lost to the task.

    ``1 - |x - D D^+ x|^2 / |x - mean(x)|^2``

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)
        Task regressors.
    drift : DataFrame or array of shape (n_scans, k)
        Drift columns; a constant is taken to be among them.

    Returns
    -------
    array of shape (n_columns,)
        From 0 (nothing) to 1 (all); NaN for columns that do not change.

    Examples
    --------
    >>> from glmwidgets.glm.design.drift import cosine_drift
    >>> times = np.arange(200) * 2.0
    >>> blocks = np.column_stack([times % 40 < 20, times % 200 < 100]).astype(float)
    >>> energy_removed(blocks, cosine_drift(times, high_pass=0.01)).round(2).tolist()
    [0.02, 0.86]
    """
    matrix, slow = centred(as_matrix(x)), centred(as_matrix(drift))
    left, s, _ = np.linalg.svd(unit_columns(slow)[0], full_matrices=False)
    basis = left[:, s > s.max(initial=0.0) * max(slow.shape) * np.finfo(np.float64).eps]
    energy = np.square(matrix).sum(axis=0)
    removed = np.square(basis.T @ matrix).sum(axis=0)
    share = np.divide(removed, energy, out=np.full_like(energy, np.nan), where=energy > 0)
    return np.clip(share, 0.0, 1.0)


def spectra(x: Design, t_r: float) -> tuple[np.ndarray, np.ndarray]:
    """How every column's variance is spread over frequencies.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)
    t_r : float
        Repetition time in seconds.

    Returns
    -------
    frequency : array of shape (n_scans // 2,)
        Hz, from ``1 / (n_scans t_r)`` to at most ``1 / (2 t_r)``; the mean is left out.
    share : array of shape (n_scans // 2, n_columns)
        Shares of the variance, which sum to 1 for every column; NaN for columns that do not change.

    Examples
    --------
    >>> wave = np.sin(2 * np.pi * 0.05 * np.arange(100) * 2.0)[:, None]
    >>> frequency, share = spectra(wave, t_r=2.0)
    >>> float(frequency[share[:, 0].argmax()])
    0.05
    """
    matrix = centred(as_matrix(x))
    n = len(matrix)
    power = np.square(np.abs(np.fft.rfft(matrix, axis=0)))[1:]
    # Every frequency but the highest of an even number of scans stands for a pair, +f and -f.
    power[: (n - 1) // 2] *= 2.0
    total = power.sum(axis=0)
    share = np.divide(power, total, out=np.full_like(power, np.nan), where=total > 0)
    return np.fft.rfftfreq(n, t_r)[1:], share
