"""Every figure on paper, in one place.

All of them draw with matplotlib's object interface, never pyplot, so any thread may call them. Those of a brain return
a `Display`, on which more can be drawn; those of a design its axes; the others the figure. Each has a ``figure``.

Examples
--------
>>> import pandas as pd
>>> design = pd.DataFrame({"face": [0.0, 1, 1, 0], "constant": 1.0}, index=[0.0, 2, 4, 6])
>>> plot_design_matrix(design).savefig("design.png")  # doctest: +SKIP
"""

from glmwidgets.report.figures.anatomy import plot_anat, plot_epi, plot_roi
from glmwidgets.report.figures.canvas import PaperFigure, show
from glmwidgets.report.figures.cuts import find_cut_slices, find_xyz_cut_coords
from glmwidgets.report.figures.designs import plot_contrast_matrix, plot_design_correlation, plot_design_matrix
from glmwidgets.report.figures.display import Display
from glmwidgets.report.figures.glass import plot_glass_brain
from glmwidgets.report.figures.maps import plot_img, plot_r_square, plot_stat_map
from glmwidgets.report.figures.series import plot_events, plot_hrf, plot_residual_histogram, plot_series
from glmwidgets.web.palettes import EVENT_COLOURS, colour_of

# By the names of the conventional scripts, too.
plot_design_matrix_correlation = plot_design_correlation


def plot_event(model_event: object, cmap: object = None, output_file: object = None, **look: object) -> object:
    """Show when events happen: `plot_events`, as the conventional scripts call it.

    Parameters
    ----------
    model_event, cmap, output_file, **look
        As in `plot_events`.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import pandas as pd
    >>> figure = plot_event(pd.DataFrame({"onset": [4.0, 20.0], "duration": 8.0, "trial_type": ["face", "house"]}))
    """
    return plot_events(model_event, cmap, output_file=output_file, **look)


__all__ = [
    "EVENT_COLOURS",
    "Display",
    "PaperFigure",
    "colour_of",
    "find_cut_slices",
    "find_xyz_cut_coords",
    "plot_anat",
    "plot_contrast_matrix",
    "plot_design_correlation",
    "plot_design_matrix",
    "plot_design_matrix_correlation",
    "plot_epi",
    "plot_event",
    "plot_events",
    "plot_glass_brain",
    "plot_hrf",
    "plot_img",
    "plot_r_square",
    "plot_residual_histogram",
    "plot_roi",
    "plot_series",
    "plot_stat_map",
    "show",
]
