"""Where the restricted likelihood of ARMA(1,1) is largest: a few nodes that all voxels share, a polynomial between.

``-2 l = (n - p) log rss + log |q' W q| - log |W|`` is computed on nodes of (c, a), see
`glmwidgets.glm.noise.moving_average`; its lowest point is found on the polynomial through them. In the coordinates
``atanh c`` and ``atanh a`` (Fisher's z) the likelihood is about equally curved everywhere.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.moving_average import A_MAX, C_MAX, C_MIN, MovingAverages, own_spectra, own_weights, terms
from glmwidgets.glm.noise.products import LaggedProducts
from glmwidgets.glm.noise.valleys import Polynomials

__all__ = ["Lowest", "Surfaces", "Unit", "a_at"]

# Nodes and coarse places in c, and in the share of the way from the least a to A_MAX that a lies at.
N_NODES, N_NODES_POOLED, N_COARSE = (8, 10), (9, 11), (12, 12)

# An ``atanh c`` so small may be better below 0.
NEAR = 0.2

U_MAX = np.arctanh(A_MAX)

# Voxels whose residuals are made at once, and stay in the processor's cache until they are multiplied.
CHUNK = 512


class Unit(NamedTuple):
    """Residuals e of ordinary least squares of some voxels, at unit length.

    Attributes
    ----------
    e : array of shape (n_scans, n_voxels)
        As they are, in single precision; `length` is theirs.
    length : array of shape (n_voxels,)
    fitted : array of shape (rank, n_voxels)
        Coordinates of what was subtracted.
    own : array of shape (n_spectra, n_voxels)
        Products of the whole series with themselves, see `glmwidgets.glm.noise.moving_average.own_spectra`.
    """

    e: np.ndarray
    length: np.ndarray
    fitted: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, moments: Moments, basis: DesignBasis, products: LaggedProducts, voxels: slice) -> Unit:
        """Residuals of a block of voxels."""
        parts = products.at(voxels)
        fitted = parts.cross[0]
        power = np.maximum(parts.own[0] - np.einsum("jv,jv->v", fitted, fitted), 0)
        series = moments.series[:, voxels]
        e = np.empty(series.shape, np.float32)
        for start in range(0, power.size, CHUNK):
            some = slice(start, start + CHUNK)
            part = basis.q @ -fitted[:, some]
            part += series[:, some]
            if not basis.spans_constant:
                part += moments.mean[voxels][some]
            e[:, some] = part
        own = moments.power(own_spectra(basis.n_scans), basis.spans_constant)[:, voxels]
        length = np.sqrt(power)
        return cls(e, np.where(length > 0, length, 1), fitted, own)

    def at(self, voxels: np.ndarray) -> Unit:
        """Those of some of the voxels."""
        return Unit(self.e[:, voxels], self.length[voxels], self.fitted[:, voxels], self.own[:, voxels])


class Lowest(NamedTuple):
    """The lowest point of each of many surfaces.

    Attributes
    ----------
    value : array of shape (n_voxels,)
    c : array of shape (n_voxels,)
        ``atanh c``.
    share : array of shape (n_voxels,)
        Of the way from the least ``atanh a`` to the largest.
    tilt : array of shape (n_voxels,)
        How the share follows ``atanh c`` along the valley.
    bend : array of shape (n_voxels,)
        Second derivative with respect to the share.
    """

    value: np.ndarray
    c: np.ndarray
    share: np.ndarray
    tilt: np.ndarray
    bend: np.ndarray


class _Surface:
    """The restricted likelihood of many voxels on one side of c = 0, where the least a, max(c, 0), has its corner."""

    def __init__(
        self, basis: DesignBasis, n_nodes: tuple[int, int], n_coarse: tuple[int, int], in_c: tuple[float, float]
    ):
        self.dof = basis.n_scans - basis.rank
        self.n_nodes = n_nodes
        self._low, high = np.arctanh(in_c)
        self._way = high - self._low
        self.polynomials = Polynomials(n_nodes, n_coarse)
        nodes, shares = self._low + self._way * self.polynomials.x, self.polynomials.y
        averages = self.averages = MovingAverages(basis, np.tanh(nodes))
        self._rows = averages.rows().reshape(-1, basis.n_scans).astype(np.float32)
        self._own = own_weights(averages.c, basis.n_scans)
        a = np.tanh(a_at(nodes[:, None], shares))
        self._penalty = averages.penalty(a).astype(np.float32)
        self._explained = [averages.at_nodes(k, of_node, np.float32) for k, of_node in enumerate(a)]
        c, at_edges = averages.c[:, None], averages.at_edges.T[..., None]
        scale, g, w = terms(c, at_edges, a)
        self._of_own = np.stack([scale, -g, *(-g * w)], axis=-1).astype(np.float32)

    @property
    def n_values(self) -> int:
        """Number of nodes."""
        return self.n_nodes[0] * self.n_nodes[1]

    def values(self, unit: Unit) -> np.ndarray:
        """-2 log likelihood at the nodes, shape (n_nodes in c * in a, n_voxels), of residuals of unit length."""
        averages, (n_c, n_a) = self.averages, self.n_nodes
        products = (self._rows @ unit.e).reshape(n_c, -1, unit.length.size)
        products *= 1 / unit.length
        of_own = self._own @ unit.own
        of_own /= unit.length**2
        fitted = unit.fitted / unit.length
        out = np.empty((n_c, n_a, unit.length.size), np.float32)
        for k, explained in enumerate(self._explained):
            cross, edges = products[k, :-2], products[k, -2:]
            # y'Hy = e'He + 2 g'q'He + g'q'Hq g for the series y = e + q g.
            turned = averages.rotation[k].T @ fitted
            of_fit = averages.diagonal[k][:, None] * turned
            of_fit += 2 * cross
            filtered = of_own[k] - np.einsum("jv,jv->v", turned, of_fit)
            rss = self._of_own[k] @ np.concatenate([[np.ones_like(filtered), filtered], np.square(edges)]).astype(
                np.float32
            )
            rss -= explained(cross, edges)
            np.log(np.maximum(rss, np.finfo(np.float32).tiny, out=rss), out=rss)
            rss *= self.dof
            np.add(rss, self._penalty[k][:, None], out=out[k])
        return out.reshape(n_c * n_a, -1)

    def lowest(self, values: np.ndarray) -> Lowest:
        """Of the polynomials through the nodes."""
        value, x, share, tilt, bend = (of.astype(float) for of in self.polynomials.lowest(values))
        return Lowest(value, self._low + self._way * x, share, tilt / self._way, bend)


def a_at(c: np.ndarray, share: np.ndarray) -> np.ndarray:
    """``atanh a`` at a share of the way from the least to the largest, where ``atanh c`` is `c`."""
    least = np.maximum(c, 0.0)
    return least + share * (U_MAX - least)


class Surfaces:
    """The restricted likelihood over the whole range: a surface on each side of c = 0.

    Parameters
    ----------
    basis : DesignBasis
    pool : bool
        Whether what is found on the polynomials is kept as it is, which takes more nodes.
    """

    def __init__(self, basis: DesignBasis, pool: bool = False):
        shape = (N_NODES_POOLED if pool else N_NODES), N_COARSE
        self.positive = _Surface(basis, *shape, (0.0, C_MAX))
        self._negative = lambda: _Surface(basis, *shape, (C_MIN, 0.0))

    @cached_property
    def negative(self) -> _Surface:
        """That of c < 0; most voxels of most runs do not need it."""
        return self._negative()

    def is_near(self, found: Lowest) -> np.ndarray:
        """Where the lowest point of the positive surface is so near to its border that the other has to be seen."""
        return found.c < NEAR

    def look(self, unit: Unit) -> Lowest:
        """Lowest points; the far side is looked at only from where c is about 0."""
        found = self.positive.lowest(self.positive.values(unit))
        near = np.flatnonzero(self.is_near(found))
        return self.or_beyond(found, near, self.negative.values(unit.at(near))) if near.size else found

    def or_beyond(self, found: Lowest, near: np.ndarray, values: np.ndarray) -> Lowest:
        """The lower of what was found and of the lowest points of the negative surface, of some voxels."""
        other = self.negative.lowest(values)
        better = other.value < found.value[near]
        for mine, theirs in zip(found, other, strict=True):
            mine[near[better]] = theirs[better]
        return found
