"""Clusters: row for row nilearn's table where that is asked for, and right where nilearn's is not."""

import warnings

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nibabel import Nifti1Image
from nilearn.glm import threshold_stats_img
from nilearn.image import threshold_img
from nilearn.reporting import get_clusters_table
from numpy.testing import assert_allclose, assert_array_equal
from scipy import ndimage

from glmwidgets.glm.inference.cluster_rows import clusters_table, table_of_clusters
from glmwidgets.glm.inference.clusters import find_clusters, label_clusters, threshold_map
from glmwidgets.glm.inference.heights import height_threshold
from glmwidgets.glm.inference.scores import z_from_t

MNI = np.array([[-3.0, 0, 0, 78], [0, 3.0, 0, -112], [0, 0, 3.0, -70], [0, 0, 0, 1]])
# Voxels of 3 x 3 x 3.3 mm, turned by 11 and 7 degrees, as a scanner gives them.
OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, 0.12, 0.05) @ np.diag([-3.0, 3.0, 3.3]), [81.3, -97.2, -41.1]
)
STRETCHED = np.diag([3.44, 3.44, 4.5, 1])


def smooth_map(seed, shape=(19, 22, 17), sigma=1.3):
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(shape), sigma)
    return 1.4 * noise / noise.std()


def nilearn_table(z, threshold, affine, *arguments, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "no clusters found", "peak outside of the cluster"
        return get_clusters_table(Nifti1Image(z, affine), threshold, *arguments, **keywords)


def assert_same_rows(ours, theirs):
    # Coordinates are the same sums in another order: 1e-12 relative.
    pd.testing.assert_frame_equal(ours, theirs, check_dtype=False, rtol=1e-12)


# Equal to nilearn -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("affine", [MNI, OBLIQUE, STRETCHED], ids=["MNI", "oblique", "stretched"])
@pytest.mark.parametrize("two_sided", [False, True])
@pytest.mark.parametrize(("threshold", "size", "distance"), [(1.5, 0, 8.0), (1.0, 5, 15.0), (2.0, 3, 4), (0.3, 0, 20)])
def test_table_is_row_for_row_that_of_nilearn(affine, two_sided, threshold, size, distance):
    rows = 0
    for seed in range(2):
        z = smooth_map(seed)
        arguments = (threshold, affine, size, two_sided, distance)
        ours = clusters_table(z, *arguments, compat="nilearn")
        assert_same_rows(ours, nilearn_table(z, *arguments))
        rows += len(ours)
    assert rows > 10


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_table_of_a_real_group_map(wager_dir, dtype):
    t, mask, affine = wager_t(wager_dir)
    volume = np.zeros(mask.shape, dtype=dtype)
    volume[mask] = t
    for two_sided in (False, True):
        ours = clusters_table(volume, 2.5, affine, 5, two_sided, compat="nilearn")
        assert_same_rows(ours, nilearn_table(volume, 2.5, affine, 5, two_sided))
        assert len(ours) > 10


def wager_t(folder):
    mask_image = nib.load(folder / "group_mask.nii.gz")
    mask = mask_image.get_fdata() > 0
    effects = np.array([nib.load(path).get_fdata()[mask] for path in sorted(folder.glob("sub-*.nii.gz"))])
    return effects.mean(0) / (effects.std(0, ddof=1) / np.sqrt(len(effects))), mask, mask_image.affine


def plateaus():
    """Flat clusters, flat tops, a ring whose middle is not its own, at edges and inside; all of different heights."""
    z = np.zeros((20, 20, 12))
    z[0:3, 0:3, 0:3] = 3.0  # flat, in the corner
    z[6:9, 6:9, 6:9] = 4.0  # flat, inside
    z[12:17, 12:17, 4] = 5.0
    z[13:16, 13:16, 4] = 0.0  # a ring
    z[12:17, 2:7, 8] = 3.5
    z[13:16, 3:6, 8] = 6.0  # a flat top of 9, whose inner voxel is not surrounded in 3-D
    z[2:7, 12:17, 4:9] = 3.2
    z[3:6, 13:16, 5:8] = 7.0  # a flat top of 27, whose inner voxel is
    z[0:2, 8:18, 0] = 3.1
    z[0:2, 9:11, 0] = 4.5  # two tops of one height in a cluster at the edge, even numbers of voxels
    z[0, 15:17, 0] = 4.4
    z[18, 18, 9:12] = [2.4, 2.4 + 1e-7, 2.4]  # flat but for rounding
    return z


@pytest.mark.parametrize("two_sided", [False, True])
def test_plateaus_and_rings_have_nilearns_peaks(two_sided):
    z = plateaus()
    if two_sided:
        z[10:] *= -1
    arguments = (2.0, MNI, 0, two_sided)
    ours = clusters_table(z, *arguments, compat="nilearn")
    assert_same_rows(ours, nilearn_table(z, *arguments))
    assert len(ours) >= 9


def test_peak_of_a_ring_lies_on_the_ring():
    z = np.where(plateaus() == 5.0, 5.0, 0.0)
    (ring,), labels = find_clusters(z, 2.0, np.eye(4))
    assert labels[ring.peaks[0].ijk] == 1
    assert labels[14, 14, 4] == 0  # its middle


def test_voxels_equal_to_the_threshold_count_for_the_size_in_compatibility_only():
    z = np.zeros((8, 1, 1))
    z[1:5, 0, 0] = [3, 4, 5, 2]
    assert_same_rows(clusters_table(z, 2, MNI, 4, compat="nilearn"), nilearn_table(z, 2, MNI, 4))
    assert len(clusters_table(z, 2, MNI, 4, compat="nilearn")) == 1
    assert clusters_table(z, 2, MNI, 4).empty
    assert len(clusters_table(z, 2, MNI, 3)) == 1


@pytest.mark.parametrize("size", [0, 1, 4])
@pytest.mark.parametrize(("threshold", "two_sided"), [(1.5, True), (1.5, False), (-1.5, False), (0.0, True)])
def test_thresholded_map_equals_nilearns(threshold, two_sided, size):
    for seed in range(4):
        z = np.round(smooth_map(seed), 1)  # so that some voxels equal the threshold
        z[0, 0, 0] = np.nan
        with pytest.warns(UserWarning, match="Non-finite"):
            expected = threshold_img(Nifti1Image(z, MNI), threshold, size, two_sided).get_fdata()
        assert_array_equal(threshold_map(z, threshold, size, two_sided), expected)


@pytest.mark.parametrize("height_control", ["fpr", "fdr", "bonferroni"])
def test_threshold_and_map_together_equal_nilearns(height_control):
    z = smooth_map(1)
    z[5:9, 5:9, 5:9] += 5
    mask = np.ones(z.shape, dtype=np.int8)
    expected, _ = threshold_stats_img(
        Nifti1Image(z, MNI), Nifti1Image(mask, MNI), 0.05, height_control=height_control, cluster_threshold=5
    )
    threshold = height_threshold(z, height_control, 0.05)
    assert_array_equal(threshold_map(z, threshold, 5), expected.get_fdata())


def test_published_threshold_of_the_wager_maps(wager_dir):
    """One-sample t with 29 degrees of freedom: peak 7.25 at (-7, 24, 54), FDR .05 at t = 3.21 leaves 2252 voxels."""
    t, mask, affine = wager_t(wager_dir)
    threshold = height_threshold(z_from_t(t, 29), "fdr", 0.05)
    passing = np.abs(z_from_t(t, 29)) >= threshold
    assert passing.sum() == 2252
    assert round(np.abs(t[passing]).min(), 2) == 3.21
    volume = np.zeros(mask.shape)
    volume[mask] = t
    peak = find_clusters(volume, 3.21, affine, two_sided=True)[0][0].peaks[0]
    assert round(peak.stat, 2) == 7.25
    assert_allclose(peak.xyz, (-7, 24, 54), atol=0.5)


# Right where nilearn's table is not -----------------------------------------------------------------------------------


def shortest_distance(table):
    """Between two rows of one cluster, in mm."""
    shortest = np.inf
    numbers = table["Cluster ID"].astype(str).str.rstrip("abc")
    for _, rows in table.groupby(numbers):
        xyz = rows[["X", "Y", "Z"]].to_numpy()
        distance = np.linalg.norm(xyz[:, None] - xyz[None], axis=2)
        shortest = min(shortest, distance[np.triu_indices(len(xyz), 1)].min(initial=np.inf))
    return shortest


def test_a_refused_sub_peak_stays_refused():
    """In nilearn it comes back as soon as a later peak is kept that is far from it."""
    z = np.zeros((16, 1, 1))
    z[1:15, 0, 0] = np.linspace(2, 1, 14)
    z[[1, 3, 7, 9], 0, 0] = [9, 5, 7, 4]  # at 0, 6, 18 and 24 mm
    assert nilearn_table(z, 0.5, MNI, min_distance=8.0)["Peak Stat"].tolist() == [9, 7, 5, 4]
    assert clusters_table(z, 0.5, MNI, compat="nilearn")["Peak Stat"].tolist() == [9, 7, 5, 4]
    assert clusters_table(z, 0.5, MNI)["Peak Stat"].tolist() == [9, 7]
    assert shortest_distance(clusters_table(z, 0.5, MNI)) == 18


def test_nilearns_defect_is_seen_on_smooth_maps_and_ours_keeps_its_distance():
    distances = []
    for seed in range(6):
        z = smooth_map(seed)
        distances.append(shortest_distance(clusters_table(z, 0.8, MNI, min_distance=15.0, compat="nilearn")))
        assert shortest_distance(clusters_table(z, 0.8, MNI, min_distance=15.0)) > 15
    assert min(distances) <= 15


def test_numbers_of_negative_clusters_go_on_where_the_positive_ones_end():
    z = smooth_map(2)
    ours = clusters_table(z, 1.0, MNI, two_sided=True)
    numbers = [number for number in ours["Cluster ID"] if isinstance(number, int)]
    assert numbers == list(range(1, len(numbers) + 1))
    theirs = [n for n in nilearn_table(z, 1.0, MNI, two_sided=True)["Cluster ID"] if isinstance(n, int)]
    assert len(theirs) == len(numbers)
    assert theirs != numbers


def test_size_is_not_a_victim_of_single_precision():
    z = np.zeros((12, 3, 3))
    z[1:11, 1, 1] = 3
    affine = np.diag([1, 1, 3.3, 1])
    assert nilearn_table(z, 2, affine)["Cluster Size (mm3)"].tolist() == [32]
    assert clusters_table(z, 2, affine, compat="nilearn")["Cluster Size (mm3)"].tolist() == [32]
    assert clusters_table(z, 2, affine)["Cluster Size (mm3)"].tolist() == [33]


def test_negative_threshold_is_the_lower_tail():
    """Strongest first, with its own sign; nilearn lists the weakest first and drops the sign."""
    z = smooth_map(3)
    lower = clusters_table(z, -1.5, MNI)
    upper = clusters_table(-z, 1.5, MNI)
    assert_array_equal(lower["Peak Stat"], -upper["Peak Stat"])
    pd.testing.assert_frame_equal(lower.drop(columns="Peak Stat"), upper.drop(columns="Peak Stat"))
    assert_array_equal(label_clusters(z, -1.5), label_clusters(-z, 1.5))


def test_a_threshold_is_not_rounded_to_the_precision_of_the_map():
    """FDR's threshold is 1e-12 under a voxel's z, which single precision cannot tell from z itself."""
    z = np.zeros((5, 1, 1), dtype=np.float32)
    z[1:4, 0, 0] = [3.3, 3.2, 3.1]
    assert label_clusters(z, float(z[3, 0, 0]) - 1e-12).ravel().tolist() == [0, 1, 1, 1, 0]


# What always holds ----------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    levels=st.sampled_from([None, 2, 5]),
    threshold=st.floats(0, 2.5),
    two_sided=st.booleans(),
    size=st.integers(0, 6),
    distance=st.floats(0, 25),
    connectivity=st.sampled_from([6, 18, 26]),
)
def test_list_labels_and_table_say_the_same(seed, levels, threshold, two_sided, size, distance, connectivity):
    z = smooth_map(seed, shape=(11, 12, 9), sigma=0.8)
    if levels:
        z = np.round(z * levels) / levels  # plateaus
    arguments = (z, threshold, OBLIQUE, size, two_sided, distance, connectivity)
    clusters, labels = find_clusters(*arguments)

    assert_array_equal(labels, label_clusters(z, threshold, two_sided, size, connectivity))
    assert [cluster.label for cluster in clusters] == list(range(1, labels.max() + 1))
    assert labels.dtype == np.int32
    structure = ndimage.generate_binary_structure(3, {6: 1, 18: 2, 26: 3}[connectivity])
    raw = sum(ndimage.label(tail > threshold, structure)[1] for tail in ([z, -z] if two_sided else [z]))
    assert len(clusters) <= raw
    assert len(clusters) == raw or size > 1

    for cluster in clusters:
        inside = labels == cluster.label
        values = cluster.sign * z[inside]
        assert ndimage.label(inside, structure)[1] == 1
        assert cluster.n_voxels == inside.sum() >= size
        assert_allclose(cluster.volume, inside.sum() * 29.7)
        assert values.min() > threshold
        assert cluster.sign * cluster.peaks[0].stat == values.max()
        stats = [cluster.sign * peak.stat for peak in cluster.peaks]
        assert stats == sorted(stats, reverse=True)
        assert 1 <= len(cluster.peaks) <= 4
        for number, peak in enumerate(cluster.peaks):
            assert inside[peak.ijk]
            assert z[peak.ijk] == peak.stat
            assert_allclose(peak.xyz, nib.affines.apply_affine(OBLIQUE, peak.ijk), atol=1e-9)
            for other in cluster.peaks[:number]:
                assert np.linalg.norm(np.subtract(peak.xyz, other.xyz)) > distance
    heights = [cluster.sign * (1e3 + cluster.peaks[0].stat * cluster.sign) for cluster in clusters]
    assert [h for h in heights if h > 0] == sorted((h for h in heights if h > 0), reverse=True)
    assert [h for h in heights if h < 0] == sorted(h for h in heights if h < 0)
    assert [cluster.sign for cluster in clusters] == sorted((c.sign for c in clusters), reverse=True)

    table = clusters_table(*arguments)
    pd.testing.assert_frame_equal(table, table_of_clusters(clusters))
    heads = table[table["Cluster Size (mm3)"] != ""]
    assert heads["Cluster ID"].tolist() == [cluster.label for cluster in clusters]
    assert heads["Cluster Size (mm3)"].tolist() == [int(c.n_voxels * 297 / 10) for c in clusters]
    assert len(table) == sum(len(cluster.peaks) for cluster in clusters)


