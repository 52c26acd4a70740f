"""Generalised least squares in dense matrices, as textbooks write it: what the engine's numbers are held against."""

from types import SimpleNamespace

import numpy as np
import pytest


def _whitener(n, phi):
    """Rows that turn an autoregression into white noise, errors before the first scan taken as zero."""
    out = np.eye(n)
    for k, value in enumerate(np.atleast_1d(phi), start=1):
        out -= value * np.eye(n, k=-k)
    return out


def _gls(x, y, whitener):
    """Fit one series; the dispersion is over scans minus rank."""
    wx, wy = whitener @ x, whitener @ y
    # By way of unit columns: normal equations of columns in different units would lose half of the digits.
    length = np.linalg.norm(x, axis=0)
    inverse = np.linalg.pinv(wx / length, rcond=1e-12) / length[:, None]
    beta = inverse @ wy
    rss = np.sum((wy - wx @ beta) ** 2)
    dof = len(y) - np.linalg.matrix_rank(x / length)
    covariance = inverse @ inverse.T * rss / dof
    return SimpleNamespace(
        beta=beta, rss=rss, dof=dof, covariance=covariance, predicted=x @ beta, dispersion=rss / dof, whitener=whitener
    )


@pytest.fixture(scope="session")
def dense():
    """``dense.whitener(n, phi)`` and ``dense.gls(x, y, whitener)``."""
    return SimpleNamespace(whitener=_whitener, gls=_gls)


def _design(n, constant=True, deficient=False, seed=0):
    """Boxcars, a slow drift and noise regressors in different units."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)
    columns = [
        (t // 8 % 2).astype(float),
        (t // 5 % 3 == 1) * 0.02,
        np.cos(np.pi * (t + 0.5) / n),
        rng.standard_normal(n).cumsum() * 300,
    ]
    if deficient:
        columns.append(columns[0] - 2 * columns[1])
    if constant:
        columns.append(np.ones(n))
    return np.column_stack(columns)


def _series(x, n_voxels, phi=(0.4,), mean=1000.0, seed=1):
    """Autocorrelated noise of unit innovations on a mean, with effects of the columns."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((len(x) + 50, n_voxels))
    for t in range(len(phi), len(noise)):
        for k, value in enumerate(phi, start=1):
            noise[t] += value * noise[t - k]
    unit = x / np.abs(x).max(axis=0)
    return mean + unit @ rng.standard_normal((x.shape[1], n_voxels)) + noise[50:]


@pytest.fixture(scope="session")
def make_design():
    """``make_design(n, constant=True, deficient=False, seed=0)``."""
    return _design


@pytest.fixture(scope="session")
def make_series():
    """``make_series(x, n_voxels, phi, mean, seed)``."""
    return _series
