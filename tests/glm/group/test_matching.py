"""Rows of a table and maps find each other by what they are called, however they are ordered."""

from pathlib import PurePath as P

import numpy as np
import pandas as pd
import pytest

from glmwidgets.glm.group.matching import match_table, subject_of


def table(ids, column="participant_id", **more):
    return pd.DataFrame({column: ids, **more})


# Each: maps, table, the rows that are meant.
RIGHT = {
    "as they are": (["b", "a"], table(["a", "b"]), (1, 0)),
    "01 and sub-01": (["sub-02", "sub-01"], table(["01", "02"]), (1, 0)),
    "1 and sub-01": (["sub-10", "sub-01"], table([1, 10]), (1, 0)),
    "numbers read as floats": (["02", "01"], table([1.0, 2.0, np.nan]), (1, 0)),
    "numbers that a spreadsheet wrote": (["sub-02", "sub-10"], table(["1.0", "2.0", "10.0"]), (1, 2)),
    "and one with decimal commas": (["sub-02", "sub-01"], table(["1,0", "2,0"]), (1, 0)),
    "sub01": (["sub-02", "sub-01"], table(["sub01", "sub02"]), (1, 0)),
    "letters and zeros": (["s2", "s1"], table(["S001", "S002"]), (1, 0)),
    "exact before tolerant": (["01", "1"], table(["1", "01"]), (1, 0)),
    "other rows": (["03", "01"], table(["01", "02", "03"]), (2, 0)),
    "a column of another name": (["b", "a"], table(["a", "b"], "code", age=[1, 2]), (1, 0)),
    "Subject": (["b", "a"], table(["a", "b"], "Subject"), (1, 0)),
    "an index": (["b", "a"], pd.DataFrame({"age": [1, 2]}, index=["a", "b"]), (1, 0)),
    "SPM's folders": ([P("/x/sub-2/con_0001.nii"), P("/x/sub-1/con_0001.nii")], table(["sub-1", "sub-2"]), (1, 0)),
    "FEAT's folders": ([P(f"/x/{i}.feat/stats/cope1.nii.gz") for i in (10, 1)], table([1, 10]), (1, 0)),
    "folders without sub-": (
        [P("/x/P02/con_0001.nii"), P("/x/P01/con_0001.nii")],
        table(["P01", "P02"]),
        (1, 0),
    ),
    "the first contrast is not subject 1": ([P(f"/x/{s}/con_0001.nii") for s in "BA"], table(["A", "B", "1"]), (1, 0)),
    "a run is no subject": ([P("/x/p2_run-01.nii"), P("/x/p1_run-02.nii")], table(["p1", "p2", "01", "02"]), (1, 0)),
    "a folder above is called as a subject": ([P(f"/1/{i}.nii") for i in ("02", "01")], table(["1", "2"]), (1, 0)),
    "a word that all files hold": ([P(f"/x/con_{i}.nii") for i in "ba"], table(["a", "b", "con"]), (1, 0)),
    "the folder above names a study": (
        [P(f"/sub-all/sub-{i}/con.nii") for i in "21"],
        table(["sub-1", "sub-2"]),
        (1, 0),
    ),
    "the longer of two ids": ([P("/x/A_1.nii"), P("/x/A.nii")], table(["A", "A_1"]), (1, 0)),
    "sessions": (
        [P(f"/x/sub-{s}_ses-{t}_con.nii") for s, t in (("1", "post"), ("2", "pre"), ("1", "pre"), ("2", "post"))],
        table(["1", "1", "2", "2"], session=["pre", "post"] * 2, group=["a", "a", "b", "b"]),
        (1, 2, 0, 3),
    ),
    "numbered sessions": (
        [P(f"/x/sub-{s}/ses-{t}/sub-{s}_ses-{t}_con.nii") for s, t in (("1", "2"), ("2", "1"), ("1", "1"), ("2", "2"))],
        table(["1", "1", "2", "2"], session=[1, 2] * 2),
        (1, 2, 0, 3),
    ),
    "conditions in folders": (
        [P(f"/x/{t}/S{s}.nii") for s, t in (("1", "after"), ("2", "before"), ("1", "before"), ("2", "after"))],
        table(["S1", "S1", "S2", "S2"], time=["before", "after"] * 2),
        (1, 2, 0, 3),
    ),
    "nothing names anything": ([None, None], pd.DataFrame({"age": [1, 2]}), (0, 1)),
}


