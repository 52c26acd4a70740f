"""Tables of events: what is read, what is refused and in which words, what is suspected, what is edited."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glmwidgets.glm.events.checks import check_events, event_warnings, looks_like_milliseconds, run_window
from glmwidgets.glm.events.edits import merge_types, modulate, rename_types, shift_onsets, split_type
from glmwidgets.glm.tables import read_table

TIMES = np.arange(0.0, 200.0, 2.0)


def table(**columns):
    return pd.DataFrame(
        {"onset": [0.0, 10.0, 20.0], "duration": [1.0, 2.0, 3.0], "trial_type": ["b", "a", "b"], **columns}
    )


def findings(events, **more):
    return {(f.severity, f.kind, f.condition): f for f in event_warnings(check_events(events), TIMES, **more)}


# Reading and checking


def test_a_good_table_comes_back_with_its_types_in_order_and_silently():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checked = check_events(table(stim_file=["x", "y", "z"], modulation=[1, 2, 3]))
    assert list(checked.columns) == ["onset", "duration", "trial_type", "modulation", "stim_file"]
    assert checked["modulation"].tolist() == [1.0, 2.0, 3.0]
    assert checked["trial_type"].tolist() == ["b", "a", "b"]
    assert checked.dtypes[["onset", "duration", "modulation"]].eq(np.float64).all()


def test_the_table_given_is_not_changed():
    events = table()
    before = events.copy()
    checked = check_events(events)
    checked.loc[:, "onset"] += 1
    pd.testing.assert_frame_equal(events, before)


def test_checking_twice_is_checking_once():
    checked = check_events(table())
    pd.testing.assert_frame_equal(check_events(checked), checked)


@pytest.mark.parametrize("types", [[1, 2, 1], [1.0, 2.0, 1.0], pd.Categorical(["1", "2", "1"])])
def test_types_become_text(types):
    assert check_events(table(trial_type=types))["trial_type"].tolist() == ["1", "2", "1"]


def test_no_types_is_one_type_with_a_warning():
    with pytest.warns(UserWarning, match="'dummy'"):
        checked = check_events(table().drop(columns="trial_type"))
    assert set(checked["trial_type"]) == {"dummy"}


def test_duplicates_are_summed_with_a_warning_that_names_them():
    events = pd.DataFrame(
        {"onset": [0, 5, 0, 0], "duration": 1, "trial_type": ["a", "a", "a", "b"], "modulation": [1.0, 2, 3, 4]}
    )
    with pytest.warns(UserWarning, match=r"row 2 .* summed"):
        checked = check_events(events)
    assert checked[["onset", "trial_type", "modulation"]].to_numpy().tolist() == [[0, "a", 4], [5, "a", 2], [0, "b", 4]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"onset": [0, np.nan, 2]}, r"onset is missing in row 1 \(counted from 0\)"),
        ({"onset": ["0", "ten", "2"]}, r"onset 'ten' in row 1"),
        ({"onset": [0, np.inf, 2]}, "onset .*inf.* in row 1"),
        ({"duration": [1, -0.5, -2]}, r"negative duration \(-0.5 s\) in rows 1, 2"),
        ({"duration": [1, None, 1]}, "duration is missing in row 1"),
        ({"trial_type": ["a", None, np.nan]}, "trial_type is missing in rows 1, 2"),
        ({"trial_type": ["a", " ", "b"]}, "trial_type is missing in row 1"),
        ({"modulation": [1, np.nan, 1]}, "modulation is missing in row 1"),
        ({"modulation": [1, "x", 1]}, "modulation 'x' in row 1"),
    ],
)
def test_bad_values_are_refused_by_row(columns, message):
    with pytest.raises(ValueError, match=message):
        check_events(table(**columns), complete=True)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"onset": [0, np.nan, 2]}, r"1 of 3 events has no onset in row 1 \(counted from 0\); left out$"),
        ({"onset": ["0", "n/a", "2"]}, "no onset in row 1"),
        ({"duration": [1, None, 1]}, r"no duration in row 1 .*; left out \(missing_duration= fills"),
        ({"trial_type": ["a", " ", "b"]}, "no trial_type in row 1"),
        (
            {"duration": [1, 1, np.nan], "trial_type": [None, "n/a", "a"]},
            "have no duration in row 2 .*: no event is left",
        ),
    ],
)
def test_rows_that_are_not_available_are_left_out_and_said(columns, said):
    if "no event" in said:
        with pytest.raises(ValueError, match=said):
            check_events(table(**columns))
        return
    with pytest.warns(UserWarning, match=said):
        left = check_events(table(**columns))
    assert left.equals(check_events(table(**columns).iloc[[0, 2]]))


def test_missing_durations_are_filled_where_that_is_asked_for():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filled = check_events(table(duration=["n/a", 2.5, "n/a"]), missing_duration=4)
    assert filled["duration"].tolist() == [4.0, 2.5, 4.0]
    with pytest.raises(ValueError, match="missing_duration must be 0 s or more"):
        check_events(table(), missing_duration=-1)


def test_two_columns_of_one_name_are_refused(tmp_path):
    path = tmp_path / "events.tsv"
    path.write_text("onset\tduration\tonset\n1\t2\t3\n")
    with pytest.raises(ValueError, match="more than one column is called 'onset'"):
        check_events(path)


FSL = {"face": "0 2 1\n20 2 0.5\n", "house": "10 2 1\n", "error": "0 0 0\n"}


@pytest.fixture
def three_columns(tmp_path):
    folder = tmp_path / "evs"
    folder.mkdir()
    for name, text in FSL.items():
        (folder / f"{name}.txt").write_text(text)
    return folder


@pytest.mark.parametrize("door", ["folder", "dictionary", "arrays"])
def test_files_of_three_columns_are_events(three_columns, door):
    files = {name: three_columns / f"{name}.txt" for name in FSL}
    given = {"folder": three_columns, "dictionary": files}.get(door) or {n: np.loadtxt(f) for n, f in files.items()}
    read = check_events(given).sort_values("onset")
    assert read[["onset", "trial_type", "modulation"]].to_numpy().tolist() == [
        [0, "face", 1],
        [10, "house", 1],
        [20, "face", 0.5],
    ]
    assert check_events(three_columns / "house.txt")["trial_type"].tolist() == ["house"]


def test_a_folder_of_other_files_is_refused(three_columns):
    (three_columns / "notes.txt").write_text("a b\n1 2\n")
    with pytest.raises(ValueError, match=r"notes.txt has no column 'onset'; its columns are a, b"):
        check_events(three_columns)


def test_a_missing_column_is_named_with_those_there_are():
    with pytest.raises(ValueError, match=r"no column 'onset'; its columns are Onset, duration"):
        check_events(pd.DataFrame({"Onset": [1.0], "duration": [1.0]}))
    with pytest.raises(ValueError, match="no column 'duration'"):
        check_events(pd.DataFrame({"onset": [1.0]}))


def test_empty_tables_and_other_things_are_refused():
    with pytest.raises(ValueError, match="no event"):
        check_events(table().iloc[:0])
    with pytest.raises(TypeError, match="not list"):
        check_events([(0, 1)])


def test_text_that_holds_numbers_is_read_as_numbers():
    checked = check_events(table(onset=["0", "10.5", "20"]))
    assert checked["onset"].tolist() == [0.0, 10.5, 20.0]


# Files


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_files_in_any_encoding_and_separator(tmp_path, encoding, separator):
    path = tmp_path / "events.tsv"
    rows = [["onset", "duration", "trial_type"], ["1.5", "2", "émotion"], ["3", "n/a", "null"]]
    path.write_bytes("\r\n".join(separator.join(row) for row in rows).encode(encoding))
    read = read_table(path, "events")
    assert read["trial_type"].tolist() == ["émotion", "null"]
    assert np.isnan(read["duration"].iloc[1])


def test_errors_name_the_file_and_its_line(tmp_path):
    path = tmp_path / "sub-01_events.tsv"
    path.write_text("onset\tduration\ttrial_type\n1\t1\ta\n\n\t\t\n2\tlong\ta\n\n")
    with pytest.raises(ValueError, match=r"sub-01_events.tsv: duration 'long' in line 5 is"):
        check_events(path)
    with pytest.raises(ValueError, match=r"^run 2: duration"):
        check_events(path, source="run 2")


def test_missing_empty_and_binary_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        check_events(tmp_path / "none.tsv")
    with pytest.raises(FileNotFoundError, match="folder"):
        check_events(tmp_path)
    (tmp_path / "empty.tsv").write_text("\n \n")
    with pytest.raises(ValueError, match="empty"):
        check_events(tmp_path / "empty.tsv")
    (tmp_path / "image.tsv").write_bytes(bytes(range(256)))
    with pytest.raises(ValueError, match="not a text file"):
        check_events(tmp_path / "image.tsv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("onset\tduration\n1\t2\n1\t2\t3\n", "line 3 has 3 cells, but there are 2 names of columns"),
        ('onset\tduration\ttrial_type\n1\t2\t"a\n3\t4\tb"\n', "quotation mark"),
    ],
)
def test_broken_tables_are_refused(tmp_path, text, message):
    (tmp_path / "events.tsv").write_text(text)
    with pytest.raises(ValueError, match=rf"events.tsv: .*{message}"):
        check_events(tmp_path / "events.tsv")


def test_real_events(visloc_dir, auditory_dir):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        visual = check_events(next(visloc_dir.glob("*events.tsv")))
        auditory = check_events(auditory_dir / "sub-01_task-auditory_events.tsv")
    assert len(visual) == 192
    assert sorted(set(visual["trial_type"])) == ["body", "face", "house", "object", "scene", "scramble"]
    assert auditory["onset"].tolist() == [42.0 + 84 * i for i in range(8)]
    assert [f for f in event_warnings(visual, np.arange(156) * 2.0) if f.severity != "note"] == []
    assert event_warnings(auditory, np.arange(96) * 7.0) == []


# Findings


def test_clean_events_have_no_findings():
    assert findings(table()) == {}


def test_milliseconds_are_found_and_nothing_else_is_said():
    found = findings(table(onset=[0, 10_000, 150_000]))
    (finding,) = found.values()
    assert (finding.severity, finding.kind, finding.rows) == ("error", "milliseconds", (0, 1, 2))
    assert "divide onset and duration by 1000" in finding.message


@settings(deadline=None)
@given(st.lists(st.floats(0, 199), min_size=1, max_size=30))
def test_onsets_in_seconds_are_never_taken_for_milliseconds(onsets):
    assert not looks_like_milliseconds(np.array(onsets), run_end=200.0)


@settings(deadline=None)
@given(st.lists(st.floats(0.5, 199), min_size=1, max_size=30).filter(lambda x: max(x) > 5))
def test_the_same_onsets_in_milliseconds_are(onsets):
    assert looks_like_milliseconds(np.array(onsets) * 1000, run_end=200.0)


def test_a_type_outside_the_run_is_an_error_and_a_stray_event_a_warning():
    found = findings(table(onset=[5, 500, 250]))
    assert found["error", "outside", "a"].rows == (1,)
    assert (
        "'a' never happens during the run (0 to 200 s): its only onset is at 500 s"
        in found["error", "outside", "a"].message
    )
    assert found["warning", "outside", "b"].rows == (2,)


def test_events_that_reach_over_the_ends_are_noted():
    found = findings(table(onset=[-0.5, 10, 199]))
    assert found["note", "partly outside", "b"].rows == (0, 2)


@pytest.mark.parametrize("milliseconds", [500, 4000])
def test_durations_alone_in_milliseconds_are_doubted(milliseconds):
    events = pd.DataFrame({"onset": np.arange(5.0, 185, 12), "duration": milliseconds, "trial_type": "a"})
    found = findings(events)["warning", "long durations", None]
    assert found.rows == tuple(range(15))
    assert f"may be milliseconds: {milliseconds} is the longest, and the run lasts 200 s" in found.message


@pytest.mark.parametrize(
    ("onset", "duration"),
    [([0.0], [200.0]), ([-5.0], [215.0]), (np.arange(0, 200, 2.0), [8.0] * 100), ([0.0, 10, 20, 30], [200.0, 5, 5, 5])],
    ids=["the whole run", "a little more", "overlapping trials", "trials within a block"],
)
def test_long_events_that_may_be_meant_are_not(onset, duration):
    kinds = {kind for _, kind, _ in findings(pd.DataFrame({"onset": onset, "duration": duration, "trial_type": "a"}))}
    assert "long durations" not in kinds


def test_overlap_is_found_behind_a_long_event():
    events = pd.DataFrame({"onset": [0, 2, 15, 40], "duration": [30, 1, 1, 1], "trial_type": "a"})
    assert findings(events)["warning", "overlap", "a"].rows == (1, 2)


def test_touching_events_and_events_of_different_types_do_not_overlap():
    events = pd.DataFrame({"onset": [0, 10, 5], "duration": 10, "trial_type": ["a", "a", "b"]})
    assert findings(events) == {}


def test_mixed_durations_within_and_between_types():
    events = pd.DataFrame({"onset": [0, 10, 20], "duration": [0, 5, 0], "trial_type": ["a", "a", "b"]})
    found = findings(events)
    assert found["warning", "mixed durations", "a"].rows == (0,)
    assert found["note", "mixed durations", None].rows == (2,)


def test_names_that_differ_in_case_or_blanks():
    assert findings(table(trial_type=["Face", "face ", "x"]))["warning", "similar names", None].rows == (0, 1)


def test_censoring_of_a_whole_type_is_an_error_of_one_event_a_note():
    events = pd.DataFrame({"onset": [20, 100, 60], "duration": 2, "trial_type": ["a", "a", "b"]})
    mask = np.ones(TIMES.size, dtype=bool)
    mask[(TIMES >= 60) & (TIMES <= 74)] = False
    mask[(TIMES >= 20) & (TIMES <= 34)] = False
    for sample_mask in (mask, np.flatnonzero(mask)):
        found = findings(events, sample_mask=sample_mask)
        assert found["error", "censored", "b"].rows == (2,)
        assert found["note", "censored", "a"].rows == (0,)


def test_findings_come_worst_first():
    severities = [f.severity for f in event_warnings(check_events(table(onset=[-0.5, 500, 300])), TIMES)]
    assert severities == sorted(severities, key=["error", "warning", "note"].index)
    assert len(severities) == 3


def test_the_run_starts_at_zero_whatever_the_slice_timing_reference():
    assert run_window(TIMES + 1.0) == (0.0, 201.0)
    assert run_window(TIMES + 84.0) == (84.0, 284.0)


# Edits


def test_rename():
    events = check_events(table())
    assert rename_types(events, {"a": "b", "b": "a"})["trial_type"].tolist() == ["a", "b", "a"]
    with pytest.raises(ValueError, match="no event has the trial_type 'c'; the types are a, b"):
        rename_types(events, {"c": "d"})
    with pytest.raises(ValueError, match="merge"):
        rename_types(events, {"a": "b"})
    with pytest.raises(ValueError, match="blank"):
        rename_types(events, {"a": " "})


def test_merge():
    events = check_events(table())
    assert set(merge_types(events, ["a", "b"], "ab")["trial_type"]) == {"ab"}
    assert events["trial_type"].tolist() == ["b", "a", "b"]
    with pytest.raises(ValueError, match="blank"):
        merge_types(events, ["a"], "")


def test_split_by_column_and_by_labels():
    events = check_events(table(side=["left", "left", "right"]))
    assert split_type(events, "b", "side")["trial_type"].tolist() == ["b_left", "a", "b_right"]
    assert split_type(events, "b", [1, 2])["trial_type"].tolist() == ["b_1", "a", "b_2"]
    with pytest.raises(ValueError, match="no such column"):
        split_type(events, "b", "hand")
    with pytest.raises(ValueError, match="3 values given for 2 events"):
        split_type(events, "b", [1, 2, 3])
    with pytest.raises(ValueError, match="label is missing for 1 event"):
        split_type(events, "b", ["x", None])


def test_shift():
    events = check_events(table())
    assert shift_onsets(events, 2.5)["onset"].tolist() == [2.5, 12.5, 22.5]
    assert shift_onsets(events, -1, "a")["onset"].tolist() == [0, 9, 20]
    with pytest.raises(ValueError, match="finite"):
        shift_onsets(events, np.nan)


@settings(deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=20).filter(lambda x: np.ptp(x) > 1e-3))
def test_a_centred_modulator_is_orthogonal_to_its_main_effect(values):
    events = pd.DataFrame({"onset": np.arange(len(values)) * 10.0, "duration": 1.0, "trial_type": "a"})
    modulated = modulate(check_events(events), "a", by=values)
    main = modulated[modulated["trial_type"] == "a"]["modulation"].to_numpy()
    extra = modulated[modulated["trial_type"] == "a_modulation"]["modulation"].to_numpy()
    assert (main == 1).all()
    np.testing.assert_allclose(extra, np.array(values) - np.mean(values))
    assert main @ extra == pytest.approx(0, abs=1e-9 * np.abs(values).max() * len(values))


def test_modulators_are_refused_where_they_mean_nothing():
    events = check_events(table(rt=[0.5, 0.6, 0.5], note=["x", "y", "z"]))
    with pytest.raises(ValueError, match=r"is 0\.5 for every event"):
        modulate(events, "b", "rt")
    with pytest.raises(ValueError, match="not a number for 2 of 2"):
        modulate(events, "b", "note")
    with pytest.raises(ValueError, match="already"):
        modulate(events, "b", [1, 2], name="a")
    assert modulate(events, "b", [1, 3], center=False)["modulation"].tolist() == [1, 1, 1, 1, 3]


def test_a_dictionary_of_columns_is_a_table_and_not_three_types():
    columns = {"onset": [10, 30, 50], "duration": [2, 2, 2], "trial_type": [1, 2, 1]}
    pd.testing.assert_frame_equal(check_events(columns), check_events(pd.DataFrame(columns)))
    with pytest.raises(ValueError, match="the events: the dictionary of columns is no table"):
        check_events({**columns, "duration": [2, 2]})
