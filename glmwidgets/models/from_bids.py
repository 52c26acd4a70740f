"""Models of every participant of a BIDS dataset, with what each is fitted to."""

from __future__ import annotations

import os
import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.datasets.run_files import FoundRun
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.tables import read_table
from glmwidgets.images.masking import intersect_masks
from glmwidgets.images.sidecar import sidecars_read_once
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.plural import count
from glmwidgets.runs.bids_index import IndexedRun, index_dataset

#: Space that is looked for where none is asked for.
DEFAULT_SPACE = "MNI152NLin2009cAsym"

#: Entities of file names by which images may be chosen.
FILTERS = ("ses", "acq", "ce", "dir", "rec", "run", "echo", "res", "den", "desc")

_LABEL = re.compile(r"[A-Za-z0-9+]+")


def first_level_from_bids(
    dataset_path: str | os.PathLike[str],
    task_label: str,
    space_label: str | None = None,
    sub_labels: Sequence[str] | None = None,
    exclude_subjects: Sequence[str] | None = None,
    img_filters: Sequence[tuple[str, str]] | None = None,
    t_r: float | None = None,
    slice_time_ref: float | None = None,
    hrf_model: Any = "glover",
    drift_model: str | None = "cosine",
    high_pass: float = 0.01,
    drift_order: int = 1,
    fir_delays: Any = None,
    min_onset: float = -24,
    mask_img: Any = None,
    target_affine: Any = None,
    target_shape: Any = None,
    smoothing_fwhm: float | None = None,
    memory: Any = None,
    memory_level: int | None = 1,
    standardize: bool | str | None = False,
    signal_scaling: Any = 0,
    noise_model: str = "ar1",
    verbose: int = 0,
    n_jobs: int = 1,
    minimize_memory: bool = True,
    derivatives_folder: str | os.PathLike[str] = "derivatives",
    **kwargs: Any,
) -> tuple[list[FirstLevelModel], list[list[str]], list[list[pd.DataFrame]], list[list[pd.DataFrame] | None]]:
    """Make a model of each participant of a BIDS dataset, and find what it is to be fitted to.

    Parameters
    ----------
    dataset_path : str or path
        Root of the raw dataset, where events are.
    task_label : str
        As in ``task-<label>``.
    space_label : str, optional
        As in ``space-<label>``; ``"MNI152NLin2009cAsym"`` by default.
    sub_labels : list of str, optional
        Participants, without ``sub-``; all by default.
    exclude_subjects : list of str, optional
        Participants to leave out.
    img_filters : list of (str, str), optional
        Entities and their values, such as ``("desc", "preproc")`` or ``("run", "01")``.
    t_r : float, optional
        Seconds between scans; by default what the sidecars say, or else the image's header.
    slice_time_ref : float, optional
        Time within a scan that the series are referred to, as a fraction of `t_r`; by default what the sidecars say, or
        else 0, with a warning.
    mask_img : image, path, masker, False, "derivatives" or None
        "derivatives" takes the voxels in the masks of all runs of a participant.
    hrf_model, drift_model, high_pass, drift_order, fir_delays, min_onset, target_affine, target_shape
        As in `FirstLevelModel`.
    smoothing_fwhm, memory, memory_level, standardize, signal_scaling, noise_model, verbose, n_jobs, minimize_memory
        As in `FirstLevelModel`.
    derivatives_folder : str or path
        Where the preprocessed runs are, within the dataset or as a path of its own.
    **kwargs
        ``confounds_strategy`` and what begins with ``confounds_``, as `glmwidgets.runs.bids_confounds.load_confounds`
        takes them without that beginning. Without a strategy all columns of the tables are given, with ``None`` none.

    Returns
    -------
    models : list of FirstLevelModel
        One a participant, by label.
    run_imgs : list of list of str
        Paths of their runs, of all sessions, by session and run.
    events : list of list of DataFrame
    confounds : list of list of DataFrame, or None in the place of a list
        0 stands where the first row has no value, as fMRIPrep's derivatives of motion do.

    Raises
    ------
    TypeError, InputError
        If an argument is none of these, there is no such dataset, participant or run, several images are of one run, or
        some runs lack events or confounds. The message says what there is.

    Warns
    -----
    UserWarning
        If a participant is not there; if the time between scans or the reference within them is not known.

    Examples
    --------
    ``models, imgs, events, confounds = first_level_from_bids("/data/ds", "main", img_filters=[("desc", "preproc")])``,
    then ``models[0].fit(imgs[0], events[0], confounds[0])``.
    >>> models, imgs, events, confounds = first_level_from_bids(
    ...     "ds000001", "balloon", space_label="MNI152NLin2009cAsym", derivatives_folder="derivatives/fmriprep"
    ... )  # doctest: +SKIP
    >>> models[0].fit(imgs[0], events[0], confounds[0])  # doctest: +SKIP
    """
    asked = {name: value for name, value in locals().items() if name in FirstLevelModel._parameters()}
    root = _folder("dataset_path", dataset_path, Path())
    derivatives = _folder("derivatives_folder", derivatives_folder, root)
    wanted = _entities(task_label, space_label, img_filters)
    _check_number("t_r", t_r, 0, np.inf)
    _check_number("slice_time_ref", slice_time_ref, 0, 1)
    strategy, options = _strategy(kwargs, drift_model)
    labels = _subjects(derivatives, sub_labels, exclude_subjects)

    models, imgs, events, confounds = [], [], [], []
    unsaid: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        runs = index_dataset(derivatives, raw=root, subjects=[label], entities=wanted)
        _check_runs(runs, label, derivatives, wanted)
        with sidecars_read_once():
            found = [run.open(strategy, **options) for run in runs]
        clock = _clock(found, t_r, slice_time_ref, label, unsaid)
        own = {**clock, "mask_img": _mask(mask_img, found, label), "subject_label": label}
        models.append(FirstLevelModel(**{**asked, **own}))
        imgs.append([str(one.bold) for one in found])
        events.append(_events(found, label))
        confounds.append(_confounds(found, kwargs.get("confounds_strategy", "all"), label))
        if verbose:
            print(f"sub-{label}: {count(len(found), 'run')}")
    for what, whose in unsaid.items():
        shown = ", ".join(f"sub-{label}" for label in whose[:8]) + (", ..." if len(whose) > 8 else "")
        warnings.warn(f"no sidecar says {what} ({shown})", stacklevel=2)
    return models, imgs, events, confounds


