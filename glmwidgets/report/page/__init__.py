"""The report: one HTML page that loads nothing from elsewhere."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "group": "group_report",
    "html": "Report analysis_report glm_report make_glm_report render session_report",
    "methods": "describe_contrast describe_height methods_text",
    "runs": "study_report study_session_report",
    "sheet": "results_sheet",
    "subject": "ContrastFacts Study study_of_model study_of_result study_of_session",
    "words": "describe_threshold summary",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
