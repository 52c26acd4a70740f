"""Runs of a BIDS dataset, raw or preprocessed by fMRIPrep, found by the names of their files and their sidecars."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.datasets.run_files import FoundRun
from glmwidgets.files.paths import resolved
from glmwidgets.glm.errors import InputError
from glmwidgets.images.load import header_t_r, load_image
from glmwidgets.images.sidecar import sidecars_read_once
from glmwidgets.runs.arguments import check_arguments
from glmwidgets.runs.bids_confounds import load_confounds
from glmwidgets.runs.bids_files import DERIVED, BidsFile, linked_datasets, nearest, same_value, sidecar
from glmwidgets.runs.bids_timing import clock_of

IMAGES = (".nii.gz", ".nii")

#: What is asked for where a file's name is to lack an entity: ``space=none`` is the native space, ``echo=none`` the
#: combined echoes.
NONE = "none"

#: What `find_run` calls the entities of file names.
NARROW = {"task": "task", "run": "run", "session": "ses", "space": "space"}


class BidsQuestion(InputError):
    """More than one run, or file, is meant by what was asked.

    Attributes
    ----------
    choices : tuple of str
        What there is, each as a person would ask for it.
    """

    def __init__(self, message: str, choices: Sequence[str], advice: str | Mapping[str, str] = ""):
        super().__init__(message, advice=advice)
        self.choices = tuple(choices)


def find_run(
    dataset: str | os.PathLike[str],
    subject: str,
    *,
    task: str | None = None,
    run: str | int | None = None,
    session: str | None = None,
    space: str | None = None,
    entities: Mapping[str, str] | None = None,
    derivatives: str | os.PathLike[str] | bool | None = None,
    confounds: str | Sequence[str] | None = ("motion",),
    **options: Any,
) -> FoundRun:
    """Find one run in a BIDS dataset.

    Parameters
    ----------
    dataset : str or path
        Root of a raw dataset, or of fMRIPrep's derivatives.
    subject : str
        ``"sub-01"`` or ``"01"``.
    task, run, session, space : optional
        Narrow the choice where there is one. Runs are compared as numbers. ``"none"`` asks for a file whose name does
        not have the entity: ``space="none"`` for the native space.
    entities : mapping, optional
        Further entities by their short names, such as ``{"acq": "mb", "echo": "2"}``; ``{"echo": "none"}`` for echoes
        that were combined, ``{"desc": "denoised"}`` for the run of another pipeline than fMRIPrep.
    derivatives : path, bool, optional
        Where preprocessed runs are. By default they are looked for in the dataset itself and in its folder
        ``derivatives``, and taken if there are any; False takes the raw run.
    confounds : str or sequence of str, or None
        Strategies of `load_confounds` by which confounds are chosen, where there are confounds; None for none.
    **options
        Of `load_confounds`, such as ``motion="full"`` (here ``"basic"`` by default) or ``n_compcor=6``. Its scans to
        leave out become one column each, which is 1 in that scan alone: for ordinary least squares that is the same
        as leaving it out.

    Returns
    -------
    FoundRun

    Raises
    ------
    FileNotFoundError
        If there is no such dataset, subject or run; the message says what there is.
    BidsQuestion
        If more than one run fits; the message lists them, and says how to narrow the choice.

    Examples
    --------
    ``open_run(find_run("/data/ds000114", "sub-01", task="fingerfootlips", session="test"))`` opens a run.
    >>> run = find_run("ds000001", "sub-01", task="balloon", run=1)  # doctest: +SKIP
    >>> run.bold.name, run.t_r  # doctest: +SKIP
    ('sub-01_task-balloon_run-01_bold.nii.gz', 2.0)
    """
    check_arguments(find_run, options, load_confounds)
    root, label, fitting = _fitting(dataset, subject, task, run, session, space, entities, derivatives)
    if len(fitting) > 1:
        raise _question(f"sub-{label} in {root} has {len(fitting)} runs that fit", [f for _, f in fitting])
    return _opened(fitting[0], root, label, confounds, options)


def find_runs(
    dataset: str | os.PathLike[str],
    subject: str,
    *,
    task: str | None = None,
    runs: Sequence[str | int] | None = None,
    session: str | None = None,
    space: str | None = None,
    entities: Mapping[str, str] | None = None,
    derivatives: str | os.PathLike[str] | bool | None = None,
    confounds: str | Sequence[str] | None = ("motion",),
    **options: Any,
) -> list[FoundRun]:
    """Find the runs of one participant at one task in a BIDS dataset.

    Parameters
    ----------
    dataset, subject, task, session, space, entities, derivatives, confounds, **options
        As in `find_run`.
    runs : sequence, optional
        Their numbers; all by default.

    Returns
    -------
    list of FoundRun
        In the order of their numbers.

    Raises
    ------
    FileNotFoundError
        If there is no such dataset, subject or run; the message says what there is.
    BidsQuestion
        If what fits differs in more than the number of the run; the message says how to narrow the choice.

    Examples
    --------
    >>> [run.bold.name for run in find_runs("ds000001", "sub-01", task="balloon", runs=[1, 3])]  # doctest: +SKIP
    ['sub-01_task-balloon_run-01_bold.nii.gz', 'sub-01_task-balloon_run-03_bold.nii.gz']
    """
    check_arguments(find_runs, options, load_confounds)
    how = (task, None, session, space, entities, derivatives)
    root, label, fitting = _fitting(dataset, subject, *how)
    if runs is not None:
        numbers = [str(run).removeprefix("run-") for run in runs]
        files = [(p, f) for p, f in fitting if any(same_value(n, f.entities.get("run", "")) for n in numbers)]
        absent = [n for n in numbers if not any(same_value(n, f.entities.get("run", "")) for _, f in files)]
        if absent:
            there = "; ".join(_described([file for _, file in fitting]))
            raise FileNotFoundError(f"sub-{label} in {root} has no run {', '.join(absent)}; there are: {there}")
        fitting = files
    differing = _differing([file for _, file in fitting])
    if len(fitting) > 1 and differing != ["run"]:
        raise _question(
            f"sub-{label} in {root} has {len(fitting)} images that differ in more than their run",
            [f for _, f in fitting],
        )
    fitting.sort(key=lambda found: (len(found[1].entities.get("run", "")), found[1].entities.get("run", "")))
    return [_opened(found, root, label, confounds, options) for found in fitting]


def _fitting(
    dataset: str | os.PathLike[str],
    subject: str,
    task: str | None,
    run: str | int | None,
    session: str | None,
    space: str | None,
    entities: Mapping[str, str] | None,
    derivatives: str | os.PathLike[str] | bool | None,
) -> tuple[Path, str, list[tuple[Path, BidsFile]]]:
    """The root, the subject's label, and the images that are meant, each with the dataset it lies in."""
    root = resolved(dataset)
    if not root.is_dir():
        raise FileNotFoundError(f"there is no dataset at {root}: it is {'a file' if root.exists() else 'missing'}")
    label = str(subject).removeprefix("sub-")
    if not re.fullmatch(r"[A-Za-z0-9+]+", label):
        raise InputError(f"{subject!r} is not a participant: write letters and digits, such as sub-01")
    wanted = {NARROW[name]: str(value) for name, value in _given(task, run, session, space).items()}
    wanted |= {key: NONE if value is None else str(value) for key, value in (entities or {}).items()}
    wanted = {key: value.removeprefix(f"{key}-") for key, value in wanted.items()}
    roots = places_of(root, label, derivatives)
    found: list[tuple[Path, BidsFile]] = []
    for place in roots:
        found += [(place, file) for file in bold_files(place / f"sub-{label}", derived=derivatives is not False)]
    if "desc" not in wanted:
        # What fMRIPrep made, else the raw run, else what other pipelines made.
        kinds = [[each for each in found if each[1].entities.get("desc") == desc] for desc in ("preproc", None)]
        found = next(filter(None, kinds), found)
    if not found:
        raise FileNotFoundError(_nothing(root, label))
    fitting = [(place, file) for place, file in found if fits(file, wanted)]
    if not fitting:
        there = "; ".join(_described([file for _, file in found]))
        asked = ", ".join(f"{_long(key)}={value}" for key, value in wanted.items())
        raise FileNotFoundError(f"sub-{label} in {root} has no run with {asked}; there are: {there}")
    return root, label, fitting


