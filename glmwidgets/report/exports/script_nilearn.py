"""An analysis as a script on nilearn's interface, and what that does not know of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glmwidgets import __version__
from glmwidgets.files.names import unique_slugs
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.fit.contrasts import chosen_stat_type
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.moments.scaling import SCALINGS
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.glm.response.models import parse_hrf
from glmwidgets.report.exports.script_parts import (
    NOT_IN_NILEARN,
    Source,
    assembled,
    bins_argument,
    input_text,
    kept_argument,
    model_arguments,
    origin_lines,
    output_lines,
    read_exactly,
    saving_lines,
    scrubs,
    selection,
    separator_of,
)
from glmwidgets.specification.field import arguments_in
from glmwidgets.specification.settings import ThresholdSettings

NILEARN = "0.14.1"


def nilearn_script(source: Source, stem: str) -> str:
    """The script on nilearn's FirstLevelModel."""
    run, settings = source.run, source.settings
    design = settings.design
    hrf, drift = parse_hrf(design.hrf_model)[0], DRIFTS[design.drift_model]
    noise, scaling = noise_model_row(settings.noise.model), SCALINGS[settings.data.signal_scaling]
    threshold = THRESHOLDS[settings.threshold.height_control]
    choices = {**model_arguments(settings, run), "slice_time_ref": run.slice_time_ref}
    lacking = []

    def replace(name: str, value: Any, why: str) -> None:
        lacking.append(f"{name}={choices.get(name)!r}: {why}; {value!r} replaces it, and the maps differ")
        choices[name] = value

    for name in source.unnamed:
        why = NOT_IN_NILEARN[name].lacks(choices[name]) if name in NOT_IN_NILEARN else "nilearn does not know it"
        lacking.append(f"{name}={choices[name]!r}: {why}; the design matrix is read from a file")
    if source.gives_design:
        of_design = {"slice_time_ref", *arguments_in(design)}
        choices = {name: value for name, value in choices.items() if name not in of_design}
    else:
        choices |= {"hrf_model": hrf.nilearn or None, "drift_model": drift.nilearn or None}
    if noise.nilearn is None:
        replace("noise_model", "ar1", "nilearn has no such noise model")
    elif noise.nilearn_differs:
        lacking.append(f"noise_model={noise.nilearn!r}: {noise.nilearn_differs}")
    if scaling.nilearn is None:
        replace("signal_scaling", 0, scaling.why_not)
    for name, argument in NOT_IN_NILEARN.items():
        value = choices.pop(name, None)
        if argument.lacks(value):
            lacking.append(f"{name}={value!r}: {argument.lacks(value)}")
    if not source.gives_design:
        ends = source.events["onset"] + source.events["duration"]
        if (source.events["onset"] < design.min_onset).any() or (ends <= design.min_onset).any():
            lacking.append("min_onset: nilearn moves events that start too early instead of leaving them out")
    height = None
    if threshold.nilearn is None:
        control, height = settings.threshold.height_control, float(source.analysis.result(settings).threshold)
        lacking.append(f"height_control={control!r}: nilearn has no such threshold; the script uses its height in z")
    lacking += _of_inference(settings.threshold)
    lacking.append("the table of clusters: nilearn lists some peaks that are nearer to each other than min_distance")

    bold = input_text(run.inputs.bold, stem, "bold.nii.gz", True)
    masked = run.mask_img is not None or source.cuts_mask
    mask = input_text(run.inputs.mask, stem, "mask.nii.gz", masked)
    lines = [f"bold = {bold}"]
    fitted = "events"
    if source.gives_design:
        lines += read_exactly("design", input_text(None, stem, "design.tsv", True), "\t")
        fitted = "design_matrices=design"
    else:
        lines += _events_lines(source, input_text(source.events_file, stem, "events.tsv", True), design.conditions)
    if source.confounds is not None and not source.gives_design:
        fitted += ", confounds"
        place, columns = input_text(source.confounds_file, stem, "confounds.tsv", True), list(source.confounds.columns)
        lines += read_exactly("confounds", place, separator_of(source.confounds_file), columns)
        lines += [f"confounds = confounds[{columns!r}]"]

    lines += ["", "model = FirstLevelModel("]
    lines += [] if source.gives_design else [f"    t_r={run.t_r!r},"]
    lines += [f"    {name}={value!r}," for name, value in choices.items()]
    lines += [f"    mask_img={mask},"] if masked else ["    mask_img=False,"] if source.is_whole else []
    if run.inputs.target_affine is not None:
        lines += [f"    target_affine=np.array({run.domain.affine.tolist()!r}),"]
        lines += [f"    target_shape={run.domain.shape!r},"]
    lines += ["    minimize_memory=False,", ")"]
    if scrubs(source) and settings.data.signal_scaling == "voxel":
        lines += ["# Effects are in percent of the mean of all scans here; glmwidgets leaves scrubbed scans out of it."]
    lines += [f"model.fit(bold, {fitted}{kept_argument(source)}{bins_argument(source)})"]

    matrix = source.analysis.design(settings)
    contrasts = settings.contrast.listed
    names = unique_slugs([name or text for name, text in contrasts])
    lines += ["", "# The test, and the weights of the columns of the design in each of its rows.", "contrasts = {"]
    for name, (_, text) in zip(names, contrasts, strict=True):
        rows = np.atleast_2d(contrast_vector(text, matrix.columns))
        terms = [{str(c): float(w) for c, w in zip(matrix.columns, row, strict=True) if w} for row in rows]
        test = chosen_stat_type(None, len(rows), text, matrix.columns)
        lines.append(f"    {name!r}: ({test!r}, {terms!r}),")
    lines += ["}", "columns = list(model.design_matrices_[0].columns)", *output_lines(stem)]
    lines += ["for name, (stat_type, rows) in contrasts.items():"]
    lines += ["    weights = np.array([[row.get(column, 0.0) for column in columns] for row in rows])"]
    lines += ['    maps = model.compute_contrast(weights, stat_type=stat_type, output_type="all")']
    lines += saving_lines(settings, "model.masker_.mask_img_", height)
    imports = ["import numpy as np", "import pandas as pd", "from nilearn.glm import threshold_stats_img"]
    imports += [
        "from nilearn.glm.first_level import FirstLevelModel",
        "from nilearn.reporting import get_clusters_table",
    ]
    head = [f"# Repeats an analysis made with glmwidgets {__version__}, by nilearn {NILEARN}.", *origin_lines(settings)]
    head += ["#", "# Not the same there:"] + [f"# - {text}." for text in lacking]
    return assembled(imports, lines, head)


