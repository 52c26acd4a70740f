"""The live analysis: cached stages, scheduler, ledger, undo. No widget in it."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "group.data": "open_group",
    "group.session": "GroupSession",
    "single.session": "Session",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
