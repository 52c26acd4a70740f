"""Volumes of any orientation, and where they are cut."""

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
from nilearn import plotting
from nilearn.image import resample_img

from glmwidgets.report.figures.cuts import (
    choose_cuts,
    choose_slices,
    find_cut_slices,
    find_xyz_cut_coords,
    make_plane,
    sample_plane,
)
from glmwidgets.report.figures.volumes import Volume, as_volume, bounds, head, sample

RNG = np.random.default_rng(0)
SIZES = np.array([2.0, 3.0, 4.0])


def orientations():
    """All 48 ways to store the same voxels, as (transform of an array, affine of its voxels)."""
    return list(product(permutations(range(3)), product((1, -1), repeat=3)))


def stored(data, affine, order, flips):
    """The same image with its axes swapped and flipped, and the affine computed by hand."""
    turned = np.transpose(data, order)
    to_original = np.zeros((4, 4))
    to_original[3, 3] = 1
    for axis, (original, flip) in enumerate(zip(order, flips, strict=True)):
        to_original[original, axis] = flip
        if flip < 0:
            turned = np.flip(turned, axis)
            to_original[original, 3] = data.shape[original] - 1
    return nib.Nifti1Image(np.ascontiguousarray(turned), affine @ to_original)


def oblique(angle=0.3):
    c, s = np.cos(angle), np.sin(angle)
    rotation = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    return nib.affines.from_matvec(rotation @ np.diag(SIZES), [-10.0, -20.0, 5.0])


@pytest.mark.parametrize(("order", "flips"), orientations())
def test_every_orientation_is_the_same_volume(order, flips):
    data = RNG.normal(size=(5, 6, 7)).astype(np.float32)
    affine = nib.affines.from_matvec(np.diag(SIZES), [-10.0, -20.0, 5.0])
    volume = as_volume(stored(data, affine, order, flips), "img")
    np.testing.assert_array_equal(volume.data, data)
    np.testing.assert_allclose(volume.affine, affine)
    np.testing.assert_allclose(volume.zooms, SIZES)


def test_single_volume_of_a_series_and_paths_are_read(tmp_path):
    data = RNG.normal(size=(4, 5, 6, 1)).astype(np.float32)
    path = tmp_path / "map.nii.gz"
    nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    np.testing.assert_array_equal(as_volume(path, "img").data, data[..., 0])
    np.testing.assert_array_equal(as_volume(str(path), "img").data, data[..., 0])


def test_what_is_no_volume_is_named(tmp_path):
    series = nib.Nifti1Image(np.zeros((4, 5, 6, 7), np.float32), np.eye(4))
    with pytest.raises(ValueError, match=r"bg_img is one 3-D volume; .* has shape \(4, 5, 6, 7\)"):
        as_volume(series, "bg_img")
    nib.save(series, tmp_path / "bold.nii")
    with pytest.raises(ValueError, match=r"bg_img is one 3-D volume; .*bold\.nii has shape"):
        as_volume(tmp_path / "bold.nii", "bg_img")
    with pytest.raises(TypeError, match="stat_map_img: expected an image, a path or a list of these, not ndarray"):
        as_volume(np.zeros((3, 3, 3)), "stat_map_img")
    with pytest.raises(FileNotFoundError, match=r"bolt\.nii; did you mean bold\.nii"):
        as_volume(tmp_path / "bolt.nii", "bg_img")


def test_masks_of_any_integer_type_are_read():
    data = (RNG.normal(size=(4, 5, 6)) > 0).astype(np.int64)
    image = nib.Nifti1Image(data, np.diag([-2.0, 2, 2, 1]), dtype=np.int64)
    volume = as_volume(image, "mask_img")
    assert volume.data.dtype == np.float32
    np.testing.assert_array_equal(volume.data, data[::-1])


def test_sampling_equals_nilearn_on_an_oblique_grid():
    data = RNG.normal(size=(12, 13, 11)).astype(np.float32)
    image = nib.Nifti1Image(data, nib.affines.from_matvec(np.diag([2.0, 2.0, 2.0]), [-11.0, -12.0, -10.0]))
    target, shape = oblique(0.2), (5, 6, 4)
    reference = resample_img(
        image, target, shape, interpolation="linear", force_resample=True, copy_header=True
    ).get_fdata()
    # Same linear interpolation; float32 storage.
    np.testing.assert_allclose(sample(as_volume(image, "img"), target, shape), reference, atol=1e-5)


