"""Masks: voxel for voxel those of nilearn 0.14.1, and the way between volumes and rows of voxels."""

import nibabel as nib
import numpy as np
import pytest
from nilearn import masking

from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.mask import (
    common_voxels,
    find_brain,
    match_mask,
    to_volumes,
    voxel_series,
    voxel_taker,
)
from glmwidgets.images.resample import resample_to_img


def runs(*folders):
    return [load_image(next(folder.glob("*bold.nii.gz"))) for folder in folders]


def reference(img, **options):
    return masking.compute_epi_mask(img, **options).get_fdata().astype(bool)


def test_epi_mask_of_whole_real_runs(auditory_dir, visloc_dir, audiovisual_dir):
    for img, size in zip(runs(auditory_dir, visloc_dir, audiovisual_dir), (62073, 48751, None), strict=True):
        mask = find_brain(img)
        np.testing.assert_array_equal(mask, reference(img))
        assert size is None or mask.sum() == size


@pytest.mark.parametrize(
    "options",
    [
        {"opening": 1},
        {"opening": False},
        {"connected": False},
        {"lower_cutoff": 0.4, "upper_cutoff": 0.7},
        {"exclude_zeros": True},
    ],
)
def test_epi_mask_options(visloc_dir, options):
    img = runs(visloc_dir)[0].slicer[:, :, 8:26, :20]
    np.testing.assert_array_equal(find_brain(img, **options), reference(img, **options))


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_epi_mask_of_a_mean_image(visloc_dir, dtype):
    img = runs(visloc_dir)[0].slicer[..., 0]
    img = nib.Nifti1Image(image_data(img).astype(dtype), img.affine)
    np.testing.assert_array_equal(find_brain(img), reference(img))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_epi_mask_takes_values_that_are_not_finite_for_air(visloc_dir, dtype):
    img = runs(visloc_dir)[0].slicer[:, :, 8:26, :10]
    data = image_data(img).astype(dtype)
    data[30:33, 40:44, 5, 3] = np.nan
    data[50, 40, 9, :] = np.inf
    data[:4] = np.nan
    img = nib.Nifti1Image(data, img.affine)
    mask = find_brain(img)
    np.testing.assert_array_equal(mask, reference(img))
    assert not mask[:4].any()
    assert np.isnan(data[0, 0, 0, 0])


def test_a_slab_that_the_automatic_mask_thins_is_said(audiovisual_dir, visloc_dir, recwarn):
    img = runs(audiovisual_dir)[0]
    with pytest.warns(UserWarning, match="leaves out 4 of the 5 planes along k"):
        assert find_brain(img).any((0, 1)).sum() == 1
    recwarn.clear()
    assert find_brain(img, opening=0).any((0, 1)).all()
    find_brain(runs(visloc_dir)[0])
    assert not recwarn.list


def test_epi_mask_refuses_what_holds_no_brain():
    flat = np.random.default_rng(0).normal(size=(12, 12, 12, 5))
    with pytest.raises(ValueError, match="no brain was found"):
        find_brain(nib.Nifti1Image(flat, np.eye(4)), lower_cutoff=0.8, upper_cutoff=0.99)
    with pytest.raises(ValueError, match="lower_cutoff < upper_cutoff"):
        find_brain(flat, lower_cutoff=0.9)
    with pytest.raises(ValueError, match=r"too few voxels \(0\)"):
        find_brain(np.zeros((6, 6, 6)), exclude_zeros=True)
    with pytest.raises(ValueError, match="3-D or 4-D image"):
        find_brain(flat[0, 0])


@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("connected", [True, False])
def test_intersection(threshold, connected):
    rng = np.random.default_rng(3)
    masks = [rng.random((9, 8, 7)) < 0.7 for _ in range(3)]
    images = [nib.Nifti1Image(m.astype(np.uint8), np.eye(4)) for m in masks]
    expected = masking.intersect_masks(images, threshold=threshold, connected=connected).get_fdata()
    np.testing.assert_array_equal(common_voxels(masks, threshold, connected), expected.astype(bool))


def test_intersection_refuses_nonsense():
    one = np.ones((2, 2, 2), bool)
    with pytest.raises(ValueError, match="no masks"):
        common_voxels([])
    with pytest.raises(ValueError, match=r"different shapes: \(2, 2, 2\), \(3, 2, 2\)"):
        common_voxels([one, np.ones((3, 2, 2), bool)])
    with pytest.raises(ValueError, match="between 0 and 1"):
        common_voxels([one], threshold=2)


def test_series_equal_the_reference_and_its_sums(visloc_dir):
    img = runs(visloc_dir)[0].slicer[:, :, 8:20, :40]
    mask = find_brain(img)
    series = voxel_series(image_data(img), mask)
    expected = masking.apply_mask(img, nib.Nifti1Image(mask.astype(np.uint8), img.affine))
    assert series.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(series, expected)
    # single-precision means depend on the order of the sum, and parity of the scaling on the means
    np.testing.assert_array_equal(series.mean(axis=0), expected.mean(axis=0))


@pytest.mark.parametrize("layout", ["F", "C", "view"])
@pytest.mark.parametrize(
    ("stored", "computed"), [("i2", "f4"), ("u1", "f4"), ("f4", "f4"), ("f8", "f8"), ("i8", "f8"), ("?", "f4")]
)
def test_series_of_any_layout_and_type(layout, stored, computed):
    data = (np.random.default_rng(0).normal(size=(5, 6, 7, 70)) * 40).astype(stored)
    if layout == "view":
        data = np.repeat(data, 2, axis=1)[:, ::2]
    else:
        data = np.asarray(data, order=layout)
    mask = np.random.default_rng(1).random((5, 6, 7)) < 0.4
    series = voxel_series(data, mask)
    assert series.dtype == computed
    np.testing.assert_array_equal(series, data[mask].T)
    np.testing.assert_array_equal(voxel_series(data[..., 3], mask), data[mask][:, 3])


