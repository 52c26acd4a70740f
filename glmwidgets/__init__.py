"""glmwidgets: the place where one looks at an fMRI run.

The names below are imported when they are first used, so that ``import glmwidgets`` costs nothing.
"""

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
    "models.first_level": "FirstLevelModel",
    "models.second_level": "SecondLevelModel",
    "panels.explore": "explore",
    "panels.group.explorer": "explore_group",
    "panels.study.explorer": "explore_study",
    "report.exports.bids_derivatives": "save_glm_to_bids",
    "report.exports.folder": "write_result",
    "report.exports.script": "write_script",
    "report.exports.stats_model_read": "read_stats_model",
    "runs.bids": "find_run",
    "runs.opening": "open_run",
    "session.single.analysis": "Analysis",
    "session.single.session": "Session",
    "specification.settings": "Settings",
}

_names, __getattr__, __dir__ = front_door(__name__, _EXPORTS, _ROOMS)

__all__ = ["__version__", *_names]
