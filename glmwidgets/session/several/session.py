"""The live fixed effects of several runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import traitlets

from glmwidgets.analysis.answers import RunsAnswer
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.session.core.live import LiveSession
from glmwidgets.session.core.on_demand import OnDemand
from glmwidgets.session.several.analysis import FixedAnalysis
from glmwidgets.specification.fixed import FixedSettings
from glmwidgets.specification.noise import ASKED
from glmwidgets.specification.tree import SettingsTree

if TYPE_CHECKING:
    from glmwidgets.session.several.runs import RunSet

# Groups that the fixed effects have in common with the runs.
SHARED = ("contrast", "threshold", "map")


class FixedSession(OnDemand, LiveSession):
    """What several runs say together; see `glmwidgets.session.core.live.LiveSession`.

    Undo goes back in what is asked: contrast, threshold, which runs are used. The runs' models follow the runs.

    Parameters
    ----------
    of : RunSet
    synchronous : bool
        Compute in the caller's thread: for scripts and tests.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session.several.runs import RunSet
    >>> runs = [open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60, seed=seed)) for seed in (1, 2)]
    >>> of = RunSet(runs, synchronous=True)
    >>> of.show(2)
    >>> of.fixed.result.contrast.stat_type, of.fixed.settings.contrast.expression
    ('t', 'faces')
    """

    settings = traitlets.Instance(FixedSettings)
    result = traitlets.Instance(RunsAnswer, allow_none=True)

    def __init__(self, of: RunSet, synchronous: bool = False):
        self._of = of
        self.ledger = Ledger()
        analysis = FixedAnalysis([session.analysis for session in of.sessions])
        super().__init__(analysis, self._followed(FixedSettings()), synchronous)

    def follow(self) -> None:
        """Take the runs' models, and what is asked of them."""
        with self.lock:
            before, settings = self.settings, self._followed(self.settings)
            if any(getattr(settings, group) != getattr(before, group) for group in SHARED):
                self.steps.add(settings)
            if settings != before:
                self._take(settings)

    def _followed(self, settings: FixedSettings) -> FixedSettings:
        asked = {group: getattr(self._of.shared, group) for group in SHARED}
        return replace(settings, runs=replace(settings.runs, models=self._of.models()), **asked)

    def _take(self, settings: SettingsTree | None) -> bool:
        if settings is not None:
            settings = replace(settings, runs=replace(settings.runs, models=self._of.models()))
        return super()._take(settings)

    @property
    def _is_new(self) -> bool:
        return False

    def _settled(self, result: RunsAnswer, movement: int) -> RunsAnswer | None:
        return None if self._of.settle_noise() else result

    def _count(self, result: RunsAnswer, movement: int) -> None:
        if self._of.shared.noise.choice == ASKED:
            return
        asked = {group: getattr(result.settings, group) for group in SHARED}
        settings = replace(self._of.shared, **asked)
        self.ledger.add(settings, result.stacked, result.timings, movement)
