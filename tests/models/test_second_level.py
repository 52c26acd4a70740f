"""The group model against the reference on real maps, dense algebra, published numbers, and bad input."""

import re
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from glmwidgets.glm.group.design import make_second_level_design_matrix
from glmwidgets.glm.inference.heights import height_threshold
from glmwidgets.models import NiftiMasker
from glmwidgets.models.base import NotFittedError
from glmwidgets.models.map_header import dof_of, is_f_map
from glmwidgets.models.permutation_inference import non_parametric_inference
from glmwidgets.models.second_level import SecondLevelModel
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession

SHAPE, AFFINE = (6, 7, 8), np.diag([3.0, 3.0, 4.0, 1.0])


def image(values, affine=AFFINE):
    return nib.Nifti1Image(np.asarray(values, dtype=np.float64), affine)


def random_maps(n=10, seed=0, shape=SHAPE):
    rng = np.random.default_rng(seed)
    return [image(5 + rng.standard_normal(shape)) for _ in range(n)]


INTERCEPT = pd.DataFrame({"intercept": np.ones(10)})


# Real maps ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wager(wager_dir):
    table = pd.read_csv(wager_dir / "participants.tsv", sep="\t")
    return {
        "maps": [str(wager_dir / name) for name in table["file"]],
        "mask": str(wager_dir / "group_mask.nii.gz"),
        "table": table,
    }


@pytest.fixture(scope="module")
def part(wager):
    """A box of the real maps, in memory: what the reference is slow with."""
    box = np.s_[10:36, 20:44, 8:24]
    first = nib.load(wager["mask"])
    affine = first.slicer[box].affine
    maps = [nib.Nifti1Image(np.asarray(nib.load(path).dataobj)[box], affine) for path in wager["maps"]]
    mask = nib.Nifti1Image((np.asarray(first.dataobj)[box] != 0).astype(np.uint8), affine)
    return {"maps": maps, "mask": mask, "table": wager["table"]}


