"""The live analysis of a group: against the scripted models, and with every kind of bad input."""

import json
import threading
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from glmwidgets.glm.fit.statistics import STATISTICS
from glmwidgets.models.permutation_inference import non_parametric_inference
from glmwidgets.models.second_level import SecondLevelModel
from glmwidgets.session.group import data
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.group.store import load_group_session, save_group_session
from glmwidgets.session.group.thumbnails import seen_from_above
from glmwidgets.specification.group import GroupSettings

SHAPE, AFFINE = (8, 9, 7), np.array([[-3.0, 0, 0, 12], [0, 3, 0, -12], [0, 0, 3, -9], [0, 0, 0, 1]])
AGES = [24, 31, 22, 45, 38, 29, 33, 51, 27, 40, 36, 30]


def maps_of(n=12, seed=0, effect=1.5):
    rng = np.random.default_rng(seed)
    added = np.zeros(SHAPE)
    added[2:5, 2:5, 2:5] = effect
    return [nib.Nifti1Image((added + rng.standard_normal(SHAPE)).astype(np.float32), AFFINE) for _ in range(n)]


def table_of(n=12):
    return pd.DataFrame(
        {
            "participant_id": [f"sub-{i + 1:02d}" for i in range(n)],
            "age": AGES[:n],
            "group": ["patient", "control"] * (n // 2),
            "scanner": ["A"] * n,
        }
    )


@pytest.fixture
def session():
    session = GroupSession(open_group(maps_of(), table_of(), match="order"), synchronous=True)
    session.refresh()
    yield session
    session.close()


def test_a_group_is_opened_with_what_can_be_modelled():
    group = open_group(maps_of(), table_of(), match="order")
    assert group.names == tuple(f"sub-{i + 1:02d}" for i in range(12))
    assert group.table.names == ("age", "group")
    assert group.table.kinds == ("number", "label")
    assert group.domain.size == np.prod(SHAPE)


def test_an_image_to_look_at_maps_on_is_made_beside_the_caller(tmp_path, monkeypatch):
    """A group is open before its background was read; what is wrong with it is told there, or where it is seen."""
    values = np.random.default_rng(1).random(SHAPE).astype(np.float32)
    nib.save(nib.Nifti1Image(values, AFFINE), tmp_path / "brain.nii.gz")
    go, read, readers = threading.Event(), data.image_data, []

    def slowly(img):
        readers.append(threading.current_thread())
        assert go.wait(20)
        return read(img)

    monkeypatch.setattr(data, "image_data", slowly)
    group = open_group(maps_of(), table_of(), match="order", background=tmp_path / "brain.nii.gz")
    usual = open_group(maps_of(), table_of(), match="order")
    go.set()
    np.testing.assert_array_equal(GroupSession(group, synchronous=True).analysis.background_image("mean"), values)
    size = np.sqrt(np.mean([np.abs(img.get_fdata()) for img in maps_of()], axis=0))
    np.testing.assert_allclose(usual.background, size, rtol=1e-6)  # single precision
    assert usual.background is usual.background
    assert threading.current_thread() not in readers
    with pytest.raises(FileNotFoundError, match=r"none\.nii"):
        open_group(maps_of(), background=tmp_path / "none.nii")
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "brain.nii.gz").read_bytes()[:1500])
    broken = open_group(maps_of(), background=tmp_path / "cut.nii.gz")
    with pytest.raises((ValueError, OSError), match=r"cut\.nii"):
        _ = broken.background


def test_what_a_column_is_follows_from_its_cells_as_a_whole():
    frame = table_of().assign(
        age=["89+", *map(str, AGES[1:])], site=[1, 2, 3] * 4, dose=[0.5, 1.0, 1.5] * 4, code=["01", "02"] * 6
    )
    group = open_group(maps_of(), frame, match="order")
    assert dict(zip(group.table.names, group.table.kinds, strict=True)) == {
        "age": "number",
        "group": "label",
        "site": "label",
        "dose": "number",
        "code": "label",
    }
    assert group.table.column("age").cells[0] == "89+"
    told = open_group(maps_of(), frame, match="order", kinds={"site": "number"})
    assert told.table.kinds[told.table.names.index("site")] == "number"
    with pytest.raises(ValueError, match="kinds names 'iq', which is not a column"):
        open_group(maps_of(), frame, match="order", kinds={"iq": "number"})


