"""Noise models: estimates against dense matrices, noise parameters against their definition and the reference."""

import pickle

import numpy as np
import pytest
from nilearn.glm.first_level import run_glm
from nilearn.glm.first_level.first_level import _yule_walker

from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1 import AR1Precision
from glmwidgets.glm.noise.arma import ARMA, from_partial
from glmwidgets.glm.noise.models import NOISE_MODELS, noise_model_row
from glmwidgets.glm.noise.products import lagged_products

KINDS = [(True, False), (False, False), (True, True)]  # (constant column, rank deficient)


@pytest.mark.parametrize(("constant", "deficient"), KINDS)
@pytest.mark.parametrize("noise_model", ["ols", "ar1", "ar2", "ar3", "ar5"])
@pytest.mark.parametrize("bins", [3, 100, None])
def test_fit_equals_dense_gls(noise_model, bins, constant, deficient, dense, make_design, make_series):
    """Prediction, variance and its covariance to 1e-9, at the parameters that the model reports."""
    x = make_design(80, constant, deficient)
    y = make_series(x, 6, phi=(0.5, -0.2), mean=100.0)
    fit = fit_glm(Moments(y), x, noise_model, bins=bins)
    weights = np.zeros((2, x.shape[1]))
    weights[0, 2], weights[1, 3] = 1, -1  # two columns that the rank-deficient design determines
    contrast = compute_contrast(fit, weights, "F")
    for v in range(y.shape[1]):
        phi = [fit.parameters[name][v] for name in sorted(fit.parameters)]
        expected = dense.gls(x, y[:, v], dense.whitener(len(y), phi) if phi else np.eye(len(y)))
        np.testing.assert_allclose(fit.predicted()[:, v], expected.predicted, rtol=1e-9)
        np.testing.assert_allclose(fit.dispersion[v], expected.dispersion, rtol=1e-9)
        np.testing.assert_allclose(contrast.effect[:, v], weights @ expected.beta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            contrast.covariance[:, :, v], weights @ expected.covariance @ weights.T, rtol=1e-8, atol=1e-14
        )
    assert fit.dof == expected.dof


