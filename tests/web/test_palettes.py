"""The palette: colours can be told apart by everybody and read on their grounds, and stand in one file."""

import re
from pathlib import Path

import numpy as np
import pytest

import glmwidgets.web
from glmwidgets.web.palettes import (
    BAD,
    COLORMAPS,
    COLUMN_COLOURS,
    CONTRAST,
    DATA,
    EVENT_COLOURS,
    FIT,
    GOOD,
    INKS,
    PAPER,
    PICKED,
    REDUCED,
    RESIDUAL,
    SECOND,
    SEQUENTIAL,
    SIGNAL,
    colour_of,
)

ROOM = Path(glmwidgets.web.__file__).parent

# Dichromatic vision at full severity in linear RGB: Machado, Oliveira & Fernandes 2009, table 1.
EYES = {
    "normal": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
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


def linear_rgb(colour):
    rgb = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    """Contrast ratio of WCAG 2.2."""
    low, high = sorted(float(linear_rgb(colour) @ [0.2126, 0.7152, 0.0722]) for colour in (a, b))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize(
    ("colours", "least"),
    [
        (EVENT_COLOURS[:4], 33),
        (EVENT_COLOURS[:8], 28),
        (EVENT_COLOURS, 20),
        (COLUMN_COLOURS, 26),
        ((FIT, DATA, *EVENT_COLOURS[:4]), 16),
        ((FIT, SIGNAL, CONTRAST, RESIDUAL, REDUCED), 30),
        ((FIT, SIGNAL, PICKED), 26),
        ((FIT, SIGNAL, SECOND), 22),
        ((GOOD, BAD), 12),
    ],
    ids=["4 events", "8 events", "12 events", "columns", "series", "lines", "group", "response", "good and bad"],
)
def test_colours_that_stand_beside_each_other_can_be_told_apart(eyes, colours, least):
    # A difference of 2.3 is just noticeable; matplotlib's default ten fall to 4.6 for protanopes.
    lab = cielab(colours, eyes)
    assert (closest(lab, lab) + 1e3 * np.eye(len(colours))).min() > least


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("types", [("face", "scramble"), ("body", "face", "house", "object", "scramble")])
def test_faces_are_not_taken_for_scrambled_ones(eyes, types):
    lab = cielab([colour_of("face", types), colour_of("scramble", types)], eyes)
    assert np.linalg.norm(lab[0] - lab[1]) > 30


def test_event_colours_are_seen_on_white_and_on_near_black():
    for colour in EVENT_COLOURS:
        assert min(contrast(colour, PAPER), contrast(colour, "#111111")) > 1.6


@pytest.mark.parametrize("name", ["muted", "warn", "bad", "good", "fit", "accent", "focus"])
def test_words_in_an_ink_can_be_read(name):
    ink = INKS[name]
    assert contrast(ink.light, PAPER) >= (3 if name == "fit" else 4.5)
    if ink.dark:
        assert contrast(ink.dark, "#212121") >= 4.5  # panels of JupyterLab's dark theme


@pytest.mark.parametrize("name", ["map-text", "map-quiet", "map-words", "map-value"])
def test_words_beside_a_map_can_be_read(name):
    assert contrast(INKS[name].light, INKS["map-ground"].light) >= 4.5


@pytest.mark.parametrize("eyes", EYES)
@pytest.mark.parametrize("name", [name for name in COLORMAPS if name not in SEQUENTIAL])
def test_ramps_get_lighter_and_are_never_mistaken_for_each_other(eyes, name):
    high, low = (cielab(shades(COLORMAPS[name][sign]), eyes) for sign in ("positive", "negative"))
    assert (np.diff(high[:, 0]) > 0).all()
    assert (np.diff(low[:, 0]) > 0).all()
    assert closest(high, low).min() > (30 if name == "warm-cold" else 8)


def test_a_style_sheet_names_only_inks_that_there_are():
    # Sizes that style sheets and scripts give to each other.
    own = re.compile(r"--glmw-([\w-]+)(?::|\")")
    lengths = {name for path in ROOM.glob("*.*s*") for name in own.findall(path.read_text(encoding="utf-8"))}
    for path in ROOM.glob("*.css"):
        named = set(re.findall(r"var\(--glmw-([\w-]+)", path.read_text(encoding="utf-8")))
        assert named <= INKS.keys() | lengths, path.name


def test_no_other_file_of_the_package_writes_a_colour():
    written = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b|\b(?:rgba?|hsla?)\(\s*\d")
    for path in sorted(ROOM.parent.rglob("*")):
        if path.suffix in (".py", ".js", ".css", ".j2") and path != ROOM / "palettes.py":
            assert not written.findall(path.read_text(encoding="utf-8")), path


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
