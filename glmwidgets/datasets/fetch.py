"""Public data sets, by one function each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.datasets.download import DownloadError, Remote, data_folder, download
from glmwidgets.datasets.run_files import FoundRun, Named
from glmwidgets.files.writing import noted


@dataclass(frozen=True)
class Dataset:
    """A public data set.

    Attributes
    ----------
    name : str
    about : str
        What it is, whose, and under which terms.
    page : str
        For people.
    files : tuple of Remote
    """

    name: str
    about: str
    page: str
    files: tuple[Remote, ...]


_SPM = "https://www.fil.ion.ucl.ac.uk/spm/download/data/MoAEpilot/MoAEpilot.bids.zip"
_VISLOC = "https://s3.amazonaws.com/openneuro.org/ds000113/sub-{0}/ses-localizer/func/"
_TEMPLATEFLOW = "https://templateflow.s3.amazonaws.com/tpl-{0}/{1}"
_MNI152 = "tpl-MNI152NLin2009cAsym_res-02_desc-brain_T1w.nii.gz"
_MNI152_MD5 = "md5:97adb4a6fc71850495e11d832a5e4e90"
_VISLOC_NAME = "sub-{0}_ses-localizer_task-objectcategories_run-{1}_{2}"

#: Every data set by its name. TemplateFlow publishes checksums, the keys of its git-annex. For the others see
#: `glmwidgets.datasets.download`: nobody publishes theirs.
DATASETS = {
    row.name: row
    for row in (
        Dataset(
            "spm_auditory",
            "One run, listening against rest, 84 scans of 7 s. Functional Imaging Laboratory, London; for personal "
            "education and evaluation.",
            "https://www.fil.ion.ucl.ac.uk/spm/data/auditory/",
            (Remote("MoAEpilot.bids.zip", _SPM),),
        ),
        Dataset(
            "localizer_contrasts",
            "Contrast maps of the Brainomics localizer, 94 participants. Papadopoulos Orfanos et al. 2017, NeuroImage "
            "144:309.",
            "https://osf.io/vhtf6/",
            (Remote("index.json", "https://osf.io/hwbm2/download"),),
        ),
        Dataset(
            "fiac",
            "Two runs of one participant listening to sentences, with design matrices. Dehaene-Lambertz et al. 2006, "
            "Human Brain Mapping 27:360.",
            "https://nipy.org/data-packages/",
            (Remote("nipy-data-0.2.tar.gz", "https://nipy.org/data-packages/nipy-data-0.2.tar.gz"),),
        ),
        Dataset(
            "studyforrest_visloc",
            "Visual localizer of six categories, 4 runs of 156 scans of 2 s. Sengupta et al. 2016, Scientific Data "
            "3:160093; public domain (PDDL).",
            "https://openneuro.org/datasets/ds000113",
            (Remote(_VISLOC_NAME, _VISLOC + _VISLOC_NAME),),
        ),
        Dataset(
            "mni152",
            "The MNI152 template's brain, nonlinear asymmetric 2009c, 2 mm, from TemplateFlow. Fonov et al. 2011, "
            "NeuroImage 54:313.",
            "https://www.templateflow.org",
            (Remote(_MNI152, _TEMPLATEFLOW.format("MNI152NLin2009cAsym", _MNI152), _MNI152_MD5),),
        ),
        Dataset(
            "schaefer_2018",
            "Parcellation of the cortex, 100 to 1000 regions, in two templates, from TemplateFlow. Schaefer et al. "
            "2018, Cerebral Cortex 28:3095; MIT licence.",
            "https://github.com/ThomasYeoLab/CBIG/tree/master/stable_projects/brain_parcellation/Schaefer2018_LocalGlobal",
            (Remote("{1}", _TEMPLATEFLOW),),
        ),
    )
}


@dataclass(frozen=True, eq=False)
class DesignedRuns(Named):
    """Runs that come with design matrices instead of events.

    Attributes
    ----------
    run_imgs : list of Path
    design_matrices : list of DataFrame
    mask : Path
    design_files : list of Path
        Of numpy, which hold the designs as ``"X"``.
    """

    run_imgs: list[Path]
    design_matrices: list[pd.DataFrame]
    mask: Path
    design_files: list[Path]

    @property
    def func1(self) -> Path:
        """The first run."""
        return self.run_imgs[0]

    @property
    def func2(self) -> Path:
        """The second run."""
        return self.run_imgs[1]

    @property
    def design_matrix1(self) -> Path:
        """File of the first run's design."""
        return self.design_files[0]

    @property
    def design_matrix2(self) -> Path:
        """File of the second run's design."""
        return self.design_files[1]


def dataset_folder(name: str, data_dir: str | os.PathLike[str] | None) -> Path:
    """Where a data set's files lie."""
    return data_folder(data_dir) / name