def designs(table):
    n = len(table)
    odd = np.arange(n) % 2.0
    pairs = pd.DataFrame({"condition": np.repeat([1.0, -1.0], n // 2)})
    for i in range(n // 2):
        pairs[f"s{i}"] = (np.arange(n) % (n // 2) == i).astype(float)
    return {
        "one sample": (pd.DataFrame({"intercept": np.ones(n)}), "intercept"),
        "covariate": (
            pd.DataFrame(
                {"success": table["reappraisal_success"], "rvlpfc": table["rvlpfc_contrast"], "intercept": 1.0}
            ),
            "success",
        ),
        "two samples": (pd.DataFrame({"odd": odd, "even": 1 - odd}), "odd - even"),
        "paired": (pairs, "condition"),
        "F": (
            pd.DataFrame({"success": table["reappraisal_success"], "odd": odd, "even": 1 - odd}),
            np.array([[1, 0, 0], [0, 1, -1]]),
        ),
    }


@pytest.mark.parametrize("case", ["one sample", "covariate", "two samples", "paired", "F"])
def test_all_maps_equal_the_reference(part, case):
    reference = pytest.importorskip("nilearn.glm.second_level")
    design, contrast = designs(part["table"])[case]
    ours = SecondLevelModel(mask_img=part["mask"]).fit(part["maps"], design_matrix=design)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = reference.SecondLevelModel(mask_img=part["mask"]).fit(part["maps"], design_matrix=design)
        expected = theirs.compute_contrast(contrast, output_type="all")
    found = ours.compute_contrast(contrast, output_type="all")
    inside = ours.masker_.mask_
    for name in ("stat", "z_score", "p_value", "effect_size", "effect_variance"):
        if case == "F" and name.startswith("effect"):
            continue  # the reference gives whitened effects of an F test, which are nobody's units
        a, b = found[name].get_fdata()[inside], expected[name].get_fdata()[inside]
        # The reference says z < 0 where an F is less likely than not; so do we.
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6 * np.abs(b).max(), err_msg=name)


def test_smoothed_maps_equal_the_reference(part):
    reference = pytest.importorskip("nilearn.glm.second_level")
    design = pd.DataFrame({"intercept": np.ones(30)})
    ours = SecondLevelModel(mask_img=part["mask"], smoothing_fwhm=8.0).fit(part["maps"], design_matrix=design)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = reference.SecondLevelModel(mask_img=part["mask"], smoothing_fwhm=8.0)
        expected = theirs.fit(part["maps"], design_matrix=design).compute_contrast().get_fdata()
    np.testing.assert_allclose(ours.compute_contrast().get_fdata(), expected, atol=1e-6)


def test_published_numbers_of_the_real_maps(wager):
    model = SecondLevelModel(mask_img=wager["mask"]).fit(wager["maps"])
    contrast = model.contrast("intercept")
    t = contrast.stat()
    assert contrast.dof == 29
    assert round(t.max(), 2) == 7.25
    voxel = np.argwhere(model.masker_.mask_)[t.argmax()]
    np.testing.assert_allclose(nib.affines.apply_affine(model.mask_img_.affine, voxel), (-7, 24, 54), atol=0.2)
    z = contrast.z_score()
    cut = height_threshold(z, "fdr", 0.05, two_sided=True)
    assert round(stats.t.isf(stats.norm.sf(cut), 29), 2) == 3.21
    assert np.count_nonzero(np.abs(z) >= cut) == 2252


# Inputs ---------------------------------------------------------------------------------------------------------------


def test_list_four_d_image_series_paths_and_table_are_one(tmp_path):
    maps = random_maps()
    rows = []
    for i, img in enumerate(maps):
        nib.save(img, tmp_path / f"{i}.nii.gz")
        rows.append(
            {"subject_label": f"{i:02d}", "map_name": "face", "effects_map_path": str(tmp_path / f"{i}.nii.gz")}
        )
    paths = [row["effects_map_path"] for row in rows]
    four_d = nib.concat_images(maps)
    expected = SecondLevelModel().fit(maps, design_matrix=INTERCEPT).compute_contrast().get_fdata()
    for given in (four_d, pd.Series(maps), paths, pd.DataFrame(rows), pd.DataFrame(rows).iloc[::-1]):
        found = SecondLevelModel().fit(given).compute_contrast("intercept").get_fdata()
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_rows_of_a_table_are_matched_by_subject():
    maps = random_maps()
    age = np.random.default_rng(1).normal(40, 10, 10)
    expected = (
        SecondLevelModel()
        .fit(maps, design_matrix=pd.DataFrame({"age": age, "intercept": 1.0}))
        .compute_contrast("age")
        .get_fdata()
    )
    labels = [f"{i:02d}" for i in range(10)]
    shuffled = np.random.default_rng(2).permutation(10)
    table = pd.DataFrame(
        {
            "subject_label": np.array(labels)[shuffled],
            "map_name": "face",
            "effects_map_path": [maps[i] for i in shuffled],
        }
    )
    confounds = pd.DataFrame({"subject_label": labels[::-1], "age": age[::-1]})
    by_confounds = SecondLevelModel().fit(table, confounds)
    assert by_confounds.subject_labels_ == labels
    by_index = SecondLevelModel().fit(
        table, design_matrix=pd.DataFrame({"age": age[::-1], "intercept": 1.0}, index=labels[::-1])
    )
    by_column = SecondLevelModel().fit(
        table, design_matrix=pd.DataFrame({"subject_label": labels[::-1], "age": age[::-1], "intercept": 1.0})
    )
    for model in (by_confounds, by_index, by_column):
        np.testing.assert_allclose(model.compute_contrast("age").get_fdata(), expected, rtol=1e-12)
    with pytest.warns(UserWarning, match="name no subject"):
        SecondLevelModel().fit(table, design_matrix=pd.DataFrame({"age": age, "intercept": 1.0}))


class FirstLevelStub:
    """What a second level asks of a first one."""

    def __init__(self, label, maps, mask):
        self.subject_label, self.maps, self.mask_img_, self.asked = label, maps, image(mask), 0

    def compute_contrast(self, contrast, output_type="z_score"):
        self.asked += 1
        return self.maps[contrast, output_type]


def first_levels(n=8):
    rng = np.random.default_rng(3)
    models = []
    for i in range(n):
        mask = np.ones(SHAPE)
        mask[i % 3] = 0
        effects = {
            (name, kind): image(
                mask * (rng.chisquare(5, SHAPE) if kind == "effect_variance" else rng.normal(1, 1, SHAPE))
            )
            for name in ("face", "house")
            for kind in ("effect_size", "effect_variance")
        }
        models.append(FirstLevelStub(f"s{i}", effects, mask))
    return models


def test_first_level_models_give_the_maps_of_a_contrast():
    models = first_levels()
    group = SecondLevelModel().fit(
        models, pd.DataFrame({"subject_label": [m.subject_label for m in models], "x": 1.0 + np.arange(8)})
    )
    assert not any(model.asked for model in models)
    assert group.design_matrix_.columns.tolist() == ["x", "intercept"]
    np.testing.assert_array_equal(group.masker_.mask_, np.arange(6)[:, None, None] * np.ones(SHAPE) >= 3)
    face = group.compute_contrast("x", "face").get_fdata()
    house = group.compute_contrast("x", first_level_contrast="house").get_fdata()
    assert not np.allclose(face, house)
    maps = [model.maps["face", "effect_size"] for model in models]
    expected = SecondLevelModel(mask_img=group.mask_img_).fit(maps, design_matrix=group.design_matrix_)
    np.testing.assert_allclose(face, expected.compute_contrast("x").get_fdata(), rtol=1e-12)
    group.compute_contrast("intercept", "face")
    assert all(model.asked == 2 for model in models)  # one for each first-level contrast, however many of the group
    with pytest.raises(ValueError, match="first_level_contrast must say"):
        group.compute_contrast("x")


def test_fitted_first_level_models_of_the_package_are_taken():
    from glmwidgets.models.first_level import FirstLevelModel

    rng = np.random.default_rng(0)
    events = pd.DataFrame({"onset": [10.0, 50.0, 90.0], "duration": 20.0, "trial_type": "task"})
    models = []
    for i in range(4):
        img = nib.Nifti1Image(100 + rng.standard_normal((3, 3, 3, 60)), AFFINE)
        models.append(
            FirstLevelModel(t_r=2.0, mask_img=False, subject_label=f"s{i}", noise_model="ols").fit(img, events)
        )
    group = SecondLevelModel().fit(models)
    effects = np.stack([m.compute_contrast("task", output_type="effect_size").get_fdata() for m in models])
    expected = effects.mean(axis=0) / (effects.std(axis=0, ddof=1) / 2)
    found = group.compute_contrast(first_level_contrast="task", output_type="stat").get_fdata()
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    fixed = SecondLevelModel(estimator="fixed_effects").fit(models).contrast(first_level_contrast="task")
    variances = np.stack([m.compute_contrast("task", output_type="effect_variance").get_fdata() for m in models])
    np.testing.assert_allclose(fixed.effect_variance(), variances.mean(axis=0).ravel() / 4, rtol=1e-9)


def test_default_mask_is_where_all_maps_have_a_value():
    maps = random_maps()
    maps[2].get_fdata()[0, 0, :3] = np.nan
    maps[2] = image(maps[2].get_fdata())
    holes = maps[5].get_fdata().copy()
    holes[1, 1, 1] = 0
    maps[5] = image(holes)
    model = SecondLevelModel().fit(maps)
    assert model.n_elements_ == np.prod(SHAPE) - 4
    assert np.isfinite(model.compute_contrast().get_fdata()).all()


def test_one_fit_serves_all_contrasts(monkeypatch):
    import glmwidgets.models.second_level as module

    calls = []
    original = module.group_values_of
    monkeypatch.setattr(module, "group_values_of", lambda *args, **how: calls.append(1) or original(*args, **how))
    design = pd.DataFrame({"a": np.r_[np.ones(5), np.zeros(5)], "b": np.r_[np.zeros(5), np.ones(5)]})
    model = SecondLevelModel(smoothing_fwhm=4.0).fit(random_maps(), design_matrix=design)
    named = model.compute_contrast({"difference": "a - b", "mean": "(a + b) / 2"}, output_type="stat")
    assert list(named) == ["difference", "mean"]
    model.compute_contrast("a; b")
    assert len(calls) == 1


def test_it_runs_the_steps_of_the_live_group_on_a_specification():
    maps, ages = random_maps(), pd.DataFrame({"subject_label": [f"s{k}" for k in range(10)], "age": np.arange(10.0)})
    model = SecondLevelModel(smoothing_fwhm=6.0)
    frame = pd.DataFrame({"subject_label": ages["subject_label"], "map_name": "a", "effects_map_path": maps})
    model.fit(frame, confounds=ages)
    group = open_group(maps, ages, subjects=list(ages["subject_label"]))
    asked = {"data.smoothing_fwhm": 6.0, "design.terms": ("age",), "contrast.expression": "age"}
    session = GroupSession(group, asked, synchronous=True)
    session.refresh()
    np.testing.assert_allclose(model.contrast("age").stat(), session.result.contrast.stat(), rtol=1e-9)
    session.update({"design.estimator": "precision_weighted"})
    assert "needs the variance of every map" in session.status.message


# Estimators -----------------------------------------------------------------------------------------------------------


def test_estimators_with_variance_maps_equal_dense_algebra():
    rng = np.random.default_rng(5)
    maps, variances = random_maps(), [image(rng.uniform(0.5, 4, SHAPE)) for _ in range(10)]
    x = np.c_[np.ones(10), rng.standard_normal(10)]
    design = pd.DataFrame(x, columns=["intercept", "x"])
    y = np.stack([m.get_fdata().ravel() for m in maps])
    s = np.stack([v.get_fdata().ravel() for v in variances])
    for estimator in ("fixed_effects", "precision_weighted"):
        model = SecondLevelModel(estimator=estimator).fit(maps, design_matrix=design, variance_maps=variances)
        t = model.contrast("x", stat_type="t")
        f = model.contrast("intercept; x")
        for v in (0, 17, 300):
            w = np.diag(1 / s[:, v])
            g = np.linalg.pinv(x) if estimator == "fixed_effects" else np.linalg.inv(x.T @ w @ x) @ x.T @ w
            beta, cov = g @ y[:, v], g @ np.diag(s[:, v]) @ g.T
            np.testing.assert_allclose(t.effect_size()[v], beta[1], rtol=1e-9)
            np.testing.assert_allclose(t.effect_variance()[v], cov[1, 1], rtol=1e-9)
            np.testing.assert_allclose(f.stat()[v], beta @ np.linalg.inv(cov) @ beta / 2, rtol=1e-9)
        assert t.dof == np.inf
        np.testing.assert_allclose(t.z_score(), t.stat(), rtol=1e-7)  # known variances: t is z


@pytest.mark.parametrize("weighted", [False, True])
def test_fixed_effects_equal_the_reference(weighted):
    compute_fixed_effects = pytest.importorskip("nilearn.glm").compute_fixed_effects
    rng = np.random.default_rng(6)
    maps, variances = random_maps(5), [image(rng.uniform(0.5, 4, SHAPE)) for _ in range(5)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = compute_fixed_effects(maps, variances, image(np.ones(SHAPE)), precision_weighted=weighted)
    model = SecondLevelModel(estimator="precision_weighted" if weighted else "fixed_effects")
    contrast = model.fit(maps, variance_maps=variances, dof=500).contrast()
    ours = (contrast.effect_size(), contrast.effect_variance(), contrast.stat(), contrast.z_score())
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b.get_fdata().ravel(), rtol=1e-6)


# What the fit found ---------------------------------------------------------------------------------------------------


def test_predicted_and_residuals_add_up_to_the_maps():
    maps = random_maps()
    design = pd.DataFrame({"x": np.arange(10.0), "intercept": 1.0})
    model = SecondLevelModel().fit(maps, design_matrix=design)
    both = model.predicted.get_fdata() + model.residuals.get_fdata()
    np.testing.assert_allclose(both, np.stack([m.get_fdata() for m in maps], axis=-1), rtol=1e-10)
    y = model.values()
    r = np.corrcoef(np.vstack([design["x"], y.T]))[0, 1:]
    np.testing.assert_allclose(model.r_square.get_fdata().ravel(), r**2, rtol=1e-8)
    small = SecondLevelModel(minimize_memory=True).fit(maps, design_matrix=design)
    assert not small._values
    np.testing.assert_array_equal(small.residuals.get_fdata(), model.residuals.get_fdata())


def test_constant_voxels_have_no_statistic():
    maps = [image(np.where(np.arange(8) < 4, 3.3, m.get_fdata())) for m in random_maps()]
    stat = SecondLevelModel().fit(maps).compute_contrast(output_type="stat").get_fdata()
    assert (stat[..., :4] == 0).all()
    assert (stat[..., 4:] != 0).all()


def test_memory_keeps_the_masked_maps(tmp_path, monkeypatch):
    import glmwidgets.models.second_level as module

    paths = []
    for i, img in enumerate(random_maps()):
        nib.save(img, tmp_path / f"{i}.nii")
        paths.append(tmp_path / f"{i}.nii")
    first = SecondLevelModel(memory=str(tmp_path / "cache"), smoothing_fwhm=5.0).fit(paths).compute_contrast()
    monkeypatch.setattr(module, "group_values_of", lambda *args, **how: pytest.fail("read again"))
    again = SecondLevelModel(memory=str(tmp_path / "cache"), smoothing_fwhm=5.0).fit(paths).compute_contrast()
    np.testing.assert_array_equal(first.get_fdata(), again.get_fdata())


def test_it_is_an_estimator_like_others():
    clone = pytest.importorskip("sklearn.base").clone
    model = SecondLevelModel(smoothing_fwhm=6.0, estimator="fixed_effects")
    assert clone(model).get_params() == model.get_params()
    assert repr(model) == "SecondLevelModel(smoothing_fwhm=6.0, estimator='fixed_effects')"
    with pytest.raises(NotFittedError, match="call fit"):
        SecondLevelModel().compute_contrast()


# Design ---------------------------------------------------------------------------------------------------------------


def test_design_of_covariates_equals_the_reference():
    reference = pytest.importorskip("nilearn.glm.first_level.design_matrix").make_second_level_design_matrix
    confounds = pd.DataFrame({"subject_label": ["c", "a", "b", "d"], "age": [3.0, 1, 2, 4], "score": [1.0, 5, 2, 8]})
    with pytest.warns(UserWarning, match="1 row without a map is left out: d"):
        ours = make_second_level_design_matrix(["a", "b", "c"], confounds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = reference(["a", "b", "c"], confounds)
    pd.testing.assert_frame_equal(ours, expected, check_index_type=False)
    pd.testing.assert_frame_equal(make_second_level_design_matrix(["a", "b"]), pd.DataFrame({"intercept": [1.0, 1.0]}))


# Bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("confounds", "message"),
    [
        ({"subject_label": ["a", "a", "b"], "age": [1, 2, 3]}, "holds 'a' more than once"),
        ({"subject_label": ["a"], "age": [1]}, "no row for 'b': its subject_label is 'a'"),
        ({"subject_label": ["a", "b"], "age": [1, None]}, "'age' has no value for b"),
        ({"subject_label": ["a", "b"], "sex": ["f", "m"]}, "'sex' holds 'f', 'm', which are not numbers"),
        ({"subject_label": ["a", "b"]}, "beside 'subject_label'"),
        ({"subject": ["a", "b"], "age": [1, 2]}, "column 'subject_label'"),
        ({"subject_label": ["a", "b"], "intercept": [1, 2]}, "called 'intercept'"),
    ],
)
def test_bad_confounds_are_refused_in_words(confounds, message):
    with pytest.raises(ValueError, match=message):
        make_second_level_design_matrix(["a", "b"], pd.DataFrame(confounds))


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (pd.DataFrame({"intercept": np.ones(9)}), "9 rows and there are 10 maps"),
        (pd.DataFrame(np.eye(10, 11), columns=[f"c{i}" for i in range(11)]).assign(c10=1.0), "10 maps are too few"),
        (pd.DataFrame({"g": ["a"] * 10}), "column 'g' of the design matrix holds 'a'"),
        (pd.DataFrame({"x": [np.nan] + [1.0] * 9}), r"column 'x' of the design matrix has no value for map 1"),
        (pd.DataFrame({"x": np.zeros(10), "i": 1.0}), "column 'x' of the design matrix is zero"),
        (pd.DataFrame(np.ones((10, 2)), columns=["a", "a"]), "more than one column of the design matrix is called 'a'"),
    ],
)
def test_bad_designs_are_refused_in_words(design, message):
    with pytest.raises(ValueError, match=message):
        SecondLevelModel().fit(random_maps(), design_matrix=design)


def test_rank_deficient_designs_are_pointed_out_and_what_can_be_estimated_is():
    group = np.r_[np.ones(5), np.zeros(5)]
    design = pd.DataFrame({"a": group, "b": 1 - group, "intercept": 1.0, "x": np.arange(10.0)})
    with pytest.warns(UserWarning, match=r"combinations of each other \(a, b, intercept\)"):
        model = SecondLevelModel().fit(random_maps(), design_matrix=design)
    with pytest.raises(ValueError, match=r"not estimable.*\(it weighs a\)"):
        model.compute_contrast("a")
    full = SecondLevelModel().fit(random_maps(), design_matrix=design.drop(columns="b"))
    for ours, theirs in (("a - b", "a"), ("x", "x")):
        np.testing.assert_allclose(
            model.compute_contrast(ours).get_fdata(), full.compute_contrast(theirs).get_fdata(), rtol=1e-8, atol=1e-8
        )


def test_contrasts_of_no_column_are_refused_in_words():
    design = pd.DataFrame({"age": np.arange(10.0), "intercept": 1.0})
    model = SecondLevelModel().fit(random_maps(), design_matrix=design)
    with pytest.raises(ValueError, match="ages"):
        model.compute_contrast("ages")
    with pytest.raises(ValueError, match=r"2 columns \(age, intercept\)"):
        model.compute_contrast()
    with pytest.raises(ValueError, match="output_type must be one of"):
        model.compute_contrast("age", output_type="zscore")


def test_maps_on_different_grids_are_named(tmp_path):
    maps = random_maps()
    maps[3] = image(np.ones((5, 7, 8)))
    nib.save(image(np.ones(SHAPE), np.diag([2.0, 3, 4, 1])), tmp_path / "odd.nii.gz")
    maps[7] = str(tmp_path / "odd.nii.gz")
    with pytest.raises(ValueError, match="2 of the 10 maps lie on another grid") as error:
        SecondLevelModel().fit(maps)
    assert "map 4" in str(error.value)
    assert re.search(r"map 8 .*odd\.nii\.gz", str(error.value))
    assert "resample=True" in str(error.value)


def test_maps_on_different_grids_are_resampled_on_request():
    pytest.importorskip("glmwidgets.images.resample")
    # A linear ramp is the same ramp on any grid, as far as the interpolation can see.
    fine = np.diag([1.5, 3.0, 4.0, 1.0])
    x = np.arange(11) * 1.5
    maps = [image(m.get_fdata()) for m in random_maps(5)]
    maps.append(image(np.broadcast_to((10 + x)[:, None, None], (11, 7, 8)), fine))
    model = SecondLevelModel(resample=True).fit(maps)
    assert model.mask_img_.shape == SHAPE
    np.testing.assert_allclose(
        model.masker_.inverse_transform(model.values()).get_fdata()[1:-1, 3, 3, 5],
        10 + 3 * np.arange(6)[1:-1],
        rtol=0.02,
    )
    to_target = SecondLevelModel(target_affine=fine, target_shape=(11, 7, 8)).fit(maps)
    assert to_target.mask_img_.shape == (11, 7, 8)


@pytest.mark.parametrize("smoothing", [None, 5.0])
@pytest.mark.parametrize("nothing", [np.nan, np.inf, -np.inf, 0.0])
def test_voxels_that_one_map_lacks_are_left_out_of_a_given_mask(nothing, smoothing):
    maps = random_maps()
    values = maps[4].get_fdata().copy()
    values[2, 2, 2:5] = nothing
    maps[4] = image(values)
    model = SecondLevelModel(mask_img=image(np.ones(SHAPE)), smoothing_fwhm=smoothing)
    with pytest.warns(UserWarning, match=r"3 of 336 voxels in the mask are left out.*in map 5 "):
        found = model.fit(maps).compute_contrast(output_type="all")
    for name in ("stat", "effect_size", "z_score"):
        left_out = found[name].get_fdata() == 0
        assert left_out[2, 2, 2:5].all(), name
        assert np.count_nonzero(left_out) == 3, name


def as_stored(img, dtype):
    return nib.Nifti1Image.from_bytes(nib.Nifti1Image(img.get_fdata(), img.affine, dtype=dtype).to_bytes())


@pytest.mark.parametrize("mask_img", [None, image(np.ones(SHAPE))])
@pytest.mark.parametrize("nothing", [0.0, np.nan])
def test_zeros_of_scaled_integers_are_zeros(nothing, mask_img):
    """nibabel stores what is 0 or missing up to half a step from 0 where integers have an intercept."""
    maps = []
    for one in random_maps():
        values = one.get_fdata() - 4
        values[2, 2, 2:5] = nothing
        maps.append(as_stored(image(values), np.int16))
    assert all(one.dataobj.inter != 0 and one.get_fdata().all() for one in maps)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "3 of 336 voxels in the mask are left out")
        z = SecondLevelModel(mask_img=mask_img).fit(maps).compute_contrast().get_fdata()
    assert np.argwhere(z == 0).tolist() == [[2, 2, 2], [2, 2, 3], [2, 2, 4]]


def test_zeros_are_averaged_by_nilearn_and_where_they_are_data():
    maps = random_maps()
    values = maps[4].get_fdata().copy()
    values[2, 2, 2] = 0
    maps[4] = image(values)
    mask, design = image(np.ones(SHAPE)), pd.DataFrame({"intercept": np.ones(len(maps))})
    reference = pytest.importorskip("nilearn.glm.second_level").SecondLevelModel(mask_img=mask)
    theirs = reference.fit(maps, design_matrix=design).compute_contrast("intercept").get_fdata()
    ours = SecondLevelModel(mask_img=mask).fit(maps, zeros_are_data=True).compute_contrast().get_fdata()
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert theirs[2, 2, 2] != 0
    whole = SecondLevelModel().fit(maps, zeros_are_data=True)
    assert whole.n_elements_ == 336
    np.testing.assert_allclose(whole.compute_contrast().get_fdata(), theirs, atol=1e-6)
    assert SecondLevelModel().fit(maps).n_elements_ == 335
    how = {"mask": mask, "n_perm": 50, "random_state": 0}
    logp = [non_parametric_inference(maps, **how, zeros_are_data=kept) for kept in (True, False)]
    assert [img.get_fdata()[2, 2, 2] == 0 for img in logp] == [False, True]


def test_no_voxel_with_a_value_in_all_maps_is_refused():
    maps = random_maps()
    maps[4] = image(np.zeros(SHAPE))
    with pytest.raises(ValueError, match="in every voxel of the mask a map is 0 or not finite"):
        SecondLevelModel(mask_img=image(np.ones(SHAPE))).fit(maps)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject_label": ["1", "1", "2"]}, "subject '1' more than once for the map 'face'"),
        ({"map_name": ["face", None, "face"]}, "'map_name' of the table of maps is empty in row 1"),
        ({"map_name": ["face", "house", "face"]}, "no map 'face' for subject 2"),
    ],
)
def test_bad_tables_are_refused_in_words(change, message):
    table = pd.DataFrame(
        {"subject_label": ["1", "2", "3"], "map_name": "face", "effects_map_path": random_maps(3), **change}
    )
    with pytest.raises(ValueError, match=message):
        SecondLevelModel().fit(table).compute_contrast(first_level_contrast="face")
    with pytest.raises(ValueError, match="'effects_map_path'"):
        SecondLevelModel().fit(table.drop(columns="effects_map_path"))


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (random_maps(1), ValueError, "the list holds 1"),
        (random_maps(1)[0], ValueError, "one map of shape"),
        (3, TypeError, "not int"),
        (["nowhere.nii.gz", "nowhere2.nii.gz"], FileNotFoundError, "nowhere"),
        ([nib.Nifti1Image(np.ones((*SHAPE, 2)), AFFINE)] * 2, ValueError, "map 1 is one 3-D volume"),
    ],
)
def test_bad_inputs_are_refused_in_words(given, kind, message):
    with pytest.raises(kind, match=message):
        SecondLevelModel().fit(given)


