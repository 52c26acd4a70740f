"""The panels of events without a browser: every control both ways, refusals beside what is refused."""

import numpy as np
import pytest

pytest.importorskip("ipywidgets")
pytest.importorskip("anywidget")

from ipywidgets.widgets import widget as core

from glmwidgets.panels.run.events import EventsPanel
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.web.palettes import colour_of

T_R = 2.0


@pytest.fixture
def session(run):
    """Three types, with a reaction time and a side; the events of the other tests have neither."""
    events = run.events.assign(trial_type=np.resize(["face", "house", "body"], len(run.events)))
    events["rt"] = np.linspace(0.4, 0.9, len(events)) ** 2
    events["side"] = np.resize(["left", "right"], len(events))
    session = Session(open_run(run.img, events, T_R, mask=run.mask_img), synchronous=True)
    session.refresh()
    yield session
    session.close()


@pytest.fixture
def panel(session):
    """The panel with its editor open."""
    panel = EventsPanel(session)
    panel.edit.value = True
    return panel


def type_into(panel, row, column, text):
    """What the browser sends when a cell is left; what it is answered."""
    grid = panel.editor.grid
    cells = [{"row": row, "column": grid.names.index(column), "text": text}]
    grid._handle_custom_msg({"kind": "edit", "cells": cells}, [])
    return grid.answer["message"]


def cell(panel, row, column):
    grid = panel.editor.grid
    return grid.rows[row]["cells"][grid.names.index(column)]


def pause(session):
    """As if a person had waited between two changes, which are then two steps."""
    session.steps._last -= 10


def choose(panel, kind):
    panel.editor.kind.value = kind


def types_shown(panel):
    return [kind["name"] for kind in panel.types.data["types"]]


def test_a_cell_is_edited_undone_and_done_again(session, panel):
    assert type_into(panel, 0, "onset", "12.5") == ""
    assert session.events["onset"][0] == 12.5
    assert cell(panel, 0, "onset") == 12.5
    assert panel.types.data["onset"][0] == panel.editor.timeline.data["onset"][0] == 12.5
    assert session.is_current
    assert "edited" in panel._head.value
    session.undo()
    assert cell(panel, 0, "onset") == 10.0
    assert session.settings.events.table is None
    session.redo()
    assert cell(panel, 0, "onset") == 12.5


@pytest.mark.parametrize(
    ("column", "text", "words"),
    [
        ("onset", "12,5", "a decimal point, not a comma: 12.5"),
        ("onset", "soon", "a number of seconds"),
        ("onset", "nan", "a number of seconds"),
        ("onset", "1_0", "a number of seconds"),
        ("duration", "-1", "0 or more"),
        ("modulation", "", "a number"),
        ("trial_type", "  ", "must have a name"),
    ],
)
def test_what_cannot_be_is_refused_beside_the_cell(session, panel, column, text, words):
    before, result = session.settings, session.result
    assert words in type_into(panel, 1, column, text)
    assert session.settings is before
    assert session.result is result


def test_an_unreasonable_message_is_no_event(session, panel):
    before = session.settings
    rt = panel.editor.grid.names.index("rt")  # a column of the file
    for content in ({"row": 99}, {"column": 44}, {"column": 0}, {"column": rt}, {"text": 3}, {"row": "x"}):
        cell = {"row": 0, "column": 1, "text": "1", **content}
        panel.editor.grid._handle_custom_msg({"kind": "edit", "cells": [cell]}, [])
    assert session.settings is before


def test_ticks_and_settings_are_one_in_both_timelines(session, panel):
    panel.types.off = ["house"]
    assert session.settings.design.conditions == ("body", "face")
    assert panel.editor.timeline.off == ["house"]
    panel.editor.timeline.off = ["house", "body"]
    assert session.settings.design.conditions == ("face",)
    assert sorted(panel.types.off) == ["body", "house"]
    pause(session)
    session.update({"design.conditions": None})
    assert panel.types.off == panel.editor.timeline.off == []
    session.undo()
    assert sorted(panel.types.off) == ["body", "house"]


