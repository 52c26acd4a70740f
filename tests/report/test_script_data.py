"""Scripts of analyses whose scans, mask, confounds or noise were chosen: the same maps from a fresh interpreter."""

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from glmwidgets.datasets import simulate_run
from glmwidgets.glm.design.confound_groups import MOTION, motion_columns
from glmwidgets.report.exports.script import script_text, write_script
from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.session import Session
from glmwidgets.specification.settings import Settings

CHOICES = {
    "data.drop_scans": 4,
    "data.mask_cut": 0.8,
    "design.confounds": [*motion_columns(12), "csf"],
    "design.scrub_fd": 0.5,
    "design.scrub_dvars": 1.5,
    "contrast.expression": "faces",
}


@pytest.fixture
def chosen(tmp_path):
    """A session of a small simulated run with fMRIPrep's confounds beside it, all from files."""
    head = simulate_run(shape=(20, 24, 18), n_scans=60)
    nib.save(head.img, tmp_path / "bold.nii.gz")
    head.events.to_csv(tmp_path / "events.tsv", sep="\t", index=False)
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 6)), columns=MOTION)
    table["rot_x_derivative1"] = table["rot_x"].diff()
    table["csf"] = rng.normal(size=60)
    table["framewise_displacement"] = np.where(np.arange(60) % 29 == 2, 0.9, 0.1)
    table["std_dvars"] = np.where(np.arange(60) == 33, 2.0, 1.0)
    table.loc[0, ["framewise_displacement", "std_dvars"]] = np.nan
    table.to_csv(tmp_path / "confounds.tsv", sep="\t", index=False, na_rep="n/a")
    run = open_run(tmp_path / "bold.nii.gz", tmp_path / "events.tsv", head.t_r, confounds=tmp_path / "confounds.tsv")
    session = Session(run, synchronous=True)
    session.update(CHOICES)
    yield session
    session.close()


@pytest.fixture
def z_of(run_script):
    """Run a script, and read the map that it writes."""

    def run(path):
        run_script(path)
        return nib.load(path.parent / f"{path.stem}_results" / "faces_z_score.nii.gz").get_fdata()

    return run


@pytest.mark.parametrize("pooling", [None, "local"])
def test_our_own_script_repeats_the_map_bit_for_bit(chosen, z_of, tmp_path, pooling):
    chosen.update({"noise.model": "ar1-reml", "noise.pooling": pooling, "data.smoothing_fwhm": 6.0})
    assert {"censored_31", "censored_33"} <= set(chosen.result.design.columns)
    path = write_script(chosen, tmp_path / "again.py")
    z = z_of(path)
    np.testing.assert_array_equal(z[chosen.result.mask], chosen.result.z)
    assert not z[~chosen.result.mask].any()
    assert script_text(Settings.from_json(chosen.settings.to_json()), stem="again") == path.read_text()


def test_scrubbing_that_finds_no_scan_is_repeated_where_no_confound_is_modelled(chosen, z_of, tmp_path):
    chosen.update({"design.confounds": (), "design.scrub_fd": 5.0, "design.scrub_dvars": None, "noise.model": "ols"})
    z = z_of(write_script(chosen, tmp_path / "again.py"))
    np.testing.assert_array_equal(z[chosen.result.mask], chosen.result.z)


@pytest.mark.parametrize(
    ("scrubbing", "tolerance"),
    [
        # The same algebra in float64.
        ({"design.scrub_fd": None, "design.scrub_dvars": None}, 1e-6),
        # The series are in percent of another mean, without the scrubbed scans; each value around 100 % is rounded to
        # float32, by up to 100 * 2**-24 = 6e-6 of a noise of about 1 %, and a z sums the errors of 54 scans.
        ({}, 6e-6 * 54**0.5),
    ],
)
def test_the_references_script_gives_the_same_z(chosen, z_of, tmp_path, scrubbing, tolerance):
    chosen.update({"noise.model": "ar1", **scrubbing})
    path = write_script(chosen, tmp_path / "theirs.py", dialect="nilearn")
    assert ("leaves scrubbed scans out" in path.read_text()) == (not scrubbing)
    z = z_of(path)
    assert (z != 0).sum() == chosen.result.mask.sum()
    assert np.abs(z[chosen.result.mask] - chosen.result.z).max() < tolerance


def test_what_the_reference_lacks_is_said(chosen):
    chosen.update({"noise.model": "ar1", "noise.pooling": "global"})
    text = script_text(chosen, "nilearn")
    assert "# - pooling='global': nilearn gives each voxel a noise of its own, so that maps differ." in text
    assert "    pooling=" not in text