# What was asked -------------------------------------------------------------------------------------------------------


def _folder(name: str, given: Any, within: Path) -> Path:
    if not isinstance(given, str | os.PathLike):
        raise TypeError(f"{name} must be of type str or Path, not {type(given).__name__}")
    path = Path(given).expanduser()
    path = path if path.is_absolute() else within / path
    if not path.is_dir():
        raise InputError(f"{name}: there is no folder {path}")
    return path


def _label(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name}: labels of BIDS are text, not {type(value).__name__} ({value!r})")
    if not _LABEL.fullmatch(value):
        raise InputError(f"{name}: labels of BIDS are letters and digits, not {value!r}")
    return value


def _entities(task: Any, space: Any, filters: Any) -> dict[str, str]:
    wanted = {"task": _label("task_label", task)}
    wanted["space"] = DEFAULT_SPACE if space is None else _label("space_label", space)
    if filters is not None and (isinstance(filters, str) or not isinstance(filters, Sequence)):
        raise TypeError(f'img_filters must be of type list, of pairs such as ("run", "01"), not {filters!r}')
    for pair in filters or ():
        if not isinstance(pair, tuple | list) or len(pair) != 2 or not all(isinstance(part, str) for part in pair):
            raise TypeError(f'img_filters is a list of pairs of text such as ("run", "01"), and one is {pair!r}')
        check_choice("an entity of img_filters", pair[0], FILTERS)
        wanted[pair[0]] = _label(f"img_filters, {pair[0]}", pair[1])
    return wanted


def _check_number(name: str, value: Any, low: float, high: float) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name} must be of type float, or None, not {type(value).__name__} ({value!r})")
    if not low <= value <= high or (name == "t_r" and value == 0):
        limits = "positive" if high == np.inf else f"between {low} and {high}"
        raise InputError(f"{name} must be {limits}, not {value}")


def _strategy(kwargs: dict[str, Any], drift_model: str | None) -> tuple[Any, dict[str, Any]]:
    unknown = sorted(name for name in kwargs if not name.startswith("confounds_"))
    if unknown:
        raise RuntimeError(
            f"first_level_from_bids does not know {', '.join(unknown)}; further arguments begin with confounds_"
        )
    strategy = kwargs.get("confounds_strategy", "all")
    options = {n.removeprefix("confounds_"): v for n, v in kwargs.items() if n != "confounds_strategy"}
    named = () if strategy in (None, "all") else (strategy,) if isinstance(strategy, str) else tuple(strategy)
    if "high_pass" in named and drift_model is not None:
        how = "duplicate" if drift_model == "cosine" else "conflict with"
        warnings.warn(
            f"the confounds bring fMRIPrep's cosines (high_pass), which {how} the {drift_model} drift of the model: "
            "choose drift_model=None, or another strategy",
            stacklevel=3,
        )
    return (named or None), {"motion": "full", **options} if named else {}


