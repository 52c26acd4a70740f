"""Regions of interest of a session: found in every way, undone, saved, written and read back."""

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.images.spheres import sphere_indices
from glmwidgets.regions import open_atlas
from glmwidgets.regions.interest import RegionOfInterest, label_image, voxels_as_text, write_label_image
from glmwidgets.session.single.regions import save_changes, save_regions
from glmwidgets.session.single.store import load_session, save_session
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.settings import Settings


@pytest.fixture
def atlas_path(session, tmp_path):
    """Labels 7 (left half) and 300 on the run's own grid, one name twice."""
    values = np.where(np.indices(session.shape)[0] < 5, 7, 300).astype(np.int16)
    values[..., 0] = 9
    values[..., 5] = 11
    nib.Nifti1Image(values, session.affine).to_filename(tmp_path / "town.nii.gz")
    (tmp_path / "town.tsv").write_text("index\tname\n7\tleft Forge\n300\tright Forge\n9\tWeir\n11\tWeir\n")
    return str(tmp_path / "town.nii.gz")


def strong(session):
    session.update({"threshold.height_control": "fixed", "threshold.value": 3.0, "threshold.cluster_size": 0})
    assert session.clusters.found
    return session.clusters


def test_a_sphere_holds_the_voxels_of_the_engines_sphere(session):
    region = session.region_of_interest("ball", "sphere 12 -28 -8 6")
    wanted = sphere_indices(session.result.mask, session.affine, [12, -28, -8], 6)
    np.testing.assert_array_equal(np.flatnonzero(region.mask[session.result.mask]), wanted)
    assert not region.circular


def test_a_label_is_found_by_part_of_its_name_and_a_name_of_two_is_refused(session, atlas_path):
    session.update({"threshold.atlas": atlas_path})
    region = session.region_of_interest("Forge", "label right")
    wanted = np.asarray(nib.load(atlas_path).dataobj) == 300
    np.testing.assert_array_equal(region.mask, wanted & session.result.mask)
    assert "right Forge of " in region.how
    for name, words in (("Forge", "left Forge, right Forge"), ("mill", "0 regions")):
        with pytest.raises(SettingsError, match=words):
            session.region_of_interest("no", f"label {name}")
    assert session.settings.regions.names == ("Forge",)
    # of two regions of one name each is told by its value
    session.update({"threshold.atlas": ""})
    with pytest.raises(SettingsError, match="no analysed voxel"):
        session.region_of_interest("weir", f'label "Weir (value 9)" {atlas_path}')
    with pytest.raises(SettingsError, match="has no region 'Weir'"):
        session.region_of_interest("weir", f'label "Weir" {atlas_path}')
    with pytest.raises(SettingsError, match="no atlas is set"):
        session.region_of_interest("weir", "label Weir")


def test_a_region_of_an_atlas_can_be_searched_and_a_cluster_cannot(session, atlas_path):
    assert session.update({"threshold.search": f'label "left Forge" {atlas_path}'}), session.status.message
    inside = (np.asarray(nib.load(atlas_path).dataobj) == 7) & session.result.mask
    assert session.result.searched.values.size == inside.sum()
    session.update({"threshold.search": ""})
    strong(session)
    session.region_of_interest("blob", "cluster 1")
    assert not session.update({"threshold.search": session.settings.regions.found[0]})
    assert "must be one of 'sphere', 'mask', 'label', 'given'" in session.status.message


@pytest.mark.parametrize("said", ["label left Forge", 'label "left Forge"', "label left", "label 7"])
def test_a_region_of_the_atlas_that_is_set_needs_no_path(session, atlas_path, said):
    whole = f'label "left Forge" {atlas_path}'
    assert session.update({"threshold.atlas": atlas_path, "threshold.search": said}), session.status.message
    assert session.settings.threshold.search == whole
    session.region_of_interest("here", said)
    assert session.settings.regions.found == (whole,)
    assert session.update({"threshold.atlas": ""})
    assert session.settings.threshold.search == whole
    for refused, words in ((said, "no atlas is set"), ("label", "double quotes")):
        assert not session.update({"threshold.search": refused})
        assert words in session.status.message
    assert not session.update({"threshold.atlas": atlas_path, "threshold.search": "label Forge"})
    assert "2 regions by the name 'Forge': left Forge, right Forge" in session.status.message
    assert not session.update({"threshold.atlas": "gone.nii", "threshold.search": said})
    assert "gone.nii" in session.status.message


