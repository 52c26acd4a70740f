"""The live analysis of a group of maps."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "analysis": "GroupAnalysis",
    "data": "open_group",
    "session": "GroupSession",
    "store": "load_group_session save_group_session",
    "tests": "TESTS",
    "values": "GroupValues",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
