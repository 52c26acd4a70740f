"""The one pass over the data: scaled series, their lagged products, and what is kept of them."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "basis": "DesignBasis design_basis",
    "cache": "ProductCache",
    "lagged": "Moments shift_sum",
    "scaling": "SCALINGS scale_signal scaling_row standardize_signal",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
