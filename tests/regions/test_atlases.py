"""Atlases at places: the made examples of each pitfall, with the right answer."""

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.glm.errors import InputError, MissingFileError
from glmwidgets.regions import open_atlas
from glmwidgets.regions.spaces import hedge_of_spaces

NAMES = {3: "pond", 7: "mill"}
AFFINE = np.diag([2, 2, 2, 1.0])


def image(values=(0, 7, 3), dtype=np.int16, affine=AFFINE):
    return nib.Nifti1Image(np.array(values, dtype).reshape(-1, 1, 1), affine)


@pytest.fixture
def atlas():
    return open_atlas(image(), NAMES)


def test_places_have_the_name_of_their_voxel(atlas):
    said = {x: str(atlas.at((x, 0, 0))) for x in (2, 4, 9, -1.5)}
    assert said == {2: "mill", 4: "pond", 9: "outside the atlas", -1.5: "outside the atlas"}


def test_a_place_without_a_region_names_the_nearest_with_its_distance(atlas):
    assert str(atlas.at((0, 0, 0))) == "no region; nearest mill, 2.0 mm"
    far = open_atlas(image((0, 0, 0, 0, 7)), NAMES)
    assert str(far.at((0, 0, 0))) == "no region"
    assert str(far.at((2, 0, 0))) == "no region; nearest mill, 6.0 mm"


def test_the_nearest_region_is_on_the_same_side():
    affine = AFFINE.copy()
    affine[0, 3] = -4  # voxels at -4, -2, 0, 2, 4 mm
    sided = open_atlas(image((3, 0, 0, 7, 0), affine=affine), {3: "pond_L", 7: "mill_R"})
    assert str(sided.at((-2, 0, 0))) == "no region; nearest pond_L, 2.0 mm"
    assert str(open_atlas(image((0, 0, 0, 7, 0), affine=affine), NAMES).at((-2.5, 0, 0))) == "no region"


def test_a_tie_has_one_name_in_a_flipped_copy(atlas):
    flipped = open_atlas(
        image((3, 7, 0), affine=np.array([[-2, 0, 0, 4], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]])), NAMES
    )
    for x in np.arange(-2, 7, 0.5):
        assert str(atlas.at((x, 0, 0))) == str(flipped.at((x, 0, 0))), x
    assert str(atlas.at((3, 0, 0))) == "pond"
    assert str(atlas.at((3 - 5e-7, 0, 0))) == "pond"


def test_outside_is_not_the_other_side():
    """A negative index would count from the far end."""
    assert str(open_atlas(image((0, 0, 7)), NAMES).at((-2, 0, 0))) == "outside the atlas"


def test_names_are_paired_by_value_not_by_order():
    named = open_atlas(image((0, 7, 3)), {0: "none", 3: "pond", 5: "moor", 7: "mill"})
    assert str(named.at((2, 0, 0))) == "mill"
    assert named.notes == ("1 row of the names given is of no voxel (5 moor)",)
    with pytest.raises(InputError, match="labels are names by number"):
        open_atlas(image(), ["pond", "mill"])


def test_values_without_a_name_are_called_by_their_number():
    odd = open_atlas(image((0, 7, 300)), NAMES)
    assert str(odd.at((4, 0, 0))) == "value 300 (no name)"
    assert any("1 value of the image has no row" in note and "300" in note for note in odd.notes)


def test_equal_names_are_told_apart_by_their_numbers():
    twice = open_atlas(image(), {3: "mill", 7: "mill"})
    assert str(twice.at((2, 0, 0))) == "mill (value 7)"


def test_scaled_labels_are_rounded_not_truncated(tmp_path):
    img = image((0, 700, 300))
    img.header.set_slope_inter(0.01, 0)
    # Written as they are: 700 and 300 stand in the file, with a slope that makes 7 and 3 of them.
    path = tmp_path / "scaled.nii"
    nib.save(image((0, 700, 300)), path)
    raw = bytearray(path.read_bytes())
    raw[112:116] = np.float32(0.01).tobytes()
    path.write_bytes(raw)
    scaled = open_atlas(path, NAMES)
    assert [str(scaled.at((x, 0, 0))) for x in (2, 4)] == ["mill", "pond"]
    assert any("scaled by 0.01" in note for note in scaled.notes)


