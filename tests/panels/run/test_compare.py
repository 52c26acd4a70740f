"""A beside B without a browser."""

import numpy as np
import pytest

pytest.importorskip("bqplot")
pytest.importorskip("anywidget")

from glmwidgets.analysis.compare import Comparison
from glmwidgets.panels.run.compare import ComparePanel


@pytest.fixture
def panel(session):
    """Pinned under AR(1) REML, then changed to OLS."""
    panel = ComparePanel(session)
    panel.pin.value = True
    session.update({"noise.model": "ols"})
    return panel


def shown(panel, name):
    """Values that a viewer holds, in mask order."""
    viewer = panel.viewers[name]
    values = np.empty_like(viewer._values)
    values[viewer._inside.order] = viewer._values
    return values


def test_nothing_is_built_before_a_model_is_pinned(session):
    panel = ComparePanel(session)
    assert panel.viewers == {}
    session.move_to((2, 3, 4))
    panel.pin.value = True
    assert session.cursor == panel.viewers["a"].cursor == (2, 3, 4)
    assert session.pinned is session.result
    assert set(panel.viewers) == {"a", "b", "difference"}


def test_a_stays_b_follows_and_their_difference_is_shown(panel):
    a, b = panel.session.pinned, panel.session.result
    assert (a.settings.noise.model, b.settings.noise.model) == ("ar1-reml", "ols")
    np.testing.assert_array_equal(shown(panel, "a"), a.z.astype(np.float32))
    np.testing.assert_array_equal(shown(panel, "b"), b.z.astype(np.float32))
    np.testing.assert_array_equal(shown(panel, "difference"), (b.z - a.z).astype(np.float32))
    np.testing.assert_allclose(panel.scatter.x, a.z, rtol=1e-6)
    np.testing.assert_allclose(panel.scatter.y, b.z, rtol=1e-6)


def test_what_differs_and_which_is_better_in_words(panel):
    both = Comparison(panel.session.pinned, panel.session.result)
    assert panel._words.value == "noise AR(1) REML → OLS (white)"
    assert f"AICc {np.median(both.aicc):+.1f}".replace("-", "−") in panel._better.value
    panel.session.update({"data.smoothing_fwhm": 5.0})
    assert "no AICc: smoothing or scaling differ" in panel._better.value
    panel.session.update({"contrast.expression": "face - 2*house", "threshold.alpha": 0.01})
    assert "<" not in panel._words.value


def test_the_key_puts_a_in_the_place_of_b(panel):
    session = panel.session
    session.update({"threshold.height_control": "fixed", "threshold.value": 4.5})
    panel.flip.value = True
    np.testing.assert_array_equal(shown(panel, "b"), session.pinned.z.astype(np.float32))
    assert panel.viewers["b"].threshold == pytest.approx(session.pinned.threshold)
    panel.flip.value = False
    np.testing.assert_array_equal(shown(panel, "b"), session.result.z.astype(np.float32))
    assert panel.viewers["b"].threshold == 4.5


def test_one_crosshair_for_all(panel):
    panel.viewers["difference"].cursor = (3, 3, 3)
    assert panel.session.cursor == (3, 3, 3)
    assert {viewer.cursor for viewer in panel.viewers.values()} == {(3, 3, 3)}


def test_only_b_is_stale_while_it_is_not_the_one_asked_for(panel):
    panel.session.update({"contrast.expression": "face - nothing"})
    assert panel.viewers["b"].stale
    assert not panel.viewers["a"].stale
    panel.session.update({"contrast.expression": "face"})
    assert not panel.viewers["b"].stale


def test_unpinned_it_says_what_it_is_for(panel):
    panel.pin.value = False
    assert panel.session.pinned is None
    assert panel.pin.description == "pin as A"
    before = panel.viewers["b"]._serial
    panel.session.update({"noise.model": "ar1-reml"})
    assert panel.viewers["b"]._serial == before


def test_the_difference_may_be_one_of_r_square_or_aicc(panel):
    both, viewer = Comparison(panel.session.pinned, panel.session.result), panel.viewers["difference"]
    panel.what.value = "r_square"
    np.testing.assert_array_equal(shown(panel, "difference"), both.r_square.astype(np.float32))
    assert (viewer.label, viewer.threshold) == ("Δ R²", 0.02)
    panel.what.value = "aicc"
    np.testing.assert_array_equal(shown(panel, "difference"), both.aicc.astype(np.float32))
    assert panel._titles["difference"].value == "below 0 it speaks for B"
    panel.session.update({"data.smoothing_fwhm": 5.0})  # other data: no AICc
    assert viewer._values.size == 0
    assert panel._titles["difference"].value == "not known here"
    panel.what.value = "z"
    assert viewer._values.size


def test_the_same_way_round_and_on_the_same_background_as_the_map(panel):
    before = panel.viewers["a"]._background
    panel.session.update({"map.convention": "radiological", "map.background": "first"})
    assert {viewer.convention for viewer in panel.viewers.values()} == {"radiological"}
    assert {viewer._background for viewer in panel.viewers.values()}.isdisjoint({before})
    assert len({viewer._background for viewer in panel.viewers.values()}) == 1


def test_a_threshold_that_moves_leaves_the_maps_true(live):
    panel = ComparePanel(live)
    panel.pin.value = True
    assert live.wait_until_idle(30)
    stale = []
    panel.viewers["b"].observe(lambda change: stale.append(change["new"]), "stale")
    live.update({"threshold.height_control": "fixed", "threshold.value": 4.0})
    assert live.wait_until_idle(30)
    assert stale == []
    assert panel.viewers["b"].threshold == 4.0
