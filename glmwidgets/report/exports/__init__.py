"""Results as files: folders of maps and tables, BIDS derivatives, scripts, Stats Models, other tools' designs."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "FILES": "glmwidgets.report.exports.folder",
    "runs_report": "glmwidgets.report.exports.runs",
    "study_of_runs": "glmwidgets.report.exports.runs",
    "write_group_script": "glmwidgets.report.exports.group_script",
    "write_result": "glmwidgets.report.exports.folder",
    "write_runs_script": "glmwidgets.report.exports.runs",
    "write_script": "glmwidgets.report.exports.script",
    "write_stats_model": "glmwidgets.report.exports.stats_model",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
