"""Panels that every explorer has."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "base": "Panel",
    "clusters": "ClustersPanel",
    "contrast": "ContrastPanel",
    "crosshair": "CrosshairPanel",
    "explorer": "ExplorerBase SessionExplorer",
    "history": "HistoryPanel",
    "map": "MapPanel",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