def _by_hand(folder: Path, pattern: str, t_r: float) -> FoundRun | None:
    """A run that a person put into the folder, under whatever name: the image, and its events beside it."""
    found = sorted(folder.glob(f"{pattern}_bold.nii*"))
    if not found:
        return None
    events = found[0].with_name(found[0].name.partition("_bold.nii")[0] + "_events.tsv")
    if not events.is_file():
        raise FileNotFoundError(f"{found[0].name} is in {folder}, but its events are not: put {events.name} beside it")
    return FoundRun(bold=found[0], events=events, t_r=t_r)


def fetch_spm_auditory(data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True) -> FoundRun:
    """The auditory run of SPM's manual: blocks of listening and rest.

    Parameters
    ----------
    data_dir : str or path, optional
        Where to keep it; see `glmwidgets.datasets.download.data_folder`. If a ``*task-auditory*_bold.nii.gz`` with its
        ``_events.tsv`` is in the folder ``spm_auditory`` there, it is taken and nothing is downloaded.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    FoundRun
        ``glmwidgets.explore(**fetch_spm_auditory().inputs())`` looks at it.

    Raises
    ------
    DownloadError
        If it cannot be had.
    FileNotFoundError
        If the image is in the folder and its events are not.

    Examples
    --------
    >>> import glmwidgets
    >>> glmwidgets.explore(**fetch_spm_auditory().inputs())  # doctest: +SKIP
    """
    folder = dataset_folder("spm_auditory", data_dir)
    if run := _by_hand(folder, "*task-auditory*", 7.0):
        return run
    (archive,) = DATASETS["spm_auditory"].files
    root = download(archive, folder, progress, unpack=True)
    inside = root / "MoAEpilot"
    found = _by_hand((inside if inside.is_dir() else root) / "sub-01" / "func", "sub-01_task-auditory", 7.0)
    if found is None:
        name = "sub-01_task-auditory_bold.nii"
        raise DownloadError(f"the archive unpacked in {root} holds no {name}; remove it to try again")
    return found


def fetch_studyforrest_visloc(
    subject: int = 2, run: int = 1, data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True
) -> FoundRun:
    """A run of studyforrest's visual localizer: faces, bodies, objects, houses, scenes and scrambled images.

    Parameters
    ----------
    subject : int
        From 1 to 20; not every number exists.
    run : int
        From 1 to 4.
    data_dir, progress
        As in `fetch_spm_auditory`; files that are there already are found as ``sub-02*_run-1_bold.nii.gz``.

    Returns
    -------
    FoundRun

    Raises
    ------
    DownloadError
        If it cannot be had.

    Examples
    --------
    >>> import glmwidgets
    >>> glmwidgets.explore(**fetch_studyforrest_visloc(subject=2, run=1).inputs())  # doctest: +SKIP
    """
    (pattern,) = DATASETS["studyforrest_visloc"].files
    folder = dataset_folder("studyforrest_visloc", data_dir)
    if local := _by_hand(folder, f"sub-{subject:02}*_run-{run}", 2.0):
        return local
    paths = [
        download(
            Remote(pattern.name.format(f"{subject:02}", run, end), pattern.url.format(f"{subject:02}", run, end)),
            folder,
            progress,
        )
        for end in ("bold.nii.gz", "events.tsv")
    ]
    return FoundRun(bold=paths[0], events=paths[1], t_r=2.0)


def fetch_fiac(data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True) -> DesignedRuns:
    """Two runs of the Functional Imaging Analysis Contest, with their design matrices.

    Parameters
    ----------
    data_dir, progress
        As in `fetch_spm_auditory`.

    Returns
    -------
    DesignedRuns
        ``FirstLevelModel(mask_img=found.mask).fit(found.run_imgs, design_matrices=found.design_matrices)`` fits them.

    Raises
    ------
    DownloadError
        If it cannot be had, or the archive does not hold what it should.

    Examples
    --------
    >>> found = fetch_fiac()  # doctest: +SKIP
    >>> len(found.run_imgs)  # doctest: +SKIP
    2
    """
    (archive,) = DATASETS["fiac"].files
    root = download(archive, dataset_folder("fiac", data_dir), progress, unpack=True)
    found = sorted(root.rglob("fiac0/run1.nii.gz"))
    if not found:
        raise DownloadError(f"the archive unpacked in {root} holds no fiac0/run1.nii.gz; remove it to try again")
    folder = found[0].parent
    designs, files = [], [folder / f"run{number}_design.npz" for number in (1, 2)]
    for file in files:
        with np.load(noted(file)) as stored:
            names = [n.decode() if isinstance(n, bytes) else str(n) for n in stored["conditions"]]
            designs.append(pd.DataFrame(stored["X"], columns=names))
    return DesignedRuns([folder / f"run{n}.nii.gz" for n in (1, 2)], designs, folder / "mask.nii.gz", files)


#: By the name of the conventional scripts, too.
fetch_fiac_first_level = fetch_fiac


