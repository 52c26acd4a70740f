"""Maps on slices: a statistic, an anatomy or a mask, cut along the voxel grid and drawn in mm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import ListedColormap

from glmwidgets.glm.inference.digits import digits_of
from glmwidgets.report.figures.cuts import Cuts, Plane, choose_cuts
from glmwidgets.report.figures.layout import Sheet, open_sheet
from glmwidgets.report.figures.paint import draw_background, draw_outline, draw_overlay, grey_limits, mark_sides
from glmwidgets.report.figures.scale import Scale, make_scale
from glmwidgets.report.figures.style import write_mm
from glmwidgets.report.figures.volumes import Volume, as_volume, head
from glmwidgets.web.palettes import ACCENT, NIGHT, PAPER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import FigureBase
    from numpy.typing import ArrayLike, NDArray

    from glmwidgets.report.figures.cuts import CutCoords
    from glmwidgets.report.figures.volumes import Image

__all__ = ["plot_anat", "plot_img", "plot_r_square", "plot_roi", "plot_stat_map"]

# What a NIfTI header says of its values, as one writes it on an axis.
INTENTS = {"z score": "z", "t test": "t", "f test": "F", "p-value": "p", "correlation": "r"}


def plot_stat_map(
    stat_map_img: Image,
    bg_img: Image | None = None,
    cut_coords: CutCoords = None,
    display_mode: str = "ortho",
    *,
    threshold: float | None = None,
    two_sided: bool = True,
    transparent_threshold: bool = False,
    outline: bool | None = None,
    opacity: float = 1.0,
    mask_img: Image | None = None,
    title: str | None = None,
    stat_name: str | None = None,
    colorbar: bool = True,
    cmap: str | Colormap | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    symmetric_cbar: bool | str = "auto",
    black_bg: bool = True,
    annotate: bool = True,
    draw_cross: bool = True,
    radiological: bool = False,
    markers: ArrayLike | None = None,
    marker_colours: Sequence[str] | str = ACCENT,
    figure: FigureBase | None = None,
    axes: Axes | None = None,
) -> FigureBase:
    """Show a statistical map on slices, over a background.

    Warm colours are positive, cold ones negative; values that do not exceed the threshold are not shown, or fade
    (Allen, Erhardt & Calhoun 2012, Neuron 74:603; Taylor et al. 2023, NeuroImage 274:120138).

    Parameters
    ----------
    stat_map_img : image or path
        3-D map. NaN and 0 count as outside the analysis.
    bg_img : image or path, optional
        Background; on another grid it is sampled where the map's slices lie. None draws the map alone.
    cut_coords : optional
        Where to cut, in mm. For ``"ortho"`` and ``"tiled"`` three numbers x, y, z; for two planes, one number each in
        the order of `display_mode`; for one axis a number of cuts (int) or a list of positions; for ``"mosaic"`` a
        number, three numbers of cuts (0 for none of an axis), or three lists. By default the map's peak, or the 7
        slices that show most.
    display_mode : {"ortho", "tiled", "x", "y", "z", "xz", "yx", "yz", "mosaic"}, default "ortho"
        Planes to show.
    threshold : float, optional
        Size that a value must exceed, for instance 3.1.
    two_sided : bool, default True
        False shows only values above the threshold, not those below its negative.
    transparent_threshold : bool, default False
        Let values below the threshold fade, with the square of their size.
    outline : bool, optional
        Outline what exceeds the threshold; by default where what does not fades.
    opacity : float, default 1
        Of the map over its background.
    mask_img : image or path, optional
        Mask whose border is drawn, on the map's grid.
    title : str, optional
    stat_name : str, optional
        Name of the statistic on the colour bar. By default what the image's header says, if it does.
    colorbar : bool, default True
    cmap : str or matplotlib.colors.Colormap, optional
        A key of `glmwidgets.web.palettes.COLORMAPS`, or another colour map, linear from `vmin` to `vmax`.
    vmin, vmax : float, optional
        Ends of the colour bar; by default the largest size in the whole map.
    symmetric_cbar : bool or "auto", default "auto"
        Whether 0 is the middle of the colour bar; ``"auto"``: if the map has both signs.
    black_bg : bool, default True
        Black surroundings, or white paper.
    annotate : bool, default True
        Write mm, L and R.
    draw_cross : bool, default True
        Mark where orthogonal cuts meet.
    radiological : bool, default False
        Show the left on the right.
    markers : array-like, shape (n, 3), optional
        Points in mm, marked on the slices that they lie in.
    marker_colours : str or list of str
        One for all or one each.
    figure : matplotlib.figure.Figure, optional
        Figure to fill. New by default.
    axes : matplotlib.axes.Axes, optional
        Axes whose place is taken.

    Returns
    -------
    matplotlib.figure.Figure
        The panels are child axes in mm (``axes.child_axes``).

    Raises
    ------
    ValueError
        If the image is not one 3-D volume, `display_mode` is unknown, a cut lies outside the image, or threshold and
        colour limits contradict each other.
    TypeError
        If an image is neither an image nor a path.

    Notes
    -----
    Cuts follow the voxel grid: each shows whole voxels. In an oblique image a cut's label is exact where the crosshair
    is, or in the image's middle.

    Examples
    --------
    >>> import nibabel as nib
    >>> stat = np.zeros((9, 11, 9), dtype=np.float32)
    >>> stat[2:4, 5:7, 4] = 5
    >>> figure = plot_stat_map(nib.Nifti1Image(stat, np.diag([3, 3, 3, 1])), threshold=3.1, stat_name="z")
    >>> figure.savefig("map.png")  # doctest: +SKIP
    """
    stat = as_volume(stat_map_img, "stat_map_img")
    scale = make_scale(
        stat.data,
        threshold=threshold,
        vmin=vmin,
        vmax=vmax,
        symmetric=symmetric_cbar,
        two_sided=two_sided,
        fade=transparent_threshold,
        cmap=cmap,
        on_dark=black_bg,
        name=name_of(stat_map_img) if stat_name is None else stat_name,
    )
    background = None if bg_img is None else as_volume(bg_img, "bg_img")
    cuts = choose_cuts(stat, background, cut_coords, display_mode, threshold, two_sided)
    sheet = _open(
        cuts, stat, black_bg, annotate, scale if colorbar else None, title, empty_note(scale, stat.data), figure, axes
    )

    border = None if mask_img is None else np.nan_to_num(as_volume(mask_img, "mask_img").data) != 0
    if border is not None and border.shape != stat.data.shape:
        raise ValueError(f"mask_img has shape {border.shape}, and stat_map_img {stat.data.shape}: give one grid")
    outlined = bool(threshold) and (transparent_threshold if outline is None else outline)

    def paint(panel: Axes, plane: Plane) -> None:
        values = plane.of(stat.data)
        draw_overlay(panel, plane, values, scale, opacity * scale.opacity(values))
        if outlined:
            draw_outline(panel, plane, scale.survives(values), sheet.ink)
        if border is not None:
            draw_outline(panel, plane, plane.of(border), ACCENT)

    _draw(sheet, cuts, stat, background, paint, annotate, draw_cross, radiological)
    if markers is not None:
        _mark(sheet, cuts, stat, np.atleast_2d(np.asarray(markers, dtype=float)), marker_colours)
    return sheet.figure


def plot_r_square(
    r_square_img: Image,
    bg_img: Image | None = None,
    cut_coords: CutCoords = None,
    display_mode: str = "z",
    *,
    threshold: float | None = None,
    cmap: str | Colormap = "inferno",
    vmin: float = 0.0,
    title: str | None = "R²: share of variance that the model explains",
    **options: object,
) -> FigureBase:
    """Show a map of R² on slices, from 0 to its largest value.

    Parameters
    ----------
    r_square_img : image or path
        3-D map, 0 to 1.
    bg_img : image or path, optional
        Background.
    cut_coords, display_mode : optional
        As in `plot_stat_map`. By default 7 axial slices.
    threshold : float, optional
        R² that a voxel must exceed to be shown.
    cmap : str or matplotlib.colors.Colormap, default "inferno"
    vmin : float, default 0
        Lower end of the colour bar.
    title : str, optional
    **options
        Further arguments of `plot_stat_map`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import nibabel as nib
    >>> r_square = np.random.default_rng(0).uniform(0, 0.4, (9, 11, 9)).astype(np.float32)
    >>> figure = plot_r_square(nib.Nifti1Image(r_square, np.diag([3, 3, 3, 1])), cut_coords=3)
    """
    settings = {"stat_name": "R²", "symmetric_cbar": False, "two_sided": False, **options}
    return plot_stat_map(
        r_square_img,
        bg_img,
        cut_coords,
        display_mode,
        threshold=threshold,
        cmap=cmap,
        vmin=vmin,
        title=title,
        **settings,
    )


def plot_img(
    img: Image,
    cut_coords: CutCoords = None,
    display_mode: str = "ortho",
    *,
    cmap: str | Colormap = "gray",
    symmetric_cbar: bool | str = False,
    draw_cross: bool = False,
    **options: object,
) -> FigureBase:
    """Show any 3-D image on slices in its own range of values.

    Parameters
    ----------
    img : image or path
        3-D image.
    cut_coords, display_mode : optional
        As in `plot_stat_map`.
    cmap : str or matplotlib.colors.Colormap, default "gray"
    symmetric_cbar : bool or "auto", default False
    draw_cross : bool, default False
    **options
        Further arguments of `plot_stat_map`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import nibabel as nib
    >>> image = np.arange(9 * 11 * 9, dtype=np.float32).reshape(9, 11, 9)
    >>> figure = plot_img(nib.Nifti1Image(image, np.diag([3, 3, 3, 1])), display_mode="z", cut_coords=[6, 12])
    """
    return plot_stat_map(
        img,
        None,
        cut_coords,
        display_mode,
        cmap=cmap,
        symmetric_cbar=symmetric_cbar,
        draw_cross=draw_cross,
        **options,
    )


def plot_anat(
    anat_img: Image,
    cut_coords: CutCoords = None,
    display_mode: str = "ortho",
    *,
    title: str | None = None,
    black_bg: bool = True,
    annotate: bool = True,
    draw_cross: bool = True,
    radiological: bool = False,
    figure: FigureBase | None = None,
    axes: Axes | None = None,
) -> FigureBase:
    """Show an anatomical or mean image on slices in grey, with its darkest and brightest per cent cut off.

    Parameters
    ----------
    anat_img : image or path
        3-D image.
    cut_coords, display_mode : optional
        As in `plot_stat_map`; by default cut through the head's middle.
    title, black_bg, annotate, draw_cross, radiological, figure, axes : optional
        As in `plot_stat_map`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import nibabel as nib
    >>> head_image = np.ones((9, 11, 9), dtype=np.float32)
    >>> figure = plot_anat(nib.Nifti1Image(head_image, np.diag([3, 3, 3, 1])), title="mean image")
    """
    anat = as_volume(anat_img, "anat_img")
    cuts = choose_cuts(anat, anat, cut_coords, display_mode, None, True, middle=head(anat.data) == 1)
    sheet = _open(cuts, anat, black_bg, annotate, None, title, "", figure, axes)
    _draw(sheet, cuts, anat, anat, None, annotate, draw_cross, radiological)
    return sheet.figure


def plot_roi(
    roi_img: Image,
    bg_img: Image | None = None,
    cut_coords: CutCoords = None,
    display_mode: str = "ortho",
    *,
    colour: str = ACCENT,
    alpha: float = 0.15,
    title: str | None = None,
    black_bg: bool = True,
    annotate: bool = True,
    draw_cross: bool = False,
    radiological: bool = False,
    figure: FigureBase | None = None,
    axes: Axes | None = None,
) -> FigureBase:
    """Show a mask or region of interest on slices: its outline, lightly filled.

    Parameters
    ----------
    roi_img : image or path
        3-D; every voxel other than 0 belongs to the region.
    bg_img : image or path, optional
        Background, for instance the mean image that the mask was computed from.
    cut_coords, display_mode : optional
        As in `plot_stat_map`; by default cut through the region's middle.
    colour : str, optional
    alpha : float, default 0.15
        Opacity of the filling.
    title, black_bg, annotate, draw_cross, radiological, figure, axes : optional
        As in `plot_stat_map`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import nibabel as nib
    >>> mask = np.zeros((9, 11, 9), dtype=np.uint8)
    >>> mask[2:7, 2:9, 2:7] = 1
    >>> figure = plot_roi(nib.Nifti1Image(mask, np.diag([3, 3, 3, 1])))
    """
    roi = as_volume(roi_img, "roi_img")
    roi = roi._replace(data=(np.nan_to_num(roi.data) != 0).astype(np.float32))
    background = None if bg_img is None else as_volume(bg_img, "bg_img")
    cuts = choose_cuts(roi, background, cut_coords, display_mode, None, True, middle=roi.data > 0)
    note = "" if roi.data.any() else "the region holds no voxel"
    sheet = _open(cuts, roi, black_bg, annotate, None, title, note, figure, axes)
    scale = make_scale(roi.data, cmap=ListedColormap([colour]))

    def paint(panel: Axes, plane: Plane) -> None:
        values = plane.of(roi.data)
        draw_overlay(panel, plane, values, scale, alpha * values)
        draw_outline(panel, plane, values > 0, colour)

    _draw(sheet, cuts, roi, background, paint, annotate, draw_cross, radiological)
    return sheet.figure


def name_of(image: Image) -> str:
    """Name of the statistic as the image's header says it; empty if it does not."""
    try:
        return INTENTS.get(image.header.get_intent()[0], "")
    except AttributeError:  # a path, or a format without intents
        return ""


