"""Averages of a series around events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class EventAverage:
    """Mean course of one or several series around events.

    Attributes
    ----------
    lags : array of shape (n_lags,)
        Seconds from the onset.
    mean : array of shape (n_lags, n_series)
        NaN at a lag that lies outside the run for every event.
    error : array of shape (n_lags, n_series)
        Standard error of the mean over events; NaN where fewer than two tell anything.
    counts : array of int, shape (n_lags,)
        Events whose lag lies within the run.
    n_events : int
        Events that any lag of lies within the run.
    """

    lags: np.ndarray
    mean: np.ndarray
    error: np.ndarray
    counts: np.ndarray
    n_events: int


def average_around_events(
    times: np.ndarray, series: np.ndarray, onsets: Sequence[float], lags: np.ndarray, kept: np.ndarray | None = None
) -> EventAverage:
    """Average series over events, at fixed lags from their onsets.

    Between scans the series are interpolated linearly, so that onsets need not fall on scans. The error is the sample
    standard deviation over events divided by the root of their number; it takes events as independent.

    Parameters
    ----------
    times : array of shape (n_scans,)
        Seconds, increasing.
    series : array of shape (n_scans,) or (n_scans, n_series)
    onsets : sequence of float
        Seconds, in any order.
    lags : array of shape (n_lags,)
        Seconds.
    kept : bool array of shape (n_scans,), optional
        Scans that count; what would be read off another is left out.

    Returns
    -------
    EventAverage

    Notes
    -----
    Responses to neighbouring events are part of the average. A fit averaged in the same way holds them alike, and the
    two can be compared; an average alone is no estimate of the response to one event.

    Examples
    --------
    >>> average = average_around_events(np.arange(6.0), np.array([0, 1, 0, 0, 3, 0.0]), [1, 3.5], np.array([0.0, 1.0]))
    >>> average.mean[:, 0].tolist(), average.error[:, 0].tolist()
    ([1.25, 0.75], [0.25, 0.75])
    """
    times, series = np.asarray(times, dtype=float), np.asarray(series, dtype=float)
    series = series[:, None] if series.ndim == 1 else series
    at = np.asarray(onsets, dtype=float).reshape(-1, 1) + lags
    inside = (at >= times[0]) & (at <= times[-1])
    left = np.clip(np.searchsorted(times, at, side="right") - 1, 0, len(times) - 2)
    share = ((at - times[left]) / (times[left + 1] - times[left]))[..., None]
    if kept is not None:
        inside &= (kept[left] | (share[..., 0] >= 1)) & (kept[left + 1] | (share[..., 0] <= 0))
    values = np.where(inside[..., None], (1 - share) * series[left] + share * series[left + 1], 0.0)
    counts = inside.sum(axis=0)
    n = counts[:, None].astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = values.sum(axis=0) / n
        squares = np.where(inside[..., None], np.square(values - mean), 0.0).sum(axis=0)
        error = np.sqrt(squares / (n - 1) / n)
    error[counts < 2] = np.nan
    mean[counts == 0] = np.nan
    return EventAverage(lags, mean, error, counts, int(inside.any(axis=1).sum()))


# Trials with no longer pause between them, in seconds, are one block to a response that takes several seconds.
PAUSE = 2.0


def blocks_of_events(onsets: np.ndarray, durations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blocks of one event type where it comes in blocks of at least two trials in the mean; else its events.

    Trials of a block share one response: to average around each of them smears it, and takes them for independent.

    Parameters
    ----------
    onsets, durations : array of shape (n_events,)
        Seconds, in any order.

    Returns
    -------
    onsets, durations : array of shape (n_blocks,)
        In order; the events as they were where they come one by one.

    Examples
    --------
    >>> [found.tolist() for found in blocks_of_events(np.array([0.0, 1, 2, 50, 51]), np.full(5, 0.5))]
    [[0.0, 50.0], [2.5, 1.5]]
    >>> blocks_of_events(np.array([0.0, 12, 30]), np.zeros(3))[0].tolist()
    [0.0, 12.0, 30.0]
    """
    order = np.argsort(onsets, kind="stable")
    first, last = onsets[order], np.maximum.accumulate((onsets + durations)[order])
    starts = np.flatnonzero(np.concatenate([[True], first[1:] - last[:-1] > PAUSE]))
    if 2 * starts.size > first.size:
        return onsets, durations
    ends = np.concatenate([starts[1:], [first.size]]) - 1
    return first[starts], last[ends] - first[starts]


def share_of_mixed_windows(
    onsets: np.ndarray, others: np.ndarray, window: tuple[float, float], response: float = 16.0
) -> float:
    """Share of events whose window another event reaches into.

    Parameters
    ----------
    onsets : array of shape (n_events,)
        Of the events that are averaged, in seconds.
    others : array of shape (n_all,)
        Onsets of all events, these included.
    window : (first, last)
        Seconds from the onset.
    response : float
        Seconds that the response to an event lasts.

    Returns
    -------
    float
        NaN if there is no event.

    Examples
    --------
    >>> share_of_mixed_windows(np.array([0.0, 100.0]), np.array([0.0, 10.0, 100.0]), (-4.0, 20.0))
    0.5
    """
    if len(onsets) == 0:
        return float("nan")
    distance = np.asarray(others, dtype=float)[None, :] - np.asarray(onsets, dtype=float)[:, None]
    reaches = (distance != 0) & (distance < window[1]) & (distance > window[0] - response)
    return float(reaches.any(axis=1).mean())