@pytest.mark.filterwarnings("ignore:.*left out")
@pytest.mark.parametrize("name", RIGHT)
def test_the_row_that_is_meant_is_found(name):
    maps, given, rows = RIGHT[name]
    assert match_table(maps, given, "the table").rows == rows


REFUSED = {
    "ids of others": (["a", "b"], table(["x", "y"]), "no row for 'a', 'b': its participant_id is 'x', 'y'"),
    "one is missing": (["01", "03"], table(["01", "02"]), "no row for '03'"),
    "two rows could be meant": (["sub-1", "sub-2"], table(["01", "001", "2"]), "'sub-1' may be '01' or '001'"),
    "two maps could be meant": (["01", "001"], table(["1", "2"]), "one row for 2 maps: '1' may be '01', '001'"),
    "a subject twice": (["a", "b"], table(["a", "a", "b"]), "holds 'a' more than once"),
    "nothing tells sessions apart": (
        [P(f"/x/sub-{s}_{t}.nii") for s in "12" for t in "ab"],
        table(["1", "1", "2", "2"], time=["pre", "post"] * 2),
        "holds '1' more than once, and no column of it tells which row is of /x/sub-1_a.nii",
    ),
    "maps without names": ([None, None], table(["a", "b"]), "the maps have no names"),
    "too few rows": ([None, None], pd.DataFrame({"age": [1]}), "1 row and there are 2 maps"),
    "an index that names some": (["a", "b"], pd.DataFrame({"age": [1, 2]}, index=["a", "c"]), "no row for 'b'"),
    "a path of two subjects": (
        [P("/x/sub-1/sub-2_con.nii"), P("/x/sub-2/sub-2_con.nii"), P("/x/sub-3/sub-3_con.nii")],
        table(["1", "2", "3"]),
        "names two subjects",
    ),
    "an unknown way": (["a"], table(["a"]), "match"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_is_refused(name):
    maps, given, words = REFUSED[name]
    with pytest.raises(ValueError, match=words.replace("(", r"\(")):
        match_table(maps, given, "the table", "guess" if name == "an unknown way" else "names")


def test_order_is_taken_where_it_is_asked_for_and_says_so():
    found = match_table(["b", "a"], table(["a", "b"]), "the table", "order")
    assert found.rows == (0, 1)
    assert found.sentence() == "rows are in the order of the maps, as asked"


def test_what_was_matched_to_what_is_told():
    with pytest.warns(UserWarning, match=r"the table: .* 1 row without a map is left out: 02"):
        found = match_table([P("/x/sub-3.nii"), P("/x/sub-1.nii")], table(["01", "02", "03"]), "the table")
    assert found.pairs() == ("sub-3 = 03", "sub-1 = 01")


def test_all_maps_of_a_subject_have_its_row_where_that_is_meant():
    maps = [P(f"/x/sub-{s}_ses-{t}.nii") for s in "21" for t in ("a", "b")]
    assert match_table(maps, table(["1", "2"]), "the table", shared=True).rows == (1, 1, 0, 0)
    with pytest.raises(ValueError, match="one row for 2 maps"):
        match_table(maps, table(["1", "2"]), "the table")


def test_any_order_of_many_is_undone():
    rng = np.random.default_rng(0)
    rows, maps = rng.permutation(3000), rng.permutation(3000)
    found = match_table([P(f"/d/{i:04d}/cope1.feat/con_0001.nii") for i in maps], table(rows), "the table")
    assert [rows[r] for r in found.rows] == maps.tolist()


def test_the_subject_is_in_the_folder_or_the_name_that_differs():
    assert subject_of([P("/sub-1/x.nii"), P("/sub-2/x.nii")]) == ["sub-1", "sub-2"]
    assert subject_of([P("/sub-1/ses-1/x.nii"), P("/sub-1/ses-2/x.nii")]) == ["sub-1", "sub-1"]
    assert subject_of([P("/a.nii")]) == [None]


def test_maps_that_no_row_names_are_called_by_what_tells_them_apart():
    maps = [P(f"/data/s{i}.gfeat/cope1.feat/stats/cope1.nii.gz") for i in (1, 2)]
    with pytest.raises(ValueError, match=r"no row for 's1.gfeat/cope1.feat/stats/cope1.nii.gz', 's2.gfeat/"):
        match_table(maps, table(["sub-01", "sub-02"]), "the table")
