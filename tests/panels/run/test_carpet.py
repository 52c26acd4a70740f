"""The carpet tab without a browser: made when it is looked at, and of the newest result."""

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("anywidget")

from glmwidgets.analysis.carpet import make_carpet
from glmwidgets.panels.run.series import SeriesPanel


@pytest.fixture
def panel(session):
    return SeriesPanel(session)


def greys(panel):
    picture = panel.carpet.view.picture
    return np.frombuffer(picture["greys"], np.uint8).reshape(picture["shape"]).astype(float)


def test_nothing_is_made_before_it_is_looked_at(panel, monkeypatch):
    panel.session.update({"noise.model": "ols"})
    assert panel.carpet.view.picture == {}
    panel.tabs.value = "carpet"
    assert panel.carpet.view.picture["shape"][1] == 80


@pytest.mark.parametrize("what", ["data", "fit", "residual"])
def test_the_picture_is_the_carpet(panel, what):
    panel.tabs.value = "carpet"
    panel.carpet.what.value = what
    carpet = make_carpet(panel.session.result, what)
    shown = (greys(panel) - 127.5) / 127.5 * carpet.limit
    # one of 255 greys
    np.testing.assert_allclose(shown, np.clip(carpet.rows, -carpet.limit, carpet.limit), atol=carpet.limit / 200)


def test_the_row_of_the_crosshair(panel):
    session = panel.session
    panel.tabs.value = "carpet"
    session.move_to((4, 4, 3))
    carpet = make_carpet(session.result)
    assert panel.carpet.view.row == carpet.row_of[session.result.voxel((4, 4, 3))]
    assert "voxel (4, 4, 3) in row" in panel._head.value
    session.move_to((0, 0, 0))
    assert panel.carpet.view.row == -1
    assert "outside the mask" in panel._head.value


def test_a_new_model_brings_a_new_carpet_only_while_it_is_open(panel, monkeypatch):
    panel.tabs.value = "carpet"
    panel.carpet.what.value = "residual"
    before = greys(panel)
    panel.session.update({"design.hrf_model": "glover"})
    assert not np.array_equal(greys(panel), before)
    panel.tabs.value = "series"
    monkeypatch.setattr("glmwidgets.panels.run.carpet.make_carpet", None)
    panel.session.update({"design.hrf_model": "spm"})
    assert panel.session.status.state == "idle"


def test_confounds_that_say_what_moved_stand_above(session):
    session.run.confounds["framewise_displacement"] = np.arange(80.0)
    panel = SeriesPanel(session)
    panel.tabs.value = "carpet"
    (trace,) = panel.carpet.view.picture["traces"]
    assert (trace["label"], trace["unit"]) == ("FD", "mm")
    np.testing.assert_array_equal(np.frombuffer(trace["values"], np.float32), np.arange(80.0))


def test_a_carpet_that_cannot_be_made_says_so(panel):
    panel.session.result.fit.moments.constant[:] = True
    panel.tabs.value = "carpet"
    assert "no voxel of the mask varies" in panel.session.status.message


def test_it_is_made_beside_the_analysis(live):
    panel = SeriesPanel(live)
    panel.tabs.value = "carpet"
    assert live.wait_until_idle(60)
    assert panel.carpet.view.picture["shape"][1] == 80
