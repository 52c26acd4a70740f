"""Fits: against the reference run here, against algebra, and laws that any fit obeys."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nilearn.glm.first_level import run_glm

from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments

MODELS = ["ols", "ar1", "ar3"]


@pytest.fixture
def run(make_design, make_series):
    x = make_design(100)
    return x, make_series(x, 30)


def by_voxel(labels, results, get):
    out = [None] * len(labels)
    for label, result in results.items():
        for i, v in enumerate(np.flatnonzero(labels == label)):
            out[v] = get(result, i)
    return np.array(out)


@pytest.mark.parametrize("noise_model", ["ols", "ar1"])
def test_betas_and_variances_equal_the_reference(run, noise_model):
    x, y = run
    labels, results = run_glm(y, x, noise_model=noise_model)
    fit = fit_glm(Moments(y), x, noise_model)
    beta = by_voxel(labels, results, lambda r, i: r.theta[:, i]).T
    np.testing.assert_allclose(fit.beta, beta, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(fit.dispersion, by_voxel(labels, results, lambda r, i: r.dispersion[i]), rtol=1e-8)
    assert {r.df_residuals for r in results.values()} == {fit.dof}


def test_the_variance_of_a_rank_deficient_fit_is_over_scans_minus_rank(make_design, make_series):
    """On purpose unlike the reference, which divides by scans minus columns: 100 - 6 = 94 against 100 - 5 = 95."""
    x = make_design(100, deficient=True)
    y = make_series(x, 5)
    rss = np.sum((y - x @ np.linalg.lstsq(x, y, rcond=None)[0]) ** 2, axis=0)
    (result,) = run_glm(y, x, noise_model="ols")[1].values()
    np.testing.assert_allclose(result.dispersion, rss / 94, rtol=1e-9)
    fit = fit_glm(Moments(y), x, "ols")
    np.testing.assert_allclose(fit.dispersion, rss / 95, rtol=1e-9)
    # Without the superfluous column nothing changes for us; the reference then agrees.
    np.testing.assert_allclose(fit.dispersion, fit_glm(Moments(y), np.delete(x, 4, 1), "ols").dispersion, rtol=1e-9)


@pytest.mark.parametrize("noise_model", MODELS)
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_prediction_and_residual_add_up_to_the_data(noise_model, constant, precision, make_design, make_series):
    """In the data's own units under any noise model; under AR(1) the reference predicts 550 of a mean of 1000."""
    x = make_design(100, constant)
    y = make_series(x, 9, phi=(0.5,)).astype(np.float32 if precision == "float32" else np.float64)
    fit = fit_glm(Moments(y, precision), x, noise_model)
    np.testing.assert_allclose(fit.predicted() + fit.residuals(), y, rtol=1e-7 if precision == "float32" else 1e-14)
    if constant:
        np.testing.assert_allclose(fit.predicted().mean(axis=0), y.mean(axis=0), rtol=2e-3)
    block = slice(2, 5)
    np.testing.assert_allclose(fit.predicted(block), x @ fit.beta[:, block], rtol=1e-8)


@pytest.mark.parametrize("noise_model", MODELS)
@pytest.mark.parametrize("constant", [True, False])
def test_r_square_is_the_share_of_variance_explained(noise_model, constant, make_design, make_series):
    x = make_design(100, constant)
    y = make_series(x, 9, mean=1000.0 if constant else 0.0)
    fit = fit_glm(Moments(y), x, noise_model)
    left = np.square(y - fit.predicted()).sum(axis=0)
    expected = np.clip(1 - left / np.square(y - y.mean(axis=0)).sum(axis=0), 0, 1)
    one_by_one = [fit.r_square_of(voxel) for voxel in range(fit.n_voxels)]
    assert "r_square" not in vars(fit), "one voxel does not ask for all"
    np.testing.assert_allclose(one_by_one, expected, atol=1e-9)
    np.testing.assert_allclose(fit.r_square, expected, atol=1e-9)
    assert fit.r_square_of(1) == fit.r_square[1]


