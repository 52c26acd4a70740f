"""What notebooks that teach are made of."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "glmwidgets.datasets.simulate": "true_effect",
    "live": "LivePlot",
    "question": "Choice Estimate",
    "truth": "TruthPanel",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
