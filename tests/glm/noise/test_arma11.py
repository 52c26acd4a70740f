"""Autoregression plus white noise: against likelihoods and least squares in dense matrices."""

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.optimize import minimize
from scipy.signal import lfilter
from scipy.special import expit

from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11 import A_MAX, C_MAX, C_MIN
from glmwidgets.glm.noise.pooling import neighbour_matrix


def covariance(n, a, b):
    """Of a stationary ARMA(1,1) with innovations of unit variance (Brockwell and Davis 1991, section 3.3)."""
    gamma = np.empty(n)
    gamma[0] = (1 + 2 * a * b + b**2) / (1 - a**2)
    gamma[1:] = (1 + a * b) * (a + b) / (1 - a**2) * a ** np.arange(n - 1)
    return toeplitz(gamma)


def series(x, n_voxels, a, white, seed=0, mean=50.0):
    """An autoregression of unit variance and white noise, mixed by the share of white."""
    rng = np.random.default_rng(seed)
    e = rng.standard_normal((len(x), n_voxels))
    for t in range(1, len(x)):
        e[t] = a * e[t - 1] + np.sqrt(1 - a**2) * e[t]
    return mean + np.sqrt(1 - white) * e + np.sqrt(white) * rng.standard_normal(e.shape)


def left_over(x):
    """Contrasts of the scans that the design does not touch."""
    u, s, _ = np.linalg.svd(x / np.linalg.norm(x, axis=0), full_matrices=True)
    return u[:, np.count_nonzero(s > 1e-10) :]


def likelihood(k, y, a, b):
    """-2 restricted log likelihood, summed over the columns of y."""
    root = np.linalg.cholesky(k.T @ covariance(len(k), a, b) @ k)
    rss = np.square(np.linalg.solve(root, k.T @ y)).sum(axis=0)
    return np.sum(k.shape[1] * np.log(rss) + 2 * np.log(np.diag(root)).sum())


def best_likelihood(k, y):
    """Over the range of the model, by a simplex from several starts."""

    def objective(p):
        share = expit(p)
        c = C_MIN + share[0] * (C_MAX - C_MIN)
        least = max(c, 0)
        return likelihood(k, y, least + share[1] * (A_MAX - least), -c)

    starts = ([0.7, 0.0], [-0.3, 0.0], [2.0, 2.0], [-2.0, 0.0])
    options = {"xatol": 1e-5, "fatol": 1e-6, "maxiter": 300}
    return min(minimize(objective, p, method="Nelder-Mead", options=options).fun for p in starts)


