"""Adaptive clusters beside a search of all clusters at all heights, and bounds by closed testing."""

import itertools

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, generate_binary_structure, label
from scipy.special import ndtr

from glmwidgets.glm.inference.adaptive import cluster_forest
from glmwidgets.glm.inference.ari import hommel_value, true_discovery_proportion


def all_clusters(z, mask, connectivity):
    """Every cluster at every height, as sets of voxel numbers."""
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    volume = np.full(mask.shape, -np.inf)
    volume[mask] = z
    found = set()
    for height in z:
        labels, n = label(volume >= height, generate_binary_structure(3, connectivity))
        found |= {frozenset(number[labels == k].tolist()) for k in range(1, n + 1)}
    return found


@pytest.mark.parametrize("connectivity", [1, 3])
@pytest.mark.parametrize("seed", range(4))
def test_regions_are_the_largest_clusters_that_are_active_enough(seed, connectivity):
    rng = np.random.default_rng(seed)
    mask = rng.random((6, 6, 5)) < 0.8
    z = gaussian_filter(rng.standard_normal(mask.shape), 0.8)[mask] * 3
    z[rng.integers(0, z.size, 12)] += 4
    h = hommel_value(z)
    clusters = {c: true_discovery_proportion(z[sorted(c)], h) for c in all_clusters(z, mask, connectivity)}
    forest = cluster_forest(z, mask, connectivity=connectivity)
    for gamma in (0.05, 0.3, 0.7, 1.0):
        enough = [c for c, share in clusters.items() if share >= gamma - 1e-12]
        expected = {c for c in enough if not any(c < other for other in enough)}
        labels = forest.regions(gamma)
        regions = [frozenset(np.flatnonzero(labels == k).tolist()) for k in range(1, labels.max() + 1)]
        assert set(regions) == expected
        assert [len(r) for r in regions] == sorted((len(r) for r in regions), reverse=True)
        assert forest.shares_of(labels) == pytest.approx([clusters[r] for r in regions])


@pytest.mark.parametrize("seed", range(3))
def test_bounds_are_those_of_closed_testing(seed):
    """Simes' test of every subset of eight voxels: a set's bound is its size less its largest subset not rejected."""
    rng, alpha = np.random.default_rng(seed), 0.05
    z = rng.standard_normal(8) + 2.2
    p = ndtr(-z)

    def simes(of):
        ordered = np.sort(p[list(of)])
        return (ordered * len(of) / np.arange(1, len(of) + 1)).min() <= alpha

    subsets = [s for n in range(1, 9) for s in itertools.combinations(range(8), n)]
    kept = [set(s) for s in subsets if not simes(s)]  # intersections that are not rejected, and so their subsets
    forest = cluster_forest(z, np.ones((8, 1, 1), bool), alpha)
    for i in range(8):
        members, at = {int(forest.order[i])}, {i}
        for j in range(i - 1, -1, -1):
            if forest.parent[j] in at:
                at.add(j)
                members.add(int(forest.order[j]))
        largest_null = max((len(members & s) for s in kept), default=0)
        assert forest.share[i] * forest.size[i] == len(members) - largest_null


def test_gamma_is_a_share():
    forest = cluster_forest(np.ones(3), np.ones((3, 1, 1), bool))
    assert forest.regions(0.5).tolist() == [0, 0, 0]
    for wrong in (0, -0.5, 1.5, np.nan):
        with pytest.raises(ValueError, match="share above 0"):
            forest.regions(wrong)
    with pytest.raises(ValueError, match="2 values for 3 voxels"):
        cluster_forest(np.ones(2), np.ones((3, 1, 1), bool))
