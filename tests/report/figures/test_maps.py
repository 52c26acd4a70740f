"""Maps on slices: each pixel is the voxel that the affine says, left is left, and words say what colours cannot."""

import nibabel as nib
import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from nilearn import plotting

from glmwidgets.report.figures import plot_anat, plot_img, plot_r_square, plot_roi, plot_stat_map

SHAPE = (9, 11, 10)
SIZES = np.array([3.0, 3.0, 4.0])
RAS = nib.affines.from_matvec(np.diag(SIZES), [-12.0, -15.0, -20.0])
LAS = nib.affines.from_matvec(np.diag(SIZES * [-1, 1, 1]), [12.0, -15.0, -20.0])
# Axes stored as z, x (from right to left), y.
SWAPPED = np.array([[0, -3.0, 0, 12.0], [0, 0, 3.0, -15.0], [4.0, 0, 0, -20.0], [0, 0, 0, 1]])
GRIDS = [(RAS, SHAPE), (LAS, SHAPE), (SWAPPED, (10, 9, 11))]


def noise(shape=SHAPE, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def panels(display, n_axes=0):
    """Panels of a sheet by the name of their label, for instance 'z = 4 mm', and the colour bar's axes."""
    sheet = display.figure.axes[n_axes]
    labels = [text.get_text() for text in sheet.texts if "mm" in text.get_text()]
    insets = sheet.child_axes
    return dict(zip(labels, insets, strict=False)), insets[len(labels) :]


def shown(panel):
    """Values that can be seen on a panel's topmost image; masked where it is transparent."""
    image = panel.images[-1]
    return np.ma.masked_where(np.asarray(image.get_alpha()) == 0, image.get_array())


def draw(display):
    figure = display.figure
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())


@pytest.mark.parametrize(("affine", "shape"), GRIDS)
def test_each_pixel_is_the_voxel_that_the_affine_says(affine, shape):
    data = noise(shape)
    figure = plot_stat_map(nib.Nifti1Image(data, affine), cut_coords=(3, -3, 4))
    found, _ = panels(figure)
    assert list(found) == ["y = −3 mm", "x = 3 mm", "z = 4 mm"]
    to_voxel = np.linalg.inv(affine)
    for (label, panel), axis, coordinate in zip(found.items(), (1, 0, 2), (-3, 3, 4), strict=True):
        image = panel.images[-1]
        left, right, bottom, top = image.get_extent()
        rows, columns = image.get_array().shape
        across, up = (a for a in range(3) if a != axis)
        for row in range(rows):
            for column in range(columns):
                mm = np.zeros(3)
                mm[axis] = coordinate
                mm[across] = left + (right - left) * (column + 0.5) / columns
                mm[up] = bottom + (top - bottom) * (row + 0.5) / rows
                i, j, k = np.rint(to_voxel[:3, :3] @ mm + to_voxel[:3, 3]).astype(int)
                assert image.get_array()[row, column] == data[i, j, k], label


@pytest.mark.parametrize(("affine", "shape"), GRIDS)
def test_slices_equal_those_of_nilearn(affine, shape):
    image = nib.Nifti1Image(noise(shape), affine)
    found, _ = panels(plot_stat_map(image, cut_coords=(3, -3, 4), threshold=0.5))
    reference = plotting.plot_stat_map(image, bg_img=None, cut_coords=(3, -3, 4), threshold=0.5)
    for label, panel in found.items():
        their_image = reference.axes[label[0]].ax.images[-1]
        theirs = np.ma.masked_invalid(their_image.get_array())[::-1]  # its first row is the top
        ours = shown(panel)
        # nilearn's extent ends at the centres of the outermost voxels, which squeezes the image by a voxel; ours at
        # their edges.
        half = SIZES[["xyz".index(name) for name in "xyz" if name != label[0]]].repeat(2) / 2 * [-1, 1, -1, 1]
        assert panel.images[-1].get_extent() == pytest.approx(np.array(their_image.get_extent()) + half)
        np.testing.assert_array_equal(np.ma.getmaskarray(ours), np.ma.getmaskarray(theirs))
        np.testing.assert_allclose(ours.compressed(), theirs.compressed(), atol=1e-6)
    reference.close()


