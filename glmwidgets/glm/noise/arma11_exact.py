"""ARMA(1,1) in each voxel where c is known: the exact optimum of a, the fit of the design, and its covariance.

With x a voxel's ``q' H e`` and F' the two rows ``F' D^-1 q`` of the ends, all that the likelihood and its slope need of
the design at any a are the sums over j of products of two columns of ``Z = [x, F]``, weighted by ``1 / d_j`` and by
``1 / d_j^2``, where d is the diagonal of ``q' W q``: see `glmwidgets.glm.noise.moving_average`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11_filters import AT_ONCE, LEVELS_AT_ONCE, FilteredSeries
from glmwidgets.glm.noise.arma11_waves import Waves
from glmwidgets.glm.noise.moving_average import (
    A_MAX,
    STRETCH,
    MovingAverages,
    relaxed,
    stretched,
    terms,
)
from glmwidgets.glm.noise.products import runs
from glmwidgets.glm.noise.profiles import interpolation
from glmwidgets.glm.parallel import even_blocks, side_by_side

# Steps to the optimum in a's coordinate, and how long one may be; one that is not longer than CLOSE is the last: a step
# leaves some hundredth of its length.
MOST_STEPS, LONGEST_STEP, CLOSE = 10, 0.1, 2e-3

# The penalty is a polynomial in a's coordinate through so many nodes; its slope is looked up in a table of so many
# places.
PENALTY_NODES, PENALTY_PLACES = 32, 400

TINY = np.finfo(np.float64).tiny

# Places in a symmetric matrix of what its upper triangle holds.
SYMMETRIC = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])


class Start(NamedTuple):
    """Where a is looked for.

    Attributes
    ----------
    place : array of shape (n_voxels,)
        The coordinate `stretched` of a.
    bend : array of shape (n_voxels,)
        Second derivative of -2 log likelihood with respect to it.
    is_fixed : bool
        Whether it is a, as where voxels share it.
    """

    place: np.ndarray
    bend: np.ndarray
    is_fixed: bool

    def at(self, voxels: np.ndarray) -> Start:
        """Of some of the voxels."""
        return Start(self.place[voxels], self.bend[voxels], self.is_fixed)


@dataclass(frozen=True)
class Filtered:
    """Products of residuals e of ordinary least squares, each voxel under its own c.

    Attributes
    ----------
    level : array of int, shape (n_voxels,)
        Which of the moving averages; rising.
    power, filtered : array of shape (n_voxels,)
        ``e'e`` and ``e'He``.
    cross : array of shape (rank, n_voxels)
        ``q'He`` in the coordinates of the moving average.
    edges : array of shape (2, n_voxels)
        ``F' D^-1 e``.
    """

    level: np.ndarray
    power: np.ndarray
    filtered: np.ndarray
    cross: np.ndarray
    edges: np.ndarray

    @classmethod
    def of(
        cls, averages: MovingAverages, waves: Waves, series: FilteredSeries, level: np.ndarray
    ) -> tuple[Filtered, np.ndarray]:
        """Take the fit of ordinary least squares from products of the series.

        Its coordinates in those of the moving average come second, shape (rank, n_voxels).
        """
        rank, parts, to_levels = averages.basis.rank, series.parts, waves.to_levels(averages)
        made, of_fit = np.empty((2 * rank + 2, level.size)), np.empty((rank, level.size))
        cross, edges, turned = made[:rank], made[rank : rank + 2], made[rank + 2 :]
        for k, some in runs(level):
            np.matmul(to_levels[k], parts[:, some], out=made[:, some])
            np.multiply(averages.diagonal[k][:, None], turned[:, some], out=of_fit[:, some])
        # y'Hy = e'He + 2 g'q'He + g'q'Hq g for the series y = e + q g.
        of_fit += cross
        of_fit += cross
        filtered = series.own - np.einsum("jv,jv->v", turned, of_fit)
        return cls(level, series.power.copy(), filtered, cross, edges), turned

    def at(self, voxels: np.ndarray) -> Filtered:
        """Those of some of the voxels, in order."""
        arrays = self.level, self.power, self.filtered, self.cross, self.edges
        return Filtered(*(each.take(voxels, axis=-1) for each in arrays))

    def in_single_precision(self) -> Filtered:
        """The same, with the rows that most time is spent on in single precision."""
        return replace(self, cross=self.cross.astype(np.float32))


def _between_ends(k: np.ndarray, within: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``(I - diag(k) within)^-1 diag(k) right``, for two ends: shapes (2, n), (2, 2, n) and (2, m, n)."""
    right = k[:, None] * right
    (p, q), (r, s) = np.eye(2)[..., None] - k[:, None] * within
    return np.stack([s * right[0] - q * right[1], p * right[1] - r * right[0]]) / (p * s - q * r)