def test_the_shift_by_slider_number_and_setting(session, panel):
    editor = panel.editor
    editor.shift.value = 1.5
    assert session.settings.events.shift == 1.5
    assert editor.seconds.value == 1.5
    assert editor.timeline.shift == panel.types.shift == 1.5
    assert "+0.75 TR" in editor._scans.value
    assert cell(panel, 0, "onset") == 10.0  # the table is that of the file
    editor.seconds.value = -30.0  # further than the slider reached
    assert session.settings.events.shift == -30.0
    assert editor.shift.value == -30.0
    session.update({"events.shift": 0.0})
    assert editor.shift.value == editor.seconds.value == 0.0
    # the browser rounds what it is given: no drag
    session.update({"events.shift": 0.25})
    assert session.settings.events.shift == 0.25


def test_rename_merge_and_split(session, panel):
    editor = panel.editor
    session.update({"contrast.expression": "face - house"})
    choose(panel, "face")
    editor.name.value = " upright  face "
    editor.new_type.value = "face"
    editor.rename.click()
    assert "upright face" in session.conditions
    assert (editor.new_type.value, "face" in editor.new_type.options) == ("upright face", False)
    assert editor.kind.value == "upright face"
    assert session.settings.contrast.expression == '"upright face" - house'
    assert types_shown(panel) == ["body", "house", "upright face"]
    colour = colour_of("upright face", session.conditions)
    column = editor.grid.columns[editor.grid.names.index("trial_type")]
    assert column["colours"]["upright face"] == panel.types.data["types"][2]["colour"] == colour

    editor.name.value = "house"
    editor.rename.click()
    assert "merge them" in editor._said.value
    assert "upright face" in session.conditions

    editor.other.value = "house"
    editor.merge.click()
    assert session.conditions == ("body", "house")
    assert session.settings.contrast.expression == "body"
    assert editor.kind.value == "house"
    assert editor._said.value == ""
    pause(session)
    editor.part.value = "side"
    editor.split.click()
    assert session.conditions == ("body", "house_left", "house_right")
    session.undo()
    choose(panel, "body")
    editor.part.value = "half of the run"
    editor.split.click()
    assert session.conditions == ("body_early", "body_late", "house")
    assert session.is_current


def test_a_modulator_comes_and_goes(session, panel):
    editor = panel.editor
    choose(panel, "face")
    assert editor.measure.options == ("rt", "onset")
    editor.measure.value = "rt"
    editor.modulate.click()
    assert "face_by_rt" in session.result.design
    assert "face_by_rt" in types_shown(panel)
    choose(panel, "face_by_rt")
    assert editor.unmodulate.layout.display == ""
    assert editor.rename.layout.display != "none"
    assert editor._acts["rename"].layout.display == "none"
    editor.unmodulate.click()
    assert "face_by_rt" not in session.result.design
    assert session.settings.events.modulated == ()


def test_events_are_picked_in_either_place_retyped_added_and_deleted(session, panel):
    editor = panel.editor
    n = len(session.events)
    editor.timeline.picked = [1]
    assert editor.grid.picked == [1]
    assert editor.kind.value == "house"
    editor.grid.picked = [0, 2]
    assert editor.timeline.picked == [0, 2]
    editor.new_type.value = "odd"
    editor.retype.click()
    assert session.events["trial_type"].tolist().count("odd") == 2
    editor.delete.click()
    assert len(session.events) == n - 2
    assert editor.grid.picked == []
    assert editor.delete.disabled
    choose(panel, "house")
    editor.add.click()
    assert len(session.events) == n - 1
    assert editor.grid.picked == [n - 2]
    assert session.events["trial_type"].iloc[-1] == "house"
    choose(panel, "odd") if "odd" in session.conditions else choose(panel, "body")
    editor.remove.click()
    assert session.is_current
    for kind in session.conditions[:-1]:
        choose(panel, kind)
        editor.remove.click()
    choose(panel, session.conditions[0])
    editor.remove.click()
    assert "must keep one event" in editor._said.value


