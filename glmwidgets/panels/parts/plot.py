"""bqplot figures in the house's look."""

from __future__ import annotations

from typing import Any

import bqplot as bq
import numpy as np

from glmwidgets.panels.parts.late_pages import Told

# bqplot cannot choose a format for an axis whose data have not come yet.
PLAIN = "~g"

Mark, Scale = bq.Mark, bq.Scale


class Figure(Told, bq.Figure):
    """Marks and axes."""


class Axis(Told, bq.Axis):
    """An axis."""


class LinearScale(Told, bq.LinearScale):
    """Numbers to pixels."""


class Lines(Told, bq.Lines):
    """Lines through points."""


class Scatter(Told, bq.Scatter):
    """Points."""


class Label(Told, bq.Label):
    """Words in a plot."""


class Tooltip(Told, bq.Tooltip):
    """What is said of a point under the pointer."""


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


def time_axis(scale: Scale, label: str = "", **traits: Any) -> Axis:
    """Horizontal axis in seconds."""
    return Axis(scale=scale, label=label, grid_lines="none", tick_format=PLAIN, **traits)


def value_axis(scale: Scale, **traits: Any) -> Axis:
    """Vertical axis with quiet lines across the plot."""
    return Axis(scale=scale, side="left", grid_lines="solid", tick_format=PLAIN, **traits)


def figure(marks: list[Mark], axes: list[Axis], height: int, **margins: int) -> Figure:
    """A figure as wide as its panel.

    Parameters
    ----------
    marks, axes : list
    height : int
        Pixels.
    **margins : int
        top, bottom, left, right; in pixels.
    """
    return Figure(
        marks=marks,
        axes=axes,
        fig_margin={"top": 6, "bottom": 24, "left": 40, "right": 8, **margins},
        layout={"height": f"{height}px", "width": "100%", "min_width": "0", "min_height": "0"},
        background_style={"fill": "transparent"},
        display_toolbar=False,
        animation_duration=0,
        auto_layout=False,
    )
