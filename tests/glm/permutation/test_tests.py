"""Permutation inference against refitting, the reference implementation, complete enumeration and simulation."""

import itertools
import threading
import warnings

import numpy as np
import pytest
from scipy import ndimage, stats

from glmwidgets.glm.fit.partition import partition
from glmwidgets.glm.permutation.exchangeability import Rearrangements, draw_rearrangements
from glmwidgets.glm.permutation.tests import iter_permutations, permutation_test

MASK = np.random.default_rng(9).random((9, 10, 11)) < 0.9
V = int(MASK.sum())


def smooth_maps(n, seed, fwhm=3.0, dtype=float):
    volumes = np.random.default_rng(seed).standard_normal((n, *MASK.shape))
    return ndimage.gaussian_filter(volumes, (0, *(fwhm / 2.355,) * 3))[:, MASK].astype(dtype)


def refitted_t(y, x, c):
    """The t of a contrast by ordinary least squares."""
    x, c = np.asarray(x, float), np.asarray(c, float)
    beta, rss = np.linalg.lstsq(x, y, rcond=None)[:2]
    return c @ beta / np.sqrt(c @ np.linalg.inv(x.T @ x) @ c * rss / (len(x) - x.shape[1]))


def nuisance_residuals(y, x, c):
    z = partition(x, c).nuisance
    return y - z @ (z.T @ y)


RNG = np.random.default_rng(0)
AGE, SCORE = RNG.normal(40, 10, 14), RNG.standard_normal(14)
GROUP = np.repeat([1.0, 0.0], 7)
CASES = {
    "one sample": (np.ones((14, 1)), [1]),
    "mean adjusted for age": (np.c_[np.ones(14), AGE], [1, 0]),
    "slopes' difference": (np.c_[AGE / 10, SCORE, np.ones(14)], [1, -1, 0]),
    "two groups and a covariate": (np.c_[GROUP, 1 - GROUP, AGE], [1, -1, 0]),
}


@pytest.mark.parametrize("case", CASES)
def test_null_is_the_design_refitted_to_rearranged_residuals(case):
    # Freedman-Lane done by hand: rearrange the residuals of the reduced model, refit the whole design.
    x, c = CASES[case]
    y = smooth_maps(14, 1)
    hypothesis = partition(x, c)
    rearrangements = draw_rearrangements(hypothesis, 30, seed=2)
    result = permutation_test(y, x, c, two_sided=True, rearrangements=rearrangements)
    np.testing.assert_allclose(result.observed["t"], refitted_t(y, x, c), rtol=1e-10)
    residuals = nuisance_residuals(y, x, c)
    for row, largest in zip(rearrangements.rows, result.null["t"], strict=True):
        if rearrangements.scheme == "sign_flip":
            y_star = row[:, None] * residuals
        else:  # the design's rows move by `row`, the residuals therefore by its inverse
            y_star = residuals[np.argsort(row)]
        # 1e-9: the search is in single precision, the value that it finds is computed in double.
        np.testing.assert_allclose(largest, np.abs(refitted_t(y_star, x, c)).max(), rtol=1e-9)


def test_null_of_an_f_is_the_f_of_the_rearranged_residuals():
    x, c = np.c_[AGE, SCORE, np.ones(14), GROUP], np.eye(2, 4)
    y = smooth_maps(14, 3)
    rearrangements = draw_rearrangements(partition(x, c), 20, seed=2)
    result = permutation_test(y, x, c, rearrangements=rearrangements, mask=MASK, threshold=0.01, tfce=True)

    def f(y):
        full, reduced = (np.linalg.lstsq(d, y, rcond=None)[1] for d in (x, x[:, 2:]))
        return (reduced - full) / 2 / (full / (14 - 4))

    np.testing.assert_allclose(result.observed["f"], f(y), rtol=1e-9)
    residuals = nuisance_residuals(y, x, c)
    null = [f(residuals[np.argsort(row)]).max() for row in rearrangements.rows]
    np.testing.assert_allclose(result.null["f"], null, rtol=1e-9)
    np.testing.assert_allclose(result.height, stats.f.isf(0.01, 2, 10))
    assert set(result.null) == {"f", "size", "mass", "tfce"}


def reference_rearrangements(seed, n, count, scheme):
    """Draw what nilearn 0.14.1 draws in one job: each rearrangement is applied on top of the last."""
    first = np.random.RandomState(seed).randint(1, np.iinfo(np.int32).max - 1)
    rng = np.random.RandomState(first)
    if scheme == "sign_flip":
        rows = np.cumprod([rng.randint(2, size=(n, 1))[:, 0] * 2 - 1 for _ in range(count)], axis=0)
    else:
        rows = list(itertools.accumulate((rng.permutation(n) for _ in range(count)), lambda a, b: a[b]))
    return Rearrangements(np.array(rows), scheme)


