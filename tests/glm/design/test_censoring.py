"""Censored scans: columns in the whole run against dense least squares of the scans that remain."""

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import toeplitz

from glmwidgets.analysis.compare import aicc
from glmwidgets.glm.design.censoring import censored_scans, filled_gaps, with_censored_scans
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.basis import kept_scans
from glmwidgets.glm.moments.lagged import Moments

CENSORED = np.array([0, 1, 17, 18, 19, 40, 79])  # both ends, a gap, and single scans


def covariance(n, parameters, v):
    """From the definition of each model, up to a factor."""
    if "rho" in parameters:
        return toeplitz(parameters["rho"][v] ** np.arange(n))
    if "lam" in parameters:
        return toeplitz(np.append(1, parameters["lam"][v] * parameters["a"][v] ** np.arange(n - 1)))
    a = [parameters[f"phi{k}"][v] for k in range(1, 7)]
    frequency = 2 * np.pi * np.arange(1 << 14) / (1 << 14)
    response = 1 - sum(value * np.exp(-1j * frequency * (k + 1)) for k, value in enumerate(a))
    gamma = np.fft.ifft(1 / np.abs(response) ** 2).real[:n]
    return toeplitz(gamma / gamma[0])


@pytest.mark.parametrize("noise_model", ["ols", "ar1-reml", "arma11", "ar-auto"])
def test_equals_least_squares_of_the_scans_that_remain(noise_model, make_design, make_series):
    x = make_design(80)
    y = make_series(x, 5, phi=(0.6,))
    y[CENSORED] += 50 * np.random.default_rng(0).standard_normal((CENSORED.size, 5))
    design = with_censored_scans(pd.DataFrame(x), CENSORED)
    fit = fit_glm(Moments(y), design, noise_model)
    kept = np.setdiff1d(np.arange(80), CENSORED)
    weights = np.eye(design.shape[1])[0]
    contrast = compute_contrast(fit, weights)
    for v in range(5):
        full = np.eye(80) if noise_model == "ols" else covariance(80, fit.parameters, v)
        inverse = np.linalg.inv(full[np.ix_(kept, kept)])
        unscaled = np.linalg.inv(x[kept].T @ inverse @ x[kept])
        beta = unscaled @ x[kept].T @ inverse @ y[kept, v]
        left = y[kept, v] - x[kept] @ beta
        dof = kept.size - x.shape[1]
        t = beta[0] / np.sqrt(unscaled[0, 0] * (left @ inverse @ left) / dof)
        np.testing.assert_allclose(contrast.effect[0, v], beta[0], rtol=1e-8)
        np.testing.assert_allclose(contrast.stat()[v], t, rtol=1e-8)
    assert fit.dof == dof


def test_rho_is_the_optimum_of_the_scans_that_remain(make_design, make_series):
    """The restricted likelihood of the remaining scans under their own covariance has its optimum at the same rho."""
    x = make_design(80)
    y = make_series(x, 4, phi=(0.6,))
    design = with_censored_scans(pd.DataFrame(x), CENSORED)
    found = fit_glm(Moments(y), design, "ar1-reml").parameters["rho"]
    kept = np.setdiff1d(np.arange(80), CENSORED)
    u, _, _ = np.linalg.svd(x[kept] / np.linalg.norm(x[kept], axis=0), full_matrices=True)
    k = u[:, x.shape[1] :]

    def curve(rho, v):
        full = toeplitz(rho ** np.arange(80)) / (1 - rho**2)
        root = np.linalg.cholesky(k.T @ full[np.ix_(kept, kept)] @ k)
        rss = np.sum(np.linalg.solve(root, k.T @ y[kept, v]) ** 2)
        return k.shape[1] * np.log(rss) + 2 * np.log(np.diag(root)).sum()

    for v in range(4):
        low, here, high = (curve(found[v] + step, v) for step in (-1e-3, 0, 1e-3))
        assert abs(1e-3 * (low - high) / 2 / (low - 2 * here + high)) < 1e-4


def test_the_value_of_a_censored_scan_does_not_matter(make_design, make_series):
    x = make_design(80)
    y = make_series(x, 3)
    wild = y.copy()
    wild[CENSORED] += 1e3
    design = with_censored_scans(pd.DataFrame(x), CENSORED)
    for noise_model in ("ar1", "ar1-reml", "arma11"):
        quiet, loud = (
            compute_contrast(fit_glm(Moments(each), design, noise_model), np.eye(design.shape[1])[0]).stat()
            for each in (y, wild)
        )
        np.testing.assert_allclose(quiet, loud, rtol=1e-6)


def test_sample_masks():
    np.testing.assert_array_equal(censored_scans(np.array([2, 0]), 4), [1, 3])
    np.testing.assert_array_equal(censored_scans(np.array([True, False, True]), 3), [1])
    with pytest.raises(ValueError, match="keeps scan 4"):
        censored_scans(np.array([4]), 4)
    with pytest.raises(ValueError, match="has 3 scans"):
        censored_scans(np.array([True, False]), 3)


@pytest.mark.parametrize(
    ("censored", "match"), [([3], "0 to 2"), ([-1], "0 to 2"), ([1, 1], "twice"), ([0, 1, 2], "all 3 scans")]
)
def test_bad_scans_are_refused(censored, match):
    with pytest.raises(ValueError, match=match):
        with_censored_scans(pd.DataFrame({"constant": np.ones(3)}), censored)