@dataclass(frozen=True)
class Optimum:
    """A voxel's fit at some a.

    Attributes
    ----------
    rss : array of shape (n_voxels,)
        Residual sum of squares under W.
    slope : array of shape (n_voxels,), or None
        Its derivative with respect to a, where it was asked for.
    solution : array of shape (3, n_voxels)
        u: the fit of the design to e is ``-g diag(1/d) Z u``.
    g : array of shape (n_voxels,)
    """

    rss: np.ndarray
    slope: np.ndarray | None
    solution: np.ndarray
    g: np.ndarray


def coefficients(
    averages: MovingAverages,
    left: Filtered,
    fit: Optimum,
    weights: np.ndarray,
    ordinary: np.ndarray,
    mean: np.ndarray,
    out: np.ndarray,
) -> None:
    """Write the fit of the design to the series, in coordinates of the basis, into an array (rank, n_voxels).

    It is the sum of those of ordinary least squares, in coordinates of the moving average, of what is fitted to its
    residuals, and of the mean that was taken away, which must be zero where no column can give it back. `weights` are
    those that `solve` has left.
    """
    rank = averages.basis.rank
    constant = np.broadcast_to(averages.basis.constant[:, None], (averages.c.size, rank, 1))
    to_basis = np.concatenate([averages.rotation, constant], axis=2)
    here, stretches = np.empty((rank + 1, mean.size)), list(runs(left.level))
    of_x, *of_ends = fit.solution * -fit.g
    of_ends = np.stack(of_ends)
    for k, some in stretches:
        np.matmul(averages.edges[k], of_ends[:, some], out=here[:-1, some])
    here[:-1] *= weights[:rank]
    here[:-1] += of_x * weights[rank:]
    here[:-1] += ordinary
    here[-1] = mean
    for k, some in stretches:
        np.matmul(to_basis[k], here[:, some], out=out[:, some])


def _sums(
    averages: MovingAverages, left: Filtered, scale: np.ndarray, g: np.ndarray, n_powers: int, weights: np.ndarray
) -> np.ndarray:
    """``Z' diag(1/d) Z``, then ``Z' diag(1/d^2) Z``, symmetric, shape (n_powers, 3, 3, n_voxels).

    The last of these weights go into an array (2 * rank, n_voxels), and below them these times x.
    """
    rank, dtype = averages.basis.rank, left.cross.dtype
    out, scale, g = np.empty((n_powers, 6, scale.size)), scale.astype(dtype), g.astype(dtype)
    minus = -averages.diagonal[..., None].astype(dtype)
    # F' diag(1/d) x, then F' diag(1/d) F, in one product.
    of_edges = np.zeros((minus.shape[0], 5, 2 * rank), dtype)
    of_edges[:, :2, rank:] = averages.edges.transpose(0, 2, 1)
    of_edges[:, 2:, :rank] = averages.edge_products.transpose(0, 2, 1)
    alone, times_x, stretches = weights[:rank], weights[rank:], list(runs(left.level))
    for k, some in stretches:
        np.multiply(minus[k], g[some], out=alone[:, some])
    alone += scale
    np.divide(1, alone, out=alone)
    for power, each in enumerate(out):
        if power:
            np.square(alone, out=alone)
        np.multiply(alone, left.cross, out=times_x)
        each[0] = np.einsum("jv,jv->v", times_x, left.cross)
        for k, some in stretches:
            each[1:, some] = of_edges[k] @ weights[:, some]
    return out[:, SYMMETRIC]


def solve(
    averages: MovingAverages, left: Filtered, a: np.ndarray, weights: np.ndarray, with_slope: bool = True
) -> Optimum:
    """Fit of the design to e at values of a, one a voxel.

    `weights` is an array (2 * rank, n_voxels) of the precision of the products; without the slope, 1/d is left there,
    and below that 1/d times x.
    """
    c, at_edges = averages.c[left.level], averages.at_edges[left.level].T
    scale, g, w = terms(c, at_edges, a)
    one, *higher = _sums(averages, left, scale, g, 1 + with_slope, weights)
    # q'Wq s = -g Z v for the fit s = -g diag(1/d) Z u: u is v but for what the two ends add.
    v = np.stack([np.ones_like(a), *(w * left.edges)])
    within = one[1:, 1:]
    u = v.copy()
    u[1:] += _between_ends(g * w, within, (one[1:, 0] + np.einsum("ijv,jv->iv", within, v[1:]))[:, None])[:, 0]
    of_one = np.einsum("ijv,jv->iv", one, u)
    inner = left.filtered + (w * left.edges**2).sum(axis=0)
    rss = scale * left.power - g * inner - g**2 * np.einsum("iv,iv->v", v, of_one)
    if not with_slope:
        return Optimum(rss, None, u, g)
    (two,) = higher
    # The fit minimises rss: its derivative is that of W alone, between the residuals that the fit leaves.
    squares = np.einsum("iv,iv->v", u, np.einsum("ijv,jv->iv", two, u))
    edges = np.square(left.edges + g * of_one[1:])
    inner = left.filtered + 2 * g * of_one[0] + g * (scale * squares - np.einsum("iv,iv->v", u, of_one))
    inner += (w * edges).sum(axis=0)
    of_w = np.square(1 / (1 - c * at_edges * a))
    slope = (2 * a - c) * (left.power + g**2 * squares) - (1 - 2 * a * c + c**2) * inner
    return Optimum(rss, slope - g * (of_w * edges).sum(axis=0), u, g)


