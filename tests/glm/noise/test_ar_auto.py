"""Autoregressions of a chosen order: bias, order, and least squares against dense matrices."""

import numpy as np
import pytest
from scipy.linalg import solve_toeplitz, toeplitz
from scipy.signal import lfilter

from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar_auto import _autocorrelation, chosen_autoregression, lagged_expectation, levinson
from glmwidgets.glm.noise.pooling import neighbour_matrix

PHI = {1: [0.5], 2: [0.5, 0.3], 3: [0.4, -0.2, 0.3]}


def autocorrelation(phi, n):
    """Of an autoregression, from the spectrum: not by the recursion under test."""
    frequency = 2 * np.pi * np.arange(1 << 14) / (1 << 14)
    response = 1 - sum(value * np.exp(-1j * frequency * (k + 1)) for k, value in enumerate(phi))
    gamma = np.fft.ifft(1 / np.abs(response) ** 2).real[:n]
    return gamma / gamma[0]


def series(n, n_voxels, phi, seed=0):
    rng = np.random.default_rng(seed)
    return lfilter([1], [1, *-np.asarray(phi)], rng.standard_normal((n + 200, n_voxels)), axis=0)[200:]


@pytest.mark.parametrize("phi", PHI.values(), ids=str)
def test_recursions_equal_toeplitz_solutions(phi):
    gamma = autocorrelation(phi, 40)
    found, variance, clipped = levinson(gamma[:7, None])
    for p in range(1, 7):
        expected = solve_toeplitz(gamma[:p], gamma[1 : p + 1])
        np.testing.assert_allclose(found[p, :p, 0], expected, atol=1e-10)
        np.testing.assert_allclose(variance[p, 0], 1 - expected @ gamma[1 : p + 1], rtol=1e-10)
    assert not clipped.any()
    np.testing.assert_allclose(_autocorrelation(found[6], 40)[:, 0], gamma, atol=1e-10)


def test_expectation_equals_dense_traces(make_design):
    x = make_design(50)
    basis = design_basis(x)
    gamma = autocorrelation([0.6, 0.2], 50)
    residual = np.eye(50) - basis.q @ basis.q.T
    covariance = residual @ toeplitz(gamma) @ residual
    expected = [np.trace(covariance, offset=k) for k in range(5)]
    np.testing.assert_allclose(lagged_expectation(basis, 4) @ gamma, expected, rtol=1e-10)


@pytest.mark.parametrize("order", PHI)
def test_expected_products_give_back_the_truth(order):
    """Products that are exactly their expectation: the coefficients that made them, though the design hides them."""
    rng = np.random.default_rng(1)
    basis = design_basis(np.column_stack([rng.standard_normal((250, 12)).cumsum(axis=0), np.ones(250)]))
    expectation = lagged_expectation(basis, 6)
    gamma = autocorrelation(PHI[order], expectation.shape[1])
    lagged = (expectation @ gamma)[:, None]
    phi, chosen, _ = chosen_autoregression(lagged, expectation, 250 - basis.rank)
    assert chosen[0] == order
    expected = np.zeros(6)
    expected[:order] = PHI[order]
    np.testing.assert_allclose(phi[:, 0], expected, atol=0.01)


def test_the_design_does_not_bias_the_autocorrelation():
    """Mean of the first autocorrelation that the fit implies, 24 slow confounds, 200 scans, within 0.015 of 0.4."""
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.standard_normal((200, 24)).cumsum(axis=0), np.ones(200)])
    fit = fit_glm(Moments(series(200, 1500, [0.4])), x, "ar-auto")
    phi = np.stack([fit.parameters[f"phi{k}"] for k in range(1, 7)])
    assert abs(_autocorrelation(phi, 7)[1].mean() - 0.4) < 0.015


def test_orders_follow_the_noise():
    x = np.column_stack([np.arange(400) // 20 % 2, np.ones(400)])
    mean_order = {}
    for order, phi in {0: [], **PHI}.items():
        chosen = fit_glm(Moments(series(400, 300, phi)), x, "ar-auto").parameters["order"]
        mean_order[order] = np.bincount(chosen.astype(int), minlength=7).argmax()
    assert mean_order == {0: 0, 1: 1, 2: 2, 3: 3}


@pytest.mark.parametrize(("constant", "deficient"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize("pooling", [None, "local", "global"])
def test_fit_equals_dense_gls(pooling, constant, deficient, dense, make_design, make_series):
    """Exact at both ends: the covariance is that of the stationary process."""
    x = make_design(80, constant, deficient)
    y = make_series(x, 6, phi=(0.5, 0.2), mean=100.0)
    neighbours = neighbour_matrix(np.ones((6, 1, 1), bool))
    fit = fit_glm(Moments(y), x, "ar-auto", pooling=pooling, neighbours=neighbours)
    weights = np.zeros((2, x.shape[1]))
    weights[0, 2], weights[1, 3] = 1, -1
    contrast = compute_contrast(fit, weights, "F")
    for v in range(y.shape[1]):
        phi = np.array([fit.parameters[f"phi{k}"][v] for k in range(1, 7)])
        gamma = _autocorrelation(phi[:, None], len(y))[:, 0]
        gamma /= 1 - phi @ gamma[1:7]
        expected = dense.gls(x, y[:, v], np.linalg.inv(np.linalg.cholesky(toeplitz(gamma))))
        np.testing.assert_allclose(fit.predicted()[:, v], expected.predicted, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(fit.dispersion[v], expected.dispersion, rtol=1e-9)
        np.testing.assert_allclose(contrast.effect[:, v], weights @ expected.beta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            contrast.covariance[:, :, v], weights @ expected.covariance @ weights.T, rtol=1e-8, atol=1e-14
        )


def test_pooling_over_all_voxels_gives_one_autoregression(make_design, make_series):
    x = make_design(80)
    fit = fit_glm(Moments(make_series(x, 20, phi=(0.5,))), x, "ar-auto", pooling="global")
    assert all(np.ptp(values) == 0 for values in fit.parameters.values())
    assert abs(fit.parameters["phi1"][0] - 0.5) < 0.15


def test_constant_series_short_runs_and_edges(make_design, make_series):
    x = make_design(60)
    y = make_series(x, 4, phi=(0.3,))
    y[:, 0] = 7.0
    y[:, 1] = np.random.default_rng(3).standard_normal(60).cumsum().cumsum()
    y[10, 2] = 5e3
    fit = fit_glm(Moments(y), x, "ar-auto")
    assert fit.parameters["order"][0] == fit.parameters["phi1"][0] == 0
    assert not fit.noise.flags["edge"][0]
    z = compute_contrast(fit, np.eye(x.shape[1])[0]).z_score()
    assert z[0] == 0
    assert np.isfinite(z).all()
    with pytest.raises(ValueError, match="cannot be estimated from 8 scans"):
        fit_glm(Moments(np.random.default_rng(0).standard_normal((8, 3))), make_design(8), "ar-auto")


def test_orders_are_no_higher_where_scans_are_scrubbed():
    """An AR(1) of which a third of the scans is taken: a sixth of the voxels got order 6 with all scans counted."""
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(200), np.eye(200)[:, rng.choice(200, 60, replace=False)]])
    order = fit_glm(Moments(series(200, 600, [0.5])), x, "ar-auto").parameters["order"]
    assert np.mean(order == 6) < 0.1
    assert np.mean(order <= 2) > 0.65
