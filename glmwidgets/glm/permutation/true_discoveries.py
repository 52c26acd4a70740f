"""All-resolutions inference by permutation: how much of a cluster is surely active, whatever the noise's dependence.

Where Hommel's bounds (`glmwidgets.glm.inference.ari`) hold for any p values of the usual kind, permutation learns from
the maps how p values go together, and says more. The sorted p values of m voxels are held against a line

    l_u(lambda) = lambda (u - s) / (m - s),     u = s + 1, ..., m,

which says nothing of the s smallest. Each rearrangement has a largest lambda for which none of its sorted p values is
below the line; the line of a rank among all of them, the data as they are included, is crossed in noise with a
probability of at most alpha. Any set of voxels then holds at least ``max_u (1 - u + #{i : p_i < l_u})`` true
discoveries, for all sets at once.

Source: Andreella, Hemerik, Finos, Weeda and Goeman (2023), Permutation-based true discovery proportions for functional
magnetic resonance imaging cluster analysis, Statistics in Medicine 42, 2311-2340.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glmwidgets.glm.inference.ari import surely_active

#: Smallest p values of which the line says nothing. Smaller sets than these are not what is looked for. In simulated
#: groups of 20 maps (clusters of 100 to 1,400 voxels) 9 gave higher bounds than 0, 1 and 27 for all but the smallest.
SHIFT = 9

# Sorted p values between two that are computed in any case.
STRIDE = 64

# Of a line, what single precision in the rearrangements may have moved it by.
ROUNDING = 1e-4


def largest_line(n: int, p_at: Callable[[NDArray[np.intp]], NDArray[np.float64]], shift: int = SHIFT) -> float:
    """Largest lambda for which none of the sorted p values lies below the line.

    Parameters
    ----------
    n : int
        Number of voxels.
    p_at : callable
        ``p_at(ranks) -> p values`` of those ranks, from 0, in ascending order of p; asked for few of them.
    shift : int
        Smallest p values of which the line says nothing.

    Returns
    -------
    float
        Infinite where there are no more voxels than `shift`.

    Examples
    --------
    >>> p = np.array([0.001, 0.01, 0.02, 0.5])
    >>> round(largest_line(4, p.__getitem__, shift=1), 4)
    0.03
    """
    if n <= shift:
        return math.inf
    # A p value rises with its rank, so a block of ranks whose first p lies above the best line found at its last one
    # holds no better.
    ends = np.unique(np.append(np.arange(shift, n, STRIDE), n - 1))
    p = p_at(ends)
    best = float(np.min(p / (ends + 1 - shift)))
    open_blocks = np.flatnonzero(p[:-1] < best * (ends[1:] + 1 - shift))
    for block in open_blocks:
        between = np.arange(ends[block] + 1, ends[block + 1])
        if between.size:
            best = min(best, float(np.min(p_at(between) / (between + 1 - shift))))
    return best * (n - shift)


def calibrated_line(lines: ArrayLike, observed: float, alpha: float = 0.05) -> float:
    """Lambda of the line that noise crosses with a probability of at most alpha.

    Parameters
    ----------
    lines : array-like of shape (n_done,)
        `largest_line` of each rearrangement.
    observed : float
        Of the data as they are: one of the equally likely, too.
    alpha : float

    Returns
    -------
    float

    Examples
    --------
    >>> calibrated_line(np.arange(1.0, 100.0), 0.5, alpha=0.05)
    5.0
    """
    every = np.sort(np.append(np.asarray(lines, dtype=np.float64), observed))
    return float(every[math.floor(alpha * every.size * (1 + 1e-12))])


def permuted_true_discoveries(
    p_values: ArrayLike, cluster: ArrayLike, line: float, n_voxels: int, shift: int = SHIFT
) -> NDArray[np.float64]:
    """Lower bound on the share of each cluster's voxels that is surely active.

    Parameters
    ----------
    p_values : array-like of shape (k,)
        Uncorrected p values of the voxels in clusters.
    cluster : array-like of int, shape (k,)
        Number of each one's cluster, from 0.
    line : float
        `calibrated_line` of all voxels.
    n_voxels : int
        Number of all voxels.
    shift : int
        As for the line.

    Returns
    -------
    ndarray, float64, shape (number of clusters,)

    Examples
    --------
    >>> permuted_true_discoveries([1e-5, 1e-4, 2e-4, 0.2], [0, 0, 0, 1], line=0.05, n_voxels=100, shift=1)
    array([0.66666667, 0.        ])
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    line *= 1 - ROUNDING
    # The least u whose line lies above a p value.
    least = np.floor(shift + p_values * (n_voxels - shift) / line) + 1 if line > 0 else np.full(p_values.shape, np.inf)
    return surely_active(least, np.asarray(cluster, dtype=np.intp))
