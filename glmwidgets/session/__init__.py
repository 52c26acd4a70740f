"""The live analysis: cached stages, scheduler, ledger, undo. No widget in it."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "GroupSession": "glmwidgets.session.group.session",
    "Session": "glmwidgets.session.single.session",
    "open_group": "glmwidgets.session.group.data",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
