"""First-order autoregression by restricted maximum likelihood, with a continuous rho of each voxel's own.

With ``W(r)`` the exact precision up to the innovations' variance, ``G = q' W q`` and rss the residual sum of squares
under W, the restricted likelihood of r is, up to a constant,

    -2 l(r) = (n - p) log rss(r) + log |G(r)| - log(1 - r^2)

(Patterson and Thompson 1971, Biometrika 58, 545-554; Harville 1977, JASA 72, 320-338). It accounts for the columns
that the design takes out of the residuals, which is what makes the Yule-Walker estimate too small.
"""

from __future__ import annotations

import numpy as np

from glmwidgets.glm.ar1 import AR1Precision
from glmwidgets.glm.basis import DesignBasis
from glmwidgets.glm.moments import Moments
from glmwidgets.glm.products import BLOCK, NoiseFit, Products, lagged_products

__all__ = ["fit_ar1_reml"]

ENDS = (0, -1)

# Beyond these a series of some hundred scans cannot tell an autoregression from a drift, or from alternation.
RHO_RANGE = (-0.9, 0.98)

# The likelihood is computed at this many Chebyshev nodes for every voxel and is a polynomial between them.
N_NODES = 13

NEWTON_STEPS = 6


def log_determinant(basis: DesignBasis, rho: np.ndarray) -> np.ndarray:
    """``log |G(r)| - log(1 - r^2)``, the part of the restricted likelihood that no data enter.

    Parameters
    ----------
    basis : DesignBasis
    rho : array of shape (m,)

    Returns
    -------
    array of shape (m,)
    """
    ends = basis.q[list(ENDS)]
    d = 1 + rho**2 - rho * basis.eigenvalues[:, None]
    small = np.eye(2)[:, :, None] - rho**2 * np.einsum("aj,jm,bj->abm", ends, 1 / d, ends)
    of_ends = small[0, 0] * small[1, 1] - small[0, 1] * small[1, 0]
    return np.log(d).sum(axis=0) + np.log(of_ends) - np.log1p(-(rho**2))


class _Profile:
    """The restricted likelihood of a block of voxels as a function of rho: a Chebyshev series for each voxel."""

    def __init__(self, basis: DesignBasis):
        from numpy.polynomial import chebyshev

        low, high = RHO_RANGE
        x = np.cos(np.pi * (np.arange(N_NODES) + 0.5) / N_NODES)
        self.centre, self.half = (low + high) / 2, (high - low) / 2
        self.nodes = self.centre + self.half * x
        self.dof = basis.n_scans - basis.rank
        self.penalty = log_determinant(basis, self.nodes)
        self._to_series = np.linalg.inv(chebyshev.chebvander(x, N_NODES - 1))
        # rss = (what W makes of y'y) - |whiten s|^2 with s = q'y, q'Sy and both ends of y; one row block a node.
        ends = basis.q[list(ENDS)].T
        identity = np.eye(basis.rank)
        self._whiten = np.concatenate(
            [
                np.linalg.solve(
                    np.linalg.cholesky(np.diag(1 + r * r - r * basis.eigenvalues) - r * r * ends @ ends.T),
                    np.hstack([(1 + r * r) * identity, -r * identity, -r * r * ends]),
                )
                for r in self.nodes
            ]
        )
        self._own = np.column_stack([1 + self.nodes**2, -self.nodes, -(self.nodes**2)])

    def best_rho(self, parts: Products, block: slice) -> np.ndarray:
        """Rho of largest likelihood for each voxel of a block."""
        head, tail = parts.head[0, block], parts.tail[-1, block]
        s = np.concatenate([parts.cross[0][:, block], parts.cross[1][:, block], head[None], tail[None]])
        explained = np.square((self._whiten @ s).reshape(N_NODES, -1, s.shape[1])).sum(axis=1)
        own = np.stack([parts.own[0][block], parts.own[1][block], head**2 + tail**2])
        rss = self._own @ own - explained
        value = self.dof * np.log(np.maximum(rss, np.finfo(float).tiny)) + self.penalty[:, None]
        return self.centre + self.half * _lowest(self._to_series @ value, value, (self.nodes - self.centre) / self.half)


def _lowest(series: np.ndarray, value: np.ndarray, nodes: np.ndarray) -> np.ndarray:
    """Place in -1 to 1 where Chebyshev series of shape (n_nodes, n_voxels) are least, by Newton from the best node."""
    from numpy.polynomial import chebyshev

    best = value.argmin(axis=0)
    # nodes fall from 1 to -1; the optimum lies between the neighbours of the best one
    borders = np.concatenate([[1.0], nodes, [-1.0]])
    high, low = borders[best], borders[best + 2]
    x = nodes[best]
    first, second = chebyshev.chebder(series), chebyshev.chebder(series, 2)
    for _ in range(NEWTON_STEPS):
        slope, bend = chebyshev.chebval(x, first, tensor=False), chebyshev.chebval(x, second, tensor=False)
        low, high = np.where(slope < 0, x, low), np.where(slope < 0, high, x)
        step = x - slope / np.where(bend > 0, bend, np.inf)
        x = np.where((bend > 0) & (step > low) & (step < high), step, (low + high) / 2)
    return x


def fit_ar1_reml(moments: Moments, basis: DesignBasis) -> NoiseFit:
    """First-order autoregression by restricted maximum likelihood.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis

    Returns
    -------
    NoiseFit
        With the parameter ``rho``, within -0.9 and 0.98; 0 for constant series.
    """
    parts = lagged_products(moments, basis, order=1)
    profile = _Profile(basis)
    blocks = (slice(start, start + BLOCK) for start in range(0, moments.n_voxels, BLOCK))
    rho = np.concatenate([profile.best_rho(parts, block) for block in blocks])
    precision = AR1Precision(basis, np.where(moments.constant, 0.0, rho), ENDS)
    coefficients, rss = precision.estimate(parts)
    return NoiseFit(coefficients + parts.taken, rss, precision.covariance, {"rho": precision.rho})
