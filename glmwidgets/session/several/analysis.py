"""Fixed effects over runs: each run is fitted as it is by itself, on the voxels that all have, and then combined."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.analysis import steps
from glmwidgets.analysis.answers import RunPart, RunsAnswer
from glmwidgets.analysis.proposals import mended_expression
from glmwidgets.analysis.smoothness import SpatialNoise, runs_smoothness_of
from glmwidgets.analysis.thresholding import Scored, two_sided
from glmwidgets.analysis.verdicts import RunsBook
from glmwidgets.glm.errors import NotEstimableError, about
from glmwidgets.glm.fit.contrasts import Contrast, unanswered
from glmwidgets.glm.fit.grammar import ExpressionError
from glmwidgets.glm.fit.statistics import StatisticsBook
from glmwidgets.glm.moments.scaling import series_unit
from glmwidgets.glm.moments.series import Series
from glmwidgets.images.grids import little_is_shared
from glmwidgets.images.mask import common_voxels
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.run import run_name
from glmwidgets.session.core.analysis import Checkpoint, Get, LiveAnalysis
from glmwidgets.session.core.graph import Stage, StageError
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.fixed import WEIGHTINGS, FixedSettings, model_of
from glmwidgets.specification.reading import read_by, reads
from glmwidgets.specification.settings import ContrastSettings, Settings, ThresholdSettings

#: What fixed effects do not have of what a map can show.
LACKS = dict.fromkeys(("fit", "series"), "each run has its own; fixed effects combine contrasts only")


class _OnMask(Analysis):
    """A run analysed on other voxels than its own: its series are taken from where they have been made."""

    def __init__(self, of: Analysis, domain: Domain):
        super().__init__(replace(of.run, mask_img=domain.mask_image()), of.precision)
        self._of = of

    @reads(*read_by(steps.series_of), *read_by(steps.domain_of))
    def _series(self, settings: Settings, domain: Domain) -> Series:
        own, series = self._of.graph.get("mask", settings), self._of.graph.get("series", settings)
        return series.of_voxels(np.flatnonzero(domain.mask[own.mask]))


class FixedAnalysis(LiveAnalysis):
    """The graph of stages over several runs.

    Parameters
    ----------
    analyses : sequence of Analysis
        One a run; what they have computed is used.
    """

    scored = "fixed effects"

    def __init__(self, analyses: Sequence[Analysis]):
        self.analyses = tuple(analyses)
        self._elsewhere: tuple[Domain | None, dict[int, Analysis]] = (None, {})
        super().__init__(
            [
                Stage("mask", self._mask),
                Stage("contrasts", self._parts, ("mask",), keep=4),
                Stage("smoothness", self._smoothness, ("mask",)),
                Stage("fixed effects", self._combined, ("contrasts",), keep=6),
                Stage("statistics", self._statistics, ("fixed effects",), keep=2),
            ]
        )

    @property
    def domain(self) -> Domain:
        """Where the series of all runs lie."""
        return self.analyses[0].domain

    @cached_property
    def background(self) -> np.ndarray:
        """Mean image of the first run, 3-D float32."""
        return self.analyses[0].background

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """What the maps can be laid over: what those of the first run can be."""
        return self.analyses[0].backgrounds

    @property
    def anatomical(self) -> nib.Nifti1Image | None:
        """The anatomical image that came with the first run, on its own grid."""
        return self.analyses[0].anatomical

    def background_image(self, name: str) -> np.ndarray:
        """An image to lay maps over, 3-D float32."""
        return self.analyses[0].background_image(name)

    def models(self, settings: FixedSettings) -> list[Settings]:
        """Settings of each run: its model, with the contrast and the threshold that are asked about."""
        return [model_of(text, settings.contrast, settings.threshold) for text in settings.runs.models]

    def forget(self) -> None:
        """Let go of everything that was kept for settings that may come back."""
        super().forget()
        for analysis in self._elsewhere[1].values():
            analysis.forget()

    def pending(self, settings: FixedSettings) -> tuple[str, ...]:
        """What these settings would compute, in its order: runs, then what is made of them all."""
        models = self.models(settings)
        seen = all(a.graph.is_kept("mask", model) for a, model in zip(self.analyses, models, strict=True))
        on = self.on(self.voxels(settings), models) if seen else [None] * len(models)
        fits = [
            run_name(i)
            for i, (analysis, model) in enumerate(zip(on, models, strict=True))
            if analysis is None or not analysis.graph.is_kept("fit", model)
        ]
        return (*fits, *(name for name in super().pending(settings) if name not in ("mask", "contrasts")))

    def _answer(
        self, settings: FixedSettings, get: Get, timings: dict[str, float], checkpoint: Checkpoint | None
    ) -> RunsAnswer:
        models = self.models(settings)
        on = self._prepare(settings, models, timings, checkpoint)
        scored, parts = self._scored(settings, get), get("contrasts")
        timings.pop("mask", None)
        fitted = tuple(a.graph.get("fitted", m) for a, m in zip(on, models, strict=True))
        return RunsAnswer(
            **scored | {"warnings": self._warnings(on, models, parts, settings)},
            timings=timings,
            fitted=fitted,
            parts=parts,
            book=RunsBook([fitted[i].book for i in self._used(settings)]),
        )

    def suggestion(self, settings: FixedSettings, error: BaseException | None = None) -> str | None:
        """A contrast that could replace one that no run can estimate."""
        return mended_expression(settings.contrast.expression, error)

    def voxels(self, settings: FixedSettings) -> Domain:
        """Voxels that lie in the masks of all runs."""
        return self.graph.get("mask", settings)

    def on(self, domain: Domain, models: Sequence[Settings]) -> tuple[Analysis, ...]:
        """The runs on some voxels; one whose own they are under its model need not be fitted twice."""
        if self._elsewhere[0] is None or not np.array_equal(self._elsewhere[0].mask, domain.mask):
            self._elsewhere = (domain, {})
        others, found = self._elsewhere[1], []
        for i, (analysis, model) in enumerate(zip(self.analyses, models, strict=True)):
            if not np.array_equal(analysis.voxels(model).mask, domain.mask):
                analysis = others[i] if i in others else others.setdefault(i, _OnMask(analysis, domain))
            found.append(analysis)
        return tuple(found)

    # Stages -----------------------------------------------------------------------------------------------------------

    def _prepare(
        self,
        settings: FixedSettings,
        models: Sequence[Settings],
        timings: dict[str, float],
        checkpoint: Checkpoint | None,
    ) -> tuple[Analysis, ...]:
        """Fit every run on the voxels that all have."""

        def get(analysis: Analysis, name: str, i: int) -> Any:
            start = time.perf_counter()
            try:
                result = analysis.graph.get(
                    name, models[i], None, None if checkpoint is None else lambda _stage: checkpoint(run_name(i))
                )
            except StageError as error:
                raise StageError(error.stage, about(run_name(i), error.cause)) from error.cause
            timings[run_name(i)] = timings.get(run_name(i), 0.0) + time.perf_counter() - start
            return result

        # In this order, so that a design that cannot be made says so before any data are read.
        for name in ("design", "mask"):
            for i, analysis in enumerate(self.analyses):
                get(analysis, name, i)
        on = self.on(self.voxels(settings), models)
        for i, analysis in enumerate(on):
            get(analysis, "fit", i)
        return on

    @reads("runs.models")
    def _mask(self, settings: FixedSettings) -> Domain:
        domains = [analysis.voxels(model) for analysis, model in zip(self.analyses, _models(settings), strict=True)]
        masks = [domain.mask for domain in domains]
        if all(np.array_equal(mask, masks[0]) for mask in masks[1:]):
            return domains[0]
        # Masks that were found hang together; those that were given are taken as they are.
        found = any(analysis.run.mask_img is None for analysis in self.analyses)
        common = common_voxels(masks, 1.0, connected=found)
        if not common.any():
            raise ValueError("the masks of the runs have no voxel in common; give one mask for all")
        return domains[0].within(common)

    def _used(self, settings: FixedSettings) -> list[int]:
        used = [i for i in range(len(self.analyses)) if i + 1 not in settings.runs.left_out]
        if not used:
            raise StageError("runs", ValueError("every run is left out: tick at least one"))
        return used

    @reads("runs.models", "runs.left_out", "contrast.expression")
    def _parts(self, settings: FixedSettings, domain: Domain) -> tuple[RunPart, ...]:
        used, parts, failed = self._used(settings), [], {}
        models = _models(settings, settings.contrast.expression)
        for i, (analysis, model) in enumerate(zip(self.on(domain, models), models, strict=True)):
            contrast, why_not, advice = None, "" if i in used else "left out by hand", ""
            try:
                contrast = analysis.graph.get("contrast", model)[0]
            except StageError as error:
                if not isinstance(error.cause, ExpressionError | NotEstimableError):
                    raise error.cause from error
                why_not, advice = (why_not, "") if why_not else (error.cause.message, error.cause.advice_at("notebook"))
                failed |= {run_name(i): error.cause} if i in used else {}
            parts.append(RunPart(run_name(i), contrast, why_not, advice))
        if len(failed) == len(used):
            raise StageError("contrast", unanswered(failed)) from next(iter(failed.values()))
        return tuple(parts)

    @reads("runs.models", "runs.left_out")
    def _smoothness(self, settings: FixedSettings, domain: Domain) -> SpatialNoise:
        models = _models(settings)
        on = self.on(domain, models)
        noises = [on[i].graph.get("smoothness", models[i]) for i in self._used(settings)]
        return runs_smoothness_of(settings, domain, noises)

    @reads("runs.weighting", "runs.dof_method")
    def _combined(self, settings: FixedSettings, parts: Sequence[RunPart]) -> tuple[Contrast, np.ndarray]:
        contrasts = [part.contrast for part in parts if not part.why_not]
        row = WEIGHTINGS[settings.runs.weighting]
        contrast = contrasts[0] if len(contrasts) == 1 else row.combine(contrasts, settings.runs.dof_method)
        return contrast, contrast.z_score()

    @reads("runs.models", "threshold.two_sided")
    def _statistics(self, settings: FixedSettings, scored: Scored) -> StatisticsBook:
        units = {series_unit(model.data.signal_scaling, model.data.standardize) for model in _models(settings)}
        unit = units.pop() if len(units) == 1 else ""
        return StatisticsBook(None, *scored, two_sided(settings, scored[0]), unit, LACKS)

    def _warnings(
        self,
        on: Sequence[Analysis],
        models: Sequence[Settings],
        parts: Sequence[RunPart],
        settings: FixedSettings,
    ) -> dict[str, tuple[str, ...]]:
        told: dict[str, tuple[str, ...]] = {}
        each = zip(self.analyses, on, models, parts, strict=True)
        for i, (analysis_of_all, analysis, model, part) in enumerate(each):
            said = list(analysis.run.warnings)
            said += [text for texts in analysis.graph.warnings("fit", model).values() for text in texts]
            if part.why_not and i + 1 not in settings.runs.left_out:
                said.insert(0, f"left out: {part.why_not}")
            said += analysis_of_all.graph.warnings("mask", model).get("mask", ())
            if said:
                told[part.name] = tuple(said)
        sizes = [a.voxels(m).size for a, m in zip(self.analyses, models, strict=True)]
        names = [run_name(i) for i in range(len(sizes))]
        if (text := little_is_shared(self.voxels(settings).size, sizes, names, "runs")) is not None:
            told["mask"] = (text,)
        return told


def _models(settings: FixedSettings, expression: str = "") -> list[Settings]:
    """Settings of each run as far as its maps depend on them."""
    return [model_of(text, ContrastSettings(expression), ThresholdSettings()) for text in settings.runs.models]
