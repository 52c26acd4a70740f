"""Degrees of freedom where the noise was estimated: against dense restricted likelihoods, and in simulations."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.linalg import toeplitz
from scipy.signal import lfilter
from scipy.stats import f, norm
from scipy.stats import t as student

from glmwidgets.glm.fit.contrasts import compute_contrast, fixed_effects, satterthwaite
from glmwidgets.glm.fit.heterogeneity import precision_weighted
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.fit.statistics import StatisticsBook
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar_auto import ExactARPrecision
from glmwidgets.glm.noise.models import NOISE_MODELS

PHI = [(0.0, 0.0), (0.3, 0.0), (0.6, 0.0), (0.4, 0.2), (0.5, -0.2), (-0.3, 0.1)]
STEP = 1e-5


def covariance_of(phi, n):
    """Of n scans of an autoregression, the variance of its innovations being 1: from the spectrum."""
    frequency = 2 * np.pi * np.arange(1 << 13) / (1 << 13)
    response = 1 - sum(value * np.exp(-1j * frequency * (k + 1)) for k, value in enumerate(phi))
    return toeplitz(np.fft.ifft(1 / np.abs(response) ** 2).real[:n])


def dense_rows(x, c, phi):
    """``C (X'WX)^-1 C'``."""
    return c @ np.linalg.inv(x.T @ np.linalg.solve(covariance_of(phi, len(x)), x)) @ c.T


def dense_dof(x, c, phi):
    """Satterthwaite's degrees of freedom from the restricted likelihood of all of V, with numerical derivatives.

    ``I = 1/2 [tr(P V_i P V_j) - tr(P V_i) tr(P V_j) / (n - p)]`` (Harville 1977, JASA 72:320) once the variance of the
    innovations is profiled out, and ``d = d log h - tr(P V_i) / (n - p)``.
    """
    n, left = len(x), len(x) - x.shape[1]
    steps = STEP * np.eye(len(phi))
    inverse = np.linalg.inv(covariance_of(phi, n))
    projection = inverse - inverse @ x @ np.linalg.solve(x.T @ inverse @ x, x.T @ inverse)
    moved = [projection @ (covariance_of(phi + e, n) - covariance_of(phi - e, n)) / (2 * STEP) for e in steps]
    traces = np.array([np.trace(each) for each in moved])
    information = np.array([[np.sum(a * b.T) for b in moved] for a in moved]) - np.outer(traces, traces) / left
    slope = [np.log(dense_rows(x, c, phi + e) / dense_rows(x, c, phi - e)).item() / (2 * STEP) for e in steps]
    d = np.array(slope) - traces / left
    return 2 / (2 / left + d @ np.linalg.solve(information / 2, d))


@pytest.fixture(scope="module")
def design():
    """Blocks of 20 s, slow walks, a drift and a constant: 120 scans at a TR of 2 s."""
    rng = np.random.default_rng(4)
    task = np.convolve(np.arange(120) // 10 % 2, [0.1, 0.3, 0.4, 0.2])[:120]
    other = np.convolve(rng.random(120) < 0.1, [0.2, 0.5, 0.3])[:120]
    walks = rng.standard_normal((120, 4)).cumsum(axis=0)
    return np.column_stack([task, other, walks, np.linspace(-1, 1, 120), np.ones(120)])


def of_rows(x, c, phi):
    basis = design_basis(x)
    precision = ExactARPrecision(basis, np.array(phi), np.arange(len(phi)))
    return precision.tested(np.atleast_2d(c) @ basis.to_columns)


def test_degrees_of_freedom_equal_those_of_the_dense_restricted_likelihood(design):
    """Frequencies in the place of traces: within a sixth of the exact value, which are 4 to 75 of 112 here."""
    for c in np.eye(8)[:2]:
        _, dof = of_rows(design, c, PHI)
        exact = [dense_dof(design, c, np.array(phi)) for phi in PHI]
        np.testing.assert_allclose(dof, exact, rtol=0.17)


def test_slopes_are_the_derivatives_of_the_covariance(design, monkeypatch):
    """What a block hands on as the derivative of ``C (X'WX)^-1 C'``, for each of three coefficients."""
    seen = {}

    def keep(covariance, slopes, *others):
        seen.update(covariance=covariance, slopes=slopes)
        return np.ones(len(covariance))

    monkeypatch.setattr("glmwidgets.glm.noise.ar_auto.effective_dof", keep)
    phi, c = np.array([0.5, -0.2, 0.1]), np.eye(8)[:2]
    covariance, _ = of_rows(design, c, [phi])
    np.testing.assert_allclose(covariance[:, :, 0], dense_rows(design, c, phi), rtol=1e-8)
    for k, e in enumerate(STEP * np.eye(3)):
        expected = (dense_rows(design, c, phi + e) - dense_rows(design, c, phi - e)) / (2 * STEP)
        np.testing.assert_allclose(seen["slopes"][0, k], expected, rtol=1e-6)


def test_an_f_test_of_one_row_has_those_of_t_and_rows_may_be_mixed(design):
    one = of_rows(design, np.eye(8)[0], PHI)[1]
    np.testing.assert_allclose(of_rows(design, -3 * np.eye(8)[0], PHI)[1], one, rtol=1e-9)
    both = of_rows(design, np.eye(8)[:2], PHI)[1]
    np.testing.assert_allclose(of_rows(design, [[2, 1, *[0] * 6], [1, -1, *[0] * 6]], PHI)[1], both, rtol=1e-7)


def series(n, n_voxels, phi, seed):
    rng = np.random.default_rng(seed)
    return lfilter([1], [1, -phi], rng.standard_normal((n + 100, n_voxels)), axis=0)[100:]


@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_short_runs_hold_their_rate_and_did_not_by_scans_minus_rank(phi):
    """30 designs of 80 scans with 12 walks and 200 voxels each: within four standard errors of .04 to .065."""
    rng = np.random.default_rng(1)
    own, counted = [], []
    for number in range(30):
        task = np.convolve(np.arange(80) // rng.integers(5, 11) % 2, [0.1, 0.3, 0.4, 0.2])[:80]
        x = np.column_stack([task, rng.standard_normal((80, 12)).cumsum(axis=0), np.ones(80)])
        fit = fit_glm(Moments(series(80, 200, phi, number)), x, "ar-auto")
        contrast = compute_contrast(fit, np.eye(14)[0])
        own.append(np.mean(contrast.p_value(two_sided=True) < 0.05))
        counted.append(np.mean(np.abs(contrast.stat()) > student.isf(0.025, fit.dof)))
        assert contrast.dof_left == fit.dof
        assert (contrast.dofs <= fit.dof + 1e-9).all()
    error = np.std(own, ddof=1) / np.sqrt(30)
    assert 0.04 - 4 * error < np.mean(own) < 0.065 + 4 * error
    assert np.mean(counted) > np.mean(own) + (0.008 if phi == 0 else 0.015)


@pytest.mark.parametrize("phi", [0.0, 0.6])
def test_f_tests_of_short_runs_are_nearer_to_their_rate(phi):
    """30 designs of 80 scans with three conditions and 100 voxels each; white noise does not become too cautious."""
    rng = np.random.default_rng(2)
    own, counted = [], []
    for number in range(30):
        order = rng.permutation(np.resize(np.arange(4), 16)).repeat(5)
        task = np.stack([np.convolve(order == k, [0.1, 0.3, 0.4, 0.2])[:80] for k in range(3)], axis=1)
        x = np.column_stack([task, np.linspace(-1, 1, 80), np.ones(80)])
        fit = fit_glm(Moments(series(80, 100, phi, number)), x, "ar-auto")
        contrast = compute_contrast(fit, np.eye(5)[:3])
        own.append(np.mean(contrast.p_value() < 0.05))
        counted.append(np.mean(f.sf(contrast.stat(), 3, fit.dof) < 0.05))
    error = np.std(own, ddof=1) / np.sqrt(30)
    assert 0.035 - 4 * error < np.mean(own) < 0.06 + 4 * error
    assert np.mean(counted) > np.mean(own) + 0.01


def test_tests_intervals_and_runs_count_the_degrees_of_freedom_of_each_voxel(design):
    y = series(120, 50, 0.4, 2)
    y[:, 7] = 3.0
    fit = fit_glm(Moments(y), design, "ar-auto")
    one = compute_contrast(fit, np.eye(8)[0])
    p = student.sf(one.stat(), one.dofs)
    np.testing.assert_allclose(one.p_value(), p, rtol=1e-9)
    np.testing.assert_allclose(norm.sf(one.z_score()), p, rtol=1e-6)
    assert one.dof == np.median(np.delete(one.dofs, 7))
    some = np.array([3, 11])
    np.testing.assert_array_equal(one.at(some).z_score(), one.z_score()[some])
    other = compute_contrast(fit_glm(Moments(series(120, 50, 0.1, 3)), design, "ar-auto"), np.eye(8)[0])
    np.testing.assert_allclose(fixed_effects([one]).dofs, one.dofs)
    np.testing.assert_allclose(fixed_effects([one, other], dof_method="sum").dofs[:7], (one.dofs + other.dofs)[:7])
    v, w = one.covariance[0, 0], other.covariance[0, 0]
    expected = (v + w) ** 2 / (v**2 / one.dofs + w**2 / other.dofs)
    np.testing.assert_allclose(satterthwaite([one, other]), np.clip(expected, np.minimum(one.dofs, other.dofs), None))
    assert fixed_effects([one, other]).dof_left == 2 * fit.dof
    shares = (1 / v[:7]) / (1 / v[:7] + 1 / w[:7])
    both = precision_weighted([one, other])
    np.testing.assert_allclose(both.dofs[:7], 1 / (shares**2 / one.dofs[:7] + (1 - shares) ** 2 / other.dofs[:7]))


def test_only_rows_that_say_so_count_the_estimation_of_the_noise(design):
    y = series(120, 6, 0.4, 5)
    for name, row in NOISE_MODELS.items():
        if row.is_family:
            continue
        fit = fit_glm(Moments(y), design, name)
        assert (fit.noise.tested is not None) == row.counts_estimation
        if row.can_pool:
            assert fit_glm(Moments(y), design, name, pooling="global").noise.tested is None
    with pytest.raises(ValueError, match="set counts_estimation there"):
        replace(NOISE_MODELS["ar-auto"], counts_estimation=False).check_parameters(
            fit_glm(Moments(y), design, "ar-auto").noise
        )


def test_partial_r_square_is_of_the_residuals_that_are_left(design):
    """What t explains is a share of a sum of squares, which knows nothing of degrees of freedom."""
    fit = fit_glm(Moments(series(120, 5, 0.4, 6)), design, "ar-auto")
    contrast = compute_contrast(fit, np.eye(8)[0])
    t = contrast.stat()
    book = StatisticsBook(fit, contrast, contrast.z_score(), False, "")
    np.testing.assert_allclose(book.show("partial_r_square").values, t**2 / (t**2 + fit.dof))
