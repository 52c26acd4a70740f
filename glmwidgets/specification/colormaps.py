"""Colour maps of statistics, for viewers and figures: one table of anchor colours, and lookup tables made from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["COLORMAPS", "SEQUENTIAL", "lookup_table", "ramp"]

# Anchor colours of each map, from a value of zero to ``vmax``. A diverging map has one ramp for each sign; a
# sequential one runs from low to high, and covers -vmax to vmax when both signs are shown. Lightness rises with
# |value| in every ramp, so that a map still reads in grey. viridis and cividis: van der Walt & Smith 2015,
# Nuñez et al. 2018, sampled at equal steps.
COLORMAPS: dict[str, dict[str, list[str]]] = {
    # No colour of one sign can be taken for a colour of the other by colour-blind eyes.
    "warm-cold": {
        "positive": ["#9c2a1c", "#cc4420", "#ee7628", "#fbb34c", "#fff2b0"],
        "negative": ["#1c4a96", "#2a70bd", "#369fd0", "#77cfe0", "#e2f8fb"],
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
