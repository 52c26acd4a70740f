"""Clusters of a thresholded map: their labels and their peaks.

A cluster is a set of voxels strictly beyond the threshold, of one sign, that hang together by their faces. Clusters
are numbered from 1 by falling peak height, the positive ones first; the label image, the list and the table
(`cluster_rows`) all use these numbers. Only voxels beyond the threshold are ever visited, all clusters at once, so that
the cost hardly depends on the size of the volume or on the number of clusters.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from glmwidgets.glm.boxes import bounding_box
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.parallel import side_by_side

MAX_PEAKS = 4  # a cluster's peak and at most three sub-peaks

_STEPS_OF_CONNECTIVITY = {6: 1, 18: 2, 26: 3}


class Peak(NamedTuple):
    """A local maximum of a cluster (of the absolute value in a negative one).

    Attributes
    ----------
    ijk : tuple of 3 int
        Voxel indices.
    xyz : tuple of 3 float
        Place in mm.
    stat : float
        Value of the map there, with its sign.

    Examples
    --------
    >>> Peak((1, 2, 3), (3.0, 6.0, 9.0), 4.5).stat
    4.5
    """

    ijk: tuple[int, int, int]
    """Voxel indices."""
    xyz: tuple[float, float, float]
    """Place in mm."""
    stat: float
    """Value of the map there, with its sign."""


@dataclass(frozen=True)
class Cluster:
    """A cluster of a thresholded map.

    Attributes
    ----------
    label : int
        Its number, from 1; the value of its voxels in the label image.
    sign : int
        1 or -1.
    n_voxels : int
    volume : float
        In mm^3.
    peaks : tuple of Peak
        The highest first, at most `MAX_PEAKS`.
    """

    label: int
    sign: int
    n_voxels: int
    volume: float
    peaks: tuple[Peak, ...]


def threshold_map(
    z_map: ArrayLike, threshold: float, cluster_threshold: int = 0, two_sided: bool = True, connectivity: int = 6
) -> NDArray[np.floating]:
    """Set to zero what does not reach a threshold, and what does in too small a cluster.

    Parameters
    ----------
    z_map : array-like, shape (i, j, k)
        Statistics. What is not finite becomes zero.
    threshold : float
        Values that equal it stay. If two-sided, it is applied to the absolute value and must not be negative;
        if one-sided and negative, what is at or below it stays.
    cluster_threshold : int
        Clusters of fewer voxels than this vanish, each sign on its own.
    two_sided : bool
    connectivity : {6, 18, 26}
        Whether voxels hang together by faces, also by edges, or also by corners.

    Returns
    -------
    ndarray, shape (i, j, k)
        A new array, of the map's floating type.

    Raises
    ------
    ValueError
        If the map is not 3-D, or the threshold does not fit the test.

    Examples
    --------
    >>> z = np.array([4.0, 3.5, 0.0, 3.2, 1.0, -3.6]).reshape(6, 1, 1)
    >>> threshold_map(z, 3, cluster_threshold=2).ravel()
    array([4. , 3.5, 0. , 0. , 0. , 0. ])
    """
    data = _finite_map(z_map)
    keep = np.zeros(data.shape, dtype=bool)
    for sign, height in _tails(threshold, two_sided):
        reached = sign * data >= height
        if cluster_threshold > 1:
            labels, _ = ndimage.label(reached & (data != 0), _structure(connectivity))
            reached = (np.bincount(labels.ravel()) >= cluster_threshold)[labels] & (labels > 0)
        keep |= reached
    return np.where(keep, data, 0).astype(np.result_type(np.asarray(z_map).dtype, np.float32), copy=False)


def label_clusters(
    stat_map: ArrayLike, threshold: float, two_sided: bool = False, min_size: int = 0, connectivity: int = 6
) -> NDArray[np.int32]:
    """Number the clusters of a map.

    Parameters
    ----------
    stat_map : array-like, shape (i, j, k)
        Statistics. NaN counts as zero, and infinity is the largest.
    threshold : float
        Voxels strictly beyond it belong to clusters. If one-sided and negative, those below it.
    two_sided : bool
        Whether there are clusters of negative voxels, too.
    min_size : int
        Clusters of fewer voxels are left out.
    connectivity : {6, 18, 26}

    Returns
    -------
    ndarray, int32, shape (i, j, k)
        0 outside, otherwise the number of the cluster in `find_clusters` and `clusters_table`: from 1 by falling
        peak height, positive clusters before negative ones.

    Raises
    ------
    ValueError
        If the map is not 3-D, or the threshold does not fit the test.

    Examples
    --------
    >>> z = np.array([2.5, 0, 4.0, 3.5, 0, -6.0]).reshape(6, 1, 1)
    >>> label_clusters(z, 2, two_sided=True).ravel()
    array([2, 0, 1, 1, 0, 3], dtype=int32)
    """
    data = _finite_map(stat_map)
    all_labels = np.zeros(data.shape, dtype=np.int32)
    found = 0
    for sign, height in _tails(threshold, two_sided):
        box, heights, beyond = _beyond(data, sign, height)
        labels, sizes = _label_by_height(heights, beyond, min_size, connectivity)
        _add_labels(all_labels[box], labels, found)
        found += len(sizes)
    return all_labels


def find_clusters(
    stat_map: ArrayLike,
    threshold: float,
    affine: ArrayLike,
    cluster_threshold: int = 0,
    two_sided: bool = False,
    min_distance: float = 8.0,
    connectivity: int = 6,
    compat: str | None = None,
) -> tuple[list[Cluster], NDArray[np.int32]]:
    """Find the clusters of a map with their peaks, and label them.

    Parameters
    ----------
    stat_map : array-like, shape (i, j, k)
        Statistics. NaN counts as zero, and infinity is the largest.
    threshold : float
        Voxels strictly beyond it belong to clusters. If one-sided and negative, those below it.
    affine : array-like, shape (4, 4)
        From voxel indices to mm.
    cluster_threshold : int
        Clusters of fewer voxels are left out.
    two_sided : bool
        Whether negative clusters are found, too.
    min_distance : float
        No two peaks of a cluster are this near to each other, in mm. The lower one gives way.
    connectivity : {6, 18, 26}
    compat : {None, "nilearn"}
        "nilearn" finds what nilearn 0.14.1 does where it differs: a sub-peak that gave way comes back if it is far
        enough from a later, lower one, so that peaks can be too near; and `cluster_threshold` counts voxels that
        equal the threshold, too.

    Returns
    -------
    clusters : list of Cluster
        By falling peak height, positive ones first.
    labels : ndarray, int32, shape (i, j, k)
        As `label_clusters`.

    Raises
    ------
    ValueError
        If the map is not 3-D, or a setting is out of its range.

    Notes
    -----
    A peak is a voxel that none of its 26 neighbours in the cluster exceeds. Several such voxels that touch are one
    peak, in the middle (or in the one nearest to the middle). The inside of a plateau is not a peak, unless the
    whole cluster is flat.

    Examples
    --------
    >>> z = np.zeros((9, 1, 1))
    >>> z[1:8, 0, 0] = [4, 3, 3.1, 3.5, 3.2, 3.4, 5]
    >>> (cluster,), labels = find_clusters(z, 2.3, np.diag([4, 4, 4, 1]))
    >>> cluster.n_voxels, cluster.volume
    (7, 448.0)
    >>> [(peak.xyz[0], peak.stat) for peak in cluster.peaks]
    [(28.0, 5.0), (4.0, 4.0), (16.0, 3.5)]
    """
    check_choice("compat", compat, (None, "nilearn"))
    if min_distance < 0:
        raise ValueError(f"min_distance must not be negative, but is {min_distance} mm")
    affine = np.asarray(affine, dtype=np.float64)
    if affine.shape != (4, 4):
        raise ValueError(f"the affine must be a 4 x 4 matrix, but has the shape {affine.shape}")
    data = _finite_map(stat_map)
    if compat:
        data = threshold_map(data, threshold, cluster_threshold, two_sided, connectivity)
        cluster_threshold = 0

    clusters: list[Cluster] = []
    all_labels = np.zeros(data.shape, dtype=np.int32)
    i, j, k = affine[:3, :3].T
    voxel_volume = abs(np.dot(i, np.cross(j, k)))

    def of_tail(tail: tuple[int, float]) -> tuple[Any, ...]:
        box, heights, beyond = _beyond(data, *tail)
        labels, sizes = _label_by_height(heights, beyond, cluster_threshold, connectivity)
        return tail[0], box, labels, sizes, *_peaks_by_cluster(heights, labels, len(sizes), box)

    for sign, box, labels, sizes, ijk, first in side_by_side(of_tail, _tails(threshold, two_sided)):
        _add_labels(all_labels[box], labels, len(clusters))
        xyz = ijk @ affine[:3, :3].T + affine[:3, 3]
        peaks = [
            Peak(tuple(voxel), tuple(mm), value)
            for voxel, mm, value in zip(ijk.tolist(), xyz.tolist(), data[tuple(ijk.T)].tolist(), strict=True)
        ]
        for size, (start, end) in zip(sizes.tolist(), pairwise(first), strict=True):
            kept = _far_apart(xyz[start:end], min_distance, readmit=compat == "nilearn")
            own = tuple(peaks[start + i] for i in kept)
            clusters.append(Cluster(len(clusters) + 1, sign, size, float(size * voxel_volume), own))
    return clusters, all_labels


# Labels ---------------------------------------------------------------------------------------------------------------


def _finite_map(stat_map: ArrayLike) -> NDArray[np.float64]:
    """In double precision, so that a threshold is never rounded to the precision of the map; not to be changed."""
    data = np.asarray(stat_map, dtype=np.float64)
    if data.ndim != 3:
        raise ValueError(f"clusters are found in a 3-D map, but this one has the shape {data.shape}")
    # Infinite statistics are the largest, not the first to vanish.
    missing = np.isnan(data)
    return np.where(missing, 0, data) if missing.any() else data


def _tails(threshold: float, two_sided: bool) -> list[tuple[int, float]]:
    """Sign of each tail, and the height that sign * statistic has to pass there."""
    if np.isnan(threshold):
        raise ValueError("the threshold is not a number")
    if two_sided and threshold < 0:
        raise ValueError(f"a two-sided threshold must not be negative, but is {threshold}")
    if two_sided:
        return [(1, threshold), (-1, threshold)]
    return [(1, threshold)] if threshold >= 0 else [(-1, -threshold)]


def _structure(connectivity: int) -> NDArray[np.bool_]:
    check_choice("connectivity", connectivity, _STEPS_OF_CONNECTIVITY)
    return ndimage.generate_binary_structure(3, _STEPS_OF_CONNECTIVITY[connectivity])


def _beyond(
    data: NDArray[np.float64], sign: int, height: float
) -> tuple[tuple[slice, ...], NDArray[np.float64], NDArray[np.bool_]]:
    """The box of a tail's voxels and of those beside them, how high all are there, and which belong to the tail."""
    beyond = data > height if sign > 0 else data < -height
    box = bounding_box(beyond, margin=1)
    return box, data[box] if sign > 0 else -data[box], beyond[box]


