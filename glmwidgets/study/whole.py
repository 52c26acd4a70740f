"""A run of a study with all its voxels: how it is fitted, and what is kept of it in the study's store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.analysis import steps
from glmwidgets.analysis.answers import Fitted
from glmwidgets.analysis.events import EventSource, types_of
from glmwidgets.analysis.left_out import left_out_types
from glmwidgets.analysis.proposals import condition_columns
from glmwidgets.files.names import camel, unique_slugs
from glmwidgets.files.writing import write_text
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.errors import told
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.whiteness import Whiteness, residual_whiteness
from glmwidgets.glm.tables import tsv
from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.save import save_image
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.reader import foreseen
from glmwidgets.runs.run import Run
from glmwidgets.specification.model import Model
from glmwidgets.study.across_runs import Seen
from glmwidgets.study.figures import FIGURES, figures_of_whole
from glmwidgets.study.preview import open_whole
from glmwidgets.study.refit import RunRefit, StudyAnswer, design_for
from glmwidgets.study.table import QCTable

if TYPE_CHECKING:
    from glmwidgets.study.study import Study

#: Number of the arithmetic of whole runs; raised by hand when equal inputs give other values.
ARITHMETIC = 4

#: Maps of a contrast that are kept, by their names.
STATS = ("effect", "variance", "z", "dof")

MASK = "mask.nii.gz"


def made_of(study: Study, i: int) -> dict[str, Any]:
    """All that the results of a run depend on, as plain values: contents of its files, clock, model and contrasts."""
    inputs = study.runs[i].inputs
    return {
        "arithmetic": ARITHMETIC,
        "files": {name: study.contents.of(getattr(inputs, name)) for name in ("bold", "events", "confounds", "mask")},
        "clock": {name: getattr(inputs, name) for name in ("t_r", "slice_time_ref", "frame_times", "missing_duration")},
        "model": study.model.to_dict(views=False, origins=False),
        "contrasts": [list(pair) for pair in study.contrasts],
    }


def map_name(label: str, stat: str) -> str:
    """File of a contrast's map.

    Examples
    --------
    >>> map_name("facesMinusHouses", "z")
    'contrast-facesMinusHouses_stat-z_statmap.nii.gz'
    """
    return f"contrast-{label}_stat-{stat}_statmap.nii.gz"


def labels_of(study: Study) -> list[str]:
    """Labels of the study's contrasts in the names of files."""
    return unique_slugs([name for name, _ in study.contrasts], camel)


def whole_fit(run: Run, asked: Model) -> tuple[Fitted, Domain]:
    """Fit a model to all voxels of a run."""
    scans = steps.scans_of(run, asked)
    events = EventSource(run.events, run.unlasting).events(asked.events)
    # In this order, so that a design that cannot be made says so before the data are read.
    design = design_for(run, asked, events, steps.confounds_of(run, asked, scans), scans)
    domain = steps.domain_of(run, asked)
    series = steps.series_of(run, asked, domain)
    kept = steps.scrubbed_of(run, asked, scans)
    moments = steps.moments_of(asked, series, scans, None if kept.all() else kept)
    fit = steps.fit_of(asked, moments, design, domain)
    chosen = asked.design.confounds
    confounds = () if run.confounds is None else tuple(run.confounds.columns) if chosen is None else chosen
    effects = condition_columns(types_of(events), asked.design, [str(name) for name in design.columns])
    about = {"effects": effects, "left_out": left_out_types(asked.design, events)}
    return Fitted(run.name, design, fit, run.t_r, events, confounds, run.inputs, **about), domain


