"""What a brain plot returns: the figure, its panels, and what can still be drawn on them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from matplotlib.colors import ListedColormap
from scipy import ndimage

from glmwidgets.report.figures.canvas import PaperFigure, plain
from glmwidgets.report.figures.paint import draw_outline, draw_overlay, mark_sides
from glmwidgets.report.figures.scale import Scale, colormap, draw_colorbar, height_of, make_scale
from glmwidgets.report.figures.volumes import Volume, as_map, as_volume
from glmwidgets.web.palettes import PAPER

if TYPE_CHECKING:
    import os

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import FigureBase
    from numpy.typing import ArrayLike, NDArray

    from glmwidgets.report.figures.cuts import Plane
    from glmwidgets.report.figures.layout import Sheet
    from glmwidgets.report.figures.volumes import Image


class Panel(NamedTuple):
    """One panel of a brain plot.

    Attributes
    ----------
    axes : matplotlib.axes.Axes
        In mm.
    plane : Plane
        The cut, or for a projection the middle of what it looks through.
    name : str
        ``"x"``, ``"y"`` or ``"z"``; of projections also ``"l"`` and ``"r"``.
    label : str
        What is written below it.
    """

    axes: Axes
    plane: Plane
    name: str
    label: str


class Display:
    """A brain plot: its figure, its panels, and what is drawn on them afterwards.

    Parameters
    ----------
    sheet : Sheet
    panels : list of Panel
    look : callable
        ``look(volume, panel, order)``: values of a volume as a panel shows them, its lowest row first.
    near : callable
        ``near(points, panel)``: which points (mm) a panel shows.
    sides_known : bool
        Whether the image says which side is left.
    crosshair : array of shape (3,), optional
        Where orthogonal cuts meet, in mm.

    Examples
    --------
    >>> import nibabel as nib
    >>> from glmwidgets.report import plot_stat_map
    >>> stat = nib.Nifti1Image(np.pad(np.full((3, 3, 3), 5.0), 3), np.diag([3, 3, 3, 1]))
    >>> display = plot_stat_map(stat, display_mode="z", cut_coords=[12, 15])
    >>> display.add_markers([(12, 12, 12)], marker_color="lime", marker_size=60)
    >>> display.add_contours(stat, levels=[2.5], colors="white")
    >>> sorted(display.axes)
    [12.0, 15.0]
    >>> display.close()
    """

    def __init__(
        self,
        sheet: Sheet,
        panels: list[Panel],
        look: Callable[[Volume, Panel, int], NDArray],
        near: Callable[[NDArray, Panel], NDArray[np.bool_]],
        sides_known: bool = True,
        crosshair: NDArray | None = None,
    ):
        self.panels, self._sheet, self._look, self._near = panels, sheet, look, near
        self._sides_known, self._crosshair = sides_known, crosshair

    @property
    def figure(self) -> FigureBase:
        """The figure that it is part of."""
        return self._sheet.figure

    @property
    def frame_axes(self) -> Axes:
        """The axes that hold all panels."""
        return self._sheet.axes

    @property
    def axes(self) -> dict[str | float, Axes]:
        """Axes of the panels, in mm, by the name of the direction, or of several cuts in one by their place in mm."""
        names = [panel.name for panel in self.panels]
        directions = set(names)
        if len(directions) == len(names) > 1:
            return {panel.name: panel.axes for panel in self.panels}
        if len(directions) == 1:
            return {panel.plane.coordinate: panel.axes for panel in self.panels}
        return {f"{panel.name} = {panel.plane.coordinate:g}": panel.axes for panel in self.panels}

    def __repr__(self) -> str:
        return f"Display({', '.join(panel.label for panel in self.panels)})"

    def _repr_png_(self) -> bytes | None:
        # A figure of pyplot's is shown by the notebook itself.
        return self.figure._repr_png_() if isinstance(self.figure, PaperFigure) else None

    # What can be added ------------------------------------------------------------------------------------------------

    def add_overlay(
        self,
        img: Image,
        threshold: float | str | None = 1e-6,
        colorbar: bool = False,
        cbar_tick_format: str | None = None,
        cbar_vmin: float | None = None,
        cbar_vmax: float | None = None,
        transparency: float | Image | None = None,
        transparency_range: tuple[float, float] | None = None,
        *,
        cmap: str | Colormap | None = None,
        alpha: float = 1.0,
        vmin: float | None = None,
        vmax: float | None = None,
        two_sided: bool = True,
    ) -> None:
        """Lay another map over what is there.

        Parameters
        ----------
        img : image or path
            3-D, on any grid.
        threshold : float, str or None
            As in `plot_stat_map`.
        colorbar : bool
            Draw its colour bar beside the panels.
        cbar_tick_format : str, optional
            As in `plot_stat_map`.
        cbar_vmin, cbar_vmax : float, optional
            Ends of the bar, where they are not those of the colours.
        transparency, transparency_range : optional
            As in `plot_stat_map`.
        cmap, vmin, vmax, two_sided : optional
            As in `plot_stat_map`.
        alpha : float
            Opacity.

        Raises
        ------
        ValueError
            If an image is not one 3-D volume, or threshold and colours contradict each other.
        """
        volume = as_map(img, "img")
        scale = make_scale(
            volume.data,
            threshold=height_of(threshold, volume.data),
            vmin=vmin,
            vmax=vmax,
            two_sided=two_sided,
            cmap=cmap,
            on_dark=self._sheet.ground != PAPER,
            tick_format=cbar_tick_format,
        )
        veil = opacity_image(transparency, transparency_range)
        self.paint(
            volume, scale, veil._replace(data=alpha * veil.data) if isinstance(veil, Volume) else alpha * veil, 1
        )
        if colorbar:
            self._add_bar(
                replace(
                    scale,
                    vmin=scale.vmin if cbar_vmin is None else cbar_vmin,
                    vmax=scale.vmax if cbar_vmax is None else cbar_vmax,
                )
            )

    def paint(self, volume: Volume, scale: Scale, opacity: float | Volume = 1.0, order: int = 0) -> None:
        """Paint a volume in the colours of a scale on every panel."""
        for panel in self.panels:
            values = self._look(volume, panel, order)
            alpha = scale.opacity(values)
            if isinstance(opacity, Volume):
                alpha = alpha * _fitted(self._look(opacity, panel, 1), alpha.shape)
            else:
                alpha = alpha * opacity
            draw_overlay(panel.axes, panel.plane, values, scale, alpha)

    def outline(
        self,
        volume: Volume,
        inside: Callable[[NDArray], NDArray[np.bool_]],
        colour: Any = None,
        width: float = 0.8,
    ) -> None:
        """Draw the border of where `inside` holds for the values of a volume, along its voxels."""
        for panel in self.panels:
            there = inside(self._look(volume, panel, 0))
            draw_outline(panel.axes, panel.plane, there, colour or self._sheet.ink, width)

    def add_contours(
        self,
        img: Image,
        threshold: float | None = 1e-6,
        filled: bool = False,
        *,
        levels: ArrayLike | None = None,
        **options: Any,
    ) -> None:
        """Draw lines of equal value.

        Parameters
        ----------
        img : image or path
            3-D, on any grid.
        threshold : float, optional
            Sizes that are not above it count as 0.
        filled : bool
            Fill between the levels.
        levels : sequence of float, optional
            In rising order. By default the threshold; of a mask, its border.
        **options
            Of matplotlib: ``colors``, ``cmap``, ``linewidths``, ``alpha``, ``linestyles``.
        """
        volume = as_map(img, "img")
        data = np.nan_to_num(volume.data)
        data = np.where(np.abs(data) > (threshold or 0), data, 0)
        volume = volume._replace(data=data.astype(np.float32))
        if levels is None:
            values = np.unique(data[data != 0])
            levels = [values[0] / 2 if values.size == 1 else float(threshold or 1e-6)]
            levels += [np.inf] if filled else []
        if "cmap" in options:
            options["cmap"] = colormap(options["cmap"])
        elif "colors" not in options:
            options["colors"] = [self._sheet.ink]
        for panel in self.panels:
            values = self._look(volume, panel, 1)
            left, right, bottom, top = panel.plane.extent
            rows, columns = values.shape
            x = left + (np.arange(columns) + 0.5) * (right - left) / columns
            y = bottom + (np.arange(rows) + 0.5) * (top - bottom) / rows
            if min(rows, columns) < 2 or not values.any():
                continue
            draw = panel.axes.contourf if filled else panel.axes.contour
            limits = panel.axes.get_xlim(), panel.axes.get_ylim()
            ends = np.clip(np.sort(np.asarray(levels, dtype=float)), None, float(values.max()) + 1)
            draw(x, y, values, levels=np.unique(ends), **options)
            panel.axes.set(xlim=limits[0], ylim=limits[1])

    def add_edges(self, img: Image, color: str = "r") -> None:
        """Draw the edges of an anatomical image, to see whether it lies where the other does.

        Parameters
        ----------
        img : image or path
            3-D, on any grid.
        color : str
        """
        volume = as_volume(img, "img")
        paint = ListedColormap([color])
        for panel in self.panels:
            edges = _edges(np.nan_to_num(self._look(volume, panel, 1)))
            scale = make_scale(edges, cmap=paint)
            draw_overlay(panel.axes, panel.plane, edges, scale, edges)

    def add_markers(
        self, marker_coords: ArrayLike, marker_color: Any = "r", marker_size: float | ArrayLike = 30, **options: Any
    ) -> None:
        """Mark points on the slices that they lie in, or on every projection.

        Parameters
        ----------
        marker_coords : array-like, shape (n, 3)
            In mm.
        marker_color : colour, or one for each point
        marker_size : float, or one for each point
            Square points, as of `matplotlib.axes.Axes.scatter`.
        **options
            Of `matplotlib.axes.Axes.scatter`: ``marker``, ``edgecolors``, ``alpha``, ...

        Raises
        ------
        ValueError
            If the points have not three coordinates, or there are more or fewer colours or sizes.
        """
        points = np.atleast_2d(np.asarray(marker_coords, dtype=float))
        if points.shape[-1] != 3:
            raise ValueError(f"markers must be points in mm, shape (n, 3), not {points.shape}")
        hollow = isinstance(options.get("facecolors"), str) and options["facecolors"] == "none"
        each = {"edgecolors" if hollow else "color": marker_color, "s": marker_size}
        for name, given in each.items():
            if not isinstance(given, str | tuple | int | float) and len(given) != len(points):
                raise ValueError(f"there are {len(points)} markers and {len(given)} of {name}: give one, or one each")
        options.setdefault("zorder", 5)
        for panel in self.panels:
            near = self._near(points, panel)
            across, up = (axis for axis in range(3) if axis != panel.plane.axis)
            mine = {
                name: given
                if isinstance(given, str | tuple | int | float)
                else [g for g, n in zip(given, near, strict=True) if n]
                for name, given in each.items()
            }
            limits = panel.axes.get_xlim(), panel.axes.get_ylim()
            panel.axes.scatter(points[near, across], points[near, up], **{**mine, **options})
            panel.axes.set(xlim=limits[0], ylim=limits[1])

    def annotate(
        self,
        left_right: bool = True,
        positions: bool = True,
        scalebar: bool = False,
        size: float = 12,
        scale_size: float = 5.0,
        scale_units: str = "cm",
        **options: Any,
    ) -> None:
        """Write L and R, the places of the cuts, and a bar of known length into the panels.

        Parameters
        ----------
        left_right, positions, scalebar : bool
        size : float
            Of the letters, in points.
        scale_size : float
        scale_units : {"cm", "mm"}
        **options
            Of `matplotlib.axes.Axes.text`.
        """
        options.setdefault("color", self._sheet.ink)
        for panel in self.panels:
            left, right = panel.axes.get_xlim()
            if left_right and panel.plane.axis != 0:
                mark_sides(panel.axes, self._sheet, bool(left > right), self._sides_known, size)
            if positions:
                panel.axes.text(0.02, 0.02, panel.label, transform=panel.axes.transAxes, fontsize=size, **options)
            if scalebar:
                length = scale_size * {"cm": 10, "mm": 1}[scale_units] * np.sign(right - left)
                end, low = right - 0.04 * (right - left), panel.axes.get_ylim()[0] + 4
                panel.axes.plot([end - length, end], [low, low], color=options["color"], linewidth=2)
                text = f"{scale_size:g} {scale_units}"
                panel.axes.text(end - length / 2, low + 2, text, fontsize=0.7 * size, ha="center", **options)

    def draw_cross(self, cut_coords: ArrayLike | None = None, **options: Any) -> None:
        """Draw a cross through a point.

        Parameters
        ----------
        cut_coords : three floats, optional
            In mm; by default where orthogonal cuts meet.
        **options
            Of `matplotlib.axes.Axes.axvline`.
        """
        point = self._crosshair if cut_coords is None else np.asarray(cut_coords, dtype=float)
        if point is None:
            return
        options.setdefault("color", self._sheet.ink)
        options.setdefault("linewidth", 0.7)
        for panel in self.panels:
            across, up = (axis for axis in range(3) if axis != panel.plane.axis)
            panel.axes.axvline(point[across], **options)
            panel.axes.axhline(point[up], **options)

    def title(
        self,
        text: str,
        x: float = 0.01,
        y: float = 0.99,
        size: float = 15,
        color: str | None = None,
        bgcolor: str | None = None,
        alpha: float = 1,
        **options: Any,
    ) -> None:
        """Write a title over the panels.

        Parameters
        ----------
        text : str
        x, y : float
            Shares of the frame's width and height.
        size : float
            In points.
        color, bgcolor : str, optional
            Of letters and of what lies behind them.
        alpha : float
            Opacity of what lies behind.
        **options
            Of `matplotlib.axes.Axes.text`.
        """
        self.frame_axes.text(
            x,
            y,
            plain(text),
            transform=self.frame_axes.transAxes,
            fontsize=size,
            color=color or self._sheet.ink,
            va="top",
            zorder=10,
            bbox={"facecolor": bgcolor or self._sheet.ground, "edgecolor": "none", "alpha": alpha},
            **options,
        )

    # Files ------------------------------------------------------------------------------------------------------------

    def savefig(self, filename: str | os.PathLike[str], dpi: float | None = None, **options: Any) -> None:
        """Save the figure.

        Parameters
        ----------
        filename : str or path
        dpi : float, optional
        **options
            As of `PaperFigure.savefig`.
        """
        self.figure.savefig(filename, **({} if dpi is None else {"dpi": dpi}), **options)

    def close(self) -> None:
        """Let go of the figure: `show` leaves it out."""
        if isinstance(self.figure, PaperFigure):
            self.figure.seen()
        elif "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close(self.figure)

    def _add_bar(self, scale: Scale) -> None:
        """A further colour bar, for which the frame makes room on its right."""
        frame = self.frame_axes
        box = frame.get_position(original=True)
        frame.set_position((box.x0, box.y0, 0.88 * box.width, box.height))
        place = (box.x0 + 0.9 * box.width, box.y0 + 0.15 * box.height, 0.02 * box.width, 0.7 * box.height)
        draw_colorbar(self.figure.add_axes(place), scale, self._sheet.ink, self._sheet.ground)


def opacity_image(transparency: float | Image | None, transparency_range: tuple[float, float] | None) -> Volume | float:
    """Opacity of a map: a number, or in each voxel that of an image between the two ends of a range.

    Raises
    ------
    ValueError
        If the number is not between 0 and 1, or the range does not rise.
    """
    if transparency is None or isinstance(transparency, int | float | np.number):
        opacity = 1.0 if transparency is None else float(transparency)
        if not 0 <= opacity <= 1:
            raise ValueError(f"transparency is between 0 (nothing is seen) and 1 (opaque), not {opacity:g}")
        return opacity
    volume = as_map(transparency, "transparency")
    sizes = np.abs(np.nan_to_num(volume.data))
    low, high = (0.0, float(sizes.max())) if transparency_range is None else transparency_range
    if not low < high:
        raise ValueError(f"transparency_range must rise, and is {low:g} to {high:g}")
    return volume._replace(data=np.clip((sizes - low) / (high - low), 0, 1).astype(np.float32))


def _fitted(values: NDArray, shape: tuple[int, ...]) -> NDArray:
    """Values of a panel at the resolution of others."""
    if values.shape == shape:
        return values
    places = [((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, values.shape, strict=True)]
    return values[np.ix_(*places)]


def _edges(values: NDArray) -> NDArray[np.float32]:
    """1 where brightness changes most: the Laplacian crosses zero, and the gradient is among the steepest fifth."""
    bent = ndimage.gaussian_laplace(values.astype(float), 1.5)
    steep = ndimage.gaussian_gradient_magnitude(values.astype(float), 1.5)
    crossing = np.zeros(values.shape, dtype=bool)
    crossing[1:] |= np.signbit(bent[1:]) != np.signbit(bent[:-1])
    crossing[:, 1:] |= np.signbit(bent[:, 1:]) != np.signbit(bent[:, :-1])
    there = steep[steep > 1e-6 * max(float(steep.max()), 1e-12)]
    least = np.percentile(there, 80) if there.size else np.inf
    return (crossing & (steep > least)).astype(np.float32)