@pytest.mark.parametrize(("affine", "shape"), GRIDS)
@pytest.mark.parametrize("radiological", [False, True])
def test_left_is_where_the_letter_is(affine, shape, radiological):
    data = np.zeros(shape, np.float32)
    voxel = np.rint(np.linalg.inv(affine) @ (-9, 0, 0, 1)).astype(int)[:3]
    data[tuple(voxel)] = 5  # on the left: x = -9 mm
    figure = plot_stat_map(nib.Nifti1Image(data, affine), noise_head(shape, affine), radiological=radiological)
    found, _ = panels(figure)
    draw(figure)
    for label in ("y = 0 mm", "z = 0 mm"):
        panel = found[label]
        middle = panel.bbox.x0 + panel.bbox.width / 2
        blob = panel.transData.transform((-9, 0))[0]
        assert (blob < middle) != radiological
        letters = {text.get_text(): text.get_window_extent() for text in panel.texts}
        assert set(letters) == {"L", "R"}
        for letter, box in letters.items():
            assert (((box.x0 + box.x1) / 2 < middle) == (blob < middle)) == (letter == "L")
    assert not found["x = −9 mm"].texts


def noise_head(shape, affine):
    return nib.Nifti1Image(100 + noise(shape, 1), affine)


def test_threshold_hides_and_one_sided_hides_the_negative():
    data = noise()
    for two_sided in (True, False):
        figure = plot_stat_map(nib.Nifti1Image(data, RAS), cut_coords=(3, -3, 4), threshold=1.0, two_sided=two_sided)
        visible = shown(panels(figure)[0]["z = 4 mm"])
        survives = (np.abs(data) > 1 if two_sided else data > 1)[:, :, 6].T
        np.testing.assert_array_equal(~np.ma.getmaskarray(visible), survives)


def test_transparent_threshold_fades_and_outlines():
    data = np.zeros(SHAPE, np.float32)
    data[4, 5, 5], data[6, 5, 5], data[4, 6, 5] = 5.0, -1.5, 5.0
    figure = plot_stat_map(nib.Nifti1Image(data, RAS), threshold=3.0, transparent_threshold=True)
    panel = panels(figure)[0]["z = 0 mm"]
    alpha = panel.images[-1].get_alpha()
    assert alpha[5, 4] == alpha[6, 4] == 1
    assert alpha[5, 6] == pytest.approx(0.25)
    (outline,) = (c for c in panel.collections if isinstance(c, LineCollection))
    edges = {tuple(map(tuple, np.sort(segment, axis=0))) for segment in np.array(outline.get_segments())}
    # Two voxels of 3 mm, one above the other: from x -1.5 to 1.5 and y -1.5 to 4.5.
    assert edges == {
        ((-1.5, -1.5), (1.5, -1.5)),
        ((-1.5, 4.5), (1.5, 4.5)),
        ((-1.5, -1.5), (-1.5, 1.5)),
        ((-1.5, 1.5), (-1.5, 4.5)),
        ((1.5, -1.5), (1.5, 1.5)),
        ((1.5, 1.5), (1.5, 4.5)),
    }


def test_oblique_map_is_cut_through_its_peak():
    c, s = np.cos(0.2), np.sin(0.2)
    affine = nib.affines.from_matvec([[-3, 0, 0], [0, 3 * c, -4 * s], [0, 3 * s, 4 * c]], [12.0, -15.0, -20.0])
    data = noise()
    data[2, 7, 6] = 9
    mm = affine[:3, :3] @ (2, 7, 6) + affine[:3, 3]
    figure = plot_stat_map(nib.Nifti1Image(data, affine))
    found, _ = panels(figure)
    assert list(found) == [f"{n} = {round(v)} mm".replace("-", "−") for n, v in zip("yxz", mm[[1, 0, 2]], strict=True)]
    for panel, (across, up) in zip(found.values(), ((0, 2), (1, 2), (0, 1)), strict=True):
        image = panel.images[-1]
        left, right, bottom, top = image.get_extent()
        rows, columns = image.get_array().shape
        column = int((mm[across] - left) / (right - left) * columns)
        row = int((mm[up] - bottom) / (top - bottom) * rows)
        assert image.get_array()[row, column] == 9
        upright, level = panel.lines
        assert upright.get_xdata()[0] == pytest.approx(mm[across])
        assert level.get_ydata()[0] == pytest.approx(mm[up])


