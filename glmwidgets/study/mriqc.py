"""Figures that MRIQC computed of a run, read from its own files where they exist: ``*_bold.json`` with its metrics.

They are of the raw run, before any preprocessing. Beside the image, or in a folder ``mriqc`` of the dataset or of its
derivatives, a file is looked for whose name has the run's entities.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from glmwidgets.files.json_text import parse_json
from glmwidgets.study.across_runs import Seen
from glmwidgets.study.figure import Figure

#: What tells raw runs apart: the entities that names of preprocessed files have beside these are left out.
RAW = ("sub", "ses", "task", "acq", "ce", "rec", "dir", "run", "echo")

#: A sidecar that has these is one of MRIQC.
OWN = ("aor", "aqi", "tsnr")

# Folders above an image in which its dataset may begin.
DEEP = 7

SOURCE = "https://mriqc.readthedocs.io/en/latest/iqms/bold.html"


@lru_cache(maxsize=4096)
def iqms_of(bold: str) -> dict[str, float]:
    """Metrics that MRIQC has of an image; empty where there is no file of it. Read once in a session.

    Parameters
    ----------
    bold : str
        Path of the image, raw or preprocessed, named as BIDS says.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> import json, tempfile
    >>> with tempfile.TemporaryDirectory() as root:
    ...     place = Path(root) / "derivatives" / "mriqc" / "sub-1" / "func" / "sub-1_task-a_bold.json"
    ...     place.parent.mkdir(parents=True)
    ...     _ = place.write_text(json.dumps({"aor": 0.01, "aqi": 0.02, "tsnr": 55.0, "bids_meta": {}}))
    ...     iqms_of(f"{root}/derivatives/fmriprep/sub-1/func/sub-1_task-a_space-MNI152_desc-preproc_bold.nii.gz")
    {'aor': 0.01, 'aqi': 0.02, 'tsnr': 55.0}
    """
    path = Path(bold)
    entities = dict(part.split("-", 1) for part in path.name.partition(".")[0].split("_") if "-" in part)
    if "sub" not in entities:
        return {}
    name = "_".join(f"{key}-{entities[key]}" for key in RAW if key in entities) + "_bold.json"
    folders = [f"sub-{entities['sub']}", *([f"ses-{entities['ses']}"] if "ses" in entities else []), "func"]
    within = Path(*folders) / name
    above = list(path.parents)[:DEEP]
    places = [path.with_name(name)]
    places += [root / kind / within for root in above for kind in ("mriqc", "derivatives/mriqc", "derivatives/MRIQC")]
    for place in places:
        try:
            tree = parse_json(place.read_bytes(), place) if place.is_file() else {}
        except (OSError, ValueError):
            continue
        if isinstance(tree, dict) and all(key in tree for key in OWN):
            return {k: float(v) for k, v in tree.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    return {}


class _Read:
    """What gives a metric of MRIQC by its name."""

    def __init__(self, name: str):
        self.name = name
        self.__qualname__ = "iqms_of"

    def __call__(self, seen: Seen) -> float:
        bold = seen.of.inputs.bold
        return np.nan if bold is None else iqms_of(bold).get(self.name, np.nan)


def _row(name: str, label: str, definition: str, side: str = "", floor: float = 1.0, unit: str = "") -> Figure:
    read: Callable[[Seen], float] = _Read(name)
    told = f"{label} (MRIQC)"
    return Figure(f"mriqc_{name}", told, unit, "mriqc", definition, read, SOURCE, side, floor, bool(side))


#: Figures of MRIQC. Those that are judged are looked at as ratios.
MRIQC = (
    _row("tsnr", "temporal signal to noise", "Median over the brain of mean / SD in time.", "low", 1.5),
    _row("snr", "signal to noise", "Of the mean image: mean of the brain over the SD in it.", "low", 1.5),
    _row("fd_mean", "mean framewise displacement", "Mean framewise displacement, by Power's formula.", unit="mm"),
    _row("dvars_nstd", "DVARS", "Mean over scans of DVARS, in the units of the image."),
    _row("aor", "share of outliers", "Mean over scans of AFNI's share of voxels that are outliers.", "high", 2.0),
    _row("aqi", "quality index of AFNI", "Mean over scans of 1 - rank correlation with the median scan.", "high", 1.5),
    _row("gcor", "global correlation", "Mean correlation of the series of all pairs of voxels.", "high", 2.0),
    _row("gsr_x", "ghosts along x", "Signal of the ghost over that of the brain, for phase encoding along x."),
    _row("gsr_y", "ghosts along y", "Signal of the ghost over that of the brain, for phase encoding along y."),
    _row("efc", "entropy focus", "Entropy of the mean image over its largest possible: ghosts and blur.", "high", 1.3),
    _row("fber", "foreground over background", "Variance within the head over that of the air around it."),
    _row("fwhm_avg", "smoothness", "Full width at half maximum by AFNI's 3dFWHMx, mean of the axes.", unit="mm"),
    _row("dummy_trs", "scans before the steady state", "Scans at the beginning that MRIQC found not to be steady."),
)
