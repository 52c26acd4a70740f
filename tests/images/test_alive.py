"""Voxels without a signal are left out and counted by every door; what does not overlap is said or refused."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.images.alive import alive_voxels
from glmwidgets.models import FirstLevelModel
from glmwidgets.session.core.graph import StageError
from glmwidgets.session.group.data import open_group

A = np.diag([3.0, 3, 3, 1])
EVENTS = pd.DataFrame({"onset": np.arange(6, 110, 12.0), "duration": 4.0, "trial_type": "a"})
SETTINGS = gw.Settings().updated({"contrast.expression": "a", "noise.model": "ols"})


def run(data, affine=A):
    img = nib.Nifti1Image(np.asarray(data, np.float32), affine)
    img.header.set_zooms((3, 3, 3, 2.0))
    img.header.set_xyzt_units("mm", "sec")
    return img


def noise(seed=0, shape=(6, 6, 4, 60)):
    return np.random.default_rng(seed).normal(1000, 10, shape).astype(np.float32)


WHOLE = nib.Nifti1Image(np.ones((6, 6, 4), np.uint8), A)


def spoiled(seed=0):
    data = noise(seed)
    data[0] = 0
    data[1, 0] = 7
    data[1, 1, 0, 3] = np.nan
    data[1, 1, 1, -1] = np.inf
    return data


DEAD = 24 + 4 + 2


def test_alive_is_finite_and_changing():
    alive = alive_voxels(spoiled())
    assert np.count_nonzero(~alive) == DEAD
    assert alive[2:].all()
    assert alive_voxels(spoiled(), [0, 1, 2])[1, 1].all()
    integers = np.zeros((2, 1, 1, 3), np.int16)
    integers[1, 0, 0, 2] = 1
    assert alive_voxels(integers).ravel().tolist() == [False, True]


@pytest.mark.parametrize("smoothing", [None, 6.0])
def test_estimator_and_explorer_leave_the_same_voxels_out(smoothing):
    data = spoiled()
    with pytest.warns(UserWarning, match=rf"{DEAD} of 144 voxels in the mask .* \(21 %\) never change or hold NaN"):
        model = FirstLevelModel(hrf_model="spm", noise_model="ols", mask_img=WHOLE, smoothing_fwhm=smoothing).fit(
            run(data), EVENTS
        )
    z = model.compute_contrast("a").get_fdata()
    alive = alive_voxels(data)
    assert np.array_equal(z != 0, alive)
    analysis = gw.Analysis(gw.open_run(run(data), EVENTS, mask=WHOLE))
    result = analysis.result(SETTINGS.updated({"data.smoothing_fwhm": smoothing, "design.convolution": "grid"}))
    assert np.array_equal(result.mask, alive)
    assert any(f"{DEAD} of 144" in text for text in result.warnings["mask"])
    np.testing.assert_allclose(result.z, z[alive], atol=1e-6)


def test_voxels_that_one_run_lacks_are_left_out_of_all_runs():
    runs = [run(noise(1)), run(spoiled(2))]
    with pytest.warns(UserWarning, match=f"{DEAD} of 144"):
        model = FirstLevelModel(mask_img=WHOLE).fit(runs, [EVENTS, EVENTS])
    z = model.compute_contrast("a").get_fdata()
    alive = alive_voxels(spoiled(2))
    assert np.array_equal(z != 0, alive)
    explorer = gw.explore(runs, [EVENTS, EVENTS], mask=WHOLE, settings={"contrast.expression": "a"})
    explorer.go_to(2)
    assert explorer.session.wait_until_idle(timeout=60)
    assert np.array_equal(explorer.session.result.mask, alive)
    assert f"{DEAD} of 144" in str(explorer.session.result.warnings)
    explorer.close()


def test_mask_beside_the_brain_is_refused_and_whole_brains_are_silent():
    data = np.zeros((6, 6, 4, 60), np.float32)
    data[3:] = noise()[3:]
    beside = np.zeros((6, 6, 4), np.uint8)
    beside[:3] = 1
    beside = nib.Nifti1Image(beside, A)
    with pytest.raises(ValueError, match=r"none of the 72 voxels in the mask of .* has a signal"):
        FirstLevelModel(mask_img=beside).fit(run(data), EVENTS)
    with pytest.raises(StageError, match="none of the 72 voxels"):
        gw.Analysis(gw.open_run(run(data), EVENTS, mask=beside)).result(SETTINGS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FirstLevelModel(mask_img=WHOLE).fit(run(noise()), EVENTS)


def test_runs_with_little_in_common_are_told_with_the_share():
    runs = []
    for start in (2, 9):
        volume = np.random.default_rng(start).normal(5, 1, (20, 20, 10, 60))
        volume[start : start + 10, 4:16, 2:8] += 1000
        runs.append(run(volume))
    with pytest.warns(UserWarning, match=r"all 2 runs have only \d+ voxels in common, \d+ % of the voxels of one"):
        FirstLevelModel().fit(runs, [EVENTS, EVENTS])
    explorer = gw.explore(runs, [EVENTS, EVENTS], settings={"contrast.expression": "a"})
    explorer.go_to(2)
    assert explorer.session.wait_until_idle(timeout=60)
    assert "all 2 runs have only" in str(explorer.session.result.warnings["mask"])
    explorer.close()


def test_a_map_that_covers_little_is_named():
    maps = [np.random.default_rng(i).normal(2, 1, (10, 10, 6)) for i in range(9)]
    maps[4][1:] = 0
    with pytest.warns(UserWarning, match=r"all 9 maps have only 60 voxels in common, 10 % .* map 5 .* has 60"):
        open_group([nib.Nifti1Image(one, A) for one in maps])


@pytest.mark.parametrize(("shift", "kind"), [(500, "refused"), (14, "said"), (0, "silent")])
def test_anatomical_elsewhere(shift, kind):
    affine = A.copy()
    affine[0, 3] = shift
    anatomical = nib.Nifti1Image(np.random.default_rng(0).normal(size=(6, 6, 4)), affine)
    if kind == "refused":
        with pytest.raises(ValueError, match=r"anatomical image .* does not overlap"):
            gw.open_run(run(noise()), anatomical=anatomical)
    elif kind == "said":
        with pytest.warns(UserWarning, match=r"only 17 % of the run lies within the anatomical image"):
            gw.open_run(run(noise()), anatomical=anatomical)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            gw.open_run(run(noise()), anatomical=anatomical)
