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
from glmwidgets.analysis.proposals import condition_columns
from glmwidgets.glm.errors import GlmwidgetsError, told
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.heard import Heard
from glmwidgets.glm.moments.cache import ProductCache
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.scaling import scaling_row
from glmwidgets.glm.moments.series import Series
from glmwidgets.glm.parallel import side_by_side
from glmwidgets.runs.run import Run
from glmwidgets.specification.model import Model
from glmwidgets.specification.reading import read_by
from glmwidgets.study.group import GroupMap, group_map
from glmwidgets.study.index import StudyRun
from glmwidgets.study.preview import Preview

__all__ = ["PreviewMoments", "Refitter", "RunRefit", "StudyAnswer", "StudyFit", "design_for"]

#: Bytes of the products of one run with columns of its design, kept for the next model.
PRODUCTS = 2 * 2**20

#: What a run's data depend on.
DATA = tuple(dict.fromkeys([*read_by(steps.moments_of), *read_by(steps.scrubbed_of), *read_by(steps.scans_of)]))
SERIES = (*DATA, *read_by(steps.series_of))


class PreviewMoments(Moments):
    """Moments of a preview, whose series are read from its file when a new column is multiplied, and let go of again.

    Parameters
    ----------
    y : callable
        ``y()`` gives the series, shape (n_scans, n_cells), in the image's units.
    scaled_by : array or None
        What the series are divided by to be a share, as `Scaling.mean` gives it; None for none.
    """

    def __init__(self, y: Callable[[], np.ndarray], scaled_by: np.ndarray | None):
        self._read, self._scaled_by = y, scaled_by
        super().__init__(self._scaled(), "float32", ProductCache(PRODUCTS))
        self._data = None

    def _scaled(self) -> np.ndarray:
        y = self._read()
        if self._scaled_by is not None:
            y *= np.asarray(100 / self._scaled_by, np.float32)
            y -= np.float32(100)
        return y

    def block(self, voxels: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Series of some cells minus their means, float32; all are read anew where they were let go of."""
        if self._place is None:
            y = self._scaled()
            y -= self.mean.astype(np.float32)
            self._place = y
        return super().block(voxels)


def design_for(run: Run, asked: Model, events: pd.DataFrame | None, scans: slice) -> pd.DataFrame:
    """Design matrix of a run under a model of a study.

    Event types of a study's model that a run does not have are left out of it, as in a study not every run holds every
    type; a contrast that asks for them says so.
    """
    steps.check_even(run, asked.noise.model)
    chosen = asked.design.conditions
    if chosen is not None:
        there = tuple(name for name in chosen if name in types_of(events))
        asked = asked.updated({"design.conditions": there or chosen})
    return steps.design_of(run, asked, events, steps.confounds_of(run, asked, scans), scans)


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
    """

    index: int
    name: str
    preview: Preview | None = None
    run: Run | None = None
    fitted: Fitted | None = None
    why_not: str = ""
    warnings: tuple[str, ...] = ()

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
            return compute_contrast(self.fit, expression), ""
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
        self._moments: tuple[Any, PreviewMoments, np.ndarray] | None = None
        self._last: tuple[Model, RunRefit] | None = None

    @cached_property
    def run(self) -> Run:
        """The run with cells for voxels."""
        return self.preview.as_run(self.of)

    @cached_property
    def events(self) -> EventSource:
        """Its events under any settings."""
        return EventSource(self.run.events, self.run.unlasting)

    def refit(self, asked: Model) -> RunRefit:
        """Fit a model; what it cannot be fitted for is said in the result."""
        if self._last is not None and asked.same_analysis(self._last[0]):
            return self._last[1]
        run = part = None
        with Heard() as heard:
            try:
                run, why_not = self.run, ""
                part = self._fitted(asked)
            except (ValueError, OSError, TypeError) as error:
                why_not = told(error, "notebook")
        said = tuple(dict.fromkeys((*self.preview.warnings, *heard.said)))
        found = RunRefit(self.index, self.of.name, self.preview, run, part, why_not, said)
        self._last = asked, found
        return found

    def _fitted(self, asked: Model) -> Fitted:
        run = self.run
        scans = steps.scans_of(run, asked)
        events = self.events.events(asked.events)
        design = design_for(run, asked, events, scans)
        moments, signal = self._data(asked, scans)
        fit = steps.fit_of(asked, moments, design, self.preview.domain)
        moments.let_go()
        chosen = asked.design.confounds
        confounds = () if run.confounds is None else tuple(run.confounds.columns) if chosen is None else chosen
        effects = condition_columns(types_of(events), asked.design, [str(name) for name in design.columns])
        return Fitted(run.name, design, fit, run.t_r, events, confounds, run.inputs, signal, effects)

    def _data(self, asked: Model, scans: slice) -> tuple[PreviewMoments, np.ndarray]:
        key = tuple(asked.get(path) for path in SERIES)
        if self._moments is None or self._moments[0] != key:
            fwhm = asked.data.smoothing_fwhm

            def read() -> np.ndarray:
                y = self.preview.series() if not fwhm else np.array(steps.series_of(self.run, asked, self.run_domain))
                return y[scans]

            kept = steps.scrubbed_of(self.run, asked, scans)
            y = read()
            over = y if kept.all() else y[kept]
            row = scaling_row(asked.data.signal_scaling)
            scaled_by = None if row.mean is None else row.mean(Series.of(over if row.over_time else y))
            self._moments = key, PreviewMoments(read, scaled_by), over.mean(axis=0, dtype=np.float64)
        return self._moments[1:]

    @property
    def run_domain(self) -> Any:
        """Cells of the preview as the domain of its run."""
        return self.run.domain.within(self.preview.domain.mask)


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
    """

    expression: str
    parts: tuple[RunRefit, ...]
    contrasts: tuple[Contrast | None, ...]
    why_not: tuple[str, ...]
    subjects: tuple[str, ...]
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
                expression, self.parts, tuple(c for c, _ in found), tuple(why for _, why in found), self.subjects
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

    parts = side_by_side(one, list(range(len(rows))))
    if any(part is None for part in parts):
        return None
    return StudyFit(asked, tuple(parts), tuple(row.subject for row in rows))
