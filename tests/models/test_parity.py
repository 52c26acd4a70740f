"""Equality with nilearn, run here on the same input: designs to 1e-12, z to 1e-6, effects and variances to 1e-6.

Where the two differ on purpose, the last tests state both values.
"""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm import compute_contrast as reference_contrast
from nilearn.glm import compute_fixed_effects as reference_fixed_effects
from nilearn.glm.first_level import FirstLevelModel as Reference
from nilearn.glm.first_level import make_first_level_design_matrix, mean_scaling, run_glm

from glmwidgets.models import FirstLevelModel, compute_fixed_effects
from glmwidgets.models.results import VoxelResults

CONTRAST = "face - (house + object) / 2"
TASK = ["body", "face", "house", "object", "scene", "scramble"]

pytestmark = [
    # What the reference says while it works is its own business.
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


def assert_same_maps(ours, theirs, mask, effects=True):
    """The statistic, z and p within the mask; effect and variance, too, if they mean the same."""
    for name in ("z_score", "stat", "p_value"):
        difference = ours[name].get_fdata()[mask] - theirs[name].get_fdata()[mask]
        assert np.abs(difference).max() < 1e-6, name
    for name in ("effect_size", "effect_variance") if effects else ():
        a, b = (maps[name].get_fdata()[mask] for maps in (ours, theirs))
        assert np.abs(a - b).max() < 1e-6 * np.abs(b).max(), name


def assert_same_models(ours, theirs, contrasts, stat_type="t"):
    mask = ours.masker_.mask_
    np.testing.assert_array_equal(mask, theirs.masker_.mask_img_.get_fdata() > 0)
    np.testing.assert_allclose(ours.masker_.mask_img_.affine, theirs.masker_.mask_img_.affine)
    for own, other in zip(ours.design_matrices_, theirs.design_matrices_, strict=True):
        assert own.columns.tolist() == other.columns.tolist()
        np.testing.assert_allclose(own.to_numpy(), other.to_numpy(), atol=1e-12)
    for contrast in contrasts:
        assert_same_maps(
            ours.compute_contrast(contrast, stat_type, output_type="all"),
            theirs.compute_contrast(contrast, stat_type, output_type="all"),
            mask,
            effects=stat_type == "t",
        )


def fitted(visloc, fit=None, **parameters):
    """Our model and the reference's, fitted to the same."""
    fit = {"events": visloc.events, **(fit or {})}
    parameters = {"t_r": visloc.t_r, "mask_img": visloc.mask_img, **parameters}
    return FirstLevelModel(**parameters).fit(visloc.img, **fit), Reference(**parameters).fit(visloc.img, **fit)


# Every combination ----------------------------------------------------------------------------------------------------

HRFS = {
    "spm": CONTRAST,
    "spm + derivative": CONTRAST,
    "spm + derivative + dispersion": CONTRAST,
    "glover": CONTRAST,
    "glover + derivative": CONTRAST,
    "glover + derivative + dispersion": CONTRAST,
    "fir": "face_delay_2 - house_delay_2",
    None: CONTRAST,
}
SCALINGS = (0, (0, 1), False)


@pytest.fixture(scope="module")
def reference_series(visloc):
    """The reference's series under every smoothing and scaling."""
    series = []
    for fwhm in (None, 5):
        masker = Reference(
            t_r=2.0, mask_img=visloc.mask_img, smoothing_fwhm=fwhm, noise_model="ols", drift_model=None
        ).fit(visloc.img, visloc.events)
        y = masker.masker_.transform(visloc.img)
        for scaling in SCALINGS:
            # A list, as False and 0 would be one key.
            series.append((fwhm, scaling, y if scaling is False else mean_scaling(y.copy(), scaling)[0]))
    return series


@pytest.mark.parametrize("drift_model", ["cosine", "polynomial", None])
@pytest.mark.parametrize("hrf_model", HRFS)
def test_every_hrf_drift_noise_scaling_and_smoothing(hrf_model, drift_model, visloc, reference_series):
    """288 models from images to z, t, effect and variance, against the reference's steps one after the other."""
    settings = {"hrf_model": hrf_model, "drift_model": drift_model, "fir_delays": [0, 2, 4], "drift_order": 2}
    design = make_first_level_design_matrix(np.arange(156) * 2.0, visloc.events, **settings)
    for fwhm, scaling, y in reference_series:
        for noise_model in ("ols", "ar1"):
            model = FirstLevelModel(
                t_r=2.0,
                mask_img=visloc.mask_img,
                smoothing_fwhm=fwhm,
                signal_scaling=scaling,
                noise_model=noise_model,
                **settings,
            ).fit(visloc.img, visloc.events)
            (own,) = model.design_matrices_
            assert own.columns.tolist() == design.columns.tolist()
            np.testing.assert_allclose(own.to_numpy(), design.to_numpy(), atol=1e-12)
            ours = model.contrast(HRFS[hrf_model])
            weights = np.zeros(design.shape[1])
            for name in design.columns:
                weights[design.columns.get_loc(name)] = design_weight(name, hrf_model)
            theirs = reference_contrast(*run_glm(y, design.to_numpy(), noise_model=noise_model), weights)
            label = f"{noise_model}, scaling {scaling}, {fwhm} mm"
            assert np.abs(ours.z_score() - theirs.z_score()).max() < 1e-6, label
            for a, b in (
                (ours.effect_size(), theirs.effect_size()),
                (ours.effect_variance(), theirs.effect_variance()),
            ):
                assert np.abs(a - b).max() < 1e-6 * np.abs(b).max(), label


def design_weight(name, hrf_model):
    weights = {"face": 1, "house": -0.5, "object": -0.5}
    return {"face_delay_2": 1, "house_delay_2": -1}.get(name, 0) if hrf_model == "fir" else weights.get(name, 0)


# Whole models ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("noise_model", "fwhm"), [("ols", None), ("ar1", 5)])
def test_whole_models_with_a_mask_found_in_the_data(noise_model, fwhm, visloc, visloc_slab):
    parameters = {"t_r": 2.0, "hrf_model": "spm", "noise_model": noise_model, "smoothing_fwhm": fwhm}
    ours, theirs = (M(**parameters).fit(visloc_slab, visloc.events) for M in (FirstLevelModel, Reference))
    assert 5000 < ours.n_elements_ < 15000
    assert_same_models(ours, theirs, [CONTRAST, "face"])
    assert_same_models(ours, theirs, [np.eye(len(ours.design_matrices_[0].columns))[:6]], "F")


@pytest.mark.parametrize("noise_model", ["ols", "ar1"])
def test_f_tests(noise_model, visloc):
    ours, theirs = fitted(visloc, noise_model=noise_model)
    columns = len(ours.design_matrices_[0].columns)
    several = np.eye(columns)[:6]
    assert_same_models(ours, theirs, [several, several[:3] - several[3:], "face - house"], "F")
    mine = ours.compute_contrast(TASK).get_fdata()
    np.testing.assert_allclose(mine, ours.compute_contrast(several).get_fdata(), atol=1e-9)


def test_confounds(visloc):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.standard_normal((156, 3)).cumsum(axis=0), columns=["x", "y", "framewise"])
    assert_same_models(*fitted(visloc, {"confounds": table}), [CONTRAST])
    assert_same_models(*fitted(visloc, {"confounds": table.to_numpy()}), ["confound_1", CONTRAST])


