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
from nilearn.maskers import NiftiMasker as ReferenceMasker
from nilearn.mass_univariate._utils import calculate_tfce as reference_tfce
from nilearn.reporting import get_clusters_table as reference_table
from scipy import ndimage

from glmwidgets.glm import check_events, make_first_level_design_matrix
from glmwidgets.glm.inference.cluster_stats import make_lattice
from glmwidgets.glm.permutation.tfce import tfce
from glmwidgets.models import FirstLevelModel, NiftiMasker, SecondLevelModel, get_clusters_table

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


def test_two_models_of_one_subject(maps):
    rng = np.random.default_rng(2)
    img = nib.Nifti1Image(100 + rng.normal(size=(3, 3, 3, 8)), EYE)
    mask = nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), EYE)
    design = pd.DataFrame({"a": rng.normal(size=8), "constant": 1.0})

    def twice(model, group):
        fitted = model(mask_img=mask, subject_label="01").fit(img, design_matrices=design)
        return quietly(group().fit, [fitted, fitted])

    assert len(twice(Reference, ReferenceGroup).design_matrix_) == 2
    with pytest.raises(ValueError, match="two of the first-level models have the subject_label '01'"):
        twice(FirstLevelModel, SecondLevelModel)


def test_residuals_of_a_group_before_a_contrast(maps):
    design = pd.DataFrame({"intercept": np.ones(4)})
    theirs = quietly(ReferenceGroup(minimize_memory=False).fit, maps, design_matrix=design)
    with pytest.raises(ValueError, match="no results"):
        quietly(getattr, theirs, "residuals_")
    data = np.stack([img.get_fdata() for img in maps], axis=-1)
    for minimize_memory in (False, True):
        ours = SecondLevelModel(minimize_memory=minimize_memory).fit(maps, design_matrix=design)
        np.testing.assert_allclose(ours.residuals_.get_fdata(), data - data.mean(-1, keepdims=True), atol=1e-12)


def test_a_masker_that_is_not_fitted():
    rng = np.random.default_rng(3)
    img = nib.Nifti1Image(100 + rng.normal(size=(3, 3, 3, 8)), EYE)
    mask = nib.Nifti1Image((np.arange(27).reshape(3, 3, 3) < 20).astype(np.uint8), EYE)
    design = pd.DataFrame({"a": rng.normal(size=8), "constant": 1.0})
    with pytest.raises(ValueError, match="not fitted"):
        quietly(Reference(mask_img=ReferenceMasker(mask)).fit, img, design_matrices=design)
    ours = quietly(FirstLevelModel(mask_img=NiftiMasker(mask)).fit, img, design_matrices=design)
    np.testing.assert_array_equal(ours.mask_img_.get_fdata(), mask.get_fdata())


def test_voxels_that_are_not_a_number():
    z = nib.Nifti1Image(np.array([4.0, 4.0, np.nan, -4.0]).reshape(4, 1, 1), EYE)
    with pytest.warns(UserWarning, match="Non-finite"):
        theirs = reference_table(z, 3, two_sided=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = get_clusters_table(z, 3, two_sided=True)
    assert theirs["Peak Stat"].tolist() == ours["Peak Stat"].tolist() == [4, -4]


def test_a_run_in_which_nothing_changes():
    img, mask = (nib.Nifti1Image(np.full(shape, 6, np.uint8), EYE) for shape in ((2, 2, 2, 6), (2, 2, 2)))
    design = pd.DataFrame({"constant": np.ones(6)})
    how = {"noise_model": "ols", "signal_scaling": False, "minimize_memory": False}
    theirs = quietly(Reference(mask_img=mask.slicer[:], **how).fit, img, design_matrices=design)
    # Rounding of the one mean is all that is left.
    assert np.abs(quietly(getattr, theirs, "residuals")[0].get_fdata()).max() < 1e-12
    with pytest.raises(ValueError, match="the same value"):
        quietly(FirstLevelModel(mask_img=False, **how).fit, img, design_matrices=design)


def test_the_unit_of_tfce():
    z = np.zeros((5, 5, 5))
    z[1:4, 1:4, 1:4] = 2.0
    whole = np.ones(z.shape, bool)
    lattice = ndimage.generate_binary_structure(3, 1)
    theirs = [quietly(reference_tfce, z[..., None], lattice, dh=dh).max() for dh in (0.02, 0.01)]
    assert theirs[1] / theirs[0] == pytest.approx(2, rel=0.02)
    # The integral of extent^(1/2) height^2 from 0 to 2.
    assert tfce(z[whole], make_lattice(whole)).max() == pytest.approx(27**0.5 * 2**3 / 3)
