"""What a first-level model is given, sorted by run and checked before any voxel is read."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from nibabel.spatialimages import SpatialImage

from glmwidgets.glm.design.censoring import scans_kept, with_censored_scans
from glmwidgets.glm.tables import SWAPPED, swapped_image
from glmwidgets.images.load import image_name, load_image, seconds_of, told_t_r
from glmwidgets.images.sidecar import refuse_phases, sidecars_read_once
from glmwidgets.plural import count
from glmwidgets.runs.opening import make_run
from glmwidgets.runs.parts import warn_of_repeats
from glmwidgets.runs.reader import Reader
from glmwidgets.runs.run import Run


@dataclass(frozen=True, eq=False, kw_only=True)
class RunInput(Run):
    """A run as a model takes it, its voxels still to be read.

    Attributes
    ----------
    name : str
        What messages call it: its number, counted from 1, and its image.
    source : image, path or list of 3-D volumes
        As it was given.
    sample_mask : array of int, or None
        Indices of the scans that are kept; None for all.
    keeps_time : bool
        Whether scans that are left out between others stay in the design, with a column each, so that those on both
        sides of a gap are no neighbours.
    averaged : bool array, or None
        Of the scans that are kept, those over which means over time are taken; None for all.
    """

    source: Any
    sample_mask: np.ndarray | None = None
    keeps_time: bool = False
    averaged: np.ndarray | None = None

    @property
    def places(self) -> np.ndarray | None:
        """Scans that are kept, where some between them are not and time is kept; None otherwise."""
        kept = self.sample_mask
        return kept if self.keeps_time and kept is not None and np.any(np.diff(kept) > 1) else None

    def with_gaps(self, design: pd.DataFrame) -> pd.DataFrame:
        """Rows of a whole run's design that a model has, with columns for the scans between them that are left out."""
        kept = self.sample_mask
        if self.places is None:
            return design if kept is None else design.iloc[kept]
        first = int(kept[0])
        rows = design.iloc[first : kept[-1] + 1]
        return with_censored_scans(rows, np.setdiff1d(np.arange(len(rows)), kept - first), first)


def check_runs(
    run_imgs: Any,
    events: Any = None,
    confounds: Any = None,
    sample_masks: Any = None,
    design_matrices: Any = None,
    t_r: float | None = None,
    fill_first_row: bool = False,
    slice_time_ref: float = 0.0,
    keeps_time: bool = False,
    mean_scans: Any = None,
) -> list[RunInput]:
    """Sort what ``FirstLevelModel.fit`` is given by run, and check it.

    Parameters
    ----------
    run_imgs, events, confounds, sample_masks, design_matrices, fill_first_row
        As in `glmwidgets.models.FirstLevelModel.fit`.
    t_r : float, optional
        Seconds between scans.
    slice_time_ref : float
        Time within a scan that the series are referred to, as a fraction of `t_r`.
    keeps_time : bool
        See `RunInput`.

    Returns
    -------
    list of RunInput

    Raises
    ------
    FileNotFoundError, TypeError, ValueError
        If something is missing, cannot be read or does not fit; the message names the run.
    """
    sources, imgs = _runs(run_imgs)
    warn_of_repeats(sources)
    n_runs = len(sources)
    if design_matrices is None and events is None:
        raise ValueError("a model needs events or design_matrices; for rest alone, give a design matrix")
    ignored = [name for name, given in (("events", events), ("confounds", confounds)) if given is not None]
    if design_matrices is not None and ignored:
        warnings.warn(
            f"design_matrices are given, so that {' and '.join(ignored)} are not used: "
            "what is in them must be columns of the design matrices",
            stacklevel=3,
        )
        events = confounds = None
    if design_matrices is not None:
        slice_time_ref = 0.0  # the designs have their own clock
    all_events = _per_run(events, n_runs, "events", (pd.DataFrame, str, PathLike))
    all_confounds = _per_run(confounds, n_runs, "confounds", (pd.DataFrame, np.ndarray, str, PathLike))
    without = [f"run {i + 1}" for i, given in enumerate(all_confounds) if given is None]
    if 0 < len(without) < n_runs:
        warnings.warn(
            f"{', '.join(without)} of {n_runs} runs {'has' if len(without) == 1 else 'have'} no confounds, and "
            f"{'is' if len(without) == 1 else 'are'} modelled without: give a table for each run",
            stacklevel=3,
        )
    all_designs = _per_run(design_matrices, n_runs, "design_matrices", (pd.DataFrame, np.ndarray, str, PathLike))
    all_masks = _sample_masks(sample_masks, n_runs)
    all_means = _sample_masks(mean_scans, n_runs, "lists of mean scans")

    runs = []
    for i, (source, img) in enumerate(zip(sources, imgs, strict=True)):
        name = f"run {i + 1} ({image_name(source)})"
        where = name if n_runs > 1 else None
        with sidecars_read_once():
            refuse_phases(img)
            seconds = told_t_r(img, image_name(source)) if t_r is None else seconds_of(t_r)
            sample_mask = scans_kept(all_masks[i], img.shape[3], where or "the run")
            given = {
                "events": all_events[i],
                "confounds": _named_columns(all_confounds[i]),
                "t_r": t_r,
                "slice_time_ref": slice_time_ref,
                "design": all_designs[i],
            }
            reader = Reader(img, sample_mask, checked=True)
            run = make_run(reader, source, given, seconds, where=where, fill_first_row=fill_first_row)
        more = {"source": source, "sample_mask": sample_mask, "keeps_time": keeps_time}
        over = scans_kept(all_means[i], img.shape[3], where or "the run", "mean scans")
        if over is not None:
            more["averaged"] = np.isin(np.arange(img.shape[3]) if sample_mask is None else sample_mask, over)
            if not more["averaged"].any():
                raise ValueError(f"none of the mean scans of {where or 'the run'} is kept by its sample mask")
        runs.append(RunInput(**{**vars(run), "name": name}, **more))
    return runs


