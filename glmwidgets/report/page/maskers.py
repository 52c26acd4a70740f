"""Where a masker takes its series: its places on slices, its settings, a check by eye."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glmwidgets import __version__
from glmwidgets.images.new import image_like
from glmwidgets.report.figures.embed import picture
from glmwidgets.report.figures.maps import plot_stat_map
from glmwidgets.report.page.html import Report, template

if TYPE_CHECKING:
    from glmwidgets.models.series_masker import SeriesMasker

#: Parameters that say nothing of the series.
UNTOLD = {"memory", "memory_level", "verbose", "reports", "cmap", "dtype"}


def masker_report(masker: SeriesMasker, displayed: int = 12, title: str | None = None) -> Report:
    """Report on a fitted masker.

    Parameters
    ----------
    masker : SeriesMasker
    displayed : int
        How many of its places are drawn.
    title : str, optional

    Returns
    -------
    Report
    """
    title = title or f"{type(masker).__name__}: {masker.n_elements_:,} series"
    places, named = masker.report_parts()
    background = getattr(masker, "background_", None)
    numbers = places.get_fdata()
    pictures = []
    for place in named[:displayed]:
        own = image_like((numbers == place.number).astype(np.float64), places)
        options = {"threshold": 0.5, "colorbar": False, "two_sided": False}
        figure = plot_stat_map(own, background, place.middle, display_mode="ortho", **options)
        pictures.append((place.name, picture(figure, f"{place.name} on slices")))
    left = len(named) - len(pictures)
    told = {name: value for name, value in masker.get_params(deep=False).items() if name not in UNTOLD}
    page = template("masker.html.j2", "report.css").render(
        title=title,
        pictures=pictures,
        left=f"{left} more are not drawn." if left > 0 else None,
        parameters=[(name, _said(value)) for name, value in told.items()],
        version=__version__,
    )
    return Report(page, title)


def _said(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:197]}..."
