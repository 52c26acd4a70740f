"""Masks and series of images beside nilearn's functions of the same names."""

import nibabel as nib
import numpy as np
import pytest
from nilearn import masking

from glmwidgets import images
from glmwidgets.datasets import simulate_run
from glmwidgets.models import FirstLevelModel


@pytest.fixture(scope="module")
def run():
    return simulate_run("small", n_scans=40)


@pytest.mark.parametrize("how", [{}, {"opening": 1}, {"connected": False}, {"lower_cutoff": 0.3}])
def test_the_mask_of_a_run_is_nilearns(run, how):
    ours, theirs = images.compute_epi_mask(run.img, **how), masking.compute_epi_mask(run.img, **how)
    np.testing.assert_array_equal(ours.get_fdata(), theirs.get_fdata())
    np.testing.assert_array_equal(ours.affine, theirs.affine)


def test_a_mask_goes_into_a_model(run):
    mask_img = images.compute_epi_mask(images.mean_img(run.img))
    model = FirstLevelModel(t_r=run.t_r, mask_img=mask_img).fit(run.img, events=run.events)
    np.testing.assert_array_equal(model.masker_.mask_img_.get_fdata(), mask_img.get_fdata())


def test_series_go_out_and_back(run):
    mask_img = images.compute_epi_mask(run.img)
    ours, theirs = images.apply_mask(run.img, mask_img), masking.apply_mask(run.img, mask_img)
    np.testing.assert_array_equal(ours, theirs)
    assert ours.dtype == theirs.dtype == np.float32
    back = images.unmask(ours, mask_img)
    np.testing.assert_array_equal(back.get_fdata(), masking.unmask(theirs, mask_img).get_fdata())
    both = images.unmask([ours[0], ours[1]], mask_img)
    assert [img.shape for img in both] == [run.img.shape[:3]] * 2
    with pytest.raises(TypeError, match="one or two dimensions"):
        images.unmask(np.zeros((2, 2, 2)), mask_img)


def test_smoothed_series_are_nilearns(run):
    """To 1e-4 of values near 1000, in single precision."""
    mask_img = images.compute_epi_mask(run.img)
    ours = images.apply_mask(run.img, mask_img, smoothing_fwhm=5)
    np.testing.assert_allclose(ours, masking.apply_mask(run.img, mask_img, smoothing_fwhm=5), rtol=1e-5)


@pytest.mark.parametrize("threshold", [0, 0.5, 1])
def test_common_voxels_are_nilearns(threshold):
    rng = np.random.default_rng(0)
    masks = [nib.Nifti1Image((rng.random((8, 8, 8)) < 0.7).astype(np.uint8), np.eye(4)) for _ in range(3)]
    ours = images.intersect_masks(masks, threshold)
    np.testing.assert_array_equal(ours.get_fdata(), masking.intersect_masks(masks, threshold).get_fdata())
    with pytest.raises(ValueError, match="no masks"):
        images.intersect_masks([])


def test_masks_of_several_runs_are_nilearns(run):
    pair = [run.img, images.index_img(run.img, slice(0, 20))]
    ours, theirs = images.compute_multi_epi_mask(pair), masking.compute_multi_epi_mask(pair)
    np.testing.assert_array_equal(ours.get_fdata(), theirs.get_fdata())
