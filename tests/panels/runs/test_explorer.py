"""Tabs of runs and their fixed effects, without a browser."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

pytest.importorskip("anywidget")

import ipywidgets as W
from ipywidgets.widgets import widget as live_widgets

from glmwidgets.panels.explore import explore
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.runs.explorer import RunsExplorer
from glmwidgets.panels.runs.fixed import FixedExplorer
from glmwidgets.session.several.runs import RunSet

MODEL = {"noise.model": "ar1", "contrast.expression": "face - house"}


@pytest.fixture
def open_set(two_runs):
    """``open_set(runs=two_runs) -> RunsExplorer`` that computes in the caller's thread."""
    opened = []

    def open_it(runs=two_runs):
        opened.append(RunsExplorer(RunSet(runs, MODEL, synchronous=True)))
        return opened[-1]

    yield open_it
    for explorer in opened:
        explorer.close()


@pytest.fixture
def explorer(open_set):
    return open_set()


def test_an_explorer_is_made_when_its_tab_is_opened(explorer):
    assert list(explorer._views) == [0]
    assert isinstance(explorer.shown, Explorer)
    assert [label for label, _ in explorer.tabs.options] == ["run 1", "run 2", "fixed effects"]
    explorer.tabs.value = 2
    assert isinstance(explorer.shown, FixedExplorer)
    assert explorer._place.children == (explorer.shown,)
    assert explorer.runs.shown == 2
    assert explorer.session.is_current
    assert list(explorer._views) == [0, 2]
    explorer.runs.show(1)
    assert explorer.tabs.value == 1
    assert isinstance(explorer.shown, Explorer)


def test_going_to_and_fro_makes_no_widgets(explorer):
    counted = []
    for _ in range(3):  # in the first round what was hidden may come into sight
        for tab in (1, 2, 0, 2):
            explorer.go_to(tab)
            explorer.session.move_to((3, 3, 2 + tab))
            explorer.session.update({"contrast.expression": "face" if tab else "house"})
        counted.append(len(live_widgets._instances))
    assert counted[1] == counted[2]


def test_a_tab_that_rests_hears_nothing_of_a_drag(explorer):
    first = explorer.shown
    explorer.go_to(2)
    before = first.crosshair._values.value
    explorer.session.move_to((4, 4, 3))
    explorer.session.update({"contrast.expression": "house"})
    assert first.crosshair._values.value == before
    assert first.contrasts.expression.value == "face - house"
    explorer.go_to(0)
    assert "4, 4, 3" in first.crosshair._values.value
    assert first.contrasts.expression.value == "house"


def test_the_tick_of_the_shared_model(explorer):
    explorer.go_to(1)
    explorer.linked.value = False
    assert explorer.runs.own == (1,)
    explorer.session.update({"noise.model": "ols"})
    explorer.go_to(0)
    assert explorer.linked.value
    assert explorer.session.settings.noise.model == "ar1"
    explorer.go_to(2)
    assert explorer.linked.layout.display == "none"
    explorer.go_to(1)
    assert not explorer.linked.value
    assert explorer.linked.layout.display == ""
    explorer.linked.value = True
    assert explorer.runs.own == ()
    assert explorer.session.settings.noise.model == "ar1"


def test_ticks_and_weights_there_and_back(explorer):
    fixed = explorer.go_to(2)
    panel, session = fixed.runs, fixed.session
    assert fixed.undo.disabled
    panel.ticks[0].value = False
    assert session.settings.runs.left_out == (1,)
    assert "1 of 2 combined" in panel._head.value
    assert "left out by hand" in panel._told[0].value
    fixed.undo.click()
    assert session.settings.runs.left_out == ()
    assert panel.ticks[0].value
    fixed.redo.click()
    assert not panel.ticks[0].value
    session.update({"runs.left_out": (), "runs.weighting": "precision"})
    assert panel.weighting.value == "precision"
    assert panel.ticks[0].value
    panel.weighting.value = "equal"
    assert session.settings.runs.weighting == "equal"


def test_a_run_without_a_condition_is_told_of(open_set, two_runs):
    events = two_runs[1].events
    two_runs[1] = replace(two_runs[1], events=events[events["trial_type"] != "house"])
    explorer = open_set(two_runs)
    fixed = explorer.go_to(2)
    assert "left out: no column named &#x27;house&#x27;" in fixed.runs._told[1].value
    assert "1 of 2 combined" in fixed.runs._head.value
    assert "1 warning" in fixed._status.warned.value
    assert len(effects_drawn(fixed.forest)) == 2  # the run that can, and the combination


def effects_drawn(forest):
    points = [part for part in forest.chart.plots[0]["parts"] if part.get("dots")]
    return [float(np.frombuffer(part["x"], np.float32)[0]) for part in points]


