"""Smoothness beside the truth of made noise, and beside a direct computation on residuals."""

import functools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.fit.smoothness import fit_smoothness
from glmwidgets.glm.inference.smoothness import (
    SMOOTHNESS,
    neighbour_pairs,
    resel_counts,
    smoothness_of_residuals,
)
from glmwidgets.glm.moments.lagged import Moments

SHAPE = (28, 26, 20)


@functools.cache
def smooth_noise(n, fwhm, seed=0):
    rng, pad = np.random.default_rng(seed), 12
    width = np.asarray(fwhm) / np.sqrt(8 * np.log(2))
    volumes = [
        gaussian_filter(rng.standard_normal([s + 2 * pad for s in SHAPE]), width, mode="wrap")[
            pad:-pad, pad:-pad, pad:-pad
        ]
        for _ in range(n)
    ]
    return np.stack(volumes)


@pytest.fixture(scope="module")
def masks():
    centre, radius = np.array(SHAPE).reshape(3, 1, 1, 1) / 2, np.array(SHAPE).reshape(3, 1, 1, 1) / 2 - 0.5
    ball = (np.square((np.indices(SHAPE) - centre) / radius)).sum(axis=0) < 1
    holes = ball & (np.random.default_rng(3).random(SHAPE) < 0.7)
    shell = ball & ~((np.square((np.indices(SHAPE) - centre) / (radius - 4))).sum(axis=0) < 1)
    return {"ball": ball, "with holes": holes, "shell": shell}


@pytest.mark.parametrize("fwhm", [(2, 2, 2), (3, 3, 3), (5, 4, 3)])
@pytest.mark.parametrize("shape", ["ball", "with holes", "shell"])
def test_correlations_find_the_truth(masks, fwhm, shape):
    """Within 2 % a voxel's edge, 3 % where a small mask of wide noise holds few independent places (100 scans)."""
    mask = masks[shape]
    found = smoothness_of_residuals(smooth_noise(100, fwhm)[:, mask], neighbour_pairs(mask))
    assert np.prod(found.fwhm) ** (1 / 3) == pytest.approx(np.prod(fwhm) ** (1 / 3), rel=0.02)
    assert found.fwhm == pytest.approx(fwhm, rel=0.03)


def test_derivatives_are_too_wide_where_noise_is_rough(masks):
    """What is stated: some 15 % at 1.5 voxels, 5 % at 3, 2 % at 5."""
    mask = masks["ball"]
    for fwhm, low, high in ((1.5, 1.10, 1.20), (3.0, 1.02, 1.07), (5.0, 0.98, 1.05)):
        found = smoothness_of_residuals(smooth_noise(60, fwhm)[:, mask], neighbour_pairs(mask), "derivatives")
        assert low < found.resel_size ** (1 / 3) / fwhm < high


@pytest.fixture(scope="module")
def run(masks):
    rng, mask = np.random.default_rng(5), masks["ball"]
    design = np.column_stack([rng.standard_normal((90, 6)), np.ones(90)])
    y = smooth_noise(90, 3.0)[:, mask]
    y[1:] += 0.4 * y[:-1]
    y += 200 + design[:, :1] * rng.standard_normal(mask.sum())
    return Moments(y), design, neighbour_pairs(mask)


@pytest.mark.parametrize("method", SMOOTHNESS)
@pytest.mark.parametrize("constant", [True, False])
def test_products_say_what_residuals_say(run, method, constant):
    """To 1e-6, as products of series of mean 200 lose some digits; without a constant, of series as given."""
    moments, design, pairs = run
    x = design if constant else design[:, :-1]
    fit = fit_glm(moments, x, "ols")
    explicit = smoothness_of_residuals(fit.residuals(), pairs, method)
    products = {}
    for _ in range(2):
        found = fit_smoothness(fit, pairs, method, products=products)
        assert found.fwhm == pytest.approx(explicit.fwhm, rel=1e-6)
        assert found.resel_size == pytest.approx(explicit.resel_size, rel=1e-6)


@pytest.mark.parametrize("noise_model", ["ar1-reml", "ar1", "arma11"])
def test_whitened_residuals_are_those_of_each_voxels_own_process(run, noise_model):
    moments, design, pairs = run
    fit = fit_glm(moments, design, noise_model)
    white = fit.noise_process().innovations(fit.residuals())
    explicit = smoothness_of_residuals(white, pairs)
    assert fit_smoothness(fit, pairs, n_cells=None).fwhm == pytest.approx(explicit.fwhm, rel=1e-9)
    # A sample of 2000 cells says nearly the same.
    assert fit_smoothness(fit, pairs).fwhm == pytest.approx(explicit.fwhm, rel=0.02)


def test_what_is_kept_for_the_next_model_changes_no_number(run):
    moments, design, pairs = run
    products = {}
    for noise_model, x in (("ar1-reml", design), ("ols", design), ("arma11", design[:, 2:]), ("ols", design[:, 2:])):
        fit = fit_glm(moments, x, noise_model)
        assert fit_smoothness(fit, pairs, products=products) == fit_smoothness(fit, pairs)


def test_voxels_that_never_change_say_nothing():
    mask = np.ones((4, 4, 4), bool)
    y = np.random.default_rng(0).standard_normal((30, 64))
    y[:, 7] = 3.0
    alone = neighbour_pairs(mask)
    fit = fit_glm(Moments(y), np.ones((30, 1)), "ols")
    assert np.isfinite(fit_smoothness(fit, alone).fwhm).all()


def test_a_slab_has_no_width_across():
    mask = np.ones((9, 9, 1), bool)
    found = smoothness_of_residuals(smooth_noise(50, 3.0)[:, :9, :9, 0].reshape(50, -1), neighbour_pairs(mask))
    assert np.isinf(found.fwhm[2])
    assert found.resel_size == pytest.approx(found.fwhm[0] * found.fwhm[1])
    assert found.resels(mask)[3] == 0
    with pytest.raises(ValueError, match="estimator of correlations"):
        smoothness_of_residuals(np.ones((5, 81)), neighbour_pairs(mask), "derivatives")


def test_voxels_that_do_not_touch_are_refused():
    mask = np.zeros((5, 5, 5), bool)
    mask[::2, ::2, ::2] = True
    with pytest.raises(ValueError, match="no two voxels"):
        smoothness_of_residuals(np.ones((5, 27)), neighbour_pairs(mask))


def test_resels_are_counted_by_hand():
    """A box, a box with a hole through it (characteristic 0), and two boxes."""
    box = np.ones((11, 11, 11), bool)
    assert resel_counts(box, (5, 5, 2)) == pytest.approx((1, 2 + 2 + 5, 4 + 10 + 10, 20))
    ring = np.ones((3, 3, 1), bool)
    ring[1, 1] = False
    assert resel_counts(ring, (1, 1, 1))[0] == 0
    two = np.zeros((5, 2, 2), bool)
    two[:2], two[3:] = True, True
    assert resel_counts(two, (1, 1, 1)) == pytest.approx((2, 6, 6, 2))
