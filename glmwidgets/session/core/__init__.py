"""What every live analysis has: graph of stages, scheduler, undo, ledger."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Entry": "glmwidgets.session.core.ledger",
    "Graph": "glmwidgets.session.core.graph",
    "LatestWins": "glmwidgets.session.core.scheduler",
    "Ledger": "glmwidgets.session.core.ledger",
    "LiveSession": "glmwidgets.session.core.live",
    "Stage": "glmwidgets.session.core.graph",
    "StageError": "glmwidgets.session.core.graph",
    "Status": "glmwidgets.session.core.live",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
