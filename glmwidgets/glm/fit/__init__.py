"""The fit, its contrasts and what can be said of it: statistics in every voxel, whiteness, doubtful voxels."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Contrast": "glmwidgets.glm.fit.contrasts",
    "ExpressionError": "glmwidgets.glm.fit.grammar",
    "Fit": "glmwidgets.glm.fit.regression",
    "Heterogeneity": "glmwidgets.glm.fit.heterogeneity",
    "Hypothesis": "glmwidgets.glm.fit.partition",
    "NotEstimableError": "glmwidgets.glm.fit.contrasts",
    "NotHere": "glmwidgets.glm.fit.statistics",
    "STATISTICS": "glmwidgets.glm.fit.statistics",
    "Shown": "glmwidgets.glm.fit.statistics",
    "Statistic": "glmwidgets.glm.fit.statistics",
    "StatisticsBook": "glmwidgets.glm.fit.statistics",
    "Whiteness": "glmwidgets.glm.fit.whiteness",
    "amplitude_spectrum": "glmwidgets.glm.fit.residuals",
    "autocorrelation": "glmwidgets.glm.fit.whiteness",
    "bare_name": "glmwidgets.glm.fit.expression_names",
    "colour_limit": "glmwidgets.glm.fit.statistics",
    "column_space": "glmwidgets.glm.fit.partition",
    "compute_contrast": "glmwidgets.glm.fit.contrasts",
    "contrast_vector": "glmwidgets.glm.fit.expressions",
    "expression_from_vector": "glmwidgets.glm.fit.expressions",
    "fit_glm": "glmwidgets.glm.fit.regression",
    "fit_smoothness": "glmwidgets.glm.fit.smoothness",
    "fixed_effects": "glmwidgets.glm.fit.contrasts",
    "main_frequency": "glmwidgets.glm.fit.residuals",
    "parse_expression": "glmwidgets.glm.fit.expressions",
    "precision_weighted": "glmwidgets.glm.fit.heterogeneity",
    "quote_name": "glmwidgets.glm.fit.grammar",
    "residual_whiteness": "glmwidgets.glm.fit.whiteness",
    "rewritten_expression": "glmwidgets.glm.fit.expression_names",
    "white_autocorrelation": "glmwidgets.glm.fit.residuals",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
