"""Smoothing: that of nilearn 0.14.1, in any box and through any path."""

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import smooth_img as reference_smooth
from nilearn.maskers import NiftiMasker

from glmwidgets.glm.boxes import bounding_box
from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.mask import find_brain, masked_series, voxel_series
from glmwidgets.images.smooth import n_cpus, smooth, smooth_img

OBLIQUE = np.array([[-3.0, 0.2, 0.1, 60], [0.1, 2.9, -0.7, -70], [0.1, 0.7, 3.2, -40], [0, 0, 0, 1]])


def reference(data, affine, fwhm):
    return np.asanyarray(reference_smooth(nib.Nifti1Image(data, affine, dtype=data.dtype), fwhm).dataobj)


def assert_same(got, expected):
    """Equal but for the order of a sum in double precision, which rounding to single shows in one value of millions."""
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=4 * np.finfo(got.dtype).eps, atol=1e-13)
    if got.dtype == np.float32:
        assert (got != expected).mean() < 1e-4


@pytest.fixture(scope="module")
def crop(visloc_dir):
    return load_image(next(visloc_dir.glob("*bold.nii.gz"))).slicer[:, :, 10:22, :40]


@pytest.mark.parametrize("fwhm", [5.0, 8, 2.0, [4.0, 6.0, 0.0], (3.0, None, 12.0), 40.0])
def test_real_volumes_like_nilearn(crop, fwhm):
    data = image_data(crop)[..., :3]
    got = smooth(data, crop.affine, fwhm)
    assert got.dtype == np.float32
    assert_same(got, reference(data, crop.affine, fwhm))


@pytest.mark.parametrize("fwhm", [5.0, [4.0, 0.0, 9.0]])
def test_masked_series_like_nilearn(crop, fwhm):
    mask = find_brain(crop)
    mask[:, :, :3] = False
    mask_img = nib.Nifti1Image(mask.astype(np.uint8), crop.affine)
    # the masker takes one width only; three go through the image
    masker = NiftiMasker(mask_img, smoothing_fwhm=fwhm if np.isscalar(fwhm) else None, standardize=None)
    expected = masker.fit().transform(crop if np.isscalar(fwhm) else reference_smooth(crop, fwhm))
    assert_same(masked_series(image_data(crop), mask, crop.affine, fwhm), expected)
    boxed = smooth(image_data(crop), crop.affine, fwhm, mask=mask)
    assert_same(voxel_series(boxed, mask), expected)


