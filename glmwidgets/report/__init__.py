"""Figures on paper, reports and exports."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Display": "glmwidgets.report.figures.display",
    "PaperFigure": "glmwidgets.report.figures.canvas",
    "find_cut_slices": "glmwidgets.report.figures.cuts",
    "find_xyz_cut_coords": "glmwidgets.report.figures.cuts",
    "make_glm_report": "glmwidgets.report.page.html",
    "plot_anat": "glmwidgets.report.figures.anatomy",
    "plot_contrast_matrix": "glmwidgets.report.figures.designs",
    "plot_design_correlation": "glmwidgets.report.figures.designs",
    "plot_design_matrix": "glmwidgets.report.figures.designs",
    "plot_design_matrix_correlation": "glmwidgets.report.figures.all",
    "plot_epi": "glmwidgets.report.figures.anatomy",
    "plot_event": "glmwidgets.report.figures.all",
    "plot_events": "glmwidgets.report.figures.series",
    "plot_glass_brain": "glmwidgets.report.figures.glass",
    "plot_hrf": "glmwidgets.report.figures.series",
    "plot_img": "glmwidgets.report.figures.maps",
    "plot_r_square": "glmwidgets.report.figures.maps",
    "plot_residual_histogram": "glmwidgets.report.figures.series",
    "plot_roi": "glmwidgets.report.figures.anatomy",
    "plot_series": "glmwidgets.report.figures.series",
    "plot_stat_map": "glmwidgets.report.figures.maps",
    "save_glm_to_bids": "glmwidgets.report.exports.bids_derivatives",
    "show": "glmwidgets.report.figures.canvas",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
