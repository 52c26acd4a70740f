"""Exact regressors: against dense quadrature of the published curves, and nilearn's as its grid becomes fine."""

import warnings

import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import compute_regressor as theirs
from scipy.stats import gamma

from glmwidgets.glm.design.convolution import CONVOLUTIONS
from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix
from glmwidgets.glm.design.regressors import compute_regressor
from glmwidgets.glm.response import curves as c
from glmwidgets.glm.response.models import HRFS, resolve_hrf

# Published curves, and where each ends.
CURVES = {
    "spm": (lambda t: gamma.pdf(t, 6) - 0.167 * gamma.pdf(t, 16), 32),
    "glover": (lambda t: gamma.pdf(t, 6 / 0.9, scale=0.9) - 0.48 * gamma.pdf(t, 12 / 0.9, scale=0.9), 32),
    "spm12": (lambda t: gamma.pdf(t, 6) - gamma.pdf(t, 16) / 6, 32),
    "glover1999": (c.glover1999, 32),
    "fsl double gamma": (c.fsl_double_gamma, 44),
    "fsl gamma": (c.fsl_gamma, 32),
    "gam": (c.afni_gam, 32),
    "gam(3.3, 0.2)": (lambda t: c.afni_gam(t, 3.3, 0.2), 32),
    "mion": (c.afni_mion, 90),
    "gamma(5, 14, 1.3, 0.9, 0.3)": (lambda t: c.double_gamma(t, 5, 14, 1.3, 0.9, 0.3), 32),
    "gamma(1.2, 9, 1, 0.5, 0.3)": (lambda t: c.double_gamma(t, 1.2, 9, 1, 0.5, 0.3), 32),
}


NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)


def between(curve, low, high):
    """Integral of a curve by Gauss-Legendre panels of a second or less, ever smaller towards the event."""
    edges = np.unique(np.r_[low, high, 2.0 ** -np.arange(40), np.arange(0, 100)].clip(low, high))
    width = np.diff(edges)[:, None]
    return float((WEIGHTS * curve(edges[:-1, None] + width * (NODES + 1) / 2) * width / 2).sum())


def exactly(events, name, times):
    return compute_regressor(events, name, times, convolution="exact")[0]


@pytest.mark.parametrize("name", CURVES)
def test_a_box_is_the_integral_of_the_response(name):
    curve, seconds = CURVES[name]
    times = frame_times(40, 2.0, 0.3)
    onset, duration = 7.037, 3.31
    column = exactly(([onset], [duration], [2.5]), name, times)[:, 0]
    area = between(curve, 0, seconds)
    for scan in (3, 4, 5, 8, 12, 18, 20, 21, 30):
        since = times[scan] - onset
        low, high = (float(np.clip(edge, 0, seconds)) for edge in (since - duration, since))
        assert column[scan] == pytest.approx(2.5 * between(curve, low, high) / area, abs=1e-10)


@pytest.mark.parametrize("name", CURVES)
def test_values_and_integrals_are_those_of_the_curve_at_any_time(name):
    curve, seconds = CURVES[name]
    exact, area = resolve_hrf(name).exact(2.0), between(curve, 0, seconds)
    t = np.r_[0.003, 0.0171, 0.0333, 0.09, 0.4, 0.97, 1.01, np.linspace(1.5, seconds - 0.01, 40)]
    np.testing.assert_allclose(exact.integral(t)[0], [between(curve, 0, end) / area for end in t], atol=1e-11)
    np.testing.assert_allclose(exact.value(t)[0], curve(t) / area, rtol=1e-9, atol=1e-10)
    assert exact.integral(np.array([-2.0, 0.0, seconds, 500.0])).tolist() == [pytest.approx([0, 0, 1, 1], abs=1e-12)]
    assert exact.value(np.array([-2.0, -1e-9, seconds + 0.01, 500.0])).tolist() == [[0, 0, 0, 0]]


def test_spmg1_keeps_its_own_scale():
    times = frame_times(40, 2.0)
    column = exactly(([6.0], [4.0], [1.0]), "spmg1", times)[:, 0]
    assert column[7] == pytest.approx(between(c.afni_spmg1, 4, 8), abs=1e-10)


