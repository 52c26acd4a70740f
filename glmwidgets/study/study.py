"""A study: a table of runs and one model, in a folder of its own.

Its methods in the order in which an analysis calls them:

- `Study.of` (a dataset), `Study.of_table` (files) or `Study.open` (a folder) make it. ``study.runs`` are `StudyRun`
  rows, ``study.table`` the same as a DataFrame; ``study.model`` is the `Model` of all runs, ``study.contrasts`` are
  pairs of name and expression.
- `Study.build_previews` makes the missing previews; `Study.refit` fits them: ``fit.parts[i]`` is a `RunRefit`.
- ``answer = fit.answer("faces - houses")`` asks all fits: ``answer.z(i)``, ``answer.why_not[i]``;
  ``answer.group(used=rows)`` is a `GroupMap`; ``study.qc(answer)`` is a `QCTable`.
- `Study.run` fits the whole runs that the store lacks; ``study.result(i)`` is a run's manifest.
- `Study.exclude` saves an `Exclusions` (rules and decisions); `Study.gather` writes group maps, tables and a script.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from glmwidgets.execution.executors import lanes_of
from glmwidgets.execution.lanes import work_through
from glmwidgets.execution.store import Store
from glmwidgets.execution.task import Outcome, Task
from glmwidgets.files.envelope import enveloped, opened
from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import check_folder, write_text
from glmwidgets.glm.errors import InputError, MissingFileError, told
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.runs.arguments import check_arguments
from glmwidgets.runs.run import Run
from glmwidgets.specification.encoding import digest
from glmwidgets.specification.model import Model
from glmwidgets.study.contents import Contents
from glmwidgets.study.exclusions import Exclusions, check_decided
from glmwidgets.study.gather import Gathered, gather, qc_of_whole
from glmwidgets.study.index import StudyRun, row_of, runs_of_dataset, runs_of_table
from glmwidgets.study.preview import Preview, cells_for, keep_preview, open_preview, preview_name
from glmwidgets.study.refit import Refitter, RunRefit, StudyAnswer, StudyFit, refit_all
from glmwidgets.study.setup import (
    cells_of_spaces,
    conditions_of,
    first_model,
    pairs_of,
    place_to_read,
    refuse_contrasts,
    refuse_edited,
    refuse_folder,
    refuse_held,
)
from glmwidgets.study.table import QCTable, qc_of
from glmwidgets.study.whole import made_of, with_whole

#: What a worker does, by name.
WORK, PREVIEW_WORK = "glmwidgets.study.work:fit_whole", "glmwidgets.study.work:make_preview"

FORMAT = "glmwidgets study"
FILE = "study.json"


class Study:
    """Runs and one model, in a folder.

    Parameters
    ----------
    folder : str or path
        Where previews and results are kept.
    runs : sequence of StudyRun
    model : Model
    contrasts : sequence of (str, str)
        Name and expression; the first is looked at first. One without a name is called by its expression.
    origin : str
        Where the runs were found.
    cells : mapping of str to int, optional
        How many cells the grid of each space aims at; by default what the longest of its runs may have.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.datasets import write_study
    >>> home = tempfile.TemporaryDirectory()
    >>> dataset = write_study(home.name + "/bids", 3, shape=(10, 12, 9), n_scans=40)
    >>> study = Study.of(dataset, home.name + "/study")
    >>> _ = study.build_previews()
    >>> len(study.runs), study.contrasts[0]
    (3, ('faces', 'faces'))
    >>> home.cleanup()
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        runs: Sequence[StudyRun],
        model: Model,
        contrasts: Sequence[tuple[str, str]] = (),
        origin: str = "",
        cells: Mapping[str, int] | None = None,
    ):
        self.folder = resolved(folder)
        self.runs = tuple(runs)
        self.model = model
        self.contrasts = tuple(pairs_of(contrasts))
        self.origin = origin
        self.cells = cells_of_spaces(self.runs) if cells is None else dict(cells)
        self._lock = threading.RLock()
        self._refitters: dict[int, Refitter] = {}
        self._no_preview: dict[int, str] = {}

    # Making and opening -----------------------------------------------------------------------------------------------

    @classmethod
    def of(
        cls,
        dataset: str | os.PathLike[str],
        folder: str | os.PathLike[str],
        *,
        model: Model | None = None,
        contrasts: Sequence[tuple[str, str] | str] = (),
        **which: Any,
    ) -> Study:
        """The runs of a BIDS dataset.

        Parameters
        ----------
        dataset : str or path
        folder : str or path
            Of the study; made when something is written.
        model : Model, optional
            Of all runs; by default exact regressors, motion parameters where there are any, and an AR(1) of each voxel.
        contrasts : sequence of str or (name, expression), optional
            By default each condition.
        **which
            Of `glmwidgets.study.index.runs_of_dataset`: task, space, subjects, entities, derivatives.

        Returns
        -------
        Study
        """
        check_arguments(cls.of, which, runs_of_dataset)
        return cls._begun(folder, runs_of_dataset(dataset, **which), model, contrasts, str(resolved(dataset)))

    @classmethod
    def of_table(
        cls,
        table: pd.DataFrame | str | os.PathLike[str],
        folder: str | os.PathLike[str],
        *,
        model: Model | None = None,
        contrasts: Sequence[tuple[str, str] | str] = (),
    ) -> Study:
        """The runs that a table of files names; see `glmwidgets.study.index.runs_of_table`."""
        origin = "" if isinstance(table, pd.DataFrame) else str(resolved(table))
        return cls._begun(folder, runs_of_table(table), model, contrasts, origin)

    @classmethod
    def _begun(
        cls, folder: Any, runs: Sequence[StudyRun], model: Model | None, contrasts: Sequence[Any], origin: str
    ) -> Study:
        refuse_folder(resolved(folder), origin)
        study = cls(folder, runs, first_model(runs) if model is None else model, contrasts, origin)
        if not study.contrasts:
            study.contrasts = tuple((name, quote_name(name)) for name in study.conditions)
        return study

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> Study:
        """A study that was saved.

        Raises
        ------
        MissingFileError, ValueError
            If there is none, or its file is of another kind.
        """
        path = resolved(folder) / FILE
        if not path.is_file():
            raise MissingFileError(
                f"there is no study in {resolved(folder)} ({FILE})", advice={"terminal": "glmwidgets study init"}
            )
        tree = opened(path.read_bytes(), FORMAT, path)  # the study's own file, which it writes again
        try:
            return cls.from_tree(path.parent, tree)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} cannot be read as a study: {type(error).__name__} {error}") from None

    @classmethod
    def from_tree(cls, folder: str | os.PathLike[str], tree: Mapping[str, Any]) -> Study:
        """The study that `tree` describes."""
        runs = [StudyRun.from_dict(each) for each in tree["runs"]]
        contrasts = [tuple(pair) for pair in tree["contrasts"]]
        return cls(folder, runs, Model.from_dict(tree["model"]), contrasts, tree["origin"], tree["cells"])

    def tree(self, rows: Sequence[int] | None = None) -> dict[str, Any]:
        """Plain values, ready for JSON, of all runs or of some."""
        return {
            "origin": self.origin,
            "model": self.model.to_dict(),
            "contrasts": [list(pair) for pair in self.contrasts],
            "cells": dict(self.cells),
            "runs": [self.runs[i].to_dict() for i in (range(len(self.runs)) if rows is None else rows)],
        }

    def save(self) -> Path:
        """Write the list of runs, the model and the contrasts to the study's folder."""
        check_folder(self.folder).mkdir(parents=True, exist_ok=True)
        return write_text(self.folder / FILE, enveloped(FORMAT, self.tree()), "study", overwrite=True)

    def with_model(self, model: Model, contrasts: Sequence[tuple[str, str]] | None = None) -> Study:
        """The same runs, and their previews as they are kept, under another model."""
        contrasts = self.contrasts if contrasts is None else contrasts
        other = Study(self.folder, self.runs, model, contrasts, self.origin, self.cells)
        other._refitters, other._no_preview, other._lock = self._refitters, self._no_preview, self._lock
        return other

    def with_runs(self, rows: Sequence[int]) -> Study:
        """Some of the runs, in the same folder."""
        return Study(self.folder, [self.runs[i] for i in rows], self.model, self.contrasts, self.origin, self.cells)

    # What there is ----------------------------------------------------------------------------------------------------

    @property
    def table(self) -> pd.DataFrame:
        """One row a run: labels, what it has, and why it cannot be used."""
        return pd.DataFrame([run.row() for run in self.runs])

    @property
    def judged(self) -> tuple[StudyRun, ...]:
        """The runs; one whose preview could not be made says why, as one that lacks a file does."""
        failed = {i: why for i, why in self._no_preview.items() if why}
        return tuple(replace(run, why_not=failed[i]) if i in failed else run for i, run in enumerate(self.runs))

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """Event types of the first runs that have any, sorted."""
        return conditions_of(self.runs[:20])

    @property
    def contents(self) -> Contents:
        """Hashes of the runs' files."""
        return Contents(self.folder / "contents")

    # Previews ---------------------------------------------------------------------------------------------------------

    def preview_path(self, i: int) -> Path:
        """Where the preview of a run lies or will lie; its name says what it was made of."""
        return self.folder / "previews" / preview_name(self.runs[i], self.contents, self._n_cells(i))

    def _n_cells(self, i: int) -> int:
        run = self.runs[i]
        return self.cells[run.space] if run.space else cells_for(run.n_scans)

    def preview(self, i: int) -> Preview | None:
        """The preview of a run; None where it was not made."""
        if self.runs[i].why_not:
            return None
        with self._lock:
            if i in self._refitters:
                return self._refitters[i].preview
            try:
                found = open_preview(self.preview_path(i))
            except OSError:  # a file is gone: who fits the run will hear of it
                return None
            if found is not None:
                self._refitters[i] = Refitter(i, self.runs[i], found)
                self._no_preview.pop(i, None)
            return found

    def build_preview(self, i: int, whole: Run | None = None) -> str:
        """Make the preview of a run, if it is not there.

        Parameters
        ----------
        i : int
        whole : Run, optional
            The run, if it is open.

        Returns
        -------
        str
            Why it cannot be made; empty where it is there.
        """
        run = self.runs[i]
        if run.why_not:
            return run.why_not
        try:
            path = self.preview_path(i)
            if open_preview(path) is None:
                keep_preview(path, run, self._n_cells(i), whole)
        except (OSError, ValueError, MemoryError) as error:
            return told(error, "notebook")
        return ""

    def build_previews(
        self,
        heard: Callable[[int, str], None] | None = None,
        stop: threading.Event | None = None,
        *,
        executor: Any = None,
        width: int | None = None,
    ) -> dict[int, str]:
        """Make the previews that are not there yet.

        Parameters
        ----------
        heard : callable, optional
            ``heard(i, why_not)`` after each, on any thread.
        stop : threading.Event, optional
            Ends it when it is set.
        executor : None, "processes", "here", address or distributed.Client
            As in `run`; by default processes of this machine where there is much to read.
        width : int, optional

        Returns
        -------
        dict of int to str
            Why some cannot be made, by row.
        """
        failed = {i: run.why_not for i, run in enumerate(self.runs) if run.why_not}
        todo = []
        for i in range(len(self.runs)):
            if i not in failed and self.preview(i) is None:
                todo.append(i)
            elif heard is not None:
                heard(i, failed.get(i, ""))
        executor = executor or place_to_read([self.runs[i].inputs.bold for i in todo])
        lanes = lanes_of(executor, width)[0] if todo else []

        def told_of(outcome: Outcome) -> None:
            if heard is not None:
                heard(int(outcome.name), outcome.why_not)

        outcomes = work_through(self.tasks(todo, PREVIEW_WORK), lanes, told_of, stop)
        self._no_preview.update({int(each.name): each.why_not for each in outcomes})
        return failed | {i: why for i, why in self._no_preview.items() if why}

    def refit(
        self,
        model: Model | Mapping[str, Any] | None = None,
        heard: Callable[[RunRefit], None] | None = None,
        stop: threading.Event | None = None,
    ) -> StudyFit | None:
        """Fit a model to all previews.

        Parameters
        ----------
        model : Model or mapping from path to value, optional
            The study's by default; a mapping changes that.
        heard : callable, optional
            ``heard(part)`` for each run when it is done, on the thread that fitted it.
        stop : threading.Event, optional
            Ends it when it is set; the result is then None.

        Returns
        -------
        StudyFit or None
        """
        if not isinstance(model, Model):
            model = self.model.updated(model or {})
        refuse_edited(model)
        for i in range(len(self.runs)):
            self.preview(i)
        refitters = [self._refitters.get(i) for i in range(len(self.runs))]
        return refit_all(refitters, self.judged, model, heard, stop)

    # Whole runs -------------------------------------------------------------------------------------------------------

    @property
    def store(self) -> Store:
        """Results of whole runs."""
        return Store(self.folder / "runs")

    def key(self, i: int) -> str:
        """What the result of a run is called in the store: the name of the run, and the hash of all it depends on."""
        refuse_held(self.model)
        return f"{self.runs[i].name}_{digest(made_of(self, i))}"

    def result(self, i: int) -> dict[str, Any] | None:
        """What is kept of a whole run under the study's model: its manifest; None where it is not there."""
        if self.runs[i].why_not:
            return None
        try:
            return self.store.manifest(self.key(i))
        except (OSError, InputError):  # a file is gone, or the model is one that no store can know
            return None

    @property
    def done(self) -> list[int]:
        """Rows of the runs whose results are in the store, whoever put them there."""
        return [i for i in range(len(self.runs)) if self.result(i) is not None]

    def tasks(self, rows: Sequence[int], work: str = WORK) -> list[Task]:
        """What is to be done of some runs, each called by its row; a task holds all it needs to know of the study."""
        return [Task(str(i), work, (str(self.folder), self.tree([i]))) for i in rows]

    def check(self) -> None:
        """Refuse a model that cannot be taken to other processes, and a contrast that no run can answer.

        Raises
        ------
        InputError
        """
        refuse_held(self.model)
        refuse_contrasts(self.runs, self.model, self.contrasts)

    def run(
        self,
        executor: Any = None,
        *,
        rows: Sequence[int] | None = None,
        width: int | None = None,
        heard: Callable[[Outcome], None] | None = None,
        stop: threading.Event | None = None,
    ) -> dict[int, str]:
        """Fit whole runs; what is in the store is not done again.

        Parameters
        ----------
        executor : None, "processes", "here", address or distributed.Client
            See `glmwidgets.execution.executors.lanes_of`.
        rows : sequence of int or str, optional
            Numbers or names of runs; all by default.
        width : int, optional
            How many at a time.
        heard : callable, optional
            ``heard(outcome)`` after each, on a thread of its lane.
        stop : threading.Event, optional
            Ends it when it is set, once the runs in hand are done.

        Returns
        -------
        dict of int to str
            Why some could not be fitted, by row.

        Raises
        ------
        InputError
            As `check` does, or if there is no such run.
        """
        names = [run.name for run in self.runs]
        rows = range(len(names)) if rows is None else [row_of(names, which) for which in rows]
        self.check()
        if not (self.folder / FILE).is_file():
            self.save()
        failed = {i: self.runs[i].why_not for i in rows if self.runs[i].why_not}
        there = {key.rpartition("_")[0] for key in list(self.store.keys())}
        # Workers hash the files of runs that cannot be there, side by side.
        todo = [i for i in rows if i not in failed and (self.runs[i].name not in there or self.result(i) is None)]
        for i in rows if heard is not None else ():
            if i not in failed and i not in todo:
                heard(Outcome(str(i), {"key": self.key(i), "there": True, "warnings": []}))
        outcomes = work_through(self.tasks(todo), lanes_of(executor, width)[0] if todo else [], heard, stop)
        return failed | {int(each.name): each.why_not for each in outcomes if each.why_not}

    # What is made of them ---------------------------------------------------------------------------------------------

    def qc(self, answer: StudyAnswer, place: tuple[float, float, float] | None = None) -> QCTable:
        """Figures of all runs under an answer's model and contrast: those of whole runs once all are fitted under it.

        Parameters
        ----------
        answer : StudyAnswer
        place : (float, float, float), optional
            In mm: where effect and z of each run are wanted.

        Returns
        -------
        QCTable
        """
        return with_whole(self.with_model(answer.model), answer, qc_of(answer, self.runs, place))

    @property
    def exclusions(self) -> Exclusions:
        """Rules and decisions by which runs are left out, as they were saved last."""
        return Exclusions.open(self.folder)

    def exclude(self, chosen: Exclusions, values: pd.DataFrame | None = None) -> None:
        """Save rules and decisions, with the table of runs that joins participants.tsv.

        Parameters
        ----------
        chosen : Exclusions
        values : DataFrame, optional
            Figures of all runs, as of `qc`; made from the previews by default.
        """
        check_decided(chosen, [run.name for run in self.runs], self.exclusions)
        values = qc_of_whole(self).values if values is None else values
        chosen.save(self.folder, self.judged, values)

    def gather(self, folder: str | os.PathLike[str] | None = None) -> Gathered:
        """Write the group's maps of whole runs, the table of figures and what repeats it; see `gather.gather`."""
        return gather(self, folder)
