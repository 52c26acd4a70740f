"""AR(1) by restricted maximum likelihood: against likelihoods and least squares in dense matrices."""

import numpy as np
import pytest

from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1_reml import RHO_RANGE
from glmwidgets.glm.noise.pooling import neighbour_matrix


def covariance(n, rho):
    """Of a stationary autoregression with innovations of unit variance."""
    return rho ** np.abs(np.subtract.outer(np.arange(n), np.arange(n))) / (1 - rho**2)


def dense_curves(x, y, grid):
    """-2 restricted log likelihood of every series at every rho, from contrasts orthogonal to the design."""
    u, s, _ = np.linalg.svd(x / np.linalg.norm(x, axis=0), full_matrices=True)
    k = u[:, np.count_nonzero(s > 1e-10) :]
    out = np.empty((len(grid), y.shape[1]))
    for i, rho in enumerate(grid):
        root = np.linalg.cholesky(k.T @ covariance(len(x), rho) @ k)
        rss = np.square(np.linalg.solve(root, k.T @ y)).sum(axis=0)
        out[i] = k.shape[1] * np.log(rss) + 2 * np.log(np.diag(root)).sum()
    return out


def lowest(grid, curves):
    """By the parabola through the best place of a fine grid; its error is far below 1e-5 at steps of 0.002."""
    best = curves.argmin(axis=0)
    middle = np.clip(best, 1, len(grid) - 2)
    low, here, high = (curves[middle + k, np.arange(curves.shape[1])] for k in (-1, 0, 1))
    inside = grid[middle] + (grid[1] - grid[0]) * (low - high) / 2 / (low - 2 * here + high)
    return np.where(best == middle, inside, grid[best])


GRID = np.arange(RHO_RANGE[0], RHO_RANGE[1] + 1e-3, 0.002)


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize(
    ("constant", "deficient", "phi"),
    [(True, False, 0.5), (True, True, 0.0), (False, False, -0.4), (True, False, 0.85)],
)
def test_rho_is_the_optimum_of_the_restricted_likelihood(constant, deficient, phi, precision, make_design, make_series):
    x = make_design(70, constant, deficient)
    y = make_series(x, 40, phi=(phi,), mean=100.0)
    if not constant:
        y = y - y.mean(axis=0) + 3
    found = fit_glm(Moments(y, precision), x, "ar1-reml").parameters["rho"]
    np.testing.assert_allclose(found, lowest(GRID, dense_curves(x, y, GRID)), atol=1e-4)


@pytest.mark.parametrize(("constant", "deficient"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize("pooling", [None, "local", "global"])
def test_fit_equals_dense_gls(pooling, constant, deficient, dense, make_design, make_series):
    """Exact at both ends: the covariance is that of the stationary process, first scan included.

    A prediction near zero is a difference of products with orthonormal columns, each of them right to ``n eps |y|``.
    """
    x = make_design(80, constant, deficient)
    y = make_series(x, 6, phi=(0.6,), mean=100.0)
    neighbours = neighbour_matrix(np.ones((6, 1, 1), bool))
    fit = fit_glm(Moments(y), x, "ar1-reml", pooling=pooling, neighbours=neighbours)
    weights = np.zeros((2, x.shape[1]))
    weights[0, 2], weights[1, 3] = 1, -1
    contrast = compute_contrast(fit, weights, "F")
    for v, rho in enumerate(fit.parameters["rho"]):
        whitener = np.linalg.inv(np.linalg.cholesky(covariance(len(y), rho)))
        expected = dense.gls(x, y[:, v], whitener)
        rounding = len(y) * np.finfo(np.float64).eps * np.linalg.norm(y[:, v])
        np.testing.assert_allclose(fit.predicted()[:, v], expected.predicted, rtol=1e-9, atol=rounding)
        np.testing.assert_allclose(fit.dispersion[v], expected.dispersion, rtol=1e-9)
        np.testing.assert_allclose(contrast.effect[:, v], weights @ expected.beta, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(
            contrast.covariance[:, :, v], weights @ expected.covariance @ weights.T, rtol=1e-8, atol=1e-14
        )


def test_pooled_rho_is_the_optimum_of_the_summed_likelihoods(make_design, make_series):
    x = make_design(70)
    y = make_series(x, 9, phi=(0.5,))
    neighbours = neighbour_matrix(np.ones((3, 3, 1), bool), connectivity=18)
    curves = dense_curves(x, y, GRID)
    local = fit_glm(Moments(y), x, "ar1-reml", pooling="local", neighbours=neighbours).parameters["rho"]
    np.testing.assert_allclose(local, lowest(GRID, curves @ neighbours.toarray()), atol=1e-4)
    everywhere = fit_glm(Moments(y), x, "ar1-reml", pooling="global").parameters["rho"]
    np.testing.assert_allclose(everywhere, lowest(GRID, curves.sum(axis=1, keepdims=True))[0], atol=1e-4)


def test_the_design_does_not_bias_rho():
    """Twenty-four slow confounds pull the reference's estimate from 0.4 to below 0.3, this one by less than 0.01."""
    rng = np.random.default_rng(0)
    n, n_voxels = 200, 1500
    x = np.column_stack([rng.standard_normal((n, 24)).cumsum(axis=0), np.ones(n)])
    y = rng.standard_normal((n, n_voxels))
    y[0] /= np.sqrt(1 - 0.4**2)
    for t in range(1, n):
        y[t] += 0.4 * y[t - 1]
    moments = Moments(y)
    assert fit_glm(moments, x, "ar1").parameters["rho"].mean() < 0.3
    # standard error 0.08 / sqrt(1500) = 0.002
    assert abs(fit_glm(moments, x, "ar1-reml").parameters["rho"].mean() - 0.4) < 0.01


def test_units_of_the_data_do_not_matter(make_design, make_series):
    x = make_design(60)
    y = make_series(x, 20, phi=(0.3,), mean=0.0)
    expected = fit_glm(Moments(y), x, "ar1-reml").parameters["rho"]
    for factor in (1e-9, 1e9):
        found = fit_glm(Moments(y * factor), x, "ar1-reml").parameters["rho"]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_constant_series_and_edges_are_marked(make_design, make_series):
    x = make_design(60)
    y = make_series(x, 5, phi=(0.3,))
    y[:, 0] = 7.0
    y[:, 1] = 100 + np.random.default_rng(3).standard_normal(60).cumsum().cumsum()  # smoother than any AR(1)
    y[:, 2] = 100 + x[:, 0]  # what the design explains altogether
    y[:, 3] = 100.0
    y[10, 3] = 5e3  # a single spike
    fit = fit_glm(Moments(y), x, "ar1-reml")
    rho, edge = fit.parameters["rho"], fit.noise.flags["edge"]
    assert rho[0] == 0
    assert not edge[0]
    assert rho[1] == RHO_RANGE[1]
    assert edge[1]
    contrast = compute_contrast(fit, np.eye(x.shape[1])[0])
    assert contrast.z_score()[0] == 0
    assert np.isfinite(rho).all()
    assert np.isfinite(contrast.z_score()[[0, 1, 3, 4]]).all()
    assert not edge[4]


def test_a_model_that_cannot_be_pooled_says_so(make_design, make_series):
    x = make_design(60)
    moments = Moments(make_series(x, 3))
    with pytest.raises(ValueError, match=r"ols cannot be pooled .* ar1-reml"):
        fit_glm(moments, x, "ols", pooling="global")
