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
from scipy.ndimage import generate_binary_structure
from scipy.ndimage import label as label_volume
from scipy.special import gamma, log_ndtr, ndtri_exp

from glmwidgets.glm.choices import check_choice

__all__ = ["N_HEIGHTS", "enhanced_z"]

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
    steps = np.linspace(0, -log_ndtr(-top), n_heights)  # of -log p
    heights = -ndtri_exp(-steps[1:])
    heights[-1] = min(heights[-1], top)  # rounding must not put the peak below itself
    structure = generate_binary_structure(3, connectivity)
    total = np.zeros(z.shape)
    sizes = []
    for height, step in zip(heights, steps[1:], strict=True):
        above = z >= height
        if height < LEAST_HEIGHT:
            total[above] += step
            continue
        labels, _ = label_volume(above, structure)
        count = np.bincount(labels.ravel())
        sizes.append((height, labels, count))
    if sizes:
        _add_clusters(total, sizes, int(mask.sum()), resel_size)
    step = steps[1]
    reached = (total > 0) & mask & (z > 0)
    log_p = (np.sqrt(step * (8 * total[reached] + step)) - step) / 2
    out[reached] = np.maximum(-ndtri_exp(-log_p), 0)
    return out


def _add_clusters(total: NDArray, sizes: list, n_voxels: int, resel_size: float) -> None:
    """Add -log P(h | c) of each height to the voxels of its clusters."""
    all_sizes = np.unique(np.concatenate([count[1:] for _, _, count in sizes]))
    heights = np.array([height for height, _, _ in sizes])
    log_p = -_log_tail(heights, all_sizes.astype(float), n_voxels, resel_size)
    for row, (_, labels, count) in zip(log_p, sizes, strict=True):
        of_label = np.zeros(count.size)
        of_label[1:] = row[np.searchsorted(all_sizes, count[1:])]
        total += of_label[labels]


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
