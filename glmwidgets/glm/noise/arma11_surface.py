"""Where the restricted likelihood of ARMA(1,1) is largest: a few nodes that all voxels share, a polynomial between.

``-2 l = (n - p) log rss + log |q' W q| - log |W|`` is computed on nodes of (c, a), see
`glmwidgets.glm.noise.moving_average`; its lowest point is found on the polynomial through them. In the coordinates
``atanh c`` and ``atanh a`` (Fisher's z) the likelihood is about equally curved everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.moving_average import A_MAX, C_MAX, C_MIN, MovingAverages, own_spectra, own_weights, terms
from glmwidgets.glm.noise.pooling import pooled_curves
from glmwidgets.glm.noise.products import BLOCK, LaggedProducts
from glmwidgets.glm.noise.valleys import Polynomials
from glmwidgets.glm.parallel import even_blocks, side_by_side

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["U_MAX", "Lowest", "Unit", "a_at", "gain_over_ar1", "lowest_points"]

# Nodes and coarse places in c, and in the share of the way from the least a to A_MAX that a lies at.
N_NODES, N_NODES_POOLED, N_COARSE = (7, 10), (8, 11), (12, 12)

# An ``atanh c`` so small may be better below 0.
NEAR = 0.2

U_MAX = np.arctanh(A_MAX)

# Voxels whose residuals are made at once, and stay in the processor's cache until they are multiplied.
CHUNK = 512

# Coordinates of a fit that are larger than so many lengths of the residuals are taken from them in double precision.
LARGE = 30


class Unit(NamedTuple):
    """Residuals e of ordinary least squares of some voxels, with what brings them to unit length.

    Attributes
    ----------
    e : array of shape (n_scans, n_voxels)
        As they are, in single precision where that is enough.
    per_length : array of shape (n_voxels,)
        One over their length. What follows is of unit length.
    fitted : array of shape (rank, n_voxels)
        Coordinates of what was subtracted.
    own : array of shape (n_spectra, n_voxels)
        Products of the whole series with themselves, see `glmwidgets.glm.noise.moving_average.own_spectra`.
    """

    e: np.ndarray
    per_length: np.ndarray
    fitted: np.ndarray
    own: np.ndarray

    @classmethod
    def of(cls, moments: Moments, basis: DesignBasis, products: LaggedProducts, voxels: slice | np.ndarray) -> Unit:
        """Residuals of some voxels."""
        parts = products.at(voxels)
        fitted = parts.cross[0]
        power = parts.own[0] - np.einsum("jv,jv->v", fitted, fitted)
        per_length = 1 / np.sqrt(np.where(power > 0, power, 1))
        series = moments.block(voxels)
        # What is subtracted counts in units of what is left: wild scans with columns of their own want more digits.
        is_large = np.abs(fitted * per_length).max(initial=0) > LARGE
        e = np.empty(series.shape, np.float64 if is_large else np.float32)
        for start in range(0, per_length.size, CHUNK):
            some = slice(start, start + CHUNK)
            part = basis.q @ -fitted[:, some]
            part += series[:, some]
            if not basis.spans_constant:
                part += moments.mean[voxels][some]
            e[:, some] = part
        own = moments.power(own_spectra(basis.n_scans), basis.spans_constant)[:, voxels]
        return cls(e, per_length, fitted * per_length, own * per_length**2)


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

    def __init__(self, basis: DesignBasis, n_nodes: tuple[int, int], in_c: tuple[float, float]):
        self.dof = basis.n_scans - basis.rank
        self.n_nodes = n_nodes
        self._low, high = np.arctanh(in_c)
        self._way = high - self._low
        self.polynomials = Polynomials(n_nodes, N_COARSE)
        nodes, shares = self._low + self._way * self.polynomials.x, self.polynomials.y
        averages = self.averages = MovingAverages(basis, np.tanh(nodes))
        rows = averages.rows().reshape(-1, basis.n_scans)
        self._rows = {rows.dtype: rows, np.dtype(np.float32): rows.astype(np.float32)}
        self._own = own_weights(averages.c, basis.n_scans)
        a = np.tanh(a_at(nodes[:, None], shares))
        self._penalty = averages.penalty(a)
        self._explained = [averages.at_nodes(k, of_node, np.float32) for k, of_node in enumerate(a)]
        c, at_edges = averages.c[:, None], averages.at_edges.T[..., None]
        scale, g, w = terms(c, at_edges, a)
        self._of_own = np.stack([scale, -g, *(-g * w)], axis=-1)

    def values(self, unit: Unit) -> np.ndarray:
        """-2 log likelihood at the nodes, shape (n_nodes in c * in a, n_voxels), of residuals of unit length."""
        averages, (n_c, n_a), n_voxels = self.averages, self.n_nodes, unit.e.shape[1]
        products = (self._rows[unit.e.dtype] @ unit.e).reshape(n_c, -1, n_voxels)
        products *= unit.per_length.astype(products.dtype)
        filtered = self._own @ unit.own
        # Large terms that cancel, and the logarithm's many digits, in double precision.
        out, of_own = np.empty((n_c, n_a, n_voxels), np.float32), np.ones((4, n_voxels))
        for k, explained in enumerate(self._explained):
            cross, edges = products[k, :-2], products[k, -2:]
            # y'Hy = e'He + 2 g'q'He + g'q'Hq g for the series y = e + q g.
            turned = averages.rotation[k].T @ unit.fitted
            filtered[k] -= 2 * np.einsum("jv,jv->v", turned.astype(cross.dtype), cross)
            filtered[k] -= averages.diagonal[k] @ np.square(turned, out=turned)
            of_own[1] = filtered[k]
            np.square(edges, out=of_own[2:])
            rss = self._of_own[k] @ of_own
            rss -= explained(cross, edges)
            np.log(np.maximum(rss, np.finfo(float).tiny, out=rss), out=rss)
            rss *= self.dof
            rss += self._penalty[k][:, None]
            out[k] = rss
        return out.reshape(n_c * n_a, -1)

    def lowest(self, values: np.ndarray) -> Lowest:
        """Of the polynomials through the nodes."""
        value, x, share, tilt, bend = self.polynomials.lowest(values)
        return Lowest(value, self._low + self._way * x, share, tilt / self._way, bend)


def a_at(c: np.ndarray, share: np.ndarray) -> np.ndarray:
    """``atanh a`` at a share of the way from the least to the largest, where ``atanh c`` is `c`."""
    least = np.maximum(c, 0.0)
    return least + share * (U_MAX - least)


def lowest_points(
    moments: Moments,
    basis: DesignBasis,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> Lowest:
    """Where the restricted likelihood of each voxel, or of those that it shares its noise with, is largest.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    pooling, neighbours
        As of `glmwidgets.glm.noise.pooling.pooled_curves`.

    Returns
    -------
    Lowest
    """
    n_nodes = N_NODES if pooling is None else N_NODES_POOLED
    products, n_voxels = LaggedProducts(moments, basis, order=0), moments.n_voxels
    moments.power(own_spectra(basis.n_scans), basis.spans_constant)

    def values(surface: _Surface, voxels: slice | np.ndarray) -> np.ndarray:
        return surface.values(Unit.of(moments, basis, products, voxels))

    def lowest(surface: _Surface, blocks: list[slice] | list[np.ndarray]) -> Lowest:
        if pooling is None:
            parts = side_by_side(lambda some: surface.lowest(values(surface, some)), blocks)
        else:
            curves = np.zeros((n_nodes[0] * n_nodes[1], n_voxels), np.float32)

            def fill(some: slice | np.ndarray) -> None:
                curves[:, some] = values(surface, some)

            side_by_side(fill, _with_sharers(blocks, pooling, neighbours, n_voxels))
            curves = pooled_curves(curves, ~moments.constant, pooling, neighbours)
            parts = side_by_side(lambda some: surface.lowest(curves[:, some]), blocks)
        return Lowest(*(np.concatenate(of_part) for of_part in zip(*parts, strict=True)))

    found = lowest(_Surface(basis, n_nodes, (0.0, C_MAX)), even_blocks(n_voxels, BLOCK))
    # The other side of c = 0 is looked at from near it.
    near = np.flatnonzero(found.c < NEAR)
    if near.size:
        other = lowest(_Surface(basis, n_nodes, (C_MIN, 0.0)), [near[some] for some in even_blocks(near.size, BLOCK)])
        better = other.value < found.value[near]
        for mine, theirs in zip(found, other, strict=True):
            mine[near[better]] = theirs[better]
    return found


def _with_sharers(
    blocks: list[slice] | list[np.ndarray], pooling: str, neighbours: scipy.sparse.spmatrix | None, n_voxels: int
) -> list[slice] | list[np.ndarray]:
    """Blocks of all with whom voxels share their noise."""
    if isinstance(blocks[0], slice):
        return blocks
    some = np.zeros((1, n_voxels))
    some[0, np.concatenate(blocks)] = 1
    wanted = np.flatnonzero(pooled_curves(some, np.ones(n_voxels, bool), pooling, neighbours)[0])
    return [wanted[block] for block in even_blocks(wanted.size, BLOCK)]


def gain_over_ar1(moments: Moments, basis: DesignBasis) -> np.ndarray:
    """How much twice the restricted log likelihood rises from AR(1) to ARMA(1,1), shape (n_voxels,); 0 where constant.

    Looked up on the likelihood's polynomials, to about 0.1. Under an AR(1) it is what one parameter too many gives.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    """
    unit = Unit.of(moments, basis, LaggedProducts(moments, basis, order=0), slice(None))
    positive, negative = (_Surface(basis, N_NODES, in_c) for in_c in ((0.0, C_MAX), (C_MIN, 0.0)))
    values = positive.values(unit)
    alone = positive.polynomials.lowest_at_zero(values)
    best = np.minimum(positive.lowest(values).value, negative.lowest(negative.values(unit)).value)
    return np.where(moments.constant, 0.0, np.maximum(alone - best, 0))
