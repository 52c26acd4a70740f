"""Panels without a browser: set a control and see the setting, set the setting and see the control."""

import gc
import weakref

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("bqplot")
pytest.importorskip("anywidget")

from glmwidgets.datasets import simulate_run
from glmwidgets.panels.parts.widgets import is_shared
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.shared.commands import panels_of
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session


@pytest.fixture
def explorer(session):
    """An explorer over the synchronous session."""
    return Explorer(session)


def controls(explorer):
    """Every bound control: how to reach it, its setting, a new value of the control and what the setting becomes."""
    return {
        "hrf": (explorer.hrf.model, "design.hrf_model", "glover", "glover"),
        "fir delays": (explorer.hrf.delays, "design.fir_delays", "0, 1, 2", (0, 1, 2)),
        "drift": (explorer.drift.model, "design.drift_model", "polynomial", "polynomial"),
        "high-pass": (explorer.drift.period, "design.high_pass", 64.0, 1 / 64),
        "order": (explorer.drift.order, "design.drift_order", 3, 3),
        "noise": (explorer.noise.model, "noise.model", "ols", "ols"),
        "smoothing": (explorer.data.smoothing, "data.smoothing_fwhm", 4.0, 4.0),
        "scaling": (explorer.data.scaling, "data.signal_scaling", "none", "none"),
        "contrast": (explorer.contrasts.expression, "contrast.expression", "face - house", "face - house"),
        "method": (explorer.map.method, "threshold.height_control", "fdr", "fdr"),
        "alpha": (explorer.map.alpha, "threshold.alpha", 0.05, 0.05),
        "sides": (explorer.map.sides, "threshold.two_sided", False, False),
        "cluster size": (explorer.map.size, "threshold.cluster_size", 4, 4),
    }


