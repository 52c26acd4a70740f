"""Which runs a study is of, and what each has; one that lacks something is a row with a sentence, never an error."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from glmwidgets.files.json_tree import shown
from glmwidgets.files.paths import resolved
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError, MissingFileError, told
from glmwidgets.glm.tables import read_table
from glmwidgets.images.load import header_t_r, load_image, plausible_t_r, sidecar_t_r
from glmwidgets.images.sidecar import refuse_phases, sidecars_read_once
from glmwidgets.regions.spaces import space_in_name
from glmwidgets.runs.bids import places_of
from glmwidgets.runs.bids_index import IndexedRun, index_dataset
from glmwidgets.runs.parts import checked_slice_time_ref
from glmwidgets.runs.run import Provenance

#: What BIDS calls spaces of a participant's own: what lies in these cannot be laid over another participant.
OWN_SPACES = ("T1w", "T2w", "bold", "boldref", "func", "orig", "individual", "device", "other", "scanner")

#: Columns of a table of files, beside those of the run's inputs.
COLUMNS = (
    *("bold", "name", "subject", "session", "task", "run", "space"),
    *("events", "confounds", "mask", "t_r", "slice_time_ref", "frame_times"),
)


#: Labels of a row, and what stands in front of them in the names of files.
LABELS = {"subject": "sub", "session": "ses", "task": "task", "run": "run", "space": "space"}

# Letters of a run's name, to which a hash and an ending are added where it names a file.
LONGEST_NAME = 200


@dataclass(frozen=True)
class StudyRun:
    """A row of a study: an image, and what belongs to it.

    Attributes
    ----------
    name : str
        What tells it from the others: the entities of its file's name that are not the same for all, or a number.
    subject, session, task, run : str
        Labels as in the name of the file; empty for none.
    space : str
        Template that the image is in, by its name or its header; empty for a space of the participant's own.
    inputs : Provenance
        Files and clock: `glmwidgets.runs.opening.open_again` opens it.
    n_scans : int
        By the header; 0 where the image cannot be opened.
    t_r : float or None
        Seconds between scans, by sidecar or header.
    why_not : str
        Why it cannot be used, in a sentence; empty where it can.
    """

    name: str
    subject: str
    session: str = ""
    task: str = ""
    run: str = ""
    space: str = ""
    inputs: Provenance = field(default_factory=Provenance)
    n_scans: int = 0
    t_r: float | None = None
    why_not: str = ""

    def __post_init__(self) -> None:
        """Refuse a name that would put the run's results elsewhere."""
        odd = next((sign for sign in self.name if sign in "/\\" or not sign.isprintable()), None)
        why = "it begins with a dot" if self.name.startswith(".") else "" if odd is None else f"it holds {odd!r}"
        if len(self.name.encode("utf-8", "surrogatepass")) > LONGEST_NAME:
            why = f"it is longer than {LONGEST_NAME} bytes"
        if why:
            raise InputError(f"a run cannot be called {shown(self.name)}: {why}, and results are kept under its name")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> StudyRun:
        """What `to_dict` gave."""
        given = dict(tree)
        inputs = dict(given.pop("inputs"))
        inputs["frame_times"] = None if inputs["frame_times"] is None else tuple(inputs["frame_times"])
        inputs["said_by"] = tuple(map(tuple, inputs["said_by"]))
        return cls(inputs=Provenance(**inputs), **given)

    def row(self) -> dict[str, Any]:
        """What a table shows of it."""
        has = {name: getattr(self.inputs, name) is not None for name in ("events", "confounds", "mask")}
        return {
            **{name: getattr(self, name) for name in ("name", "subject", "session", "task", "run", "space")},
            "n_scans": self.n_scans,
            "t_r": self.t_r,
            **has,
            "bold": self.inputs.bold,
            "why_not": self.why_not,
        }


