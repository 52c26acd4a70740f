"""Where the restricted likelihood of ARMA(1,1) is largest: a few nodes that all voxels share, a polynomial between.

``-2 l = (n - p) log rss + log |q' W q| - log |W|`` is computed on nodes of (c, a), see
`glmwidgets.glm.noise.moving_average`; its lowest point is found on the polynomial through them. In the coordinates
``atanh(.8 c)`` and ``atanh(.8 a)`` eight nodes in each do what ten do in Fisher's z, and more than that in c and a. The
nodes lie between a = c, where the noise is white, and the largest a: there the likelihood is smooth also where a and c
are negative, so that one polynomial does for all of the range, whose least a is max(c, 0).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11_filters import AT_ONCE, OrdinaryFit
from glmwidgets.glm.noise.arma11_products import FilteredProducts
from glmwidgets.glm.noise.moving_average import (
    A_MAX,
    C_MAX,
    C_MIN,
    MovingAverages,
    own_weights,
    relaxed,
    stretched,
    terms,
)
from glmwidgets.glm.noise.polynomial_minima import Polynomials
from glmwidgets.glm.noise.pooling import pooled_curves
from glmwidgets.glm.parallel import even_blocks, one_thread, side_by_side

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["U_MAX", "Lowest", "gain_over_ar1", "lowest_points"]

# Nodes in c, and in the share of the way from a = c to A_MAX that a lies at. What is found is in the mean within 0.005
# of the least -2 log likelihood, which the chance of two parameters raises by 2.
N_NODES = (8, 8)

# Where the likelihood's value counts, not only the place where it is largest.
N_NODES_OF_VALUES = (13, 12)

# Coarse places in c <= 0, in c >= 0, and in the share of the way from the least a; these lie denser towards it, as
# powers of equally spaced ones.
N_COARSE, POWER = (10, 12, 12), 1.5

LOW, HIGH, U_MAX = stretched(np.array([C_MIN, C_MAX, A_MAX])).tolist()

TINY = np.finfo(np.float32).tiny


class Lowest(NamedTuple):
    """The lowest point of each of many surfaces.

    Attributes
    ----------
    value : array of shape (n_voxels,)
    c, a : array of shape (n_voxels,)
        In the coordinate `stretched`.
    tilt : array of shape (n_voxels,)
        How the second follows the first along the valley.
    bend : array of shape (n_voxels,)
        Second derivative with respect to a's coordinate.
    """

    value: np.ndarray
    c: np.ndarray
    a: np.ndarray
    tilt: np.ndarray
    bend: np.ndarray

    @classmethod
    def joined(cls, parts: list[Lowest]) -> Lowest:
        """Of blocks, one after the other."""
        return cls(*(np.concatenate(of_part) for of_part in zip(*parts, strict=True)))


def _floor(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the way from a = c at which a is 0, at shares of the range of c, and its slope."""
    way = HIGH - LOW
    c = LOW + way * x
    return -c / (U_MAX - c), -way * U_MAX / (U_MAX - c) ** 2


@cache
def _polynomials(n_nodes: tuple[int, int]) -> Polynomials:
    """Over the shares of the ranges of the coordinates of c and a."""
    n_negative, n_positive, n_shares = N_COARSE
    corner = -LOW / (HIGH - LOW)
    below, above = np.linspace(0, corner, n_negative), np.linspace(corner, 1, n_positive)
    return Polynomials(n_nodes, (below, above, np.linspace(0, 1, n_shares) ** POWER), _floor)


