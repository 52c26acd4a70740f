"""Noise estimates that voxels share with their neighbours, or with the whole mask.

A curve estimated in every voxel (a likelihood over a noise parameter, an autocovariance over lags) is averaged over
the voxels that are taken to have the same noise. The sum of log likelihoods is the likelihood of a common parameter
if the voxels are independent; where they are correlated it is still lowest in the right place, only less is gained.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glmwidgets.glm.choices import Choices, check_choice

if TYPE_CHECKING:
    import scipy.sparse


class Pooling(NamedTuple):
    """Whom a voxel shares its noise with: a row of `POOLINGS`.

    Attributes
    ----------
    label : str
        In menus, and after the noise model's name.
    change : str
        After "noise pooled".
    whom : str
        After "Each voxel shared the parameters of its noise with"; empty for nobody.
    average : callable, optional
        ``average(curves, usable, neighbours) -> curves``, as in `pooled_curves`; the curves that are not usable are 0.
        None for nobody.
    needs_neighbours : bool
        Whether it has to know which voxels touch.
    also : tuple of str
        Phrases by which a person looks for it.
    """

    label: str
    change: str
    whom: str
    average: Callable[[np.ndarray, np.ndarray, Any], np.ndarray] | None = None
    needs_neighbours: bool = False
    also: tuple[str, ...] = ()


def _over_neighbours(curves: np.ndarray, usable: np.ndarray, neighbours: scipy.sparse.spmatrix) -> np.ndarray:
    share = neighbours @ usable.astype(float)
    # In the curves' own precision, and voxel by voxel in memory: what a product with few columns is quickest in.
    total = neighbours.astype(curves.dtype) @ np.ascontiguousarray(curves.T)
    # Where nobody is usable the total is 0.
    total *= (1 / np.where(share > 0, share, 1)).astype(total.dtype)[:, None]
    return total.T


def _over_all(curves: np.ndarray, usable: np.ndarray, neighbours: scipy.sparse.spmatrix | None) -> np.ndarray:
    mean = curves.sum(axis=1, keepdims=True) / max(1, np.count_nonzero(usable))
    return np.broadcast_to(mean, curves.shape).copy()


#: Whom a voxel shares its noise with, by ``pooling``.
POOLINGS: Choices[Pooling] = Choices(
    {
        None: Pooling("in each voxel alone", "each voxel's own", ""),
        "local": Pooling("shared with neighbours", "with neighbours", "those that touch it", _over_neighbours, True),
        "global": Pooling("shared by the whole mask", "over the mask", "all others", _over_all),
    }
)

# Neighbours that share a face; a face or an edge; a face, an edge or a corner: largest number of axes crossed.
CONNECTIVITIES = {6: 1, 18: 2, 26: 3}


def neighbour_matrix(mask: np.ndarray, connectivity: int = 6) -> scipy.sparse.csr_matrix:
    """Which voxels of a mask touch, each one touching itself.

    Parameters
    ----------
    mask : bool array of shape (x, y, z)
    connectivity : {6, 18, 26}
        Neighbours that share a face, at least an edge, or at least a corner.

    Returns
    -------
    sparse matrix of shape (n_voxels, n_voxels)
        One where two voxels touch; voxels in C order of the mask.

    Raises
    ------
    ValueError
        If `connectivity` is another number or the mask has not three axes.

    Examples
    --------
    >>> import numpy as np
    >>> neighbour_matrix(np.ones((3, 1, 1), bool)).toarray().astype(int)
    array([[1, 1, 0],
           [1, 1, 1],
           [0, 1, 1]])
    """
    from scipy.sparse import csr_matrix

    check_choice("connectivity", connectivity, CONNECTIVITIES)
    mask = np.asarray(mask, dtype=bool)
    if mask.ndim != 3:
        raise ValueError(f"the mask must have three axes, not {mask.ndim}")
    number = np.full([size + 2 for size in mask.shape], -1)
    number[1:-1, 1:-1, 1:-1][mask] = np.arange(np.count_nonzero(mask))
    inner = np.argwhere(number >= 0)
    rows, columns = [], []
    for offset in np.ndindex(3, 3, 3):
        step = np.array(offset) - 1
        if np.abs(step).sum() > CONNECTIVITIES[connectivity]:
            continue
        other = number[tuple((inner + step).T)]
        rows.append(np.flatnonzero(other >= 0))
        columns.append(other[other >= 0])
    row, column = np.concatenate(rows), np.concatenate(columns)
    return csr_matrix((np.ones(row.size), (row, column)), shape=(len(inner), len(inner)))


def check_pooling(pooling: str | None, neighbours: scipy.sparse.spmatrix | None, n_voxels: int) -> None:
    """Raise a ValueError unless the settings of pooling are known and complete."""
    check_choice("pooling", pooling, POOLINGS)
    if not POOLINGS[pooling].needs_neighbours:
        return
    if neighbours is None:
        raise ValueError(
            f"pooling={pooling!r} needs to know which voxels touch: give neighbours=neighbour_matrix(mask), "
            "see glmwidgets.glm.noise.pooling"
        )
    if neighbours.shape != (n_voxels, n_voxels):
        raise ValueError(
            f"neighbours must be a matrix of {n_voxels} by {n_voxels} voxels, not of shape {neighbours.shape}; "
            "make it from the mask that the series were taken with"
        )


def pooled_curves(
    curves: np.ndarray, usable: np.ndarray, pooling: str | None, neighbours: scipy.sparse.spmatrix | None = None
) -> np.ndarray:
    """Average curves over the voxels that share their noise.

    Parameters
    ----------
    curves : array of shape (m, n_voxels)
    usable : bool array of shape (n_voxels,)
        Voxels whose curves say something; the others take no part, and where no neighbour is usable a curve is 0.
    pooling : {None, "local", "global"}
    neighbours : sparse matrix of shape (n_voxels, n_voxels), optional
        Weights of the neighbours, by row.

    Returns
    -------
    array of shape (m, n_voxels)

    Raises
    ------
    ValueError
        If the settings of pooling are unknown or incomplete.

    Examples
    --------
    >>> touch = neighbour_matrix(np.ones((3, 1, 1), bool))
    >>> pooled_curves(np.array([[1.0, 5.0, 9.0]]), np.array([True, True, False]), "local", touch)
    array([[3., 3., 5.]])
    """
    check_pooling(pooling, neighbours, curves.shape[1])
    average = POOLINGS[pooling].average
    if average is None:
        return curves
    return average(curves if usable.all() else np.where(usable, curves, 0.0), usable, neighbours)