def test_map_labels_and_clusters_survive_together():
    z = smooth_map(5)
    surviving = threshold_map(z, 1.5, 5) != 0
    assert_array_equal(surviving, label_clusters(z, 1.5, two_sided=True, min_size=5) > 0)


@pytest.mark.parametrize(("connectivity", "n"), [(6, 3), (18, 2), (26, 1)])
def test_connectivity_decides_what_hangs_together(connectivity, n):
    z = np.zeros((4, 4, 4))
    z[0, 0, 0] = z[1, 1, 0] = z[2, 2, 1] = 3.0  # an edge between the first two, a corner between the last
    clusters, labels = find_clusters(z, 2, np.eye(4), connectivity=connectivity)
    assert len(clusters) == labels.max() == n
    assert np.count_nonzero(threshold_map(z, 2, 2, connectivity=connectivity)) == {6: 0, 18: 2, 26: 3}[connectivity]


def test_nan_is_in_no_cluster_and_infinity_is_the_largest():
    z = np.zeros((6, 1, 1))
    z[:, 0, 0] = [np.nan, 3, np.inf, 4, -np.inf, -5]
    assert label_clusters(z, 2, two_sided=True).ravel().tolist() == [0, 1, 1, 1, 2, 2]
    kept = threshold_map(z, 2, two_sided=True).ravel()
    assert kept.tolist() == [0, 3, np.inf, 4, -np.inf, -5]
    with pytest.warns(UserWarning, match="Non-finite"):  # nilearn puts 0 in the place of the strongest voxels
        theirs = threshold_img(Nifti1Image(z, np.eye(4)), 2, 0, True).get_fdata().ravel()
    assert theirs.tolist() == [0, 3, 0, 4, 0, -5]
    (positive, negative), _ = find_clusters(z, 2, np.eye(4), two_sided=True)
    assert (positive.n_voxels, positive.peaks[0].ijk, positive.peaks[0].stat) == (3, (2, 0, 0), np.inf)
    assert (negative.n_voxels, negative.peaks[0].stat) == (2, -np.inf)


