"""From events to columns of a design: convolution at the scans that see an event, exactly or on a fine time grid.

Exactly, a regressor at a scan is the response's integral between the two ends of each event, or its value where an
event has no length (`glmwidgets.glm.response.exact`): equal events are equal wherever they begin.

On nilearn's grid, events become boxes on `oversampling` steps per scan, and a box is a step up and a step down. The
convolution of a step with a kernel is the kernel's running sum, so a regressor at a scan is

``y(m) = sum over events of amplitude * (R(m - on) - R(m - off))``,  ``R = cumsum(kernel)``

and needs no convolution on the fine grid: each event is added to the scans that it reaches, and to no others. The
result is that of ``np.convolve`` to rounding error, and exactly 0 where no event reaches.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.design.convolution import is_exact
from glmwidgets.glm.design.times import evenly_spaced, scan_spacing
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.orthogonal import orthogonalize
from glmwidgets.glm.response.models import HRFModel, Response, resolve_hrf
from glmwidgets.plural import count

# Events of one duration may differ by this share of their size on the grid before somebody is told.
UNEQUAL = 0.05


@dataclass(frozen=True)
class FineGrid:
    """Where events are placed in time, and where the scans lie among those places.

    Attributes
    ----------
    times : array of shape (n_steps,)
        Grid points in seconds, from ``frame_times[0] + min_onset`` to about one scan after the last.
    before : int array of shape (n_scans,)
        Index of the last grid point before each scan.
    weight : array of shape (n_scans,)
        Weight of the grid point after it, for linear interpolation.
    t_r : float
        Time between two scans, in seconds; of scans that are not evenly spaced, the mean.
    oversampling : int
        Steps per scan.
    """

    times: np.ndarray
    before: np.ndarray
    weight: np.ndarray
    t_r: float
    oversampling: int


def check_design_times(frame_times: np.ndarray, oversampling: int, min_onset: float) -> np.ndarray:
    """Times of the scans of a design, as floats; the arguments are those of `fine_grid`.

    Raises
    ------
    ValueError
        If there are fewer than two scans, their times do not increase, or another argument is out of range.
    """
    frame_times = np.asarray(frame_times, dtype=np.float64)
    if frame_times.ndim != 1 or frame_times.size < 2:
        raise ValueError(f"a design needs the times of at least two scans, not {frame_times.size}")
    if not np.isfinite(frame_times).all() or (np.diff(frame_times) <= 0).any():
        raise ValueError("frame_times must be finite and increase from scan to scan")
    if oversampling != int(oversampling) or oversampling < 1:
        raise ValueError(f"oversampling must be a whole number of steps per scan, 1 or more, not {oversampling}")
    if not min_onset <= 0:
        raise ValueError(f"min_onset is relative to the first scan, in seconds, and must be 0 or less, not {min_onset}")
    return frame_times


#: Events are sampled at no more times: 160 MB a column.
MOST_STEPS = 20_000_000


def fine_grid(frame_times: np.ndarray, oversampling: int = 50, min_onset: float = -24.0) -> FineGrid:
    """Lay the grid on which events are sampled.

    The grid ends at ``t_max (1 + 1 / (n - 1))`` and both its ends are included, so that its step is not
    always exactly ``t_r / oversampling``: this is nilearn's grid, to which the columns owe their equality.

    Parameters
    ----------
    frame_times : array of shape (n_scans,)
        Increasing times of the scans in seconds.
    oversampling : int
        Steps per scan.
    min_onset : float
        Seconds relative to the first scan at which the grid starts; 0 or less.

    Returns
    -------
    FineGrid

    Raises
    ------
    ValueError
        If there are fewer than two scans, their times do not increase, or another argument is out of range.

    Examples
    --------
    >>> grid = fine_grid(np.arange(5) * 2.0)
    >>> grid.t_r, grid.times.size, float(grid.times[0])
    (2.0, 851, -24.0)
    """
    frame_times = check_design_times(frame_times, oversampling, min_onset)
    n, first, last = frame_times.size, frame_times[0], frame_times[-1]
    end = last * (1 + 1.0 / (n - 1))
    n_steps = (n - 1) * 1.0 / (last - first) * ((end - first - min_onset) * oversampling) + 1
    if n_steps > MOST_STEPS:
        step = (last - first) / (n - 1)
        raise InputError(
            f"events would be sampled at {n_steps:,.0f} times (scans every {step:g} s, {oversampling} steps a scan, "
            f"from {min_onset:g} s on), and no more than {MOST_STEPS:,} fit; is the time between scans in seconds?"
        )
    times = np.linspace(first + min_onset, end, int(np.rint(n_steps)))
    after = np.clip(np.searchsorted(times, frame_times), 1, times.size - 1)
    weight = (frame_times - times[after - 1]) / (times[after] - times[after - 1])
    # The grid's steps are shares of the mean spacing; a response is sampled in the same ones.
    t_r = np.min(np.diff(frame_times)) if evenly_spaced(frame_times) else (times[1] - times[0]) * oversampling
    return FineGrid(times, after - 1, weight, float(t_r), int(oversampling))


def compute_regressor(
    exp_condition: Iterable[np.ndarray],
    hrf_model: HRFModel,
    frame_times: np.ndarray,
    con_id: str = "cond",
    oversampling: int = 50,
    fir_delays: Iterable[int] | None = None,
    min_onset: float = -24.0,
    *,
    convolution: str | None = None,
) -> tuple[np.ndarray, list[str]]:
    """Columns of one condition.

    Parameters
    ----------
    exp_condition : three arrays of shape (n_events,)
        Onsets in seconds, durations in seconds, amplitudes.
    hrf_model : str, callable, sequence of callables, or None
        See `glmwidgets.glm.response.models.resolve_hrf`.
    frame_times : array of shape (n_scans,)
        Times of the scans in seconds.
    con_id : str
        Name of the condition.
    oversampling : int
        Steps per scan of the grid on which events are sampled.
    fir_delays : iterable of int, optional
        Delays in scans for ``hrf_model="fir"``.
    min_onset : float
        Events that are over before this time, in seconds relative to the first scan, are dropped.
    convolution : {None, "exact", "grid"}
        A key of `glmwidgets.glm.design.convolution.CONVOLUTIONS`.

    Returns
    -------
    array of shape (n_scans, n_columns)
        float64.
    list of str
        Names of the columns.

    Raises
    ------
    ValueError
        If a duration is negative, or another argument out of range.

    Warns
    -----
    UserWarning
        If events before `min_onset` are dropped or cut.

    Notes
    -----
    nilearn documents that events before `min_onset` are not considered, and moves them to it. Here an event
    that is over by then is dropped, and one that still lasts is cut to what remains.

    Examples
    --------
    >>> condition = ([2.0, 20.0], [4.0, 4.0], [1.0, 1.0])
    >>> column, names = compute_regressor(condition, "spm", np.arange(20) * 2.0, con_id="face")
    >>> column.shape, names
    ((20, 1), ['face'])
    """
    onsets, durations, amplitudes = (np.asarray(values, dtype=np.float64) for values in exp_condition)
    if (durations < 0).any():
        raise ValueError(f"{con_id!r} has an event of negative duration ({durations.min():g} s)")
    response = resolve_hrf(hrf_model, fir_delays)
    if is_exact(convolution, response):
        times = check_design_times(frame_times, oversampling, min_onset)
        columns = convolve_exactly(onsets, durations, amplitudes, response, times, con_id, times[0] + min_onset)
    else:
        grid = fine_grid(frame_times, oversampling, min_onset)
        columns = convolve_events(onsets, durations, amplitudes, response, grid, con_id)
    return columns, response.column_names(con_id)


def convolve_events(
    onsets: np.ndarray,
    durations: np.ndarray,
    amplitudes: np.ndarray,
    response: Response,
    grid: FineGrid,
    condition: str,
) -> np.ndarray:
    """Columns of one condition on a grid that is laid, for a response that is resolved.

    Parameters
    ----------
    onsets, durations, amplitudes : arrays of shape (n_events,)
        Seconds, seconds, and heights.
    response : Response
        From `glmwidgets.glm.response.models.resolve_hrf`.
    grid : FineGrid
        From `fine_grid`.
    condition : str
        Its name, for the warning.

    Returns
    -------
    array of shape (n_scans, n_columns)
    """
    onsets, ends, amplitudes = _from_earliest(onsets, durations, amplitudes, response, grid.times[0], condition)
    on, off = _event_bins(onsets, ends if response.uses_duration else onsets, grid.times)

    # FIR kernels count from the start of the scan, which lies up to one scan before the event.
    lead = grid.oversampling - 1 if response.shifted_one_scan else 0
    before = grid.before + lead
    kernels = response.kernels(grid.t_r, grid.oversampling)
    longest = max(kernel.size for kernel in kernels)
    event, scan = _pairs_within_reach(before, on, off + longest)
    since_on, since_off = before[scan] - (on - 1)[event], before[scan] - (off - 1)[event]
    amplitude, weight = amplitudes[event], grid.weight[scan]
    columns = []
    for kernel in kernels:
        running = np.concatenate([[0.0], np.cumsum(kernel)])
        # mode="clip": 0 before the event, the whole sum once the kernel has passed.
        left = running.take(since_on, mode="clip") - running.take(since_off, mode="clip")
        right = running.take(since_on + 1, mode="clip") - running.take(since_off + 1, mode="clip")
        values = amplitude * (left + weight * (right - left))
        columns.append(np.bincount(scan, values, minlength=before.size))
    columns = np.column_stack(columns)
    return orthogonalize(columns) if response.orthogonal else columns


def convolve_exactly(
    onsets: np.ndarray,
    durations: np.ndarray,
    amplitudes: np.ndarray,
    response: Response,
    frame_times: np.ndarray,
    condition: str,
    earliest: float = -np.inf,
    t_r: float | None = None,
) -> np.ndarray:
    """Columns of one condition, without a grid.

    ``y(t) = sum over events of amplitude * (H(t - onset) - H(t - end))``, with H the integral of the response; of an
    event of no length, the limit of a short one of unit area, ``amplitude * h(t - onset)``.

    Parameters
    ----------
    onsets, durations, amplitudes : arrays of shape (n_events,)
        Seconds, seconds, and heights.
    response : Response
        From `glmwidgets.glm.response.models.resolve_hrf`.
    frame_times : array of shape (n_scans,)
        Increasing times of the scans in seconds.
    condition : str
        Its name, for warnings.
    earliest : float
        Seconds. Events that are over by then are dropped, and others cut to what remains.
    t_r : float, optional
        Seconds that the boxes of a FIR model last: `glmwidgets.glm.design.times.scan_spacing`, where it is known.

    Returns
    -------
    array of shape (n_scans, n_columns)

    Warns
    -----
    UserWarning
        If events are dropped or cut, or events of no length have no response to be seen by.

    Examples
    --------
    Two events of 50 ms weigh the same, wherever they begin.

    >>> times, short = np.arange(60) * 2.0, np.full(2, 0.05)
    >>> column = convolve_exactly(np.array([10, 70.01]), short, np.ones(2), resolve_hrf("spm"), times, "a")
    >>> float(column[:30].sum().round(3)), float(column[30:].sum().round(3))
    (0.025, 0.025)
    """
    onsets, ends, amplitudes = _from_earliest(onsets, durations, amplitudes, response, earliest, condition)
    t_r = scan_spacing(frame_times) if t_r is None else t_r
    exact = response.exact(t_r)
    short = ends == onsets if response.uses_duration else np.ones(onsets.size, dtype=bool)
    # FIR boxes count from the start of the scan, which lies up to one scan before the event.
    times = frame_times + t_r if response.shifted_one_scan else frame_times
    columns = np.zeros((len(response.suffixes), times.size))
    if not short.all():
        # A step up and a step down. From where the last of them has settled nothing is added: exactly 0 stays.
        onset, end, amplitude = onsets[~short], ends[~short], amplitudes[~short]
        gone = np.searchsorted(times, end + exact.seconds)
        edges, weights = np.concatenate([onset, end]), np.concatenate([amplitude, -amplitude])
        columns += _summed(exact.integral, edges, weights, np.tile(gone, 2), times)
    if short.any() and exact.value is not None:
        gone = np.searchsorted(times, onsets[short] + exact.seconds, side="right")
        columns += _summed(exact.value, onsets[short], amplitudes[short], gone, times)
    elif short.any():
        warnings.warn(
            f"{condition!r}: {count(int(short.sum()), 'event')} with a duration of 0, which no scan sees without a "
            "response; give them a duration, or a response",
            stacklevel=4,
        )
    return orthogonalize(columns.T) if response.orthogonal else columns.T


def _summed(
    functions: Callable[[np.ndarray], np.ndarray],
    edges: np.ndarray,
    weights: np.ndarray,
    gone: np.ndarray,
    times: np.ndarray,
) -> np.ndarray:
    """Functions of the seconds since each edge, summed over edges at the scans from it to `gone`."""
    first = np.searchsorted(times, edges)
    count, scan = _scans(first, gone)
    values = functions(times.take(scan) - np.repeat(edges, count))
    weights = np.repeat(weights, count)
    return np.stack([np.bincount(scan, row, minlength=times.size) for row in np.multiply(values, weights, out=values)])


def _from_earliest(
    onsets: np.ndarray,
    durations: np.ndarray,
    amplitudes: np.ndarray,
    response: Response,
    earliest: float,
    condition: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Onsets, ends and amplitudes without what lies before the earliest time that counts."""
    ends = onsets + durations
    early = onsets < earliest
    if not early.any():
        return onsets, ends, amplitudes
    over = early & ((ends <= earliest) | (not response.uses_duration))
    warnings.warn(
        f"{condition!r} has {count(int(early.sum()), 'event')} with a start before {earliest:g} s (min_onset): "
        f"those that end before it ({int(over.sum())}) are dropped, the others are cut to what remains",
        stacklevel=5,
    )
    return np.maximum(onsets[~over], earliest), ends[~over], amplitudes[~over]


