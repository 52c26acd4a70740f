"""Results under the names of BIDS derivatives, written whole or not at all.

BIDS has not ratified names for statistical maps; these are the field's, as nilearn's ``save_glm_to_bids`` and FitLins
write them. Clusters are those of the z map.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets import __version__
from glmwidgets.analysis.answers import Fitted
from glmwidgets.files.writing import check_folder, check_outputs, whole_folder, write_text
from glmwidgets.glm.inference.clusters import table_of_clusters
from glmwidgets.glm.moments.scaling import effect_unit
from glmwidgets.glm.tables import tsv
from glmwidgets.images.new import image_like
from glmwidgets.images.save import save_image
from glmwidgets.models.map_header import describe_map
from glmwidgets.report.exports.files import camel, unique_slugs
from glmwidgets.report.page.methods import describe_contrast, describe_height, methods_text
from glmwidgets.report.page.subject import ContrastFacts, Study, study_of_model, study_of_result

__all__ = ["bids_files", "save_glm_to_bids"]

STATS = {
    "effect": "effect size",
    "variance": "variance of the effect size",
    "t": "t statistic",
    "F": "F statistic",
    "z": "z score with the upper-tail p value of the statistic",
    "p": "p value, uncorrected: upper-tail, or two-sided where the map's header says so; 1 outside the mask",
}

#: Entities of a run's file name that its results keep.
_ENTITIES = ("sub", "ses", "task", "acq", "dir", "run", "echo", "space", "res")


def save_glm_to_bids(
    model: Any,
    contrasts: Any = None,
    out_dir: str | os.PathLike[str] = ".",
    prefix: str | None = None,
    *,
    report: bool = True,
    overwrite: bool = False,
    **options: Any,
) -> list[Path]:
    """Write a fitted model's maps and tables as a BIDS derivative.

    Parameters
    ----------
    model : fitted FirstLevelModel or SecondLevelModel, Session, or Explorer
    contrasts : str, array, mapping or list of these
        Of a model; a session brings its own.
    out_dir : str or path
        Root of the derivative. Made if it does not exist; other files in it are left alone.
    prefix : str, optional
        Beginning of all file names, such as ``"sub-01_task-oneback"``. By default it is read off the name of the
        first run's file, and empty if that is no BIDS name.
    report : bool
        Whether to write the HTML report, too.
    overwrite : bool
        Whether files that exist may be replaced. Those that were written of the same object before may; one that was
        read as an input never is. The dataset's description keeps what it says, and needs no word.
    **options
        Of the report: threshold, alpha, height_control, cluster_threshold, two_sided, min_distance, title, bg_img,
        plot_type ...

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    ValueError
        If there is no contrast, or the prefix cannot be part of a file name.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced.
    OSError
        If they cannot be written; the folder is then as it was.
    """
    out_dir = check_folder(out_dir)
    of_the_page = {"plot_type", "cut_coords", "display_mode", "ledger", "whiteness"} & set(options)
    drawing = {name: options.pop(name) for name in of_the_page}
    of = getattr(model, "session", model)
    if hasattr(model, "masker_"):
        study = study_of_model(model, contrasts, **options)
    else:
        with of.lock:
            result, clusters, chosen = of.result, of.clusters, of.settings
        if result is None:
            raise ValueError("there is no result to write yet: wait until the first map is there")
        result = replace(result, settings=result.settings.seen_as(chosen))
        drawing.setdefault("ledger", of.ledger)
        study = study_of_result(of.analysis, result, clusters, **options)
    if not study.contrasts:
        raise ValueError("name at least one contrast to write")
    prefix = _prefix(study) if prefix is None else prefix
    if prefix and not re.fullmatch(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9+]+)*_?", prefix):
        raise ValueError(f"prefix {prefix!r} must be letters, digits, hyphens and underscores, as 'sub-01_task-rest'")
    head = f"{prefix.rstrip('_')}_" if prefix else ""
    names = {*bids_files(study, head), f"{head}report.html"}
    # Before the report, which takes long.
    check_outputs([("results", out_dir / name) for name in sorted(names)], overwrite, of)
    page = None
    if report:
        from glmwidgets.report.page.html import render

        page = render(study, **drawing).html
    description = _description(out_dir / "dataset_description.json")
    with whole_folder(out_dir, names, overwrite=overwrite, by=of, merged=["dataset_description.json"]) as new:
        _write_json(new / "dataset_description.json", description)
        _write_maps(new, study, head)
        if page is not None:
            write_text(new / f"{head}report.html", page, "report")
        written = sorted(path.name for path in new.iterdir())
    return [out_dir / name for name in written]


def bids_files(study: Study, head: str = "") -> list[str]:
    """Names of the files that a study is written to, without its report and the dataset's description.

    Parameters
    ----------
    study : Study
    head : str
        Beginning of all names, with its underscore.

    Returns
    -------
    list of str
    """
    names = [f"{head}mask.nii.gz", f"{head}statmap.json"]
    for run in _run_labels(study):
        names += [f"{head}{run}design.tsv", f"{head}{run}design.json"]
    if study.r_square is not None:
        names.append(f"{head}stat-rsquared_statmap.nii.gz")
    names += [f"{head}{run}stat-errorts_statmap.nii.gz" for run, _ in _held(study)]
    for label, facts in _labelled(study):
        names += [f"{head}contrast-{label}_stat-{stat}_statmap.nii.gz" for stat in _stats(facts)]
        names += [f"{head}contrast-{label}_clusters.tsv", f"{head}contrast-{label}_clusters.json"]
        names += [f"{head}contrast-{label}_clusters.nii.gz"]
    return names


def _prefix(study: Study) -> str:
    """Entities of the first run's name; of several runs, without that which tells them apart."""
    found = {}
    for part in study.runs[0].name.split("_"):
        key, _, value = part.partition("-")
        if value.isalnum() and key in _ENTITIES:
            found[key] = value
    if "sub" not in found:
        return ""
    if len(study.runs) > 1:
        found.pop("run", None)
    return "_".join(f"{key}-{found[key]}" for key in _ENTITIES if key in found)


