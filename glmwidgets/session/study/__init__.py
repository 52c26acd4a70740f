"""The live analysis of a study: one model, every run, and the group."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "analysis": "StudyAnalysis StudyMap",
    "session": "StudySession",
    "whole": "WholeRuns",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
