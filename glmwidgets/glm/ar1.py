"""First-order autoregression, from lagged products, with a rho of each voxel's own.

In the coordinates of the design (`glmwidgets.glm.basis`) the precision is a diagonal and a matrix of low rank at
every rho, so that each voxel is solved in a handful of multiplications a column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.basis import DesignBasis
from glmwidgets.glm.moments import Moments
from glmwidgets.glm.products import BLOCK, NoiseFit, Products, lagged_products, residual_autocovariance

__all__ = ["AR1Precision", "check_bins", "fit_ar1"]


@dataclass(frozen=True)
class AR1Precision:
    """``W(r) = (1 + r^2) I - r S - r^2 E`` with a value of r for every voxel.

    E has a one at each scan in `ends`: both ends for the exact precision; the last only where, as in the
    reference, the first scan is whitened without being rescaled.

    Attributes
    ----------
    basis : DesignBasis
    rho : array of shape (n_voxels,)
    ends : tuple of int
        Of 0 and -1.
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

    def estimate(self, parts: Products) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (rank, n_voxels) and residual sums of squares (n_voxels,)."""
        coefficients, rss = np.empty_like(parts.cross[0]), np.empty_like(parts.own[0])
        edge_scans = {0: parts.head[0], -1: parts.tail[-1]}
        for start in range(0, rss.size, BLOCK):
            block = slice(start, start + BLOCK)
            r = self.rho[block]
            b = (1 + r**2) * parts.cross[0][:, block] - r * parts.cross[1][:, block]
            total = (1 + r**2) * parts.own[0][block] - r * parts.own[1][block]
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


def check_bins(bins: int | None) -> None:
    """Raise a ValueError unless `bins` is a whole number of at least 1, or None."""
    if bins is not None and (isinstance(bins, bool) or int(bins) != bins or bins < 1):
        raise ValueError(f"bins must be a whole number of at least 1, or None, not {bins!r}")


def fit_ar1(moments: Moments, basis: DesignBasis, bins: int | None = 100) -> NoiseFit:
    """First-order autoregression as the field's reference estimates it.

    ``rho = [e' S e / 2 (n - 1)] / [e' e / n]``, the Yule-Walker estimate from residuals e of ordinary least squares,
    truncated towards zero to 1/100, and the first scan is not rescaled: equal to nilearn 0.14.1 to rounding. It is
    biased towards zero, the more so the more columns the design has, so that its p values are too small when many
    of them are slow.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    bins : int or None
        Truncate rho to multiples of 1/`bins`; None keeps it as estimated.

    Returns
    -------
    NoiseFit
        With the parameter ``rho``.
    """
    check_bins(bins)
    parts = lagged_products(moments, basis, order=1)
    power, lagged = residual_autocovariance(parts, basis)
    rho = np.zeros_like(power)
    np.divide(lagged, power, out=rho, where=~moments.constant & (power > 0))
    if bins is not None:
        rho = np.trunc(rho * bins) / bins
    precision = AR1Precision(basis, rho, ends=(-1,))
    coefficients, rss = precision.estimate(parts)
    return NoiseFit(coefficients + parts.taken, rss, precision.covariance, {"rho": rho})