def _subjects(derivatives: Path, wanted: Any, excluded: Any) -> list[str]:
    for name, given in (("sub_labels", wanted), ("exclude_subjects", excluded)):
        if given is not None and (isinstance(given, str) or not isinstance(given, Sequence)):
            raise TypeError(f"{name} must be of type list, not {type(given).__name__}")
        for one in given or ():
            _label(name, one)
    there = sorted(p.name.removeprefix("sub-") for p in derivatives.glob("sub-*") if p.is_dir())
    if not there:
        raise RuntimeError(f"there is no participant (sub-...) in {derivatives}")
    for label in sorted(set(wanted or ()) - set(there)):
        warnings.warn(f"there is no sub-{label} in {derivatives}; there are {', '.join(there[:12])}", stacklevel=3)
    chosen = there if wanted is None else [label for label in there if label in set(wanted)]
    return [label for label in chosen if label not in set(excluded or ())]


# What was found -------------------------------------------------------------------------------------------------------


def _check_runs(runs: list[IndexedRun], label: str, derivatives: Path, wanted: dict[str, str]) -> None:
    asked = ", ".join(f"{key}-{value}" for key, value in wanted.items())
    if not runs:
        there = [run.file.path.name for run in index_dataset(derivatives, subjects=[label])]
        shown = "; ".join(there[:8]) + (f" and {len(there) - 8} more" if len(there) > 8 else "")
        raise InputError(f"sub-{label} in {derivatives} has no image with {asked}; there are: {shown or 'none'}")
    seen: dict[tuple, IndexedRun] = {}
    for run in runs:
        key = run.entity("ses"), run.entity("run")
        if key in seen:
            raise InputError(
                f"sub-{label}: several images are of one run: {seen[key].file.path.name} and {run.file.path.name}",
                advice='tell them apart with img_filters=[("desc", "preproc")] or another entity',
            )
        seen[key] = run


def _clock(
    found: list[FoundRun], t_r: float | None, reference: float | None, label: str, unsaid: dict[str, list[str]]
) -> dict[str, Any]:
    """Time between scans and reference within them; what no sidecar says is noted in `unsaid`."""
    said = {one.t_r for one in found if one.t_r is not None}
    if t_r is None and len(said) > 1:
        listed = ", ".join(f"{value:g} s" for value in sorted(said))
        raise InputError(f"sub-{label}: the runs have different times between scans ({listed})", advice="give t_r=")
    if t_r is not None and said and not np.allclose(sorted(said), t_r, rtol=1e-3):
        warnings.warn(f"sub-{label}: t_r={t_r:g} s was given, and the sidecars say {min(said):g} s", stacklevel=4)
    if t_r is None and not said:
        unsaid["the time between scans, so that the images' headers are taken"].append(label)
    if reference is None and not any("slice_time_ref" in dict(one.said_by) for one in found):
        unsaid["the reference within a scan (StartTime), so that slice_time_ref is 0"].append(label)
    return {
        "t_r": t_r if t_r is not None else next(iter(said), None),
        "slice_time_ref": found[0].slice_time_ref if reference is None else reference,
    }


def _mask(mask_img: Any, found: list[FoundRun], label: str) -> Any:
    if not isinstance(mask_img, str) or mask_img != "derivatives":
        return mask_img
    lacking = [one.bold.name for one in found if one.mask is None]
    if lacking:
        raise InputError(f"sub-{label}: the derivatives hold no mask of {', '.join(lacking)}", advice="give mask_img=")
    return intersect_masks([nib.load(one.mask) for one in found], threshold=1, connected=False)


def _need(found: list[FoundRun], attribute: str, what: str, label: str, advice: str) -> None:
    """Refuse runs some of which lack a file."""
    lacking = [one.bold.name for one in found if getattr(one, attribute) is None]
    if lacking:
        listed = ", ".join(lacking[:4])
        raise InputError(f"sub-{label}: {len(lacking)} of {len(found)} runs have no {what} ({listed})", advice=advice)


def _events(found: list[FoundRun], label: str) -> list[pd.DataFrame]:
    advice = "each needs an events.tsv beside it in the raw dataset, or one in a folder above"
    _need(found, "events", "events", label, advice)
    tables = [read_table(one.events, "events") for one in found]
    for one, table in zip(found, tables, strict=True):
        if "trial_type" not in table:
            warnings.warn(f"{one.events} has no column 'trial_type': all events are taken as one type", stacklevel=4)
    return tables


def _confounds(found: list[FoundRun], strategy: Any, label: str) -> list[pd.DataFrame] | None:
    if strategy is None or all(one.confounds_file is None for one in found):
        return None
    _need(found, "confounds_file", "confounds", label, "add their tables, or give confounds_strategy=None")
    tables = [read_table(one.confounds_file, "confounds") if strategy == "all" else one.confounds for one in found]
    return [_first_row_filled(table) for table in tables]


def _first_row_filled(table: pd.DataFrame) -> pd.DataFrame:
    filled = table.copy()
    filled.iloc[:1] = filled.iloc[:1].fillna(0)
    return filled
