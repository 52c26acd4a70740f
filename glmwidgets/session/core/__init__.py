"""What every live analysis has: graph of stages, scheduler, undo, ledger."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "graph": "Graph Stage StageError",
    "ledger": "Entry Ledger",
    "live": "LiveSession Status",
    "permutation": "Permuted",
    "scheduler": "LatestWins",
    "waiting": "NoResult",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
