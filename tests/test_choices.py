"""A choice that a person adds to a table is told as it was made, wherever an analysis is told."""

import runpy

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.datasets.broken import broken_run
from glmwidgets.glm.design.drift import DRIFTS, Drift, drift_row
from glmwidgets.glm.design.matrix import make_first_level_design_matrix
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.partition import partition
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.group.fit import fit_group
from glmwidgets.glm.inference.heights import threshold_method
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.scaling import scaling_row
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.glm.noise.pooling import neighbour_matrix
from glmwidgets.glm.permutation.exchangeability import draw_rearrangements
from glmwidgets.glm.response.handles import GammaShape, dragged
from glmwidgets.images.clean import clean_series
from glmwidgets.images.resample import resample_img
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.models.permutation_inference import non_parametric_inference
from glmwidgets.models.second_level import SecondLevelModel
from glmwidgets.report.exports.script import write_script
from glmwidgets.report.exports.stats_model import write_stats_model
from glmwidgets.report.figures.cuts import find_cut_slices
from glmwidgets.report.page.methods import methods_text
from glmwidgets.report.page.subject import study_of_result
from glmwidgets.runs.bids_confounds import load_confounds
from glmwidgets.specification.words import describe_changes


def legendre(frame_times, high_pass, drift_order):
    """Legendre polynomials on the run, as docs/extending.md adds them."""
    x = np.interp(frame_times, [frame_times[0], frame_times[-1]], [-1, 1])
    return np.polynomial.legendre.legvander(x, drift_order)[:, 1:]


@pytest.fixture
def with_legendre(session):
    """A session whose drift is a row that was added."""
    DRIFTS["legendre"] = Drift(
        "legendre", "Legendre", "Legendre polynomials up to an order.", legendre, setting="drift_order"
    )
    before = session.settings
    assert session.update({"design.drift_model": "legendre", "design.drift_order": 3, "contrast.expression": "face"})
    yield session, before
    del DRIFTS["legendre"]


def test_its_columns_are_in_the_design(with_legendre):
    session, _ = with_legendre
    result = session.result
    assert [name for name in result.design.columns if name.startswith("drift")] == ["drift_1", "drift_2", "drift_3"]
    # An independent account of the space that the columns span: powers of time up to the third.
    powers = np.vander(np.linspace(-1, 1, len(result.design)), 4)
    drifts = result.design.filter(regex="drift|constant").to_numpy()
    assert np.linalg.matrix_rank(np.hstack([powers, drifts])) == 4


def test_the_ledger_says_what_changed(with_legendre):
    session, before = with_legendre
    assert "legendre" in describe_changes(session.settings, before).lower()


def test_the_methods_text_tells_of_it(with_legendre):
    session, _ = with_legendre
    methods = methods_text(study_of_result(session.analysis, session.result, session.clusters))
    assert "Legendre" in methods
    assert "No drift" not in methods


def test_the_script_repeats_the_map_bit_for_bit(with_legendre, tmp_path, monkeypatch):
    session, _ = with_legendre
    monkeypatch.chdir(tmp_path)  # results lie where a script is run
    path = write_script(session, tmp_path / "analysis.py")
    text = path.read_text()
    assert "drift_order=3" in text
    assert "DRIFTS['legendre']" in text  # what has to be added first, for a reader who has not
    runpy.run_path(str(path))
    z = np.asarray(nib.load(tmp_path / "analysis_results" / "face_z_score.nii.gz").dataobj)
    np.testing.assert_array_equal(z[session.result.mask], session.result.z)


def test_the_script_for_nilearn_brings_the_design(with_legendre, tmp_path, monkeypatch):
    session, _ = with_legendre
    monkeypatch.chdir(tmp_path)  # results lie where a script is run
    assert session.update({"noise.model": "ar1"})
    path = write_script(session, tmp_path / "theirs.py", "nilearn")
    assert "legendre" not in path.read_text().replace("Legendre", "").split("import", 1)[1]
    runpy.run_path(str(path))
    (written,) = (tmp_path / "theirs_results").glob("*z_score*")
    z = np.asarray(nib.load(written).dataobj)[session.result.mask]
    np.testing.assert_allclose(z, session.result.z, atol=1e-6)  # nilearn's AR(1), from the same design


def test_a_stats_model_says_what_it_cannot_hold(with_legendre, tmp_path):
    session, _ = with_legendre
    assert "legendre" in write_stats_model(tmp_path / "model-x_smdl.json", session).read_text().lower()


# Choices that nobody knows ------------------------------------------------------------------------------------------


def _refused(call, name, meant=None):
    """That a call is refused with the argument, what there is, and the nearest spelling."""
    with pytest.raises(ValueError, match=rf"^{name} must be .*, not ") as raised:
        call()
    if meant is not None:
        assert f"did you mean {meant!r}?" in str(raised.value)


def _maps(n=8):
    rng = np.random.default_rng(0)
    return [nib.Nifti1Image(rng.standard_normal((4, 4, 4)) + 1, np.eye(4)) for _ in range(n)]


