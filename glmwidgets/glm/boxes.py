"""The part of a volume that holds what is looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def bounding_box(mask: NDArray[np.bool_], margin: int = 0) -> tuple[slice, ...]:
    """Smallest box that holds a mask.

    Parameters
    ----------
    mask : array of bool
    margin : int
        Voxels that are added on each side, as far as the volume goes.

    Returns
    -------
    tuple of slices
        Of length `margin` at the start where the mask holds nothing.

    Examples
    --------
    >>> bounding_box(np.array([[False, False, False], [False, True, True]]))
    (slice(1, 2, None), slice(1, 3, None))
    """
    box = []
    for axis, n in enumerate(mask.shape):
        where = np.flatnonzero(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        start, stop = (int(where[0]), int(where[-1]) + 1) if where.size else (0, 0)
        box.append(slice(max(0, start - margin), min(n, stop + margin)))
    return tuple(box)
