"""Values at one voxel: statistics, series, and the effects of several runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.heterogeneity import Heterogeneity


@dataclass(frozen=True)
class Here:
    """Statistics at a voxel.

    Attributes
    ----------
    statistics : dict
        Values of the maps there: effect, sd of the effect, stat, z; of one fit R², of series the noise model's
        parameters.
    """

    statistics: dict[str, float]


@dataclass(frozen=True)
class VoxelSeries(Here):
    """Series at one voxel, in the units that were modelled.

    Attributes
    ----------
    ijk : tuple of int
    times : array of shape (n_scans,)
        Seconds.
    data, predicted : array of shape (n_scans,)
    """

    ijk: tuple[int, int, int]
    times: np.ndarray
    data: np.ndarray
    predicted: np.ndarray


@dataclass(frozen=True)
class RunEffect:
    """An effect with its 95 % interval.

    Attributes
    ----------
    name : str
    effect, low, high : float
        NaN where the run cannot answer.
    is_used : bool
        Whether it is in the combination.
    dof : float
        Degrees of freedom of the interval; NaN where there is none.
    """

    name: str
    effect: float
    low: float
    high: float
    is_used: bool = True
    dof: float = np.nan

    @classmethod
    def of(cls, name: str, contrast: Contrast | None, voxel: int, is_used: bool = True) -> RunEffect:
        """Effect of one row with ``effect ± t(.975, dof) sd``; NaN for several rows, or where nothing can be said."""
        if contrast is None or contrast.dim > 1 or contrast.covariance[0, 0, voxel] <= 0:
            return cls(name, np.nan, np.nan, np.nan, is_used)
        effect, dof = float(contrast.effect[0, voxel]), contrast.dof_at(voxel)
        reach = float(stdtrit(dof, 0.975) * np.sqrt(contrast.covariance[0, 0, voxel]))
        return cls(name, effect, effect - reach, effect + reach, is_used, dof)


@dataclass(frozen=True)
class RunEffects(Here):
    """Effects at one voxel, of each run and of all.

    Attributes
    ----------
    runs : tuple of RunEffect
    combined : RunEffect
    agreement : Heterogeneity or None
        Of the runs that are used; None with fewer than two.
    """

    runs: tuple[RunEffect, ...]
    combined: RunEffect
    agreement: Heterogeneity | None
