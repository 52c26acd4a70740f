"""The palette: event types can be told apart, warm cannot be taken for cold, numbers are written one way."""

import numpy as np
import pytest

from glmwidgets.report.figures.style import EVENT_COLOURS, colour_of, write_mm, write_number
from glmwidgets.specification.colormaps import COLORMAPS

# Dichromatic vision at full severity in linear RGB: Machado, Oliveira & Fernandes 2009, table 1.
EYES = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
}


def cielab(colours, eyes):
    """CIELAB (D65) of hexadecimal colours as such eyes see them."""
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ EYES[eyes].T, 0, 1)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    )
    xyz = linear @ to_xyz.T / to_xyz.sum(axis=1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


def closest(a, b):
    return np.linalg.norm(a[:, None] - b[None], axis=-1)


def shades(anchors, n=64):
    """Linear interpolation in sRGB between anchor colours."""
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in anchors], dtype=float)
    at = np.linspace(0, len(anchors) - 1, n)
    values = np.stack([np.interp(at, np.arange(len(anchors)), channel) for channel in rgb.T], axis=1)
    return ["#" + "".join(f"{round(v):02x}" for v in value) for value in values]


@pytest.mark.parametrize("eyes", EYES)
def test_event_colours_can_be_told_apart(eyes):
    # A difference of 2.3 is just noticeable; matplotlib's default ten fall to 4.6 for protanopes.
    for count, least in ((6, 22), (12, 15)):
        lab = cielab(EVENT_COLOURS[:count], eyes)
        distance = closest(lab, lab) + 1e3 * np.eye(count)
        assert distance.min() > least


@pytest.mark.parametrize("eyes", EYES)
def test_ramps_get_lighter_and_are_never_mistaken_for_each_other(eyes):
    warm, cold = (cielab(shades(COLORMAPS["warm-cold"][sign]), eyes) for sign in ("positive", "negative"))
    assert (np.diff(warm[:, 0]) > 0).all()
    assert (np.diff(cold[:, 0]) > 0).all()
    assert closest(warm, cold).min() > 30


def test_colour_depends_on_the_set_of_types_not_on_their_order():
    conditions = ["house", "face", "body"]
    assert [colour_of(name, conditions) for name in ("body", "face", "house")] == list(EVENT_COLOURS[:3])
    assert colour_of("face", reversed(conditions)) == colour_of("face", conditions)
    assert colour_of(2, [1, 2]) == EVENT_COLOURS[1]


def test_thirteenth_type_begins_again():
    names = [f"c{i:02d}" for i in range(13)]
    assert colour_of("c12", names) == EVENT_COLOURS[0]


def test_unknown_type_is_named():
    with pytest.raises(ValueError, match="'fase' is none of: face, house"):
        colour_of("fase", ["house", "face"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.1, "3.10"),
        (-3.1, "−3.10"),
        (9.996, "10.0"),
        (99.96, "100"),
        (1040.4, "1040"),
        (0.31, "0.31"),
        (0.0123, "0.012"),
        (0, "0"),
        (2.5e7, "2.5e+07"),
        (-1e-5, "−1e−05"),
    ],
)
def test_numbers_have_three_digits_that_matter(value, text):
    assert write_number(value) == text


def test_mm_are_whole_and_zero_has_no_sign():
    assert [write_mm(v) for v in (-20.4, -0.4, 41.6, np.float32(3))] == ["−20", "0", "42", "3"]
