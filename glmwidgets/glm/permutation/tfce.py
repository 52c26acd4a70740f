"""Threshold-free cluster enhancement, as the exact integral.

    TFCE(v) = integral from 0 to t_v of  e(v, h)^E  h^H  dh,      E = 1/2, H = 2,

with e(v, h) the number of voxels in the cluster of v at height h (Smith & Nichols 2009, NeuroImage 44:83-98). The
extent changes only at the heights of voxels, so the integral is a sum, ``e^E (a^(H+1) - b^(H+1)) / (H+1)`` over the
pieces between them, and no step has to be chosen: multiplying a map by c multiplies its TFCE by exactly ``c^(H+1)``,
and the values of a permutation can be compared with those of any other.

The clusters at all heights form a tree (a max-tree): lowering the height, clusters grow by single voxels and merge
at saddles. Growing is array work; only the merges, one a local maximum, are walked one by one:

1. every voxel points to some higher neighbour, and by following the pointers to a local maximum: its basin;
2. the saddles that matter are a minimum spanning tree between basins (ranked from the highest voxel down);
3. merging basins along it gives the nodes of the tree, and each voxel belongs to the node that it joins at its height;
4. within a node the extent grows by one a voxel, and the integral is a running sum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glmwidgets.glm.inference.cluster_stats import Lattice


def tfce(
    statistic: np.ndarray,
    lattice: Lattice,
    *,
    two_sided: bool = False,
    extent_power: float = 0.5,
    height_power: float = 2.0,
) -> np.ndarray:
    """Enhance a map of a statistic.

    Parameters
    ----------
    statistic : array of shape (n_voxels,)
    lattice : Lattice
        Where the voxels lie; `glmwidgets.glm.inference.cluster_stats.make_lattice`.
    two_sided : bool
        Enhance negative values too, as the map times -1; their result is negative. Otherwise it is 0.
    extent_power, height_power : float
        E and H of the formula.

    Returns
    -------
    array of shape (n_voxels,)
        In units of the statistic to the power H + 1, times voxels to the power E.

    Examples
    --------
    A single voxel at height 3 has an extent of 1 all the way down: ``3^3 / 3``. Two at that height have ``2^0.5``
    of it each.

    >>> from glmwidgets.glm.inference.cluster_stats import make_lattice
    >>> line = make_lattice(np.ones((1, 1, 4), dtype=bool))
    >>> tfce(np.array([3.0, 0.0, 3.0, 3.0]), line).round(3)
    array([ 9.   ,  0.   , 12.728, 12.728])
    """
    out = _enhance(statistic, lattice, extent_power, height_power)
    if two_sided:
        out -= _enhance(-statistic, lattice, extent_power, height_power)
    return out


def _enhance(statistic: np.ndarray, lattice: Lattice, extent_power: float, height_power: float) -> np.ndarray:
    """TFCE of the positive part of a map."""
    out = np.zeros(len(statistic))
    voxels = np.flatnonzero(statistic > 0)
    if not len(voxels):
        return out
    # From here on a voxel is known by its rank: 0 is the highest. Ranks have no ties; equal heights end up in
    # pieces of no height, which add nothing.
    voxels = voxels[np.argsort(-statistic[voxels])]
    higher, lower = _neighbour_pairs(lattice, lattice.positions[voxels])
    basin, n_basins = _basins(higher, lower, len(voxels))
    tree = _merge_basins(basin[higher], basin[lower], lower, n_basins)
    level = statistic[voxels].astype(float) ** (height_power + 1) / (height_power + 1)
    out[voxels] = _integrate(tree, _joined_node(tree, basin), level, extent_power)
    return out


def _neighbour_pairs(lattice: Lattice, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """List all pairs of neighbours as (rank of the higher, rank of the lower)."""
    n = len(positions)
    rank = np.full(lattice.size, n, dtype=np.int32)  # the background ranks below all
    rank[positions] = np.arange(n, dtype=np.int32)
    higher, lower = [], []
    for step in lattice.steps:
        low = np.maximum(rank[:-step], rank[step:])
        inside = np.flatnonzero(low < n)
        lower.append(low[inside])
        higher.append(np.minimum(rank[inside], rank[inside + step]))
    return np.concatenate(higher), np.concatenate(lower)


def _basins(higher: np.ndarray, lower: np.ndarray, n: int) -> tuple[np.ndarray, int]:
    """Number of the local maximum that an ascent from each voxel ends at, and how many there are."""
    own = np.arange(n, dtype=np.int32)
    up = own.copy()
    up[lower] = higher  # of several higher neighbours any will do
    while not np.array_equal(twice := up[up], up):
        up = twice
    is_peak = up == own
    number = np.cumsum(is_peak, dtype=np.int32) - 1
    return number[up], int(number[-1]) + 1


class _Tree(NamedTuple):
    """Merge tree: nodes 0 .. n_basins - 1 are basins, later nodes are the merger of two earlier ones."""

    parent: np.ndarray  # (n_nodes,); a root is its own parent
    born: np.ndarray  # (n_nodes,) rank of the voxel that made the node by merging; -1 for basins


def _merge_basins(a: np.ndarray, b: np.ndarray, saddle: np.ndarray, n_basins: int) -> _Tree:
    """Merge basins at the saddles between them, from the highest saddle to the lowest."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import minimum_spanning_tree

    between = np.flatnonzero(a != b)
    a, b, saddle = a[between], b[between], saddle[between]
    # Two basins can touch at many saddles. A CSR matrix with repeated entries keeps them all, where building it
    # from coordinates would add them up.
    by_row = np.argsort(_short(a, n_basins), kind="stable")
    starts = np.zeros(n_basins + 1, dtype=np.int32)
    np.cumsum(np.bincount(a, minlength=n_basins), out=starts[1:])
    graph = csr_array((saddle[by_row] + 1.0, b[by_row], starts), shape=(n_basins, n_basins))
    joins = minimum_spanning_tree(graph).tocoo()
    in_turn = np.argsort(joins.data)
    born = joins.data[in_turn].astype(np.int32) - 1

    leader = list(range(n_basins))  # union-find over basins
    node = list(range(n_basins))  # the tree's node of each leader
    parent = list(range(n_basins + len(born)))
    new = n_basins
    for x, y in zip(joins.row[in_turn].tolist(), joins.col[in_turn].tolist(), strict=True):
        while leader[x] != x:
            leader[x] = x = leader[leader[x]]
        while leader[y] != y:
            leader[y] = y = leader[leader[y]]
        leader[y] = x
        parent[node[x]] = parent[node[y]] = node[x] = new
        new += 1
    return _Tree(np.array(parent, dtype=np.int32), np.append(np.full(n_basins, -1, dtype=np.int32), born))


