"""Lowest points of polynomials: against minima that are known, on both sides of a corner of what is looked at."""

import numpy as np
import pytest

from glmwidgets.glm.noise.polynomial_minima import Polynomials
from glmwidgets.glm.noise.profiles import ExplainedAtNodes

CORNER = 0.4


def floor(x):
    """A straight line from (0, .2) to (.4, 0)."""
    return 0.5 * (CORNER - x), np.full_like(x, -0.5)


@pytest.fixture(scope="module")
def surfaces():
    coarse = np.linspace(0, CORNER, 5), np.linspace(CORNER, 1, 7), np.linspace(0, 1, 8)
    return Polynomials((5, 5), coarse, floor)


def lowest(surfaces, *functions):
    x, y = np.meshgrid(surfaces.x, surfaces.y, indexing="ij")
    return surfaces.lowest(np.stack([100 * of(x, y).ravel() for of in functions], axis=1))


@pytest.mark.parametrize("x", [0.07, 0.31, 0.39, 0.4, 0.41, 0.55, 0.93])
def test_a_minimum_within_is_found_with_its_valley(surfaces, x):
    y = 0.37
    found = lowest(surfaces, lambda s, t: (s - x) ** 2 + 2 * (t - y - 0.6 * (s - x)) ** 2)
    np.testing.assert_allclose([found.x[0], found.y[0]], [x, y], atol=2e-3)
    np.testing.assert_allclose(found.tilt, 0.6, atol=0.02)
    np.testing.assert_allclose(found.bend, 400, rtol=0.02)
    assert abs(found.value[0]) < 1e-2


@pytest.mark.parametrize("x", [0.05, 0.2, 0.38, 0.6])
def test_nothing_below_the_floor_is_taken(surfaces, x):
    """A minimum at y = -.1: the least along the floor, which is a parabola there."""
    found = lowest(surfaces, lambda s, t: (s - x) ** 2 + (t + 0.1) ** 2)
    along = np.linspace(0, 1, 100_001)
    on_floor = np.where(along < CORNER, floor(along)[0], 0)
    expected = along[np.argmin((along - x) ** 2 + (on_floor + 0.1) ** 2)]
    np.testing.assert_allclose(found.x[0], expected, atol=2e-3)
    np.testing.assert_allclose(found.y[0], np.interp(found.x[0], along, on_floor), atol=1e-4)


def test_the_line_at_the_corner(surfaces):
    x, y = np.meshgrid(surfaces.x, surfaces.y, indexing="ij")
    values = 100 * ((x - 0.7) ** 2 + (y - 0.3) ** 2).ravel()[:, None]
    np.testing.assert_allclose(surfaces.lowest_at_corner(values), 100 * (CORNER - 0.7) ** 2, rtol=1e-3)


@pytest.mark.parametrize("sign", [1, -1])
def test_what_is_explained_equals_dense_algebra(sign):
    """Two columns B that add to the precision or take from it: e'We less the least squares under W, and log |q'Wq|."""
    rng = np.random.default_rng(0)
    q, b = np.linalg.qr(rng.standard_normal((12, 3)))[0], 0.3 * rng.standard_normal((12, 2))
    k_matrix = 3 * np.eye(12) + np.diag(np.full(11, 0.5), 1) + np.diag(np.full(11, 0.5), -1)
    d, turn = np.linalg.eigh(q.T @ k_matrix @ q)
    q = q @ turn
    k = sign * np.array([0.8, 0.3])
    w = k_matrix - b @ np.diag(k) @ b.T
    e = rng.standard_normal(12)
    e -= q @ (q.T @ e)
    explained = ExplainedAtNodes(d[None], q.T @ b, np.ones(1), k[None])
    cross = np.concatenate([-q.T @ k_matrix @ e, b.T @ e])
    left = e - q @ np.linalg.solve(q.T @ w @ q, q.T @ w @ e)
    np.testing.assert_allclose(e @ k_matrix @ e - explained(cross[:, None])[0, 0], left @ w @ left, rtol=1e-12)
    np.testing.assert_allclose(explained.log_determinant, np.linalg.slogdet(q.T @ w @ q)[1], rtol=1e-12)
