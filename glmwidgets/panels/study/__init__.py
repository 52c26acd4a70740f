"""The study explorer: a table of runs, their figures, a wall of their maps, and the group's map."""

from glmwidgets.front_door import front_door

_EXPORTS = {"explorer": "StudyExplorer explore_study"}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
