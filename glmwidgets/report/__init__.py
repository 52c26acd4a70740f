"""Figures on paper, reports and exports."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "exports.bids_derivatives": "save_glm_to_bids",
    "exports.study_derivative": "save_study_to_bids",
    "figures.anatomy": "plot_anat plot_epi plot_roi",
    "figures.canvas": "PaperFigure show",
    "figures.cuts": "find_cut_slices find_xyz_cut_coords",
    "figures.designs": "plot_contrast_matrix plot_design_correlation plot_design_matrix plot_design_matrix_correlation",
    "figures.display": "Display",
    "figures.glass": "plot_glass_brain",
    "figures.maps": "plot_img plot_r_square plot_stat_map",
    "figures.series": "plot_event plot_events plot_hrf plot_residual_histogram plot_series",
    "page.html": "make_glm_report",
    "page.runs": "study_report",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
