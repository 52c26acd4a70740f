"""What was measured: runs, where their values lie, and every way to open one or several."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "bids": "BidsQuestion find_run find_runs",
    "bids_confounds": "load_confounds",
    "domain": "Domain",
    "opening": "open_run open_runs",
    "run": "Provenance Run",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
