"""The response panel without a browser: pickers, numbers, delays and handles, both ways."""

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("bqplot")

from glmwidgets.glm.response.curves import double_gamma
from glmwidgets.glm.response.handles import GammaShape, dragged, handle_places
from glmwidgets.glm.response.models import hrf_curve, parse_hrf
from glmwidgets.glm.response.table import HRFS
from glmwidgets.panels.run.response import ResponsePanel


@pytest.fixture
def panel(session):
    session.update({"contrast.expression": "constant"})  # a column of every model
    return ResponsePanel(session)


def pause(session):
    """As if a person had waited between two changes, which are then two steps."""
    session.steps._last -= 10


@pytest.mark.parametrize("name", HRFS)
def test_every_model_is_picked_drawn_and_followed(session, panel, name):
    panel.model.value = name
    row, values = parse_hrf(session.settings.design.hrf_model)
    assert row.name == name
    assert session.is_current, session.status.message
    assert list(panel.parameters) == [parameter.name for parameter in row.parameters]
    assert [control.value for control in panel.parameters.values()] == list(values)
    assert panel.boxes.visible == (name == "fir")
    assert panel.curves.visible == (name != "fir")
    if name != "fir":
        curves = hrf_curve(session.settings.design.hrf_model, session.run.t_r)
        drawn = np.atleast_2d(panel.curves.y)
        assert drawn.shape == curves.to_numpy().T.shape
        np.testing.assert_allclose(np.abs(drawn).max(axis=1), 1)
        named = 1 < curves.shape[1] <= 3
        assert all(label in panel._legend.value for label in curves.columns) or not named
    session.update({"design.hrf_model": "spm"})
    assert panel.model.value == "spm"


def test_numbers_and_setting_are_one(session, panel):
    panel.model.value = "gamma"
    panel.parameters["delay"].value = 7.5
    assert session.settings.design.hrf_model == "gamma(7.5, 16, 1, 1, 0.167)"
    pause(session)
    session.update({"design.hrf_model": "gamma(5, 14, 0.9, 1.1, 0.3)"})
    assert [control.value for control in panel.parameters.values()] == [5, 14, 0.9, 1.1, 0.3]
    session.undo()
    assert panel.parameters["delay"].value == 7.5
    assert session.is_current


@pytest.mark.parametrize(("name", "value", "words"), [("delay", 99.0, "between 1 and 20 s"), ("delay", 1.0, "longer")])
def test_numbers_that_make_no_response_are_refused_beside_them(session, panel, name, value, words):
    session.update({"design.hrf_model": "gamma(6, 16, 2, 1, 0.167)"})
    before = session.result
    panel.parameters[name].value = value
    assert words in panel._error.value
    assert session.settings.design.hrf_model == "gamma(6, 16, 2, 1, 0.167)"
    assert session.result is before
    panel.parameters[name].value = 6.5
    assert panel._error.layout.display == "none"
    assert session.is_current


@pytest.mark.parametrize(
    ("typed", "delays", "shown"),
    [("0-7", tuple(range(8)), "0-7"), ("3 1,2", (1, 2, 3), "1, 2, 3"), ("0 - 3, 6", (0, 1, 2, 3, 6), "0-3, 6")],
)
def test_delays_as_one_writes_them(session, panel, typed, delays, shown):
    panel.model.value = "fir"
    pause(session)
    panel.delays.value = typed
    assert session.settings.design.fir_delays == delays
    assert panel.delays.value == shown
    assert len(panel.boxes.x) == 4 * len(delays)
    assert session.result.design.filter(like="face_delay").shape[1] == len(delays)
    session.undo()
    assert panel.delays.value == "0-9"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("0, x", "whole numbers"),
        ("", "whole numbers"),
        ("1.5", "whole numbers"),
        ("-1", "whole numbers"),
        ("7-3", "3-7"),
        ("0-500", "longer than the run"),
        ("1, 1", "twice"),
    ],
)
def test_delays_that_cannot_be_are_refused(session, panel, typed, words):
    panel.model.value = "fir"
    before = session.settings
    panel.delays.value = typed
    assert words in panel._error.value
    assert session.settings is before


def test_fir_begins_with_delays_that_cover_a_response(session, panel):
    panel.model.value = "fir"
    assert session.settings.design.fir_delays == tuple(range(10))  # 20 s at 2 s a scan
    session.undo()
    assert session.settings.design.fir_delays == (0,)
    session.update({"design.fir_delays": (0, 1)})
    panel.model.value = "fir"
    assert session.settings.design.fir_delays == (0, 1)  # those that a person chose stay