@pytest.mark.parametrize("estimator", [False, True])
def test_maps_of_statistics_and_in_other_units_are_said_at_every_door(estimator):
    def heard(maps):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if estimator:
                SecondLevelModel().fit(maps).compute_contrast("intercept")
                return " ".join(str(one.message) for one in caught)
            session = GroupSession(open_group(maps), synchronous=True)
            session.refresh()
            said = [text for texts in session.result.warnings.values() for text in texts]
            session.close()
            return " ".join(said)

    assert "map" not in heard(maps_of())
    of_t = maps_of()
    of_t[3].header.set_intent("t test", (70,))
    assert "is a map of t by its header: a group's model is of effects (con, cope)" in heard(of_t)
    scaled = maps_of()
    scaled[5] = nib.Nifti1Image(1000 * scaled[5].get_fdata(), AFFINE)
    assert "00 times as large as those of most maps" in heard(scaled)


def test_rows_of_files_in_folders_that_name_subjects_are_told(tmp_path):
    for i, img in enumerate(maps_of(4)):
        (tmp_path / f"sub-{i + 1}").mkdir()
        nib.save(img, tmp_path / f"sub-{i + 1}" / "con_0001.nii")
    paths = sorted(tmp_path.glob("sub-*/con_0001.nii"))[::-1]
    with pytest.warns(UserWarning, match="8 rows without a map are left out: sub-05, "):
        group = open_group(paths, table_of())
    assert group.table.rows == ("sub-04", "sub-03", "sub-02", "sub-01")
    assert group.table.column("age").cells == tuple(map(str, AGES[3::-1]))
    assert group.table.matched.startswith("rows are matched by participant_id")


def test_rows_find_their_maps_by_the_names_of_files(tmp_path):
    paths = []
    for i, img in enumerate(maps_of()):
        paths.append(tmp_path / f"con_sub-{i + 1:02d}_x.nii.gz")
        nib.save(img, paths[-1])
    group = open_group(paths[::-1], table_of())
    assert group.names[0] == "sub-12"
    assert group.table.column("age").cells[0] == "30"
    assert group.inputs.maps[0].endswith("con_sub-12_x.nii.gz")


@pytest.mark.parametrize(
    ("test", "design", "contrast"),
    [
        ("one_sample", {"intercept": np.ones(12)}, "intercept"),
        ("two_samples", {"p": [1.0, 0.0] * 6, "c": [0.0, 1.0] * 6}, "c - p"),
        ("regression", {"age": np.array(AGES, float), "intercept": np.ones(12)}, "age"),
    ],
)
def test_a_test_at_a_click_is_that_of_the_scripted_model(session, test, design, contrast):
    assert session.ask(test), session.status.message
    expected = SecondLevelModel().fit(maps_of(), design_matrix=pd.DataFrame(design)).compute_contrast(contrast)
    np.testing.assert_allclose(session.result.z_map, expected.get_fdata(), atol=1e-5)  # kept in single precision
    assert session.is_current
    assert session.undo() == (test != "one_sample")


def test_paired_test_needs_pairs_and_is_that_of_differences():
    before, after = maps_of(6, 1, 0.0), maps_of(6, 2, 2.0)
    frame = pd.DataFrame({"subject_label": [*range(6)] * 2, "time": ["before"] * 6 + ["after"] * 6})
    session = GroupSession(open_group(before + after, frame, match="order"), synchronous=True)
    assert session.ask("paired"), session.status.message
    assert session.settings.contrast.expression == "after - before"
    differences = np.array([a.get_fdata() - b.get_fdata() for a, b in zip(after, before, strict=True)])
    expected = stats.ttest_1samp(differences, 0).statistic
    np.testing.assert_allclose(session.result.contrast.stat().reshape(SHAPE), expected, rtol=1e-6)
    # Without subjects in the model the screen says what is wrong with it.
    session.ask("two_samples")
    assert "take subject_label into the model" in str(session.result.warnings["design"])
    session.ask("paired")
    session.update({"permutation.n_perm": 100, "permutation.forming": 0.0})
    session.permute()
    assert session.permuted.result.exact
    assert session.permuted.result.n_perm == 2**6 - 1


def test_fit_serves_every_contrast_and_smoothing_reads_maps_once_more(session):
    session.ask("two_samples")
    session.update({"contrast.expression": "patient"})
    assert "fit" not in session.status.timings
    assert "contrast" in session.status.timings
    session.update({"threshold.value": 4.0, "threshold.height_control": "fixed"})
    assert "contrast" not in session.status.timings
    session.update({"data.smoothing_fwhm": 6.0})
    model = SecondLevelModel(smoothing_fwhm=6.0).fit(
        maps_of(), design_matrix=pd.DataFrame({"p": [1.0, 0.0] * 6, "c": [0.0, 1.0] * 6})
    )
    np.testing.assert_allclose(session.result.z_map, model.compute_contrast("p").get_fdata(), atol=1e-5)


