"""Runs with something wrong: what is wrong shows where it is said to show, and mending it mends it."""

import numpy as np
import pytest

from glmwidgets.datasets.broken import BROKEN, broken_run
from glmwidgets.glm.design.collinearity import contrast_inflation
from glmwidgets.glm.events.edits import shift_onsets
from glmwidgets.glm.fit.whiteness import residual_whiteness
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session

TASKS = "faces; houses; motor_left; motor_right; tones"


def fitted(run, changes=(), **inputs):
    """Result of a run as it would be modelled, with some things changed."""
    given = {"events": run.events, "t_r": run.t_r, "confounds": run.confounds, **inputs}
    settings = {**run.settings, "contrast.expression": TASKS, **dict(changes)}
    session = Session(open_run(run.img, **given), settings, synchronous=True)
    session.refresh()
    assert session.result is not None, session.status.message
    return session.result


def strongest(run, result):
    """Voxels of the mask that truly answer with more than one percent, and those that do not answer at all."""
    effect = np.max([np.abs(beta) for beta in run.truth.betas.values()], axis=0)[result.mask]
    return effect > 1, effect == 0


def found(run, result):
    """Mean z of the F test where there is much to find."""
    return result.z[strongest(run, result)[0]].mean()


def false_rate(run, result):
    """Share of p < .05 where there is nothing to find."""
    return np.mean(result.z[strongest(run, result)[1]] > 1.645)


@pytest.fixture(scope="module")
def sound():
    run = broken_run("nothing")
    return run, fitted(run)


def delays(run, result):
    """By third of the run: by how many scans the visual cortex follows the model of pictures."""
    seen = np.abs(run.truth.betas["faces"])[result.mask] > 1.5
    series = result.fit.data(np.flatnonzero(seen)).mean(axis=1)
    model = result.design[["faces", "houses"]].sum(axis=1).to_numpy()
    slow = result.design.filter(regex="drift|constant").to_numpy()
    series, model = (v - slow @ np.linalg.lstsq(slow, v, rcond=None)[0] for v in (series, model))
    lags = range(-5, 6)
    best = []
    for third in np.array_split(np.arange(5, len(series) - 5), 3):
        correlation = [np.corrcoef(series[third + lag], model[third])[0, 1] for lag in lags]
        best.append(lags[int(np.argmax(correlation))])
    return best


def test_the_sound_run_is_sound(sound):
    run, result = sound
    assert run.was == ""
    assert found(run, result) > 3
    assert false_rate(run, result) < 0.09
    assert residual_whiteness(result.fit, run.t_r).white
    assert delays(run, result) == [0, 0, 0]


def test_late_triggers_are_late_by_the_same_all_along():
    run = broken_run("late triggers")
    result = fitted(run)
    assert set(delays(run, result)) <= {2, 3}  # 5 s of 2 s scans
    shifts = (0.0, 2.5, 5.0, 7.5)
    by_shift = [found(run, fitted(run, events=shift_onsets(run.events, s))) for s in shifts]
    assert shifts[int(np.argmax(by_shift))] == run.mended["onset"]
    assert by_shift[2] > by_shift[0] + 2


def test_a_wrong_t_r_grows_along_the_run():
    run = broken_run("wrong TR")
    result = fitted(run)
    first, second, third = delays(run, result)
    assert first == 0 < second < third
    assert run.img.header.get_zooms()[3] == pytest.approx(run.t_r)
    run.img.header.set_zooms((*run.img.header.get_zooms()[:3], run.mended["t_r"]))
    assert found(run, fitted(run, t_r=run.mended["t_r"])) > found(run, result) + 2


def test_motion_locked_to_the_task_activates_edges_until_it_is_modelled(sound):
    run = broken_run("motion locked to the task")
    result, mended = fitted(run), fitted(run, run.mended)
    assert false_rate(run, result) > 3 * false_rate(*sound)
    assert false_rate(run, mended) < 0.1
    press = result.design["motor_right"]
    assert max(abs(np.corrcoef(press, run.confounds[name])[0, 1]) for name in ("trans_z", "rot_x")) > 0.7
    # the price: what the motion explains is no longer evidence for the button
    weights = np.zeros((1, mended.design.shape[1]))
    weights[0, mended.design.columns.get_loc("motor_right")] = 1
    assert contrast_inflation(mended.design, weights)[0] > 2


def test_without_high_pass_the_drift_is_left_over():
    run = broken_run("no high-pass")
    result, mended = fitted(run), fitted(run, run.mended)
    many = strongest(run, result)[0]
    assert result.fit.r_square[many].mean() < 0.2
    assert mended.fit.r_square[many].mean() > 0.7
    assert found(run, mended) > found(run, result) + 1
    assert not residual_whiteness(result.fit, run.t_r).white
    assert residual_whiteness(mended.fit, run.t_r).white


def test_ignored_autocorrelation_finds_what_is_not_there():
    run = broken_run("AR ignored")
    result, mended = fitted(run), fitted(run, run.mended)
    assert false_rate(run, result) > 0.15
    assert false_rate(run, mended) < 0.09
    whiteness = residual_whiteness(result.fit, run.t_r)
    assert whiteness.share > 0.5
    assert residual_whiteness(mended.fit, run.t_r).white


def test_a_fault_can_be_had_without_its_name_and_does_not_tell_it():
    names = list(BROKEN)
    run = broken_run(names.index("AR ignored"))
    assert run.was == "AR ignored"
    assert "AR ignored" not in repr(run)
    with pytest.raises(ValueError, match=r"what must be one of 'nothing', 'late triggers', "):
        broken_run("everything")
