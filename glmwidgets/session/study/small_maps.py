"""How small maps of runs are painted: with the threshold of the group's map and where its colours end."""

from __future__ import annotations

import math

import numpy as np

from glmwidgets.glm.fit.statistics import STATISTICS, colour_limit

#: Threshold in z where the group's map has none.
USUAL_THRESHOLD = 3.09

#: Z at which the colours end where the group has no map of z.
USUAL_END = 5.0


def threshold_of(height: float | None) -> float:
    """Threshold of the small maps under that of the group's map.

    Parameters
    ----------
    height : float or None
        In z; None where the group has no map, infinite where nothing can pass.

    Examples
    --------
    >>> threshold_of(2.5), threshold_of(float("inf")), threshold_of(None)
    (2.5, 3.09, 3.09)
    """
    return USUAL_THRESHOLD if height is None or not math.isfinite(height) else height


def end_of_colours(z: np.ndarray | None, limit: float | None = None) -> float:
    """Z at which the colours of the group's map end, and so those of the small maps.

    Parameters
    ----------
    z : array or None
        Of the group; None where it has no map.
    limit : float, optional
        What was chosen by hand.

    Examples
    --------
    >>> end_of_colours(np.array([0.5, -9.0])), end_of_colours(np.array([0.5]), 7.0), end_of_colours(None)
    (9.0, 7.0, 5.0)
    """
    if limit is not None:
        return limit
    row = STATISTICS["z"]
    return USUAL_END if z is None else colour_limit(z, row.quantile, row.least)
