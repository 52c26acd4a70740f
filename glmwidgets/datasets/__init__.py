"""Where runs come from: simulated truth, folders, downloads."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Imported when they are first used, so that the package itself is imported in no time.
_EXPORTS = {
    "simulate_run": "glmwidgets.datasets.simulate",
    "SimulatedRun": "glmwidgets.datasets.simulate",
    "demo_run": "glmwidgets.datasets.demo",
    "find_run": "glmwidgets.runs.bids",
    "find_runs": "glmwidgets.runs.bids",
    "load_confounds": "glmwidgets.runs.bids_confounds",
    "fetch_fiac": "glmwidgets.datasets.fetch",
    "fetch_localizer_contrasts": "glmwidgets.datasets.fetch",
    "fetch_spm_auditory": "glmwidgets.datasets.fetch",
    "fetch_studyforrest_visloc": "glmwidgets.datasets.fetch",
}

__all__ = list(_EXPORTS)


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'glmwidgets.datasets' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