@pytest.mark.parametrize("dtype", ["u1", ">i2", "i2", "i4", "f4", "f8", "i8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_types_and_layouts(dtype, order):
    data = np.asarray((np.random.default_rng(0).normal(size=(9, 8, 7, 5)) * 30 + 100).astype(dtype), order=order)
    before = data.copy()
    got = smooth(data, OBLIQUE, 6.0)
    assert_same(got, reference(data, OBLIQUE, 6.0))
    np.testing.assert_array_equal(data, before)


def test_3d_and_values_that_are_not_finite():
    data = np.random.default_rng(0).normal(size=(9, 8, 7)).astype(np.float32)
    data[3, 3, 3], data[0, 0, 0], data[8, 1, 2] = np.nan, np.inf, -np.inf
    got = smooth(data, OBLIQUE, 6.0)
    assert np.isfinite(got).all()
    assert_same(got, reference(data.copy(), OBLIQUE, 6.0))
    assert np.isnan(data[3, 3, 3])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_any_box_holds_the_values_of_the_whole_volume(dtype):
    rng = np.random.default_rng(0)
    # in double precision another order of the sum would show in most values
    data = rng.normal(size=(17, 15, 13, 2)).astype(dtype)
    data[rng.random(data.shape) < 0.01] = np.nan
    for fwhm in (4.0, 9.0, [0.0, 12.0, 5.0]):
        whole = smooth(data, OBLIQUE, fwhm)
        for _ in range(20):
            low = [rng.integers(0, n) for n in data.shape[:3]]
            high = [rng.integers(start, n) + 1 for start, n in zip(low, data.shape[:3], strict=True)]
            mask = np.zeros(data.shape[:3], bool)
            mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = True
            part = smooth(data, OBLIQUE, fwhm, mask=mask)
            np.testing.assert_array_equal(part[mask], whole[mask])
            assert not part[~mask].any()
            np.testing.assert_array_equal(masked_series(data, mask, OBLIQUE, fwhm), whole[mask].T)


@pytest.mark.parametrize("share", [0.003, 0.3])
@pytest.mark.parametrize("fwhm", [3.0, 9.0, [0.0, 5.0, 0.0]])
@pytest.mark.parametrize("dtype", ["i2", "f8"])
def test_voxels_here_and_there_have_the_values_of_the_whole_volume(dtype, fwhm, share):
    rng = np.random.default_rng(1)
    data = rng.integers(0, 9000, (31, 17, 40, 2)).astype(dtype)
    mask = rng.random(data.shape[:3]) < share
    whole = smooth(data, OBLIQUE, fwhm)
    part = smooth(data, OBLIQUE, fwhm, mask=mask)
    np.testing.assert_array_equal(part[mask], whole[mask])
    assert not part[~mask].any()
    np.testing.assert_array_equal(masked_series(data, mask, OBLIQUE, fwhm), whole[mask].T)


@pytest.mark.parametrize("fwhm", [None, 0, 0.0, [0, 0, 0], [None, None, None]])
def test_no_width_does_nothing(fwhm):
    data = np.ones((3, 3, 3, 4), np.int16)
    assert smooth(data, np.eye(4), fwhm) is data


def test_weight_is_kept_far_from_the_faces_and_width_is_the_one_asked_for():
    data = np.zeros((41, 41, 41))
    data[20, 20, 20] = 1
    got = smooth(data, np.diag([2.0, 2.0, 2.0, 1.0]), 8.0)
    # to what is cut off beyond 4 sigma: 6e-5 an axis, given back by normalisation
    assert got.sum() == pytest.approx(1, abs=1e-12)
    line = got[:, 20, 20] / got[20, 20, 20]
    # half the height at half the width, 4 mm, two voxels away
    assert line[22] == pytest.approx(0.5, abs=1e-12)


def test_image_keeps_its_place_and_time():
    img = nib.Nifti1Image(np.random.default_rng(0).integers(0, 99, (5, 5, 5, 3)).astype(np.int16), OBLIQUE)
    img.header.set_xyzt_units("mm", "sec")
    img.header.set_zooms((3, 3, 3, 2.5))
    got = smooth_img(img, 5)
    assert got.get_data_dtype() == np.float32
    assert got.header.get_zooms()[3] == 2.5
    np.testing.assert_array_equal(got.affine, img.affine)


@pytest.mark.parametrize("fwhm", [-1, [1, 2], np.nan, [1, -2, 3]])
def test_refuses_impossible_widths(fwhm):
    with pytest.raises(ValueError, match="one width in mm"):
        smooth(np.zeros((3, 3, 3)), np.eye(4), fwhm)


def test_refuses_what_is_no_volume():
    with pytest.raises(ValueError, match="3 or 4 axes"):
        smooth(np.zeros((3, 3)), np.eye(4), 4)


def test_bounding_box_is_the_smallest():
    mask = np.zeros((5, 6, 7), bool)
    mask[1, 2, 3] = mask[3, 2, 6] = True
    assert bounding_box(mask) == (slice(1, 4), slice(2, 3), slice(3, 7))


def test_no_more_threads_smooth_than_the_environment_allows(monkeypatch):
    monkeypatch.setattr("glmwidgets.images.smooth.processors", lambda: 16)
    for said, threads in (("", 4), ("1", 1), ("3", 3), ("64", 4), ("0", 1), ("2,1", 4)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert n_cpus() == threads
