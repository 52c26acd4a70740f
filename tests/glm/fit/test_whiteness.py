"""Whiteness of residuals: silent when the model is true, loud when it is not, and innovations by their definition."""

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.signal import lfilter

from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.fit.whiteness import residual_whiteness, suggested_noise_model
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma import ARMA
from glmwidgets.glm.noise.models import NOISE_MODELS


def design(n, n_confounds, seed=0):
    """A boxcar, slow cosines and random walks, which take a large part of the slow residuals."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    cosines = [np.cos(np.pi * (t + 0.5) * k / n) for k in range(1, 6)]
    return np.column_stack([t // 10 % 2, rng.standard_normal((n, n_confounds)).cumsum(axis=0), *cosines, np.ones(n)])


def series(n, n_voxels, phi=(), white=0.0, seed=1):
    rng = np.random.default_rng(seed)
    e = lfilter([1], [1, *-np.asarray(phi)], rng.standard_normal((n + 100, n_voxels)), axis=0)[100:]
    return 100 + np.sqrt(1 - white) * e / e.std() + np.sqrt(white) * rng.standard_normal(e.shape)


@pytest.mark.parametrize(
    ("noise_model", "noise"),
    [
        ("ols", {}),
        ("ar1-reml", {"phi": [0.5]}),
        ("ar1-reml", {}),
        ("arma11", {"phi": [0.85], "white": 0.5}),
        ("ar-auto", {"phi": [0.4, 0.2]}),
    ],
)
@pytest.mark.parametrize("n_confounds", [0, 20])
def test_the_true_model_is_found_white(noise_model, noise, n_confounds):
    """Ljung and Box's own test would reject most of these: the design alone makes residuals alternate."""
    fit = fit_glm(Moments(series(200, 1500, **noise)), design(200, n_confounds), noise_model)
    found = residual_whiteness(fit)
    # 0.0056 is the standard error for 1,500 voxels; the reference of 1,000 series adds 0.007.
    assert 0.02 < found.share < 0.09
    assert found.white
    assert found.suggestion is None
    assert found.verdict.startswith("Residuals are white")
    np.testing.assert_allclose(found.autocorrelation, found.expected_autocorrelation, atol=0.02)
    np.testing.assert_allclose(found.periodogram, found.expected_periodogram, atol=0.25)


@pytest.mark.parametrize(
    ("noise_model", "noise", "suggestion"),
    [
        ("ols", {"phi": [0.4]}, "arma11"),
        ("ar1", {"phi": [0.85], "white": 0.5}, "arma11"),
        ("ar1-reml", {"phi": [0.85], "white": 0.5}, "arma11"),
        ("arma11", {"phi": [-0.5]}, "ar-auto"),
    ],
)
def test_a_wrong_model_is_found_out(noise_model, noise, suggestion):
    fit = fit_glm(Moments(series(300, 800, **noise)), design(300, 6), noise_model)
    found = residual_whiteness(fit, t_r=0.8)
    assert found.share > 0.3
    assert found.suggestion == suggestion
    assert f"{100 * found.share:.0f} % of voxels are not white" in found.verdict
    assert found.verdict.endswith(f"try {suggestion}.")
    assert found.frequencies[-1] == pytest.approx(1 / 1.6)
    assert found.frequencies.shape == found.periodogram.shape == found.expected_periodogram.shape


@pytest.mark.parametrize("noise_model", ["ar1-reml", "ar-auto"])
@pytest.mark.parametrize(("n", "n_confounds", "scrubbed"), [(200, 0, 0.3), (200, 2, 0.15), (80, 6, 0)])
def test_the_verdict_holds_with_scrubbed_scans_and_in_short_runs(noise_model, n, n_confounds, scrubbed):
    """A true model is found white, and a rhythm of .34 cycles a scan is noticed, whose amplitude is the noise's own."""
    rng = np.random.default_rng(3)
    gone = np.sort(rng.choice(n, int(n * scrubbed), replace=False))
    x = np.column_stack([design(n, n_confounds), np.eye(n)[:, gone]])
    y = series(n, 800, phi=[0.5])
    true = residual_whiteness(fit_glm(Moments(y), x, noise_model))
    assert 0.02 <= true.share < 0.1
    assert true.white
    rhythm = 0.87 * np.sin(2 * np.pi * 0.34 * np.arange(n))[:, None]
    assert not residual_whiteness(fit_glm(Moments(y + rhythm), x, noise_model)).white


