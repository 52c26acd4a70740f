"""Whatever places volumes in space is read with its own values, place, time and units."""

import gzip
import shutil
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.testing import data_path

from glmwidgets.images.load import header_t_r, image_data, load_image, load_run, load_volume
from glmwidgets.images.nifti import units

SHIPPED = Path(data_path)
AFFINE = np.array([[-3.0, 0, 0, 60], [0, 3, 0, -70], [0, 0, 4, -40], [0, 0, 0, 1]])


@pytest.fixture
def values():
    return np.random.default_rng(0).normal(100, 5, (4, 5, 6, 7)).astype(np.float32)


def test_compressed_afni_keeps_the_factor_of_each_volume(tmp_path):
    head = (SHIPPED / "example4d+orig.HEAD").read_text()
    start = head.index("name  = BRICK_FLOAT_FACS")
    end = head.index("type", start)
    head = f"{head[:start]}name  = BRICK_FLOAT_FACS\ncount = 3\n 0.5 0.25 0.125\n\n{head[end:]}"
    (tmp_path / "run+orig.HEAD").write_text(head)
    shutil.copy(SHIPPED / "example4d+orig.BRIK.gz", tmp_path / "run+orig.BRIK.gz")
    stored = np.frombuffer(gzip.decompress((tmp_path / "run+orig.BRIK.gz").read_bytes()), "<i2")
    raw = stored.reshape((33, 41, 25, 3), order="F")
    read = image_data(load_image(tmp_path / "run+orig.HEAD"))
    np.testing.assert_allclose(read, raw * [0.5, 0.25, 0.125])


@pytest.mark.parametrize(
    ("name", "t_r"), [("example4d+orig.HEAD", 3.0), ("phantom_EPI_asc_CLEAR_2_1.PAR", 2.0), ("minc1_4d.mnc", 2.0)]
)
def test_shipped_formats_keep_values_place_and_time(name, t_r):
    ours, theirs = load_image(SHIPPED / name), nib.load(SHIPPED / name)
    data = np.asanyarray(theirs.dataobj)
    if name.endswith(".mnc"):  # time first in the file
        assert ours.shape == (10, 20, 20, 2)
        data = np.moveaxis(data, 0, 3)
    np.testing.assert_array_equal(image_data(ours), data)
    np.testing.assert_allclose(ours.affine, theirs.affine)
    assert header_t_r(ours) == t_r
    assert units(ours.header) == ("mm", "sec")


def test_time_of_mgh_is_in_milliseconds(tmp_path, values):
    img = nib.MGHImage(values, AFFINE)
    img.header.set_zooms((3, 3, 4, 2500.0))
    nib.save(img, tmp_path / "run.mgz")
    read, t_r = load_run(tmp_path / "run.mgz")
    assert t_r == 2.5
    np.testing.assert_array_equal(image_data(read), values)


def test_analyze_without_a_matrix_does_not_say_which_side_is_left(tmp_path, values):
    nib.save(nib.AnalyzeImage(values, None), tmp_path / "run.img")
    img = load_image(tmp_path / "run.img")
    assert (int(img.header["sform_code"]), int(img.header["qform_code"])) == (0, 0)
    np.testing.assert_array_equal(img.affine, nib.load(tmp_path / "run.img").affine)
    nib.save(nib.Spm99AnalyzeImage(values, AFFINE), tmp_path / "spm.img")
    img = load_image(tmp_path / "spm.img")
    assert int(img.header["sform_code"]) > 0
    np.testing.assert_allclose(img.affine, AFFINE)


