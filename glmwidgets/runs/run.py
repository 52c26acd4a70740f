"""One run as it was measured: series, events, confounds, mask and clock, read and checked once."""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmwidgets.glm.design.times import evenly_spaced
from glmwidgets.glm.events.checks import run_window
from glmwidgets.glm.tables import some
from glmwidgets.images.mask import match_mask
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.reader import Reader

if TYPE_CHECKING:
    from nibabel import Nifti1Image


def run_name(index: int) -> str:
    """What one of several runs is called: ``run 1`` for the first, whose index is 0."""
    return f"run {index + 1}"


def content_hash(content: Any, by_scan: bool = False) -> int:
    """Number that tells the values of an image or a table from others, the same on every machine.

    Parameters
    ----------
    content : image or DataFrame
        Numbers of a table count to nine digits.
    by_scan : bool
        Take an image's values in the order of time, in which a file is read.

    Returns
    -------
    int
        Of 32 bits.

    Examples
    --------
    >>> f"{content_hash(pd.DataFrame({'onset': [0.5], 'trial_type': ['face']})):08x}"
    'c0da74a8'
    """
    if hasattr(content, "affine"):
        return Reader(content).checksum(by_scan)
    return zlib.crc32(content.to_csv(index=False, float_format="%.9g", lineterminator="\n").encode())


@dataclass(frozen=True)
class Provenance:
    """Where a run comes from.

    Attributes
    ----------
    bold, events, confounds, mask, anatomical, design : str or None
        Paths; None for what was given in memory or not at all.
    t_r : float or None
        Time between scans in seconds; None takes it from the image's header.
    slice_time_ref : float
        Time within a scan that the series are referred to, as a fraction of t_r.
    frame_times : tuple of float or None
        When each scan was taken, in seconds; None for scans in even steps of t_r.
    missing_duration : float or None
        Seconds that events without a duration last; None leaves them out.
    target_affine : tuple of rows or None
        Grid that series and mask were brought to, 3 x 3 or 4 x 4; None leaves them on the image's own.
    said_by : tuple of pairs of str
        Names of these, and who said what each is: a person, a sidecar, the image's header; see `who`. Of events,
        confounds and a mask that no file holds also a hash of what they are, as other ones are another analysis.
    """

    bold: str | None = None
    events: str | None = None
    confounds: str | None = None
    mask: str | None = None
    t_r: float | None = None
    slice_time_ref: float = 0.0
    anatomical: str | None = None
    frame_times: tuple[float, ...] | None = None
    missing_duration: float | None = None
    design: str | None = None
    target_affine: tuple[tuple[float, ...], ...] | None = None
    said_by: tuple[tuple[str, ...], ...] = ()

    def who(self, name: str) -> str:
        """Who said what an input is, in words; empty where nobody did.

        Examples
        --------
        >>> Provenance(t_r=2.0, said_by=(("t_r", "RepetitionTime of the sidecar"),)).who("t_r")
        'RepetitionTime of the sidecar'
        """
        return dict(self.said_by).get(name, "")


@dataclass(frozen=True, eq=False)
class Run:
    """A run and what is known about it.

    Attributes
    ----------
    name : str
        What a person calls it: the file's name without its endings.
    reader : Reader
        Its series.
    t_r : float or None
        Time between scans, in seconds, on average; None if it is not known, which only a given design can do without.
    slice_time_ref : float
        Time within a scan that the series are referred to, as a fraction of t_r.
    frame_times : array of shape (n_scans,), or None
        When each scan was taken, in seconds; None if it is not known.
    events : DataFrame or None
        onset, duration, trial_type, modulation.
    confounds : DataFrame or None
        One row a scan; 0 at the first one where fMRIPrep has no value for derivatives and differences.
    mask_img : Nifti1Image or None
        Given mask.
    inputs : Provenance
        Where all this came from.
    anatomical : Nifti1Image or None
        Given image to look at the maps on, on a grid of its own.
    chosen_confounds : tuple of str or None
        Columns of `confounds` that were asked for where the run was found; None if nothing was said.
    design : DataFrame or None
        Given design matrix, one row for every scan.
    unlasting : DataFrame or None
        The events as they were given, where some have no duration and are left out.
    warnings : tuple of str
        What was warned of when it was opened.
    """

    name: str
    reader: Reader
    t_r: float | None
    slice_time_ref: float
    frame_times: np.ndarray | None
    events: pd.DataFrame | None
    confounds: pd.DataFrame | None
    mask_img: Nifti1Image | None
    inputs: Provenance
    anatomical: Nifti1Image | None = None
    chosen_confounds: tuple[str, ...] | None = None
    design: pd.DataFrame | None = None
    unlasting: pd.DataFrame | None = None
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.domain.shape))
        types = f"; {some(self.conditions)}" if self.conditions else ""
        return f"<Run {self.name}: {shape} voxels, {self.n_scans} scans, {self.clock}{types}>"

    @property
    def domain(self) -> Domain:
        """Where its series lie: all voxels of the image."""
        return self.reader.domain

    @property
    def img(self) -> Nifti1Image:
        """The 4-D image, to be written or handed on; for its series ask the reader."""
        return self.reader.image

    def given_mask(self) -> np.ndarray | None:
        """Voxels of the mask that was given, 3-D bool; None if none was, or it does not fit."""
        with contextlib.suppress(ValueError):
            return None if self.mask_img is None else match_mask(self.mask_img, self.reader.opened)
        return None

    def closed(self) -> Run:
        """The same run without its images: what is left where it is no longer looked at."""
        return replace(self, reader=self.reader.closed(), mask_img=None, anatomical=None)

    @property
    def n_scans(self) -> int:
        """Number of scans."""
        return self.reader.n_scans

    @property
    def is_even(self) -> bool:
        """Whether the scans follow each other in even steps, as far as that is known."""
        return self.frame_times is None or evenly_spaced(self.frame_times)

    @property
    def window(self) -> tuple[float, float]:
        """First and last second."""
        return run_window(self.frame_times)

    @property
    def clock(self) -> str:
        """When scans were taken, in a few words."""
        if self.is_even:
            return "TR not known" if self.t_r is None else f"TR {self.t_r:g} s"
        steps = np.diff(self.frame_times)
        return f"scans {steps.min():.4g} to {steps.max():.4g} s apart"

    @property
    def told_clock(self) -> str:
        """When scans were taken and who said so, in a few words."""
        who = self.inputs.who("t_r" if self.is_even else "frame_times")
        return f"{self.clock} ({who})" if who else self.clock

    @property
    def conditions(self) -> tuple[str, ...]:
        """Event types, sorted."""
        return () if self.events is None else tuple(sorted(self.events["trial_type"].unique()))
