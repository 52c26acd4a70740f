"""Figures on paper, drawn without pyplot, so that any thread may draw."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "anatomy": "plot_anat plot_epi plot_roi",
    "canvas": "PaperFigure show",
    "cuts": "find_cut_slices find_xyz_cut_coords",
    "designs": "plot_contrast_matrix plot_design_correlation plot_design_matrix plot_design_matrix_correlation",
    "display": "Display",
    "embed": "Picture picture",
    "glass": "plot_glass_brain",
    "glmwidgets.web.palettes": "EVENT_COLOURS colour_of",
    "maps": "plot_img plot_r_square plot_stat_map",
    "series": "plot_event plot_events plot_hrf plot_residual_histogram plot_series",
    "style": "write_mm write_number",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