def test_a_picked_covariate_changes_the_map_and_keeps_a_contrast_that_can_be_read(session):
    before = session.result.z
    session.take_terms(["age"])
    assert session.settings.contrast.expression == "intercept"
    assert not np.array_equal(session.result.z, before)
    session.take_terms(["age", "group"])
    # There is no intercept beside groups: the newest term is asked about.
    assert session.settings.contrast.expression == "control - patient"
    assert session.status.state == "idle"
    session.undo()
    assert session.settings.design.terms == ("age",)


def test_a_map_that_is_left_out_is_not_fitted(session):
    session.update({"data.left_out": ("sub-03",)})
    kept = [img for i, img in enumerate(maps_of()) if i != 2]
    expected = SecondLevelModel().fit(kept, design_matrix=pd.DataFrame({"intercept": np.ones(11)}))
    np.testing.assert_allclose(session.result.z_map, expected.compute_contrast("intercept").get_fdata(), atol=1e-5)
    assert session.values("").names == tuple(n for n in session.settings.table.maps if n != "sub-03")


# Values at the crosshair ----------------------------------------------------------------------------------------------


def test_line_and_band_are_those_of_a_regression(session):
    session.ask("regression")
    values = session.values()
    y = np.array([img.get_fdata()[session.cursor] for img in maps_of()])
    np.testing.assert_allclose(values.y, y, rtol=1e-6)
    np.testing.assert_array_equal(values.x, AGES)
    fitted = stats.linregress(AGES, y)
    np.testing.assert_allclose(values.line[1], fitted.intercept + fitted.slope * values.line[0], rtol=1e-5)
    # The interval of the mean at the ends: s sqrt(1/n + (x - mean)^2 / Sxx) t.
    x = np.array(AGES, float)
    rest = y - fitted.intercept - fitted.slope * x
    spread = np.sqrt((rest**2).sum() / 10 * (1 / 12 + (x.min() - x.mean()) ** 2 / ((x - x.mean()) ** 2).sum()))
    np.testing.assert_allclose(values.line[1, 0] - values.line[2, 0], stats.t.ppf(0.975, 10) * spread, rtol=1e-5)
    assert values.adjusted == ()


def test_means_and_intervals_of_groups_are_those_of_the_pooled_t(session):
    session.ask("two_samples")
    values = session.values()
    y = np.array([img.get_fdata()[session.cursor] for img in maps_of()])
    assert values.ticks == ("control", "patient")
    np.testing.assert_allclose(values.line[1], [y[1::2].mean(), y[::2].mean()], rtol=1e-6)
    pooled = np.sqrt((y[::2].var(ddof=1) + y[1::2].var(ddof=1)) / 2 / 6)
    np.testing.assert_allclose(values.line[3] - values.line[1], stats.t.ppf(0.975, 10) * pooled, rtol=1e-6)
    assert (np.rint(values.x) == [1, 0] * 6).all()


def test_values_are_adjusted_for_what_else_is_modelled(session):
    session.take_terms(["age", "group"])
    values = session.values("age")
    assert values.adjusted == ("group",)
    y = np.array([img.get_fdata()[session.cursor] for img in maps_of()])
    x = np.c_[np.array(AGES, float) - np.mean(AGES), [1.0, 0.0] * 6, [0.0, 1.0] * 6]
    beta = np.linalg.lstsq(x, y, rcond=None)[0]
    others = x.copy()
    others[:, 1:] = others[:, 1:].mean(axis=0)
    np.testing.assert_allclose(values.y, y - x @ beta + others @ beta, rtol=1e-5, atol=1e-6)
    session.ask("one_sample")
    raw = session.values("age")
    assert raw.line.size == 0
    np.testing.assert_allclose(raw.y, y, rtol=1e-6)


# Permutations ---------------------------------------------------------------------------------------------------------


def permute(session, **changes):
    session.update({f"permutation.{name}": value for name, value in changes.items()})
    session.permute()


