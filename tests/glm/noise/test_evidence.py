"""The noise model by evidence: AR(1) where that is the truth, ARMA(1,1) where white noise lies over it."""

from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import toeplitz

from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11 import A_MAX, C_MAX, C_MIN, gain_over_ar1
from glmwidgets.glm.noise.evidence import RATES, SECONDS, WHITE, gains, mixed_noise, noise_by_evidence


def noise(n, n_voxels, rho, white, seed=0, tails=None):
    rng = np.random.default_rng(seed)
    draw = rng.standard_normal if tails is None else (lambda shape: rng.standard_t(tails, shape))
    e = draw((n + 50, n_voxels))
    for t in range(1, n + 50):
        e[t] = rho * e[t - 1] + np.sqrt(1 - rho**2) * e[t]
    return 100 + np.sqrt(1 - white) * e[50:] + np.sqrt(white) * draw((n, n_voxels))


def design(n, n_confounds, seed=0):
    rng, t = np.random.default_rng(seed), np.arange(n)
    slow = rng.standard_normal((n, n_confounds)).cumsum(axis=0)
    return np.column_stack([t // 10 % 2, slow, *[np.cos(np.pi * (t + 0.5) * k / n) for k in range(1, 5)], np.ones(n)])


@pytest.mark.parametrize("n_confounds", [0, 12])
@pytest.mark.parametrize("n", [80, 200, 600])
@pytest.mark.parametrize(
    ("rho", "white", "tails", "model"),
    [
        (0.0, 0.0, None, "ar1-reml"),
        (0.3, 0.0, None, "ar1-reml"),
        (0.6, 0.0, 5, "ar1-reml"),
        (0.85, 0.5, None, "arma11"),
        (0.85, 0.5, 5, "arma11"),
    ],
)
def test_the_model_that_is_needed_is_chosen(rho, white, tails, model, n, n_confounds):
    y, basis = noise(n, 800, rho, white, tails=tails), design_basis(design(n, n_confounds))
    if n == 80 and n_confounds and rho:
        model = "arma11"  # this run does not tell, and the model is right for both
    found = noise_by_evidence(Moments(y), basis, t_r=0.8)
    assert found.model == model
    assert found.pooling == ("local" if model == "arma11" else None)
    assert f"by {found.gain:.1f} in the mean voxel" in found.said


@pytest.mark.parametrize("white", [0.0, 0.5])
def test_a_run_that_cannot_tell_gets_the_model_that_is_right_for_both(white):
    """80 scans at 2 s: 12 slow confounds take the slow waves by which AR(1) and mixed noise differ."""
    y, basis = noise(80, 800, 0.66, white), design_basis(design(80, 12))
    found = noise_by_evidence(Moments(y), basis, t_r=2.0)
    assert found.if_mixed < 1.5
    assert found.model == "arma11"
    assert "too short to tell" in found.said
    of_white_noise = noise_by_evidence(Moments(noise(80, 800, 0.0, 0.0)), basis, t_r=2.0)
    assert of_white_noise.model == "ar1-reml"


@pytest.mark.parametrize("t_r", [0.8, 2.0, 3.0])
def test_mixed_noise_has_the_autocorrelation_of_an_autoregression_under_as_much_white_noise(t_r):
    process, a = mixed_noise(t_r, 1), np.exp(-t_r / SECONDS)
    assert process.phi[0, 0] == pytest.approx(a)
    assert process.lag_one()[0] == pytest.approx((1 - WHITE) * a, abs=1e-12)


def test_the_gain_of_mixed_noise_is_that_of_its_series():
    basis = design_basis(design(150, 6))
    rng = np.random.default_rng(7)
    drawn = mixed_noise(0.8, 400).draw(150, rng)
    found, if_mixed = gains(Moments(drawn), basis, 0.8)
    assert found.mean() == pytest.approx(if_mixed, rel=0.15)


def test_the_gain_is_that_of_the_dense_restricted_likelihoods():
    """To 0.15, against a search of the dense likelihood over both ranges."""
    x, y = design(60, 2), noise(60, 6, 0.8, 0.5)
    k = np.linalg.svd(x, full_matrices=True)[0][:, x.shape[1] :]

    def minus_twice(a, b, v):
        gamma = (1 + a * b) * (a + b) / (1 - a**2) * a ** np.maximum(np.arange(60) - 1.0, 0)
        gamma[0] = (1 + 2 * a * b + b**2) / (1 - a**2)
        root = np.linalg.cholesky(k.T @ toeplitz(gamma) @ k)
        rss = np.square(np.linalg.solve(root, k.T @ y[:, v])).sum()
        return k.shape[1] * np.log(rss) + 2 * np.log(np.diag(root)).sum()

    found = gain_over_ar1(Moments(y), design_basis(x))
    grid = [(a, -c) for c in np.linspace(C_MIN, C_MAX, 36) for a in np.linspace(max(c, 0), A_MAX, 40)]
    for v in range(6):
        alone = min(minus_twice(a, 0.0, v) for a in np.linspace(0, A_MAX, 80))
        best = min(alone, *(minus_twice(a, b, v) for a, b in grid))
        assert found[v] == pytest.approx(alone - best, abs=0.15)


def test_the_rates_that_are_said_are_those_of_the_documentation():
    page = (Path(__file__).parents[3] / "docs" / "calibration.md").read_text("utf-8")
    rows = [line.strip("| \n").split(" | ") for line in page.partition("<!-- worth -->")[2].splitlines() if "`" in line]
    told = {(model.strip("`"), "fewer" in scans): (own, other) for model, scans, own, other in rows[: len(RATES)]}
    assert told == RATES


def test_a_run_that_never_varies_has_no_evidence():
    with pytest.raises(ValueError, match="no voxel varies"):
        noise_by_evidence(Moments(np.ones((40, 3))), design_basis(np.ones((40, 1))), t_r=2.0)
