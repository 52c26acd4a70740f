"""Controls in the folds: what the estimator has an argument for, the explorer has a control for."""

import sys
from operator import attrgetter

import numpy as np
import pytest

pytest.importorskip("anywidget")

from glmwidgets.datasets import simulate_run
from glmwidgets.models.first_level import FirstLevelModel
from glmwidgets.panels.explore import explore
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.report.exports.script import script_text
from glmwidgets.report.page.methods import methods_text


@pytest.fixture
def explorer(run):
    explorer = explore(run.img, run.events, 2.0, mask=False, settings={"noise.model": "ar1", "design.hrf_model": "spm"})
    assert explorer.session.wait_until_idle(60)
    yield explorer
    explorer.close()


def settle(explorer):
    assert explorer.session.wait_until_idle(60)
    assert explorer.session.status.state == "idle", explorer.session.status.message
    return explorer.session.result


def late(t_r, oversampling):
    times = np.arange(0, 24, t_r / oversampling)
    return times**6 * np.exp(-times) / 720


def test_bins_standardisation_and_the_whole_field_of_view_are_those_of_the_estimator(explorer, run):
    explorer.noise.more.value = explorer.data.more.value = True
    explorer.noise.bins.value = 5
    explorer.data.standardize.value = "zscore_sample"
    result = settle(explorer)
    assert explorer.data.whole_field.value
    assert result.unit == "sd × regressor"
    how = {"convolution": "exact", "signal_scaling": 0}
    model = FirstLevelModel(t_r=2.0, hrf_model="spm", mask_img=False, standardize="zscore_sample", **how)
    model.fit(run.img, run.events, bins=5)
    for kind in ("effect_size", "z_score"):
        expected = model.compute_contrast("face", output_type=kind).get_fdata()[result.mask]
        ours = result.z if kind == "z_score" else result.contrast.effect[0]
        np.testing.assert_allclose(ours, expected, atol=1e-9)
    assert len(np.unique(result.fit.parameters["rho"] * 5 % 1)) == 1  # multiples of a fifth
    text = script_text(explorer)
    assert all(each in text for each in ("standardize='zscore_sample'", "mask_img=False", "bins=5"))
    assert result.z.size == np.prod(run.domain.shape)
    explorer.noise.bins.value = 0  # each voxel its own
    assert explorer.session.settings.noise.bins is None
    settle(explorer)


def test_a_response_that_is_a_function(explorer, monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "late", late, raising=False)
    explorer.hrf.more.value = True
    explorer.hrf.function.value = "late"
    result = settle(explorer)
    assert "face_late" in result.design
    assert explorer.session.settings.contrast.expression == "face_late"
    held = explorer.hrf.model.value
    explorer.hrf.model.value = "glover"
    settle(explorer)
    assert explorer.session.settings.contrast.expression == "face"
    explorer.hrf.model.value = held
    assert "face_late" in settle(explorer).design
    explorer.session.update({"design.hrf_model": [late]})
    assert explorer.session.settings.design.hrf_model == held
    explorer.hrf.function.value = "no_such"
    assert "the notebook has no function 'no_such'" in explorer.session.status.message


def test_earliest_onset_and_distance_of_peaks(explorer):
    explorer.hrf.more.value = True
    explorer.hrf.min_onset.value = -4.0
    explorer.map.look.min_distance.value = 20.0
    settle(explorer)
    assert explorer.session.settings.design.min_onset == -4.0
    assert explorer.session.settings.threshold.min_distance == 20.0
    for words, path in (("earliest onset", "design.min_onset"), ("distance of peaks", "threshold.min_distance")):
        assert any(path in found.key for found in explorer.find(words)[:3])


def test_when_scans_were_taken(explorer, run):
    explorer.data.more.value = True
    assert (explorer.data.t_r.value, explorer.data.slice_time_ref.value) == (2.0, 0.0)
    explorer.data.slice_time_ref.value = 0.5
    explorer.data.t_r.value = 1.9
    result = settle(explorer)
    model = FirstLevelModel(t_r=1.9, slice_time_ref=0.5, hrf_model="spm", mask_img=False, convolution="exact")
    model.fit(run.img, run.events)
    np.testing.assert_array_equal(result.design.to_numpy(), model.design_matrices_[0].to_numpy())
    np.testing.assert_allclose(result.design.index, (np.arange(run.n_scans) + 0.5) * 1.9)
    np.testing.assert_allclose(result.z, model.compute_contrast("face").get_fdata()[result.mask], atol=1e-9)
    assert explorer.session.run.told_clock == "TR 1.9 s (set by hand)"
    assert "The time between scans was set to 1.9 s." in methods_text(explorer.study())
    assert "t_r=1.9," in script_text(explorer)
    explorer.undo.click()
    explorer.undo.click()
    assert settle(explorer).design.index[1] == 2.0
    assert explorer.data.t_r.value == 2.0


def test_controls_in_folds_are_made_when_they_are_opened(session):
    explorer = Explorer(session)
    for panel, name in ((explorer.noise, "bins"), (explorer.data, "standardize"), (explorer.hrf, "function")):
        assert name not in vars(panel)
        panel.more.value = True
        assert name in vars(panel)
    explorer.close()


#: What opens a fold, the control in it, what a person types, and what is found then.
IN_FOLDS = {
    "min_onset": ("hrf.more", "hrf.min_onset", "earliest onset", "type design.min_onset"),
    "min_distance": ("map.view", "map.look.min_distance", "distance of peaks", "type threshold.min_distance"),
    "slice_time_ref": ("data.more", "data.slice_time_ref", "time within a scan", "type data.slice_time_ref"),
    "t_r": ("data.more", "data.t_r", "time between scans", "type data.t_r"),
    "standardize": ("data.more", "data.standardize", "standardize", 'data.standardize = "zscore_sample"'),
    "hrf_model": ("hrf.more", "hrf.function", "function of the notebook", "panel hrf"),
    "mask_img": ("data.more", "data.whole_field", "whole field of view", "data.whole_field = true"),
    "bins": ("noise.more", "noise.bins", "bins", "type noise.bins"),
}


@pytest.fixture(scope="module")
def looked_at():
    simulated = simulate_run("small", shape=(14, 16, 12), n_scans=60)
    explorer = explore(simulated, settings={"noise.model": "ar1"})
    assert explorer.session.wait_until_idle(60)
    yield explorer
    explorer.close()


def within(box):
    """A box and all that it holds."""
    yield box
    for child in getattr(box, "children", ()):
        yield from within(child)


@pytest.mark.parametrize("argument", IN_FOLDS)
def test_an_argument_of_the_estimator_has_a_control_in_a_fold_that_is_found(looked_at, argument):
    fold, control, words, key = IN_FOLDS[argument]
    panel = getattr(looked_at, fold.partition(".")[0])
    looked_at.reveal(fold.partition(".")[0])
    attrgetter(fold)(looked_at).value = True
    assert attrgetter(control)(looked_at) in set(within(panel))
    assert key in [found.key for found in looked_at.find(words)[:3]]