def test_background_on_another_grid_lies_under_the_map():
    fine = nib.affines.from_matvec(np.diag([-1.0, 1, 1]), [20.0, -20.0, -25.0])
    i, j, k = np.indices((41, 41, 51))
    background = nib.Nifti1Image((300 + (20 - i) + 2 * (j - 20) - 3 * (k - 25)).astype(np.float32), fine)
    figure = plot_stat_map(nib.Nifti1Image(noise(), RAS), background, cut_coords=(3, -3, 4))
    under = panels(figure)[0]["z = 4 mm"].images[0]
    left, right, bottom, top = under.get_extent()
    rows, columns = under.get_array().shape
    assert (rows, columns) == (33, 27)  # three pixels a voxel
    x = left + (right - left) * (np.arange(columns) + 0.5) / columns
    y = bottom + (top - bottom) * (np.arange(rows)[:, None] + 0.5) / rows
    np.testing.assert_allclose(under.get_array(), 300 + x + 2 * y - 3 * 4, rtol=1e-6)


def test_background_of_the_same_grid_is_untouched():
    background = noise_head(SHAPE, RAS)
    figure = plot_stat_map(nib.Nifti1Image(noise(), RAS), background, cut_coords=[4], display_mode="z")
    under = panels(figure)[0]["z = 4 mm"].images[0]
    np.testing.assert_array_equal(under.get_array(), background.get_fdata(dtype=np.float32)[:, :, 6].T)


def test_all_panels_have_one_scale_in_a_figure_and_in_given_axes():
    image = nib.Nifti1Image(noise(), RAS)
    own = plot_stat_map(image, display_mode="mosaic", cut_coords=3).figure
    given = Figure(figsize=(7, 3))
    axes = given.subplots(1, 2)
    assert plot_stat_map(image, axes=axes[1], cut_coords=(0, 0, 0)).figure is given
    for figure, sheet in ((own, own.axes[0]), (given, axes[1])):
        figure.draw_without_rendering()
        labels = [text for text in sheet.texts if "mm" in text.get_text()]
        scales = []
        for panel in sheet.child_axes[: len(labels)]:
            scales += [
                panel.bbox.width / abs(np.diff(panel.get_xlim())[0]),
                panel.bbox.height / abs(np.diff(panel.get_ylim())[0]),
            ]
        np.testing.assert_allclose(scales, scales[0], rtol=1e-6)
        inside = sheet.get_window_extent().padded(0.5)
        for panel in sheet.child_axes:
            box = panel.get_window_extent()
            assert inside.contains(box.x0, box.y0)
            assert inside.contains(box.x1, box.y1)


def test_empty_map_says_so_in_words_and_title_stands_above():
    image = nib.Nifti1Image(noise(), RAS)
    figure = plot_stat_map(image, threshold=40, stat_name="z", title="face - house")
    sheet = figure.figure.axes[0]
    assert "no voxel above |z| = 40.0" in [text.get_text() for text in sheet.texts]
    assert sheet.get_title(loc="left") == "face - house"
    full = plot_stat_map(image, threshold=1, stat_name="z")
    assert not any("no voxel" in text.get_text() for text in full.frame_axes.texts)


def test_colour_bar_is_named_by_the_header_or_by_hand():
    image = nib.Nifti1Image(noise(), RAS)
    image.header.set_intent("t test", (139,))
    for options, name in (({}, "t"), ({"stat_name": "z"}, "z")):
        _, (bar,) = panels(plot_stat_map(image, threshold=1, **options))
        assert bar.get_title() == name
    assert panels(plot_stat_map(image, colorbar=False))[1] == []


def test_colours_of_the_painted_pixels():
    data = np.zeros(SHAPE, np.float32)
    data[2, 5, 5], data[6, 5, 5] = 5.0, -5.0
    figure = plot_stat_map(nib.Nifti1Image(data, RAS), cut_coords=(-3, 0, 0), draw_cross=False)
    pixels = draw(figure)
    panel = panels(figure)[0]["z = 0 mm"]
    for x, warm in ((-6, True), (6, False)):
        column, row = panel.transData.transform((x, 0)).astype(int)
        red, _, blue, _ = pixels[pixels.shape[0] - 1 - row, column].astype(int)
        assert (red > blue) == warm
    assert pixels[5, 5].tolist() == [0, 0, 0, 255]
    paper = draw(plot_stat_map(nib.Nifti1Image(data, RAS), black_bg=False))
    assert paper[5, 5].tolist() == [255, 255, 255, 255]