def _label_by_height(
    heights: NDArray[np.float64], beyond: NDArray[np.bool_], min_size: int, connectivity: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Label positive clusters by falling peak height; also their sizes in voxels, in that order."""
    labels, n = ndimage.label(beyond, _structure(connectivity))
    voxels = np.flatnonzero(labels)
    raw = labels.ravel()[voxels]
    sizes = np.bincount(raw, minlength=n + 1)
    peaks = np.zeros(n + 1)
    np.maximum.at(peaks, raw, heights[beyond])
    kept = np.flatnonzero(sizes >= max(min_size, 1))
    order = kept[np.argsort(-peaks[kept], kind="stable")]
    number = np.zeros(n + 1, dtype=np.int32)
    number[order] = np.arange(1, len(order) + 1)
    labels.ravel()[voxels] = number[raw]
    return labels, sizes[order]


def _add_labels(all_labels: NDArray[np.int32], labels: NDArray[np.int32], first: int) -> None:
    np.add(labels, first, out=all_labels, where=labels > 0)


# Peaks ----------------------------------------------------------------------------------------------------------------


def _peaks_by_cluster(
    heights: NDArray[np.float64], labels: NDArray[np.int32], n_clusters: int, box: tuple[slice, ...]
) -> tuple[NDArray[np.int64], list[int]]:
    """Voxel indices, shape (n_peaks, 3), in the volume of all peaks in a box, cluster by cluster, the highest first.

    Also where in them each cluster's peaks begin, and the end.
    """
    start = np.array([span.start for span in box])
    ijk = _middles(heights, _local_maxima(heights, labels), start)
    at = tuple((ijk - start).T)
    order = np.lexsort((-heights[at], labels[at]))
    first = np.searchsorted(labels[at][order], np.arange(1, n_clusters + 2))
    return ijk[order], first.tolist()


def _local_maxima(heights: NDArray[np.float64], labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Indices, shape (3, n), of the voxels that no neighbour in the cluster exceeds, in the order of memory."""
    # A border of another label stands for "outside the volume", and lets every neighbour be an offset in memory.
    # Beyond the neighbours of the clusters nothing is looked at.
    box = bounding_box(labels > 0, margin=1)
    labels, heights, start = labels[box], heights[box], [[span.start] for span in box]
    shape = tuple(n + 2 for n in labels.shape)
    label = np.full(shape, -1, labels.dtype)
    label[1:-1, 1:-1, 1:-1] = labels
    strides = np.array(label.strides) // label.itemsize
    around = [int(np.dot(step, strides)) for step in product((-1, 0, 1), repeat=3) if any(step)]
    label = label.ravel()

    voxels = np.flatnonzero(label > 0)
    height = np.zeros(label.size)  # asked for in clusters alone
    height[voxels] = heights[labels > 0]
    lowest = np.full(label.max(initial=0) + 1, np.inf)
    highest = np.zeros_like(lowest)
    np.minimum.at(lowest, label[voxels], height[voxels])
    np.maximum.at(highest, label[voxels], height[voxels])

    for offset in around:  # the candidates are soon few
        beside = voxels + offset
        exceeded = (label[beside] == label[voxels]) & (height[beside] > height[voxels])
        voxels = voxels[~exceeded]

    beside = voxels[:, None] + around
    level = (label[beside] == label[voxels, None]) & (height[beside] == height[voxels, None])
    inside_plateau = (level | (label[beside] < 0)).all(axis=1)
    flat = np.isclose(highest, lowest)[label[voxels]]
    voxels = voxels[flat | ~inside_plateau]
    return np.array(np.unravel_index(voxels, shape)) - 1 + start


def _middles(heights: NDArray[np.float64], voxels: NDArray[np.int64], start: NDArray[np.int64]) -> NDArray[np.int64]:
    """One voxel, shape (n_peaks, 3), for each group of maxima that touch by their faces.

    What lies half-way is rounded where it lies in the volume, in which the box begins at `start`.
    """
    at = tuple(voxels)
    strides = np.array(heights.strides) // heights.itemsize
    flat = np.sort(strides @ voxels)
    if not any(np.isin(flat + stride, flat).any() for stride in strides):  # the rule: each is alone
        return voxels.T + start
    maxima = np.zeros(heights.shape, dtype=bool)
    maxima[at] = True
    groups, _ = ndimage.label(maxima)
    group, height = groups[at], np.minimum(heights[at], 1e100)  # a mean has no infinite weights
    weight = np.bincount(group, height)[1:]
    moments = np.array([np.bincount(group, height * axis)[1:] for axis in voxels + start[:, None]])
    middles = np.rint(moments / weight).astype(np.int64).T - start
    for index in np.flatnonzero(groups[tuple(middles.T)] != np.arange(1, len(middles) + 1)):
        members = voxels.T[group == index + 1]
        middles[index] = members[np.argmin(np.linalg.norm(members - middles[index], axis=1))]
    return middles + start


def _far_apart(xyz: NDArray[np.float64], min_distance: float, readmit: bool) -> list[int]:
    """Indices of the first `MAX_PEAKS` points, in the given order, that are farther than this from those before.

    With `readmit`, a kept point decides alone about all later ones, also those that were refused before it.
    """
    if len(xyz) == 1:
        return [0]
    chosen: list[int] = []
    allowed = np.ones(len(xyz), dtype=bool)
    for i in range(len(xyz)):
        if not allowed[i]:
            continue
        chosen.append(i)
        if len(chosen) == MAX_PEAKS:
            break
        far = np.linalg.norm(xyz[i + 1 :] - xyz[i], axis=1) > min_distance
        allowed[i + 1 :] = far if readmit else allowed[i + 1 :] & far
    return chosen
