"""Distances of maps and their weight in the design, against dense algebra and planted outliers."""

import numpy as np
import pytest

from glmwidgets.glm.group.influence import leverage, map_distances, map_influence


def test_leverage_is_the_diagonal_of_the_hat_matrix():
    rng = np.random.default_rng(0)
    x = np.c_[rng.normal(40, 10, 15), rng.integers(0, 2, 15), np.ones(15), np.ones(15)]
    hat = x @ np.linalg.pinv(x)
    np.testing.assert_allclose(leverage(x), np.diag(hat), atol=1e-10)
    assert round(leverage(x).sum(), 8) == np.linalg.matrix_rank(x)


def test_distance_is_that_from_the_mean_of_the_others():
    rng = np.random.default_rng(1)
    y = rng.normal(3, 2, (9, 200))
    y[:, 5] = 4.0  # equal in all maps: says nothing
    sd = y.std(axis=0, ddof=1)
    some = sd > 0
    for i, distance in enumerate(map_distances(y)):
        others = np.delete(y, i, axis=0).mean(axis=0)
        expected = np.sqrt(np.mean(((y[i] - others)[some] / sd[some]) ** 2))
        assert distance == pytest.approx(expected, rel=1e-10)


def test_equal_maps_have_no_distance():
    assert map_distances(np.ones((4, 10))).tolist() == [0, 0, 0, 0]


def test_a_planted_outlier_stands_out_and_noise_does_not():
    rng = np.random.default_rng(2)
    flagged = 0
    for _ in range(20):
        y = rng.standard_normal((20, 800))
        found = map_influence(map_distances(y), np.ones((20, 1)))
        flagged += found.far.any()
        y[7] += 2.0
        found = map_influence(map_distances(y), np.ones((20, 1)))
        assert found.far.tolist() == [i == 7 for i in range(20)]
        assert found.words(7).startswith("far from the others: ")
        assert found.words(3) == ""
    # Differences that nobody could see are not flagged, however tight the group.
    assert flagged == 0


def test_a_lone_subject_of_a_group_weighs_much():
    group = np.r_[1.0, np.zeros(11)]
    found = map_influence(np.ones(12), np.c_[group, 1 - group])
    assert found.high.tolist() == [i == 0 for i in range(12)]
    assert found.words(0) == "weighs 1.00 in the design, 6.0 × the mean"
