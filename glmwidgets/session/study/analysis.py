"""The stages of a study: all previews under one model, what they say to a contrast, and the group's map of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from glmwidgets.analysis.answers import Answer, FittedGroup
from glmwidgets.analysis.group import permutations_of
from glmwidgets.analysis.proposals import mended_expression
from glmwidgets.analysis.smoothness import SpatialNoise, group_smoothness_of
from glmwidgets.analysis.thresholding import Scored, two_sided
from glmwidgets.analysis.verdicts import ContrastVerdict
from glmwidgets.analysis.voxels import Here
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.fit.statistics import STATISTICS, StatisticsBook
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.runs.domain import Domain
from glmwidgets.session.core.analysis import Checkpoint, Get, LiveAnalysis
from glmwidgets.session.core.graph import Stage, StageError
from glmwidgets.session.core.scheduler import Superseded
from glmwidgets.specification.model import Model
from glmwidgets.specification.reading import reads
from glmwidgets.specification.study import StudySettings
from glmwidgets.study.cells import CellGrid
from glmwidgets.study.exclusions import Decision, Exclusions, parse_rule
from glmwidgets.study.group import GroupMap
from glmwidgets.study.refit import RunRefit, StudyAnswer, StudyFit
from glmwidgets.study.study import Study
from glmwidgets.study.table import QCTable

#: What a group of participants does not have of what a map can show.
LACKS = {"series": "maps of a group have no series"}

#: Settings that the fits depend on.
OF_MODEL = Model.paths()


def exclusions_of(settings: StudySettings) -> Exclusions:
    """Rules and decisions of some settings.

    Raises
    ------
    InputError
        If a rule cannot be read.
    """
    decided = {run: Decision(*rest) for run, *rest in settings.study.decisions}
    return Exclusions(tuple(parse_rule(text) for text in settings.study.rules), decided)


class StudyBook:
    """Verdicts on contrasts within runs, as the group's test answers them.

    Parameters
    ----------
    fit : StudyFit
    used : sequence of int
        Rows of the runs that are in.
    """

    def __init__(self, fit: StudyFit, used: tuple[int, ...]):
        self._fit, self._used = fit, used

    def verdict(self, expression: str) -> ContrastVerdict:
        """A t test between the participants that can answer."""
        answer = self._fit.answer(expression)
        able = [i for i in self._used if answer.contrasts[i] is not None]
        subjects = {answer.subjects[i] for i in able}
        if len(subjects) < 2:
            why = next((answer.why_not[i] for i in self._used if answer.why_not[i]), "fewer than two participants")
            return ContrastVerdict(expression, message=why)
        book = self._fit.parts[able[0]].fitted.book
        within = book.verdict(expression)
        return replace(within, stat_type="t", dim=1, dof=len(subjects) - 1.0)


@dataclass(frozen=True, eq=False, kw_only=True)
class StudyMap(Answer):
    """What the runs that are in say together.

    Attributes
    ----------
    group : GroupMap
    fit_of_runs : StudyFit
    used : tuple of int
        Rows of the study.
    """

    group: GroupMap
    fit_of_runs: StudyFit
    used: tuple[int, ...]

    @cached_property
    def book(self) -> StudyBook:
        """Verdicts on any contrast within runs."""
        return StudyBook(self.fit_of_runs, self.used)

    @cached_property
    def effects(self) -> dict[str, tuple[str, ...]]:
        """Columns that model each event type, in any of the runs."""
        found: dict[str, dict[str, None]] = {}
        for part in self.fit_of_runs.parts:
            for effect, names in part.fitted.effects.items() if part.fitted else ():
                found.setdefault(effect, {}).update(dict.fromkeys(names))
        return {effect: tuple(names) for effect, names in sorted(found.items())}

    @cached_property
    def design(self) -> pd.DataFrame:
        """Columns of any run's design, without rows."""
        parts = (part.design for part in self.fit_of_runs.parts if part.fitted)
        return pd.DataFrame(columns=list(dict.fromkeys(str(name) for design in parts for name in design.columns)))

    def _here(self, ijk: tuple[int, int, int], voxel: int) -> Here:
        return Here(self._statistics(voxel))


