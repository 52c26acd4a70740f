"""What a drift model takes of each frequency, against dense projections."""

import numpy as np
import pytest

from glmwidgets.glm.design.diagnostics import energy_removed, spectra
from glmwidgets.glm.design.drift import make_drift
from glmwidgets.glm.design.spectra import drift_gain

T_R, N = 1.5, 180


def projected(drift, wave):
    """Share of a wave's variance that least squares on drifts and a constant explain."""
    x = np.column_stack([drift, np.ones(len(wave))])
    residual = wave - x @ np.linalg.lstsq(x, wave, rcond=None)[0]
    return 1 - np.sum(residual**2) / np.sum((wave - wave.mean()) ** 2)


@pytest.mark.parametrize(("model", "choice"), [("cosine", {"high_pass": 0.02}), ("polynomial", {"drift_order": 3})])
def test_gain_is_the_mean_over_phases_of_a_projection(model, choice):
    """At frequencies with whole periods in the run every phase has the same energy, and the mean is exact."""
    drift = make_drift(model, np.arange(N) * T_R, **choice)[0][:, :-1]
    frequency = np.array([1, 2, 5, 11, 40]) / (N * T_R)
    phases = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    expected = [
        np.mean([projected(drift, np.cos(2 * np.pi * f * np.arange(N) * T_R + p)) for p in phases]) for f in frequency
    ]
    np.testing.assert_allclose(drift_gain(drift, frequency, T_R), expected, atol=1e-9)


def test_no_drift_takes_nothing():
    drift = make_drift("none", np.arange(N) * T_R)[0][:, :-1]
    np.testing.assert_array_equal(drift_gain(drift, np.array([0.001, 0.1]), T_R), 0)


def test_gain_over_a_spectrum_is_about_what_is_removed():
    """The energy removed of a regressor is its spectrum weighted by the gain, but for what phases do: within 0.03."""
    drift = make_drift("cosine", np.arange(N) * T_R, high_pass=0.02)[0][:, :-1]
    rng = np.random.default_rng(0)
    x = np.convolve(rng.standard_normal(N + 40), np.exp(-np.arange(40) / 8), "same")[:N][:, None]
    frequency, share = spectra(x, T_R)
    weighted = (share * drift_gain(drift, frequency, T_R)[:, None]).sum(axis=0)
    assert abs(weighted - energy_removed(x, drift))[0] < 0.03