def test_fine_background_is_sampled_where_its_pixels_are_drawn():
    # A linear image is interpolated exactly, so each pixel must equal the plane's equation at its own mm.
    fine = Volume(np.zeros((60, 60, 60), np.float32), nib.affines.from_matvec(np.eye(3), [-30.0, -30.0, -30.0]))
    i, j, k = np.indices(fine.data.shape)
    fine = fine._replace(data=((i - 30) + 2 * (j - 30) - 3 * (k - 30)).astype(np.float32))
    grid = Volume(np.zeros((8, 9, 10), np.float32), nib.affines.from_matvec(np.diag(SIZES), [-8.0, -14.0, -20.0]))
    for axis, factors in enumerate([(4, 3), (4, 2), (3, 2)]):
        plane = make_plane(grid, axis, (3, 4, 5), bounds(np.ones(grid.data.shape, bool)))
        values = sample_plane(fine, grid, plane)
        across, up = (a for a in range(3) if a != axis)
        assert values.shape == (grid.data.shape[up] * factors[0], grid.data.shape[across] * factors[1])
        left, right, bottom, top = plane.extent
        mm = np.zeros((3, *values.shape))
        mm[axis] = plane.coordinate
        width, height = (right - left) / values.shape[1], (top - bottom) / values.shape[0]
        mm[across] = left + width * (np.arange(values.shape[1]) + 0.5)
        mm[up] = (bottom + height * (np.arange(values.shape[0]) + 0.5))[:, None]
        np.testing.assert_allclose(values, mm[0] + 2 * mm[1] - 3 * mm[2], atol=1e-4)


def test_planes_of_an_oblique_image_are_exact_at_the_crosshair():
    grid = Volume(np.zeros((8, 9, 10), np.float32), oblique())
    voxel = (2, 5, 7)
    mm = oblique()[:3, :3] @ voxel + oblique()[:3, 3]
    for axis in range(3):
        plane = make_plane(grid, axis, voxel, bounds(np.ones(grid.data.shape, bool)))
        assert (plane.axis, plane.index) == (axis, voxel[axis])
        assert plane.coordinate == pytest.approx(mm[axis])
        across, up = (a for a in range(3) if a != axis)
        for low, high, a in ((*plane.extent[:2], across), (*plane.extent[2:], up)):
            centre = low + (voxel[a] + 0.5) * SIZES[a]
            assert centre == pytest.approx(mm[a])
            assert high - low == pytest.approx(SIZES[a] * grid.data.shape[a])


def test_peak_is_the_default_cut_point():
    data = np.zeros((8, 9, 10), np.float32)
    data[1, 2, 3], data[5, 6, 7] = 4, -6
    affine = oblique()
    image = nib.Nifti1Image(data, affine)
    expected = affine[:3, :3] @ (5, 6, 7) + affine[:3, 3]
    np.testing.assert_allclose(find_xyz_cut_coords(image), expected)
    expected = affine[:3, :3] @ (1, 2, 3) + affine[:3, 3]
    np.testing.assert_allclose(find_xyz_cut_coords(image, two_sided=False), expected)
    empty = nib.Nifti1Image(np.full((3, 5, 7), np.nan, np.float32), np.diag([2.0, 2, 2, 1]))
    assert find_xyz_cut_coords(empty) == (2.0, 4.0, 6.0)


def test_centre_of_the_largest_cluster_equals_nilearn():
    data = np.zeros((20, 20, 20), np.float32)
    data[3:7, 4:9, 10:13] = RNG.uniform(4, 6, (4, 5, 3))
    data[15, 15, 15] = 9
    image = nib.Nifti1Image(data, nib.affines.from_matvec(np.diag([3.0, 3, 3]), [-30.0, -30, -30]))
    reference = plotting.find_xyz_cut_coords(image, activation_threshold=3)
    # nilearn takes the centre of the voxel that the centre of mass falls into.
    np.testing.assert_allclose(find_xyz_cut_coords(image, None, 3, method="centre"), reference, atol=1.5)
    weights = data[3:7, 4:9, 10:13]
    by_hand = [(np.indices(weights.shape)[a] * weights).sum() / weights.sum() + s for a, s in enumerate((3, 4, 10))]
    np.testing.assert_allclose(
        find_xyz_cut_coords(image, None, 3, method="centre"), 3 * np.array(by_hand) - 30, atol=1e-4
    )
    with pytest.raises(ValueError, match="method must be one of 'peak', 'centre', not 'max'"):
        find_xyz_cut_coords(image, method="max")


def test_slices_show_what_survives():
    data = np.full((4, 4, 30), 0.5, np.float32)
    data[1, 1, 5], data[1, 1, 6], data[2, 2, 20] = 9, 8, -7
    # 30 / (1.5 * 2): the second cut keeps ten slices away from the first.
    assert choose_slices(data, 2, 2, threshold=3, two_sided=True) == [5, 20]
    assert choose_slices(data, 2, 1, threshold=3, two_sided=True) == [5]
    one_sided = choose_slices(data, 2, 2, threshold=3, two_sided=False)
    assert one_sided[0] == 5
    assert one_sided[1] == 29  # nothing else survives: the farthest slice fills up
    assert choose_slices(data, 2, 3, threshold=None, two_sided=True) == [4, 14, 24]
    assert choose_slices(data, 2, 3, threshold=99, two_sided=True) == [4, 14, 24]


