"""Writing images: whole or not at all, the same bytes for the same values."""

import os
import sys
import time

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.images.load import load_image
from glmwidgets.images.save import image_bytes, save_image

AFFINE = np.diag([-3.0, 3.0, 4.0, 1.0])


def image(seed=0):
    return nib.Nifti1Image(np.random.default_rng(seed).normal(size=(5, 6, 7)).astype(np.float32), AFFINE)


@pytest.mark.parametrize("name", ["map.nii", "map.nii.gz"])
@pytest.mark.parametrize("has_isal", [True, False])
def test_read_back_by_nibabel(tmp_path, monkeypatch, name, has_isal):
    if not has_isal:
        monkeypatch.setitem(sys.modules, "isal", None)
    path = save_image(image(), tmp_path / name)
    got = nib.load(path)
    np.testing.assert_array_equal(got.get_fdata(dtype=np.float32), image().get_fdata(dtype=np.float32))
    np.testing.assert_array_equal(got.affine, AFFINE)
    np.testing.assert_array_equal(load_image(path).get_fdata(), got.get_fdata())
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_equal_images_are_equal_files(tmp_path):
    first = save_image(image(), tmp_path / "a.nii.gz").read_bytes()
    time.sleep(1.1)
    assert save_image(image(), tmp_path / "b.nii.gz").read_bytes() == first
    assert image_bytes(image()) == first
    assert image_bytes(image(1)) != first


def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = save_image(image(), tmp_path / "map.nii.gz")
    before = path.read_bytes()

    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        save_image(image(1), path, overwrite=True)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["map.nii.gz"]


@pytest.mark.skipif(os.name != "posix", reason="rights of files are those of POSIX")
def test_others_may_read_as_they_may_any_new_file(tmp_path):
    (tmp_path / "plain").touch()
    saved = save_image(image(), tmp_path / "map.nii")
    assert saved.stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_name_and_folder_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"image to .*map\.txt: its name must end in \.nii or \.nii\.gz"):
        save_image(image(), tmp_path / "map.txt")
    with pytest.raises(FileNotFoundError, match="its folder does not exist"):
        save_image(image(), tmp_path / "nowhere" / "map.nii")
