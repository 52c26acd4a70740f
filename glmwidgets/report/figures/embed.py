"""Figures as text that a page can hold: nothing is fetched from anywhere."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from io import BytesIO
from typing import Any


@dataclass(frozen=True)
class Picture:
    """A figure in a page.

    Attributes
    ----------
    src : str
        Data URI.
    alt : str
        What it shows, for those who cannot see it.
    width : int
        Natural width in CSS pixels.
    caption : str
    """

    src: str
    alt: str
    width: int
    caption: str = ""


def picture(drawn: Any, alt: str, caption: str = "", *, vector: bool = False) -> Picture:
    """Turn a figure into a picture.

    Parameters
    ----------
    drawn : matplotlib.figure.Figure, or what has one
    alt : str
    caption : str
    vector : bool
        SVG, for lines and text; otherwise PNG, for images.

    Returns
    -------
    Picture

    Examples
    --------
    >>> from glmwidgets.report import plot_hrf
    >>> found = picture(plot_hrf("spm"), "response of the SPM", vector=True)
    >>> found.src[:18], found.alt
    ('data:image/svg+xml', 'response of the SPM')
    """
    import matplotlib as mpl

    figure = drawn.figure
    kind, options = ("svg", {"metadata": {"Date": None}}) if vector else ("png", {"dpi": 144})
    with BytesIO() as buffer, mpl.rc_context({"svg.hashsalt": "glmwidgets"}):
        figure.savefig(buffer, format=kind, facecolor=figure.get_facecolor(), **options)
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
    media = "image/svg+xml" if vector else "image/png"
    return Picture(f"data:{media};base64,{data}", alt, round(figure.get_size_inches()[0] * 96), caption)
