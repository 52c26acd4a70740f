"""The one pass over the data: scaled series, their lagged products, and what is kept of them."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "DesignBasis": "glmwidgets.glm.moments.basis",
    "Moments": "glmwidgets.glm.moments.lagged",
    "ProductCache": "glmwidgets.glm.moments.cache",
    "SCALINGS": "glmwidgets.glm.moments.scaling",
    "design_basis": "glmwidgets.glm.moments.basis",
    "scale_signal": "glmwidgets.glm.moments.scaling",
    "scaling_row": "glmwidgets.glm.moments.scaling",
    "shift_sum": "glmwidgets.glm.moments.lagged",
    "standardize_signal": "glmwidgets.glm.moments.scaling",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
