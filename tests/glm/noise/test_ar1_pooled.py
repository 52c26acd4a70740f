"""Autoregressions as the field estimates them, shared by voxels: against dense matrices and against the truth."""

import numpy as np
import pytest

from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.glm.noise.pooling import neighbour_matrix


@pytest.mark.parametrize(("constant", "deficient"), [(True, False), (False, False), (True, True)])
@pytest.mark.parametrize("pooling", ["local", "global"])
@pytest.mark.parametrize("noise_model", ["ar1", "ar3"])
def test_fit_equals_dense_gls(noise_model, pooling, constant, deficient, dense, make_design, make_series):
    """Prediction and variance to 1e-9, at the parameters that the model reports."""
    x = make_design(80, constant, deficient)
    y = make_series(x, 6, phi=(0.5, -0.2), mean=100.0)
    touch = neighbour_matrix(np.ones((3, 2, 1), bool))
    fit = fit_glm(Moments(y), x, noise_model, pooling=pooling, neighbours=touch)
    for v in range(y.shape[1]):
        phi = [fit.parameters[name][v] for name in sorted(fit.parameters)]
        expected = dense.gls(x, y[:, v], dense.whitener(len(y), phi))
        np.testing.assert_allclose(fit.predicted()[:, v], expected.predicted, rtol=1e-9)
        np.testing.assert_allclose(fit.dispersion[v], expected.dispersion, rtol=1e-9)


def test_rho_is_the_mean_of_the_neighbours_own(make_design, make_series):
    x = make_design(120)
    y = make_series(x, 8, phi=(0.4,))
    y[:, 5] = 3.0  # says nothing, and takes no part
    alone = fit_glm(Moments(y), x, "ar1", bins=None).parameters["rho"]
    line = neighbour_matrix(np.ones((8, 1, 1), bool))
    local = fit_glm(Moments(y), x, "ar1", bins=None, pooling="local", neighbours=line).parameters["rho"]
    expected = [
        np.mean([alone[u] for u in (v - 1, v, v + 1) if 0 <= u < 8 and u != 5]) if v != 5 else 0.0 for v in range(8)
    ]
    np.testing.assert_allclose(local, expected, atol=1e-12)
    everywhere = fit_glm(Moments(y), x, "ar1", pooling="global").parameters["rho"]
    known = np.arange(8) != 5
    np.testing.assert_array_equal(everywhere[known], np.trunc(100 * alone[known].mean()) / 100)


@pytest.mark.parametrize("noise_model", ["ar1", "ar2"])
def test_pooling_takes_the_spread_out_of_the_estimates(noise_model, make_design, make_series):
    """Forty voxels of one noise: pooled over all there is one estimate, nearer to the truth than most."""
    x = make_design(200)[:, [0, 4]]
    y = make_series(x, 40, phi=(0.5, 0.2)[: 1 if noise_model == "ar1" else 2])
    first = {"ar1": "rho", "ar2": "phi1"}[noise_model]
    alone = fit_glm(Moments(y), x, noise_model, bins=None).parameters[first]
    pooled = fit_glm(Moments(y), x, noise_model, bins=None, pooling="global").parameters[first]
    assert np.ptp(pooled) < 1e-12
    assert abs(pooled[0] - 0.5) < np.median(np.abs(alone - 0.5)) < 0.1


def test_every_model_that_estimates_correlations_can_be_pooled():
    assert [row.name for row in NOISE_MODELS.values() if "pooling" not in row.options] == ["ols"]
