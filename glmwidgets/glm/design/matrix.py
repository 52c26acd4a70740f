"""The design matrix of a run: conditions, confounds, drifts and the constant, side by side."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.design.collinearity import dependent_columns
from glmwidgets.glm.design.confounds import Confounds, check_confounds, is_constant
from glmwidgets.glm.design.convolution import is_exact
from glmwidgets.glm.design.drift import make_drift
from glmwidgets.glm.design.regressors import (
    FineGrid,
    check_design_times,
    compute_regressor,
    convolve_events,
    convolve_exactly,
    fine_grid,
    unequal_on_grid,
)
from glmwidgets.glm.design.times import scan_spacing
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.events.checks import (
    Events,
    check_events,
    event_warnings,
    looks_like_milliseconds,
    milliseconds_message,
    outside_message,
    run_window,
    when_message,
)
from glmwidgets.glm.response.models import HRFModel, Response, resolve_hrf

__all__ = ["check_confounds", "compute_regressor", "frame_times", "make_first_level_design_matrix"]

#: A design has no more columns, unless there are more scans.
MOST_COLUMNS = 2_000

# A column this much lower than one whole response comes from events that no scan has seen.
_NEGLIGIBLE = 1e-3


def frame_times(n_scans: int, t_r: float, slice_time_ref: float = 0.0) -> np.ndarray:
    """Times of the scans.

    ``t_i = (i + slice_time_ref) t_r``

    Parameters
    ----------
    n_scans : int
        Number of scans.
    t_r : float
        Repetition time in seconds.
    slice_time_ref : float
        Where in a scan its values are taken to be measured, from 0 (its start) to 1 (its end).

    Returns
    -------
    array of shape (n_scans,)
        Seconds.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> frame_times(3, t_r=2.0, slice_time_ref=0.5).tolist()
    [1.0, 3.0, 5.0]
    """
    if n_scans < 1:
        raise ValueError(f"a run has at least one scan, not {n_scans}")
    if not (np.isfinite(t_r) and t_r > 0):
        raise ValueError(f"t_r is the time from one scan to the next in seconds and must be positive, not {t_r}")
    if not 0 <= slice_time_ref <= 1:
        raise ValueError(f"slice_time_ref is a share of the repetition time, from 0 to 1, not {slice_time_ref}")
    return np.linspace(slice_time_ref * t_r, (n_scans - 1 + slice_time_ref) * t_r, n_scans)


def make_first_level_design_matrix(
    frame_times: np.ndarray,
    events: Events | None = None,
    hrf_model: HRFModel = "glover",
    drift_model: str | None = "cosine",
    high_pass: float = 0.01,
    drift_order: int = 1,
    fir_delays: Iterable[int] | None = None,
    add_regs: Confounds | None = None,
    add_reg_names: Sequence[str] | None = None,
    min_onset: float = -24.0,
    oversampling: int = 50,
    outside: str = "error",
    *,
    convolution: str | None = None,
) -> pd.DataFrame:
    """Design matrix of one run.

    Parameters
    ----------
    frame_times : array of shape (n_scans,)
        Times of the scans in seconds.
    events : DataFrame, str or path, optional
        See `glmwidgets.glm.events.checks.check_events`.
    hrf_model : str, callable, sequence of callables, or None
        See `glmwidgets.glm.response.models.HRFS` for the names.
    drift_model : {"cosine", "polynomial", "none"} or None
        See `glmwidgets.glm.design.drift.DRIFTS`.
    high_pass : float
        Cut-off of the cosines in Hz.
    drift_order : int
        Highest power of the polynomial.
    fir_delays : iterable of int, optional
        Delays in scans for ``hrf_model="fir"``; ``[0]`` by default.
    add_regs : DataFrame, array, str or path, optional
        Confounds, one row per scan; see `glmwidgets.glm.design.confounds.check_confounds`.
    add_reg_names : sequence of str, optional
        Names of the confounds, if they are an array.
    min_onset : float
        Events that are over by this time, in seconds relative to the first scan, are dropped with a warning.
    oversampling : int
        Steps per scan at which events are sampled before the convolution.
    outside : {"error", "warn"}
        What to do about onsets in milliseconds, and about conditions that never happen during the run and
        give columns of zeros.
    convolution : {None, "exact", "grid"}
        How events meet the response: a key of `glmwidgets.glm.design.convolution.CONVOLUTIONS`.

    Returns
    -------
    DataFrame of shape (n_scans, n_columns)
        float64, indexed by `frame_times`. Columns: the conditions in sorted order, each followed by its
        derivatives; the confounds; ``drift_1`` ...; ``constant``.

    Raises
    ------
    ValueError
        If an argument is out of range, a table is wrong, two columns have one name, or (unless
        ``outside="warn"``) a condition has no event during the run.

    Warns
    -----
    UserWarning
        If something is probably wrong with the events, such as some that lie outside the run (see
        `glmwidgets.glm.events.checks.event_warnings`) or that the time grid tells apart although they are equal, or
        columns depend on each other. nilearn moves the singular values of such a matrix by a part in 1e15; here the
        matrix stays as it is, and the warning names the columns.

    Examples
    --------
    >>> events = pd.DataFrame({"onset": [4.0, 30.0], "duration": 8.0, "trial_type": ["face", "house"]})
    >>> design = make_first_level_design_matrix(np.arange(30) * 2.0, events, hrf_model="spm", drift_model=None)
    >>> design.columns.tolist()
    ['face', 'house', 'constant']
    >>> design.loc[10.0].round(3).tolist()
    [0.663, 0.0, 1.0]
    """
    times = check_design_times(frame_times, oversampling, min_onset)
    source = os.fspath(events) if isinstance(events, (str, os.PathLike)) else None
    checked = None if events is None else check_events(events)
    if add_regs is None and add_reg_names:
        raise ValueError(f"add_reg_names gives {len(add_reg_names)} names, but there are no add_regs")
    confounds = None if add_regs is None else check_confounds(add_regs, times.size, names=add_reg_names)
    return design_of_checked(
        times,
        checked,
        confounds,
        hrf_model=hrf_model,
        drift_model=drift_model,
        high_pass=high_pass,
        drift_order=drift_order,
        fir_delays=fir_delays,
        min_onset=min_onset,
        oversampling=oversampling,
        outside=outside,
        convolution=convolution,
        source=source,
    )


def design_of_checked(
    times: np.ndarray,
    events: pd.DataFrame | None,
    confounds: pd.DataFrame | None,
    *,
    hrf_model: HRFModel = "glover",
    drift_model: str | None = "cosine",
    high_pass: float = 0.01,
    drift_order: int = 1,
    fir_delays: Iterable[int] | None = None,
    min_onset: float = -24.0,
    oversampling: int = 50,
    outside: str = "error",
    convolution: str | None = None,
    source: str | None = None,
) -> pd.DataFrame:
    """`make_first_level_design_matrix` of tables that were checked: a study asks it of them again and again.

    Parameters
    ----------
    times : array of shape (n_scans,)
    events : DataFrame or None
        As `glmwidgets.glm.events.checks.check_events` returns them.
    confounds : DataFrame or None
        As `glmwidgets.glm.design.confounds.check_confounds` returns them.
    hrf_model, drift_model, high_pass, drift_order, fir_delays, min_onset, oversampling, outside, convolution
        As in `make_first_level_design_matrix`.
    source : str, optional
        What messages call the events.

    Returns
    -------
    DataFrame of shape (n_scans, n_columns)

    Raises
    ------
    ValueError
        As `make_first_level_design_matrix` does.

    Examples
    --------
    >>> events = check_events(pd.DataFrame({"onset": [4.0], "duration": 8.0, "trial_type": "face"}))
    >>> design_of_checked(np.arange(30) * 2.0, events, None, drift_model=None).columns.tolist()
    ['face', 'constant']
    """
    check_choice("outside", outside, ("error", "warn"))
    times = check_design_times(times, oversampling, min_onset)
    blocks, names = [], []
    told = np.zeros(0, dtype=int)  # columns that the check of the confounds has warned of
    if events is not None:
        response = resolve_hrf(hrf_model, fir_delays)
        n_columns = events["trial_type"].nunique() * len(response.suffixes)
        _refuse_many(n_columns, times.size)
        grid = None if is_exact(convolution, response) else fine_grid(times, oversampling, min_onset)
        columns, names = _conditions(events, response, grid, times, times[0] + min_onset, outside, source)
        blocks.append(columns)
    if confounds is not None:
        _refuse_many(len(names) + confounds.shape[1], times.size)
        blocks.append(confounds.to_numpy())
        told = len(names) + np.flatnonzero(is_constant(blocks[-1]))
        names = [*names, *confounds.columns]
    drift, drift_names = make_drift(drift_model, times, high_pass, drift_order)
    names = [*names, *drift_names]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(
            f"two columns of the design would be called {', '.join(map(repr, repeated))}; "
            "rename the condition or the confound"
        )
    columns = np.hstack([*blocks, drift])
    untold = np.setdiff1d(np.arange(len(names)), told)
    _warn_if_dependent(columns[:, untold], [names[j] for j in untold])
    return pd.DataFrame(columns, index=times, columns=names)


def _refuse_many(n_columns: int, n_scans: int) -> None:
    if n_columns > max(MOST_COLUMNS, n_scans):
        raise InputError(f"the design would have {n_columns:,} columns for {n_scans:,} scans: choose fewer")


def _conditions(
    events: pd.DataFrame,
    response: Response,
    grid: FineGrid | None,
    times: np.ndarray,
    earliest: float,
    outside: str,
    source: str | None,
) -> tuple[np.ndarray, list[str]]:
    """Columns of every condition, and a complaint about those that the run does not show."""
    prefix = f"{source}: " if source else ""

    def complain(message: str) -> None:
        if outside == "error":
            raise InputError(prefix + message, advice={"function": 'or pass outside="warn" to go on'})
        warnings.warn(prefix + message, stacklevel=5)

    onset, duration, modulation = (events[name].to_numpy() for name in ("onset", "duration", "modulation"))
    trial_type = events["trial_type"].to_numpy(dtype=object)
    start, end = run_window(times)
    if looks_like_milliseconds(onset, end):
        complain(milliseconds_message(onset, end))
    t_r = scan_spacing(times)
    blocks, names = [], []
    for condition in sorted(set(trial_type)):
        rows = trial_type == condition
        kind = onset[rows], duration[rows], modulation[rows]
        if grid is None:
            columns = convolve_exactly(*kind, response, times, condition, earliest, t_r)
            # What an event of its length, or a second of a longer one, gives at the height of the response.
            length = np.where(kind[1] == 0, 1.0, np.minimum(kind[1], 1.0)).max() if response.uses_duration else 1.0
            whole_response = length * response.exact(t_r).heights.min()
        else:
            columns = convolve_events(*kind, response, grid, condition)
            whole_response = min(np.abs(kernel).max() for kernel in response.kernels(grid.t_r, grid.oversampling))
            unequal = unequal_on_grid(*kind[:2], grid) if response.uses_duration else ""
            if unequal:
                warnings.warn(f'{prefix}{condition!r}: {unequal}; convolution="exact" has no grid', stacklevel=4)
        amplitude = np.abs(modulation[rows]).max()
        if amplitude == 0:
            complain(f"{condition!r} has modulation 0 in all its events: give them another, or remove the type")
        elif np.abs(columns).max() < _NEGLIGIBLE * whole_response * amplitude:
            complain(_no_trace(condition, onset[rows], duration[rows], start, end))
        blocks.append(columns)
        names += response.column_names(condition)
    for finding in event_warnings(events, times):
        # What is an error stands above, as a response may reach where the event itself does not.
        if finding.severity == "warning":
            warnings.warn(prefix + finding.message, stacklevel=4)
    return np.hstack(blocks), names


def _no_trace(condition: str, onset: np.ndarray, duration: np.ndarray, start: float, end: float) -> str:
    if ((onset >= end) | (onset + duration < start)).all():
        return f"{outside_message(condition, onset, start, end)}. Correct the onsets or remove it"
    return (
        f"{condition!r} leaves no trace in any scan: {when_message(onset)}, and no scan comes within the response that "
        "hrf_model gives them. Give the events a duration or a response, or remove them"
    )


def _warn_if_dependent(columns: np.ndarray, names: Sequence[str]) -> None:
    """Name the columns that can be written with the others."""
    empty, dependent = (", ".join(repr(names[j]) for j in which) for which in dependent_columns(columns))
    complaints = [f"zero in every scan: {empty}"] if empty else []
    complaints += [f"combinations of each other: {dependent}"] if dependent else []
    if complaints:
        warnings.warn(
            f"the design matrix is rank deficient. Columns {'; columns '.join(complaints)}. "
            "Contrasts of these columns may not be estimable",
            stacklevel=4,
        )
