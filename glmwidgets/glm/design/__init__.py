"""The design matrix of a run: conditions, confounds, drifts, and what can be said of them before any data."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "collinearity": "collinearity_warnings column_correlation condition_number contrast_inflation variance_inflation",
    "confound_groups": (
        "ConfoundGroup EXPANSIONS FD MOTION MOTION_LEVELS STD_DVARS choose_confounds first_choice "
        "motion_columns scrubbed_scans undefined_at_first"
    ),
    "confounds": "check_confounds",
    "diagnostics": "efficiency energy_removed estimability smallest_detectable_effect",
    "drift": "DRIFTS Drift drift_row make_drift",
    "matrix": "frame_times make_first_level_design_matrix",
    "spectra": "drift_gain",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
