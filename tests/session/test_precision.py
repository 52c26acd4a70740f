"""Single precision says what double precision says, on whole real runs."""

import numpy as np
import pytest

from glmwidgets.runs.opening import open_run
from glmwidgets.session.single.analysis import Analysis

RUNS = {
    "visloc": ("visloc_dir", "sub-02_task-oneback_run-1_bold.nii.gz", "sub-02_task-oneback_run-1_events.tsv", 2.0),
    "auditory": ("auditory_dir", "sub-01_task-auditory_bold.nii.gz", "sub-01_task-auditory_events.tsv", 7.0),
}


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("noise", ["ols", "ar1"])
def test_z_is_the_same_to_a_thousandth_everywhere(name, noise, request):
    """1e-3 in z is what a map shows; rounding of the products leaves a few 1e-5. A rho put in the wrong bin would
    leave .03: no voxel may be."""
    folder, bold, events, t_r = RUNS[name]
    folder = request.getfixturevalue(folder)
    run = open_run(folder / bold, folder / events, t_r)
    results = []
    for precision in ("float64", "float32"):
        analysis = Analysis(run, precision)
        results.append(analysis.result(analysis.default_settings().updated({"noise.model": noise})))
    double, single = results
    assert single.fit.moments.dtype == np.float32
    np.testing.assert_allclose(single.z, double.z, atol=1e-3)
    for parameter, values in double.fit.parameters.items():
        np.testing.assert_array_equal(single.fit.parameters[parameter], values)
