"""Counts of true and false positives against counts made by hand from the truth."""

import numpy as np
import pytest

pytest.importorskip("bqplot")

from glmwidgets.datasets.simulate import simulate_run, true_effect
from glmwidgets.panels.lessons.truth import TruthPanel
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session


@pytest.fixture(scope="module")
def simulated():
    return simulate_run("small", seed=3)


@pytest.fixture
def panel(simulated):
    run = open_run(simulated.img, simulated.events, simulated.t_r)
    session = Session(run, {"contrast.expression": "motor_left - motor_right"}, synchronous=True)
    session.refresh()
    yield TruthPanel(session, simulated.truth)
    session.close()


def counted(panel):
    session, truth = panel.session, panel.truth
    effect = (truth.betas["motor_left"] - truth.betas["motor_right"])[session.result.mask]
    found = session.clusters.labels[session.result.mask] > 0
    wanted = effect != 0 if session.settings.threshold.two_sided else effect > 0
    return {
        "true": int(sum(found & wanted)),
        "false": int(sum(found & ~wanted)),
        "missed": int(sum(~found & wanted)),
        "rest": int(sum(~found & ~wanted)),
    }


@pytest.mark.parametrize("two_sided", [True, False])
def test_counts_follow_the_threshold(panel, two_sided):
    seen = []
    for value in (2.0, 3.0, 4.0):
        panel.session.update(
            {
                "threshold.height_control": "fixed",
                "threshold.value": value,
                "threshold.two_sided": two_sided,
                "threshold.cluster_size": 0,
            }
        )
        assert panel.counts == counted(panel)
        assert sum(panel.counts.values()) == panel.session.result.z.size
        assert panel.here.x[0] == pytest.approx(value)
        seen.append(panel.counts["false"])
    assert seen[0] > seen[1] >= seen[2]


def test_the_curves_are_the_counts_at_each_threshold(panel):
    panel.session.update({"threshold.height_control": "fixed", "threshold.value": 3.0, "threshold.cluster_size": 0})
    at = int(np.flatnonzero(np.isclose(panel.curves.x, 3.0))[0])
    counts = panel.counts
    assert panel.curves.y[0, at] == pytest.approx(100 * counts["true"] / (counts["true"] + counts["missed"]))
    assert panel.curves.y[1, at] == pytest.approx(100 * counts["false"] / (counts["true"] + counts["false"]))


def test_the_promise_is_shown_where_one_is_made(panel):
    assert not panel.promise.visible
    panel.session.update({"threshold.height_control": "fdr", "threshold.alpha": 0.1})
    assert panel.promise.visible
    assert list(panel.promise.y) == [10, 10]


def test_what_the_truth_does_not_know_is_said(panel):
    panel.session.update({"contrast.expression": "constant"})
    assert panel.counts == {}
    assert "The truth of constant is not known" in panel._words.value
    assert not panel.curves.visible


def test_the_true_effect_of_a_contrast(simulated):
    betas = simulated.truth.betas
    np.testing.assert_allclose(true_effect(simulated.truth, "faces - houses"), betas["faces"] - betas["houses"])
    rows = true_effect(simulated.truth, "faces; tones")
    np.testing.assert_allclose(rows, np.abs(betas["faces"]) + np.abs(betas["tones"]))
    assert true_effect(simulated.truth, "drift_1") is None
