"""Diagnostics of designs against direct algebra, regression by hand and simulation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from glmwidgets.glm.design.collinearity import (
    collinearity_warnings,
    column_correlation,
    column_cosine,
    condition_number,
    contrast_inflation,
    degrees_of_freedom,
    dependent_columns,
    design_rank,
    variance_inflation,
)
from glmwidgets.glm.design.diagnostics import (
    ar1_precision,
    contrast_covariance,
    efficiency,
    energy_removed,
    estimability,
    smallest_detectable_effect,
    spectra,
)
from glmwidgets.glm.design.drift import cosine_drift
from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix
from glmwidgets.glm.fit.residuals import white_autocorrelation


def correlated(seed=0, n=80, p=4):
    """Columns that share variance, of very different lengths, and a constant."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, p)) @ (np.eye(p) + 0.5 * rng.standard_normal((p, p)))
    return np.column_stack([x * 10.0 ** np.arange(-2, p - 2) + 3, np.ones(n)])


def deficient(seed=0, n=40):
    """The third column is the sum of the first two; the fourth is free."""
    rng = np.random.default_rng(seed)
    a, b, d = rng.standard_normal((3, n))
    return np.column_stack([a, b, a + b, d, np.ones(n)])


def r_squared(x, j):
    """R² of column j on all others, with the constant among them."""
    others = np.delete(x, j, axis=1)
    residual = x[:, j] - others @ np.linalg.lstsq(others, x[:, j], rcond=None)[0]
    return 1 - residual @ residual / np.sum((x[:, j] - x[:, j].mean()) ** 2)


# Columns


def test_correlation_and_cosine():
    x = correlated()
    np.testing.assert_allclose(column_correlation(x)[:4, :4], np.corrcoef(x[:, :4].T), atol=1e-12)
    assert np.isnan(column_correlation(x)[4]).all()
    expected = [[a @ b / np.sqrt(a @ a * (b @ b)) for a in x.T] for b in x.T]
    np.testing.assert_allclose(column_cosine(x), expected, atol=1e-12)


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_inflation_is_one_over_one_minus_r_squared(seed):
    x = correlated(seed)
    factors = variance_inflation(x)
    np.testing.assert_allclose(factors[:4], [1 / (1 - r_squared(x, j)) for j in range(4)], rtol=1e-6)
    assert np.isnan(factors[4])


def test_inflation_without_a_constant_is_about_zero():
    x = correlated()[:, :4]
    expected = np.diag(np.linalg.inv(x.T @ x)) * np.square(x).sum(axis=0)
    np.testing.assert_allclose(variance_inflation(x), expected, rtol=1e-6)


def test_inflation_does_not_depend_on_how_the_constant_is_written():
    """One constant, a constant of each of two runs, or levels of two groups: the same model, so the same factors."""
    x, run = correlated(4, n=60)[:, :4] + [100, 50, 0, 0], np.repeat([0.0, 1.0], 30)
    one = variance_inflation(np.column_stack([x, run, np.ones(60)]))
    each = variance_inflation(np.column_stack([x, run, 1 - run]))
    np.testing.assert_allclose(each[:4], one[:4], rtol=1e-9)
    full = np.column_stack([x, run])
    np.testing.assert_allclose(one[:4], [1 / (1 - r_squared(np.c_[full, np.ones(60)], j)) for j in range(4)], rtol=1e-6)
    assert np.isnan(each[4:]).all()  # they tell of the level only
    assert np.isfinite(contrast_inflation(np.column_stack([x, run, 1 - run]), [0, 0, 0, 0, 1, -1])[0])


def test_inflation_of_dependent_columns_is_infinite_and_of_the_others_not():
    x = deficient()
    factors = variance_inflation(x)
    assert np.isinf(factors[:3]).all()
    assert factors[3] == pytest.approx(1 / (1 - r_squared(x, 3)), rel=1e-9)


def test_inflation_of_sum_and_difference_of_two_columns():
    z = np.linalg.qr(np.column_stack([np.ones(50), np.random.default_rng(0).standard_normal((50, 2))]))[0][:, 1:]
    r = 0.6
    x = np.column_stack([z[:, 0], r * z[:, 0] + np.sqrt(1 - r**2) * z[:, 1], np.ones(50)])
    np.testing.assert_allclose(contrast_inflation(x, [[1, 1, 0], [1, -1, 0]]), [1 / (1 + r), 1 / (1 - r)])


