"""First-order autoregression, from lagged products, with a rho of each voxel's own.

In the coordinates of the design (`glmwidgets.glm.moments.basis`) the precision is a diagonal and a matrix of low rank
at every rho, so that each voxel is solved in a handful of multiplications a column.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.products import BLOCK, LaggedProducts, NoiseFit, Products, residual_autocovariance
from glmwidgets.glm.parallel import side_by_side

# In bins; far more than products in single precision can be off by.
NEAR_BORDER = 1e-2


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
    bins : int or None
        If given, all values of rho are multiples of 1/`bins`.
    """

    basis: DesignBasis
    rho: np.ndarray
    ends: tuple[int, ...]
    bins: int | None = None

    def _inverse(self, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What ``G^-1`` is made of: ``1 / D``, ``F' D^-1 F`` and ``r^2 (I - r^2 F' D^-1 F)^-1``.

        Of shape (rank, n), and (ends, ends, n) twice.

        ``G = D - r^2 F F'``, the columns of F being the rows of q at the ends, so that by Woodbury's identity
        ``G^-1 = D^-1 + D^-1 F [r^2 (I - r^2 F' D^-1 F)^-1] F' D^-1``.
        """
        r2 = rho**2
        inverse = rho * -self.basis.eigenvalues[:, None]
        inverse += 1 + r2
        np.divide(1, inverse, out=inverse)
        f = self.basis.q[list(self.ends)]
        crossed = ((f[:, None] * f).reshape(-1, f.shape[1]) @ inverse).reshape(len(f), len(f), -1)
        small = np.eye(len(self.ends))[:, :, None] - r2 * crossed
        if len(self.ends) == 1:
            return inverse, crossed, r2 / small
        (a, b), (c, d) = small
        return inverse, crossed, np.array([[d, -b], [-c, a]]) * (r2 / (a * d - b * c))

    def estimate(self, parts: Products) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (rank, n_voxels) and residual sums of squares (n_voxels,)."""
        r, r2 = self.rho, self.rho**2
        y_ends = np.stack([parts.head[0] if end == 0 else parts.tail[-1] for end in self.ends])
        plain = (1 + r2) * parts.cross[0]
        plain -= r * parts.cross[1]
        return self.least(plain, (1 + r2) * parts.own[0] - r * parts.own[1], y_ends)

    def least(self, plain: np.ndarray, own: np.ndarray, y_ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients and residual sums of squares of series y, of what is known of them without the ends.

        Parameters
        ----------
        plain : array of shape (rank, n_voxels)
            ``(1 + r^2) q'y - r q'Sy``; overwritten.
        own : array of shape (n_voxels,)
            ``(1 + r^2) y'y - r y'Sy``.
        y_ends : array of shape (ends, n_voxels)
            The scans in `ends`.
        """
        r2, f = self.rho**2, self.basis.q[list(self.ends)]
        inverse, crossed, gain = self._inverse(self.rho)
        # b = plain - F pull. As F appears in G^-1 too, both corrections are one: b + ... = plain + F push.
        pull = r2 * y_ends
        solved = inverse * plain
        to_ends = f @ solved
        push = np.einsum("efn,fn->en", gain, to_ends - np.einsum("efn,fn->en", crossed, pull)) - pull
        at_ends = to_ends + np.einsum("efn,fn->en", crossed, push)
        explained = np.einsum("jv,jv->v", plain, solved) + np.einsum("ev,ev->v", push, to_ends)
        explained -= np.einsum("ev,ev->v", pull, at_ends)
        inverse *= np.matmul(f.T, push, out=plain) if len(f) > 1 else f[0][:, None] * push[0]
        solved += inverse
        return solved, np.maximum(own - r2 * np.square(y_ends).sum(axis=0) - explained, 0)

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """``c G^-1 c'`` of shape (m, m, n_voxels)."""
        # It depends on the voxel through rho alone.
        levels, level_of = (self.rho, None) if self.bins is None else self._levels()
        m, f = len(c), self.basis.q[list(self.ends)]
        out = np.empty((m, m, levels.size))

        def fill(block: slice) -> None:
            inverse, _, gain = self._inverse(levels[block])
            plain = (c[:, None] * c).reshape(m * m, -1) @ inverse
            to_ends = ((c[:, None] * f).reshape(m * len(f), -1) @ inverse).reshape(m, len(f), -1)
            out[:, :, block] = plain.reshape(m, m, -1) + np.einsum("aen,efn,bfn->abn", to_ends, gain, to_ends)

        side_by_side(fill, [slice(start, start + BLOCK) for start in range(0, levels.size, BLOCK)])
        return out if level_of is None else out.take(level_of, axis=-1)

    def _levels(self) -> tuple[np.ndarray, np.ndarray]:
        """The distinct values that rho may have between its extremes, and which of them each voxel has."""
        step = np.rint(self.rho * self.bins).astype(np.intp)
        return np.arange(step.min(), step.max() + 1) / self.bins, step - step.min()


def check_bins(bins: int | None) -> None:
    """Raise a ValueError unless `bins` is a whole number of at least 1, or None."""
    if bins is not None and (isinstance(bins, bool) or int(bins) != bins or bins < 1):
        raise ValueError(f"bins must be a whole number of at least 1, or None, not {bins!r}")


def fit_ar1(moments: Moments, basis: DesignBasis, bins: int | None = 100) -> NoiseFit:
    """First-order autoregression as nilearn estimates it.

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
    products = LaggedProducts(moments, basis, order=1)
    rho, rss = np.empty((2, moments.n_voxels))
    coefficients = np.empty((basis.rank, moments.n_voxels))

    def fit_block(block: slice) -> None:
        parts = products.at(block)
        rho[block] = _reference_rho(parts, basis, moments.constant[block])
        if bins is not None:
            rho[block] = _truncated(rho[block], bins, moments, basis, block)
        g, rss[block] = AR1Precision(basis, rho[block], ends=(-1,)).estimate(parts)
        np.add(g, parts.taken, out=coefficients[:, block])

    side_by_side(fit_block, products.blocks())
    precision = AR1Precision(basis, rho, ends=(-1,), bins=bins)
    return NoiseFit(coefficients, rss, precision.covariance, {"rho": rho})


def _reference_rho(parts: Products, basis: DesignBasis, constant: np.ndarray) -> np.ndarray:
    power, lagged = residual_autocovariance(parts, basis)
    rho = np.zeros_like(power)
    np.divide(lagged, power, out=rho, where=~constant & (power > 0))
    return rho


def _truncated(rho: np.ndarray, bins: int, moments: Moments, basis: DesignBasis, block: slice) -> np.ndarray:
    """Truncate towards zero to 1/`bins`, so that single precision puts no voxel on the wrong side of a border."""
    if moments.dtype == np.float32 and basis.spans_constant:
        near = np.flatnonzero(np.abs(rho * bins - np.rint(rho * bins)) < NEAR_BORDER)
        exact = Moments(moments.block(block)[:, near].astype(np.float64))
        rho = rho.copy()
        rho[near] = _reference_rho(LaggedProducts(exact, basis, 1).at(slice(None)), basis, exact.constant)
    return np.trunc(rho * bins) / bins
