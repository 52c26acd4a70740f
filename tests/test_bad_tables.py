"""Tables, designs and contrasts that cannot be right: each is refused in a sentence, before memory is taken."""

import json
import os
import re
import time
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

import glmwidgets as gw
from glmwidgets.files.json_text import parse_json
from glmwidgets.glm.design.confounds import check_confounds
from glmwidgets.glm.design.matrix import frame_times
from glmwidgets.glm.design.matrix import make_first_level_design_matrix as design
from glmwidgets.glm.events.checks import check_events
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.group.design import check_group_design, make_second_level_design_matrix
from glmwidgets.glm.group.matching import match_table
from glmwidgets.glm.response.models import resolve_hrf
from glmwidgets.glm.tables import parse_table
from glmwidgets.report.exports.interop import read_afni_xmat, read_fsl_con, read_fsl_mat
from glmwidgets.runs.bids import find_run
from glmwidgets.runs.bids_confounds import load_confounds
from glmwidgets.session.group.data import open_group, table_settings
from glmwidgets.session.single.store import load_session

LONG = int("9" * 400)


def cells(*values):
    """A column as it was given: pandas 2.1 makes no table of integers that no float can be."""
    return pd.Series(values, dtype=object)


TIMES = frame_times(40, 2.0)
EVENTS = pd.DataFrame({"onset": [0.0, 20.0, 40.0], "duration": 2.0, "trial_type": ["a", "b", "a"]})
HEAD = "onset\tduration\ttrial_type\n"


def text(content, what="events", name="table.tsv"):
    return lambda: parse_table(content if isinstance(content, bytes) else content.encode(), what, name)


def events(**columns):
    return lambda: check_events(EVENTS.assign(**columns))


def made(**how):
    return lambda: design(how.pop("times", TIMES), how.pop("events", EVENTS), **how)


def confounds(table, n=3, **how):
    return lambda: check_confounds(table, n, **how)


def response(function):
    return made(hrf_model=function)


def contrast(definition):
    return lambda: contrast_vector(definition, ["a", "b", "c"])


def matched(maps, **columns):
    return lambda: match_table(maps, pd.DataFrame(columns), "the table")


def group(**columns):
    return lambda: check_group_design(pd.DataFrame(columns), 4)


def of_confounds(**columns):
    return lambda: make_second_level_design_matrix(["a", "b", "c"], pd.DataFrame(columns))


def document(instructions=(), x=("trial_type.a", 1), contrasts=(), level="Run", **model):
    node = {
        "Level": level,
        "Transformations": {"Instructions": list(instructions)},
        "Model": {"X": list(x), "Type": "glm", **model},
        "Contrasts": list(contrasts),
    }
    return lambda: gw.read_stats_model({"Name": "m", "Nodes": [node]})


def weights(*given, names=("trial_type.a",)):
    return document(contrasts=[{"Name": "c", "ConditionList": list(names), "Weights": list(given), "Test": "t"}])


def many_types():
    return check_events(pd.DataFrame({"onset": np.arange(1e6), "duration": 1.0, "trial_type": np.arange(10**6)}))