@cache
def _penalty_table() -> tuple[np.ndarray, np.ndarray]:
    """Nodes on the way from the least a to the largest, and what makes slopes at the places of values there."""
    places, half = np.linspace(0, 1, PENALTY_PLACES), 1e-4
    nodes, before = interpolation(0, 1, PENALTY_NODES, places - half)
    _, after = interpolation(0, 1, PENALTY_NODES, places + half)
    return nodes, ((after - before) / (2 * half)).T


class PenaltySlope:
    """Derivative of `MovingAverages.penalty` with respect to a's coordinate, looked up between places of a table."""

    def __init__(self, averages: MovingAverages):
        self.low, high = stretched(np.maximum(averages.c, 0)), stretched(A_MAX)
        self._averages, self._way = averages, high - self.low

    @cached_property
    def _table(self) -> np.ndarray:
        nodes, to_slopes = _penalty_table()
        values = self._averages.penalty(relaxed(self.low[:, None] + nodes * self._way[:, None]))
        return values @ to_slopes / self._way[:, None]

    def __call__(self, level: np.ndarray, u: np.ndarray) -> np.ndarray:
        """At coordinates of a of shape (n_voxels,), of voxels whose c are of some level."""
        place = np.clip((u - self.low[level]) / self._way[level], 0, 1) * (PENALTY_PLACES - 1)
        below = np.minimum(place.astype(np.intp), PENALTY_PLACES - 2)
        least, most = self._table[level, below], self._table[level, below + 1]
        return least + (place - below) * (most - least)


def best_a(averages: MovingAverages, left: Filtered, start: Start) -> np.ndarray:
    """The exact optimum of a, by steps with the exact slope from a start that is close."""
    of_penalty = PenaltySlope(averages)
    low, high = of_penalty.low[left.level], stretched(A_MAX)
    place = np.clip(start.place, low, high)
    if not start.is_fixed:
        _step_to_optimum(averages, left.in_single_precision(), place, start.bend, of_penalty)
    # Both ends as they are, not to rounding: a = c is white noise.
    return np.select([place <= low, place >= high], [np.maximum(averages.c[left.level], 0), A_MAX], relaxed(place))


def _step_to_optimum(
    averages: MovingAverages, left: Filtered, place: np.ndarray, bend: np.ndarray, of_penalty: PenaltySlope
) -> None:
    """Move coordinates of a, which are close, to where the slope is zero."""
    dof = averages.basis.n_scans - averages.basis.rank
    low, high = of_penalty.low[left.level], stretched(A_MAX)
    some, here, before, slope_before = np.arange(place.size), left, None, None
    weights = np.empty((2 * averages.basis.rank, place.size), left.cross.dtype)
    for _ in range(MOST_STEPS):
        now, a = place[some], relaxed(place[some])
        fit = solve(averages, here, a, weights[:, : some.size])
        of_rss = fit.slope * (1 - (STRETCH * a) ** 2) / STRETCH
        slope = dof * of_rss / np.maximum(fit.rss, TINY) + of_penalty(here.level, now)
        if slope_before is not None:
            moved = now - before
            secant = (slope - slope_before) / np.where(moved != 0, moved, np.inf)
            bend = np.where(secant > bend / 10, secant, bend)
        step = np.where(bend > 0, -slope / np.where(bend > 0, bend, 1), -np.sign(slope) * LONGEST_STEP)
        place[some] = after = np.clip(now + np.clip(step, -LONGEST_STEP, LONGEST_STEP), low[some], high)
        far = np.flatnonzero(np.abs(after - now) > CLOSE)
        if far.size == 0:
            break
        some, here, bend, slope_before, before = some[far], here.at(far), bend[far], slope[far], now[far]


