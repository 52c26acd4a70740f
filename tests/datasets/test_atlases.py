"""Atlases that are downloaded, against a server of our own; the checksums that are published are only counted here."""

import gzip
import hashlib
import os
import re

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.datasets import atlases, fetch, fetch_schaefer_2018
from glmwidgets.datasets.download import DownloadError
from glmwidgets.glm.errors import InputError
from glmwidgets.regions import open_atlas

pytest.importorskip("pooch")
pytest.importorskip("tqdm")

STEM = "/tpl-MNI152NLin6Asym/tpl-MNI152NLin6Asym"
IMAGE = f"{STEM}_res-01_atlas-Schaefer2018_desc-100Parcels7Networks_dseg.nii.gz"
TABLE = f"{STEM}_atlas-Schaefer2018_desc-100Parcels7Networks_dseg.tsv"


@pytest.fixture
def away(server, monkeypatch, tmp_path):
    """TemplateFlow is our server, with a small atlas whose checksums are the published ones."""
    row = fetch.DATASETS["schaefer_2018"]
    local = type(row.files[0])("{1}", re.sub("^https://[^/]+", server.url, row.files[0].url))
    monkeypatch.setitem(fetch.DATASETS, "schaefer_2018", type(row)(row.name, row.about, row.page, (local,)))
    img = nib.Nifti1Image(np.array([0, 1, 2], np.int16).reshape(3, 1, 1), np.diag([2, 2, 2, 1.0]))
    server.files[IMAGE] = gzip.compress(img.to_bytes(), mtime=0)
    server.files[TABLE] = b"index\tname\tcolor\n1\t7Networks_LH_Vis_1\t#781283\n2\t7Networks_RH_Vis_1\t#781284\n"
    of = [hashlib.md5(server.files[name]).hexdigest() for name in (IMAGE, TABLE)]
    monkeypatch.setitem(atlases.SCHAEFER, (100, 7), ("0" * 32, *of))
    monkeypatch.setenv("GLMWIDGETS_DOWNLOADS", str(tmp_path))
    return server


def test_an_atlas_is_had_once_with_its_names(away):
    for _ in range(2):
        path = fetch_schaefer_2018(100, space="MNI152NLin6Asym", progress=False)
    assert [name for name, _ in away.asked] == [TABLE, IMAGE]
    atlas = open_atlas(path)
    assert str(atlas.at((2, 0, 0))) == "7Networks_LH_Vis_1"
    assert atlas.space == "MNI152NLin6Asym"
    assert {label.side for label in atlas.regions()} == {"left", "right"}


def test_another_file_than_the_published_one_is_refused(away):
    away.files[IMAGE] += b"x"
    with pytest.raises(DownloadError, match="is not the same file as its published checksum"):
        fetch_schaefer_2018(100, space="MNI152NLin6Asym", progress=False)


def test_what_broke_off_is_no_atlas_and_goes_on(away):
    away.stop_at = 10
    with pytest.raises(DownloadError, match="broke off after 10 of"):
        fetch_schaefer_2018(100, space="MNI152NLin6Asym", progress=False)
    away.stop_at = None
    assert open_atlas(fetch_schaefer_2018(100, space="MNI152NLin6Asym", progress=False)).name.startswith("tpl-MNI152")


def test_a_name_is_an_atlas_in_the_runs_template(away, tmp_path):
    path = atlases.atlas_file("Schaefer:100", "MNI152NLin6Asym")
    assert os.path.basename(path) == os.path.basename(IMAGE)
    assert atlases.atlas_file(str(tmp_path / "own.nii.gz"), "MNI152NLin6Asym") == str(tmp_path / "own.nii.gz")
    with pytest.raises(DownloadError, match=r"tpl-MNI152NLin2009cAsym.*404"):
        atlases.atlas_file("schaefer:100", "T1w")
    with pytest.raises(InputError, match="n_rois must be one of 100, 200"):
        atlases.atlas_file("schaefer:77")
    with pytest.raises(InputError, match="yeo_networks must be one of 7, 17"):
        fetch_schaefer_2018(100, 8)
    with pytest.raises(InputError, match="space must be one of"):
        fetch_schaefer_2018(space="Talairach")


def test_every_file_has_a_checksum_of_its_own():
    listed = [checksum for row in atlases.SCHAEFER.values() for checksum in row]
    assert len(listed) == len(set(listed)) == 16 * 3
    assert all(re.fullmatch("[0-9a-f]{32}", checksum) for checksum in listed)
