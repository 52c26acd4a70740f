"""The split into tested and nuisance part against dense least squares; the lists of rearrangements against counting."""

import itertools
import math

import numpy as np
import pytest

from glmwidgets.glm.fit.partition import partition
from glmwidgets.glm.permutation.exchangeability import (
    Rearrangements,
    choose_scheme,
    draw_rearrangements,
    moved_nuisance,
)

N = 12
RNG = np.random.default_rng(4)
AGE = RNG.normal(40, 10, N)  # far from centred on purpose
GROUP = np.repeat([1.0, 0.0], N // 2)
ONES = np.ones(N)

DESIGNS = {
    "one sample": (np.c_[ONES], [1]),
    "mean adjusted for age": (np.c_[ONES, AGE], [1, 0]),
    "slope of age": (np.c_[ONES, AGE], [0, 1]),
    "difference of groups": (np.c_[GROUP, 1 - GROUP], [1, -1]),
    "mean of one group": (np.c_[GROUP, 1 - GROUP], [1, 0]),
    "difference of two slopes": (np.c_[ONES, AGE, AGE**2], [0, 1, -1]),
    "groups coded with an intercept, rank deficient": (np.c_[GROUP, 1 - GROUP, ONES], [1, -1, 0]),
    "F of two groups": (np.c_[GROUP, 1 - GROUP, AGE], [[1, 0, 0], [0, 1, 0]]),
    "F with a redundant row": (np.c_[ONES, AGE, GROUP], [[0, 1, 0], [0, 0, 1], [0, 1, 1]]),
}


def dense_statistic(y, x, c):
    """The t (signed) or F of a contrast by the textbook, from pseudo-inverses."""
    c = np.atleast_2d(np.asarray(c, float))
    beta = np.linalg.pinv(x) @ y
    dof = len(x) - np.linalg.matrix_rank(x)
    variance = ((y - x @ beta) ** 2).sum(axis=0) / dof
    covariance = c @ np.linalg.pinv(x.T @ x) @ c.T
    effect = c @ beta
    if len(c) == 1:
        return effect[0] / np.sqrt(covariance[0, 0] * variance)
    q = np.linalg.matrix_rank(c)
    return np.einsum("qv,qr,rv->v", effect, np.linalg.pinv(covariance), effect) / q / variance


@pytest.mark.parametrize("name", DESIGNS)
def test_the_tested_part_has_the_statistic_of_the_contrast(name):
    x, c = DESIGNS[name]
    y = RNG.standard_normal((N, 5)) + AGE[:, None] / 20
    hypothesis = partition(x, c)
    u, z = hypothesis.tested, hypothesis.nuisance
    both = np.hstack([u, z])
    np.testing.assert_allclose(both.T @ both, np.eye(both.shape[1]), atol=1e-12)
    assert hypothesis.dof == N - np.linalg.matrix_rank(x)
    rss = ((y - both @ (both.T @ y)) ** 2).sum(axis=0)
    effect = u.T @ y
    if hypothesis.stat_type == "t":
        ours = effect[0] / np.sqrt(rss / hypothesis.dof)
    else:
        ours = (effect**2).sum(axis=0) / u.shape[1] / (rss / hypothesis.dof)
    # 1e-8: the rank-deficient and quadratic designs lose digits in the pseudo-inverses, not here.
    np.testing.assert_allclose(ours, dense_statistic(y, x, c), rtol=1e-8)


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("one sample", "sign_flip"),
        ("mean adjusted for age", "sign_flip"),
        ("mean of one group", "sign_flip"),
        ("F of two groups", "sign_flip"),
        ("slope of age", "permutation"),
        ("difference of groups", "permutation"),
        ("difference of two slopes", "permutation"),
        ("F with a redundant row", "permutation"),
    ],
)
def test_the_hypothesis_chooses_the_scheme(name, scheme):
    # The intercept column that "slope of age" and "difference of groups" have or lack plays no part.
    assert choose_scheme(partition(*DESIGNS[name])) == scheme


def test_all_sign_flips_are_listed_once_and_never_the_identity():
    flips = draw_rearrangements(partition(np.ones((5, 1)), [1]), 100)
    assert flips.exact
    assert flips.scheme == "sign_flip"
    assert {tuple(row) for row in flips.rows} == set(itertools.product((1, -1), repeat=5)) - {(1,) * 5}


def test_all_relabellings_of_two_groups_are_listed_once():
    x = np.repeat(np.eye(2), 4, axis=0)
    hypothesis = partition(x, [1, -1])
    orders = draw_rearrangements(hypothesis, 1000)
    assert orders.exact
    assert len(orders) == math.comb(8, 4) - 1  # of the 40320 permutations these are distinct
    labels = {tuple(row) for row in x[orders.rows, 0]}
    assert len(labels) == len(orders)
    assert tuple(x[:, 0]) not in labels


def test_covariate_has_all_permutations():
    orders = draw_rearrangements(partition(np.c_[np.ones(5), [1.0, 2, 4, 8, 16]], [0, 1]), 119)
    assert orders.exact
    assert {tuple(row) for row in orders.rows} == set(itertools.permutations(range(5))) - {(0, 1, 2, 3, 4)}
    assert not draw_rearrangements(partition(np.c_[np.ones(5), [1.0, 2, 4, 8, 16]], [0, 1]), 118).exact