class Settled(NamedTuple):
    """Voxels whose c are among some moving averages, and their a.

    Attributes
    ----------
    averages : MovingAverages
    voxels, level : array of int, shape (n,)
        Which moving average is whose; rising.
    a : array of shape (n,)
    """

    averages: MovingAverages
    voxels: np.ndarray
    level: np.ndarray
    a: np.ndarray

    def covariance(self, contrast: np.ndarray) -> np.ndarray:
        """``c (q' W q)^-1 c'`` of shape (m, m, n)."""
        averages, m = self.averages, len(contrast)
        scale, g, w = terms(averages.c[self.level], averages.at_edges[self.level].T, self.a)
        i, j = np.triu_indices(m + 2)
        # Products of the contrast and of the ends, weighted by 1/d: an upper triangle.
        sums = np.empty((i.size, self.a.size))
        for k, some in runs(self.level):
            both = np.concatenate([contrast @ averages.rotation[k], averages.edges[k].T])
            np.matmul(both[i] * both[j], 1 / (scale[some] - g[some] * averages.diagonal[k][:, None]), out=sums[:, some])
        whole = np.empty((m + 2, m + 2, self.a.size))
        whole[i, j] = whole[j, i] = sums
        return whole[:m, :m] + np.einsum(
            "ikv,kjv->ijv", whole[:m, m:], _between_ends(g * w, whole[m:, m:], whole[m:, :m])
        )


class Estimates(NamedTuple):
    """What is found of all voxels, block by block and in the order of the run.

    Attributes
    ----------
    coefficients : array of shape (n_voxels, rank)
        Of the series as they were given (not centred).
    rss, a : array of shape (n_voxels,)
    """

    coefficients: np.ndarray
    rss: np.ndarray
    a: np.ndarray


def settle(
    series: FilteredSeries,
    waves: Waves,
    moments: Moments,
    basis: DesignBasis,
    levels: np.ndarray,
    level: np.ndarray,
    start: Start,
) -> tuple[Estimates, ARMAPrecision]:
    """Find a where c is known, and fit the design.

    Parameters
    ----------
    series : FilteredSeries
    waves : Waves
        Of the design.
    moments : Moments
    basis : DesignBasis
    levels : array of shape (n_levels,)
        Values of c.
    level : array of int, shape (n_voxels,)
        Which is whose.
    start : Start
    """
    # Short integers are sorted at once.
    order = np.argsort(level.astype(np.int16) if levels.size < 2**15 else level, kind="stable")
    into = Estimates(np.empty((level.size, basis.rank)), *np.empty((2, level.size)))

    def fit_block(block: slice) -> list[Settled]:
        return [fit_levels(order[block][some]) for some in _few_levels(level[order[block]])]

    def fit_levels(voxels: np.ndarray) -> Settled:
        of_each = level[voxels]
        first, last = of_each[0], of_each[-1]
        averages = MovingAverages(basis, levels[first : last + 1])
        here, of_each = series.at(voxels), of_each - first
        left, ordinary = Filtered.of(averages, waves, here, of_each)
        solution = np.empty((voxels.size, basis.rank))
        a, weights = best_a(averages, left, start.at(voxels)), np.empty((2 * basis.rank, voxels.size))
        fit = solve(averages, left, a, weights, with_slope=False)
        mean = moments.mean[voxels] if basis.spans_constant else np.zeros(voxels.size)
        coefficients(averages, left, fit, weights, ordinary, mean, out=solution.T)
        into.coefficients[voxels], into.rss[voxels], into.a[voxels] = solution, fit.rss, a
        return Settled(averages, voxels, of_each, a)

    settled = side_by_side(fit_block, even_blocks(level.size, AT_ONCE))
    return into, ARMAPrecision(tuple(chain.from_iterable(settled)))


def _few_levels(level: np.ndarray) -> list[slice]:
    """Stretches of rising levels, of which none spans more than can be made at once."""
    starts = np.searchsorted(level, np.arange(level[0], level[-1] + 1, LEVELS_AT_ONCE))
    return [slice(*ends) for ends in pairwise([*starts, level.size])]


@dataclass(frozen=True)
class ARMAPrecision:
    """``q' W q`` of every voxel."""

    settled: tuple[Settled, ...]

    def covariance(self, contrast: np.ndarray) -> np.ndarray:
        """``c G^-1 c'`` of shape (m, m, n_voxels)."""
        out = np.empty((len(contrast), len(contrast), sum(each.a.size for each in self.settled)))

        def fill(each: Settled) -> None:
            out[..., each.voxels] = each.covariance(contrast)

        side_by_side(fill, self.settled)
        return out
