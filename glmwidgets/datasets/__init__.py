"""Where runs come from: simulated truth, folders, downloads."""

from __future__ import annotations

from glmwidgets.front_door import front_door

# Imported when they are first used, so that the package itself is imported in no time.
_EXPORTS = {
    "BROKEN": "glmwidgets.datasets.broken",
    "SimulatedRun": "glmwidgets.datasets.simulate",
    "auditory_run": "glmwidgets.datasets.lessons",
    "broken_run": "glmwidgets.datasets.broken",
    "demo_run": "glmwidgets.datasets.demo",
    "fetch_fiac": "glmwidgets.datasets.fetch",
    "fetch_localizer_contrasts": "glmwidgets.datasets.fetch",
    "fetch_mni152_template": "glmwidgets.datasets.templates",
    "fetch_spm_auditory": "glmwidgets.datasets.fetch",
    "fetch_studyforrest_visloc": "glmwidgets.datasets.fetch",
    "find_run": "glmwidgets.runs.bids",
    "find_runs": "glmwidgets.runs.bids",
    "group_maps": "glmwidgets.datasets.lessons",
    "load_confounds": "glmwidgets.runs.bids_confounds",
    "load_mni152_template": "glmwidgets.datasets.templates",
    "sentence_runs": "glmwidgets.datasets.lessons",
    "simulate_run": "glmwidgets.datasets.simulate",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
