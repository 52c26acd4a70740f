"""True discoveries by permutation: against closed testing by brute force, and in noise that is smooth."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.stats import f, t

from glmwidgets.glm.errors import InputError
from glmwidgets.glm.permutation.tests import permutation_test
from glmwidgets.glm.permutation.true_discoveries import (
    ROUNDING,
    SHIFT,
    calibrated_line,
    largest_line,
    permuted_true_discoveries,
)


def line_of(p, shift=SHIFT):
    """The largest line below sorted p values, by its definition."""
    ranks = np.arange(shift + 1, p.size + 1)
    return np.min(np.sort(p)[shift:] * (p.size - shift) / (ranks - shift))


def test_the_largest_line_is_that_of_all_sorted_p_values():
    rng = np.random.default_rng(0)
    for n, shift in ((5, 0), (40, 9), (1000, 1), (5000, 27), (5000, 0)):
        for power in (1, 3, 8):
            p = np.sort(rng.random(n) ** power)
            assert largest_line(n, p.__getitem__, shift) == pytest.approx(line_of(p, shift), rel=1e-12)
    assert largest_line(9, None, shift=9) == np.inf


@pytest.mark.parametrize("shift", [0, 1, 2])
def test_bounds_are_those_of_closed_testing(shift):
    """A set's test rejects if one of its sorted p lies below the line; closed testing asks it of all supersets."""
    rng = np.random.default_rng(shift)
    n = 6
    sets = [s for k in range(1, n + 1) for s in itertools.combinations(range(n), k)]
    supersets = {s: [o for o in sets if set(s) <= set(o)] for s in sets}
    for _ in range(40):
        p = np.round(rng.random(n) ** 3, 3)
        line = float(rng.uniform(0.01, 0.6))
        heights = line * (1 - ROUNDING) * (np.arange(1, n + 1) - shift) / (n - shift)
        rejected = {s: bool(np.any(np.sort(p[list(s)]) < heights[: len(s)])) for s in sets}
        closed = {s: all(rejected[o] for o in supersets[s]) for s in sets}
        for chosen in sets:
            true = max((len(s) for s in sets if set(s) <= set(chosen) and not closed[s]), default=0)
            share = permuted_true_discoveries(p[list(chosen)], np.zeros(len(chosen), int), line, n, shift)
            assert share[0] * len(chosen) == pytest.approx(len(chosen) - true)


@pytest.mark.parametrize("two_sided", [False, True])
def test_the_line_is_that_of_refitted_maps(two_sided):
    rng = np.random.default_rng(1)
    maps = rng.standard_normal((7, 30)) + np.repeat([1.5, 0], [12, 18])
    result = permutation_test(maps, np.ones((7, 1)), [1], n_perm=200, two_sided=two_sided, true_discoveries=True)
    assert result.exact
    lines = []
    for signs in itertools.product([1, -1], repeat=7):
        flipped = maps * np.array(signs)[:, None]
        value = flipped.mean(0) / (flipped.std(0, ddof=1) / np.sqrt(7))
        lines.append(line_of(2 * t.sf(np.abs(value), 6) if two_sided else t.sf(value, 6)))
    # Products of rearrangements are in single precision.
    np.testing.assert_allclose(np.sort([*result.lines, result.observed_line]), np.sort(lines), rtol=1e-4)
    assert result.observed_line == pytest.approx(lines[0], rel=1e-9)
    assert 0 <= result.true_discoveries(np.repeat([1, 0], [12, 18]))[0] <= (12 - SHIFT) / 12


def test_an_f_has_its_own_p_values():
    rng = np.random.default_rng(2)
    maps, design = rng.standard_normal((18, 60)), np.repeat(np.eye(3), 6, axis=0)
    maps[:6, :25] += 3
    contrast = [[1, -1, 0], [0, 1, -1]]
    result = permutation_test(maps, design, contrast, n_perm=300, true_discoveries=True, seed=0)
    assert result.observed_line == pytest.approx(line_of(f.sf(result.observed["f"], 2, 15)), rel=1e-9)
    assert result.true_discoveries(np.repeat([1, 2], [25, 35]))[0] > 0.3


def test_noise_crosses_the_line_as_often_as_alpha_says():
    crossed, n_tests = 0, 250
    for seed in range(n_tests):
        rng = np.random.default_rng(seed)
        maps = np.stack([gaussian_filter(rng.standard_normal((7, 7, 7)), 1.0).ravel() for _ in range(12)])
        result = permutation_test(maps, np.ones((12, 1)), [1], n_perm=49, true_discoveries=True, seed=seed)
        crossed += result.observed_line < calibrated_line(result.lines, result.observed_line, 0.1)
    # Within three standard errors, on both sides: a line that is never crossed would be of no use.
    assert abs(crossed / n_tests - 0.1) < 3 * np.sqrt(0.1 * 0.9 / n_tests)


def test_what_was_not_asked_for_is_refused():
    result = permutation_test(np.random.default_rng(0).standard_normal((8, 20)), np.ones((8, 1)), [1], n_perm=50)
    with pytest.raises(InputError, match="true discoveries were not asked for; test with true_discoveries=True"):
        result.true_discoveries(np.ones(20, int))
