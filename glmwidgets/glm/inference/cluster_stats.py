"""Sizes and masses of the clusters of many maps at once.

A cluster is a set of voxels above a height that touch each other; its size is their number, its mass
``sum (statistic - height)``. Under the null hypothesis almost no voxel is above a cluster-forming height, so nothing
is done with volumes: the few voxels above it, of all maps together, are the nodes of one sparse graph.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from glmwidgets.glm.choices import check_choice


@dataclass(frozen=True)
class Lattice:
    """Where the voxels of a mask lie on a flat grid, and which steps lead to a neighbour.

    The grid is the mask's bounding box with one empty plane after each axis, so that no step leaves one row and
    enters the next.

    Attributes
    ----------
    positions : array of shape (n_voxels,)
        Index of each voxel on the flat grid, increasing.
    size : int
        Number of points of the grid.
    steps : tuple of int
        Differences of index between a voxel and its later neighbours (the earlier ones mirror them).
    """

    positions: np.ndarray
    size: int
    steps: tuple[int, ...]


def make_lattice(mask: ArrayLike, connectivity: int = 1) -> Lattice:
    """Lay out the voxels of a mask.

    Parameters
    ----------
    mask : bool array of shape (x, y, z)
        Data on it are in the order of ``volume[mask]``.
    connectivity : {1, 2, 3}
        Neighbours share a face (6 of them), at least an edge (18) or at least a corner (26).

    Returns
    -------
    Lattice

    Raises
    ------
    ValueError
        If the mask is empty or has not three dimensions, or the connectivity is unknown.

    Examples
    --------
    >>> make_lattice(np.ones((2, 2, 2), dtype=bool))
    Lattice(positions=array([ 0,  1,  3,  4,  9, 10, 12, 13]), size=27, steps=(1, 3, 9))
    """
    mask = np.asarray(mask, dtype=bool)
    if mask.ndim != 3:
        raise ValueError(f"a mask has three dimensions, not {mask.ndim}")
    check_choice("connectivity", connectivity, (1, 2, 3))
    where = np.argwhere(mask)
    if not len(where):
        raise ValueError("the mask is empty")
    low = where.min(axis=0)
    shape = where.max(axis=0) - low + 2
    stride = np.array([shape[1] * shape[2], shape[2], 1])
    moves = [move for move in itertools.product((-1, 0, 1), repeat=3) if 0 < sum(map(abs, move)) <= connectivity]
    steps = tuple(sorted(int(step) for move in moves if move > (0, 0, 0) and (step := np.dot(move, stride))))
    return Lattice((where - low) @ stride, int(shape.prod()), steps)


def points_of(lattice: Lattice, maps: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Numbers of points given as (map, voxel), such that no step of the lattice leads from one map into another."""
    return maps.astype(np.int64) * lattice.size + lattice.positions[voxels]


def one_step_apart(points: np.ndarray, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of some points, sorted, have another one step on: their places, and those of the others."""
    target = np.minimum(np.searchsorted(points, points + step), len(points) - 1)
    start = np.flatnonzero(points[target] == points + step)
    return start, target[start]


def components(i: np.ndarray, j: np.ndarray, n: int) -> np.ndarray:
    """Number of the part that each of n nodes is in, where i and j are connected; shape (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # scipy 1.11 and before leave nodes unnumbered, without an error, where their numbers have 64 bits.
    i, j = (np.asarray(ends, dtype=np.int32) for ends in (i, j))
    graph = coo_array((np.ones(len(i), dtype=np.int8), (i, j)), shape=(n, n)).tocsr()
    return connected_components(graph, directed=False)[1]


def _label(lattice: Lattice, maps: np.ndarray, voxels: np.ndarray) -> np.ndarray:
    """Number the clusters of points given as (map, voxel) in sorted order; shape (n_points,)."""
    points = points_of(lattice, maps, voxels)
    ends = [one_step_apart(points, step) for step in lattice.steps]
    i, j = (np.concatenate(side) for side in zip(*ends, strict=True))
    return components(i, j, len(points))


def cluster_maxima(
    maps: np.ndarray, voxels: np.ndarray, excess: np.ndarray, n_maps: int, lattice: Lattice
) -> tuple[np.ndarray, np.ndarray]:
    """Largest cluster size and largest cluster mass of every map.

    Parameters
    ----------
    maps, voxels : int arrays of shape (n_points,)
        The voxels above the height in all maps, sorted by map and then by voxel.
    excess : array of shape (n_points,)
        How far above the height they are.
    n_maps : int
    lattice : Lattice

    Returns
    -------
    size : array of shape (n_maps,)
        In voxels; 0 for a map without clusters.
    mass : array of shape (n_maps,)
        In units of the statistic.

    Examples
    --------
    >>> line = make_lattice(np.ones((1, 1, 5), dtype=bool))
    >>> cluster_maxima(np.array([0, 0, 0, 2]), np.array([0, 1, 4, 3]), np.array([1.0, 2.0, 4.0, 0.5]), 3, line)
    (array([2., 0., 1.]), array([4. , 0. , 0.5]))
    """
    size, mass = np.zeros(n_maps), np.zeros(n_maps)
    if len(maps):
        labels = _label(lattice, maps, voxels)
        map_of_cluster = np.empty(labels.max() + 1, dtype=int)
        map_of_cluster[labels] = maps
        np.maximum.at(size, map_of_cluster, np.bincount(labels))
        np.maximum.at(mass, map_of_cluster, np.bincount(labels, weights=excess))
    return size, mass


def cluster_values(
    statistic: np.ndarray, height: float, lattice: Lattice, two_sided: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Size and mass of the cluster that each voxel is in, of one map.

    Parameters
    ----------
    statistic : array of shape (n_voxels,)
    height : float
        Voxels are in a cluster if they are above it.
    lattice : Lattice
    two_sided : bool
        Voxels below minus the height are in clusters of their own.

    Returns
    -------
    size, mass : arrays of shape (n_voxels,)
        0 outside clusters; never negative.

    Examples
    --------
    >>> line = make_lattice(np.ones((1, 1, 5), dtype=bool))
    >>> cluster_values(np.array([3.0, 4.0, 0.0, -5.0, 2.5]), 2.0, line, two_sided=True)
    (array([2., 2., 0., 1., 1.]), array([3. , 3. , 0. , 3. , 0.5]))
    """
    size, mass = np.zeros(len(statistic)), np.zeros(len(statistic))
    for sign in (1, -1) if two_sided else (1,):
        voxels = np.flatnonzero(sign * statistic > height)
        if len(voxels):
            labels = _label(lattice, np.zeros(len(voxels), dtype=int), voxels)
            size[voxels] = np.bincount(labels)[labels]
            mass[voxels] = np.bincount(labels, weights=np.abs(statistic[voxels]) - height)[labels]
    return size, mass