def fill(study: Study, i: int, to: Path) -> Mapping[str, Any]:
    """Fit a run and write its maps and design to a folder; what stands in the manifest is returned."""
    row, asked = study.runs[i], study.model
    with Heard() as heard:
        with foreseen(asked.data.smoothing_fwhm):
            run = open_whole(row)
        why_not = study.build_preview(i, run)
        fitted, domain = whole_fit(run, asked)
        white, no_white = _whiteness(fitted, run, asked)
    if why_not:
        raise ValueError(why_not)
    save_image(domain.mask_image(), to / MASK, "mask")
    write_text(to / "design_matrix.tsv", tsv(fitted.design), "design matrix")
    contrasts = {}
    for label, (name, expression) in zip(labels_of(study), study.contrasts, strict=True):
        contrasts[name] = _write_contrast(to, label, fitted, expression, domain)
    part = RunRefit(i, row.name, study.preview(i), run, fitted)
    first = study.contrasts[0][1] if study.contrasts else ""
    seen = Seen(i, row, part, part.contrast(first)[0] if first else None, first, None, white)
    figures = figures_of_whole(seen)
    return {
        "contrasts": contrasts,
        "figures": {key: float(value) for key, value in figures.items() if np.isfinite(value)},
        "noise": {"white": None if white is None else white.white, "try": None if white is None else white.suggestion}
        | {"said": no_white if white is None else white.verdict},
        "warnings": list(dict.fromkeys((*run.warnings, *heard.said))),
    }


def _write_contrast(to: Path, label: str, fitted: Fitted, expression: str, domain: Domain) -> dict[str, Any]:
    try:
        contrast = fitted.contrast(expression)
    except ValueError as error:
        return {"label": label, "expression": expression, "why_not": told(error, "notebook")}
    values = {"z": contrast.z_score()}
    if contrast.dim == 1:
        values |= {"effect": contrast.effect[0], "variance": contrast.covariance[0, 0]}
        values |= {} if contrast.dofs is None else {"dof": contrast.dofs}
    for stat in STATS:
        if stat in values:
            save_image(domain.image(values[stat].astype(np.float64)), to / map_name(label, stat), f"{stat} map")
    said = {"label": label, "expression": expression, "why_not": ""}
    said |= {"stat_type": contrast.stat_type, "dim": contrast.dim, "dof": contrast.dof}
    return said | ({} if contrast.dof_left is None else {"dof_left": contrast.dof_left})


def _whiteness(fitted: Fitted, run: Run, asked: Model) -> tuple[Whiteness | None, str]:
    """Are its residuals white; or why that cannot be said."""
    if not run.is_even:
        return None, f"the test of whiteness needs scans in even steps, but this run has {run.clock}"
    try:
        return residual_whiteness(fitted.fit, run.t_r, n_voxels=2000, pooled=asked.noise.pooling is not None), ""
    except ValueError as error:
        return None, told(error, "notebook")


def with_whole(study: Study, answer: StudyAnswer, table: QCTable) -> QCTable:
    """A table of figures with those of whole runs in it, once all are fitted under the study's model.

    Parameters
    ----------
    study : Study
        Under the model of the answer.
    answer : StudyAnswer
    table : QCTable
        Of previews.

    Returns
    -------
    QCTable
    """
    kept = {}
    for i, row in enumerate(study.judged):
        if row.why_not:
            continue
        kept[i] = study.result(i)
        if kept[i] is None:
            return table
    values = table.values.copy()
    # Figures of a contrast were kept for the first one; each follows from the design, and the preview has that too.
    same = bool(study.contrasts) and study.contrasts[0][1] == answer.expression
    for i, tree in kept.items():
        for key, value in tree["figures"].items():
            if same or not FIGURES[key].of_contrast:
                values.loc[i, key] = value
    return replace(table, values=values)


def kept_contrast(place: Path, said: Mapping[str, Any], mask: np.ndarray) -> Contrast:
    """A contrast of one row as it was kept, at the voxels of a mask."""
    stats = ("effect", "variance", "dof") if said.get("dof_left") else ("effect", "variance")
    maps = [image_data(load_image(place / map_name(said["label"], stat))) for stat in stats]
    effect, variance, *dofs = (np.asarray(each)[mask] for each in maps)
    contrast = Contrast(effect[None], variance[None, None], float(said["dof"]), said["stat_type"])
    return replace(contrast, dofs=dofs[0], dof_left=float(said["dof_left"])) if dofs else contrast
