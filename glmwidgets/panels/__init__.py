"""Views of the session in the notebook."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Choice": "glmwidgets.panels.lessons.question",
    "Estimate": "glmwidgets.panels.lessons.question",
    "LivePlot": "glmwidgets.panels.lessons.live",
    "TruthPanel": "glmwidgets.panels.lessons.truth",
    "true_effect": "glmwidgets.datasets.simulate",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
