"""glmwidgets: the place where one looks at an fMRI run.

The names below are imported when they are first used, so that ``import glmwidgets`` costs nothing.
"""

from __future__ import annotations

from glmwidgets.front_door import front_door

__version__ = "0.1.0"

_ROOMS = (
    "analysis",
    "datasets",
    "glm",
    "images",
    "models",
    "panels",
    "report",
    "runs",
    "session",
    "specification",
    "study",
)
_EXPORTS = {
    "explore": "glmwidgets.panels.explore",
    "explore_group": "glmwidgets.panels.group.explorer",
    "open_run": "glmwidgets.runs.opening",
    "find_run": "glmwidgets.runs.bids",
    "FirstLevelModel": "glmwidgets.models.first_level",
    "SecondLevelModel": "glmwidgets.models.second_level",
    "Analysis": "glmwidgets.session.single.analysis",
    "Session": "glmwidgets.session.single.session",
    "Settings": "glmwidgets.specification.settings",
    "read_stats_model": "glmwidgets.report.exports.stats_model_read",
    "save_glm_to_bids": "glmwidgets.report.exports.bids_derivatives",
    "write_result": "glmwidgets.report.exports.folder",
    "write_script": "glmwidgets.report.exports.script",
}

__all__ = ["__version__", *_ROOMS, *_EXPORTS]

__getattr__, __dir__ = front_door(__name__, _EXPORTS, _ROOMS)