def test_input_stays_as_it_is():
    z = smooth_map(0)
    before = z.copy()
    threshold_map(z, 1.0, 3)
    find_clusters(z, 1.0, MNI, 3, two_sided=True)
    assert_array_equal(z, before)


def test_thresholded_map_keeps_its_precision():
    assert threshold_map(smooth_map(0).astype(np.float32), 1.0).dtype == np.float32
    assert threshold_map(smooth_map(0), 1.0).dtype == np.float64


def test_empty_table_has_the_columns_and_types_of_a_full_one():
    empty, full = clusters_table(smooth_map(0), 99, MNI), clusters_table(smooth_map(0), 1, MNI)
    assert list(empty.columns) == ["Cluster ID", "X", "Y", "Z", "Peak Stat", "Cluster Size (mm3)"]
    assert len(empty) == 0 < len(full)
    assert_array_equal(empty.dtypes, full.dtypes)
    assert list(empty.columns) == list(nilearn_table(smooth_map(0), 99, MNI).columns)
    assert_array_equal(clusters_table(smooth_map(0), np.inf, MNI).dtypes, full.dtypes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros((4, 4)), 2, MNI), r"3-D map, but this one has the shape \(4, 4\)"),
        ((np.zeros((2, 2, 2)), np.nan, MNI), "threshold is not a number"),
        ((np.zeros((2, 2, 2)), -2, MNI, 0, True), "two-sided threshold must not be negative, but is -2"),
        ((np.zeros((2, 2, 2)), 2, np.eye(3)), "4 x 4"),
        ((np.zeros((2, 2, 2)), 2, MNI, 0, True, -1), "min_distance must not be negative, but is -1 mm"),
        ((np.zeros((2, 2, 2)), 2, MNI, 0, True, 8, 7), "connectivity must be one of 6, 18, 26, not 7"),
        ((np.zeros((2, 2, 2)), 2, MNI, 0, True, 8, 6, "spm"), "None, 'nilearn', not 'spm'"),
    ],
)
def test_bad_input_is_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        clusters_table(*arguments)


