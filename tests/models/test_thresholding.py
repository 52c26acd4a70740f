"""Thresholds and clusters of images, against nilearn's functions on a real map and against small maps done by hand."""

import warnings

import nibabel as nib
import numpy as np
import pytest
from nilearn.glm import cluster_level_inference as reference_ari
from nilearn.glm import threshold_stats_img as reference_threshold
from nilearn.reporting import get_clusters_table as reference_table

from glmwidgets.models import (
    FirstLevelModel,
    cluster_level_inference,
    get_clusters_table,
    threshold_stats_img,
)

pytestmark = [pytest.mark.filterwarnings("ignore::FutureWarning")]


@pytest.fixture(scope="module")
def z_map(visloc, visloc_slab):
    """Faces against rest in eight slices, smoothed; some 8000 voxels."""
    model = FirstLevelModel(t_r=2.0, noise_model="ols", smoothing_fwhm=5, minimize_memory=True)
    return model.fit(visloc_slab, visloc.events).compute_contrast("face")


@pytest.fixture(scope="module")
def mask_img(z_map):
    return nib.Nifti1Image((z_map.get_fdata() != 0).astype(np.uint8), z_map.affine)


@pytest.mark.parametrize("two_sided", [True, False])
@pytest.mark.parametrize(("height_control", "alpha"), [("fpr", 0.001), ("fdr", 0.05), ("bonferroni", 0.05)])
@pytest.mark.parametrize("cluster_threshold", [0, 10])
def test_thresholds_equal_the_references(z_map, mask_img, height_control, alpha, two_sided, cluster_threshold):
    settings = {
        "alpha": alpha,
        "height_control": height_control,
        "two_sided": two_sided,
        "cluster_threshold": cluster_threshold,
    }
    for mask in (mask_img, None):
        theirs, their_threshold = reference_threshold(z_map, mask, **settings)
        ours, threshold = threshold_stats_img(z_map, mask, **settings)
        assert threshold == pytest.approx(their_threshold, abs=1e-9)
        np.testing.assert_allclose(ours.get_fdata(), theirs.get_fdata(), atol=1e-12)
        assert 0 < np.count_nonzero(ours.get_fdata()) < 6000


@pytest.mark.parametrize(("threshold", "two_sided"), [(2.5, True), (2.5, False), (-2.5, False), (None, True)])
def test_thresholds_of_ones_own(z_map, mask_img, threshold, two_sided):
    settings = {"height_control": None, "threshold": threshold, "two_sided": two_sided, "cluster_threshold": 5}
    theirs, _ = reference_threshold(z_map, mask_img, **settings)
    ours, used = threshold_stats_img(z_map, mask_img, **settings)
    assert used == (3.0 if threshold is None else threshold)
    np.testing.assert_allclose(ours.get_fdata(), theirs.get_fdata(), atol=1e-12)


def test_a_threshold_needs_no_map_if_it_does_not_look_at_one():
    assert threshold_stats_img(None, alpha=0.001)[0] is None
    assert threshold_stats_img(None, alpha=0.001)[1] == pytest.approx(3.2905, abs=1e-4)
    assert threshold_stats_img(None, threshold=2.0, height_control=None) == (None, 2.0)
    with pytest.raises(ValueError, match="give stat_img"):
        threshold_stats_img(None, height_control="fdr")


def test_the_background_of_a_map_with_nan_is_nan():
    """A zero is then a result, and counts among the tests."""
    data = np.array([4.0, 0.0, 0.0, 0.0, np.nan, np.nan]).reshape(6, 1, 1)
    thresholds = [
        threshold_stats_img(nib.Nifti1Image(values, np.eye(4)), height_control="bonferroni")[1]
        for values in (data, np.nan_to_num(data))
    ]
    assert thresholds[0] == threshold_stats_img(None, alpha=0.001 / 4)[1]
    assert thresholds[1] == threshold_stats_img(None, alpha=0.001)[1]


def test_nothing_outside_the_mask_survives(z_map, mask_img):
    half = mask_img.get_fdata().copy()
    half[40:] = 0
    thresholded, _ = threshold_stats_img(z_map, nib.Nifti1Image(half.astype(np.uint8), z_map.affine))
    assert not thresholded.get_fdata()[40:].any()
    assert thresholded.get_fdata().any()


def test_settings_out_of_range_are_refused(z_map):
    with pytest.raises(ValueError, match="number of voxels"):
        threshold_stats_img(z_map, cluster_threshold=-1)
    with pytest.raises(ValueError, match="height_control"):
        threshold_stats_img(z_map, height_control="fwe")
    with pytest.warns(UserWarning, match="threshold=2 is not used"):
        threshold_stats_img(z_map, threshold=2)
    with pytest.raises(ValueError, match="one 3-D volume"):
        threshold_stats_img(nib.Nifti1Image(np.zeros((2, 2, 2, 2)), np.eye(4)))


