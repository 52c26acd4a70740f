"""The control of every setting is what its field says: name, help, bounds, choices; a new row is in its menu."""

import math

import pytest

pytest.importorskip("ipywidgets")

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.run.drift import DriftPanel
from glmwidgets.panels.shared.base import Panel
from glmwidgets.panels.shared.controls import control_of
from glmwidgets.specification.fixed import FixedSettings
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.settings import Settings

EVERY = [(tree, path) for tree in (Settings, GroupSettings, FixedSettings) for path in tree.paths()]


@pytest.mark.parametrize(("tree", "path"), EVERY, ids=[f"{tree.__name__}-{path}" for tree, path in EVERY])
def test_a_control_is_what_the_field_says(tree, path):
    known, control = tree.field(path), control_of(tree, path)
    assert control.description == known.title
    assert control.tooltip == known.hint
    if known.choices is not None:
        assert [value for _, value in control.options] == ["" if name is None else name for name in known.choices]
    if isinstance(control, W.BoundedFloatText | W.BoundedIntText):
        for bound, end in ((control.min, known.low), (control.max, known.high)):
            assert bound == end if math.isfinite(end) else abs(bound) >= 1e9
    control.close()


def test_a_menu_speaks_as_the_ledger_does_where_it_can():
    sides = control_of(Settings, "threshold.two_sided")
    assert list(sides.options) == [("two-sided", True), ("positive only", False)]
    assert Settings.field("threshold.two_sided").words(True) == "two-sided"


def test_none_is_a_choice_that_a_menu_can_have(session):
    panel = Panel(session)
    pooling = panel.control("noise.pooling")
    session.update({"noise.model": "ar1"})
    assert pooling.value == ""
    pooling.value = "local"
    assert session.settings.noise.pooling == "local"
    pooling.value = ""
    assert session.settings.noise.pooling is None


def test_a_line_of_a_menu_may_say_what_it_is_of():
    carpet = control_of(Settings, "series.carpet", titled=True)
    assert [label for label, _ in carpet.options] == ["carpet of data", "carpet of fit", "carpet of residual"]


def test_a_label_above_a_control_is_not_shown_beside_it_again(session):
    panel = DriftPanel(session)
    for control, label in ((panel.period, "high-pass, s"), (panel.frequency, "in Hz"), (panel.order, "order")):
        assert control.description == label
        assert "glmw-named" in control._dom_classes
