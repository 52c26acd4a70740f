"""Lowest points of many surfaces at once, each a polynomial in two variables through nodes that all of them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from glmwidgets.glm.noise.products import runs

# Newton's steps from the best of the coarse places, in units of the distance between them, go on where the last was
# longer than CLOSE.
MOST_STEPS, CLOSE, FARTHEST = 6, 0.1, 1.5

# Share of the surfaces that is taken as all of them.
MOST = 0.5

# Around a coarse place a surface is taken as a polynomial of this degree in each of x and y.
DEGREE = 4

# What lies so close to the corner lies there.
EDGE = 1e-6

# Equally spaced places that the line x = corner is looked at.
EDGE_PLACES = 24


class LowestPoint(NamedTuple):
    """The lowest point of each of many surfaces.

    Attributes
    ----------
    value : array of shape (n_surfaces,)
    x, y : array of shape (n_surfaces,)
        In units of the ranges, from 0 to 1.
    tilt : array of shape (n_surfaces,)
        dy / dx along the valley: where y is lowest beside the lowest point.
    bend : array of shape (n_surfaces,)
        Second derivative with respect to y.
    """

    value: np.ndarray
    x: np.ndarray
    y: np.ndarray
    tilt: np.ndarray
    bend: np.ndarray


def no_floor(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The whole square is of interest."""
    return np.zeros_like(x), np.zeros_like(x)


