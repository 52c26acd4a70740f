"""Mean images: those of nilearn 0.14.1."""

import nibabel as nib
import numpy as np
import pytest
from nilearn.image import mean_img as reference

from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.mean import mean_img


def test_mean_of_one_run_and_of_several(auditory_dir):
    run = load_image(next(auditory_dir.glob("*bold.nii.gz"))).slicer[:, :, 28:36]
    np.testing.assert_array_equal(mean_img(run).get_fdata(), reference(run).get_fdata())
    unequal = [run.slicer[..., :30], run.slicer[..., 30:]]
    got = mean_img(unequal).get_fdata()
    np.testing.assert_allclose(got, reference(unequal).get_fdata(), rtol=1e-12)
    assert not np.allclose(got, mean_img(run).get_fdata())


def test_path_and_volumes_and_another_grid(tmp_path):
    data = np.random.default_rng(0).normal(size=(8, 8, 8, 3)) + 10
    img = nib.Nifti1Image(data, np.diag([2.0, 2.0, 2.0, 1.0]))
    nib.save(img, tmp_path / "run.nii")
    np.testing.assert_allclose(mean_img(tmp_path / "run.nii").get_fdata(), data.mean(axis=3))
    volumes = [img.slicer[..., t] for t in range(3)]
    np.testing.assert_allclose(mean_img(volumes).get_fdata(), data.mean(axis=3), rtol=1e-12)
    target = np.diag([3.0, 3.0, 3.0])
    got, expected = mean_img([img, img], target), reference([img, img], target_affine=target)
    np.testing.assert_allclose(got.affine, expected.affine)
    np.testing.assert_allclose(got.get_fdata(), expected.get_fdata(), rtol=1e-9)
    coarse = nib.Nifti1Image(data[:4, :4, :4], np.diag([4.0, 4.0, 4.0, 1.0]))
    assert mean_img([img, coarse]).shape == (8, 8, 8)


def test_integers_are_averaged_exactly():
    data = np.zeros((2, 2, 2, 3), np.int16)
    data[..., 2] = 32767
    got = mean_img(nib.Nifti1Image(data, np.eye(4)))
    assert image_data(got).dtype == np.float64
    np.testing.assert_allclose(image_data(got), 32767 / 3)


def test_no_images():
    with pytest.raises(ValueError, match="list is empty"):
        mean_img([])
