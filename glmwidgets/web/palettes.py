"""Every colour of the package: inks, event types, lines, design columns and colour maps.

The one place that writes a colour as a number. Style sheets and JavaScript read the inks as CSS variables, which
`css_variables` writes; figures and bqplot read the constants; viewers and figures make lookup tables of `COLORMAPS`.
Colours mean something: an event type keeps its colour everywhere, and orange is what the model predicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

INK = "#1f2933"
MUTED = "#5d6875"
FAINT = "#d9dee4"
PAPER = "#ffffff"
NIGHT = "#000000"
DATA = "#4a5568"
SIGNAL = "#8390a0"  # measured values, on white and on near-black alike
RULE = "#a4adb7"  # a zero, a diagonal
FIT = "#e07b1a"
GOOD, BAD = "#2f8f46", "#c0322b"
PICKED = "#4b3ca5"
ACCENT = "#5fc4c0"
ALERT = "#b45309"
ALERT_ON_DARK = "#fbbf24"
INK_ON_DARK = "#f3f5f7"


class Ink(NamedTuple):
    """A colour of the page.

    Attributes
    ----------
    light : str
        On a light page, ``#rrggbb`` or ``#rrggbbaa``.
    dark : str
        On a dark one; empty if it is the same.
    jupyter : str
        JupyterLab's variable that is followed where there is one.
    """

    light: str
    dark: str = ""
    jupyter: str = ""


#: What style sheets and JavaScript call ``--glmw-<name>``. Those of maps lie on near-black in every theme.
INKS: dict[str, Ink] = {
    "ink": Ink(INK, jupyter="--jp-ui-font-color1"),
    "muted": Ink(MUTED, "#a9b2bb"),
    "line": Ink(FAINT, jupyter="--jp-border-color2"),
    "panel": Ink(PAPER, jupyter="--jp-layout-color1"),
    "ground": Ink(PAPER, jupyter="--jp-layout-color0"),
    "focus": Ink("#1976d2", "#64b5f6"),
    "accent": Ink("#0b7a8a", "#4cc4d1"),
    "warn": Ink(ALERT, "#f2b04a"),
    "bad": Ink(BAD, "#ff8177"),
    "good": Ink("#2a7f3e", "#62c878"),
    "fit": Ink("#c2620d"),  # orange that is read as text
    "wash": Ink("#f6f7f9"),
    "found": Ink("#fdf8f1"),
    "map-ground": Ink("#08090b"),
    "map-words": Ink("#aab1b8"),
    "map-value": Ink("#f1f3f5"),
    "map-empty": Ink(NIGHT),
    "map-text": Ink("#d5dade"),
    "map-quiet": Ink("#868e96"),
    "map-plate": Ink("#0000008c"),
    "map-cross": Ink("#5ed6ccd9"),
    "map-bar": Ink("#2c2e32"),  # where nothing survives
    "map-flash": Ink("#ffffff"),
    "map-outline": Ink("#ffffff"),
    "map-shadow": Ink("#00000073"),
    "map-contour": Ink("#8cff66"),  # of another map
    "map-region": Ink("#ff8cf5"),  # of interest
    "map-mask": Ink("#ffd666bf"),
    "map-silhouette": Ink("#70777e"),
}

# The first two and a search for the largest distance in CIELAB of the first 3, 4, 6, 8 and 12, as seen by normal and by
# deuteranopic, protanopic and tritanopic eyes (simulated after Machado, Oliveira & Fernandes 2009), at a lightness that
# can be seen on white and on near-black, and not near the orange of what is predicted.
EVENT_COLOURS = (
    *("#2e86ab", "#d1495b", "#f0c33c", "#00e1d2", "#4b3ca5", "#a587ff"),
    *("#871e5a", "#967800", "#a5d278", "#4b4b00", "#ff87a5", "#d2a5f0"),
)

#: Columns of a design that are drawn as lines, confounds among them, and places that were pinned; found likewise.
COLUMN_COLOURS = ("#2e86ab", "#d1495b", "#e1b42d", "#4b3ca5", "#a587ff", "#877800", "#00d2c3", "#872d5a")

#: Lines of the series beside measured values and fit.
RESIDUAL, CONTRAST, REDUCED = "#784b2d", "#2dd287", "#d287ff"

#: The second curve or handle of a response, between the orange of its first and the grey of its third.
SECOND = "#3b7dd8"


def colour_of(condition: object, conditions: Iterable[object]) -> str:
    """Colour of an event type, the same in every figure and panel.

    Parameters
    ----------
    condition : str
        The event type asked for.
    conditions : iterable of str
        All event types of the analysis, in any order, those switched off too: a type's colour is its rank among the
        sorted names.

    Returns
    -------
    str
        Hexadecimal colour. From the 13th type on the colours come round again; names stand beside them everywhere.

    Raises
    ------
    ValueError
        If `condition` is none of `conditions`.

    Examples
    --------
    >>> colour_of("face", ["house", "face"]) == EVENT_COLOURS[0]
    True
    """
    names = sorted({str(name) for name in conditions})
    if str(condition) not in names:
        raise ValueError(f"event type {str(condition)!r} is none of: {', '.join(names)}")
    return EVENT_COLOURS[names.index(str(condition)) % len(EVENT_COLOURS)]


def css_variables() -> str:
    """Style sheet that declares every row of `INKS`, for light and for dark pages of JupyterLab and marimo.

    marimo shows each widget in a shadow tree, which ``:root`` does not reach.

    Examples
    --------
    >>> "--glmw-warn: #b45309;" in css_variables()
    True
    """
    light = (
        f"--glmw-{name}: {f'var({ink.jupyter}, {ink.light})' if ink.jupyter else ink.light};"
        for name, ink in INKS.items()
    )
    dark = (f"--glmw-{name}: {ink.dark};" for name, ink in INKS.items() if ink.dark)
    light, dark = " ".join(light), " ".join(dark)
    themes = (f'[data-jp-theme-light="false"] {{ {dark} }}', f":host-context(.dark) {{ {dark} }}")
    return "\n".join([f":root, :host {{ {light} }}", *themes, ""])


#: Grey level of a small map's brain, on which all colours of a map are seen.
BRAIN = 92

# Anchor colours of each map, from a value of zero to ``vmax``. A diverging map has one ramp for each sign; a
# sequential one runs from low to high, and covers -vmax to vmax when both signs are shown. Lightness rises with
# |value| in every ramp, so that a map still reads in grey. viridis and cividis: van der Walt & Smith 2015,
# Nuñez et al. 2018, sampled at equal steps.
COLORMAPS: dict[str, dict[str, list[str]]] = {
    # No colour of one sign can be taken for a colour of the other by colour-blind eyes.
    "warm-cold": {
        "positive": ["#9c2a1c", "#cc4420", "#ee7628", "#fbb34c", "#ffe9a0"],
        "negative": ["#1c4a96", "#2a70bd", "#369fd0", "#77cfe0", "#c9f0fa"],
    },
    "orange-purple": {
        "positive": ["#8a4a08", "#b96a10", "#e08c22", "#f6b44e", "#ffe3a0"],
        "negative": ["#4b3a97", "#6a58b4", "#8f80cc", "#b9afe2", "#ebe6fb"],
    },
    "viridis": {
        "sequential": [
            *("#440154", "#482878", "#3e4989", "#31688e", "#26828e"),
            *("#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"),
        ]
    },
    "cividis": {
        "sequential": [
            *("#00224e", "#123570", "#3b496c", "#575d6d", "#707173"),
            *("#8a8678", "#a59c74", "#c3b369", "#e1cc55", "#fee838"),
        ]
    },
    "grey": {"sequential": ["#3a3a3a", "#f5f5f5"]},
}

# Design matrices and correlations, from low to high on a light ground; a correlation of none is nearly white.
MATRICES = {
    "grey": ["#ffffff", "#141414"],
    "diverging": ["#2580c3", "#fafafa", "#e2551b"],
}

# Colour maps that scripts of the field name, and matplotlib does not have: colours by their CSS names from low to high.
_HOT, _COLD = ("black", "red", "yellow", "white"), ("white", "cyan", "blue", "black")
FIELD_COLORMAPS: dict[str, tuple[str, ...]] = {
    "cold_hot": (*_COLD, *_HOT[1:]),
    "cold_white_hot": ("navy", "blue", "cyan", "white", "yellow", "red", "maroon"),
    "ocean_hot": ("white", "aquamarine", "seagreen", "midnightblue", *_HOT),
    "hot_white_bone": (*_HOT, "lightsteelblue", "slategrey", "black"),
    "hot_black_bone": (*_HOT[::-1], "slategrey", "lightsteelblue", "white"),
    "roy_big_bl": ("aquamarine", "lime", "blue", "indigo", "black", "red", "orange", "yellow"),
    "videen_style": ("cyan", "blue", "indigo", "black", "green", "yellow", "orange", "red", "white"),
    **{
        f"{low}_{high}": ({"copper": "peru"}.get(low, low), "black", {"copper": "peru"}.get(high, high))
        for low, high in (
            *(("brown", "blue"), ("cyan", "copper"), ("cyan", "orange"), ("blue", "red"), ("brown", "cyan")),
            *(("purple", "green"), ("purple", "blue"), ("blue", "orange")),
        )
    },
    **{f"black_{colour}": ("black", colour) for colour in ("blue", "purple", "pink", "green", "red")},
}

SEQUENTIAL = tuple(name for name, colours in COLORMAPS.items() if "sequential" in colours)

_RAMP = 256  # colours of one sign


def ramp(anchors: Sequence[str], n: int = _RAMP) -> np.ndarray:
    """Interpolate hexadecimal colours linearly to a table.

    Parameters
    ----------
    anchors : sequence of str
        At least two colours ``#rrggbb``, equally spaced.
    n : int
        Number of rows.

    Returns
    -------
    table : uint8 array (n, 3)

    Examples
    --------
    >>> ramp(["#000000", "#ffffff"], 3).tolist()
    [[0, 0, 0], [128, 128, 128], [255, 255, 255]]
    """
    rgb = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in anchors], dtype=float)
    at = np.linspace(0, len(rgb) - 1, n)
    return np.stack([np.interp(at, np.arange(len(rgb)), channel) for channel in rgb.T], axis=1).round().astype(np.uint8)


def lookup_table(name: str, two_sided: bool) -> np.ndarray:
    """Colours by sign and size of the statistic.

    Parameters
    ----------
    name : str
        A row of `COLORMAPS`.
    two_sided : bool
        Whether both signs are on screen. A sequential map then runs from -vmax to vmax; otherwise its whole
        range is spent on the sign that is shown.

    Returns
    -------
    table : uint8 array (2, 256, 3)
        ``table[0, k]`` is the colour of ``-vmax * k / 255`` and ``table[1, k]`` that of ``vmax * k / 255``.

    Examples
    --------
    >>> lookup_table("grey", two_sided=True)[:, [0, -1], 0].tolist()
    [[151, 58], [152, 245]]
    """
    colours = COLORMAPS[name]
    if "sequential" not in colours:
        return np.stack([ramp(colours["negative"]), ramp(colours["positive"])])
    if not two_sided:
        return np.stack([ramp(colours["sequential"])] * 2)
    whole = ramp(colours["sequential"], 2 * _RAMP)
    return np.stack([whole[_RAMP - 1 :: -1], whole[_RAMP:]])


def matrix_table(name: str) -> np.ndarray:
    """Colours of a matrix from its lowest to its highest value.

    Parameters
    ----------
    name : {"grey", "diverging"}

    Returns
    -------
    table : uint8 array (256, 3)

    Examples
    --------
    >>> matrix_table("diverging")[[0, 255]].tolist()
    [[37, 128, 195], [226, 85, 27]]
    """
    return ramp(MATRICES[name])