class Polynomials:
    """Surfaces over a square, given by their values at products of Chebyshev nodes.

    Parameters
    ----------
    n_nodes : tuple of int
        In x and in y.
    coarse : tuple of three arrays
        Places in x up to a corner, and from it on; then in the share of the way from the floor to y = 1. The best of
        them is where Newton's steps begin.
    floor : callable
        ``floor(x)`` is the least y that is looked at below the corner, 0 there, and its slope. Beyond it that is 0.

    Attributes
    ----------
    x, y : array
        Nodes, from 0 to 1.

    Examples
    --------
    >>> surfaces = Polynomials((4, 4), (np.array([]), np.linspace(0, 1, 5), np.linspace(0, 1, 5)))
    >>> x, y = np.meshgrid(surfaces.x, surfaces.y, indexing="ij")
    >>> both = [(x - 0.3) ** 2 + (y - x) ** 2, x + (y - 0.5) ** 2]
    >>> found = surfaces.lowest(np.stack([each.ravel() for each in both], axis=1))
    >>> found.x.round(3) + 0.0, found.y.round(3)
    (array([0.3, 0. ]), array([0.3, 0.5]))
    """

    def __init__(
        self,
        n_nodes: tuple[int, int],
        coarse: tuple[np.ndarray, np.ndarray, np.ndarray],
        floor: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] = no_floor,
    ):
        below, above, share = coarse
        nodes = [-np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in n_nodes]
        self.x, self.y = ((1 + each) / 2 for each in nodes)
        self._to_series = [np.linalg.inv(chebyshev.chebvander(at, at.size - 1)) for at in nodes]
        self._floor, self._corner, self._n_below = floor, above[0], below.size
        self._coarse = np.r_[below, above], share
        far = np.gradient(below) if below.size else below
        self._far = np.r_[far, np.gradient(above)], np.gradient(share)
        is_below = np.arange(self._coarse[0].size) < below.size
        ends = (np.where(is_below, 0.0, above[0]), np.where(is_below, above[0], 1.0)), (0.0, 1.0)
        # How far steps may go from each place, in units of the distance to the next one.
        sides = list(zip(self._coarse, self._far, ends, strict=True))
        self._low = [np.maximum((first - at) / by, -FARTHEST) for at, by, (first, _) in sides]
        self._high = [np.minimum((last - at) / by, FARTHEST) for at, by, (_, last) in sides]
        of_x, of_y = self._factors(self._coarse[0][:, None], share[:, None])
        self._to_coarse = of_x[:, 0].astype(np.float32), of_y[:, 0, :, 0].astype(np.float32)
        # Around each place the polynomial in powers that agrees with the surface at a few places more.
        local = (1 - np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))) / 2
        steps = [low[:, None] + (high - low)[:, None] * local for low, high in zip(self._low, self._high, strict=True)]
        to_powers = [np.linalg.inv(each[..., None] ** np.arange(DEGREE + 1)) for each in steps]
        at = [of[:, None] + by[:, None] * step for of, by, step in zip(self._coarse, self._far, steps, strict=True)]
        of_x, of_y = self._factors(*at)
        both = (of_x[:, :, None, None, :, None] * of_y[..., None, :]).reshape(*of_y.shape[:-1], -1)
        around = np.einsum("imp,ipjqn->imjqn", to_powers[0], both)
        around = np.einsum("jrq,imjqn->ijmrn", to_powers[1], around)
        self._around = around.reshape(is_below.size * share.size, (DEGREE + 1) ** 2, -1).astype(np.float32)

    def _factors(self, x: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """From values at nodes to places of shapes (n_x, p) and (n_y, q): along x, and along y at each of those.

        Shapes (n_x, p, nodes in x) and (n_x, p, n_y, q, nodes in y).
        """
        floor = self._floor(x)[0]
        floor[self._n_below :] = 0
        y = floor[..., None, None] + share * (1 - floor[..., None, None])
        of_x = chebyshev.chebvander(2 * x - 1, self.x.size - 1) @ self._to_series[0]
        return of_x, chebyshev.chebvander(2 * y - 1, self.y.size - 1) @ self._to_series[1]

    def lowest(self, values: np.ndarray) -> LowestPoint:
        """Lowest points of surfaces.

        Parameters
        ----------
        values : array of shape (n_nodes in x * in y, n_surfaces)

        Returns
        -------
        LowestPoint
        """
        values = values.astype(np.float32, copy=False)
        best = self._best_place(values)
        found = self._lowest_near(values, best)
        at_corner = np.flatnonzero(found.x == self._corner)
        if self._n_below and at_corner.size:
            # They may go on at the other side of it.
            i, j = np.divmod(best[at_corner], self._coarse[1].size)
            j = np.abs(found.y[at_corner, None] - self._coarse[1]).argmin(axis=1)
            other = np.where(i < self._n_below, self._n_below, self._n_below - 1) * self._coarse[1].size + j
            beyond = self._lowest_near(values.take(at_corner, axis=1), other)
            lower = beyond.value < found.value[at_corner]
            for mine, theirs in zip(found, beyond, strict=True):
                mine[at_corner[lower]] = theirs[lower]
        return found

    def _best_place(self, values: np.ndarray) -> np.ndarray:
        """Number of the coarse place where each surface is least.

        One of x is taken after the other, first along x and then along y, and of each the least value is kept.
        """
        of_x, of_y = self._to_coarse
        n = values.shape[1]
        along = (of_x @ values.reshape(of_x.shape[1], -1)).reshape(len(of_x), -1, n)
        here = np.empty((of_y.shape[1], n), np.float32)
        lines = np.empty((len(of_x), n), np.float32)
        for on_line, to_places, line in zip(along, of_y, lines, strict=True):
            np.matmul(to_places, on_line, out=here)
            here.min(axis=0, out=line)
        i, corner = lines.argmin(axis=0), self._n_below
        if corner > 1:
            # Of the two lines at the corner that are one, take that on the side where the next line is lower.
            i[(i == corner - 1) & (lines[corner + 1] < lines[corner - 2])] = corner
        order, j = np.argsort(i.astype(np.int16), kind="stable"), np.empty(n, np.intp)
        for k, some in runs(i[order]):
            voxels = order[some]
            j[voxels] = (along[k].take(voxels, axis=1).T @ of_y[k].T).argmin(axis=1)
        return i * of_y.shape[1] + j

    def _lowest_near(self, values: np.ndarray, best: np.ndarray) -> LowestPoint:
        """On the same side of the corner as the coarse place of each surface."""
        order = np.argsort(best.astype(np.int16), kind="stable")  # short ones are sorted at once
        best = best[order]
        values = values.take(order, axis=1)
        series = np.empty((self._around.shape[1], best.size), np.float32)
        for k, some in runs(best):
            np.matmul(self._around[k], values[:, some], out=series[:, some])
        i, j = np.divmod(best, self._coarse[1].size)
        middle, unit, low, high = (
            np.stack([of_x[i], of_y[j]]) for of_x, of_y in (self._coarse, self._far, self._low, self._high)
        )
        value, place, tilt, bend = _valley(series.reshape(DEGREE + 1, DEGREE + 1, -1), low, high)
        is_below = i < self._n_below
        x, share = middle + unit * place
        # Rounding of single precision does not tell the corner from what is beside it.
        x[np.abs(x - self._corner) < EDGE] = self._corner
        floor, slope = (np.where(is_below, each, 0.0) for each in self._floor(x))
        tilt = slope * (1 - share) + tilt * unit[1] / unit[0] * (1 - floor)
        out = np.empty((5, best.size))
        out[:, order] = value, x, floor + share * (1 - floor), tilt, bend / (unit[1] * (1 - floor)) ** 2
        return LowestPoint(*out)

    def lowest_at_corner(self, values: np.ndarray) -> np.ndarray:
        """Least value where x is the corner, by the parabola around the best of some places."""
        of_x = chebyshev.chebvander([2 * self._corner - 1], self.x.size - 1) @ self._to_series[0]
        of_y = chebyshev.chebvander(np.linspace(-1, 1, EDGE_PLACES), self.y.size - 1) @ self._to_series[1]
        edge = values.T.astype(np.float32, copy=False) @ np.kron(of_x, of_y).T.astype(np.float32)
        rows, best = np.arange(len(edge)), edge.argmin(axis=1)
        middle = np.clip(best, 1, EDGE_PLACES - 2)
        before, here, after = (edge[rows, middle + k] for k in (-1, 0, 1))
        slope, bend = (after - before) / 2, after - 2 * here + before
        step = np.clip(-slope / np.where(bend > 0, bend, np.inf), -1, 1)
        return np.minimum(edge[rows, best], here + step * (slope + bend * step / 2))


def _valley(
    series: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Value, place, tilt and bend at the lowest points of polynomials in powers, within a box around 0."""
    low, high = low.astype(np.float32), high.astype(np.float32)
    n = low.shape[1]
    out, some = np.empty((5, n), np.float32), np.arange(n)
    best_place = place = np.zeros((2, n), np.float32)
    least = np.full(n, np.inf, np.float32)
    # At 0 the coefficients are the derivatives.
    value, slope = series[0, 0], np.stack([series[1, 0], series[0, 1]])
    bend = np.stack([2 * series[2, 0], series[1, 1], 2 * series[0, 2]])
    for taken in range(MOST_STEPS):
        if taken:
            value, slope, bend = _derivatives(series, place)
        down = value <= least
        step = np.clip(place + _newton(place, slope, bend, low, high), low, high) - place
        # From where it went up, half of the way back.
        step = np.where(down, step, (best_place - place) / 2)
        is_far = (np.abs(step) > CLOSE).any(axis=0)
        last = np.where(is_far, 0, step)
        gain = (slope * last).sum(axis=0) + bend[1] * last[0] * last[1] + (bend[::2] * last**2).sum(axis=0) / 2
        in_y = np.maximum(bend[2], 0)
        inside = (in_y > 0) & (low[1] < place[1]) & (place[1] < high[1])
        tilt = np.where(inside, -bend[1] / np.where(in_y > 0, in_y, 1), 0)
        told = np.stack([value + gain, *(place + last), tilt, in_y])
        kept = np.flatnonzero(down)
        out[:, some[kept]] = told.take(kept, axis=1)
        far = np.flatnonzero(is_far)
        if far.size == 0:
            break
        if taken == 0 and far.size > MOST * n:
            # To leave the few out would take longer than their step.
            best_place, least, place = place, value, place + step
            continue
        best_place, least = np.where(down, place, best_place).take(far, axis=1), np.minimum(value, least)[far]
        some, place, series = some[far], (place + step).take(far, axis=1), series.take(far, axis=2)
        low, high = low.take(far, axis=1), high.take(far, axis=1)
    return out[0], out[1:3], out[3], out[4]


def _with_derivatives(at: np.ndarray) -> np.ndarray:
    """Powers up to DEGREE, their first and second derivatives, shape (3, DEGREE + 1, n_places)."""
    out = np.zeros((3, DEGREE + 1, at.size), np.float32)
    out[0, 0] = 1
    for k in range(1, DEGREE + 1):
        np.multiply(out[0, k - 1], at, out=out[0, k])
        np.multiply(out[0, k - 1], k, out=out[1, k])
        np.multiply(out[1, k - 1], k, out=out[2, k])
    return out


def _derivatives(series: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Value, both first derivatives, and the second ones by x twice, by both, by y twice."""
    in_x, in_y = (_with_derivatives(at) for at in place)
    here, once, twice = (np.einsum("ijv,jv->iv", series, of_y) for of_y in in_y)

    def total(of_x: np.ndarray, of_y: np.ndarray) -> np.ndarray:
        return np.einsum("iv,iv->v", of_x, of_y)

    slope = np.stack([total(in_x[1], here), total(in_x[0], once)])
    bend = np.stack([total(in_x[2], here), total(in_x[1], once), total(in_x[0], twice)])
    return total(in_x[0], here), slope, bend


def _newton(place: np.ndarray, slope: np.ndarray, bend: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Newton's step; along each direction for itself at a border that it falls towards, or where there is no bowl."""
    held = ((place <= low) & (slope > 0)) | ((place >= high) & (slope < 0))
    own = bend[::2]
    determinant = own[0] * own[1] - bend[1] ** 2
    bowl = (determinant > 0) & (own[0] > 0) & ~held.any(axis=0)
    both = (bend[1] * slope[::-1] - own[::-1] * slope) / np.where(bowl, determinant, 1)
    # Where it is not bent upwards to the next of the coarse places.
    alone = np.where(own > 0, -slope / np.where(own > 0, own, 1), -np.sign(slope))
    return np.where(bowl, both, np.where(held, 0, alone))
