"""Undo, the list of what was looked at, and the lock, without a browser."""

import pytest

pytest.importorskip("anywidget")

from glmwidgets.panels.shared.history import HistoryPanel
from glmwidgets.panels.shared.undo import UndoBar


@pytest.fixture
def panel(session):
    return HistoryPanel(session)


def pick(table, row):
    table._handle_custom_msg({"kind": "pick", "row": row}, [])


def test_undo_and_redo_by_button(session):
    panel = UndoBar(session)
    assert panel.undo.disabled
    session.update({"noise.model": "ols"})
    assert not panel.undo.disabled
    assert panel.redo.disabled
    panel.undo.click()
    assert session.settings.noise.model == "ar1-reml"
    assert panel.undo.disabled
    panel.redo.click()
    assert session.settings.noise.model == "ols"
    assert session.is_current


def test_the_list_is_newest_first_and_a_row_returns(panel):
    session = panel.session
    session.update({"noise.model": "ols"})
    session.update({"contrast.expression": "face - house"})
    changes = [row["cells"][2] for row in panel.table.rows]
    assert changes == ["contrast face → face - house", "noise AR(1) REML → OLS (white)", "first look"]
    assert panel.table.here == 0
    assert panel.count.description == "2 models viewed"
    assert "3 contrasts" in panel._head.value
    pick(panel.table, 2)
    assert session.settings.noise.model == "ar1-reml"
    assert session.settings.contrast.expression == "face"
    assert panel.count.description == "2 models viewed"


def test_the_lock_asks_twice_and_marks_what_comes_after(panel):
    session = panel.session
    assert panel._sure.layout.display == "none"
    panel.lock.click()
    assert session.ledger.locked is None
    assert panel._sure.layout.display == ""
    panel._sure.click()
    assert session.ledger.locked == 1
    assert panel.lock.disabled
    assert panel.lock.description == "step 1 is confirmatory"
    session.update({"design.hrf_model": "glover"})
    assert panel.table.rows[0]["cells"][-1] == "exploratory"
    assert "now exploratory" in panel._head.value


def test_what_a_person_named_is_escaped(panel):
    panel.session.update({"contrast.names": ("<b>x</b>",), "contrast.expressions": ("face",)})
    assert "<b>x" not in panel._head.value