class _Surface:
    """The restricted likelihood of many voxels."""

    def __init__(self, basis: DesignBasis, n_nodes: tuple[int, int] = N_NODES):
        self.dof = basis.n_scans - basis.rank
        self.n_nodes = n_nodes
        self.polynomials = _polynomials(n_nodes)
        nodes, shares = LOW + (HIGH - LOW) * self.polynomials.x, self.polynomials.y
        averages = self.averages = MovingAverages(basis, relaxed(nodes))
        self._own = own_weights(averages.c, basis.n_scans)
        self._turns = averages.rotation.transpose(0, 2, 1)
        a = relaxed(nodes[:, None] + shares * (U_MAX - nodes[:, None]))
        self._penalty = (averages.penalty(a) / self.dof).astype(np.float32)[..., None]
        self._explained = [averages.at_nodes(k, of_node, np.float32) for k, of_node in enumerate(a)]
        scale, g, _ = terms(averages.c[:, None], averages.at_edges.T[..., None], a)
        self._of_own = np.stack([-g, scale], axis=-1)

    def values(self, products: FilteredProducts, voxels: slice) -> np.ndarray:
        """-2 log likelihood of some voxels, per degree of freedom, shape (n_nodes in c * in a, n_voxels)."""
        unit, averages, (n_c, n_a) = products.at(voxels), self.averages, self.n_nodes
        dtype, share = unit.fitted.dtype, unit.share.astype(unit.fitted.dtype)
        filtered = self._own @ unit.own
        filtered *= unit.per_power
        turns, diagonals = self._turns.astype(dtype), averages.diagonal.astype(dtype)[..., None]
        out, rss = np.empty((n_c, n_a, share.size), np.float32), np.empty((n_a, share.size))
        ones = np.ones(share.size)
        for k, explained in enumerate(self._explained):
            turned = turns[k] @ unit.fitted
            both = diagonals[k] * turned
            cross = products.cross(unit, k, turned, both)
            # The series are y = e + q g: y'Hy = e'He + 2 g'q'He + g'q'Hq g.
            both += cross[:-2]
            both += cross[:-2]
            filtered[k] -= np.einsum("jv,jv->v", turned, both) * unit.share
            of_design = explained(cross.astype(np.float32, copy=False))
            of_design *= share
            # Large terms that cancel, in double precision.
            np.matmul(self._of_own[k], np.stack([filtered[k], ones]), out=rss)
            np.subtract(rss, of_design, out=out[k], casting="same_kind")
        np.maximum(out, TINY, out=out)
        np.log(out, out=out)
        out += self._penalty
        return out.reshape(n_c * n_a, -1)

    def lowest(self, values: np.ndarray) -> Lowest:
        """Of the polynomials through the nodes."""
        value, x, share, tilt, bend = self.polynomials.lowest(values)
        c = LOW + (HIGH - LOW) * x
        way = U_MAX - c
        tilt, bend = 1 - share + tilt * way / (HIGH - LOW), self.dof * bend / np.square(way)
        return Lowest(self.dof * value, c, c + share * way, tilt, bend)


def lowest_points(
    moments: Moments,
    basis: DesignBasis,
    ordinary: OrdinaryFit,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> Lowest:
    """Where the restricted likelihood of each voxel, or of those that it shares its noise with, is largest.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    ordinary : OrdinaryFit
        Of the whole run.
    pooling, neighbours
        As of `glmwidgets.glm.noise.pooling.pooled_curves`.

    Returns
    -------
    Lowest
    """
    n_voxels = moments.n_voxels
    with one_thread():
        surface, blocks = _Surface(basis), even_blocks(n_voxels, AT_ONCE)
    products = FilteredProducts(surface.averages, moments, ordinary)

    def values(block: slice) -> np.ndarray:
        return surface.values(products, block)

    if pooling is None:
        return Lowest.joined(side_by_side(lambda block: surface.lowest(values(block)), blocks))
    curves = np.zeros((n_voxels, N_NODES[0] * N_NODES[1]), np.float32)

    def fill(block: slice) -> None:
        curves[block] = values(block).T

    side_by_side(fill, blocks)
    shared = pooled_curves(curves.T, ~moments.constant, pooling, neighbours)
    return Lowest.joined(side_by_side(lambda block: surface.lowest(shared[:, block]), blocks))


def gain_over_ar1(moments: Moments, basis: DesignBasis) -> np.ndarray:
    """How much twice the restricted log likelihood rises from AR(1) to ARMA(1,1), shape (n_voxels,); 0 where constant.

    Looked up on the likelihood's polynomials, to about 0.1. Under an AR(1) it is what one parameter too many gives.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    """
    with one_thread():
        surface = _Surface(basis, N_NODES_OF_VALUES)
    products = FilteredProducts(surface.averages, moments, OrdinaryFit.of(moments, basis), keep=False)
    values = surface.values(products, slice(None))
    alone = surface.dof * surface.polynomials.lowest_at_corner(values)
    return np.where(moments.constant, 0.0, np.maximum(alone - surface.lowest(values).value, 0))
