"""Results under the names of BIDS derivatives, written whole or not at all.

BIDS has not ratified names for statistical maps; these are the field's, as nilearn's ``save_glm_to_bids`` and FitLins
write them. Clusters are those of the z map.
"""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets import __version__
from glmwidgets.analysis.answers import Fitted, FittedGroup
from glmwidgets.files.names import camel, unique_slugs
from glmwidgets.files.writing import check_folder, check_outputs, whole_folder, write_text
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import KindError
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.inference.cluster_p import P_COLUMNS
from glmwidgets.glm.inference.cluster_rows import table_of_clusters
from glmwidgets.glm.moments.scaling import effect_unit
from glmwidgets.glm.tables import tsv
from glmwidgets.images.new import image_like
from glmwidgets.images.save import save_image
from glmwidgets.models.map_header import describe_map
from glmwidgets.models.run_contrasts import is_named_contrasts
from glmwidgets.regions.named import REGION_COLUMNS, ClusterNames
from glmwidgets.report.exports.bids_names import (
    DESCRIPTION,
    dataset_description,
    entities_of,
    entity_text,
    write_facts,
)
from glmwidgets.report.page.methods import describe_contrast, describe_height, methods_text
from glmwidgets.report.page.subject import ContrastFacts, Study, study_of_model, study_of_result

STATS = {
    "effect": "effect size",
    "variance": "variance of the effect size",
    "t": "t statistic",
    "F": "F statistic",
    "z": "z score with the upper-tail p value of the statistic",
    "p": "p value, uncorrected: upper-tail, or two-sided where the map's header says so; 1 outside the mask",
    "dof": "degrees of freedom of the test, where voxels differ in them",
}

#: Options of a report that say how its page is drawn, and those that say what is found.
OF_THE_PAGE = {"plot_type", "cut_coords", "display_mode", "ledger", "whiteness"}
REPORT_OPTIONS = tuple(
    name for name in inspect.signature(study_of_model).parameters if name not in ("model", "contrasts")
) + tuple(sorted(OF_THE_PAGE))


def save_glm_to_bids(
    model: Any,
    contrasts: Any = None,
    first_level_contrast: Any = None,
    contrast_types: Mapping[str, str] | None = None,
    out_dir: str | os.PathLike[str] = ".",
    prefix: str | None = None,
    *,
    report: bool = True,
    pictures: bool = True,
    overwrite: bool = False,
    **options: Any,
) -> Any:
    """Write a fitted model's maps and tables as a BIDS derivative.

    Parameters
    ----------
    model : fitted FirstLevelModel or SecondLevelModel, Session, or Explorer
    contrasts : str, array, mapping or list of these
        Of a model; a session brings its own.
    first_level_contrast : optional
        Which maps a second-level model is asked about.
    contrast_types : mapping from str to {"t", "F"}, optional
        Tests of some contrasts, by their names; by default t for one row and F for several.
    out_dir : str or path
        Root of the derivative. Made if it does not exist; other files in it are left alone. Files of a participant go
        to its folder ``sub-<label>``, those of a group to ``group``, and what has no participant to the root.
    prefix : str, optional
        Beginning of all file names, such as ``"sub-01_task-oneback"``. By default it is read off the names of the runs'
        files, each run keeping its own entities, and empty if these are no BIDS names.
    report : bool
        Whether to write the HTML report, too.
    pictures : bool
        Whether to draw designs, their correlations and contrasts as PNG, where matplotlib is installed.
    overwrite : bool
        Whether files that exist may be replaced. Those that were written of the same object before may; one that was
        read as an input never is. The dataset's description keeps what it says, and needs no word.
    **options
        Of the report: threshold, alpha, height_control, cluster_threshold, two_sided, min_distance, title, bg_img,
        plot_type ...

    Returns
    -------
    object
        `model`.

    Raises
    ------
    NoResult
        If what is set in a session has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.
    ValueError
        If there is no contrast, an option is not known, or the prefix cannot be part of a file name.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced.
    OSError
        If they cannot be written; the folder is then as it was.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     _ = save_glm_to_bids(session, out_dir=folder, prefix="sub-01", report=False, pictures=False)
    ...     sorted(path.name for path in Path(folder).rglob("*stat-z*"))
    ['sub-01_contrast-faces_stat-z_statmap.nii.gz']
    """
    out_dir = check_folder(out_dir)
    for name in options:
        check_choice("an option of save_glm_to_bids", name, REPORT_OPTIONS)
    drawing = {name: options.pop(name) for name in set(options) & OF_THE_PAGE}
    of = getattr(model, "session", model)
    if hasattr(model, "masker_"):
        if first_level_contrast is not None and hasattr(model, "fits_"):
            raise TypeError(
                "first_level_contrast applies to second-level models, but a first-level model was given; name a folder "
                "with out_dir="
            )
        asked = {"first_level_contrast": first_level_contrast, "contrast_types": contrast_types}
        study = study_of_model(model, _checked(contrasts), **asked, **options)
    else:
        of.current_result()
        with of.lock:
            result, clusters, chosen = of.current_result(), of.clusters, of.settings
        result = replace(result, settings=result.settings.seen_as(chosen))
        drawing.setdefault("ledger", of.ledger)
        study = study_of_result(of.analysis, result, clusters, **options)
    if not study.contrasts:
        raise ValueError("name at least one contrast to write")
    names = file_names(study, prefix)
    folder = out_dir / names.folder if names.folder else out_dir
    pictures = pictures and find_spec("matplotlib") is not None
    files = {*bids_files(study, names), *picture_files(study, names), names.of_all("report.html")}
    # Before the report, which takes long.
    check_outputs([("results", folder / name) for name in sorted(files)], overwrite, of)
    page = None
    if report:
        from glmwidgets.report.page.html import render

        page = render(study, **drawing).html
    description = dataset_description(out_dir / DESCRIPTION)
    with whole_folder(out_dir, [], by=of, merged=[DESCRIPTION]) as root:
        write_facts(root / DESCRIPTION, description)
        with whole_folder(folder, files, overwrite=overwrite, by=of) as new:
            _write_maps(new, study, names)
            if pictures:
                _write_pictures(new, study, names)
            if page is not None:
                write_text(new / names.of_all("report.html"), page, "report")
    return model


