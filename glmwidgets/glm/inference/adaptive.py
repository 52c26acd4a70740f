"""Adaptive clusters: the largest regions of which at least a given share is surely active.

Of all clusters at all heights, which form a forest, those are taken that have a true discovery proportion of at least
gamma and lie in no larger one. Bounds of all-resolutions inference hold for every set at once, so gamma may be moved
while one looks. A voxel that joins a cluster has the largest p value in it, so that with h Hommel's value and
``u = ceil(h p / alpha)`` the bound grows by comparing one number, ``d = max(d, 1 - u + size)``; where clusters meet it
is counted anew.

Source: Chen, Goeman, Krebs, Meijer and Weeda 2023, Adaptive cluster thresholding with spatial activation guarantees
using all-resolutions inference (arXiv 2206.13587); bounds as in `glmwidgets.glm.inference.ari`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glmwidgets.glm.inference.ari import hommel_value
from glmwidgets.glm.inference.cluster_stats import make_lattice
from glmwidgets.glm.inference.scores import p_from_z
from glmwidgets.plural import count


@dataclass(frozen=True)
class ClusterForest:
    """All clusters of one sign at all heights. Cluster i is what voxel ``order[i]`` completes.

    Attributes
    ----------
    order : int array of shape (n,)
        Voxels that some cluster can be active in, by falling height.
    parent : int array of shape (n,)
        The next larger cluster of each; -1 for those that meet no other.
    size : int array of shape (n,)
        In voxels.
    share : array of shape (n,)
        Share of each that is surely active.
    n_voxels : int
        Of the mask.
    """

    order: NDArray[np.int64]
    parent: NDArray[np.int64]
    size: NDArray[np.int64]
    share: NDArray[np.float64]
    n_voxels: int

    def regions(self, gamma: float) -> NDArray[np.int32]:
        """The largest clusters with a share of at least `gamma`.

        Parameters
        ----------
        gamma : float
            Between 0 and 1.

        Returns
        -------
        int array of shape (n_voxels,)
            Number of each voxel's region, from 1, the largest first; 0 in none.

        Raises
        ------
        ValueError
            If `gamma` is not above 0 and at most 1.
        """
        if not 0 < gamma <= 1:
            raise ValueError(f"gamma is a share above 0 and at most 1, not {gamma}")
        n = self.order.size
        region = np.full(n, -1, dtype=np.int64)
        # From the largest clusters down: a cluster belongs to the region of its parent, or begins one.
        for i in range(n - 1, -1, -1):
            above = self.parent[i]
            if above >= 0 and region[above] >= 0:
                region[i] = region[above]
            elif self.share[i] >= gamma:
                region[i] = i
        labels = np.zeros(self.n_voxels, dtype=np.int32)
        found, inverse, counts = np.unique(region[region >= 0], return_inverse=True, return_counts=True)
        rank = np.empty(found.size, dtype=np.int32)
        rank[np.argsort(-counts, kind="stable")] = np.arange(1, found.size + 1)
        labels[self.order[region >= 0]] = rank[inverse]
        return labels

    def shares_of(self, labels: NDArray[np.int32]) -> NDArray[np.float64]:
        """Share of each region of `regions` that is surely active, in the order of its numbers."""
        at = np.full(self.n_voxels, -1)
        at[self.order] = np.arange(self.order.size)
        last = np.zeros(labels.max(initial=0), dtype=np.int64)
        inside = np.flatnonzero(labels)
        np.maximum.at(last, labels[inside] - 1, at[inside])
        return self.share[last]


def cluster_forest(
    z_values: ArrayLike, mask: ArrayLike, alpha: float = 0.05, *, hommel: int | None = None, connectivity: int = 1
) -> ClusterForest:
    """Find all clusters of positive values, and how much of each is surely active.

    Parameters
    ----------
    z_values : array-like of shape (n_voxels,)
        Z scores of the voxels of the mask, in its C order. For negative effects give their negative.
    mask : bool array-like of shape (nx, ny, nz)
    alpha : float
        The bounds, all together, fail with at most this probability.
    hommel : int, optional
        `glmwidgets.glm.inference.ari.hommel_value` of the same values.
    connectivity : {1, 2, 3}
        Voxels of a cluster share a face, an edge or a corner.

    Returns
    -------
    ClusterForest

    Raises
    ------
    ValueError
        If there is not one value for each voxel of the mask.

    Examples
    --------
    >>> z = np.array([5.0, 4.5, 0.5, 0.2, 4.0, 0.1])
    >>> forest = cluster_forest(z, np.ones((6, 1, 1), bool))
    >>> forest.regions(1.0).tolist(), forest.regions(0.5).tolist()
    ([1, 1, 0, 0, 2, 0], [1, 1, 1, 1, 1, 1])
    """
    z, lattice = np.asarray(z_values, dtype=np.float64), make_lattice(mask, connectivity)
    if z.shape != lattice.positions.shape:
        raise ValueError(f"there are {count(z.size, 'value')} for {count(lattice.positions.size, 'voxel')} of the mask")
    h = hommel_value(z, alpha) if hommel is None else hommel
    # Least u that counts a voxel; one whose p is above alpha adds size and nothing else, however small h is.
    least = np.maximum(np.ceil(h * p_from_z(z) / alpha), 1).astype(np.int64)
    order = np.argsort(-z, kind="stable")
    number = np.full(lattice.size, -1)
    number[lattice.positions] = np.arange(z.size)
    steps = [step for one in lattice.steps for step in (one, -one)]
    positions = lattice.positions.tolist()
    neighbours = number.tolist()

    n = z.size
    place = [-1] * n  # of a voxel in `order`, once it has joined
    parent, size, sure = np.full(n, -1), np.ones(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    root = list(range(n))  # of each cluster, the largest that it has become part of
    members: dict[int, list[NDArray]] = {}  # sorted values of u of each root, in pieces
    u_of, end = least[order].tolist(), len(neighbours)

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, voxel in enumerate(order.tolist()):
        place[voxel] = i
        met, here = set(), positions[voxel]
        for step in steps:
            there = here + step
            if 0 <= there < end and (other := neighbours[there]) >= 0 and place[other] >= 0:
                met.add(find(place[other]))
        u = u_of[i]
        if not met:
            members[i], sure[i] = [u], max(0, 2 - u)
            continue
        size[i] = 1 + sum(int(size[j]) for j in met)
        for j in met:
            parent[j], root[j] = i, i
        if len(met) == 1:
            (j,) = met
            joined = members.pop(j)
            joined.append(u)
            sure[i] = max(sure[j], 1 - u + size[i])
        else:
            joined = sorted(x for j in met for x in members.pop(j))
            joined.append(u)
            sure[i] = max(0, int((1 - np.asarray(joined) + np.arange(1, len(joined) + 1)).max()))
        members[i] = joined
    return ClusterForest(order, parent, size, sure / size, n)
