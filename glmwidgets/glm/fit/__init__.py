"""The fit, its contrasts and what can be said of it: statistics in every voxel, whiteness, doubtful voxels."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "contrasts": "Contrast compute_contrast fixed_effects",
    "expression_names": "bare_name rewritten_expression",
    "expressions": "contrast_vector expression_from_vector parse_expression",
    "grammar": "ExpressionError quote_name",
    "heterogeneity": "Heterogeneity precision_weighted",
    "partition": "Hypothesis column_space",
    "regression": "Fit fit_glm",
    "residuals": "amplitude_spectrum main_frequency white_autocorrelation",
    "smoothness": "fit_smoothness",
    "typed_weights": "are_weights read_weights",
    "statistics": "NotHere STATISTICS Shown Statistic StatisticsBook colour_limit",
    "whiteness": "Whiteness autocorrelation residual_whiteness",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
