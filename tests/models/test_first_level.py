"""FirstLevelModel: every way in, every parameter, and what it says when something does not fit."""

import pickle
import sys
import types
import warnings
from inspect import signature

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import sklearn.base
from nilearn.glm.first_level import FirstLevelModel as Reference
from nilearn.maskers import NiftiMasker

from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.scaling import scale_signal
from glmwidgets.glm.noise.pooling import neighbour_matrix
from glmwidgets.images.smooth import smooth_img
from glmwidgets.models import FirstLevelModel, ImageMasker, NotFittedError, run_fits
from glmwidgets.models.mapping import OUTPUT_TYPES


@pytest.fixture
def model():
    return FirstLevelModel(t_r=2.0, mask_img=False)


@pytest.fixture
def fitted(model, tiny):
    return model.fit(tiny.img, tiny.events)


def z_of(model, contrast="a - b", **options):
    return model.compute_contrast(contrast, **options).get_fdata()


def with_data(img, change):
    data = img.get_fdata().copy()
    change(data)
    return nib.Nifti1Image(data.astype(np.float32), img.affine, img.header)


# Parameters -----------------------------------------------------------------------------------------------------------


def test_parameters_are_the_references_with_its_defaults():
    theirs = {name: p.default for name, p in signature(Reference.__init__).parameters.items()}
    ours = {name: p.default for name, p in signature(FirstLevelModel.__init__).parameters.items()}
    assert set(ours) - set(theirs) == {"precision", "pooling", "convolution"}
    assert set(theirs) - set(ours) == {"reports"}
    assert list(ours)[:-3] == [name for name in theirs if name in ours]
    assert all(ours[name] == theirs[name] and type(ours[name]) is type(theirs[name]) for name in ours if name in theirs)


def test_arguments_of_fit_are_the_references():
    theirs = list(signature(Reference.fit).parameters)
    assert list(signature(FirstLevelModel.fit).parameters)[: len(theirs)] == theirs
    assert list(signature(FirstLevelModel.compute_contrast).parameters)[:4] == list(
        signature(Reference.compute_contrast).parameters
    )


def test_scikit_learn_clones_it(tiny):
    model = FirstLevelModel(t_r=2.0, hrf_model="spm", signal_scaling=(0, 1), mask_img=False).fit(tiny.img, tiny.events)
    copy = sklearn.base.clone(model)
    assert copy.get_params() == model.get_params()
    assert not hasattr(copy, "fits_")
    assert repr(copy) == "FirstLevelModel(t_r=2.0, hrf_model='spm', mask_img=False, signal_scaling=(0, 1))"


def test_parameters_can_be_set(model):
    assert model.set_params(noise_model="ols", smoothing_fwhm=6) is model
    assert (model.noise_model, model.smoothing_fwhm) == ("ols", 6)
    with pytest.raises(ValueError, match=r"no parameter 'smoothing'; it has t_r, .*smoothing_fwhm"):
        model.set_params(smoothing=6, noise_model="ar1")
    assert model.noise_model == "ols"


def test_fitting_leaves_the_parameters_alone(tiny):
    """The reference puts a mask in the place of ``mask_img=False``."""
    model = FirstLevelModel(t_r=2.0, mask_img=False)
    before = dict(model.get_params())
    model.fit(tiny.img, tiny.events)
    assert model.get_params() == before


def test_a_fitted_model_can_be_stored(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(z_of(again), z_of(fitted))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"noise_model": "arma"}, "noise_model must be one of ols"),
        ({"signal_scaling": 2}, "signal_scaling must be False, 0, 1 or"),
        ({"standardize": "zscore"}, "standardize must be one of"),
        ({"drift_model": "spline"}, "drift"),
        ({"hrf_model": "spam"}, "spam"),
        ({"t_r": -1}, "t_r"),
        ({"slice_time_ref": 1.5}, "slice_time_ref"),
        ({"precision": "float16"}, "'float64', 'float32'"),
        ({"smoothing_fwhm": -3}, "smoothing_fwhm must be at least 0"),
    ],
)
def test_parameters_that_are_none_are_refused(parameters, message, tiny):
    with pytest.raises(ValueError, match=message):
        FirstLevelModel(**{"t_r": 2.0, "mask_img": False, **parameters}).fit(tiny.img, tiny.events)


def test_nothing_is_known_before_the_fit(model):
    for use in (
        lambda: model.compute_contrast("a"),
        lambda: model.labels_,
        lambda: model.results_,
        lambda: model.predicted,
        lambda: model.residuals,
        lambda: model.r_square,
        lambda: model.generate_report("a"),
    ):
        with pytest.raises(NotFittedError, match="call fit"):
            use()


# Runs -----------------------------------------------------------------------------------------------------------------


def test_ways_to_give_one_run(model, tiny, tmp_path):
    nib.save(tiny.img, tmp_path / "run.nii.gz")
    tiny.events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    volumes = nib.four_to_three(tiny.img)
    expected = z_of(model.fit(tiny.img, tiny.events))
    for run, events in (
        ([tiny.img], [tiny.events]),
        (tmp_path / "run.nii.gz", tmp_path / "events.tsv"),
        (str(tmp_path / "run.nii.gz"), (str(tmp_path / "events.tsv"),)),
        (volumes, tiny.events),
        ([volumes], [tiny.events]),
    ):
        np.testing.assert_array_equal(z_of(model.fit(run, events)), expected)
        assert len(model.fits_) == 1


