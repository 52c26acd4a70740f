"""Where an image does not say which side is left, neither does the package; maps keep the codes of their images."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.cli import main
from glmwidgets.images.new import image_like
from glmwidgets.images.orientation import sides_unknown
from glmwidgets.models import FirstLevelModel, SecondLevelModel
from glmwidgets.panels.shared.map import MapPanel
from glmwidgets.report.figures.maps import plot_stat_map

A = nib.affines.from_matvec(np.diag([3.0, 3, 3]), [-10.0, -10, -10])
MIRRORED = np.diag([-1.0, 1, 1, 1]) @ A
SHAPE = (8, 8, 6)
EVENTS = pd.DataFrame({"onset": np.arange(6, 110, 12.0), "duration": 4.0, "trial_type": "a"})

#: sform's and qform's code, the qform, and what is said.
CASES = [
    (0, 0, A, "sform_code and qform_code are 0"),
    (1, 1, MIRRORED, "mirror each other"),
    (1, 0, A, None),
    (0, 1, A, None),
    (4, 1, A, None),
    (1, 0, MIRRORED, None),
]


def write(folder, name, codes, qform, n=None):
    rng = np.random.default_rng(3)
    img = nib.Nifti1Image(rng.normal(100, 5, SHAPE if n is None else (*SHAPE, n)).astype(np.float32), A)
    if n:
        img.header.set_zooms((3, 3, 3, 2.0))
    img.header.set_xyzt_units("mm", "sec")
    img.set_sform(A if codes[0] else None, codes[0])
    img.set_qform(qform, codes[1])
    nib.save(img, folder / name)
    return folder / name


def said(caught):
    return " ".join(str(one.message) for one in caught if "left and right" in str(one.message))


@pytest.mark.parametrize(("sform", "qform", "affine", "reason"), CASES)
def test_every_door_says_when_left_is_not_known(tmp_path, sform, qform, affine, reason, capsys):
    bold = write(tmp_path, "bold.nii", (sform, qform), affine, 60)
    maps = [write(tmp_path, f"map{i}.nii", (sform, qform), affine) for i in range(4)]
    img = nib.load(bold)
    mask = nib.Nifti1Image(np.ones(SHAPE, np.uint8), img.affine)
    nib.save(mask, tmp_path / "mask.nii")
    EVENTS.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    told = {"header": sides_unknown(img) or ""}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        FirstLevelModel(mask_img=mask).fit(str(bold), EVENTS)
    told["estimator"] = said(caught)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        SecondLevelModel().fit(list(map(str, maps)), design_matrix=pd.DataFrame({"intercept": [1.0] * 4}))
    told["group"] = said(caught)
    assert ("4 of the 4 maps" in told["group"]) == (reason is not None)
    session = gw.Session(gw.open_run(bold, EVENTS, mask=mask), {"contrast.expression": "a"}, synchronous=True)
    session.refresh()
    told["explorer"] = str(session.result.warnings.get("mask", ""))
    assert MapPanel(session).viewer.sides_known == (reason is None)
    session.close()
    argv = ["fit", str(bold), "--events", str(tmp_path / "events.tsv"), "--mask", str(tmp_path / "mask.nii")]
    assert main([*argv, "--out", str(tmp_path / "out")]) == 0
    told["terminal"] = capsys.readouterr().err
    letters = {text.get_text() for axes in plot_stat_map(str(maps[0])).figure.axes for text in axes.texts}
    letters |= {
        text.get_text()
        for axes in plot_stat_map(str(maps[0])).figure.axes
        for one in axes.child_axes
        for text in one.texts
    }
    assert ({"L", "R"} <= letters) == (reason is None)
    assert ({"L?", "R?"} <= letters) == (reason is not None)
    for door, text in told.items():
        assert ("left and right" in text) == (reason is not None), door
        assert reason is None or reason in text
    written = nib.load(tmp_path / "out" / "z.nii.gz")
    assert (int(written.header["sform_code"]), int(written.header["qform_code"])) == (sform, qform)
    np.testing.assert_allclose(written.affine, img.affine, atol=1e-4)


def test_a_place_that_the_codes_cannot_tell_has_a_code(tmp_path):
    img = nib.load(write(tmp_path, "map.nii", (0, 0), A))
    sheared = img.affine.copy()
    sheared[0, 1] = 1
    for affine in (sheared, A):
        made = image_like(np.zeros((4, 4, 4)), img, affine)
        np.testing.assert_allclose(nib.Nifti1Image.from_bytes(made.to_bytes()).affine, affine)
        assert int(made.header["sform_code"]) > 0


TURNED = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.1) @ np.diag([3.0, 3, 3]), [-10.0, -10, -10])
NUDGED = nib.affines.from_matvec(np.diag([3.0, 3, 3]), [-10.0, -10, -8.6])

#: sform's and qform's code, the qform, and what is said.
PLACES = [
    ((1, 1), TURNED, "by its sform (scanner) and its qform (scanner) voxels lie up to"),
    ((2, 1), TURNED, "by its sform (aligned) and its qform (scanner) voxels lie up to"),
    ((1, 0), TURNED, None),
    ((0, 1), TURNED, None),
    ((1, 1), NUDGED, None),
]


@pytest.mark.parametrize(("codes", "qform", "reason"), PLACES)
def test_two_places_of_one_image_are_told_at_every_door(tmp_path, codes, qform, reason):
    bold = write(tmp_path, "bold.nii", codes, qform, 60)
    maps = [str(write(tmp_path, f"map{i}.nii", codes, qform)) for i in range(4)]
    mask = nib.Nifti1Image(np.ones(SHAPE, np.uint8), nib.load(bold).affine)
    design = pd.DataFrame({"intercept": [1.0] * 4})
    told = {}
    session = gw.Session(gw.open_run(bold, EVENTS, mask=mask), {"contrast.expression": "a"}, synchronous=True)
    for door, call in {
        "estimator": lambda: FirstLevelModel(mask_img=mask).fit(str(bold), EVENTS),
        "group": lambda: SecondLevelModel().fit(maps, design_matrix=design),
        "explorer": lambda: (session.refresh(), *map(warnings.warn, session.result.warnings.get("mask", ()))),
    }.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        told[door] = " ".join(str(one.message) for one in caught if "two places" in str(one.message))
    assert MapPanel(session).viewer.sides_known
    session.close()
    for door, text in told.items():
        assert bool(text) == (reason is not None), door
        assert reason is None or (reason in text and text.count("Places in mm are those of the sform") == 1)
    assert reason is None or "4 of the 4 maps" in told["group"]