def test_paired_maps_exchanged_within_subjects_are_the_sign_flips_of_the_differences():
    n = 6
    subjects = np.tile(np.eye(n), (2, 1))
    x = np.c_[np.repeat([1.0, -1.0], n), subjects]
    hypothesis = partition(x, [1] + [0] * n)
    orders = draw_rearrangements(hypothesis, 100, blocks=[*range(n), *range(n)])
    assert orders.exact
    assert len(orders) == 2**n - 1
    assert {tuple(np.sign(x[order, 0][:n])) for order in orders.rows} == set(itertools.product((1, -1), repeat=n)) - {
        (1,) * n
    }
    # All subject means stay where they are: nothing of the nuisance has to be refitted.
    assert moved_nuisance(hypothesis, orders).shape == (2 * n, 0)


def test_random_permutations_stay_inside_their_blocks():
    blocks = np.repeat(["a", "b", "c"], 4)
    orders = draw_rearrangements(partition(np.c_[np.ones(12), AGE], [0, 1]), 50, blocks=blocks, seed=0)
    assert not orders.exact
    assert (blocks[orders.rows] == blocks).all()
    assert len(np.unique(orders.rows, axis=0)) > 40


def test_whole_blocks_change_places_with_their_rows_in_order():
    blocks = np.repeat([3, 1, 2, 0], 3)
    between = np.repeat(RNG.standard_normal(4), 3)
    hypothesis = partition(np.c_[np.ones(12), between], [0, 1])
    orders = draw_rearrangements(hypothesis, 100, blocks=blocks, exchange="whole")
    assert orders.exact
    assert len(orders) == math.factorial(4) - 1
    assert (np.diff(orders.rows.reshape(-1, 4, 3), axis=2) == 1).all()
    with pytest.raises(ValueError, match="exchange='whole'"):
        draw_rearrangements(hypothesis, 100, blocks=blocks)


def test_whole_blocks_are_flipped_together():
    blocks = [0, 0, 1, 1, 2, 2]
    flips = draw_rearrangements(partition(np.ones((6, 1)), [1]), 100, blocks=blocks, exchange="whole")
    assert len(flips) == 2**3 - 1
    assert (flips.rows[:, ::2] == flips.rows[:, 1::2]).all()


@pytest.mark.parametrize("name", ["one sample", "slope of age"])
def test_a_longer_list_from_the_same_seed_begins_with_the_shorter(name):
    hypothesis = partition(*DESIGNS[name])
    short, long = (draw_rearrangements(hypothesis, n, seed=7).rows for n in (20, 500))
    np.testing.assert_array_equal(short, long[:20])
    assert not np.array_equal(short, draw_rearrangements(hypothesis, 20, seed=8).rows)


def test_random_signs_and_orders_are_uniform():
    # 20000 draws: a share of 1/2 or 1/12 has a standard error below .0036; five of them are allowed.
    signs = draw_rearrangements(partition(*DESIGNS["one sample"]), 4000, seed=1).rows
    assert not draw_rearrangements(partition(*DESIGNS["one sample"]), 4000, seed=1).exact
    assert abs((signs == 1).mean(axis=0) - 0.5).max() < 5 * 0.5 / np.sqrt(4000)
    orders = draw_rearrangements(partition(*DESIGNS["slope of age"]), 20_000, seed=1).rows
    share = np.array([[np.mean(orders[:, i] == j) for j in range(N)] for i in range(N)])
    assert abs(share - 1 / N).max() < 0.018 / 2


def test_only_the_nuisance_that_moves_is_kept():
    x, c = np.c_[AGE, ONES, GROUP], [1, 0, 0]
    hypothesis = partition(x, c)
    moved = moved_nuisance(hypothesis, draw_rearrangements(hypothesis, 200, seed=0))
    assert moved.shape == (N, 1)  # the constant stays
    np.testing.assert_allclose(moved.sum(), 0, atol=1e-10)
    np.testing.assert_allclose(hypothesis.nuisance @ (hypothesis.nuisance.T @ moved), moved, atol=1e-10)
    flips = Rearrangements(np.array([[1, -1] * 6], dtype=np.int8), "sign_flip")
    assert moved_nuisance(hypothesis, flips).shape[1] == 2


@pytest.mark.parametrize(
    ("x", "c", "message"),
    [
        (np.c_[GROUP, 1 - GROUP, ONES], [1, 0, 0], "not estimable"),
        (np.c_[ONES, AGE], [0, 0], "zero"),
        (np.c_[ONES, AGE], [1], "1 weight and the design 2 columns"),
        (np.eye(4), [1, 0, 0, 0], "no degree of freedom"),
        (np.c_[ONES, np.where(AGE > 50, np.nan, AGE)], [0, 1], "NaN or infinity in row"),
    ],
)
def test_what_cannot_be_tested_is_refused_in_words(x, c, message):
    with pytest.raises(ValueError, match=message):
        partition(x, c)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scheme": "shuffle"}, "'shuffle'"),
        ({"exchange": "some"}, "'some'"),
        ({"blocks": [1, 2]}, "2 block labels for 12 maps"),
        ({"blocks": [np.nan] + [1] * 11}, "row 0 is missing"),
        ({"blocks": [1] * 5 + [2] * 7, "exchange": "whole"}, "same number of rows"),
        ({"n_perm": 0}, "at least 1"),
    ],
)
def test_bad_options_are_refused_in_words(options, message):
    with pytest.raises(ValueError, match=message):
        draw_rearrangements(partition(*DESIGNS["slope of age"]), **{"n_perm": 10, **options})


def test_a_mean_cannot_be_permuted():
    with pytest.raises(ValueError, match="scheme='sign_flip'"):
        draw_rearrangements(partition(np.ones((5, 1)), [1]), 10, scheme="permutation")