@pytest.mark.parametrize("name", ["spm + derivative + dispersion", "glover + derivative + dispersion"])
def test_derivatives_are_those_of_the_field_without_a_grid(name):
    shape = (
        {"ratio": 0.167} if "spm" in name else {"undershoot": 12, "dispersion": 0.9, "u_dispersion": 0.9, "ratio": 0.48}
    )
    wide = {**shape, "u_dispersion": 1.0}  # nilearn leaves it at 1 when it widens the response
    d = shape.get("dispersion", 1.0)

    def unit(onset=0.0, **how):
        area = between(lambda t: c.double_gamma(t - onset, **how), 0, 32)
        return lambda t: c.double_gamma(t - onset, **how) / area

    near, later, narrow, wider = (
        unit(**shape),
        unit(0.1, **shape),
        unit(**wide),
        unit(**{**wide, "dispersion": d + 0.01}),
    )
    functions = [near, lambda t: (near(t) - later(t)) / 0.1, lambda t: (narrow(t) - wider(t)) / 0.01]
    times = frame_times(25, 2.0)
    expected = np.zeros((25, 3))
    for scan in range(4, 25):
        low, high = (float(np.clip(times[scan] - edge, 0, 32)) for edge in (8.5, 6.5))
        expected[scan] = [between(f, low, high) for f in functions]
    exact = resolve_hrf(name).exact(2.0)
    found = exact.integral(times - 6.5) - exact.integral(times - 8.5)
    np.testing.assert_allclose(found.T, expected, atol=1e-9)


def test_spm12_derivatives_are_orthogonal_as_spm_makes_them():
    # Its kernels on a fine grid, which SPM orthogonalises as samples.
    curves, kernels = (
        resolve_hrf("spm12 + derivative + dispersion").exact(2.0),
        resolve_hrf("spm12 + derivative + dispersion").kernels(2.0, 20_000),
    )
    t = np.linspace(0, 31.9, 50)
    for found, kernel in zip(curves.value(t), kernels, strict=True):
        sampled = np.interp(t, 1e-4 * np.arange(kernel.size), kernel / 1e-4)
        np.testing.assert_allclose(found, sampled, atol=1e-6)


@pytest.mark.parametrize("name", ["spm", "glover", "spm + derivative", "glover + derivative + dispersion", "fir"])
def test_nilearns_come_nearer_as_their_grid_becomes_finer(name):
    times = frame_times(40, 2.0)
    events = np.array([[10.013, 27.31, 51.77], [3.2, 3.2, 3.2], [1.0, 1.0, 2.0]])
    mine = compute_regressor(events, name, times, fir_delays=[0, 1, 2], convolution="exact")[0]
    away = []
    for oversampling in (50, 200, 800):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            other, _ = theirs(events, name, times, oversampling=oversampling, fir_delays=[0, 1, 2])
        away.append(np.abs(mine - other).max() / np.abs(other).max())
    assert away[0] > away[1] > away[2]
    assert away[2] < 8e-3


@pytest.mark.parametrize("name", [*CURVES, "fir"])
def test_an_impulse_is_the_limit_of_a_short_box_of_unit_area(name):
    times = frame_times(60, 2.0)
    onsets = [10.3, 50.77]
    impulse = exactly((onsets, [0.0, 0.0], [1.0, 3.0]), name, times)
    short = exactly((onsets, [1e-6, 1e-6], [1e6, 3e6]), name, times)
    np.testing.assert_allclose(impulse, short, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["spm", "spm12", "gam", "fsl gamma"])
def test_an_impulse_weighs_the_same_at_any_repetition_time(name):
    fast, slow = (exactly(([11.0], [0.0], [1.0]), name, frame_times(n, t_r))[:, 0] for n, t_r in ((80, 1.0), (40, 2.0)))
    np.testing.assert_array_equal(fast[::2], slow)


