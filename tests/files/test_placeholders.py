"""What stands in the place of a file is said with what to do about it; a file that may be right is left alone."""

import os

import pytest

from glmwidgets.files.placeholders import not_its_content
from glmwidgets.glm.tables import read_table
from glmwidgets.images.load import load_image

ANNEX = "../.git/annex/objects/F7/k1/MD5E-s26--01.nii.gz/MD5E-s26--01.nii.gz"

PLACEHOLDERS = {
    "link of git-annex": (lambda path: path.symlink_to(ANNEX), r"not been fetched: git annex get sub-01\.nii"),
    "pointer of git-annex": (lambda path: path.write_text("/annex/objects/MD5E-s26--01.nii.gz\n"), "git annex get"),
    "pointer of Git LFS": (
        lambda path: path.write_text("version https://git-lfs.github.com/spec/v1\n"),
        "git lfs pull",
    ),
    "web page": (lambda path: path.write_text("\n <!DOCTYPE html>\n<html>Sign in</html>"), "download it again"),
    "broken link": (lambda path: path.symlink_to("gone.nii"), "points to gone.nii"),
    "link that leads back": (lambda path: path.symlink_to(path.name), "broken link"),
    "pipe": (lambda path: os.mkfifo(path), "not a file: give a file"),
}


@pytest.mark.parametrize("what", PLACEHOLDERS)
@pytest.mark.parametrize("door", [load_image, lambda path: read_table(path, "events")])
def test_placeholder_is_called_so_with_a_remedy(tmp_path, what, door):
    make, remedy = PLACEHOLDERS[what]
    make(tmp_path / "sub-01.nii")
    with pytest.raises((ValueError, FileNotFoundError), match=remedy) as caught:
        door(tmp_path / "sub-01.nii")
    assert "did you mean" not in str(caught.value)
    assert "rename" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"onset\tduration\n1\t2\n", b"\x1f\x8b\x08", bytes(600)])
def test_a_file_that_may_be_right_is_left_alone(tmp_path, content):
    (tmp_path / "file").write_bytes(content)
    assert not_its_content(tmp_path / "file") is None
    assert not_its_content(tmp_path) is None
    assert not_its_content(tmp_path / "nothing") is None
