"""What is shown of a map, how strongly, and what the colour bar says."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from glmwidgets.report.figures.scale import colours_of, draw_colorbar, make_scale
from glmwidgets.web.palettes import COLORMAPS, lookup_table

MAP = np.array([-6.0, -3.1, -1.0, 0.0, 2.0, 3.1, 4.0, np.nan, np.inf])


def test_only_what_exceeds_the_threshold_survives():
    scale = make_scale(MAP, threshold=3.1)
    assert scale.survives(MAP).tolist() == [True, False, False, False, False, False, True, False, False]
    one_sided = make_scale(MAP, threshold=3.1, two_sided=False)
    assert one_sided.survives(MAP).tolist() == [False] * 6 + [True, False, False]


def test_without_threshold_all_but_zero_survives():
    scale = make_scale(MAP)
    assert scale.survives(MAP).tolist() == [True, True, True, False, True, True, True, False, False]


def test_opacity_below_the_threshold_is_the_squared_share():
    scale = make_scale(MAP, threshold=4.0, fade=True)
    values = np.array([-6.0, -4.0, -2.0, 0.0, 1.0, np.nan])
    np.testing.assert_allclose(scale.opacity(values), [1, 1, 0.25, 0, 0.0625, 0])
    one_sided = make_scale(MAP, threshold=2.0, fade=True, two_sided=False)
    np.testing.assert_allclose(one_sided.opacity(np.array([-6.0, -1.0, 1.0, 3.0])), [0, 0, 0.25, 1])
    hidden = make_scale(MAP, threshold=4.0)
    np.testing.assert_allclose(hidden.opacity(values), [1, 0, 0, 0, 0, 0])


@pytest.mark.parametrize(
    ("values", "options", "ends"),
    [
        ([-6, 4], {}, (-6, 6)),
        ([0, 1, 4], {}, (0, 4)),
        ([-6, -1, 0], {}, (-6, 0)),
        ([-6, 4], {"symmetric": False}, (-6, 4)),
        ([1, 4], {"symmetric": True}, (-4, 4)),
        ([-6, 4], {"vmax": 5}, (-5, 5)),
        ([-6, 4], {"vmin": -2}, (-2, 2)),
        ([-6, 4], {"vmin": 0}, (0, 4)),
        ([-6, 4], {"two_sided": False}, (0, 4)),
        ([-2, 2], {"threshold": 4}, (-5, 5)),
        ([0, 0], {"threshold": 4}, (0, 5)),
        ([0, 0], {}, (0, 1)),
        ([0.2, 0.8], {"cmap": "inferno", "symmetric": False}, (0, 0.8)),
    ],
)
def test_ends_of_the_colour_bar(values, options, ends):
    scale = make_scale(np.array(values, dtype=float), **options)
    assert (scale.vmin, scale.vmax) == ends


def test_a_colour_belongs_to_a_value_whatever_the_threshold():
    values = np.array([-5.0, -3.0, 3.0, 5.0])
    low, high = (make_scale(MAP, threshold=t, vmax=6) for t in (1.0, 2.5))
    np.testing.assert_array_equal(low.cmap(low.norm(values)), high.cmap(high.norm(values)))
    one_sided = make_scale(MAP, threshold=1.0, vmax=6, two_sided=False)
    np.testing.assert_array_equal(one_sided.cmap(one_sided.norm(values[2:])), low.cmap(low.norm(values[2:])))


@pytest.mark.parametrize("on_dark", [True, False])
def test_signs_are_warm_and_cold(on_dark):
    colours = colours_of(on_dark=on_dark)(np.linspace(0, 1, 512))
    red, blue = colours[:, 0], colours[:, 2]
    assert (blue[:256] > red[:256]).all()
    assert (red[256:] > blue[256:]).all()


@pytest.mark.parametrize("name", COLORMAPS)
@pytest.mark.parametrize("values", [np.array([-6.0, 1.0, 6.0]), np.array([0.5, 6.0])], ids=["both signs", "positive"])
def test_colours_of_a_figure_are_those_of_the_viewer(name, values):
    """The lookup table is what the browser paints with."""
    scale = make_scale(values, vmax=6.0, cmap=name)
    lut = lookup_table(name, two_sided=values.min() < 0)
    shown = scale.cmap(scale.norm(values))[:, :3] * 255
    place = np.rint(np.abs(values) / 6 * 255).astype(int)
    np.testing.assert_allclose(shown, lut[(values > 0).astype(int), place], atol=2)


def test_ramps_turn_round_on_paper():
    dark, paper = colours_of("warm-cold").colors, colours_of("warm-cold", on_dark=False).colors
    np.testing.assert_array_equal(dark[256:], paper[256:][::-1])
    np.testing.assert_array_equal(dark[:256], paper[:256][::-1])
    # A sequential map has no end that belongs to the ground.
    np.testing.assert_array_equal(colours_of("grey").colors, colours_of("grey", on_dark=False).colors)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"threshold": -1}, "threshold must be a finite number, 0 or more, not -1"),
        ({"threshold": np.nan}, "threshold must be a finite number"),
        ({"threshold": 3.1, "vmax": 3}, "vmax must be above the threshold, 3.1"),
        ({"vmin": 5, "vmax": 2}, r"vmin \(5\) must be below vmax \(2\)"),
    ],
)
def test_limits_that_contradict_each_other(options, message):
    with pytest.raises(ValueError, match=message):
        make_scale(MAP, **options)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"threshold": 3.1, "name": "z"}, "no voxel above |z| = 3.10"),
        ({"threshold": 3.1, "name": "z", "two_sided": False}, "no voxel above z = 3.10"),
        ({"threshold": 12}, "no voxel above 12.0"),
        ({}, "no voxel with a value other than 0"),
    ],
)
def test_an_empty_map_is_said_in_words(options, sentence):
    assert make_scale(np.zeros(3), **options).nothing_above() == sentence


def bar(scale):
    axes = Figure().add_subplot()
    draw_colorbar(axes, scale, "#000000", "#ffffff")
    return axes


@pytest.mark.parametrize(
    ("values", "options", "labels"),
    [
        ([-6, 6], {"threshold": 3.1}, {-6: "−6.00", -3.1: "−3.10", 3.1: "3.10", 6: "6.00"}),
        ([-6, 6], {}, {-6: "−6.00", 0: "0", 6: "6.00"}),
        ([0, 6], {"threshold": 3.1}, {0: "0", 3.1: "3.10", 6: "6.00"}),
        # Too near to each other to be written side by side: the threshold matters more than the end.
        ([0, 6], {"threshold": 5.9}, {0: "0", 5.9: "5.90"}),
        ([-60, 60], {"threshold": 1}, {-60: "−60.0", 0: "±1.00", 60: "60.0"}),
        ([-6, 6], {"threshold": 3.1, "two_sided": False}, {0: "0", 3.1: "3.10", 6: "6.00"}),
    ],
)
def test_ticks_of_the_colour_bar(values, options, labels):
    axes = bar(make_scale(np.array(values, dtype=float), **options))
    written = [text.get_text() for text in axes.get_yticklabels()]
    assert dict(zip(axes.get_yticks(), written, strict=True)) == pytest.approx(labels)


def test_dead_zone_of_the_colour_bar_is_grey():
    scale = make_scale(MAP, threshold=3.0, vmax=6, name="z")
    axes = bar(scale)
    (image,) = axes.images
    colours = np.asarray(image.get_array())[:, 0]
    values = np.linspace(-6, 6, len(colours))
    dead = np.abs(values) <= 3
    assert (np.ptp(colours[dead][:, :3], axis=1) == 0).all()
    np.testing.assert_allclose(colours[~dead], scale.cmap(scale.norm(values[~dead])))
    assert image.get_extent() == [0, 1, -6, 6]
    assert axes.get_title() == "z"
