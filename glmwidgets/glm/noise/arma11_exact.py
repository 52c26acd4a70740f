"""ARMA(1,1) in each voxel where c is known: the exact optimum of a, the fit of the design, and its covariance.

With x a voxel's ``q' H e`` and F' the two rows ``F' D^-1 q`` of the ends, all that the likelihood and its slope need of
the design at any a are the sums over j of products of two columns of ``Z = [x, F]``, weighted by ``1 / d_j`` and by
``1 / d_j^2``, where d is the diagonal of ``q' W q``: see `glmwidgets.glm.noise.moving_average`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.moving_average import (
    A_MAX,
    STRETCH,
    MovingAverages,
    relaxed,
    stretched,
    terms,
)
from glmwidgets.glm.noise.products import BLOCK, Products, runs
from glmwidgets.glm.noise.profiles import interpolation
from glmwidgets.glm.parallel import even_blocks, side_by_side

# Steps to the optimum in a's coordinate, and how long one may be; one that is not longer than CLOSE is the last: a step
# leaves some hundredth of its length.
MOST_STEPS, LONGEST_STEP, CLOSE = 10, 0.1, 2e-3

# Voxels whose series are filtered at once: with fewer, calls for a scan of them take longer than their arithmetic.
FILTERED_AT_ONCE = BLOCK

# Of the sum and the difference of the ends, which F holds at unit length.
HALF = 0.5**0.5

# The penalty is a polynomial in a's coordinate through so many nodes; its slope is looked up in a table of so many
# places.
PENALTY_NODES, PENALTY_PLACES = 32, 400

TINY = np.finfo(np.float64).tiny

# Places in a symmetric matrix of what its upper triangle holds.
SYMMETRIC = np.array([[0, 1, 2], [1, 3, 4], [2, 4, 5]])


class OrdinaryFit(NamedTuple):
    """Fit of ordinary least squares: coordinates of shape (rank, n_voxels), and residual sums of squares."""

    fitted: np.ndarray
    power: np.ndarray

    @classmethod
    def of(cls, parts: Products) -> OrdinaryFit:
        """That of the series that the products are of."""
        fitted = parts.cross[0]
        return cls(fitted, np.maximum(parts.own[0] - np.einsum("jv,jv->v", fitted, fitted), 0))

    def at(self, voxels: slice | np.ndarray) -> OrdinaryFit:
        """That of some voxels."""
        if isinstance(voxels, slice):
            return OrdinaryFit(self.fitted[:, voxels], self.power[voxels])
        return OrdinaryFit(self.fitted.take(voxels, axis=1), self.power.take(voxels))


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

    def at(self, block: slice) -> Start:
        """Of some of the voxels."""
        return Start(self.place[block], self.bend[block], self.is_fixed)


class FilteredSeries(NamedTuple):
    """Products of series y, each voxel under its own c.

    Attributes
    ----------
    rows : array of shape (rank + 2, n_voxels)
        ``q'Hy``, then ``F' D^-1 y``.
    own : array of shape (n_voxels,)
        ``y'Hy``.
    """

    rows: np.ndarray
    own: np.ndarray

    def at(self, voxels: np.ndarray) -> FilteredSeries:
        """Those of some of the voxels."""
        return FilteredSeries(self.rows.take(voxels, axis=1), self.own.take(voxels))


def filter_series(moments: Moments, basis: DesignBasis, c: np.ndarray) -> FilteredSeries:
    """Products of the series of all voxels, each under its own c.

    ``D = M + c^2 e e'`` with e the column of the first scan and ``M = (I - c L)(I - c L')``, where L shifts by a scan:
    ``M u = y`` is solved forward and backward in time, by the whole of a row of voxels at once, and ``(M^-1 - I) / c``
    of a series is what the first of these solutions was a scan before and the second a scan after, also where c is 0.
    The column adds a matrix of rank one (Sherman and Morrison's identity).
    """
    n, rows = basis.n_scans, np.ascontiguousarray(basis.q.T)
    out, own = FilteredSeries(np.empty((basis.rank + 2, c.size)), np.empty(c.size)), threading.local()

    def multiply(block: slice) -> None:
        y, of_block = moments.block(block), c[block]
        if not basis.spans_constant:
            y = y + moments.mean[block]
        if not hasattr(own, "into"):
            own.into = np.empty(n * FILTERED_AT_ONCE)
        filtered = own.into[: y.size].reshape(y.shape)
        first, last = _solve_in_time(y, of_block, filtered)
        np.matmul(rows, filtered, out=out.rows[:-2, block])
        out.own[block] = np.einsum("tv,tv->v", y, filtered)
        # Of M^-1 e: what its product with the design is, its first and its last scan.
        levels, level = np.unique(of_block, return_inverse=True)
        power = levels ** np.arange(n)[:, None]
        column = np.cumsum(np.square(power), axis=0)[::-1] * power
        per_first = 1 / (1 + np.square(levels) * column[0])
        share = (levels * per_first)[level] * first
        out.rows[:-2, block] -= (rows @ column).take(level, axis=1) * share
        out.own[block] -= share * first
        ends = np.stack([per_first[level] * first, last - of_block * column[-1][level] * share])
        out.rows[-2, block], out.rows[-1, block] = HALF * (ends[0] + ends[1]), HALF * (ends[0] - ends[1])

    side_by_side(multiply, even_blocks(c.size, FILTERED_AT_ONCE))
    return out


def _solve_in_time(y: np.ndarray, c: np.ndarray, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write ``(M^-1 - I) y / c`` into an array like y, in double precision; the ends of ``M^-1 y``."""
    before, product = out[0], np.empty_like(c)
    before[:] = y[0]
    for row, of_scan in zip(out[1:], y[1:], strict=True):
        np.multiply(c, before, out=product)
        np.add(product, of_scan, out=row)
        before = row
    after, last = before.copy(), before.copy()
    if len(out) > 1:
        out[-1] = out[-2]
    for t in range(len(out) - 2, -1, -1):
        np.multiply(c, after, out=product)
        product += out[t]
        # The row is not needed any more, that before it is.
        if t:
            np.add(out[t - 1], after, out=out[t])
        else:
            out[0] = after
        after, product = product, after
    return after, last


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
    def of(cls, averages: MovingAverages, series: FilteredSeries, ordinary: OrdinaryFit, level: np.ndarray) -> Filtered:
        """Take the fit of ordinary least squares from products of the series."""
        fitted, power = ordinary
        filtered, cross, edges = series.own.copy(), np.empty_like(fitted), np.empty((2, level.size))
        for k, some in runs(level):
            turned = averages.rotation[k].T @ fitted[:, some]
            of_fit = averages.diagonal[k][:, None] * turned
            np.matmul(averages.rotation[k].T, series.rows[:-2, some], out=cross[:, some])
            cross[:, some] -= of_fit
            np.subtract(series.rows[-2:, some], averages.edges[k].T @ turned, out=edges[:, some])
            # y'Hy = e'He + 2 g'q'He + g'q'Hq g for the series y = e + q g.
            of_fit += 2 * cross[:, some]
            filtered[some] -= np.einsum("jv,jv->v", turned, of_fit)
        return cls(level, power, filtered, cross, edges)

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
    """

    rss: np.ndarray
    slope: np.ndarray | None
    solution: np.ndarray


def coefficients(
    averages: MovingAverages, left: Filtered, a: np.ndarray, solution: np.ndarray, out: np.ndarray
) -> None:
    """Write the fit of the design to e, in coordinates of the basis, into an array (rank, n_voxels)."""
    scale, g, _ = terms(averages.c[left.level], averages.at_edges[left.level].T, a)
    for k, some in runs(left.level):
        of_z = solution[0, some] * left.cross[:, some] + averages.edges[k] @ solution[1:, some]
        of_z *= -g[some] / (scale[some] - g[some] * averages.diagonal[k][:, None])
        np.matmul(averages.rotation[k], of_z, out=out[:, some])


def _sums(averages: MovingAverages, left: Filtered, scale: np.ndarray, g: np.ndarray, n_powers: int) -> np.ndarray:
    """``Z' diag(1/d) Z``, then ``Z' diag(1/d^2) Z``, symmetric, shape (n_powers, 3, 3, n_voxels)."""
    dtype = left.cross.dtype
    out, scale, g = np.empty((n_powers, 6, scale.size)), scale.astype(dtype), g.astype(dtype)
    diagonal, of_edge, products = (
        each.astype(dtype) for each in (averages.diagonal, averages.edges, averages.edge_products)
    )
    for k, some in runs(left.level):
        cross = left.cross[:, some]
        weights = g[some] * -diagonal[k][:, None]
        weights += scale[some]
        np.divide(1, weights, out=weights)
        for power, each in enumerate(out):
            if power:
                np.square(weights, out=weights)
            weighted = weights * cross
            each[0, some] = np.einsum("jv,jv->v", weighted, cross)
            each[1:3, some] = of_edge[k].T @ weighted
            each[3:, some] = products[k].T @ weights
    return out[:, SYMMETRIC]


def solve(averages: MovingAverages, left: Filtered, a: np.ndarray, with_slope: bool = True) -> Optimum:
    """Fit of the design to e at values of a, one a voxel."""
    c, at_edges = averages.c[left.level], averages.at_edges[left.level].T
    scale, g, w = terms(c, at_edges, a)
    one, *higher = _sums(averages, left, scale, g, 1 + with_slope)
    # q'Wq s = -g Z v for the fit s = -g diag(1/d) Z u: u is v but for what the two ends add.
    v = np.stack([np.ones_like(a), *(w * left.edges)])
    within = one[1:, 1:]
    u = v.copy()
    u[1:] += _between_ends(g * w, within, (one[1:, 0] + np.einsum("ijv,jv->iv", within, v[1:]))[:, None])[:, 0]
    of_one = np.einsum("ijv,jv->iv", one, u)
    inner = left.filtered + (w * left.edges**2).sum(axis=0)
    rss = scale * left.power - g * inner - g**2 * np.einsum("iv,iv->v", v, of_one)
    if not with_slope:
        return Optimum(rss, None, u)
    (two,) = higher
    # The fit minimises rss: its derivative is that of W alone, between the residuals that the fit leaves.
    squares = np.einsum("iv,iv->v", u, np.einsum("ijv,jv->iv", two, u))
    edges = np.square(left.edges + g * of_one[1:])
    inner = left.filtered + 2 * g * of_one[0] + g * (scale * squares - np.einsum("iv,iv->v", u, of_one))
    inner += (w * edges).sum(axis=0)
    of_w = np.square(1 / (1 - c * at_edges * a))
    slope = (2 * a - c) * (left.power + g**2 * squares) - (1 - 2 * a * c + c**2) * inner
    return Optimum(rss, slope - g * (of_w * edges).sum(axis=0), u)


class PenaltySlope:
    """Derivative of `MovingAverages.penalty` with respect to a's coordinate, looked up between places of a table."""

    def __init__(self, averages: MovingAverages):
        self.low, high = stretched(np.maximum(averages.c, 0)), stretched(A_MAX)
        places = np.linspace(0, 1, PENALTY_PLACES)
        half = 1e-4
        nodes, before = interpolation(0, 1, PENALTY_NODES, places - half)
        _, after = interpolation(0, 1, PENALTY_NODES, places + half)
        self._way = high - self.low
        values = averages.penalty(relaxed(self.low[:, None] + nodes * self._way[:, None]))
        self._table = values @ ((after - before) / (2 * half)).T / self._way[:, None]

    def __call__(self, level: np.ndarray, u: np.ndarray) -> np.ndarray:
        """At coordinates of a of shape (n_voxels,), of voxels whose c are of some level."""
        place = np.clip((u - self.low[level]) / self._way[level], 0, 1) * (PENALTY_PLACES - 1)
        below = np.minimum(place.astype(np.intp), PENALTY_PLACES - 2)
        least, most = self._table[level, below], self._table[level, below + 1]
        return least + (place - below) * (most - least)


def best_fit(
    averages: MovingAverages, left: Filtered, start: Start, of_penalty: PenaltySlope, out: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit of the design to e at the exact optimum of a, by steps with the exact slope from a start that is close.

    Parameters
    ----------
    averages : MovingAverages
    left : Filtered
    start : Start
    of_penalty : PenaltySlope
        Of the same moving averages.
    out : array of shape (rank, n_voxels)
        Where the fit is written, in coordinates of the basis.

    Returns
    -------
    a, rss : array of shape (n_voxels,)
    """
    low, high = of_penalty.low[left.level], stretched(A_MAX)
    place = np.clip(start.place, low, high)
    if not start.is_fixed:
        _step_to_optimum(averages, left.in_single_precision(), place, start.bend, of_penalty)
    # Both ends as they are, not to rounding: a = c is white noise.
    a = np.select([place <= low, place >= high], [np.maximum(averages.c[left.level], 0), A_MAX], relaxed(place))
    fit = solve(averages, left, a, with_slope=False)
    coefficients(averages, left, a, fit.solution, out)
    return a, fit.rss


def _step_to_optimum(
    averages: MovingAverages, left: Filtered, place: np.ndarray, bend: np.ndarray, of_penalty: PenaltySlope
) -> None:
    """Move coordinates of a, which are close, to where the slope is zero."""
    dof = averages.basis.n_scans - averages.basis.rank
    low, high = of_penalty.low[left.level], stretched(A_MAX)
    some, here, before, slope_before = np.arange(place.size), left, None, None
    for _ in range(MOST_STEPS):
        now, a = place[some], relaxed(place[some])
        fit = solve(averages, here, a)
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


def settle(
    series: FilteredSeries,
    averages: MovingAverages,
    voxels: np.ndarray,
    level: np.ndarray,
    ordinary: OrdinaryFit,
    start: Start,
) -> tuple[Settled, np.ndarray, np.ndarray]:
    """Find a where c is known, and fit the design.

    Parameters
    ----------
    series : FilteredSeries
        Of the whole run.
    averages : MovingAverages
    voxels, level : array of int, shape (n,)
        Which moving average is whose; rising.
    ordinary : OrdinaryFit
        Of the whole run.
    start : Start
        Of these voxels.

    Returns
    -------
    settled : Settled
    solution : array of shape (rank, n)
        What the fit adds to that of ordinary least squares.
    rss : array of shape (n,)
    """
    penalty = PenaltySlope(averages)
    a, rss = np.empty((2, voxels.size))
    solution = np.empty((averages.basis.rank, voxels.size))

    def fit_block(block: slice) -> None:
        some = voxels[block]
        left = Filtered.of(averages, series.at(some), ordinary.at(some), level[block])
        a[block], rss[block] = best_fit(averages, left, start.at(block), penalty, out=solution[:, block])

    side_by_side(fit_block, even_blocks(voxels.size, BLOCK))
    return Settled(averages, voxels, level, a), solution, rss


@dataclass(frozen=True)
class ARMAPrecision:
    """``q' W q`` of every voxel."""

    settled: tuple[Settled, ...]

    def covariance(self, contrast: np.ndarray) -> np.ndarray:
        """``c G^-1 c'`` of shape (m, m, n_voxels)."""
        out = np.empty((len(contrast), len(contrast), sum(each.a.size for each in self.settled)))
        for each in self.settled:
            out[..., each.voxels] = each.covariance(contrast)
        return out
