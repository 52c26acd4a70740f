"""What the map can show of a group's fit, for the table of statistics that runs have, too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glmwidgets.glm.group.fit import GroupFit

__all__ = ["GroupFacts"]


@dataclass(frozen=True)
class _Moments:
    constant: np.ndarray


@dataclass(frozen=True, eq=False)
class GroupFacts:
    """A group's fit, with the names that the table of statistics asks by.

    Attributes
    ----------
    fit : GroupFit
    values : array of shape (n, n_voxels)
        What was fitted.
    """

    fit: GroupFit
    values: np.ndarray
    parameters = {}  # noqa: RUF012

    @property
    def dispersion(self) -> np.ndarray:
        """Variance of the errors, shape (n_voxels,)."""
        return self.fit.spread

    @property
    def moments(self) -> _Moments:
        """Which voxels nothing can be said of."""
        return _Moments(self.fit.spread == 0)

    @cached_property
    def r_square(self) -> np.ndarray:
        """Share of the variance between maps that the design explains, shape (n_voxels,)."""
        total = np.var(self.values, axis=0, dtype=float) * len(self.values)
        rest = self.fit.spread * self.fit.dof
        return np.clip(1 - np.divide(rest, total, out=np.ones_like(total), where=total > 0), 0, 1)
