"""Lowest points of many surfaces at once, each a polynomial in two variables through nodes that all of them share."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from glmwidgets.glm.noise.products import runs

# Newton's steps from the best of the coarse places, in units of the distance between them, go on where the last was
# longer than CLOSE.
MOST_STEPS, CLOSE, FARTHEST = 6, 0.1, 1.5

# Share of the surfaces that is taken as all of them.
MOST = 0.5

# Around a coarse place a surface is taken as its Taylor polynomial of this degree in each of x and y.
DEGREE = 4

# Coarse places lie denser towards y = 0, as powers of equally spaced ones.
POWER = 1.5

# Equally spaced places that the edge x = 0 is looked at.
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


class Polynomials:
    """Surfaces over a square, given by their values at products of Chebyshev nodes.

    Parameters
    ----------
    n_nodes : tuple of int
        In x and in y.
    n_coarse : tuple of int
        Places, ends included, of which the best is where Newton's steps begin.

    Attributes
    ----------
    x, y : array
        Nodes, from 0 to 1.

    Examples
    --------
    >>> surfaces = Polynomials((4, 4), (5, 5))
    >>> x, y = np.meshgrid(surfaces.x, surfaces.y, indexing="ij")
    >>> both = [(x - 0.3) ** 2 + (y - x) ** 2, x + (y - 0.5) ** 2]
    >>> found = surfaces.lowest(np.stack([each.ravel() for each in both], axis=1))
    >>> found.x.round(3) + 0.0, found.y.round(3)
    (array([0.3, 0. ]), array([0.3, 0.5]))
    """

    def __init__(self, n_nodes: tuple[int, int], n_coarse: tuple[int, int]):
        nodes = [-np.cos(np.pi * (np.arange(n) + 0.5) / n) for n in n_nodes]
        self.x, self.y = ((1 + each) / 2 for each in nodes)
        self._coarse = [2 * np.linspace(0, 1, n) ** power - 1 for n, power in zip(n_coarse, (1, POWER), strict=True)]
        self._far = [np.gradient(each) for each in self._coarse]
        to_series = [np.linalg.inv(chebyshev.chebvander(at, at.size - 1)) for at in nodes]
        of_x, of_y = (_taylor(at, far, of) for at, far, of in zip(self._coarse, self._far, to_series, strict=True))
        self._to_coarse = np.kron(of_x[0], of_y[0]).astype(np.float32)
        around = np.einsum("iam,jbn->abijmn", of_x, of_y)
        self._around = around.reshape(len(self._to_coarse), (DEGREE + 1) ** 2, -1).astype(np.float32)
        self._to_edge = np.kron(
            chebyshev.chebvander([-1.0], n_nodes[0] - 1) @ to_series[0],
            chebyshev.chebvander(np.linspace(-1, 1, EDGE_PLACES), n_nodes[1] - 1) @ to_series[1],
        ).astype(np.float32)

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
        # One row a surface: the search for the least value then runs over contiguous memory.
        best = (values.T @ self._to_coarse.T).argmin(axis=1).astype(np.int16)  # short ones are sorted at once
        order = np.argsort(best, kind="stable")
        best = best[order]
        values = values[:, order]
        # Of small numbers less is rounded away.
        base = values.min(axis=0)
        values -= base
        series = np.empty((self._around.shape[1], best.size), np.float32)
        for k, some in runs(best):
            np.matmul(self._around[k], values[:, some], out=series[:, some])
        i, j = np.divmod(best, self._coarse[1].size)
        middle = np.stack([self._coarse[0][i], self._coarse[1][j]])
        unit = np.stack([self._far[0][i], self._far[1][j]])
        low, high = np.maximum((-1 - middle) / unit, -FARTHEST), np.minimum((1 - middle) / unit, FARTHEST)
        value, place, tilt, bend = _valley(series.reshape(DEGREE + 1, DEGREE + 1, -1), low, high)
        x, y = (1 + middle + unit * place) / 2
        out = np.empty((5, best.size))
        out[:, order] = base + value, x, y, tilt * unit[1] / unit[0], 4 * bend / unit[1] ** 2
        return LowestPoint(*out)

    def lowest_at_zero(self, values: np.ndarray) -> np.ndarray:
        """Least value at x = 0, by the parabola around the best of some places."""
        edge = values.T.astype(np.float32, copy=False) @ self._to_edge.T
        rows, best = np.arange(len(edge)), edge.argmin(axis=1)
        middle = np.clip(best, 1, EDGE_PLACES - 2)
        before, here, after = (edge[rows, middle + k] for k in (-1, 0, 1))
        slope, bend = (after - before) / 2, after - 2 * here + before
        step = np.clip(-slope / np.where(bend > 0, bend, np.inf), -1, 1)
        return np.minimum(edge[rows, best], here + step * (slope + bend * step / 2))


def _taylor(at: np.ndarray, unit: np.ndarray, to_series: np.ndarray) -> np.ndarray:
    """From values at nodes to coefficients of powers of the distance from places, (degrees, n_places, n_nodes)."""
    out, series, factor = [], to_series, np.ones(at.size)
    for k in range(DEGREE + 1):
        out.append(factor[:, None] * chebyshev.chebval(at, series).T)
        series, factor = chebyshev.chebder(series), factor * unit / (k + 1)
    return np.stack(out)


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
        far = (np.abs(step) > CLOSE).any(axis=0)
        last = np.where(far, 0, step)
        gain = (slope * last).sum(axis=0) + bend[1] * last[0] * last[1] + (bend[::2] * last**2).sum(axis=0) / 2
        in_y = np.maximum(bend[2], 0)
        inside = (in_y > 0) & (low[1] < place[1]) & (place[1] < high[1])
        tilt = np.where(inside, -bend[1] / np.where(in_y > 0, in_y, 1), 0)
        told = np.stack([value + gain, *(place + last), tilt, in_y])
        out[:, some[down]] = told[:, down]
        if not far.any():
            break
        if taken == 0 and far.mean() > MOST:
            # To leave the few out would take longer than their step.
            best_place, least, place = place, value, place + step
            continue
        best_place, least = np.where(down, place, best_place)[:, far], np.minimum(value, least)[far]
        some, place, series = some[far], (place + step)[:, far], series[..., far]
        low, high = low[:, far], high[:, far]
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
