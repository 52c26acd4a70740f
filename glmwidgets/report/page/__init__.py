"""The report: one HTML page that loads nothing from elsewhere."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "ContrastFacts": "glmwidgets.report.page.subject",
    "Report": "glmwidgets.report.page.html",
    "Study": "glmwidgets.report.page.subject",
    "analysis_report": "glmwidgets.report.page.html",
    "describe_contrast": "glmwidgets.report.page.methods",
    "describe_height": "glmwidgets.report.page.methods",
    "describe_threshold": "glmwidgets.report.page.words",
    "glm_report": "glmwidgets.report.page.html",
    "make_glm_report": "glmwidgets.report.page.html",
    "group_report": "glmwidgets.report.page.group",
    "methods_text": "glmwidgets.report.page.methods",
    "named_contrasts": "glmwidgets.report.page.subject",
    "results_sheet": "glmwidgets.report.page.sheet",
    "render": "glmwidgets.report.page.html",
    "session_report": "glmwidgets.report.page.html",
    "study_of_model": "glmwidgets.report.page.subject",
    "study_of_result": "glmwidgets.report.page.subject",
    "study_of_session": "glmwidgets.report.page.subject",
    "summary": "glmwidgets.report.page.words",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