def test_two_models_of_one_subject_are_refused():
    models = first_levels(3)
    models[2].subject_label = "s0"
    with pytest.raises(ValueError, match="subject_label 's0'"):
        SecondLevelModel().fit(models)


def test_a_map_given_twice_is_pointed_out(tmp_path):
    paths = []
    for i, img in enumerate(random_maps(3)):
        nib.save(img, tmp_path / f"{i}.nii")
        paths.append(str(tmp_path / f"{i}.nii"))
    with pytest.warns(UserWarning, match=r"1\.nii was given more than once"):
        SecondLevelModel().fit([*paths, paths[1]])


@pytest.mark.parametrize(
    ("options", "fit_options", "message"),
    [
        ({"estimator": "bayes"}, {}, "not 'bayes'"),
        ({"estimator": "fixed_effects"}, {}, "needs the variance of every map"),
        ({"estimator": "fixed_effects"}, {"variance_maps": random_maps(9)}, "9 variance maps given for 10 maps"),
        ({"estimator": "precision_weighted", "smoothing_fwhm": 5.0}, {}, "smooth at the first level"),
        (
            {"estimator": "precision_weighted", "mask_img": image(np.ones(SHAPE))},
            {"variance_maps": [image(np.zeros(SHAPE))] * 10},
            "variances must be positive; those of map 0",
        ),
    ],
)
def test_bad_estimators_are_refused_in_words(options, fit_options, message):
    with pytest.raises(ValueError, match=message):
        SecondLevelModel(**options).fit(random_maps(), **fit_options)


