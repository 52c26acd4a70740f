"""What every live analysis has: graph of stages, scheduler, undo, ledger."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "awaited": "NoResult",
    "graph": "Graph Stage StageError",
    "ledger": "Entry Ledger",
    "live": "LiveSession Status",
    "permutation": "Permuted",
    "scheduler": "LatestWins",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
