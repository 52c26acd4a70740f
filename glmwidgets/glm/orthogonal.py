"""Columns made orthogonal to those before them."""

from __future__ import annotations

import numpy as np


def orthogonalize(columns: np.ndarray) -> np.ndarray:
    """Make every column orthogonal to the columns on its left, without changing its scale otherwise.

    ``x_j <- x_j - sum over i < j of x_i (x_i' x_j) / (x_i' x_i)``

    Parameters
    ----------
    columns : array of shape (n, p), or (n,), which stays as it is
        Not changed.

    Returns
    -------
    float64 array of the same shape
        The first column as it was. A column that lies in the span of those before it becomes exactly 0,
        not rounding noise.

    Examples
    --------
    >>> orthogonalize(np.array([[1.0, 1.0], [0.0, 2.0]])).tolist()
    [[1.0, 0.0], [0.0, 2.0]]
    """
    result = np.array(columns, dtype=np.float64)
    n = len(result)
    if result.ndim == 1:
        return result
    for j in range(1, result.shape[1]):
        before, column = result[:, :j], result[:, j]
        squares = (before**2).sum(axis=0)
        usable = squares > 0
        noise = n * np.finfo(np.float64).eps * np.linalg.norm(column)
        # Once is not enough: what is left of a column close to those before it is full of rounding error.
        for _ in range(2):
            column -= before[:, usable] @ ((before[:, usable].T @ column) / squares[usable])
        if np.linalg.norm(column) <= noise:
            column[:] = 0.0
    return result
