"""Noise models: each turns the moments of a run and a design into estimates under its own covariance of errors.

A model is one function ``(moments, basis) -> NoiseFit`` and one row of `NOISE_MODELS`.

Everything is done in the coordinates q of the design (`glmwidgets.glm.basis`). With W the precision of the errors
up to a factor, ``G = q' W q`` and ``b = q' W y``:

    coefficients = G^-1 b,    rss = y' W y - b' G^-1 b,    cov(coefficients) = sigma^2 G^-1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from glmwidgets.glm.basis import DesignBasis
from glmwidgets.glm.moments import Moments, shift_sum

__all__ = ["NOISE_MODELS", "NoiseFit", "NoiseModel", "noise_model_row"]

# Voxels worked on at once, so that the intermediates stay in the processor's cache.
BLOCK = 2048


@dataclass(frozen=True)
class NoiseFit:
    """Estimates under a noise model, in the design's coordinates.

    Attributes
    ----------
    coefficients : array of shape (rank, n_voxels)
        Of the basis q, for the series as they were given (not centred).
    rss : array of shape (n_voxels,)
        Residual sum of squares under the model's precision.
    covariance : callable
        ``covariance(c)`` with c of shape (m, rank) gives ``c G^-1 c'`` as (m, m, n_voxels), or (m, m, 1)
        where all voxels share it.
    parameters : dict
        Maps of the noise parameters by name, each of shape (n_voxels,): rho for AR(1).
    """

    coefficients: np.ndarray
    rss: np.ndarray
    covariance: Callable[[np.ndarray], np.ndarray]
    parameters: dict[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class NoiseModel:
    """One row of `NOISE_MODELS`.

    Attributes
    ----------
    name : str
        Value of ``noise_model``.
    label : str
        What a person reads.
    description : str
        One sentence on what it assumes and how it is estimated.
    fit : callable
        ``fit(moments, basis) -> NoiseFit``.
    """

    name: str
    label: str
    description: str
    fit: Callable[[Moments, DesignBasis], NoiseFit]


@dataclass(frozen=True)
class _Products:
    """What the AR(1) family needs of the series to be modelled, in the design's coordinates."""

    yy: np.ndarray  # y'y
    ysy: np.ndarray  # y'Sy
    b0: np.ndarray  # q'y
    b1: np.ndarray  # q'Sy
    first: np.ndarray  # first scan
    last: np.ndarray  # last scan
    total: np.ndarray  # sum over scans
    taken: np.ndarray  # coefficients of what centring took away and the design can give back


def _products(moments: Moments, basis: DesignBasis) -> _Products:
    mean, n = moments.mean, moments.n_scans
    yy, ysy = moments.own(0), moments.own(1)
    b0, b1 = basis.products(moments, 0), basis.products(moments, 1)
    first, last = (moments.series[t].astype(np.float64) for t in (0, -1))
    of_mean = np.outer(basis.constant, mean)
    if basis.spans_constant:
        return _Products(yy, ysy, b0, b1, first, last, np.zeros_like(mean), of_mean)
    # No column can absorb the mean, so the model is of y = centred + mean. As the centred series sum to zero,
    # their product with S 1 = 2 - (one at each end) is minus their ends.
    return _Products(
        yy=yy + n * mean**2,
        ysy=ysy - 2 * mean * (first + last) + 2 * (n - 1) * mean**2,
        b0=b0 + of_mean,
        b1=b1 + np.outer(basis.q.T @ shift_sum(np.ones(n), 1), mean),
        first=first + mean,
        last=last + mean,
        total=n * mean,
        taken=np.zeros_like(of_mean),
    )


def fit_ols(moments: Moments, basis: DesignBasis) -> NoiseFit:
    """Ordinary least squares: independent errors, ``W = I``.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis

    Returns
    -------
    NoiseFit
    """
    parts = _products(moments, basis)
    rss = np.maximum(parts.yy - np.einsum("jv,jv->v", parts.b0, parts.b0), 0)
    return NoiseFit(parts.b0 + parts.taken, rss, lambda c: (c @ c.T)[:, :, None])


def lag_one_autocorrelation(parts: _Products, basis: DesignBasis, constant: np.ndarray) -> np.ndarray:
    """Yule-Walker estimate of rho from the residuals of ordinary least squares.

    ``rho = [e' S e / 2 (n - 1)] / [e' e / n]`` with e the residuals less their mean over scans and voxels: the
    estimator of the field's reference. It is biased towards zero, the more so the more columns the design has.

    Parameters
    ----------
    parts : products of the series
    basis : DesignBasis
    constant : array of shape (n_voxels,), bool
        Series without variance; their rho is 0.

    Returns
    -------
    array of shape (n_voxels,)
    """
    n, g = basis.n_scans, parts.b0
    power = parts.yy - np.einsum("jv,jv->v", g, g)
    lagged = (
        parts.ysy - 2 * np.einsum("jv,jv->v", g, parts.b1) + np.einsum("j,jv,jv->v", basis.eigenvalues, g, g)
    )
    lagged /= 2
    if not basis.spans_constant:
        total = parts.total - basis.constant @ g
        ends = parts.first + parts.last - (basis.q[0] + basis.q[-1]) @ g
        mean = total.sum() / (n * total.size)
        power = power - 2 * mean * total + n * mean**2
        lagged = lagged - mean * (2 * total - ends) + (n - 1) * mean**2
    rho = np.zeros_like(power)
    np.divide(lagged / (n - 1), power / n, out=rho, where=~constant & (power > 0))
    return rho