def drag(panel, name, x=None, y=None, event="drag"):
    """What the browser sends of a handle under the pointer: its state only when it is let go."""
    mark = panel.handles[name]
    point = {"x": float(mark.x[0] if x is None else x), "y": float(mark.y[0] if y is None else y)}
    if event == "drag_end":
        mark.x, mark.y = np.array([point["x"]]), np.array([point["y"]])
    mark._handle_custom_msgs(mark, {"event": event, "point": point, "index": 0}, [])


def let_go(panel, name, x=None, y=None):
    drag(panel, name, x, y, "drag_end")


def test_dragging_the_peak_refits_and_leaves_the_held_handle_where_it_is(session, panel):
    panel.model.value = "gamma"
    z = session.result.z if session.update({"contrast.expression": "face"}) else None
    pause(session)
    drag(panel, "peak", x=7.0)
    assert session.settings.design.hrf_model == "gamma(8, 16, 1, 1, 0.167)"
    assert session.is_current
    assert not np.array_equal(session.result.z, z)
    assert panel.parameters["delay"].value == 8
    drag(panel, "peak", x=99.0)  # further than the model goes: the hand may, the shape does not
    assert session.settings.design.hrf_model == "gamma(20, 16, 1, 1, 0.167)"
    assert panel.handles["peak"].x[0] == 5.0  # nothing is written back to what a hand holds
    let_go(panel, "peak", x=99.0)
    assert panel.handles["peak"].x[0] == 19.0
    session.undo()  # one movement of the hand
    assert panel.handles["peak"].x[0] == pytest.approx(5.0)


def test_the_undershoot_moves_in_time_and_depth(session, panel):
    panel.model.value = "gamma"
    drag(panel, "undershoot", x=12.0, y=-0.3)
    let_go(panel, "undershoot", x=12.0, y=-0.3)
    _, values = parse_hrf(session.settings.design.hrf_model)
    assert values[1] == 13.0
    # the drawn curve goes through the handle
    t = np.arange(0, 40, 0.01)
    curve = double_gamma(t, *values)
    assert np.interp(12.0, t, curve / curve.max()) == pytest.approx(-0.3, abs=0.003)
    assert panel.handles["undershoot"].y[0] == pytest.approx(-0.3, abs=0.003)


def test_the_width_leaves_the_peak_in_its_place(session, panel):
    panel.model.value = "gamma"
    drag(panel, "width", x=10.0)
    let_go(panel, "width", x=10.0)
    _, (delay, _, dispersion, *_) = parse_hrf(session.settings.design.hrf_model)
    assert delay - dispersion == pytest.approx(5.0, abs=0.002)
    assert panel.handles["width"].x[0] == pytest.approx(10.0, abs=0.02)


@pytest.mark.parametrize("handle", ["peak", "undershoot", "width"])
def test_wherever_a_handle_is_pulled_the_shape_is_one_that_the_model_takes(handle):
    rng = np.random.default_rng(0)
    shape = GammaShape()
    for x, y in rng.uniform([-20, -2], [80, 2], (200, 2)):
        shape = dragged(shape, handle, x, y)
        HRFS["gamma"].check(shape.values)
        HRFS["gamma"].kernels(2.0, 10, *shape.values)
        assert np.isfinite(list(handle_places(shape).values())).all()


def test_handles_are_there_for_the_custom_model_alone(session, panel):
    assert not any(mark.visible for mark in panel.handles.values())
    panel.model.value = "gamma"
    assert all(mark.visible for mark in panel.handles.values())
    drag(panel, "peak", x=6.0)
    let_go(panel, "peak", x=6.0)
    panel.model.value = "glover"
    assert not any(mark.visible for mark in panel.handles.values())
    drag(panel, "peak", x=3.0)  # an echo that comes late
    assert session.settings.design.hrf_model == "glover"


def test_how_events_meet_the_response_is_chosen_in_a_fold(session, panel):
    session.update({"events.shift": 0.013})  # between two points of the grid
    exact = session.result.z.copy()
    panel.more.value = True
    assert [value for _, value in panel.convolution.options] == ["exact", "grid", ""]
    panel.convolution.value = "grid"
    assert session.settings.design.convolution == "grid"
    assert session.is_current, session.status.message
    session.update({"design.convolution": None})
    assert panel.convolution.value == ""
    panel.convolution.value = "exact"
    np.testing.assert_allclose(session.result.z, exact, atol=1e-12)