@pytest.mark.parametrize("smoothing_fwhm", [None, 6])
def test_sample_masks(visloc, smoothing_fwhm):
    kept = np.setdiff1d(np.arange(156), [0, 1, 2, 50, 51, 99])
    ours, theirs = fitted(visloc, {"sample_masks": kept}, smoothing_fwhm=smoothing_fwhm)
    assert len(ours.design_matrices_[0]) == 150
    assert_same_models(ours, theirs, [CONTRAST])


def test_timing_parameters(visloc):
    events = visloc.events.assign(onset=visloc.events["onset"] - 10.0)
    parameters = {"slice_time_ref": 0.5, "min_onset": -30, "high_pass": 0.02}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours, theirs = fitted(visloc, {"events": events}, **parameters)
    assert_same_models(ours, theirs, [CONTRAST])


def boxcar_response(t_r, oversampling=50):
    """Four seconds of response, after two of delay."""
    kernel = np.zeros(int(8 / t_r * oversampling))
    kernel[int(2 / t_r * oversampling) : int(6 / t_r * oversampling)] = 1
    return kernel / kernel.sum()


def late_response(t_r, oversampling=50):
    return np.roll(boxcar_response(t_r, oversampling), int(2 / t_r * oversampling))


def test_responses_of_ones_own(visloc):
    ours, theirs = fitted(visloc, hrf_model=[boxcar_response, late_response])
    assert_same_models(ours, theirs, ["face_boxcar_response - house_late_response"])


