"""Small pictures of maps: what is strongest along each line of sight, seen from above."""

from __future__ import annotations

import numpy as np
from nibabel.orientations import apply_orientation, io_orientation

from glmwidgets.runs.domain import Domain


def seen_from_above(values: np.ndarray, domain: Domain) -> np.ndarray:
    """Value of largest size under each point, with its sign, for many maps at once.

    Parameters
    ----------
    values : array of shape (n, n_voxels)
    domain : Domain
        The voxels that they are of.

    Returns
    -------
    array of shape (n, n_y, n_x), float32
        Rows from the front of the head to its back, columns from left to right; the mask's bounding box, NaN outside.

    Examples
    --------
    >>> import nibabel as nib
    >>> domain = Domain.of(nib.Nifti1Image(np.zeros((2, 1, 3)), np.eye(4)))
    >>> seen_from_above(np.array([[1.0, -4.0, 2.0, 0.5, 0.0, 0.2]]), domain)
    array([[[-4. ,  0.5]]], dtype=float32)
    """
    turned = apply_orientation(domain.index, io_orientation(domain.affine))
    x, y, _ = np.nonzero(turned >= 0)
    voxels = turned[turned >= 0]
    x, y = x - x.min(), y.max() - y
    shape = int(y.max()) + 1, int(x.max()) + 1
    point = y * shape[1] + x
    order = np.argsort(point, kind="stable")
    starts = np.flatnonzero(np.diff(point[order], prepend=-1))
    sorted_values = np.asarray(values, dtype=np.float32)[:, voxels[order]]
    high, low = (extreme.reduceat(sorted_values, starts, axis=1) for extreme in (np.maximum, np.minimum))
    out = np.full((len(values), shape[0] * shape[1]), np.nan, dtype=np.float32)
    out[:, point[order][starts]] = np.where(-low > high, low, high)
    return out.reshape(len(values), *shape)