class StudyAnalysis(LiveAnalysis):
    """The graph of stages over one study.

    Parameters
    ----------
    study : Study
        Its previews were made.

    Attributes
    ----------
    heard : callable or None
        Told of each run that was refitted, on the thread that fitted it.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.datasets import write_study
    >>> from glmwidgets.study import Study
    >>> home = tempfile.TemporaryDirectory()
    >>> dataset = write_study(home.name + "/bids", 3, shape=(10, 12, 9), n_scans=40)
    >>> study = Study.of(dataset, home.name + "/study")
    >>> _ = study.build_previews()
    >>> analysis = StudyAnalysis(study)
    >>> analysis.default_settings().contrast.expression
    'faces'
    >>> home.cleanup()
    """

    def __init__(self, study: Study):
        self.study = study
        self.heard: Callable[[RunRefit], None] | None = None
        self._stop = threading.Event()
        self._of_figures, self._figures = threading.Lock(), []
        super().__init__(
            [
                Stage("fits", self._fits, reads=OF_MODEL, keep=2),
                Stage("runs", self._answer_of_runs, ("fits",), keep=4),
                Stage("used", self._used, ("runs",), keep=8),
                Stage("group", self._group, ("runs", "used"), keep=4),
                Stage("mask", self._mask, ("group",), keep=4),
                Stage("fitted", self._fitted, ("group",), keep=4),
                Stage("smoothness", self._smoothness, ("fitted", "mask"), keep=4),
                Stage("contrast", self._contrast, ("group",), keep=4),
                Stage("statistics", self._statistics, ("fitted", "contrast"), keep=2),
            ]
        )

    def default_settings(self) -> StudySettings:
        """The study's model and contrasts, at a threshold for groups."""
        study = self.study
        changes = {path: study.model.get(path) for path in OF_MODEL}
        names, expressions = zip(*study.contrasts, strict=True) if study.contrasts else ((), ())
        changes |= {"contrast.names": names, "contrast.expressions": expressions}
        changes |= {"contrast.expression": expressions[0] if expressions else "", "threshold.cluster_size": 2}
        exclusions = Exclusions.open(study.folder) if study.folder.is_dir() else Exclusions()
        changes["study.rules"] = tuple(str(rule) for rule in exclusions.rules)
        changes["study.decisions"] = tuple(
            (name, each.what, each.comment, each.rater, each.when) for name, each in exclusions.by_hand.items()
        )
        return StudySettings().updated(changes)

    @cached_property
    def grid(self) -> CellGrid:
        """The first preview's grid, which all runs of one standard space share."""
        found = next((p for i in range(len(self.study.runs)) if (p := self.study.preview(i)) is not None), None)
        if found is None:
            raise InputError("no run of the study has a preview: build them first (Study.build_previews)")
        return found.grid

    def _cells(self) -> list[np.ndarray]:
        """Numbers of the cells of each run that is on the grid."""
        previews = (self.study.preview(i) for i in range(len(self.study.runs)))
        return [np.asarray(p.cells) for p in previews if p is not None and p.grid.same(self.grid)]

    @cached_property
    def domain(self) -> Domain:
        """All cells of the grid that lie in any run: where the crosshair may be."""
        return self.grid.domain(np.unique(np.concatenate(self._cells())))

    @property
    def statistics(self) -> tuple[str, ...]:
        """What the map can show."""
        return tuple(name for name, row in STATISTICS.items() if row.of not in LACKS)

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """Names of the images that maps can be laid over."""
        return ("mean",)

    def background_image(self, name: str) -> np.ndarray:
        """Number of the runs that have each cell; 3-D float32."""
        counts = np.bincount(np.concatenate(self._cells()), minlength=self.grid.size)
        return counts.reshape(self.grid.shape).astype(np.float32)

    def stop(self) -> None:
        """Give up a refit that runs."""
        self._stop.set()

    def forget(self) -> None:
        """Let go of everything that was kept for settings that may come back."""
        self._stop.set()
        self._figures = []
        super().forget()

    # Stages -----------------------------------------------------------------------------------------------------------

    def _fits(self, settings: StudySettings) -> StudyFit:
        self._stop = threading.Event()
        model = Model().updated({path: settings.get(path) for path in OF_MODEL})
        found = self.study.refit(model, heard=self.heard, stop=self._stop)
        if found is None:
            raise Superseded
        return found

    @reads("contrast.expression")
    def _answer_of_runs(self, settings: StudySettings, fit: StudyFit) -> StudyAnswer:
        expression = settings.contrast.expression
        if not expression:
            raise StageError("contrast", InputError("there is no contrast to estimate in the runs: enter one"))
        answer = fit.answer(expression)
        if answer.answered:
            return answer
        fitted = next((part for part in fit.parts if part.fitted), None)
        if fitted is None:
            raise InputError(
                next((why for why in answer.why_not if why), "the contrast cannot be estimated in any run")
            )
        try:  # runs are fitted and none answers: the contrast is what is wrong, and its error may propose another
            fitted.fitted.contrast(expression)
        except ValueError as error:
            raise StageError("contrast", error) from error
        raise InputError("the contrast cannot be estimated in any run")

    def figures(self, settings: StudySettings, answer: StudyAnswer) -> QCTable:
        """Figures of quality control under an answer; those of the last answers are kept.

        They are no stage of the graph, so that a new model need not wait for those of the one before.
        """
        contrasts = tuple(settings.contrast.listed)
        with self._of_figures:
            for known, of, found in self._figures:
                if known is answer and of == contrasts:
                    return found
            found = self.study.with_model(answer.model, contrasts).qc(answer)
            self._figures = [*self._figures[-2:], (answer, contrasts, found)]
            return found

    def forget_figures(self) -> None:
        """Find figures anew, and who is left out by them: whole runs have come."""
        with self._of_figures:
            self._figures = []
        self.graph.clear("used")

    @reads("study.rules", "study.decisions", "contrast.expression", "contrast.names", "contrast.expressions")
    def _used(self, settings: StudySettings, answer: StudyAnswer) -> tuple[int, ...]:
        reasons = self.reasons(settings, answer)
        return tuple(i for i in answer.answered if not reasons[i])

    def reasons(self, settings: StudySettings, answer: StudyAnswer) -> list[str]:
        """Why each run is left out by a rule or by hand; empty for the others."""
        exclusions, names = exclusions_of(settings), [run.name for run in self.study.runs]
        values = self.figures(settings, answer).values if exclusions.rules else pd.DataFrame(index=range(len(names)))
        return exclusions.reasons(names, values)

    def _group(self, settings: StudySettings, answer: StudyAnswer, used: tuple[int, ...]) -> GroupMap:
        return answer.group(used)

    def _mask(self, settings: StudySettings, group: GroupMap) -> Domain:
        return group.domain

    def _fitted(self, settings: StudySettings, group: GroupMap) -> FittedGroup:
        return FittedGroup.of(group.values, group.fit)

    def _smoothness(self, settings: StudySettings, fitted: FittedGroup, domain: Domain) -> SpatialNoise:
        return group_smoothness_of(settings, fitted, domain)

    def _contrast(self, settings: StudySettings, group: GroupMap) -> Scored:
        return group.contrast, group.z

    @reads("threshold.two_sided")
    def _statistics(self, settings: StudySettings, fitted: FittedGroup, contrast: Scored) -> StatisticsBook:
        return StatisticsBook(fitted, *contrast, two_sided(settings, contrast[0]), "", LACKS)

    def _answer(
        self, settings: StudySettings, get: Get, timings: dict[str, float], checkpoint: Checkpoint | None
    ) -> StudyMap:
        scored = self._scored(settings, get)
        return StudyMap(**scored, timings=timings, group=get("group"), fit_of_runs=get("fits"), used=get("used"))

    def permutations(
        self, settings: StudySettings, of: StudyMap, cancel: threading.Event
    ) -> Iterator[PermutationResult]:
        """A permutation test of the group, as it sharpens: the participants' signs are flipped."""
        design = of.group.fit.design.to_numpy(dtype=float)
        how = {"mask": of.domain.mask, "cancel": cancel}
        return permutations_of(settings, of.group.values, design, np.eye(1, design.shape[1])[0], **how)

    def suggestion(self, settings: StudySettings, error: BaseException | None = None) -> str | None:
        """A contrast that could replace one that no run can estimate."""
        return mended_expression(settings.contrast.expression, error)
