"""Regions of interest of a session: found, listed, and measured under the model that is on screen."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from nibabel.spatialimages import SpatialImage

from glmwidgets.analysis.signal_change import change_table
from glmwidgets.files.writing import write_text
from glmwidgets.glm.errors import InputError, told
from glmwidgets.glm.tables import tsv
from glmwidgets.images.mask import match_mask
from glmwidgets.regions.interest import RegionOfInterest, write_label_image
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.regions import RegionsSettings
from glmwidgets.specification.search import label_in_full, region_of_interest, voxels_at

if TYPE_CHECKING:
    from glmwidgets.analysis.thresholding import Clusters
    from glmwidgets.session.single.session import Session

PATH = "regions.found"

NONE = "there is no region of interest: add one first"


def text_of_region(session: Session, how: str | np.ndarray | SpatialImage) -> str:
    """A region as settings hold it, from what a person gives.

    Parameters
    ----------
    session : Session
    how : str, bool array of shape (nx, ny, nz), or image
        ``"sphere X Y Z RADIUS"``, ``"mask PATH"``, ``'label "NAME" ATLAS'``, a mask; ``'label NAME'`` of the atlas that
        is set, ``"cluster NUMBER"`` of the table on screen.

    Returns
    -------
    str

    Raises
    ------
    SettingsError
        If there is no such cluster, atlas or region of it.
    """
    if not isinstance(how, str):
        mask = match_mask(how, session.domain.like) if isinstance(how, SpatialImage) else np.asarray(how)
        if mask.shape != session.shape:
            raise SettingsError(PATH, f"a mask has the shape of the run's volumes, {session.shape}, not {mask.shape}")
        return voxels_at("given", mask.astype(bool))
    kind, _, number = how.strip().partition(" ")
    if kind == "cluster" and number.strip().isdigit():
        return _cluster(session, int(number))
    return label_in_full(how, session.settings.threshold.atlas, PATH)


def _cluster(session: Session, number: int) -> str:
    with session.lock:
        clusters, result = session.clusters, session.result
    if clusters is None:
        raise SettingsError(PATH, "the clusters are still being found: wait until the session is up to date")
    if not 1 <= number <= len(clusters.found):
        raise SettingsError(PATH, f"there is no cluster {number}; the table has {len(clusters.found)}")
    symbol = "|z|" if result.thresholding.two_sided else "z"
    told = f"{number} of {result.settings.contrast.expression} over {symbol} {result.threshold:.2f}"
    return voxels_at("cluster", clusters.labels == number, told)


def free_name_of(session: Session, name: str) -> str:
    """The first of name, name 2 ... that no region has."""
    taken, number, free = session.settings.regions.listed, 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free


def regions_of(session: Session, chosen: RegionsSettings | None = None) -> tuple[RegionOfInterest, ...]:
    """Regions over the voxels that are analysed; of the whole volume before the first result.

    Parameters
    ----------
    session : Session
    chosen : RegionsSettings, optional
        By default those of the session's settings.

    Returns
    -------
    tuple of RegionOfInterest

    Raises
    ------
    SettingsError
        If one cannot be found: its file is gone, or the image is on another grid.
    """
    with session.lock:
        result, clusters = session.result, session.clusters
        listed = (session.settings.regions if chosen is None else chosen).listed
        domain = session.domain if result is None else result.domain
        if session.regions_found[0] is not domain:
            session.regions_found = (domain, {})
        before = session.regions_found[1]
    peaks, found, regions = _peaks(clusters), {}, []
    for name, text in listed.items():
        if text in before:
            found[text] = before[text]
        try:
            regions.append(region_of_interest(name, text, domain, peaks, found))
        except (OSError, ValueError) as error:
            raise SettingsError(PATH, f"{name}: {told(error)}") from error
    if chosen is None:
        session.regions_found = (domain, found)
    return tuple(regions)


def _peaks(clusters: Clusters | None) -> tuple[tuple[int, int, int], ...]:
    return () if clusters is None else tuple(tuple(peak.ijk) for each in clusters.found for peak in each.peaks)


def changes_of_regions(session: Session) -> pd.DataFrame:
    """Percent signal change of every condition in every region; see `glmwidgets.analysis.signal_change.change_table`.

    Raises
    ------
    InputError
        If there is no result or no region yet, or a region cannot be measured.
    """
    regions, result = regions_of(session), session.result
    if result is None:
        raise InputError("there is no result yet: wait until the session is up to date")
    if not regions:
        raise InputError(NONE)
    return change_table(result, regions)


def save_changes(session: Session, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write what `changes_of_regions` gives as tab-separated text.

    Parameters
    ----------
    session : Session
    path : str or path
    overwrite : bool
        Whether a file that exists may be replaced. An earlier table of this session may.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        As in `changes_of_regions`.
    FileExistsError
        If the file was read as an input, or exists and may not be replaced.
    """
    session.current_result()
    text = tsv(changes_of_regions(session))
    return write_text(path, text, "signal change of regions", overwrite=overwrite, by=session)


def save_regions(session: Session, path: str | PathLike[str], *, overwrite: bool = False) -> Path:
    """Write the regions as an image of labels; see `glmwidgets.regions.write_label_image`."""
    regions = regions_of(session)
    if not regions:
        raise InputError(NONE)
    return write_label_image(regions, session.domain.like, path, overwrite=overwrite, by=session)
