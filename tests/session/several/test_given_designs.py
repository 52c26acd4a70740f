"""Several runs on design matrices that were made elsewhere: one model, fixed effects, a file, a script."""

import runpy
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import FirstLevelModel as Nilearn
from nilearn.glm.first_level import make_first_level_design_matrix

from glmwidgets.report.exports.runs import runs_report, write_runs_script
from glmwidgets.runs.opening import open_runs
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.several.store import load_runs, save_runs

CONTRAST = '"0" - "1"'
T_R = 2.0


@pytest.fixture
def made(two_runs):
    """Two runs, one mask, and the numbered columns that each was modelled with elsewhere."""
    designs = []
    for run in two_runs:
        times = np.arange(run.n_scans) * T_R
        design = make_first_level_design_matrix(times, run.events, hrf_model="spm", drift_model="cosine")
        designs.append(pd.DataFrame(design.to_numpy()))
    both = np.logical_and(*(np.asarray(run.mask_img.dataobj) > 0 for run in two_runs))
    mask = nib.Nifti1Image(both.astype(np.uint8), two_runs[0].mask_img.affine)
    return [run.img for run in two_runs], designs, mask


@pytest.fixture
def runs(made):
    imgs, designs, mask = made
    opened = open_runs(imgs, mask=mask, design=designs)
    found = RunSet(opened, {"noise.model": "ols", "contrast.expression": CONTRAST}, synchronous=True)
    found.show(2)
    assert found.fixed.status.state == "idle", found.fixed.status.message
    return found


def test_the_effect_over_runs_is_nilearns(made, runs):
    imgs, designs, mask = made
    theirs = Nilearn(mask_img=mask, noise_model="ols", signal_scaling=0)
    weights = np.zeros(designs[0].shape[1])
    weights[:2] = 1, -1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs.fit(imgs, design_matrices=designs)
        expected = theirs.compute_contrast(weights, output_type="effect_size").get_fdata()
    np.testing.assert_allclose(runs.fixed.result.contrast.effect[0], expected[runs.fixed.result.mask], atol=1e-6)


def test_columns_are_edited_in_all_runs(runs):
    runs.show(0)
    runs.current.update({"design.left_out": ["3"], "design.shifted": [("0", T_R)]})
    runs.show(2)
    assert runs.fixed.status.state == "idle"
    for one in runs.fixed.result.fitted:
        assert "3" not in one.design
        assert one.design["0"].iloc[0] == one.design["0"].iloc[1]
        assert one.is_given


def test_a_file_and_a_script_bring_them_back(made, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs.show(0)
    runs.current.update({"design.left_out": ["3"]})
    runs.show(2)
    z = runs.fixed.result.z
    again = load_runs(save_runs(runs, tmp_path / "runs.json"), True, bold=made[0], mask=[made[2]] * 2)
    again.current.wake()
    np.testing.assert_allclose(again.fixed.result.z, z, atol=1e-12)
    script = write_runs_script(runs, tmp_path / "again.py")
    runpy.run_path(str(script), run_name="__main__")
    (written,) = (tmp_path / "again_results").glob("*z_score.nii.gz")
    np.testing.assert_array_equal(nib.load(written).get_fdata()[runs.fixed.result.mask], z)
    report = runs_report(runs).html
    assert "The design matrix was given, with 5 columns." in report
    assert "Columns of the given design matrix were left out: 3." in report


def test_a_matrix_is_of_one_run(made):
    imgs, designs, _ = made
    with pytest.raises(ValueError, match="a design matrix is of one run: give a list with one table for each"):
        open_runs(imgs, design=designs[0])
    with pytest.raises(ValueError, match=r"run 2: .*79 rows for 80 scans"):
        open_runs(imgs, design=[designs[0], designs[1][:-1]])