def empty_note(scale: Scale, data: NDArray[np.floating]) -> str:
    """What to say of a map of which nothing survives."""
    return "" if scale.survives(data).any() else scale.nothing_above()


def _open(
    cuts: Cuts,
    grid: Volume,
    black_bg: bool,
    annotate: bool,
    scale: Scale | None,
    title: str | None,
    note: str,
    figure: FigureBase | None,
    axes: Axes | None,
) -> Sheet:
    digits = digits_of(abs(np.linalg.det(grid.affine[:3, :3]))).place
    sizes, labels = [], []
    for row in cuts.rows:
        views = [plane.view for plane in row]
        sizes.append([(right - left, top - bottom) for left, right, bottom, top in views])
        labels.append([f"{'xyz'[plane.axis]} = {write_mm(plane.coordinate, digits)} mm" for plane in row])
    return open_sheet(
        sizes,
        figure=figure,
        axes=axes,
        ground=NIGHT if black_bg else PAPER,
        scale=scale,
        title=title,
        note=note,
        labels=labels if annotate else None,
    )


def _draw(
    sheet: Sheet,
    cuts: Cuts,
    grid: Volume,
    background: Volume | None,
    paint: Callable[[Axes, Plane], None] | None,
    annotate: bool,
    draw_cross: bool,
    radiological: bool,
) -> None:
    """Fill the panels: background, overlay, crosshair, labels."""
    grey = grey_limits(background)
    for panel, plane in _pairs(sheet, cuts):
        if background is not None:
            draw_background(panel, plane, grid, background, grey, sheet.ground)
        if paint:
            paint(panel, plane)
        left, right, bottom, top = plane.view
        mirrored = radiological and plane.axis != 0
        panel.set(xlim=(right, left) if mirrored else (left, right), ylim=(bottom, top), aspect="equal")
        if draw_cross and cuts.crosshair is not None:
            across, up = (axis for axis in range(3) if axis != plane.axis)
            panel.axvline(cuts.crosshair[across], color=ACCENT, linewidth=0.7, alpha=0.8)
            panel.axhline(cuts.crosshair[up], color=ACCENT, linewidth=0.7, alpha=0.8)
        if annotate and plane.axis != 0:
            mark_sides(panel, sheet, mirrored, grid.sides_known)


def _pairs(sheet: Sheet, cuts: Cuts) -> Iterator[tuple[Axes, Plane]]:
    for panels, planes in zip(sheet.panels, cuts.rows, strict=True):
        yield from zip(panels, planes, strict=True)


def _mark(sheet: Sheet, cuts: Cuts, grid: Volume, markers: NDArray[np.float64], colours: Sequence[str] | str) -> None:
    if markers.shape[-1] != 3:
        raise ValueError(f"markers must be points in mm, shape (n, 3), not {markers.shape}")
    colours = np.array([colours] * len(markers) if isinstance(colours, str) else list(colours))
    if len(colours) != len(markers):
        raise ValueError(f"there are {len(markers)} markers but {len(colours)} marker_colours")
    for panel, plane in _pairs(sheet, cuts):
        across, up = (axis for axis in range(3) if axis != plane.axis)
        near = np.abs(markers[:, plane.axis] - plane.coordinate) <= grid.zooms[plane.axis] / 2
        panel.scatter(
            markers[near, across], markers[near, up], s=36, facecolors="none", edgecolors=colours[near], linewidths=1.6
        )
