"""The integral against brute force over all heights, its scaling law, and its symmetries."""

import itertools

import numpy as np
import pytest
from scipy import ndimage

from glmwidgets.glm.inference.cluster_stats import make_lattice
from glmwidgets.glm.permutation.tfce import tfce


def brute_force(volume, mask, connectivity=1, e=0.5, h=2.0):
    """Label the volume anew at every height that occurs, and add up the pieces of the integral."""
    structure = ndimage.generate_binary_structure(3, connectivity)
    heights = np.unique(np.append(volume[mask & (volume > 0)], 0))
    out = np.zeros(volume.shape)
    for low, high in itertools.pairwise(heights):
        labels, _ = ndimage.label(mask & (volume >= high), structure)
        extent = np.bincount(labels.ravel()).astype(float)
        extent[0] = 0
        out += extent[labels] ** e * (high ** (h + 1) - low ** (h + 1)) / (h + 1)
    return out[mask]


def field(fwhm, seed=0, shape=(8, 9, 10), holes=0.15):
    rng = np.random.default_rng(seed)
    volume = ndimage.gaussian_filter(rng.standard_normal(shape), fwhm / 2.355)
    return 1.5 * volume / volume.std(), rng.random(shape) > holes


@pytest.mark.parametrize("connectivity", [1, 2, 3])
@pytest.mark.parametrize("fwhm", [0, 3])
@pytest.mark.parametrize(("e", "h"), [(0.5, 2.0), (1.0, 1.5)])
def test_equals_brute_force(connectivity, fwhm, e, h):
    volume, mask = field(fwhm)
    ours = tfce(volume[mask], make_lattice(mask, connectivity), two_sided=True, extent_power=e, height_power=h)
    theirs = brute_force(volume, mask, connectivity, e, h) - brute_force(-volume, mask, connectivity, e, h)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


def test_plateaus_and_ties_do_not_matter():
    volume, mask = field(3, seed=1)
    volume = np.round(2 * volume) / 2  # seven or so distinct heights, large plateaus
    np.testing.assert_allclose(
        tfce(volume[mask], make_lattice(mask)), brute_force(volume, mask), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("c", [0.1, 2.0, 7.3])
def test_scaling_law(c):
    # TFCE(c t) = c^(H+1) TFCE(t): exact up to rounding, since the steps are the data's own.
    volume, mask = field(2, seed=2, shape=(14, 15, 16))
    lattice = make_lattice(mask)
    once, scaled = tfce(volume[mask], lattice), tfce(c * volume[mask], lattice)
    # The rounding is that of running sums over the whole map, hence relative to its largest value.
    np.testing.assert_allclose(scaled, c**3 * once, rtol=1e-12, atol=1e-12 * scaled.max())


def test_is_the_limit_of_small_steps():
    # The usual sum over equally spaced heights, ever finer, tends to our integral; its error is of first order.
    volume, mask = field(3, seed=3)
    ours = tfce(volume[mask], make_lattice(mask))
    errors = []
    for dh in (0.1, 0.05, 0.025):
        out = np.zeros(volume.shape)
        for height in np.arange(dh / 2, volume.max(), dh):
            labels, _ = ndimage.label(mask & (volume >= height))
            extent = np.bincount(labels.ravel()).astype(float)
            extent[0] = 0
            out += np.sqrt(extent[labels]) * height**2 * dh
        errors.append(np.abs(out[mask] - ours).max() / ours.max())
    assert errors[0] < 0.05
    assert errors[2] < 0.6 * errors[0]


def test_one_sided_leaves_negative_voxels_at_zero_and_two_sided_is_odd():
    volume, mask = field(2, seed=4)
    lattice, values = make_lattice(mask), volume[mask]
    assert (tfce(values, lattice)[values <= 0] == 0).all()
    np.testing.assert_array_equal(tfce(values, lattice, two_sided=True), -tfce(-values, lattice, two_sided=True))


def test_of_two_neighbours_the_higher_is_enhanced_more():
    volume, mask = field(3, seed=5)
    values, enhanced = volume[mask], tfce(volume[mask], make_lattice(mask))
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(len(values))
    for axis in range(3):
        a = np.moveaxis(number, axis, 0)[:-1].ravel()
        b = np.moveaxis(number, axis, 0)[1:].ravel()
        both = (a >= 0) & (b >= 0)
        a, b = a[both], b[both]
        both = (values[a] > 0) & (values[b] > 0)
        uphill = (values[b] - values[a])[both]
        assert (np.sign(uphill) == np.sign((enhanced[b] - enhanced[a])[both])).all()


def test_empty_maps():
    lattice = make_lattice(np.ones((2, 2, 2), dtype=bool))
    np.testing.assert_array_equal(tfce(-np.ones(8), lattice), np.zeros(8))
    np.testing.assert_array_equal(tfce(np.zeros(8), lattice, two_sided=True), np.zeros(8))
    np.testing.assert_allclose(tfce(np.ones(8), lattice), np.full(8, np.sqrt(8) / 3))
