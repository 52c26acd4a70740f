"""P values of clusters and of their peaks under noise, and the smoothness of that noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glmwidgets.analysis.thresholding import Clusters, Searched
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.errors import told
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS, ClusterP, cluster_p
from glmwidgets.glm.inference.cluster_tables import ClusterTable
from glmwidgets.glm.inference.heights import THRESHOLDS, Threshold, height_threshold
from glmwidgets.glm.inference.random_fields import RandomField, check_forming
from glmwidgets.glm.inference.smoothness import SMOOTHNESS, Smoothness
from glmwidgets.runs.domain import Domain
from glmwidgets.specification.search import in_words
from glmwidgets.specification.settings import ThresholdSettings


@dataclass(frozen=True, eq=False)
class Judged:
    """Noise where one searches, and clusters beside it.

    Attributes
    ----------
    domain : Domain
        Voxels that are analysed.
    smoothness : Smoothness or None
        None where it cannot be told.
    field : RandomField or None
    p : ClusterP or None
        Of the clusters; None where no p was asked for, or none can be given.
    said : tuple of str
        Why there is no p, or what is doubtful about it.
    needs_table : bool
        Whether the p that was asked for waits for noise to be drawn.
    """

    domain: Domain
    smoothness: Smoothness | None
    field: RandomField | None
    p: ClusterP | None = None
    said: tuple[str, ...] = ()
    needs_table: bool = False

    def facts(self, chosen: ThresholdSettings) -> dict[str, Any]:
        """Smoothness and search region as JSON holds them; empty where they cannot be told."""
        if self.smoothness is None:
            return {}
        return {
            "Estimator": SMOOTHNESS[chosen.smoothness].label,
            "FWHM (mm)": _numbers(self.smoothness.fwhm_mm(self.domain.voxel_size)),
            "FWHM (voxels)": _numbers(self.smoothness.fwhm),
            "Voxels per resel": self.smoothness.resel_size,
            "Resels": list(self.field.resels),
            "Search region": in_words(chosen.search),
            "Search volume (voxels)": self.field.n_voxels,
            "Search volume (mm3)": self.field.n_voxels * self.domain.cell_volume,
            "Degrees of freedom": _numbers((self.field.dof,))[0],
        }

    def widths(self) -> str:
        """FWHM in mm along x, y and z; a dash along an axis on which no voxels lie beside each other."""
        return _across(self.smoothness.fwhm_mm(self.domain.voxel_size))

    def words(self, in_voxels: bool = True) -> str:
        """Smoothness in a line, with or without the widths in voxels; empty where it cannot be told.

        Examples
        --------
        >>> from glmwidgets.glm.inference.random_fields import RandomField
        >>> smooth = Smoothness((2.0, 2.1, 1.9), 8.0)
        >>> import nibabel as nib
        >>> domain = Domain.of(nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.diag([3, 3, 3, 1])))
        >>> Judged(domain, smooth, RandomField((1, 2, 3, 4), 8.0, 64)).words()
        'noise 6.0 × 6.3 × 5.7 mm FWHM (2.0 × 2.1 × 1.9 voxels) · 4.0 resels'
        """
        if self.smoothness is None:
            return ""
        voxels = f" ({_across(self.smoothness.fwhm)} voxels)" if in_voxels else ""
        resels = self.field.resels[self.field.dimensions]
        return f"noise {self.widths()} mm FWHM{voxels} · {resels:,.{0 if resels >= 100 else 1}f} resels"


def _across(widths: tuple[float, ...]) -> str:
    return " × ".join(f"{width:.1f}" if np.isfinite(width) else "–" for width in widths)


def _numbers(values: tuple[float, ...]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]


def check_judged(chosen: ThresholdSettings) -> None:
    """Refuse p values of clusters that no map can have, before there is one.

    Parameters
    ----------
    chosen : ThresholdSettings

    Raises
    ------
    ValueError
        If clusters of the threshold's kind have no p of their size, or if it is known without a map that they are
        formed too low.

    Examples
    --------
    >>> check_judged(ThresholdSettings(height_control="fixed", value=2.0, cluster_p="rft"))
    Traceback (most recent call last):
    ValueError: no p value of clusters is given above z = 2: with low forming thresholds ...
    """
    method = THRESHOLDS[chosen.height_control]
    if CLUSTER_TESTS[chosen.cluster_p].size_p is None:
        return
    if why := _no_size(method):
        raise ValueError(why)
    if not method.needs_map:
        with Heard():  # the warning comes with the clusters
            sides = chosen.two_sided
            check_forming(height_threshold((), chosen.height_control, chosen.level, sides, fixed=chosen.value))


def _no_size(method: Threshold) -> str:
    """Why clusters of a threshold have no p of their size; empty where they have."""
    why = f"clusters of {method.label} have no p value for their size: choose another threshold"
    return "" if method.enhance is None else why


def judged_of(
    settings: Any, searched: Searched, clusters: Clusters, threshold: float, table: ClusterTable | None = None
) -> Judged:
    """What noise says of clusters over a threshold.

    Parameters
    ----------
    settings : object
        Its ``threshold`` is read.
    searched : Searched
    clusters : Clusters
    threshold : float
        In z, above which they were formed.
    table : ClusterTable, optional
        Largest clusters of drawn noise, where the p values that are asked for need one.

    Returns
    -------
    Judged

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> judged = judged_of(session.settings, session.result.searched, session.clusters, session.result.threshold)
    >>> judged.words().split(" ")[0], judged.p is None
    ('noise', True)
    """
    chosen, domain = settings.threshold, searched.domain
    row, method = CLUSTER_TESTS[chosen.cluster_p], THRESHOLDS[chosen.height_control]
    try:
        smooth, field = searched.noise.smoothness(chosen.smoothness), searched.field(settings)
    except ValueError as error:
        return Judged(domain, None, None, said=(told(error, "notebook"),) if row.size_p else ())
    if row.size_p is None or not clusters.found:
        return Judged(domain, smooth, field)
    if why := _no_size(method):
        return Judged(domain, smooth, field, said=(why,))
    if row.needs_table and table is None:
        return Judged(domain, smooth, field, said=("noise has to be drawn first",), needs_table=True)
    said: tuple[str, ...] = ()
    if method.bounds_false:
        said = (
            f"{method.label} took its threshold from this map, but p values of clusters need a threshold that was "
            "fixed before",
        )
    peaks = tuple([peak.stat for peak in cluster.peaks] for cluster in clusters.found)
    sizes, heard = [cluster.n_voxels for cluster in clusters.found], Heard()
    try:
        with heard:
            found = cluster_p(sizes, threshold, field, chosen.cluster_p, peaks=peaks, table=table)
    except ValueError as error:
        return Judged(domain, smooth, field, said=(told(error, "notebook"),))
    return Judged(domain, smooth, field, found, said + heard.said)