def _opened(found: tuple[Path, BidsFile], root: Path, label: str, confounds: Any, options: Any) -> FoundRun:
    place, bold = found
    return complete_run(bold, place, raw_root(root, place, label), confounds, options)


def _given(task: Any, run: Any, session: Any, space: Any) -> dict[str, Any]:
    given = {"task": task, "run": run, "session": session, "space": space}
    return {
        name: str(value).removeprefix("ses-") if name == "session" else value
        for name, value in given.items()
        if value is not None
    }


# The choice -----------------------------------------------------------------------------------------------------------


def places_of(root: Path, label: str, derivatives: Any) -> list[Path]:
    """Datasets in which a subject's runs may be, or those of any subject: ``"*"``."""
    if derivatives is False:
        return [root]
    if derivatives not in (None, True):
        given = Path(derivatives).expanduser()
        given = resolved(given if given.is_absolute() or given.is_dir() else root / given)
        if not given.is_dir():
            raise FileNotFoundError(f"there are no derivatives at {given}")
        return [given]
    folder = root / "derivatives"
    inside = sorted(p for p in folder.iterdir() if _holds(p, label)) if folder.is_dir() else []
    # Some keep the subjects in the folder of all derivatives itself.
    itself = [folder] if _holds(folder, label) else []
    return [root, *itself, *inside]


