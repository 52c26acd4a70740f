"""Which maps of a group are unlike the others, and which weigh most in the design."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from glmwidgets.glm.fit.partition import column_space
from glmwidgets.glm.moments.brightness import robust_spread

# A map is called far if its distance is this many robust standard deviations above the group's median, and at least
# so many times that median: in a tight group the first alone would flag what nobody could see.
FAR_SD, FAR_RATIO = 3.0, 1.3

# A leverage above this many times the mean is called high (Belsley, Kuh & Welsch 1980, p. 17, take twice).
HIGH = 2.0


def leverage(design: ArrayLike) -> np.ndarray:
    """Diagonal of the hat matrix ``X X^+``: the weight of each map in its own prediction.

    Parameters
    ----------
    design : array of shape (n, p)

    Returns
    -------
    array of shape (n,)
        Between 0 and 1; their sum is the rank of the design.

    Examples
    --------
    >>> leverage([[1, 0], [1, 0], [1, 0], [1, 6]]).round(2)
    array([0.33, 0.33, 0.33, 1.  ])
    """
    return (column_space(design).basis ** 2).sum(axis=1)


def map_distances(data: ArrayLike) -> np.ndarray:
    """Distance of each map from the mean of the others.

    In every voxel the difference is divided by the standard deviation of the maps there, so that voxels count alike;
    the distance is the root mean square over voxels, ``d_i^2 = mean_v [(y_iv - m_-iv) / s_v]^2``.

    Parameters
    ----------
    data : array of shape (n, n_voxels)
        Voxels in which all maps are equal do not count.

    Returns
    -------
    array of shape (n,)
        About ``n / (n - 1)`` for maps of one kind.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> maps = rng.standard_normal((10, 500))
    >>> maps[3] *= 3
    >>> int(map_distances(maps).argmax())
    3
    """
    y = np.asarray(data, dtype=float)
    n = len(y)
    from_mean = y - y.mean(axis=0)
    variance = np.einsum("iv,iv->v", from_mean, from_mean) / (n - 1)
    some = variance > 1e-24 * np.einsum("iv,iv->v", y, y)
    weight = np.divide(1, variance, out=np.zeros_like(variance), where=some) / max(1, np.count_nonzero(some))
    return np.sqrt(np.einsum("iv,iv,v->i", from_mean, from_mean, weight)) * n / (n - 1)


@dataclass(frozen=True)
class Influence:
    """What sets each map of a group apart.

    Attributes
    ----------
    distance : array of shape (n,)
        See `map_distances`.
    leverage : array of shape (n,)
        See `leverage`.
    far, high : bool arrays of shape (n,)
        Whether the one, or the other, stands out.
    """

    distance: np.ndarray
    leverage: np.ndarray
    far: np.ndarray
    high: np.ndarray

    def words(self, i: int) -> str:
        """What stands out of a map, in words; empty if nothing does."""
        said = []
        if self.far[i]:
            said.append(f"far from the others: {self.distance[i] / np.median(self.distance):.1f} × the usual distance")
        if self.high[i]:
            mean = self.leverage.mean()
            said.append(f"weighs {self.leverage[i]:.2f} in the design, {self.leverage[i] / mean:.1f} × the mean")
        return "; ".join(said)


def map_influence(distance: ArrayLike, design: ArrayLike) -> Influence:
    """Judge how far each map is from the others and how much it weighs in the design.

    Parameters
    ----------
    distance : array of shape (n,)
        See `map_distances`.
    design : array of shape (n, p)

    Returns
    -------
    Influence

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> maps = rng.standard_normal((12, 400))
    >>> maps[5] *= 4
    >>> found = map_influence(map_distances(maps), np.ones((12, 1)))
    >>> found.words(5)
    'far from the others: 2.7 × the usual distance'
    """
    distance, weight = np.asarray(distance, dtype=float), leverage(design)
    usual = np.median(distance)
    far = (distance > usual + FAR_SD * robust_spread(distance)) & (distance > FAR_RATIO * usual)
    high = weight > HIGH * weight.mean() + 1e-9
    return Influence(distance, weight, far, high)
