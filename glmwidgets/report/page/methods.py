"""What was done, in the sentences of a methods section."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets import __version__
from glmwidgets.analysis.verdicts import dof_said, write_dof
from glmwidgets.glm.design.convolution import CONVOLUTIONS
from glmwidgets.glm.design.drift import drift_row
from glmwidgets.glm.group.fit import GROUP_ESTIMATORS
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.inference.smoothness import SMOOTHNESS
from glmwidgets.glm.moments.scaling import STANDARDS, scaling_row, standard_name
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.glm.response.models import parse_hrf
from glmwidgets.plural import count
from glmwidgets.report.page.permuted import describe_permutation
from glmwidgets.runs.regrid import as_rows, grid_in_words, target_matrix
from glmwidgets.specification.model import Model
from glmwidgets.specification.question import Question

if TYPE_CHECKING:
    from glmwidgets.glm.fit.contrasts import Contrast
    from glmwidgets.report.page.subject import ContrastFacts, Study


def software() -> str:
    """Name and version of this program and of what its numbers are computed with."""
    from importlib.metadata import version

    others = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "pandas", "nibabel"))
    return f"glmwidgets {__version__} ({others})"


def describe_contrast(facts: ContrastFacts) -> str:
    """The test of a contrast, its degrees of freedom and its threshold, in one sentence.

    Parameters
    ----------
    facts : ContrastFacts

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
    >>> from glmwidgets.report.page.subject import study_of_session
    >>> study = study_of_session(session)
    >>> describe_contrast(study.contrasts[0]).split(";")[0]
    't test with 46 degrees of freedom'
    """
    return f"{describe_test(facts.contrast)}; {describe_height(facts)}"


def describe_test(contrast: Contrast) -> str:
    """Kind of test and its degrees of freedom.

    Parameters
    ----------
    contrast : Contrast

    Returns
    -------
    str
        Such as "t test with 84 degrees of freedom".
    """
    rows = f"{contrast.dim} and " if contrast.stat_type == "F" else ""
    own = "" if contrast.dofs is None else " (Satterthwaite's, the median over voxels)"
    if contrast.dof_left is not None and contrast.dofs is not None:
        own = f" (the median over voxels; Satterthwaite's {dof_said(contrast)}, as the noise was estimated too)"
    return f"{contrast.stat_type} test with {rows}{write_dof(contrast.dof)} degrees of freedom{own}"


def describe_height(facts: ContrastFacts) -> str:
    """Threshold of a contrast, with method, sidedness and smallest cluster, in words.

    Parameters
    ----------
    facts : ContrastFacts

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
    >>> from glmwidgets.report.page.subject import study_of_session
    >>> study = study_of_session(session)
    >>> describe_height(study.contrasts[0]).split(" (")[0]
    '|z| above 3.29'
    """
    chosen, method = facts.threshold, THRESHOLDS[facts.threshold.height_control]
    if facts.contrast.stat_type == "F" and not chosen.two_sided:
        sides = "of the upper tail of F, where effects of either sign lie"
    else:
        sides = "two-sided, alpha shared by both signs" if chosen.two_sided else "one-sided, positive effects only"
        if method.setting != "alpha":
            sides = "both signs" if chosen.two_sided else "positive effects only"
    rule = method.said(chosen.level, count(facts.n_searched, "voxel"))
    z = "|z|" if chosen.two_sided else "z"
    height = f"{z} above {facts.height:.2f}" if np.isfinite(facts.height) else "no voxel can pass"
    size = f"; clusters of fewer than {chosen.cluster_size} voxels are left out" if chosen.cluster_size > 1 else ""
    searched = f"; {clause}" if (clause := Question.field("threshold.search").clause(chosen.search)) else ""
    return f"{height} ({rule}; {sides}){size}{searched}"


def _noise(facts: ContrastFacts) -> list[str]:
    """How smooth the noise is, and how p values of clusters were found; nothing where neither had a part in it."""
    chosen, judged = facts.threshold, facts.judged
    test = CLUSTER_TESTS[chosen.cluster_p]
    if judged.smoothness is None or not (test.size_p or THRESHOLDS[chosen.height_control].needs_field):
        return []
    said = f"The residuals have a smoothness of {judged.widths()} mm FWHM ({judged.words().rpartition(' · ')[2]})"
    said += f", by the {SMOOTHNESS[chosen.smoothness].label} ({SMOOTHNESS[chosen.smoothness].source})."
    if judged.p is not None:
        said += f" P values of clusters are by {test.phrase or test.label}, corrected for the whole search region."
    return [said]


def methods_text(study: Study) -> str:
    """The analysis as a paragraph.

    Parameters
    ----------
    study : Study

    Returns
    -------
    str
        Plain text, nothing in it escaped.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.report.page.subject import study_of_session
    >>> study = study_of_session(session)
    >>> "general linear model" in methods_text(study)
    True
    """
    parts = _first_level(study) if study.model.level == "first" else _second_level(study)
    parts += inference_sentences(study.contrasts)
    return " ".join(part for part in parts if part)


def _first_level(study: Study) -> list[str]:
    chosen, runs = study.model.choices, study.runs
    scans = [len(run.design) for run in runs]
    what = f"one run of {scans[0]} scans" if len(runs) == 1 else f"{len(runs)} runs of {_range(scans)} scans"
    t_r = f" (one every {chosen['t_r']:g} s)" if chosen.get("t_r") else ""
    parts = [f"A general linear model was fitted to {what}{t_r} with {software()}."]
    smoothed = Model.field("data.smoothing_fwhm").clause(chosen.get("smoothing_fwhm"))
    standard = STANDARDS[standard_name(chosen.get("standardize"))]
    scaled = standard.said or scaling_row(chosen["signal_scaling"]).said
    masked = "in the given mask" if chosen.get("mask_img") is not None else "in a mask found from the runs' mean images"
    if chosen.get("mask_img") is False:
        masked = "in the whole field of view"
    grid = as_rows(target_matrix(chosen.get("target_affine")))
    parts.append(f"Series and mask were resampled to {grid_in_words(grid)}." if grid else "")
    parts.append(f"The series of {count(int(study.mask.sum()), 'voxel')} {masked} were {smoothed} and {scaled}.")
    parts += model_sentences(study)
    if len(runs) > 1:
        parts.append("Effects were averaged over runs with equal weight (fixed effects).")
    return parts


def model_sentences(study: Study) -> list[str]:
    """What was modelled of the runs of a study: task, drift, confounds, noise; a sentence each, some may be empty."""
    chosen, runs = study.model.choices, study.runs
    parts = [study.beside, _task(study), _nuisance(study)]
    row = noise_model_row(chosen["noise_model"])
    parts.append(f"Errors were modelled as {row.label}: {row.description[0].lower()}{row.description[1:]}")
    if chosen.get("pooling") is not None:
        parts.append(f"Each voxel shared the parameters of its noise with {POOLINGS[chosen['pooling']].whom}.")
    dof = [run.fit.dof for run in runs if run.fit is not None]
    if dof:
        parts.append(f"This leaves {_range(dof)} residual degrees of freedom{' a run' if len(dof) > 1 else ''}.")
    return parts


def _second_level(study: Study) -> list[str]:
    chosen, design = study.model.choices, study.runs[0].design
    smoothing = chosen.get("smoothing_fwhm")
    smoothed = f", {Model.field('data.smoothing_fwhm').clause(smoothing)}," if smoothing else ""
    columns = ", ".join(str(name) for name in design.columns)
    estimator = GROUP_ESTIMATORS[chosen.get("estimator", "ols")].said
    return [
        f"A general linear model of {count(len(design), 'map')}{smoothed} was fitted in "
        f"{count(int(study.mask.sum()), 'voxel')} with {software()}, by {estimator}.",
        f"The design had {count(design.shape[1], 'column')}: {columns}.",
    ]


def _task(study: Study) -> str:
    chosen, run = study.model.choices, study.runs[0]
    if run.is_given:
        return f"The design matrix was given, with {count(run.design.shape[1], 'column')}."
    if run.events is None:
        return "No events were modelled."
    kinds = sorted({kind for each in study.runs for kind in each.conditions})
    events = sum(len(each.events) for each in study.runs if each.events is not None)
    hrf = chosen["hrf_model"]
    if hrf is None or isinstance(hrf, str):
        row = parse_hrf(hrf or "none")[0]
        response = row.said.format(name=hrf, source=row.source)
        way = CONVOLUTIONS[chosen.get("convolution")].said
        response += f", {way}" if way and row.name != "none" else ""
    else:
        response = "were convolved with response functions given as Python functions"
    return f"{count(events, 'event')} of {count(len(kinds), 'type')} ({', '.join(kinds)}) {response}."


def _nuisance(study: Study) -> str:
    chosen, run = study.model.choices, study.runs[0]
    if run.is_given:
        return ""
    n_drifts = sum(str(name).startswith("drift_") for name in run.design.columns)
    slow = "No drift was modelled beside the constant"
    if n_drifts:
        columns = drift_row(chosen["drift_model"]).said(n_drifts, chosen["high_pass"], chosen["drift_order"])
        slow = f"Slow drifts were modelled by {columns}"
    interest = set(run.columns_of_interest())
    known = [str(n) for n in run.design.columns if str(n) not in interest and not str(n).startswith("drift_")]
    confounds = [n for n in known if n != "constant"]
    with_them = f", and {count(len(confounds), 'confound')} entered the model ({_some(confounds)})" if confounds else ""
    return f"{slow}{with_them}."


def inference_sentences(contrasts: Sequence[ContrastFacts]) -> list[str]:
    """How contrasts were tested and thresholded, a sentence each; none without contrasts."""
    if not contrasts:
        return []
    text = "; ".join(f"“{facts.name}”: {describe_contrast(facts)}" for facts in contrasts)
    return [
        "Statistics were turned into z scores with the same upper-tail p value. Contrasts: " + text + ".",
        "Clusters are sets of voxels that share faces.",
        *dict.fromkeys(text for facts in contrasts for text in _noise(facts)),
        *(f"“{facts.name}”: {describe_permutation(facts.permuted)}" for facts in contrasts if facts.permuted),
    ]


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def _some(names: Sequence[str], most: int = 12) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