def test_ways_to_give_two_runs(model, tiny):
    volumes = nib.four_to_three(tiny.img)
    expected = z_of(model.fit([tiny.img, tiny.img], [tiny.events, tiny.events]))
    np.testing.assert_array_equal(z_of(model.fit([volumes, tiny.img], [tiny.events] * 2)), expected)
    # Two equal runs: half the variance, the same effect.
    np.testing.assert_allclose(
        z_of(model, output_type="stat"), np.sqrt(2) * z_of(model.fit(tiny.img, tiny.events), output_type="stat")
    )


def test_runs_side_by_side_are_runs_one_after_the_other(tiny):
    runs = [tiny.img, with_data(tiny.img, lambda data: data.__imul__(1.5)), tiny.img]
    alone, together = (
        FirstLevelModel(t_r=2.0, mask_img=False, n_jobs=n_jobs).fit(runs, [tiny.events] * 3) for n_jobs in (1, -1)
    )
    np.testing.assert_array_equal(z_of(alone), z_of(together))


def test_a_given_design_without_a_constant_is_said_where_series_keep_their_mean(tiny):
    n = tiny.img.shape[3]
    wave = np.sin(np.arange(n) / 5)
    design = pd.DataFrame({"wave": wave - wave.mean()})
    how = {"t_r": 2.0, "mask_img": False, "noise_model": "ols"}
    with pytest.warns(UserWarning, match=r"has no constant, and signal_scaling=False leaves the series their mean"):
        FirstLevelModel(signal_scaling=False, **how).fit(tiny.img, design_matrices=design)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        FirstLevelModel(signal_scaling=0, **how).fit(tiny.img, design_matrices=design)
        with_constant = FirstLevelModel(signal_scaling=False, **how).fit(
            tiny.img, design_matrices=design.assign(constant=1.0)
        )
    assert np.isfinite(with_constant.compute_contrast("wave").get_fdata()).all()


def test_the_header_knows_the_time_between_scans(tiny):
    model = FirstLevelModel(mask_img=False).fit(tiny.img, tiny.events)
    np.testing.assert_array_equal(z_of(model), z_of(FirstLevelModel(2.0, mask_img=False).fit(tiny.img, tiny.events)))
    silent = nib.Nifti1Image(np.asanyarray(tiny.img.dataobj), tiny.img.affine)
    silent.header.set_zooms((3, 3, 3, 0))
    with pytest.raises(ValueError, match="give t_r in seconds"):
        FirstLevelModel(mask_img=False).fit(silent, tiny.events)
    design = FirstLevelModel(2.0, mask_img=False).fit(silent, tiny.events).design_matrices_[0]
    by_design = FirstLevelModel(mask_img=False).fit(silent, design_matrices=design)
    np.testing.assert_allclose(z_of(by_design), z_of(model), atol=1e-6)


@pytest.mark.parametrize(
    ("runs", "events", "message"),
    [
        (lambda t: t.img, lambda t: [t.events] * 2, "2 events were given for 1 run"),
        (lambda t: [t.img] * 2, lambda t: t.events, "1 events were given for 2 runs"),
        (lambda t: t.img, lambda t: None, "needs events or design_matrices"),
        (lambda t: [], lambda t: t.events, "empty list"),
        (lambda t: [t.img, t.img.slicer[..., 0]], lambda t: t.events, "mixes 3-D volumes"),
        (lambda t: t.img.slicer[..., 0], lambda t: t.events, "a run is a 4-D image"),
    ],
)
def test_runs_and_tables_must_pair(runs, events, message, tiny, model):
    with pytest.raises(ValueError, match=message):
        model.fit(runs(tiny), events(tiny))


def test_what_is_no_image_or_table_is_refused(model, tiny):
    with pytest.raises(TypeError, match="run_imgs must be an image"):
        model.fit(3, tiny.events)
    with pytest.raises(TypeError, match="the events of run 1 must be a table"):
        model.fit(tiny.img, [3])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.fit("nowhere.nii.gz", tiny.events)


def test_runs_on_different_grids_are_named(model, tiny):
    moved = nib.Nifti1Image(tiny.img.get_fdata(), np.diag([4.0, 3, 3, 1]), tiny.img.header)
    with pytest.raises(ValueError, match=r"(?s)run 2 .*lies on another grid than run 1.*target_affine"):
        model.fit([tiny.img, moved], [tiny.events] * 2)


def test_events_of_the_second_run_are_named(model, tiny):
    with pytest.raises(ValueError, match=r"the events of run 2 .*negative duration"):
        model.fit([tiny.img] * 2, [tiny.events, tiny.events.assign(duration=-1.0)])


def test_event_types_outside_the_run(model, tiny):
    late = pd.concat([tiny.events, pd.DataFrame({"onset": [500.0], "duration": [1.0], "trial_type": ["late"]})])
    with pytest.raises(ValueError, match="'late' never happens"):
        model.fit(tiny.img, late)
    with pytest.warns() as warned:
        model.fit(tiny.img, late, outside="warn")
    assert any("'late' never happens" in str(w.message) for w in warned)
    np.testing.assert_allclose(z_of(model), z_of(model.fit(tiny.img, tiny.events)), atol=1e-9)


# Confounds, sample masks, designs -------------------------------------------------------------------------------------


def test_confounds_from_tables_arrays_and_files(model, tiny, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.standard_normal((60, 2)), columns=["x", "y"])
    table.to_csv(tmp_path / "confounds.tsv", sep="\t", index=False)
    expected = z_of(model.fit(tiny.img, tiny.events, table))
    assert model.design_matrices_[0].columns.tolist()[2:4] == ["x", "y"]
    for confounds in (tmp_path / "confounds.tsv", [table], table.to_numpy(), [table.to_numpy()]):
        np.testing.assert_allclose(z_of(model.fit(tiny.img, tiny.events, confounds)), expected, atol=1e-9)
    assert model.design_matrices_[0].columns.tolist()[2:4] == ["confound_0", "confound_1"]
    model.fit(tiny.img, tiny.events, table["x"].to_numpy())
    assert model.design_matrices_[0].columns.tolist()[2] == "confound_0"


