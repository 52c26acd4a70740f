"""Results as files: folders of maps and tables, BIDS derivatives, scripts, Stats Models, other tools' designs."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "folder": "FILES write_result",
    "group_script": "write_group_script",
    "runs": "runs_report study_of_runs write_runs_script",
    "script": "write_script",
    "stats_model": "write_stats_model",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