@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize("case", ["one sample", "slope given age", "two groups"])
def test_equal_the_reference_for_the_same_rearrangements(case, two_sided):
    permuted_ols = pytest.importorskip("nilearn.mass_univariate").permuted_ols
    y = smooth_maps(14, 5) + 0.02
    tested, confounds, scheme = {
        "one sample": (np.ones((14, 1)), None, "sign_flip"),
        "slope given age": (SCORE[:, None], AGE[:, None], "permutation"),
        "two groups": (GROUP[:, None], None, "permutation"),
    }[case]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = permuted_ols(
            tested, y, confounds, n_perm=200, random_state=3, two_sided_test=two_sided, output_type="dict"
        )
    x = np.hstack([tested] + ([confounds] if confounds is not None else []))
    x = x if case == "one sample" else np.c_[x, np.ones(14)]
    ours = permutation_test(
        y,
        x,
        np.eye(x.shape[1])[0],
        two_sided=two_sided,
        rearrangements=reference_rearrangements(3, 14, 200, scheme),
    )
    np.testing.assert_allclose(ours.observed["t"], theirs["t"][0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(ours.null["t"], theirs["h0_max_t"][0], rtol=1e-9)
    np.testing.assert_array_equal(ours.logp("t"), theirs["logp_max_t"][0])


def test_cluster_statistics_equal_the_reference_for_the_same_flips():
    nilearn = pytest.importorskip("nilearn.mass_univariate")
    from nibabel import Nifti1Image
    from nilearn.maskers import NiftiMasker

    y = smooth_maps(14, 5) + 0.05
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        masker = NiftiMasker(Nifti1Image(MASK.astype(np.uint8), np.eye(4)), standardize=None).fit()
        theirs = nilearn.permuted_ols(
            np.ones((14, 1)),
            y,
            n_perm=60,
            random_state=3,
            output_type="dict",
            masker=masker,
            threshold=0.01,
            two_sided_test=True,
        )
    flips = reference_rearrangements(3, 14, 60, "sign_flip")
    ours = permutation_test(y, np.ones((14, 1)), [1], rearrangements=flips, mask=MASK, threshold=0.01, two_sided=True)
    np.testing.assert_array_equal(ours.null["size"], theirs["h0_max_size"][0])
    # Masses are sums of t - height over single-precision t.
    np.testing.assert_allclose(ours.null["mass"], theirs["h0_max_mass"][0], rtol=1e-4)
    np.testing.assert_array_equal(ours.observed["size"], theirs["size"][0])
    np.testing.assert_allclose(ours.observed["mass"], theirs["mass"][0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("two_sided", [False, True])
def test_all_flips_of_ten_maps_give_the_exact_null(two_sided):
    y = RNG.standard_normal((10, 40)) + 0.6
    result = permutation_test(y, np.ones((10, 1)), [1], two_sided=two_sided)
    assert result.exact
    assert result.n_perm == 2**10 - 1
    signs = np.array(list(itertools.product((1, -1), repeat=10)))
    flipped = signs[:, :, None] * y
    t = flipped.mean(axis=1) / (flipped.std(axis=1, ddof=1) / np.sqrt(10))
    t = np.abs(t) if two_sided else t
    exact = (t.max(axis=1)[:, None] >= t[0] * (1 - 1e-12)).mean(axis=0)  # the identity comes first
    np.testing.assert_allclose(result.p_value("t"), exact, rtol=1e-12)


def test_all_relabellings_give_the_exact_permutation_test_of_two_groups():
    # One voxel: the corrected p is the p of the permutation test of scipy.
    y = RNG.standard_normal((9, 1)) + np.repeat([1.0, 0.0], [4, 5])[:, None]
    x = np.c_[np.repeat([1.0, 0.0], [4, 5]), np.ones(9)]
    result = permutation_test(y, x, [1, 0])
    assert result.n_perm + 1 == 126
    theirs = stats.permutation_test(
        (y[:4, 0], y[4:, 0]), lambda a, b: a.mean() - b.mean(), alternative="greater", n_resamples=np.inf
    )
    np.testing.assert_allclose(result.p_value("t"), theirs.pvalue, rtol=1e-12)


def test_p_is_one_definition_for_all_statistics():
    result = permutation_test(
        smooth_maps(12, 6) + 0.1, np.ones((12, 1)), [1], n_perm=99, mask=MASK, threshold=0.05, tfce=True, seed=0
    )
    assert list(result.null) == ["t", "size", "mass", "tfce"]
    for name, null in result.null.items():
        reached = (null[:, None] >= result.observed[name] * (1 - 1e-6)).sum(axis=0)
        np.testing.assert_allclose(result.p_value(name), (1 + reached) / 100)
        np.testing.assert_allclose(result.logp(name), -np.log10((1 + reached) / 100))
        cutoff = result.cutoff(name)
        assert (null >= cutoff).sum() >= 5
        significant = result.observed[name] > cutoff * (1 + 1e-4)
        np.testing.assert_array_equal(significant, result.p_value(name) <= 0.05)
    outside = result.observed["size"] == 0
    assert (result.p_value("size")[outside] == 1).all()
    assert result.cutoff("t", 0.001) == np.inf


def test_single_precision_finds_the_maxima_that_double_precision_has():
    # Float32 data and products on a large mean effect; every null maximum against all-float64 refits.
    y = smooth_maps(16, 7, dtype=np.float32) + np.float32(3)
    flips = draw_rearrangements(partition(np.ones((16, 1)), [1]), 100, seed=0)
    result = permutation_test(y, np.ones((16, 1)), [1], rearrangements=flips)
    exact = [refitted_t(row[:, None] * y.astype(float), np.ones((16, 1)), [1]).max() for row in flips.rows]
    np.testing.assert_allclose(result.null["t"], exact, rtol=1e-9)
    np.testing.assert_allclose(result.observed["t"], refitted_t(y.astype(float), np.ones((16, 1)), [1]), rtol=1e-9)


def test_constant_voxels_never_count():
    y = smooth_maps(12, 8)
    y[:, 0], y[:, 1:3] = 0, 7.3  # without variance beside the mean
    one = permutation_test(y, np.ones((12, 1)), [1], n_perm=50, seed=0)
    assert one.observed["t"][0] == 0  # the others have a mean that is none of chance's
    assert (one.null["t"] < 30).all()
    slope = permutation_test(y, np.c_[np.ones(12), AGE[:12]], [0, 1], n_perm=50, seed=0)
    assert (slope.observed["t"][:3] == 0).all()
    assert np.isfinite(slope.null["t"]).all()
    assert (slope.null["t"] < 30).all()


@pytest.mark.parametrize("two_sided", [False, True])
def test_maps_that_all_agree_are_as_significant_as_flips_can_tell(two_sided):
    """Five equal values: of 32 flips only the one that flips none, or two-sided also all, reaches the mean."""
    y = smooth_maps(5, 3).astype(float)
    y[:, 4] = 7.3
    found = permutation_test(
        y, np.ones((5, 1)), [1], two_sided=two_sided, n_perm=1000, mask=MASK, threshold=0.05, tfce=True
    )
    assert found.exact
    for name in ("t", "mass", "tfce"):
        assert found.p_value(name)[4] == (1 + two_sided) / 32, name
    groups = np.repeat([0.0, 1.0], 4)
    apart = np.c_[np.random.default_rng(0).standard_normal(8), groups]  # the second voxel is the groups themselves
    two = permutation_test(apart, np.c_[np.ones(8), groups], [0, 1], two_sided=two_sided, n_perm=1000)
    assert two.p_value("t")[1] == (1 + two_sided) / 70  # 8! / (4! 4!)


def test_tiny_groups_stay_finite():
    # With one degree of freedom a t of thousands is nothing special; single precision cannot tell it from infinity.
    result = permutation_test(smooth_maps(2, 15), np.ones((2, 1)), [1], mask=MASK, threshold=0.4, tfce=True)
    assert result.n_perm == 3
    assert all(np.isfinite(null).all() for null in result.null.values())
    np.testing.assert_allclose(result.observed["t"], refitted_t(smooth_maps(2, 15), np.ones((2, 1)), [1]), rtol=1e-6)


def test_the_null_depends_on_the_seed_and_not_on_the_number_of_processes():
    options = {"n_perm": 70, "mask": MASK, "threshold": 0.01, "tfce": True}
    y, x = smooth_maps(12, 10), np.ones((12, 1))
    alone = permutation_test(y, x, [1], seed=1, **options)
    shared = permutation_test(y, x, [1], seed=1, n_jobs=2, **options)
    other = permutation_test(y, x, [1], seed=2, **options)
    for name in alone.null:
        np.testing.assert_array_equal(alone.null[name], shared.null[name])
        assert not np.array_equal(alone.null[name], other.null[name])


def test_running_results_sharpen_to_the_final_one():
    y, x = smooth_maps(12, 11), np.ones((12, 1))
    results = list(iter_permutations(y, x, [1], n_perm=200, seed=0))
    assert [r.n_done for r in results] == [0, 64, 128, 192, 200]
    assert [r.complete for r in results] == [False] * 4 + [True]
    assert (results[0].p_value("t") == 1).all()
    assert results[0].cutoff("t") == np.inf
    np.testing.assert_array_equal(results[2].null["t"], results[-1].null["t"][:128])


def test_progress_is_reported_and_a_cancelled_test_says_so():
    cancel, seen = threading.Event(), []

    def progress(done, total):
        seen.append((done, total))
        if done >= 100:
            cancel.set()

    result = permutation_test(
        smooth_maps(12, 12), np.ones((12, 1)), [1], n_perm=1000, seed=0, cancel=cancel, progress=progress
    )
    assert not result.complete
    assert seen == [(0, 1000), (64, 1000), (128, 1000)]
    assert result.n_done == 128
    assert result.p_value("t").min() >= 1 / 129


def test_a_cancelled_test_in_processes_stops_early():
    cancel = threading.Event()
    cancel.set()
    options = {"n_perm": 1000, "mask": MASK, "tfce": True, "n_jobs": 2, "cancel": cancel}
    assert permutation_test(smooth_maps(12, 12), np.ones((12, 1)), [1], seed=0, **options).n_done == 16


def test_paired_test_in_blocks_is_the_one_sample_test_of_the_differences():
    n = 8
    first, second = smooth_maps(n, 13) + 0.1, smooth_maps(n, 14)
    x = np.c_[np.repeat([1.0, -1.0], n), np.tile(np.eye(n), (2, 1))]
    paired = permutation_test(np.vstack([first, second]), x, [1] + [0] * n, blocks=[*range(n)] * 2)
    differences = permutation_test(first - second, np.ones((n, 1)), [1])
    assert paired.exact
    assert paired.scheme == "permutation"
    np.testing.assert_allclose(paired.observed["t"], differences.observed["t"], rtol=1e-9)
    np.testing.assert_allclose(np.sort(paired.null["t"]), np.sort(differences.null["t"]), rtol=1e-9)
    np.testing.assert_allclose(paired.p_value("t"), differences.p_value("t"))


@pytest.mark.parametrize("case", ["one sample, rough", "covariate, smooth"])
def test_family_wise_error_is_what_was_asked_for(case):
    """Of 150 groups without effect .05 are significant somewhere, by each of the four statistics.

    With 19 rearrangements p <= .05 is exactly one chance in 20 under exchangeability. The number of false alarms in
    150 is binomial; the bounds below leave out 5e-4 on either side, for each of eight numbers.
    The long version with narrow bounds is ``benchmarks/calibration_permutation.py``.
    """
    groups, n = 150, 12
    rng = np.random.default_rng(2024)
    alarms = dict.fromkeys(["t", "size", "mass", "tfce"], 0)
    mask = np.ones((7, 7, 7), dtype=bool)
    for seed in range(groups):
        volumes = rng.standard_normal((n, 7, 7, 7))
        if case == "covariate, smooth":
            volumes = ndimage.gaussian_filter(volumes, (0, 1, 1, 1), mode="wrap")
            x, c = np.c_[np.ones(n), rng.normal(40, 10, n)], [0, 1]
        else:
            x, c = np.ones((n, 1)), [1]
        result = permutation_test(volumes[:, mask], x, c, n_perm=19, mask=mask, threshold=0.05, tfce=True, seed=seed)
        for name in alarms:
            alarms[name] += result.p_value(name).min() <= 0.05
    low, high = stats.binom.ppf([5e-4, 1 - 5e-4], groups, 0.05)
    for name, count in alarms.items():
        assert low <= count <= high, (name, count)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": np.ones((11, V))}, r"\(11, \d+\) do not have one row for each of 12 maps"),
        ({"data": np.where(np.eye(12, V), np.nan, 1)}, "row 0 holds NaN"),
        ({"threshold": 0.01, "mask": None}, "need the mask"),
        ({"tfce": True, "mask": None}, "need the mask"),
        ({"threshold": 3.1}, "p value between 0 and .5"),
        ({"mask": np.ones((2, 2, 2))}, "mask has 8 voxels"),
        ({"stat_type": "t", "contrast": np.eye(2), "design": np.c_[np.ones(12), AGE[:12]]}, "one row of weights"),
    ],
)
def test_bad_input_is_refused_in_words(change, message):
    arguments = {"data": smooth_maps(12, 0), "design": np.ones((12, 1)), "contrast": [1], "mask": MASK, **change}
    with pytest.raises(ValueError, match=message):
        permutation_test(n_perm=10, **arguments)