class LocalizerMaps(list[Path]):
    """Contrast maps of participants of the localizer; items by place, or what goes with them by name.

    Attributes
    ----------
    cmaps, tmaps, masks, anats : list of Path
        Contrast maps, and those of the others that were asked for, in the order of the participants.
    ext_vars : DataFrame
        One row a participant, ``participant_id`` first.
    """

    cmaps: list[Path]
    ext_vars: pd.DataFrame

    def __init__(self, files: dict[str, list[Path]], ext_vars: pd.DataFrame):
        super().__init__(files["cmaps"])
        self.__dict__.update(files, ext_vars=ext_vars)

    def __getitem__(self, key: Any) -> Any:
        return self.__dict__[key] if isinstance(key, str) else super().__getitem__(key)


def fetch_localizer_contrasts(
    contrasts: str | Sequence[str],
    n_subjects: int | Sequence[int] = 16,
    get_tmaps: bool = False,
    get_masks: bool = False,
    get_anats: bool = False,
    data_dir: str | os.PathLike[str] | None = None,
    *,
    progress: bool = True,
    legacy_format: bool = False,
) -> LocalizerMaps:
    """Maps of one contrast or several of many participants, for group models.

    Parameters
    ----------
    contrasts : str or sequence of str
        Such as ``"left vs right button press"`` or ``"calculation vs sentences"``.
    n_subjects : int or sequence of int
        How many, or which, of 1 to 94. Those without a file that is asked for are left out.
    get_tmaps, get_masks, get_anats : bool
        Also get maps of t, masks and anatomies.
    data_dir, progress
        As in `fetch_spm_auditory`.
    legacy_format : bool
        Accepted.

    Returns
    -------
    LocalizerMaps
        A list of the contrast maps; ``maps["tmaps"]`` or ``maps.tmaps`` are those of t, ``maps["ext_vars"]`` a table
        of the participants.

    Raises
    ------
    ValueError
        If there is no such contrast; the message lists what there is.
    DownloadError
        If a file cannot be had.

    Examples
    --------
    >>> maps = fetch_localizer_contrasts("left vs right button press", n_subjects=16)  # doctest: +SKIP
    >>> len(maps)  # doctest: +SKIP
    16
    """
    (listing,) = DATASETS["localizer_contrasts"].files
    folder = dataset_folder("localizer_contrasts", data_dir)
    index = json.loads(download(listing, folder, progress).read_text(encoding="utf-8"))
    labels = {c: c.title().replace(" ", "") for c in ([contrasts] if isinstance(contrasts, str) else contrasts)}
    known = {key.partition("_acq-")[2].partition("_cmaps")[0] for key in index if "_cmaps" in key}
    for contrast, label in labels.items():
        if label not in known:
            raise ValueError(f"there are no maps of {contrast!r} ({label}); there are {', '.join(sorted(known))}")
    maps = [kind for kind, wanted in (("cmaps", True), ("tmaps", get_tmaps)) if wanted]
    images = {kind: row for kind, row in _BESIDE.items() if {"masks": get_masks, "anats": get_anats}[kind]}
    subjects = range(1, n_subjects + 1) if isinstance(n_subjects, int) else n_subjects
    chosen: list[tuple[str, dict[str, list[str]]]] = []
    for subject in (f"S{number:02}" for number in subjects):
        task = f"spm_1st_level/sub-{subject}/sub-{subject}_task-localizer_acq-"
        paths = {kind: [f"{task}{label}_{kind}.nii.gz" for label in labels.values()] for kind in maps}
        paths |= {kind: [f"{room}/sub-{subject}/sub-{subject}_{name}"] for kind, (room, name) in images.items()}
        if all(_LOCALIZER + path in index for kind in paths.values() for path in kind):
            chosen.append((subject, paths))
    if not chosen:
        raise ValueError(f"none of these participants has all that is asked for of {', '.join(labels)}")

    def get(path: str) -> Path:
        remote = Remote(path.rpartition("/")[2], f"{_OSF}{str(index[path]).lstrip('/')}/")
        return download(remote, folder, progress)

    files = {kind: [get(_LOCALIZER + path) for _, paths in chosen for path in paths[kind]] for kind in (*maps, *images)}
    table = pd.DataFrame({"participant_id": [subject for subject, _ in chosen]})
    for path in ("/localizer/participants.tsv", "/localizer/phenotype/behavioural.tsv"):
        if path in index:
            table = table.merge(pd.read_csv(get(path), sep="\t"), how="left")
    return LocalizerMaps(files, table)


_LOCALIZER = "/localizer/derivatives/"

#: Where images lie that are no maps: their folder, and the end of their names.
_BESIDE = {"masks": ("spm_1st_level", "mask.nii.gz"), "anats": ("spm_preprocessing", "T1w.nii.gz")}

_OSF = "https://osf.io/download/"