def test_headers_tell_test_and_degrees_of_freedom():
    maps = random_maps(9)
    design = pd.DataFrame({"a": [1.0] * 5 + [0.0] * 4, "b": [0.0] * 5 + [1.0] * 4})
    model = SecondLevelModel().fit(maps, design_matrix=design)
    one, several = model.compute_contrast("a - b"), model.compute_contrast("a; b")
    assert one.header["descrip"].item() == b"z_score [t, dof 7] of a - b"
    assert several.header["descrip"].item() == b"z_score [F, 2 and dof 7] of a; b"
    assert (dof_of(one), is_f_map(one), is_f_map(several)) == (7.0, False, True)


def test_results_by_label_equal_the_model():
    rng = np.random.default_rng(0)
    maps = [nib.Nifti1Image(rng.normal(size=(3, 3, 3)), np.eye(4)) for _ in range(12)]
    design = pd.DataFrame({"age": rng.normal(size=12), "intercept": 1.0})
    model = SecondLevelModel().fit(maps, design_matrix=design)
    (result,) = model.results_.values()
    assert not model.labels_.any()
    contrast = model.contrast("age")
    np.testing.assert_allclose(result.Tcontrast([1, 0]).t, contrast.stat(), rtol=1e-9)
    np.testing.assert_allclose(result.theta[0], contrast.effect_size(), rtol=1e-9)
    assert result.df_residuals == 10
    for rows in ([1], [1, 0, 0], [[1], [0]]):
        with pytest.raises(ValueError, match="an F test of 2 columns has 2 weights in each row"):
            result.Fcontrast(rows)
    with pytest.raises(TypeError, match="confounds must be a pandas DataFrame"):
        SecondLevelModel().fit(maps, confounds=[])
    with pytest.raises(ValueError, match=r"column 'subject_label' of the confounds is empty in row 1"):
        SecondLevelModel().fit(maps, confounds=pd.DataFrame({"subject_label": ["a", None], "age": 1.0}), match="order")
    with pytest.raises(TypeError, match="a group needs two maps or more, and the list holds 1"):
        SecondLevelModel().fit(maps[:1])
    weighted = SecondLevelModel(estimator="fixed_effects").fit(
        maps, design_matrix=design, variance_maps=[nib.Nifti1Image(np.ones(img.shape), img.affine) for img in maps]
    )
    with pytest.raises(AttributeError, match="ordinary least squares"):
        weighted.results_  # noqa: B018