def spoilt(make_design, make_series, precision="float64", phi=(0.5,)):
    """A run with wild scans, the design with a column for each, and the scans that remain."""
    x = make_design(80)
    y = make_series(x, 6, phi=phi) + 100
    y[CENSORED] *= 1.5
    kept = np.setdiff1d(np.arange(80), CENSORED)
    return x, y, Moments(y, precision), with_censored_scans(pd.DataFrame(x), CENSORED), kept


def test_the_scans_that_remain_are_those_without_a_column_of_their_own(make_design):
    design = with_censored_scans(pd.DataFrame(make_design(80)), CENSORED)
    np.testing.assert_array_equal(np.flatnonzero(~kept_scans(design.to_numpy())), CENSORED)
    assert kept_scans(make_design(80)).all()


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_what_is_told_is_of_the_scans_that_remain(precision, make_design, make_series):
    """R² and tSNR equal those of a run without these scans; 1e-4 in single precision, whose scans are 50 units wild."""
    x, y, moments, design, kept = spoilt(make_design, make_series, precision)
    fit = fit_glm(moments, design, "ols")
    alone = fit_glm(Moments(y[kept]), x[kept], "ols")
    atol = 1e-9 if precision == "float64" else 1e-4
    np.testing.assert_allclose(fit.r_square, alone.r_square, atol=atol)
    mean, squares = fit.spread
    np.testing.assert_allclose(mean, y[kept].mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(squares, np.square(y[kept] - y[kept].mean(axis=0)).sum(axis=0), rtol=1e-4)
    assert alone.r_square.max() < 0.9 < 0.98  # with the wild scans it would be .99


@pytest.mark.parametrize("noise_model", ["ols", "ar1", "ar1-reml", "arma11", "ar3", "ar-auto"])
def test_aicc_is_that_of_the_scans_that_remain(noise_model, make_design, make_series):
    """Density of the scans that are kept, under their own covariance with the parameters that were found."""
    phi = (0.6, -0.6) if noise_model == "ar-auto" else (0.5,)
    x, y, moments, design, kept = spoilt(make_design, make_series, phi=phi)
    fit = fit_glm(moments, design, noise_model)
    n, n_noise = kept.size, {"ols": 0, "arma11": 2, "ar3": 3}.get(noise_model, 1)
    if noise_model == "ar-auto":
        assert fit.parameters["order"].max() > 1
    for v in range(6):
        if noise_model == "ols":
            full = np.eye(80)
        elif noise_model in ("ar1", "ar3"):  # nilearn's filter, which leaves the first scans as they are
            phi = [fit.parameters[name][v] for name in fit.parameters if name[:3] in ("rho", "phi")]
            filtered = np.eye(80) - sum(each * np.eye(80, k=-lag) for lag, each in enumerate(phi, 1))
            full = np.linalg.inv(filtered.T @ filtered)
        elif noise_model == "ar-auto":  # of which the last 80 of many scans are stationary
            phi = [fit.parameters[f"phi{lag}"][v] for lag in range(1, 7)]
            n_noise = fit.parameters["order"][v]
            filtered = np.eye(1080) - sum(each * np.eye(1080, k=-lag) for lag, each in enumerate(phi, 1))
            inverse = np.linalg.inv(filtered)
            full = (inverse @ inverse.T)[-80:, -80:]
        elif noise_model == "ar1-reml":
            full = covariance(80, fit.parameters, v) / (1 - fit.parameters["rho"][v] ** 2)
        else:
            a, b = fit.parameters["a"][v], fit.parameters["b"][v]
            full = covariance(80, fit.parameters, v) * (1 + 2 * a * b + b**2) / (1 - a**2)
        root = np.linalg.cholesky(full[np.ix_(kept, kept)])
        white = np.linalg.solve(root, np.column_stack([x, y])[kept])
        rss = np.linalg.lstsq(white[:, : x.shape[1]], white[:, x.shape[1] + v], rcond=None)[1]
        misfit = n * np.log(rss[0] / n) + 2 * np.log(np.diag(root)).sum()
        k = x.shape[1] + 1 + n_noise
        expected = misfit + 2 * k + 2 * k * (k + 1) / (n - k - 1)
        assert aicc(fit)[v] == pytest.approx(expected, abs=1e-7)


def test_gaps_hold_the_mean_and_do_not_matter(make_design, make_series):
    x, y, _, _, kept = spoilt(make_design, make_series)
    first, last = kept[0], kept[-1] + 1
    inner = CENSORED[(first < CENSORED) & (last > CENSORED)] - first
    filled = filled_gaps(y[kept], kept)
    np.testing.assert_allclose(filled[inner], np.broadcast_to(y[kept].mean(axis=0), (inner.size, 6)))
    rows = with_censored_scans(pd.DataFrame(x[first:last]), inner)
    weights = np.eye(rows.shape[1])[0]
    own = compute_contrast(fit_glm(Moments(filled), rows, "ar1-reml"), weights)
    wild = compute_contrast(fit_glm(Moments(y[first:last]), rows, "ar1-reml"), weights)
    np.testing.assert_allclose(own.stat(), wild.stat(), rtol=1e-5)