def unequal_on_grid(onsets: np.ndarray, durations: np.ndarray, grid: FineGrid) -> str:
    """Why the grid does not tell events as they are, in a clause; empty if it does.

    Parameters
    ----------
    onsets, durations : arrays of shape (n_events,)
        Seconds.
    grid : FineGrid

    Returns
    -------
    str

    Examples
    --------
    >>> grid = fine_grid(np.arange(60) * 2.0)
    >>> unequal_on_grid(np.array([10.0, 70.01]), np.array([0.05, 0.05]), grid)
    'events of the same duration (0.05 s) differ in size by a factor of 2.0 on the time grid of 0.04 s'
    >>> unequal_on_grid(np.array([10.0, 70.0]), np.array([0.0, 4.0]), grid)
    '1 event has a duration of 0, whose weight depends on the repetition time: it counts as 0.04 s'
    """
    step = float(np.diff(grid.times[:2])[0])
    none = int((durations == 0).sum())
    if none:
        said = f"{none} event{'s have' if none > 1 else ' has'} a duration of 0, whose weight depends on"
        return f"{said} the repetition time: it counts as {step:.3g} s"
    on, off = _event_bins(onsets, onsets + durations, grid.times)
    whole = (on > 0) & (off < grid.times.size - 1)
    factor, of = 1.0, 0.0
    for duration in np.unique(durations.round(6)):
        sizes = (off - on)[whole & (durations.round(6) == duration)]
        if sizes.size and sizes.max() > factor * sizes.min():
            factor, of = float(sizes.max() / sizes.min()), float(duration)
    if factor <= 1 + UNEQUAL:
        return ""
    equal = f"events of the same duration ({of:g} s) differ in size by a factor of {factor:.1f}"
    return f"{equal} on the time grid of {step:.3g} s"


def _event_bins(onsets: np.ndarray, ends: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First grid point of each event, and the first one after it; an instant gets one point."""
    last = times.size - 1
    on = np.minimum(np.searchsorted(times, onsets), last)
    off = np.minimum(np.searchsorted(times, ends), last)
    return on, np.where((off == on) & (off < last), off + 1, off)


def _pairs_within_reach(before: np.ndarray, on: np.ndarray, gone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every event with every scan that can show it: ``before + 1 >= on`` and ``before < gone``."""
    count, scan = _scans(np.searchsorted(before + 1, on), np.searchsorted(before, gone))
    return np.repeat(np.arange(count.size), count), scan


def _scans(first: np.ndarray, gone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many scans each event has, from `first` to just before `gone`, and these scans, one event after the other."""
    count = np.maximum(gone - first, 0)
    start_of_event = np.cumsum(count) - count
    return count, np.arange(count.sum()) + np.repeat(first - start_of_event, count)
