"""Figures on paper, reports and exports."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "PaperFigure": "glmwidgets.report.figures.all",
    "plot_contrast_matrix": "glmwidgets.report.figures.all",
    "plot_design_correlation": "glmwidgets.report.figures.all",
    "plot_design_matrix": "glmwidgets.report.figures.all",
    "plot_glass_brain": "glmwidgets.report.figures.all",
    "plot_img": "glmwidgets.report.figures.all",
    "plot_series": "glmwidgets.report.figures.all",
    "plot_stat_map": "glmwidgets.report.figures.all",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
