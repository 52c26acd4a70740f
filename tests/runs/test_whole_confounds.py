"""A run of a dataset brings its whole table of confounds, and the choice that was made of it."""

import numpy as np
import pandas as pd
import pytest

from glmwidgets.datasets.run_files import FoundRun
from glmwidgets.glm.design.confound_groups import MOTION
from glmwidgets.runs.whole_confounds import whole_confounds


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(20, 6)), columns=MOTION)
    table["framewise_displacement"] = 0.1
    table["trans_x_derivative1"] = table["trans_x"].diff()
    table.loc[0, "framewise_displacement"] = np.nan
    return table


def found(table, chosen, folder):
    path = folder / "confounds.tsv"
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    return FoundRun(bold=folder / "bold.nii.gz", confounds_file=path, confounds=chosen)


def test_the_table_is_given_whole_with_the_choice(table, tmp_path):
    run = found(table, table[["rot_x", "rot_y"]], tmp_path)
    assert whole_confounds(run) == (run.confounds_file, ("rot_x", "rot_y"))


def test_a_table_that_does_not_hold_the_choice_is_not(table, tmp_path):
    chosen = table[["rot_x"]].assign(censored_3=0.0)
    given, names = whole_confounds(found(table, chosen, tmp_path))
    assert given is chosen
    assert names is None


@pytest.mark.parametrize("why", ["gap", "words"])
def test_columns_that_nobody_chose_may_be_as_they_are(why, table, tmp_path):
    if why == "gap":
        table.loc[7, "rot_z"] = np.nan
    else:
        table["comment"] = "moved"
    run = found(table, table[["rot_x"]], tmp_path)
    assert whole_confounds(run) == (run.confounds_file, ("rot_x",))


def test_a_raw_run_has_none(tmp_path):
    assert whole_confounds(FoundRun(bold=tmp_path / "bold.nii.gz")) == (None, None)