@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_parameters_equal_the_reference_estimator(order, constant, make_design, make_series):
    x = make_design(90, constant)
    y = make_series(x, 12, mean=50.0)
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    fit = fit_glm(Moments(y), x, f"ar{order}", bins=None)
    found = np.column_stack([fit.parameters[name] for name in sorted(fit.parameters)])
    np.testing.assert_allclose(found, _yule_walker(residuals.T, order), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("bins", [100, 20])
def test_rho_is_truncated_towards_zero(bins, make_design, make_series):
    x = make_design(90)
    y = np.concatenate([make_series(x, 8, phi=(0.5,)), make_series(x, 8, phi=(-0.5,))], axis=1)
    exact = fit_glm(Moments(y), x, "ar1", bins=None).parameters["rho"]
    assert exact.min() < -0.2 < 0.2 < exact.max()
    np.testing.assert_array_equal(
        fit_glm(Moments(y), x, "ar1", bins=bins).parameters["rho"], np.trunc(exact * bins) / bins
    )


def test_precision_with_both_ends_inverts_the_autocorrelation_matrix(dense, make_design, make_series):
    """The exact AR(1) precision, W = (1 - r^2) R^-1 with R_ij = r^|i-j|: to 1e-9."""
    x = make_design(70)
    y = make_series(x, 5)
    basis, rho = design_basis(x), np.array([-0.6, 0.0, 0.3, 0.7, 0.95])
    precision = AR1Precision(basis, rho, ends=(0, -1))
    coefficients, rss = precision.estimate(lagged_products(Moments(y - y.mean(axis=0)), basis, order=1))
    covariance = precision.covariance(np.eye(basis.rank))
    lags = np.abs(np.subtract.outer(np.arange(70), np.arange(70)))
    for v, r in enumerate(rho):
        w = (1 - r**2) * np.linalg.inv(r**lags) if r else np.eye(70)
        gram = basis.q.T @ w @ basis.q
        expected = np.linalg.solve(gram, basis.q.T @ w @ (y[:, v] - y[:, v].mean()))
        np.testing.assert_allclose(coefficients[:, v], expected, rtol=1e-9, atol=1e-9)
        left = y[:, v] - y[:, v].mean() - basis.q @ expected
        np.testing.assert_allclose(rss[v], left @ w @ left, rtol=1e-9)
        np.testing.assert_allclose(covariance[:, :, v], np.linalg.inv(gram), rtol=1e-8, atol=1e-10)


def test_higher_orders_equal_the_reference_where_it_does_not_quantise(make_design, make_series):
    """With as many clusters as voxels, nilearn's K-means leaves each voxel its coefficients: 1e-6 in z."""
    x = make_design(120)
    y = make_series(x, 9, phi=(0.5, -0.3, 0.2))
    labels, results = run_glm(y, x, noise_model="ar3", bins=len(y.T), random_state=0)
    assert len(results) == y.shape[1]
    c = np.zeros(x.shape[1])
    c[:2] = 1, -0.02
    ours = compute_contrast(fit_glm(Moments(y), x, "ar3"), c)
    for v, label in enumerate(labels):
        theirs = results[label].Tcontrast(c)
        np.testing.assert_allclose(ours.effect_size()[v], float(np.squeeze(theirs.effect)), rtol=1e-8)
        np.testing.assert_allclose(ours.stat()[v], float(np.squeeze(theirs.t)), rtol=1e-8)


def test_quantised_orders_stay_near_the_exact_ones(make_design, make_series):
    """100 groups for 800 voxels move z by at most 0.3, which reaches 10; the more voxels a group, the more."""
    x = make_design(150)
    y = np.concatenate(
        [make_series(x, 400, phi=phi, seed=i) for i, phi in enumerate([(0.2, 0.1), (0.6, -0.2)])], axis=1
    )
    moments = Moments(y)
    c = np.eye(x.shape[1])[0]
    exact, grouped = (fit_glm(moments, x, "ar2", bins=bins) for bins in (None, 100))
    assert len(np.unique(np.column_stack(list(grouped.parameters.values())), axis=0)) <= 100
    difference = compute_contrast(exact, c).z_score() - compute_contrast(grouped, c).z_score()
    assert 0 < np.abs(difference).max() < 0.35
    assert np.sqrt(np.mean(difference**2)) < 0.08


def test_groups_are_the_same_on_every_run_and_follow_the_seed(make_design, make_series):
    x = make_design(100)
    moments = Moments(make_series(x, 300))

    def phi(**options):
        return fit_glm(moments, x, "ar2", bins=10, **options).parameters["phi1"]

    np.testing.assert_array_equal(phi(), phi())
    np.testing.assert_array_equal(phi(random_state=3), phi(random_state=3))
    np.testing.assert_array_equal(
        phi(random_state=np.random.RandomState(3)), phi(random_state=np.random.RandomState(3))
    )
    assert np.any(phi(random_state=3) != phi(random_state=4))


@pytest.mark.parametrize("noise_model", ["ols", "ar1", "ar2"])
def test_constant_voxels_have_no_effect_and_no_noise_parameter(noise_model, make_design, make_series):
    """The reference gives z = -6.6 for such a voxel, out of rounding."""
    x = make_design(80)
    y = make_series(x, 4).astype(np.float32)
    y[:, 1] = 1000.1
    fit = fit_glm(Moments(y), x, noise_model)
    contrast = compute_contrast(fit, np.eye(x.shape[1])[0])
    assert contrast.z_score()[1] == contrast.effect_size()[1] == contrast.effect_variance()[1] == 0
    assert np.all(contrast.z_score()[[0, 2, 3]] != 0)
    for values in fit.parameters.values():
        assert values[1] == 0


@pytest.mark.parametrize("noise_model", [name.replace("N", "2") for name in NOISE_MODELS])
def test_a_fit_can_be_stored(noise_model, make_design, make_series):
    x = make_design(60)
    fit = fit_glm(Moments(make_series(x, 3)), x, noise_model)
    again = pickle.loads(pickle.dumps(fit))
    c = np.eye(x.shape[1])[0]
    np.testing.assert_array_equal(compute_contrast(again, c).stat(), compute_contrast(fit, c).stat())


def test_names_of_families_take_an_order():
    assert noise_model_row("ar4").name == "ar4"
    assert noise_model_row("ar12").label == "AR(12)"
    assert noise_model_row("ar1") is NOISE_MODELS["ar1"]


@pytest.mark.parametrize("name", ["ar", "arN", "ar0", "ar-1", "ar1.5", "ar02", "AR2", "arma", "", None, 1])
def test_unknown_names_are_answered_with_those_there_are(name):
    with pytest.raises(ValueError, match=r"noise_model must be one of ols, ar1, .*such as ar3"):
        noise_model_row(name)


@pytest.mark.parametrize("bins", [0, -3, 2.5, True])
@pytest.mark.parametrize("noise_model", ["ar1", "ar2"])
def test_bins_must_be_a_number_of_bins(noise_model, bins, make_design, make_series):
    x = make_design(40)
    with pytest.raises(ValueError, match="bins must be"):
        fit_glm(Moments(make_series(x, 3)), x, noise_model, bins=bins)


def test_an_order_beyond_the_data_is_refused(make_design, make_series):
    x = make_design(20)
    with pytest.raises(ValueError, match="order 15 cannot be estimated from 20 scans with 5"):
        fit_glm(Moments(make_series(x, 3)), x, "ar15")


@pytest.mark.parametrize("is_stationary", [True, False])
@pytest.mark.parametrize("gaps", [[7], [0, 1, 5, 6, 7, 9, 22, 23], [2, 12, 13, 14, 15, 16, 17, 18, 21], []])
@pytest.mark.parametrize("order", [1, 2, 3, 6])
def test_log_determinants_of_autoregressions_with_gaps_are_the_dense_ones(order, gaps, is_stationary):
    """Stationary: the last of many scans of a filter. Otherwise those of the filter itself, from its first scan on."""
    partial = np.random.default_rng(order).uniform(-0.6, 0.6, (order, 3))
    phi, kept = from_partial(partial), ~np.isin(np.arange(24), gaps)
    found = ARMA(phi, np.zeros(3)).log_determinant_of(kept, is_stationary)
    n = 1024 if is_stationary else 24
    for v in range(3):
        filtered = np.eye(n) - sum(each * np.eye(n, k=-lag) for lag, each in enumerate(phi[:, v], 1))
        inverse = np.linalg.inv(filtered)
        covariance = (inverse @ inverse.T)[-24:, -24:][np.ix_(kept, kept)]
        assert found[v] == pytest.approx(np.linalg.slogdet(covariance)[1], abs=1e-9)