@pytest.mark.parametrize("name", [name for name, row in HRFS.items() if not row.parameters and row.uses_duration])
def test_equal_trials_are_equal_wherever_they_begin(name):
    times = frame_times(100, 2.0)
    one, other = (
        compute_regressor(([onset], [0.4], [1.0]), name, times + shift, fir_delays=[0, 1], convolution="exact")[0]
        for onset, shift in ((11.7, 0.0), (11.7 + 0.317, 0.317))
    )
    np.testing.assert_allclose(one, other, atol=1e-9)


def test_events_without_a_response_are_boxes():
    times = frame_times(10, 2.0)
    column = exactly(([4.0, 12.1], [4.0, 1.0], [1.0, 1.0]), None, times)[:, 0]
    assert column.tolist() == [0, 0, 1, 1, 0, 0, 0, 0, 0, 0]  # from the onset to just before the end
    with pytest.warns(UserWarning, match="duration of 0, which no scan sees"):
        exactly(([4.0], [0.0], [1.0]), None, times)


def test_responses_that_bring_their_duration_are_attached_to_the_onset():
    times = frame_times(30, 2.0)
    column = exactly(([5.3, 30.0], [1.0, 9.0], [1.0, 2.0]), "block(10)", times)[:, 0]
    np.testing.assert_allclose(column, c.afni_block(times - 5.3, 10) + 2 * c.afni_block(times - 30.0, 10), atol=1e-12)
    tents = exactly(([6.0], [1.0], [1.0]), "tent(0, 8, 5)", times)
    np.testing.assert_allclose(tents[3:8], np.eye(5), atol=1e-12)  # a scan at each knot


def test_a_function_is_a_spline_of_its_samples():
    def of_mine(t_r, oversampling):
        t = t_r / oversampling * np.arange(round(32 / t_r * oversampling) + 1)
        return CURVES["spm12"][0](t) * t_r / oversampling

    times = frame_times(40, 2.0)
    events = ([6.03, 20.0], [0.7, 5.0], [1.0, 1.0])
    area = between(CURVES["spm12"][0], 0, 32)
    np.testing.assert_allclose(exactly(events, of_mine, times), exactly(events, "spm12", times) * area, atol=1e-7)


def test_what_is_before_the_earliest_onset_is_cut_as_on_the_grid():
    times = frame_times(40, 2.0)
    events = ([-40.0, -30.0, 10.0], [4.0, 20.0, 3.0], [1.0, 1.0, 1.0])
    with pytest.warns(UserWarning, match=r"those that end before it \(1\) are dropped"):
        whole = exactly(events, "spm", times)
    np.testing.assert_allclose(whole, exactly(([-24.0, 10.0], [14.0, 3.0], [1.0, 1.0]), "spm", times), atol=1e-12)


def test_the_grid_is_kept_for_the_fields_names_and_says_what_it_does():
    times = frame_times(60, 2.0)
    events = pd.DataFrame({"onset": [10.0, 70.01], "duration": 0.05, "trial_type": "a"})
    with pytest.warns(UserWarning, match=r"same duration \(0.05 s\) differ in size by a factor of 2.0"):
        kept = make_first_level_design_matrix(times, events, hrf_model="spm", drift_model=None)
    with pytest.warns(UserWarning, match="differ in size"):
        grid = make_first_level_design_matrix(times, events, hrf_model="spm", drift_model=None, convolution="grid")
    pd.testing.assert_frame_equal(kept, grid)
    with pytest.warns(UserWarning, match="2 events have a duration of 0, whose weight depends on the repetition time"):
        make_first_level_design_matrix(times, events.assign(duration=0.0), hrf_model="spm", drift_model=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        own = make_first_level_design_matrix(times, events, hrf_model="spm12", drift_model=None)
        exact = make_first_level_design_matrix(times, events, hrf_model="spm12", drift_model=None, convolution="exact")
        make_first_level_design_matrix(times, events.assign(duration=4.0), hrf_model="spm", drift_model=None)
    pd.testing.assert_frame_equal(own, exact)


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="convolution must be one of 'exact', 'grid', None, not 'fine'"):
        compute_regressor(([1.0], [1.0], [1.0]), "spm", frame_times(20, 2.0), convolution="fine")
    assert all(row.label and row.description for row in CONVOLUTIONS.values())
