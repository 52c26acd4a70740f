"""Clusters as a table: the numbers of the panel, and of the file that is saved."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmwidgets.glm.inference.cluster_p import P_COLUMNS
from glmwidgets.glm.inference.digits import digits_of, digits_of_clusters
from glmwidgets.glm.tables import tsv
from glmwidgets.regions.named import REGION_COLUMNS

if TYPE_CHECKING:
    from glmwidgets.analysis.thresholding import Clusters

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

# Those of names, where there is an atlas.
OF_ATLAS = dict(zip(("region", "regions"), REGION_COLUMNS.values(), strict=True))

# What stands above each on a screen, in its order there. Of names the shares are in the row's title.
HEADINGS = {
    "cluster_id": "#",
    "region": "region",
    "x": "x",
    "y": "y",
    "z": "z",
    "peak_z": "peak",
    "n_voxels": "voxels",
    "volume_mm3": "mm³",
    "true_share": "active",
    "p_cluster": "p",
    "p_uncorrected": "p unc.",
    "p_peak": "p peak",
}


def on_screen(names: Iterable[str]) -> list[str]:
    """Columns of a table that stand on a screen; where regions have a name, the volume makes room for it.

    Parameters
    ----------
    names : iterable of str
        Of the table's columns.
    """
    there = set(names)
    return [name for name in HEADINGS if name in there and not (name == "volume_mm3" and "region" in there)]


def cluster_columns(voxel_volume: float, names: Iterable[str] = COLUMNS) -> list[dict[str, Any]]:
    """Columns as a table on a screen has them: label, digits after the point, help, and whether the largest come first.

    Parameters
    ----------
    voxel_volume : float
        In mm³, which says how many digits tell neighbours apart.
    names : iterable of str
        Of the table's columns.
    """
    digits = digits_of(voxel_volume)
    after = dict.fromkeys("xyz", digits.place) | {"peak_z": 2, "volume_mm3": digits.volume} | dict.fromkeys(OF_NOISE, 4)
    return [
        {
            "label": HEADINGS[name],
            "digits": after.get(name, 0),
            "help": (COLUMNS | OF_NOISE | OF_ATLAS)[name],
            "falling": name not in ("cluster_id", "region", *OF_NOISE),
            **({"text": True} if name == "region" else {}),
        }
        for name in on_screen(names)
    ]


def cluster_table(clusters: Clusters) -> pd.DataFrame:
    """One row a peak: a cluster's highest first, its further ones below it without the cluster's size.

    Parameters
    ----------
    clusters : Clusters

    Returns
    -------
    DataFrame
        Columns as `COLUMNS`, those of `OF_NOISE` where p values were asked for, and of `OF_ATLAS` where there is an
        atlas; NaN (of text: empty) in what belongs to the cluster and not to a further peak.
    """
    rows = []
    for cluster, bound in zip(clusters.found, clusters.bounds, strict=True):
        for rank, peak in enumerate(cluster.peaks):
            letter = "" if rank == 0 else ascii_lowercase[rank - 1]
            own = (cluster.n_voxels, cluster.volume, bound) if rank == 0 else (np.nan, np.nan, np.nan)
            rows.append((f"{cluster.label}{letter}", *peak.xyz, peak.stat, *own))
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"cluster_id": str})
    if clusters.p is not None:
        table = table.assign(**dict(zip(OF_NOISE, clusters.p.rows().T, strict=True)))
    if clusters.names is not None and clusters.names.atlas is not None:
        table = table.assign(**dict(zip(OF_ATLAS, clusters.names.columns().values(), strict=True)))
    return table


def cluster_tsv(clusters: Clusters) -> str:
    """The table as tab-separated text in the manner of BIDS: ``n/a`` where there is no value.

    Parameters
    ----------
    clusters : Clusters

    Returns
    -------
    str

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> cluster_tsv(session.clusters).splitlines()[0].split()[:5]
    ['cluster_id', 'x', 'y', 'z', 'peak_z']
    """
    place, volume = (digits + 2 for digits in digits_of_clusters(clusters.found))
    digits = dict.fromkeys("xyz", place) | {"peak_z": 4, "volume_mm3": volume, "true_share": 4}
    table = cluster_table(clusters).round(digits)
    table["n_voxels"] = table["n_voxels"].astype("Int64")
    for name in OF_NOISE.keys() & set(table):
        table[name] = [float(f"{p:.4g}") for p in table[name]]
    if "regions" in table:
        table["regions"] = table["regions"].replace("", None)
    return tsv(table)
