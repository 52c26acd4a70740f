"""Anatomies, mean images and regions on slices."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import ListedColormap

from glmwidgets.glm.choices import check_choice
from glmwidgets.report.figures.canvas import written
from glmwidgets.report.figures.cuts import choose_cuts
from glmwidgets.report.figures.display import Display
from glmwidgets.report.figures.scale import height_of, make_scale
from glmwidgets.report.figures.slices import SliceLook, draw_slices, is_dark
from glmwidgets.report.figures.volumes import as_volume, background_volume, head
from glmwidgets.web.palettes import ACCENT

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

    from glmwidgets.report.figures.cuts import CutCoords
    from glmwidgets.report.figures.volumes import Image


def plot_anat(
    anat_img: Image,
    cut_coords: CutCoords = None,
    output_file: str | os.PathLike[str] | None = None,
    display_mode: str = "ortho",
    *,
    threshold: float | str | None = None,
    colorbar: bool = False,
    cbar_tick_format: str | None = None,
    **look: Any,
) -> Display:
    """Show an anatomical or mean image on slices in grey, with its darkest and brightest per cent cut off.

    Parameters
    ----------
    anat_img : image or path
        3-D image.
    cut_coords, output_file, display_mode : optional
        As in `plot_stat_map`; by default cut through the head's middle.
    threshold : float or str, optional
        What is not larger is left out.
    colorbar : bool, default False
    cbar_tick_format : str, optional
    **look
        Of `plot_stat_map`: ``title``, ``annotate``, ``draw_cross``, ``black_bg``, ``radiological``, ``dim``,
        ``decimals``, ``figure``, ``axes``, ``vmin``, ``vmax`` (values drawn black and white) and ``cmap``.

    Returns
    -------
    Display

    Examples
    --------
    >>> import nibabel as nib
    >>> head_image = np.ones((9, 11, 9), dtype=np.float32)
    >>> display = plot_anat(nib.Nifti1Image(head_image, np.diag([3, 3, 3, 1])), title="mean image")
    """
    anat = background_volume(anat_img, "anat_img")
    height = height_of(threshold, anat.data)
    if height is not None:
        anat = anat._replace(data=np.where(np.abs(anat.data) > height, anat.data, 0))
    look["black_bg"] = is_dark(look.get("black_bg", True), anat)
    drawn = SliceLook(**look)
    cuts = choose_cuts(anat, anat, cut_coords, display_mode, None, True, middle=head(anat.data) == 1)
    ends = {"vmin": drawn.vmin, "vmax": drawn.vmax, "cmap": drawn.cmap, "symmetric": False}
    scale = make_scale(anat.data, **ends, tick_format=cbar_tick_format) if colorbar else None
    return written(draw_slices(cuts, anat, anat, drawn, scale), output_file)


def plot_epi(
    epi_img: Image,
    cut_coords: CutCoords = None,
    output_file: str | os.PathLike[str] | None = None,
    display_mode: str = "ortho",
    **look: Any,
) -> Display:
    """Show an echo-planar volume or the mean of a run as `plot_anat` shows an anatomy.

    Parameters
    ----------
    epi_img : image or path
        3-D image.
    cut_coords, output_file, display_mode : optional
        As in `plot_anat`.
    **look
        Of `plot_anat`.

    Returns
    -------
    Display

    Examples
    --------
    >>> import nibabel as nib
    >>> display = plot_epi(nib.Nifti1Image(np.ones((9, 11, 9), dtype=np.float32), np.diag([3, 3, 3, 1])))
    """
    return plot_anat(epi_img, cut_coords, output_file, display_mode, **look)


def plot_roi(
    roi_img: Image,
    bg_img: Image | None = None,
    cut_coords: CutCoords = None,
    output_file: str | os.PathLike[str] | None = None,
    display_mode: str = "ortho",
    *,
    colour: str = ACCENT,
    cmap: str | Colormap | None = None,
    alpha: float = 0.15,
    threshold: float = 0.0,
    view_type: str = "continuous",
    linewidths: float = 0.8,
    colorbar: bool = False,
    cbar_tick_format: str | None = None,
    resampling_interpolation: str = "nearest",
    **look: Any,
) -> Display:
    """Show a mask, regions or labels on slices: their outlines, lightly filled.

    Parameters
    ----------
    roi_img : image or path
        3-D; every voxel whose size is above `threshold` belongs to a region.
    bg_img : image or path, optional
        Background, for instance the mean image that the mask was computed from.
    cut_coords, output_file, display_mode : optional
        As in `plot_stat_map`; by default cut through the region's middle.
    colour : str, optional
        Of a mask.
    cmap : str or matplotlib.colors.Colormap, optional
        Colours of labels, by their values; by default every region has one colour.
    alpha : float, default 0.15
        Opacity of the filling.
    threshold : float, default 0
    view_type : {"continuous", "contours"}
        With or without the filling.
    linewidths : float
        Of the outlines, in points.
    colorbar : bool, default False
        For labels that have colours.
    cbar_tick_format : str, optional
        As in `plot_stat_map`.
    resampling_interpolation : {"nearest"}
        Accepted: labels have nothing between them.
    **look
        As in `plot_anat`.

    Returns
    -------
    Display

    Examples
    --------
    >>> import nibabel as nib
    >>> mask = np.zeros((9, 11, 9), dtype=np.uint8)
    >>> mask[2:7, 2:9, 2:7] = 1
    >>> display = plot_roi(nib.Nifti1Image(mask, np.diag([3, 3, 3, 1])))
    """
    check_choice("view_type", view_type, ("continuous", "contours"))
    roi = as_volume(roi_img, "roi_img")
    data = np.nan_to_num(roi.data)
    data = np.where(np.abs(data) > threshold, data, 0)
    roi = roi._replace(data=data if cmap is not None else (data != 0).astype(np.float32))
    background = background_volume(bg_img)
    look = {"draw_cross": False, **look, "black_bg": is_dark(look.get("black_bg", True), background)}
    ends = {name: look.pop(name, None) for name in ("vmin", "vmax")}
    cuts = choose_cuts(roi, background, cut_coords, display_mode, None, True, middle=roi.data != 0)
    note = "" if roi.data.any() else "the region holds no voxel"
    paint = ListedColormap([colour]) if cmap is None else cmap
    scale = make_scale(roi.data, cmap=paint, symmetric=False, tick_format=cbar_tick_format, **ends)
    display = draw_slices(cuts, roi, background, SliceLook(**look), scale if colorbar else None, note)
    if view_type == "continuous":
        display.paint(roi, scale, alpha)
    for label in np.unique(roi.data[roi.data != 0])[:MOST_OUTLINES]:
        paint = colour if cmap is None else scale.cmap(scale.norm(label))
        display.outline(roi, lambda values, own=label: values == own, paint, linewidths)
    return written(display, output_file)


#: Regions of a picture of labels that have an outline.
MOST_OUTLINES = 100