def test_what_was_found_in_the_map_is_said(session):
    clusters = strong(session)
    cluster = session.region_of_interest("blob", "cluster 1")
    np.testing.assert_array_equal(cluster.mask, clusters.labels == 1)
    assert "it is one of its clusters" in cluster.circular
    assert cluster.how == "the cluster 1 of face over |z| 3.00"
    x, y, z = clusters.found[0].peaks[0].xyz
    peak = session.region_of_interest("peak", f"sphere {x} {y} {z} 5")
    assert "its centre is a peak" in peak.circular
    beside = session.region_of_interest("beside", f"sphere {x + 3.2} {y} {z} 5")
    assert not beside.circular
    mask = session.region_of_interest("given", np.asarray(cluster.mask))
    assert not mask.circular
    assert session.signal_change()["circular"].ne("no").groupby(session.signal_change()["region"]).all().to_dict() == {
        "blob": True,
        "peak": True,
        "beside": False,
        "given": False,
    }
    # a cluster stays the cluster that it was
    session.update({"threshold.value": 9.0})
    assert session.regions[0].n_voxels == cluster.n_voxels
    with pytest.raises(SettingsError, match="no cluster 7"):
        session.region_of_interest("seven", "cluster 7")


def test_each_region_is_a_step_and_comes_back_with_the_session(session, tmp_path):
    session.region_of_interest("ball", "sphere 12 -28 -8 6")
    session.region_of_interest("mine", session.result.mask & (np.indices(session.shape)[2] == 3))
    n = session.regions[1].n_voxels
    session.remove_region("ball")
    assert [region.name for region in session.regions] == ["mine"]
    session.undo()
    assert [region.name for region in session.regions] == ["ball", "mine"]
    path = save_session(session, tmp_path / "session.json")
    run = session.run
    again = load_session(path, run.img, run.events, confounds=run.confounds, mask=run.mask_img, synchronous=True)
    again.refresh()
    assert again.regions[1].n_voxels == n
    pd.testing.assert_frame_equal(again.signal_change(), session.signal_change())
    again.close()
    assert Settings.from_json(session.settings.to_json()) == session.settings
    assert json.loads(path.read_text())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"regions.names": ("a",)}, "as many"),
        ({"regions.names": ("a", "a"), "regions.found": ("mask x", "mask y")}, "no two alike"),
        ({"regions.names": ("a",), "regions.found": ("drawn 2x2x2 abc",)}, "cannot be read"),
        ({"regions.names": ("a",), "regions.found": ("given 99999x99999x99999 eJwDAAAAAAE=",)}, "cannot be read"),
        ({"regions.names": ("a",), "regions.found": ("label Weir x.nii",)}, "double quotes"),
        ({"regions.shown": "b"}, "must be the name of a region"),
    ],
)
def test_settings_that_are_no_regions_are_refused(changes, words):
    with pytest.raises(SettingsError, match=words):
        Settings().updated(changes)


def test_regions_of_another_grid_are_refused(session):
    text = f"given {voxels_as_text(np.ones((2, 2, 2), bool))}"
    with pytest.raises(SettingsError, match=r"2 x 2 x 2 voxels, and the image has 10 x 9 x 6"):
        session.region_of_interest("other", text)
    assert session.settings.regions.names == ()


# Files ----------------------------------------------------------------------------------------------------------------