@pytest.mark.parametrize(("unit", "factor"), [("micron", 1e3), ("meter", 1e-3), ("mm", 1.0), ("unknown", 1.0)])
@pytest.mark.parametrize("codes", [(1, 1), (0, 1), (1, 0), (0, 0)])
def test_units_of_space_become_mm(tmp_path, values, unit, factor, codes):
    def written(unit, factor, name):
        affine = AFFINE.copy()
        affine[:3] *= factor
        img = nib.Nifti1Image(values, affine)
        img.header.set_zooms((3 * factor, 3 * factor, 4 * factor, 2.0))
        img.header.set_xyzt_units(unit, "sec")
        img.header.set_sform(affine, codes[0])
        img.header.set_qform(affine, codes[1])
        (tmp_path / name).write_bytes(nib.Nifti1Image(values, None, img.header).to_bytes())
        return tmp_path / name

    img, right = load_image(written(unit, factor, "a.nii")), load_image(written("mm", 1.0, "b.nii"))
    np.testing.assert_allclose(img.affine, right.affine, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(img.header.get_best_affine(), img.affine, rtol=1e-6, atol=1e-5)
    np.testing.assert_allclose(img.header.get_zooms(), (3, 3, 4, 2), rtol=1e-6)
    assert (int(img.header["sform_code"]), int(img.header["qform_code"])) == codes
    assert load_image(img) is img
    np.testing.assert_array_equal(image_data(img), values)


def test_unit_codes_that_mean_nothing_are_unknown(values):
    img = nib.Nifti1Image(values, AFFINE)
    img.header["xyzt_units"] = 5 + 56
    assert units(img.header) == ("unknown", "unknown")
    assert load_image(img) is img
    assert header_t_r(img) is None


@pytest.mark.parametrize("name", ["run.nii", "run.nii.gz"])
def test_axes_of_length_one_are_no_axes(tmp_path, values, name):
    img = nib.Nifti1Image(values[:, :, :, None, :], AFFINE)
    img.header.set_zooms((3, 3, 4, 1, 2.0))
    img.header.set_xyzt_units("mm", "sec")
    nib.save(img, tmp_path / name)
    read, t_r = load_run(tmp_path / name)
    assert t_r == 2.0
    np.testing.assert_array_equal(image_data(read), values)
    assert load_volume(nib.Nifti1Image(values[..., :1], AFFINE)).shape == (4, 5, 6)
    assert load_image(nib.Nifti1Image(values[:, :, 0, 0], AFFINE)).shape == (4, 5, 1)
    with pytest.raises(ValueError, match=r"an anatomical image is one 3-D volume; .* has shape \(4, 5, 6, 7\)"):
        load_volume(nib.Nifti1Image(values, AFFINE), "an anatomical image")


def test_vectors_are_no_scans(values):
    img = nib.Nifti1Image(values[:, :, :, None, :3], AFFINE)
    img.header.set_intent("vector")
    with pytest.raises(ValueError, match="an image of 5 dimensions"):
        load_run(img, t_r=2)


def test_complex_voxels_are_magnitudes_and_colours_are_refused(values):
    phase = np.exp(1j * np.random.default_rng(1).uniform(0, 6, values.shape))
    with pytest.warns(UserWarning, match="are complex: their magnitudes are taken"):
        read = image_data(nib.Nifti1Image((values * phase).astype(np.complex64), AFFINE))
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, values, rtol=1e-5)
    colours = np.zeros((4, 5, 6), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(ValueError, match=r"are colours \(R, G, B\)"):
        image_data(nib.Nifti1Image(colours, AFFINE))


def test_a_step_of_1_along_a_fifth_axis_is_no_time():
    values = np.random.default_rng(0).normal(1000, 10, (3, 4, 2, 1, 6)).astype(np.float32)
    img = nib.Nifti1Image(values, np.diag([2.0, 2, 2, 1]))
    img.header.set_zooms((2, 2, 2, 3, 1))
    img.header.set_xyzt_units("mm", "sec")
    opened = load_image(img)
    assert opened.shape == (3, 4, 2, 6)
    np.testing.assert_array_equal(np.asarray(opened.dataobj), values[:, :, :, 0])
    assert header_t_r(opened) is None