def _checked(contrasts: Any) -> Any:
    if isinstance(contrasts, Mapping):
        odd = [name for name in contrasts if not isinstance(name, str)]
        if odd:
            raise TypeError(f"names of contrasts must be text, but one is {odd[0]!r}")
        if is_named_contrasts(contrasts):
            for name, definition in contrasts.items():
                if np.ndim(definition) == 0 and not isinstance(definition, str | Mapping):
                    raise KindError(
                        f"the contrast {name!r} is {definition!r}: it must be an expression in the design's columns, "
                        "or weights of them"
                    )
    return contrasts


@dataclass(frozen=True)
class FileNames:
    """How files are called: the folder within the derivative, and the beginnings of their names.

    Attributes
    ----------
    folder : str
        Of the participant or of the group; empty for the root.
    head : str
        Of what all runs have in common, with its underscore.
    runs : tuple of str
        Of what each run has of its own.
    """

    folder: str
    head: str
    runs: tuple[str, ...]

    def of_all(self, ending: str) -> str:
        """A file of all runs together."""
        return f"{self.head}{ending}"


def file_names(study: Study, prefix: str | None = None) -> FileNames:
    """How the files of a study are called.

    Parameters
    ----------
    study : Study
    prefix : str, optional
        As in `save_glm_to_bids`.

    Returns
    -------
    FileNames

    Raises
    ------
    ValueError
        If the prefix cannot be part of a file name.
    """
    group, numbered = study.model.level == "second", _numbered(len(study.runs))
    if prefix is None:
        entities = [entities_of(run.name) for run in study.runs]
        common = {key: value for key, value in entities[0].items() if all(e.get(key) == value for e in entities)}
        if "sub" not in common:
            prefix = ""
        else:
            if len(entities) > 1:
                common.pop("run", None)
            head, own = entity_text(common), tuple(entity_text(e) for e in entities)
            apart = own if len(set(own)) == len(own) else tuple(head + number for number in numbered)
            return FileNames(f"sub-{common['sub']}", head, apart)
    if not isinstance(prefix, str) or (prefix and not re.fullmatch(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9+]+)*_?", prefix)):
        raise ValueError(f"prefix {prefix!r} must be letters, digits, hyphens and underscores, as 'sub-01_task-rest'")
    head = f"{prefix.rstrip('_')}_" if prefix else ""
    folder = "group" if group else head.split("_")[0] if head.startswith("sub-") else ""
    return FileNames(folder, head, tuple(head + number for number in numbered))


def _numbered(n_runs: int) -> list[str]:
    return [""] if n_runs == 1 else [f"run-{number}_" for number in range(1, n_runs + 1)]


def bids_files(study: Study, names: FileNames) -> list[str]:
    """Names of the files that a study is written to, without pictures, report and the dataset's description.

    Parameters
    ----------
    study : Study
    names : FileNames

    Returns
    -------
    list of str
    """
    files = [names.of_all("mask.nii.gz"), names.of_all("statmap.json")]
    for head, run in zip(names.runs, study.runs, strict=True):
        files += [f"{head}design.tsv", f"{head}design.json"]
        files += [f"{head}stat-{stat}_statmap.nii.gz" for stat in _of_run(run)]
    for label, facts in _labelled(study):
        stem = names.of_all(f"contrast-{label}_")
        files += [f"{stem}stat-{stat}_statmap.nii.gz" for stat in _stats(facts)]
        files += [f"{stem}clusters.{ending}" for ending in ("tsv", "json", "nii.gz")]
    return files


def picture_files(study: Study, names: FileNames) -> list[str]:
    """Names of the pictures of designs and contrasts."""
    labels = [label for label, _ in _labelled(study)]
    return [
        f"{head}{name}.png"
        for head in names.runs
        for name in ("design", "corrdesign", *(f"contrast-{label}_design" for label in labels))
    ]