def test_a_first_row_without_values(model, tiny):
    table = pd.DataFrame({"x_derivative1": np.random.default_rng(0).standard_normal(60)})
    table.iloc[0, 0] = np.nan
    with pytest.raises(ValueError, match=r"x_derivative1.*fill_first_row"):
        model.fit(tiny.img, tiny.events, table)
    model.fit(tiny.img, tiny.events, table, fill_first_row=True)
    np.testing.assert_array_equal(model.design_matrices_[0]["x_derivative1"], table["x_derivative1"].fillna(0))
    table.iloc[7, 0] = np.nan
    with pytest.raises(ValueError, match="row 7"):
        model.fit(tiny.img, tiny.events, table, fill_first_row=True)


def test_confounds_of_another_length(model, tiny):
    with pytest.raises(ValueError, match="59 rows for 60 scans"):
        model.fit(tiny.img, tiny.events, np.zeros((59, 1)))


def test_sample_masks_as_booleans_indices_and_lists(model, tiny):
    kept = np.r_[2:30, 33:60]
    spoilt = with_data(tiny.img, lambda data: data[..., [0, 1, 30, 31, 32]].__imul__(0))
    boolean = np.zeros(60, bool)
    boolean[kept] = True
    expected = z_of(model.fit(tiny.img, tiny.events, sample_masks=kept))
    assert model.design_matrices_[0].index.tolist() == (2.0 * kept).tolist()
    assert model.fits_[0].dof == 55 - 5
    for mask in (boolean, list(kept), boolean.tolist(), [kept], [boolean], pd.Series(kept)):
        np.testing.assert_array_equal(z_of(model.fit(tiny.img, tiny.events, sample_masks=mask)), expected)
    # The scans that are left out have no say.
    np.testing.assert_array_equal(z_of(model.fit(spoilt, tiny.events, sample_masks=kept)), expected)
    two = model.fit([tiny.img] * 2, [tiny.events] * 2, sample_masks=[kept, None])
    assert [len(design) for design in two.design_matrices_] == [55, 60]


def test_scans_left_out_equal_columns_of_their_own(tiny):
    """A censored scan and a scan with a column of its own are the same for least squares: 1e-9."""
    left_out = [3, 20, 41]
    kept = np.setdiff1d(np.arange(60), left_out)
    spikes = np.eye(60)[:, left_out]
    settings = {"t_r": 2.0, "mask_img": False, "noise_model": "ols", "signal_scaling": False}
    censored = FirstLevelModel(**settings).fit(tiny.img, tiny.events, sample_masks=kept)
    spiked = FirstLevelModel(**settings).fit(tiny.img, tiny.events, confounds=spikes)
    assert censored.fits_[0].dof == spiked.fits_[0].dof
    np.testing.assert_allclose(z_of(censored), z_of(spiked), rtol=1e-9)


def test_means_over_chosen_scans_scale_the_effects(tiny):
    y = tiny.img.get_fdata()
    over = np.arange(10, 40)
    settings = {"t_r": 2.0, "mask_img": False, "noise_model": "ols"}
    of_all = FirstLevelModel(**settings).fit(tiny.img, tiny.events)
    of_some = FirstLevelModel(**settings).fit(tiny.img, tiny.events, mean_scans=over)
    name = tiny.events["trial_type"].iloc[0]
    ratio = y.mean(axis=-1) / y[..., over].mean(axis=-1)
    expected = of_all.contrast(name).effect[0] * ratio[of_all.masker_.mask_]
    np.testing.assert_allclose(of_some.contrast(name).effect[0], expected, rtol=1e-3, atol=1e-4)  # single precision
    with pytest.raises(ValueError, match="none of the mean scans of the run is kept"):
        FirstLevelModel(**settings).fit(tiny.img, tiny.events, sample_masks=np.arange(5), mean_scans=over)


@pytest.mark.parametrize("noise_model", ["ar1-reml", "arma11", "ar-auto"])
def test_sample_masks_keep_the_order_of_time_under_models_of_our_own(noise_model, tiny):
    """Scans on both sides of a gap are no neighbours: the fit is that of a column for each scan that is left out."""
    gone = np.array([0, 1, 20, 21, 22, 40])
    kept = np.setdiff1d(np.arange(tiny.img.shape[3]), gone)
    spikes = pd.DataFrame(np.eye(tiny.img.shape[3])[:, gone], columns=[f"spike_{scan}" for scan in gone])
    settings = {"t_r": 2.0, "mask_img": False, "noise_model": noise_model, "signal_scaling": False}
    masked = FirstLevelModel(**settings).fit(tiny.img, tiny.events, sample_masks=kept)
    modelled = FirstLevelModel(**settings).fit(tiny.img, tiny.events, confounds=spikes)
    contrast = tiny.events["trial_type"].iloc[0]
    np.testing.assert_allclose(
        masked.contrast(contrast).stat(), modelled.contrast(contrast).stat(), rtol=1e-4, atol=1e-4
    )
    assert masked.design_matrices_[0].columns[-4:].tolist() == [f"censored_{scan}" for scan in gone[2:]]
    cut = FirstLevelModel(**{**settings, "noise_model": "ar1"}).fit(tiny.img, tiny.events, sample_masks=kept)
    assert len(cut.design_matrices_[0]) == kept.size  # as nilearn has it


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (np.ones(59, bool), "59 booleans for 60 scans"),
        (np.array([0, 1, 60]), "names scan 60, and its scans are 0 to 59"),
        (np.array([-1, 1]), "names scan -1"),
        (np.array([5, 4]), "once, in the order of time"),
        (np.array([4, 4]), "once, in the order of time"),
        (np.zeros(60, bool), "leaves no scan"),
        ([np.zeros((60, 2), bool)], "shape"),
        (np.array([0.5, 1]), "whole numbers"),
        ([np.arange(9), np.arange(9)], "2 sample masks were given for 1 run"),
    ],
)
def test_sample_masks_that_do_not_fit(model, tiny, mask, message):
    with pytest.raises(ValueError, match=message):
        model.fit(tiny.img, tiny.events, sample_masks=mask)