def test_the_final_null_is_that_of_the_scripted_test(session):
    session.ask("regression")
    seen = []
    session.observe(lambda change: seen.append(change["new"]), "permuted")
    session.every = 0.0
    permute(session, n_perm=200, seed=7, forming=0.01, tfce=True, discoveries=True)
    design = pd.DataFrame({"age": np.array(AGES, float) - np.mean(AGES), "intercept": 1.0})
    scripted = non_parametric_inference(
        maps_of(),
        design_matrix=design,
        second_level_contrast="age",
        n_perm=200,
        random_state=7,
        threshold=0.01,
        tfce=True,
        true_discoveries=True,
        two_sided_test=True,
    )
    assert session.permuted.state == "done"
    np.testing.assert_array_equal(session.permuted.result.lines, scripted.result.lines)
    for name, null in scripted.result.null.items():
        np.testing.assert_array_equal(session.permuted.result.null[name], null)
        shown = scripted[f"logp_max_{name}"].get_fdata().ravel()
        np.testing.assert_array_equal(session.permuted.logp(name), shown)
    assert [p.state for p in seen if p] == ["running"] * (len(seen) - 1) + ["done"]
    assert [p.result.n_done for p in seen] == sorted(p.result.n_done for p in seen)
    assert len(seen) > 5


def test_the_height_in_z_marks_the_same_voxels(session):
    permute(session, n_perm=300, forming=0.0)
    height = session.permuted.height_in_z(0.05)
    # The cut-off is exceeded; a p of alpha is reached by it.
    over = np.count_nonzero(np.abs(session.result.z) > height * (1 - 1e-12))
    assert over == session.permuted.n_significant("t", 0.05)


def test_a_cancelled_test_keeps_what_it_has(session):
    stop = []

    def look(change):
        if change["new"].result.n_done >= 64 and not stop:
            stop.append(True)
            session.stop_permuting()

    session.every = 0.0
    session.observe(look, "permuted")
    permute(session, n_perm=4000, forming=0.0)
    assert session.permuted.state == "cancelled"
    assert 64 <= session.permuted.result.n_done < 4000
    assert not session.is_permuting


def test_a_test_of_another_model_is_not_shown_and_comes_back(session):
    permute(session, n_perm=100, forming=0.0)
    done = session.permuted
    session.ask("regression")
    assert session.permuted is None
    session.undo()
    assert session.permuted is done
    session.update({"threshold.height_control": "fdr", "permutation.alpha": 0.01})
    assert session.permuted is done
    session.update({"threshold.two_sided": False})
    assert session.permuted is None


def test_a_running_test_is_stopped_by_a_change_of_model_and_the_map_does_not_wait():
    session = GroupSession(open_group(maps_of(14), subjects=[f"s{i}" for i in range(14)]))
    session.refresh()
    assert session.wait_until_idle(60)
    started, seen = threading.Event(), []
    session.every = 0.0
    session.observe(lambda change: (seen.append(change["new"]), started.set()), "permuted")
    session.update({"permutation.n_perm": 16000, "permutation.tfce": True})
    session.permute()
    assert started.wait(60)
    session.update({"data.left_out": ("s3",)})
    assert session.wait_until_idle(60)
    assert not session.is_permuting
    assert session.permuted is None
    assert session.is_current
    session.close()


# Bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "stage", "message"),
    [
        ({"contrast.expression": "iq"}, "contrast", "no column named 'iq'"),
        ({"design.terms": ("iq",)}, "design", "no column 'iq'"),
        (
            {"table.cells": (("89+", *map(str, AGES[1:])), ("a", "b") * 6), "design.terms": ("age",)},
            "design",
            "age of sub-01 is '89+', which is not a number: type one",
        ),
        ({"table.cells": (tuple("abcdefghijkl"), ("a", "b") * 6)}, "table.cells", "age holds no number ('a', "),
        (
            {"data.left_out": tuple(f"sub-{i + 1:02d}" for i in range(2, 12)), "design.terms": ("age",)},
            "design",
            "too few for the 2 columns",
        ),
        (
            {"contrast.expression": "age"},
            "contrast",
            "age is in the table and not in the design; tick age in the design",
        ),
        (
            {"contrast.expression": "patient - control"},
            "contrast",
            "group is in the table and not in the design; tick group in the design",
        ),
        (
            {"table.cells": (("", *map(str, AGES[1:])), ("a", "b") * 6), "design.terms": ("age",)},
            "design",
            "sub-01 has no age",
        ),
    ],
)
def test_what_cannot_be_is_said_and_the_last_good_result_stays(session, changes, stage, message):
    before = session.result
    session.update(changes)
    assert session.status.state == "error"
    assert session.status.stage == stage
    assert message in session.status.message
    assert session.result is before


