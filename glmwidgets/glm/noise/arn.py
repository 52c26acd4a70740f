"""Autoregression of any order, from lagged products.

The errors follow ``e_t = phi_1 e_{t-1} + ... + phi_p e_{t-p} + u_t`` with u white. Whitening multiplies with the
banded matrix L that has 1 on its diagonal and ``-phi_k`` k places below it, errors before the first scan taken as
zero. With ``a = (1, -phi_1, ..., -phi_p)`` and ``c_k = sum_j a_j a_{j+k}``,

    L' L = sum_k c_k S_k - R' R,

where R (p rows) is what the filter would need of the last p scans to whiten p more after the end. So everything that
generalised least squares needs is a sum of lagged products and a correction from the last p scans.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1 import check_bins
from glmwidgets.glm.noise.pooling import pooled_curves
from glmwidgets.glm.noise.products import BLOCK, NoiseFit, Products, lagged_products, residual_autocovariance

if TYPE_CHECKING:
    import scipy.sparse

KMEANS_ITERATIONS = 30
KMEANS_SAMPLE = 200  # voxels a group that the centres are found from


@dataclass(frozen=True)
class ARPrecision:
    """``W = L' L`` of an autoregression, with one set of coefficients for each group of voxels.

    Attributes
    ----------
    basis : DesignBasis
    phi : array of shape (n_groups, p)
        Coefficients.
    group : array of shape (n_voxels,), int
        Group of each voxel.
    """

    basis: DesignBasis
    phi: np.ndarray
    group: np.ndarray

    @property
    def order(self) -> int:
        """Order p."""
        return self.phi.shape[1]

    @cached_property
    def _filter(self) -> np.ndarray:
        return np.column_stack([np.ones(len(self.phi)), -self.phi])

    @cached_property
    def lag_weights(self) -> np.ndarray:
        """``c_k`` of each group, shape (n_groups, p + 1)."""
        a, p = self._filter, self.order
        return np.stack([np.einsum("gj,gj->g", a[:, : p + 1 - k], a[:, k:]) for k in range(p + 1)], axis=1)

    @cached_property
    def beyond(self) -> np.ndarray:
        """R of each group: from the last p scans to the p after the end, shape (n_groups, p, p)."""
        p = self.order
        out = np.zeros((len(self.phi), p, p))
        for i in range(p):
            # The filter's p + i - t lags from scan t of the last p to the i-th scan after the end.
            out[:, i, i:] = self._filter[:, :i:-1]
        return out

    @cached_property
    def ends(self) -> np.ndarray:
        """``R' R`` of each group, between the last p scans, shape (n_groups, p, p)."""
        return self.beyond.transpose(0, 2, 1) @ self.beyond

    @cached_property
    def _lagged_designs(self) -> np.ndarray:
        identity = np.eye(self.basis.rank)
        return np.stack([self.basis.shifted(k, identity).ravel() for k in range(self.order + 1)])

    def gram(self, groups: slice) -> np.ndarray:
        """``G = q' W q`` of some groups, shape (n, rank, rank)."""
        rank, last = self.basis.rank, self.basis.q[-self.order :]
        inner = (self.lag_weights[groups] @ self._lagged_designs).reshape(-1, rank, rank)
        return inner - last.T @ self.ends[groups] @ last

    def _solve(self, b: np.ndarray) -> np.ndarray:
        out = np.empty_like(b)
        if len(self.phi) == self.group.size:
            for start in range(0, self.group.size, BLOCK):
                block = slice(start, start + BLOCK)
                out[:, block] = np.linalg.solve(self.gram(block), b[:, block].T[:, :, None])[:, :, 0].T
            return out
        order = np.argsort(self.group, kind="stable")
        borders = np.searchsorted(self.group[order], np.arange(len(self.phi) + 1))
        for g, gram in enumerate(self.gram(slice(None))):
            voxels = order[borders[g] : borders[g + 1]]
            out[:, voxels] = np.linalg.solve(gram, b[:, voxels])
        return out

    def estimate(self, parts: Products) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients (rank, n_voxels) and residual sums of squares (n_voxels,)."""
        weights = self.lag_weights.T[:, self.group]
        at_end = np.einsum("vij,jv->iv", self.ends[self.group], parts.tail)
        total = np.einsum("kv,kv->v", weights, np.stack(parts.own)) - np.einsum("iv,iv->v", parts.tail, at_end)
        b = -(self.basis.q[-self.order :].T @ at_end)
        for weight, cross in zip(weights, parts.cross, strict=True):
            b += weight * cross
        coefficients = self._solve(b)
        return coefficients, np.maximum(total - np.einsum("jv,jv->v", b, coefficients), 0)

    def covariance(self, c: np.ndarray) -> np.ndarray:
        """``c G^-1 c'`` of shape (m, m, n_voxels)."""
        out = np.empty((len(self.phi), len(c), len(c)))
        for start in range(0, len(self.phi), BLOCK):
            block = slice(start, start + BLOCK)
            out[block] = c @ np.linalg.solve(self.gram(block), np.broadcast_to(c.T, (len(out[block]), *c.T.shape)))
        return out[self.group].transpose(1, 2, 0)


