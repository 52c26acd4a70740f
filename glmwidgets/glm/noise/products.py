"""What noise models share: lagged products of a run in a design's coordinates, and what a fit gives back.

With q the orthonormal coordinates of the design (`glmwidgets.glm.moments.basis`), e the residuals of ordinary least
squares and ``M_k = q' S_k q``, residuals are never formed either:

    e' S_k e = y' S_k y - 2 (q'y)' q' S_k y + (q'y)' M_k (q'y).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments, shift_sum

# Voxels worked on at once, so that the intermediates stay in the processor's cache.
BLOCK = 6144


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
    flags : dict
        Masks by name, each of shape (n_voxels,), of voxels whose estimates are to be doubted: ``edge`` where a
        parameter lies at the end of its range.
    tested : callable, optional
        ``tested(c)`` gives what `covariance` gives and the degrees of freedom of the test of c, shape (n_voxels,). None
        where the noise parameters count as known.
    """

    coefficients: np.ndarray
    rss: np.ndarray
    covariance: Callable[[np.ndarray], np.ndarray]
    parameters: dict[str, np.ndarray] = field(default_factory=dict)
    flags: dict[str, np.ndarray] = field(default_factory=dict)
    tested: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None


@dataclass(frozen=True)
class Products:
    """Lagged products of the series to be modelled, in the design's coordinates.

    Attributes
    ----------
    own : tuple of arrays of shape (n_voxels,)
        ``y' S_k y`` for each lag k from 0.
    cross : tuple of arrays of shape (rank, n_voxels)
        ``q' S_k y`` for each lag k from 0.
    head, tail : array of shape (order, n_voxels)
        First and last scans, as many as the largest lag, in the order of time.
    total : array of shape (n_voxels,)
        Sum over scans.
    taken : array of shape (rank, n_voxels)
        Coefficients of what centring took away and the design can give back.
    """

    own: tuple[np.ndarray, ...]
    cross: tuple[np.ndarray, ...]
    head: np.ndarray
    tail: np.ndarray
    total: np.ndarray
    taken: np.ndarray

    @property
    def order(self) -> int:
        """Largest lag."""
        return len(self.own) - 1


class LaggedProducts:
    """Products of a run with itself and with a design, up to a lag, for as many voxels at a time as one asks for.

    The pass over the data is made here; `at` then works in the processor's cache.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    order : int
        Largest lag, in scans.
    """

    def __init__(self, moments: Moments, basis: DesignBasis, order: int = 0):
        self.moments, self.basis, self.order = moments, basis, order
        self._cross = basis.products(moments, order)
        self._own = [moments.own(k) for k in range(order + 1)]
        self._ends = moments.ends(order)

    def blocks(self) -> list[slice]:
        """Blocks of voxels that can be fitted one by one.

        Without a constant in the design the reference takes the residuals' mean over the whole image off, so that
        all voxels have to be seen at once.
        """
        n = self.moments.n_voxels
        size = BLOCK if self.basis.spans_constant else max(n, 1)
        return [slice(start, min(start + size, n)) for start in range(0, n, size)]

    def at(self, voxels: slice) -> Products:
        """The products for some voxels.

        Returns
        -------
        Products
            Of the centred series where a column of the design absorbs the mean, otherwise of the series as given.
        """
        basis, order = self.basis, self.order
        mean, n = self.moments.mean[voxels], self.moments.n_scans
        own = [of_lag[voxels] for of_lag in self._own]
        cross = [of_lag.at(voxels) for of_lag in self._cross]
        head, tail = (end[:, voxels].astype(np.float64) for end in self._ends)
        of_mean = np.outer(basis.constant, mean)
        if basis.spans_constant:
            return Products(tuple(own), tuple(cross), head, tail, np.zeros_like(mean), of_mean)
        # No column can absorb the mean, so the model is of y = centred + mean. As the centred series sum to zero,
        # their product with S_k 1 = 2 - (one at each of the k first and k last scans) is minus the sum of those.
        for k in range(order + 1):
            ends = head[:k].sum(axis=0) + tail[order - k :].sum(axis=0)
            ones = n if k == 0 else 2 * (n - k)
            own[k] = own[k] - 2 * mean * ends + ones * mean**2
            cross[k] = cross[k] + np.outer(basis.q.T @ shift_sum(np.ones(n), k), mean)
        return Products(tuple(own), tuple(cross), head + mean, tail + mean, n * mean, np.zeros_like(of_mean))


def runs(level: np.ndarray) -> Iterator[tuple[int, slice]]:
    """Stretches of one value each, of integers in order.

    Examples
    --------
    >>> list(runs(np.array([2, 2, 5])))
    [(2, slice(0, 2, None)), (5, slice(2, 3, None))]
    """
    cuts = [0, *(np.flatnonzero(np.diff(level)) + 1).tolist(), level.size]
    for start, stop in pairwise(cuts):
        if stop > start:
            yield int(level[start]), slice(start, stop)


def lagged_products(moments: Moments, basis: DesignBasis, order: int = 0) -> Products:
    """Gather the products of a run with itself and with a design, up to a lag, for all voxels.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    order : int
        Largest lag, in scans.

    Returns
    -------
    Products

    Examples
    --------
    >>> from glmwidgets.glm.moments.basis import design_basis
    >>> moments = Moments(np.random.default_rng(0).standard_normal((20, 3)))
    >>> products = lagged_products(moments, design_basis(np.ones((20, 1))), order=2)
    >>> products.order, products.own[0].shape
    (2, (3,))
    """
    return LaggedProducts(moments, basis, order).at(slice(None))


def residual_autocovariance(parts: Products, basis: DesignBasis) -> np.ndarray:
    """Autocovariance of the residuals of ordinary least squares, from products alone.

    ``r_k = sum_t e_t e_{t+k} / (n - k)``, with e the residuals less their mean over all scans and voxels.

    Parameters
    ----------
    parts : Products
    basis : DesignBasis

    Returns
    -------
    array of shape (order + 1, n_voxels)
    """
    n, g = basis.n_scans, parts.cross[0]
    out = np.empty((parts.order + 1, g.shape[1]))
    # g' M_k g needs a matrix product from lag 2 on only: M_0 is the identity and M_1 diagonal.
    out[:2] = np.stack([-np.ones(basis.rank), basis.eigenvalues])[: len(out)] @ np.square(g)
    for k in range(2, len(out)):
        out[k] = np.einsum("jv,jv->v", g, basis.shifted(k, g))
    for k in range(len(out)):
        out[k] += parts.own[k]
        if k > 0:
            out[k] -= 2 * np.einsum("jv,jv->v", g, parts.cross[k])
    out[1:] /= 2
    if not basis.spans_constant:
        total = parts.total - basis.constant @ g
        grand_mean = total.sum() / (n * total.size)
        head = parts.head - basis.q[: parts.order] @ g
        tail = parts.tail - basis.q[n - parts.order :] @ g
        for k in range(parts.order + 1):
            ends = head[:k].sum(axis=0) + tail[parts.order - k :].sum(axis=0)
            out[k] += -grand_mean * (2 * total - ends) + (n - k) * grand_mean**2
    return out / (n - np.arange(parts.order + 1))[:, None]
