"""Confounds: what is read, and what is refused and in which words."""

import warnings

import numpy as np
import pandas as pd
import pytest

from glmwidgets.glm.design.confounds import check_confounds

GOOD = pd.DataFrame({"trans_x": [0.1, 0.3, 0.2], "csf": [1, 2, 4]})


def test_tables_arrays_and_files_are_the_same(tmp_path):
    path = tmp_path / "confounds.tsv"
    GOOD.to_csv(path, sep="\t", index=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = check_confounds(GOOD, 3)
        pd.testing.assert_frame_equal(check_confounds(path, 3), expected)
        pd.testing.assert_frame_equal(check_confounds(str(path), 3), expected)
        pd.testing.assert_frame_equal(check_confounds(GOOD.to_numpy(), 3, names=["trans_x", "csf"]), expected)
    assert expected.dtypes.eq(np.float64).all()
    assert check_confounds([0.1, 0.2, 0.4], 3).columns.tolist() == ["reg0"]


def fmriprep(tmp_path):
    path = tmp_path / "desc-confounds_timeseries.tsv"
    path.write_text(
        "trans_x\ttrans_x_derivative1\tframewise_displacement\n0.1\tn/a\tn/a\n0.2\t0.1\t0.1\n0.1\t-0.1\t0.3\n"
    )
    return path


def test_the_empty_first_row_of_fmriprep_is_an_error_that_says_what_to_do(tmp_path):
    columns = "'trans_x_derivative1', 'framewise_displacement'"
    with pytest.raises(ValueError, match=rf"timeseries.tsv: the first row has no value in {columns}; .*fill_first_row"):
        check_confounds(fmriprep(tmp_path), 3)


def test_the_empty_first_row_is_filled_with_zero_on_request(tmp_path):
    filled = check_confounds(fmriprep(tmp_path), 3, fill_first_row=True)
    assert filled.iloc[0].tolist() == [0.1, 0.0, 0.0]
    assert filled.iloc[1].tolist() == [0.2, 0.1, 0.1]


def test_a_gap_elsewhere_is_an_error_whatever_the_first_row():
    gap = GOOD.assign(csf=[np.nan, 2, np.inf])
    for fill_first_row, rows in ((False, "rows 0, 2"), (True, "row 2")):
        with pytest.raises(ValueError, match=rf"'csf' has no value in {rows} \(counted from 0\)"):
            check_confounds(gap, 3, fill_first_row=fill_first_row)


def test_the_table_given_is_not_changed():
    confounds = pd.DataFrame({"x": [np.nan, 1.0, 2.0]})
    array = confounds.to_numpy().copy()
    check_confounds(confounds, 3, fill_first_row=True)
    check_confounds(array, 3, fill_first_row=True)
    assert np.isnan(confounds["x"][0])
    assert np.isnan(array[0, 0])


def test_words_are_refused_by_column_and_row():
    words = r"'high' in column 'csf', row 1 \(counted from 0\) is not a finite number"
    with pytest.raises(ValueError, match=f"^motion: {words}"):
        check_confounds(GOOD.assign(csf=["1", "high", "2"]), 3, source="motion")


def test_text_that_holds_numbers_is_read_as_numbers():
    assert check_confounds(GOOD.assign(csf=["1", "2.5", "4"]), 3)["csf"].tolist() == [1, 2.5, 4]


def test_length_names_and_shape_are_checked():
    with pytest.raises(ValueError, match="3 rows for 4 scans"):
        check_confounds(GOOD, 4)
    with pytest.raises(ValueError, match="more than one column is called 'a'"):
        check_confounds(pd.DataFrame(np.eye(3), columns=["a", "b", "a"]), 3)
    with pytest.raises(ValueError, match=r"shape \(3, 1, 1\)"):
        check_confounds(np.zeros((3, 1, 1)), 3)
    with pytest.raises(TypeError, match="not int"):
        check_confounds(3, 3)
    with pytest.raises(FileNotFoundError, match="confounds"):
        check_confounds("nowhere.tsv", 3)


def test_a_constant_is_a_warning():
    with pytest.warns(UserWarning, match="'ones' never changes"):
        check_confounds(GOOD.assign(ones=1.0), 3)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (np.isin(np.arange(40), [3, 9, 10]), "'x' marks 3 of 40 scans by 1"),
        (~np.isin(np.arange(40), [3, 9]), "'x' marks 2 of 40 scans by 0"),
        (np.arange(40) == 3, ""),
        (np.arange(40) < 20, ""),
        (np.linspace(0, 1, 40), ""),
    ],
)
def test_a_list_of_outliers_in_one_column_is_pointed_out(column, words):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        check_confounds(pd.DataFrame({"x": column.astype(float)}), 40, "the table")
    assert len(heard) == bool(words)
    assert all(words in str(one.message) and "censors none of them" in str(one.message) for one in heard)


@pytest.mark.parametrize("written", ["file", "memory"])
@pytest.mark.parametrize("index", [range(6), range(1, 7), np.arange(6) * 2.0], ids=["from 0", "from 1", "times"])
def test_the_numbers_of_rows_that_pandas_writes_are_no_confound(tmp_path, written, index):
    motion = pd.DataFrame({"trans_x": [0.1, 0.3, 0.2, 0.2, 0.1, 0.4]}, index=index)
    motion.to_csv(path := tmp_path / "confounds.csv")
    with pytest.warns(UserWarning, match="first column has no name and numbers the rows: it is left out"):
        found = check_confounds(path if written == "file" else pd.read_csv(path), 6)
    assert found.columns.tolist() == ["trans_x"]
    np.testing.assert_array_equal(found["trans_x"], motion["trans_x"])


def test_a_named_trend_stays_and_so_does_a_nameless_column_that_does_not_count():
    table = pd.DataFrame({"trend": [0, 1, 2], "x": [1.0, 3, 2]})
    assert check_confounds(table, 3).columns.tolist() == ["trend", "x"]
    table = pd.DataFrame({"Unnamed: 0": [0.2, 0.1, 0.5], "x": [1.0, 3, 2]})
    assert check_confounds(table, 3).columns.tolist() == ["Unnamed: 0", "x"]
