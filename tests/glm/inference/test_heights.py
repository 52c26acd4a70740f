"""Statistics, z, p and q; thresholds that equal nilearn's."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nibabel import Nifti1Image
from nilearn.glm import fdr_threshold, threshold_stats_img
from nilearn.glm.contrasts import Contrast
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, stats
from scipy.special import gammaln

from glmwidgets.glm.inference.heights import THRESHOLDS, false_discovery_rate, height_threshold, q_values
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.glm.inference.scores import p_from_f, p_from_t, p_from_z, z_from_f, z_from_p, z_from_t

DOFS = [1, 2, 2.5, 3, 8, 29, 73.4, 275, 5000, 1e12]


def nilearn_z(stat, dof, stat_type="t", q=1):
    effect = np.sqrt(stat * q) if stat_type == "F" else stat
    return Contrast(effect[None], np.ones_like(stat), dim=q, dof=dof, stat_type=stat_type).z_score()


def spread(dof, n):
    """T values over the whole range of z, most of them where maps have theirs."""
    rng = np.random.default_rng(0)
    tail = np.geomspace(1e-9, 1e4, 400)
    return np.concatenate([rng.standard_t(min(dof, 1e6), n) * 1.5, tail, -tail, [0.0, np.inf, -np.inf]])


@pytest.mark.parametrize("dof", DOFS)
@pytest.mark.parametrize("n", [100, 20_000], ids=["special functions", "polynomial"])
def test_z_of_t_equals_nilearn_over_the_whole_range(dof, n):
    t = spread(dof, n)
    # The polynomial is held to 1e-11 of z / sqrt(w); nilearn's z is at most 37.05.
    ours, theirs = z_from_t(t, dof), nilearn_z(t, dof)
    ends = np.abs(theirs) > 37
    assert_allclose(ours[~ends], theirs[~ends], rtol=0, atol=1e-9)
    assert (np.abs(ours[ends]) > 37).all()
    assert np.isfinite(ours[np.isfinite(t)]).all()
    assert_array_equal(np.sign(ours[ends]), np.sign(t[ends]))


@pytest.mark.parametrize(("q", "dof"), [(1, 29), (2, 275), (3, 80), (12, 300), (40, 1e12)])
@pytest.mark.parametrize("n", [100, 20_000], ids=["special functions", "polynomial"])
def test_z_of_f_equals_nilearn_over_the_whole_range(q, dof, n):
    rng = np.random.default_rng(1)
    f = np.concatenate([rng.f(q, min(dof, 1e6), n), np.geomspace(1e-9, 400, 300), [0.0]])
    # nilearn takes the lower tail where the z of the upper is negative: at p = .5 both give the same to 1e-15.
    ours, theirs = z_from_f(f, q, dof), nilearn_z(f, dof, "F", q)
    assert_allclose(ours[theirs < 37], theirs[theirs < 37], rtol=0, atol=1e-9)
    assert (ours[theirs >= 37] >= 37).all()
    assert np.isfinite(ours).all()


def log_tail_by_quadrature(t, dof):
    """``log P(T > t)`` from the density, on a grid of the logarithm of t."""
    u = np.linspace(0, 60 / dof + 60 / t**2, 400_001)
    s = t * np.exp(u)
    log_density = gammaln((dof + 1) / 2) - gammaln(dof / 2) - 0.5 * np.log(dof * np.pi)
    log_density = log_density - (dof + 1) / 2 * np.log1p(s**2 / dof) + np.log(s)
    top = log_density.max()
    return top + np.log(integrate.trapezoid(np.exp(log_density - top), u))


@pytest.mark.parametrize(("t", "dof"), [(100.0, 500), (200.0, 300), (1e4, 100), (1e6, 74), (1e15, 74), (1e12, 30)])
def test_tails_too_thin_for_a_number_are_those_of_the_density(t, dof):
    z = float(z_from_t(t, dof))
    assert z > 37
    assert_allclose(stats.norm.logsf(z), log_tail_by_quadrature(t, dof), rtol=1e-6)
    assert_allclose(z_from_t(-t, dof), -z)
    # F of one row is t squared, and its upper tail both of t's.
    assert_allclose(stats.norm.logsf(z_from_f(t**2, 1, dof)), stats.norm.logsf(z) + np.log(2), rtol=1e-9)


def test_z_of_thin_tails_rises_without_a_step():
    t = np.geomspace(10, 1e8, 3000)
    for dof in (40, 74, 300):
        z = z_from_t(t, dof)
        assert (np.diff(z) > 0).all()
        assert np.abs(np.diff(z, 3)).max() < 1e-3
    assert_array_equal(z_from_t([np.inf, -np.inf], 20), [np.inf, -np.inf])
    assert z_from_t(40.0, 1e12) == pytest.approx(40, rel=1e-7)
    assert np.isfinite(z_from_t(1e300, 1.0))
    assert np.isfinite(z_from_t(1e300, 500.0))


def test_f_of_one_row_is_t_squared():
    t = np.linspace(0.1, 9, 50)
    assert_allclose(p_from_f(t**2, 1, 40), 2 * p_from_t(t, 40), rtol=1e-12)


def test_t_with_a_dof_for_each_voxel():
    t, dof = np.array([3.0, 3.0, -3.0]), np.array([5.0, 50.0, 500.0])
    assert_allclose(z_from_t(t, dof), [z_from_t(a, b) for a, b in zip(t, dof, strict=True)], rtol=0, atol=1e-12)


def test_conversions_keep_shape_and_nan_and_oddness():
    t = np.random.default_rng(2).standard_t(30, (20, 30, 10))
    t[3, 4, 5] = np.nan
    z = z_from_t(t, 30)
    assert z.shape == t.shape
    assert np.isnan(z[3, 4, 5])
    assert np.isnan(z).sum() == 1
    assert_array_equal(z_from_t(-t, 30), -z)
    f = z_from_f(t**2, 2, 30)
    assert f.shape == t.shape
    assert np.isnan(f).sum() == 1


def test_t_values_of_one_size_and_f_values_of_one_size():
    # Their range is a point: nothing to interpolate over.
    assert_allclose(z_from_t(np.full(5000, 2.0), 30), z_from_t(2.0, 30), rtol=0, atol=1e-12)
    assert_array_equal(z_from_t(np.zeros(5000), 30), 0)
    assert_allclose(z_from_f(np.full(5000, 2.0), 3, 30), z_from_f(2.0, 3, 30), rtol=0, atol=1e-12)
    assert_allclose(z_from_f(np.zeros(5000), 3, 30), z_from_f(0.0, 3, 30), rtol=0, atol=1e-12)


@pytest.mark.parametrize("dof", [0, -3, np.nan])
def test_dof_must_be_positive(dof):
    with pytest.raises(ValueError, match="degrees of freedom must be positive"):
        z_from_t(3.0, dof)


def test_p_from_t_and_f_against_scipy():
    t = np.linspace(-8, 30, 60)
    assert_allclose(p_from_t(t, 17), stats.t.sf(t, 17), rtol=1e-12)
    assert_allclose(p_from_f(t[t > 0], 4, 17), stats.f.sf(t[t > 0], 4, 17), rtol=1e-12)


def test_p_and_z_are_inverse_in_both_tails_and_never_infinite():
    lower = np.linspace(-5, 0, 50)
    # 1 - p is what double precision leaves of the lower tail: 1e-16 of p is 1e-10 of z at -5.
    assert_allclose(z_from_p(p_from_z(lower)), lower, rtol=0, atol=1e-9)
    upper = np.linspace(0, 37, 200)
    assert_allclose(z_from_p(p_from_z(upper)), upper, rtol=1e-12, atol=1e-12)
    assert_allclose(z_from_p(p_from_z(upper, two_sided=True), two_sided=True), upper, rtol=1e-12, atol=1e-12)
    assert_allclose(z_from_p([0, 1]), [37.0471, -8.2], atol=0.1)


# Thresholds -----------------------------------------------------------------------------------------------------------


def smooth_z(seed, n=4000, active=0.1):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(n)
    z[: int(active * n)] += rng.uniform(0, 6, int(active * n))
    z[-int(active * n / 2) :] -= 3
    z[10:20] = 0.0
    return z


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize("alpha", [0.001, 0.05, 0.2])
@pytest.mark.parametrize("height_control", ["fpr", "fdr", "bonferroni"])
def test_threshold_equals_nilearn_on_the_values_in_the_mask(height_control, alpha, two_sided):
    z = smooth_z(3)
    volume = np.zeros((30, 20, 10))
    mask = np.zeros(volume.shape, dtype=np.int8)
    mask.ravel()[:4000] = 1
    volume[mask == 1] = z
    _, expected = threshold_stats_img(
        Nifti1Image(volume, np.eye(4)),
        Nifti1Image(mask, np.eye(4)),
        alpha=alpha,
        height_control=height_control,
        two_sided=two_sided,
    )
    assert_allclose(height_threshold(z, height_control, alpha, two_sided), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.3])
def test_fdr_threshold_equals_nilearn_and_scipy(alpha):
    for seed in range(20):
        z = smooth_z(seed, n=300, active=0.05 * (seed % 4))
        threshold = height_threshold(z, "fdr", alpha, two_sided=False)
        assert_allclose(threshold, max(0, fdr_threshold(z, alpha)), rtol=0, atol=1e-12)
        assert_array_equal(z >= threshold, stats.false_discovery_control(stats.norm.sf(z)) < alpha)


def test_voxels_that_tie_at_the_fdr_threshold_pass():
    """Fifty voxels whose p is the least that 5,000 permutations can give, among 950 of nothing."""
    z = np.append(np.full(50, z_from_p(1 / 5001)), stats.norm.ppf(np.linspace(0.01, 0.5, 950)))
    for two_sided in (False, True):
        assert np.sum(z >= height_threshold(z, "fdr", 0.05, two_sided)) == 50


def test_published_heights():
    """The one-sided thresholds that tutorials print: .001 uncorrected, and .05 corrected for 62,073 voxels."""
    z = np.zeros(62_073)
    assert round(height_threshold(z, "fpr", 0.001, two_sided=False), 3) == 3.090
    assert round(height_threshold(z, "fpr", 0.001, two_sided=True), 3) == 3.291
    assert round(height_threshold(z, "bonferroni", 0.05, two_sided=False), 3) == 4.797


def test_nothing_passes_fdr_where_nothing_is():
    assert height_threshold(np.zeros(1000), "fdr", 0.05) == np.inf
    assert height_threshold([], "fdr", 0.05) == np.inf


def test_nan_counts_as_a_voxel_that_cannot_pass():
    z = smooth_z(4)
    with_nan = np.append(z, np.full(1000, np.nan))
    with_nothing = np.append(z, np.zeros(1000))
    for control in ("fdr", "bonferroni"):
        assert height_threshold(with_nan, control, 0.05) == height_threshold(with_nothing, control, 0.05)


def test_fixed_and_none_are_the_height_itself():
    assert height_threshold([], "fixed", fixed=2.3) == 2.3
    assert height_threshold([], None) == 3.0
    assert height_threshold([], None, two_sided=False, fixed=-2.3) == -2.3


def test_a_one_sided_test_never_lets_negative_effects_pass():
    assert height_threshold([], "fpr", 0.7, two_sided=False) == 0.0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("fwe",),
            "one of 'fixed', 'fpr', 'fdr', 'bonferroni', 'rft', 'rft-fsl', 'ptfce', 'adaptive', not 'fwe'",
        ),
        (("fpr", 0.0), "alpha must be between 0 and 1, not 0.0"),
        (("fdr", 5), "alpha must be between 0 and 1, not 5"),
        (("bonferroni", 0.05), "how many voxels"),
    ],
)
def test_what_is_no_threshold(arguments, words):
    with pytest.raises(ValueError, match=words):
        height_threshold([], *arguments)


@pytest.mark.parametrize("fixed", [-3.0, np.nan, np.inf])
def test_fixed_threshold_must_fit_a_two_sided_test(fixed):
    with pytest.raises(ValueError, match="a two-sided threshold cannot be"):
        height_threshold([], "fixed", fixed=fixed)


def test_every_row_of_the_table_says_what_it_is():
    z = smooth_z(5)
    field = RandomField((1, 6, 12, 8), 125.0, z.size)
    for name, row in THRESHOLDS.items():
        assert row.label
        assert row.description.endswith(".")
        assert row.question.endswith((".", "?"))
        assert row.setting in ("alpha", "fixed", "share")
        assert isinstance(height_threshold(z, name, 0.05, field=field), float)


# Random fields --------------------------------------------------------------------------------------------------------

#: SPM12's auditory run; see test_random_fields.py.
AUDITORY = RandomField((7, 42.96312274763, 269.40914815306, 467.07642343881), 132.907586178202, 62077, dof=84)


def test_a_random_fields_height_is_spms():
    """4.8524 is printed by SPM12, one-sided; of two tails each has half of the chance that is left."""
    z = height_threshold([], "rft", 0.05, two_sided=False, field=AUDITORY)
    assert AUDITORY.statistic(z) == pytest.approx(4.85241745689539, rel=1e-9)
    both = height_threshold([], "rft", 0.05, two_sided=True, field=AUDITORY)
    one = height_threshold([], "rft", 1 - np.sqrt(0.95), two_sided=False, field=AUDITORY)
    assert both == pytest.approx(one, rel=1e-9)


def test_where_noise_is_rough_bonferronis_height_is_the_lower():
    """At a width of one voxel the field's height is above Bonferroni's; FSL's row stays at its own formula."""
    n = 64**3
    rough = RandomField((1, 3 * 63, 3 * 63**2, 63**3), 1.0, n)
    bonferroni = height_threshold(np.zeros(n), "bonferroni", 0.05, two_sided=False)
    assert height_threshold([], "rft", 0.05, two_sided=False, field=rough) == bonferroni
    assert height_threshold([], "rft-fsl", 0.05, two_sided=False, field=rough) > bonferroni
    assert rough.peak_p(bonferroni) == pytest.approx(0.05, rel=1e-9)