def row_of(names: Sequence[str], which: int | str) -> int:
    """Row of a run, by its number or its name.

    Parameters
    ----------
    names : sequence of str
        Of the study's runs.
    which : int or str

    Returns
    -------
    int

    Raises
    ------
    InputError
        If there is no such run.

    Examples
    --------
    >>> row_of(["sub-01", "sub-02"], "sub-02"), row_of(["sub-01", "sub-02"], 0)
    (1, 0)
    >>> row_of(["sub-01", "sub-02"], 12)
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: there is no run 12: runs are counted from 0 to 1, or called by name, as 'sub-01'
    """
    if isinstance(which, str):
        check_choice("a run", which, names)
        return list(names).index(which)
    try:
        row = operator.index(which)
    except TypeError:
        raise InputError(f"name a run by its number or its name, not by {which!r}") from None
    if not 0 <= row < len(names):
        raise InputError(
            f"there is no run {row}: runs are counted from 0 to {len(names) - 1}, or called by name, as {names[0]!r}"
        )
    return row


def holds_participants(folder: Path) -> bool:
    """Whether a folder holds those of participants, as a BIDS dataset does."""
    return any(each.is_dir() for each in folder.glob("sub-*"))


def runs_of_dataset(
    place: str | os.PathLike[str],
    *,
    task: str | None = None,
    space: str | None = None,
    subjects: str | Sequence[str] | None = None,
    entities: Mapping[str, str] | None = None,
    derivatives: str | os.PathLike[str] | bool | None = None,
    subject: str | Sequence[str] | None = None,
) -> list[StudyRun]:
    """All runs of a BIDS dataset, raw or preprocessed by fMRIPrep.

    Parameters
    ----------
    place : str or path
        Root of the dataset, or of derivatives.
    task, space : str, optional
        Labels that the names must hold. Of several spaces the first standard one is taken by default.
    subjects : str or sequence of str, optional
        Labels, with or without ``sub-``; all by default.
    entities : mapping, optional
        Further entities of the names, as in `glmwidgets.runs.bids_index.index_dataset`.
    derivatives : path, bool, optional
        As in `glmwidgets.runs.bids.find_run`: by default preprocessed runs are taken if there are any.
    subject : str or sequence of str, optional
        The same as `subjects`, by the name of the option of ``glmwidgets study init``.

    Returns
    -------
    list of StudyRun
        By subject, session and run.

    Raises
    ------
    MissingFileError, InputError
        If there is no dataset, or no run with these entities in it.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.datasets import write_study
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     runs = runs_of_dataset(write_study(folder + "/bids", 3, shape=(10, 12, 9), n_scans=30))
    >>> [run.name for run in runs]
    ['sub-01', 'sub-02', 'sub-03']
    """
    root = resolved(place)
    if not root.is_dir():
        raise MissingFileError(f"there is no dataset at {root}: there is no such folder")
    if (root / "study.json").is_file() and not holds_participants(root):
        advice = {
            "terminal": "the dataset is named first, then the study's folder",
            "function": "Study.open(folder) opens it; the dataset is named first",
        }
        raise InputError(f"{root} is the folder of a study, not a dataset", advice=advice)
    wanted = {**({} if task is None else {"task": task}), **({} if space is None else {"space": space})}
    wanted |= dict(entities or {})
    if subject is not None and subjects is not None:
        raise InputError("subject and subjects are one argument by two names: give one of them")
    found = _listed(root, derivatives, subject if subjects is None else subjects, wanted)
    if not found:
        asked = ", ".join(f"{key}-{value}" for key, value in wanted.items()) or "any name"
        raise InputError(f"{root} has no functional image with {asked}", advice="look at task= and space=")
    names = _names([run.file.entities for run in found])
    with sidecars_read_once():
        return [_of_dataset(run, name) for run, name in zip(found, names, strict=True)]


