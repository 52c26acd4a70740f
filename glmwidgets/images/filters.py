"""Filters of series by frequency: which waves are taken out, before any model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import butter, sosfiltfilt

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.design.drift import make_drift
from glmwidgets.glm.design.matrix import frame_times
from glmwidgets.glm.errors import InputError


@dataclass(frozen=True)
class Filter:
    """How waves are taken out.

    Attributes
    ----------
    label : str
        For people.
    filtered : function of (series, low_pass, high_pass, t_r), or None
        The series without them.
    columns : function of (n_scans, low_pass, high_pass, t_r), or None
        Columns that are taken out with the confounds.
    takes_low_pass : bool
        Whether fast waves can be taken out.
    """

    label: str
    filtered: Callable[..., np.ndarray] | None = None
    columns: Callable[..., np.ndarray] | None = None
    takes_low_pass: bool = True


def butterworth(
    series: np.ndarray,
    low_pass: float | None = None,
    high_pass: float | None = None,
    t_r: float = 1.0,
    order: int = 5,
) -> np.ndarray:
    """Filter series forwards and backwards with a Butterworth filter, which shifts no wave in time.

    Parameters
    ----------
    series : array of shape (n_scans, ...)
        In even steps of time.
    low_pass, high_pass : float, optional
        Cut-offs in Hz, at which a wave keeps half of its amplitude.
    t_r : float
        Seconds between scans.
    order : int
        Of the filter; it is run twice.

    Returns
    -------
    array of the same shape and precision

    Raises
    ------
    InputError
        If a cut-off is not between zero and half the sampling rate, they leave nothing between them, or the scans are
        too few.

    Examples
    --------
    >>> seconds = np.arange(200.0)
    >>> waves = np.sin(0.02 * np.pi * seconds), np.sin(0.6 * np.pi * seconds)
    >>> left = butterworth(waves[0] + waves[1], low_pass=0.1)
    >>> bool(np.abs(left - waves[0])[20:-20].max() < 0.01)
    True
    """
    row = filter_row("butterworth", low_pass, high_pass, t_r)
    if row is None:
        return np.array(series)
    cuts, kind = {
        (True, False): (low_pass, "low"),
        (False, True): (high_pass, "high"),
        (True, True): ([high_pass, low_pass], "band"),
    }[low_pass is not None, high_pass is not None]
    sections = butter(order, cuts, kind, output="sos", fs=1 / t_r)
    try:
        return sosfiltfilt(sections, series, axis=0).astype(series.dtype, copy=False)
    except ValueError as error:
        if "padlen" not in str(error):
            raise
        raise InputError(
            f"{len(series)} scans are too few for a Butterworth filter of order {order}",
            advice='filter="cosine" takes slow waves out of short runs',
        ) from error


def _cosines(n_scans: int, low_pass: float | None, high_pass: float, t_r: float) -> np.ndarray:
    drift, names = make_drift("cosine", frame_times(n_scans, t_r), high_pass=high_pass)
    return drift[:, [name != "constant" for name in names]]


#: How waves can be taken out.
FILTERS = {
    "butterworth": Filter("Butterworth filter of order 5, run forwards and backwards", filtered=butterworth),
    "cosine": Filter("cosines below the cut-off, with the confounds", columns=_cosines, takes_low_pass=False),
}


def filter_row(filter: Any, low_pass: float | None, high_pass: float | None, t_r: float | None) -> Filter | None:
    """The filter that is asked for, its cut-offs checked; None where there is nothing to filter.

    Parameters
    ----------
    filter : {"butterworth", "cosine", None, False}
    low_pass, high_pass : float, optional
        Hz.
    t_r : float, optional
        Seconds between scans.

    Returns
    -------
    Filter or None

    Raises
    ------
    InputError
        If there is no such filter, or the cut-offs cannot be.
    """
    if filter is None or filter is False or (low_pass is None and high_pass is None):
        return None
    row = FILTERS[check_choice("filter", filter, FILTERS)]
    given = {name: value for name, value in (("high_pass", high_pass), ("low_pass", low_pass)) if value is not None}
    if t_r is None:
        raise InputError(
            f"a {next(iter(given))} in Hz means nothing without the time between scans: give t_r in seconds"
        )
    if low_pass is not None and not row.takes_low_pass:
        raise InputError(f'filter="{filter}" takes out slow waves only, and low_pass={low_pass:g} Hz is asked for')
    fastest = 0.5 / t_r
    for name, value in given.items():
        if not 0 < value < fastest:
            raise InputError(f"{name} must lie between 0 and {fastest:g} Hz (half a wave a scan), not at {value:g}")
    if low_pass is not None and high_pass is not None and high_pass >= low_pass:
        raise InputError(f"high_pass={high_pass:g} and low_pass={low_pass:g} Hz leave no wave between them")
    return row
