"""What scripts do with a brain plot: draw more on it, save it, show it; arguments mean what they mean in the field."""

import sys

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from nilearn import plotting

from glmwidgets.report.figures import (
    PaperFigure,
    plot_anat,
    plot_design_matrix,
    plot_epi,
    plot_glass_brain,
    plot_img,
    plot_roi,
    plot_stat_map,
    show,
)
from glmwidgets.report.figures.canvas import _UNSEEN
from glmwidgets.report.figures.outline import standard_brain
from glmwidgets.report.figures.scale import colormap
from glmwidgets.web.palettes import FIELD_COLORMAPS

SHAPE = (9, 11, 10)
AFFINE = nib.affines.from_matvec(np.diag([3.0, 3.0, 4.0]), [-12.0, -15.0, -20.0])
NOISE = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)


def image(data=NOISE, code=1):
    made = nib.Nifti1Image(np.asarray(data, dtype=np.float32), AFFINE)
    made.set_sform(AFFINE, code)
    return made


STAT = image()


def opacity(display, place=-1):
    (panel,) = display.axes.values()
    return np.asarray(panel.images[place].get_alpha())


def theirs(**options):
    display = plotting.plot_stat_map(STAT, bg_img=None, display_mode="z", cut_coords=[4], colorbar=False, **options)
    drawn = display.axes[4].ax.images[-1]
    display.close()
    return np.ma.masked_invalid(drawn.get_array())[::-1], drawn.get_alpha()


def test_automatic_thresholds_are_those_of_nilearn():
    ours = plot_stat_map(STAT, display_mode="z", cut_coords=[4], threshold="auto")
    np.testing.assert_array_equal(opacity(ours) == 0, np.ma.getmaskarray(theirs(threshold="auto")[0]))
    glass = plot_glass_brain(STAT, display_mode="z", threshold="auto", colorbar=False)
    reference = plotting.plot_glass_brain(STAT, display_mode="z", colorbar=False)  # "auto" is its default
    hidden = np.ma.getmaskarray(np.ma.masked_invalid(reference.axes["z"].ax.images[-1].get_array()))[::-1]
    np.testing.assert_array_equal(opacity(glass) == 0, hidden)
    reference.close()
    with pytest.raises(ValueError, match='"auto" or a percentage'):
        plot_stat_map(STAT, threshold="much")


@pytest.mark.parametrize("ends", [None, [1, 3]])
def test_transparency_is_that_of_nilearn(ends):
    other = image(np.linspace(-2, 4, NOISE.size).reshape(SHAPE))
    ours = plot_stat_map(STAT, display_mode="z", cut_coords=[4], transparency=other, transparency_range=ends)
    expected = theirs(transparency=other, transparency_range=ends)[1][::-1]
    np.testing.assert_allclose(opacity(ours), expected, atol=1e-3)
    assert np.all(opacity(plot_stat_map(STAT, display_mode="z", cut_coords=[4], transparency=0.3)) == 0.3)
    with pytest.raises(ValueError, match="transparency is between 0"):
        plot_stat_map(STAT, transparency=2)
    with pytest.raises(ValueError, match="transparency_range must rise"):
        plot_stat_map(STAT, transparency=other, transparency_range=(3, 1))


def test_markers_lie_where_their_slice_is():
    display = plot_stat_map(STAT, display_mode="z", cut_coords=[-4, 4])
    display.add_markers([(3, -3, 4.0), (0, 0, -3.0)], ["red", "lime"], [300, 30])
    for place, point, colour, size in ((-4.0, (0, 0), "lime", 30), (4.0, (3, -3), "red", 300)):
        (dots,) = display.axes[place].collections
        np.testing.assert_array_equal(dots.get_offsets(), [point])
        np.testing.assert_allclose(dots.get_facecolors(), [to_rgba(colour)])
        assert dots.get_sizes().tolist() == [size]
    with pytest.raises(ValueError, match="2 markers and 1 of color"):
        display.add_markers(np.zeros((2, 3)), ["red"])
    glass = plot_glass_brain(STAT, display_mode="lr", colorbar=False)
    before = [len(axes.collections) for axes in glass.axes.values()]
    glass.add_markers([(-9, 0, 0)])
    offsets = [len(axes.collections[-1].get_offsets()) for axes in glass.axes.values()]
    assert offsets == [1, 0]
    assert [len(axes.collections) for axes in glass.axes.values()] == [n + 1 for n in before]