def _listed(
    root: Path, derivatives: Any, subjects: Sequence[str] | None, wanted: Mapping[str, str]
) -> list[IndexedRun]:
    """Images that are meant: what fMRIPrep made, or else the raw runs, or else what others made; of one space."""
    found: list[IndexedRun] = []
    for place in places_of(root, "*", derivatives):
        raw = None if place == root else root
        found += index_dataset(place, raw=raw, subjects=subjects, entities=wanted)
    if "desc" not in wanted:
        kinds = [[run for run in found if run.entity("desc") == desc] for desc in ("preproc", "")]
        found = next(filter(None, kinds), found)
    if "space" not in wanted:
        spaces = list(dict.fromkeys(run.entity("space") for run in found))
        standard = [label for label in spaces if label and label not in OWN_SPACES]
        chosen = next(iter(standard + spaces), "")
        found = [run for run in found if run.entity("space") == chosen]
    places = sorted({str(run.place) for run in found})
    if len(places) > 1:
        raise InputError(f"{root} has runs of several pipelines: {'; '.join(places)}", advice="name one: derivatives=")
    return found


def _of_dataset(indexed: IndexedRun, name: str) -> StudyRun:
    labels = {long: indexed.entity(short) for long, short in (("session", "ses"), ("task", "task"), ("run", "run"))}
    begun = StudyRun(name, indexed.subject, **labels, inputs=Provenance(bold=str(indexed.file.path)))
    try:
        found = indexed.open()
    except (OSError, ValueError) as error:
        return replace(begun, why_not=told(error, "notebook"))
    inputs = Provenance(
        bold=str(found.bold),
        events=_text(found.events),
        confounds=_text(found.confounds_file),
        mask=_text(found.mask),
        t_r=found.t_r,
        slice_time_ref=found.slice_time_ref,
        frame_times=found.frame_times,
        said_by=found.said_by,
    )
    return looked_at(replace(begun, inputs=inputs, space=indexed.entity("space")))


def runs_of_table(table: pd.DataFrame | str | os.PathLike[str]) -> list[StudyRun]:
    """Runs that a table of files names.

    Parameters
    ----------
    table : DataFrame or path
        One row a run: ``bold``, and perhaps ``name``, ``subject``, ``session``, ``task``, ``run``, ``space``,
        ``events``, ``confounds``, ``mask``, ``t_r`` (s), ``slice_time_ref`` and ``frame_times``. Paths may be relative
        to the file's folder.

    Returns
    -------
    list of StudyRun

    Raises
    ------
    InputError
        If there is no column ``bold``, or an unknown one.

    Examples
    --------
    >>> table = pd.DataFrame({"bold": ["sub-01_bold.nii.gz", "sub-02_bold.nii.gz"], "t_r": 2.0})
    >>> [run.name for run in runs_of_table(table)]
    ['run_1', 'run_2']
    """
    beside = Path()
    if not isinstance(table, pd.DataFrame):
        beside = resolved(table).parent
        table = read_table(table, "table of runs")
    if "bold" not in table.columns:
        raise InputError(f"the table of runs has no column 'bold'; it has {', '.join(map(str, table.columns))}")
    unknown = [str(name) for name in table.columns if name not in COLUMNS]
    if unknown:
        raise InputError(f"the table of runs has a column {unknown[0]!r}; it may have {', '.join(COLUMNS)}")
    if table.empty:
        raise InputError("the table of runs has no row: it needs one for each run")
    rows = [{key: None if _is_nothing(value) else value for key, value in row.items()} for row in _records(table)]
    rows = [row | {key: _label(row.get(key), short) for key, short in LABELS.items()} for row in rows]
    labels = [{"sub": row["subject"], "ses": row["session"], "run": row["run"]} for row in rows]
    names = [str(row.get("name") or name) for row, name in zip(rows, _names(labels), strict=True)]
    if len(set(names)) < len(names):
        raise InputError(
            f"two rows of the table of runs are called {max(names, key=names.count)!r}: each needs its own"
        )
    with sidecars_read_once():
        return _once(
            _of_table(row, name, number, beside)
            for number, (row, name) in enumerate(zip(rows, names, strict=True), start=1)
        )


