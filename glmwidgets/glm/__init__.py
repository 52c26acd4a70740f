"""The engine: arrays and tables in, arrays and tables out."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "AR1Precision": "glmwidgets.glm.noise.ar1",
    "DRIFTS": "glmwidgets.glm.design.drift",
    "Drift": "glmwidgets.glm.design.drift",
    "HRF": "glmwidgets.glm.response.table",
    "HRFS": "glmwidgets.glm.response.table",
    "Moments": "glmwidgets.glm.moments.lagged",
    "NOISE_MODELS": "glmwidgets.glm.noise.models",
    "NoiseFit": "glmwidgets.glm.noise.products",
    "NoiseModel": "glmwidgets.glm.noise.models",
    "NoiseParameter": "glmwidgets.glm.noise.models",
    "Parameter": "glmwidgets.glm.response.table",
    "STATISTICS": "glmwidgets.glm.fit.statistics",
    "Statistic": "glmwidgets.glm.fit.statistics",
    "THRESHOLDS": "glmwidgets.glm.inference.heights",
    "Threshold": "glmwidgets.glm.inference.heights",
    "clusters_table": "glmwidgets.glm.inference.clusters",
    "column_correlation": "glmwidgets.glm.design.collinearity",
    "compute_contrast": "glmwidgets.glm.fit.contrasts",
    "contrast_inflation": "glmwidgets.glm.design.collinearity",
    "contrast_vector": "glmwidgets.glm.fit.expressions",
    "efficiency": "glmwidgets.glm.design.diagnostics",
    "estimability": "glmwidgets.glm.design.diagnostics",
    "fit_glm": "glmwidgets.glm.fit.regression",
    "fit_group": "glmwidgets.glm.group.fit",
    "frame_times": "glmwidgets.glm.design.matrix",
    "gamma_density": "glmwidgets.glm.response.curves",
    "group_contrast": "glmwidgets.glm.group.fit",
    "height_threshold": "glmwidgets.glm.inference.heights",
    "hrf_curve": "glmwidgets.glm.response.models",
    "lagged_products": "glmwidgets.glm.noise.products",
    "make_drift": "glmwidgets.glm.design.drift",
    "make_first_level_design_matrix": "glmwidgets.glm.design.matrix",
    "make_second_level_design_matrix": "glmwidgets.glm.group.design",
    "neighbour_matrix": "glmwidgets.glm.noise.pooling",
    "p_from_z": "glmwidgets.glm.inference.scores",
    "permutation_test": "glmwidgets.glm.permutation.tests",
    "residual_whiteness": "glmwidgets.glm.fit.whiteness",
    "sampled": "glmwidgets.glm.response.kernels",
    "scale_signal": "glmwidgets.glm.moments.scaling",
    "shift_onsets": "glmwidgets.glm.events.edits",
    "smallest_detectable_effect": "glmwidgets.glm.design.diagnostics",
    "z_from_p": "glmwidgets.glm.inference.scores",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
