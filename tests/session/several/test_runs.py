"""Several runs under one model: what is shared, what computes when, and the fixed effects against two estimators."""

import json
import warnings
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.datasets.simulate import simulate_run
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.inference.scores import z_from_t
from glmwidgets.models import FirstLevelModel
from glmwidgets.models.fixed_effects import compute_fixed_effects
from glmwidgets.runs.opening import open_run, open_runs
from glmwidgets.runs.reader import Reader
from glmwidgets.session.several.runs import RunSet, check_same_grid
from glmwidgets.session.several.store import load_runs, save_runs

# On the grid, as the two estimators make a design.
MODEL = {
    "noise.model": "ar1",
    "contrast.expression": "face - house",
    "design.confounds": None,
    "design.convolution": "grid",
}
ARGUMENTS = {"t_r": 2.0, "hrf_model": "spm", "noise_model": "ar1"}


@pytest.fixture
def runs(two_runs):
    """Two runs of which the first is looked at."""
    found = RunSet(two_runs, MODEL, synchronous=True)
    found.current.wake()
    yield found
    found.close()


def common_mask(two_runs):
    both = np.logical_and.reduce([np.asarray(run.mask_img.dataobj) > 0 for run in two_runs])
    return nib.Nifti1Image(both.astype(np.uint8), two_runs[0].img.affine)


def fitted(two_runs, **more):
    model = FirstLevelModel(**ARGUMENTS, mask_img=common_mask(two_runs), **more)
    return model.fit(
        [run.img for run in two_runs], [run.events for run in two_runs], [run.confounds for run in two_runs]
    )


def without(run, condition):
    return replace(run, events=run.events[run.events["trial_type"] != condition])


# The numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "more"),
    [
        ({}, {}),
        ({"noise.model": "ols"}, {"noise_model": "ols"}),
        ({"noise.pooling": "global"}, {"pooling": "global"}),
        ({"data.smoothing_fwhm": 5.0, "data.signal_scaling": "scan"}, {"smoothing_fwhm": 5.0, "signal_scaling": 1}),
    ],
)
def test_fixed_effects_are_those_of_the_estimator_to_the_last_bit(runs, two_runs, changes, more):
    runs.sessions[0].update(changes)
    runs.show(2)
    model = fitted(two_runs, **{key: value for key, value in more.items() if key != "noise_model"})
    if "noise_model" in more:
        model = FirstLevelModel(**{**ARGUMENTS, **more}, mask_img=common_mask(two_runs)).fit(
            [run.img for run in two_runs], [run.events for run in two_runs], [run.confounds for run in two_runs]
        )
    for expression in ("face - house", "face; house"):
        runs.fixed.update({"contrast.expression": expression})
        expected = model.contrast(expression, dof_method="satterthwaite")
        np.testing.assert_array_equal(runs.fixed.result.contrast.effect, expected.effect)
        np.testing.assert_array_equal(runs.fixed.result.z, expected.z_score())
        assert runs.fixed.result.contrast.dof == expected.dof


def test_masks_that_are_found_are_those_of_the_estimator():
    from glmwidgets.datasets import simulate_run

    found = [simulate_run("small", seed=seed) for seed in (1, 2)]
    opened = open_runs(found)
    with RunSetOf(opened, {"noise.model": "ar1", "data.smoothing_fwhm": 6.0}) as runs:
        runs.show(2)
        model = FirstLevelModel(**ARGUMENTS, smoothing_fwhm=6, convolution="exact").fit(
            [run.img for run in opened], [run.events for run in opened], [run.confounds for run in opened]
        )
        result = runs.fixed.result
        np.testing.assert_array_equal(result.mask, model.masker_.mask_)
        assert not np.array_equal(runs.sessions[0].analysis.graph.get("mask", runs.shared).mask, result.mask)
        np.testing.assert_array_equal(
            result.z, model.contrast(result.settings.contrast.expression, dof_method="satterthwaite").z_score()
        )


class RunSetOf:
    """A set that is closed after use."""

    def __init__(self, runs, settings=None):
        self.runs = RunSet(runs, settings, synchronous=True)

    def __enter__(self):
        self.runs.current.wake()
        return self.runs

    def __exit__(self, *_):
        self.runs.close()


