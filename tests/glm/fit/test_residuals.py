"""Autocorrelation of residuals under white noise, against dense matrices and simulation; spectra of known waves."""

import numpy as np
import pytest

from glmwidgets.glm.fit.residuals import amplitude_spectrum, main_frequency, white_autocorrelation


def design(n=60, p=8, seed=0):
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.normal(size=(n, p - 1)).cumsum(axis=0), np.ones(n)])


@pytest.mark.parametrize("deficient", [False, True])
def test_the_moments_are_those_of_dense_matrices(deficient):
    x = design()
    x = np.column_stack([x, x[:, 0] - x[:, 1]]) if deficient else x
    n = len(x)
    m = np.eye(n) - x @ np.linalg.pinv(x)
    dof = round(np.trace(m))
    mean, deviation = white_autocorrelation(x, 5)
    for k in range(1, 6):
        a = (np.eye(n, k=k) + np.eye(n, k=-k)) / 2
        first = np.trace(m @ a) / dof
        second = (2 * np.trace(m @ a @ m @ a) + np.trace(m @ a) ** 2) / (dof * (dof + 2))
        assert mean[k - 1] == pytest.approx(first, abs=1e-12)
        assert deviation[k - 1] == pytest.approx(np.sqrt(second - first**2), rel=1e-10)


def test_the_moments_are_those_of_residuals():
    """20,000 simulated series: the mean to 4 of its standard errors, the deviation to 3 %."""
    x = design()
    z = np.random.default_rng(1).normal(size=(len(x), 20_000))
    e = z - x @ np.linalg.lstsq(x, z, rcond=None)[0]
    mean, deviation = white_autocorrelation(x, 4)
    for k in range(1, 5):
        r = (e[k:] * e[:-k]).sum(axis=0) / np.square(e).sum(axis=0)
        assert abs(r.mean() - mean[k - 1]) < 4 * r.std() / np.sqrt(r.size)
        assert r.std() == pytest.approx(deviation[k - 1], rel=0.03)


@pytest.mark.parametrize("n", [50, 51])
def test_a_wave_has_its_amplitude_at_its_frequency(n):
    times = 2.0 * np.arange(n)
    wave = 5 + 3 * np.cos(2 * np.pi * 4 / (n * 2.0) * times + 1)
    frequencies, amplitudes = amplitude_spectrum(wave, 2.0)
    assert amplitudes.max() == pytest.approx(3)
    assert frequencies[amplitudes.argmax()] == pytest.approx(4 / (2.0 * n))
    # Parseval: the variance over time is half the sum of squared amplitudes
    power = np.square(amplitudes).sum() / 2 + (np.square(amplitudes[-1]) / 2 if n % 2 == 0 else 0)
    assert power == pytest.approx(wave.var())
    assert main_frequency(np.column_stack([0.1 * np.sin(times), wave]), 2.0) == pytest.approx(4 / (2.0 * n))
