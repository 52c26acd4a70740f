"""What belongs to a run beside its series, read and checked: events, confounds, an anatomical image."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import pandas as pd

from glmwidgets.files.paths import given_twice, resolved
from glmwidgets.glm.design.confound_groups import undefined_at_first
from glmwidgets.glm.design.confounds import check_confounds
from glmwidgets.glm.events.checks import checked_events, without_duration
from glmwidgets.glm.events.reading import read_events
from glmwidgets.glm.tables import read_table
from glmwidgets.images.grids import LITTLE, share_within
from glmwidgets.images.load import image_name, load_volume

if TYPE_CHECKING:
    from nibabel import Nifti1Image

    from glmwidgets.runs.domain import Domain


def open_events(
    given: Any, source: str | None, missing_duration: float | None
) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """The events, and the table that was given where some of it are left out for want of a duration."""
    table, where = read_events(given, source)
    checked = checked_events(table, where, missing_duration)
    lost = missing_duration is None and without_duration(table).any()
    return checked, table if lost else None


def table_name(what: str, given: Any, where: str | None) -> str | None:
    """What messages call a table: its file, or whose it is; None leaves it to the table's own checks."""
    if isinstance(given, str | PathLike):
        return str(given)
    return f"the {what} of {where}" if where else None


def path_of(given: Any) -> str | None:
    """Whole path of what was given as a file; None for what was given in memory."""
    return str(resolved(given)) if isinstance(given, str | PathLike) else None


def warn_of_repeats(images: Sequence[Any]) -> None:
    """Say that a file was given for two runs, which makes the fixed effects surer than the data are."""
    if twice := given_twice(images):
        path, first, again = twice
        warnings.warn(
            f"the image {path} was given for run {first + 1} and for run {again + 1}: the fixed effects count its "
            "scans twice",
            stacklevel=4,
        )


def open_confounds(given: Any, n_scans: int, where: str | None, fill_first_row: bool | None) -> pd.DataFrame:
    """The confounds, a row a scan; a first row that fMRIPrep leaves empty is filled."""
    source = table_name("confounds", given, where)
    if fill_first_row is not None:
        return check_confounds(given, n_scans, source, fill_first_row)
    table = read_table(given, "confounds") if isinstance(given, str | PathLike) else given
    if isinstance(table, pd.DataFrame) and len(table):
        empty = [name for name in undefined_at_first(table.columns) if pd.isna(table[name].iloc[0])]
        if empty:
            table = table.copy()
            table.loc[table.index[0], empty] = 0.0
    # Which columns are modelled is chosen later: those are judged then.
    return check_confounds(table, n_scans, source, judged=False)


def open_anatomical(given: Any, domain: Domain) -> Nifti1Image:
    """The anatomical image, if it lies where the run does."""
    img = load_volume(given, "an anatomical image")
    share, name = share_within(domain, img), image_name(given)
    if share == 0:
        raise ValueError(
            f"the anatomical image {name} does not overlap the run: check whether it belongs to the same participant"
        )
    if share < LITTLE:
        warnings.warn(
            f"only {100 * share:.0f} % of the run lies within the anatomical image {name}: look whether they are in "
            "register",
            stacklevel=4,
        )
    return img


def checked_slice_time_ref(slice_time_ref: float | str) -> float:
    """The moment within a scan that its times stand for, a share of the time between scans, as a number.

    Raises
    ------
    ValueError
        If it is none from 0 to 1.
    """
    try:
        share = float(slice_time_ref)
    except (TypeError, ValueError):
        raise ValueError(f"slice_time_ref must be a number from 0 to 1, not {slice_time_ref!r}") from None
    if not 0 <= share <= 1:
        raise ValueError(f"slice_time_ref must be at least 0 and at most 1, not {share:g}")
    return share
