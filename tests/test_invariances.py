"""What an analysis must not depend on: each property says what it compares, how closely, and why not more closely.

All examples are drawn by seed. Statistics are compared where nothing but rounding may differ: sums in another order
differ by some 1e-13 of their terms, and the optimum of a likelihood by the square root of that.
"""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.stats import norm

from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix
from glmwidgets.glm.errors import NotEstimableError
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast, fixed_effects
from glmwidgets.glm.fit.heterogeneity import precision_weighted
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.group.fit import fit_group, group_contrast
from glmwidgets.glm.inference.cluster_stats import cluster_values, make_lattice
from glmwidgets.glm.inference.clusters import find_clusters
from glmwidgets.glm.inference.heights import height_threshold, q_values
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.models import NOISE_MODELS
from glmwidgets.glm.permutation.tests import permutation_test

N, VOXELS = 90, 12

# Rounding, and for models with an optimum the error of finding it.
CLOSE = {"ols": 1e-9, "ar1": 1e-9, "arN": 1e-9, "ar-auto": 1e-7, "ar1-reml": 1e-6, "arma11": 2e-5}

seeds = st.integers(0, 2**20)
few = settings(
    max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
models = pytest.mark.parametrize("model", list(CLOSE))


def run(seed):
    """A design with task, slow confounds and a constant, and autoregressive series over a mean of 100."""
    rng = np.random.default_rng(seed)
    t = np.arange(N)
    task = np.column_stack([np.sin(t / rng.uniform(2, 6)), rng.standard_normal(N)])
    x = np.column_stack([task, rng.standard_normal((N, 3)).cumsum(axis=0), np.ones(N)])
    e = rng.standard_normal((N, VOXELS))
    for k in range(1, N):
        e[k] += 0.4 * e[k - 1]
    return x, 100 + e + task @ rng.standard_normal((2, VOXELS)), rng


def t_of(model, x, y, c):
    name = model.replace("N", "2")
    return compute_contrast(fit_glm(Moments(y), x, name, bins=None if model == "arN" else 100), c).stat()


def same(found, expected, model):
    np.testing.assert_allclose(found, expected, rtol=CLOSE[model], atol=CLOSE[model])


C = np.array([1.0, -0.5, 0, 0, 0, 0])


def test_every_noise_model_is_asked():
    assert set(CLOSE) == set(NOISE_MODELS)


@models
@few
@given(seeds, st.floats(-8, 8))
def test_units_of_the_data(model, seed, power):
    """T of y and of 10^p y, p from -8 to 8."""
    x, y, _ = run(seed)
    same(t_of(model, x, y * 10.0**power, C), t_of(model, x, y, C), model)


@models
@few
@given(seeds, st.floats(-1e4, 1e4))
def test_offsets_that_the_constant_absorbs(model, seed, offset):
    """T of y and of y + c; a hundred times looser, as c takes four digits from every number."""
    x, y, _ = run(seed)
    found, expected = t_of(model, x, y + offset, C), t_of(model, x, y, C)
    np.testing.assert_allclose(found, expected, rtol=100 * CLOSE[model], atol=100 * CLOSE[model])


@models
@few
@given(seeds)
def test_order_and_units_of_columns(model, seed):
    """T of a design whose columns are shuffled and multiplied by 1e-3 to 1e3, with the weights that ask the same."""
    x, y, rng = run(seed)
    order, units = rng.permutation(6), 10.0 ** rng.uniform(-3, 3, 6)
    same(t_of(model, (x * units)[:, order], y, (C * units)[order]), t_of(model, x, y, C), model)


@models
@few
@given(seeds)
def test_other_parameters_of_the_same_space(model, seed):
    """T of X and of X A with A well conditioned, c' b being (c' A)(A^-1 b); and of confounds that are mixed."""
    x, y, rng = run(seed)
    a = np.linalg.qr(rng.standard_normal((6, 6)))[0] * rng.uniform(0.5, 2, 6)
    same(t_of(model, x @ a, y, C @ a), t_of(model, x, y, C), model)
    mixed = x.copy()
    mixed[:, 2:5] = x[:, 2:5] @ rng.standard_normal((3, 3))
    same(t_of(model, mixed, y, C), t_of(model, x, y, C), model)


@few
@given(seeds, st.floats(1e-3, 1e3))
def test_scale_and_sign_of_a_contrast_and_f_of_one_row(seed, scale):
    """T of k c is that of c, of -c its negative, and F of one row t^2: one fit, so 1e-12."""
    x, y, _ = run(seed)
    fit = fit_glm(Moments(y), x, "ar1-reml")
    t = compute_contrast(fit, C).stat()
    np.testing.assert_allclose(compute_contrast(fit, scale * C).stat(), t, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(compute_contrast(fit, -C).stat(), -t, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(compute_contrast(fit, C, "F").stat(), t**2, rtol=1e-12, atol=1e-12)


@few
@given(seeds)
def test_rows_of_an_f_test(seed):
    """F of two rows, of two mixtures of them, and with a row that says nothing new: 1e-8, for 2 by 2 systems."""
    x, y, rng = run(seed)
    fit, rows = fit_glm(Moments(y), x, "ar1-reml"), np.eye(6)[:2]
    expected = compute_contrast(fit, rows).stat()
    mixed = np.linalg.qr(rng.standard_normal((2, 2)))[0] @ rows
    for other in (mixed, np.vstack([rows, rows[0] - 3 * rows[1]]), rows * [[1e-12], [1e12]]):
        np.testing.assert_allclose(compute_contrast(fit, other).stat(), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("model", ["ols", "ar1-reml", "arma11", "ar-auto"])
@few
@given(seeds)
def test_time_runs_either_way_under_models_that_are_exact(model, seed):
    """T of a run and of the run backwards: a stationary process looks the same. nilearn's filters have a first scan."""
    x, y, _ = run(seed)
    same(t_of(model, x[::-1], y[::-1], C), t_of(model, x, y, C), model)


@models
@few
@given(seeds, st.integers(1, VOXELS - 1))
def test_voxels_that_are_fitted_apart(model, seed, first):
    """T of all voxels, and of two parts of the mask."""
    x, y, _ = run(seed)
    parts = np.concatenate([t_of(model, x, part, C) for part in (y[:, :first], y[:, first:])])
    same(parts, t_of(model, x, y, C), model)


@few
@given(seeds)
def test_order_of_runs(seed):
    """Fixed effects and weights by precision of four runs in any order: sums of four, so 1e-12."""
    rng = np.random.default_rng(seed)
    runs = [
        Contrast(rng.standard_normal((1, 5)), rng.uniform(0.5, 3, (1, 1, 5)), float(rng.integers(8, 200)))
        for _ in range(4)
    ]
    for combine in (fixed_effects, precision_weighted):
        expected = combine(runs).z_score()
        for order in itertools.permutations(runs):
            np.testing.assert_allclose(combine(order).z_score(), expected, rtol=1e-11, atol=1e-12)


# Events ---------------------------------------------------------------------------------------------------------------

TIMES = frame_times(100, 2.0)


def columns(onsets, durations, types, hrf="spm"):
    events = pd.DataFrame({"onset": onsets, "duration": durations, "trial_type": types})
    return make_first_level_design_matrix(TIMES, events, hrf_model=hrf, drift_model=None)


@few
@given(seeds, st.sampled_from(["spm", "glover", "spm12", "fir"]))
def test_types_are_labels(seed, hrf):
    """A type's columns are the sum of those of its parts; rows may be shuffled and types renamed: 1e-12, one sum.

    Derivatives are left out, as they are made orthogonal to the response of each type by itself.
    """
    rng = np.random.default_rng(seed)
    onsets = np.sort(rng.choice(np.arange(4, 170, 2), 12, replace=False)).astype(float)
    lengths = rng.choice([0.0, 2.0, 4.0], 12)
    kinds = rng.choice(["x", "y"], 12)
    kinds[:2] = ["x", "y"]
    whole = columns(onsets, lengths, ["a"] * 12, hrf).to_numpy()[:, :-1]
    split = columns(onsets, lengths, kinds, hrf)
    parts = [split.filter(regex=f"^{kind}(_|$)").to_numpy() for kind in "xy"]
    np.testing.assert_allclose(parts[0] + parts[1], whole, atol=1e-12)
    order = rng.permutation(12)
    shuffled = columns(onsets[order], lengths[order], kinds[order], hrf)
    np.testing.assert_allclose(shuffled, split, atol=1e-12)
    renamed = columns(onsets, lengths, np.where(kinds == "x", "q", "r"), hrf)
    np.testing.assert_allclose(renamed, split, atol=1e-12)


@few
@given(seeds)
def test_long_events_are_the_sum_of_short_ones(seed):
    """An event of the whole run, or of a part, and events that follow each other in its place: 1e-12 on the grid."""
    cuts = np.sort(np.random.default_rng(seed).choice(np.arange(2, 198, 2), 4, replace=False)).astype(float)
    starts, ends = np.r_[0.0, cuts], np.r_[cuts, 200.0]
    one = columns([0.0], [200.0], ["a"])["a"]
    many = columns(starts, ends - starts, ["a"] * 5)["a"]
    np.testing.assert_allclose(many, one, atol=1e-12)


@pytest.mark.parametrize("hrf", [None, "fir"])
@few
@given(seeds, st.floats(200, 400))
def test_an_event_of_the_whole_run_does_not_pass_for_an_effect(hrf, seed, duration):
    """It is the constant: that is told, its contrast is refused, and t of another type is as without it, to rounding.

    Whole or as events that follow each other, it is the same column. A response that rises first is no constant.
    """
    rng = np.random.default_rng(seed)
    onsets = np.sort(rng.choice(np.arange(4, 170, 2), 8, replace=False)).astype(float)
    cuts = np.arange(0.0, 200.0, 50.0)
    ends = np.r_[cuts[1:], duration]
    y = Moments(100 + rng.standard_normal((100, 5)))
    plain = columns(onsets, np.full(8, 2.0), ["b"] * 8, hrf)
    expected = compute_contrast(fit_glm(y, plain, "ar1-reml"), [1.0, 0.0]).stat()
    for starts, lengths in (([0.0], [duration]), (cuts, ends - cuts)):
        types = ["a"] * len(starts) + ["b"] * 8
        with pytest.warns(UserWarning, match=r"rank deficient.* 'a.*'constant'"):
            both = columns([*starts, *onsets], [*lengths, *np.full(8, 2.0)], types, hrf)
        fit = fit_glm(y, both, "ar1-reml")
        with pytest.raises(NotEstimableError):
            compute_contrast(fit, [1.0, 0.0, 0.0])
        np.testing.assert_allclose(compute_contrast(fit, [0.0, 1.0, 0.0]).stat(), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("onset", [0.0, 2.0, 190.0, 196.0])
@pytest.mark.parametrize("hrf", ["spm", "glover", "spm12", "gam", "fir"])
def test_single_events_at_either_end(onset, hrf):
    """One event at the first or the last scans: finite columns, zero before it, and shifted with it."""
    found = columns([onset], [2.0], ["a"], hrf).iloc[:, 0].to_numpy()
    middle = columns([100.0], [2.0], ["a"], hrf).iloc[:, 0].to_numpy()
    assert np.isfinite(found).all()
    k = int(onset / 2)
    np.testing.assert_allclose(found[:k], 0, atol=1e-12)
    length = min(100 - k, 50)
    np.testing.assert_allclose(found[k : k + length], middle[50 : 50 + length], atol=1e-12)


# Groups and maps ------------------------------------------------------------------------------------------------------


@few
@given(seeds)
def test_codings_of_groups(seed):
    """The difference of two groups by levels, by a constant and an indicator, and by effects: 1e-9."""
    rng = np.random.default_rng(seed)
    g, age = np.repeat([1.0, 0.0], (7, 9)), rng.standard_normal(16)
    y = rng.standard_normal((16, 20)) + np.outer(g, rng.standard_normal(20))
    codings = [
        (np.column_stack([g, 1 - g, age]), [1, -1, 0]),
        (np.column_stack([np.ones(16), g, age]), [0, 1, 0]),
        (np.column_stack([np.ones(16), 2 * g - 1, 5 + 3 * age]), [0, 2, 0]),
    ]
    found = [group_contrast(fit_group(y, pd.DataFrame(x)), np.array(c, float)).stat() for x, c in codings]
    np.testing.assert_allclose(found[1:], [found[0]] * 2, rtol=1e-9, atol=1e-10)


@few
@given(seeds)
def test_five_subjects_by_hand(seed):
    """All 32 flips of five maps: p is the share of flips whose largest t reaches the voxel's, counted one by one."""
    y = np.random.default_rng(seed).standard_normal((5, 6)) + 0.5

    def t(maps):
        return maps.mean(axis=0) / (maps.std(axis=0, ddof=1) / np.sqrt(5))

    null = np.array([t(np.array(signs)[:, None] * y).max() for signs in itertools.product([1, -1], repeat=5)])
    expected = [np.mean(null >= value - 1e-9 * abs(value)) for value in t(y)]
    found = permutation_test(y, np.ones((5, 1)), [1], n_perm=1000)
    assert found.exact
    np.testing.assert_allclose(found.p_value("t"), expected, atol=1e-12)


@few
@given(seeds)
def test_clusters_of_a_map_that_is_turned_over(seed):
    """Sizes and masses, with plateaus and ties, of a map and of its mirror images along each axis: sums, so 1e-12."""
    rng = np.random.default_rng(seed)
    volume = plateaus(rng, (8, 7, 6))
    mask = np.ones(volume.shape, bool)
    lattice = make_lattice(mask, 1)

    def of(z):
        return [values.reshape(z.shape) for values in cluster_values(z[mask], 1.0, lattice, True)]

    for axis in range(3):
        for plain, turned in zip(of(volume), of(np.flip(volume, axis)), strict=True):
            np.testing.assert_allclose(np.flip(turned, axis), plain, rtol=1e-12)
    for plain, negative in zip(of(volume), of(-volume), strict=True):
        np.testing.assert_allclose(np.abs(negative), np.abs(plain), rtol=1e-12)


def plateaus(rng, shape):
    """A smooth map in steps of a half: many equal values side by side, and apart."""
    return np.round(ndimage.gaussian_filter(rng.standard_normal(shape), 1) * 12) / 2


@few
@given(seeds)
def test_peaks_and_false_discoveries_of_a_map_with_plateaus_and_ties(seed):
    """Sizes and peaks of clusters along each axis and its mirror image, q and the FDR threshold of voxels in any order.

    To the last bit: values are compared and counted, never summed. All peaks count (no distance between them), as
    which of two that are equal gives way to the other is a matter of order.
    """
    rng = np.random.default_rng(seed)
    z = plateaus(rng, (8, 7, 6))

    def found(z):
        clusters, _ = find_clusters(z, 1.0, np.eye(4), two_sided=True, min_distance=0.0)
        return sorted((each.sign, each.n_voxels, *sorted(peak.stat for peak in each.peaks)) for each in clusters)

    for axis in range(3):
        assert found(np.flip(z, axis)) == found(z)
        assert found(np.moveaxis(z, axis, 0)) == found(z)
    order, p = rng.permutation(z.size), norm.sf(z.ravel())
    np.testing.assert_array_equal(q_values(p[order]), q_values(p)[order])
    for value in np.unique(p):
        assert np.ptp(q_values(p)[p == value]) == 0
    assert height_threshold(z.ravel()[order], "fdr", 0.2) == height_threshold(z.ravel(), "fdr", 0.2)


@few
@given(seeds)
@example(121)  # a voxel whose effect is zero but for rounding
def test_permutations_of_maps_with_plateaus_and_ties(seed):
    """P values of t, size, mass and TFCE of a mask that is turned over along each axis, and of subjects in any order.

    All 2^7 sign flips are listed. P values are counts, so 1e-12: a maximum that is met again counts wherever it lies.
    """
    rng = np.random.default_rng(seed)
    maps = np.stack([plateaus(rng, (5, 4, 3)) for _ in range(7)]) + 0.5
    mask = np.ones(maps.shape[1:], bool)

    def of(maps):
        how = {"n_perm": 1000, "mask": mask, "threshold": 0.05, "tfce": True}
        result = permutation_test(maps.reshape(len(maps), -1), np.ones((len(maps), 1)), [1], **how)
        assert result.exact
        return [result.p_value(kind).reshape(mask.shape) for kind in ("t", "size", "mass", "tfce")]

    plain = of(maps)
    for axis in range(3):
        for p, turned in zip(plain, of(np.flip(maps, axis + 1)), strict=True):
            np.testing.assert_allclose(np.flip(turned, axis), p, atol=1e-12)
    for p, shuffled in zip(plain, of(maps[rng.permutation(len(maps))]), strict=True):
        np.testing.assert_allclose(shuffled, p, atol=1e-12)
