"""The short version of the calibration that the documentation quotes: few designs, fixed draws, wide bounds.

Bounds are those of the full version plus four standard errors of so few designs.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "calibration.py"


@pytest.fixture(scope="module")
def calibration():
    """The script as a module; benchmarks are part of the repository, not of the package."""
    if not SCRIPT.is_file():
        pytest.skip(f"{SCRIPT} is not there: run the tests from a checkout of the repository")
    spec = importlib.util.spec_from_file_location("calibration_of_noise_models", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def case_of(calibration, noise, t_r, confounds):
    wanted = noise, t_r, confounds
    (case,) = (each for each in calibration.CASES if (each.noise.name, each.t_r, each.n_confounds) == wanted)
    return case


@pytest.mark.parametrize(
    ("noise", "t_r", "confounds", "model", "low", "high"),
    [
        ("white", 2.0, 6, "ols", 0.045, 0.055),
        ("AR .3", 2.0, 24, "ar1-reml", 0.045, 0.060),
        ("AR .6", 2.0, 24, "ar1-reml", 0.045, 0.060),
        ("AR .6", 0.8, 6, "ar1-reml", 0.045, 0.060),
        ("AR .85 + white", 0.8, 6, "arma11", 0.045, 0.065),
    ],
)
def test_intervals_of_the_matching_model_cover_the_truth(calibration, noise, t_r, confounds, model, low, high):
    n_designs = 24 if model == "arma11" else 45
    case = case_of(calibration, noise, t_r, confounds)
    result = calibration.measure(case, [model], n_designs, seed=1)
    rate, error = (part[0] for part in result["rates"][model])
    assert low - 4 * error < rate < high + 4 * error
    assert error < 0.01
    if model == "ar1-reml":
        assert abs(result["rho"][model][0] - calibration.lag_one(case.noise)) < 0.01 + 4 * result["rho"][model][1]


def test_the_parity_model_is_the_reference_and_is_too_liberal(calibration):
    """nilearn's own functions on the same series: the same t, and a rate far above 0.05 with 24 slow confounds."""
    result = calibration.measure(case_of(calibration, "AR .6", 2.0, 24), ["ar1"], n_designs=9, nilearn_every=3)
    assert result["nilearn"]["designs"] == 3
    assert result["nilearn"]["apart"] < 1e-8
    np.testing.assert_array_equal(result["nilearn"]["rates"][:2], result["nilearn"]["rates"][2:])
    assert result["rates"]["ar1"][0][0] > 0.07
