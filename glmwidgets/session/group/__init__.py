"""The live analysis of a group of maps."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "GroupAnalysis": "glmwidgets.session.group.analysis",
    "GroupSession": "glmwidgets.session.group.session",
    "GroupValues": "glmwidgets.session.group.values",
    "Permuted": "glmwidgets.session.group.permutation",
    "TESTS": "glmwidgets.session.group.tests",
    "load_group_session": "glmwidgets.session.group.store",
    "open_group": "glmwidgets.session.group.data",
    "save_group_session": "glmwidgets.session.group.store",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