def test_r_square_of_noise_and_of_constants_is_within_0_and_1(make_design):
    x = make_design(40, constant=False)
    y = np.random.default_rng(0).standard_normal((40, 200)) + 3
    y[:, 0] = 7
    fit = fit_glm(Moments(y), x, "ar1")
    assert fit.r_square_of(0) == 0
    r_square = fit.r_square
    assert r_square[0] == 0
    assert r_square.min() >= 0
    assert r_square.max() <= 1


def test_without_data_a_fit_still_predicts_and_tests(run):
    x, y = run
    fit = fit_glm(Moments(y), x)
    light = fit.without_data()
    np.testing.assert_array_equal(light.predicted(), fit.predicted())
    np.testing.assert_array_equal(light.r_square, fit.r_square)
    c = np.eye(x.shape[1])[0]
    np.testing.assert_array_equal(compute_contrast(light, c).z_score(), compute_contrast(fit, c).z_score())
    with pytest.raises(ValueError, match="not kept"):
        light.residuals()


def test_columns_are_named_by_the_table(run):
    x, y = run
    table = pd.DataFrame(x, columns=["a", "b", "drift_1", "motion", "constant"])
    assert fit_glm(Moments(y), table).columns == ("a", "b", "drift_1", "motion", "constant")
    assert fit_glm(Moments(y), design_basis(x)).columns == ("x0", "x1", "x2", "x3", "x4")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x[:-1], "99 rows and the run 100 scans"),
        (lambda x: np.where(np.arange(5) == 3, np.nan, x), "column 3 of the design holds NaN"),
        (lambda x: np.zeros_like(x), "every column of the design is zero"),
        (lambda x: np.random.default_rng(0).standard_normal((100, 100)), "no degree of freedom"),
        (lambda x: x[:, :0], "must be a matrix"),
    ],
)
def test_designs_that_cannot_be_fitted_say_why(run, change, message):
    x, y = run
    with pytest.raises(ValueError, match=message):
        fit_glm(Moments(y), change(x))


@settings(max_examples=25, deadline=None)
@given(
    factor=st.floats(1e-3, 1e3),
    order=st.permutations(range(5)),
    seed=st.integers(0, 10_000),
    noise_model=st.sampled_from(MODELS),
)
def test_laws_of_a_fit(factor, order, seed, noise_model, make_design, make_series):
    """Scaling the data scales effects, not z; permuting columns permutes betas; opposite contrasts flip signs."""
    x = make_design(60, seed=seed)
    y = make_series(x, 4, mean=10.0, seed=seed)
    c = np.random.default_rng(seed).standard_normal(5)
    fit = fit_glm(Moments(y), x, noise_model, bins=None)
    contrast = compute_contrast(fit, c)

    scaled = compute_contrast(fit_glm(Moments(factor * y), x, noise_model, bins=None), c)
    np.testing.assert_allclose(scaled.effect_size(), factor * contrast.effect_size(), rtol=1e-6)
    np.testing.assert_allclose(scaled.effect_variance(), factor**2 * contrast.effect_variance(), rtol=1e-6)
    np.testing.assert_allclose(scaled.z_score(), contrast.z_score(), rtol=1e-6, atol=1e-9)

    permuted = fit_glm(Moments(y), x[:, order], noise_model, bins=None)
    np.testing.assert_allclose(permuted.beta, fit.beta[list(order)], rtol=1e-6, atol=1e-9)

    opposite = compute_contrast(fit, -c)
    np.testing.assert_allclose(opposite.effect_size(), -contrast.effect_size())
    np.testing.assert_allclose(opposite.z_score(), -contrast.z_score(), atol=1e-12)
    np.testing.assert_allclose(opposite.p_value(), 1 - contrast.p_value(), atol=1e-12)
