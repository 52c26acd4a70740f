"""Rows of "Where we differ on purpose" that no other test states: nilearn's value and ours."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import FirstLevelModel as Reference
from nilearn.glm.first_level import make_first_level_design_matrix as reference_design
from nilearn.glm.first_level.experimental_paradigm import check_events as reference_check
from nilearn.glm.second_level import SecondLevelModel as ReferenceGroup

from glmwidgets.glm import check_events, make_first_level_design_matrix
from glmwidgets.models import FirstLevelModel, SecondLevelModel

EYE = np.eye(4)


@pytest.fixture(scope="module")
def maps():
    rng = np.random.default_rng(0)
    return [nib.Nifti1Image(rng.normal(size=(3, 3, 3)), EYE) for _ in range(4)]


def quietly(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


def test_a_design_with_as_many_columns_as_scans(maps):
    rng = np.random.default_rng(1)
    img = nib.Nifti1Image(100 + rng.normal(size=(3, 3, 3, 5)), EYE)
    mask = nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), EYE)
    design = pd.DataFrame(rng.normal(size=(5, 5)), columns=list("abcde"))
    theirs = quietly(Reference(mask_img=mask, noise_model="ols").fit, img, design_matrices=design)
    t, z = (quietly(theirs.compute_contrast, "a", output_type=kind).get_fdata() for kind in ("stat", "z_score"))
    assert not t.any()
    assert np.isnan(z).all()
    with pytest.raises(ValueError, match="leaves no degree of freedom"):
        quietly(FirstLevelModel(mask_img=mask, noise_model="ols").fit, img, design_matrices=design)
    whole = pd.DataFrame(rng.normal(size=(4, 4)), columns=list("abcd"))
    quietly(ReferenceGroup().fit, maps, design_matrix=whole)
    with pytest.raises(ValueError, match="no degree of freedom is left"):
        SecondLevelModel().fit(maps, design_matrix=whole)


def test_maps_without_a_design(maps):
    with pytest.raises(ValueError, match="require a design matrix"):
        quietly(ReferenceGroup().fit, maps)
    assert SecondLevelModel().fit(maps).design_matrix_.columns.tolist() == ["intercept"]


@pytest.mark.parametrize("lost", ["onset", "duration"])
def test_events_without_onset_or_duration(lost):
    events = pd.DataFrame({"onset": [1.0, 2, 3], "duration": 1.0, "trial_type": "a"})
    events.loc[1, lost] = np.nan
    with pytest.raises(ValueError, match="nan"):
        quietly(reference_check, events)
    with pytest.warns(UserWarning, match=f"no {lost} in row 1"):
        assert check_events(events)["onset"].tolist() == [1.0, 3.0]


def test_columns_of_confounds_that_are_numbers():
    confounds = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 2)))
    times = np.arange(20.0)
    theirs = quietly(reference_design, times, drift_model=None, add_regs=confounds)
    assert theirs.columns.tolist()[:2] == [0, 1]
    assert make_first_level_design_matrix(times, drift_model=None, add_regs=confounds).columns.tolist()[:2] == [
        "0",
        "1",
    ]
