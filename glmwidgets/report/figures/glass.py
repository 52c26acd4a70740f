"""Glass brain: what is strongest along each line of sight, before the shape of a brain."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap
from scipy import ndimage

from glmwidgets.glm.choices import check_choice
from glmwidgets.images.resample import INTERPOLATIONS
from glmwidgets.report.figures.canvas import written
from glmwidgets.report.figures.cuts import Plane, make_plane
from glmwidgets.report.figures.display import Display, Panel, opacity_image
from glmwidgets.report.figures.layout import open_sheet
from glmwidgets.report.figures.maps import empty_note, name_of
from glmwidgets.report.figures.outline import Template, standard_brain
from glmwidgets.report.figures.paint import mark_sides
from glmwidgets.report.figures.scale import height_of, make_scale
from glmwidgets.report.figures.slices import FINER
from glmwidgets.report.figures.volumes import Volume, as_map, as_volume, bounds, sample
from glmwidgets.web.palettes import NIGHT, PAPER

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from numpy.typing import NDArray

    from glmwidgets.report.figures.canvas import AxesLike, FigureLike
    from glmwidgets.report.figures.volumes import Image

# x, y and z look along an axis through the whole brain, l and r from the left at the left half, from the right at the
# right half.
GLASS_MODES = {
    mode: tuple(mode) for mode in ("x", "y", "z", "l", "r", "xz", "yx", "yz", "lr", "lzr", "lyr", "lyrz", "lzry")
}
GLASS_MODES["ortho"] = tuple("yxz")
VIEWS = {
    "x": "from the right",
    "y": "from behind",
    "z": "from above",
    "l": "left half, from the left",
    "r": "right half, from the right",
}
MIRRORED_VIEWS = {"y": "from the front", "z": "from below"}


def project(
    values: NDArray[np.floating], axis: int, two_sided: bool = True, inside: NDArray[np.bool_] | None = None
) -> NDArray[np.floating]:
    """Maximum-intensity projection that keeps the sign.

    Parameters
    ----------
    values : array, shape (nx, ny, nz)
        NaN and infinities count as 0.
    axis : int
        Axis to look along.
    two_sided : bool, default True
        True: the value of largest size on each line. False: the largest value.
    inside : bool array of the same shape, optional
        Voxels to look at.

    Returns
    -------
    array, shape without `axis`

    Examples
    --------
    >>> project(np.array([[[1.0, -3.0, 2.0]]]), axis=2).item()
    -3.0
    """
    values = np.nan_to_num(values, posinf=0, neginf=0)
    if inside is not None:
        values = np.where(inside, values, 0)
    strongest = (np.abs(values) if two_sided else values).argmax(axis=axis, keepdims=True)
    return np.take_along_axis(values, strongest, axis=axis).squeeze(axis)


def plot_glass_brain(
    stat_map_img: Image,
    output_file: str | os.PathLike[str] | None = None,
    display_mode: str = "ortho",
    colorbar: bool = True,
    cbar_tick_format: str | None = None,
    figure: FigureLike | None = None,
    axes: AxesLike | None = None,
    title: str | None = None,
    threshold: float | str | None = None,
    annotate: bool = True,
    black_bg: bool = False,
    cmap: str | Colormap | None = None,
    alpha: float = 0.75,
    vmin: float | None = None,
    vmax: float | None = None,
    plot_abs: bool = False,
    symmetric_cbar: bool | str = "auto",
    resampling_interpolation: str = "nearest",
    radiological: bool = False,
    transparency: float | Image | None = None,
    transparency_range: tuple[float, float] | None = None,
    *,
    mask_img: Image | None = None,
    brain: str = "auto",
    two_sided: bool = True,
    stat_name: str | None = None,
    cut_coords: object = None,
) -> Display:
    """Show a statistical map as maximum-intensity projections.

    Behind the map lies the shape of a brain: of a map that says that it is in the standard space the outline of a brain
    from formulas; of any other the silhouette of its own mask, and a shadow that grows with the brain's depth along the
    line of sight. Neither needs a template.

    Parameters
    ----------
    stat_map_img : image or path
        3-D map. NaN and 0 count as outside the analysis, and so do infinite values that reach the edge of the volume;
        others are drawn as the largest.
    output_file : str or path, optional
        As in `plot_stat_map`.
    display_mode : str, default "ortho"
        Which views, from left to right: ``"x"``, ``"y"``, ``"z"``, ``"l"`` (left half, x < 0 mm), ``"r"``,
        or ``"ortho"``, ``"xz"``, ``"yx"``, ``"yz"``, ``"lr"``, ``"lzr"``, ``"lyr"``, ``"lyrz"``, ``"lzry"``.
    colorbar, cbar_tick_format, figure, axes, title : optional
        As in `plot_stat_map`.
    threshold : float or str, optional
        As in `plot_stat_map`.
    annotate, cmap, vmin, vmax, symmetric_cbar, radiological : optional
        As in `plot_stat_map`.
    black_bg : bool, default False
    alpha : float, default 0.75
        Opacity of the brain's outline.
    plot_abs : bool, default False
        Project sizes and forget the signs.
    resampling_interpolation : {"nearest", "linear", "continuous"}, default "nearest"
        What is drawn between the centres of the projections' voxels; as in `plot_stat_map`.
    transparency, transparency_range : optional
        As in `plot_stat_map`.
    mask_img : image or path, optional
        Brain mask, on any grid; what lies outside of it is left out. By default every voxel of the map other than 0;
        give it for maps of no standard space that were thresholded before.
    brain : {"auto", "standard", "mask"}, default "auto"
        Whose shape is drawn; ``"auto"``: as the image says.
    two_sided : bool, default True
        False shows only values above the threshold.
    stat_name : str, optional
        As in `plot_stat_map`.
    cut_coords : optional
        Accepted: a projection has no cut.

    Returns
    -------
    Display

    Raises
    ------
    ValueError
        If an image is not one 3-D volume, a choice is unknown, or threshold and colour limits contradict each other.
    TypeError
        If an image is neither an image nor a path.

    Examples
    --------
    >>> import nibabel as nib
    >>> stat = np.random.default_rng(0).normal(size=(9, 11, 9)).astype(np.float32)
    >>> display = plot_glass_brain(nib.Nifti1Image(stat, np.diag([3, 3, 3, 1])), threshold=2.3, stat_name="z")
    """
    check_choice("display_mode", display_mode, GLASS_MODES)
    check_choice("resampling_interpolation", resampling_interpolation, INTERPOLATIONS)
    check_choice("brain", brain, ("auto", "standard", "mask"))
    stat = as_map(stat_map_img, "stat_map_img")
    inside = np.nan_to_num(stat.data) != 0
    if mask_img is not None:
        inside = sample(as_volume(mask_img, "mask_img"), stat.affine, stat.data.shape, order=0) > 0
    values = np.where(inside, np.nan_to_num(stat.data), 0)
    stat = stat._replace(data=np.abs(values) if plot_abs else values)
    height = height_of(threshold, stat.data)
    scale = make_scale(
        stat.data,
        threshold=height,
        vmin=vmin,
        vmax=vmax,
        symmetric=symmetric_cbar,
        two_sided=two_sided,
        cmap=cmap,
        on_dark=black_bg,
        name=name_of(stat_map_img) if stat_name is None else stat_name,
        tick_format=cbar_tick_format,
    )
    veil = opacity_image(transparency, transparency_range)
    template = standard_brain() if brain == "standard" or (brain == "auto" and stat.standard) else None
    views = GLASS_MODES[display_mode]
    limits = bounds(inside, margin=2)
    middle = (np.array(stat.data.shape) - 1) // 2
    planes = [make_plane(stat, {"l": 0, "r": 0}.get(view, "xyz".find(view)), middle, limits) for view in views]
    if template is not None:
        planes = [_around(plane, template, inside.any()) for plane in planes]
    labels = [MIRRORED_VIEWS.get(view, VIEWS[view]) if radiological else VIEWS[view] for view in views]
    sheet = open_sheet(
        [[(plane.view[1] - plane.view[0], plane.view[3] - plane.view[2]) for plane in planes]],
        figure=figure,
        axes=axes,
        ground=NIGHT if black_bg else PAPER,
        scale=scale if colorbar else None,
        title=title,
        note=empty_note(scale, stat.data),
        labels=[labels] if annotate else None,
    )
    panels = [Panel(*each) for each in zip(sheet.panels[0], planes, views, labels, strict=True)]
    for panel in panels:
        left, right, bottom, top = panel.plane.view
        mirrored = panel.name == "l" or (radiological and panel.plane.axis != 0)
        if template is None:
            _draw_shadow(panel.axes, panel.plane, inside & _half(stat, panel.name), stat.zooms, sheet.ink, alpha)
        else:
            _draw_template(panel, template, sheet.ink, alpha)
        ends = (right, left) if mirrored else (left, right)
        panel.axes.set(xlim=ends, ylim=(bottom, top), aspect="equal")
        if annotate and panel.plane.axis != 0:
            mark_sides(panel.axes, sheet, mirrored, stat.sides_known)
    display = Display(sheet, panels, _look(stat, two_sided, resampling_interpolation), _near, stat.sides_known)
    display.paint(stat, scale, veil)
    return written(display, output_file)


def _look(grid: Volume, two_sided: bool, interpolation: str) -> Callable[[Volume, Panel, int], NDArray]:
    """How a view sees a volume: projected on the grid of the map."""
    order = INTERPOLATIONS[interpolation]

    def values_on(volume: Volume, panel: Panel, spline: int) -> NDArray:
        data = np.nan_to_num(sample(volume, grid.affine, grid.data.shape, spline))
        seen = project(data, panel.plane.axis, two_sided, _half(grid, panel.name)).T
        return seen if not order else ndimage.zoom(seen, FINER, order=order, grid_mode=True, mode="nearest")

    return values_on


def _near(points: NDArray, panel: Panel) -> NDArray[np.bool_]:
    """A view shows every point, of a half those in it."""
    x = points[:, 0]
    return {"l": x < 0, "r": x >= 0}.get(panel.name, np.ones(len(points), dtype=bool))


def _around(plane: Plane, template: Template, holds_map: bool) -> Plane:
    """The same view, wide enough for the standard brain and, where there is one, the map."""
    (left, right), (bottom, top) = (reach for axis, reach in enumerate(template.extent()) if axis != plane.axis)
    view = (left - 4, right + 4, bottom - 4, top + 4)
    if holds_map:
        pairs = zip(view, plane.view, (min, max, min, max), strict=True)
        view = tuple(choose(a, b) for a, b, choose in pairs)
    return plane._replace(view=view)


def _draw_template(panel: Panel, template: Template, ink: str, alpha: float) -> None:
    for across, up, field, width in template.lines(panel.name):
        if field.max() > 0:
            style = {"colors": [ink], "linewidths": width, "alpha": alpha if width > 1 else 0.6 * alpha}
            panel.axes.contour(across, up, field, levels=[0], **style)


def _half(grid: Volume, view: str) -> NDArray[np.bool_]:
    """Voxels that a view looks at."""
    if view not in ("l", "r"):
        return np.ones(grid.data.shape, dtype=bool)
    i, j, k = np.ogrid[tuple(slice(length) for length in grid.data.shape)]
    x = grid.affine[0, 0] * i + grid.affine[0, 1] * j + grid.affine[0, 2] * k + grid.affine[0, 3]
    return x < 0 if view == "l" else x >= 0


def _draw_shadow(
    panel: Axes, plane: Plane, brain: NDArray[np.bool_], zooms: NDArray[np.float64], ink: str, alpha: float
) -> None:
    """Draw a brain's depth as a soft shadow and its border as a line, smoothed to hide the voxels' corners."""
    depth = brain.sum(axis=plane.axis).T.astype(float)
    if not depth.any():
        return
    left, _, bottom, _ = plane.extent
    panel.imshow(
        np.ones_like(depth),
        cmap=ListedColormap([ink]),
        alpha=0.16 * depth / depth.max(),
        origin="lower",
        extent=plane.extent,
        interpolation="bilinear",
    )
    across, up = (axis for axis in range(3) if axis != plane.axis)
    # The border may touch the grid's edge: it closes outside of it.
    silhouette = ndimage.gaussian_filter(np.pad((depth > 0).astype(float), 2), 0.8)
    rows, columns = depth.shape
    panel.contour(
        left + (np.arange(-2, columns + 2) + 0.5) * zooms[across],
        bottom + (np.arange(-2, rows + 2) + 0.5) * zooms[up],
        silhouette,
        levels=[0.5],
        colors=[ink],
        linewidths=1.0,
        alpha=alpha,
    )