def finite_everywhere(img):
    """The same run without empty voxels, of which the reference has something to say and we have not."""
    data = np.asanyarray(img.dataobj).astype(np.float32)
    noise = np.random.default_rng(0).standard_normal(img.shape[3])
    data[data.std(axis=3) == 0] = 100 + noise
    return nib.Nifti1Image(data, img.affine, img.header)


@pytest.mark.parametrize(("target_shape", "tolerance"), [(None, 1e-4), ((12, 10, 4), 1e-6)])
def test_target_grid(visloc, target_shape, tolerance):
    """Without a shape the origin is found, and our mask's header holds it in single precision."""
    affine = np.diag([5.0, 5, 6, 1])
    corners = [visloc.img.affine @ [i, j, k, 1] for i in (0, 29) for j in (0, 25) for k in (0, 3)]
    affine[:3, 3] = np.float32(np.add(np.min(corners, axis=0)[:3], [10, 5, 2]))
    target = affine if target_shape else affine[:3, :3]
    parameters = {"target_affine": target, "target_shape": target_shape, "noise_model": "ols", "mask_img": False}
    run = finite_everywhere(visloc.img).slicer[..., :60]
    ours, theirs = (M(t_r=2.0, **parameters).fit(run, visloc.events[:60]) for M in (FirstLevelModel, Reference))
    mask = ours.masker_.mask_
    np.testing.assert_array_equal(mask, theirs.masker_.mask_img_.get_fdata() > 0)
    np.testing.assert_allclose(ours.mask_img_.affine, theirs.masker_.mask_img_.affine)
    empty = ours.fits_[0].moments.constant
    assert not empty.all()
    z_maps = [m.compute_contrast("face").get_fdata()[mask][~empty] for m in (ours, theirs)]
    np.testing.assert_allclose(*z_maps, atol=tolerance)


def test_masks_found_on_a_target_grid(visloc, visloc_slab):
    parameters = {"noise_model": "ols", "target_affine": np.diag([6.0, 6, 6])}
    design = pd.DataFrame({"a": np.arange(12) % 2, "one": 1.0})
    ours, theirs = (
        M(**parameters).fit(visloc_slab.slicer[..., :12], design_matrices=design) for M in (FirstLevelModel, Reference)
    )
    np.testing.assert_array_equal(ours.masker_.mask_, theirs.masker_.mask_img_.get_fdata() > 0)


def test_a_mask_on_another_grid(visloc):
    """Runs are resampled to the mask's grid, as in the reference."""
    affine = visloc.img.affine @ np.diag([2, 2, 1.5, 1.0])
    affine[:3, 3] += visloc.img.affine[:3, :3] @ [6, 8, 0.5]
    mask_img = nib.Nifti1Image(np.ones((8, 5, 2), np.uint8), affine)
    ours, theirs = fitted(visloc, mask_img=mask_img, noise_model="ols")
    assert_same_models(ours, theirs, [CONTRAST])


def test_given_designs_bins_and_vectors(visloc):
    rng = np.random.default_rng(1)
    design = pd.DataFrame(rng.standard_normal((156, 5)).cumsum(axis=0), columns=[0, 1, 2, 3, 4]).assign(one=1.0)
    ours = FirstLevelModel(mask_img=visloc.mask_img).fit(visloc.img, design_matrices=design, bins=10)
    theirs = Reference(mask_img=visloc.mask_img).fit(visloc.img, design_matrices=design, bins=10)
    assert set(np.unique(ours.labels_[0])) == set(np.unique(theirs.labels_[0]))
    z_maps = [m.compute_contrast([[1, -1, 2]]).get_fdata() for m in (ours, theirs)]
    np.testing.assert_allclose(*z_maps, atol=1e-6)


