"""A result in a few lines of plain words, for terminals and for the head of a report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.inference.digits import digits_of_clusters
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.moments.scaling import SCALINGS
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.plural import count
from glmwidgets.report.page.methods import describe_test
from glmwidgets.specification.noise import EVIDENCE
from glmwidgets.specification.settings import Settings, ThresholdSettings

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import RunAnswer
    from glmwidgets.analysis.thresholding import Clusters
    from glmwidgets.glm.inference.clusters import Cluster
    from glmwidgets.runs.run import Run


def describe_model(settings: Settings) -> str:
    """Response, drift, noise, smoothing and scaling.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    str

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> describe_model(Settings())
    "HRF spm, cosine drift below 0.01 Hz, noise AR(1), no smoothing, % of each voxel's mean"
    """
    design, data, noise = settings.design, settings.data, settings.noise
    shared = "" if noise.pooling is None else f" {POOLINGS[noise.pooling].label}"
    shared += " (by evidence)" if noise.choice == EVIDENCE else ""
    columns = (
        f"HRF {design.hrf_model or 'none'}",
        DRIFTS[design.drift_model].short(design.high_pass, design.drift_order),
    )
    if design.source == "given":
        edits = ("design.left_out", "design.shifted", "design.orthogonalised")
        told = [f"{settings.field(path).label} {settings.field(path).words(settings.get(path))}" for path in edits]
        columns = ("given design matrix", *(each for each, path in zip(told, edits, strict=True) if settings.get(path)))
    return ", ".join(
        (
            *columns,
            f"noise {noise_model_row(noise.model).label}{shared}",
            f"smoothed by {data.smoothing_fwhm:g} mm" if data.smoothing_fwhm else "no smoothing",
            SCALINGS[data.signal_scaling].label,
            *([f"{count(data.drop_scans, 'scan')} at the beginning left out"] if data.drop_scans else []),
        )
    )


def describe_threshold(chosen: ThresholdSettings, height: float) -> str:
    """Method, rate and sidedness of a threshold, its height, and the smallest cluster.

    Parameters
    ----------
    chosen : ThresholdSettings
    height : float
        In z; infinite if nothing can pass.

    Returns
    -------
    str

    Examples
    --------
    >>> from glmwidgets.specification.settings import ThresholdSettings
    >>> describe_threshold(ThresholdSettings("fpr", alpha=0.001, two_sided=False, cluster_size=10), 3.0902)
    'p, uncorrected, alpha 0.001, one-sided: z at least 3.090; clusters of at least 10 voxels'
    >>> describe_threshold(ThresholdSettings("fdr", alpha=0.05), float("inf"))
    'FDR, alpha 0.05, two-sided: no voxel can pass'
    """
    method = THRESHOLDS[chosen.height_control]
    alpha = f", {method.setting} {chosen.level:g}" if method.setting != "fixed" else ""
    sides = "two-sided" if chosen.two_sided else "one-sided"
    z = "|z|" if chosen.two_sided else "z"
    passes = f"{z} at least {height:.3f}" if np.isfinite(height) else "no voxel can pass"
    size = f"; clusters of at least {chosen.cluster_size} voxels" if chosen.cluster_size > 1 else ""
    return f"{method.label}{alpha}, {sides}: {passes}{size}"


def describe_clusters(clusters: Sequence[Cluster], shown: int = 5, regions: Sequence[str] = ()) -> str:
    """How many clusters there are, and where the first ones peak.

    Parameters
    ----------
    clusters : sequence of Cluster
    shown : int
        How many are listed.
    regions : sequence of str
        Of each cluster's highest peak, where there is an atlas.

    Returns
    -------
    str
        A line, and one more for each cluster that is listed.

    Examples
    --------
    >>> from glmwidgets.glm.inference.clusters import Cluster, Peak
    >>> peak = Peak((1, 2, 3), (-60.0, -6.0, 42.0), 9.812)
    >>> print(describe_clusters([Cluster(1, 1, 170, 4590.0, (peak,))]))
    1 cluster, 170 voxels
      1  z   9.81 at ( -60,   -6,   42) mm, 4,590 mm3
    >>> describe_clusters([Cluster(1, 1, 170, 4590.0, (peak,))], regions=["left Mill"]).endswith("4,590 mm3, left Mill")
    True
    """
    n_voxels = sum(cluster.n_voxels for cluster in clusters)
    lines = [f"{count(len(clusters), 'cluster')}, {count(n_voxels, 'voxel')}"]
    digits = digits_of_clusters(clusters)
    for n, cluster in enumerate(clusters[:shown]):
        # Nothing is 0 with a sign.
        x, y, z = (f"{round(mm, digits.place) + 0.0:4.{digits.place}f}" for mm in cluster.peaks[0].xyz)
        size = f"{cluster.volume:,.{digits.volume}f} mm3" + (f", {regions[n]}" if regions else "")
        lines.append(f"{cluster.label:3d}  z {cluster.peaks[0].stat:6.2f} at ({x}, {y}, {z}) mm, {size}")
    return "\n".join(lines)


def summary(run: Run, result: RunAnswer, clusters: Clusters) -> str:
    """What was fitted to what, and what was found.

    Parameters
    ----------
    run : Run
    result : RunAnswer
    clusters : Clusters

    Returns
    -------
    str
        Lines of text, each with its subject in front.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> summary(session.run, session.result, session.clusters).splitlines()[0]
    'Run        run: 60 scans, TR 2 s (the simulation), 491 voxels in the mask'
    """
    settings, n_voxels = result.settings, np.count_nonzero(result.mask)
    names = clusters.names
    regions = () if names is None else [str(places[0]) for places in names.peaks]
    lines = {
        "Run": f"{run.name}: {run.n_scans} scans, {run.told_clock}, {count(n_voxels, 'voxel')} in the mask",
        "Model": describe_model(settings),
        "Contrast": f"{settings.contrast.expression}: {describe_test(result.contrast)}",
        "Threshold": describe_threshold(result.thresholding, result.threshold),
        "Found": describe_clusters(clusters.found, regions=regions),
        **({"Noise": words.removeprefix("noise ")} if (words := clusters.judged.words()) else {}),
    }
    return "\n".join(f"{subject:<11}{text}" for subject, text in lines.items())
