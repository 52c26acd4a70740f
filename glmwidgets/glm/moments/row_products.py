"""Products of rows with a block of series: a row has the same bits whichever rows are multiplied beside it.

A library of linear algebra may choose the order of a sum by the shape of a product. So all products have `FEW` rows; or
as many as `MANY` where the library finds the same bits for these, which is tried once for each shape: it copies the
series for each product anew, and of eight rows this takes as long as the arithmetic.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

FEW, MANY = 8, 48


def filled_up(n_rows: int) -> int:
    """Rows to multiply for so many: the last ones are zeros.

    Examples
    --------
    >>> filled_up(8), filled_up(9)
    (8, 16)
    """
    return -(-n_rows // FEW) * FEW


def multiply_rows(rows: np.ndarray, block: np.ndarray, out: np.ndarray, room: np.ndarray) -> None:
    """Multiply rows with series.

    Parameters
    ----------
    rows : array of shape (`filled_up` (n_rows), n_scans)
    block : array of shape (n_scans, n_voxels)
        Of the same type.
    out : array of shape (n_rows, n_voxels)
        Written to.
    room : array of at least `MANY` times n_voxels numbers
        Overwritten: new memory for each block would cost as much as a product.

    Examples
    --------
    >>> rows, block, out = np.eye(8), np.arange(16.0).reshape(8, 2), np.empty((3, 2))
    >>> multiply_rows(rows, block, out, np.empty(MANY * 2))
    >>> out.tolist()
    [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]
    """
    at_once = rows_at_once(len(rows), *block.shape, rows.dtype)
    for first in range(0, len(rows), at_once):
        some, to = rows[first : first + at_once], out[first : first + at_once]
        product = room[: len(some) * block.shape[1]].reshape(len(some), -1)
        to[:] = np.matmul(some, block, out=product)[: len(to)]


@lru_cache(512)
def rows_at_once(n_rows: int, n_scans: int, n_voxels: int, dtype: np.dtype) -> int:
    """How many rows a product of this shape may have.

    Returns
    -------
    int
        `MANY` where the bits are those of products of `FEW`.

    Examples
    --------
    >>> rows_at_once(8, 100, 256, np.dtype(float))
    8
    """
    if n_rows <= FEW:
        return FEW
    rng = np.random.default_rng(0)
    rows, block = (rng.standard_normal(shape).astype(dtype) for shape in ((n_rows, n_scans), (n_scans, n_voxels)))
    few, many = (
        np.concatenate([np.matmul(rows[first : first + at_once], block) for first in range(0, n_rows, at_once)])
        for at_once in (FEW, MANY)
    )
    return MANY if np.array_equal(few, many) else FEW