def test_a_condition_that_is_wholly_censored_is_said(model, tiny):
    events = pd.concat([tiny.events, pd.DataFrame({"onset": [4.0], "duration": [1.0], "trial_type": ["early"]})])
    with pytest.warns(UserWarning, match="'early' is censored"):
        model.fit(tiny.img, events, sample_masks=np.arange(12, 60))


def test_designs_from_tables_arrays_and_files(model, tiny, tmp_path):
    design = model.fit(tiny.img, tiny.events).design_matrices_[0]
    expected = z_of(model)
    design.to_csv(tmp_path / "design.csv")
    design.reset_index(drop=True).to_csv(tmp_path / "plain.tsv", sep="\t", index=False)
    for given in (design, [design], tmp_path / "design.csv", tmp_path / "plain.tsv"):
        model.fit(tiny.img, design_matrices=given)
        np.testing.assert_allclose(z_of(model), expected, atol=1e-9)
        assert model.design_matrices_[0].columns.tolist() == design.columns.tolist()
    weights = [1.0, -1.0] + [0.0] * (design.shape[1] - 2)
    np.testing.assert_allclose(
        z_of(model.fit(tiny.img, design_matrices=design.to_numpy()), weights), expected, atol=1e-9
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.iloc[:-1], "59 rows for 60 scans"),
        (lambda d: d.assign(a=np.nan), "column 'a' has no finite number in row 0 .* and 59 more"),
        (lambda d: d.assign(a="x"), "column 'a' has no finite number"),
        (lambda d: pd.concat([d, d["a"]], axis=1), "more than one column is called 'a'"),
        (lambda d: d.to_numpy()[:, 0], "must have rows and columns"),
    ],
)
def test_designs_are_checked(fitted, tiny, change, message):
    """The reference fits what it is given."""
    design = change(fitted.design_matrices_[0])
    with pytest.raises(ValueError, match=message):
        FirstLevelModel(mask_img=False).fit(tiny.img, design_matrices=design)


def test_dependent_columns_of_a_design_are_said(fitted, tiny):
    design = fitted.design_matrices_[0].assign(copy=lambda d: d["a"])
    with pytest.warns(UserWarning, match=r"depend on each other \(rank 5\)"):
        FirstLevelModel(mask_img=False).fit(tiny.img, design_matrices=design)


def test_designs_take_the_place_of_events(fitted, tiny):
    with pytest.warns(UserWarning, match="events and confounds are not used"):
        FirstLevelModel(mask_img=False).fit(
            tiny.img, tiny.events, np.zeros((60, 1)), design_matrices=fitted.design_matrices_[0]
        )


# Masks, grids, smoothing ----------------------------------------------------------------------------------------------


def test_ways_to_give_a_mask(tiny, tmp_path):
    mask = np.zeros(tiny.img.shape[:3], np.uint8)
    mask[1:4, 1:3] = 1
    mask_img = nib.Nifti1Image(mask, tiny.img.affine)
    nib.save(mask_img, tmp_path / "mask.nii.gz")
    expected = z_of(FirstLevelModel(2.0, mask_img=mask_img).fit(tiny.img, tiny.events))
    np.testing.assert_array_equal(expected != 0, mask > 0)
    for given in (
        tmp_path / "mask.nii.gz",
        ImageMasker(mask_img),
        NiftiMasker(mask_img, standardize=None).fit(),
        NiftiMasker(mask_img, standardize=None),
    ):
        model = FirstLevelModel(2.0, mask_img=given).fit(tiny.img, tiny.events)
        np.testing.assert_array_equal(z_of(model), expected)
        np.testing.assert_array_equal(model.mask_img_.get_fdata(), mask)
        assert model.n_elements_ == mask.sum()


def test_a_sound_model_says_nothing(tiny):
    """The reference warns at every fit with a given mask."""
    mask_img = nib.Nifti1Image(np.ones(tiny.img.shape[:3], np.uint8), tiny.img.affine)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = FirstLevelModel(2.0, mask_img=mask_img, smoothing_fwhm=4).fit([tiny.img] * 2, [tiny.events] * 2)
        model.compute_contrast("a - b", output_type="all")
        model.compute_contrast("a; b")


