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

# Nodes and coarse places in c, and in the share of the way from the least a to A_MAX that a lies at. What is found
# is in the mean within 0.01 of the least -2 log likelihood (0.03 of the sum of seven voxels that share), which the
# chance of two parameters raises by 2.
N_NODES, N_NODES_POOLED, N_COARSE = (7, 10), (7, 10), (12, 12)

# Nodes where c is negative: that range is shorter.
N_NODES_NEGATIVE = (6, 10)

# An ``atanh c`` so small may be better below 0.
NEAR = 0.2

U_MAX = np.arctanh(A_MAX)

# Coordinates of a fit that are larger than so many lengths of the residuals are taken from them in double precision.
LARGE = 30

TINY = np.finfo(np.float32).tiny


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
        Products of the whole series with themselves, as they are; see `glmwidgets.glm.noise.moving_average`.
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
        e = series.astype(np.float64 if is_large else np.float32)
        if not basis.spans_constant:
            e += moments.mean[voxels].astype(e.dtype)
        e -= basis.q.astype(e.dtype) @ fitted.astype(e.dtype)
        own = moments.power(own_spectra(basis.n_scans), basis.spans_constant)[:, voxels]
        return cls(e, per_length, fitted * per_length, own)

    def at(self, voxels: np.ndarray) -> Unit:
        """Those of some of the voxels."""
        return Unit(self.e[:, voxels], self.per_length[voxels], self.fitted[:, voxels], self.own[:, voxels])


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

    @classmethod
    def joined(cls, parts: list[Lowest]) -> Lowest:
        """Of blocks, one after the other."""
        return cls(*(np.concatenate(of_part) for of_part in zip(*parts, strict=True)))

    def replace(self, voxels: np.ndarray, other: Lowest) -> None:
        """Take for some voxels what was found elsewhere, where that is lower."""
        better = other.value < self.value[voxels]
        for mine, theirs in zip(self, other, strict=True):
            mine[voxels[better]] = theirs[better]


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
        self._penalty = averages.penalty(a).astype(np.float32)[..., None]
        self._explained = [averages.at_nodes(k, of_node, np.float32) for k, of_node in enumerate(a)]
        self._scale, self._g, _ = terms(averages.c[:, None], averages.at_edges.T[..., None], a)

    def values(self, unit: Unit) -> np.ndarray:
        """-2 log likelihood at the nodes, shape (n_nodes in c * in a, n_voxels), of residuals of unit length."""
        averages, (n_c, n_a), n_voxels = self.averages, self.n_nodes, unit.e.shape[1]
        products = (self._rows[unit.e.dtype] @ unit.e).reshape(n_c, -1, n_voxels)
        products *= unit.per_length.astype(products.dtype)
        fitted = unit.fitted.astype(products.dtype)
        filtered = self._own @ unit.own
        filtered *= np.square(unit.per_length)
        out, rss = np.empty((n_c, n_a, n_voxels), np.float32), np.empty((n_a, n_voxels))
        for k, explained in enumerate(self._explained):
            # y'Hy = e'He + 2 g'q'He + g'q'Hq g for the series y = e + q g.
            turned = averages.rotation[k].T.astype(fitted.dtype) @ fitted
            of_fit = averages.diagonal[k].astype(fitted.dtype)[:, None] * turned
            of_fit += products[k, :-2]
            of_fit += products[k, :-2]
            filtered[k] -= np.einsum("jv,jv->v", turned, of_fit)
            # Large terms that cancel, in double precision.
            np.multiply(-self._g[k][:, None], filtered[k], out=rss)
            rss += self._scale[k][:, None]
            rss -= explained(products[k].astype(np.float32, copy=False))
            np.maximum(rss, TINY, out=out[k], casting="same_kind")
        np.log(out, out=out)
        out *= np.float32(self.dof)
        out += self._penalty
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
    products, n_voxels = LaggedProducts(moments, basis, order=0), moments.n_voxels
    moments.power(own_spectra(basis.n_scans), basis.spans_constant)
    negative = _Surface(basis, N_NODES_NEGATIVE, (C_MIN, 0.0))
    blocks = even_blocks(n_voxels, BLOCK)

    def unit(voxels: slice | np.ndarray) -> Unit:
        return Unit.of(moments, basis, products, voxels)

    if pooling is None:
        positive = _Surface(basis, N_NODES, (0.0, C_MAX))

        def of_block(block: slice) -> Lowest:
            here = unit(block)
            found = positive.lowest(positive.values(here))
            near = np.flatnonzero(found.c < NEAR)
            if near.size:
                found.replace(near, negative.lowest(negative.values(here.at(near))))
            return found

        return Lowest.joined(side_by_side(of_block, blocks))

    def pooled(surface: _Surface, of: np.ndarray | None = None) -> Lowest:
        curves = np.zeros((n_voxels, surface.n_nodes[0] * surface.n_nodes[1]), np.float32)

        def fill(some: slice | np.ndarray) -> None:
            curves[some] = surface.values(unit(some)).T

        side_by_side(fill, blocks if of is None else _sharers(of, pooling, neighbours, n_voxels))
        shared = pooled_curves(curves.T, ~moments.constant, pooling, neighbours)
        some = blocks if of is None else [of[block] for block in even_blocks(of.size, BLOCK)]
        return Lowest.joined(side_by_side(lambda voxels: surface.lowest(shared[:, voxels]), some))

    found = pooled(_Surface(basis, N_NODES_POOLED, (0.0, C_MAX)))
    near = np.flatnonzero(found.c < NEAR)
    if near.size:
        found.replace(near, pooled(negative, near))
    return found


def _sharers(
    voxels: np.ndarray, pooling: str, neighbours: scipy.sparse.spmatrix | None, n_voxels: int
) -> list[np.ndarray]:
    """Blocks of all with whom some voxels share their noise."""
    some = np.zeros((1, n_voxels))
    some[0, voxels] = 1
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
    positive, negative = _Surface(basis, N_NODES, (0.0, C_MAX)), _Surface(basis, N_NODES_NEGATIVE, (C_MIN, 0.0))
    values = positive.values(unit)
    alone = positive.polynomials.lowest_at_zero(values)
    best = np.minimum(positive.lowest(values).value, negative.lowest(negative.values(unit)).value)
    return np.where(moments.constant, 0.0, np.maximum(alone - best, 0))