def test_against_nilearn(runs, two_runs):
    nilearn = pytest.importorskip("nilearn.glm.first_level")
    runs.show(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = nilearn.FirstLevelModel(**ARGUMENTS, signal_scaling=0, mask_img=common_mask(two_runs))
        model.fit([run.img for run in two_runs], [run.events for run in two_runs], [run.confounds for run in two_runs])
        expected = model.compute_contrast("face - house").get_fdata()
    result = runs.fixed.result
    # Equal but for the rounding of sums, and for the degrees of freedom: nilearn adds those of the runs.
    np.testing.assert_allclose(
        z_from_t(result.contrast.stat(), sum(part.contrast.dof for part in result.parts)),
        expected[result.mask],
        atol=1e-6,
    )


def test_weighted_by_precision(runs, two_runs):
    runs.show(2)
    runs.fixed.update({"runs.weighting": "precision"})
    model = fitted(two_runs)
    each = [compute_contrast(fit, "face - house") for fit in model.fits_]
    images = {
        name: [model.masker_.inverse_transform(getattr(contrast, name)()) for contrast in each]
        for name in ("effect_size", "effect_variance")
    }
    expected = compute_fixed_effects(
        *images.values(),
        model.masker_.mask_img_,
        precision_weighted=True,
        dofs=[c.dof for c in each],
        dof_method="satterthwaite",
    )
    result = runs.fixed.result
    np.testing.assert_allclose(result.z, expected.z_score.get_fdata()[result.mask], rtol=1e-12)
    runs.fixed.update({"contrast.expression": "face; house"})
    assert "only effects of one row" in runs.fixed.status.message


def test_what_each_run_says_at_a_voxel(runs, two_runs):
    from scipy import stats

    runs.show(2)
    ijk = (3, 3, 2)
    here = runs.fixed.series(ijk)
    model = fitted(two_runs)
    voxel = runs.fixed.result.voxel(ijk)
    for row, fit in zip(here.runs, model.fits_, strict=True):
        contrast = compute_contrast(fit, "face - house")
        effect, sd = contrast.effect[0, voxel], np.sqrt(contrast.covariance[0, 0, voxel])
        low, high = stats.t.interval(0.95, contrast.dof, effect, sd)
        assert (row.effect, row.low, row.high) == pytest.approx((effect, low, high), rel=1e-10)
    assert here.combined.effect == pytest.approx(np.mean([row.effect for row in here.runs]), rel=1e-12)
    assert here.agreement.dof == 1
    assert runs.fixed.series((0, 0, 0)) is None


# What is shared -------------------------------------------------------------------------------------------------------


def test_only_what_is_shown_computes(runs):
    first, second = runs.sessions
    assert first.result is not None
    first.update({"design.hrf_model": "glover"})
    assert (second.result, runs.fixed.result) == (None, None)
    runs.show(1)
    assert second.is_current
    assert second.settings.design.hrf_model == "glover"
    runs.sessions[1].update({"noise.model": "ols"})
    assert first.settings.noise.model == "ar1"  # until it is its turn
    runs.show(0)
    assert first.settings.noise.model == "ols"
    assert first.is_current


def test_a_change_anywhere_is_one_of_all(runs):
    runs.show(2)
    runs.fixed.update({"contrast.expression": "house", "threshold.alpha": 0.01})
    runs.show(1)
    assert runs.sessions[1].settings.contrast.expression == "house"
    assert runs.sessions[1].settings.threshold.alpha == 0.01
    # One that nobody looks at may be changed, too.
    runs.sessions[0].update({"design.high_pass": 0.02})
    assert runs.sessions[1].settings.design.high_pass == 0.02
    assert runs.sessions[1].is_current


def test_events_stay_with_their_run(runs):
    runs.sessions[0].update({"events.shift": 1.0})
    runs.show(1)
    assert runs.sessions[1].settings.events.shift == 0
    runs.show(2)
    shifts = [json.loads(text)["events"]["shift"] for text in runs.fixed.settings.runs.models]
    assert shifts == [1.0, 0.0]


def test_a_run_with_a_model_of_its_own(runs, two_runs):
    runs.show(1)
    runs.unlink(1)
    runs.sessions[1].update({"data.drop_scans": 4})
    runs.show(0)
    assert runs.sessions[0].settings.data.drop_scans == 0
    runs.sessions[0].update({"design.hrf_model": "glover"})
    runs.show(1)
    assert runs.sessions[1].settings.design.hrf_model == "spm"
    runs.show(2)
    dofs = [answer.contrast.dof for answer in runs.fixed.result.parts]
    assert dofs[0] - dofs[1] == 4
    runs.link(1)
    assert runs.sessions[1].settings.data.drop_scans == 0
    assert runs.sessions[1].settings.design.hrf_model == "glover"
    assert [answer.contrast.dof for answer in runs.fixed.result.parts][1] == dofs[0]
    with pytest.raises(ValueError, match="only a run"):
        runs.unlink(2)


def test_undo_in_a_tab_is_a_change_for_all(runs):
    runs.sessions[0].update({"design.hrf_model": "glover"})
    runs.show(1)
    assert runs.sessions[1].settings.design.hrf_model != "spm"
    runs.sessions[1].undo()
    assert runs.sessions[1].settings.design.hrf_model == "spm"
    runs.show(0)
    assert runs.sessions[0].settings.design.hrf_model == "spm"
    runs.show(2)
    before = runs.fixed.settings
    runs.fixed.update({"runs.left_out": (1,)})
    assert len([a for a in runs.fixed.result.parts if not a.why_not]) == 1
    runs.fixed.undo()
    assert runs.fixed.settings == before
    assert not runs.fixed.steps.can_undo


def test_one_crosshair(runs):
    runs.sessions[0].move_to((3, 3, 3))
    runs.show(2)
    assert runs.fixed.cursor == (3, 3, 3)
    runs.fixed.move_to((4, 4, 2))
    runs.show(1)
    assert runs.sessions[1].cursor == (4, 4, 2)


def test_ticks_of_conditions_and_confounds_that_not_every_run_has(two_runs):
    two_runs[1] = replace(
        without(two_runs[1], "house"), confounds=two_runs[1].confounds.rename(columns={"rot_z": "spike_3"})
    )
    with RunSetOf(two_runs, {"contrast.expression": "face"}) as runs:
        runs.sessions[0].update({"design.conditions": ("house",)})
        runs.show(1)
        assert runs.sessions[1].settings.design.conditions == ()
        runs.sessions[1].update({"design.conditions": ("face",)})
        runs.show(0)
        assert runs.sessions[0].settings.design.conditions is None  # all that it has
        runs.sessions[0].update({"design.confounds": ("rot_z",)})
        runs.show(1)
        assert "rot_z" not in (runs.sessions[1].settings.design.confounds or ())
        assert runs.sessions[1].status.state == "idle"


def test_a_run_that_cannot_answer_is_left_out_with_words(two_runs):
    two_runs[1] = without(two_runs[1], "house")
    with RunSetOf(two_runs, MODEL) as runs:
        runs.show(2)
        result = runs.fixed.result
        assert result.warnings["run 2"][0].startswith("left out: no column named 'house'")
        alone = fitted(two_runs[:1])  # on its own mask
        inside = common_mask(two_runs).get_fdata()[result.mask] > 0
        assert inside.all()
        assert result.contrast.dof == alone.contrast("face - house").dof
        runs.fixed.update({"contrast.expression": "rubbish"})
        assert runs.fixed.status.stage == "contrast"
        assert "no column named 'rubbish'" in runs.fixed.status.message
        runs.fixed.update({"contrast.expression": "house", "runs.left_out": (1,)})
        assert runs.fixed.status.stage == "contrast"
        runs.fixed.update({"runs.left_out": (1, 2)})
        assert "every run is left out" in runs.fixed.status.message
        runs.fixed.update({"runs.left_out": (), "contrast.expression": "face"})
        assert runs.fixed.status.state == "idle"
        assert not any(answer.why_not for answer in runs.fixed.result.parts)


def test_a_design_that_cannot_be_made_names_the_run(runs):
    runs.show(2)
    runs.unlink(1)
    runs.sessions[1].update({"data.drop_scans": 79})
    assert runs.fixed.status.state == "error"
    assert runs.fixed.status.message.startswith("run 2: the first 79 scans cannot be left out")


def test_what_was_looked_at_is_counted_over_all(runs):
    runs.show(1)
    runs.show(2)
    assert (runs.n_models, runs.n_contrasts) == (3, 3)
    runs.fixed.update({"contrast.expression": "face"})
    assert (runs.n_models, runs.n_contrasts) == (3, 4)
    runs.show(0)
    assert runs.summary() == "3 models and 5 contrasts viewed, over 2 runs and their fixed effects"


def test_a_worker_computes_and_can_be_cancelled(two_runs):
    runs = RunSet(two_runs, MODEL)
    try:
        runs.current.wake()
        runs.show(2)
        assert runs.wait_until_idle(60)
        assert runs.fixed.is_current
        with runs.lock:
            runs.fixed.update({"contrast.expression": "face"})
            runs.fixed.cancel()
        assert runs.wait_until_idle(60)
        assert runs.fixed.status.state == "idle"
    finally:
        runs.close()


# In and out -----------------------------------------------------------------------------------------------------------


def test_grids_that_differ_are_told_with_the_runs(two_runs):
    other = replace(two_runs[1], reader=Reader(two_runs[1].img.slicer[:-1]), name="other")
    with pytest.raises(ValueError, match=r"run 1 \(run\) and run 2 \(other\) lie on different grids: shape \(10"):
        check_same_grid([two_runs[0], other])
    moved = two_runs[1].img.affine.copy()
    moved[0, 3] += 1
    other = replace(two_runs[1], reader=Reader(nib.Nifti1Image(np.asarray(two_runs[1].img.dataobj), moved)))
    with pytest.raises(ValueError, match="their voxels lie up to 1 mm apart"):
        RunSet([two_runs[0], other])
    with pytest.raises(ValueError, match="two runs or more"):
        RunSet(two_runs[:1])


@pytest.fixture
def on_disk(two_runs, tmp_path):
    opened = []
    for i, run in enumerate(two_runs):
        files = {name: tmp_path / f"{i}_{name}" for name in ("bold.nii.gz", "mask.nii.gz", "events.tsv", "conf.tsv")}
        nib.save(run.img, files["bold.nii.gz"])
        nib.save(run.mask_img, files["mask.nii.gz"])
        run.events.to_csv(files["events.tsv"], sep="\t", index=False)
        run.confounds.to_csv(files["conf.tsv"], sep="\t", index=False)
        opened.append(
            open_run(
                files["bold.nii.gz"],
                files["events.tsv"],
                2.0,
                confounds=files["conf.tsv"],
                mask=files["mask.nii.gz"],
            )
        )
    return opened


def test_save_and_load_all_runs(on_disk, tmp_path):
    path = tmp_path / "session.json"
    with RunSetOf(on_disk, MODEL) as runs:
        runs.sessions[0].update({"events.shift": 0.5})
        runs.unlink(1)
        runs.show(1)
        runs.sessions[1].update({"data.drop_scans": 2})
        runs.show(2)
        runs.fixed.update({"runs.weighting": "precision", "threshold.alpha": 0.01})
        runs.fixed.move_to((3, 4, 2))
        runs.fixed.update({"map.opacity": 0.5})
        save_runs(runs, path)
        expected, summary = runs.fixed.result, runs.summary()
    assert json.loads(path.read_text())["holds"] == "runs"
    again = load_runs(path, synchronous=True)
    assert (again.shown, again.own, again.fixed.cursor) == (2, (1,), (3, 4, 2))
    assert again.summary() == summary
    again.current.wake()
    np.testing.assert_array_equal(again.fixed.result.z, expected.z)
    assert again.fixed.result.threshold == expected.threshold
    assert again.fixed.settings == expected.settings.updated({"map.opacity": 0.5})
    again.show(1)
    assert again.sessions[1].settings.data.drop_scans == 2
    assert again.sessions[0].settings.events.shift == 0.5
    again.close()


def test_what_was_given_in_memory_is_asked_for(two_runs, tmp_path):
    path = tmp_path / "session.json"
    with RunSetOf(two_runs, MODEL) as runs:
        save_runs(runs, path)
    with pytest.raises(ValueError, match=r"bold and mask of run 1 .* bold=\[\.\.\.\]"):
        load_runs(path)
    given = {
        "bold": [run.img for run in two_runs],
        "events": [run.events for run in two_runs],
        "confounds": [run.confounds for run in two_runs],
        "mask": [run.mask_img for run in two_runs],
    }
    load_runs(path, **given).close()
    with pytest.raises(ValueError, match="bold: 1 entry for"):
        load_runs(path, **{**given, "bold": given["bold"][:1]})
    path.write_text(json.dumps({**json.loads(path.read_text()), "runs": [{}]}))
    with (
        pytest.warns(UserWarning, match=r"runs\[0\]\.settings: is missing"),
        pytest.raises(ValueError, match="does not say which image of run 1"),
    ):
        load_runs(path)


def test_a_run_whose_mask_has_grown_stays_on_the_voxels_that_all_have():
    """Two runs whose masks are the same, until one of them is found with another cut."""
    images = [simulate_run("small", n_scans=60, seed=0) for _ in range(2)]
    runs = RunSet([open_run(img) for img in images], {"noise.model": "ols"}, synchronous=True)
    runs.show(2)
    before = runs.fixed.result
    runs.unlink(1)
    runs.sessions[1].update({"data.mask_cut": 0.7})
    runs.fixed.follow()
    result = runs.fixed.result
    own = runs.fixed.analysis.analyses[1].voxels(runs.fixed.analysis.models(runs.fixed.settings)[1])
    assert runs.fixed.status.state == "idle"
    assert own.size > result.domain.size == before.domain.size
    np.testing.assert_array_equal(result.z, before.z)
    runs.close()
