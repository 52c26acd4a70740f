"""Clusters as a table: the numbers of the panel, and of the file that is saved."""

from __future__ import annotations

from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmwidgets.glm.inference.cluster_p import P_COLUMNS
from glmwidgets.glm.inference.digits import digits_of, digits_of_clusters
from glmwidgets.glm.tables import tsv

if TYPE_CHECKING:
    from glmwidgets.analysis.thresholding import Clusters

__all__ = ["COLUMNS", "OF_NOISE", "cluster_columns", "cluster_table", "cluster_tsv"]

# Columns of the table, with what each means.
COLUMNS = {
    "cluster_id": "number of the cluster; a letter marks a further peak in it",
    "x": "mm, left to right",
    "y": "mm, back to front",
    "z": "mm, bottom to top",
    "peak_z": "z score at the peak",
    "n_voxels": "size of the cluster in voxels",
    "volume_mm3": "size of the cluster in mm³",
    "true_share": "at least this share of its voxels is truly active: 95 % confidence, all clusters at any threshold",
}


# Those of p values, where they were asked for: `glmwidgets.glm.inference.cluster_p.ClusterP.rows`.
OF_NOISE = dict(zip(("p_cluster", "p_uncorrected", "p_peak"), P_COLUMNS.values(), strict=True))

# What stands above each on a screen.
HEADINGS = ("#", "x", "y", "z", "peak", "voxels", "mm³", "active", "p", "p unc.", "p peak")


def cluster_columns(voxel_volume: float, with_p: bool = False) -> list[dict[str, Any]]:
    """Columns as a table on a screen has them: label, digits after the point, help, and whether the largest come first.

    Parameters
    ----------
    voxel_volume : float
        In mm³, which says how many digits tell neighbours apart.
    with_p : bool
        With p values of clusters and peaks.
    """
    digits = digits_of(voxel_volume)
    after = dict.fromkeys("xyz", digits.place) | {"peak_z": 2, "volume_mm3": digits.volume} | dict.fromkeys(OF_NOISE, 4)
    return [
        {
            "label": label,
            "digits": after.get(name, 0),
            "help": said,
            "falling": name != "cluster_id" and name not in OF_NOISE,
        }
        for label, (name, said) in zip(HEADINGS, (COLUMNS | (OF_NOISE if with_p else {})).items(), strict=False)
    ]


def cluster_table(clusters: Clusters) -> pd.DataFrame:
    """One row a peak: a cluster's highest first, its further ones below it without the cluster's size.

    Parameters
    ----------
    clusters : Clusters

    Returns
    -------
    DataFrame
        Columns as `COLUMNS`, and those of `OF_NOISE` where p values were asked for; NaN in what belongs to the cluster
        and not to a further peak.
    """
    rows = []
    for cluster, bound in zip(clusters.found, clusters.bounds, strict=True):
        for rank, peak in enumerate(cluster.peaks):
            letter = "" if rank == 0 else ascii_lowercase[rank - 1]
            own = (cluster.n_voxels, cluster.volume, bound) if rank == 0 else (np.nan, np.nan, np.nan)
            rows.append((f"{cluster.label}{letter}", *peak.xyz, peak.stat, *own))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"cluster_id": str})
    return table if clusters.p is None else table.assign(**dict(zip(OF_NOISE, clusters.p.rows().T, strict=True)))


def cluster_tsv(clusters: Clusters) -> str:
    """The table as tab-separated text in the manner of BIDS: ``n/a`` where there is no value.

    Parameters
    ----------
    clusters : Clusters

    Returns
    -------
    str
    """
    place, volume = (digits + 2 for digits in digits_of_clusters(clusters.found))
    digits = dict.fromkeys("xyz", place) | {"peak_z": 4, "volume_mm3": volume, "true_share": 4}
    table = cluster_table(clusters).round(digits)
    table["n_voxels"] = table["n_voxels"].astype("Int64")
    for name in OF_NOISE.keys() & set(table):
        table[name] = [float(f"{p:.4g}") for p in table[name]]
    return tsv(table)