def _of_inference(chosen: ThresholdSettings) -> list[str]:
    """What nilearn lacks of what survives, beside the height."""
    lacking = []
    if THRESHOLDS[chosen.height_control].enhance is not None:
        lacking.append(
            f"height_control={chosen.height_control!r}: it enhances the map, and nilearn thresholds z itself"
        )
    if chosen.search:
        lacking.append(f"search={chosen.search!r}: nilearn searches the whole mask")
    if CLUSTER_TESTS[chosen.cluster_p].size_p is not None:
        lacking.append(f"cluster_p={chosen.cluster_p!r}: nilearn's table has no p values")
    if chosen.atlas:
        lacking.append(f"atlas={chosen.atlas!r}: nilearn's table has no names of regions")
    return lacking


def _events_lines(source: Source, place: str, conditions: tuple[str, ...] | None) -> list[str]:
    file = source.events_file
    separator = separator_of(file)
    table = pd.read_csv(file, sep=separator, nrows=1) if file else source.events
    columns = [name for name in ("onset", "duration", "trial_type", "modulation") if name in table.columns]
    lines = read_exactly("events", place, separator, [name for name in columns if name != "trial_type"])
    if "trial_type" not in columns:
        lines.append("events['trial_type'] = 'dummy'")
        columns.append("trial_type")
    lines.append(f"events = events[{columns!r}]")
    return lines + (selection("events", "events", conditions) if conditions is not None else [])
