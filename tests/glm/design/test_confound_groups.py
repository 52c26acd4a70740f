"""Confounds by name: the field's groups, expansions against plain differences, scans to scrub."""

import numpy as np
import pandas as pd
import pytest

from glmwidgets.glm.design.confound_groups import (
    MOTION,
    choose_confounds,
    confound_groups,
    first_choice,
    motion_columns,
    scrubbed_scans,
    undefined_at_first,
)


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    names = [*MOTION, "framewise_displacement", "std_dvars", "csf", "csf_power2", "white_matter", "global_signal"]
    names += [f"a_comp_cor_{k:02d}" for k in range(8)] + ["t_comp_cor_00", "cosine00", "motion_outlier00", "pulse"]
    return pd.DataFrame(rng.standard_normal((50, len(names))), columns=names)


def test_every_column_is_in_one_group(table):
    groups = confound_groups(table.columns)
    assert sorted(c for g in groups for c in g.columns) == sorted(table.columns)
    by_name = {g.name: g for g in groups}
    assert by_name["motion"].columns == MOTION
    assert by_name["a_comp_cor"].usual == tuple(f"a_comp_cor_{k:02d}" for k in range(5))
    assert by_name["measures"].measure
    assert by_name["other"].columns == ("pulse",)


def test_a_table_without_names_of_fmriprep_is_one_group():
    (only,) = confound_groups(["pulse", "breath"])
    assert (only.name, only.usual) == ("all", ("pulse", "breath"))


def test_expansions_are_differences_and_squares(table):
    chosen = choose_confounds(table, motion_columns(24))
    assert list(chosen.columns) == list(motion_columns(24))
    for name in MOTION:
        step = table[name].diff().fillna(0.0)
        np.testing.assert_array_equal(chosen[f"{name}_derivative1"], step)
        np.testing.assert_array_equal(chosen[f"{name}_power2"], table[name] ** 2)
        np.testing.assert_array_equal(chosen[f"{name}_derivative1_power2"], step**2)


def test_what_the_table_holds_is_taken_as_it_is(table):
    table["trans_x_power2"] = 7.0
    assert (choose_confounds(table, ["trans_x_power2"]) == 7).all(axis=None)
    assert choose_confounds(table) is table


def test_scrubbing_gives_each_bad_scan_a_column(table):
    bad = np.flatnonzero((table["framewise_displacement"] > 1) | (table["std_dvars"] > 1.5))
    np.testing.assert_array_equal(scrubbed_scans(table, 1, 1.5), bad)
    chosen = choose_confounds(table, ["csf"], fd_threshold=1, std_dvars_threshold=1.5)
    assert list(chosen.columns[1:]) == [f"censored_{scan}" for scan in bad]
    np.testing.assert_array_equal(chosen.iloc[:, 1:].to_numpy().argmax(axis=0), bad)
    later = choose_confounds(table, ["csf"], fd_threshold=1, std_dvars_threshold=1.5, skip=int(bad[1]))
    assert list(later.columns[1:]) == [f"censored_{scan}" for scan in bad[1:]]


def test_a_scan_without_a_value_is_not_scrubbed(table):
    table.loc[0, "framewise_displacement"] = np.nan
    assert 0 not in scrubbed_scans(table, fd_threshold=-100)


def test_what_is_missing_is_named(table):
    with pytest.raises(ValueError, match="no column none_such, rot_w"):
        choose_confounds(table, ["rot_w", "csf", "none_such"])
    with pytest.raises(ValueError, match="no column std_dvars"):
        choose_confounds(table.drop(columns="std_dvars"), std_dvars_threshold=1.5)


def test_where_to_begin(table):
    assert first_choice(table.columns) == MOTION
    assert first_choice(MOTION) is None
    assert first_choice(["std_dvars"]) == ()


def test_first_rows_that_fmriprep_leaves_empty():
    names = ("trans_x", "trans_x_derivative1", "rot_z_derivative1_power2", "dvars", "std_dvars", "csf")
    assert undefined_at_first(names) == names[1:5]
