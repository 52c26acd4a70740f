"""What was measured: runs, where their values lie, and every way to open one or several."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "BidsQuestion": "glmwidgets.runs.bids",
    "Domain": "glmwidgets.runs.domain",
    "Provenance": "glmwidgets.runs.run",
    "Run": "glmwidgets.runs.run",
    "find_run": "glmwidgets.runs.bids",
    "find_runs": "glmwidgets.runs.bids",
    "load_confounds": "glmwidgets.runs.bids_confounds",
    "open_run": "glmwidgets.runs.opening",
    "open_runs": "glmwidgets.runs.opening",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