def test_labels_and_estimates_by_label(visloc):
    ours, theirs = fitted(visloc)
    np.testing.assert_array_equal(ours.labels_[0], theirs.labels_[0])
    for label, expected in theirs.results_[0].items():
        found = ours.results_[0][str(label)]
        np.testing.assert_allclose(found.theta, expected.theta, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(found.dispersion, expected.dispersion, rtol=1e-8)
        assert found.df_residuals == expected.df_residuals


@pytest.mark.parametrize("noise_model", ["ols", "ar1", "ar2"])
def test_all_that_results_say(visloc, noise_model):
    """Of the voxels of one label, number by number; of AR(2) where neither groups them."""
    how = {"t_r": 2.0, "mask_img": visloc.mask_img, "hrf_model": "spm", "minimize_memory": False}
    models = [M(noise_model=noise_model, **how) for M in (FirstLevelModel, Reference)]
    for model in models:
        model.fit(visloc.img, visloc.events, bins=100_000 if noise_model == "ar2" else 100)
    ours, theirs = models
    n = len(ours.design_matrices_[0].columns)
    row, rows = np.arange(n) - 2.0, np.eye(n)[:3]
    fit = ours.fits_[0]
    labels, counts = np.unique(theirs.labels_[0], return_counts=True)
    # Of voxels whose AR(2) rounds to one label they keep one estimate.
    for label in labels[counts == 1 if noise_model == "ar2" else counts > 0][:4]:
        expected = theirs.results_[0][label]
        voxels = np.flatnonzero(theirs.labels_[0] == label)
        found = VoxelResults(fit, voxels)
        close = {"rtol": 1e-6, "atol": 1e-7 * float(np.abs(expected.Y).max())}
        for name in ("Y", "whitened_Y", "whitened_residuals", "SSE", "MSE", "logL", "df_total", "df_model"):
            np.testing.assert_allclose(getattr(found, name), getattr(expected, name), err_msg=name, **close)
        np.testing.assert_allclose(found.whitened_predicted, expected.predicted, **close)
        np.testing.assert_allclose(found.whitened_design, expected.whitened_design, atol=1e-9)
        np.testing.assert_allclose(found.t(), np.vstack([expected.t(j) for j in range(n)]), rtol=1e-6)
        np.testing.assert_allclose(found.t(1), expected.t(1), rtol=1e-6)
        t, reference = found.Tcontrast(row), expected.Tcontrast(row)
        for name in ("t", "effect", "sd", "df_den"):
            np.testing.assert_allclose(getattr(t, name), getattr(reference, name), rtol=1e-6, err_msg=name)
        scaled, reference = found.Tcontrast(row, dispersion=2.0), expected.Tcontrast(row, dispersion=2.0)
        np.testing.assert_allclose(np.broadcast_to(scaled.t, voxels.shape), reference.t, rtol=1e-6)
        f, reference = found.Fcontrast(rows), expected.Fcontrast(rows)
        for name in ("F", "effect", "covariance", "df_num", "df_den"):
            np.testing.assert_allclose(getattr(f, name), getattr(reference, name), rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(
            found.vcov(rows), expected.vcov(matrix=rows, dispersion=expected.dispersion[None]), rtol=1e-6
        )
        np.testing.assert_allclose(found.vcov(column=2), expected.vcov(column=2), rtol=1e-6)
        np.testing.assert_allclose(found.conf_int(0.1, (0, 2)), expected.conf_int(0.1, (0, 2)), rtol=1e-6)
    if noise_model == "ar2":
        return
    # Theirs: residuals are the measured series less the whitened prediction, R² has a fourth axis of length one.
    whitened = ours.whitened_predicted[0].get_fdata()
    measured = np.zeros_like(whitened)
    measured[ours.masker_.mask_] = fit.data().T
    for name, got in (
        ("predicted", whitened),
        ("residuals", measured - whitened),
        ("r_square", ours.whitened_r_square[0].get_fdata()[..., np.newaxis]),
    ):
        reference = getattr(theirs, name)[0].get_fdata()
        # They store single precision.
        np.testing.assert_allclose(got, reference, atol=2e-6 * np.abs(reference).max(), err_msg=name)
    parts = ours.whitened_predicted[0].get_fdata() + ours.whitened_residuals[0].get_fdata()
    np.testing.assert_allclose(parts[ours.masker_.mask_].T, fit.whitened(fit.data()))


# Several runs ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["ols", "ar1"])
def two_runs(request, visloc, halves):
    parameters = {"t_r": 2.0, "mask_img": visloc.mask_img, "noise_model": request.param, "hrf_model": "spm"}
    return [M(**parameters).fit(halves.imgs, halves.events) for M in (FirstLevelModel, Reference)]


def test_two_runs_t(two_runs):
    one_for_each = [np.eye(10)[0] - np.eye(10)[1], np.eye(10)[1]]
    second_run_only = [np.zeros(10), np.eye(10)[1]]
    assert_same_models(*two_runs, [CONTRAST, "face", one_for_each, second_run_only])


def test_two_runs_f_with_the_references_approximation(two_runs):
    ours, theirs = two_runs
    rows = np.eye(len(ours.design_matrices_[0].columns))[:6]
    z = ours.compute_contrast(rows, f_method="approximate").get_fdata()
    np.testing.assert_allclose(z, theirs.compute_contrast(rows).get_fdata(), atol=1e-6)


@pytest.mark.parametrize("precision_weighted", [False, True])
def test_fixed_effects_of_two_halves(precision_weighted, two_runs, visloc, halves):
    parameters = two_runs[0].get_params()
    maps = [
        FirstLevelModel(**parameters).fit(img, events).compute_contrast(CONTRAST, output_type="all")
        for img, events in zip(halves.imgs, halves.events, strict=True)
    ]
    effects, variances = ([m[name] for m in maps] for name in ("effect_size", "effect_variance"))
    theirs = reference_fixed_effects(effects, variances, visloc.mask_img, precision_weighted, dofs=[68, 68])
    ours = compute_fixed_effects(effects, variances, visloc.mask_img, precision_weighted)
    for own, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(own.get_fdata(), other.get_fdata(), rtol=1e-9, atol=1e-9)
    if not precision_weighted:
        joint = two_runs[0].compute_contrast(CONTRAST)
        np.testing.assert_allclose(ours.z_score.get_fdata(), joint.get_fdata(), atol=1e-9)


def test_masks_of_two_runs_are_intersected(visloc, visloc_slab):
    imgs = [visloc_slab.slicer[..., :40], visloc_slab.slicer[..., 100:140]]
    data = np.asanyarray(imgs[1].dataobj).copy()
    data[:44] = data[:44] // 8  # the second run lost a part of its signal
    imgs[1] = nib.Nifti1Image(data, visloc_slab.affine, visloc_slab.header)
    design = pd.DataFrame({"a": np.arange(40) % 2, "one": 1.0})
    both = [M(noise_model="ols").fit(imgs, design_matrices=[design, design]) for M in (FirstLevelModel, Reference)]
    assert_same_models(*both, ["a"])
    alone = FirstLevelModel(noise_model="ols").fit(imgs[0], design_matrices=design)
    assert both[0].n_elements_ < alone.n_elements_


# Different on purpose -------------------------------------------------------------------------------------------------


def test_predictions_are_of_the_data(visloc):
    """Under AR(1) the reference's ``predicted`` is of whitened data: of a mean m it predicts (1 - rho) m."""
    ours, theirs = fitted(visloc, minimize_memory=False, signal_scaling=False)
    mask = ours.masker_.mask_
    series = visloc.img.get_fdata()[mask]
    own, other = (m[0].get_fdata()[mask] for m in (ours.predicted, theirs.predicted_))
    np.testing.assert_allclose(own.mean(axis=1), series.mean(axis=1), rtol=1e-3)
    rho = ours.fits_[0].parameters["rho"]
    assert rho.max() > 0.4
    np.testing.assert_allclose(other.mean(axis=1), (1 - rho) * series.mean(axis=1), rtol=0.02)
    residuals = ours.residuals[0].get_fdata()[mask]
    np.testing.assert_allclose(own + residuals, series, rtol=1e-12)
    total = np.square(series - series.mean(axis=1, keepdims=True)).sum(axis=1)
    share = ours.r_square[0].get_fdata()[mask]
    np.testing.assert_allclose(share, 1 - np.square(residuals).sum(axis=1) / total, atol=1e-6)
    assert share.min() >= 0
    assert share.max() <= 1
    # Whitening leaves most of the mean in the first scan, and there it counts as variance explained.
    assert theirs.r_square_[0].get_fdata()[mask][rho > 0.4].mean() > share[rho > 0.4].mean() + 0.3


def test_predictions_under_ols_equal_the_references(visloc):
    ours, theirs = fitted(visloc, minimize_memory=False, noise_model="ols")
    for name in ("predicted_", "residuals_"):
        own, other = (getattr(m, name)[0].get_fdata() for m in (ours, theirs))
        np.testing.assert_allclose(own, other, atol=1e-9)
    # The reference takes the variance of the data in float32.
    own, other = (m.r_square_[0].get_fdata().squeeze() for m in (ours, theirs))
    np.testing.assert_allclose(own, other, atol=1e-5)


def test_voxels_without_signal_have_no_statistic(visloc):
    """The reference gives all voxels of constant zeros one z score, out of rounding; it can be as large as 4."""
    data = np.asanyarray(visloc.img.dataobj).copy()
    empty = np.zeros(visloc.mask_img.shape, bool)
    empty[10:12] = True
    data[empty] = 0
    run = nib.Nifti1Image(data, visloc.img.affine, visloc.img.header)
    z = {}
    for Model in (FirstLevelModel, Reference):
        model = Model(t_r=2.0, mask_img=visloc.mask_img).fit(run, visloc.events)
        z[Model] = model.compute_contrast("face").get_fdata()[empty & (visloc.mask_img.get_fdata() > 0)]
    assert not z[FirstLevelModel].any()
    assert z[Reference].all()


def test_scaling_by_each_scans_mean(visloc):
    """The reference crashes on ``signal_scaling=1``."""
    reference = Reference(t_r=2.0, mask_img=visloc.mask_img, signal_scaling=1)
    with pytest.raises(ValueError, match="broadcast"):
        reference.fit(visloc.img, visloc.events)
    model = FirstLevelModel(t_r=2.0, mask_img=visloc.mask_img, signal_scaling=1, minimize_memory=False)
    model.fit(visloc.img, visloc.events)
    series = visloc.img.get_fdata()[model.masker_.mask_]
    expected = 100 * (series / series.mean(axis=0) - 1)
    modelled = (model.predicted[0].get_fdata() + model.residuals[0].get_fdata())[model.masker_.mask_]
    np.testing.assert_allclose(modelled, expected, atol=1e-4)


@pytest.mark.parametrize("signal_scaling", [0, False])
def test_standardize(visloc, signal_scaling):
    """The reference never applies it: its effects are the same with and without."""
    parameters = {"standardize": True, "signal_scaling": signal_scaling, "noise_model": "ols"}
    ours, theirs = fitted(visloc, minimize_memory=False, **parameters)
    plain = fitted(visloc, signal_scaling=signal_scaling, noise_model="ols")[1]
    np.testing.assert_array_equal(
        theirs.compute_contrast("face", output_type="effect_size").get_fdata(),
        plain.compute_contrast("face", output_type="effect_size").get_fdata(),
    )
    modelled = (ours.predicted[0].get_fdata() + ours.residuals[0].get_fdata())[ours.masker_.mask_]
    np.testing.assert_allclose(modelled.mean(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(modelled.std(axis=1, ddof=1), 1, rtol=1e-4)
    # Units of a standard deviation: the effect changes, its z score does not (float32 storage: 1e-3).
    z = [m.compute_contrast("face").get_fdata()[ours.masker_.mask_] for m in (ours, plain)]
    np.testing.assert_allclose(*z, atol=1e-3)


def test_variance_of_a_rank_deficient_design(visloc):
    """Both fit the same; the reference divides the residual sum of squares by 156 - 4, where 156 - 3 are left."""
    rng = np.random.default_rng(3)
    design = pd.DataFrame({"a": rng.standard_normal(156), "b": rng.standard_normal(156)})
    design = design.assign(c=design["a"] + design["b"], one=1.0)
    models = [
        M(mask_img=visloc.mask_img, noise_model="ols").fit(visloc.img, design_matrices=design)
        for M in (FirstLevelModel, Reference)
    ]
    maps = [m.compute_contrast([1.0, 0, 1.0, 0], output_type="all") for m in (models[0],)]
    maps += [models[1].compute_contrast(np.array([1.0, 0, 1.0, 0]), output_type="all")]
    mask = models[0].masker_.mask_
    effect, variance = ([m[name].get_fdata()[mask] for m in maps] for name in ("effect_size", "effect_variance"))
    np.testing.assert_allclose(*effect, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(variance[0] * 153, variance[1] * 152, rtol=1e-9)


def test_contrasts_that_cannot_be_estimated(visloc):
    """The reference answers with t = 1e8 or more, or with NaN."""
    rng = np.random.default_rng(3)
    design = pd.DataFrame({"a": rng.standard_normal(156), "one": 1.0}).assign(b=lambda d: 2 * d["a"])
    reference = Reference(mask_img=visloc.mask_img, noise_model="ols").fit(visloc.img, design_matrices=design)
    t = reference.compute_contrast("a + 2 * b - 5 * a", output_type="stat").get_fdata()
    assert np.isfinite(t).all()
    ours = FirstLevelModel(mask_img=visloc.mask_img, noise_model="ols").fit(visloc.img, design_matrices=design)
    with pytest.raises(ValueError, match="not estimable"):
        ours.compute_contrast("a")


def test_names_that_the_reference_cannot_read(visloc):
    events = visloc.events.replace({"trial_type": {"face": "1back", "house": "left hand"}})
    ours, theirs = fitted(visloc, {"events": events})
    with pytest.raises(ValueError, match="not valid"):
        theirs.compute_contrast("1back - left hand")
    position = [ours.design_matrices_[0].columns.get_loc(name) for name in ("1back", "left hand")]
    weights = np.zeros(ours.design_matrices_[0].shape[1])
    weights[position] = 1, -1
    np.testing.assert_allclose(
        ours.compute_contrast("1back - 'left hand'").get_fdata(),
        theirs.compute_contrast(weights).get_fdata(),
        atol=1e-6,
    )


def test_effects_of_an_f_test_have_units(two_runs):
    """The reference returns whitened effects: their maps are not those of the rows."""
    ours, theirs = two_runs
    rows = np.eye(len(ours.design_matrices_[0].columns))[:2]
    effects = ours.compute_contrast(rows, output_type="effect_size").get_fdata()
    single = ours.compute_contrast(rows[1], output_type="effect_size").get_fdata()
    np.testing.assert_allclose(effects[..., 1], single, atol=1e-12)
    whitened = theirs.compute_contrast(rows, output_type="effect_size").get_fdata()
    assert np.abs(whitened[..., 1] - single).max() > 0.5 * np.abs(single).max()


def test_f_over_runs_is_a_wald_test(two_runs):
    """Wald's F and the approximation differ by up to a third in single voxels; with one row both are t squared."""
    ours, _ = two_runs
    rows = np.eye(len(ours.design_matrices_[0].columns))[:6]
    wald, approximate = (ours.contrast(rows, f_method=method).stat() for method in ("wald", "approximate"))
    large = wald > 2
    ratio = approximate[large] / wald[large]
    assert np.abs(ratio - 1).max() > 0.02
    assert ratio.min() > 0.5
    assert ratio.max() < 2
    t = ours.contrast(CONTRAST).stat()
    np.testing.assert_allclose(ours.contrast(CONTRAST, "F").stat(), t**2, rtol=1e-9)


def test_degrees_of_freedom_of_fixed_effects(two_runs):
    """The reference takes 100 for every map that does not come with a number; ours know theirs."""
    ours, _ = two_runs
    maps = ours.compute_contrast("face", output_type="all")
    pair = [maps["effect_size"]] * 2, [maps["effect_variance"]] * 2
    own = compute_fixed_effects(*pair)
    assert own.stat.header["descrip"].item().startswith(b"stat [t, dof 272]")
    other = reference_fixed_effects(*pair)
    np.testing.assert_allclose(own.stat.get_fdata(), other[2].get_fdata(), rtol=1e-9, atol=1e-9)
    assert np.abs(own.z_score.get_fdata() - other[3].get_fdata()).max() > 0.01
