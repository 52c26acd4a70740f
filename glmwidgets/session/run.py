"""One run as it was given: image, events, confounds and mask, read and checked once."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from glmwidgets.glm.confound_groups import undefined_at_first
from glmwidgets.glm.confounds import check_confounds
from glmwidgets.glm.events import check_events
from glmwidgets.glm.tables import read_table
from glmwidgets.images.load import load_image, load_run
from glmwidgets.session.settings import InputSettings

if TYPE_CHECKING:
    from nibabel import Nifti1Image

__all__ = ["Run", "open_run"]


@dataclass(frozen=True, eq=False)
class Run:
    """A run and what is known about it.

    Attributes
    ----------
    name : str
        What a person calls it: the file's name without its endings.
    img : Nifti1Image
        4-D image.
    t_r : float
        Time between scans, in seconds.
    slice_time_ref : float
        Time within a scan that the series are referred to, as a fraction of t_r.
    events : DataFrame or None
        onset, duration, trial_type, modulation.
    confounds : DataFrame or None
        One row a scan; 0 at the first one where fMRIPrep has no value for derivatives and differences.
    mask_img : Nifti1Image or None
        Given mask.
    anatomical : Nifti1Image or None
        Given image to look at the maps on, on a grid of its own.
    inputs : InputSettings
        Where all this came from.
    """

    name: str
    img: Nifti1Image
    t_r: float
    slice_time_ref: float
    events: pd.DataFrame | None
    confounds: pd.DataFrame | None
    mask_img: Nifti1Image | None
    inputs: InputSettings
    anatomical: Nifti1Image | None = None

    @property
    def n_scans(self) -> int:
        """Number of scans."""
        return self.img.shape[3]

    @property
    def conditions(self) -> tuple[str, ...]:
        """Event types, sorted."""
        return () if self.events is None else tuple(sorted(self.events["trial_type"].unique()))


def _path(given: Any) -> str | None:
    return str(Path(given).expanduser().resolve()) if isinstance(given, str | PathLike) else None


def open_run(
    bold: Any,
    events: Any = None,
    t_r: float | None = None,
    *,
    confounds: Any = None,
    mask: Any = None,
    slice_time_ref: float = 0.0,
    anatomical: Any = None,
) -> Run:
    """Read a run and check that its parts fit together.

    Parameters
    ----------
    bold : image, path or list of 3-D images
        The series.
    events : DataFrame or path, optional
        onset and duration in seconds, trial_type, and perhaps modulation.
    t_r : float, optional
        Time between scans in seconds; the header's by default.
    confounds : DataFrame, array or path, optional
        One row a scan.
    mask : image or path, optional
        Voxels to analyse; found from the run by default.
    slice_time_ref : float
        Time within a scan that the series are referred to, as a fraction of t_r.
    anatomical : image or path, optional
        3-D image of the same head, in register with the run, to look at the maps on.

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        If a file is missing.
    ValueError
        If one cannot be read or does not fit; the message names it.
    """
    paths = {"bold": bold, "events": events, "confounds": confounds, "mask": mask, "anatomical": anatomical}
    paths = {name: _path(given) for name, given in paths.items()}
    inputs = InputSettings(**paths, t_r=t_r, slice_time_ref=slice_time_ref)
    img, t_r = load_run(bold, t_r=t_r)
    name = Path(inputs.bold).name.removesuffix(".gz").removesuffix(".nii") if inputs.bold else "run"
    return Run(
        name=name,
        img=img,
        t_r=t_r,
        slice_time_ref=slice_time_ref,
        events=None if events is None else check_events(events),
        confounds=None if confounds is None else _open_confounds(confounds, img.shape[3]),
        mask_img=None if mask is None else load_image(mask),
        inputs=inputs,
        anatomical=None if anatomical is None else _open_anatomical(anatomical),
    )


def _open_confounds(given: Any, n_scans: int) -> pd.DataFrame:
    """Read confounds, with 0 where fMRIPrep has no value: derivatives and differences of the first scan."""
    source = str(given) if isinstance(given, str | PathLike) else None
    table = given if source is None else read_table(given, "confounds")
    if isinstance(table, pd.DataFrame) and len(table):
        empty = [name for name in undefined_at_first(table.columns) if pd.isna(table[name].iloc[0])]
        if empty:
            table = table.copy()
            table.loc[table.index[0], empty] = 0.0
    return check_confounds(table, n_scans, source)


def _open_anatomical(given: Any) -> Nifti1Image:
    img = load_image(given)
    if len(img.shape) != 3:
        raise ValueError(f"the anatomical image must be 3-D, not of shape {img.shape}")
    return img
