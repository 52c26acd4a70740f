"""Agreement of runs and weights by precision, against weighted least squares on the runs' effects."""

import numpy as np
import pytest
from scipy import stats

from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.heterogeneity import heterogeneity, precision_weighted

EFFECTS, VARIANCES = np.array([1.2, 0.4, 2.9, 1.0]), np.array([0.3, 0.2, 0.9, 0.05])


def test_the_scatter_is_the_residual_sum_of_squares_of_one_mean():
    root = np.sqrt(VARIANCES)
    _, rest, *_ = np.linalg.lstsq((1 / root)[:, None], EFFECTS / root, rcond=None)
    found = heterogeneity(EFFECTS, VARIANCES)
    assert found.q == pytest.approx(rest[0], rel=1e-12)
    assert found.dof == 3
    assert found.p == pytest.approx(stats.chi2.sf(rest[0], 3), rel=1e-12)
    assert found.i_square == pytest.approx(max(0, 1 - 3 / rest[0]), rel=1e-12)
    assert heterogeneity([1.0, 1.0], [0.1, 0.4])[:1] == (0.0,)


def test_runs_of_one_effect_are_said_to_differ_as_often_as_promised():
    rng = np.random.default_rng(0)
    p = [heterogeneity(rng.normal(0, np.sqrt(VARIANCES)), VARIANCES).p for _ in range(2000)]
    # Four standard errors of a share of 5 %.
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 2000))


def test_weights_by_precision_are_weighted_least_squares():
    contrasts = [
        Contrast(np.array([[b, b]]), np.array([[[v, v]]]), 40.0) for b, v in zip(EFFECTS, VARIANCES, strict=True)
    ]
    found = precision_weighted(contrasts)
    weights = 1 / VARIANCES
    np.testing.assert_allclose(found.effect[0], weights @ EFFECTS / weights.sum(), rtol=1e-12)
    share = weights / weights.sum()
    inflated = 1 + 4 * np.sum(share * (1 - share)) / 36
    np.testing.assert_allclose(found.covariance[0, 0], inflated / weights.sum(), rtol=1e-12)
    np.testing.assert_allclose(found.dofs, 40 / np.sum(share**2), rtol=1e-12)


@pytest.mark.parametrize(
    ("variances", "dofs"), [([1] * 4, [10] * 4), ([1] * 4, [30] * 4), ([10, 1], [10, 200]), ([1, 4, 9, 16], [20] * 4)]
)
def test_weights_that_are_estimates_hold_the_rate(variances, dofs):
    """As if the weights were known, .095 of four runs of 10 degrees of freedom; here within .045 and .055."""
    rng = np.random.default_rng(0)
    runs = [
        Contrast(rng.normal(0, v**0.5, (1, 200_000)), (v * rng.chisquare(d, 200_000) / d)[None, None], float(d))
        for v, d in zip(variances, dofs, strict=True)
    ]
    p = 2 * stats.t.sf(np.abs((found := precision_weighted(runs)).stat()), found.dofs)
    assert 0.0435 < np.mean(p < 0.05) < 0.0535
    assert 0.0006 < np.mean(p < 0.001) < 0.0021


def test_what_a_run_says_nothing_of_is_left_at_nothing():
    one = Contrast(np.array([[1.0, 1.0]]), np.array([[[1.0, 2.0]]]), 10.0)
    other = Contrast(np.array([[1.0, 0.0]]), np.array([[[1.0, 0.0]]]), 10.0)
    found = precision_weighted([one, other])
    assert not found.known[1]
    assert found.effect[0, 1] == 0


@pytest.mark.parametrize(("effects", "variances"), [([1.0], [1.0]), ([1.0, 2.0], [1.0, 0.0])])
def test_what_cannot_be_compared(effects, variances):
    with pytest.raises(ValueError, match="at least two"):
        heterogeneity(effects, variances)


def test_several_rows_have_no_one_precision():
    several = Contrast(np.ones((2, 3)), np.repeat(np.eye(2)[:, :, None], 3, 2), 10.0, "F")
    with pytest.raises(ValueError, match="only effects of one row"):
        precision_weighted([several, several])