def test_inflation_of_a_contrast_is_a_ratio_of_variances():
    x, c = correlated(3), np.array([1.0, -2.0, 0.0, 0.5, 0.0])
    z = x[:, :4] - x[:, :4].mean(axis=0)
    actual = c[:4] @ np.linalg.inv(z.T @ z) @ c[:4]
    orthogonal = c[:4] @ np.diag(1 / np.square(z).sum(axis=0)) @ c[:4]
    assert contrast_inflation(x, c)[0] == pytest.approx(actual / orthogonal, rel=1e-9)
    assert np.isnan(contrast_inflation(x, [0, 0, 0, 0, 1])[0])
    assert np.isnan(contrast_inflation(x, np.zeros(5))[0])


def test_inflation_of_a_contrast_that_dependent_columns_still_allow():
    x = deficient()
    factors = contrast_inflation(x, [[1, 0, 1, 0, 0], [1, 0, 0, 0, 0]])
    assert np.isfinite(factors[0])  # a + (a + b) is estimable: b_1 + b_3 belongs to column a
    assert np.isinf(factors[1])


def test_warnings_in_words_follow_afnis_limits():
    q = np.linalg.qr(np.column_stack([np.ones(60), np.random.default_rng(1).standard_normal((60, 5))]))[0][:, 1:]

    def with_correlation(r, j):
        return r * q[:, 0] + np.sqrt(1 - r**2) * q[:, j]

    x = pd.DataFrame(
        {
            "task": q[:, 0],
            "low": with_correlation(0.39, 1),
            "medium": with_correlation(-0.41, 2),
            "high": with_correlation(0.71, 3),
            "same": -2 * q[:, 0],
            "empty": 0.0,
            "constant": 1.0,
        }
    )
    found = {f.columns: f for f in collinearity_warnings(x, interest=["task", "empty"])}
    assert list(found) == [("empty",), ("task", "same"), ("task", "high"), ("task", "medium")]
    assert [f.severity for f in found.values()] == ["empty", "identical", "high", "medium"]
    assert found["task", "medium"].correlation == pytest.approx(-0.41, abs=1e-9)
    assert found["task", "high"].cosine == pytest.approx(0.71, abs=1e-9)
    assert "'task' and 'medium' correlate -0.41" in found["task", "medium"].message
    assert len(collinearity_warnings(x)) > len(found)


# The matrix


def test_rank_dof_and_condition():
    x = correlated()
    assert design_rank(x) == np.linalg.matrix_rank(x) == 5
    assert degrees_of_freedom(x) == 75
    unit = x / np.linalg.norm(x, axis=0)
    assert condition_number(x) == pytest.approx(np.linalg.cond(unit), rel=1e-9)
    assert condition_number(x, unit_length=False) == pytest.approx(np.linalg.cond(x), rel=1e-9)
    assert design_rank(deficient()) == 4
    assert condition_number(deficient()) == np.inf


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_rank_does_not_depend_on_units(scale):
    x = correlated() * np.array([scale, 1, 1, 1, 1])
    assert design_rank(x) == 5
    assert dependent_columns(x)[1].size == 0
    assert design_rank(deficient() * np.array([1, 1, 1, scale, 1])) == 4


def test_dependent_columns_are_those_of_vanishing_combinations():
    x = np.insert(deficient(), 2, 0.0, axis=1)
    empty, dependent = dependent_columns(x)
    assert empty.tolist() == [2]
    assert dependent.tolist() == [0, 1, 3]
    assert [part.tolist() for part in dependent_columns(np.zeros((5, 2)))] == [[0, 1], []]
    wide = np.random.default_rng(0).standard_normal((3, 5))
    assert dependent_columns(wide)[1].tolist() == [0, 1, 2, 3, 4]


# Contrasts


