"""Drift columns equal nilearn's, and do what drift columns are for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.glm.first_level.design_matrix import _make_drift

from glmwidgets.glm.design.drift import DRIFTS, make_drift
from glmwidgets.glm.orthogonal import orthogonalize


@pytest.mark.parametrize("model", ["cosine", "Cosine", "polynomial", None])
@pytest.mark.parametrize(
    ("n_scans", "t_r", "start"), [(96, 7.0, 0.0), (156, 2.0, 1.0), (300, 0.735, 0.0), (7, 2.5, 2.5)]
)
@pytest.mark.parametrize(("high_pass", "order"), [(0.01, 1), (1 / 128, 3), (0.05, 5), (0.0, 0)])
def test_equal_to_nilearn(model, n_scans, t_r, start, high_pass, order):
    times = start + np.arange(n_scans) * t_r
    ours, names = make_drift(model, times, high_pass, order)
    theirs, their_names = _make_drift(model, times, order, high_pass)
    assert names == their_names
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12)


def test_none_is_a_name_too():
    columns, names = make_drift("none", np.arange(5.0))
    assert names == ["constant"]
    np.testing.assert_array_equal(columns, np.ones((5, 1)))


@settings(deadline=None)
@given(n=st.integers(10, 200), t_r=st.floats(0.3, 8), high_pass=st.floats(0.001, 0.03))
def test_cosines_are_orthonormal_and_no_faster_than_the_cut_off(n, t_r, high_pass):
    columns, _ = make_drift("cosine", np.arange(n) * t_r, high_pass)
    cosines = columns[:, :-1]
    k = cosines.shape[1]
    np.testing.assert_allclose(cosines.T @ cosines, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(cosines.sum(axis=0), 0, atol=1e-10)
    # Cosine k has the frequency k / (2 n t_r).
    assert k / (2 * n * t_r) <= high_pass * (1 + 1e-12)


def test_polynomial_takes_out_a_parabola():
    times = np.arange(50) * 2.0
    columns, _ = make_drift("polynomial", times, drift_order=2)
    parabola = 3 + 0.2 * times - 0.001 * times**2
    residual = parabola - columns @ np.linalg.lstsq(columns, parabola, rcond=None)[0]
    np.testing.assert_allclose(residual, 0, atol=1e-12)
    gram = columns.T @ columns
    np.testing.assert_allclose(gram - np.diag(np.diag(gram)), 0, atol=1e-12)


def test_high_orders_stay_orthogonal_where_time_starts_late():
    # On times symmetric about their middle, odd polynomials are antisymmetric. Columns here are nearly collinear before
    # they are made orthogonal; nilearn's fifth is 4e-12 away from what it should be, on a scale of 1e-6.
    times = 50 + np.arange(7) * 2.5
    fifth = make_drift("polynomial", times, drift_order=5)[0][:, 4]
    theirs = _make_drift("polynomial", times, 5, 0.01)[0][:, 4]
    assert np.abs(fifth + fifth[::-1]).max() < 1e-14
    assert np.abs(theirs + theirs[::-1]).max() > 1e-12


def test_times_that_end_at_zero_have_a_polynomial():
    columns, _ = make_drift("polynomial", np.arange(-9.0, 1.0), drift_order=1)
    np.testing.assert_allclose(np.diff(columns[:, 0]), 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("linear", np.arange(5.0)), "drift_model must be one of 'cosine', 'polynomial', 'none'"),
        (("cosine", np.arange(5.0), -1.0), "high_pass"),
        (("cosine", np.arange(5.0), np.nan), "high_pass"),
        (("polynomial", np.arange(5.0), 0.01, 1.5), "drift_order"),
        (("polynomial", np.arange(5.0), 0.01, -1), "drift_order"),
    ],
)
def test_wrong_settings_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        make_drift(*arguments)


def test_a_cut_off_that_removes_everything_is_said():
    with pytest.warns(UserWarning, match="removes every frequency"):
        columns, _ = make_drift("cosine", np.arange(20) * 2.0, high_pass=0.25)
    assert columns.shape == (20, 20)


def test_a_period_in_the_place_of_a_frequency_is_told_its_frequency():
    with pytest.warns(UserWarning, match=r"where 128 s is meant as its period, give 0\.0078$"):
        make_drift("cosine", np.arange(20) * 2.0, high_pass=128)


def test_table_rows_name_a_setting_or_none():
    assert {row.setting for row in DRIFTS.values()} == {"high_pass", "drift_order", None}
    assert all(name == row.name and row.label and row.description.endswith(".") for name, row in DRIFTS.items())


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_orthogonalize_is_gram_schmidt(seed):
    x = np.random.default_rng(seed).standard_normal((20, 4))
    q, r = np.linalg.qr(x)
    np.testing.assert_allclose(orthogonalize(x), q * np.diag(r), atol=1e-9)


def test_orthogonalize_zeroes_what_is_already_spanned():
    x = np.array([[1.0, 3.0, 0.0, 1.0], [2.0, 6.0, 0.0, 0.0], [0.5, 1.5, 0.0, 0.0]])
    result = orthogonalize(x)
    assert (result[:, 1:3] == 0).all()
    np.testing.assert_allclose(result[:, 0] @ result[:, 3], 0, atol=1e-15)
