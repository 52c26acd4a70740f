"""What was measured: runs, where their values lie, and every way to open one or several."""

from __future__ import annotations

from importlib import import_module
from typing import Any

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


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'glmwidgets.runs' has no attribute {name!r}")
    return getattr(import_module(_EXPORTS[name]), name)
