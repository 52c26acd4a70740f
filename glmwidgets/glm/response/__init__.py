"""Haemodynamic responses: the table of models, their curves and their kernels."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "GammaShape": "glmwidgets.glm.response.handles",
    "HRF": "glmwidgets.glm.response.table",
    "HRFModel": "glmwidgets.glm.response.models",
    "HRFS": "glmwidgets.glm.response.table",
    "Parameter": "glmwidgets.glm.response.table",
    "Response": "glmwidgets.glm.response.models",
    "dragged": "glmwidgets.glm.response.handles",
    "format_delays": "glmwidgets.glm.response.fir_delays",
    "format_hrf": "glmwidgets.glm.response.table",
    "gamma_density": "glmwidgets.glm.response.curves",
    "hold_response": "glmwidgets.glm.response.held",
    "handle_places": "glmwidgets.glm.response.handles",
    "hrf_curve": "glmwidgets.glm.response.models",
    "parse_delays": "glmwidgets.glm.response.fir_delays",
    "parse_hrf": "glmwidgets.glm.response.models",
    "resolve_hrf": "glmwidgets.glm.response.models",
    "sampled": "glmwidgets.glm.response.kernels",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