@pytest.mark.parametrize("shape", [(64, 64, 5), (3, 4, 5)])
def test_a_taker_takes_volumes_of_any_layout_and_type(shape):
    rng = np.random.default_rng(3)
    mask = rng.random(shape) > 0.5
    take = voxel_taker(mask, np.float32)
    for dtype in (np.int16, ">i2", np.uint8, np.float64):
        for order in "FC":
            volume = rng.integers(0, 200, shape).astype(dtype, order=order)
            taken = take(volume)
            assert taken.dtype == volume.dtype
            assert np.array_equal(taken, volume[mask])
            assert np.array_equal(take(volume[::-1]), volume[::-1][mask])


def test_series_refuse_a_mask_that_does_not_fit():
    with pytest.raises(ValueError, match=r"shape \(4, 4, 4, 2\) and the mask has shape \(4, 4, 5\)"):
        voxel_series(np.zeros((4, 4, 4, 2)), np.ones((4, 4, 5), bool))
    with pytest.raises(ValueError, match="boolean mask"):
        voxel_series(np.zeros((4, 4, 4, 2)), np.ones((4, 4, 4)))


def test_unmask_is_the_way_back():
    rng = np.random.default_rng(0)
    mask = rng.random((5, 6, 7)) < 0.4
    values = rng.normal(size=(3, mask.sum())).astype(np.float32)
    volumes = to_volumes(values, mask)
    assert volumes.shape == (5, 6, 7, 3)
    assert volumes.dtype == np.float32
    np.testing.assert_array_equal(voxel_series(volumes, mask), values)
    assert not volumes[~mask].any()
    volume = to_volumes(np.arange(mask.sum()), mask, fill=np.nan)
    assert volume.dtype == np.float64
    assert np.isnan(volume[~mask]).all()
    np.testing.assert_array_equal(volume[mask], np.arange(mask.sum()))
    assert to_volumes(np.arange(mask.sum()), mask).dtype.kind == "i"
    with pytest.raises(ValueError, match="values of shape"):
        to_volumes(values[:, 1:], mask)


class TestGivenMask:
    affine = np.diag([3.0, 3.0, 3.0, 1.0])
    run = nib.Nifti1Image(np.zeros((6, 6, 6, 4), np.int16), affine)

    def mask(self, data, affine=None):
        img = nib.Nifti1Image(np.asarray(data), self.affine if affine is None else affine)
        img.set_filename("my_mask.nii.gz")
        return img

    def test_reads_any_two_values(self):
        data = np.zeros((6, 6, 6), np.float32)
        data[2:4, 2:4, 2:4] = 255
        data[0, 0, 0] = np.nan
        np.testing.assert_array_equal(match_mask(self.mask(data), self.run), data == 255)
        np.testing.assert_array_equal(match_mask(self.mask(data[..., None]), self.run), data == 255)

    def test_refuses_what_is_no_mask(self):
        with pytest.raises(ValueError, match=r"my_mask\.nii\.gz holds 6 values \(0, 1, 2, 3, 4, \.\.\.\): thresh"):
            match_mask(self.mask(np.arange(216, dtype=np.uint8).reshape(6, 6, 6) % 6), self.run)
        with pytest.raises(ValueError, match="one 3-D volume"):
            match_mask(self.run, self.run)
        with pytest.raises(ValueError, match="holds no voxel"):
            match_mask(self.mask(np.zeros((6, 6, 6), np.uint8)), self.run)

    def test_another_grid_is_named_or_resampled_on_request(self):
        fine = np.zeros((12, 12, 12), np.uint8)
        fine[4:9, 4:9, 4:9] = 1
        shifted = np.diag([1.5, 1.5, 1.5, 1.0])
        shifted[:3, 3] = -0.75
        other = self.mask(fine, shifted)
        with pytest.raises(
            ValueError, match=r"my_mask\.nii\.gz and the image in memory .* lie on different grids"
        ) as told:
            match_mask(other, self.run)
        assert "; resample the mask to the image by its nearest voxels: glmwidgets.images.resample_to_img(" in str(
            told.value
        )
        same = resample_to_img(other, self.run, interpolation="nearest")
        assert match_mask(same, self.run).any()
        # centres of the coarse voxels lie at 0, 3, ... mm, which are the fine voxels 0.5, 2.5, 4.5, ...
        expected = np.zeros((6, 6, 6), bool)
        expected[2:4, 2:4, 2:4] = True
        got = match_mask(other, self.run, resample=True)
        assert got.dtype == bool
        assert got[2:4, 2:4, 2:4].all()
        assert got.sum() <= 27
        whole = self.mask(np.ones((12, 12, 12), np.uint8), np.diag([1.5, 1.5, 1.5, 1.0]))
        assert match_mask(whole, self.run, resample=True).all()


@pytest.mark.parametrize("n_slices", [1, 3])
def test_a_slice_alone_has_a_mask_like_that_of_many(n_slices):
    """Erosion along an axis of few slices would leave nothing; within the slice the disc stays as it is."""
    rng = np.random.default_rng(0)
    x, y = np.indices((40, 40)) - 19.5
    disc = np.hypot(x, y) < 14
    data = np.repeat((disc * 100 + rng.normal(size=disc.shape))[:, :, None], n_slices, axis=2)
    mask = find_brain(data)
    assert mask.shape == data.shape
    assert np.mean(mask != disc[:, :, None]) < 0.02
