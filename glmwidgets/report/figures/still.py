"""A still of a live session's map: what is seen of an explorer where no widget can be."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING

import nibabel as nib
import numpy as np

from glmwidgets.images.load import load_volume
from glmwidgets.report.figures.maps import plot_stat_map
from glmwidgets.report.figures.volumes import as_volume
from glmwidgets.runs.backgrounds import values_on_grid
from glmwidgets.web.palettes import INKS

if TYPE_CHECKING:
    from glmwidgets.report.figures.display import Display
    from glmwidgets.session.core.live import LiveSession
    from glmwidgets.specification.looks import MapSettings


def draw_contour(display: Display, look: MapSettings, affine: np.ndarray, shape: tuple[int, int, int]) -> None:
    """Draw where the size of another map reaches a level, as on the map of a session; nothing where none is set.

    Parameters
    ----------
    display : Display
        Of a brain in slices.
    look : MapSettings
        Of the session: ``contour`` is the other map's path.
    affine : array of shape (4, 4)
    shape : tuple of 3 int
        The session's grid.
    """
    if look.contour:
        values = values_on_grid(load_volume(look.contour), affine, shape)
        there = nib.Nifti1Image((np.abs(values) >= look.contour_level).astype(np.float32), affine)
        display.outline(as_volume(there, "contour"), lambda inside: inside > 0.5, INKS["map-contour"].light)


def still(session: LiveSession, title: str, kind: str = "png", dpi: int = 96) -> bytes | None:
    """The z map at the crosshair, over the background, faded below the threshold, with the contour that is set.

    Parameters
    ----------
    session : LiveSession
    title : str
        Written above the map.
    kind : {"png", "svg"}
    dpi : int
        Pixels an inch, of PNG.

    Returns
    -------
    bytes or None
        PNG of some 50 to 150 kB, or SVG; None before the first result.
    """
    with session.lock:
        result, xyz = session.result, session.mm()
    if result is None:
        return None
    height = result.threshold if math.isfinite(result.threshold) else float(np.abs(result.searched.z).max()) + 1.0
    background = session.domain.volume_image(session.analysis.background_image("mean"))
    display = plot_stat_map(
        result.domain.image(result.searched.z),
        background,
        cut_coords=tuple(float(mm) for mm in xyz),
        threshold=height,
        two_sided=result.thresholding.two_sided,
        transparent_threshold=True,
        stat_name="z",
        title=title,
    )
    draw_contour(display, session.settings.map, session.affine, session.shape)
    figure = display.figure
    with BytesIO() as buffer:
        figure.savefig(buffer, format=kind, dpi=dpi, facecolor=figure.get_facecolor())
        return buffer.getvalue()
