"""The results sheet: one dense page, to be printed, of map, design, clusters and what the threshold promises."""

from __future__ import annotations

import datetime
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np

from glmwidgets import __version__
from glmwidgets.analysis.thresholding import sure_percent
from glmwidgets.glm.inference.ari import cluster_true_discoveries
from glmwidgets.glm.inference.digits import digits_of_clusters
from glmwidgets.glm.inference.heights import p_from_z
from glmwidgets.plural import count
from glmwidgets.report.figures.designs import plot_contrast_matrix, plot_design_matrix
from glmwidgets.report.figures.embed import picture
from glmwidgets.report.figures.style import write_mm, write_number
from glmwidgets.report.page.brains import map_picture
from glmwidgets.report.page.html import Report, template
from glmwidgets.report.page.methods import describe_height, describe_test, methods_text, software
from glmwidgets.report.page.subject import ContrastFacts, Study

#: Lines of the table that a page has room for.
LINES = 28

HEAD = ("Cluster", "voxels", "mm³", "active ≥", "peak z", "p (uncorr.)", "x (mm)", "y (mm)", "z (mm)")

CONFIDENCE = 0.05


class Row(NamedTuple):
    """A line of the table; `sub` for a further peak of the cluster above."""

    cells: tuple[str, ...]
    sub: bool


def results_sheet(study: Study, place: int = 0) -> Report:
    """One page of one contrast: glass brain and slices, design and weights, clusters and peaks, threshold, model.

    Parameters
    ----------
    study : Study
        With contrasts.
    place : int
        Of the contrast among them.

    Returns
    -------
    Report

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.report.page.subject import study_of_session
    >>> study = study_of_session(session)
    >>> "faces" in results_sheet(study).html
    True
    """
    facts = study.contrasts[place]
    rows = _rows(study, facts)
    left = len(rows) - LINES
    slices = {"plot_type": "slice", "cut_coords": _peak(facts), "display_mode": "ortho"}
    title = f"Results of {facts.name}"
    html = template("sheet.html.j2", "sheet.css").render(
        title=study.title.removeprefix("GLM report: "),
        name=facts.name,
        brain=map_picture(study, facts, "glass", None, None),
        slices=map_picture(study, facts, **slices),
        weights=_weights(study, facts),
        design=picture(plot_design_matrix(study.runs[0].design), "Design matrix of the model"),
        found=_found(facts),
        head=HEAD if rows else (),
        rows=rows[:LINES],
        left=f"{count(left, 'further line')} left out: the table of clusters holds them all." if left > 0 else "",
        foot=_foot(study, facts),
        version=__version__,
    )
    return Report(html, title)


def _peak(facts: ContrastFacts) -> tuple[float, ...] | None:
    if not facts.clusters:
        return None
    return max((cluster.peaks[0] for cluster in facts.clusters), key=lambda peak: abs(peak.stat)).xyz


def _weights(study: Study, facts: ContrastFacts) -> Any:
    if not facts.weights:
        return None
    figure = plot_contrast_matrix(facts.weights[0], study.runs[0].design, title="")
    return picture(figure, f"Weights of {facts.name} on the columns of the design", vector=True)


def _found(facts: ContrastFacts) -> str:
    if not facts.clusters:
        return "No cluster passes."
    voxels = sum(cluster.n_voxels for cluster in facts.clusters)
    return f"{count(len(facts.clusters), 'cluster')}, {count(voxels, 'voxel')}"


def _rows(study: Study, facts: ContrastFacts) -> list[Row]:
    if not facts.clusters:
        return []
    z_map = study.image(np.nan_to_num(facts.searched)).get_fdata()
    sides = facts.threshold.two_sided
    bounds = cluster_true_discoveries(z_map, facts.labels, study.mask, CONFIDENCE, sides)
    digits, rows = digits_of_clusters(facts.clusters), []
    for cluster, bound in zip(facts.clusters, bounds, strict=True):
        for rank, peak in enumerate(cluster.peaks):
            own = ("", "", "", "")
            if not rank:
                # A share that is sure is never rounded up.
                share = sure_percent(bound)
                own = (str(cluster.label), f"{cluster.n_voxels:,}", f"{cluster.volume:,.{digits.volume}f}", share)
            mm = tuple(write_mm(value, digits.place) for value in peak.xyz)
            rows.append(Row((*own, f"{peak.stat:.2f}".replace("-", "−"), _p(peak.stat, sides), *mm), bool(rank)))
    return rows


def _p(z: float, two_sided: bool) -> str:
    p = float(p_from_z(abs(z), two_sided))
    return f"{p:.4f}" if p >= 1e-4 else f"{p:.0e}".replace("e-0", "e-")


def _foot(study: Study, facts: ContrastFacts) -> list[tuple[str, str]]:
    size = " × ".join(f"{mm:.3g}" for mm in nib.affines.voxel_sizes(study.affine))
    n = int(study.mask.sum())
    return [
        ("Threshold", f"{describe_height(facts)}."),
        ("Test", f"{describe_test(facts.contrast)}."),
        ("Search volume", f"{count(n, 'voxel')} of {size} mm, {write_number(n * _volume(study) / 1000)} ml."),
        ("Active", "with 95 % confidence at least this share of the cluster, for all clusters at all thresholds."),
        ("Model", methods_text(study)),
        ("Made", f"{datetime.datetime.now().astimezone():%Y-%m-%d %H:%M %Z} with {software()}"),
    ]


def _volume(study: Study) -> float:
    return float(abs(np.linalg.det(study.affine[:3, :3])))