def test_labels_are_written_as_whole_numbers_with_names_that_an_atlas_has(session, tmp_path):
    session.region_of_interest("left mill", "sphere 12 -28 -8 6")
    session.region_of_interest("pond", "sphere 21 -28 -8 2")
    path = save_regions(session, tmp_path / "mine.nii.gz")
    save_regions(session, path)  # its own
    img = nib.load(path)
    assert img.get_data_dtype() == np.uint8
    assert (img.dataobj.slope, img.dataobj.inter) == (1, 0)
    np.testing.assert_allclose(img.affine, session.affine)
    for number, region in enumerate(session.regions, 1):
        np.testing.assert_array_equal(np.asarray(img.dataobj) == number, region.mask)
    atlas = open_atlas(path)
    assert str(atlas.at((12, -28, -8))) == "left mill"
    (tmp_path / "theirs.tsv").write_text("keep")
    with pytest.raises(FileExistsError):
        save_regions(session, tmp_path / "theirs.nii.gz")
    assert not (tmp_path / "theirs.nii.gz").exists()


def test_many_regions_have_a_wide_type_and_regions_in_common_a_volume_each(tmp_path):
    like = nib.Nifti1Image(np.zeros((300, 2, 1)), np.eye(4))
    every = []
    for k in range(300):
        mask = np.zeros((300, 2, 1), bool)
        mask[k] = True
        every.append(RegionOfInterest(f"region {k}", mask))
    path = write_label_image(every, like, tmp_path / "many.nii")
    img = nib.load(path)
    assert img.get_data_dtype() == np.int16
    assert np.asarray(img.dataobj)[299, 0, 0] == 300
    both = label_image([every[0], RegionOfInterest("all", np.ones((300, 2, 1), bool))], like)
    assert both.shape == (300, 2, 1, 2)
    assert np.unique(both.dataobj[..., 1]).tolist() == [2]


def test_regions_that_overlap_come_back_by_their_names(tmp_path):
    like = nib.Nifti1Image(np.zeros((4, 1, 1)), np.diag([2.0, 2, 2, 1]))
    masks = {"ball": [1, 1, 0, 0], "town": [0, 1, 1, 0], "mill": [0, 0, 1, 1]}
    regions = [RegionOfInterest(name, np.array(mask, bool).reshape(4, 1, 1)) for name, mask in masks.items()]
    atlas = open_atlas(write_label_image(regions, like, tmp_path / "mine.nii.gz"))
    for i in range(4):
        assert set(atlas.at((2 * i, 0, 0)).names) == {name for name, mask in masks.items() if mask[i]}
    assert not any("no row" in note for note in atlas.notes)
    places = np.array([(2 * i, 0, 0) for i in range(4)])
    there = {label.name: atlas.mask_of(label.value, places).tolist() for label in atlas.regions()}
    assert there == {name: [bool(one) for one in mask] for name, mask in masks.items()}


def test_a_file_that_is_read_is_never_written_over(session, atlas_path, tmp_path):
    session.region_of_interest("Forge", f'label "left Forge" {atlas_path}')
    before = (tmp_path / "town.nii.gz").read_bytes()
    with pytest.raises(FileExistsError):
        save_regions(session, atlas_path, overwrite=True)
    assert (tmp_path / "town.nii.gz").read_bytes() == before


def test_the_table_is_read_back_with_its_numbers(session, tmp_path):
    session.region_of_interest("ball", "sphere 12 -28 -8 6")
    table = session.signal_change()
    back = pd.read_csv(save_changes(session, tmp_path / "change.tsv"), sep="\t")
    pd.testing.assert_frame_equal(back, table, check_dtype=False)
    session.remove_region("ball")
    with pytest.raises(ValueError, match="no region of interest"):
        save_changes(session, tmp_path / "none.tsv")


def test_scripts_say_that_they_hold_no_regions(session):
    from glmwidgets.report.exports.script import script_text

    session.region_of_interest("V1\nimport os", "sphere 12 -28 -8 6")
    for dialect in ("glmwidgets", "nilearn"):
        text = script_text(session, dialect)
        assert r"# Regions of interest are not in this script: 'V1\nimport os'." in text
        assert "\nimport os" not in text
