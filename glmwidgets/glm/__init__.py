"""The engine: arrays and tables in, arrays and tables out."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "design.collinearity": "column_correlation contrast_inflation",
    "design.diagnostics": "efficiency estimability smallest_detectable_effect",
    "design.drift": "DRIFTS Drift make_drift",
    "design.regressors": "compute_regressor",
    "design.matrix": "frame_times make_first_level_design_matrix",
    "errors": "NotEstimableError",
    "events.checks": "check_events",
    "events.edits": "shift_onsets",
    "fit.contrasts": "compute_contrast",
    "fit.expressions": "contrast_vector",
    "fit.regression": "fit_glm",
    "fit.statistics": "STATISTICS Statistic",
    "fit.whiteness": "residual_whiteness",
    "group.design": "make_second_level_design_matrix",
    "group.fit": "fit_group group_contrast",
    "inference.cluster_rows": "clusters_table",
    "inference.heights": "THRESHOLDS Threshold height_threshold",
    "inference.scores": "p_from_z z_from_p",
    "moments.lagged": "Moments",
    "moments.scaling": "scale_signal",
    "noise.ar1": "AR1Precision",
    "noise.models": "NOISE_MODELS NoiseModel NoiseParameter",
    "noise.pooling": "neighbour_matrix",
    "noise.products": "NoiseFit lagged_products",
    "permutation.tests": "permutation_test",
    "response.curves": "gamma_density",
    "response.kernels": "glover_dispersion_derivative glover_hrf glover_time_derivative sampled"
    " spm_dispersion_derivative spm_hrf spm_time_derivative",
    "response.models": "hrf_curve",
    "response.table": "HRF HRFS Parameter",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
