"""The explorer of several runs."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "explorer": "RunsExplorer",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