def _holds(folder: Path, label: str) -> bool:
    return any(each.is_dir() for each in folder.glob(f"sub-{label}"))


def bold_files(folder: Path, derived: bool) -> list[BidsFile]:
    """Functional images of a participant's folder, by name; without those of derivatives if not `derived`."""
    if not folder.is_dir():
        return []
    paths = sorted([*folder.glob("func/*"), *folder.glob("ses-*/func/*")])
    found = [BidsFile.of(path) for path in paths]
    files = [f for f in found if f is not None and f.suffix == "bold" and f.ending in IMAGES]
    files = [f for f in files if f.entities.get("part", "mag") == "mag"]
    return files if derived else [f for f in files if "desc" not in f.entities]


def fits(file: BidsFile, wanted: Mapping[str, str]) -> bool:
    """Whether a file's name has these entities, "none" standing for the lack of one."""
    return all(_has(file, key, value) for key, value in wanted.items())


def _has(file: BidsFile, key: str, value: str) -> bool:
    if key not in file.entities:
        return value.lower() in (NONE, "")
    return same_value(value, file.entities[key])


def _long(key: str) -> str:
    return next((name for name, short in NARROW.items() if short == key), key)


def _differing(files: Sequence[BidsFile]) -> list[str]:
    keys = dict.fromkeys(key for file in files for key in file.entities)
    return [key for key in keys if len({file.entities.get(key) for file in files}) > 1]


def _described(files: Sequence[BidsFile]) -> list[str]:
    """Each file by what tells it from the others, as one would ask for it."""
    keys = _differing(files) or [key for key in files[0].entities if key != "sub"]
    texts = []
    for file in files:
        texts.append(" ".join(f"{_long(key)}={file.entities.get(key, NONE)}" for key in keys) or file.path.name)
    return texts


def _question(opening: str, files: Sequence[BidsFile]) -> BidsQuestion:
    choices = _described(files)
    if len(set(choices)) < len(files):  # the same run of two pipelines
        choices = [str(file.path) for file in files]
        advice = {door: f"Name the folder of one pipeline: {how}" for door, how in _ways(["derivatives"]).items()}
    else:
        ways = _ways([_long(key) for key in _differing(files)])
        advice = {door: f"Narrow it with {how}" for door, how in ways.items()}
    return BidsQuestion(f"{opening}; which one? {'; '.join(choices)}", choices, advice)


def _ways(keys: Sequence[str]) -> dict[str, str]:
    """How each door is told which of several files is meant."""
    named = (*NARROW, "derivatives")
    arguments = ", ".join(f"{key}=" if key in named else f'entities={{"{key}": ...}}' for key in keys)
    typed = ", ".join(f"--{key}" if key in named else f"--entity {key}=..." for key in keys)
    return {"function": arguments, "notebook": arguments, "terminal": typed}