def test_overlays_on_other_grids_lie_where_their_affine_says():
    fine = nib.affines.from_matvec(np.eye(3), [-13.0, -16.0, -21.5])
    i, j, k = np.indices((27, 33, 40))
    ramp = nib.Nifti1Image((100 + i + 2 * j + 3 * k).astype(np.float32), fine)
    display = plot_stat_map(STAT, display_mode="z", cut_coords=[4])
    display.add_overlay(ramp, cmap="viridis", alpha=0.5, colorbar=True)
    (panel,) = display.axes.values()
    drawn = panel.images[-1]
    left, right, bottom, top = drawn.get_extent()
    rows, columns = drawn.get_array().shape
    x = left + (right - left) * (np.arange(columns) + 0.5) / columns
    y = bottom + (top - bottom) * (np.arange(rows)[:, None] + 0.5) / rows
    expected = 100 + (x + 13) + 2 * (y + 16) + 3 * (4 + 21.5)
    inside = (drawn.get_alpha() > 0)[1:-1, 1:-1]
    assert inside.all()
    np.testing.assert_allclose(drawn.get_array()[1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-5)
    assert np.all(np.asarray(drawn.get_alpha())[1:-1, 1:-1] == 0.5)
    assert len(display.figure.axes) == 2  # the frame, and the bar of the overlay


def test_contours_and_edges_follow_what_they_are_of():
    box = np.zeros(SHAPE)
    box[2:7, 3:9, 2:8] = 1
    display = plot_stat_map(STAT, display_mode="z", cut_coords=[4])
    (panel,) = display.axes.values()
    ends = panel.get_xlim(), panel.get_ylim()
    display.add_contours(image(box), colors="white", linewidths=2)
    vertices = np.concatenate([path.vertices for path in panel.collections[-1].get_paths()])
    # Voxels 2 to 6 across and 3 to 8 up: from -7.5 to 7.5 and from -7.5 to 10.5 mm.
    np.testing.assert_allclose([vertices.min(0), vertices.max(0)], [(-7.5, -7.5), (7.5, 10.5)], atol=0.01)
    display.add_contours(STAT, levels=[0.5, 1.5], filled=True, cmap="cold_hot")
    display.add_edges(image(box), color="lime")
    edges = panel.images[-1]
    assert edges.cmap.colors[0] == "lime"
    assert 0 < np.asarray(edges.get_alpha()).mean() < 0.5
    assert (panel.get_xlim(), panel.get_ylim()) == ends


def test_letters_crosses_titles():
    display = plot_stat_map(STAT, cut_coords=(0, 0, 0), annotate=False, draw_cross=False)
    assert not any(axes.texts or axes.lines for axes in display.axes.values())
    display.annotate(scalebar=True)
    display.draw_cross()
    display.draw_cross((3, 3, 4), color="red")
    display.title("by hand", bgcolor="white", color="black")
    texts = [text.get_text() for text in display.axes["z"].texts]
    assert texts == ["L", "R", "z = 0 mm", "5 cm"]
    assert [line.get_xdata()[0] for line in display.axes["z"].lines[1::2]] == [0, 3]
    assert display.frame_axes.texts[-1].get_text() == "by hand"
    assert repr(display) == "Display(y = 0 mm, x = 0 mm, z = 0 mm)"


def test_between_voxels_there_may_be_a_spline():
    voxels, spline = (
        plot_stat_map(STAT, display_mode="z", cut_coords=[4], resampling_interpolation=kind).axes[4.0].images[-1]
        for kind in ("nearest", "continuous")
    )
    assert voxels.get_array().shape == (11, 9)
    assert spline.get_array().shape == (44, 36)
    assert voxels.get_extent() == spline.get_extent()
    with pytest.raises(ValueError, match="resampling_interpolation must be one of"):
        plot_stat_map(STAT, resampling_interpolation="cubic")


def test_grounds_and_brightness():
    dark = image(np.pad(np.full((5, 7, 6), 50.0), 2))
    assert plot_stat_map(STAT, dark, black_bg="auto").figure.get_facecolor()[:3] == (0, 0, 0)
    assert plot_stat_map(STAT, image(100 - dark.get_fdata()), black_bg="auto").figure.get_facecolor()[:3] == (1, 1, 1)
    assert plot_stat_map(STAT, black_bg="auto").figure.get_facecolor()[:3] == (1, 1, 1)
    ends = [plot_anat(dark, dim=dim).axes["x"].images[0].get_clim()[1] for dim in ("auto", 0, 1, -1)]
    assert ends == pytest.approx([57.5, 50, 100, 25])


def test_places_of_cuts_of_every_kind():
    assert list(plot_stat_map(STAT, display_mode="x", cut_coords=3).axes) == [-9.0, 0.0, 9.0]
    assert list(plot_stat_map(STAT, display_mode="z", cut_coords=np.array([4.0])).axes) == [4.0]
    mosaic = plot_stat_map(STAT, display_mode="mosaic", cut_coords={"x": 2, "z": [0, 4]})
    assert [panel.name for panel in mosaic.panels] == ["x", "x", "z", "z"]
    assert list(plot_stat_map(STAT, display_mode="yx", cut_coords=(-3, 3)).axes) == ["y", "x"]
    assert list(plot_glass_brain(STAT, display_mode="z", cut_coords=[0]).axes) == [pytest.approx(-4.0)]
    with pytest.raises(ValueError, match="cut_coords names 'w'"):
        plot_stat_map(STAT, display_mode="mosaic", cut_coords={"w": 2})


def test_colour_maps_that_scripts_name():
    for name in (*FIELD_COLORMAPS, "cold_hot_r", "red_transparent", "warm-cold_r", "RdBu_r", "gist_ncar"):
        plot_stat_map(STAT, cmap=name, display_mode="z", cut_coords=1).close()
        assert colormap(name)(0.2) != colormap(name)(0.8)
    assert colormap("cold_hot")(0.9)[0] > colormap("cold_hot")(0.9)[2]
    assert colormap("cold_hot_r")(0.1) == pytest.approx(colormap("cold_hot")(1 - 0.1))
    with pytest.raises(ValueError, match=r"cmap cannot be .cold_hott.; did you mean .cold_hot.?"):
        plot_stat_map(STAT, cmap="cold_hott")


def test_colour_bars_are_written_as_asked():
    display = plot_stat_map(STAT, threshold=1, cbar_tick_format="%.3f")
    bar = display.frame_axes.child_axes[-1]
    assert "1.000" in [label.get_text() for label in bar.get_yticklabels()]


def test_pyplot_figures_by_number_and_places_in_them(tmp_path):
    import matplotlib.pyplot as plt

    display = plot_stat_map(STAT, figure=7, axes=(0.1, 0.2, 0.5, 0.6), display_mode="z", cut_coords=[4])
    assert display.figure is plt.figure(7)
    assert display.frame_axes.get_position(original=True).bounds == pytest.approx((0.1, 0.2, 0.5, 0.6))
    display.savefig(tmp_path / "map.png", dpi=50)
    display.close()
    assert not plt.fignum_exists(7)
    assert isinstance(plot_stat_map(STAT, axes=(0, 0, 1, 1)).figure, PaperFigure)
    figure, axes = plt.subplots(2, 2)
    plot_glass_brain(STAT, display_mode="z", figure=figure, axes=axes[1, 0], cut_coords=[0])
    axes[1, 0].set_title("mine")
    assert len(axes[1, 0].child_axes) == 2
    plt.close(figure)


@pytest.mark.parametrize("plot", [plot_stat_map, plot_img, plot_anat, plot_epi, plot_roi, plot_glass_brain])
def test_files_are_written_and_replaced(plot, tmp_path):
    path = tmp_path / "map.png"
    path.write_bytes(b"of an earlier run of the script")
    display = plot(STAT, output_file=path)
    assert display.figure not in _UNSEEN
    assert path.read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(FileNotFoundError):
        plot(STAT, output_file=tmp_path / "nowhere" / "map.png")


def test_show_shows_what_was_not_seen(monkeypatch):
    import IPython
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": None})())
    monkeypatch.setattr(IPython.display, "display", shown.append)
    _UNSEEN.clear()
    first, design = plot_stat_map(STAT), plot_design_matrix(pd.DataFrame({"a": [0.0, 1]}))
    seen, closed = plot_stat_map(STAT), plot_stat_map(STAT)
    seen._repr_png_()
    closed.close()
    show()
    assert shown == [first.figure, design.figure]
    show()
    assert len(shown) == 2


def test_show_opens_windows_of_pyplot(monkeypatch):
    import matplotlib.pyplot as plt

    from glmwidgets.report.figures import canvas

    monkeypatch.setattr(canvas, "get_backend", lambda: "qtagg")
    opened = []
    monkeypatch.setattr(plt, "show", lambda: opened.extend(plt.figure(n) for n in plt.get_fignums()))
    monkeypatch.setitem(sys.modules, "IPython", None)
    plt.close("all")
    _UNSEEN.clear()
    display = plot_stat_map(STAT)
    canvas.show()
    (figure,) = opened
    assert figure is display.figure
    plt.close("all")


def test_labels_have_the_colours_of_their_values():
    labels = np.zeros(SHAPE)
    labels[2:4, 3:7, 4:8], labels[5:7, 3:7, 4:8] = 1, 2
    display = plot_roi(image(labels), cmap="viridis", alpha=0.7, display_mode="z", cut_coords=[4], colorbar=True)
    (panel,) = display.axes.values()
    lines = [tuple(lines.get_colors()[0]) for lines in panel.collections]
    assert len(set(lines)) == 2
    bare = plot_roi(image(labels), view_type="contours", display_mode="z", cut_coords=[4])
    assert not bare.axes[4.0].images


# Glass brains ---------------------------------------------------------------------------------------------------------


def test_the_outside_of_an_infinite_map_is_no_brain():
    data = np.full(SHAPE, np.inf)
    data[2:7, 2:9, 2:8] = NOISE[2:7, 2:9, 2:8]
    data[4, 5, 5] = np.inf  # p of 0 within the brain
    bare = np.where(np.isinf(data), 0, data)
    bare[4, 5, 5] = np.abs(bare).max()
    for plot in (plot_glass_brain, plot_stat_map):
        endless, plain = (plot(image(each), display_mode="z", cut_coords=[0]) for each in (data, bare))
        for one, other in zip(endless.panels, plain.panels, strict=True):
            assert one.plane == other.plane
            np.testing.assert_array_equal(one.axes.images[-1].get_array(), other.axes.images[-1].get_array())
            np.testing.assert_array_equal(one.axes.images[-1].get_alpha(), other.axes.images[-1].get_alpha())


def test_maps_of_the_standard_space_have_its_outline(tmp_path):
    mask = plot_glass_brain(image(), display_mode="x")
    standard = plot_glass_brain(image(code=4), display_mode="x")
    assert len(mask.panels[0].axes.images) == 2  # shadow and map
    assert len(standard.panels[0].axes.images) == 1
    left, right, bottom, top = standard.panels[0].plane.view
    assert left < -100
    assert right > 68
    assert bottom < -68
    assert top > 74
    path = tmp_path / "sub-01_space-MNI152NLin2009cAsym_stat-z_statmap.nii.gz"
    image().to_filename(path)
    assert len(plot_glass_brain(path, display_mode="x").panels[0].axes.images) == 1
    assert len(plot_glass_brain(image(), display_mode="x", brain="standard").panels[0].axes.images) == 1
    assert len(plot_glass_brain(image(code=4), display_mode="x", brain="mask").panels[0].axes.images) == 2


def test_the_outline_is_that_of_the_template():
    from nilearn.datasets import load_mni152_brain_mask
    from scipy import ndimage

    template, mask = standard_brain(), load_mni152_brain_mask(resolution=4)
    truth = mask.get_fdata() > 0
    mm = nib.affines.apply_affine(mask.affine, np.argwhere(np.ones(truth.shape)))
    index = [(mm[:, axis] - template.places[axis][0]) / 2 for axis in range(3)]
    ours = (ndimage.map_coordinates(template.depth, index, order=1, mode="nearest") > 0).reshape(truth.shape)
    for axis in range(3):
        one, other = ours.any(axis=axis), truth.any(axis=axis)
        assert 2 * (one & other).sum() / (one.sum() + other.sum()) > 0.93
