"""Data of the notebooks: the real ones where they are or can be had, and otherwise simulated ones of the same kind.

Each says where it comes from, so that no reader takes one for the other.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from scipy import ndimage

from glmwidgets.datasets.download import data_folder
from glmwidgets.datasets.fetch import fetch_fiac, fetch_localizer_contrasts, fetch_spm_auditory
from glmwidgets.datasets.simulate import Region, SimulatedRun, simulate_run
from glmwidgets.files.writing import noted
from glmwidgets.images.load import load_image
from glmwidgets.images.smooth import gaussian_sigma

# No network, no files, or not what is needed to download them.
UNAVAILABLE = (OSError, ImportError)


@dataclass(frozen=True, eq=False)
class LessonRun:
    """A run to learn from.

    Attributes
    ----------
    img : Nifti1Image
        4-D.
    events : DataFrame
        onset and duration in seconds, trial_type.
    t_r : float
        Seconds between scans.
    source : str
        Where it comes from, in a sentence.
    is_real : bool
        Whether a person lay in the scanner.
    confounds : None
        There are none.
    """

    img: nib.Nifti1Image
    events: pd.DataFrame
    t_r: float
    source: str
    is_real: bool
    confounds: Any = None


@dataclass(frozen=True, eq=False)
class LessonRuns:
    """Runs of one participant with their design matrices.

    Attributes
    ----------
    imgs : list of Nifti1Image
    design_matrices : list of DataFrame
        The same columns in each, those of `sentence_runs` first.
    mask : Nifti1Image
    source : str
    is_real : bool
    """

    imgs: list[nib.Nifti1Image]
    design_matrices: list[pd.DataFrame]
    mask: nib.Nifti1Image
    source: str
    is_real: bool


@dataclass(frozen=True, eq=False)
class GroupMaps:
    """Maps of one contrast, one a participant.

    Attributes
    ----------
    maps : list of Nifti1Image
    contrast : str
        What was compared with what.
    source : str
    is_real : bool
    mask : Nifti1Image or None
        Where there is one.
    participants : DataFrame or None
        One row a map, where anything is known of them.
    truth : array of bool or None
        Voxels that truly answer, where that is known.
    """

    maps: list[nib.Nifti1Image]
    contrast: str
    source: str
    is_real: bool
    mask: nib.Nifti1Image | None = None
    participants: pd.DataFrame | None = None
    truth: np.ndarray | None = field(default=None, repr=False)


def _instead(error: Exception, wanted: str) -> str:
    return f"Simulated, because {wanted} could not be had: {error}."


# Words and rest -------------------------------------------------------------------------------------------------------

BLOCK = 42.0
LISTENERS = {
    "auditory_left": Region((-52, -20, 8), 20, {"listening": 2.4}),
    "auditory_right": Region((52, -16, 8), 20, {"listening": 2.2}),
    "thalamus": Region((0, -18, 6), 12, {"listening": 0.8}),
    "precuneus": Region((0, -58, 34), 16, {"listening": -0.9}),
}


def auditory_run(data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True) -> LessonRun:
    """One run of words heard in blocks of 42 s, with 42 s of rest between them.

    Parameters
    ----------
    data_dir, progress
        As in `glmwidgets.datasets.fetch_spm_auditory`.

    Returns
    -------
    LessonRun
        SPM's auditory run: all 96 scans if a copy with all of them is in the data folder, otherwise the 84 of the
        public release. Without either and without a network, 96 simulated scans of the same experiment.

    Examples
    --------
    >>> run = auditory_run()  # doctest: +SKIP
    >>> run.t_r  # doctest: +SKIP
    7.0
    """
    try:
        found = fetch_spm_auditory(data_dir, progress=progress)
        img = load_image(found.bold)
        events = pd.read_csv(noted(found.events), sep="\t")
    except UNAVAILABLE as error:
        simulated = _listening()
        source = _instead(error, "SPM's auditory run")
        return LessonRun(simulated.img, simulated.events, simulated.t_r, source, is_real=False)
    source = f"SPM's auditory run, {img.shape[3]} scans (Rees and Friston, Functional Imaging Laboratory, London)."
    return LessonRun(img, events, 7.0, source, is_real=True)


def _listening() -> SimulatedRun:
    events = pd.DataFrame({"onset": np.arange(1, 16, 2) * BLOCK, "duration": BLOCK, "trial_type": "listening"})
    return simulate_run(
        shape=(36, 44, 34), n_scans=96, t_r=7.0, seed=7, events=events, regions=LISTENERS, rho=0.25, motion=0.5
    )


# Sentences and speakers -----------------------------------------------------------------------------------------------

#: The same or different sentence by the same or different speaker; and the first sentence of a block.
SENTENCES = ("SSt_SSp", "SSt_DSp", "DSt_SSp", "DSt_DSp", "FirstSt")
_NOVEL_SENTENCE = dict(zip(SENTENCES, (1.2, 1.5, 2.9, 3.2, 4.0), strict=True))
_ANY_SENTENCE = dict(zip(SENTENCES, (2.2, 2.4, 2.3, 2.6, 3.2), strict=True))
_SPEAKER = dict(zip(SENTENCES, (1.2, 2.6, 1.3, 2.8, 3.0), strict=True))
HEARERS = {
    "auditory_left": Region((-48, -20, 8), 15, _ANY_SENTENCE),
    "auditory_right": Region((50, -16, 8), 15, _ANY_SENTENCE),
    "temporal_left": Region((-56, -38, 4), 15, _NOVEL_SENTENCE),
    "temporal_right": Region((56, -34, 2), 13, _SPEAKER),
    "precuneus": Region((0, -58, 34), 17, dict.fromkeys(SENTENCES, -1.4)),
}


def sentence_runs(data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True) -> LessonRuns:
    """Two runs of one participant who hears sentences: the same or another one, from the same or another speaker.

    Parameters
    ----------
    data_dir, progress
        As in `glmwidgets.datasets.fetch_fiac`.

    Returns
    -------
    LessonRuns
        Columns of the designs are `SENTENCES` and then drifts and the like.

    Examples
    --------
    >>> runs = sentence_runs()  # doctest: +SKIP
    >>> len(runs.imgs)  # doctest: +SKIP
    2
    """
    try:
        found = fetch_fiac(data_dir, progress=progress)
        imgs, mask = [load_image(path) for path in found.run_imgs], load_image(found.mask)
    except UNAVAILABLE as error:
        return _sentences(_instead(error, "the runs of the Functional Imaging Analysis Contest"))
    designs = [d.set_axis([*SENTENCES, *map(str, d.columns[len(SENTENCES) :])], axis=1) for d in found.design_matrices]
    source = "The Functional Imaging Analysis Contest (Dehaene-Lambertz et al. 2006, Human Brain Mapping 27:360)."
    return LessonRuns(imgs, designs, mask, source, is_real=True)


def _sentences(source: str) -> LessonRuns:
    from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix

    imgs, designs = [], []
    for seed in (1, 2):
        events = _blocks_of_sentences(np.random.default_rng(seed))
        run = simulate_run(
            shape=(30, 36, 28), n_scans=180, t_r=2.5, seed=seed, events=events, regions=HEARERS, motion=0.2
        )
        design = make_first_level_design_matrix(frame_times(180, 2.5), events, "glover")
        others = [column for column in design.columns if column not in SENTENCES]
        imgs.append(run.img)
        designs.append(design[[*SENTENCES, *others]])
    mask = nib.Nifti1Image(run.truth.mask.astype(np.uint8), run.img.affine)
    return LessonRuns(imgs, designs, mask, source, is_real=False)


def _blocks_of_sentences(rng: np.random.Generator) -> pd.DataFrame:
    """Four blocks of each kind in random order: a first sentence, then five more, then silence."""
    rows = []
    for block, kind in enumerate(rng.permutation(np.repeat(SENTENCES[:4], 4))):
        start = 6 + 27.5 * block
        rows += [(start, 3.3, "FirstSt"), (start + 3.3, 16.7, str(kind))]
    return pd.DataFrame(rows, columns=["onset", "duration", "trial_type"])


# A group --------------------------------------------------------------------------------------------------------------

BUTTON = "left - right button press"


def group_maps(data_dir: str | os.PathLike[str] | None = None, n: int = 16, *, progress: bool = True) -> GroupMaps:
    """Maps of a contrast of several participants.

    Parameters
    ----------
    data_dir, progress
        As in `glmwidgets.datasets.fetch_localizer_contrasts`. If the folder ``wager2008_emotionreg`` is there, with
        maps ``sub-*_con.nii.gz``, ``group_mask.nii.gz`` and ``participants.tsv``, it is taken.
    n : int
        Participants, where there is a choice.

    Returns
    -------
    GroupMaps

    Examples
    --------
    >>> found = group_maps(n=16)  # doctest: +SKIP
    >>> len(found.maps)  # doctest: +SKIP
    16
    """
    try:
        local = data_folder(data_dir) / "wager2008_emotionreg"
        if local.is_dir():
            return _emotion_regulation(local)
        paths = fetch_localizer_contrasts("left vs right button press", n, data_dir=data_dir, progress=progress)
        maps = [load_image(path) for path in paths]
    except UNAVAILABLE as error:
        return _button_presses(n, _instead(error, "the localizer's maps"))
    source = (
        f"The Brainomics localizer, {len(maps)} participants (Papadopoulos Orfanos et al. 2017, NeuroImage 144:309)."
    )
    return GroupMaps(maps, BUTTON, source, is_real=True)


def _emotion_regulation(folder: Path) -> GroupMaps:
    paths = sorted(folder.glob("sub-*_con.nii.gz"))
    if not paths:
        raise FileNotFoundError(f"{folder} holds no maps sub-*_con.nii.gz")
    return GroupMaps(
        [load_image(path) for path in paths],
        "reappraise - look, negative pictures",
        f"{len(paths)} participants who looked at negative pictures or saw them in another light "
        "(Wager et al. 2008, Neuron 59:1037).",
        is_real=True,
        mask=load_image(folder / "group_mask.nii.gz"),
        participants=pd.read_csv(noted(folder / "participants.tsv"), sep="\t"),
    )


def _button_presses(n: int, source: str, seed: int = 4) -> GroupMaps:
    """Maps that scatter around a known mean, each smooth in space."""
    made = simulate_run(shape=(36, 44, 34), n_scans=60, seed=seed)
    truth = made.truth
    mean = truth.betas["motor_left"] - truth.betas["motor_right"]
    rng = np.random.default_rng(seed)
    sigma = gaussian_sigma(made.img.affine, 8.0)
    skill = rng.normal(size=n).round(2)
    maps = []
    for i in range(n):
        scatter = ndimage.gaussian_filter(rng.standard_normal(mean.shape), sigma)
        effect = mean * (0.8 + 0.2 * skill[i]) + scatter / scatter.std()
        maps.append(nib.Nifti1Image((effect * truth.mask).astype(np.float32), made.img.affine))
    return GroupMaps(
        maps,
        BUTTON,
        source,
        is_real=False,
        mask=nib.Nifti1Image(truth.mask.astype(np.uint8), made.img.affine),
        participants=pd.DataFrame({"participant_id": [f"sub-{i + 1:02}" for i in range(n)], "skill": skill}),
        truth=mean != 0,
    )
