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
from glmwidgets.glm.noise.arma11_exact import OrdinaryFit
from glmwidgets.glm.noise.moving_average import (
    A_MAX,
    C_MAX,
    C_MIN,
    MovingAverages,
    own_spectra,
    own_weights,
    relaxed,
    stretched,
    terms,
)
from glmwidgets.glm.noise.polynomial_minima import Polynomials
from glmwidgets.glm.noise.pooling import pooled_curves
from glmwidgets.glm.noise.products import BLOCK, lagged_products
from glmwidgets.glm.parallel import even_blocks, side_by_side

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["U_MAX", "Lowest", "Unit", "gain_over_ar1", "lowest_points"]

# Nodes in c, and in the share of the way from a = c to A_MAX that a lies at. What is found is in the mean within 0.005
# of the least -2 log likelihood, which the chance of two parameters raises by 2.
N_NODES = (8, 8)

# Where the likelihood's value counts, not only the place where it is largest.
N_NODES_OF_VALUES = (13, 12)

# Coarse places in c <= 0, in c >= 0, and in the share of the way from the least a; these lie denser towards it, as
# powers of equally spaced ones.
N_COARSE, POWER = (10, 12, 12), 1.5

LOW, HIGH, U_MAX = stretched(np.array([C_MIN, C_MAX, A_MAX])).tolist()

# Coordinates of a fit that are larger than so many lengths of the residuals are taken from them in double precision.
LARGE = 30

TINY = np.finfo(np.float32).tiny


class Unit(NamedTuple):
    """Series of some voxels in units of the length of their residuals of ordinary least squares.

    Attributes
    ----------
    y : array of shape (n_scans, n_voxels)
        In single precision where that is enough.
    fitted : array of shape (rank, n_voxels)
        Coordinates of their fit.
    own : array of shape (n_spectra, n_voxels)
        Products of the series as they are with themselves; see `glmwidgets.glm.noise.moving_average`.
    per_power : array of shape (n_voxels,)
        One over the square of that length.
    """

    y: np.ndarray
    fitted: np.ndarray
    own: np.ndarray
    per_power: np.ndarray

    @classmethod
    def of(cls, moments: Moments, basis: DesignBasis, ordinary: OrdinaryFit, voxels: slice) -> Unit:
        """Those of some voxels, of which the fit of ordinary least squares is known."""
        fitted, power = ordinary.at(voxels)
        per_length = 1 / np.sqrt(np.where(power > 0, power, 1))
        fitted = fitted * per_length
        # The fit counts in units of what is left: wild scans with columns of their own want more digits.
        dtype = np.float64 if np.abs(fitted).max(initial=0) > LARGE else np.float32
        y = moments.block(voxels).astype(dtype)
        if not basis.spans_constant:
            y += moments.mean[voxels].astype(dtype)
        y *= per_length.astype(dtype)
        own = moments.power(own_spectra(basis.n_scans), basis.spans_constant)[:, voxels]
        return cls(y, fitted.astype(dtype), own, np.square(per_length))


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
        rows = averages.rows().reshape(-1, basis.n_scans)
        # Without what the design explains: their products with a series are those with its residuals.
        rows = rows - (rows @ basis.q) @ basis.q.T
        self._rows = {rows.dtype: rows, np.dtype(np.float32): rows.astype(np.float32)}
        self._own = own_weights(averages.c, basis.n_scans)
        self._turns = averages.rotation.transpose(0, 2, 1).reshape(-1, basis.rank)
        a = relaxed(nodes[:, None] + shares * (U_MAX - nodes[:, None]))
        self._penalty = averages.penalty(a).astype(np.float32)[..., None]
        self._explained = [averages.at_nodes(k, of_node, np.float32) for k, of_node in enumerate(a)]
        self._scale, self._g, _ = terms(averages.c[:, None], averages.at_edges.T[..., None], a)

    def values(self, unit: Unit) -> np.ndarray:
        """-2 log likelihood at the nodes, shape (n_nodes in c * in a, n_voxels)."""
        averages, (n_c, n_a), n_voxels = self.averages, self.n_nodes, unit.y.shape[1]
        products = (self._rows[unit.y.dtype] @ unit.y).reshape(n_c, -1, n_voxels)
        filtered = self._own @ unit.own
        filtered *= unit.per_power
        # The series are y = e + q g: y'Hy = e'He + 2 g'q'He + g'q'Hq g.
        turned = (self._turns.astype(products.dtype) @ unit.fitted).reshape(n_c, -1, n_voxels)
        out, rss = np.empty((n_c, n_a, n_voxels), np.float32), np.empty((n_a, n_voxels))
        for k, explained in enumerate(self._explained):
            cross, of_fit = products[k], turned[k]
            both = averages.diagonal[k].astype(cross.dtype)[:, None] * of_fit
            both += 2 * cross[:-2]
            filtered[k] -= np.einsum("jv,jv->v", of_fit, both)
            # Large terms that cancel, in double precision.
            np.multiply(-self._g[k][:, None], filtered[k], out=rss)
            rss += self._scale[k][:, None]
            rss -= explained(cross.astype(np.float32, copy=False))
            np.maximum(rss, TINY, out=out[k], casting="same_kind")
        np.log(out, out=out)
        out *= np.float32(self.dof)
        out += self._penalty
        return out.reshape(n_c * n_a, -1)

    def lowest(self, values: np.ndarray) -> Lowest:
        """Of the polynomials through the nodes."""
        value, x, share, tilt, bend = self.polynomials.lowest(values)
        c = LOW + (HIGH - LOW) * x
        way = U_MAX - c
        return Lowest(value, c, c + share * way, 1 - share + tilt * way / (HIGH - LOW), bend / np.square(way))


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
    moments.power(own_spectra(basis.n_scans), basis.spans_constant)
    surface, blocks = _Surface(basis), even_blocks(n_voxels, BLOCK)

    def values(block: slice) -> np.ndarray:
        return surface.values(Unit.of(moments, basis, ordinary, block))

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
    surface = _Surface(basis, N_NODES_OF_VALUES)
    ordinary = OrdinaryFit.of(lagged_products(moments, basis))
    values = surface.values(Unit.of(moments, basis, ordinary, slice(None)))
    alone = surface.polynomials.lowest_at_corner(values)
    return np.where(moments.constant, 0.0, np.maximum(alone - surface.lowest(values).value, 0))
