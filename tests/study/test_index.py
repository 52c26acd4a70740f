"""Tables of files: what a row may hold, and what is refused of it."""

from __future__ import annotations

import os

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.glm.errors import InputError
from glmwidgets.study import Study
from glmwidgets.study.index import StudyRun, runs_of_table


@pytest.fixture
def rows(tmp_path):
    """Two runs of two participants."""
    (tmp_path / "events.tsv").write_text("onset\tduration\ttrial_type\n2\t1\tfaces\n")
    series = np.random.default_rng(0).standard_normal((3, 3, 3, 8)).astype(np.float32)
    made = []
    for name in ("a", "b"):
        img = nib.Nifti1Image(series, np.eye(4))
        img.header.set_zooms((1, 1, 1, 2))
        nib.save(img, tmp_path / f"{name}.nii")
        made.append({"bold": str(tmp_path / f"{name}.nii"), "events": str(tmp_path / "events.tsv"), "subject": name})
    return made


@pytest.mark.parametrize("name", ["a/b", "../../x", "..", ".hidden", "a\\b", "a\nb", "c" * 300, "é" * 150])
def test_a_name_that_would_put_results_elsewhere_is_refused(rows, name):
    with pytest.raises(InputError, match="a run cannot be called"):
        runs_of_table(pd.DataFrame([{**rows[0], "name": name}]))
    with pytest.raises(InputError, match="a run cannot be called"):
        StudyRun(name, "01")


def test_a_label_makes_a_name_that_is_refused_too(rows):
    with pytest.raises(InputError, match="it holds '/'"):
        runs_of_table(pd.DataFrame([{**rows[0], "subject": "lab/01"}]))


@pytest.mark.parametrize("name", ["a b", "100%", "é'\"$x", "c" * 200])
def test_other_names_are_kept(rows, name):
    assert runs_of_table(pd.DataFrame([{**rows[0], "name": name}]))[0].name == name


def test_an_image_that_is_there_twice_counts_once(rows, tmp_path):
    os.symlink(rows[1]["bold"], tmp_path / "link.nii")
    again = [{**rows[0], "subject": "c"}, {**rows[1], "bold": str(tmp_path / "link.nii"), "subject": "d"}]
    runs = runs_of_table(pd.DataFrame([*rows, *again]))
    assert [run.why_not for run in runs[:2]] == ["", ""]
    assert runs[2].why_not.startswith("its image is that of sub-a:")
    assert runs[3].why_not.startswith("its image is that of sub-b:")


def test_labels_may_be_written_as_in_the_names_of_files(rows):
    table = pd.DataFrame([{**rows[0], "subject": "sub-01", "session": "ses-2", "run": "run-1", "task": "task-x"}])
    (run,) = runs_of_table(table)
    assert (run.subject, run.session, run.run, run.task, run.name) == ("01", "2", "1", "x", "sub-01")
    assert [run.subject for run in runs_of_table(pd.DataFrame(rows).assign(subject=[0.0, 1.0]))] == ["0", "1"]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("t_r", "two", "row 1: t_r must be a number of seconds with a decimal point"),
        ("t_r", 0, "row 1: t_r must be a positive number of seconds, not 0"),
        ("t_r", float("inf"), "row 1: t_r must be a positive number of seconds, not inf"),
        ("t_r", "2000", "row 1: t_r must be in seconds: 2000 s between scans looks like milliseconds"),
        ("slice_time_ref", "x", "row 1: slice_time_ref must be a number from 0 to 1, not 'x'"),
        ("slice_time_ref", 2, "row 1: slice_time_ref must be at least 0 and at most 1, not 2"),
        ("frame_times", "0, two", "row 1: frame_times must be the times of the scans in seconds, such as 0, 2, 4.5"),
    ],
)
def test_a_clock_that_is_none_is_told_before_anything_is_fitted(rows, column, value, said):
    (run,) = runs_of_table(pd.DataFrame([{**rows[0], column: value}]))
    assert run.why_not.startswith(said)


def test_numbers_may_be_text(rows):
    table = pd.DataFrame([{**rows[0], "t_r": "2.0", "slice_time_ref": "0.5"}, {**rows[1], "t_r": "two"}])
    first, second = runs_of_table(table)
    assert (first.why_not, first.inputs.t_r, first.inputs.slice_time_ref) == ("", 2.0, 0.5)
    assert second.why_not
    (run,) = runs_of_table(pd.DataFrame([{**rows[0], "frame_times": "0, 2, 4, 6, 8.5, 10, 12, 14"}]))
    assert run.inputs.frame_times == (0, 2, 4, 6, 8.5, 10, 12, 14)


def test_a_table_without_a_row_is_refused(rows, tmp_path):
    with pytest.raises(InputError, match="the table of runs has no row"):
        Study.of_table(pd.DataFrame(rows[:0], columns=list(rows[0])), tmp_path / "study")
