"""All previews of a study under one model: their fits, and what each says to a contrast.

A change of the response multiplies each preview by the task's columns alone; a change of the noise model by none; a
change of the contrast asks the fits that are there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.analysis import steps
from glmwidgets.analysis.answers import Fitted
from glmwidgets.analysis.events import EventSource, types_of
from glmwidgets.analysis.left_out import left_out_types
from glmwidgets.analysis.proposals import condition_columns
from glmwidgets.glm.collected_warnings import Heard
from glmwidgets.glm.errors import GlmwidgetsError, told
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.moments.cache import ProductCache
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.parallel import keep_freed_memory, side_by_side
from glmwidgets.runs.run import Run
from glmwidgets.specification.model import Model
from glmwidgets.specification.reading import read_by
from glmwidgets.study.group import GroupMap, group_map, too_few
from glmwidgets.study.index import StudyRun
from glmwidgets.study.preview import Preview

#: Bytes of the products of one run with columns of its design, kept for the next model.
PRODUCTS = 2**20

#: What a run's data depend on.
DATA = tuple(dict.fromkeys([*read_by(steps.moments_of), *read_by(steps.scrubbed_of), *read_by(steps.scans_of)]))
SERIES = (*DATA, *read_by(steps.series_of))

#: What its confounds depend on.
CONFOUNDS = tuple(dict.fromkeys([*read_by(steps.confounds_of), *read_by(steps.scans_of)]))


def design_for(
    run: Run, asked: Model, events: pd.DataFrame | None, confounds: pd.DataFrame | None, scans: slice
) -> pd.DataFrame:
    """Design matrix of a run under a model of a study, of tables that were checked when they were read.

    Event types of a study's model that a run does not have are left out of it, as in a study not every run holds every
    type; a contrast that asks for them says so.
    """
    steps.check_even(run, asked.noise.model)
    chosen = asked.design.conditions
    if chosen is not None:
        there = tuple(name for name in chosen if name in types_of(events))
        asked = asked.updated({"design.conditions": there or chosen})
    return steps.design_of(run, asked, events, confounds, scans, checked=True)


@dataclass(frozen=True, eq=False)
class RunRefit:
    """A run's preview under one model.

    Attributes
    ----------
    index : int
        Row of the study.
    name : str
    preview : Preview or None
    run : Run or None
        The run with cells for voxels: its events, confounds and clock.
    fitted : Fitted or None
        None where it could not be fitted.
    why_not : str
        Why, in a sentence.
    warnings : tuple of str
    lock : RLock
        Held by who asks its fit for something that may read the series: they are shared with other models of the run.
    """

    index: int
    name: str
    preview: Preview | None = None
    run: Run | None = None
    fitted: Fitted | None = None
    why_not: str = ""
    warnings: tuple[str, ...] = ()
    lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def fit(self) -> Fit | None:
        """Fit of its cells."""
        return None if self.fitted is None else self.fitted.fit

    @property
    def design(self) -> pd.DataFrame | None:
        """Design matrix."""
        return None if self.fitted is None else self.fitted.design

    def contrast(self, expression: str) -> tuple[Contrast | None, str]:
        """The contrast of its cells, or why it cannot answer."""
        if self.fitted is None:
            return None, self.why_not
        try:
            return self.fitted.contrast(expression), ""
        except ValueError as error:
            return None, error.message if isinstance(error, GlmwidgetsError) else told(error)


class Refitter:
    """One run's preview, with what is kept of it from one model to the next.

    Parameters
    ----------
    index : int
    of : StudyRun
    preview : Preview
    """

    def __init__(self, index: int, of: StudyRun, preview: Preview):
        self.index, self.of, self.preview = index, of, preview
        self._moments: tuple[Any, Moments, np.ndarray] | None = None
        self._confounds: tuple[Any, pd.DataFrame | None, tuple[str, ...]] = (None, None, ())
        self._last: tuple[Model, RunRefit] | None = None
        self._lock = threading.RLock()

    @cached_property
    def run(self) -> Run:
        """The run with cells for voxels."""
        return self.preview.as_run(self.of)

    @cached_property
    def events(self) -> EventSource:
        """Its events under any settings."""
        return EventSource(self.run.events, self.run.unlasting)

    def refit(self, asked: Model) -> RunRefit:
        """Fit a model; what it cannot be fitted for is said in the result. One thread at a time, the others wait."""
        with self._lock:
            return self._refitted(asked)

    def _refitted(self, asked: Model) -> RunRefit:
        if self._last is not None and asked.same_analysis(self._last[0]):
            return self._last[1]
        run = part = None
        with Heard() as heard:
            try:
                run, why_not = self.run, ""
                part = self._fitted(asked)
            except (ValueError, OSError, TypeError) as error:
                why_not = told(error, "notebook")
        said = tuple(dict.fromkeys((*self.preview.warnings, *self._confounds[2], *heard.said)))
        found = RunRefit(self.index, self.of.name, self.preview, run, part, why_not, said, self._lock)
        self._last = asked, found
        return found

    def _fitted(self, asked: Model) -> Fitted:
        run = self.run
        if asked.data.standardize is not None:
            raise ValueError(
                "previews hold scaled series, which cannot be standardised: leave data.standardize at none"
            )
        scans = steps.scans_of(run, asked)
        events = self.events.events(asked.events)
        design = design_for(run, asked, events, self._judged(asked, scans), scans)
        moments, signal = self._data(asked, scans)
        fit = steps.fit_of(asked, moments, design, self.preview.domain)
        chosen = asked.design.confounds
        confounds = () if run.confounds is None else tuple(run.confounds.columns) if chosen is None else chosen
        effects = condition_columns(types_of(events), asked.design, [str(name) for name in design.columns])
        left_out = left_out_types(asked.design, events)
        about = {"signal": signal, "effects": effects, "left_out": left_out}
        return Fitted(run.name, design, fit, run.t_r, events, confounds, run.inputs, **about)

    def _judged(self, asked: Model, scans: slice) -> pd.DataFrame | None:
        """The confounds that are modelled; what was said of them is kept with them."""
        key = tuple(asked.get(path) for path in CONFOUNDS)
        if self._confounds[0] != key:
            self._confounds = None, None, ()
            with Heard() as heard:
                table = steps.confounds_of(self.run, asked, scans)
            self._confounds = key, table, heard.said
        return self._confounds[1]

    def _data(self, asked: Model, scans: slice) -> tuple[Moments, np.ndarray]:
        """Moments that read the preview anew for new columns, and the mean signal of each cell."""
        key = tuple(asked.get(path) for path in SERIES)
        if self._moments is None or self._moments[0] != key:
            fwhm = asked.data.smoothing_fwhm
            series = (self.preview.smoothed(fwhm) if fwhm else self.preview).as_series()
            kept = steps.scrubbed_of(self.run, asked, scans)
            how = {"precision": "float32", "products": ProductCache(PRODUCTS)}
            moments = steps.moments_of(asked, series, scans, None if kept.all() else kept, **how)
            signal = series.of_scans(np.flatnonzero(kept) + (scans.start or 0)).mean()
            self._moments = key, moments, signal
        return self._moments[1:]


@dataclass(frozen=True, eq=False)
class StudyAnswer:
    """What every run's preview says to a contrast.

    Attributes
    ----------
    expression : str
    parts : tuple of RunRefit
        One a run of the study.
    contrasts : tuple of Contrast or None
        One a run, on its own cells; None where it cannot answer.
    why_not : tuple of str
        Why, in a sentence.
    subjects : tuple of str
        Whose each run is.
    model : Model
        What was fitted.
    of_fits : dict
        What `glmwidgets.study.table` found of the fits, whatever is asked of them; one for all answers of them.
    """

    expression: str
    parts: tuple[RunRefit, ...]
    contrasts: tuple[Contrast | None, ...]
    why_not: tuple[str, ...]
    subjects: tuple[str, ...]
    model: Model = field(default_factory=Model, repr=False)
    of_fits: dict[str, Any] = field(default_factory=dict, repr=False)
    _z: dict[int, np.ndarray] = field(default_factory=dict, repr=False)

    @property
    def answered(self) -> list[int]:
        """Rows of the runs that can answer."""
        return [i for i, contrast in enumerate(self.contrasts) if contrast is not None]

    def z(self, i: int) -> np.ndarray | None:
        """Z scores of a run's cells, shape (n_cells,)."""
        if i not in self._z and self.contrasts[i] is not None:
            self._z[i] = self.contrasts[i].z_score()
        return self._z.get(i)

    def all_z(self) -> dict[int, np.ndarray]:
        """Z scores of all runs that can answer, by row."""
        for i in self.answered:  # one after the other: steps so small that threads would wait for one another
            self.z(i)
        return self._z

    def volume(self, i: int, what: str = "z") -> np.ndarray | None:
        """Volume of ``z`` or ``effect`` on the preview's grid, float32, NaN outside; None without an answer."""
        if self.contrasts[i] is None:
            return None
        values = self.z(i) if what == "z" else self.contrasts[i].effect[0]
        return self.parts[i].preview.domain.fill(values.astype(np.float32), np.nan)

    def group(self, used: Sequence[int] | None = None) -> GroupMap:
        """Map of the participants as a group: fixed effects within them first, then a t test between them.

        Parameters
        ----------
        used : sequence of int, optional
            Rows of the runs that are in; all that can answer by default.

        Returns
        -------
        GroupMap

        Raises
        ------
        InputError
            If the runs are not in one space, or fewer than two participants are left.
        """
        rows = [i for i in self.answered if used is None or i in set(used)]
        if len({self.subjects[i] for i in rows}) < 2:
            asked = range(len(self.parts)) if used is None else used
            raise too_few([self.subjects[i] for i in rows], self.expression, [self.why_not[i] for i in asked])
        previews = [self.parts[i].preview for i in rows]
        grids, cells = [p.grid for p in previews], [np.asarray(p.cells) for p in previews]
        return group_map(
            [self.contrasts[i] for i in rows], grids, cells, [self.subjects[i] for i in rows], rows, self.expression
        )