@dataclass(frozen=True)
class _AR1Precision:
    """``W(r) = (1 + r^2) I - r S - r^2 E`` with a value of r for every voxel.

    E has a one at each scan in `ends`: both ends for the exact precision; the last only where, as in the
    reference, the first scan is whitened without being rescaled.
    """

    basis: DesignBasis
    rho: np.ndarray
    ends: tuple[int, ...]

    def _solve(self, b: np.ndarray, block: slice) -> np.ndarray:
        # G = D - r^2 F F' with the columns of F the rows of q at the ends: one Sherman-Morrison step an end.
        r2 = self.rho[block] ** 2
        d = 1 + r2 - self.rho[block] * self.basis.eigenvalues[:, None]
        u = b / d
        carriers: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        for end in self.ends:
            f = self.basis.q[end]
            w = f[:, None] / d
            for earlier, h, gain in carriers:
                w += earlier * (gain * (h @ w))
            gain = r2 / (1 - r2 * (f @ w))
            u += w * (gain * (f @ u))
            carriers.append((w, f, gain))
        return u

    def estimate(self, parts: _Products) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (rank, n_voxels) and residual sums of squares (n_voxels,)."""
        coefficients, rss = np.empty_like(parts.b0), np.empty_like(parts.yy)
        edge_scans = {0: parts.first, -1: parts.last}
        for start in range(0, rss.size, BLOCK):
            block = slice(start, start + BLOCK)
            r = self.rho[block]
            b = (1 + r**2) * parts.b0[:, block] - r * parts.b1[:, block]
            total = (1 + r**2) * parts.yy[block] - r * parts.ysy[block]
            for end in self.ends:
                y_end = edge_scans[end][block]
                b -= self.basis.q[end][:, None] * (r**2 * y_end)
                total -= (r * y_end) ** 2
            coefficients[:, block] = self._solve(b, block)
            rss[block] = total - np.einsum("jv,jv->v", b, coefficients[:, block])
        return coefficients, np.maximum(rss, 0)

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """``c G^-1 c'`` of shape (m, m, n_voxels)."""
        out = np.empty((len(c), len(c), self.rho.size))
        for start in range(0, self.rho.size, BLOCK):
            block = slice(start, start + BLOCK)
            for i, row in enumerate(c):
                out[:, i, block] = c @ self._solve(row[:, None], block)
        return out


def fit_ar1(moments: Moments, basis: DesignBasis) -> NoiseFit:
    """First-order autoregression as the field's reference estimates it.

    rho is the Yule-Walker estimate from residuals of ordinary least squares, truncated towards zero to 1/100, and
    the first scan is not rescaled: equal to nilearn 0.14.1 to rounding. Its p values are too small when the
    design has many slow columns; ``ar1-reml`` is the calibrated estimate.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis

    Returns
    -------
    NoiseFit
        With the parameter ``rho``.
    """
    parts = _products(moments, basis)
    rho = np.trunc(lag_one_autocorrelation(parts, basis, moments.constant) * 100) / 100
    precision = _AR1Precision(basis, rho, ends=(-1,))
    coefficients, rss = precision.estimate(parts)
    return NoiseFit(coefficients + parts.taken, rss, precision.covariance, {"rho": rho})


NOISE_MODELS = {
    row.name: row
    for row in (
        NoiseModel(
            "ols",
            "OLS (white)",
            "Independent errors; ordinary least squares.",
            fit_ols,
        ),
        NoiseModel(
            "ar1",
            "AR(1)",
            "First-order autoregression in each voxel, estimated as the field's reference does.",
            fit_ar1,
        ),
    )
}


def noise_model_row(name: str) -> NoiseModel:
    """Look up a noise model.

    Parameters
    ----------
    name : str
        A key of `NOISE_MODELS`.

    Returns
    -------
    NoiseModel

    Raises
    ------
    ValueError
        If there is none of that name; the message lists those there are.
    """
    try:
        return NOISE_MODELS[name]
    except (KeyError, TypeError):
        raise ValueError(f"noise_model must be one of {', '.join(NOISE_MODELS)}, not {name!r}") from None
