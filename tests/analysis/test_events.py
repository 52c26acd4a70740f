"""Edited events: the model is that of a run to which the edited table had been given, and all else follows."""

import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import make_first_level_design_matrix

from glmwidgets.analysis.events import event_findings
from glmwidgets.glm.design.matrix import frame_times
from glmwidgets.glm.events.cells import add_event, drop_events, edit_cell, to_seconds
from glmwidgets.glm.events.edits import merge_types, rename_types, split_type
from glmwidgets.glm.events.table import event_lines, events_from_lines
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import load_session, save_session
from glmwidgets.specification.settings import EventsSettings, Settings, SettingsError
from glmwidgets.specification.words import changes_in_words

T_R = 2.0


@pytest.fixture
def measured(run):
    """A session whose events have a reaction time and a side, and a third type."""
    events = run.events.assign(trial_type=np.resize(["face", "house", "body"], len(run.events)))
    rng = np.random.default_rng(3)
    events["rt"] = rng.uniform(0.4, 0.9, len(events)).round(3)
    events["side"] = np.resize(["left", "right"], len(events))
    opened = open_run(run.img, events, T_R, confounds=run.confounds, mask=run.mask_img)
    session = Session(opened, synchronous=True)
    session.refresh()
    yield session
    session.close()


def edit(session, table):
    """Make a table the session's events; what a panel does."""
    assert session.update(session.analysis.event_source.changes(session.settings, table))
    return session


def table_of(session):
    return session.analysis.event_source.table(session.settings.events)


def design_of_given(run, events):
    """Design of a run that is given these events in the first place."""
    session = Session(open_run(run.img, events, T_R, confounds=run.confounds, mask=run.mask_img), synchronous=True)
    design = session.analysis.graph.get("design", session.settings)
    session.close()
    return design


@pytest.mark.parametrize(
    "change",
    [
        lambda t: rename_types(t, {"face": "upright faces"}),
        lambda t: merge_types(t, ["face", "body"], "living"),
        lambda t: merge_types(t, ["face"], "house"),
        lambda t: split_type(t, "face", "side"),
        lambda t: edit_cell(edit_cell(t, 0, "onset", "11.25"), 2, "duration", "0"),
        lambda t: edit_cell(t, 1, "modulation", "1.5"),
        lambda t: drop_events(t, [0, 3]),
        lambda t: add_event(t, 100.0, 3.0, "surprise"),
    ],
    ids=["rename", "merge", "merge into", "split", "times", "modulation", "drop", "add"],
)
def test_the_design_is_that_of_a_run_given_the_edited_table(measured, change):
    table = change(measured.run.events)
    edit(measured, table)
    assert measured.status.state == "idle", measured.status.message
    expected = design_of_given(measured.run, table)
    pd.testing.assert_frame_equal(measured.result.design, expected, check_exact=True)
    assert measured.conditions == tuple(sorted(set(table["trial_type"])))
    assert measured.undo()
    pd.testing.assert_frame_equal(measured.result.design, design_of_given(measured.run, measured.run.events))
    assert measured.events is measured.run.events


def test_a_shift_moves_every_onset(measured):
    measured.update({"events.shift": 1.3})
    moved = measured.run.events.assign(onset=measured.run.events["onset"] + 1.3)
    pd.testing.assert_frame_equal(measured.result.design, design_of_given(measured.run, moved))
    # the table itself stays as it was
    np.testing.assert_array_equal(table_of(measured)["onset"], measured.run.events["onset"])


def test_a_modulator_is_the_fields_centred_column_beside_the_main_effect(measured):
    session, events = measured, measured.run.events
    assert session.update({"design.convolution": "grid"})  # the field's
    assert session.update(session.analysis.event_source.with_modulator(session.settings, "face", "rt"))
    faces = events[events["trial_type"] == "face"]
    by_rt = faces.assign(trial_type="face_by_rt", modulation=faces["rt"] - faces["rt"].mean())
    both = pd.concat([events.assign(modulation=1.0), by_rt])[["onset", "duration", "trial_type", "modulation"]]
    times = frame_times(session.run.n_scans, T_R)
    theirs = make_first_level_design_matrix(times, both, hrf_model="spm", drift_model="cosine", high_pass=0.01)
    # 1e-12: the same formulas in another order of additions
    for column in ("face", "face_by_rt", "house", "body"):
        np.testing.assert_allclose(session.result.design[column], theirs[column], atol=1e-12)
    assert "face_by_rt" in session.conditions
    assert session.update(session.analysis.event_source.without_modulator(session.settings, "face", "rt"))
    assert session.settings.events == EventsSettings()
    assert "face_by_rt" not in session.result.design


