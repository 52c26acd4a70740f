"""Fixed effects over runs: each run is fitted as it is by itself, on the voxels that all have, and then combined."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.analysis.answers import RunPart, RunsAnswer
from glmwidgets.analysis.proposals import condition_columns, mended_expression
from glmwidgets.analysis.thresholding import Clusters, bounds_on, clusters_over, hommel_of, threshold_height, two_sided
from glmwidgets.analysis.verdicts import ContrastBook, ContrastVerdict
from glmwidgets.glm.fit.contrasts import Contrast, NotEstimableError
from glmwidgets.glm.fit.expressions import ExpressionError
from glmwidgets.glm.fit.statistics import NotHere, StatisticsBook
from glmwidgets.glm.moments.scaling import SCALINGS
from glmwidgets.images.mask import intersect_masks
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.run import run_name
from glmwidgets.session.core.graph import Graph, Stage, StageError
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.fixed import WEIGHTINGS, FixedSettings, model_of
from glmwidgets.specification.settings import ContrastSettings, Settings, ThresholdSettings

__all__ = ["FixedAnalysis", "FixedBook"]


class _OnMask(Analysis):
    """A run analysed on other voxels than its own: its series are taken from where they have been made."""

    #: And where they were made, which voxels they are of.
    SERIES_READ = (*Analysis.SERIES_READ, "data.mask_cut")

    def __init__(self, of: Analysis, domain: Domain):
        super().__init__(replace(of.run, mask_img=domain.mask_image()), of.precision)
        self._of = of

    def _series(self, settings: Settings, domain: Domain) -> np.ndarray:
        own, series = self._of.graph.get("mask", settings), self._of.graph.get("series", settings)
        # Voxel by voxel in memory, as series come out of an image: sums in another order differ in their last bits.
        return series.T[domain.mask[own.mask]].T


class _Parts:
    """Stands where a statistic looks for the fit of one run."""

    def __init__(self, constant: np.ndarray):
        self.moments = _NoSeries(constant)

    def __getattr__(self, name: str) -> Any:
        raise NotHere("runs that are combined have this each for themselves")


class _NoSeries:
    def __init__(self, constant: np.ndarray):
        self.constant = constant

    def __getattr__(self, name: str) -> Any:
        raise NotHere("runs that are combined have this each for themselves")


class FixedAnalysis:
    """The graph of stages over several runs.

    Parameters
    ----------
    analyses : sequence of Analysis
        One a run; what they have computed is used.
    """

    def __init__(self, analyses: Sequence[Analysis]):
        self.analyses = tuple(analyses)
        self._common: Domain | None = None
        self._on_mask: tuple[Analysis, ...] = ()
        asked = ("runs.models", "runs.left_out", "contrast.expression")
        heights = tuple(f"threshold.{name}" for name in ("height_control", "alpha", "value", "two_sided"))
        kept = tuple(f"threshold.{name}" for name in ("two_sided", "cluster_size", "min_distance"))
        self.graph = Graph(
            [
                Stage("mask", lambda settings: self._common, reads=("runs.models",)),
                Stage("contrasts", self._answers, needs=("mask",), reads=asked, keep=4),
                Stage("fixed effects", self._combined, needs=("contrasts",), reads=("runs.weighting",), keep=6),
                Stage("threshold", threshold_height, needs=("fixed effects",), reads=heights, keep=8),
                Stage("clusters", clusters_over, needs=("mask", "fixed effects", "threshold"), reads=kept),
                Stage("hommel", hommel_of, needs=("fixed effects",), reads=("threshold.two_sided",)),
                Stage(
                    "bounds",
                    bounds_on,
                    needs=("mask", "fixed effects", "clusters", "hommel"),
                    reads=("threshold.two_sided",),
                ),
            ]
        )

    @cached_property
    def background(self) -> np.ndarray:
        """Mean image of the first run, 3-D float32."""
        return self.analyses[0].background

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """What the maps can be laid over: what those of the first run can be."""
        return self.analyses[0].backgrounds

    def background_image(self, name: str) -> np.ndarray:
        """An image to lay maps over, 3-D float32."""
        return self.analyses[0].background_image(name)

    def models(self, settings: FixedSettings) -> list[Settings]:
        """Settings of each run: its model, with the contrast and the threshold that are asked about."""
        return [model_of(text, settings.contrast, settings.threshold) for text in settings.runs.models]

    def forget(self) -> None:
        """Let go of everything that was kept for settings that may come back."""
        self.graph.clear()
        for analysis in self._on_mask:
            analysis.forget()

    def pending(self, settings: FixedSettings) -> tuple[str, ...]:
        """What these settings would compute, in its order: runs, then what is made of them all."""
        fits = [
            run_name(i)
            for i, model in enumerate(self.models(settings))
            if not self._on_mask or not self._on_mask[i].graph.is_kept("fit", model)
        ]
        own = self.graph.pending("bounds", settings)
        return (*fits, *(name for name in own if name not in ("mask", "contrasts")))

    def result(self, settings: FixedSettings, checkpoint: Callable[[str], None] | None = None) -> RunsAnswer:
        """Everything up to the threshold; see `glmwidgets.session.single.analysis.Analysis.result`."""
        timings: dict[str, float] = {}
        models = self.models(settings)
        self._prepare(models, timings, checkpoint)
        contrast, z = self.graph.get("fixed effects", settings, timings, checkpoint)
        answers = self.graph.get("contrasts", settings)
        threshold = self.graph.get("threshold", settings, timings, checkpoint)
        timings.pop("mask", None)
        used = [i for i, answer in enumerate(answers) if not answer.why_not]
        designs = [self._on_mask[i].graph.get("design", models[i]) for i in range(len(models))]
        stacked = pd.concat([designs[i] for i in used], ignore_index=True).fillna(0.0)
        columns = dict.fromkeys(str(name) for design in designs for name in design.columns)
        scaled = all(SCALINGS[model.data.signal_scaling].mean is not None for model in models)
        book = FixedBook([self._on_mask[i].graph.get("book", models[i]) for i in self._used(settings)])
        scaling = models[0].data.signal_scaling if scaled else "none"
        statistics = StatisticsBook(_Parts(~contrast.known), contrast, z, two_sided(settings, contrast), scaling)
        return RunsAnswer(
            settings,
            self._common,
            pd.DataFrame(columns=list(columns)),
            None,
            contrast,
            z,
            threshold,
            timings,
            self._warnings(models, answers, settings),
            book,
            statistics,
            answers=answers,
            effects=self._effects(models, designs),
            stacked=stacked,
            scaled=scaled,
        )

    def clusters(
        self,
        settings: FixedSettings,
        timings: dict[str, float] | None = None,
        checkpoint: Callable[[str], None] | None = None,
    ) -> Clusters:
        """Clusters over the threshold, the volume of their labels, and how much of each is surely active."""
        clusters = self.graph.get("clusters", settings, timings, checkpoint)
        return replace(clusters, bounds=self.graph.get("bounds", settings, timings, checkpoint))

    def suggestion(self, settings: FixedSettings, error: BaseException | None = None) -> str | None:
        """A contrast that could stand in the place of one that no run can answer."""
        return mended_expression(settings.contrast.expression, error)

    def common(self, settings: FixedSettings) -> Domain:
        """Voxels that lie in the masks of all runs."""
        models = self.models(settings)
        return self._met([a.graph.get("mask", m) for a, m in zip(self.analyses, models, strict=True)])

    # Stages -----------------------------------------------------------------------------------------------------------

    def _prepare(
        self, models: Sequence[Settings], timings: dict[str, float], checkpoint: Callable[[str], None] | None
    ) -> None:
        """Fit every run on the voxels that all have."""

        def get(analysis: Analysis, name: str, i: int) -> Any:
            start = time.perf_counter()
            try:
                result = analysis.graph.get(
                    name, models[i], None, None if checkpoint is None else lambda _stage: checkpoint(run_name(i))
                )
            except StageError as error:
                raise StageError(error.stage, ValueError(f"{run_name(i)}: {error}")) from error.cause
            timings[run_name(i)] = timings.get(run_name(i), 0.0) + time.perf_counter() - start
            return result

        # In this order, so that a design that cannot be made says so before any data are read.
        for name in ("design", "mask"):
            found = [get(analysis, name, i) for i, analysis in enumerate(self.analyses)]
        self._meet(found)
        for i, analysis in enumerate(self._on_mask):
            get(analysis, "fit", i)

    def _met(self, domains: Sequence[Domain]) -> Domain:
        masks = [domain.mask for domain in domains]
        if all(np.array_equal(mask, masks[0]) for mask in masks[1:]):
            return domains[0]
        # Masks that were found hang together; those that were given are taken as they are.
        found = any(analysis.run.mask_img is None for analysis in self.analyses)
        common = intersect_masks(masks, 1.0, connected=found)
        if not common.any():
            raise StageError("mask", ValueError("the masks of the runs have no voxel in common; give one mask for all"))
        return domains[0].within(common)

    def _meet(self, domains: Sequence[Domain]) -> None:
        """Take the voxels that lie in all masks as those of the analysis."""
        common = self._met(domains)
        if self._common is None or not np.array_equal(common.mask, self._common.mask):
            self._common = common
            # A run whose own voxels these are need not be fitted twice.
            self._on_mask = tuple(
                analysis if np.array_equal(domain.mask, common.mask) else _OnMask(analysis, common)
                for analysis, domain in zip(self.analyses, domains, strict=True)
            )

    def _used(self, settings: FixedSettings) -> list[int]:
        used = [i for i in range(len(self.analyses)) if i + 1 not in settings.runs.left_out]
        if not used:
            raise StageError("runs", ValueError("every run is left out: tick at least one"))
        return used

    def _answers(self, settings: FixedSettings, domain: Domain) -> tuple[RunPart, ...]:
        used, answers, failed = self._used(settings), [], []
        asked = ContrastSettings(settings.contrast.expression)
        for i, text in enumerate(settings.runs.models):
            model = model_of(text, asked, ThresholdSettings())
            contrast, why_not, advice = None, "" if i in used else "left out by hand", ""
            try:
                contrast = self._on_mask[i].graph.get("contrast", model)[0]
            except StageError as error:
                if not isinstance(error.cause, ExpressionError | NotEstimableError):
                    raise error.cause from error
                why_not, advice = (why_not, "") if why_not else (error.cause.message, error.cause.advice_at("notebook"))
                failed += [error.cause] if i in used else []
            answers.append(RunPart(run_name(i), contrast, why_not, advice))
        if len(failed) == len(used):
            # What no run can read is the contrast's fault.
            if len({str(error) for error in failed}) == 1:
                raise StageError("contrast", failed[0])
            said = "; ".join(f"{a.name}: {a.why_not}" for a in answers if a.contrast is None)
            raise StageError("contrast", ValueError(f"no run can answer this contrast. {said}")) from failed[0]
        return tuple(answers)

    def _combined(self, settings: FixedSettings, answers: Sequence[RunPart]) -> tuple[Contrast, np.ndarray]:
        contrasts = [answer.contrast for answer in answers if not answer.why_not]
        combine = WEIGHTINGS[settings.runs.weighting].combine
        contrast = contrasts[0] if len(contrasts) == 1 else combine(contrasts)
        return contrast, contrast.z_score()

    def _effects(self, models: Sequence[Settings], designs: Sequence[pd.DataFrame]) -> dict[str, tuple[str, ...]]:
        found: dict[str, dict[str, None]] = {}
        for analysis, model, design in zip(self.analyses, models, designs, strict=True):
            columns = [str(name) for name in design.columns]
            for effect, names in condition_columns(analysis.conditions(model), model.design, columns).items():
                found.setdefault(effect, {}).update(dict.fromkeys(names))
        return {effect: tuple(names) for effect, names in sorted(found.items())}

    def _warnings(
        self, models: Sequence[Settings], answers: Sequence[RunPart], settings: FixedSettings
    ) -> dict[str, tuple[str, ...]]:
        told: dict[str, tuple[str, ...]] = {}
        for i, (analysis, model, answer) in enumerate(zip(self._on_mask, models, answers, strict=True)):
            said = [text for texts in analysis.graph.warnings("fit", model).values() for text in texts]
            if answer.why_not and i + 1 not in settings.runs.left_out:
                said.insert(0, f"left out: {answer.why_not}")
            if said:
                told[answer.name] = tuple(said)
        return told


class FixedBook:
    """Verdicts on contrasts over runs, from those of each.

    Parameters
    ----------
    books : sequence of ContrastBook
        Of the runs that are used.
    """

    def __init__(self, books: Sequence[ContrastBook]):
        self._books = tuple(books)

    def verdict(self, expression: str) -> ContrastVerdict:
        """Verdict on the mean effect of the runs that can answer; its variance is their mean one over their number."""
        verdicts = [book.verdict(expression) for book in self._books]
        able = [verdict for verdict in verdicts if verdict.estimable]
        if not able:
            return verdicts[0]
        n = len(able)
        return replace(
            able[0],
            dof=sum(verdict.dof for verdict in able),
            efficiency=n**2 / sum(1 / verdict.efficiency for verdict in able),
            inflation=max(verdict.inflation for verdict in able),
            variance=sum(verdict.variance for verdict in able) / n**2,
        )
