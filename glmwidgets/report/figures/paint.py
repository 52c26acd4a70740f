"""What is painted on one panel: background, overlay, outline, the letters of the sides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patheffects import withStroke

from glmwidgets.report.figures.cuts import Plane, sample_plane
from glmwidgets.report.figures.layout import Sheet
from glmwidgets.report.figures.scale import Scale
from glmwidgets.report.figures.volumes import Volume, head
from glmwidgets.web.palettes import PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray


# Brightest tissue is left below white, so that the statistic's palest colours stand out.
DIMMED = float(np.log2(1.15))


def grey_limits(background: Volume | None, dim: float | str | bool = "auto") -> tuple[float, float]:
    """Values of a background that are drawn black and white: its extreme per cents, from 0 unless some are negative.

    `dim` darkens it: each 1 halves the brightness, -1 doubles it.
    """
    if background is None:
        return 0.0, 1.0
    lit = background.data[np.isfinite(background.data) & (background.data != 0)]
    low, high = (float(limit) for limit in np.percentile(lit, (1, 99))) if lit.size else (0.0, 1.0)
    low = min(low, 0.0)
    span = high - low if high > low else 1.0
    return low, low + span * 2 ** (DIMMED if dim == "auto" else float(dim))


def draw_background(
    panel: Axes,
    plane: Plane,
    grid: Volume,
    background: Volume,
    grey: tuple[float, float],
    ground: str,
    cmap: str | Colormap = "gray",
) -> None:
    """Paint what lies under a cut, in grey."""
    values = sample_plane(background, grid, plane)
    opacity = None
    if ground == PAPER:
        # On paper the air around the head is left white.
        opacity = sample_plane(background._replace(data=head(background.data)), grid, plane)
    panel.imshow(
        np.nan_to_num(values),
        cmap=cmap,
        vmin=grey[0],
        vmax=grey[1],
        alpha=opacity,
        origin="lower",
        extent=plane.extent,
        interpolation="nearest",
        aspect="equal",
    )


def draw_overlay(
    panel: Axes, plane: Plane, values: NDArray[np.floating], scale: Scale, opacity: NDArray[np.float64]
) -> None:
    """Paint the values on a cut in the scale's colours."""
    panel.imshow(
        values,
        cmap=scale.cmap,
        norm=scale.norm,
        alpha=opacity,
        origin="lower",
        extent=plane.extent,
        interpolation="nearest",
        aspect="equal",
    )


def draw_outline(panel: Axes, plane: Plane, inside: NDArray[np.bool_], colour: str, width: float = 0.8) -> None:
    """Draw the border of a region on a cut, along the edges of its voxels."""
    left, right, bottom, top = plane.extent
    rows, columns = inside.shape
    x = np.linspace(left, right, columns + 1)
    y = np.linspace(bottom, top, rows + 1)
    padded = np.pad(inside, 1)
    row, column = np.nonzero(padded[1:-1, 1:] != padded[1:-1, :-1])
    upright = np.stack([np.stack([x[column], y[row]], -1), np.stack([x[column], y[row + 1]], -1)], 1)
    row, column = np.nonzero(padded[1:, 1:-1] != padded[:-1, 1:-1])
    level = np.stack([np.stack([x[column], y[row]], -1), np.stack([x[column + 1], y[row]], -1)], 1)
    edges = LineCollection(np.concatenate([upright, level]), colors=colour, linewidths=width, capstyle="round")
    panel.add_collection(edges, autolim=False)


def mark_sides(panel: Axes, sheet: Sheet, mirrored: bool, known: bool = True, size: float = 8) -> None:
    """Write L and R beside a brain, with a question mark where its header does not say which is which."""
    halo = [withStroke(linewidth=2, foreground=sheet.ground, alpha=0.7)]
    for place, side, align in ((0.02, "LR"[mirrored], "left"), (0.98, "RL"[mirrored], "right")):
        panel.text(
            place,
            0.98,
            side if known else f"{side}?",
            transform=panel.transAxes,
            fontsize=size,
            color=sheet.ink,
            va="top",
            ha=align,
            path_effects=halo,
            snap=False,  # snapped to pixels, an L loses its foot
        )
