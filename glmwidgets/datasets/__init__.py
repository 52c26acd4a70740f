"""Where runs come from: simulated truth, folders, downloads."""

from glmwidgets.front_door import front_door

# Imported when they are first used, so that the package itself is imported in no time.
_EXPORTS = {
    "atlas": "write_atlas",
    "atlases": "fetch_schaefer_2018",
    "broken": "BROKEN broken_run",
    "demo": "demo_run",
    "faults": "FAULTS write_study",
    "fetch": "fetch_fiac fetch_fiac_first_level fetch_localizer_contrasts fetch_spm_auditory fetch_studyforrest_visloc",
    "glmwidgets.runs.bids": "find_run find_runs",
    "glmwidgets.runs.bids_confounds": "load_confounds",
    "lessons": "auditory_run group_maps sentence_runs",
    "simulate": "SimulatedRun simulate_run",
    "templates": "fetch_mni152_template load_mni152_template",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