def test_values_that_are_not_whole_are_refused():
    with pytest.raises(InputError, match=r"not whole, the first is 6\.4 at voxel"):
        open_atlas(image((0, 6.4, 3), np.float32), NAMES)


def test_labels_that_a_scale_factor_changed_are_refused():
    """nibabel stretches floats over the type's range, also whole ones that would fit."""
    img = nib.Nifti1Image(
        np.array([0, 1000, 2035, 11175], dtype=float).repeat(2).reshape(2, 2, 2), np.eye(4), dtype="i2"
    )
    with pytest.raises(InputError, match=r"not whole, the first is 999\.9.*without a scale factor"):
        open_atlas(nib.Nifti1Image.from_bytes(img.to_bytes()), NAMES)


def test_large_numbers_survive():
    """Above 2^24, where single precision skips every other number."""
    assert str(open_atlas(image((0, 16777217, 3), np.int32), {16777217: "mill"}).at((2, 0, 0))) == "mill"


def test_sides_that_names_and_voxels_say_differently_are_told():
    far = AFFINE.copy()
    far[0, 3] = 20
    odd = open_atlas(image(affine=far), {7: "mill_L", 3: "pond_R"})
    assert str(odd.at((22, 0, 0))) == "mill_L"
    assert any("other side than their names say (mill_L)" in note for note in odd.notes)


def test_shares_of_a_cluster_sum_to_all_of_its_voxels(atlas):
    shares = atlas.shares(np.array([[2, 0, 0]] * 12 + [[4, 0, 0]] * 6 + [[0, 0, 0]] * 1 + [[50, 0, 0]] * 1))
    assert str(shares) == "mill 60 %, pond 30 %, unlabelled 10 %"
    assert sum(p for _, p in shares.regions) + shares.other + shares.unlabelled == pytest.approx(100)
    small = atlas.shares(np.array([[2, 0, 0]] * 39 + [[4, 0, 0]]))
    assert str(small) == "mill 98 %, other 2 %"


@pytest.fixture
def chances():
    volumes = np.zeros((3, 1, 1, 3))
    volumes[0, 0, 0] = 39, 4, 30
    volumes[1, 0, 0] = 0, 4, 0
    volumes[2, 0, 0] = 12, 0, 0
    return nib.Nifti1Image(volumes.astype(np.uint8), AFFINE)


def test_probabilities_are_said_with_their_hedge(chances):
    atlas = open_atlas(chances, {0: "Mill", 1: "moor", 2: "Pond"})
    assert str(atlas.at((0, 0, 0))) == "Mill 39 %, Pond 30 %"
    assert atlas.at((0, 0, 0)).name == "Mill / Pond"
    assert str(atlas.at((2, 0, 0))) == "no region (best moor 4 %)"
    assert str(atlas.at((4, 0, 0))) == "perhaps Mill 12 %"
    assert str(atlas.at((8, 0, 0))) == "outside the atlas"
    shares = atlas.shares(np.array([[0, 0, 0], [2, 0, 0]]))
    assert str(shares) == "Mill 50 %, unlabelled 50 %"
    assert shares.is_best


def test_a_table_that_counts_volumes_from_1_names_them_so_and_says_it(chances):
    atlas = open_atlas(chances, {1: "Mill", 2: "moor", 3: "Pond"})
    assert str(atlas.at((0, 0, 0))) == "Mill 39 %, Pond 30 %"
    assert any("volumes are counted from 1" in note for note in atlas.notes)


def test_more_regions_than_are_remembered_leave_the_likeliest():
    values = np.array([5, 40, 10, 30, 20, 35], np.uint8)
    atlas = open_atlas(nib.Nifti1Image(values.reshape(1, 1, 1, 6), AFFINE), {i: f"r{v}" for i, v in enumerate(values)})
    assert atlas.at((0, 0, 0)).names == ("r40", "r35", "r30", "r20")
    assert any("overlap" in note for note in atlas.notes)