@dataclass(frozen=True, eq=False)
class StudyFit:
    """All previews under one model.

    Attributes
    ----------
    model : Model
    parts : tuple of RunRefit
        One a run of the study, those that could not be fitted too.
    subjects : tuple of str
    """

    model: Model
    parts: tuple[RunRefit, ...]
    subjects: tuple[str, ...]
    _answers: dict[str, StudyAnswer] = field(default_factory=dict, repr=False)
    _of_fits: dict[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """Event types of any run, sorted."""
        return tuple(sorted({name for part in self.parts if part.fitted for name in part.fitted.conditions}))

    def answer(self, expression: str) -> StudyAnswer:
        """What every run says to a contrast; one of the last is given again."""
        if expression not in self._answers:
            found = [part.contrast(expression) for part in self.parts]
            while len(self._answers) >= 4:
                self._answers.pop(next(iter(self._answers)))
            self._answers[expression] = StudyAnswer(
                expression,
                self.parts,
                tuple(c for c, _ in found),
                tuple(why for _, why in found),
                self.subjects,
                self.model,
                self._of_fits,
            )
        return self._answers[expression]


def refit_all(
    refitters: Sequence[Refitter | None],
    rows: Sequence[StudyRun],
    asked: Model,
    heard: Callable[[RunRefit], None] | None = None,
    stop: threading.Event | None = None,
) -> StudyFit | None:
    """Fit a model to the previews of all runs, as many at a time as there are threads of linear algebra.

    Parameters
    ----------
    refitters : sequence of Refitter or None
        None for a run that has no preview.
    rows : sequence of StudyRun
    asked : Model
    heard : callable, optional
        ``heard(part)`` for each run when it is done, on the thread that fitted it.
    stop : threading.Event, optional
        Ends it when it is set.

    Returns
    -------
    StudyFit or None
        None if it was stopped.
    """

    def one(i: int) -> RunRefit | None:
        if stop is not None and stop.is_set():
            return None
        why_not = rows[i].why_not or "its preview was not made yet"
        part = RunRefit(i, rows[i].name, why_not=why_not) if refitters[i] is None else refitters[i].refit(asked)
        if heard is not None:
            heard(part)
        return part

    keep_freed_memory()
    parts = side_by_side(one, list(range(len(rows))))
    if any(part is None for part in parts):
        return None
    return StudyFit(asked, tuple(parts), tuple(row.subject for row in rows))
