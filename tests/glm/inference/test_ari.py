"""All-resolutions inference: equal to nilearn's, to the definition by brute force, and true on simulated brains."""

import numpy as np
import pytest
from nibabel import Nifti1Image
from nilearn.glm import cluster_level_inference
from nilearn.glm.thresholding import _compute_hommel_value, _true_positive_fraction
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage, stats

from glmwidgets.glm.inference.ari import cluster_true_discoveries, hommel_value, true_discovery_proportion


def sample(seed, n=60):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal(n)
    z[: n // 4] += rng.uniform(0, 5)
    return z


def hommel_by_definition(z, alpha):
    p, n = np.sort(stats.norm.sf(z)), len(z)
    return max(i for i in range(n + 1) if all(p[n - i + j - 1] > j * alpha / i for j in range(1, i + 1)))


def discoveries_by_closed_testing(z, chosen, alpha):
    """Goeman et al. (2019), equation for d: max over u of 1 - u + #{i in set: h p_i <= u alpha}."""
    h, p = hommel_by_definition(z, alpha), stats.norm.sf(z[chosen])
    return max([0, *(1 - u + np.sum(h * p <= u * alpha) for u in range(1, len(p) + 1))])


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.3])
def test_hommel_value_is_what_its_definition_says(alpha):
    values = [(hommel_value(sample(seed), alpha), hommel_by_definition(sample(seed), alpha)) for seed in range(40)]
    assert_array_equal(*zip(*values, strict=True))
    assert len(set(values)) > 5


def test_hommel_value_equals_nilearn():
    for seed in range(40):
        assert hommel_value(sample(seed, 500), 0.05) == _compute_hommel_value(sample(seed, 500), 0.05)


def test_hommel_value_at_its_ends():
    assert hommel_value(np.full(7, 9.0)) == 0
    assert hommel_value(np.zeros(7)) == 7
    assert hommel_value([9.0]) == 0
    assert hommel_value([0.0]) == 1
    assert hommel_value([]) == 0


def test_bound_for_any_set_is_that_of_the_closed_test():
    rng = np.random.default_rng(0)
    for seed in range(40):
        z = sample(seed)
        chosen = rng.choice(60, rng.integers(1, 60), replace=False)
        share = true_discovery_proportion(z[chosen], hommel_value(z), 0.05)
        assert round(share * len(chosen)) == discoveries_by_closed_testing(z, chosen, 0.05)
        assert_allclose(share, _true_positive_fraction(z[chosen], _compute_hommel_value(z, 0.05), 0.05))


def test_share_never_exceeds_one():
    """nilearn counts one discovery more than there are voxels when every voxel of the mask is active."""
    z = np.full(5, 9.0)
    assert true_discovery_proportion(z, hommel_value(z)) == 1.0
    assert _true_positive_fraction(z, 0, 0.05) == 6 / 5


def test_empty_set_has_no_discovery():
    assert true_discovery_proportion([], 10) == 0.0


def smooth_map(seed, shape=(20, 22, 18)):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), 1.5)
    z = noise / noise.std()
    z[3:9, 4:10, 5:11] += 5
    z[12:17, 12:18, 8:14] -= 5
    return z


def test_clusters_of_both_signs_equal_nilearn_on_the_map_and_its_opposite():
    z = smooth_map(0)
    mask = np.zeros(z.shape, dtype=np.int8)
    mask[1:-1, 1:-1, 1:-1] = 1
    z *= mask
    positive, n_positive = ndimage.label(z > 2.5)
    negative, n_negative = ndimage.label(z < -2.5)
    labels = np.where(negative > 0, negative + n_positive, positive)
    shares = cluster_true_discoveries(z, labels, mask, alpha=0.05)
    expected = np.zeros(n_positive + n_negative)
    for sign in (1, -1):
        image = cluster_level_inference(
            Nifti1Image(sign * z, np.eye(4)), Nifti1Image(mask, np.eye(4)), threshold=2.5, alpha=0.05
        ).get_fdata()
        for label in np.unique(labels[sign * z > 2.5]):
            expected[label - 1] = image[labels == label][0]
    # nilearn writes the shares into a float32 image.
    assert_allclose(shares, expected, rtol=0, atol=1e-6)
    assert min(shares[:n_positive].max(), shares[n_positive:].max()) > 0.5


def test_two_sided_spends_half_of_alpha_on_each_sign():
    z = smooth_map(1)
    labels, _ = ndimage.label(z < -2.5)
    mask = np.ones(z.shape, dtype=bool)
    assert_array_equal(
        cluster_true_discoveries(z, labels, mask, 0.05, two_sided=True),
        cluster_true_discoveries(-z, labels, mask, 0.025),
    )


def test_no_cluster_gives_no_share():
    z = np.zeros((3, 3, 3))
    assert cluster_true_discoveries(z, np.zeros(z.shape, int), np.ones(z.shape, bool)).shape == (0,)


def test_bounds_hold_for_every_threshold_at_once():
    """The promise itself: over thresholds chosen after the fact, the bound is too high in at most 5 % of maps."""
    rng, failures, n_maps = np.random.default_rng(7), 0, 300
    truth = np.zeros(400, dtype=bool)
    truth[:40] = True
    for _ in range(n_maps):
        z = rng.standard_normal(400) + 2.5 * truth
        h = hommel_value(z)
        claims = [(z >= cut) for cut in np.linspace(0.5, 4, 15)]
        failures += any(
            true_discovery_proportion(z[chosen], h) * chosen.sum() > truth[chosen].sum() + 1e-9 for chosen in claims
        )
    # 5 % of 300 is 15; 24 is the 99th percentile of that binomial.
    assert failures <= 24


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="alpha must be between 0 and 1"):
        hommel_value([1.0], 0)
    with pytest.raises(ValueError, match="some are NaN"):
        hommel_value([1.0, np.nan])