@pytest.mark.parametrize("n_cuts", [1, 2, 5, 7, 9, 40])
def test_slices_are_distinct_and_never_more_than_there_are(n_cuts):
    data = np.zeros((5, 5, 12), np.float32)
    data[:, :, 2:11] = RNG.normal(size=(5, 5, 9))
    for threshold in (None, 0.5, 2.0, 50.0):
        slices = choose_slices(data, 2, n_cuts, threshold, two_sided=True)
        assert len(set(slices)) == len(slices) == min(n_cuts, 9)
        assert slices == sorted(slices)
        assert 2 <= slices[0] <= slices[-1] <= 10


def test_cut_slices_in_mm_are_the_slices_that_are_drawn():
    data = RNG.normal(size=(8, 9, 30)).astype(np.float32)
    image = nib.Nifti1Image(data, oblique())
    for direction in "xyz":
        positions = find_cut_slices(image, direction, 4, threshold=1.0)
        volume = as_volume(image, "img")
        drawn = choose_cuts(volume, None, positions.tolist(), direction, None, True).rows[0]
        chosen = choose_cuts(volume, None, 4, direction, 1.0, True).rows[0]
        assert [plane.index for plane in drawn] == [plane.index for plane in chosen]
        np.testing.assert_allclose([plane.coordinate for plane in drawn], positions)
    with pytest.raises(ValueError, match="direction must be"):
        find_cut_slices(image, "a")
    with pytest.raises(ValueError, match="whole number, 1 or more, not 0"):
        find_cut_slices(image, "z", 0)


@pytest.mark.parametrize(
    ("mode", "coords", "message"),
    [
        ("ortho", [1, 2], r"3 positions in mm \(x, y, z\) for display_mode='ortho', not \[1, 2\]"),
        ("xz", [1], r"2 positions in mm \(x, z\)"),
        ("tiled", 4, "must hold 3 positions"),
        ("ortho", (0, 0, 400), r"cut_coords: \(0, 0, 400\) mm lies outside the image \(x -8 to 6, y -14 to 10, z"),
        ("z", [400], "cut_coords: z = 400 mm lies outside the image, which reaches from -20 to 16 mm"),
        ("mosaic", [1, 2], "one number or three entries"),
        ("z", [], "cut_coords is empty"),
        ("z", 2.5, "whole number"),
        ("sideways", None, "display_mode must be one of 'ortho', 'tiled'"),
    ],
)
def test_impossible_cuts_are_explained(mode, coords, message):
    grid = Volume(np.ones((8, 9, 10), np.float32), nib.affines.from_matvec(np.diag(SIZES), [-8.0, -14.0, -20.0]))
    with pytest.raises(ValueError, match=message):
        choose_cuts(grid, None, coords, mode, None, True)


@pytest.mark.parametrize(
    ("mode", "coords", "expected"),
    [
        ("ortho", (0, 4, -8), [[("y", 4), ("x", 0), ("z", -8)]]),
        ("tiled", (0, 4, -8), [[("y", 4), ("x", 0)], [("z", -8)]]),
        ("xz", (2, -8), [[("x", 2), ("z", -8)]]),
        ("yx", (4, 2), [[("y", 4), ("x", 2)]]),
        ("z", [-8, 0.4, 8], [[("z", -8), ("z", 0), ("z", 8)]]),
        ("mosaic", ([0], [4, 7], [-8]), [[("x", 0)], [("y", 4), ("y", 7)], [("z", -8)]]),
    ],
)
def test_display_modes(mode, coords, expected):
    grid = Volume(np.ones((8, 9, 10), np.float32), nib.affines.from_matvec(np.diag(SIZES), [-8.0, -14.0, -20.0]))
    rows = choose_cuts(grid, None, coords, mode, None, True).rows
    found = [[("xyz"[plane.axis], plane.coordinate) for plane in row] for row in rows]
    # Labels are where the voxels are, the nearest to what was asked for.
    for row, wanted in zip(found, expected, strict=True):
        assert [name for name, _ in row] == [name for name, _ in wanted]
        for (name, mm), (_, asked) in zip(row, wanted, strict=True):
            assert abs(mm - asked) <= SIZES["xyz".index(name)] / 2


def test_many_cuts_go_on_in_a_new_line():
    grid = Volume(np.ones((4, 4, 30), np.float32), np.eye(4))
    rows = choose_cuts(grid, None, 18, "z", None, True).rows
    assert [len(row) for row in rows] == [8, 8, 2]


def test_frame_follows_head_and_map():
    stat = np.zeros((20, 20, 20), np.float32)
    stat[14, 10, 10] = 3
    background = np.full((20, 20, 20), 2.0, np.float32)
    background[5:12, 6:12, 7:12] = 100
    background[8, 8, 8] = 0  # a ventricle belongs to the head
    assert head(background)[8, 8, 8] == 1
    assert head(background)[0, 0, 0] == pytest.approx((2 / 20) ** 2)
    cuts = choose_cuts(Volume(stat, np.eye(4)), Volume(background, np.eye(4)), [10], "z", None, True)
    # From voxel 5 to the map's at 14, and one voxel more on each side; edges are half a voxel beyond centres.
    assert cuts.rows[0][0].view == (3.5, 15.5, 4.5, 12.5)
