"""Haemodynamic responses: the table of models, their curves and their kernels."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "curves": "gamma_density",
    "fir_delays": "format_delays parse_delays",
    "given_functions": "hold_response",
    "handles": "GammaShape dragged handle_places",
    "kernels": "sampled",
    "models": "HRFModel Response hrf_curve parse_hrf resolve_hrf",
    "table": "HRF HRFS Parameter format_hrf",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
