"""Tables of subjects as designs, against designs written by hand and what the reference makes of them."""

import warnings

import numpy as np
import pandas as pd
import pytest

from glmwidgets.glm.group.design import make_second_level_design_matrix
from glmwidgets.glm.group.fit import fit_group, group_contrast
from glmwidgets.glm.group.terms import TermColumn, design_of_terms
from glmwidgets.glm.tables import number_of

MAPS = [f"sub-{i}" for i in range(8)]
AGE = TermColumn("age", "number", ["20", "31", "44", "27", "38", "52", "29", "33"])
GROUP = TermColumn("group", "label", ["patient", "control"] * 4)
SUBJECT = TermColumn("subject", "label", ["a", "a", "b", "b", "c", "c", "d", "d"])


def test_no_term_is_the_mean():
    design = design_of_terms([], MAPS)
    assert design.to_dict("list") == {"intercept": [1.0] * 8}
    assert list(design.index) == MAPS


def test_covariates_are_those_of_the_second_level_design():
    frame = pd.DataFrame({"subject_label": MAPS, "age": [float(cell) for cell in AGE.cells]})
    expected = make_second_level_design_matrix(MAPS, frame)
    plain = design_of_terms([AGE], MAPS, centre=False)
    np.testing.assert_array_equal(plain.to_numpy(), expected.to_numpy())
    centred = design_of_terms([AGE], MAPS)
    np.testing.assert_allclose(centred["age"], plain["age"] - plain["age"].mean())


def test_paired_maps_are_the_one_sample_test_of_their_differences():
    rng = np.random.default_rng(0)
    y = rng.standard_normal((8, 50)) + np.repeat(rng.normal(0, 5, (4, 1)), 2, axis=0)
    design = design_of_terms([GROUP, SUBJECT], MAPS)
    t = group_contrast(fit_group(y, design), "patient - control").stat()
    differences = y[::2] - y[1::2]
    expected = differences.mean(axis=0) / (differences.std(axis=0, ddof=1) / 2)
    np.testing.assert_allclose(t, expected, rtol=1e-10)
    # Further labels are deviations: a group's mean stays the mean over all subjects.
    mean = group_contrast(fit_group(y, design), "patient").effect[0]
    np.testing.assert_allclose(mean, y[::2].mean(axis=0), atol=1e-12)


def test_levels_that_are_called_like_a_column_get_its_name():
    other = TermColumn("patient", "number", AGE.cells)
    assert list(design_of_terms([GROUP, other], MAPS).columns) == ["group control", "group patient", "patient"]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([TermColumn("age", "number", ["20", "", *AGE.cells[2:]])], "sub-1 has no age"),
        ([TermColumn("age", "number", ["20"] * 8)], "the same age .20.: it cannot be told from the mean"),
        ([TermColumn("site", "label", ["x"] * 8)], "the same site .x."),
        ([TermColumn("intercept", "number", AGE.cells)], "called 'intercept'"),
        ([TermColumn("who", "label", MAPS)], "too few for the 8 columns"),
    ],
)
def test_tables_that_make_no_design_say_why(columns, message):
    with pytest.raises(ValueError, match=message):
        design_of_terms(columns, MAPS)


def test_dependent_columns_and_repeated_subjects_are_warned_of():
    again = TermColumn("years", "number", AGE.cells)
    with pytest.warns(UserWarning, match=r"combinations of each other \(age, years\)"):
        design_of_terms([AGE, again], MAPS)
    with pytest.warns(UserWarning, match="take subject into the model"):
        design_of_terms([GROUP], MAPS, subjects="subject")


@pytest.mark.parametrize(("cell", "is_said"), [("-999", True), ("99", True), ("-9", True), ("9", False), ("60", False)])
def test_codes_of_missing_values_are_doubted_where_they_lie_far_from_the_others(cell, is_said):
    column = TermColumn("age", "number", [cell, *AGE.cells[1:]])
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        design_of_terms([column], MAPS)
    expected = f"age of sub-0 is {cell}, and 27 to 52 of the others: if it stands for a missing value, empty the cell"
    assert [str(one.message) for one in heard] == [expected] * is_said


@pytest.mark.parametrize("text", ["", "abc", "1,5", "nan", "inf", "1_000", "1 2"])
def test_what_is_no_number_is_not_read_as_one(text):
    assert number_of(text) is None