def test_an_f_test_has_one_side(visloc, visloc_slab):
    """Thresholded two-sided, the reference shows voxels with less effect than chance, and halves alpha for them."""
    run = visloc_slab.slicer[20:60, 30:60, :4]
    rng = np.random.default_rng(0)
    noise = nib.Nifti1Image(rng.normal(1000, 10, run.shape).astype(np.float32), run.affine)
    model = FirstLevelModel(t_r=2.0, noise_model="ols", mask_img=False).fit(noise, visloc.events)
    f_map = model.compute_contrast(["face", "house", "object"])
    settings = {"alpha": 0.05, "height_control": "fpr"}
    theirs = reference_threshold(f_map, model.mask_img_, **settings)[0].get_fdata()
    assert 0.3 < np.mean(theirs[theirs != 0] < 0) < 0.7
    with pytest.warns(UserWarning, match="of an F test"):
        ours, threshold = threshold_stats_img(f_map, model.mask_img_, **settings)
    assert threshold == pytest.approx(1.6449, abs=1e-4)
    assert ours.get_fdata().min() == 0
    # alpha is what it says: within four standard errors of .05 of 4800 voxels
    assert np.mean(ours.get_fdata() > 0) == pytest.approx(0.05, abs=0.013)
    with pytest.warns(UserWarning, match="of an F test"):
        table = get_clusters_table(f_map, 1.6, two_sided=True)
    assert table["Peak Stat"].min() > 0
    with pytest.raises(ValueError, match=r"of an F test.*pass two_sided=False"):
        cluster_level_inference(f_map, model.mask_img_, two_sided=True)
    assert cluster_level_inference(f_map, model.mask_img_).shape == f_map.shape


@pytest.mark.parametrize("threshold", [3.0, [2.5, 3.5, 4.5]])
def test_all_resolutions_inference_equals_the_references(z_map, mask_img, threshold):
    theirs = reference_ari(z_map, mask_img, threshold, alpha=0.05).get_fdata()
    ours = cluster_level_inference(z_map, mask_img, threshold, alpha=0.05).get_fdata()
    assert ours.max() > 0.3
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_all_resolutions_inference_of_both_signs(z_map, mask_img):
    """The reference bounds positive clusters only; ours gives each sign half of alpha, and is odd in the map."""
    both = cluster_level_inference(z_map, mask_img, two_sided=True).get_fdata()
    opposite = cluster_level_inference(
        nib.Nifti1Image(-z_map.get_fdata(), z_map.affine), mask_img, two_sided=True
    ).get_fdata()
    np.testing.assert_array_equal(both, opposite)
    half = cluster_level_inference(z_map, mask_img, alpha=0.025).get_fdata()
    positive = z_map.get_fdata() > 0
    np.testing.assert_array_equal(both[positive], half[positive])


def test_negative_cluster_forming_thresholds_are_refused(z_map):
    with pytest.raises(ValueError, match="must not be negative"):
        cluster_level_inference(z_map, threshold=[-1.0, 3.0])


def test_hommel_count_is_printed_if_asked(z_map, mask_img, capsys):
    cluster_level_inference(z_map, mask_img, [2.5, 3.5], verbose=1)
    assert capsys.readouterr().out.count("clusters") == 2


@pytest.mark.parametrize("two_sided", [False, True])
def test_tables_equal_the_references_if_asked(z_map, two_sided):
    theirs = reference_table(z_map, 1.5, 5, two_sided)
    ours = get_clusters_table(z_map, 1.5, 5, two_sided, compat="nilearn")
    assert len(ours) > 20
    assert ours["Cluster ID"].astype(str).tolist() == theirs["Cluster ID"].astype(str).tolist()
    columns = ["X", "Y", "Z", "Peak Stat"]
    np.testing.assert_allclose(ours[columns].astype(float), theirs[columns].astype(float), rtol=1e-12)


@pytest.mark.parametrize("two_sided", [False, True])
def test_label_maps_hold_the_numbers_of_the_table(z_map, two_sided):
    """In the reference, numbers of negative clusters and their label map do not match."""
    table, maps = get_clusters_table(z_map, 2.5, 5, two_sided, return_label_maps=True)
    assert len(maps) == 1 + two_sided
    sizes = {}
    for label_map in maps:
        labels = label_map.get_fdata().astype(int)
        for number in np.unique(labels[labels > 0]):
            sizes[number] = np.count_nonzero(labels == number)
    clusters = table[table["Cluster Size (mm3)"] != ""]
    assert sorted(sizes) == sorted(clusters["Cluster ID"])
    volume = np.abs(np.linalg.det(z_map.affine[:3, :3]))
    to_voxel = np.linalg.inv(z_map.affine)
    for _, row in clusters.iterrows():
        assert row["Cluster Size (mm3)"] == int(sizes[row["Cluster ID"]] * volume + 1e-6)
        i, j, k = np.round((to_voxel @ [row["X"], row["Y"], row["Z"], 1])[:3]).astype(int)
        assert maps[-1 if row["Peak Stat"] < 0 else 0].get_fdata()[i, j, k] == row["Cluster ID"]


def test_label_maps_have_no_compatible_numbers(z_map):
    with pytest.raises(ValueError, match="leave compat out"):
        get_clusters_table(z_map, 3, return_label_maps=True, compat="nilearn")


def test_an_empty_table_has_its_columns(z_map):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = get_clusters_table(z_map, 100.0)
    assert table.shape == (0, 6)


def test_the_name_of_a_threshold_is_no_height_of_a_table():
    from glmwidgets.models.thresholding import get_clusters_table as own_table

    with pytest.raises(TypeError, match="stat_threshold must be a number in the map's units, not 'fdr'"):
        own_table(nib.Nifti1Image(np.ones((3, 3, 3)), np.eye(4)), "fdr")
