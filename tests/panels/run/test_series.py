"""The series panel without a browser: each tab draws what it says, settings and controls are one, one tab costs."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

pytest.importorskip("ipywidgets")
pytest.importorskip("anywidget")

from glmwidgets.analysis.places import find_place, place_series
from glmwidgets.analysis.timelines import Timeline
from glmwidgets.panels.run.series import SeriesPanel
from glmwidgets.panels.run.series_plots import average_words, event_regions
from glmwidgets.session.single.session import Session
from glmwidgets.specification.series import SERIES_TABS, Spot


@pytest.fixture
def panel(session):
    session.update({"contrast.expression": "face - house"})
    session.move_to((3, 3, 2))
    return SeriesPanel(session)


def floats(part, axis="y"):
    return np.frombuffer(part[axis], np.float32)


def drawn(panel, plot=0):
    """Lines by name."""
    return {p["name"]: floats(p) for p in panel.chart.plots[plot]["parts"] if p["kind"] == "line" and p["name"]}


def at(session, spot=None, unit="percent"):
    place = find_place(session.result, spot or Spot(session.cursor))
    return place_series(session.result, place, session.effects(), unit)


def test_the_lines_that_are_chosen_are_drawn(panel):
    session = panel.session
    here = at(session)
    assert list(drawn(panel)) == ["data", "fit"]
    panel.chips.value = ["fit", "residual", "contrast", "reduced", "fit of face"]
    assert session.settings.series.lines == ("fit", "residual", "contrast", "reduced")
    assert session.settings.series.conditions == ("face",)
    lines = drawn(panel)
    assert set(lines) == {"fit", "residual", "contrast", "adjusted data", "face"}
    for label, name in {
        "fit": "fit",
        "residual": "residual",
        "contrast": "contrast",
        "adjusted data": "reduced",
    }.items():
        np.testing.assert_allclose(lines[label], here.line(name), atol=1e-5)
    np.testing.assert_allclose(lines["face"], here.conditions["face"], atol=1e-5)
    session.undo()
    assert panel.chips.value == ["data", "fit"]


@pytest.mark.parametrize(
    ("control", "path", "value"),
    [
        ("place", "series.place", "sphere"),
        ("radius", "series.radius", 9.0),
        ("unit", "series.unit", "signal"),
        ("what", "series.carpet", "residual"),
        ("order", "series.order", "fit"),
    ],
)
def test_control_and_setting_are_one(panel, control, path, value):
    session = panel.session
    control = getattr(panel, control, None) or getattr(panel.carpet, control)
    before = session.settings.get(path)
    control.value = value
    assert session.settings.get(path) == value
    session.undo()
    assert control.value == before
    session.redo()
    assert control.value == value


def test_places_and_units(panel):
    session = panel.session
    session.update({"series.place": "sphere", "series.radius": 4.0, "series.unit": "signal"})
    here = at(session, Spot((3, 3, 2), "sphere", 4.0), "signal")
    np.testing.assert_allclose(drawn(panel)["data"], here.data, rtol=1e-4, atol=1e-3)
    assert f"{here.place.voxels.size} voxels within 4 mm" in panel._head.value
    assert "signal, mean 1000" in panel._head.value or f"mean {here.level:.4g}" in panel._head.value
    assert panel._radius.layout.display == ""
    session.update({"series.place": "cluster"})
    assert panel._radius.layout.display == "none"
    session.update({"threshold.height_control": "fixed", "threshold.value": 2.0, "threshold.cluster_size": 0})
    session.move_to(session.clusters.found[0].peaks[0].ijk)
    assert "cluster 1, " in panel._head.value
    session.update({"threshold.value": 50.0})
    assert "in no cluster" in panel._head.value
    assert panel.chart.plots == []


def test_outside_the_mask_nothing_is_drawn_and_inside_it_is_again(panel):
    panel.session.move_to((0, 0, 0))
    assert panel.chart.plots == []
    assert "outside the mask" in panel._head.value
    panel.session.move_to((3, 3, 3))
    assert len(panel.chart.plots) == 1


def test_pinned_places_stay_and_follow_the_model(panel):
    session = panel.session
    first = at(session)
    panel.pin.click()
    assert session.settings.series.pins == ("3 3 2",)
    assert panel.pin.disabled
    session.move_to((5, 5, 3))
    assert not panel.pin.disabled
    faint = [p for p in panel.chart.plots[0]["parts"] if p.get("opacity", 1) < 1]
    np.testing.assert_allclose(floats(faint[0]), first.data, atol=1e-5)
    session.update({"design.hrf_model": "glover"})
    faint = [p for p in panel.chart.plots[0]["parts"] if p.get("opacity", 1) < 1]
    again = at(session, Spot((3, 3, 2)))
    np.testing.assert_allclose(floats(faint[1]), again.fit, atol=1e-5)
    assert abs(again.fit - first.fit).max() > 1e-3
    assert panel.pins.options[0]["label"] == "(3, 3, 2)"
    panel.pins._handle_custom_msg({"kind": "remove", "name": "3 3 2"}, [])
    assert session.settings.series.pins == ()


def test_averages_are_those_of_cleaned_data(panel):
    session = panel.session
    panel.tabs.value = "average"
    assert panel.chips.value == ["face", "house"]
    assert panel.chips.options[0]["label"] == "face · 3"
    here, lags = at(session), floats(panel.chart.plots[0]["parts"][0], "x")
    onsets = session.run.events.query("trial_type == 'face'")["onset"]
    each = [np.interp(onset + lags, here.times, here.cleaned) for onset in onsets]
    np.testing.assert_allclose(drawn(panel)["face"], np.mean(each, axis=0), atol=1e-5)
    panel.chips.value = ["house"]
    assert session.settings.series.averaged == ("house",)
    assert "face" not in drawn(panel)
    panel.chips.value = []
    assert panel.chart.plots == []
    assert "choose" in panel.chart.resting
    session.update({"series.averaged": None})
    assert panel.chips.value == ["face", "house"]


def test_what_averages_mix_is_said():
    events = pd.DataFrame({"onset": [0.0, 10.0, 200.0], "duration": [2.0, 4.0, 2.0], "trial_type": ["a", "b", "a"]})
    timeline = Timeline.of(events, ("a", "b"), ("a", "b"), 300.0)
    words = average_words(timeline, ["a"], 2.0)
    assert "50 % of the windows" in words
    assert "last from" not in words
    assert "last from 2 to 4 s" in average_words(timeline, ["a", "b"], 2.0)


@pytest.mark.parametrize("noise", ["ols", "ar1", "arma11"])
def test_residuals(panel, noise):
    session = panel.session
    session.update({"noise.model": noise})
    panel.tabs.value = "residuals"
    here = at(session)
    histogram, correlation = panel.chart.plots
    assert floats(histogram["parts"][0]).sum() == here.residual.size
    bars = {p["name"]: p for p in correlation["parts"] if p["kind"] == "bars"}
    e = here.residual
    expected = [e[k:] @ e[:-k] / (e @ e) for k in (1, 2, 3)]
    np.testing.assert_allclose(floats(bars["r" if noise == "ols" else "before"])[:3], expected, atol=1e-6)
    if noise == "ar1":
        rho = here.parameters["rho"]
        u = np.r_[e[0] * np.sqrt(1 - rho**2), e[1:] - rho * e[:-1]]
        np.testing.assert_allclose(floats(bars["whitened"])[0], u[1:] @ u[:-1] / (u @ u), atol=1e-6)


def test_the_spectrum_marks_the_cut_off_and_the_task(panel):
    panel.tabs.value = "spectrum"
    marks = {p["label"]: p["at"] for p in panel.chart.plots[0]["parts"] if p["kind"] == "mark"}
    assert marks["high-pass 100 s"] == pytest.approx(0.01)
    # face comes every 48 s
    where = next(at for label, at in marks.items() if label.startswith("face"))
    assert where == pytest.approx(1 / 48, abs=1 / 160)
    panel.session.update({"design.drift_model": "polynomial"})
    assert not any("high-pass" in p.get("label", "") for p in panel.chart.plots[0]["parts"])


def test_effects_are_those_of_least_squares_with_their_intervals(panel):
    session = panel.session
    session.update({"noise.model": "ols", "series.tab": "effects"})
    result, voxel = session.result, session.result.voxel(session.cursor)
    x, y = result.design.to_numpy(), result.fit.data(slice(voxel, voxel + 1))[:, 0]
    beta, (rss,), *_ = np.linalg.lstsq(x, y, rcond=None)
    dof, names = len(y) - x.shape[1], list(result.design.columns)
    spread = rss / dof * np.linalg.inv(x.T @ x)
    plot = panel.chart.plots[0]
    assert plot["labels"] == ["face", "house", "face - house"]
    bars = [floats(p)[0] for p in plot["parts"] if p["kind"] == "bars"]
    lines = [floats(p) for p in plot["parts"] if p["kind"] == "line"]
    intervals = [ends for ends in lines if ends.size == 2]
    for k, weights in enumerate(({"face": 1}, {"house": 1}, {"face": 1, "house": -1})):
        c = np.array([weights.get(name, 0.0) for name in names])
        reach = stats.t.ppf(0.975, dof) * np.sqrt(c @ spread @ c)
        np.testing.assert_allclose(intervals[k], c @ beta + np.array([-reach, reach]), rtol=1e-4)
        if k < 2:
            assert bars[k] == pytest.approx(c @ beta, rel=1e-4)
    delays = {"design.hrf_model": "fir", "design.fir_delays": (0, 1, 2)}
    session.update({**delays, "contrast.expression": "face_delay_0"})
    labels = panel.chart.plots[0]["labels"]
    assert labels[:3] == ["face_delay_0", "face_delay_1", "face_delay_2"]


def test_the_open_tab_is_a_setting(panel):
    panel.tabs.value = "spectrum"
    assert panel.session.settings.series.tab == "spectrum"
    panel.session.undo()
    assert panel.tabs.value == "series"
    assert panel.chart.plots[0]["x_unit"] == "s"


@pytest.mark.parametrize("tab", [tab for tab in SERIES_TABS if tab != "carpet"])
def test_every_axis_says_what_it_is(panel, tab):
    panel.tabs.value = tab
    for plot in panel.chart.plots:
        assert plot["x_unit"] or plot["labels"]
        assert plot["y_name"] or plot["caption"]


@pytest.mark.parametrize("tab", SERIES_TABS)
def test_only_the_open_tab_is_sent_and_once(panel, tab, monkeypatch):
    panel.tabs.value = tab
    sent = []
    monkeypatch.setattr(type(panel.chart), "send_state", lambda self, key=None: key and sent.append(key))
    views = []
    monkeypatch.setattr(type(panel.carpet.view), "send_state", lambda self, key=None: key and views.append(key))
    panel.session.move_to((4, 4, 3))
    if tab == "carpet":
        assert (sent, len(views)) == ([], 1)
    else:
        # What a region did is the same wherever the crosshair is.
        assert (len(sent), views) == (0 if tab == "regions" else 1, [])
    sent.clear()
    panel.session.move_to((4, 4, 3))
    panel.session.update({"threshold.min_distance": 9.0})
    assert sent == []


def test_a_click_in_time_shows_the_scan_and_another_takes_it_away(panel):
    session = panel.session
    panel.chart._handle_custom_msg({"kind": "pick", "index": 12}, [])
    assert session.scan == 12
    assert panel.chart.marker == 24.0
    assert panel.back.description == "scan 12 · 24 s ×"
    panel.tabs.value = "carpet"
    assert panel.carpet.view.marker == 24.0
    panel.carpet.view._handle_custom_msg({"kind": "pick", "index": 12}, [])
    assert session.scan is None
    assert panel.back.layout.display == "none"
    panel.carpet.view._handle_custom_msg({"kind": "pick", "index": 3}, [])
    panel.carpet.view._handle_custom_msg({"kind": "leave"}, [])
    assert session.scan is None
    panel.carpet.view._handle_custom_msg({"kind": "pick", "index": 3}, [])
    panel.back.click()
    assert session.scan is None


def test_the_map_lies_over_the_scan_that_is_shown(session):
    from glmwidgets.panels.shared.map import MapPanel

    panel = MapPanel(session)
    mean = panel.viewer._background
    session.show_scan(7)
    seventh = panel.viewer._background
    assert seventh != mean
    session.show_scan(8)
    assert panel.viewer._background != seventh
    session.show_scan(None)
    assert panel.viewer._background == mean


def test_shading_follows_the_ticks(panel):
    assert {r["name"] for r in panel.chart.regions} == {"face", "house"}
    panel.session.update({"design.conditions": ("face",), "contrast.expression": "face"})
    assert {r["name"] for r in panel.chart.regions} == {"face"}
    assert [o["label"] for o in panel.chips.options][-1] == "face"


def test_an_event_of_no_duration_is_seen():
    events = pd.DataFrame({"onset": [6.0], "duration": [0.0], "trial_type": ["a"]})
    (one,) = event_regions(Timeline.of(events, ["a"], ["a"], 600.0))
    assert one["last"] - one["first"] == pytest.approx(1.0)


def test_a_run_without_events(run):
    from dataclasses import replace

    session = Session(replace(run, events=None), {"contrast.expression": "constant"}, synchronous=True)
    panel = SeriesPanel(session)
    assert "waiting" in panel._head.value
    session.refresh()
    session.move_to((3, 3, 3))
    for tab in SERIES_TABS:
        panel.tabs.value = tab
        assert session.status.state == "idle", session.status.message
    panel.tabs.value = "average"
    assert "no events" in panel.chart.resting
    session.close()


def test_settings_that_a_file_brings(panel):
    assert not panel.session.update({"series.pins": ("here",)})
    assert "is not a place" in panel.session.status.message
    panel.session.update({"series.pins": ("99 99 99", "99 99 99 cluster", "99 99 99 sphere 3")})
    assert panel.session.status.state == "idle"
    assert list(drawn(panel)) == ["data", "fit"]


def test_trials_of_a_block_are_averaged_as_one():
    onsets = np.concatenate([start + np.arange(16.0) for start in (20, 120)])
    events = pd.DataFrame({"onset": onsets, "duration": 0.5, "trial_type": "face"})
    timeline = Timeline.of(events, ("face",), ("face",), 200.0)
    assert timeline.blocks.onsets["face"].tolist() == [20.0, 120.0]
    assert timeline.blocks.durations["face"].tolist() == [15.5, 15.5]
    assert "standard error over 2 blocks of 32 trials" in average_words(timeline, ["face"], 2.0)