def test_estimability_is_the_distance_from_the_row_space():
    x, c = deficient(), np.array([[1.0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [1, 1, -1, 0, 0], [0, 0, 0, 1, -1]])
    length = np.linalg.norm(x, axis=0)
    unit, scaled = x / length, c / length
    distance = np.linalg.norm(scaled - scaled @ np.linalg.pinv(unit) @ unit, axis=1) / np.linalg.norm(scaled, axis=1)
    np.testing.assert_allclose(estimability(x, c), distance, atol=1e-10)
    assert estimability(x, c)[[0, 3]].tolist() == [0, 0]
    assert np.isnan(estimability(x, np.zeros(5))[0])


def test_one_minus_the_null_combination_is_not_estimable_at_all():
    # In units of length: the combination a + b - (a + b) itself.
    x = deficient()
    null = np.array([1, 1, -1, 0, 0]) * np.linalg.norm(x, axis=0) ** 2
    assert estimability(x, null)[0] == pytest.approx(1.0)


@pytest.mark.parametrize("rho", [0.0, 0.4, -0.3, 0.9])
def test_ar1_precision_is_the_inverse_of_the_correlation(rho):
    lag = np.abs(np.subtract.outer(np.arange(12), np.arange(12)))
    np.testing.assert_allclose(ar1_precision(12, rho) @ rho ** lag.astype(float), np.eye(12), atol=1e-12)


@pytest.mark.parametrize("rho", [None, 0.0, 0.4, 0.8])
def test_contrast_covariance_is_dense_gls(rho):
    x, c = correlated(1), np.array([[1.0, -1, 0, 0, 0], [0, 0, 1, 0.5, 0]])
    w = np.eye(80) if rho is None else ar1_precision(80, rho)
    expected = c @ np.linalg.inv(x.T @ w @ x) @ c.T
    result = contrast_covariance(x, c, None if rho is None else w)
    np.testing.assert_allclose(result, expected, rtol=1e-9)
    assert efficiency(x, c, w) == pytest.approx(1 / np.trace(expected), rel=1e-9)


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_contrast_covariance_of_a_deficient_design_is_that_of_a_full_one(rho):
    x, w = deficient(), ar1_precision(40, rho)
    full = x[:, [0, 1, 3, 4]]
    expected = np.linalg.inv(full.T @ w @ full)[0, 0]
    assert contrast_covariance(x, [1, 0, 1, 0, 0], w)[0, 0] == pytest.approx(expected, rel=1e-9)
    assert efficiency(x, [1, 0, 0, 0, 0], w) == 0.0
    with pytest.raises(ValueError, match="row 1 of the contrast is not estimable"):
        contrast_covariance(x, [[1, 0, 1, 0, 0], [1, 0, 0, 0, 0]])


def test_contrast_covariance_is_the_spread_of_estimates():
    # 20,000 simulated series of unit variance: the standard error of a variance is 1 %.
    rng = np.random.default_rng(0)
    x, c, rho = correlated(2), np.array([0.0, 1, -1, 0, 0]), 0.6
    lag = np.abs(np.subtract.outer(np.arange(80), np.arange(80)))
    noise = np.linalg.cholesky(rho**lag) @ rng.standard_normal((80, 20_000))
    w = ar1_precision(80, rho)
    estimates = c @ np.linalg.solve(x.T @ w @ x, x.T @ w @ noise)
    assert estimates.var() == pytest.approx(contrast_covariance(x, c, w)[0, 0], rel=0.05)


def test_blocks_of_half_the_period_are_more_efficient_than_single_events():
    times = frame_times(150, 2.0)
    efficiencies = []
    for duration in (20.0, 1.0):
        events = pd.DataFrame({"onset": np.arange(0, 280, 40.0), "duration": duration, "trial_type": "a"})
        design = make_first_level_design_matrix(times, events)
        efficiencies.append(efficiency(design, np.eye(design.shape[1])[0]))
    assert efficiencies[0] > 10 * efficiencies[1]


@pytest.mark.parametrize(("two_sided", "alpha", "power", "dof"), [(False, 0.01, 0.8, 20), (True, 0.05, 0.5, 12)])
def test_the_smallest_detectable_effect_is_found_as_often_as_promised(two_sided, alpha, power, dof):
    rng = np.random.default_rng(1)
    variance = 0.3
    effect = smallest_detectable_effect(variance, dof, alpha, two_sided, power)
    threshold = stats.t.isf(alpha / 2 if two_sided else alpha, dof)
    assert stats.nct.sf(threshold, dof, effect / np.sqrt(variance)) == pytest.approx(power, abs=1e-8)
    # And by simulation, 200,000 times: the standard error of the share is 0.0011 at most.
    estimate = effect + np.sqrt(variance) * rng.standard_normal(200_000)
    t = estimate / np.sqrt(variance * rng.chisquare(dof, 200_000) / dof)
    assert np.mean(t > threshold) == pytest.approx(power, abs=0.005)


def test_smallest_detectable_effect_scales_with_the_standard_error():
    effects = smallest_detectable_effect(np.array([1.0, 4.0]), dof=100)
    assert effects[1] == pytest.approx(2 * effects[0])


@pytest.mark.parametrize("wrong", [{"alpha": 0}, {"power": 1}, {"alpha": 0.9}, {"dof": 0}])
def test_impossible_probabilities_are_refused(wrong):
    with pytest.raises(ValueError, match="0 < alpha < power < 1"):
        smallest_detectable_effect(1.0, **{"dof": 10, **wrong})


@pytest.mark.parametrize("call", [estimability, contrast_covariance, efficiency, contrast_inflation])
def test_weights_of_another_design_are_refused(call):
    with pytest.raises(ValueError, match="has 5 weights"):
        call(correlated(), [1, -1])


def test_a_precision_of_another_run_and_a_design_with_nan_are_refused():
    with pytest.raises(ValueError, match="precision of 80 scans"):
        contrast_covariance(correlated(), np.eye(5)[0], np.eye(79))
    with pytest.raises(ValueError, match="finite"):
        design_rank(np.array([[np.nan, 1.0]]))
    with pytest.raises(ValueError, match="between -1 and 1"):
        ar1_precision(5, 1.0)


# Frequencies


def test_energy_removed_is_what_a_regression_on_the_drifts_explains():
    rng = np.random.default_rng(0)
    times = np.arange(120) * 2.0
    x, drift = rng.standard_normal((120, 3)) + 5, cosine_drift(times, 0.02)
    with_constant = np.column_stack([drift, np.ones(120)])
    residual = x - with_constant @ np.linalg.lstsq(with_constant, x, rcond=None)[0]
    expected = 1 - np.square(residual).sum(axis=0) / np.square(x - x.mean(axis=0)).sum(axis=0)
    np.testing.assert_allclose(energy_removed(x, drift), expected, atol=1e-12)
    np.testing.assert_allclose(energy_removed(x, with_constant), expected, atol=1e-12)


def test_energy_removed_is_all_of_a_slow_column_and_nothing_of_a_fast_one():
    times = np.arange(200) * 2.0
    drift = cosine_drift(times, 0.01)
    columns = np.column_stack([drift[:, 2] * 7 + 3, cosine_drift(times, 0.1)[:, -1], np.ones(200)])
    removed = energy_removed(columns, drift)
    np.testing.assert_allclose(removed[:2], [1.0, 0.0], atol=1e-12)
    assert np.isnan(removed[2])
    assert energy_removed(columns, np.empty((200, 0)))[0] == 0.0


@pytest.mark.parametrize("n", [99, 100])
def test_spectra_share_out_the_variance(n):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 2)) + 100
    frequency, share = spectra(x, t_r=2.0)
    np.testing.assert_allclose(share.sum(axis=0), 1.0)
    assert frequency[0] == pytest.approx(1 / (2.0 * n))
    # Share k is the R² of a regression on the sine and cosine of that frequency (the sine vanishes at the highest).
    for k in (1, 10, n // 2):
        wave = 2 * np.pi * k * np.arange(n) / n
        basis = np.column_stack([np.cos(wave), np.sin(wave), np.ones(n)])
        z = x - x.mean(axis=0)
        fitted = basis @ np.linalg.lstsq(basis, z, rcond=None)[0]
        np.testing.assert_allclose(share[k - 1], np.square(fitted).sum(axis=0) / np.square(z).sum(axis=0), atol=1e-10)


def test_a_block_design_has_its_energy_at_its_period():
    times = frame_times(200, 2.0)
    events = pd.DataFrame({"onset": np.arange(0, 400, 40.0), "duration": 20.0, "trial_type": "a"})
    design = make_first_level_design_matrix(times, events, drift_model=None)
    frequency, share = spectra(design[["a", "constant"]], 2.0)
    assert frequency[share[:, 0].argmax()] == pytest.approx(1 / 40)
    assert np.isnan(share[:, 1]).all()


@pytest.mark.parametrize(
    "figure",
    [
        column_cosine,
        column_correlation,
        variance_inflation,
        condition_number,
        lambda x: contrast_inflation(x, np.eye(8)[:2]),
        lambda x: contrast_covariance(x, np.eye(8)[:2]),
        lambda x: efficiency(x, np.eye(8)[:2]),
        lambda x: energy_removed(x, x[:, 5:]),
        lambda x: spectra(x, 2.0)[1],
        lambda x: white_autocorrelation(x, 5)[0],
    ],
)
def test_figures_do_not_depend_on_how_a_design_lies_in_memory(figure):
    """To the last bit."""
    x = np.random.default_rng(0).standard_normal((80, 8))
    x[:, 7] = 1
    np.testing.assert_array_equal(figure(np.ascontiguousarray(x)), figure(np.asfortranarray(x)))
