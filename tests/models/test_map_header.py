"""What a map is stands in its header, is read from there, and thresholds are of what it is."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import glmwidgets as gw
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.inference.scores import z_from_t
from glmwidgets.images.statistic import Statistic, statistic_of
from glmwidgets.models import FirstLevelModel, SecondLevelModel, cluster_level_inference, threshold_stats_img
from glmwidgets.models.map_header import describe_map
from glmwidgets.report.exports.folder import write_result

A = np.diag([3.0, 3, 3, 1])


def image(values, descrip=b"", intent=None):
    img = nib.Nifti1Image(np.asarray(values, np.float32), A)
    img.header["descrip"] = descrip
    if intent:
        img.header.set_intent(*intent)
    return img


@pytest.mark.parametrize(
    ("descrip", "intent", "told"),
    [
        (b"SPM{T_[8.0]} - contrast 1: faces", None, Statistic("t", (8.0,))),
        (b"SPM{F_[2.0,73.0]} - contrast 2", None, Statistic("F", (2.0, 73.0))),
        (b"", ("t test", (8,)), Statistic("t", (8.0,))),
        (b"", ("f test", (2, 73)), Statistic("F", (2.0, 73.0))),
        (b"", ("t test", ()), Statistic("t")),
        (b"SPM{T_[8.0]}", ("t test", ()), Statistic("t", (8.0,))),
        (b"", ("z score",), Statistic("z")),
        (b"", ("p value",), Statistic("p")),
        (b"stat [t, dof 84] of a", None, Statistic("t", (84.0,))),
        (b"stat [F, 2 and dof 84] of a", None, Statistic("F", (2.0, 84.0))),
        (b"z_score [t, dof 84] of a", None, None),
        (b"FSL5.0", None, None),
        (b"", ("estimate",), None),
    ],
)
def test_statistic_that_a_header_tells(descrip, intent, told):
    assert statistic_of(image(np.zeros((1, 1, 1)), descrip, intent)) == told


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize(("kind", "told"), [("stat", "tF"), ("z_score", "z"), ("p_value", "p"), ("effect_size", None)])
def test_what_is_written_is_read(q, kind, told):
    contrast = Contrast(np.ones((q, 1)), np.eye(q)[:, :, None], 84.0, "t" if q == 1 else "F")
    img = image(np.zeros((1, 1, 1)))
    describe_map(img, kind, contrast, "faces")
    found = statistic_of(nib.Nifti1Image.from_bytes(img.to_bytes()))
    if told is None:
        assert found is None
    elif told == "tF":
        assert found == (("t", (84.0,)) if q == 1 else ("F", (2.0, 84.0)))
    else:
        assert found == (told, ())


def test_false_positives_of_a_t_map_are_those_that_were_asked_for():
    t = np.random.default_rng(0).standard_t(8, size=(40, 40, 40))
    img = image(t, b"SPM{T_[8.0]} - contrast 1: faces")
    with pytest.warns(UserWarning, match="map of t with 8 degrees of freedom by its header"):
        kept, threshold = threshold_stats_img(img, alpha=0.001, height_control="fpr")
    survive = kept.get_fdata() != 0
    assert np.array_equal(survive, np.abs(np.float32(t)) >= stats.t.isf(0.0005, 8))
    assert threshold == pytest.approx(stats.norm.isf(0.0005))
    np.testing.assert_allclose(kept.get_fdata()[survive], z_from_t(np.float32(t), 8)[survive], rtol=1e-6)
    assert np.mean(survive) < 0.002
    with pytest.warns(UserWarning, match="converted"):
        shares = cluster_level_inference(img, threshold=2.0)
    with pytest.warns(UserWarning, match="does not tell the degrees of freedom"):
        threshold_stats_img(image(t, intent=("t test", ())))
    assert shares.get_fdata().max() == 0


def test_f_maps_are_converted_and_p_maps_refused():
    f = np.random.default_rng(0).f(2, 30, size=(20, 20, 20))
    with pytest.warns(UserWarning, match="map of F with 2 and 30 degrees of freedom"):
        kept, _ = threshold_stats_img(image(f, intent=("f test", (2, 30))), alpha=0.001, two_sided=False)
    assert np.array_equal(kept.get_fdata() != 0, np.float32(f) >= stats.f.isf(0.001, 2, 30))
    with pytest.raises(ValueError, match="map of p values by its header"):
        threshold_stats_img(image(f, intent=("p value",)))


def test_a_given_threshold_is_in_the_units_of_the_map():
    kept, _ = threshold_stats_img(
        image([[[4.0, 2.0]]], b"SPM{T_[8.0]}"), height_control=None, threshold=3.0, two_sided=False
    )
    assert kept.get_fdata().ravel().tolist() == [4.0, 0.0]


@pytest.mark.parametrize("two_sided", [True, False])
def test_p_that_is_written_is_that_of_the_sides_that_were_asked_about(tmp_path, two_sided):
    data = np.random.default_rng(0).normal(1000, 10, (6, 6, 4, 60)).astype(np.float32)
    img = nib.Nifti1Image(data, A)
    img.header.set_zooms((3, 3, 3, 2.0))
    img.header.set_xyzt_units("mm", "sec")
    events = pd.DataFrame({"onset": np.arange(6, 110, 12.0), "duration": 4.0, "trial_type": "a"})
    run = gw.open_run(img, events, mask=nib.Nifti1Image(np.ones((6, 6, 4), np.uint8), A))
    analysis = gw.Analysis(run)
    settings = gw.Settings().updated(
        {
            "contrast.expression": "a",
            "threshold.height_control": "fpr",
            "threshold.alpha": 0.1,
            "threshold.two_sided": two_sided,
        }
    )
    result = analysis.result(settings)
    write_result(tmp_path / "out", run, result, analysis.clusters(settings))
    p = nib.load(tmp_path / "out" / "p.nii.gz")
    shown = 10.0 ** -result.statistics.show("p").values
    np.testing.assert_allclose(p.get_fdata()[result.mask], shown, rtol=1e-6)
    survive = (np.abs(result.z) if two_sided else result.z) >= result.threshold
    assert np.array_equal(p.get_fdata()[result.mask] <= 0.1, survive)
    assert bytes(p.header["descrip"]).startswith(b"p_value two-sided" if two_sided else b"p_value one-sided")
    assert statistic_of(p).kind == "p"
    assert statistic_of(nib.load(tmp_path / "out" / "t.nii.gz")) == ("t", (result.contrast.dof,))


def test_several_models_of_a_subject_need_a_design():
    img = nib.Nifti1Image(np.random.default_rng(0).normal(100, 5, (4, 4, 3, 40)).astype(np.float32), A)
    events = pd.DataFrame({"onset": [5.0, 35, 60], "duration": 5.0, "trial_type": "a"})
    whole = nib.Nifti1Image(np.ones((4, 4, 3), np.uint8), A)
    models = [FirstLevelModel(t_r=2.0, mask_img=whole, subject_label="s1").fit(img, events) for _ in range(4)]
    with pytest.raises(ValueError, match="two of the first-level models have the subject_label 's1': give a design"):
        SecondLevelModel().fit(models)
    design = pd.DataFrame({"first": [1.0, 0, 1, 0], "second": [0.0, 1, 0, 1]})
    assert SecondLevelModel().fit(models, design_matrix=design).design_matrix_.shape == (4, 2)


def test_a_session_that_has_computed_nothing_says_so():
    data = np.random.default_rng(0).normal(1000, 10, (4, 4, 3, 40)).astype(np.float32)
    session = gw.Session(gw.open_run(nib.Nifti1Image(data, A), t_r=2.0), synchronous=True)
    assert "nothing is computed yet" in session.status.message
    session.close()


def test_maps_that_can_only_be_of_p_are_doubted_where_z_is_asked_for():
    z = np.random.default_rng(0).normal(size=(8, 8, 8))
    shares = image(stats.norm.cdf(z))
    with pytest.warns(UserWarning, match="lie between 0 and 1, as p values and FSL's 1 - p"):
        threshold_stats_img(shares, alpha=0.05, height_control="fdr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        threshold_stats_img(shares, threshold=0.95, height_control=None, two_sided=False)
        threshold_stats_img(image(z), alpha=0.05, height_control="fdr")
