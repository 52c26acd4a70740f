"""Mean series of places: those of nilearn 0.14.1, and counted by hand."""

import warnings

import nibabel as nib
import numpy as np
import pytest
from nilearn.maskers import NiftiLabelsMasker, NiftiSpheresMasker

from glmwidgets.images.coordinates import nearest_voxel, peak_mm, to_mm, to_voxels
from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.mask import find_brain, voxel_series
from glmwidgets.images.spheres import region_series, sphere_indices, sphere_series

PLACES = [(-60.0, -6.0, 42.0), (60.3, 0.4, 36.2), (3.0, -72.0, 9.0), (-10.0, 20.0, 47.9)]


@pytest.fixture(scope="module")
def crop(auditory_dir):
    return load_image(next(auditory_dir.glob("*bold.nii.gz"))).slicer[..., :12]


def reference(img, radius, mask_img=None):
    masker = NiftiSpheresMasker(PLACES, radius=radius, mask_img=mask_img, allow_overlap=True, standardize=None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return masker.fit_transform(img)


@pytest.mark.parametrize("radius", [None, 3.0, 8.5])
def test_spheres_equal_the_reference(crop, radius):
    # which holds means of integers in integers, and cuts their fractions off
    floats = nib.Nifti1Image(image_data(crop).astype(np.float32), crop.affine)
    np.testing.assert_allclose(sphere_series(crop, PLACES, radius), reference(floats, radius), rtol=1e-6)


def test_spheres_within_a_mask_equal_the_reference(crop):
    floats = nib.Nifti1Image(image_data(crop).astype(np.float32), crop.affine)
    mask = nib.Nifti1Image(find_brain(crop).astype(np.uint8), crop.affine)
    inside = sphere_series(crop, PLACES, 12.0, mask)
    np.testing.assert_allclose(inside, reference(floats, 12.0, mask), rtol=1e-6)
    assert np.abs(inside - sphere_series(crop, PLACES, 12.0)).max() > 1


def test_indices_choose_columns_of_masked_series(crop):
    mask = find_brain(crop)
    series = voxel_series(image_data(crop), mask)
    mask_img = nib.Nifti1Image(mask.astype(np.uint8), crop.affine)
    for place in PLACES[:3]:
        columns = sphere_indices(mask, crop.affine, place, 9.0)
        expected = sphere_series(crop, [place], 9.0, mask_img)[:, 0]
        np.testing.assert_allclose(series[:, columns].mean(axis=1), expected, rtol=1e-6)


def test_indices_are_those_of_brute_force_on_a_sheared_grid():
    rng = np.random.default_rng(0)
    affine = np.array([[-3.0, 0.9, 0.4, 20], [0.5, 2.1, -1.7, -30], [0.1, 0.7, 4.2, -10], [0, 0, 0, 1]])
    mask = rng.random((13, 12, 11)) < 0.7
    mm = to_mm(np.argwhere(mask), affine)
    for _ in range(40):
        centre = to_mm(rng.uniform(-3, 15, 3), affine)
        radius = rng.uniform(0, 14)
        expected = np.linalg.norm(mm - centre, axis=1) <= radius
        own = nearest_voxel(centre, affine, mask.shape)
        if own is not None:
            expected |= np.all(np.argwhere(mask) == own, axis=1)
        np.testing.assert_array_equal(sphere_indices(mask, affine, centre, radius), np.flatnonzero(expected))


def test_one_voxel():
    mask = np.ones((4, 4, 4), bool)
    mask[1, 1, 1] = False
    assert sphere_indices(mask, np.eye(4), (2.4, 2, 2)).size == 1
    assert sphere_indices(mask, np.eye(4), (1, 1, 1)).size == 0
    assert sphere_indices(mask, np.eye(4), (99, 1, 1), radius=5).size == 0
    with pytest.raises(ValueError, match="zero or more mm"):
        sphere_indices(mask, np.eye(4), (1, 1, 1), radius=-1)


def test_empty_sphere_is_named(crop):
    with pytest.raises(ValueError, match=r"the sphere at \(500\.0, 0\.0, 0\.0\) mm holds no voxel of the image"):
        sphere_series(crop, [(500, 0, 0)], 5)


def test_nan_counts_as_zero_and_3d_is_one_row():
    data = np.ones((3, 3, 3))
    data[1, 1, 1] = np.nan
    got = sphere_series(nib.Nifti1Image(data, np.eye(4)), [(1, 1, 1)], 1.0)
    np.testing.assert_allclose(got, [[6 / 7]])


def test_regions_equal_the_reference(crop):
    labels = np.zeros(crop.shape[:3], np.int16)
    labels[20:30, 20:30, 30:40], labels[40:50, 20:30, 30:40], labels[31:33, 40:45, 20:22] = 3, 11, 7
    labels_img = nib.Nifti1Image(labels, crop.affine)
    floats = nib.Nifti1Image(image_data(crop).astype(np.float32), crop.affine)
    got = region_series(crop, labels_img)
    assert list(got.columns) == [3, 7, 11]
    expected = NiftiLabelsMasker(labels_img, standardize=None).fit_transform(floats)
    np.testing.assert_allclose(got.to_numpy(), expected, rtol=1e-5)


def test_regions_on_another_grid_or_none(crop):
    other = nib.Nifti1Image(np.ones(crop.shape[:3], np.uint8), crop.affine + np.eye(4)[:, [3, 0, 1, 2]])
    with pytest.raises(ValueError, match="lie on different grids"):
        region_series(crop, other)
    with pytest.raises(ValueError, match="holds no region"):
        region_series(crop, nib.Nifti1Image(np.zeros(crop.shape[:3], np.uint8), crop.affine))


def test_places_and_voxels_are_each_others_inverse(crop):
    voxels = np.random.default_rng(0).uniform(0, 60, (20, 3))
    np.testing.assert_allclose(to_voxels(to_mm(voxels, crop.affine), crop.affine), voxels, atol=1e-10)
    assert nearest_voxel((-60, -6, 42), crop.affine, crop.shape) == (51, 29, 36)
    assert nearest_voxel((-260, -6, 42), crop.affine, crop.shape) is None


def test_peak():
    data = np.zeros((5, 5, 5), np.float32)
    data[1, 2, 3], data[4, 4, 4], data[0, 0, 0] = 3, -7, np.nan
    img = nib.Nifti1Image(data, np.diag([2.0, 3.0, 4.0, 1.0]))
    assert peak_mm(img) == (2.0, 6.0, 12.0)
    assert peak_mm(img, two_sided=True) == (8.0, 12.0, 16.0)
    corner = np.zeros((5, 5, 5), np.uint8)
    corner[3:, 3:, 3:] = 1
    assert peak_mm(img, nib.Nifti1Image(corner, img.affine)) != (2.0, 6.0, 12.0)
    with pytest.raises(ValueError, match="a map with a peak is one 3-D volume"):
        peak_mm(nib.Nifti1Image(np.stack([data, data], -1), img.affine))
    with pytest.raises(ValueError, match="no finite value"):
        peak_mm(nib.Nifti1Image(np.full((2, 2, 2), np.nan), img.affine))
