"""A study as a BIDS derivative: maps of whole runs in their participants' folders, beside these group and figures."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from glmwidgets import __version__
from glmwidgets.files.writing import check_folder, check_outputs, whole_folder, write_bytes
from glmwidgets.glm.errors import InputError
from glmwidgets.report.exports.bids_derivatives import STATS
from glmwidgets.report.exports.bids_names import (
    DESCRIPTION,
    dataset_description,
    entities_of,
    entity_text,
    write_facts,
)
from glmwidgets.study.gather import Gathered
from glmwidgets.study.index import StudyRun
from glmwidgets.study.study import Study
from glmwidgets.study.whole import MASK, map_name

# Folder of what is of all runs together.
GROUP = "group"


def save_study_to_bids(study: Study, out_dir: str | os.PathLike[str] = ".", *, overwrite: bool = False) -> Gathered:
    """Write whole runs, the group and the figures of quality of a study as a BIDS derivative.

    Each participant's folder ``sub-<label>`` holds for each run the mask, the design matrix, maps of each contrast
    (effect, variance, z; of an F contrast z), and a JSON file with model, contrasts, sources, figures and warnings. The
    folder ``group`` holds what `glmwidgets.study.study.Study.gather` writes. Files of runs keep the entities of the
    images' names, such as ``sub-01_task-faces_run-2_contrast-facesMinusHouses_stat-z_statmap.nii.gz``.

    Parameters
    ----------
    study : Study
        Runs that are not fitted under its model are left out, and named.
    out_dir : str or path
        Root of the derivative. Made if it does not exist; other files in it are left alone.
    overwrite : bool
        Whether files that exist may be replaced.

    Returns
    -------
    Gathered
        What was written, that of the group first, and what could not be made.

    Raises
    ------
    InputError
        If no run is fitted.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced; nothing is written then.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.datasets import write_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = write_study(folder, 2, shape=(12, 14, 11), n_scans=60)
    ...     contrasts = [("motor", "motor_left - motor_right")]
    ...     study = Study.of(root, Path(folder) / "study", task="localizer", contrasts=contrasts)
    ...     failed = study.run("here")
    ...     written = save_study_to_bids(study, Path(folder) / "derivative").files
    ...     names = sorted(path.name for path in written if path.name.startswith("sub-01"))
    >>> names[0], len(names)
    ('sub-01_task-localizer_space-MNI152NLin2009cAsym_contrast-motor_stat-effect_statmap.nii.gz', 6)
    """
    out_dir = check_folder(out_dir)
    kept = {i: tree for i in range(len(study.runs)) if (tree := study.result(i)) is not None}
    if not kept:
        raise InputError("no run is fitted under this model and these contrasts: fit whole runs first")
    heads = dict(zip(kept, run_heads([study.runs[i] for i in kept]), strict=True))
    of_subject: dict[str, dict[str, Path | dict[str, Any]]] = defaultdict(dict)
    for i, head in heads.items():
        of_subject[head.split("_")[0]] |= _files_of(study, i, head, kept[i])
    of_runs = [out_dir / subject / name for subject, files in of_subject.items() for name in files]
    of_group = [path for path in sorted((out_dir / GROUP).glob("*")) if path.is_file()]
    check_outputs([("results", path) for path in (*of_runs, *of_group)], overwrite)

    with whole_folder(out_dir, [], merged=[DESCRIPTION]) as root:
        write_facts(root / DESCRIPTION, dataset_description(out_dir / DESCRIPTION))
    for subject, files in of_subject.items():
        with whole_folder(out_dir / subject, files, overwrite=overwrite) as new:
            for name, content in files.items():
                if isinstance(content, Path):
                    write_bytes(new / name, content.read_bytes(), "results")
                else:
                    write_facts(new / name, content)
    gathered = study.gather(out_dir / GROUP)
    return replace(gathered, files=(*gathered.files, out_dir / DESCRIPTION, *of_runs))


def run_heads(runs: Sequence[StudyRun]) -> list[str]:
    """Beginnings of the names of runs' files, each with its underscore; no two are the same.

    Parameters
    ----------
    runs : sequence of StudyRun

    Returns
    -------
    list of str

    Examples
    --------
    >>> from glmwidgets.runs.run import Provenance
    >>> named = StudyRun("1", "01", inputs=Provenance(bold="/data/sub-01_task-faces_run-2_desc-preproc_bold.nii.gz"))
    >>> run_heads([named, StudyRun("2", "A 7", inputs=Provenance(bold="scan.nii")), StudyRun("3", "A 7")])
    ['sub-01_task-faces_run-2_', 'sub-A7_run-1_', 'sub-A7_run-2_']
    """
    of_subject: dict[str, list[dict[str, str]]] = defaultdict(list)
    found = []
    for number, run in enumerate(runs, 1):
        entities = entities_of(Path(run.inputs.bold or "").name.partition(".")[0])
        if "sub" not in entities:
            labels = {"sub": run.subject, "ses": run.session, "task": run.task, "run": run.run, "space": run.space}
            entities = {key: plain for key, label in labels.items() if (plain := re.sub("[^A-Za-z0-9]", "", label))}
            entities = {"sub": str(number), **entities}
        of_subject[entities["sub"]].append(entities)
        found.append(entities)
    for alike in of_subject.values():
        if len(set(map(entity_text, alike))) < len(alike):
            for number, entities in enumerate(alike, 1):
                entities["run"] = str(number)
    return [entity_text(entities) for entities in found]


def _files_of(study: Study, i: int, head: str, kept: dict[str, Any]) -> dict[str, Path | dict[str, Any]]:
    """Files of a run by their new names: where each lies in the study's store, or what is to be written."""
    place = study.store.path(study.key(i))
    files: dict[str, Path | dict[str, Any]] = {
        f"{head}mask.nii.gz": place / MASK,
        f"{head}design.tsv": place / "design_matrix.tsv",
    }
    for said in kept["contrasts"].values():
        for stat in STATS:
            if (source := place / map_name(said["label"], stat)).is_file():
                files[f"{head}contrast-{said['label']}_stat-{stat}_statmap.nii.gz"] = source
    files[f"{head}statmap.json"] = _facts(study.runs[i], kept)
    return files


def _facts(run: StudyRun, kept: dict[str, Any]) -> dict[str, Any]:
    """What a run's maps are: plain values, ready for JSON."""
    made_of = kept["made_of"]
    files = {name: path for name in made_of["files"] if (path := getattr(run.inputs, name)) is not None}
    stats = {name: text for name, text in STATS.items() if name in ("effect", "variance", "z", "dof")}
    return {
        "Description": "Statistical maps of a general linear model.",
        "Software": {"Name": "glmwidgets", "Version": __version__},
        "Run": run.name,
        "Sources": {n: {"File": os.path.basename(p), "SHA256": made_of["files"][n]} for n, p in files.items()},
        "Statistics": stats,
        "Contrasts": {
            said["label"]: {"Name": name, "Expression": said["expression"]}
            | (
                {"WhyNot": said["why_not"]}
                if said["why_not"]
                else {"Test": said["stat_type"], "DegreesOfFreedom": said["dof"]}
            )
            for name, said in kept["contrasts"].items()
        },
        "Model": made_of["model"],
        "Figures": kept["figures"],
        "Noise": kept["noise"],
        "Warnings": kept["warnings"],
    }