def _run_labels(study: Study) -> list[str]:
    return [""] if len(study.runs) == 1 else [f"run-{number}_" for number in range(1, len(study.runs) + 1)]


def _held(study: Study) -> list[tuple[str, Fitted]]:
    """Runs whose residuals can be told."""
    return [(label, run) for label, run in zip(_run_labels(study), study.runs, strict=True) if run.has_series]


def _labelled(study: Study) -> list[tuple[str, ContrastFacts]]:
    labels = unique_slugs([facts.name for facts in study.contrasts], camel)
    return list(zip(labels, study.contrasts, strict=True))


def _stats(facts: ContrastFacts) -> dict[str, np.ndarray]:
    contrast = facts.contrast
    values = {"effect": contrast.effect_size(), "variance": contrast.effect_variance()}
    return {
        **values,
        contrast.stat_type: contrast.stat(),
        "z": facts.z,
        "p": contrast.p_value(facts.threshold.two_sided),
    }


def _write_maps(folder: Path, study: Study, head: str) -> None:
    like = study.mask_image()
    save_image(image_like(study.mask, like), folder / f"{head}mask.nii.gz")
    if study.r_square is not None:
        save_image(study.image(study.r_square), folder / f"{head}stat-rsquared_statmap.nii.gz")
    for label, run in zip(_run_labels(study), study.runs, strict=True):
        _write_table(folder / f"{head}{label}design.tsv", run.design)
        _write_json(folder / f"{head}{label}design.json", _design_facts(study, run))
    for label, run in _held(study):
        save_image(study.image(run.fit.residuals()), folder / f"{head}{label}stat-errorts_statmap.nii.gz")
    tested = {}
    for label, facts in _labelled(study):
        stem = f"{head}contrast-{label}_"
        for stat, values in _stats(facts).items():
            img = study.image(values)
            if stat == "p":
                data = np.ones(study.mask.shape)
                data[study.mask] = values
                img = image_like(data, like)
            save_image(_described(img, stat, facts), folder / f"{stem}stat-{stat}_statmap.nii.gz")
        save_image(image_like(facts.labels.astype(np.int32), like), folder / f"{stem}clusters.nii.gz")
        _write_table(folder / f"{stem}clusters.tsv", table_of_clusters(facts.clusters))
        _write_json(folder / f"{stem}clusters.json", _cluster_facts(facts))
        tested[label] = {
            "Name": facts.name,
            "Expression": facts.text,
            "Test": describe_contrast(facts),
            "DegreesOfFreedom": facts.contrast.dof,
            "Weights": [weights.tolist() for weights in facts.weights],
        }
    unit = effect_unit(study.model.unit) or "units of the data"
    facts = {
        "Description": "Statistical maps of a general linear model.",
        "Software": {"Name": "glmwidgets", "Version": __version__},
        "Methods": methods_text(study),
        "Parameters": {name: _jsonable(value) for name, value in study.model.choices.items()},
        "Statistics": {**STATS, "effect": f"{STATS['effect']}, in {unit}"},
        "Contrasts": tested,
    }
    if study.settings is not None:
        facts["Settings"] = study.settings.to_dict(views=False)
    _write_json(folder / f"{head}statmap.json", facts)


