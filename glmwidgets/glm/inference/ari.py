"""All-resolutions inference: how much of a cluster is surely active, however the cluster was chosen.

From the p values of all voxels in the mask comes one number, Hommel's h. With it every set of voxels has a lower
bound on its number of true discoveries, and all these bounds hold at once with confidence 1 - alpha. That is the
inference that stays true while somebody drags a threshold and looks at what comes up.

Sources: Rosenblatt, Finos, Weeda, Solari and Goeman (2018), All-Resolutions Inference for brain imaging, NeuroImage
181, 786-796; Goeman, Meijer, Krebs and Solari (2019), Simultaneous control of all false discovery proportions in
large-scale multiple hypothesis testing, Biometrika 106, 841-856.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glmwidgets.glm.inference.scores import p_from_z
from glmwidgets.glm.parallel import side_by_side


def hommel_value(z_values: ArrayLike, alpha: float = 0.05) -> int:
    """Hommel's h: an upper confidence bound on the number of voxels without a positive effect.

    ``h = max{i : p_(n-i+j) > j alpha / i for j = 1..i}`` for sorted p values ``p_(1) <= .. <= p_(n)``. Seen as
    points (k, p_(k)), the line from (n - h, 0) to (n, alpha) is the flattest that stays below them all; so h follows
    from the steepest slope from any of them to (n, alpha), after one sort.

    Parameters
    ----------
    z_values : array-like
        Z scores of all n voxels in the mask; the test is one-sided, for positive effects.
    alpha : float
        The bounds fail with at most this probability.

    Returns
    -------
    int
        From 0 (every voxel is surely active) to n (none is).

    Raises
    ------
    ValueError
        If `alpha` is not between 0 and 1, or a z score is NaN.

    Examples
    --------
    >>> hommel_value([5.0, 4.0, 3.0, 0.0, -1.0])
    2
    """
    _check_alpha(alpha)
    z_values = np.asarray(z_values, dtype=np.float64).ravel()
    if np.isnan(z_values).any():
        raise ValueError("all-resolutions inference needs a z score in every voxel of the mask, but some are NaN")
    p = p_from_z(np.sort(z_values)[::-1])
    n = p.size
    if n == 0 or p[0] > alpha:
        return n
    if p[-1] <= alpha:
        return 0
    steepest = np.max((alpha - p[:-1]) / np.arange(n - 1, 0, -1))
    return int(min(np.floor(alpha / steepest), n)) if steepest > 0 else n


def hommel_values(z_values: ArrayLike, alpha: float = 0.05, two_sided: bool = False) -> dict[int, int]:
    """Hommel's h of each sign, as `cluster_true_discoveries` takes it: all that the bounds need of the whole mask.

    Parameters
    ----------
    z_values : array-like
        Z scores of all voxels in the mask.
    alpha : float
    two_sided : bool
        Whether the two signs share `alpha`.

    Returns
    -------
    dict
        h for positive effects under 1, and for negative ones under -1.

    Examples
    --------
    >>> hommel_values([5.0, 4.0, 0.0, -1.0, -5.0, 0.0], two_sided=True)
    {1: 4, -1: 5}
    """
    z_values = np.asarray(z_values, dtype=np.float64)
    level = alpha / 2 if two_sided else alpha
    signs = (1, -1)
    return dict(zip(signs, side_by_side(lambda sign: hommel_value(sign * z_values, level), signs), strict=True))


def true_discovery_proportion(z_values: ArrayLike, hommel: int, alpha: float = 0.05) -> float:
    """Lower confidence bound on the share of a set of voxels that has a positive effect.

    ``max(0, max_u (1 - u + #{i : h p_i <= u alpha})) / m`` over ``u = 1, 2, ..`` for the m voxels of the set.

    Parameters
    ----------
    z_values : array-like
        Z scores of the voxels of the set: a cluster, a region, any choice, also one made after seeing the map.
    hommel : int
        `hommel_value` of all voxels in the mask, at the same `alpha`.
    alpha : float

    Returns
    -------
    float
        Between 0 and 1; 0 for an empty set.

    Examples
    --------
    >>> z = [5.0, 4.0, 3.0, 0.0, -1.0]
    >>> true_discovery_proportion(z[:4], hommel_value(z))
    0.75
    """
    _check_alpha(alpha)
    p = p_from_z(np.asarray(z_values, dtype=np.float64).ravel())
    if not p.size:
        return 0.0
    # Ordered by the least u that counts it, the i-th voxel gives the bound 1 - u_i + i.
    u = np.sort(np.maximum(np.ceil(hommel * p / alpha), 1))
    return float(max(0.0, np.max(1 - u + np.arange(1, p.size + 1))) / p.size)


def cluster_true_discoveries(
    z_map: ArrayLike,
    labels: ArrayLike,
    mask: ArrayLike,
    alpha: float = 0.05,
    two_sided: bool = False,
    hommel: Mapping[int, int] | None = None,
) -> NDArray[np.float64]:
    """Lower bound on the true discoveries in every cluster of a label map, each for its own sign.

    Parameters
    ----------
    z_map : array-like
        Z scores.
    labels : array-like of int, of the same shape
        0 outside clusters, 1..n in them, as `glmwidgets.glm.inference.clusters.label_clusters` gives. A cluster of
        negative voxels is tested for negative effects.
    mask : array-like of bool, of the same shape
        The voxels that were analysed.
    alpha : float
        The bounds of one sign, together, fail with at most this probability.
    two_sided : bool
        Let the bounds of both signs, together, fail with at most `alpha`: each sign is given half of it.
    hommel : mapping, optional
        `hommel_values` of the same map, where they are at hand.

    Returns
    -------
    ndarray, float64, shape (n,)
        Share of the voxels of cluster 1..n that is surely active in the cluster's direction.

    Examples
    --------
    >>> z = np.array([5.0, 4.0, 0.0, -1.0, -5.0, 0.0])
    >>> cluster_true_discoveries(z, [1, 1, 0, 0, 2, 0], np.ones(6, bool), two_sided=True)
    array([1., 1.])
    """
    z_map, labels, mask = np.asarray(z_map, dtype=np.float64), np.asarray(labels), np.asarray(mask, dtype=bool)
    level = alpha / 2 if two_sided else alpha
    if hommel is None:
        hommel = hommel_values(z_map[mask], alpha, two_sided)
    members = np.flatnonzero(mask & (labels > 0))
    cluster = labels.ravel()[members] - 1
    z_values, n_voxels = z_map.ravel()[members], np.bincount(cluster, minlength=labels.max(initial=0))
    sign = np.where(np.bincount(cluster, z_values, minlength=n_voxels.size) < 0, -1, 1)
    h = np.where(sign > 0, hommel[1], hommel[-1])
    u = np.maximum(np.ceil(h[cluster] * p_from_z(sign[cluster] * z_values) / level), 1)
    return surely_active(u, cluster, n_voxels.size)


def surely_active(least: NDArray[np.float64], cluster: NDArray[np.intp], n_clusters: int = 0) -> NDArray[np.float64]:
    """Share of each cluster that is surely active, ``max_u (1 - u + #{counted by u}) / n``, all in one sort.

    Parameters
    ----------
    least : array of shape (k,)
        The least u that counts a voxel as a discovery: a whole number of 1 or more, or infinite.
    cluster : array of int, shape (k,)
        Number of each one's cluster, from 0.
    n_clusters : int
        Number of clusters, where some at the end may hold no voxel.

    Returns
    -------
    ndarray, float64, shape (number of clusters,)

    Examples
    --------
    >>> surely_active(np.array([1.0, 1.0, 4.0, 2.0]), np.array([0, 0, 0, 1]))
    array([0.66666667, 0.        ])
    """
    n_voxels = np.bincount(cluster, minlength=n_clusters)
    order = np.lexsort((least, cluster))
    first = np.cumsum(n_voxels) - n_voxels
    rank = np.arange(1, cluster.size + 1) - first[cluster[order]]
    surely = np.zeros(n_voxels.size)
    np.maximum.at(surely, cluster[order], 1 - least[order] + rank)
    return np.divide(surely, n_voxels, out=np.zeros(n_voxels.size), where=n_voxels > 0)


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, not {alpha}")
