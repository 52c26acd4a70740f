"""Autoregression with a moving average of one scan, ARMA(1,1), by restricted maximum likelihood in each voxel.

    e_t = a e_{t-1} + u_t + b u_{t-1},    0 <= a <= .98,    -.95 <= b <= .8,    a + b >= 0,

has at lag k >= 1 the autocorrelation ``lam a^(k-1)`` with ``lam = (b + a)(1 + a b) / (1 + 2 a b + b^2)``, which is not
negative (the parameters are those of AFNI's 3dREMLfit, whose default range lies inside of this one). For b < 0 it is an
autoregression of correlation a seen through white noise, whose share of the variance is ``1 - lam / a``; for b > 0
neighbouring scans are more alike than that, as after interpolation or smoothing over time.

With ``c = -b``, ``T = (1 + a^2) I - a S - a^2 E`` the precision of the autoregression and ``D = (1 + c^2) I - c S`` the
covariance of the moving average, S being the sum of both one-scan shifts and E non-zero at both ends of the run only,
the precision of e up to the innovations' variance is ``W = T (D - a c E)^-1``. With ``H = (S - c I) D^-1``, which does
not know a, and F the two unit columns of the ends that D keeps apart (their sum and their difference),

    W = (1 + a^2 - a c) I - g H - g D^-1 F diag(w) F' D^-1,    g = (1 - a c)(a - c),    w = a / (1 - a c F' D^-1 F).

In coordinates q in which ``q' H q`` is diagonal, ``q' W q`` is a diagonal and a matrix of rank two at every a. So one
product with the series for a value of c serves all values of a. Sines diagonalise H for every c, which makes these
products weighted sums of spectra. At c = 0 all this is the autoregression's.

The restricted likelihood ``-2 l = (n - p) log rss + log |q' W q| - log |W|`` is computed on a few nodes of (c, a), its
lowest point found on the polynomial through them; c is then rounded to its lattice, and a is the exact optimum there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial import chebyshev

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1 import check_bins
from glmwidgets.glm.noise.pooling import pooled_curves
from glmwidgets.glm.noise.products import BLOCK, LaggedProducts, NoiseFit
from glmwidgets.glm.noise.profiles import ExplainedAtNodes, interpolation, solve_low_rank
from glmwidgets.glm.parallel import side_by_side

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["A_MAX", "C_MAX", "C_MIN", "MovingAverage", "fit_arma11", "gain_over_ar1"]

A_MAX, C_MAX, C_MIN = 0.98, 0.95, -0.8

# Nodes and fine places in c, and in the share of the way from the least a to A_MAX that a lies at.
N_NODES, N_FINE = (10, 8), (24, 18)
N_NODES_POOLED, N_FINE_POOLED = (14, 12), (48, 40)

SECANT_STEPS = 3
PENALTY_DEGREE = 32

TINY = np.finfo(np.float64).tiny


def _sines(x: np.ndarray) -> np.ndarray:
    """Weights of the sines ``sin(pi j t / (n + 1))``, orthonormal, that make up the columns of x."""
    from scipy.fft import dst

    return dst(x, 1, axis=0, norm="ortho")


def _end_columns(n: int) -> np.ndarray:
    f = np.zeros((n, 2))
    f[0], f[-1] = 0.5**0.5, [0.5**0.5, -(0.5**0.5)]
    return f


class MovingAverage:
    """What a value of c makes of a design: coordinates in which ``q' H q`` is diagonal.

    Parameters
    ----------
    basis : DesignBasis
    c : float
        Between -1 and 1.

    Attributes
    ----------
    rotation : array of shape (rank, rank)
        Orthonormal: coordinates of `basis` are ``rotation @ coordinates here``.
    diagonal : array of shape (rank,)
        Of ``q' H q``.
    edges : array of shape (rank, 2)
        ``q' D^-1 F``.
    at_edges : array of shape (2,)
        Diagonal of ``F' D^-1 F``, which has nothing beside it.
    """

    def __init__(self, basis: DesignBasis, c: float):
        self.c = float(c)
        n = basis.n_scans
        f = _end_columns(n)
        of_f, of_q = self.inverse(f), self.filtered(self.inverse(basis.q))
        self.diagonal, self.rotation = np.linalg.eigh(basis.q.T @ of_q)
        self.edges = self.rotation.T @ (basis.q.T @ of_f)
        self.at_edges = np.einsum("ti,ti->i", f, of_f)
        self._log_d = np.log1p(-(self.c ** (2 * n + 2))) - np.log1p(-(self.c**2))

    def inverse(self, x: np.ndarray) -> np.ndarray:
        """``D^-1 x``."""
        from scipy.linalg import solveh_banded

        banded = np.empty((2, len(x)))
        banded[0], banded[1] = -self.c, 1 + self.c**2
        return solveh_banded(banded, x, check_finite=False)

    def filtered(self, solved: np.ndarray) -> np.ndarray:
        """``H x`` from ``D^-1 x``."""
        out = solved * -self.c
        out[1:] += solved[:-1]
        out[:-1] += solved[1:]
        return out

    def spectrum(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Eigenvalues of ``D^-1`` and of H, belonging to the sines ``sin(pi j t / (n + 1))``, each (n,)."""
        twice = 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
        inverse = 1 / (1 + self.c**2 - self.c * twice)
        return inverse, (twice - self.c) * inverse

    def terms(self, a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``1 + a^2 - a c``, g, and w of shape (2, n), at values of a of shape (n,)."""
        c = self.c
        return 1 + a * (a - c), (1 - a * c) * (a - c), a / (1 - c * np.multiply.outer(self.at_edges, a))

    def at_nodes(self, a: np.ndarray, dtype: type = np.float64) -> ExplainedAtNodes:
        """What the design explains, and ``log |q' W q|``, at values of a."""
        scale, g, w = self.terms(a)
        return ExplainedAtNodes(scale[:, None] - g[:, None] * self.diagonal, self.edges, g, w.T, (g * w).T, dtype)

    def penalty(self, a: np.ndarray) -> np.ndarray:
        """``log |q' W q| - log |W|``: the part of the restricted likelihood that no data enter."""
        of_edges = np.log1p(-self.c * np.multiply.outer(self.at_edges, a)).sum(axis=0)
        return self.at_nodes(a).log_determinant + self._log_d + of_edges - np.log1p(-(a**2))


@dataclass(frozen=True)
class Filtered:
    """Products of residuals e of ordinary least squares under one value of c.

    Attributes
    ----------
    power, filtered : array of shape (n_voxels,)
        ``e'e`` and ``e'He``.
    cross : array of shape (rank, n_voxels)
        ``q'He`` in the coordinates of the moving average.
    edges : array of shape (2, n_voxels)
        ``F' D^-1 e``.
    """

    power: np.ndarray
    filtered: np.ndarray
    cross: np.ndarray
    edges: np.ndarray

    def of(self, average: MovingAverage, voxels: np.ndarray) -> Filtered:
        """Those of some voxels, from coordinates of the basis to those of their moving average."""
        cross = average.rotation.T @ self.cross[:, voxels]
        return Filtered(self.power[voxels], self.filtered[voxels], cross, self.edges[:, voxels])

    def solve(self, average: MovingAverage, a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Fit of the design to e in the average's coordinates, rss under W, and its derivative with respect to a."""
        c = average.c
        scale, g, w = average.terms(a)
        b = -g * (self.cross + average.edges @ (w * self.edges))
        solution = solve_low_rank(scale - g * average.diagonal[:, None], average.edges, g * w, b)
        inner = self.filtered + (w * self.edges**2).sum(axis=0)
        rss = scale * self.power - g * inner - np.einsum("jv,jv->v", b, solution)
        # The fit minimises rss: its derivative is that of W alone, between the residuals that the fit leaves.
        squares = np.square(solution)
        edges = np.square(self.edges - average.edges.T @ solution)
        inner = self.filtered - 2 * np.einsum("jv,jv->v", solution, self.cross) + average.diagonal @ squares
        inner += (w * edges).sum(axis=0)
        of_w = np.square(1 / (1 - c * np.multiply.outer(average.at_edges, a)))
        slope = (2 * a - c) * (self.power + squares.sum(axis=0)) - (1 - 2 * a * c + c**2) * inner
        return solution, rss, slope - g * (of_w * edges).sum(axis=0)


@dataclass(frozen=True)
class ARMAPrecision:
    """``q' W q`` of every voxel, those of one c together.

    Attributes
    ----------
    averages : tuple of MovingAverage
    voxels : tuple of int arrays
        Voxels of each.
    a : array of shape (n_voxels,)
    """

    averages: tuple[MovingAverage, ...]
    voxels: tuple[np.ndarray, ...]
    a: np.ndarray

    def covariance(self, contrast: np.ndarray) -> np.ndarray:
        """``c G^-1 c'`` of shape (m, m, n_voxels)."""
        out = np.empty((len(contrast), len(contrast), self.a.size))
        for average, voxels in zip(self.averages, self.voxels, strict=True):
            scale, g, w = average.terms(self.a[voxels])
            d = scale - g * average.diagonal[:, None]
            rows = contrast @ average.rotation
            for i, row in enumerate(rows):
                out[:, i, voxels] = rows @ solve_low_rank(d, average.edges, g * w, row[:, None])
        return out


@dataclass(frozen=True)
class _Surface:
    """The restricted likelihood of many voxels over c and a, from nodes that all voxels share."""

    basis: DesignBasis
    n_nodes: tuple[int, int]
    n_fine: tuple[int, int]
    dtype: type
    in_c: tuple[float, float]  # on one side of 0, where the least a, max(c, 0), has its corner
    averages: list[MovingAverage] = field(init=False)

    def __post_init__(self) -> None:
        nodes, _ = interpolation(*self.in_c, self.n_nodes[0], np.array([0.0]))
        object.__setattr__(self, "averages", [MovingAverage(self.basis, c) for c in nodes])

    @cached_property
    def _shares(self) -> np.ndarray:
        return interpolation(0, 1, self.n_nodes[1], np.array([0.0]))[0]

    @cached_property
    def _fine(self) -> tuple[np.ndarray, np.ndarray]:
        return np.linspace(*self.in_c, self.n_fine[0]), np.linspace(0, 1, self.n_fine[1])

    @cached_property
    def _to_fine(self) -> np.ndarray:
        first, second = self._fine
        of_c = interpolation(*self.in_c, self.n_nodes[0], first)[1]
        of_a = interpolation(0, 1, self.n_nodes[1], second)[1]
        return np.kron(of_c, of_a).astype(self.dtype)

    @cached_property
    def _spectra(self) -> np.ndarray:
        n = self.basis.n_scans
        return np.stack([average.spectrum(n)[1] for average in self.averages]).astype(self.dtype)

    @cached_property
    def _rows(self) -> np.ndarray:
        """Weights of the sines of e that make ``q'He`` and ``F' D^-1 e``, one block a node of c."""
        n = self.basis.n_scans
        q, f = (_sines(x) for x in (self.basis.q, _end_columns(n)))
        blocks = []
        for average in self.averages:
            inverse, of_h = average.spectrum(n)
            blocks.append(np.column_stack([q @ average.rotation * of_h[:, None], f * inverse[:, None]]))
        return np.concatenate(blocks, axis=1).T.astype(self.dtype)

    @cached_property
    def _at_nodes(self) -> list[tuple[np.ndarray, ExplainedAtNodes, np.ndarray]]:
        out = []
        for average in self.averages:
            a = _a_at(average.c, self._shares)
            scale, g, w = average.terms(a)
            own = np.column_stack([scale, -g, *(-g * w)]).astype(self.dtype)
            out.append((own, average.at_nodes(a, self.dtype), average.penalty(a)[:, None].astype(self.dtype)))
        return out

    def values(self, sines: np.ndarray, squares: np.ndarray) -> np.ndarray:
        """-2 log likelihood at the nodes, shape (n_nodes in c * in a, n_voxels).

        From the weights of sines, and their squares, of residuals of unit length.
        """
        products = (self._rows @ sines).reshape(len(self.averages), -1, sines.shape[1])
        filtered, power = self._spectra @ squares, squares.sum(axis=0)
        dof = self.basis.n_scans - self.basis.rank
        out = np.empty((len(self.averages), self.n_nodes[1], sines.shape[1]), self.dtype)
        for k, (own, explained, penalty) in enumerate(self._at_nodes):
            cross, edges = products[k, :-2], products[k, -2:]
            rss = own @ np.concatenate([[power, filtered[k]], np.square(edges)])
            rss -= explained(cross, edges)
            np.log(np.maximum(rss, np.finfo(self.dtype).tiny, out=rss), out=rss)
            out[k] = dof * rss + penalty
        return out.reshape(-1, sines.shape[1])

    def lowest(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """About the least value of each surface; c and a where it is, by the paraboloid around the best fine place."""
        in_c, in_a = self._fine
        fine = values.T @ self._to_fine.T
        best = fine.argmin(axis=1)
        least = fine[np.arange(best.size), best]
        fine = fine.reshape(-1, in_c.size, in_a.size)
        i, j = np.unravel_index(best, fine.shape[1:])
        voxels = np.arange(best.size)
        inner_i, inner_j = np.clip(i, 1, in_c.size - 2), np.clip(j, 1, in_a.size - 2)

        def at(di: int, dj: int, i: np.ndarray = inner_i, j: np.ndarray = inner_j) -> np.ndarray:
            return fine[voxels, i + di, j + dj].astype(float)

        gi, hi = (at(1, 0, j=j) - at(-1, 0, j=j)) / 2, at(1, 0, j=j) - 2 * at(0, 0, j=j) + at(-1, 0, j=j)
        gj, hj = (at(0, 1, i=i) - at(0, -1, i=i)) / 2, at(0, 1, i=i) - 2 * at(0, 0, i=i) + at(0, -1, i=i)
        hij = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
        # On the border of the range, or where the surface is no bowl, each direction for itself.
        determinant = hi * hj - hij**2
        bowl = (determinant > 0) & (hi > 0) & (hj > 0) & (inner_i == i) & (inner_j == j)
        safe = np.where(bowl, determinant, 1.0)
        alone_i = np.where(hi > 0, -gi / np.where(hi > 0, hi, 1), i - inner_i)
        alone_j = np.where(hj > 0, -gj / np.where(hj > 0, hj, 1), j - inner_j)
        si = np.clip(np.where(bowl, (hij * gj - hj * gi) / safe, alone_i), -1, 1)
        sj = np.clip(np.where(bowl, (hij * gi - hi * gj) / safe, alone_j), -1, 1)
        c = in_c[0] + (inner_i + si) * (in_c[1] - in_c[0])
        return least, c, _a_at(c, (inner_j + sj) * (in_a[1] - in_a[0]))


def _a_at(c: Any, share: np.ndarray) -> np.ndarray:
    least = np.maximum(c, 0.0)
    return least + share * (A_MAX - least)


class _Likelihood:
    """The restricted likelihood over the whole range: a surface on each side of c = 0."""

    def __init__(self, basis: DesignBasis, pool: bool):
        self.dtype = np.float64 if pool else np.float32
        shape = (N_NODES_POOLED, N_FINE_POOLED) if pool else (N_NODES, N_FINE)
        self.negative, self.positive = (_Surface(basis, *shape, self.dtype, c) for c in ((C_MIN, 0.0), (0.0, C_MAX)))

    def of(self, sines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights of sines of residuals at unit length, and their squares."""
        length = np.sqrt(np.einsum("tv,tv->v", sines, sines))
        unit = (sines / np.where(length > 0, length, 1)).astype(self.dtype)
        return unit, np.square(unit)

    def values(self, sines: np.ndarray) -> np.ndarray:
        """At the nodes of both surfaces."""
        unit = self.of(sines)
        return np.concatenate([self.negative.values(*unit), self.positive.values(*unit)])

    def lowest(self, values: np.ndarray) -> np.ndarray:
        """C and a at the lower of the lowest places of both surfaces, shape (2, n_voxels)."""
        negative, positive = (
            np.stack(surface.lowest(part))
            for surface, part in zip((self.negative, self.positive), np.split(values, 2), strict=True)
        )
        return np.where(negative[0] < positive[0], negative[1:], positive[1:])

    def look(self, sines: np.ndarray) -> np.ndarray:
        """`lowest` of the likelihoods of residuals; the far side is looked at only from where c is about 0."""
        unit, squares = self.of(sines)
        found = np.stack(self.positive.lowest(self.positive.values(unit, squares)))
        near = np.flatnonzero(found[1] < 2 * C_MAX / self.positive.n_fine[0])
        if near.size:
            other = np.stack(self.negative.lowest(self.negative.values(unit[:, near], squares[:, near])))
            found[:, near] = np.where(other[0] < found[0, near], other, found[:, near])
        return found[1:]


def _best_a(average: MovingAverage, left: Filtered, a: np.ndarray, dof: int) -> np.ndarray:
    """Exact optimum of a at the average's c, by secant steps from a start that is close."""
    low = max(average.c, 0.0)
    of_penalty = chebyshev.Chebyshev.interpolate(average.penalty, PENALTY_DEGREE, [low, A_MAX]).deriv()

    def slope(at: np.ndarray) -> np.ndarray:
        _, rss, of_rss = left.solve(average, at)
        return dof * of_rss / np.maximum(rss, TINY) + of_penalty(at)

    before, s_before = np.clip(a, low, A_MAX), None
    s_before = slope(before)
    now = np.clip(before - np.sign(s_before) * 0.01, low, A_MAX)
    for _ in range(SECANT_STEPS):
        s_now = slope(now)
        moved = now - before
        bend = (s_now - s_before) / np.where(moved != 0, moved, np.inf)
        step = np.where(bend > 0, -s_now / np.where(bend > 0, bend, 1), -np.sign(s_now) * 0.01)
        before, s_before = now, s_now
        now = np.clip(now + np.clip(step, -0.05, 0.05), low, A_MAX)
    return now


def fit_arma11(
    moments: Moments,
    basis: DesignBasis,
    bins: int | None = 100,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> NoiseFit:
    """Autoregression with a moving average by restricted maximum likelihood, exact at both ends of the run.

    Unlike an autoregression's, these estimates need the series themselves, not only their lagged products.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    bins : int or None
        b is rounded to multiples of 1/`bins`; None keeps it as found, at the price of a design of its own for every
        voxel.
    pooling : {None, "local", "global"}
        Whose likelihoods a voxel's parameters make as large as possible; see `glmwidgets.glm.noise.pooling`.
    neighbours : sparse matrix of shape (n_voxels, n_voxels), optional
        For ``"local"``.

    Returns
    -------
    NoiseFit
        With the parameters ``a`` (0 to 0.98), ``b`` (-0.95 to 0.8) and ``lam``, the autocorrelation at lag 1;
        a = b = 0 where the noise is white. The flag ``edge`` tells where a or b lies at the far end of its range.
    """
    check_bins(bins)
    pool = pooling is not None
    likelihood = _Likelihood(basis, pool)
    products = LaggedProducts(moments, basis, order=0)
    blocks = [slice(start, start + BLOCK) for start in range(0, moments.n_voxels, BLOCK)]
    coefficients = np.empty((basis.rank, moments.n_voxels))
    c, a, rss, power, filtered = np.empty((5, moments.n_voxels))
    cross, edges = np.empty_like(coefficients), np.empty((2, moments.n_voxels))
    design, ends = _sines(basis.q), _sines(_end_columns(basis.n_scans))
    twice = 2 * np.cos(np.pi * np.arange(1, basis.n_scans + 1) / (basis.n_scans + 1))[:, None]

    def sines_of(block: slice) -> np.ndarray:
        parts = products.at(block)
        coefficients[:, block] = parts.cross[0] + parts.taken
        return _sines(_residuals(moments, basis, block, parts.cross[0]))

    def take(block: slice, looked: np.ndarray) -> None:
        c[block], a[block] = np.where(moments.constant[block], 0.0, looked)
        if bins is not None:
            steps = np.clip(np.rint(c[block] * bins), np.ceil(C_MIN * bins), np.floor(C_MAX * bins))
            c[block] = steps / bins
        c[block] = np.clip(c[block], C_MIN, C_MAX)
        a[block] = np.clip(a[block], np.maximum(c[block], 0), A_MAX)

    def filter_block(block: slice, sines: np.ndarray) -> None:
        """Products under each voxel's c, in the coordinates of the basis: there D and H are diagonal, too."""
        power[block] = np.einsum("tv,tv->v", sines, sines)
        solved = sines / (1 + c[block] ** 2 - c[block] * twice)
        edges[:, block] = ends.T @ solved
        solved *= twice - c[block]
        filtered[block] = np.einsum("tv,tv->v", sines, solved)
        cross[:, block] = design.T @ solved

    def look(block: slice) -> None:
        sines = sines_of(block)
        take(block, likelihood.look(sines))
        filter_block(block, sines)

    if pool:
        curves = side_by_side(lambda block: likelihood.values(sines_of(block)), blocks)
        shared = pooled_curves(np.concatenate(curves, axis=1), ~moments.constant, pooling, neighbours)
        side_by_side(lambda block: take(block, likelihood.lowest(shared[:, block])), blocks)
        side_by_side(lambda block: filter_block(block, sines_of(block)), blocks)
    else:
        side_by_side(look, blocks)
    levels, group = np.unique(c, return_inverse=True)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(group))[:-1])
    whole = Filtered(power, filtered, cross, edges)

    def fit_group(group: int) -> MovingAverage:
        average, voxels = MovingAverage(basis, levels[group]), members[group]
        for start in range(0, voxels.size, BLOCK):
            some = voxels[start : start + BLOCK]
            left = whole.of(average, some)
            if not pool:
                a[some] = _best_a(average, left, a[some], basis.n_scans - basis.rank)
            solution, rss[some], _ = left.solve(average, a[some])
            coefficients[:, some] += average.rotation @ solution
        return average

    averages = side_by_side(fit_group, range(len(levels)))
    a[moments.constant] = 0
    precision = ARMAPrecision(tuple(averages), tuple(members), a)
    edge = ((a >= A_MAX) | (c >= C_MAX) | (c <= C_MIN)) & ~moments.constant
    white = a <= c
    shown_a, shown_c = np.where(white, 0.0, a), np.where(white, 0.0, c)
    lam = (shown_a - shown_c) * (1 - shown_a * shown_c) / (1 - 2 * shown_a * shown_c + shown_c**2)
    parameters = {"a": shown_a, "b": 0.0 - shown_c, "lam": lam}
    return NoiseFit(coefficients, np.maximum(rss, 0), precision.covariance, parameters, {"edge": edge})


def _residuals(moments: Moments, basis: DesignBasis, voxels: slice | np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Residuals of ordinary least squares, of the series that the design models, shape (n_scans, n_voxels)."""
    e = moments.series[:, voxels] - basis.q @ fitted
    if not basis.spans_constant:
        e += moments.mean[voxels]
    return e


def gain_over_ar1(moments: Moments, basis: DesignBasis) -> np.ndarray:
    """How much twice the restricted log likelihood rises from AR(1) to ARMA(1,1), shape (n_voxels,); 0 where constant.

    Looked up on the fine places of the likelihood's polynomials, to about 0.1. Under an AR(1) it is what one parameter
    too many gives.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    """
    likelihood = _Likelihood(basis, pool=False)
    e = _residuals(moments, basis, slice(None), LaggedProducts(moments, basis, order=0).at(slice(None)).cross[0])
    unit = likelihood.of(_sines(e))
    fine = [s.values(*unit).T @ s._to_fine.T for s in (likelihood.negative, likelihood.positive)]
    # The first places of the second surface are those of c = 0.
    alone = fine[1][:, : N_FINE[1]].min(axis=1)
    return np.where(moments.constant, 0.0, alone - np.minimum(*(each.min(axis=1) for each in fine)))