def test_voxels_that_differ_are_white_under_a_model_that_holds_them():
    """White noise beside autoregressions: their processes are not averaged away."""
    parts = [series(200, 300, phi, seed=seed) for seed, phi in enumerate(([], [0.3], [0.8], [0.5, 0.2]))]
    assert residual_whiteness(fit_glm(Moments(np.hstack(parts)), design(200, 6), "ar-auto")).share < 0.08


def test_p_values_are_uniform_under_the_model():
    fit = fit_glm(Moments(series(200, 4000, phi=[0.4])), design(200, 12), "ar1-reml")
    p = residual_whiteness(fit, n_voxels=None, n_reference=2000).p_values
    assert p.shape == (4000,)
    np.testing.assert_allclose(np.quantile(p, [0.1, 0.25, 0.5, 0.75, 0.9]), [0.1, 0.25, 0.5, 0.75, 0.9], atol=0.04)


def test_pooled_parameters_are_taken_as_known():
    fit = fit_glm(Moments(series(200, 1500, phi=[0.5])), design(200, 6), "ar1-reml", pooling="global")
    assert 0.02 < residual_whiteness(fit, pooled=True).share < 0.08


@pytest.mark.parametrize(("a", "b"), [(0.8, 0.0), (0.8, -0.5), (0.95, -0.9), (0.0, 0.0)])
def test_innovations_are_white_by_the_inverse_of_the_covariance(a, b):
    """They are the rows of the inverse Cholesky factor of the covariance, by which dense least squares whitens."""
    gamma = np.empty(40)
    gamma[0] = (1 + 2 * a * b + b**2) / (1 - a**2)
    gamma[1:] = (1 + a * b) * (a + b) / (1 - a**2) * a ** np.arange(39)
    e = np.random.default_rng(0).standard_normal((40, 3))
    expected = np.linalg.solve(np.linalg.cholesky(toeplitz(gamma)), e)
    np.testing.assert_allclose(ARMA(np.full((1, 3), a), np.full(3, b)).innovations(e), expected, atol=1e-12)


def test_innovations_of_higher_orders_undo_the_filter():
    u = np.random.default_rng(0).standard_normal((60, 2))
    phi = np.array([[0.4], [-0.2], [0.3]]) * np.ones(2)
    e = lfilter([1], [1, -0.4, 0.2, -0.3], u, axis=0)
    np.testing.assert_allclose(ARMA(phi, np.zeros(2)).innovations(e), u[3:], atol=1e-12)


def test_the_same_fit_gives_the_same_verdict():
    fit = fit_glm(Moments(series(120, 6000, phi=[0.3])), design(120, 2), "ar1-reml")
    first, second = residual_whiteness(fit), residual_whiteness(fit)
    assert first.voxels.size == 4000
    np.testing.assert_array_equal(first.p_values, second.p_values)


def test_constant_voxels_are_left_out():
    y = series(80, 5)
    y[:, 2] = 1.0
    assert residual_whiteness(fit_glm(Moments(y), design(80, 0), "ar1-reml")).voxels.tolist() == [0, 1, 3, 4]
    with pytest.raises(ValueError, match="no voxel varies"):
        residual_whiteness(fit_glm(Moments(np.ones((80, 2))), design(80, 0), "ar1-reml"))


def test_suggestions_are_noise_models():
    for t_r in (None, 0.8, 2.0):
        for tried in (None, "ols", "ar1", "ar3", "ar1-reml", "arma11", "ar-auto"):
            suggestion = suggested_noise_model(t_r, tried)
            assert suggestion != tried or tried is None
            assert suggestion is None or suggestion in NOISE_MODELS


def test_a_model_that_leaves_as_many_coloured_is_not_suggested():
    rng, scans = np.random.default_rng(3), np.arange(240)
    rhythms = sum(2 * np.sin(2 * np.pi * f * scans + 1) for f in (0.07, 0.19, 0.33, 0.44))
    series = rng.standard_normal((240, 300)) + rhythms[:, None]
    found = residual_whiteness(fit_glm(Moments(series), np.ones((240, 1)), "ar1-reml"), t_r=2.0)
    assert found.share > 0.9
    assert found.suggestion is None
    assert "no noise model on offer" in found.verdict