def test_a_rank_deficient_design_is_warned_of_and_what_it_cannot_tell_is_said(session):
    again = pd.DataFrame({"years": [float(age) / 2 for age in AGES]})
    assert session.add_covariates(again)
    session.update({"design.terms": ("age", "years"), "contrast.expression": "intercept"})
    assert "combinations of each other (age, years)" in str(session.result.warnings["design"])
    before = session.result
    session.update({"contrast.expression": "age"})
    assert "not estimable" in session.status.message
    assert session.result is before


def test_covariates_are_matched_by_subject_and_a_subject_twice_is_refused(session):
    more = pd.DataFrame({"subject_label": [f"sub-{i + 1:02d}" for i in range(12)][::-1], "iq": np.arange(12)})
    assert session.add_covariates(more)
    assert session.settings.table.column("iq").cells == tuple(str(i) for i in range(12))[::-1]
    assert not session.add_covariates(pd.concat([more, more.iloc[:1]]))
    assert "'sub-12' more than once" in session.status.message
    assert not session.add_covariates(more.iloc[:5])
    assert "no row for 'sub-01'" in session.status.message


@pytest.mark.parametrize(("test", "message"), [("paired", "two maps of every subject"), ("two_samples", "two groups")])
def test_a_test_that_the_table_cannot_serve_says_what_it_needs(test, message):
    session = GroupSession(open_group(maps_of(4)), synchronous=True)
    session.refresh()
    assert not session.ask(test)
    assert message in session.status.message
    assert session.result is not None


@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_contrast_is_refused_and_the_last_map_stays(session, blank, caplog):
    before = session.result
    session.update({"contrast.expression": blank})
    assert "the contrast is empty" in session.status.message
    assert session.result is before
    assert session.status.suggestion == "intercept"
    session.update({"threshold.alpha": 0.01})
    assert "the contrast is empty" in session.status.message
    assert not caplog.records


def test_maps_that_do_not_fit_are_named(tmp_path):
    other = nib.Nifti1Image(np.ones((5, 5, 5), np.float32), np.eye(4))
    nib.save(other, tmp_path / "odd.nii.gz")
    with pytest.raises(ValueError, match=r"map 5 .*odd.nii.gz"):
        open_group([*maps_of(4), tmp_path / "odd.nii.gz"])
    assert open_group([*maps_of(4), other], resample=True).domain.shape == SHAPE
    one = tmp_path / "one.nii.gz"
    nib.save(maps_of(1)[0], one)
    with pytest.raises(ValueError, match=r"one.nii.gz was given more than once"):
        open_group([one, one])
    with pytest.raises(ValueError, match="'sub-01' has more than one map"):
        open_group(
            maps_of(),
            table_of().assign(participant_id=["sub-01"] * 2 + [f"s{i}" for i in range(10)]).drop(columns="group"),
            match="order",
        )
    with pytest.raises(ValueError, match="11 rows and there are 12 maps"):
        open_group(maps_of(), table_of().iloc[:11], match="order")


def test_voxels_that_a_map_lacks_are_left_out_and_said_with_its_name():
    maps = maps_of(5)
    data = maps[3].get_fdata().copy()
    data[2, 2, 2] = np.nan
    maps[3] = nib.Nifti1Image(data, AFFINE)
    mask = nib.Nifti1Image(np.ones(SHAPE, np.uint8), AFFINE)
    session = GroupSession(open_group(maps, mask=mask, subjects=list("abcde")), synchronous=True)
    session.refresh()
    assert session.result.z_map[2, 2, 2] == 0
    assert "1 of 504 voxels in the mask are left out, as they are 0 or not finite in d" in str(session.result.warnings)
    assert np.count_nonzero(session.result.z_map == 0) == 1


# Files ----------------------------------------------------------------------------------------------------------------


# Of every choice of how a map is looked at another than the usual one.
LOOKED_AT = {
    "statistic": "effect",
    "limit": 2.5,
    "background": "first",
    "underlay": "t1.nii.gz",
    "contour": "other_z.nii.gz",
    "contour_level": 4.0,
    "zoom": (2.0, 0.0, 0.0, 0.0),
    "room": "map",
    "signs": "positive",
    "compare": "off",
    "difference": "aicc",
    "convention": "radiological",
    "view": "mosaic",
    "cut_axes": "zyx",
    "n_cuts": 4,
    "colormap": "orange-purple",
    "sequential": "cividis",
    "opacity": 0.5,
    "fade_below": False,
    "show_outline": False,
    "show_mask": True,
}


