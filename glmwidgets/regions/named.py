"""Names of clusters and their peaks: columns of every table of clusters that an atlas is given for."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.errors import told
from glmwidgets.images.coordinates import to_mm
from glmwidgets.regions.atlas import Atlas
from glmwidgets.regions.opening import open_atlas
from glmwidgets.regions.places import Place, Shares
from glmwidgets.regions.spaces import hedge_of_spaces

if TYPE_CHECKING:
    from glmwidgets.glm.inference.clusters import Cluster

#: Columns that names add to a table of clusters, with what each means.
REGION_COLUMNS = {
    "Region": "of the peak, by the atlas",
    "Regions of cluster": "share of the cluster's voxels in each region of the atlas",
}


@dataclass(frozen=True, eq=False)
class ClusterNames:
    """What an atlas says of clusters.

    Attributes
    ----------
    atlas : Atlas or None
        None where it could not be opened.
    peaks : tuple of tuple of Place
        Of each cluster's peaks.
    shares : tuple of Shares
        Of each cluster.
    said : tuple of str
        Why names may be wrong, or why there are none.
    """

    atlas: Atlas | None
    peaks: tuple[tuple[Place, ...], ...] = field(default=(), repr=False)
    shares: tuple[Shares, ...] = field(default=(), repr=False)
    said: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str]]:
        """Region of each peak, and of a cluster's first the shares: a row a peak, as tables of clusters have."""
        return [
            (str(place), str(shares) if rank == 0 else "")
            for places, shares in zip(self.peaks, self.shares, strict=True)
            for rank, place in enumerate(places)
        ]

    def columns(self) -> dict[str, list[str]]:
        """The same by `REGION_COLUMNS`."""
        rows = self.rows()
        return {name: [row[i] for row in rows] for i, name in enumerate(REGION_COLUMNS)}


def name_clusters(
    atlas: Atlas, clusters: Sequence[Cluster], labels: np.ndarray, affine: np.ndarray, space: str | None = None
) -> ClusterNames:
    """Name clusters and their peaks.

    Parameters
    ----------
    atlas : Atlas
    clusters : sequence of Cluster
        From `glmwidgets.glm.inference.clusters.find_clusters`.
    labels : int array of shape (nx, ny, nz)
        Number of each voxel's cluster.
    affine : array of shape (4, 4)
        Of the map, to mm.
    space : str, optional
        Template that the map is in.

    Returns
    -------
    ClusterNames

    Examples
    --------
    >>> import nibabel as nib
    >>> from glmwidgets.glm.inference.clusters import find_clusters
    >>> affine = np.diag([2.0, 2, 2, 1])
    >>> img = nib.Nifti1Image(np.array([0, 7, 7, 3], np.int16).reshape(4, 1, 1), affine)
    >>> atlas = open_atlas(img, {3: "pond", 7: "mill"}, space="MNI152NLin6Asym")
    >>> z = np.array([0, 4.0, 3.5, 3.2]).reshape(4, 1, 1)
    >>> name_clusters(atlas, *find_clusters(z, 3.0, affine), affine, "MNI152NLin6Asym").rows()
    [('mill', 'mill 67 %, pond 33 %')]
    """
    at_peaks = iter(atlas.at_each(np.array([p.xyz for c in clusters for p in c.peaks]).reshape(-1, 3)))
    peaks = tuple(tuple(islice(at_peaks, len(c.peaks))) for c in clusters)
    inside = labels > 0
    regions = _regions_of_grid(atlas, labels.shape, np.asarray(affine, dtype=np.float64).tobytes())[inside]
    shares = tuple(atlas.shares_of(regions, labels[inside], [c.label for c in clusters]))
    hedge = hedge_of_spaces(atlas.space, space)
    return ClusterNames(atlas, peaks, shares, (hedge,) if hedge else ())


@lru_cache(maxsize=4)
def _regions_of_grid(atlas: Atlas, shape: tuple[int, int, int], affine: bytes) -> np.ndarray:
    """Number of each voxel's region, -1 where there is none: looked up once, while threshold and model are dragged."""
    to_places = np.frombuffer(affine).reshape(4, 4)
    plane = np.indices((1, *shape[1:])).reshape(3, -1).T
    found = [atlas.regions_at(to_mm(plane + np.array([x, 0, 0]), to_places)) for x in range(shape[0])]
    return np.reshape(found, shape)


def kept_atlas(path: str | os.PathLike[str]) -> Atlas:
    """The atlas at a path; opened once, and again when its file has changed.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Atlas

    Raises
    ------
    FileNotFoundError, ValueError
        As `open_atlas` does.
    """
    file = Path(path).expanduser()
    stat = file.stat() if file.is_file() else None
    return _open(str(file), stat and (stat.st_mtime_ns, stat.st_size))


@lru_cache(maxsize=2)
def _open(path: str, changed: object) -> Atlas:
    return open_atlas(path)


def try_names(
    path: str, clusters: Sequence[Cluster], labels: np.ndarray, affine: np.ndarray, space: str | None = None
) -> ClusterNames | None:
    """Names by the atlas at a path, or why there are none: clusters stand without names, too.

    Parameters
    ----------
    path : str
        Empty for no atlas.
    clusters, labels, affine, space
        As `name_clusters` takes them.

    Returns
    -------
    ClusterNames or None
        None without an atlas.
    """
    if not path:
        return None
    try:
        atlas = kept_atlas(path)
    except (OSError, ValueError) as error:
        return ClusterNames(None, said=(f"no names of regions: {told(error, 'notebook')}",))
    return name_clusters(atlas, clusters, labels, affine, space)