def test_a_masker_gives_its_mask_and_what_the_model_has_not(tiny):
    """As nilearn's model does: what only the masker says counts, what the model says goes before it."""
    mask_img = nib.Nifti1Image(np.ones(tiny.img.shape[:3], np.uint8), tiny.img.affine)
    masker = NiftiMasker(mask_img=mask_img, smoothing_fwhm=4, standardize="zscore_sample", detrend=True).fit()
    how = {"smoothing_fwhm": 4, "standardize": "zscore_sample", "mask_img": mask_img}
    expected = FirstLevelModel(2.0, **how).fit(tiny.img, tiny.events).compute_contrast("a").get_fdata()
    with (
        pytest.warns(UserWarning, match="smoothing_fwhm=4, standardize='zscore_sample' is taken"),
        pytest.warns(UserWarning, match="detrend=True is not used"),
    ):
        model = FirstLevelModel(2.0, mask_img=masker).fit(tiny.img, tiny.events)
    np.testing.assert_array_equal(model.compute_contrast("a").get_fdata(), expected)
    with pytest.warns(UserWarning, match="smoothing_fwhm=4, .*is not used"):
        own = FirstLevelModel(2.0, mask_img=masker, smoothing_fwhm=8, standardize="psc").fit(tiny.img, tiny.events)
    assert own.masker_.smoothing_fwhm == 8
    with pytest.raises(ValueError, match="fit it first"):
        FirstLevelModel(2.0, mask_img=NiftiMasker()).fit(tiny.img, tiny.events)


def test_settings_that_a_given_design_leaves_without_effect_are_said(tiny):
    design = pd.DataFrame({"a": np.arange(60) % 2, "constant": 1.0})
    for unused in ({"slice_time_ref": 0.5}, {"hrf_model": "fir"}):
        with pytest.warns(UserWarning, match=f"design_matrices are given, so that the model's {next(iter(unused))}"):
            FirstLevelModel(mask_img=False, **unused).fit(tiny.img, design_matrices=design)


def test_one_contrast_for_all_runs_is_noted(tiny, capsys):
    model = FirstLevelModel(2.0, mask_img=False, verbose=3).fit([tiny.img] * 2, [tiny.events] * 2)
    model.compute_contrast("a - `b`")
    assert "one contrast was given, and is taken for all 2 runs" in capsys.readouterr().out
    capsys.readouterr()
    model.compute_contrast([np.array([1, 0]), np.array([1, 0])])
    assert "one contrast" not in capsys.readouterr().out


def test_the_masker_goes_both_ways(tiny):
    mask = np.zeros(tiny.img.shape[:3], np.uint8)
    mask[1:4, 1:3] = 1
    model = FirstLevelModel(2.0, mask_img=nib.Nifti1Image(mask, tiny.img.affine)).fit(tiny.img, tiny.events)
    series = model.masker_.transform(tiny.img)
    np.testing.assert_array_equal(series, np.asanyarray(tiny.img.dataobj)[mask > 0].T)
    np.testing.assert_array_equal(model.masker_.transform(tiny.img.slicer[..., 4]), series[4])
    back = model.masker_.inverse_transform(series, t_r=2.0)
    np.testing.assert_array_equal(back.get_fdata()[mask > 0].T, series)
    assert not back.get_fdata()[mask == 0].any()
    assert back.header.get_zooms()[3] == 2
    with pytest.raises(ValueError, match="different grids"):
        model.masker_.transform(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4)))


def test_smoothing_is_that_of_the_image(tiny):
    smoothed = smooth_img(tiny.img, 6.0)
    inside = FirstLevelModel(2.0, mask_img=False, smoothing_fwhm=6.0).fit(tiny.img, tiny.events)
    before = FirstLevelModel(2.0, mask_img=False).fit(smoothed, tiny.events)
    np.testing.assert_allclose(z_of(inside), z_of(before), atol=1e-9)


def test_a_target_grid(tiny):
    """Twice the voxel size, by affine and shape or by affine alone; and a mask's grid, said aloud."""
    affine = np.diag([6.0, 6, 6, 1])
    whole = FirstLevelModel(2.0, mask_img=False, target_affine=affine, target_shape=(2, 2, 1))
    whole.fit(tiny.img, tiny.events)
    assert z_of(whole).shape == (2, 2, 1)
    np.testing.assert_allclose(whole.mask_img_.affine, affine)
    # Where voxels coincide, cubic splines give back the measured series.
    native = FirstLevelModel(2.0, mask_img=False).fit(tiny.img, tiny.events)
    np.testing.assert_allclose(z_of(whole), z_of(native)[:4:2, :4:2, :2:2], atol=1e-3)
    assert z_of(
        FirstLevelModel(2.0, mask_img=False, target_affine=np.diag([6.0, 6, 6])).fit(tiny.img, tiny.events)
    ).size
    mask_img = nib.Nifti1Image(np.ones((2, 2, 1), np.uint8), affine)
    with pytest.warns(UserWarning, match="resampled to the mask's grid"):
        masked = FirstLevelModel(2.0, mask_img=mask_img).fit(tiny.img, tiny.events)
    np.testing.assert_array_equal(z_of(masked), z_of(whole))
    both = FirstLevelModel(2.0, mask_img=False, target_affine=affine, target_shape=(2, 2, 1)).fit(
        [tiny.img, whole.masker_.inverse_transform(whole.masker_.transform(tiny.img), 2.0)], [tiny.events] * 2
    )
    assert z_of(both).shape == (2, 2, 1)


def test_series_with_nan_have_no_statistic(model, tiny):
    broken = with_data(tiny.img, lambda data: data[1, 1, 1].__setitem__(7, np.nan))
    with pytest.warns(UserWarning, match=r"1 of 60 voxels in the mask of .* hold NaN"):
        z = z_of(model.fit(broken, tiny.events))
    expected = z_of(model.fit(tiny.img, tiny.events))
    expected[1, 1, 1] = 0
    np.testing.assert_array_equal(z, expected)


# Contrasts ------------------------------------------------------------------------------------------------------------


