"""Effects of conditions and contrasts at a voxel, with intervals: what a chart of bars shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from glmwidgets.analysis.voxels import RunEffect
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.fit.regression import Fit


@dataclass(eq=False)
class Effects:
    """Effects of one fit; each is computed for all voxels when it is first asked for.

    Attributes
    ----------
    fit : Fit
    """

    fit: Fit
    _made: dict[str, Contrast | None] = field(default_factory=dict, repr=False)

    def of_conditions(self, voxel: int, conditions: Mapping[str, Sequence[str]]) -> list[tuple[str, RunEffect]]:
        """Effect of each condition at a voxel, with ``effect ± t(.975, dof) se``.

        Parameters
        ----------
        voxel : int
            Number in the mask's order.
        conditions : mapping from condition to columns
            Where one column is the condition's amplitude it is taken; of a condition that is spread over columns of
            equal standing (FIR) each is.

        Returns
        -------
        list of (condition, effect)
        """
        found = []
        for condition, columns in conditions.items():
            for column in (condition,) if condition in columns else columns:
                found.append((condition, self._at(voxel, column, quote_name(column))))
        return found

    def of_contrasts(self, voxel: int, listed: Sequence[tuple[str, str]]) -> list[RunEffect]:
        """Effect of each contrast of one row, as (name, expression); those that cannot be answered are left out."""
        effects = (self._at(voxel, name or expression, expression) for name, expression in listed if expression)
        return [effect for effect in effects if np.isfinite(effect.effect)]

    def _at(self, voxel: int, name: str, expression: str) -> RunEffect:
        if expression not in self._made:
            try:
                self._made[expression] = compute_contrast(self.fit, expression)
            except ValueError:  # it cannot be read or estimated under this design
                self._made[expression] = None
        return RunEffect.of(name, self._made[expression], voxel)