CASES = {
    # Text that is no table
    "events: nothing": (text(""), "empty"),
    "events: blank lines": (text(" \n\t\n"), "empty"),
    "events: bytes": (text(b"\x00\x01"), "not a text file"),
    "events: a spreadsheet": (text(b"PK\0", name="events.xlsx"), "save the sheet as CSV"),
    "events: a broken gzip": (text(b"\x1f\x8b\x08\x00rest"), "compression is broken"),
    "events: more cells": (text(HEAD + "1\t2\ta\tb\n"), "line 2 has 4 cells, but there are 3 names of columns"),
    "events: more cells late": (text(HEAD + "1\t2\ta\n" * 9 + "1\t2\ta\tb\n"), "line 11 has 4 cells"),
    "events: decimal commas": (text("onset,duration\n1,5,2,5\n"), "decimal comma"),
    "events: names with blanks": (text("onset duration trial_type\n1 2 left hand\n"), "quotation marks"),
    "events: fewer cells between blanks": (text("onset duration\n1\n"), "1 cells"),
    "events: semicolons in cells": (text("onset;duration\n1;2;3\n"), "semicolon"),
    "events: an open quotation": (text(HEAD + '1\t2\t"a\n3\t4\tb\n'), "line 2 opens a quotation mark"),
    "events: numbers without names": (text("1.5 2 3 4\n1 2 3 4\n"), "first line holds numbers"),
    "subjects: numbers without names": (text("1.5 2\n1 2\n", "table of subjects"), "first line holds numbers"),
    "events: a very long cell": (text('onset\tduration\n"' + "x" * 200_000 + '"\t2\n'), "cannot be read"),
    # Events
    "events: no onset": (lambda: check_events(EVENTS.drop(columns="onset")), "no column 'onset'"),
    "events: no duration": (lambda: check_events(EVENTS.drop(columns="duration")), "no column 'duration'"),
    "events: a header alone": (lambda: check_events(EVENTS.iloc[:0]), "no event"),
    "events: no table": (lambda: check_events([1, 2]), "not list"),
    "events: no dictionary of files": (lambda: check_events({}), "empty"),
    "events: two columns of one table": (lambda: check_events({"a": np.ones((2, 2))}), "three columns"),
    "events: a word as onset": (events(onset=["0", "soon", "2"]), "'soon' in row 1"),
    "events: a comma in an onset": (events(onset=["0", "1,234", "2"]), "decimal comma"),
    "events: an endless onset": (events(onset=[0, np.inf, 2]), "not a finite number"),
    "events: an onset of 400 digits": (events(onset=cells(0, LONG, 2)), "not a finite number"),
    "events: a negative duration": (events(duration=[1, -1, 1]), "negative duration"),
    "events: an endless duration": (events(duration=[1, np.inf, 1]), "not a finite number"),
    "events: a word as modulation": (events(modulation=[1, "x", 1]), "modulation 'x'"),
    "events: no modulation": (events(modulation=[1, np.nan, 1]), "modulation is missing"),
    "events: nothing available": (events(onset=["n/a"] * 3), "no event is left"),
    "events: no durations at all": (events(duration=["n/a"] * 3), "missing_duration= fills"),
    "events: a missing duration below 0": (lambda: check_events(EVENTS, missing_duration=-1), "0 s or more"),
    "events: a missing duration without end": (lambda: check_events(EVENTS, missing_duration=np.inf), "0 s or more"),
    "events: columns of one name": (
        lambda: check_events(pd.DataFrame([[0, 1, 2]], columns=["onset", "duration", "onset"])),
        "more than one column is called 'onset'",
    ),
    "events: half a character": (events(trial_type=["a", "\ud800", "b"]), "half a character"),
    "events: a million types": (many_types, "1,000,000 event types"),
    # Designs
    "design: a tiny step": (made(times=np.arange(40) * 1e-6), "1,200,002,001 times"),
    "design: steps without end": (made(oversampling=10**9), "52,000,000,001 times"),
    "design: no step": (made(oversampling=0), "1 or more"),
    "design: half a step": (made(oversampling=1.5), "whole number"),
    "design: an early grid": (made(min_onset=-1e12), "25,000,000,002,001 times"),
    "design: a late grid": (made(min_onset=5), "0 or less"),
    "design: one scan": (made(times=[0.0]), "at least two scans"),
    "design: no clock": (made(times=[0.0, np.nan, 4.0]), "finite and increase"),
    "design: a clock that goes back": (made(times=[0.0, 4.0, 2.0]), "finite and increase"),
    "design: a million delays": (made(hrf_model="fir", fir_delays=range(10**6)), "more than 1,000"),
    "design: a far delay": (made(hrf_model="fir", fir_delays=[10**9]), "not 1000000000"),
    "design: a delay before": (made(hrf_model="fir", fir_delays=[-1]), "0 or more"),
    "design: half a delay": (made(hrf_model="fir", fir_delays=[0.5]), "whole numbers"),
    "design: no delay": (made(hrf_model="fir", fir_delays=[]), "whole numbers"),
    "design: delays by thousands of types": (
        made(
            events=pd.DataFrame({"onset": np.arange(3000.0), "duration": 1.0, "trial_type": np.arange(3000)}),
            hrf_model="fir",
            fir_delays=range(900),
        ),
        "2,700,000 columns for 40 scans",
    ),
    "design: a drift of a million": (made(drift_model="polynomial", drift_order=10**6), "1,000,000 needs more scans"),
    "design: half an order": (made(drift_model="polynomial", drift_order=1.5), "whole number"),
    "design: a negative cut-off": (made(high_pass=-1), "0 or more"),
    "design: no cut-off": (made(high_pass=np.nan), "0 or more"),
    "design: an unknown drift": (made(drift_model="spline"), "spline"),
    "design: an unknown response": (made(hrf_model="splat"), "splat"),
    "design: milliseconds": (made(events=EVENTS.assign(onset=[0, 20_000, 40_000])), "milliseconds"),
    "design: after the end": (made(events=EVENTS.assign(onset=[0, 1e15, 2])), "never happens during the run"),
    "design: thousands of confounds": (
        made(add_regs=np.eye(40, 5000)),
        "columns for 40",
    ),
    "design: a confound called as a type": (made(add_regs=pd.DataFrame({"a": np.arange(40.0)})), "would be called 'a'"),
    "design: names of nothing": (made(add_reg_names=["x"]), "no add_regs"),
    # Responses of one's own
    "response: raises": (response(lambda t_r, oversampling: 1 / 0), "raised ZeroDivisionError"),
    "response: exits": (response(lambda t_r, oversampling: [][0]), "raised IndexError"),
    "response: takes nothing": (response(lambda: [1.0]), "could not be called"),
    "response: is empty": (response(lambda t_r, oversampling: []), "non-empty"),
    "response: words": (response(lambda t_r, oversampling: ["x"]), "something else than numbers"),
    "response: NaN": (response(lambda t_r, oversampling: [np.nan]), "finite numbers"),
    "response: a table": (response(lambda t_r, oversampling: np.ones((3, 3))), "one-dimensional"),
    "response: millions": (response(lambda t_r, oversampling: np.ones(2_000_000)), "returned 2,000,000 values"),
    "response: no function": (lambda: resolve_hrf(3), "hrf_model"),
    # Confounds
    "confounds: other rows": (confounds(np.zeros((4, 1))), "4 rows for 3 scans"),
    "confounds: three axes": (confounds(np.zeros((3, 1, 1))), "one row per scan"),
    "confounds: no table": (confounds(3), "not int"),
    "confounds: a gap": (confounds([1, np.nan, 2]), "no value in row 1 "),
    "confounds: a first gap": (confounds([np.nan, 1, 2]), "first row"),
    "confounds: a word": (confounds(pd.DataFrame({"x": ["1", "high", "2"]})), "'high' in column 'x', row 1"),
    "confounds: a comma": (confounds(pd.DataFrame({"x": ["1", "1,5", "2"]})), "decimal comma"),
    "confounds: 400 digits": (confounds(pd.DataFrame({"x": cells(LONG, 1, 2)})), "not a finite number"),
    "confounds: endless": (confounds([1, np.inf, 2]), "no value"),
    "confounds: one name": (
        confounds(pd.DataFrame(np.eye(3), columns=list("aab"))),
        "more than one column is called 'a'",
    ),
    "confounds: half a character": (confounds(pd.DataFrame({"\udfff": [1, 2, 3]})), "half a character"),
    "confounds: 50,000": (confounds(np.zeros((3, 50_000))), "50,000 confounds"),
    "confounds: other names": (confounds(np.eye(3), names=["a"]), "1 names were given for 3"),
    "confounds: an unknown strategy": (lambda: load_confounds("x.tsv", "motoin"), "motoin"),
    # Contrasts
    "contrast: 10,000 rows": (contrast("; ".join(["a"] * 10_000)), "10,000 rows"),
    "contrast: 10,000 rows of numbers": (contrast(np.ones((10_000, 3))), "10,000 rows"),
    "contrast: a list of 10,000": (contrast(["a"] * 10_000), "10,000 rows"),
    "contrast: nothing": (contrast(""), ""),
    "contrast: an unknown name": (contrast("d"), "d"),
    "contrast: 400 digits": (contrast(f"{LONG} * a"), "not finite"),
    "contrast: endless": (contrast("1e999 * a"), "not finite"),
    "contrast: brackets": (contrast("(" * 100_000 + "a"), "brackets"),
    "contrast: a product": (contrast("a * b"), ""),
    "contrast: a power": (contrast("9 ** 9 ** 9 * a"), "missing"),
    "contrast: by zero": (contrast("a / 0"), ""),
    "contrast: code": (contrast("__import__('os').getcwd()"), ""),
    "contrast: too many weights": (contrast(np.ones(9)), ""),
    "contrast: NaN": (contrast([np.nan, 1, 0]), ""),
    "contrast: words of weights": (contrast({"a": "x"}), ""),
    # Groups
    "group: other rows": (group(x=[1.0]), "1 row and there are 4 maps"),
    "group: a word": (group(x=[60, 72, "89+", 65], i=1.0), "'89+' for row 2"),
    "group: words": (group(x=list("abab")), "code groups as columns"),
    "group: a gap": (group(x=[1, None, 2, 3]), "no value for row 1"),
    "group: 400 digits": (group(x=cells(1, LONG, 2, 3), i=1.0), "not a finite number"),
    "group: zeros": (group(x=[0, 0, 0, 0], i=1.0), "zero for all maps"),
    "group: too many": (lambda: check_group_design(pd.DataFrame(np.eye(4)), 4), "too few"),
    "group: no table": (lambda: check_group_design(np.eye(4), 4), "DataFrame"),
    "group: no ids": (of_confounds(age=[1, 2, 3]), "subject_label"),
    "group: ids alone": (of_confounds(subject_label=list("abc")), "beside"),
    "group: ids of others": (of_confounds(subject_label=list("xyz"), age=[1, 2, 3]), "no row for 'a', 'b', 'c'"),
    "group: one id twice": (of_confounds(subject_label=list("aabc"), age=[1, 2, 3, 4]), "'a' more than once"),
    "group: an intercept": (of_confounds(subject_label=list("abc"), intercept=[1, 2, 3]), "intercept"),
    "group: two could be meant": (matched(["sub-1"], participant_id=["01", "001"]), "'01' or '001'"),
    "group: maps without names": (matched([None, None], participant_id=["a", "b"]), "no names"),
    "group: other numbers of rows": (matched([None, None], age=[1.0]), "1 row and there are 2 maps"),
    "group: an unknown way": (lambda: match_table(["a"], pd.DataFrame({"x": [1]}), "t", "guess"), "guess"),
    "group: words as numbers": (
        lambda: table_settings(pd.DataFrame({"g": ["x", "y"]}), ["a", "b"], kinds={"g": "number"}),
        "",
    ),
    # Documents
    "document: no nodes": (lambda: gw.read_stats_model({"Name": "m"}), "no Nodes"),
    "document: another level": (document(level="Dataset"), "level Run"),
    "document: another model": (document(Type="meta"), "meta"),
    "document: an endless weight": (weights("1e99999999"), "is not a finite number"),
    "document: a weight of nothing": (weights("1/1e99999999"), "is not a finite number"),
    "document: by zero": (weights("1/0"), "is not a finite number"),
    "document: 400 digits": (weights(LONG), "is not a finite number"),
    "document: words": (weights("much"), "is not a finite number"),
    "document: other numbers of weights": (weights(1, 2), "2 weights for 1 conditions"),
    "document: a low-pass": (document(Options={"LowPassFilterCutoffHz": 1}), "LowPassFilterCutoffHz"),
    "document: another step": (document([{"Name": "Scale", "Input": ["x"]}]), "Scale"),
    "document: an unknown response": (document([{"Name": "Convolve", "Input": ["*"], "Model": "splat"}]), "splat"),
    "JSON: deep": (lambda: parse_json('{"a":' * 100_000, "x.json"), "nested too deeply"),
    "JSON: deep lists": (lambda: parse_json("[" * 100_000, "x.json"), "nested too deeply"),
    "JSON: nothing": (lambda: parse_json("", "x.json"), "x.json is empty"),
    "JSON: not UTF-8": (lambda: parse_json(b'{"a": "\xff"}', "x.json"), "not valid JSON"),
    "JSON: 5,000 digits": (lambda: parse_json("9" * 5000, "x.json"), "not valid JSON"),
    "JSON: deep settings": (lambda: gw.Settings.from_json('{"a":' * 100_000 + "}" * 100_000), "nested too deeply"),
}


