"""Clusters of many maps at once, against scipy's labelling of one volume at a time."""

import numpy as np
import pytest
from scipy import ndimage

from glmwidgets.glm.inference.cluster_stats import cluster_maxima, cluster_values, make_lattice


@pytest.mark.parametrize("connectivity", [1, 2, 3])
@pytest.mark.parametrize("share", [0.05, 0.5])
def test_maxima_equal_labelling_each_volume(connectivity, share):
    rng = np.random.default_rng(0)
    mask = rng.random((9, 7, 8)) < 0.8
    maps = rng.standard_normal((20, mask.sum()))
    maps[3] = -1  # no cluster at all
    height = np.quantile(maps, 1 - share)
    rows, voxels = np.nonzero(maps > height)
    size, mass = cluster_maxima(rows, voxels, maps[rows, voxels] - height, 20, make_lattice(mask, connectivity))
    structure = ndimage.generate_binary_structure(3, connectivity)
    for i, one in enumerate(maps):
        volume = np.full(mask.shape, -np.inf)
        volume[mask] = one
        labels, n = ndimage.label(volume > height, structure)
        numbers = range(1, n + 1)
        excess = np.where(labels > 0, volume - height, 0)
        assert size[i] == max(ndimage.sum_labels(labels > 0, labels, numbers), default=0)
        np.testing.assert_allclose(mass[i], max(ndimage.sum_labels(excess, labels, numbers), default=0), rtol=1e-12)


def test_values_of_one_map_for_each_sign():
    rng = np.random.default_rng(1)
    mask = rng.random((9, 7, 8)) < 0.9
    values = rng.standard_normal(mask.sum())
    size, mass = cluster_values(values, 1.0, make_lattice(mask), two_sided=True)
    for sign in (1, -1):
        volume = np.zeros(mask.shape)
        volume[mask] = sign * values
        labels, n = ndimage.label(volume > 1)
        for number in range(1, n + 1):
            inside = (labels == number)[mask]
            assert (size[inside] == inside.sum()).all()
            np.testing.assert_allclose(mass[inside], (sign * values[inside] - 1).sum())
    assert (size[np.abs(values) <= 1] == 0).all()
    one_sided = cluster_values(values, 1.0, make_lattice(mask))[0]
    assert (one_sided[values <= 1] == 0).all()


def test_voxels_at_the_border_do_not_touch_across_it():
    mask = np.ones((3, 3, 3), dtype=bool)
    for connectivity in (1, 2, 3):
        lattice = make_lattice(mask, connectivity)
        volume = np.zeros(mask.shape)
        volume[0, 0, 2] = volume[0, 1, 0] = volume[1, 2, 2] = volume[2, 0, 0] = 5
        labels, _ = ndimage.label(volume > 1, ndimage.generate_binary_structure(3, connectivity))
        expected = np.bincount(labels.ravel())[labels] * (labels > 0)
        np.testing.assert_array_equal(cluster_values(volume[mask], 1.0, lattice)[0], expected[mask])


@pytest.mark.parametrize(
    ("mask", "connectivity", "message"),
    [
        (np.ones((2, 2)), 1, "three dimensions"),
        (np.ones((2, 2, 2)), 4, "connectivity"),
        (np.zeros((2, 2, 2)), 1, "empty"),
    ],
)
def test_bad_lattices(mask, connectivity, message):
    with pytest.raises(ValueError, match=message):
        make_lattice(mask, connectivity)
