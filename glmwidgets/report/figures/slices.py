"""Slices through a volume, drawn in mm: background, what is painted on it, crosshair and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.inference.digits import digits_of
from glmwidgets.images.resample import INTERPOLATIONS
from glmwidgets.report.figures.cuts import Cuts, sample_plane
from glmwidgets.report.figures.display import Display, Panel
from glmwidgets.report.figures.layout import open_sheet
from glmwidgets.report.figures.paint import draw_background, grey_limits, mark_sides
from glmwidgets.report.figures.style import write_mm
from glmwidgets.report.figures.volumes import Volume
from glmwidgets.web.palettes import ACCENT, NIGHT, PAPER

if TYPE_CHECKING:
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray

    from glmwidgets.report.figures.canvas import AxesLike, FigureLike
    from glmwidgets.report.figures.scale import Scale

FINER = 4  # pixels to a voxel's edge, where something is drawn between the centres of voxels


@dataclass(frozen=True)
class SliceLook:
    """How slices look, whatever is on them; see `glmwidgets.report.figures.maps.plot_stat_map`."""

    title: str | None = None
    annotate: bool = True
    draw_cross: bool = True
    black_bg: bool = True
    radiological: bool = False
    dim: float | str | bool = "auto"
    decimals: int | bool = False
    figure: FigureLike | None = None
    axes: AxesLike | None = None
    vmin: float | None = None
    vmax: float | None = None
    cmap: str | Colormap = "gray"


def draw_slices(
    cuts: Cuts,
    grid: Volume,
    background: Volume | None,
    look: SliceLook,
    scale: Scale | None = None,
    note: str = "",
    interpolation: str = "nearest",
) -> Display:
    """Lay out the panels of some cuts and draw what lies under a map.

    Parameters
    ----------
    cuts : Cuts
    grid : Volume
        Whose voxels the cuts follow.
    background : Volume, optional
    look : SliceLook
    scale : Scale, optional
        Draws its colour bar.
    note : str
        Sentence below the panels.
    interpolation : str
        A key of `glmwidgets.images.resample.INTERPOLATIONS`: between the voxels of what is painted later.

    Returns
    -------
    Display
    """
    digits = digits_of(abs(np.linalg.det(grid.affine[:3, :3]))).place if look.decimals is False else int(look.decimals)
    names = [[f"{'xyz'[p.axis]} = {write_mm(p.coordinate, digits)} mm" for p in row] for row in cuts.rows]
    views = [[plane.view for plane in row] for row in cuts.rows]
    sheet = open_sheet(
        [[(right - left, top - bottom) for left, right, bottom, top in row] for row in views],
        figure=look.figure,
        axes=look.axes,
        ground=NIGHT if look.black_bg else PAPER,
        scale=scale,
        title=look.title,
        note=note,
        labels=names if look.annotate else None,
    )
    panels = [
        Panel(axes, plane, "xyz"[plane.axis], name)
        for line in zip(sheet.panels, cuts.rows, names, strict=True)
        for axes, plane, name in zip(*line, strict=True)
    ]
    grey = grey_limits(background, look.dim)
    grey = (grey[0] if look.vmin is None else look.vmin, grey[1] if look.vmax is None else look.vmax)
    for panel in panels:
        if background is not None:
            draw_background(panel.axes, panel.plane, grid, background, grey, sheet.ground, look.cmap)
        left, right, bottom, top = panel.plane.view
        mirrored = look.radiological and panel.plane.axis != 0
        panel.axes.set(xlim=(right, left) if mirrored else (left, right), ylim=(bottom, top), aspect="equal")
        if look.annotate and panel.plane.axis != 0:
            mark_sides(panel.axes, sheet, mirrored, grid.sides_known)
    spline = INTERPOLATIONS[interpolation]

    def values_on(volume: Volume, panel: Panel, order: int) -> NDArray:
        finer = FINER if spline and order == 0 else 1
        return sample_plane(volume, grid, panel.plane, max(order, spline), finer)

    def near(points: NDArray, panel: Panel) -> NDArray[np.bool_]:
        axis = panel.plane.axis
        return np.abs(points[:, axis] - panel.plane.coordinate) <= grid.zooms[axis] / 2

    display = Display(sheet, panels, values_on, near, grid.sides_known, cuts.crosshair)
    if look.draw_cross:
        display.draw_cross(color=ACCENT, alpha=0.8, zorder=3)
    return display


def is_dark(black_bg: bool | str, background: Volume | None) -> bool:
    """Whether slices lie on black; for ``"auto"`` where the surroundings of their background are dark."""
    if black_bg != "auto":
        return bool(black_bg)
    if background is None:
        return False
    faces = [background.data.take(place, axis=axis).ravel() for axis in range(3) for place in (0, -1)]
    low, high = grey_limits(background, 0)
    return bool(np.nanmedian(np.concatenate(faces)) < (low + high) / 2)
