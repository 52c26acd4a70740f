"""Doubtful voxels are named, and only they."""

import numpy as np
import pytest

from glmwidgets.glm.fit.flags import FLAGS, voxel_flags
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("noise_model", ["ols", "ar1", "ar3", "ar1-reml", "arma11", "ar-auto"])
def test_each_kind_is_found(noise_model, precision, make_design, make_series):
    x = make_design(70)
    y = make_series(x, 40, phi=(0.3,), mean=500.0)
    y[:, 0] = 7.0
    y[:, 1] = 500 + 3 * x[:, 0]
    y[31, 2] += 500
    y[:, 3] = 500 + np.random.default_rng(3).standard_normal(70).cumsum().cumsum()
    flags = voxel_flags(fit_glm(Moments(y, precision), x, noise_model))
    assert list(flags) == list(FLAGS)
    assert flags["constant"].nonzero()[0].tolist() == [0]
    assert flags["explained"].nonzero()[0].tolist() == [1]
    assert flags["spike"].nonzero()[0].tolist() == [2]
    if noise_model in ("ar1-reml", "arma11"):
        assert flags["edge"][3]
    assert flags["edge"].sum() <= 8