def _of_run(run: Fitted) -> dict[str, Any]:
    """What is written of a single run or group, as functions that compute it."""
    found: dict[str, Any] = {}
    if run.fit is not None:
        found["rsquared"] = lambda: run.r_square
    if isinstance(run, FittedGroup):
        found["errorts"] = lambda: run.values - run.fit.predicted
    elif run.has_series:
        found["errorts"] = run.fit.residuals
    return found


def _labelled(study: Study) -> list[tuple[str, ContrastFacts]]:
    labels = unique_slugs([facts.name for facts in study.contrasts], camel)
    return list(zip(labels, study.contrasts, strict=True))


def _stats(facts: ContrastFacts) -> dict[str, np.ndarray]:
    contrast = facts.contrast
    values = {"effect": contrast.effect_size(), "variance": contrast.effect_variance()}
    own = {} if contrast.dofs is None else {"dof": contrast.dofs}
    return {
        **values,
        contrast.stat_type: contrast.stat(),
        "z": facts.z,
        "p": contrast.p_value(facts.threshold.two_sided),
        **own,
    }


def _write_maps(folder: Path, study: Study, names: FileNames) -> None:
    like = study.mask_image()
    save_image(image_like(study.mask, like), folder / names.of_all("mask.nii.gz"))
    for head, run in zip(names.runs, study.runs, strict=True):
        _write_table(folder / f"{head}design.tsv", run.design)
        write_facts(folder / f"{head}design.json", _design_facts(study, run))
        for stat, compute in _of_run(run).items():
            save_image(study.image(compute()), folder / f"{head}stat-{stat}_statmap.nii.gz")
    tested = {}
    for label, facts in _labelled(study):
        stem = names.of_all(f"contrast-{label}_")
        for stat, values in _stats(facts).items():
            img = study.image(values)
            if stat == "p":
                data = np.ones(study.mask.shape)
                data[study.mask] = values
                img = image_like(data, like)
            save_image(_described(img, stat, facts), folder / f"{stem}stat-{stat}_statmap.nii.gz")
        save_image(image_like(facts.labels.astype(np.int32), like), folder / f"{stem}clusters.nii.gz")
        _write_table(folder / f"{stem}clusters.tsv", _cluster_table(facts))
        write_facts(folder / f"{stem}clusters.json", _cluster_facts(facts))
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
    write_facts(folder / names.of_all("statmap.json"), facts)


def _write_pictures(folder: Path, study: Study, names: FileNames) -> None:
    from glmwidgets.report.figures.designs import plot_contrast_matrix, plot_design_correlation, plot_design_matrix

    for i, (head, run) in enumerate(zip(names.runs, study.runs, strict=True)):
        plot_design_matrix(run.design, output_file=folder / f"{head}design.png")
        if (run.design.to_numpy().std(axis=0) > 0).sum() > 1:
            plot_design_correlation(run.design, output_file=folder / f"{head}corrdesign.png")
        for label, facts in _labelled(study):
            weights = facts.weights[i] if len(facts.weights) == len(study.runs) else _weights(facts, run)
            if weights is not None:
                where = folder / f"{head}contrast-{label}_design.png"
                plot_contrast_matrix(weights, run.design, title=facts.name, output_file=where)


def _weights(facts: ContrastFacts, run: Fitted) -> np.ndarray | None:
    """Of a contrast that not all runs answer, in one of them."""
    try:
        return contrast_vector(facts.text, run.design.columns)
    except ValueError:
        return None


def _described(img: Any, stat: str, facts: ContrastFacts) -> Any:
    kinds = {"z": "z_score", "p": "p_value", "t": "stat", "F": "stat", "effect": "effect_size", "dof": "dof"}
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


def _cluster_table(facts: ContrastFacts) -> pd.DataFrame:
    table = table_of_clusters(facts.clusters)
    p = facts.judged.p
    table = table if p is None else table.assign(**dict(zip(P_COLUMNS, p.rows().T, strict=True)))
    return table if _no_names(facts) else table.assign(**facts.names.columns())


def _no_names(facts: ContrastFacts) -> bool:
    return facts.names is None or facts.names.atlas is None


def _name_facts(names: ClusterNames) -> dict[str, Any]:
    atlas = names.atlas
    return {
        "Atlas": {"Name": atlas.name, "Space": atlas.space, "SHA-256, first digits": atlas.checksum},
        "Names, remarks": [*names.said, *atlas.notes],
        **{name: {"Description": said} for name, said in REGION_COLUMNS.items()},
    }


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
        "P of clusters": chosen.cluster_p,
        "P of clusters, remarks": list(facts.judged.said),
        "Noise": facts.judged.facts(facts.threshold),
        "Cluster ID": {"Description": "number of a cluster in clusters.nii.gz; letters mark its further peaks"},
        "X": {"Units": "mm"},
        "Y": {"Units": "mm"},
        "Z": {"Units": "mm"},
        "Peak Stat": {"Description": "z score"},
        "Cluster Size (mm3)": {"Units": "mm3"},
        **({name: {"Description": said} for name, said in P_COLUMNS.items()} if facts.judged.p is not None else {}),
        **({} if _no_names(facts) else _name_facts(facts.names)),
    }


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
