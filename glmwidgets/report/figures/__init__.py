"""Figures on paper, drawn without pyplot, so that any thread may draw."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "EVENT_COLOURS": "glmwidgets.web.palettes",
    "PaperFigure": "glmwidgets.report.figures.canvas",
    "Picture": "glmwidgets.report.figures.embed",
    "colour_of": "glmwidgets.web.palettes",
    "picture": "glmwidgets.report.figures.embed",
    "plot_contrast_matrix": "glmwidgets.report.figures.designs",
    "plot_design_correlation": "glmwidgets.report.figures.designs",
    "plot_design_matrix": "glmwidgets.report.figures.designs",
    "plot_design_matrix_correlation": "glmwidgets.report.figures.all",
    "plot_event": "glmwidgets.report.figures.all",
    "plot_events": "glmwidgets.report.figures.series",
    "plot_glass_brain": "glmwidgets.report.figures.glass",
    "plot_img": "glmwidgets.report.figures.maps",
    "plot_series": "glmwidgets.report.figures.series",
    "plot_stat_map": "glmwidgets.report.figures.maps",
    "write_mm": "glmwidgets.report.figures.style",
    "write_number": "glmwidgets.report.figures.style",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
