"""A script of several runs repeats their fixed effects, at whatever times their scans were taken."""

from contextlib import closing
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest

from glmwidgets.report.exports.runs import write_runs_script
from glmwidgets.session.several.runs import RunSet


@pytest.mark.parametrize("own_model", [False, True])
def test_scans_at_uneven_times_have_their_times_in_the_script(two_runs, run_script, tmp_path, own_model):
    # Clusters of scans with silence between them, another in each run.
    runs = []
    for run, pause in zip(two_runs, (7.0, 4.0), strict=True):
        times = 2.0 * np.arange(run.n_scans) + pause * (np.arange(run.n_scans) // 5)
        inputs = replace(run.inputs, frame_times=tuple(times.tolist()))
        runs.append(replace(run, frame_times=times, inputs=inputs))
    settings = {"noise.model": "ols", "contrast.expression": "face - house", "design.confounds": None}
    with closing(RunSet(runs, settings, synchronous=True)) as of:
        if own_model:
            of.unlink(1)
            of.sessions[1].update({"design.hrf_model": "glover"})
        script = write_runs_script(of, tmp_path / "both.py")
        result = of.fixed.analysis.result(of.fixed.settings)
    text = script.read_text()
    assert text.count("frame_times=[") == 2
    assert "hrf_model" not in text.partition("FirstLevelModel(")[2]  # the designs say it
    run_script(script, action="error")
    z = nib.load(tmp_path / "both_results" / "face_minus_house_z_score.nii.gz").get_fdata()
    np.testing.assert_array_equal(z[result.mask], result.z)
