"""Glass brain: what is strongest along each line of sight, in the shadow of the brain mask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap
from scipy import ndimage

from glmwidgets.glm.choices import check_choice
from glmwidgets.report.figures.cuts import Plane, make_plane
from glmwidgets.report.figures.layout import open_sheet
from glmwidgets.report.figures.maps import empty_note, name_of
from glmwidgets.report.figures.paint import draw_overlay, mark_sides
from glmwidgets.report.figures.scale import make_scale
from glmwidgets.report.figures.volumes import Volume, as_volume, bounds, sample
from glmwidgets.web.palettes import NIGHT, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import FigureBase
    from numpy.typing import NDArray

    from glmwidgets.report.figures.volumes import Image

__all__ = ["GLASS_MODES", "plot_glass_brain", "project"]

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
    mask_img: Image | None = None,
    display_mode: str = "ortho",
    *,
    threshold: float | None = None,
    two_sided: bool = True,
    opacity: float = 1.0,
    plot_abs: bool = False,
    title: str | None = None,
    stat_name: str | None = None,
    colorbar: bool = True,
    cmap: str | Colormap | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    symmetric_cbar: bool | str = "auto",
    black_bg: bool = False,
    annotate: bool = True,
    radiological: bool = False,
    figure: FigureBase | None = None,
    axes: Axes | None = None,
) -> FigureBase:
    """Show a statistical map as maximum-intensity projections.

    The brain's shape is drawn from its own mask: the silhouette, and a shadow that grows with the brain's depth along
    the line of sight. So it fits any subject in any space; no template is needed.

    Parameters
    ----------
    stat_map_img : image or path
        3-D map. NaN and 0 count as outside the analysis.
    mask_img : image or path, optional
        Brain mask, on any grid; what lies outside of it is left out. By default every voxel of the map other than 0;
        give it for maps that were thresholded before.
    display_mode : str, default "ortho"
        Which views, from left to right: ``"x"``, ``"y"``, ``"z"``, ``"l"`` (left half, x < 0 mm), ``"r"``,
        or ``"ortho"``, ``"xz"``, ``"yx"``, ``"yz"``, ``"lr"``, ``"lzr"``, ``"lyr"``, ``"lyrz"``, ``"lzry"``.
    threshold : float, optional
        Size that a value must exceed.
    two_sided : bool, default True
        False shows only values above the threshold.
    opacity : float, default 1
        Of the map.
    plot_abs : bool, default False
        Project sizes and forget the signs.
    title, stat_name, colorbar, cmap, vmin, vmax, symmetric_cbar, annotate, radiological, figure, axes : optional
        As in `plot_stat_map`.
    black_bg : bool, default False

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If an image is not one 3-D volume, `display_mode` is unknown, or threshold and colour limits contradict each
        other.
    TypeError
        If an image is neither an image nor a path.

    Examples
    --------
    >>> import nibabel as nib
    >>> stat = np.random.default_rng(0).normal(size=(9, 11, 9)).astype(np.float32)
    >>> figure = plot_glass_brain(nib.Nifti1Image(stat, np.diag([3, 3, 3, 1])), threshold=2.3, stat_name="z")
    """
    check_choice("display_mode", display_mode, GLASS_MODES)
    stat = as_volume(stat_map_img, "stat_map_img")
    if mask_img is None:
        brain = np.nan_to_num(stat.data) != 0
    else:
        brain = sample(as_volume(mask_img, "mask_img"), stat.affine, stat.data.shape, order=0) > 0
    values = np.where(brain, stat.data, 0)
    stat = stat._replace(data=np.abs(values) if plot_abs else values)
    scale = make_scale(
        stat.data,
        threshold=threshold,
        vmin=vmin,
        vmax=vmax,
        symmetric=symmetric_cbar,
        two_sided=two_sided,
        cmap=cmap,
        on_dark=black_bg,
        name=name_of(stat_map_img) if stat_name is None else stat_name,
    )
    views = GLASS_MODES[display_mode]
    limits = bounds(brain, margin=2)
    middle = (np.array(stat.data.shape) - 1) // 2
    planes = [make_plane(stat, {"l": 0, "r": 0}.get(view, "xyz".find(view)), middle, limits) for view in views]
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
    for panel, plane, view in zip(sheet.panels[0], planes, views, strict=True):
        half = _half(stat, view)
        _draw_shadow(panel, plane, brain & half, stat.zooms, sheet.ink)
        values = project(stat.data, plane.axis, two_sided, half).T
        draw_overlay(panel, plane, values, scale, opacity * scale.survives(values))
        left, right, bottom, top = plane.view
        mirrored = view == "l" or (radiological and plane.axis != 0)
        panel.set(xlim=(right, left) if mirrored else (left, right), ylim=(bottom, top), aspect="equal")
        if annotate and plane.axis != 0:
            mark_sides(panel, sheet, mirrored, stat.sides_known)
    return sheet.figure


def _half(grid: Volume, view: str) -> NDArray[np.bool_]:
    """Voxels that a view looks at."""
    if view not in ("l", "r"):
        return np.ones(grid.data.shape, dtype=bool)
    i, j, k = np.ogrid[tuple(slice(length) for length in grid.data.shape)]
    x = grid.affine[0, 0] * i + grid.affine[0, 1] * j + grid.affine[0, 2] * k + grid.affine[0, 3]
    return x < 0 if view == "l" else x >= 0


def _draw_shadow(panel: Axes, plane: Plane, brain: NDArray[np.bool_], zooms: NDArray[np.float64], ink: str) -> None:
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
        alpha=0.75,
    )
