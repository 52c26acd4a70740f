"""bqplot figures in the house's look."""

from __future__ import annotations

from typing import Any

import bqplot as bq
import numpy as np

__all__ = ["figure", "nice_ticks", "time_axis", "value_axis"]

# bqplot cannot choose a format for an axis whose data have not come yet.
PLAIN = "~g"


def nice_ticks(low: float, high: float, most: int) -> np.ndarray:
    """Round values between two bounds, at most so many: for axes too short for those that d3 would choose.

    Examples
    --------
    >>> nice_ticks(0, 312, 5)
    array([  0., 100., 200., 300.])
    """
    rough = (high - low) / most
    step = 10.0 ** np.floor(np.log10(rough))
    step *= next(factor for factor in (1, 2, 5, 10) if factor * step >= rough)
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step


def time_axis(scale: bq.Scale, label: str = "", **traits: Any) -> bq.Axis:
    """Horizontal axis in seconds."""
    return bq.Axis(scale=scale, label=label, grid_lines="none", tick_format=PLAIN, **traits)


def value_axis(scale: bq.Scale, **traits: Any) -> bq.Axis:
    """Vertical axis with quiet lines across the plot."""
    return bq.Axis(scale=scale, side="left", grid_lines="solid", tick_format=PLAIN, **traits)


def figure(marks: list[bq.Mark], axes: list[bq.Axis], height: int, **margins: int) -> bq.Figure:
    """A figure as wide as its panel.

    Parameters
    ----------
    marks, axes : list
    height : int
        Pixels.
    **margins : int
        top, bottom, left, right; in pixels.
    """
    return bq.Figure(
        marks=marks,
        axes=axes,
        fig_margin={"top": 6, "bottom": 24, "left": 40, "right": 8, **margins},
        layout={"height": f"{height}px", "width": "100%", "min_width": "0", "min_height": "0"},
        background_style={"fill": "transparent"},
        display_toolbar=False,
        animation_duration=0,
        auto_layout=False,
    )