def test_a_masker_smooths_where_the_model_does_not():
    rng = np.random.default_rng(0)
    maps = [nib.Nifti1Image(rng.normal(size=(6, 6, 6)), np.eye(4)) for _ in range(8)]
    masker = NiftiMasker(nib.Nifti1Image(np.ones((6, 6, 6), np.uint8), np.eye(4)), smoothing_fwhm=3.0).fit()
    expected = SecondLevelModel(masker.mask_img_, smoothing_fwhm=3.0).fit(maps).compute_contrast().get_fdata()
    with pytest.warns(UserWarning, match=r"smoothing_fwhm=3\.0 is taken"):
        found = SecondLevelModel(masker).fit(maps).compute_contrast().get_fdata()
    np.testing.assert_array_equal(found, expected)
    with pytest.warns(UserWarning, match=r"smoothing_fwhm=3\.0 is taken"):
        permuted = non_parametric_inference(maps, mask=masker, n_perm=10, threshold=0.1)
    t = SecondLevelModel(masker.mask_img_, smoothing_fwhm=3.0).fit(maps).compute_contrast(output_type="stat")
    np.testing.assert_allclose(permuted["t"].get_fdata(), t.get_fdata())


@pytest.mark.parametrize("odd", [1, ["map", 2.0], len])
def test_what_is_no_map_is_said_with_its_place(odd):
    with pytest.raises(TypeError, match=r"in place 1 .*list of images, paths or fitted first-level models"):
        SecondLevelModel().fit(["one.nii", odd])


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_a_map_without_any_value_is_named(value):
    rng = np.random.default_rng(0)
    maps = [nib.Nifti1Image(rng.normal(size=(3, 3, 3)), np.eye(4)) for _ in range(4)]
    maps[2] = nib.Nifti1Image(np.full((3, 3, 3), value), np.eye(4))
    with pytest.raises(ValueError, match=r"map 3 .* holds nothing but NaN and zeros: leave it out"):
        SecondLevelModel().fit(maps, design_matrix=pd.DataFrame({"intercept": np.ones(4)}))
