"""Products of series with a design that holds waves, each under its own moving average: against dense matrices."""

import numpy as np
import pytest

from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11_filters import OrdinaryFit, filter_series
from glmwidgets.glm.noise.arma11_waves import Waves
from glmwidgets.glm.noise.moving_average import MovingAverages

C = np.array([-0.8, -0.3, 0.0, 0.5, 0.95])


def with_waves(n, names, seed=0):
    t, rng = np.arange(n), np.random.default_rng(seed)
    waves = {
        "constant": np.ones(n),
        "line": np.linspace(-1, 1, n),
        "cosines": np.cos(np.pi * np.outer(t + 0.5, np.arange(1, 6)) / n),
        "sine of another period": np.sin(0.3 * t + 0.2),
        "scan": np.eye(n)[:, [7]],
        "zero": np.zeros(n),
    }
    return np.column_stack([rng.standard_normal((n, 3)), *(waves[name] for name in names)])


@pytest.mark.parametrize(
    ("names", "n_waves"),
    [
        ((), 0),
        (("scan", "zero"), 0),
        (("constant", "line", "cosines"), 7),
        (("cosines", "sine of another period"), 6),
        (("constant", "cosines", "constant", "scan"), 6),
    ],
)
@pytest.mark.parametrize("n", [40, 200])
def test_products_equal_dense_ones(n, names, n_waves):
    x = with_waves(n, names)
    basis, rng = design_basis(x), np.random.default_rng(1)
    level = rng.integers(0, C.size, 30)
    y = 50 + np.cumsum(rng.standard_normal((n, level.size)), axis=0)
    moments, waves, averages = Moments(y), Waves.of(basis), MovingAverages(basis, C)
    assert waves.multiple.size == n_waves
    series = filter_series(moments, basis, waves, OrdinaryFit.of(moments, basis), C, level)
    made = np.einsum("vij,jv->iv", waves.to_levels(averages)[level], series.parts)
    y = y - y.mean(axis=0) if basis.spans_constant else y
    e = y - basis.q @ (basis.q.T @ y)
    s, ends = np.eye(n, k=1) + np.eye(n, k=-1), np.zeros((n, 2))
    ends[0], ends[-1] = 0.5**0.5, [0.5**0.5, -(0.5**0.5)]
    for v, k in enumerate(level):
        inverse = np.linalg.inv((1 + C[k] ** 2) * np.eye(n) - C[k] * s)
        h, to_here = (s - C[k] * np.eye(n)) @ inverse, averages.rotation[k].T
        expected = [to_here @ basis.q.T @ h @ e[:, v], ends.T @ inverse @ e[:, v], to_here @ basis.q.T @ y[:, v]]
        scale = np.linalg.norm(h, 2) * np.linalg.norm(y[:, v])
        np.testing.assert_allclose(made[:, v], np.concatenate(expected), rtol=0, atol=1e-11 * scale)
        np.testing.assert_allclose(
            series.own[v], y[:, v] @ h @ y[:, v], rtol=0, atol=1e-11 * scale * np.linalg.norm(y[:, v])
        )


def test_a_column_that_is_a_wave_but_for_one_scan_is_multiplied():
    x = with_waves(60, ("constant", "cosines"))
    assert Waves.of(design_basis(x)).rows.shape == (3, 60)
    x[30, 3] += 1e-9
    assert Waves.of(design_basis(x)).rows.shape == (4, 60)