def said_by(call):
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises((ValueError, TypeError, FileNotFoundError)) as raised:
            call()
    assert time.perf_counter() - start < 5
    said = str(raised.value)
    assert said
    assert len(said) < 700, said
    return said


@pytest.mark.parametrize("name", CASES)
def test_it_is_refused_in_a_sentence_at_once(name):
    call, words = CASES[name]
    assert words in said_by(call)


FILES = {
    "fsl: no matrix": (read_fsl_mat, "/NumWaves 1\n", "no line /Matrix"),
    "fsl: other columns": (read_fsl_mat, "/NumWaves 2\n/Matrix\n1\n", "NumWaves is 2"),
    "fsl: other rows": (read_fsl_mat, "/NumWaves 1\n/NumPoints 3\n/Matrix\n1\n", "NumPoints is 3"),
    "fsl: words": (read_fsl_mat, "/Matrix\n1 x\n", "cannot be read"),
    "fsl: ragged": (read_fsl_mat, "/Matrix\n1 2\n1\n", "cannot be read"),
    "fsl: other contrasts": (read_fsl_con, "/NumContrasts 2\n/Matrix\n1\n", "NumContrasts is 2"),
    "fsl: bytes": (read_fsl_mat, "\udcff", "not a text file"),
    "afni: no header": (read_afni_xmat, "1 2\n", "no header"),
    "afni: other columns": (read_afni_xmat, '# ni_type = "3*double"\n1 2\n', "names 3 columns"),
    "afni: no number": (read_afni_xmat, '# ni_type = "2*double"\n1 x\n', "cannot be read"),
    "afni: run lengths without end": (
        read_afni_xmat,
        '# ni_type = "1*double"\n# Nglt = "1"\n# GltLabels = "a"\n# GltMatrix_000000 = "1,1,9999999999@0"\n1\n',
        "more than 10,000,000",
    ),
    "afni: scans without end": (
        read_afni_xmat,
        '# ni_type = "1*double"\n# GoodList = "0..9999999999"\n1\n',
        "more than",
    ),
    "afni: no contrast": (read_afni_xmat, '# ni_type = "1*double"\n# Nglt = "1"\n# GltLabels = "a"\n1\n', "has no Glt"),
    "document: no JSON": (gw.read_stats_model, "{", "not valid JSON"),
    "document: deep": (gw.read_stats_model, '{"a":' * 100_000, "nested too deeply"),
    "document: a list": (gw.read_stats_model, "[1]", "no Nodes"),
    "document: nodes of another kind": (gw.read_stats_model, json.dumps({"Nodes": [1]}), ""),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_refused_by_its_name(name, tmp_path):
    reader, content, words = FILES[name]
    path = tmp_path / "given.file"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    said = said_by(lambda: reader(path))
    assert words in said
    assert "given.file" in said


@pytest.mark.parametrize("subject", ["01/../02", "..", "", "a b", "sub-01/x"])
def test_a_subject_is_a_label(subject, tmp_path):
    assert "is not a participant" in said_by(lambda: find_run(tmp_path, subject))


def _fifo(path):
    os.mkfifo(path)


def _loop(path):
    path.symlink_to(path.name)


NO_FILES = {
    "a pipe": (_fifo, "pipe|no .* at|it is a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "pipe|no .* at|it is a file"),
    "a link to itself": (_loop, "broken link|no .* at|no such|no dataset"),
    "a folder": (lambda path: path.mkdir(), "folder|no .* at"),
    "a zero byte": (None, "no such|no .* at"),
}
DOORS = {
    "events": lambda path: gw.open_run(RUN, path, 2.0),
    "events of a name": lambda path: gw.open_run(RUN, {"a": path}, 2.0),
    "events of an estimator": lambda path: gw.FirstLevelModel(t_r=2.0).fit(RUN, path),
    "a design": lambda path: gw.FirstLevelModel(t_r=2.0).fit(RUN, design_matrices=str(path)),
    "confounds": lambda path: gw.open_run(RUN, EVENTS, 2.0, confounds=path),
    "confounds of fMRIPrep": lambda path: load_confounds(path, "motion"),
    "a mask": lambda path: gw.open_run(RUN, EVENTS, 2.0, mask=path),
    "an anatomical": lambda path: gw.open_run(RUN, EVENTS, 2.0, anatomical=path),
    "settings": lambda path: gw.Settings.load(path),
    "a session": lambda path: load_session(path),
    "a Stats Model": lambda path: gw.read_stats_model(path),
    "a design of FSL": read_fsl_mat,
    "contrasts of FSL": read_fsl_con,
    "a design of AFNI": read_afni_xmat,
    "a dataset": lambda path: find_run(path, "01"),
    "a map of a group": lambda path: open_group([RUN.slicer[..., 0], path]),
}
RUN = nib.Nifti1Image(np.random.default_rng(0).normal(100, 1, (4, 4, 4, 30)).astype(np.float32), np.eye(4))


@pytest.mark.parametrize("kind", NO_FILES)
@pytest.mark.parametrize("door", DOORS)
def test_what_is_no_file_is_refused_at_every_door(door, kind, tmp_path):
    made, words = NO_FILES[kind]
    path = tmp_path / "given.tsv" if made else f"{tmp_path}/a\0b.tsv"
    if made:
        made(path)
    assert re.search(words, said_by(lambda: DOORS[door](path)))
