"""Neighbours in a mask and averages over them."""

import numpy as np
import pytest
from scipy import ndimage

from glmwidgets.glm.noise.pooling import check_pooling, neighbour_matrix, pooled_curves


@pytest.mark.parametrize(("connectivity", "rank"), [(6, 1), (18, 2), (26, 3)])
def test_neighbours_are_those_of_a_convolution(connectivity, rank):
    """Sums over neighbours equal ndimage's convolution with the same structuring element."""
    rng = np.random.default_rng(0)
    mask = rng.random((5, 6, 4)) < 0.6
    values = rng.standard_normal(mask.sum())
    volume = np.zeros(mask.shape)
    volume[mask] = values
    structure = ndimage.generate_binary_structure(3, rank).astype(float)
    expected = ndimage.convolve(volume, structure, mode="constant")[mask]
    np.testing.assert_allclose(neighbour_matrix(mask, connectivity) @ values, expected, atol=1e-12)


def test_voxels_at_opposite_faces_do_not_touch():
    touch = neighbour_matrix(np.ones((4, 3, 2), bool), 26).toarray().reshape(4, 3, 2, 4, 3, 2)
    assert touch[0, :, :, 3].sum() == 0
    assert (touch.reshape(24, 24) == touch.reshape(24, 24).T).all()


def test_unusable_voxels_take_no_part():
    touch = neighbour_matrix(np.ones((4, 1, 1), bool))
    curves = np.array([[1.0, 3.0, np.nan, np.inf], [2.0, 4.0, 0.0, 0.0]])
    usable = np.array([True, True, False, False])
    np.testing.assert_array_equal(pooled_curves(curves, usable, "local", touch), [[2, 2, 3, 0], [3, 3, 4, 0]])
    np.testing.assert_array_equal(pooled_curves(curves, usable, "global"), [[2] * 4, [3] * 4])
    assert pooled_curves(curves, usable, None) is curves


@pytest.mark.parametrize(
    ("pooling", "neighbours", "match"),
    [
        ("tissue", None, "'local', 'global', not 'tissue'"),
        ("local", None, "give neighbours=neighbour_matrix"),
        ("local", neighbour_matrix(np.ones((2, 2, 1), bool)), "3 by 3 voxels"),
    ],
)
def test_incomplete_settings_are_refused(pooling, neighbours, match):
    with pytest.raises(ValueError, match=match):
        check_pooling(pooling, neighbours, 3)


def test_masks_and_connectivities_are_checked():
    with pytest.raises(ValueError, match="6, 18, 26"):
        neighbour_matrix(np.ones((2, 2, 2), bool), 8)
    with pytest.raises(ValueError, match="three axes, not 2"):
        neighbour_matrix(np.ones((2, 2), bool))
