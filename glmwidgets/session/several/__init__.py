"""The live analysis of several runs and their fixed effects."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "FixedSession": "glmwidgets.session.several.session",
    "RunSet": "glmwidgets.session.several.runs",
    "load_runs": "glmwidgets.session.several.store",
    "save_runs": "glmwidgets.session.several.store",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
