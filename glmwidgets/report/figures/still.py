"""A still of a live session's map: what is seen of an explorer where no widget can be."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.report.figures.maps import plot_stat_map

if TYPE_CHECKING:
    from glmwidgets.session.core.live import LiveSession

__all__ = ["still"]


def still(session: LiveSession, title: str, kind: str = "png", dpi: int = 96) -> bytes | None:
    """The z map at the crosshair, over the background, faded below the threshold.

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
    figure = plot_stat_map(
        result.domain.image(result.searched.z),
        background,
        cut_coords=tuple(float(mm) for mm in xyz),
        threshold=height,
        two_sided=result.thresholding.two_sided,
        transparent_threshold=True,
        stat_name="z",
        title=title,
    ).figure
    with BytesIO() as buffer:
        figure.savefig(buffer, format=kind, dpi=dpi, facecolor=figure.get_facecolor())
        return buffer.getvalue()