def test_the_scale_of_probabilities_is_found_or_asked_for(chances):
    share = nib.Nifti1Image((chances.get_fdata() / 100).astype(np.float32), AFFINE)
    assert str(open_atlas(share, {0: "Mill", 1: "moor", 2: "Pond"}).at((0, 0, 0))) == "Mill 39 %, Pond 30 %"
    coded = nib.Nifti1Image((chances.get_fdata() * 2.5).astype(np.float32) + 20, AFFINE)
    with pytest.raises(InputError, match="largest="):
        open_atlas(nib.Nifti1Image(coded.get_fdata() + 30, AFFINE), NAMES)
    half = np.zeros((1, 1, 1, 2))
    half[..., 0] = 125
    assert (
        str(open_atlas(nib.Nifti1Image(half, AFFINE), {0: "mill", 1: "pond"}, largest=250).at((0, 0, 0))) == "mill 50 %"
    )


def test_volumes_without_a_name_are_told(chances):
    atlas = open_atlas(chances, {0: "Mill", 2: "Pond"})
    assert any("1 of the 3 volumes" in note for note in atlas.notes)


def test_tables_are_found_beside_the_image(tmp_path):
    deep = tmp_path / "tpl" / "res"
    deep.mkdir(parents=True)
    path = deep / "tpl-MNI152NLin6Asym_res-02_atlas-made_dseg.nii.gz"
    nib.save(image(), path)
    with pytest.raises(MissingFileError, match="without a table of names"):
        open_atlas(path)
    (tmp_path / "tpl" / "tpl-MNI152NLin6Asym_atlas-made_dseg.tsv").write_text("index\tname\n3\tpond\n7\tmill\n")
    atlas = open_atlas(path)
    assert str(atlas.at((2, 0, 0))) == "mill"
    assert (atlas.space, atlas.name) == ("MNI152NLin6Asym", "tpl-MNI152NLin6Asym_res-02_atlas-made_dseg")


def test_an_atlas_of_fsl_is_opened_by_its_description(tmp_path):
    (tmp_path / "T").mkdir()
    nib.save(image(), tmp_path / "T" / "t.nii.gz")
    head = "<atlas><header><name>T</name><type>{}</type><images><imagefile>/T/{}</imagefile></images></header>"
    head += "<data>{}</data></atlas>"
    (tmp_path / "label.xml").write_text(
        head.format("Label", "t", '<label index="3">pond</label><label index="7">mill</label>')
    )
    assert str(open_atlas(tmp_path / "label.xml").at((2, 0, 0))) == "mill"
    volumes = np.zeros((3, 1, 1, 3), np.uint8)
    volumes[1, 0, 0, 2], volumes[2, 0, 0, 1] = 80, 60
    nib.save(nib.Nifti1Image(volumes, AFFINE), tmp_path / "T" / "p.nii.gz")
    (tmp_path / "prob.xml").write_text(
        head.format("Probabalistic", "p", '<label index="0">pond</label><label index="2">mill</label>')
    )
    probable = open_atlas(tmp_path / "prob.xml")
    assert str(probable.at((2, 0, 0))) == "mill 80 %"
    assert str(probable.at((4, 0, 0))) == "value 1 (no name) 60 %"
    (tmp_path / "gone.xml").write_text(head.format("Label", "none", '<label index="3">pond</label>'))
    with pytest.raises(MissingFileError, match="none of the images"):
        open_atlas(tmp_path / "gone.xml")


def test_names_that_afni_wrote_into_the_header_are_read():
    img = image()
    text = 'atr_name="VALUE_LABEL_DTABLE" > "<VALUE_LABEL_DTABLE ni_dimen="2" >\n "7" "mill"\n "3" "pond"'
    text += '\n</VALUE_LABEL_DTABLE>"'
    img.header.extensions.append(nib.nifti1.Nifti1Extension(4, text.encode()))
    assert str(open_atlas(img).at((2, 0, 0))) == "mill"
    other = image()
    other.header.extensions.append(nib.nifti1.Nifti1Extension(4, b"HISTORY_NOTE only"))
    with pytest.raises(MissingFileError):
        open_atlas(other)


def test_atlases_of_surfaces_are_refused(tmp_path):
    with pytest.raises(InputError, match="of a surface"):
        open_atlas(tmp_path / "lh.aparc.annot")


def test_spaces_that_differ_are_hedged():
    assert hedge_of_spaces("MNI152NLin6Asym", "MNI152NLin6Asym") == ""
    assert "2 to 5 mm" in hedge_of_spaces("MNI152NLin6Asym", "MNI152NLin2009cAsym")
    assert "likely wrong" in hedge_of_spaces("MNI152NLin6Asym", "T1w")
    assert "not known" in hedge_of_spaces(None, "T1w")
