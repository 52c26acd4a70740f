"""A and B without a browser: on the map, and in words."""

import numpy as np
import pytest

pytest.importorskip("bqplot")
pytest.importorskip("anywidget")

from glmwidgets.analysis.compare import DIFFERENCES, Comparison
from glmwidgets.panels.run.compare import ComparePanel
from glmwidgets.panels.shared.map import MapPanel
from glmwidgets.specification.looks import DIFFERENCES as LABELS


@pytest.fixture
def panels(session):
    """Pinned under AR(1) REML, then changed to OLS: the panel of the comparison, and the viewer of the map."""
    panel, viewer = ComparePanel(session), MapPanel(session).viewer
    panel.pin.value = True
    session.update({"noise.model": "ols"})
    return panel, viewer


def beside(viewer, part="values"):
    """What the viewer holds beside its map, as a volume in data order, NaN outside its mask."""
    held, grid = viewer._beside, viewer._grid
    inside = np.unpackbits(np.frombuffer(held["mask"], np.uint8), count=np.prod(grid.display_shape)).astype(bool)
    volume = np.full(inside.size, np.nan, np.float32)
    volume[inside] = np.frombuffer(held[part], np.float32)
    number = grid.to_display(np.arange(inside.size).reshape(grid.shape)).ravel()
    out = np.empty_like(volume)
    out[number] = volume
    return out.reshape(grid.shape)


def test_pinning_holds_the_map_and_leaves_the_crosshair(session):
    panel, viewer = ComparePanel(session), MapPanel(session).viewer
    assert viewer._beside == {}
    session.move_to((2, 3, 4))
    panel.pin.value = True
    assert session.pinned is session.result
    assert session.cursor == viewer.cursor == (2, 3, 4)
    assert viewer._beside["name"] == "A"


def test_a_stays_while_b_follows(panels):
    panel, viewer = panels
    a, b = panel.session.pinned, panel.session.result
    assert (a.settings.noise.model, b.settings.noise.model) == ("ar1-reml", "ols")
    np.testing.assert_array_equal(beside(viewer), a.z_map)
    held = viewer._beside
    panel.session.update({"threshold.height_control": "fixed", "threshold.value": 4.5})
    assert viewer._beside is held
    assert held["look"]["threshold"] == pytest.approx(a.threshold)  # its own
    assert viewer.threshold == 4.5


def test_a_has_the_colours_of_the_statistic_that_is_shown(panels):
    panel, viewer = panels
    panel.session.update({"map.statistic": "effect"})
    a = panel.session.pinned
    np.testing.assert_array_equal(beside(viewer), a.z_map)
    effect = a.volume(a.statistics.show("effect").values, fill=np.nan).astype(np.float32)
    np.testing.assert_array_equal(beside(viewer, "shown"), effect)


@pytest.mark.parametrize("name", DIFFERENCES)
def test_the_difference_is_b_minus_a(panels, name):
    panel, viewer = panels
    both = Comparison(panel.session.pinned, panel.session.result)
    panel.session.update({"map.compare": "difference"})
    panel.what.value = name
    assert panel.session.settings.map.difference == name
    row = DIFFERENCES[name]
    np.testing.assert_array_equal(beside(viewer), both.volume(row.values(both)))
    look = viewer._beside["look"]
    assert (look["label"], look["threshold"], look["show_outline"]) == (f"Δ {LABELS[name]}", row.notable, False)
    panel.session.undo()
    assert panel.what.value != name or name == "z"


def test_a_difference_that_is_not_known_is_not_shown(panels):
    panel, viewer = panels
    panel.session.update({"map.compare": "difference", "map.difference": "aicc"})
    assert viewer._beside
    panel.session.update({"data.smoothing_fwhm": 5.0})  # other data: no AICc
    assert viewer._beside == {}
    assert "no AICc: smoothing or scaling differ" in panel._better.value
    panel.session.update({"map.difference": "z"})
    assert viewer._beside["look"]["label"] == "Δ z"


def test_how_they_are_shown_is_a_setting_that_the_map_can_change(panels):
    panel, viewer = panels
    assert viewer.compare == panel.session.settings.map.compare == "side"
    viewer.compare = "flicker"
    assert panel.session.settings.map.compare == "flicker"
    panel.session.undo()
    assert viewer.compare == "side"


def test_what_differs_and_which_is_better_in_words(panels):
    panel, _ = panels
    both = Comparison(panel.session.pinned, panel.session.result)
    assert panel._words.value == "noise AR(1) REML → OLS (white)"
    assert f"AICc {np.median(both.aicc):+.1f}".replace("-", "−") in panel._better.value
    panel.session.update({"contrast.expression": "face - 2*house", "threshold.alpha": 0.01})
    assert "<" not in panel._words.value


def test_unpinned_nothing_is_held(panels):
    panel, viewer = panels
    panel.pin.value = False
    assert panel.session.pinned is None
    assert panel.pin.description == "pin as A"
    assert viewer._beside == {}
    said = panel._words.value
    panel.session.update({"noise.model": "ar1-reml"})
    assert panel._words.value == said
