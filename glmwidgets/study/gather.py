"""Results of a study: group maps of the included whole runs, the table of figures, and a script that repeats them."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmwidgets import __version__
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import check_folder, write_text
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.errors import InputError, told
from glmwidgets.glm.tables import tsv
from glmwidgets.images.grids import grid_difference, little_is_shared
from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.save import save_image
from glmwidgets.plural import count
from glmwidgets.runs.domain import Domain
from glmwidgets.study.figures import FIGURES
from glmwidgets.study.group import GroupMap, group_of
from glmwidgets.study.table import QCTable
from glmwidgets.study.whole import MASK, kept_contrast, labels_of, map_name

if TYPE_CHECKING:
    from glmwidgets.study.study import Study


@dataclass(frozen=True, eq=False)
class Gathered:
    """What was written.

    Attributes
    ----------
    files : tuple of Path
    said : tuple of str
        How many runs are in, and what could not be made.
    qc : QCTable
    fitted : tuple of int
        Rows of the runs that are in and fitted: those that the group's maps can be of.
    """

    files: tuple[Path, ...]
    said: tuple[str, ...]
    qc: QCTable
    fitted: tuple[int, ...]


def qc_of_whole(study: Study) -> QCTable:
    """Figures of all runs: of whole runs once all are fitted, before that of their previews, so that all are alike."""
    fit = study.refit()
    expression = study.contrasts[0][1] if study.contrasts else fit.conditions[0]
    return study.qc(fit.answer(expression))


def group_of_whole(study: Study, name: str, rows: Sequence[int]) -> GroupMap:
    """The group's map of a contrast from whole runs, at the voxels that all have.

    Parameters
    ----------
    study : Study
    name : str
        Of the contrast.
    rows : sequence of int
        Runs that are in; those that cannot answer are left out.

    Returns
    -------
    GroupMap

    Raises
    ------
    InputError
        If the runs lie on different grids or have no voxel in common, fewer than two participants can answer, or the
        contrast has several rows.
    """
    expression = dict(study.contrasts)[name]
    kept = {i: study.result(i) for i in rows}
    said = {i: tree["contrasts"][name] for i, tree in kept.items() if tree is not None}
    able = [i for i, each in said.items() if not each["why_not"]]
    if any(said[i]["dim"] > 1 for i in able):
        raise InputError("an F contrast has no direction that a group could share: ask for one of its rows")
    unable = {study.runs[i].name: each["why_not"] for i, each in said.items() if each["why_not"]}
    if not able:
        why = f": {next(iter(unable.values()))}" if unable else ""
        raise InputError(f"no whole run can estimate {name}{why}" if kept else "every run is left out")
    for text in _by_reason(unable, "cannot estimate it, and", "not in its map"):
        warnings.warn(f"{name}: {text}", stacklevel=2)
    places = {i: study.store.path(study.key(i)) for i in able}
    masks = {i: load_image(places[i] / MASK) for i in able}
    first = masks[able[0]]
    for i in able[1:]:
        difference = grid_difference(masks[i], first)
        if difference is not None:
            raise InputError(f"{study.runs[i].name} lies on another grid than {study.runs[able[0]].name}: {difference}")
    on = [np.asarray(image_data(masks[i])) > 0 for i in able]
    common = reduce(np.logical_and, on)
    if not common.any():
        raise InputError("the runs have no voxel in common: look at those that cover little of the brain")
    sizes, names = [int(mask.sum()) for mask in on], [study.runs[i].name for i in able]
    if (text := little_is_shared(int(common.sum()), sizes, names, "runs")) is not None:
        warnings.warn(text, stacklevel=2)
    contrasts = [kept_contrast(places[i], said[i], common) for i in able]
    subjects = [study.runs[i].subject for i in able]
    return group_of(contrasts, Domain.of(first, common), subjects, able, expression)


def _by_reason(whys: Mapping[str, str], what: str, where: str) -> list[str]:
    """Sentences on runs that are left out: those with one reason together, the first of them by name."""
    sentences = []
    for why in dict.fromkeys(whys.values()):
        names = [name for name, each in whys.items() if each == why]
        be = "is" if len(names) == 1 else "are"
        sentences.append(
            f"{count(len(names), 'run')} {what} {be} {where}: {_first(names)}" + (f" ({why})" if why else "")
        )
    return sentences


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (" ..." if len(names) > 5 else "")


def _same_images(study: Study, rows: Sequence[int]) -> list[str]:
    """Sentences on runs whose images hold the same bytes, as when a file was copied to another participant."""
    holders: dict[str, list[str]] = {}
    for i in rows:
        holders.setdefault(study.contents.of(study.runs[i].inputs.bold), []).append(study.runs[i].name)
    return [
        f"{_first(names)} have the same image, which the group counts "
        f"{len(names)} times: drop all but one, or look which file is the right one"
        for names in holders.values()
        if len(names) > 1
    ]


def gather(study: Study, folder: Path | str | None = None) -> Gathered:
    """Write the group's maps, the table of figures with its definitions, the exclusions, and a script that repeats all.

    Parameters
    ----------
    study : Study
    folder : path, optional
        ``group`` in the study's by default. What stands there is replaced.

    Returns
    -------
    Gathered
    """
    place = check_folder(study.folder / "group" if folder is None else resolved(folder))
    place.mkdir(parents=True, exist_ok=True)
    qc, chosen = qc_of_whole(study), study.exclusions
    judged = study.judged
    reasons = chosen.reasons([row.name for row in judged], qc.values)
    rows = [i for i, row in enumerate(judged) if not row.why_not and not reasons[i]]
    missing = [i for i in rows if study.result(i) is None]
    fitted = [i for i in rows if i not in missing]
    said = [chosen.said(judged, qc.values)]
    # The preview says what keeps a run from being fitted; without a reason it only has to be done.
    parts = study.refit().parts if missing else ()
    whys = {i: parts[i].why_not if parts[i].preview is not None else "" for i in missing}
    judged = [replace(r, why_not=whys[i] or "it is not fitted yet") if i in whys else r for i, r in enumerate(judged)]
    left = {study.runs[i].name: "" for i, why in whys.items() if not why}
    if rows and not fitted:
        said.append(
            f"no run is fitted yet, so there is no map of the group; fit the runs: glmwidgets study run {study.folder}"
        )
    else:
        what = "is not fitted yet, and" if len(left) == 1 else "are not fitted yet, and"
        said += _by_reason(left, what, "not in the group's maps")
    failed = {study.runs[i].name: why for i, why in whys.items() if why}
    said += _by_reason(failed, "cannot be fitted, and", "not in the group's maps")
    said += _same_images(study, fitted)
    if warned := [study.runs[i].name for i in fitted if study.result(i)["warnings"]]:
        said.append(
            f"{count(len(warned), 'run')} fitted with a warning, told in manifest.json of each result: {_first(warned)}"
        )
    files = [
        write_text(place / "qc.tsv", tsv(table_of(study, qc)), "table of figures", overwrite=True),
        write_text(place / "qc.json", json.dumps(definitions(), indent=1) + "\n", "definitions", overwrite=True),
        *chosen.save(place, judged, qc.values),
        write_text(place / "study.py", script(study), "script", overwrite=True),
    ]
    for label, (name, _) in zip(labels_of(study), study.contrasts, strict=True):
        with Heard() as heard:
            try:
                group = group_of_whole(study, name, fitted) if fitted or not rows else None
            except ValueError as error:
                said.append(f"{name}: {told(error)}")
                group = None
        if group is None:
            if (earlier := place / f"group_{map_name(label, 'z')}").exists():
                said.append(f"{earlier.name} and the other maps of {name} stay as an earlier gather wrote them")
            continue
        said += [text for text in heard.said if text not in said]
        files += _write_group(place, label, group)
    return Gathered(tuple(files), tuple(said), qc, tuple(fitted))


def _write_group(place: Path, label: str, group: GroupMap) -> list[Path]:
    values = {"effect": group.contrast.effect[0], "variance": group.contrast.covariance[0, 0], "z": group.z}
    values["t"] = group.contrast.stat()
    files = [
        save_image(group.domain.image(each), place / f"group_{map_name(label, stat)}", f"{stat} map", overwrite=True)
        for stat, each in values.items()
    ]
    used = pd.DataFrame({"participant_id": [f"sub-{s}" for s in group.subjects], "runs": [len(r) for r in group.runs]})
    path = place / f"group_contrast-{label}_participants.tsv"
    return [*files, write_text(path, tsv(used), "participants", overwrite=True)]


def table_of(study: Study, qc: QCTable) -> pd.DataFrame:
    """The table of figures as it is written: labels first, ``unusual`` with the sentences last."""
    head = [
        {"participant_id": f"sub-{r.subject}", "session": r.session, "task": r.task, "run": r.run, "name": r.name}
        for r in study.runs
    ]
    table = pd.concat([pd.DataFrame(head), qc.values.reset_index(drop=True)], axis=1)
    table["unusual"] = ["; ".join(qc.said(i)) or r.why_not for i, r in enumerate(study.judged)]
    return table.replace("", "n/a")


def definitions() -> dict[str, Any]:
    """Sidecar of the table: what each column is, by the rows of `FIGURES`."""
    columns = {
        key: {"LongName": row.label, "Description": row.definition}
        | ({"Units": row.unit} if row.unit else {})
        | ({"TermURL": row.source} if row.source.startswith("http") else {"Source": row.source} if row.source else {})
        | {"Function": row.function}
        for key, row in FIGURES.items()
    }
    return {
        **columns,
        "unusual": {"Description": "What is unusual of the run among the runs of the study, in sentences"},
        "GeneratedBy": {"Name": "glmwidgets", "Version": __version__},
    }


def script(study: Study) -> str:
    """A script that makes the same study from the same files, and gathers it."""
    model = study.model.changes_from(type(study.model).from_dict({}))
    changes = {path: value for path, (_, value) in model.items() if type(study.model).matters(path)}
    rows = [
        {key: value for key, value in {**row.row(), **vars(row.inputs)}.items() if key in _ASKED and value is not None}
        for row in study.runs
    ]
    return (
        '"""Fits every run of a study and gathers the group; what is in its folder already is not done again."""\n\n'
        "import pandas as pd\n\n"
        "from glmwidgets.specification import Model\n"
        "from glmwidgets.study import Exclusions, Study\n\n"
        f"MODEL = {changes!r}\n"
        f"CONTRASTS = {list(study.contrasts)!r}\n"
        f"RUNS = {_listed(rows)}\n"
        f"RULES = {[str(rule) for rule in study.exclusions.rules]!r}\n"
        f"BY_HAND = {_listed([[n, d.what, d.comment, d.rater] for n, d in study.exclusions.by_hand.items()])}\n\n"
        'if __name__ == "__main__":\n'
        f"    study = Study.of_table(pd.DataFrame(RUNS), {str(study.folder)!r},\n"
        "                           model=Model.from_dict({}).updated(MODEL), contrasts=CONTRASTS)\n"
        "    chosen = Exclusions()\n"
        "    for rule in RULES:\n"
        "        chosen = chosen.with_rule(rule)\n"
        "    for decision in BY_HAND:\n"
        "        chosen = chosen.decided(*decision)\n"
        "    print(study.run())\n"
        "    study.exclude(chosen)\n"
        '    print("\\n".join(study.gather().said))\n'
    )


_ASKED = (
    *("bold", "subject", "session", "task", "run", "space", "name"),
    *("events", "confounds", "mask", "t_r", "slice_time_ref", "frame_times"),
)


def _listed(rows: Sequence[Any]) -> str:
    return "[\n" + "".join(f"    {row!r},\n" for row in rows) + "]"