def test_modulators_follow_their_type_and_leave_with_it(measured):
    source = measured.analysis.event_source
    measured.update(source.with_modulator(measured.settings, "face", "rt"))
    measured.update({"contrast.expression": "face_by_rt"})
    edit(measured, rename_types(table_of(measured), {"face": "faces"}))
    assert measured.settings.events.modulated == ("faces",)
    assert measured.settings.contrast.expression == "faces_by_rt"
    assert measured.is_current
    gone = np.flatnonzero(table_of(measured)["trial_type"] == "faces").tolist()
    edit(measured, drop_events(table_of(measured), gone))
    assert measured.settings.events.modulated == ()
    assert measured.settings.contrast.expression == "body"
    assert measured.is_current


def test_contrasts_follow_and_the_map_is_the_same_under_the_new_name(measured):
    measured.update(
        {
            "contrast.names": ("main", "", "all"),
            "contrast.expressions": ("face - house", "2*body - face", "face; house; body"),
            "contrast.active": 0,
        }
    )
    before = measured.result.z
    edit(measured, rename_types(measured.run.events, {"face": "upright face"}))
    assert measured.settings.contrast.expressions == (
        '"upright face" - house',
        '2*body - "upright face"',
        '"upright face"; house; body',
    )
    assert measured.settings.contrast.names == ("main", "", "all")
    # the columns come in another order, and sums with them
    np.testing.assert_allclose(measured.result.z, before, atol=1e-9)


@pytest.mark.parametrize(
    ("change", "before", "after"),
    [
        (lambda t: merge_types(t, ["face", "body"], "living"), "(face + body) / 2 - house", "living - house"),
        (lambda t: merge_types(t, ["face", "body"], "living"), "face - body", "house"),
        (lambda t: merge_types(t, ["face"], "house"), "face - body", "house - body"),
        (lambda t: split_type(t, "face", "side"), "face", "(face_left + face_right) / 2"),
        (lambda t: split_type(t, "face", "side"), "face-house", "((face_left + face_right) / 2)-house"),
        (lambda t: t[t["trial_type"] != "face"].reset_index(drop=True), "face - house", "body"),
        (lambda t: rename_types(t, {"face": "f"}), "constant", "constant"),
        (lambda t: rename_types(t, {"face": "f"}), "face +", "f +"),
    ],
)
def test_an_expression_after_its_types_changed(measured, change, before, after):
    measured.update({"contrast.expression": before})
    edit(measured, change(measured.run.events))
    if after == "house":  # nothing is left of the difference of two that became one: the first type stands there
        after = measured.conditions[0]
    assert measured.settings.contrast.expression == after


def test_columns_of_a_response_with_derivatives_are_renamed_too(measured):
    measured.update({"design.hrf_model": "spm + derivative", "contrast.expression": "face_derivative"})
    edit(measured, rename_types(measured.run.events, {"face": "f"}))
    assert measured.settings.contrast.expression == "f_derivative"
    assert measured.is_current


def test_ticks_follow_a_rename_and_new_types_are_ticked(measured):
    measured.update({"design.conditions": ("face", "house"), "contrast.expression": "face"})
    edit(measured, rename_types(measured.run.events, {"face": "f"}))
    assert measured.settings.design.conditions == ("f", "house")
    edit(measured, split_type(table_of(measured), "house", "side"))
    assert measured.settings.design.conditions == ("f", "house_left", "house_right")
    edit(measured, add_event(table_of(measured), 90.0, 1.0, "odd"))
    assert measured.settings.design.conditions == ("f", "house_left", "house_right", "odd")
    assert "body" not in measured.result.design
    assert measured.is_current


def test_going_back_to_the_file_takes_the_names_back_too(measured):
    measured.update({"contrast.expression": "face - house"})
    edit(measured, rename_types(measured.run.events, {"face": "zebra"}))
    assert measured.settings.contrast.expression == "zebra - house"
    edit(measured, None)
    assert measured.settings.events.table is None
    assert measured.settings.contrast.expression == "face - house"
    # a table that says what the file says is the file
    edit(measured, edit_cell(measured.run.events, 0, "onset", str(measured.run.events["onset"][0])))
    assert measured.settings.events.table is None


def test_only_what_hangs_on_the_events_is_computed_again(session):
    session.update({"events.shift": 0.5})
    stages = set(session.result.timings)
    assert {"events", "design", "fit", "contrast"} <= stages
    assert not {"mask", "series", "moments"} & stages


def test_a_saved_session_comes_back_with_its_events(measured, tmp_path):
    source = measured.analysis.event_source
    edit(measured, rename_types(measured.run.events, {"face": 'a "b"'}))
    measured.update(source.with_modulator(measured.settings, "body", "rt"))
    measured.update({"events.shift": -0.7})
    path = save_session(measured, tmp_path / "session.json")
    run = measured.run
    again = load_session(path, run.img, run.events, confounds=run.confounds, mask=run.mask_img, synchronous=True)
    again.refresh()
    assert again.settings == measured.settings
    pd.testing.assert_frame_equal(again.events, measured.events)
    # 1e-12: a live session has summed the same products in another order
    np.testing.assert_allclose(again.result.z, measured.result.z, atol=1e-12)
    again.close()


