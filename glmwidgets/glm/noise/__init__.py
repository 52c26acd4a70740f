"""Noise models: each turns the moments of a run and a design into estimates under its own covariance of errors."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "AR1Precision": "glmwidgets.glm.noise.ar1",
    "LIVE_NOISE_MODEL": "glmwidgets.glm.noise.models",
    "NOISE_MODELS": "glmwidgets.glm.noise.models",
    "NoiseFit": "glmwidgets.glm.noise.products",
    "NoiseModel": "glmwidgets.glm.noise.models",
    "NoiseParameter": "glmwidgets.glm.noise.models",
    "POOLINGS": "glmwidgets.glm.noise.pooling",
    "lagged_products": "glmwidgets.glm.noise.products",
    "neighbour_matrix": "glmwidgets.glm.noise.pooling",
    "noise_model_row": "glmwidgets.glm.noise.models",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
