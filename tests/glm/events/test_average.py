"""Averages around events against loops over the events."""

import numpy as np
import pytest
from scipy.stats import sem

from glmwidgets.glm.events.average import average_around_events, blocks_of_events, share_of_mixed_windows


def test_mean_and_error_are_those_of_the_events_one_by_one():
    rng = np.random.default_rng(0)
    times = 1.0 + 2.0 * np.arange(60)
    series = rng.normal(size=(60, 2))
    onsets, lags = rng.uniform(20, 80, 9), np.arange(-4, 20, 2.0)
    average = average_around_events(times, series, onsets, lags)
    for k in range(2):
        each = np.array([np.interp(onset + lags, times, series[:, k]) for onset in onsets])
        np.testing.assert_allclose(average.mean[:, k], each.mean(axis=0), atol=1e-12)
        np.testing.assert_allclose(average.error[:, k], sem(each, axis=0), atol=1e-12)
    assert average.n_events == 9


def test_lags_outside_the_run_are_left_out_and_not_made_up():
    average = average_around_events(np.arange(10.0), np.ones(10), [-20.0, 1.0, 8.0], np.array([-2.0, 0.0, 3.0, 30.0]))
    assert average.counts.tolist() == [1, 2, 1, 0]
    assert average.n_events == 2
    np.testing.assert_array_equal(average.mean[:, 0], [1, 1, 1, np.nan])
    np.testing.assert_array_equal(np.isnan(average.error[:, 0]), [True, False, True, True])


def test_no_event_at_all():
    average = average_around_events(np.arange(10.0), np.ones(10), [], np.array([0.0]))
    assert average.n_events == 0
    assert np.isnan(average.mean).all()


@pytest.mark.parametrize(("gap", "share"), [(60.0, 0.0), (19.0, 1.0)])
def test_windows_that_hold_other_responses(gap, share):
    onsets = 100 + gap * np.arange(5)
    assert share_of_mixed_windows(onsets, onsets, (-4.0, 24.0)) == share


def test_scans_that_are_left_out_are_in_no_average():
    """Seconds that are read off a scan between two others, or off a wild one, do not count where that is left out."""
    times, series = np.arange(8.0), np.array([0, 1.0, 2, 99, 4, 5, 6, 7])
    kept = series < 50
    found = average_around_events(times, series, [0.0, 2.0, 4.0], np.array([0.0, 0.5, 1.0, 3.0]), kept)
    np.testing.assert_array_equal(found.counts, [3, 2, 2, 2])
    np.testing.assert_allclose(found.mean[:, 0], [2.0, (0.5 + 4.5) / 2, (1 + 5) / 2, (5 + 7) / 2])


def test_blocks_are_found_in_any_order_and_pairs_by_chance_are_none():
    onsets, durations = np.array([31.0, 0.0, 1.0, 30.0, 2.0]), np.full(5, 1.0)
    starts, lengths = blocks_of_events(onsets, durations)
    assert starts.tolist() == [0.0, 30.0]
    assert lengths.tolist() == [3.0, 2.0]
    alone = np.array([0.0, 1.5, 20.0, 40.0, 60.0])  # two that chance has brought together
    assert blocks_of_events(alone, np.zeros(5))[0] is alone
    assert blocks_of_events(np.empty(0), np.empty(0))[0].size == 0
