"""When scans were taken: evenly spaced or not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from glmwidgets.plural import count

#: Share of the mean spacing by which scans may come early or late and still count as evenly spaced.
UNEVEN = 1e-3


def evenly_spaced(frame_times: ArrayLike) -> bool:
    """Whether scans follow each other in even steps.

    Parameters
    ----------
    frame_times : array-like of shape (n_scans,)
        Seconds.

    Returns
    -------
    bool

    Examples
    --------
    >>> evenly_spaced([0, 2, 4, 6]), evenly_spaced([0, 2, 4, 12, 14, 16])
    (True, False)
    """
    steps = np.diff(np.asarray(frame_times, dtype=np.float64))
    return bool(steps.size == 0 or np.abs(steps - steps.mean()).max() <= UNEVEN * abs(steps.mean()))


def scan_spacing(frame_times: np.ndarray) -> float:
    """Seconds from one scan to the next; of scans that are not evenly spaced, the mean.

    Parameters
    ----------
    frame_times : array of shape (n_scans,)
        Seconds, at least two.

    Examples
    --------
    >>> scan_spacing(np.array([0.0, 2, 4, 12]))
    4.0
    """
    if evenly_spaced(frame_times):
        return float(np.min(np.diff(frame_times)))
    return float((frame_times[-1] - frame_times[0]) / (frame_times.size - 1))


def check_scan_times(frame_times: ArrayLike, n_scans: int, name: str = "frame_times") -> np.ndarray:
    """Times of scans that were given one by one.

    Parameters
    ----------
    frame_times : array-like of shape (n_scans,)
        Seconds.
    n_scans : int
        Number of scans that there are.
    name : str
        What messages call them.

    Returns
    -------
    array of float of shape (n_scans,)

    Raises
    ------
    ValueError
        If they are not as many as the scans, not finite, or do not increase; the message counts scans from 0.
    """
    try:
        times = np.asarray(frame_times, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be one number of seconds for each scan") from None
    if times.shape != (n_scans,):
        raise ValueError(f"{name} holds {count(times.size, 'time')} for {n_scans} scans: give one for each")
    wrong = np.flatnonzero(~np.isfinite(times))
    if wrong.size:
        raise ValueError(f"{name}: the time of scan {wrong[0]} (counted from 0) is not a finite number")
    wrong = np.flatnonzero(np.diff(times) <= 0)
    if wrong.size:
        raise ValueError(f"{name} must increase: scan {wrong[0] + 1} (counted from 0) is not after the one before it")
    return times