@pytest.mark.parametrize("is_level", [False, True])
def test_what_lies_far_from_all_clusters_changes_none_of_them(is_level):
    """Plateaus included, whose middle is rounded."""
    z = np.random.default_rng(3).normal(size=(9, 8, 7)) * 2
    z = np.rint(z) if is_level else z
    z = np.pad(z, 1)
    wide = np.pad(z, [(4, 9), (2, 5), (7, 0)])
    found, labels = find_clusters(z, 1.5, np.eye(4), two_sided=True)
    again, labels_again = find_clusters(wide, 1.5, np.eye(4), two_sided=True)
    np.testing.assert_array_equal(labels_again[4:-9, 2:-5, 7:], labels)
    assert np.count_nonzero(labels_again) == np.count_nonzero(labels) > 20
    for one, other in zip(found, again, strict=True):
        assert (one.sign, one.n_voxels) == (other.sign, other.n_voxels)
        assert one.peaks[0].stat == other.peaks[0].stat
        if not is_level:
            assert [tuple(np.add(p.ijk, (4, 2, 7))) for p in one.peaks] == [p.ijk for p in other.peaks]
    nothing, none = find_clusters(np.zeros((3, 4, 5)), 1.0, np.eye(4))
    assert (nothing, none.any(), none.shape) == ([], False, (3, 4, 5))


@pytest.mark.parametrize("first", range(1, 8))
def test_half_way_between_two_voxels_is_rounded_in_the_volume(first):
    """To the even index, wherever the box begins in which clusters are looked for."""
    z = np.zeros((12, 4, 4))
    z[first : first + 2, 2, 2] = 5
    (cluster,), _ = find_clusters(z, 3, np.eye(4))
    assert cluster.peaks[0].ijk == (round(first + 0.5), 2, 2)
