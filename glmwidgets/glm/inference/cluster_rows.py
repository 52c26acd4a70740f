"""The table of clusters: a row for each cluster, and one for each of its further peaks."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_lowercase

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from glmwidgets.glm.inference.clusters import Cluster, find_clusters
from glmwidgets.glm.inference.digits import digits_of_clusters

COLUMNS = {
    "Cluster ID": object,
    "X": np.float64,
    "Y": np.float64,
    "Z": np.float64,
    "Peak Stat": np.float64,
    "Cluster Size (mm3)": object,
}


def clusters_table(
    stat_map: ArrayLike,
    threshold: float,
    affine: ArrayLike,
    cluster_threshold: int = 0,
    two_sided: bool = False,
    min_distance: float = 8.0,
    connectivity: int = 6,
    compat: str | None = None,
) -> pd.DataFrame:
    """Table of the clusters of a map and their peaks.

    Parameters
    ----------
    stat_map, threshold, affine, cluster_threshold, two_sided, min_distance, connectivity
        As in `find_clusters`.
    compat : {None, "nilearn"}
        "nilearn" gives nilearn 0.14.1's table row for row: with its sub-peaks (see `find_clusters`), and with its
        numbers for negative clusters, which count the rows before them.

    Returns
    -------
    DataFrame
        A row for each cluster, followed by its sub-peaks. "Cluster ID" is the cluster's number (int) or that and a
        letter (str); X, Y and Z are in mm; "Cluster Size (mm3)" is an int (of voxels below 1 mm^3 a float), and empty
        text for sub-peaks. Without clusters the table has no rows.

    Examples
    --------
    >>> z = np.zeros((9, 1, 1))
    >>> z[1:8, 0, 0] = [4, 3, 3.1, 3.5, 3.2, 3.4, 5]
    >>> clusters_table(z, 2.3, np.diag([4, 4, 4, 1]))
      Cluster ID     X    Y    Z  Peak Stat Cluster Size (mm3)
    0          1  28.0  0.0  0.0        5.0                448
    1         1a   4.0  0.0  0.0        4.0
    2         1b  16.0  0.0  0.0        3.5
    """
    clusters, _ = find_clusters(
        stat_map, threshold, affine, cluster_threshold, two_sided, min_distance, connectivity, compat
    )
    if compat != "nilearn":
        return table_of_clusters(clusters)
    positive = sum(cluster.sign > 0 for cluster in clusters)
    rows_of_positive = sum(len(cluster.peaks) for cluster in clusters[:positive])
    ids = [c.label if c.sign > 0 else c.label - positive + rows_of_positive for c in clusters]
    # The size of a voxel there is a product of single-precision numbers, which decides how some volumes round.
    voxel_volume = np.prod(np.sqrt((np.asarray(affine, dtype=np.float64)[:3, :3] ** 2).sum(axis=0)).astype(np.float32))
    sizes = [int(np.int64(cluster.n_voxels) * voxel_volume) for cluster in clusters]
    return _table(clusters, ids, sizes)


def table_of_clusters(clusters: Sequence[Cluster]) -> pd.DataFrame:
    """Table of clusters that were found before: what `clusters_table` returns.

    Parameters
    ----------
    clusters : sequence of Cluster
        From `find_clusters`.

    Returns
    -------
    DataFrame
        Sizes are whole mm^3, rounded down; of voxels smaller than 1 mm^3 they have the digits that voxels need.

    Examples
    --------
    >>> z = np.zeros((5, 5, 5))
    >>> z[1:3, 1:3, 1] = 4.0
    >>> clusters, _ = find_clusters(z, 3.0, np.diag([2.0, 2.0, 2.0, 1.0]))
    >>> table_of_clusters(clusters)["Cluster Size (mm3)"].tolist()
    [32]
    """
    digits = digits_of_clusters(clusters).volume
    return _table(clusters, [c.label for c in clusters], [_rounded_down(c.volume, digits) for c in clusters])


def _rounded_down(volume: float, digits: int) -> int | float:
    # More than rounding takes from a whole volume, and less than anybody would measure.
    steps = int(volume * 10**digits + (1e-3 if digits else 1e-6))
    return round(steps / 10**digits, digits) if digits else steps


def _table(clusters: Sequence[Cluster], ids: Sequence[int], sizes: Sequence[int]) -> pd.DataFrame:
    rows = []
    for cluster, number, size in zip(clusters, ids, sizes, strict=True):
        for rank, peak in enumerate(cluster.peaks):
            if rank == 0:
                rows.append((number, *peak.xyz, peak.stat, size))
            else:
                rows.append((f"{number}{ascii_lowercase[rank - 1]}", *peak.xyz, peak.stat, ""))
    columns = zip(*rows, strict=True) if rows else [[]] * len(COLUMNS)
    return pd.DataFrame(
        {
            name: pd.Series(list(values), dtype=dtype)
            for (name, dtype), values in zip(COLUMNS.items(), columns, strict=True)
        }
    )
