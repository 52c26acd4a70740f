"""When scans were taken, by the metadata of BIDS and the image's header."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from glmwidgets.files.json_tree import converted, shown
from glmwidgets.glm.design.times import check_scan_times, evenly_spaced


class Clock(NamedTuple):
    """When the scans of a run were taken.

    Attributes
    ----------
    t_r : float or None
        Seconds between scans, by the sidecars; None leaves it to the header.
    slice_time_ref : float
        Time within a scan that the series are referred to, as a fraction of a scan.
    frame_times : tuple of float or None
        The time of each scan, where they are not in even steps from 0.
    said_by : tuple of pairs of str
        Names of these, and which key of the sidecars says what each is.
    """

    t_r: float | None
    slice_time_ref: float
    frame_times: tuple[float, ...] | None = None
    said_by: tuple[tuple[str, str], ...] = ()


def clock_of(metadata: Mapping[str, Any], image: Path, header_t_r: float | None, n_scans: int) -> Clock:
    """Read the metadata on time.

    Parameters
    ----------
    metadata : mapping
        Of the sidecars: ``RepetitionTime``, ``VolumeTiming``, ``StartTime``, ``SliceTimingCorrected``, ``SliceTiming``,
        ``NumberOfVolumesDiscardedByScanner``, ``NumberOfVolumesDiscardedByUser``.
    image : Path
        For messages.
    header_t_r : float or None
        Seconds between scans by the image's header.
    n_scans : int

    Returns
    -------
    Clock

    Raises
    ------
    ValueError
        If a value is no time; the message names it.

    Warns
    -----
    UserWarning
        If sidecar and header disagree, slices were taken at other times than the model supposes, or volumes were
        discarded.

    Examples
    --------
    >>> clock = clock_of({"RepetitionTime": 2.0, "StartTime": 0.9}, Path("bold.nii"), 2.0, 100)
    >>> clock.t_r, clock.slice_time_ref, clock.said_by[1]
    (2.0, 0.45, ('slice_time_ref', 'StartTime of the sidecar'))
    >>> clock_of({"VolumeTiming": [0, 2, 4, 12, 14]}, Path("bold.nii"), 2.0, 5).frame_times
    (0.0, 2.0, 4.0, 12.0, 14.0)
    """
    _say_discarded(metadata, image)
    t_r = _seconds(metadata, "RepetitionTime", image)
    if t_r is not None and t_r <= 0:
        raise ValueError(f"{image.name}: RepetitionTime of its sidecar must be above 0 s, not {t_r:g}")
    if metadata.get("VolumeTiming") is not None:
        return _by_volume(metadata, image, t_r, n_scans)
    if t_r is not None and header_t_r and abs(header_t_r - t_r) > 0.01 * t_r:
        warnings.warn(
            f"{image.name}: the sidecar gives a TR of {t_r:g} s, the image's header {header_t_r:g} s; the sidecar is "
            "taken",
            stacklevel=5,
        )
    reference = _slice_time_ref(metadata, image, t_r or header_t_r)
    keys = {"t_r": t_r and "RepetitionTime", "slice_time_ref": reference and "StartTime"}
    return Clock(t_r, reference, said_by=_by_sidecar(keys))


def _by_sidecar(keys: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"{key} of the sidecar") for name, key in keys.items() if key)


def _seconds(metadata: Mapping[str, Any], key: str, image: Path) -> float | None:
    value = metadata.get(key)
    if value is None:
        return None
    try:
        found = converted(value, float)
    except ValueError:
        found = np.nan
    if not np.isfinite(found):
        raise ValueError(f"{image.name}: {key} of its sidecar must be a number of seconds, not {shown(value)}")
    return found


def _by_volume(metadata: Mapping[str, Any], image: Path, t_r: float | None, n_scans: int) -> Clock:
    times = check_scan_times(metadata["VolumeTiming"], n_scans, f"{image.name}: VolumeTiming of its sidecar")
    if t_r is not None:
        warnings.warn(
            f"{image.name}: its sidecar has both VolumeTiming and RepetitionTime, of which BIDS allows one; the first "
            "is taken",
            stacklevel=6,
        )
    times = times + (_seconds(metadata, "StartTime", image) or 0.0)
    if evenly_spaced(times) and times[0] == 0:
        return Clock(float(np.diff(times).mean()), 0.0, said_by=_by_sidecar({"t_r": "VolumeTiming"}))
    return Clock(None, 0.0, tuple(map(float, times)), _by_sidecar({"frame_times": "VolumeTiming"}))


def _slice_time_ref(metadata: Mapping[str, Any], image: Path, t_r: float | None) -> float:
    """Where within a scan the series stand: slice-timing correction writes it as StartTime, in seconds."""
    start, corrected = _seconds(metadata, "StartTime", image), metadata.get("SliceTimingCorrected")
    if start is not None and corrected is not False and t_r:
        if not 0 <= start <= t_r:
            raise ValueError(f"{image.name}: StartTime {start:g} s of its sidecar lies outside a scan of {t_r:g} s")
        return start / t_r
    if corrected:
        warnings.warn(
            f"{image.name}: its slices were brought to one time, and no sidecar says to which (StartTime): the "
            "beginning of each scan is taken; fMRIPrep's is the middle by default, slice_time_ref=0.5",
            stacklevel=6,
        )
        return 0.0
    slices = metadata.get("SliceTiming")
    spread = float(np.ptp(slices)) if _is_numbers(slices) else 0.0
    if spread and t_r and spread > t_r:
        raise ValueError(
            f"{image.name}: SliceTiming of its sidecar spans {spread:g} s, and a scan takes {t_r:g} s: it must be in "
            "seconds"
        )
    if spread:
        warnings.warn(
            f"{image.name}: its slices were taken up to {spread:g} s apart, and no sidecar says that they were "
            "brought to one time: all are modelled at the beginning of each scan; slice_time_ref=0.5 takes its middle",
            stacklevel=6,
        )
    return 0.0


def _is_numbers(values: Any) -> bool:
    return isinstance(values, list) and bool(values) and all(isinstance(one, int | float) for one in values)


def _say_discarded(metadata: Mapping[str, Any], image: Path) -> None:
    for who in ("Scanner", "User"):
        n = metadata.get(f"NumberOfVolumesDiscardedBy{who}")
        if n:
            warnings.warn(
                f"{image.name}: its sidecar says that {n} volumes were discarded by the {who.lower()}: onsets must "
                "count from the first scan that is in the image",
                stacklevel=5,
            )