def _described(img: Any, stat: str, facts: ContrastFacts) -> Any:
    kinds = {"z": "z_score", "p": "p_value", "t": "stat", "F": "stat", "effect": "effect_size"}
    describe_map(img, kinds.get(stat, "effect_variance"), facts.contrast, facts.text, facts.threshold.two_sided)
    return img


def _design_facts(study: Study, run: Fitted) -> dict[str, Any]:
    facts: dict[str, Any] = {"Columns": [str(name) for name in run.design.columns], "Run": run.name}
    if study.model.level == "first":
        facts["RepetitionTime"] = run.t_r
        facts["FrameTimes"] = [float(time) for time in run.design.index]
        if run.source is not None:
            facts["Sources"] = [run.source]
        facts["SaidBy"] = dict(run.inputs.said_by)
    return facts


def _cluster_facts(facts: ContrastFacts) -> dict[str, Any]:
    chosen = facts.threshold
    height = float(facts.height) if np.isfinite(facts.height) else None
    return {
        "Description": f"Clusters of the z map. {describe_height(facts)}",
        "Height control": chosen.height_control,
        "Alpha": chosen.height.get("alpha"),
        "Threshold Z": height,
        "Two-sided": chosen.two_sided,
        "Cluster size threshold (voxels)": chosen.cluster_size,
        "Minimum distance (mm)": chosen.min_distance,
        "Cluster ID": {"Description": "number of a cluster in clusters.nii.gz; letters mark its further peaks"},
        "X": {"Units": "mm"},
        "Y": {"Units": "mm"},
        "Z": {"Units": "mm"},
        "Peak Stat": {"Description": "z score"},
        "Cluster Size (mm3)": {"Units": "mm3"},
    }


def _description(path: Path) -> dict[str, Any]:
    """The dataset's description; one that is there already keeps what it says, and this program is added."""
    own = {"Name": "glmwidgets", "Version": __version__}
    description: dict[str, Any] = {}
    if path.is_file():
        try:
            description = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} is not valid JSON ({error}); mend or remove it first") from None
    others = [by for by in description.get("GeneratedBy", []) if by.get("Name") != own["Name"]]
    defaults = {"Name": "glmwidgets: results of general linear models", "BIDSVersion": "1.9.0"}
    return {**defaults, "DatasetType": "derivative", **description, "GeneratedBy": [*others, own]}


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(path, text, "facts")


def _write_table(path: Path, table: pd.DataFrame) -> None:
    write_text(path, tsv(table), "table")


def _jsonable(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return getattr(value, "__name__", type(value).__name__)