def _once(runs: Iterable[StudyRun]) -> list[StudyRun]:
    """The rows; one whose image an earlier one has says so: the group would count it twice."""
    first: dict[str, str] = {}
    found = []
    for run in runs:
        name = run.name if run.inputs.bold is None else first.setdefault(os.path.realpath(run.inputs.bold), run.name)
        if name != run.name and not run.why_not:
            run = replace(run, why_not=f"its image is that of {name}: a run that is there twice would count twice")
        found.append(run)
    return found


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _is_nothing(value: Any) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _of_table(row: Mapping[str, Any], name: str, number: int, beside: Path) -> StudyRun:
    paths = {key: _text(row.get(key)) for key in ("bold", "events", "confounds", "mask")}
    paths = {key: None if path is None else str(resolved(beside / path)) for key, path in paths.items()}
    begun = StudyRun(name, row["subject"] or f"{number:02d}", inputs=Provenance(**paths))
    begun = replace(begun, **{key: row[key] for key in LABELS if key != "subject"})
    try:
        clock = _clock(row)
    except ValueError as error:
        return replace(begun, why_not=f"row {number}: {error}")
    return looked_at(replace(begun, inputs=Provenance(**paths, **clock)))


def _clock(row: Mapping[str, Any]) -> dict[str, Any]:
    """When the scans of a row were made; numbers may be text, as all of a column are that has a word in it."""
    t_r, slice_time_ref, times = (row.get(key) for key in ("t_r", "slice_time_ref", "frame_times"))
    if isinstance(times, str):
        times = times.strip("()[] ").replace(",", " ").split()
    try:
        times = None if times is None else tuple(map(float, times))
    except (TypeError, ValueError):
        raise ValueError("frame_times must be the times of the scans in seconds, such as 0, 2, 4.5") from None
    return {
        "t_r": None if t_r is None else plausible_t_r(t_r),
        "slice_time_ref": checked_slice_time_ref(0 if slice_time_ref is None else slice_time_ref),
        "frame_times": times,
    }


def looked_at(run: StudyRun) -> StudyRun:
    """The row with what the image's header says, and what it lacks."""
    path = run.inputs.bold
    try:
        if path is None:
            raise InputError("the row names no image")
        img = load_image(path)
        if img.ndim != 4:
            raise InputError(f"{path} has {img.ndim} dimensions; a run is a 4-D image")
        refuse_phases(img)
    except (OSError, ValueError, TypeError) as error:
        return replace(run, why_not=told(error, "notebook"))
    # The sidecar goes before the header here, too; that they differ is said where the run is opened.
    t_r = next((each for each in (run.inputs.t_r, sidecar_t_r(img), header_t_r(img)) if each is not None), None)
    space = run.space or space_in_name(path) or _space_by_header(img)
    lacks = [name for name in ("events", "confounds", "mask") if not _there(getattr(run.inputs, name))]
    why_not = ""
    if lacks:
        why_not = f"{getattr(run.inputs, lacks[0])} is missing"
    elif run.inputs.events is None:
        why_not = "it has no events: put an events.tsv beside the image, or name one in the table"
    elif t_r is None and run.inputs.frame_times is None:
        why_not = "neither a sidecar nor the header says the time between scans"
    return replace(run, n_scans=int(img.shape[3]), t_r=t_r, space="" if space in OWN_SPACES else space, why_not=why_not)


def _there(path: str | None) -> bool:
    return path is None or Path(path).is_file()


def _space_by_header(img: Any) -> str:
    """Of an image whose header says that its coordinates are of a template (NIfTI-1, code 4 of xform)."""
    codes = {int(img.header[name]) for name in ("sform_code", "qform_code") if name in img.header}
    return "MNI" if 4 in codes else ""


def _text(path: Any) -> str | None:
    return None if path is None else str(path)


def _label(value: Any, short: str) -> str:
    """A label as the name of a BIDS file holds it, without the word in front, as in ``sub-01``."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).removeprefix(f"{short}-")


def _names(entities: Sequence[Mapping[str, str]]) -> list[str]:
    """Names by the entities that tell runs apart, the participant first; a number is added where these do not."""
    keys = dict.fromkeys(key for one in entities for key in one)
    told_by = [key for key in keys if len({one.get(key, "") for one in entities}) > 1 or key == "sub"]
    names = ["_".join(f"{key}-{one[key]}" for key in told_by if one.get(key)) or "run" for one in entities]
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name if names.count(name) == 1 else f"{name}_{seen[name]}")
    return unique