def test_the_forest_shows_effects_and_whether_they_agree(explorer):
    fixed = explorer.go_to(2)
    forest, session = fixed.forest, fixed.session
    session.move_to((3, 3, 2))
    here = session.series()
    np.testing.assert_allclose(effects_drawn(forest), [*(row.effect for row in here.runs), here.combined.effect], 1e-6)
    interval = forest.chart.plots[0]["parts"][-2]["x"]
    np.testing.assert_allclose(np.frombuffer(interval, np.float32), [here.combined.low, here.combined.high], 1e-6)
    assert "Q(1) = " in forest._words.value
    session.move_to((0, 0, 0))
    assert forest.chart.plots == []
    assert "outside the mask" in forest._head.value
    session.move_to((3, 3, 2))
    session.update({"contrast.expression": "face; house"})
    assert forest.chart.plots == []
    assert "no single effect" in forest._head.value
    session.update({"contrast.expression": "face"})
    fixed.runs.ticks[1].value = False
    assert min(part["opacity"] for part in forest.chart.plots[0]["parts"][1:]) < 1
    assert forest._words.value == ""


def test_statistics_that_only_runs_have_are_declined_in_words(explorer):
    fixed = explorer.go_to(2)
    fixed.map.statistic.value = "r_square"
    assert "each run has its own; fixed effects combine contrasts only; z is shown" in fixed.map._why_not.value
    fixed.map.statistic.value = "effect"
    assert fixed.map._why_not.value == ""
    # The same is shown in the tabs of the runs.
    assert explorer.go_to(1).map.statistic.value == "effect"


def test_a_run_that_cannot_be_opened_says_so_in_its_tab(open_set, two_runs, monkeypatch):
    explorer = open_set()

    def fail(name):
        raise OSError("the file is cut short")

    monkeypatch.setattr(explorer.runs.sessions[1].analysis, "background_image", fail)
    explorer.go_to(1)
    assert "run 2: the file is cut short" in explorer._place.children[0].value
    assert isinstance(explorer.go_to(0), Explorer)


@pytest.fixture
def given(two_runs):
    return {
        "bold": [run.img for run in two_runs],
        "events": [run.events for run in two_runs],
        "confounds": [run.confounds for run in two_runs],
        "mask": [run.mask_img for run in two_runs],
    }


def test_explore_save_load_and_script(given, run_script, tmp_path):
    explorer = explore(**given, t_r=2.0, settings=MODEL)
    fixed = explorer.go_to(2)
    assert explorer.runs.wait_until_idle(60)
    fixed.map.viewer.opacity = 0.5
    path = explorer.save(tmp_path / "session.json")
    again = explore.load(path, **given)
    assert again.runs.wait_until_idle(60)
    assert isinstance(again.shown, FixedExplorer)
    assert again.shown.map.viewer.opacity == 0.5
    expected = explorer.session.result
    np.testing.assert_array_equal(again.session.result.z, expected.z)
    again.close()

    for name, changes, models in (("plain", {}, 1), ("weighted", {"runs.weighting": "precision"}, 2)):
        explorer.session.update(changes)
        if models == 2:
            explorer.runs.unlink(1)
            explorer.runs.sessions[1].update({"data.drop_scans": 3, "events.shift": 0.25})
        assert explorer.runs.wait_until_idle(60)
        expected = explorer.session.result
        script = explorer.script(tmp_path / f"{name}.py")
        run_script(script)
        z = nib.load(tmp_path / f"{name}_results" / "face_minus_house_z_score.nii.gz").get_fdata()
        np.testing.assert_array_equal(z[expected.mask], expected.z)
    explorer.close()


def test_a_report_of_all_runs(explorer, tmp_path, monkeypatch):
    pytest.importorskip("jinja2")
    explorer.go_to(2)
    monkeypatch.setattr("glmwidgets.models.first_level.FirstLevelModel.fit", lambda *_: pytest.fail("fitted again"))
    report = explorer.report(tmp_path / "report.html", title="Both runs")
    html = (tmp_path / "report.html").read_text()
    assert html == report.get_standalone()
    assert "Both runs" in html
    assert "face - house" in html
    assert "2 models" in html  # that of the run, and that of both
    explorer.session.update({"runs.weighting": "precision"})
    with pytest.raises(ValueError, match="of equal weight"):
        explorer.report()
    explorer.runs.unlink(0)
    explorer.runs.sessions[0].update({"noise.model": "ols"})
    with pytest.raises(ValueError, match="models of their own"):
        explorer.report()


def test_the_widget_is_one_box(explorer):
    assert isinstance(explorer, W.VBox)
    assert explorer.session is explorer.runs.sessions[0]
