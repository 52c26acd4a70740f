"""One reader for every table: what is meant is read, what could mean two things is refused with its line."""

import gzip

import numpy as np
import pandas as pd
import pytest

from glmwidgets.glm.tables import MOST_BYTES, odd_words, parse_table, read_table, refuse_repeated


def read(text, what="events", name="table.tsv"):
    return parse_table(text.encode(), what, name)[0]


# Each: text, the first column as it has to be read.
CELLS = {
    "whole numbers": ("a\n1\n2\n", [1, 2]),
    "decimals": ("a\n1.5\n2\n", [1.5, 2.0]),
    "decimal commas between tabs": ("a\tb\n1,5\t1\n2\t1\n", [1.5, 2.0]),
    "decimal commas between semicolons": ("a;b\n1,5;1\n2,25;1\n", [1.5, 2.25]),
    "three decimals, sure by another cell": ("a\tb\n1,500\t0,25\n2,000\t1\n", [1.5, 2.0]),
    "a thousand or one and a half": ("a\tb\n1,500\tx\n2,000\ty\n", ["1,500", "2,000"]),
    "commas beside points": ("a\tb\n1,5\t1\n2.5\t1\n", ["1,5", "2.5"]),
    "exponents": ("a\n1e-3\n-2E+1\n", [0.001, -20.0]),
    "n/a is missing": ("a\n1\nn/a\n", [1.0, None]),
    "NA of numbers": ("a\n1\nNA\n", [1.0, None]),
    "one odd cell": ("a\n60\n89+\n", ["60", "89+"]),
    "ids that begin with a zero": ("a\n01\n02\n", ["01", "02"]),
    "numbers that are types": ("trial_type\n1\n1E1\n", ["1", "1E1"]),
    "numbers that are ids": ("participant_id\n1\n10\n", ["1", "10"]),
    "words for nothing are words": ("a\nNA\nNone\nnull\n", ["NA", "None", "null"]),
    "underscores": ("a\n1_000\n2\n", ["1_000", "2"]),
    "a very long integer": ("a\n" + "9" * 400 + "\n1\n", [np.inf, 1.0]),
    "truth": ("a\nTrue\nFalse\n", [True, False]),
    "quoted": ('a\tb\n"x\ty"\t1\n', ["x\ty"]),
    "quoted between blanks": ('a b\n"left hand" 1\n', ["left hand"]),
    "Excel's line that names the separator": ("\ufeffsep=;\r\na;b\r\n1,5;x,y\r\n2;z\r\n", [1.5, 2.0]),
    "Excel's empty rows": ("a;b;\n1;2;\n;;\n3;4;\n;;\n", [1, 3]),
    "columns without a name": ("\ta\n0\t1\n1\t2\n", [0, 1]),
}


@pytest.mark.parametrize("name", CELLS)
def test_cells_are_what_they_mean(name):
    text, expected = CELLS[name]
    column = read(text).iloc[:, 0]
    found = [None if pd.isna(cell) else cell for cell in column.tolist()]
    assert found == expected


def test_a_last_column_without_name_and_cells_is_nothing():
    assert list(read("a\tb\t\n1\t2\t\n").columns) == ["a", "b"]
    assert list(read("a,b\n1,2,,\n").columns) == ["a", "b"]


REFUSED = {
    "more cells than names": ("a\tb\n1\t2\n1\t2\t3\n", "line 3 has 3 cells, but there are 2 names of columns"),
    "commas as decimals and as separators": ("onset,duration\n1,5,2,5\n", "line 2 has 4 cells.*decimal comma"),
    "names with blanks": ("onset duration trial_type\n1 2 left hand\n", "line 2 has 4 cells.*quotation marks"),
    "fewer cells between blanks": ("a b\n1\n", "line 2 has 1 cells"),
    "an open quotation mark": ('a\tb\n"x\t1\n2\t3\n', "line 2 opens a quotation mark"),
    "numbers where names should be": ("1.5\t2\n3\t4\n", "first line holds numbers"),
    "nothing": ("\n\n", "empty"),
    "bytes": ("a\0b", "not a text file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_could_mean_two_things_is_refused(name):
    text, message = REFUSED[name]
    with pytest.raises(ValueError, match=f"cannot read events from table.tsv: .*{message}"):
        read(text)


HEADERLESS = {
    "rp_run.txt": ("trans_x", "rot_z"),
    "mc.par": ("rot_x", "trans_z"),
    "motion.1D": ("roll", "dP"),
    "nuisance.txt": ("reg0", "reg5"),
}


@pytest.mark.parametrize("name", HEADERLESS)
def test_motion_files_have_no_names_and_get_theirs(tmp_path, name):
    values = np.random.default_rng(0).normal(size=(9, 6)).round(6)
    text = "# 3dvolreg\n" * name.endswith("1D") + "".join("  ".join(map(str, row)) + "\n" for row in values)
    (tmp_path / name).write_text(text)
    table = read_table(tmp_path / name, "confounds")
    np.testing.assert_array_equal(table, values)
    assert (table.columns[0], table.columns[-1]) == HEADERLESS[name]


def test_times_of_afni_are_no_onset_duration_and_height():
    assert list(read("5 53 101\n", "events", "a.txt").columns) == ["onset", "duration", "modulation"]
    with pytest.raises(ValueError, match=r"cannot read events from times\.1D: its first line holds numbers"):
        read("5 53 101\n", "events", "times.1D")


def test_a_table_that_pandas_numbered_keeps_its_header():
    values = np.random.default_rng(0).normal(size=(4, 3))
    text = pd.DataFrame(values).to_csv(index=False)
    np.testing.assert_array_equal(read(text, "confounds", "c.csv"), values)


def test_compressed_tables_are_opened_and_bombs_are_not(tmp_path):
    (tmp_path / "events.tsv.gz").write_bytes(gzip.compress(b"onset\tduration\n1\t2\n"))
    assert read_table(tmp_path / "events.tsv.gz", "events").to_dict("list") == {"onset": [1], "duration": [2]}
    (tmp_path / "broken.tsv.gz").write_bytes(gzip.compress(b"onset\tduration\n1\t2\n")[:-9])
    with pytest.raises(ValueError, match="compression is broken"):
        read_table(tmp_path / "broken.tsv.gz", "events")
    with gzip.open(tmp_path / "bomb.tsv.gz", "wb", compresslevel=1) as file:
        for _ in range(MOST_BYTES // 2**24 + 2):
            file.write(b" " * 2**24)
    with pytest.raises(ValueError, match="decompressed it has more than 268 MB"):
        read_table(tmp_path / "bomb.tsv.gz", "events")


def test_repeated_columns_are_seen_where_they_are_used():
    table = read("a\tb\ta\n1\t2\t3\n")
    refuse_repeated(table.columns[:2], "the table")
    with pytest.raises(ValueError, match="the table: more than one column is called 'a'"):
        refuse_repeated(table.columns, "the table")


def test_long_cells_are_shortened_in_messages():
    assert len(odd_words("x" * 10_000)) < 120


@pytest.mark.parametrize("separator", ["\t", ",", ";"])
def test_any_table_comes_back_as_pandas_reads_it(separator):
    rng = np.random.default_rng(0)
    words = rng.choice(["a b", 'c"d', "e;f,g"], 50)
    table = pd.DataFrame({"x": rng.normal(size=50), "n": rng.integers(-9, 9, 50), "word": words})
    text = table.to_csv(index=False, sep=separator)
    pd.testing.assert_frame_equal(read(text), table, check_dtype=False)
