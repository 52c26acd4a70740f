"""Resampling: the values of nilearn 0.14.1 on any grid, and those of mathematics where they are known."""

import warnings

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import resample_img as reference

from glmwidgets.images.load import header_t_r, image_data, load_image
from glmwidgets.images.resample import resample_img, resample_to_img

OBLIQUE = np.array([[-3.0, 0.2, 0.1, 20], [0.1, 2.9, -0.7, -30], [0.1, 0.7, 3.2, -10], [0, 0, 0, 1]])
TARGETS = {
    "isotropic": (np.diag([4.0, 4.0, 4.0]), None),
    "full affine": (np.array([[2.5, 0, 0, -25], [0, 2.5, 0, -30], [0, 0, 3.5, -20], [0, 0, 0, 1]]), None),
    "with shape": (np.array([[2.5, 0, 0, -25], [0, 2.5, 0, -30], [0, 0, 3.5, -20], [0, 0, 0, 1]]), (17, 12, 9)),
    "turned": (OBLIQUE @ np.diag([1.3, 0.8, 1.1, 1]) + 0.2 * np.eye(4)[:, [3, 0, 1, 2]], (8, 9, 10)),
    "mirrored": (np.diag([-3.0, 3.0, 3.0]), None),
}


def image(dtype="f4", shape=(11, 10, 9)):
    data = np.random.default_rng(0).normal(size=shape) * 50 + 100
    img = nib.Nifti1Image(data.astype(dtype), OBLIQUE, dtype=dtype)
    img.set_sform(OBLIQUE, 1)
    return img


