"""Likelihood curves of many voxels at once: polynomials through a few nodes that all voxels share."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import chebyshev

__all__ = ["Chebyshev", "interpolation"]


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
    dtype : type
        Precision of the values at the nodes.

    Attributes
    ----------
    nodes : array of shape (n_nodes,)
    """

    def __init__(self, low: float, high: float, n_nodes: int, n_fine: int, dtype: type = np.float64):
        self.fine = np.linspace(low, high, n_fine)
        self.nodes, to_fine = interpolation(low, high, n_nodes, self.fine)
        self._to_fine = to_fine.astype(dtype)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return self.nodes.size

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
        fine = self._to_fine @ values
        best = fine.argmin(axis=0)
        middle = np.clip(best, 1, len(fine) - 2)
        voxels = np.arange(fine.shape[1])
        step = self.fine[1] - self.fine[0]
        # Differences of large values: taken before they are combined.
        left, right = fine[middle - 1, voxels] - fine[middle, voxels], fine[middle + 1, voxels] - fine[middle, voxels]
        second = left + right
        shift = (left - right) / (2 * np.where(second > 0, second, np.inf))
        place = np.where(second > 0, self.fine[middle] + step * np.clip(shift, -1, 1), self.fine[best])
        return np.clip(place, self.fine[0], self.fine[-1]), np.maximum(second, 0) / step**2
