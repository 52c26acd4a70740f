"""Grids are the same where no voxel lies elsewhere, at every door; what is hardly shared is said."""

import re

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.images.grids import corners, grid_difference, little_is_shared, same_grid, share_within
from glmwidgets.images.mask import match_mask
from glmwidgets.images.spheres import region_series
from glmwidgets.images.volumes import concat_imgs
from glmwidgets.models import FirstLevelModel, SecondLevelModel, compute_fixed_effects
from glmwidgets.panels.parts.grid import Grid
from glmwidgets.runs.domain import Domain
from glmwidgets.session.core.graph import StageError
from glmwidgets.session.several.runs import check_same_grid

SHAPE = (8, 8, 6)
STRAIGHT = np.diag([3.0, 3, 3, 1])
NEAR = STRAIGHT + 1e-7 * np.eye(4, k=1)
FAR = STRAIGHT + np.eye(4, k=3) * 0.1
EVENTS = pd.DataFrame({"onset": [4.0, 24, 44, 64, 84, 104], "duration": 8.0, "trial_type": ["a", "b"] * 3})


def volume(affine, seed=0):
    return nib.Nifti1Image(np.random.default_rng(seed).normal(5, 1, SHAPE).astype(np.float32), affine)


def mask(affine):
    return nib.Nifti1Image(np.ones(SHAPE, np.uint8), affine)


def run(affine, seed=0):
    img = nib.Nifti1Image(np.random.default_rng(seed).normal(1000, 10, (*SHAPE, 60)).astype(np.float32), affine)
    img.header.set_zooms((*img.header.get_zooms()[:3], 2.0))
    img.header.set_xyzt_units("mm", "sec")
    return img


#: What puts two grids together, given the affine of the second.
DOORS = {
    "volumes of a run": lambda other: concat_imgs([volume(STRAIGHT), volume(other)]),
    "mask of an image": lambda other: match_mask(mask(other), volume(STRAIGHT)),
    "regions": lambda other: region_series(run(STRAIGHT), mask(other)),
    "runs of a model": lambda other: FirstLevelModel(mask_img=mask(STRAIGHT)).fit(
        [run(STRAIGHT), run(other, 1)], [EVENTS] * 2
    ),
    "runs of an explorer": lambda other: check_same_grid([gw.open_run(run(STRAIGHT)), gw.open_run(run(other))]),
    "maps of a group": lambda other: SecondLevelModel().fit(
        [volume(STRAIGHT, i) for i in range(5)] + [volume(other, 5)],
        design_matrix=pd.DataFrame({"intercept": [1.0] * 6}),
    ),
    "maps of runs": lambda other: compute_fixed_effects(
        [volume(STRAIGHT), volume(other, 1)], [mask(STRAIGHT), mask(other)], dofs=[50, 50]
    ),
    "explorer's mask": lambda other: gw.Analysis(gw.open_run(run(STRAIGHT), EVENTS, mask=mask(other))).result(
        gw.Settings().updated({"contrast.expression": "a"})
    ),
}


@pytest.mark.parametrize("door", DOORS)
def test_rounding_is_no_other_grid_and_a_tenth_of_a_millimetre_is(door):
    DOORS[door](NEAR)
    with pytest.raises((ValueError, StageError), match=r"up to 0\.1 mm apart"):
        DOORS[door](FAR)


def test_the_test_is_of_places_not_of_entries():
    big = (200, 200, 200)
    turned = STRAIGHT.copy()
    turned[0, 1] = 2e-4  # 0.04 mm at the far corner
    assert not same_grid(Grid.of(big, STRAIGHT), Grid.of(big, turned))
    assert same_grid(Grid.of((20, 20, 20), STRAIGHT), Grid.of((20, 20, 20), turned))
    mouse = np.diag([0.05, 0.05, 0.05, 1])
    assert not same_grid(Grid.of(SHAPE, mouse), Grid.of(SHAPE, mouse + np.eye(4, k=3) * 0.001))
    assert grid_difference(volume(STRAIGHT), run(STRAIGHT)) is None
    assert grid_difference(volume(STRAIGHT).slicer[1:], volume(STRAIGHT)) == "shape (7, 8, 6) against (8, 8, 6)"
    assert Domain.of(run(STRAIGHT)).lies_on(volume(NEAR))
    np.testing.assert_array_equal(np.ptp(corners(SHAPE, STRAIGHT), axis=0), [21, 21, 15])


def test_a_qform_lies_where_its_sform_lies(tmp_path):
    coronal = nib.affines.from_matvec(3 * np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), [-90, -126, 72])
    nib.save(run(coronal), tmp_path / "bold.nii.gz")
    given = mask(None)
    given.header.set_qform(coronal, code=1)
    given.header["sform_code"] = 0
    nib.save(given, tmp_path / "mask.nii.gz")
    opened = gw.open_run(tmp_path / "bold.nii.gz", EVENTS, mask=tmp_path / "mask.nii.gz")
    assert not np.array_equal(opened.img.affine, opened.mask_img.affine)
    assert gw.Analysis(opened).result(gw.Settings().updated({"contrast.expression": "a"})).z.size == np.prod(SHAPE)


def test_share_of_a_volume_within_another():
    inner = nib.Nifti1Image(np.zeros((20, 20, 20)), np.diag([1.0, 1, 1, 1]))
    assert share_within(inner, Grid.of((10, 10, 10), np.diag([3.0, 3, 3, 1]))) == 1
    assert share_within(inner, Grid.of((10, 20, 20), np.eye(4))) == 0.5
    away = np.eye(4)
    away[:3, 3] = 500
    assert share_within(inner, Grid.of((20, 20, 20), away)) == 0


def test_little_in_common_is_said_with_its_share():
    assert little_is_shared(600, [700, 720], ["run 1", "run 2"], "runs") is None
    text = little_is_shared(60, [600, 640, 61], "abc", "maps")
    assert re.match(r"all 3 maps have only 60 voxels in common, 10 % .* \(600 .*; c has 61\)", text)


def test_a_difference_is_told_in_one_line():
    """It stands in tables too, whose rows are lines."""
    moved = STRAIGHT.copy()
    moved[0, 3] += 2
    assert "\n" not in (said := grid_difference(volume(STRAIGHT), volume(moved)))
    assert said.startswith("their voxels lie up to 2 mm apart, affine [[")
