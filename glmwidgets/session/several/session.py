"""The live fixed effects of several runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import traitlets
from scipy.special import stdtrit

from glmwidgets.analysis.answers import RunsAnswer
from glmwidgets.glm.fit.heterogeneity import Heterogeneity, heterogeneity
from glmwidgets.runs.domain import Domain
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.session.core.live import LiveSession
from glmwidgets.session.core.resting import Resting
from glmwidgets.session.several.analysis import FixedAnalysis
from glmwidgets.specification.fixed import FixedSettings
from glmwidgets.specification.tree import SettingsTree

if TYPE_CHECKING:
    from glmwidgets.session.several.runs import RunSet

__all__ = ["FixedSession", "RunEffect", "RunEffects"]

# Groups that the fixed effects have in common with the runs.
ASKED = ("contrast", "threshold", "map")


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
    """

    name: str
    effect: float
    low: float
    high: float
    is_used: bool = True


@dataclass(frozen=True)
class RunEffects:
    """Effects at one voxel, of each run and of all.

    Attributes
    ----------
    runs : tuple of RunEffect
    combined : RunEffect
    agreement : Heterogeneity or None
        Of the runs that are used; None with fewer than two.
    statistics : dict
        Values of the maps there: effect, sd of the effect, stat, z.
    """

    runs: tuple[RunEffect, ...]
    combined: RunEffect
    agreement: Heterogeneity | None
    statistics: dict[str, float]


class FixedSession(Resting, LiveSession):
    """What several runs say together; see `glmwidgets.session.core.live.LiveSession`.

    Undo goes back in what is asked: contrast, threshold, which runs are used. The runs' models follow the runs.

    Parameters
    ----------
    of : RunSet
    synchronous : bool
        Compute in the caller's thread: for scripts and tests.
    """

    settings = traitlets.Instance(FixedSettings)
    result = traitlets.Instance(RunsAnswer, allow_none=True)

    def __init__(self, of: RunSet, synchronous: bool = False):
        self._of = of
        self.ledger = Ledger()
        analysis = FixedAnalysis([session.analysis for session in of.sessions])
        super().__init__(analysis, self._followed(FixedSettings()), synchronous)

    @property
    def domain(self) -> Domain:
        """Where the series of all runs lie."""
        return self._of.sessions[0].domain

    @property
    def unit(self) -> str:
        """Unit of effects: ``"%"`` of a mean, or none."""
        return "%" if self.result is not None and self.result.scaled else ""

    def effects(self) -> dict[str, tuple[str, ...]]:
        """Columns that model each event type in any of the runs; empty before the first result."""
        return {} if self.result is None else dict(self.result.effects)

    def follow(self) -> None:
        """Take the runs' models, and what is asked of them."""
        with self.lock:
            before, settings = self.settings, self._followed(self.settings)
            if any(getattr(settings, group) != getattr(before, group) for group in ASKED):
                self.steps.add(settings)
            if settings != before:
                self._take(settings)

    def _followed(self, settings: FixedSettings) -> FixedSettings:
        asked = {group: getattr(self._of.shared, group) for group in ASKED}
        return replace(settings, runs=replace(settings.runs, models=self._of.models()), **asked)

    def _take(self, settings: SettingsTree | None) -> bool:
        if settings is not None:
            settings = replace(settings, runs=replace(settings.runs, models=self._of.models()))
        return super()._take(settings)

    @property
    def _is_new(self) -> bool:
        return False

    def _count(self, result: RunsAnswer, movement: int) -> None:
        asked = {group: getattr(result.settings, group) for group in ASKED}
        settings = replace(self._of.shared, **asked)
        self.ledger.add(SimpleNamespace(settings=settings, design=result.stacked, timings=result.timings), movement)

    def series(self, ijk: tuple[int, int, int] | None = None) -> RunEffects | None:
        """Effects and statistics at a voxel.

        Parameters
        ----------
        ijk : tuple of int, optional
            The crosshair's voxel by default.

        Returns
        -------
        RunEffects or None
            None before the first result and outside the mask.
        """
        with self.lock:
            result, ijk = self.result, tuple(ijk or self.cursor)
        voxel = None if result is None else result.voxel(ijk)
        if voxel is None:
            return None
        runs = tuple(_effect(a.name, a.contrast, voxel, not a.why_not) for a in result.answers)
        combined = _effect("all runs", result.contrast, voxel)
        used = [a.contrast for a in result.answers if not a.why_not and a.contrast.known[voxel]]
        agreement = None
        if len(used) > 1 and result.contrast.dim == 1:
            agreement = heterogeneity([c.effect[0, voxel] for c in used], [c.covariance[0, 0, voxel] for c in used])
        statistics = {
            "effect": float(result.contrast.effect[0, voxel]),
            "effect_sd": float(np.sqrt(result.contrast.covariance[0, 0, voxel])),
            "stat": float(result.contrast.stat()[voxel]),
            "z": float(result.z[voxel]),
        }
        return RunEffects(runs, combined, agreement, statistics)


def _effect(name: str, contrast: object, voxel: int, is_used: bool = True) -> RunEffect:
    """Effect of one row with ``effect ± t(.975, dof) sd``; NaN for several rows, or where nothing can be said."""
    if contrast is None or contrast.dim > 1 or contrast.covariance[0, 0, voxel] <= 0:
        return RunEffect(name, np.nan, np.nan, np.nan, is_used)
    effect = float(contrast.effect[0, voxel])
    reach = float(stdtrit(contrast.dof, 0.975) * np.sqrt(contrast.covariance[0, 0, voxel]))
    return RunEffect(name, effect, effect - reach, effect + reach, is_used)
