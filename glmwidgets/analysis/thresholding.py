"""Thresholding of a z map: the threshold, the clusters above it, and the surely active share of each.

The settings of every kind of analysis have the group ``threshold``, and these stages are the same for all of them. A
contrast comes with its z scores, in the order of the mask's voxels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.analysis.smoothness import SpatialNoise
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.inference.ari import hommel_values
from glmwidgets.glm.inference.clusters import Cluster
from glmwidgets.glm.inference.heights import THRESHOLDS, height_threshold
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.runs.domain import Domain
from glmwidgets.specification.reading import reads
from glmwidgets.specification.search import search_region
from glmwidgets.specification.settings import ThresholdSettings

if TYPE_CHECKING:
    from glmwidgets.analysis.significance import Judged
    from glmwidgets.glm.inference.cluster_p import ClusterP
    from glmwidgets.regions.named import ClusterNames

# The all-resolutions bounds on clusters fail with at most this probability, all of them together.
CONFIDENCE = 0.05

Scored = tuple[Contrast, np.ndarray]


def two_sided(settings: Any, contrast: Contrast) -> bool:
    """Whether both signs are looked at: as the settings say, but an F test has one side, that of large F.

    A negative z of an F test says that the effect is smaller than chance would make it; it is no finding.
    """
    return settings.threshold.two_sided and contrast.stat_type != "F"


def thresholding(settings: Any, contrast: Contrast) -> ThresholdSettings:
    """How a contrast is thresholded: as the settings say, with the sides that it has."""
    return replace(settings.threshold, two_sided=two_sided(settings, contrast))


@dataclass(frozen=True, eq=False)
class Clusters:
    """Clusters over the threshold.

    Attributes
    ----------
    found : tuple of Cluster
        By falling peak height, positive ones first.
    labels : array of int, 3-D
        Number of each voxel's cluster, 0 for none.
    bounds : array of shape (n_clusters,)
        Share of each cluster's voxels that is truly active, with a confidence of 95 % for all of them together and for
        any others that might be looked at: see `glmwidgets.glm.inference.ari`.
    judged : Judged or None
        What noise says of them: see `glmwidgets.analysis.significance.judged_of`.
    names : ClusterNames or None
        What an atlas says of them, where one is set.
    """

    found: tuple[Cluster, ...]
    labels: np.ndarray = field(repr=False)
    bounds: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)
    judged: Judged | None = field(default=None, repr=False)
    names: ClusterNames | None = field(default=None, repr=False)

    @property
    def p(self) -> ClusterP | None:
        """P values of the clusters, where there are any."""
        return None if self.judged is None else self.judged.p


@dataclass(frozen=True, eq=False)
class Searched:
    """What a threshold is of: the z scores of a contrast where one searches, or what is made of them.

    Attributes
    ----------
    contrast : Contrast
    z : array of shape (n_voxels,)
        In the order of the mask's voxels; 0 where one does not search.
    noise : SpatialNoise
    region : bool array of shape (nx, ny, nz) or None
        Where one searches; None for the whole mask.
    """

    contrast: Contrast
    z: np.ndarray = field(repr=False)
    noise: SpatialNoise = field(repr=False)
    region: np.ndarray | None = field(default=None, repr=False)

    @property
    def domain(self) -> Domain:
        """All voxels that are analysed."""
        return self.noise.domain

    @property
    def values(self) -> np.ndarray:
        """Z scores of the voxels where one searches."""
        return self.z if self.region is None else self.z[self.region[self.domain.mask]]

    def field(self, settings: Any) -> RandomField:
        """What noise does where one searches."""
        sides = two_sided(settings, self.contrast)
        return self.noise.field(self.contrast, sides, settings.threshold.smoothness, self.region)


@reads(
    "threshold.height_control",
    "threshold.alpha",
    "threshold.value",
    "threshold.share",
    "threshold.two_sided",
    "threshold.smoothness",
    "threshold.search",
)
def searched_of(settings: Any, scored: Scored, noise: SpatialNoise, kept: dict[Any, Any] | None = None) -> Searched:
    """What is tested: the z scores themselves, unless a region is searched or the method enhances them.

    Parameters
    ----------
    settings : object
        Its ``threshold`` is read.
    scored : Contrast, array
        The contrast and its z scores.
    noise : SpatialNoise
        Asked where the method needs the random field.
    kept : dict, optional
        Of the same z scores, where a method keeps what another level can use.

    Returns
    -------
    Searched

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> searched = searched_of(session.settings, (session.result.contrast, session.result.z), session.result.noise)
    >>> searched.values.size == session.result.domain.size
    True
    """
    contrast, z = scored
    domain, row = noise.domain, THRESHOLDS[settings.threshold.height_control]
    region = search_region(settings.threshold.search, domain)
    if region is not None:
        z = np.where(region[domain.mask], z, 0.0)
    found = Searched(contrast, z, noise, region)
    if row.enhance is None:
        return found
    mask, field = domain.mask if region is None else region, found.field(settings) if row.needs_field else None
    sides, kept = two_sided(settings, contrast), {} if kept is None else kept
    enhanced = row.enhance(domain.fill(_tested(z)), mask, field, sides, settings.threshold.level, kept)
    return replace(found, z=enhanced[domain.mask])


@reads(
    "threshold.height_control",
    "threshold.alpha",
    "threshold.value",
    "threshold.share",
    "threshold.two_sided",
    "threshold.smoothness",
)
def threshold_of(settings: Any, searched: Searched) -> float:
    """Threshold in z; infinite if nothing can survive.

    Parameters
    ----------
    settings : object
        Its ``threshold`` is read.
    searched : Searched
        What is tested, and where.

    Returns
    -------
    float

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> chosen = session.settings.updated({"threshold.height_control": "fpr", "threshold.alpha": 0.001})
    >>> round(threshold_of(chosen, session.result.searched), 2)
    3.29
    """
    chosen, sides = settings.threshold, two_sided(settings, searched.contrast)
    needed = THRESHOLDS[chosen.height_control].needs_field
    how = {"alpha": chosen.level, "fixed": chosen.value, "field": searched.field(settings) if needed else None}
    return height_threshold(searched.values, chosen.height_control, two_sided=sides, **how)


def usual_heights(z: np.ndarray, two_sided: bool, field: RandomField) -> dict[str, tuple[float, float]]:
    """Of each method that controls a rate: the rate that the field asks of it, and the height in z that this means.

    Those that enhance the map are left out, as their heights are of another map.
    """
    rates = {name: row.usual_alpha for name, row in THRESHOLDS.items() if row.setting == "alpha" and not row.enhance}
    return {name: (rate, height_threshold(z, name, rate, two_sided, field=field)) for name, rate in rates.items()}


@reads("threshold.two_sided", "threshold.cluster_size", "threshold.min_distance")
def clusters_of(settings: Any, searched: Searched, threshold: float) -> Clusters:
    """Clusters over a threshold, without bounds yet.

    Parameters
    ----------
    settings : object
        Its ``threshold`` is read.
    searched : Searched
        What is tested, and where.
    threshold : float
        In z; 0 finds none.

    Returns
    -------
    Clusters

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> clusters = clusters_of(session.settings, session.result.searched, 5.0)
    >>> len(clusters.found) <= len(session.clusters.found)
    True
    """
    chosen, domain = settings.threshold, searched.domain
    if threshold == 0:  # none at all: what hangs together above it is half of the brain
        return Clusters((), np.zeros(domain.shape, np.int32))
    clusters, labels = domain.clusters(
        searched.z,
        threshold,
        cluster_threshold=chosen.cluster_size,
        two_sided=two_sided(settings, searched.contrast),
        min_distance=chosen.min_distance,
    )
    return Clusters(tuple(clusters), labels)


@reads("threshold.two_sided")
def hommel_of(settings: Any, contrast: Scored) -> dict[int, int]:
    """What the bounds on all clusters of a map have in common."""
    return hommel_values(_tested(contrast[1]), CONFIDENCE, two_sided(settings, contrast[0]))


def sure_percent(share: float) -> str:
    """A share that is sure, in percent: never rounded up.

    Examples
    --------
    >>> sure_percent(0.629), sure_percent(0.63)
    ('62 %', '63 %')
    """
    return f"{math.floor(100 * float(share) + 1e-9)} %"


@reads("threshold.two_sided")
def bounds_of(
    settings: Any, domain: Domain, contrast: Scored, clusters: Clusters, hommel: dict[int, int]
) -> np.ndarray:
    """Share of each cluster's voxels that is truly active, at least.

    Parameters
    ----------
    settings : object
        Its ``threshold`` is read.
    domain : Domain
        Where the voxels lie.
    contrast : Contrast, array
        The contrast and its z scores.
    clusters : Clusters
        As `clusters_of` found them.
    hommel : dict
        What the bounds on all clusters of the map have in common, as `hommel_of` gives it.

    Returns
    -------
    array of shape (n_clusters,)
        From 0 to 1; all bounds hold together with 95 % confidence.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> contrast = (session.result.contrast, session.result.z)
    >>> clusters = clusters_of(session.settings, session.result.searched, session.result.threshold)
    >>> common = hommel_of(session.settings, contrast)
    >>> bounds = bounds_of(session.settings, session.result.domain, contrast, clusters, common)
    >>> bool(((0 <= bounds) & (bounds <= 1)).all()), len(bounds) == len(clusters.found)
    (True, True)
    """
    sides = two_sided(settings, contrast[0])
    return domain.true_discoveries(_tested(contrast[1]), clusters.labels, CONFIDENCE, sides, hommel)


def _tested(z: np.ndarray) -> np.ndarray:
    """A voxel of which nothing can be said counts as one without effect."""
    return np.nan_to_num(z, nan=0.0)