def _nothing(root: Path, label: str) -> str:
    subjects = sorted({p.name for p in [*root.glob("sub-*"), *root.glob("derivatives/*/sub-*")] if p.is_dir()})
    if not subjects:
        return f"{root} is not a BIDS dataset: it has no folder sub-..."
    if f"sub-{label}" not in subjects:
        shown = ", ".join(subjects[:12]) + (f" and {len(subjects) - 12} more" if len(subjects) > 12 else "")
        return f"there is no sub-{label} in {root}; there are {shown}"
    return f"sub-{label} in {root} has no functional run (func/*_bold.nii.gz)"


# What belongs to a run ------------------------------------------------------------------------------------------------


def raw_root(root: Path, place: Path, label: str) -> Path | None:
    """Root of the raw dataset, where events are: that which was named, holds the derivatives, or that they name."""
    candidates = [root, *place.parents[:2]] if place != root else [*place.parents[:2]]
    for candidate in [*candidates, *linked_datasets(place)]:
        if candidate != place and (candidate / f"sub-{label}").is_dir():
            return candidate
    return None


def _raw_folder(bold: BidsFile, raw: Path) -> Path:
    folder = raw / f"sub-{bold.entities['sub']}"
    if "ses" in bold.entities:
        folder = folder / f"ses-{bold.entities['ses']}"
    return folder / "func"


def complete_run(bold: BidsFile, root: Path, raw: Path | None, confounds: Any, options: Mapping[str, Any]) -> FoundRun:
    """What belongs to an image of a dataset: events, mask, confounds, clock."""
    folder = bold.path.parent
    places = [(folder, root)] + ([(_raw_folder(bold, raw), raw)] if raw is not None else [])
    undressed = BidsFile(
        bold.path, {k: v for k, v in bold.entities.items() if k not in DERIVED}, bold.suffix, bold.ending
    )
    events = next((f for place, top in places if (f := _one(undressed, place, top, "events", (".tsv",)))), None)
    metadata: dict[str, Any] = {}
    with sidecars_read_once():
        for place, top in reversed(places):
            metadata |= sidecar(undressed, place, top)
        metadata |= sidecar(bold, folder, root)
    mask = table = None
    if "desc" in bold.entities:
        mask = _one(bold, folder, root, "mask", IMAGES, "brain")
    if bold.entities.get("desc") == "preproc":
        table = _one(bold, folder, root, "timeseries", (".tsv",), "confounds")
        table = table or _one(bold, folder, root, "regressors", (".tsv",), "confounds")
    img = load_image(bold.path)
    clock = clock_of(metadata, bold.path, header_t_r(img), img.shape[-1])
    return FoundRun(
        bold=bold.path,
        events=events,
        mask=mask,
        confounds_file=table,
        **clock._asdict(),
        confounds=None if table is None or confounds is None else _columns(table, confounds, options),
        entities=dict(bold.entities),
    )


def _one(
    to: BidsFile, folder: Path, root: Path, suffix: str, endings: tuple[str, ...], desc: str | None = None
) -> Path | None:
    found = nearest(to, folder, root, suffix, endings, desc)
    if len(found) > 1:
        names = [file.path.name for file in found]
        raise BidsQuestion(
            f"more than one {suffix} file fits {to.path.name}: {'; '.join(names)}",
            names,
            "Give the one that is meant by its path, or move the other away",
        )
    return found[0].path if found else None


def _columns(table: Path, strategy: Any, options: Mapping[str, Any]) -> pd.DataFrame | None:
    # Six parameters: the 24 that `load_confounds` begins with are many for a first look at a short run.
    chosen, kept = load_confounds(table, strategy, **{"motion": "basic", **options})
    if kept is not None:
        left_out = np.setdiff1d(np.arange(len(chosen)), kept)
        spikes = np.zeros((len(chosen), left_out.size))
        spikes[left_out, np.arange(left_out.size)] = 1
        names = [f"left_out_{scan}" for scan in left_out]
        chosen = pd.concat([chosen, pd.DataFrame(spikes, columns=names)], axis=1)
    return chosen if chosen.shape[1] else None
