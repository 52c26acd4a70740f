"""The live analysis of one run."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "analysis": "Analysis",
    "glmwidgets.session.core.live": "Status",
    "session": "Session",
    "store": "SavedRun load_session save_session",
    "whiteness": "WhitenessWatch",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
