"""The look of every figure and panel: inks, event colours, how a number is written.

Plain values without matplotlib, so that panels can read them too. Colours mean something: an event type keeps its
colour everywhere, and orange is what the model predicts. Those of maps are in `glmwidgets.specification.colormaps`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

__all__ = ["EVENT_COLOURS", "colour_of", "write_mm", "write_number"]

INK = "#1f2933"
MUTED = "#6b7785"
FAINT = "#d9dee4"
PAPER = "#ffffff"
NIGHT = "#000000"
DATA = "#4a5568"
FIT = "#e07b1a"
ACCENT = "#5fc4c0"
ALERT = "#b45309"
ALERT_ON_DARK = "#fbbf24"

# Chosen by a greedy search for the largest distance in CIELAB, as seen by normal, deuteranopic and protanopic eyes
# (simulated after Machado, Oliveira & Fernandes 2009), at a lightness that can be read on white and on near-black.
EVENT_COLOURS = (
    "#2e86ab",
    "#d1495b",
    "#dcbd62",
    "#34d8b5",
    "#bbaaff",
    "#8e5611",
    "#8c496a",
    "#3e5ba9",
    "#a1c98b",
    "#45cbdb",
    "#066d3a",
    "#649886",
)


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


def write_number(value: float) -> str:
    """Write a value as figures and tables show it: three digits that matter, a true minus sign.

    Parameters
    ----------
    value : float

    Returns
    -------
    str

    Examples
    --------
    >>> [write_number(value) for value in (3.1, 12.345, 2080, 0, 0.0042)]
    ['3.10', '12.3', '2080', '0', '0.0042']
    >>> write_number(-7.29)
    '−7.29'
    """
    size = abs(value)
    if size == 0 or not np.isfinite(value):
        text = f"{value:.0f}"
    elif size >= 99.95:
        text = f"{value:.0f}" if size < 1e6 else f"{value:.3g}"
    elif size >= 9.995:
        text = f"{value:.1f}"
    elif size >= 0.1:
        text = f"{value:.2f}"
    else:
        text = f"{value:.2g}"
    return text.replace("-", "\N{MINUS SIGN}")


def write_mm(value: float, digits: int = 0) -> str:
    """Write a position in mm with a true minus sign.

    Parameters
    ----------
    value : float
    digits : int
        After the point; see `glmwidgets.glm.inference.digits.digits_of`.

    Returns
    -------
    str

    Examples
    --------
    >>> write_mm(42.3), write_mm(-0.2)
    ('42', '0')
    """
    return f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")
