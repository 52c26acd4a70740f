"""The live analysis of several runs and their fixed effects."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "runs": "RunSet",
    "session": "FixedSession",
    "store": "load_runs save_runs",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
