"""Images made of arrays: they lie where the run lies, and inherit nothing else."""

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.images.load import header_t_r
from glmwidgets.images.new import image_like, new_image

AFFINE = np.array([[-3.0, 0, 0, 60], [0, 2.9, -0.7, -70], [0, 0.7, 2.9, -40], [0, 0, 0, 1]])


def run(sform=1, qform=1):
    img = nib.Nifti1Image(np.zeros((4, 5, 6, 8), np.int16), AFFINE)
    img.set_sform(AFFINE, sform)
    img.set_qform(AFFINE, qform)
    img.header.set_xyzt_units("mm", "sec")
    img.header.set_zooms((*img.header.get_zooms()[:3], 2.5))
    img.header["cal_max"], img.header["descrip"] = 9000, b"scanner"
    return img


@pytest.mark.parametrize(("sform", "qform"), [(1, 1), (4, 4), (0, 1), (2, 0), (0, 0)])
def test_place_survives_saving(tmp_path, sform, qform):
    like = run(sform, qform)
    nib.save(image_like(np.ones((4, 5, 6), np.float32), like), tmp_path / "map.nii")
    got = nib.load(tmp_path / "map.nii")
    np.testing.assert_allclose(got.affine, like.affine, atol=1e-5)
    assert int(got.header["sform_code"]) == sform
    assert int(got.header["qform_code"]) == qform
    assert got.header.get_xyzt_units()[0] == "mm"
    assert got.header["cal_max"] == 0
    assert bytes(got.header["descrip"]).strip(b"\0") == b""


@pytest.mark.parametrize(("dtype", "stored"), [("f4", "f4"), ("f8", "f8"), ("?", "u1"), ("i4", "i4"), ("i8", "f8")])
def test_type(dtype, stored):
    assert image_like(np.ones((4, 5, 6), dtype), run()).get_data_dtype() == stored


def test_place_is_kept_to_the_last_digit():
    affine = AFFINE * (1 + 1e-10)
    img = image_like(np.zeros((4, 5, 6), np.float32), nib.Nifti1Image(np.zeros((4, 5, 6), np.float32), affine))
    np.testing.assert_array_equal(img.affine, affine)


def test_only_as_many_volumes_as_the_run_are_a_series():
    assert header_t_r(image_like(np.zeros((4, 5, 6, 8), np.float32), run())) == 2.5
    assert header_t_r(image_like(np.zeros((4, 5, 6, 2), np.float32), run())) is None


def test_values_of_a_mask():
    mask = np.random.default_rng(0).random((4, 5, 6)) < 0.5
    values = np.arange(mask.sum(), dtype=float)
    data = new_image(values, mask, run(), fill=np.nan).get_fdata()
    np.testing.assert_array_equal(data[mask], values)
    assert np.isnan(data[~mask]).all()