def test_no_choice_is_forgotten_here():
    usual = GroupSettings().map
    assert set(LOOKED_AT) == set(vars(usual))
    assert all(getattr(usual, name) != value for name, value in LOOKED_AT.items())


def saved(tmp_path, session):
    return save_group_session(session, tmp_path / "group.json")


def test_a_saved_session_brings_back_the_same_maps(tmp_path, session):
    session.ask("two_samples")
    session.move_to((1, 2, 3))
    for name, value in LOOKED_AT.items():
        assert session.update({f"map.{name}": value}), session.status.message
    path = saved(tmp_path, session)
    again = load_group_session(path, maps_of(), synchronous=True)
    again.refresh()
    assert again.settings == session.settings
    assert {name: getattr(again.settings.map, name) for name in LOOKED_AT} == LOOKED_AT
    assert again.cursor == (1, 2, 3)
    np.testing.assert_array_equal(again.result.z, session.result.z)


def test_files_that_are_no_session_are_refused_in_words(tmp_path, session):
    path = saved(tmp_path, session)
    with pytest.raises(ValueError, match="given in memory"):
        load_group_session(path)
    with pytest.raises(FileNotFoundError, match="no session file"):
        load_group_session(tmp_path / "none.json")
    tree = json.loads(path.read_text())
    path.write_text(json.dumps({**tree, "settings": {"design": {"formula": "age"}}}))
    with pytest.warns(UserWarning, match=r"settings\.design\.formula \('age'\): there is no such setting"):
        load_group_session(path, maps_of())
    path.write_text("{}")
    with pytest.raises(ValueError, match="not a saved session"):
        load_group_session(path)


def test_settings_are_a_tree_that_json_can_hold(session):
    session.ask("two_samples")
    text = session.settings.to_json()
    assert GroupSettings.from_json(text) == session.settings
    assert "permutation" not in session.settings.to_dict(views=False)


# What the screen shows of them ----------------------------------------------------------------------------------------


def test_pictures_are_what_is_strongest_on_each_line_from_above(session):
    mask = session.domain.mask.copy()
    mask[0] = mask[:, 0] = False
    mask[3, 4] = False
    values = np.stack([img.get_fdata()[mask] for img in maps_of(3)])
    seen = seen_from_above(values, session.domain.within(mask))
    for img, picture in zip(maps_of(3), seen, strict=True):
        volume = np.where(mask, img.get_fdata(), 0)[::-1]  # left to right: x of this affine falls
        strongest = np.take_along_axis(volume, np.abs(volume).argmax(axis=2)[..., None], axis=2)[..., 0]
        expected = np.where(mask[::-1].any(axis=2), strongest, np.nan)[:-1, 1:]
        np.testing.assert_allclose(picture, expected.T[::-1], rtol=1e-6)


def test_statistics_of_the_map_are_those_of_the_scripted_model(session):
    session.ask("regression")
    design = pd.DataFrame({"age": np.array(AGES, float), "intercept": 1.0})
    model = SecondLevelModel().fit(maps_of(), design_matrix=design)
    maps = model.compute_contrast("age", output_type="all")
    book, inside = session.result.statistics, session.domain.mask
    for name, img in (("stat", maps["stat"]), ("effect", maps["effect_size"]), ("r_square", model.r_square)):
        np.testing.assert_allclose(book.show(name).values, img.get_fdata()[inside], atol=1e-5, err_msg=name)
    residuals = model.residuals.get_fdata()[inside]
    np.testing.assert_allclose(book.show("residual_sd").values, np.sqrt((residuals**2).sum(axis=1) / 10), atol=1e-5)
    assert set(session.analysis.statistics) <= set(STATISTICS)


def test_the_share_explained_at_a_voxel_is_that_of_the_map(session):
    session.update({"design.terms": ("age",), "data.left_out": ("sub-03",)})
    result = session.result
    assert result.fitted.values.shape[0] == 11
    shown = result.statistics.show("r_square").values
    for ijk in ((2, 2, 2), (0, 0, 0), (7, 8, 6)):
        assert session.series(ijk).statistics["r_square"] == pytest.approx(shown[result.voxel(ijk)], rel=1e-12)


@pytest.mark.parametrize("name", ["rho", "tsnr"])
def test_maps_have_no_statistic_of_series(session, name):
    assert name not in session.analysis.statistics
    shown = session.result.statistics.show(name)
    assert (shown.name, shown.why_not) == ("z", "maps of a group have no series; z is shown")
