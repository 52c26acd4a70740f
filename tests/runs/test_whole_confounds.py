"""A run of a dataset brings its whole table of confounds, and the choice that was made of it."""

import numpy as np
import pandas as pd
import pytest

from glmwidgets.datasets.found import FoundRun
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


@pytest.mark.parametrize("why", ["made", "gap", "words"])
def test_a_table_that_does_not_hold_the_choice_or_cannot_be_used_is_not(why, table, tmp_path):
    chosen = table[["rot_x"]]
    if why == "made":
        chosen = chosen.assign(censored_3=0.0)
    elif why == "gap":
        table.loc[7, "rot_z"] = np.nan
    else:
        table["comment"] = "moved"
    given, names = whole_confounds(found(table, chosen, tmp_path))
    assert given is chosen
    assert names is None


def test_a_raw_run_has_none(tmp_path):
    assert whole_confounds(FoundRun(bold=tmp_path / "bold.nii.gz")) == (None, None)