def test_ways_to_write_a_contrast(fitted):
    n = fitted.design_matrices_[0].shape[1]
    weights = np.zeros(n)
    weights[:2] = 1, -1
    expected = z_of(fitted, "a - b")
    for contrast in (weights, weights.tolist(), weights[None], [weights], {"a": 1, "b": -1}, ["a - b"], ("a - b",)):
        np.testing.assert_allclose(z_of(fitted, contrast), expected, atol=1e-12)
    with pytest.warns(UserWarning, match=f"P={n}.*length 2"):
        np.testing.assert_allclose(z_of(fitted, [1, -1]), expected, atol=1e-12)


def test_ways_to_write_an_f_test(fitted):
    n = fitted.design_matrices_[0].shape[1]
    expected = z_of(fitted, np.eye(n)[:2])
    for contrast in ("a; b", ["a", "b"], [{"a": 1}, {"b": 1}], ["a - b", "a + b"], np.eye(n)[:2].tolist()):
        np.testing.assert_allclose(z_of(fitted, contrast), expected, atol=1e-7)


def test_the_callers_contrast_stays_as_it_is(fitted):
    """The reference puts vectors in the place of the texts in the caller's list."""
    contrast = ["a - b"]
    fitted.compute_contrast(contrast)
    assert contrast == ["a - b"]


def test_named_contrasts_give_named_maps(fitted):
    maps = fitted.compute_contrast({"difference": "a - b", "weights": {"a": 1}, "any": ["a", "b"]})
    assert list(maps) == ["difference", "weights", "any"]
    np.testing.assert_array_equal(maps["difference"].get_fdata(), z_of(fitted, "a - b"))
    np.testing.assert_array_equal(maps["weights"].get_fdata(), z_of(fitted, "a"))


def test_output_types(fitted):
    maps = fitted.compute_contrast("a - b", output_type="all")
    assert tuple(maps) == OUTPUT_TYPES
    for name in OUTPUT_TYPES:
        single = fitted.compute_contrast("a - b", output_type=name)
        np.testing.assert_array_equal(single.get_fdata(), maps[name].get_fdata())
        assert single.get_data_dtype() == np.float64
        told = "p_value one-sided" if name == "p_value" else name
        assert single.header["descrip"].item().decode().startswith(f"{told} [t, dof 55] of a - b")
    t = maps["effect_size"].get_fdata() / np.sqrt(maps["effect_variance"].get_fdata())
    np.testing.assert_allclose(maps["stat"].get_fdata(), t)
    with pytest.raises(ValueError, match="output_type must be one of 'z_score'"):
        fitted.compute_contrast("a", output_type="t")


def test_long_or_foreign_names_fit_the_header(tiny):
    events = tiny.events.replace({"trial_type": {"a": "Gesicht mit größtem Vergnügen " * 4}})
    model = FirstLevelModel(2.0, mask_img=False).fit(tiny.img, events)
    img = model.compute_contrast(f"'{events['trial_type'][0]}' - b")
    assert len(img.header["descrip"].item()) <= 80
    nib.Nifti1Image.from_bytes(img.to_bytes())


@pytest.fixture
def unequal(model, tiny):
    """Three runs, the second without condition b."""
    only_a = tiny.events[tiny.events["trial_type"] == "a"]
    return model.fit([tiny.img] * 3, [tiny.events, only_a, tiny.events])


def test_a_condition_that_a_run_lacks(unequal, tiny):
    with pytest.raises(ValueError, match=r"run 2 .*no column named 'b'.*missing='skip'"):
        unequal.compute_contrast("a - b")
    with pytest.warns(UserWarning, match=r"left out of the contrast. run 2 "):
        skipped = unequal.compute_contrast("a - b", output_type="all", missing="skip")
    two = FirstLevelModel(2.0, mask_img=False).fit([tiny.img] * 2, [tiny.events] * 2)
    for name, img in two.compute_contrast("a - b", output_type="all").items():
        np.testing.assert_allclose(skipped[name].get_fdata(), img.get_fdata(), atol=1e-12)
    # What all runs hold is asked of all.
    assert unequal.contrast("a").dof == sum(fit.dof for fit in unequal.fits_)


