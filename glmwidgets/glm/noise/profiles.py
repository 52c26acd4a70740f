"""Likelihood curves of many voxels at once: a few nodes that all voxels share, polynomials between them.

Where the precision of the errors is ``W = K - B diag(k) B'`` with two columns B, and in coordinates of the design
``q' K q = diag(d)``, ``q' K e = -g c`` and ``q' B = F``, the least residual sum of squares is

    e' K e - g^2 sum c^2 / d - r' (diag(1/k) - F' diag(1/d) F)^-1 r,    r = ends + g F' diag(1/d) c,    ends = B' e

(the fit under K, and what the two columns take of what it leaves; by Woodbury's identity). With d, k and g known at a
node it takes a voxel's squares of c, and two weighted sums of c and ends: no system is solved. ``q' W q`` is
``G = diag(d) - F diag(k) F'``.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.polynomial import chebyshev


def interpolation(low: float, high: float, n_nodes: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes of a polynomial and the matrix that carries its values there to other places.

    Parameters
    ----------
    low, high : float
        Ends of the interval.
    n_nodes : int
    places : array of shape (m,)
        Within the interval.

    Returns
    -------
    nodes : array of shape (n_nodes,)
        Rising: where a Chebyshev polynomial is zero.
    matrix : array of shape (m, n_nodes)

    Examples
    --------
    >>> nodes, matrix = interpolation(0, 2, 3, np.array([0.5]))
    >>> (matrix @ nodes**2).round(12)
    array([0.25])
    """
    x = -np.cos(np.pi * (np.arange(n_nodes) + 0.5) / n_nodes)
    centre, half = (low + high) / 2, (high - low) / 2
    to_series = np.linalg.inv(chebyshev.chebvander(x, n_nodes - 1))
    at = chebyshev.chebvander((np.asarray(places) - centre) / half, n_nodes - 1)
    return centre + half * x, at @ to_series


class Chebyshev:
    """Curves over one interval, each given by its values at Chebyshev nodes.

    Parameters
    ----------
    low, high : float
        Ends of the interval.
    n_nodes : int
    n_fine : int
        Equally spaced places, ends included, where a lowest point is looked for.

    Attributes
    ----------
    nodes : array of shape (n_nodes,)
    """

    def __init__(self, low: float, high: float, n_nodes: int, n_fine: int):
        self.fine = np.linspace(low, high, n_fine)
        self.nodes, self._to_fine = interpolation(low, high, n_nodes, self.fine)

    def lowest(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where each curve is least, and how it bends there.

        Parameters
        ----------
        values : array of shape (n_nodes, n_voxels)
            At the nodes.

        Returns
        -------
        place : array of shape (n_voxels,)
            The lowest point of the parabola through the best of the fine places and both its neighbours; an end of
            the interval where the curve falls towards it.
        bend : array of shape (n_voxels,)
            Second derivative of the parabola.

        Examples
        --------
        >>> curves = Chebyshev(-1, 1, n_nodes=5, n_fine=21)
        >>> place, bend = curves.lowest((curves.nodes[:, None] - [0.33, 4.0]) ** 2)
        >>> place.round(6), bend.round(6)
        (array([0.33, 1. ]), array([2., 2.]))
        """
        # One row a voxel: the search for the least value then runs over contiguous memory.
        fine = values.T @ self._to_fine.T
        best = fine.argmin(axis=1)
        middle = np.clip(best, 1, self.fine.size - 2)
        voxels = np.arange(len(fine))
        step = self.fine[1] - self.fine[0]
        # Differences of large values: taken before they are combined.
        left, right = fine[voxels, middle - 1] - fine[voxels, middle], fine[voxels, middle + 1] - fine[voxels, middle]
        second = left + right
        shift = (left - right) / (2 * np.where(second > 0, second, np.inf))
        place = np.where(second > 0, self.fine[middle] + step * np.clip(shift, -1, 1), self.fine[best])
        return np.clip(place, self.fine[0], self.fine[-1]), np.maximum(second, 0) / step**2


class ExplainedAtNodes:
    """What is subtracted from ``e' K e`` to get the residual sum of squares, and ``log |G|``, at some nodes.

    Parameters
    ----------
    d : array of shape (n_nodes, rank)
        Positive.
    f : array of shape (rank, 2)
    g : array of shape (n_nodes,)
    k : array of shape (n_nodes, 2)
        At a node both are negative, or neither is.
    dtype : type
        Precision of the sums over voxels.

    Attributes
    ----------
    log_determinant : array of shape (n_nodes,)
        ``log |G|``.
    """

    def __init__(self, d: np.ndarray, f: np.ndarray, g: np.ndarray, k: np.ndarray, dtype: type = np.float64):
        self._d, self._f, self._g, self._dtype = d, f, g, dtype
        self._root_k = root_k = np.sqrt(np.abs(k))
        sign = np.where(k[:, 0] < 0, -1.0, 1.0)
        self._sign = None if (sign > 0).all() else sign.astype(dtype)[:, None]
        crossed = ((1 / d) @ (f[:, :, None] * f[:, None, :]).reshape(len(f), -1)).reshape(-1, 2, 2)  # F' diag(1/d) F
        self._core = np.eye(2) - sign[:, None, None] * root_k[:, :, None] * crossed * root_k[:, None, :]
        (a, b), (c, e) = self._core.transpose(1, 2, 0)
        self.log_determinant = np.log(d).sum(axis=1) + np.log(a * e - b * c)

    @cached_property
    def _weights(self) -> tuple[np.ndarray, np.ndarray]:
        """Of c and the ends: the first row of every node, then the second ones; and of the squares of c."""
        weights = self._f.T / self._d[:, None, :]  # F' diag(1/d)
        ends = np.broadcast_to(np.eye(2), (len(self._d), 2, 2))
        left = np.concatenate([self._g[:, None, None] * weights, ends], axis=2)
        root = self._root_k[:, :, None] * np.linalg.cholesky(np.linalg.inv(self._core))
        rows = (root.transpose(0, 2, 1) @ left).transpose(1, 0, 2).reshape(-1, left.shape[2])
        return rows.astype(self._dtype), ((self._g**2)[:, None] / self._d).astype(self._dtype)

    def __call__(self, cross: np.ndarray) -> np.ndarray:
        """At the nodes, shape (n_nodes, n_voxels), for c and then the ends, shape (rank + 2, n_voxels)."""
        rows, of_squares = self._weights
        sums = rows @ cross
        np.square(sums, out=sums)
        out = of_squares @ np.square(cross[:-2])
        for of_end in sums.reshape(2, *out.shape):
            if self._sign is not None:
                of_end *= self._sign
            out += of_end
        return out
