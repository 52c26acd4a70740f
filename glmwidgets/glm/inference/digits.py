"""How many digits places and sizes need, so that neighbouring voxels are told apart: none at 3 mm, one at 0.1 mm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from glmwidgets.glm.inference.clusters import Cluster


class Digits(NamedTuple):
    """Digits after the point.

    Attributes
    ----------
    place : int
        Of coordinates in mm.
    volume : int
        Of sizes in mm^3.
    """

    place: int
    volume: int


def digits_of(voxel_volume: float) -> Digits:
    """Digits that places and sizes need.

    Parameters
    ----------
    voxel_volume : float
        In mm^3.

    Returns
    -------
    Digits
        Those of the first figure of a voxel's edge and volume; none from 1 mm up.

    Examples
    --------
    >>> digits_of(27.0), digits_of(0.1**3)
    (Digits(place=0, volume=0), Digits(place=1, volume=3))
    """
    if not voxel_volume > 0:
        return Digits(0, 0)
    # The volume of an affine in single precision may lie a millionth below the number that is meant.
    power = -math.log10(voxel_volume * (1 + 1e-5))
    return Digits(max(0, math.ceil(power / 3)), max(0, math.ceil(power)))


def digits_of_clusters(clusters: Sequence[Cluster]) -> Digits:
    """Digits that a table of clusters of one map needs."""
    return digits_of(clusters[0].volume / clusters[0].n_voxels if clusters else 1.0)
