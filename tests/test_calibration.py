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


@pytest.mark.parametrize(
    ("noise", "regime", "model", "low", "high"),
    [
        ("white", (2.0, 150, 24), "ols", 0.045, 0.055),
        ("AR .3", (2.0, 150, 24), "ar1-reml", 0.045, 0.060),
        ("AR .6", (2.0, 150, 24), "ar1-reml", 0.045, 0.060),
        ("AR .6", (0.8, 300, 24), "ar1-reml", 0.045, 0.060),
        ("AR + white", (0.8, 300, 24), "arma11 local", 0.045, 0.065),
    ],
)
def test_intervals_of_the_matching_model_cover_the_truth(calibration, noise, regime, model, low, high):
    found = calibration.measure(
        calibration.Regime(*regime), [model], range(24 if model == "arma11 local" else 45), [noise], seed=1
    )
    rate, error = calibration.rate(found[f"misses {model}"][:, 0])
    assert low - 4 * error < rate < high + 4 * error
    assert error < 0.011
    if model == "ar1-reml":
        rho = found[f"rho {model}"][:, 0]
        truth = calibration.NOISES[noise].lag_one(regime[0])
        assert abs(rho.mean() - truth) < 0.01 + 4 * rho.std(ddof=1) / np.sqrt(len(rho))


def test_the_choice_by_evidence_holds_its_rate_where_one_model_alone_does_not(calibration):
    """White noise over slow noise at a short repetition time, and an autoregression: each gets its own model."""
    noises = ["AR .3", "AR + white"]
    found = calibration.measure(
        calibration.Regime(0.8, 150, 12), calibration.CANDIDATES, range(30), noises, seed=1, nilearn_every=0
    )
    chosen, is_arma = calibration.by_evidence(found)
    assert is_arma.mean(axis=0)[0] < 0.2
    assert is_arma.mean(axis=0)[1] > 0.95
    for i in range(2):
        rate, error = calibration.rate(chosen[:, i])
        assert 0.040 - 4 * error < rate < 0.065 + 4 * error
    assert calibration.rate(found["misses ar1-reml"][:, 1])[0] > 0.1


def test_the_parity_model_is_the_reference_and_is_too_liberal(calibration):
    """nilearn's own functions on the same series: the same t, and a rate far above 0.05 with 24 slow confounds."""
    found = calibration.measure(calibration.Regime(2.0, 150, 24), ["ar1"], range(9), ["AR .6"], nilearn_every=3)
    assert found["nilearn"].shape == (3, 1, 2)
    assert found["apart"].max() < 1e-8
    np.testing.assert_array_equal(found["nilearn"], found["misses ar1"][::3])
    assert calibration.rate(found["misses ar1"][:, 0])[0] > 0.07


def test_what_was_measured_is_kept_and_gone_on_from(calibration, tmp_path, monkeypatch):
    monkeypatch.setattr(calibration, "CHUNK", 2)
    monkeypatch.setattr(calibration, "NOISES", {"white": calibration.NOISES["white"]})
    monkeypatch.setattr(calibration.measure, "__defaults__", (("white",), (2, 2, 2), 0, 0))
    asked = calibration.Regime(2.0, 80, 0), ("ols",)
    first = calibration.measured(*asked, 3, folder=tmp_path)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 2
    times = [path.stat().st_mtime_ns for path in kept]
    again = calibration.measured(*asked, 4, folder=tmp_path)
    np.testing.assert_array_equal(again["misses ols"][:3], first["misses ols"])
    assert len(again["misses ols"]) == 4
    assert sum(path.stat().st_mtime_ns == before for path, before in zip(kept, times, strict=True)) == 1
