"""Likelihood curves of many voxels at once: a few nodes that all voxels share, polynomials between them.

Where the precision of the errors, in coordinates of the design, is a diagonal and a matrix of rank two,

    G = diag(d) - F diag(k) F',    b = -g (c + F (h * ends)),

with d, k, g, h known at a node and c and `ends` the voxel's, the explained sum of squares ``b' G^-1 b`` takes a
voxel's squares of c, and four weighted sums of c and ends, at each node: no system is solved.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev

__all__ = ["Chebyshev", "ExplainedAtNodes", "interpolation"]


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
    """``b' G^-1 b`` and ``log |G|`` at some nodes.

    Parameters
    ----------
    d : array of shape (n_nodes, rank)
        Positive.
    f : array of shape (rank, 2)
    g : array of shape (n_nodes,)
    h, k : array of shape (n_nodes, 2)
        k is not negative.
    dtype : type
        Precision of the sums over voxels.

    Attributes
    ----------
    log_determinant : array of shape (n_nodes,)
        ``log |G|``.
    """

    def __init__(
        self, d: np.ndarray, f: np.ndarray, g: np.ndarray, h: np.ndarray, k: np.ndarray, dtype: type = np.float64
    ):
        weights = f.T / d[:, None, :]  # F' diag(1/d)
        crossed = weights @ f
        root_k = np.sqrt(k)
        core = np.eye(2) - root_k[:, :, None] * crossed * root_k[:, None, :]
        self.log_determinant = np.log(d).sum(axis=1) + np.log(np.linalg.det(core))
        # With u = F' c/d, x = h * ends and t = u + F'(F/d) x:
        # b'G^-1 b = g^2 [sum c^2/d + t' (diag(1/k) - F'(F/d))^-1 t + x'(u + t)]
        root = root_k[:, :, None] * np.linalg.cholesky(np.linalg.inv(core))
        of_ends = crossed * h[:, None, :]
        first = np.concatenate([weights, of_ends], axis=2)
        second = np.concatenate([2 * weights, of_ends], axis=2)
        rows = np.stack([root.transpose(0, 2, 1) @ first * g[:, None, None], h[:, :, None] * second])
        rows[1] *= (g**2)[:, None, None]
        self._rows = rows.transpose(0, 2, 1, 3).reshape(-1, d.shape[1] + 2).astype(dtype)
        self._of_squares = ((g**2)[:, None] / d).astype(dtype)
        self._dtype = dtype

    def __call__(self, c: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """``b' G^-1 b`` of shape (n_nodes, n_voxels), for c of shape (rank, n_voxels) and ends (2, n_voxels)."""
        both = np.concatenate([c, ends]).astype(self._dtype, copy=False)
        sums = (self._rows @ both).reshape(4, -1, both.shape[1])
        out = self._of_squares @ np.square(both[:-2])
        np.square(sums[:2], out=sums[:2])
        sums[2] *= both[-2]
        sums[3] *= both[-1]
        for of_end in sums:
            out += of_end
        return out