@pytest.mark.parametrize(("stat_type", "meant"), [("T", "t"), ("f", "F"), ("foo", None), ("", None), (1, None)])
def test_a_test_of_an_unknown_kind_is_no_f_test(stat_type, meant):
    model = SecondLevelModel().fit(_maps())
    _refused(lambda: model.compute_contrast(second_level_stat_type=stat_type), "second_level_stat_type", meant)
    _refused(lambda: model.contrast(stat_type=stat_type), "stat_type", meant)
    _refused(
        lambda: non_parametric_inference(_maps(), second_level_stat_type=stat_type), "second_level_stat_type", meant
    )
    _refused(lambda: partition(np.ones((5, 1)), [1.0], stat_type), "stat_type", meant)
    _refused(lambda: Contrast(np.ones((1, 2)), np.ones((1, 1, 2)), 3.0, stat_type), "stat_type", meant)
    fit = fit_glm(Moments(np.random.default_rng(0).normal(size=(20, 3))), np.ones((20, 1)))
    _refused(lambda: compute_contrast(fit, [1.0], stat_type), "stat_type", meant)


def test_the_reference_refuses_an_unknown_kind_of_test_with_the_same_type():
    reference = pytest.importorskip("nilearn.glm.second_level").SecondLevelModel
    fitted = reference(mask_img=nib.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4))).fit(
        _maps(), design_matrix=pd.DataFrame({"intercept": np.ones(8)})
    )
    with pytest.raises(ValueError, match="foo"):
        fitted.compute_contrast(second_level_stat_type="foo")


def _runs(n):
    rng = np.random.default_rng(1)
    events = pd.DataFrame({"onset": [4.0, 30.0, 56.0, 82.0], "duration": 8.0, "trial_type": ["a", "b"] * 2})
    imgs = [nib.Nifti1Image((100 + rng.standard_normal((3, 3, 3, 50))).astype(np.float32), np.eye(4)) for _ in range(n)]
    return FirstLevelModel(t_r=2.0, mask_img=False, noise_model="ols").fit(imgs, [events] * n)


def test_two_contrasts_for_three_runs_are_no_f_test():
    model = _runs(3)
    n_columns = len(model.design_matrices_[0].columns)
    two = [np.eye(n_columns)[0], np.eye(n_columns)[1]]
    for given in (two, ["a", "b"], [list(row) for row in two]):
        with pytest.raises(ValueError, match="2 contrasts were given for 3 runs"):
            model.compute_contrast(given)
    one = model.compute_contrast(["a"], output_type="stat").get_fdata()
    np.testing.assert_array_equal(one, model.compute_contrast("a", output_type="stat").get_fdata())
    # The rows of an F test are asked for as what they are.
    asked = model.compute_contrast(np.array(two), output_type="stat").get_fdata()
    np.testing.assert_allclose(asked, model.compute_contrast("a; b", output_type="stat").get_fdata(), rtol=1e-10)


def test_a_choice_that_one_run_does_not_need_is_refused_all_the_same():
    model = _runs(1)
    _refused(lambda: model.compute_contrast("a", f_method="Wald"), "f_method", "wald")
    _refused(lambda: model.compute_contrast("a", missing="skpi"), "missing", "skip")
    _refused(lambda: model.compute_contrast("a", stat_type="T"), "stat_type", "t")
    _refused(lambda: model.compute_contrast("a", output_type="zscore"), "output_type", "z_score")


@pytest.mark.parametrize(
    ("call", "name", "meant"),
    [
        (lambda: drift_row("cosin"), "drift_model", "cosine"),
        (lambda: threshold_method("FDR"), "height_control", "fdr"),
        (lambda: Moments(np.ones((3, 2)), precision="float_32"), "precision", "float32"),
        (lambda: neighbour_matrix(np.ones((2, 2, 2), bool), 4), "connectivity", None),
        (lambda: fit_group(np.ones((3, 2)), np.ones((3, 1)), "OLS"), "estimator", "ols"),
        (lambda: draw_rearrangements(None, 5, scheme="signflip"), "scheme", "sign_flip"),
        (lambda: dragged(GammaShape(), "peek", 1.0, 1.0), "handle", "peak"),
        (lambda: make_first_level_design_matrix(np.arange(9.0), outside="Warn"), "outside", "warn"),
        (lambda: clean_series(np.ones((5, 2)), standardize="zscore"), "standardize", "zscore_sample"),
        (lambda: resample_img(_maps(1)[0], np.eye(3), interpolation="cubic"), "interpolation", None),
        (lambda: noise_model_row("AR1"), "noise_model", "ar1"),
        (lambda: scaling_row("voxels"), "signal_scaling", "voxel"),
        (lambda: find_cut_slices(_maps(1)[0], "X"), "direction", "x"),
        (lambda: load_confounds("confounds.tsv", "motions"), "strategy", "motion"),
        (lambda: broken_run("wrong tr"), "what", "wrong TR"),
    ],
)
def test_a_misspelt_choice_is_refused_with_the_nearest(call, name, meant):
    _refused(call, name, meant)
