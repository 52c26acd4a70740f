"""Noise models: each turns the moments of a run and a design into estimates under its own covariance of errors."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "ar1": "AR1Precision",
    "models": "LIVE_NOISE_MODEL NOISE_MODELS NoiseModel NoiseParameter noise_model_row",
    "pooling": "POOLINGS neighbour_matrix",
    "products": "NoiseFit lagged_products",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
