"""The live analysis of one run."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Analysis": "glmwidgets.session.single.analysis",
    "SavedRun": "glmwidgets.session.single.store",
    "Session": "glmwidgets.session.single.session",
    "Status": "glmwidgets.session.core.live",
    "WhitenessWatch": "glmwidgets.session.single.whiteness",
    "load_session": "glmwidgets.session.single.store",
    "save_session": "glmwidgets.session.single.store",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
