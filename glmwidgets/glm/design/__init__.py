"""The design matrix of a run: conditions, confounds, drifts, and what can be said of them before any data."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "ConfoundGroup": "glmwidgets.glm.design.confound_groups",
    "DRIFTS": "glmwidgets.glm.design.drift",
    "Drift": "glmwidgets.glm.design.drift",
    "EXPANSIONS": "glmwidgets.glm.design.confound_groups",
    "FD": "glmwidgets.glm.design.confound_groups",
    "MOTION": "glmwidgets.glm.design.confound_groups",
    "MOTION_LEVELS": "glmwidgets.glm.design.confound_groups",
    "STD_DVARS": "glmwidgets.glm.design.confound_groups",
    "check_confounds": "glmwidgets.glm.design.confounds",
    "choose_confounds": "glmwidgets.glm.design.confound_groups",
    "collinearity_warnings": "glmwidgets.glm.design.collinearity",
    "column_correlation": "glmwidgets.glm.design.collinearity",
    "condition_number": "glmwidgets.glm.design.collinearity",
    "contrast_inflation": "glmwidgets.glm.design.collinearity",
    "drift_gain": "glmwidgets.glm.design.spectra",
    "drift_row": "glmwidgets.glm.design.drift",
    "efficiency": "glmwidgets.glm.design.diagnostics",
    "energy_removed": "glmwidgets.glm.design.diagnostics",
    "estimability": "glmwidgets.glm.design.diagnostics",
    "first_choice": "glmwidgets.glm.design.confound_groups",
    "frame_times": "glmwidgets.glm.design.matrix",
    "make_drift": "glmwidgets.glm.design.drift",
    "make_first_level_design_matrix": "glmwidgets.glm.design.matrix",
    "motion_columns": "glmwidgets.glm.design.confound_groups",
    "scrubbed_scans": "glmwidgets.glm.design.confound_groups",
    "smallest_detectable_effect": "glmwidgets.glm.design.diagnostics",
    "undefined_at_first": "glmwidgets.glm.design.confound_groups",
    "variance_inflation": "glmwidgets.glm.design.collinearity",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
