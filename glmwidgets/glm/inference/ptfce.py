"""Probabilistic threshold-free cluster enhancement: one z score of height and cluster size, without permutation.

At each of many heights h, equally spaced in -log p, a voxel lies in a cluster of c voxels or in none. Of noise whose
clusters are as large as random fields expect, the chance that a voxel in a cluster of c is above h is, by Bayes' rule,

    P(h | c) = int_h^inf f(x) g(c | x) dx / int_1.3^inf f(x) g(c | x) dx,

with f the normal density and g that of cluster sizes (`c^(2/3)` exponential with the mean that the field has at x). The
sum S of ``-log P(h | c)`` over the heights that the voxel reaches becomes one -log p again: with d the step between
heights, ``(sqrt(d (8 S + d)) - d) / 2``. Without clusters this gives the voxel's own p back.

Source: Spisak et al. 2019, NeuroImage 185, 12-26. What is enhanced is thresholded as random fields threshold z scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gamma, log_ndtr, ndtri_exp

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.inference.cluster_stats import components, make_lattice, one_step_apart

N_HEIGHTS = 100

# Height below which the size of clusters says nothing, and one from which the mean size is that of a random field.
LEAST_HEIGHT, FIELD_HEIGHT = 1.3, 1.1

# Nodes of the integral between two heights, and how far beyond the last it goes.
N_NODES, BEYOND, N_NODES_BEYOND = 8, 12.0, 64

MOST_LOG_P = 690.0  # -log of 1e-300


def enhanced_z(
    z_map: ArrayLike,
    mask: ArrayLike,
    resel_size: float,
    *,
    two_sided: bool = False,
    connectivity: int = 1,
    n_heights: int = N_HEIGHTS,
) -> NDArray[np.float64]:
    """Z scores that clusters have enhanced.

    Parameters
    ----------
    z_map : array-like of shape (nx, ny, nz)
        Z scores; NaN counts as 0.
    mask : bool array-like, of the same shape
        Search region.
    resel_size : float
        Voxels in a resel; see `glmwidgets.glm.inference.smoothness.Smoothness`.
    two_sided : bool
        Enhance negative values as well, each sign by itself. Otherwise they become 0.
    connectivity : {1, 2, 3}
        Voxels of a cluster share a face, an edge or a corner.
    n_heights : int

    Returns
    -------
    ndarray, float64, of the same shape
        0 outside the mask and where nothing is above 0.

    Examples
    --------
    >>> z = np.zeros((9, 9, 9))
    >>> z[2:6, 2:6, 2:6], z[7, 7, 7] = 2.5, 2.5
    >>> found = enhanced_z(z, np.ones(z.shape, bool), resel_size=20.0)
    >>> print(f"in a cluster of 64: {found[3, 3, 3]:.2f}, alone: {found[7, 7, 7]:.2f}")
    in a cluster of 64: 2.44, alone: 1.77
    """
    check_choice("connectivity", connectivity, (1, 2, 3))
    mask = np.asarray(mask, dtype=bool)
    z = np.where(mask, np.nan_to_num(np.asarray(z_map, dtype=np.float64), posinf=37.0, neginf=-37.0), 0.0)
    out = _enhanced(z, mask, resel_size, connectivity, n_heights)
    return out - _enhanced(-z, mask, resel_size, connectivity, n_heights) if two_sided else out


def _enhanced(z: NDArray, mask: NDArray, resel_size: float, connectivity: int, n_heights: int) -> NDArray[np.float64]:
    top = float(z.max(initial=0))
    out = np.zeros(z.shape)
    if top <= 0:
        return out
    steps = np.linspace(0, -log_ndtr(-top), n_heights)[1:]  # of -log p
    heights = -ndtri_exp(-steps)
    heights[-1] = min(heights[-1], top)  # rounding must not put the peak below itself
    n_low = int(np.searchsorted(heights, LEAST_HEIGHT))

    def z_of_sum(total: NDArray) -> NDArray[np.float64]:
        log_p = (np.sqrt(steps[0] * (8 * total + steps[0])) - steps[0]) / 2
        return np.maximum(-ndtri_exp(-log_p), 0)

    # Below the least height a voxel's sum says how many heights it reaches: few sums, each turned to z once.
    low_sums = np.cumsum(steps[:n_low])
    z_of_low = np.concatenate([[0.0], z_of_sum(low_sums)])
    inside = z > 0
    positive = z[inside]
    found = z_of_low[np.searchsorted(heights[:n_low], positive, side="right")]
    if n_low < heights.size:
        labels = _labels_at(heights[n_low:], z, connectivity)
        total = np.full(labels[0][0].size, low_sums[-1] if n_low else 0.0)
        total = _with_clusters(total, heights[n_low:], labels, int(mask.sum()), resel_size)
        found[positive >= heights[n_low]] = z_of_sum(total)
    out[inside] = found
    return out


def _labels_at(heights: NDArray, z: NDArray, connectivity: int) -> list[tuple[NDArray, NDArray]]:
    """Clusters at rising heights: the voxels of each among those above the first, and their cluster.

    Clusters only grow as the height falls: those of a height are the nodes of the next lower one, joined by the pairs
    of neighbours that are new there.
    """
    lattice = make_lattice(z >= heights[0], connectivity)
    values = z[z >= heights[0]]
    order = np.argsort(-values, kind="stable")
    rank = np.empty(order.size, dtype=np.int64)
    rank[order] = np.arange(order.size)
    ends = [one_step_apart(lattice.positions, step) for step in lattice.steps]
    i, j = (rank[np.concatenate(side)] for side in zip(*ends, strict=True))
    later = np.maximum(i, j)
    by_height = np.argsort(later, kind="stable")
    i, j, later = i[by_height], j[by_height], later[by_height]
    n_above = np.searchsorted(-values[order], -heights, side="right")
    n_pairs = np.searchsorted(later, n_above)
    part, found, n_before, pairs_before = np.zeros(0, dtype=np.int64), [], 0, 0
    for n, n_pair in zip(n_above[::-1], n_pairs[::-1], strict=True):
        if n > n_before:
            n_parts = int(part.max(initial=-1)) + 1
            part = np.concatenate([part, np.arange(n_parts, n_parts + n - n_before)])
            new = slice(pairs_before, n_pair)
            if n_pair > pairs_before:
                part = components(part[i[new]], part[j[new]], n_parts + n - n_before)[part]
            n_before, pairs_before = n, n_pair
        found.append((order[:n], part))
    return found[::-1]


def _with_clusters(
    total: NDArray, heights: NDArray, labels: list, n_voxels: int, resel_size: float
) -> NDArray[np.float64]:
    """Sums of voxels above the first height, with -log P(h | c) of each height added."""
    counts = [np.bincount(part) for _, part in labels]
    all_sizes, which = np.unique(np.concatenate(counts), return_inverse=True)
    log_p = -_log_tail(heights, all_sizes.astype(float), n_voxels, resel_size)
    of_cluster = np.split(which, np.cumsum([count.size for count in counts])[:-1])
    for row, (voxels, part), place in zip(log_p, labels, of_cluster, strict=True):
        total[voxels] += row[place][part]
    return total


def _log_tail(heights: NDArray, sizes: NDArray, n_voxels: int, resel_size: float) -> NDArray[np.float64]:
    """``log P(h | c)`` for rising heights from 1.3 on, shape (n_heights, n_sizes), by Gauss's rule between heights."""
    edges = np.concatenate([[LEAST_HEIGHT], heights])
    x, w = np.polynomial.legendre.leggauss(N_NODES)
    half = np.diff(edges)[:, None] / 2
    nodes = (edges[:-1, None] + half + half * x).ravel()
    weights = (half * w).ravel()
    x, w = np.polynomial.legendre.leggauss(N_NODES_BEYOND)
    nodes = np.concatenate([nodes, heights[-1] + BEYOND / 2 * (1 + x)])
    weights = np.concatenate([weights, BEYOND / 2 * w])
    rate = (_mean_size(nodes, n_voxels, resel_size) / gamma(2.5)) ** (-2 / 3)
    # Up to what all heights share; scaled by the largest for each size, so that nothing becomes 0.
    log_density = np.log(rate) - rate * sizes[:, None] ** (2 / 3) - nodes**2 / 2
    largest = log_density.max(axis=1, keepdims=True)
    parts = np.exp(log_density - largest) * weights
    n = N_NODES * heights.size
    between = parts[:, :n].reshape(sizes.size, heights.size, N_NODES).sum(axis=2)
    # Integrals from each edge on: the sum of those between later edges, and of what lies beyond.
    from_edge = np.cumsum(np.column_stack([between, parts[:, n:].sum(axis=1)])[:, ::-1], axis=1)[:, ::-1]
    with np.errstate(divide="ignore"):
        log_p = np.log(from_edge[:, 1:]) - np.log(from_edge[:, :1])
    return np.clip(log_p, -MOST_LOG_P, 0).T


def _mean_size(x: NDArray, n_voxels: int, resel_size: float) -> NDArray[np.float64]:
    """Voxels of a mean cluster above x: those above x over the number of clusters; at least one."""
    from glmwidgets.glm.inference.random_fields import ec_densities

    clusters = n_voxels / resel_size * ec_densities(np.maximum(x, FIELD_HEIGHT))[3]
    return np.maximum(n_voxels * np.exp(log_ndtr(-x)) / clusters, 1.0)