def _joined_node(tree: _Tree, basin: np.ndarray) -> np.ndarray:
    """Node that each voxel joins at its own height: the last ancestor of its basin that was born by then."""
    jumps = [tree.parent]  # by 1, 2, 4, ... generations
    while not np.array_equal(further := jumps[-1][jumps[-1]], jumps[-1]):
        jumps.append(further)
    rank = np.arange(len(basin), dtype=np.int32)
    node = basin
    for jump in reversed(jumps):
        older = jump[node]
        node = np.where(tree.born[older] <= rank, older, node)
    return node


def _integrate(tree: _Tree, node: np.ndarray, level: np.ndarray, extent_power: float) -> np.ndarray:
    """Sum ``e^E (level above - level below)`` from the bottom of the tree up to every voxel."""
    n_nodes = len(tree.parent)
    parents = tree.parent.tolist()
    own = np.bincount(node, minlength=n_nodes)
    total = own.tolist()
    for child, up in enumerate(parents):  # children come before their parents
        if up != child:
            total[up] += total[child]
    first = np.cumsum(own) - own

    # Voxels by node, and in a node from the highest down, each with the piece between it and the next one below.
    order = np.argsort(_short(node, n_nodes), kind="stable")
    in_node = node[order]
    extent = (np.array(total) - own - first)[in_node] + np.arange(1, len(order) + 1)
    above = level[order]
    below = np.append(above[1:], 0.0)
    last = np.flatnonzero(np.append(in_node[1:] != in_node[:-1], True))
    root = tree.parent == np.arange(n_nodes)
    floor = np.where(root, 0.0, level[tree.born[tree.parent]])  # where the node ends: its parent's birth
    below[last] = floor[in_node[last]]
    piece = extent**extent_power * (above - below)

    in_full = np.bincount(in_node, weights=piece, minlength=n_nodes)
    foot = [0.0] * n_nodes  # the integral from zero up to the floor of a node
    contribution = in_full.tolist()
    for child in range(n_nodes - 1, -1, -1):
        up = parents[child]
        if up != child:
            foot[child] = foot[up] + contribution[up]
    running = np.cumsum(piece)
    out = np.empty(len(order))
    out[order] = np.array(foot)[in_node] + np.cumsum(in_full)[in_node] - running + piece
    return out


def _short(labels: np.ndarray, n: int) -> np.ndarray:
    """Store labels below n in 16 bits where they fit: a stable sort of these takes linear time."""
    return labels.astype(np.uint16) if n <= 2**16 else labels