@pytest.mark.parametrize(("constant", "deficient"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize(("bins", "pooling"), [(100, None), (7, None), (None, None), (100, "local"), (100, "global")])
def test_fit_equals_dense_gls(bins, pooling, constant, deficient, dense, make_design):
    x = make_design(80, constant, deficient)
    y = np.concatenate([series(x, 4, 0.8, 0.5), series(x, 2, 0.3, 0.0, 1), series(x, 2, 0.0, 1.0, 2)], axis=1)
    neighbours = neighbour_matrix(np.ones((8, 1, 1), bool))
    fit = fit_glm(Moments(y), x, "arma11", bins=bins, pooling=pooling, neighbours=neighbours)
    weights = np.zeros((2, x.shape[1]))
    weights[0, 2], weights[1, 3] = 1, -1
    contrast = compute_contrast(fit, weights, "F")
    for v in range(y.shape[1]):
        a, b = fit.parameters["a"][v], fit.parameters["b"][v]
        whitener = np.linalg.inv(np.linalg.cholesky(covariance(len(y), a, b)))
        expected = dense.gls(x, y[:, v], whitener)
        np.testing.assert_allclose(fit.predicted()[:, v], expected.predicted, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(fit.dispersion[v], expected.dispersion, rtol=1e-9)
        # An effect near zero to 1e-11 of its standard error: without a constant, a is .98 and W nearly singular.
        atol = 1e-11 * np.sqrt(np.diag(weights @ expected.covariance @ weights.T))
        assert np.all(
            np.abs(contrast.effect[:, v] - weights @ expected.beta) < 1e-9 * np.abs(contrast.effect[:, v]) + atol
        )
        np.testing.assert_allclose(
            contrast.covariance[:, :, v], weights @ expected.covariance @ weights.T, rtol=1e-8, atol=1e-14
        )


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(("a", "white"), [(0.85, 0.5), (0.4, 0.0), (0.95, 0.8)])
def test_parameters_are_at_the_optimum(a, white, precision, make_design):
    """Within 0.05 of the least -2 log likelihood, 0.2 at the end of the range: b is on a lattice of 0.01."""
    x = make_design(90)
    y = series(x, 6, a, white, mean=100.0)
    k = left_over(x)
    fit = fit_glm(Moments(y, precision), x, "arma11")
    for v in range(y.shape[1]):
        found = likelihood(k, y[:, [v]], fit.parameters["a"][v], fit.parameters["b"][v])
        assert found - best_likelihood(k, y[:, [v]]) < (0.2 if fit.noise.flags["edge"][v] else 0.05)


def smoothed(n, n_voxels, a, b, seed=0):
    """ARMA(1,1) of any b."""
    u = np.random.default_rng(seed).standard_normal((n + 100, n_voxels))
    return lfilter([1, b], [1, -a], u, axis=0)[100:]


@pytest.mark.parametrize("pooling", [None, "global"])
@pytest.mark.parametrize(("a", "b"), [(0.5, 0.4), (0.0, 0.5), (0.3, 0.75)])
def test_noise_that_is_smooth_over_time_is_found(a, b, pooling, make_design):
    """b above 0, as of series that were interpolated in time: at the optimum, and near the truth in long runs."""
    x = make_design(90)
    y = 100 + smoothed(90, 4, a, b)
    fit, k = fit_glm(Moments(y), x, "arma11", pooling=pooling), left_over(x)
    if pooling is None:
        for v in range(4):
            found = likelihood(k, y[:, [v]], fit.parameters["a"][v], fit.parameters["b"][v])
            assert found - best_likelihood(k, y[:, [v]]) < (0.2 if fit.noise.flags["edge"][v] else 0.05)
    else:
        assert likelihood(k, y, fit.parameters["a"][0], fit.parameters["b"][0]) - best_likelihood(k, y) < 0.05
    long = fit_glm(Moments(smoothed(2000, 40, a, b)), make_design(2000), "arma11", pooling=pooling)
    assert abs(np.median(long.parameters["a"]) - a) < 0.03
    assert abs(np.median(long.parameters["b"]) - b) < 0.03


def test_smooth_noise_does_not_pass_for_an_effect():
    """Random events under noise of (.5, +.4): .086 at .05 when b was taken to be at most 0."""
    rates = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        event = np.zeros(200)
        event[rng.choice(190, 30, replace=False)] = 1
        shape = np.arange(8) ** 2 * np.exp(-np.arange(8))
        x = np.column_stack([np.convolve(event, shape)[:200], np.linspace(-1, 1, 200), np.ones(200)])
        fit = fit_glm(Moments(smoothed(200, 1500, 0.5, 0.4, seed)), x, "arma11")
        rates.append(np.mean(np.abs(compute_contrast(fit, [1, 0, 0]).z_score()) > 1.96))
    # 6,000 voxels: four standard errors of a share of .05 are .011; .007 is the model's own excess.
    assert 0.04 < np.mean(rates) < 0.068


def test_a_is_the_optimum_given_b(make_design):
    """To 1e-4, where the optimum lies within the range."""
    x = make_design(90)
    y = series(x, 12, 0.85, 0.4)
    k = left_over(x)
    fit = fit_glm(Moments(y), x, "arma11")
    a, b = fit.parameters["a"], fit.parameters["b"]
    inside = np.flatnonzero((a > np.maximum(-b, 0) + 0.02) & (a < A_MAX - 0.02))
    assert inside.size > 6
    for v in inside:
        curve = [likelihood(k, y[:, [v]], a[v] + d, b[v]) for d in (-2e-3, 0, 2e-3)]
        lowest = 2e-3 * (curve[0] - curve[2]) / 2 / (curve[0] - 2 * curve[1] + curve[2])
        assert abs(lowest) < 1e-4


def test_pooled_parameters_are_those_of_the_summed_likelihoods(make_design):
    x = make_design(80)
    y = series(x, 8, 0.8, 0.5)
    k = left_over(x)
    fit = fit_glm(Moments(y), x, "arma11", pooling="global")
    a, b = fit.parameters["a"], fit.parameters["b"]
    assert np.ptp(a) == np.ptp(b) == 0
    assert likelihood(k, y, a[0], b[0]) - best_likelihood(k, y) < 0.05


def test_long_runs_give_the_truth(make_design):
    """2,000 scans: a and the autocorrelation at lag 1 in the mean over 40 voxels."""
    x = make_design(2000)
    y = series(x, 40, 0.85, 0.5)
    fit = fit_glm(Moments(y), x, "arma11")
    # four standard errors over the voxels
    for name, truth in (("a", 0.85), ("lam", 0.425)):
        values = fit.parameters[name]
        assert abs(values.mean() - truth) < 4 * values.std() / np.sqrt(40), name


def test_white_noise_and_constant_series(make_design):
    x = make_design(80)
    y = series(x, 30, 0.0, 1.0)
    y[:, 0] = 3.0
    y[:, 1] = series(x, 1, 0.5, 0.0)[:, 0]
    y[40, 1] = 1e5
    fit = fit_glm(Moments(y), x, "arma11")
    a, b, lam = (fit.parameters[name] for name in ("a", "b", "lam"))
    assert a[0] == b[0] == lam[0] == 0
    # a voxel in which white noise fits best is said to be white, not to have an autoregression that cancels itself
    white = lam == 0
    assert white.mean() > 0.25
    assert (a[white] == 0).all()
    z = compute_contrast(fit, np.eye(x.shape[1])[0]).z_score()
    assert z[0] == 0
    assert np.isfinite(z).all()
    assert not fit.noise.flags["edge"][0]
