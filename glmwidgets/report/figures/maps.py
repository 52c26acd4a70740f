"""Maps on slices, cut along the voxel grid and drawn in mm."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.images.resample import INTERPOLATIONS
from glmwidgets.report.figures.canvas import written
from glmwidgets.report.figures.cuts import choose_cuts
from glmwidgets.report.figures.display import Display, opacity_image
from glmwidgets.report.figures.scale import Scale, height_of, make_scale
from glmwidgets.report.figures.slices import SliceLook, draw_slices, is_dark
from glmwidgets.report.figures.volumes import as_map, as_volume, background_volume
from glmwidgets.web.palettes import ACCENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.colors import Colormap
    from numpy.typing import ArrayLike, NDArray

    from glmwidgets.report.figures.canvas import AxesLike, FigureLike
    from glmwidgets.report.figures.cuts import CutCoords
    from glmwidgets.report.figures.volumes import Image

# What a NIfTI header says of its values, as one writes it on an axis.
INTENTS = {"z score": "z", "t test": "t", "f test": "F", "p-value": "p", "correlation": "r"}


def plot_stat_map(
    stat_map_img: Image,
    bg_img: Image | None = None,
    cut_coords: CutCoords = None,
    output_file: str | os.PathLike[str] | None = None,
    display_mode: str = "ortho",
    colorbar: bool = True,
    cbar_tick_format: str | None = None,
    figure: FigureLike | None = None,
    axes: AxesLike | None = None,
    title: str | None = None,
    threshold: float | str | None = None,
    annotate: bool = True,
    draw_cross: bool = True,
    black_bg: bool | str = True,
    cmap: str | Colormap | None = None,
    symmetric_cbar: bool | str = "auto",
    dim: float | str = "auto",
    vmin: float | None = None,
    vmax: float | None = None,
    radiological: bool = False,
    resampling_interpolation: str = "nearest",
    transparency: float | Image | None = None,
    transparency_range: tuple[float, float] | None = None,
    *,
    two_sided: bool = True,
    transparent_threshold: bool = False,
    outline: bool | None = None,
    mask_img: Image | None = None,
    stat_name: str | None = None,
    decimals: int | bool = False,
    markers: ArrayLike | None = None,
    marker_colours: Sequence[str] | str = ACCENT,
) -> Display:
    """Show a statistical map on slices, over a background.

    Warm colours are positive, cold ones negative; values that do not exceed the threshold are not shown, or fade
    (Allen, Erhardt & Calhoun 2012, Neuron 74:603; Taylor et al. 2023, NeuroImage 274:120138).

    Parameters
    ----------
    stat_map_img : image or path
        3-D map. NaN and 0 count as outside the analysis; an infinite value within the brain is drawn as the largest.
    bg_img : image or path, optional
        Background; on another grid it is sampled where the map's slices lie. ``"MNI152TEMPLATE"`` is the template,
        downloaded once. None draws the map alone.
    cut_coords : optional
        Where to cut, in mm. For ``"ortho"`` and ``"tiled"`` three numbers x, y, z; for two planes, one number each in
        the order of `display_mode`; for one axis a number of cuts (int) or a list of positions; for ``"mosaic"`` a
        number, three numbers of cuts (0 for none of an axis), three lists, or a mapping ``{"x": 3, "z": [0, 20]}``.
        By default the map's peak, or the 7 slices that show most.
    output_file : str or path, optional
        Write the figure there. A file that is there is replaced, unless it is an input.
    display_mode : {"ortho", "tiled", "x", "y", "z", "xz", "yx", "yz", "mosaic"}, default "ortho"
        Planes to show.
    colorbar : bool, default True
    cbar_tick_format : str, optional
        Of the numbers beside the colour bar, such as ``"%.2g"``.
    figure : matplotlib.figure.Figure, int or str, optional
        Figure to fill, or pyplot's of that number or name. New by default.
    axes : matplotlib.axes.Axes or four floats, optional
        Axes whose place is taken, or a place (left, bottom, width, height) in the figure.
    title : str, optional
    threshold : float or str, optional
        Size that a value must exceed, for instance 3.1; ``"auto"`` is what 80 % of all voxels lie below.
    annotate : bool, default True
        Write mm, L and R.
    draw_cross : bool, default True
        Mark where orthogonal cuts meet.
    black_bg : bool or "auto", default True
        Black surroundings, or white paper; ``"auto"``: black where the background's own are dark.
    cmap : str or matplotlib.colors.Colormap, optional
        A key of `glmwidgets.web.palettes.COLORMAPS`, or another colour map, linear from `vmin` to `vmax`; see
        `glmwidgets.report.figures.scale.colormap`.
    symmetric_cbar : bool or "auto", default "auto"
        Whether 0 is the middle of the colour bar; ``"auto"``: if the map has both signs.
    dim : float or "auto", default "auto"
        How much darker the background is: each 1 halves its brightness, -1 doubles it.
    vmin, vmax : float, optional
        Ends of the colour bar; by default the largest size in the whole map.
    radiological : bool, default False
        Show the left on the right.
    resampling_interpolation : {"nearest", "linear", "continuous"}, default "nearest"
        What is drawn between the centres of voxels: the voxels themselves, straight lines, or a cubic spline.
    transparency : float or image, optional
        Opacity of the map over its background, from 0 (nothing is seen) to 1, or an image of which it follows.
    transparency_range : two floats, optional
        Sizes in that image at which the map is not seen, and is opaque; by default 0 and its largest.
    two_sided : bool, default True
        False shows only values above the threshold, not those below its negative.
    transparent_threshold : bool, default False
        Let values below the threshold fade, with the square of their size.
    outline : bool, optional
        Outline what exceeds the threshold; by default where what does not fades.
    mask_img : image or path, optional
        Mask whose border is drawn, on the map's grid.
    stat_name : str, optional
        Name of the statistic on the colour bar. By default what the image's header says, if it does.
    decimals : int, optional
        Digits after the point of the cuts' places; by default what tells neighbouring voxels apart.
    markers : array-like, shape (n, 3), optional
        Points in mm, marked on the slices that they lie in.
    marker_colours : str or list of str
        One for all or one each.

    Returns
    -------
    Display
        The figure (``.figure``), its panels in mm (``.axes``), and what can still be drawn on them.

    Raises
    ------
    ValueError
        If the image is not one 3-D volume, a choice is unknown, a cut lies outside the image, or threshold and colour
        limits contradict each other.
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
    >>> display = plot_stat_map(nib.Nifti1Image(stat, np.diag([3, 3, 3, 1])), threshold=3.1, stat_name="z")
    >>> display.add_markers([(6, 15, 12)], marker_size=80)
    >>> display.savefig("map.png")  # doctest: +SKIP
    """
    check_choice("resampling_interpolation", resampling_interpolation, INTERPOLATIONS)
    stat = as_map(stat_map_img, "stat_map_img")
    height = height_of(threshold, stat.data)
    background = background_volume(bg_img)
    dark = is_dark(black_bg, background)
    look = SliceLook(title, annotate, draw_cross, dark, radiological, dim, decimals, figure, axes)
    scale = make_scale(
        stat.data,
        threshold=height,
        vmin=vmin,
        vmax=vmax,
        symmetric=symmetric_cbar,
        two_sided=two_sided,
        fade=transparent_threshold,
        cmap=cmap,
        on_dark=dark,
        name=name_of(stat_map_img) if stat_name is None else stat_name,
        tick_format=cbar_tick_format,
    )
    border = None if mask_img is None else np.nan_to_num(as_volume(mask_img, "mask_img").data) != 0
    if border is not None and border.shape != stat.data.shape:
        raise ValueError(f"mask_img has shape {border.shape}, and stat_map_img {stat.data.shape}: give one grid")
    points, colours = _markers(markers, marker_colours)
    veil = opacity_image(transparency, transparency_range)
    cuts = choose_cuts(stat, background, cut_coords, display_mode, height, two_sided)
    bar, note = scale if colorbar else None, empty_note(scale, stat.data)
    display = draw_slices(cuts, stat, background, look, bar, note, resampling_interpolation)
    display.paint(stat, scale, veil)
    if bool(height) and (transparent_threshold if outline is None else outline):
        display.outline(stat, scale.survives)
    if border is not None:
        display.outline(stat._replace(data=border.astype(np.float32)), lambda values: values > 0.5, ACCENT)
    if points is not None:
        display.add_markers(points, colours, 36, facecolors="none", linewidths=1.6)
    return written(display, output_file)


def _markers(markers: ArrayLike | None, colours: Sequence[str] | str) -> tuple[NDArray | None, list[str]]:
    if markers is None:
        return None, []
    points = np.atleast_2d(np.asarray(markers, dtype=float))
    each = [colours] * len(points) if isinstance(colours, str) else list(colours)
    if len(each) != len(points):
        raise ValueError(f"there are {len(points)} markers but {len(each)} marker_colours")
    return points, each


def plot_r_square(
    r_square_img: Image,
    bg_img: Image | None = None,
    cut_coords: CutCoords = None,
    output_file: str | os.PathLike[str] | None = None,
    display_mode: str = "z",
    *,
    cmap: str | Colormap = "inferno",
    vmin: float = 0.0,
    title: str | None = "R²: share of variance that the model explains",
    **options: Any,
) -> Display:
    """Show a map of R² on slices, from 0 to its largest value.

    Parameters
    ----------
    r_square_img : image or path
        3-D map, 0 to 1.
    bg_img : image or path, optional
        Background.
    cut_coords, output_file, display_mode : optional
        As in `plot_stat_map`. By default 7 axial slices.
    cmap : str or matplotlib.colors.Colormap, default "inferno"
    vmin : float, default 0
        Lower end of the colour bar.
    title : str, optional
    **options
        Further arguments of `plot_stat_map`.

    Returns
    -------
    Display

    Examples
    --------
    >>> import nibabel as nib
    >>> r_square = np.random.default_rng(0).uniform(0, 0.4, (9, 11, 9)).astype(np.float32)
    >>> display = plot_r_square(nib.Nifti1Image(r_square, np.diag([3, 3, 3, 1])), cut_coords=3)
    """
    settings = {"stat_name": "R²", "symmetric_cbar": False, "two_sided": False, **options}
    given = {"cmap": cmap, "vmin": vmin, "title": title}
    return plot_stat_map(r_square_img, bg_img, cut_coords, output_file, display_mode, **given, **settings)


def plot_img(
    img: Image,
    cut_coords: CutCoords = None,
    output_file: str | os.PathLike[str] | None = None,
    display_mode: str = "ortho",
    *,
    bg_img: Image | None = None,
    cmap: str | Colormap = "gray",
    symmetric_cbar: bool | str = False,
    draw_cross: bool = False,
    **options: Any,
) -> Display:
    """Show any 3-D image on slices in its own range of values.

    Parameters
    ----------
    img : image or path
        3-D image.
    cut_coords, output_file, display_mode : optional
        As in `plot_stat_map`.
    bg_img : image or path, optional
        Background.
    cmap : str or matplotlib.colors.Colormap, default "gray"
    symmetric_cbar : bool or "auto", default False
    draw_cross : bool, default False
    **options
        Further arguments of `plot_stat_map`.

    Returns
    -------
    Display

    Examples
    --------
    >>> import nibabel as nib
    >>> image = np.arange(9 * 11 * 9, dtype=np.float32).reshape(9, 11, 9)
    >>> display = plot_img(nib.Nifti1Image(image, np.diag([3, 3, 3, 1])), display_mode="z", cut_coords=[6, 12])
    """
    settings = {"cmap": cmap, "symmetric_cbar": symmetric_cbar, "draw_cross": draw_cross, **options}
    return plot_stat_map(img, bg_img, cut_coords, output_file, display_mode, **settings)


def name_of(image: Image) -> str:
    """Name of the statistic as the image's header says it; empty if it does not."""
    try:
        return INTENTS.get(image.header.get_intent()[0], "")
    except AttributeError:  # a path, or a format without intents
        return ""


def empty_note(scale: Scale, data: NDArray[np.floating]) -> str:
    """What to say of a map of which nothing survives."""
    return "" if scale.survives(data).any() else scale.nothing_above()