def _named_columns(confounds: Any) -> Any:
    """Columns of an array get names."""
    if isinstance(confounds, np.ndarray) and confounds.ndim in (1, 2):
        confounds = confounds[:, np.newaxis] if confounds.ndim == 1 else confounds
        return pd.DataFrame(confounds, columns=[f"confound_{j}" for j in range(confounds.shape[1])])
    return confounds


# Runs -----------------------------------------------------------------------------------------------------------------


def _runs(run_imgs: Any) -> tuple[list[Any], list[nib.Nifti1Image]]:
    """Tell one run from many: a list of 3-D volumes is one run, a list of 4-D images or of lists are several."""
    if isinstance(run_imgs, str | PathLike | SpatialImage):
        sources = [run_imgs]
    elif isinstance(run_imgs, Sequence):
        sources = list(run_imgs)
        if not sources:
            raise ValueError("run_imgs is an empty list; give one image for each run")
    else:
        hint = f"; {SWAPPED}" if isinstance(run_imgs, pd.DataFrame) else ""
        raise TypeError(f"run_imgs must be an image, a path or a list of these, not {type(run_imgs).__name__}{hint}")
    imgs = [load_image(source) for source in sources]
    volumes = [i for i, img in enumerate(imgs) if img.ndim == 3]
    if volumes and len(imgs) > 1:
        if len(volumes) < len(imgs):
            raise ValueError(
                f"run_imgs mixes 3-D volumes ({image_name(sources[volumes[0]])}) with 4-D runs: give 4-D images, one "
                "for each run, or lists of 3-D volumes"
            )
        sources, imgs = [sources], [load_image(sources)]
    for source, img in zip(sources, imgs, strict=True):
        if img.ndim != 4:
            raise ValueError(
                f"{image_name(source)} has {img.ndim} dimensions {img.shape}; a run is a 4-D image, one volume per "
                "scan, or a list of 3-D volumes"
            )
    return sources, imgs


def _per_run(given: Any, n_runs: int, what: str, single: tuple[type, ...]) -> list[Any]:
    """One entry a run; a single one may be given bare."""
    if given is None:
        return [None] * n_runs
    is_single = isinstance(given, single) or bool(swapped_image(given))
    entries = [given] if is_single else list(given)
    if len(entries) != n_runs:
        raise ValueError(
            f"{len(entries)} {what.replace('_', ' ')} were given for {count(n_runs, 'run')}; one is needed for each run"
        )
    for i, entry in enumerate(entries):
        if not isinstance(entry, (*single, type(None))):
            wanted = " or ".join(_KINDS[kind] for kind in single if kind is not PathLike)
            raise TypeError(
                f"the {what.replace('_', ' ')} of run {i + 1} must be {wanted}, not {type(entry).__name__}"
                f"{swapped_image(entry)}"
            )
    return entries


_KINDS = {pd.DataFrame: "a table (pandas.DataFrame)", np.ndarray: "an array", str: "a path"}


# Sample masks ---------------------------------------------------------------------------------------------------------


def _sample_masks(given: Any, n_runs: int, called: str = "sample masks") -> list[Any]:
    if given is None:
        return [None] * n_runs
    # One mask may be given bare: its entries are then numbers, not masks.
    entries = list(given)
    masks = [given] if all(entry is not None and np.ndim(entry) == 0 for entry in entries) else entries
    if len(masks) != n_runs:
        raise ValueError(f"{len(masks)} {called} were given for {n_runs} runs; one is needed for each (None: all)")
    return masks