def test_back_to_the_file(session, panel):
    editor = panel.editor
    assert editor.reset.disabled
    type_into(panel, 1, "trial_type", "odd")
    editor.shift.value = 1.0
    choose(panel, "face")
    editor.measure.value = "rt"
    editor.modulate.click()
    assert not editor.reset.disabled
    editor.reset.click()
    assert session.events is session.run.events
    assert editor.reset.disabled
    assert session.is_current


def test_milliseconds_are_mended_at_a_click(run):
    events = run.events.assign(onset=run.events["onset"] * 1000, duration=8000.0)
    session = Session(open_run(run.img, events, T_R, mask=run.mask_img), synchronous=True)
    panel = EventsPanel(session)
    session.refresh()
    assert "milliseconds" in panel._found.value
    assert panel.to_seconds.layout.display == ""
    assert session.status.stage == "design"
    assert session.status.message.endswith("divide onset and duration by 1000")
    assert panel._error.layout.display == "none"  # it stands there already
    panel.to_seconds.click()
    assert session.events["onset"].tolist() == run.events["onset"].tolist()
    assert panel._found.value == ""
    assert panel.to_seconds.layout.display == "none"
    assert session.is_current, session.status.message
    session.close()


def test_what_lies_outside_is_marked_and_told(session, panel):
    type_into(panel, 2, "onset", "500")
    assert "outside the run" in panel._found.value
    assert [row["bad"] for row in panel.editor.grid.rows[:4]] == ["", "", "outside the run", ""]
    assert "1 outside the run" in panel.editor._head.value


def test_names_are_text_and_never_markup(session, panel):
    type_into(panel, 0, "trial_type", "<img src=x>")
    type_into(panel, 0, "onset", "900")
    assert "<img src=x>" in session.conditions
    assert "<img" not in panel._found.value
    assert "&lt;img src=x&gt;" in panel._found.value


def test_a_closed_editor_costs_nothing_and_an_open_one_no_new_widgets(session, panel):
    editor = panel.editor
    panel.edit.value = False
    before = editor.grid.rows
    type_into(panel, 0, "onset", "11")
    assert editor.grid.rows is before
    panel.edit.value = True
    assert cell(panel, 0, "onset") == 11
    n = len(core._instances)
    for k in range(5):
        type_into(panel, 0, "trial_type", f"kind {k}")
        editor.shift.value = 0.1 * (k + 1)
    assert len(core._instances) == n


def test_one_message_for_the_table_and_one_for_each_timeline(session, panel):
    sent = []
    for name, widget in (("list", panel.types), ("grid", panel.editor.grid), ("timeline", panel.editor.timeline)):
        widget.observe(
            lambda change, name=name: sent.append((name, change["name"])), ["data", "rows", "off", "shift", "kind"]
        )
    type_into(panel, 0, "onset", "11")
    assert sorted(sent) == [("grid", "rows"), ("list", "data"), ("timeline", "data")]
    sent.clear()
    panel.editor.shift.value = 0.5
    assert sorted(sent) == [("list", "shift"), ("timeline", "shift")]


def test_a_run_without_events_can_be_given_some(run):
    session = Session(open_run(run.img, None, T_R, mask=run.mask_img), {"contrast.expression": "constant"}, True)
    panel = EventsPanel(session)
    panel.edit.value = True
    session.refresh()
    assert panel._nothing.layout.display != "none"
    panel.editor.add.click()
    assert session.conditions == ("event",)
    assert panel._nothing.layout.display == "none"
    assert "event" in session.result.design
    session.close()


def test_alone_the_panel_brings_its_editor(session):
    panel = EventsPanel(session)
    panel._repr_mimebundle_()
    place = panel._alone.children[-1]
    assert place.children == ()
    panel.edit.value = True
    assert place.children == (panel.editor,)