def yule_walker(autocovariance: np.ndarray) -> np.ndarray:
    """Coefficients of an autoregression from autocovariances, by the Yule-Walker equations.

    Parameters
    ----------
    autocovariance : array of shape (p + 1, n_voxels)
        At lags 0 to p.

    Returns
    -------
    array of shape (n_voxels, p)

    Examples
    --------
    >>> import numpy as np
    >>> yule_walker(np.array([[1.0], [0.5], [0.25]])).round(3) + 0.0
    array([[0.5, 0. ]])
    """
    p = len(autocovariance) - 1
    lags = np.abs(np.subtract.outer(np.arange(p), np.arange(p)))
    return np.linalg.solve(autocovariance[lags].transpose(2, 0, 1), autocovariance[1:].T[:, :, None])[:, :, 0]


def quantised(phi: np.ndarray, bins: int | None, random_state: Any = None) -> tuple[np.ndarray, np.ndarray]:
    """Replace the coefficients of many voxels by those of a few groups, found by K-means.

    Parameters
    ----------
    phi : array of shape (n_voxels, p)
    bins : int or None
        Largest number of groups; None leaves each voxel its own.
    random_state : int, numpy.random.RandomState, numpy.random.Generator or None
        Where K-means starts. None is always the same start: the same data give the same numbers.

    Returns
    -------
    centres : array of shape (n_groups, p)
    group : array of shape (n_voxels,), int
    """
    check_bins(bins)
    if bins is None or len(phi) <= bins:
        return phi, np.arange(len(phi))
    from scipy.cluster.vq import kmeans2, vq

    draws = isinstance(random_state, np.random.RandomState | np.random.Generator)
    rng = random_state if draws else np.random.default_rng(0 if random_state is None else random_state)
    sample = phi[rng.permutation(len(phi))[: KMEANS_SAMPLE * bins]]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "One of the clusters is empty")  # it is left out below
        centres = kmeans2(sample, sample[:bins], iter=KMEANS_ITERATIONS, minit="matrix")[0]
    used, group = np.unique(vq(phi, centres)[0], return_inverse=True)
    return centres[used], group


def fit_arn(
    moments: Moments,
    basis: DesignBasis,
    order: int = 2,
    bins: int | None = 100,
    random_state: Any = None,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> NoiseFit:
    """Autoregression of a given order, estimated as nilearn does.

    Coefficients are the Yule-Walker estimates from residuals of ordinary least squares, quantised by K-means. They
    are biased as those of ``ar1`` are.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    order : int
        p, at least 1.
    bins : int or None
        Largest number of groups of voxels that share their coefficients; None leaves each voxel its own.
    random_state : int, RandomState, Generator or None
        See `quantised`.
    pooling : {None, "local", "global"}
        Whether autocorrelations are averaged over neighbours, or over all voxels, before the equations are solved;
        see `glmwidgets.glm.noise.pooling`.
    neighbours : sparse matrix of shape (n_voxels, n_voxels), optional
        For ``"local"``.

    Returns
    -------
    NoiseFit
        With the parameters ``phi1`` ... ``phip``.

    Raises
    ------
    ValueError
        If the run has too few scans for the order.
    """
    if order >= moments.n_scans - basis.rank:
        raise ValueError(
            f"an autoregression of order {order} cannot be estimated from {moments.n_scans} scans with "
            f"{basis.rank} independent columns; use a lower order"
        )
    parts = lagged_products(moments, basis, order)
    autocovariance = residual_autocovariance(parts, basis)
    known = ~moments.constant & (autocovariance[0] > 0)
    if pooling is not None:
        correlation = np.divide(autocovariance, autocovariance[0], out=np.zeros_like(autocovariance), where=known)
        autocovariance = pooled_curves(correlation, known, pooling, neighbours)
    phi = np.zeros((moments.n_voxels, order))
    phi[known] = yule_walker(autocovariance[:, known])
    centres, group = quantised(phi, bins, random_state)
    precision = ARPrecision(basis, centres, group)
    coefficients, rss = precision.estimate(parts)
    parameters = {f"phi{k + 1}": centres[group, k] for k in range(order)}
    return NoiseFit(coefficients + parts.taken, rss, precision.covariance, parameters)