def expected_of(img, affine, shape, interpolation, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return reference(img, affine, shape, interpolation=interpolation, **options)


@pytest.mark.parametrize("interpolation", ["continuous", "linear", "nearest"])
@pytest.mark.parametrize("target", TARGETS)
def test_equals_the_reference(target, interpolation):
    affine, shape = TARGETS[target]
    got = resample_img(image(), affine, shape, interpolation)
    expected = expected_of(image(), affine, shape, interpolation)
    assert got.shape == expected.shape
    np.testing.assert_allclose(got.affine, expected.affine, atol=1e-12)
    # single precision, values of about 100
    np.testing.assert_allclose(image_data(got), expected.get_fdata(), atol=2e-4)


@pytest.mark.parametrize(("stored", "kind"), [("i2", "f4"), ("i4", "f4"), ("f4", "f4"), ("f8", "f8"), (">f4", "f4")])
def test_types(stored, kind):
    affine, shape = TARGETS["with shape"]
    got = resample_img(image(stored), affine, shape)
    assert image_data(got).dtype == kind
    expected = expected_of(image(stored), affine, shape, "continuous").get_fdata()
    np.testing.assert_allclose(got.get_fdata(), expected, atol=2e-4)
    nearest = resample_img(image(stored), affine, shape, "nearest")
    assert image_data(nearest).dtype == np.dtype(stored).newbyteorder("=")


def test_small_integers_are_not_truncated_on_the_way():
    """The reference rounds unsigned integers down to integers again; a cubic spline of them is not one."""
    img = nib.Nifti1Image(np.arange(64, dtype=np.uint8).reshape(4, 4, 4), np.eye(4))
    half = np.eye(4)
    half[2, 3] = 0.5
    got = image_data(resample_img(img, half, (4, 4, 3), "linear"))
    np.testing.assert_allclose(got[1, 1, 1], 16 + 4 + 1.5, rtol=1e-6)


def test_series_keep_their_time_and_every_volume_its_values():
    img = image(shape=(8, 7, 6, 40))
    img.header.set_xyzt_units("mm", "sec")
    img.header.set_zooms((3, 3, 3, 1.5))
    affine, shape = TARGETS["isotropic"]
    got = resample_img(img, affine, shape)
    assert header_t_r(got) == 1.5
    for t in (0, 17, 39):
        one = resample_img(img.slicer[..., t], affine, shape, clip=False)
        whole = np.clip(image_data(one), min(0, image_data(img).min()), image_data(img).max())
        np.testing.assert_allclose(image_data(got)[..., t], whole, atol=1e-5)


def test_real_map_with_nan_outside_the_field_of_view(wager_dir):
    img = load_image(sorted(wager_dir.glob("sub-*_con.nii.gz"))[4])
    affine = np.array([[4.0, 0, 0, -76], [0, 4.0, 0, -108], [0, 0, 4.0, -50], [0, 0, 0, 1]])
    got = resample_img(img, affine, (38, 46, 34))
    expected = expected_of(img, affine, (38, 46, 34), "continuous").get_fdata()
    np.testing.assert_array_equal(np.isnan(got.get_fdata()), np.isnan(expected))
    assert np.isnan(expected).any()
    np.testing.assert_allclose(got.get_fdata(), expected, atol=1e-5 * np.nanmax(np.abs(expected)))


def test_mask_by_nearest_voxel_stays_a_mask():
    mask = nib.Nifti1Image((np.random.default_rng(0).random((9, 9, 9)) > 0.5).astype(np.uint8), OBLIQUE)
    got = image_data(resample_img(mask, *TARGETS["isotropic"], interpolation="nearest"))
    assert got.dtype == np.uint8
    assert set(np.unique(got)) == {0, 1}


def test_single_bytes_count_as_numbers():
    labels = nib.Nifti1Image(np.arange(60, dtype=np.uint8).reshape(3, 4, 5), np.eye(4))
    got = image_data(resample_img(labels, np.diag([1.0, 1.0, 0.5, 1.0]), (3, 4, 9), "linear"))
    np.testing.assert_allclose(got[1, 2], 30 + np.arange(9) / 2, rtol=1e-6)


def test_linear_ramp_is_the_same_ramp_on_a_finer_grid():
    data = np.broadcast_to(np.arange(10.0)[:, None, None], (10, 6, 6)).copy()
    fine = np.diag([0.5, 1.0, 1.0, 1.0])
    got = image_data(resample_img(nib.Nifti1Image(data, np.eye(4)), fine, (19, 6, 6), "linear"))
    np.testing.assert_allclose(got[:, 3, 3], np.arange(19) / 2, atol=1e-12)


def test_clipping_and_fill_value():
    step = np.zeros((10, 10, 10))
    step[5:] = 1
    img = nib.Nifti1Image(step, np.eye(4))
    fine = np.diag([0.4, 1.0, 1.0, 1.0])
    free = image_data(resample_img(img, fine, (22, 10, 10), clip=False))
    assert free.max() > 1.01
    assert image_data(resample_img(img, fine, (22, 10, 10))).max() == 1
    outside = image_data(resample_img(img, fine, (60, 10, 10), "nearest", clip=False, fill_value=-5))
    assert (outside[30:] == -5).all()


def test_same_grid_is_the_same_image():
    img = image()
    assert resample_img(img) is img
    assert resample_img(img, OBLIQUE) is img
    assert resample_img(img, OBLIQUE, img.shape) is img
    assert resample_to_img(img, img) is img


def test_to_another_image():
    target = nib.Nifti1Image(np.zeros((6, 7, 8), np.float32), TARGETS["full affine"][0])
    got = resample_to_img(image(), target)
    assert got.shape == (6, 7, 8)
    np.testing.assert_array_equal(got.affine, target.affine)


def test_impossible_targets():
    img = image()
    away = np.diag([3.0, 3.0, 3.0, 1.0])
    away[0, 3] = 5000
    for arguments, message in (
        ((None, (3, 3, 3)), "give target_affine, too"),
        ((np.eye(3), (3, 3, 3)), "no origin to count target_shape from"),
        ((np.eye(2), None), "invertible array"),
        ((np.zeros((4, 4)), None), "invertible array"),
        ((np.eye(4), (3, 3)), "three numbers of voxels"),
        ((away, None), "contains no part of"),
        ((np.eye(4), None, "cubic"), "one of 'continuous', 'linear', 'nearest', not 'cubic'"),
    ):
        with pytest.raises(ValueError, match=message):
            resample_img(img, *arguments)
    with pytest.raises(ValueError, match="nothing but NaN"):
        resample_img(nib.Nifti1Image(np.full((5, 5, 5), np.nan), np.eye(4)), 2 * np.eye(3))
