"""Products of residuals with a design filtered by moving averages, kept by column or not: against dense matrices."""

import numpy as np
import pytest

from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11_filters import OrdinaryFit
from glmwidgets.glm.noise.arma11_products import CONDITION_FOR_COLUMNS, FilteredProducts
from glmwidgets.glm.noise.moving_average import MovingAverages

C = np.array([-0.8, -0.3, 0.0, 0.5, 0.95])


def crossed(products, averages, voxels=slice(None)):
    """Of residuals in the series' unit, by level."""
    unit, out = products.at(voxels), []
    for k, diagonal in enumerate(averages.diagonal):
        turned = averages.rotation[k].T.astype(unit.fitted.dtype) @ unit.fitted
        out.append(products.cross(unit, k, turned, diagonal.astype(unit.fitted.dtype)[:, None] * turned))
    return np.stack(out)


def dense(averages, basis, y):
    """``q'He`` and ``F' D^-1 e``, of residuals of series in units of their length."""
    n, e = len(y), y - basis.q @ (basis.q.T @ y)
    s, f = np.eye(n, k=1) + np.eye(n, k=-1), np.zeros((n, 2))
    f[0], f[-1] = 0.5**0.5, [0.5**0.5, -(0.5**0.5)]
    out = []
    for c, rotation in zip(averages.c, averages.rotation, strict=True):
        solved = np.linalg.solve((1 + c**2) * np.eye(n) - c * s, e)
        out.append(np.concatenate([(basis.q @ rotation).T @ (s - c * np.eye(n)) @ solved, f.T @ solved]))
    return np.stack(out)


@pytest.mark.parametrize(("constant", "deficient"), [(True, False), (True, True), (False, False)])
@pytest.mark.parametrize("keep", [True, False])
def test_products_equal_dense_ones(keep, constant, deficient, make_design, make_series):
    """To single precision: 3e-6 of a series' length, times eigenvalues of H up to 400 at c = .95."""
    x = make_design(90, constant, deficient)
    y = make_series(x, 300)
    basis, moments = design_basis(x), Moments(y)
    averages = MovingAverages(basis, C)
    found = crossed(FilteredProducts(averages, moments, OrdinaryFit.of(moments, basis), keep), averages)
    length = np.sqrt(np.square(y - y.mean(axis=0)).sum(axis=0))
    expected = dense(averages, basis, (y - y.mean(axis=0) if constant else y) / length)
    assert found.dtype == np.float32
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    assert np.all(np.abs(found - expected) < 1e-4 * np.maximum(scale, 0.1))


def test_columns_that_are_nearly_alike_are_not_multiplied_by_themselves(make_design, make_series):
    x = make_design(90)
    x[:, 1] = x[:, 0] + 1e-5 * x[:, 1]
    y = make_series(x, 40)
    basis, moments = design_basis(x), Moments(y)
    assert basis.condition > CONDITION_FOR_COLUMNS
    averages = MovingAverages(basis, C)
    found = crossed(FilteredProducts(averages, moments, OrdinaryFit.of(moments, basis)), averages)
    y = y - y.mean(axis=0)
    expected = dense(averages, basis, y / np.linalg.norm(y, axis=0))
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    assert np.all(np.abs(found - expected) < 1e-4 * np.maximum(scale, 0.1))


def test_fits_that_are_large_beside_residuals_are_taken_away_in_double_precision(make_design, make_series):
    """Residuals of a millionth: to 1e-7 of them."""
    x = make_design(90)
    x[:, 0] = np.eye(90)[20]
    y = make_series(x, 5)
    y[20] += 1e6
    basis, moments = design_basis(x), Moments(y)
    averages = MovingAverages(basis, C)
    found = crossed(FilteredProducts(averages, moments, OrdinaryFit.of(moments, basis)), averages)
    y = y - y.mean(axis=0)
    expected = dense(averages, basis, y / np.linalg.norm(y, axis=0))
    assert found.dtype == np.float64
    scale = np.abs(expected).max(axis=(1, 2), keepdims=True)
    assert np.all(np.abs(found - expected) < 1e-7 * scale)


def test_products_are_kept_only_where_there_is_room():
    moments = Moments(np.random.default_rng(0).standard_normal((20, 1000)))
    assert moments.keeps_filtered(25, 8)
    assert not moments.keeps_filtered(25 * 200, 8)


def test_products_under_filters_have_the_same_bits_whatever_is_multiplied_beside():
    rng = np.random.default_rng(1)
    rows = {name: rng.standard_normal((8, 60)) for name in "abcdefg"}

    def rows_of(names):
        return np.stack([rows[name] for name in names])

    y, asked = rng.standard_normal((60, 900)), []
    used = Moments(y)
    for names in ("abc", "bd", "gfedcba", "e"):
        found = np.concatenate(used.filtered(names, 8, rows_of))
        for name, product in zip(names, found, strict=True):
            (alone,) = Moments(y).filtered(name, 8, rows_of)
            np.testing.assert_array_equal(product, alone[0])
            np.testing.assert_allclose(
                product, rows[name] @ (y - y.mean(axis=0)) / np.linalg.norm(y - y.mean(axis=0), axis=0), atol=1e-5
            )

    def not_again(names):
        asked.extend(names)
        return rows_of(names)

    used.filtered("abcdefg", 8, not_again)
    assert asked == []
