"""Rows of "Where we differ on purpose" that no other test states: nilearn's value and ours."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm import threshold_stats_img as reference_threshold
from nilearn.glm.first_level import FirstLevelModel as Reference
from nilearn.glm.first_level import make_first_level_design_matrix as reference_design
from nilearn.glm.first_level.experimental_paradigm import check_events as reference_check
from nilearn.glm.second_level import SecondLevelModel as ReferenceGroup
from nilearn.maskers import NiftiMasker as ReferenceMasker
from nilearn.masking import compute_epi_mask as reference_mask
from nilearn.mass_univariate import permuted_ols as reference_permuted
from nilearn.mass_univariate._utils import calculate_tfce as reference_tfce
from nilearn.reporting import get_clusters_table as reference_table
from scipy import ndimage

from glmwidgets.glm import check_events, make_first_level_design_matrix
from glmwidgets.glm.inference.cluster_stats import make_lattice
from glmwidgets.glm.permutation.tfce import tfce
from glmwidgets.images import compute_epi_mask
from glmwidgets.models import (
    FirstLevelModel,
    NiftiMasker,
    SecondLevelModel,
    get_clusters_table,
    permuted_ols,
    threshold_stats_img,
)

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


def test_the_mask_of_a_group_that_is_not_given(maps):
    def inside(model, imgs):
        fitted = quietly(model().fit, imgs, design_matrix=pd.DataFrame({"intercept": np.ones(len(imgs))}))
        return fitted.masker_.mask_img_.get_fdata() > 0

    # Nothing lies outside; the voxel whose mean is the median of the outer voxels' is taken for background there.
    assert inside(ReferenceGroup, maps).sum() == 26
    assert inside(SecondLevelModel, maps).sum() == 27
    # All but the middle lies outside, and one map lacks a voxel of it.
    data = np.zeros((4, 7, 7, 7))
    data[:, 2:5, 2:5, 2:5] = np.random.default_rng(1).normal(size=(4, 3, 3, 3))
    data[0, 3, 3, 3] = 0
    imgs = [nib.Nifti1Image(one, EYE) for one in data]
    np.testing.assert_array_equal(inside(ReferenceGroup, imgs), (data != 0).any(0))
    np.testing.assert_array_equal(inside(SecondLevelModel, imgs), (data != 0).all(0))


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


def test_settings_of_a_masker_beside_the_models_own():
    rng = np.random.default_rng(4)
    img = nib.Nifti1Image(100 + rng.normal(size=(6, 6, 6, 8)), EYE)
    mask = nib.Nifti1Image(np.ones((6, 6, 6), np.uint8), EYE)
    design = pd.DataFrame({"a": rng.normal(size=8), "constant": 1.0})

    def z(mask_img, smoothing_fwhm, model=FirstLevelModel):
        fitted = model(mask_img=mask_img, smoothing_fwhm=smoothing_fwhm).fit(img, design_matrices=design)
        return quietly(fitted.compute_contrast, "a").get_fdata()

    two, three = (quietly(z, mask, width, Reference) for width in (2.0, 3.0))
    assert np.abs(two - three).max() > 0.1
    theirs = ReferenceMasker(mask, smoothing_fwhm=3.0, standardize=False).fit()
    np.testing.assert_allclose(quietly(z, theirs, 2.0, Reference), three, atol=1e-10)
    ours = NiftiMasker(mask, smoothing_fwhm=3.0).fit()
    with pytest.warns(UserWarning, match=r"smoothing_fwhm=3.0 is not used"):
        np.testing.assert_allclose(z(ours, 2.0), two, atol=1e-10)
    with pytest.warns(UserWarning, match=r"smoothing_fwhm=3.0 is taken"):
        np.testing.assert_allclose(z(ours, None), three, atol=1e-10)


def test_settings_of_a_masker_beside_those_of_a_group(maps):
    mask = nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), EYE)
    design = pd.DataFrame({"intercept": np.ones(4)})

    def z(mask_img, smoothing_fwhm, model=SecondLevelModel):
        fitted = model(mask_img=mask_img, smoothing_fwhm=smoothing_fwhm).fit(maps, design_matrix=design)
        return fitted.compute_contrast("intercept").get_fdata()

    one, two = (z(mask, width, ReferenceGroup) for width in (1.0, 2.0))
    assert np.abs(one - two).max() > 0.1
    with pytest.warns(UserWarning, match="masker parameters"):
        theirs = z(ReferenceMasker(mask, smoothing_fwhm=2.0, standardize=False).fit(), 1.0, ReferenceGroup)
    np.testing.assert_allclose(theirs, two, atol=1e-10)
    with pytest.warns(UserWarning, match=r"smoothing_fwhm=2.0 is not used"):
        np.testing.assert_allclose(z(NiftiMasker(mask, smoothing_fwhm=2.0).fit(), 1.0), one, atol=1e-10)


@pytest.mark.parametrize("kind", [int, object])
def test_subject_labels_that_are_numbers(maps, kind):
    table = pd.DataFrame({"subject_label": [1, 2, 9, 10], "map_name": "a", "effects_map_path": maps})
    table["subject_label"] = table["subject_label"].astype(kind)
    mask = nib.Nifti1Image(np.ones((3, 3, 3), np.uint8), EYE)
    with pytest.raises(ValueError, match="only strings"):
        quietly(ReferenceGroup().fit, table)
    design = pd.DataFrame({"intercept": 1.0, "age": [21.0, 34, 28, 40]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = SecondLevelModel(mask_img=mask).fit(table, design_matrix=design)
    assert ours.subject_labels_ == ["1", "2", "9", "10"]
    # Rows that name no subject are those of the maps as given, which are in order.
    theirs = quietly(ReferenceGroup(mask_img=mask).fit, maps, design_matrix=design)
    effects = (quietly(model.compute_contrast, "age", output_type="effect_size") for model in (ours, theirs))
    np.testing.assert_allclose(*(effect.get_fdata() for effect in effects), atol=1e-12)
    ages = pd.DataFrame({"subject_label": [10, 9, 2, 1], "age": [40.0, 28, 34, 21]})
    by_name = SecondLevelModel().fit(table, confounds=ages)
    assert by_name.design_matrix_["age"].tolist() == [21, 34, 28, 40]


def test_confounds_of_another_number_of_rows():
    for design, error in ((reference_design, AssertionError), (make_first_level_design_matrix, ValueError)):
        with pytest.raises(error, match="7"):
            design(np.arange(8.0), drift_model=None, add_regs=np.ones((7, 1)))


def test_several_volumes_as_one_statistical_map():
    img = nib.Nifti1Image(np.random.default_rng(5).normal(size=(3, 3, 3, 8)), EYE)
    assert reference_threshold(img)[0].shape == (3, 3, 3, 8)
    with pytest.raises(ValueError, match="one 3-D volume"):
        threshold_stats_img(img)


def test_what_a_permutation_test_returns():
    rng = np.random.default_rng(6)
    tested, target = rng.normal(size=(8, 1)), rng.normal(size=(8, 5))
    assert isinstance(quietly(reference_permuted, tested, target, n_perm=1, output_type="legacy"), tuple)
    with pytest.raises(ValueError, match="output_type must be one of 'dict'"):
        permuted_ols(tested, target, n_perm=1, output_type="legacy")


def test_a_cluster_with_a_hole_in_its_middle():
    z = np.zeros((9, 9, 9))
    z[3:6, 4, 3:6] = 5
    z[4, 4, 4] = 0
    img = nib.Nifti1Image(z, EYE)
    with pytest.warns(UserWarning, match="outside of the cluster"):
        theirs = reference_table(img, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = get_clusters_table(img, 3)
    assert z[tuple(ours.loc[0, ["X", "Y", "Z"]].astype(int))] == 5
    assert ours.loc[0, ["X", "Y", "Z"]].tolist() == theirs.loc[0, ["X", "Y", "Z"]].tolist()


def test_an_automatic_mask_that_finds_no_brain():
    img = nib.Nifti1Image(np.random.default_rng(7).normal(size=(7, 8, 9, 5)), EYE)
    assert not quietly(reference_mask, img).get_fdata().any()
    with pytest.raises(ValueError, match="no brain was found"):
        compute_epi_mask(img)


def test_an_automatic_mask_that_loses_planes():
    data = np.random.default_rng(8).normal(size=(7, 8, 9, 5))
    data[1:-1, 1:-1, 1:-1] += 100
    img = nib.Nifti1Image(data, EYE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        theirs = reference_mask(img).get_fdata()
    assert theirs.any((1, 2)).sum() == 3
    lost = "2 of the 5 planes along i and 2 of the 6 planes along j and 2 of the 7 planes along k that"
    with pytest.warns(UserWarning, match=f"leaves out {lost}"):
        np.testing.assert_array_equal(compute_epi_mask(img).get_fdata(), theirs)


def test_a_report_on_a_design_that_was_given():
    rng = np.random.default_rng(9)
    img = nib.Nifti1Image(100 + rng.normal(size=(6, 6, 6, 8)), EYE)
    mask = nib.Nifti1Image(np.ones((6, 6, 6), np.uint8), EYE)
    design = pd.DataFrame({"a": rng.normal(size=8), "constant": 1.0})
    how = {"mask_img": mask, "hrf_model": "glover", "drift_model": "polynomial"}
    theirs, ours = (
        str(quietly(quietly(model(**how).fit, img, design_matrices=design).generate_report))
        for model in (Reference, FirstLevelModel)
    )
    for word in ("glover", "polynomial"):
        assert word in theirs
        assert word not in ours.lower()


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


def test_row_numbers_of_a_table_of_confounds(tmp_path):
    rng = np.random.default_rng(0)
    run = nib.Nifti1Image(rng.normal(100, 1, (2, 2, 2, 40)), EYE)
    pd.DataFrame({"trans_x": rng.normal(size=40)}).to_csv(path := tmp_path / "confounds.csv")
    confounds, events = pd.read_csv(path), pd.DataFrame({"onset": [10.0, 40], "duration": 8.0, "trial_type": "a"})
    mask = nib.Nifti1Image(np.ones((2, 2, 2), np.uint8), EYE)
    ours = FirstLevelModel(t_r=2.0, mask_img=mask)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = Reference(t_r=2.0, mask_img=mask).fit(run, events, confounds)
    with pytest.warns(UserWarning, match="first column has no name and numbers the rows"):
        ours.fit(run, events, confounds)
    drift = [name for name in ours.design_matrices_[0] if name.startswith("drift")]
    assert ours.design_matrices_[0].columns.tolist() == ["a", "trans_x", *drift, "constant"]
    assert reference.design_matrices_[0].columns.tolist() == ["a", "Unnamed: 0", "trans_x", *drift, "constant"]