def test_markers_appear_on_their_own_slices_alone():
    figure = plot_stat_map(
        nib.Nifti1Image(noise(), RAS),
        display_mode="z",
        cut_coords=[-4, 4],
        markers=[(3, -3, 4.0), (0, 0, -3.0), (0, 0, 12)],
        marker_colours=["red", "lime", "blue"],
    )
    found, _ = panels(figure)
    for label, points, colour in (("z = −4 mm", [(0, 0)], "lime"), ("z = 4 mm", [(3, -3)], "red")):
        (dots,) = found[label].collections
        np.testing.assert_array_equal(dots.get_offsets(), points)
        np.testing.assert_allclose(dots.get_edgecolors(), [to_rgba(colour)])
    with pytest.raises(ValueError, match="2 markers but 1 marker_colours"):
        plot_stat_map(nib.Nifti1Image(noise(), RAS), markers=np.zeros((2, 3)), marker_colours=["red"])
    with pytest.raises(ValueError, match=r"markers must be points in mm, shape \(n, 3\)"):
        plot_stat_map(nib.Nifti1Image(noise(), RAS), markers=[1, 2])


def test_one_slice_and_nan_surroundings():
    data = np.full((9, 11, 1), np.nan, np.float32)
    data[2:7, 3:8] = 2.5
    figure = plot_stat_map(nib.Nifti1Image(data, RAS), threshold=1, display_mode="z")
    found, _ = panels(figure)
    assert list(found) == ["z = −20 mm"]
    assert shown(found["z = −20 mm"]).count() == 25
    draw(plot_stat_map(nib.Nifti1Image(data, RAS), threshold=1))


def test_r_square_runs_from_zero_in_one_colour_map():
    data = np.abs(noise()) / 5
    figure = plot_r_square(nib.Nifti1Image(data, RAS), threshold=0.1, cut_coords=[4])
    found, (bar,) = panels(figure)
    image = found["z = 4 mm"].images[-1]
    assert image.get_clim() == (0, pytest.approx(data.max()))
    assert image.cmap.name == "inferno"
    np.testing.assert_array_equal(np.ma.getmaskarray(shown(found["z = 4 mm"])), data[:, :, 6].T <= 0.1)
    assert bar.get_title() == "R²"


def test_plain_image_has_its_own_range():
    data = noise()
    figure = plot_img(nib.Nifti1Image(data, RAS), display_mode="z", cut_coords=[4])
    image = panels(figure)[0]["z = 4 mm"].images[-1]
    assert image.get_clim() == (pytest.approx(data.min()), pytest.approx(data.max()))
    assert image.cmap.name == "gray"


def test_anatomy_is_cut_through_the_middle_of_the_head():
    data = np.ones((20, 20, 20), np.float32)
    data[3:10, 4:15, 6:17] = 100
    figure = plot_anat(nib.Nifti1Image(data, np.eye(4)), title="mean")
    found, bars = panels(figure)
    assert list(found) == ["y = 9 mm", "x = 6 mm", "z = 11 mm"]
    assert not bars
    image = found["z = 11 mm"].images[0]
    np.testing.assert_array_equal(image.get_array(), data[:, :, 11].T)
    assert image.get_clim() == (0, pytest.approx(115))  # the brightest per cent, and some room above


def test_region_is_outlined():
    mask = np.zeros(SHAPE, np.uint8)
    mask[2:5, 3:7, 4:8] = 1
    figure = plot_roi(nib.Nifti1Image(mask, RAS), noise_head(SHAPE, RAS), colour="red")
    panel = panels(figure)[0]["z = 4 mm"]
    (outline,) = panel.collections
    # Three by four voxels of 3 mm: a border of 14 edges, 42 mm long.
    lengths = [np.abs(np.diff(segment, axis=0)).sum() for segment in outline.get_segments()]
    assert lengths == [3.0] * 14
    empty = plot_roi(nib.Nifti1Image(np.zeros(SHAPE, np.uint8), RAS))
    assert "the region holds no voxel" in [text.get_text() for text in empty.frame_axes.texts]


def test_real_map_is_cut_at_its_peak(auditory_dir):
    run = nib.load(auditory_dir / "sub-01_task-auditory_bold.nii.gz")
    mean = nib.Nifti1Image(np.asarray(run.dataobj[..., :4]).mean(axis=-1).astype(np.float32), run.affine)
    stat = np.zeros(run.shape[:3], np.float32)
    # Left auditory cortex of the published table, (-60, -6, 42) mm in an image stored from right to left.
    stat[51, 29, 36] = 9.81
    found, _ = panels(plot_stat_map(nib.Nifti1Image(stat, run.affine), mean, threshold=3.1))
    assert list(found) == ["y = −6 mm", "x = −60 mm", "z = 42 mm"]
    under = found["z = 42 mm"].images[0].get_array()
    np.testing.assert_array_equal(under, mean.get_fdata(dtype=np.float32)[::-1, :, 36].T)
