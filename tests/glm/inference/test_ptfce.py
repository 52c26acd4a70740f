"""Enhancement by clusters beside another package, and where no cluster says anything."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, generate_binary_structure, label

from glmwidgets.glm.inference.ptfce import _labels_at, enhanced_z
from glmwidgets.glm.inference.random_fields import RandomField


@pytest.fixture(scope="module")
def noise():
    rng, shape = np.random.default_rng(0), (28, 26, 22)
    z = gaussian_filter(rng.standard_normal(shape), 1.3, mode="wrap")
    return z / z.std()


FWHM = 1.3 * np.sqrt(8 * np.log(2))


def test_scores_are_those_of_another_package(noise):
    """To 1e-3, as that package integrates small chances to 1.5e-8 in all; half of the voxels to 1e-9.

    The highest voxel it loses at its last height by rounding.
    """
    from pytfce.core.ptfce_baseline import ptfce

    z, mask = noise.copy(), np.ones(noise.shape, bool)
    z[5:10, 5:10, 5:10] += 2.5
    dlh = (4 * np.log(2)) ** 1.5 / FWHM**3
    known = {"Rd": dlh * z.size, "V": z.size, "n_resels": z.size / FWHM**3, "fwhm_voxels": [FWHM] * 3, "dLh": dlh}
    theirs = ptfce(z, mask, use_lut=False, verbose=False, smooth_override=known)["Z_enhanced"]
    ours = enhanced_z(z, mask, FWHM**3)
    others = (z > 0.1) & (z < z.max())
    assert np.abs(ours - theirs)[others].max() < 1e-3
    assert np.median(np.abs(ours - theirs)[others]) < 1e-9
    assert ours[z == z.max()] == pytest.approx(theirs[z == z.max()], abs=0.05)


@pytest.mark.parametrize("connectivity", [1, 2, 3])
def test_clusters_that_grow_are_those_that_labelling_finds(noise, connectivity):
    """At each height the same partition of the same voxels."""
    heights = np.array([0.8, 1.3, 1.31, 2.0, 3.0, noise.max()])
    high = noise >= heights[0]
    for height, (voxels, part) in zip(heights, _labels_at(heights, noise, connectivity), strict=True):
        found = np.zeros(high.sum(), int)
        found[voxels] = part + 1
        labels, n = label(noise >= height, generate_binary_structure(3, connectivity))
        pairs = set(zip(found.tolist(), labels[high].tolist(), strict=True))
        assert len(pairs) == len(np.unique(found)) == n + (found == 0).any()


def test_the_signs_are_enhanced_alike(noise):
    mask = np.ones(noise.shape, bool)
    both = enhanced_z(noise, mask, FWHM**3, two_sided=True)
    assert np.array_equal(both, -enhanced_z(-noise, mask, FWHM**3, two_sided=True))
    assert np.array_equal(np.maximum(both, 0), enhanced_z(noise, mask, FWHM**3))


def test_a_low_map_is_what_it_was():
    """Below 1.3 the size of clusters says nothing: the sum gives the height back, to one step between heights."""
    z = np.linspace(0, 1.29, 1000).reshape(10, 10, 10)
    found = enhanced_z(z, np.ones(z.shape, bool), 30.0)
    assert np.abs(found - z)[z > 0.2].max() < 0.03


def test_nothing_outside_the_mask_and_nothing_of_nothing(noise):
    mask = np.ones(noise.shape, bool)
    mask[:5] = False
    assert not enhanced_z(noise, mask, 30.0)[:5].any()
    assert not enhanced_z(-np.abs(noise), mask, 30.0).any()


def test_noise_is_found_as_often_as_it_should():
    """Familywise error of 60 null maps at .05, within 3 standard errors above."""
    rng, shape, n = np.random.default_rng(2), (28, 28, 28), 60
    mask = np.ones(shape, bool)
    edge = 27 / FWHM
    field = RandomField((1, 3 * edge, 3 * edge**2, edge**3), FWHM**3, mask.size)
    found = 0
    for _ in range(n):
        wide = gaussian_filter(rng.standard_normal([s + 16 for s in shape]), 1.3, mode="wrap")
        z = wide[8:-8, 8:-8, 8:-8] / wide.std()
        found += enhanced_z(z, mask, FWHM**3).max() > field.threshold(0.05)
    assert found / n <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n)
