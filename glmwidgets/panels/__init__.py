"""Views of the session in the notebook."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "glmwidgets.datasets.simulate": "true_effect",
    "lessons.live": "LivePlot",
    "lessons.question": "Choice Estimate",
    "lessons.truth": "TruthPanel",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
