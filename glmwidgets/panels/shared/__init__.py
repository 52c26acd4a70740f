"""Panels that every explorer has."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "ClustersPanel": "glmwidgets.panels.shared.clusters",
    "ContrastPanel": "glmwidgets.panels.shared.contrast",
    "CrosshairPanel": "glmwidgets.panels.shared.crosshair",
    "ExplorerBase": "glmwidgets.panels.shared.explorer",
    "HistoryPanel": "glmwidgets.panels.shared.history",
    "MapPanel": "glmwidgets.panels.shared.map",
    "Panel": "glmwidgets.panels.shared.base",
    "SessionExplorer": "glmwidgets.panels.shared.explorer",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
