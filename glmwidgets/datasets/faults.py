"""A study on disk whose truth is known: simulated participants as fMRIPrep writes them, some with a planted fault."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from scipy import ndimage

from glmwidgets.datasets.simulate import SimulatedRun, motion_volumes, simulate_run
from glmwidgets.files.writing import write_text
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.design.confound_groups import FD, MOTION
from glmwidgets.glm.tables import tsv
from glmwidgets.images.save import save_image
from glmwidgets.images.smooth import gaussian_sigma

SPACE = "MNI152NLin2009cAsym"


@dataclass(frozen=True, eq=False)
class StudyPart:
    """One run as files say it is.

    Attributes
    ----------
    data : array of shape (nx, ny, nz, n_scans), float32
    mask : bool array of shape (nx, ny, nz)
    events, confounds : DataFrame
    t_r : float
    affine : array of shape (4, 4)
    simulated : SimulatedRun
        As it truly is.
    """

    data: np.ndarray
    mask: np.ndarray
    events: pd.DataFrame
    confounds: pd.DataFrame
    t_r: float
    affine: np.ndarray
    simulated: SimulatedRun


@dataclass(frozen=True)
class PlantedFault:
    """One row of `FAULTS`.

    Attributes
    ----------
    about : str
        What was done.
    figures : tuple of str
        Keys of `glmwidgets.study.figures.FIGURES` by any of which it is to be found.
    make : callable
        ``make(part, how) -> StudyPart``; `how` makes another participant.
    """

    about: str
    figures: tuple[str, ...]
    make: Callable[[StudyPart, Mapping[str, Any]], StudyPart]


def _flipped(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    return replace(part, data=part.data[::-1], mask=part.mask[::-1])


def _shifted(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    return replace(part, events=part.events.assign(onset=part.events["onset"] + part.t_r))


def _swapped(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    names = {"motor_left": "motor_right", "motor_right": "motor_left"}
    return replace(part, events=part.events.assign(trial_type=part.events["trial_type"].replace(names)))


def _wrong_t_r(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    return replace(part, t_r=part.t_r * 1.1)


def _spike(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    data = part.data.copy()
    data[..., data.shape[3] // 2] *= 1.1
    return replace(part, data=data)


def _dropout(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    """The signal above the sinuses is lost, as it is with a long echo time."""
    mm = np.stack(np.meshgrid(*map(np.arange, part.mask.shape), indexing="ij"), axis=-1) @ part.affine[:3, :3].T
    away = np.linalg.norm(mm + part.affine[:3, 3] - (0, 48, -12), axis=-1)
    left = 1 - 0.9 * np.exp(-((away / 26) ** 4))
    return replace(part, data=part.data * left[..., None].astype(np.float32))


def _tied_motion(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    """The head nods with every press."""
    press = part.simulated.truth.tasks["motor_right"].to_numpy()
    press = press / np.ptp(press)
    nod = np.zeros((len(press), 6))
    nod[:, 2], nod[:, 3] = 0.8 * press, 0.02 * press
    slopes = np.stack(motion_volumes(part.simulated.truth.mean, part.affine))
    moved = part.data + np.einsum("kxyz,tk->xyzt", slopes, nod).astype(np.float32)
    return replace(part, data=np.abs(moved), confounds=part.confounds + nod)


def _others_events(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    other = simulate_run(**{**how, "shape": (8, 8, 8), "seed": part.simulated.seed + 5000})
    return replace(part, events=other.events)


def _half(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    """The lower half of the brain lies outside the slices."""
    data, mask = part.data.copy(), part.mask.copy()
    low = int(0.45 * mask.shape[2])
    data[:, :, :low], mask[:, :, :low] = 0, False
    return replace(part, data=data, mask=mask)


def _smoothed(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    sigma = gaussian_sigma(part.affine, 8.0)
    return replace(part, data=ndimage.gaussian_filter(part.data, (*sigma, 0)))


def _inverted(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    """Every answer is a fall, as where the signal was inverted on its way."""
    mean = part.data.mean(axis=3, keepdims=True)
    return replace(part, data=2 * mean - part.data)


def _truncated(part: StudyPart, how: Mapping[str, Any]) -> StudyPart:
    n = int(0.6 * part.data.shape[3])
    return replace(part, data=part.data[..., :n], confounds=part.confounds.iloc[:n])


#: Faults that can be planted in a run, by name.
FAULTS: dict[str, PlantedFault] = {
    "flipped": PlantedFault("left and right are exchanged", ("sides",), _flipped),
    "shifted": PlantedFault("the events are one scan late", ("lateness",), _shifted),
    "swapped": PlantedFault("two conditions are exchanged", ("swap",), _swapped),
    "wrong TR": PlantedFault("the time between scans is a tenth too long", ("t_r",), _wrong_t_r),
    "spike": PlantedFault("one scan is a tenth brighter", ("dvars_max", "spikes"), _spike),
    "dropout": PlantedFault("signal is lost above the sinuses", ("signal_loss",), _dropout),
    "tied motion": PlantedFault("the head nods with every press", ("motion_task",), _tied_motion),
    "other events": PlantedFault("the events are another participant's", ("map_r", "task_r_square"), _others_events),
    "half covered": PlantedFault("the lower half of the brain is missing", ("coverage",), _half),
    "smoothed twice": PlantedFault("it was smoothed once more, by 8 mm", ("fwhm",), _smoothed),
    "inverted": PlantedFault("the signal is upside down", ("map_r",), _inverted),
    "truncated": PlantedFault("it ends after 60 % of the scans", ("n_scans",), _truncated),
}


def write_study(
    root: str | os.PathLike[str],
    n_subjects: int,
    faults: Mapping[int, str] | None = None,
    *,
    seed: int = 0,
    **how: Any,
) -> Path:
    """Write a simulated study as a BIDS dataset with fMRIPrep's derivatives.

    Parameters
    ----------
    root : str or path
        Folder of the dataset; made if it does not exist.
    n_subjects : int
    faults : mapping of int to str, optional
        Participants, from 1, and the key of `FAULTS` that is planted in each.
    seed : int
        The same seed and arguments give the same files.
    **how
        Of `glmwidgets.datasets.simulate_run`, such as ``size="small"``; the same for all. Effect, noise, motion and
        drift differ between participants by default.

    Returns
    -------
    Path
        `root`.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     root = write_study(folder, 2, {2: "truncated"}, shape=(8, 8, 8), n_scans=40)
    ...     sorted(path.name for path in root.glob("sub-*"))
    ['sub-01', 'sub-02']
    """
    root = Path(root)
    for number in range(1, n_subjects + 1):
        run = simulate_run(**{**_person(seed + number), **how}, seed=seed + number)
        data = np.asarray(run.img.dataobj, dtype=np.float32)
        part = StudyPart(data, run.truth.mask, run.events, run.confounds, run.t_r, run.img.affine, run)
        name = (faults or {}).get(number)
        if name is not None:
            part = FAULTS[check_choice("fault", name, FAULTS)].make(part, how)
        _write(root, f"sub-{number:02d}", part)
    pipeline = {"Name": "simulated", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
    for folder, tree in ((root, {**pipeline, "DatasetType": "raw"}), (root / "derivatives" / "fmriprep", pipeline)):
        write_text(folder / "dataset_description.json", json.dumps(tree), "dataset", overwrite=True)
    return root


def _person(seed: int) -> dict[str, float]:
    """What differs between participants: how strongly they answer, how much they move, how noisy they are."""
    drawn = np.random.default_rng([seed, 99]).uniform(size=4)
    ranges = {"effect": (0.7, 1.3), "noise": (0.9, 1.3), "motion": (0.5, 1.5), "drift": (0.3, 1.0)}
    return {name: low + (high - low) * u for (name, (low, high)), u in zip(ranges.items(), drawn, strict=True)}


def _write(root: Path, subject: str, part: StudyPart) -> None:
    raw, made = root / subject / "func", root / "derivatives" / "fmriprep" / subject / "func"
    for folder in (raw, made):
        folder.mkdir(parents=True, exist_ok=True)
    stem = f"{subject}_task-localizer"
    said = json.dumps({"RepetitionTime": round(part.t_r, 6), "TaskName": "localizer"})
    write_text(raw / f"{stem}_events.tsv", tsv(part.events), "events", overwrite=True)
    write_text(raw / f"{stem}_bold.json", said, "sidecar", overwrite=True)
    bold = made / f"{stem}_space-{SPACE}_desc-preproc_bold"
    write_text(bold.with_name(f"{bold.name}.json"), said, "sidecar", overwrite=True)
    moved = np.abs(np.diff(part.confounds[list(MOTION)].to_numpy(), axis=0, prepend=np.nan))
    table = part.confounds.assign(**{FD: moved[:, :3].sum(axis=1) + 50 * moved[:, 3:].sum(axis=1)})
    write_text(made / f"{stem}_desc-confounds_timeseries.tsv", tsv(table), "confounds", overwrite=True)
    img = nib.Nifti1Image(np.rint(np.clip(part.data, 0, 32767)).astype(np.int16), part.affine)
    mask = nib.Nifti1Image(part.mask.astype(np.uint8), part.affine)
    for each in (img, mask):
        each.set_sform(part.affine, "mni")
        each.set_qform(part.affine, "mni")
        each.header.set_xyzt_units("mm", "sec")
    img.header.set_zooms((*img.header.get_zooms()[:3], part.t_r))
    save_image(img, made / f"{bold.name}.nii.gz", overwrite=True)
    save_image(mask, made / f"{stem}_space-{SPACE}_desc-brain_mask.nii.gz", overwrite=True)