def test_a_field_that_is_not_said_is_asked_for():
    with pytest.raises(ValueError, match=r"needs the smoothness of the noise.*field="):
        height_threshold(np.zeros(9), "rft", 0.05)


# q --------------------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_q_values_equal_scipy(p):
    assert_allclose(q_values(p), stats.false_discovery_control(p), rtol=1e-12, atol=1e-300)


def test_q_values_keep_nan_and_shape():
    p = np.array([[0.01, np.nan], [0.02, 0.5]])
    q = q_values(p)
    assert np.isnan(q[0, 1])
    # A NaN is one of the four tests.
    assert_allclose(q[~np.isnan(q)], stats.false_discovery_control([0.01, 0.02, 0.5, 1])[:3])


@pytest.mark.parametrize("two_sided", [True, False])
def test_false_discovery_rate_at_a_voxel_is_the_least_that_q_values_choose_from(two_sided):
    z = smooth_z(6, n=500)
    rates = [false_discovery_rate(abs(height) if two_sided else height, z, two_sided) for height in z]
    q = q_values(p_from_z(z, two_sided))
    assert np.all(q <= np.array(rates) + 1e-12)
    at_least_as_many = [
        min(rates[j] for j in range(500) if p_from_z(z[j], two_sided) >= p) for p in p_from_z(z, two_sided)
    ]
    assert_allclose(q, at_least_as_many, rtol=1e-12)


def test_false_discovery_rate_above_every_voxel_is_unknown():
    assert np.isnan(false_discovery_rate(9.0, [1.0, 2.0]))


def test_nothing_warns():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        z_from_t(spread(29, 5000), 29)
        z_from_f(np.append(np.geomspace(1e-9, 1e9, 5000), 0), 3, 29)
        height_threshold(smooth_z(0), "fdr")
        height_threshold([], "fdr")
