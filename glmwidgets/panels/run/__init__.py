"""The explorer of one run and its panels."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "explorer": "Explorer",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