NAMES = (
    "hrf", "fir delays", "drift", "high-pass", "order", "noise", "smoothing", "scaling", "contrast",
    "method", "alpha", "sides", "cluster size",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_control_and_setting_are_one(explorer, name):
    control, path, shown, kept = controls(explorer)[name]
    session = explorer.session
    before, at_first = session.settings.get(path), control.value
    control.value = shown
    assert session.settings.get(path) == kept
    assert session.is_current, session.status.message
    session.update({path: before})
    assert control.value == at_first
    session.update({path: kept})
    assert control.value == shown


def test_every_bound_control_is_listed(explorer):
    assert set(controls(explorer)) == set(NAMES)


def test_the_contents_of_a_folded_panel_come_when_they_are_looked_at(explorer):
    def has_contents(panel):
        return panel.children != (panel._head, panel._error)

    for panel in (explorer.drift, explorer.noise, explorer.data, explorer.design):
        assert not has_contents(panel)
    for name in ("noise", "nothing of the kind", None):
        explorer.frame._handle_custom_msg({"kind": "unfold", "name": name}, [])
    assert explorer.noise.model in explorer.noise.children
    explorer.reveal("drift")
    assert explorer.drift.model in explorer.drift.children
    explorer.session.update({"data.drop_scans": 10_000})
    assert has_contents(explorer.data), "an error stands beside its cause"
    explorer.design._repr_mimebundle_()
    assert explorer.design.matrix in explorer.design.children


def test_every_panel_unfolds():
    explorer = Explorer(Session(open_run(simulate_run("small")), synchronous=True))
    for name, panel in panels_of(explorer).items():
        panel.unfold()
        assert not panel.is_folded, name
        assert explorer.session.status.state == "idle", (name, explorer.session.status.details)
    explorer.close()


def test_ticks_choose_the_event_types(explorer):
    session = explorer.session
    explorer.events.types.off = ["house"]
    assert session.settings.design.conditions == ("face",)
    assert "house" not in session.result.design.columns
    session.update({"design.conditions": None})
    assert explorer.events.types.off == []


def test_a_refused_value_is_told_in_its_own_panel_and_what_is_typed_is_escaped(explorer):
    explorer.contrasts.expression.value = "<img src=x onerror=alert(1)>"
    assert explorer.session.status.stage == "contrast"
    said = explorer.contrasts._error
    assert said.layout.display == ""
    assert "<img" not in said.value
    assert "<img" not in explorer._status.words.value
    assert explorer.noise._error.layout.display == "none"
    assert "glmw-bad-input" in explorer.contrasts.expression._dom_classes
    explorer.contrasts.expression.value = "face"
    assert said.layout.display == "none"
    assert "glmw-bad-input" not in explorer.contrasts.expression._dom_classes


def test_a_cut_off_that_leaves_no_degree_of_freedom_is_told_beside_it(explorer):
    session, drift = explorer.session, explorer.drift
    assert session.update({"design.drift_model": "cosine", "design.high_pass": 0.24})
    assert "no degree of freedom" in session.status.message
    assert "high_pass" not in session.status.message
    assert drift._error.layout.display == ""
    assert explorer.noise._error.layout.display == "none"
    assert session.update({"design.high_pass": 0.01})
    assert drift._error.layout.display == "none"


def test_dragging_the_slider_fixes_the_threshold_and_an_echo_does_not(explorer):
    session, slider = explorer.session, explorer.map.slider
    shown = slider.value
    assert shown == pytest.approx(session.result.threshold)
    slider.value = round(shown, 2)
    assert session.settings.threshold.height_control == "fpr"
    slider.value = 4.2
    assert session.settings.threshold.height_control == "fixed"
    assert session.result.threshold == 4.2
    assert explorer.map.viewer.threshold == 4.2
    session.update({"threshold.height_control": "bonferroni", "threshold.alpha": 0.05})
    assert slider.value == pytest.approx(session.result.threshold)


def test_nothing_that_survives_is_said_in_words(explorer):
    explorer.session.update({"threshold.height_control": "fixed", "threshold.value": 50.0})
    assert explorer.clusters.table.rows == []
    assert "0 clusters" in explorer.clusters._head.value
    assert explorer.map._rates.value.count("no voxel passes") == 1


def test_a_row_jumps_and_is_marked(explorer):
    session = explorer.session
    session.update({"threshold.height_control": "fixed", "threshold.value": 2.0, "threshold.cluster_size": 0})
    peaks = [peak for cluster in session.clusters.found for peak in cluster.peaks]
    assert len(explorer.clusters.table.rows) == len(peaks) > 3
    explorer.clusters.table._handle_custom_msg({"kind": "pick", "row": 2}, [])
    assert session.cursor == peaks[2].ijk
    assert explorer.clusters.table.here == 2
    assert explorer.map.viewer.cursor == session.cursor
    explorer.clusters.table._handle_custom_msg({"kind": "pick", "row": 10_000}, [])
    assert session.cursor == peaks[2].ijk


def test_the_viewer_moves_the_crosshair_and_the_series_follow(explorer):
    session = explorer.session
    explorer.map.viewer.cursor = (3, 3, 3)
    assert session.cursor == (3, 3, 3)
    drawn = {part["name"]: np.frombuffer(part["y"], np.float32) for part in explorer.series.chart.plots[0]["parts"]}
    here = session.series()
    # from their mean, which scaling in single precision leaves at some 1e-5
    np.testing.assert_allclose(drawn["data"], here.data, atol=1e-4)
    np.testing.assert_allclose(drawn["fit"], here.predicted, atol=1e-4)
    explorer.map.viewer.cursor = (0, 0, 0)
    assert explorer.series.chart.plots == []
    assert "outside the mask" in explorer.crosshair._values.value


def test_the_map_is_sent_when_it_changes_and_not_when_the_threshold_does(explorer):
    viewer = explorer.map.viewer
    before = viewer._serial
    explorer.session.update({"threshold.cluster_size": 5})
    assert viewer._serial == before
    explorer.session.update({"noise.model": "ols"})
    assert viewer._serial > before


def test_the_map_is_stale_until_its_model_is_the_one_asked_for(explorer):
    explorer.session.update({"contrast.expression": "face - nothing"})
    assert explorer.map.viewer.stale
    explorer.session.update({"contrast.expression": "face"})
    assert not explorer.map.viewer.stale


def test_a_panel_in_a_cell_of_its_own_brings_its_look(explorer):
    bundle = explorer.noise._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert explorer.noise._alone.children[1] is explorer.noise
    assert "glmw" in explorer.noise._alone._dom_classes


def test_widgets_do_not_grow_in_number(explorer):
    import ipywidgets.widgets.widget as core

    explorer.session.update({"design.hrf_model": "glover"})
    before = len(core._instances)
    for k in range(6):
        explorer.session.update({"design.hrf_model": ("spm", "glover")[k % 2], "threshold.cluster_size": k})
        explorer.session.move_to((k + 1, 3, 3))
    assert len(core._instances) == before


def test_what_is_closed_leaves_no_widget_and_no_results(session):
    import ipywidgets.widgets.widget as core

    before = set(core._instances)
    explorer = Explorer(session)
    explorer.events.edit.value = True
    explorer.compare.pin.value = True
    pinned = weakref.ref(session.result)
    session.update({"design.hrf_model": "glover"})
    shown = weakref.ref(session.result)
    for tab in ("average", "carpet"):
        explorer.series.tabs.value = tab
    assert pinned() is session.pinned is not shown()
    explorer.close()
    left = [core._instances[i] for i in set(core._instances) - before]
    left = {type(each).__name__ for each in left if not is_shared(each)}
    assert not left
    gc.collect()
    assert pinned() is shown() is None, "though the explorer itself is still held"


def test_controls_of_the_view_follow_the_viewer(explorer):
    explorer.map.viewer.fade_below = False
    explorer.map.viewer.convention = "radiological"
    assert explorer.map.look.fade.value is False
    assert explorer.map.look.convention.value == "radiological"