def test_a_condition_that_is_zero_in_a_run(model, tiny):
    late = tiny.events.assign(onset=lambda e: e["onset"] + 500.0 * (e["trial_type"] == "b"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit([tiny.img] * 2, [tiny.events, late], outside="warn")
    with pytest.raises(ValueError, match=r"run 2 .*not estimable"):
        model.compute_contrast("b")
    with pytest.warns(UserWarning, match="run 2 .*not estimable"):
        skipped = z_of(model, "b", missing="skip")
    np.testing.assert_array_equal(skipped, z_of(FirstLevelModel(2.0, mask_img=False).fit(tiny.img, tiny.events), "b"))


def test_a_misspelt_condition_is_no_missing_one(unequal):
    for missing in ("error", "skip"):
        with pytest.raises(ValueError, match="no column named 'c'"):
            unequal.compute_contrast("a - c", missing=missing)
    with pytest.raises(ValueError, match="'error', 'skip'"):
        unequal.compute_contrast("a", missing="ignore")


def test_no_run_holds_all_that_a_contrast_needs(model, tiny):
    parts = [tiny.events[tiny.events["trial_type"] == name] for name in "ab"]
    model.fit([tiny.img] * 2, parts)
    with pytest.raises(ValueError, match=r"no run can estimate this contrast. run 1 .*'b'.*run 2 .*'a'"):
        model.compute_contrast("a - b", missing="skip")


def test_one_contrast_for_each_run(model, tiny):
    model.fit([tiny.img] * 2, [tiny.events] * 2)
    n = model.design_matrices_[0].shape[1]
    a, b, zero = np.eye(n)[0], np.eye(n)[1], np.zeros(n)
    expected = z_of(model, "a")
    np.testing.assert_array_equal(z_of(model, [a, a]), expected)
    np.testing.assert_array_equal(z_of(model, ["a", "a"]), expected)
    with pytest.warns(UserWarning, match="is taken as one for each run"):
        mixed = model.contrast(["a", "b"])
    np.testing.assert_allclose(mixed.effect_size(), (model.fits_[0].beta[0] + model.fits_[1].beta[1]) / 2)
    with pytest.warns() as warned:
        second_only = model.contrast([zero, b])
    assert any("all zeros: the run is left out" in str(w.message) for w in warned)
    np.testing.assert_allclose(second_only.effect_size(), model.fits_[1].beta[1])
    with pytest.raises(ValueError, match=r"3 contrasts were given for 2 runs.*semicolons"):
        model.contrast(["a", "b", "a + b"])
    assert model.contrast("a; b; a + b").dim == 2


@pytest.mark.filterwarnings("ignore:the contrast of run")
def test_a_contrast_that_is_zero_in_every_run(model, tiny):
    model.fit([tiny.img] * 2, [tiny.events] * 2)
    zero = np.zeros(model.design_matrices_[0].shape[1])
    with pytest.raises(ValueError, match="all zeros in every run"):
        model.contrast([zero, zero])


def test_one_vector_for_runs_with_different_columns_is_said(unequal):
    with pytest.warns() as warned:
        unequal.compute_contrast(np.array([1.0, 0, 0, 0]))
    assert any("used for all of them by position" in str(w.message) for w in warned)


# Estimates and series -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise_model", ["ols", "ar1", "ar2"])
def test_prediction_and_residual_add_up_to_the_data(noise_model, tiny):
    model = FirstLevelModel(
        2.0, mask_img=False, noise_model=noise_model, signal_scaling=False, minimize_memory=False
    ).fit([tiny.img] * 2, [tiny.events] * 2)
    assert len(model.predicted) == len(model.residuals) == len(model.r_square) == 2
    for predicted, residual in zip(model.predicted_, model.residuals_, strict=True):
        np.testing.assert_allclose(predicted.get_fdata() + residual.get_fdata(), tiny.img.get_fdata(), rtol=1e-14)
        assert predicted.header.get_zooms()[3] == 2
    share = model.r_square_[0].get_fdata()
    assert share.shape == tiny.img.shape[:3]
    assert 0 <= share.min() < share[:2].min() < share.max() <= 1


@pytest.mark.parametrize("pooling", ["local", "global"])
@pytest.mark.parametrize("noise_model", ["ar1", "ar1-reml"])
def test_noise_that_voxels_share_is_that_of_the_mask(noise_model, pooling, visloc, tmp_path):
    """The same as `fit_glm` with the neighbours of the mask, also when it comes back from disk."""
    model = FirstLevelModel(
        2.0, mask_img=visloc.mask_img, noise_model=noise_model, pooling=pooling, memory=tmp_path, minimize_memory=False
    ).fit(visloc.img, visloc.events)
    y = scale_signal(model.masker_.transform(visloc.img), 0)
    touch = neighbour_matrix(model.masker_.mask_)
    alone = fit_glm(Moments(y), model.design_matrices_[0], noise_model)
    fit = fit_glm(Moments(y), model.design_matrices_[0], noise_model, pooling=pooling, neighbours=touch)
    np.testing.assert_array_equal(model.fits_[0].beta, fit.beta)
    assert np.ptp(fit.parameters["rho"]) < 0.9 * np.ptp(alone.parameters["rho"])
    before = z_of(model, "face")
    np.testing.assert_array_equal(z_of(model.fit(visloc.img, visloc.events), "face"), before)
    model.pooling = None
    assert np.abs(z_of(model.fit(visloc.img, visloc.events), "face") - before).max() > 0.1


def test_pooling_of_what_has_nothing_to_pool_is_refused(tiny):
    with pytest.raises(ValueError, match="ols cannot be pooled over voxels; those that can are ar1, "):
        FirstLevelModel(2.0, noise_model="ols", pooling="local").fit(tiny.img, tiny.events)
    with pytest.raises(ValueError, match="'local', 'global', not"):
        FirstLevelModel(2.0, pooling="tissue").fit(tiny.img, tiny.events)


def test_what_is_kept_to_save_memory(tiny):
    full, light = (
        FirstLevelModel(2.0, mask_img=False, minimize_memory=light).fit(tiny.img, tiny.events)
        for light in (False, True)
    )
    for name in ("predicted", "r_square"):
        np.testing.assert_array_equal(*(getattr(m, name)[0].get_fdata() for m in (full, light)))
    np.testing.assert_array_equal(z_of(full), z_of(light))
    with pytest.raises(AttributeError, match="minimize_memory=False"):
        light.residuals  # noqa: B018
    assert len(pickle.dumps(light.fits_)) < len(pickle.dumps(full.fits_)) / 2


def test_labels_and_results(tiny):
    model = FirstLevelModel(2.0, mask_img=False, minimize_memory=False).fit(tiny.img, tiny.events)
    (labels,), (results,) = model.labels_, model.results_
    rho = model.fits_[0].parameters["rho"]
    np.testing.assert_array_equal(labels.astype(float), rho)
    assert set(results) == set(labels)
    beta = np.zeros_like(model.fits_[0].beta)
    for label, result in results.items():
        beta[:, labels == label] = result.theta
        np.testing.assert_allclose(result.predicted + result.residuals, model.fits_[0].data(labels == label))
        np.testing.assert_allclose(result.SSE, result.dispersion * result.df_residuals)
        np.testing.assert_allclose(result.MSE * 55, result.SSE)
        assert (result.df_residuals, result.df_model) == (55, 5)
        assert result.r_square.shape == (np.sum(labels == label),)
    np.testing.assert_array_equal(beta, model.fits_[0].beta)
    white = FirstLevelModel(2.0, mask_img=False, noise_model="ols").fit(tiny.img, tiny.events)
    assert list(white.results_[0]) == [0.0]
    assert not white.labels_[0].any()
    second = FirstLevelModel(2.0, mask_img=False, noise_model="ar2").fit(tiny.img, tiny.events)
    assert all(label.count("_") == 1 for label in second.labels_[0])


def test_products_in_single_precision(tiny):
    """Half the memory; z within 1e-3."""
    exact, light = (
        FirstLevelModel(2.0, mask_img=False, precision=precision, minimize_memory=False).fit(tiny.img, tiny.events)
        for precision in ("float64", "float32")
    )
    assert light.fits_[0].moments.dtype == np.float32
    np.testing.assert_allclose(z_of(light), z_of(exact), atol=1e-3)


def test_seeds_reach_the_noise_model(tiny):
    maps = [
        z_of(
            FirstLevelModel(2.0, mask_img=False, noise_model="ar2", random_state=seed).fit(
                tiny.img, tiny.events, bins=5
            )
        )
        for seed in (1, 1, 2)
    ]
    np.testing.assert_array_equal(maps[0], maps[1])
    assert np.any(maps[0] != maps[2])


# Cache, words, report -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_path", [True, False])
def test_memory_keeps_what_was_computed(as_path, tiny, tmp_path, monkeypatch):
    run = tiny.img
    if as_path:
        nib.save(tiny.img, tmp_path / "run.nii")
        run = tmp_path / "run.nii"
    parameters = {"t_r": 2.0, "mask_img": False, "memory": tmp_path / "cache"}
    first = z_of(FirstLevelModel(**parameters).fit(run, tiny.events))
    calls = []
    series, fit_of = ImageMasker.series, run_fits.fit_of
    monkeypatch.setattr(ImageMasker, "series", lambda *a, **k: calls.append("mask") or series(*a, **k))
    monkeypatch.setattr(run_fits, "fit_of", lambda *a, **k: calls.append("fit") or fit_of(*a, **k))
    np.testing.assert_array_equal(z_of(FirstLevelModel(**parameters).fit(run, tiny.events)), first)
    assert calls == []
    FirstLevelModel(**parameters, hrf_model="spm").fit(run, tiny.events)
    assert calls == ["fit"]
    FirstLevelModel(**parameters, smoothing_fwhm=5).fit(run, tiny.events)
    assert calls == ["fit", "mask", "fit"]
    FirstLevelModel(**parameters, memory_level=0).fit(run, tiny.events)
    assert calls[3:] == ["mask", "fit"]


def test_memory_notices_that_a_file_has_changed(tiny, tmp_path):
    path = tmp_path / "run.nii"
    nib.save(tiny.img, path)
    model = FirstLevelModel(2.0, mask_img=False, memory=str(tmp_path / "cache"))
    before = z_of(model.fit(path, tiny.events))
    nib.save(with_data(tiny.img, lambda data: data[:2].__iadd__(5 * np.cos(np.arange(60) / 3))), path)
    assert np.abs(z_of(model.fit(path, tiny.events)) - before).max() > 0.1


def test_memory_of_masks_found_in_the_data(visloc, visloc_slab, tmp_path, monkeypatch):
    from glmwidgets.models import run_masks

    run = visloc_slab.slicer[..., :30]
    design = pd.DataFrame({"a": np.arange(30) % 2, "one": 1.0})
    model = FirstLevelModel(noise_model="ols", memory=tmp_path)
    first = z_of(model.fit(run, design_matrices=design), "a")
    monkeypatch.setattr(run_masks, "find_brain", lambda img: pytest.fail("computed again"))
    np.testing.assert_array_equal(z_of(model.fit(run, design_matrices=design), "a"), first)


def test_memory_must_be_a_place(tiny):
    with pytest.raises(TypeError, match=r"a folder or a joblib.Memory, not int"):
        FirstLevelModel(2.0, mask_img=False, memory=3).fit(tiny.img, tiny.events)


@pytest.mark.parametrize(("verbose", "lines"), [(0, 0), (1, 4), (2, 7)])
def test_verbose(verbose, lines, tiny, capsys):
    FirstLevelModel(2.0, mask_img=False, verbose=verbose).fit([tiny.img] * 2, [tiny.events] * 2)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == lines
    assert all(line.startswith("[FirstLevelModel] ") for line in printed)


def test_the_report_is_found_by_name(fitted, monkeypatch):
    report = types.ModuleType("report")
    report.glm_report = lambda model, contrasts, **options: (model, contrasts, options)
    monkeypatch.setitem(sys.modules, "glmwidgets.report.page.html", report)
    assert fitted.generate_report("a - b", title="t") == (fitted, "a - b", {"title": "t"})


def test_a_report_that_cannot_be_made_says_what_is_missing(fitted, monkeypatch):
    def without_matplotlib(name):
        raise ModuleNotFoundError("No module named 'matplotlib'", name="matplotlib")

    monkeypatch.setattr("glmwidgets.models.mapping.import_module", without_matplotlib)
    with pytest.raises(ImportError, match=r"matplotlib is not installed: .*pip install"):
        fitted.generate_report("a")
