"""The explorer of several runs."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "RunsExplorer": "glmwidgets.panels.runs.explorer",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