def test_lines_hold_any_name_and_number_to_the_last_bit():
    events = pd.DataFrame(
        {
            "onset": [0.1 + 0.2, 1e-17, 123456.789012345],
            "duration": [1 / 3, 0.0, 2.0],
            "trial_type": ["tab\there", 'quote "x"', "two\nlines"],
            "modulation": [1.0, -0.5, 1e300],
            "rt": [0.5, np.nan, 0.25],
            "block": [1, 2, 3],
            "word": ["a", None, "n/a or not"],
        }
    )
    lines = event_lines(events)
    back = events_from_lines(Settings.from_json(Settings().updated({"events.table": lines}).to_json()).events.table)
    for name in ("onset", "duration", "modulation", "rt", "block"):
        np.testing.assert_array_equal(back[name], events[name])
    assert back["trial_type"].tolist() == events["trial_type"].tolist()
    assert back["word"][0] == "a"
    assert back["block"].dtype.kind == "i"
    assert event_lines(back) == lines


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["onset\tduration\ttrial_type"], "no event"),
        (["onset\tduration\ttrial_type", "1\t2"], "event 1 has 2 cells"),
        (["onset\tduration\ttrial_type", "x\t2\ta"], "onset of event 1 is not a number"),
        (["onset\tduration\ttrial_type", "nan\t2\ta"], "onset is missing"),
        (["onset\tduration\ttrial_type", "1\t-2\ta"], "negative duration"),
        (["onset\ttrial_type", "1\ta"], "no column 'duration'"),
    ],
)
def test_a_table_that_cannot_be_is_refused_and_the_last_one_stays(session, lines, words):
    before = session.result
    assert not session.update({"events.table": lines})
    assert words in session.status.message
    assert session.status.stage == "events.table"
    assert session.result is before
    with pytest.raises(SettingsError, match="modulated"):
        Settings().updated({"events.modulated": ["face"]})


def test_a_measure_that_is_not_there_is_told_by_the_stage(session):
    session.update({"events.modulated": ("face",), "events.modulated_by": ("rt",)})
    assert session.status.stage == "events"
    assert "no such column" in session.status.message
    assert session.conditions == ("face", "house")  # the last that could be made


def test_findings_name_rows_of_the_table(measured):
    times = frame_times(measured.run.n_scans, T_R)
    table = edit_cell(measured.run.events, 2, "onset", "400")
    edit(measured, table)
    findings, outside = event_findings(measured.analysis.event_source, measured.settings.events, times)
    assert outside == [2]
    assert any("outside" in found.kind for found in findings)
    late = measured.run.events.assign(onset=measured.run.events["onset"] * 1000, duration=8000.0)
    edit(measured, late)
    findings, _ = event_findings(measured.analysis.event_source, measured.settings.events, times)
    assert [found.kind for found in findings] == ["milliseconds"]
    edit(measured, to_seconds(late))
    assert measured.settings.events.table is None
    twice = edit_cell(measured.run.events, 3, "onset", str(measured.run.events["onset"][0]))
    edit(measured, twice)
    findings, _ = event_findings(measured.analysis.event_source, measured.settings.events, times)
    assert any(found.kind == "repeated" for found in findings)


def test_the_ledger_says_it_in_words(measured):
    edit(measured, edit_cell(measured.run.events, 0, "onset", "11"))
    edit(measured, edit_cell(table_of(measured), 1, "onset", "35"))
    edit(measured, drop_events(table_of(measured), [0, 1]))
    measured.update({"events.shift": 1.5})
    said = [entry.words for entry in measured.ledger.entries]
    assert any("events edited" in words for words in said)
    assert "shift of events 0 s → 1.5 s" in said[-1]
    lines = event_lines(measured.run.events)
    assert changes_in_words({"events.table": (lines, lines[:-2])}) == ("2 events fewer",)
    assert changes_in_words({"events.table": (lines, None)}) == ("events back to those given",)


def test_events_can_begin_from_none(run):
    session = Session(open_run(run.img, None, T_R, mask=run.mask_img), {"contrast.expression": "constant"}, True)
    session.refresh()
    assert session.events is None
    edit(session, add_event(None, 10.0, 5.0, "tone"))
    assert session.conditions == ("tone",)
    assert "tone" in session.result.design
    session.close()


def test_whoever_holds_the_lock_may_ask_for_events_while_the_worker_computes(live):
    for k in range(20):
        with live.lock:
            live.update({"events.shift": 0.1 * k})
            assert live.events["onset"].iloc[0] == pytest.approx(live.run.events["onset"].iloc[0] + 0.1 * k)
    assert live.wait_until_idle(60)
    assert live.is_current
