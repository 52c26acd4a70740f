"""The live analysis of a study: one model for all runs; each run, its figures and the group's map answer."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd
import traitlets

from glmwidgets.files.writing import check_folder, write_text
from glmwidgets.glm.tables import tsv
from glmwidgets.plural import count
from glmwidgets.session.core.ledger import Ledger
from glmwidgets.session.core.live import first_settings
from glmwidgets.session.core.permutation import PermutingSession
from glmwidgets.session.core.scheduler import PATIENCE, Ticket
from glmwidgets.session.study.analysis import StudyAnalysis, StudyMap, exclusions_of
from glmwidgets.session.study.whole import WholeFits, WholeRuns
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.model import Model
from glmwidgets.specification.study import StudySettings
from glmwidgets.study.exclusions import Exclusions, parse_rule, why_left_out
from glmwidgets.study.gather import definitions, group_of_whole, table_of
from glmwidgets.study.group import GroupMap
from glmwidgets.study.index import row_of
from glmwidgets.study.refit import RunRefit, StudyAnswer
from glmwidgets.study.study import Study
from glmwidgets.study.table import QCTable

# Seconds between two looks at what has been refitted so far.
EVERY = 0.15


class StudySession(PermutingSession):
    """A study being looked at; see `glmwidgets.session.core.live.LiveSession`.

    Parameters
    ----------
    study : Study
        Its previews were made.
    settings : StudySettings or mapping, optional
        What to begin with, or what to change of the study's model and contrasts.
    synchronous : bool
        Compute in the caller's thread: for scripts and tests.

    Attributes
    ----------
    study : Study
    ledger : Ledger
        Every model, contrast and choice of runs of which the group's map was shown.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.datasets import write_study
    >>> from glmwidgets.study import Study
    >>> home = tempfile.TemporaryDirectory()
    >>> dataset = write_study(home.name + "/bids", 3, shape=(10, 12, 9), n_scans=40)
    >>> study = Study.of(dataset, home.name + "/study")
    >>> _ = study.build_previews()
    >>> session = StudySession(study, synchronous=True)
    >>> session.refresh()
    >>> session.is_current, len(session.result.used)
    (True, 3)
    >>> home.cleanup()
    """

    results = (*PermutingSession.results, "answer", "figures", "arrived")

    settings = traitlets.Instance(StudySettings)
    result = traitlets.Instance(StudyMap, allow_none=True)
    answer = traitlets.Instance(StudyAnswer, allow_none=True, help="What each run says to the contrast.")
    arrived = traitlets.Tuple(allow_none=True, help="Runs that were refitted a moment ago, while others still are.")
    figures = traitlets.Instance(QCTable, allow_none=True, help="Figures of quality control of the runs of `answer`.")
    reasons = traitlets.Tuple(help="Why each run is left out; empty for those that are in.")
    picked = traitlets.Int(-1, help="Row of the run that is looked at; -1 for none.")
    brushed = traitlets.Tuple(help="Rows that are marked in every view.")
    whole = traitlets.Instance(WholeRuns, (), help="How many whole runs are fitted, and how far a fit has come.")

    def __init__(
        self, study: Study, settings: StudySettings | Mapping[str, Any] | None = None, synchronous: bool = False
    ):
        self.study = study
        analysis = StudyAnalysis(study)
        analysis.heard = self._hear
        self._ticket: Ticket | None = None
        self._fresh: list[RunRefit] = []
        self._since = self._begun = 0.0
        self.ledger = Ledger()
        self._whole_fits = WholeFits(self._count_whole, self.show_error, synchronous)
        super().__init__(analysis, first_settings(analysis, settings), synchronous)
        self.reasons = tuple(run.why_not for run in study.runs)
        self.observe(lambda _: self._whole_fits.count(self.as_set()), "answer")

    # Refitting --------------------------------------------------------------------------------------------------------

    def _prepare(self, settings: StudySettings, ticket: Ticket) -> bool:
        with self.lock:
            self._ticket, self._fresh = ticket, []
            self._since = self._begun = time.monotonic()
        answer = self.analysis.graph.get("runs", settings)
        with self.lock:
            self.arrived = ()
            if answer is not self.answer:
                self.figures = None
                self.answer = answer
        self._judge_runs(settings, answer)
        return False

    def _hear(self, part: RunRefit) -> None:
        """A run was refitted, on any thread: what has come is shown now and then; an old request gives way to a new."""
        ticket, now = self._ticket, time.monotonic()
        self._fresh.append(part)
        if ticket is not None and (ticket.cancelled or (not ticket.is_newest and now - self._begun > PATIENCE)):
            self.analysis.stop()
        # Who holds the lock may wait for this refit: what is not shown now is shown the next time.
        elif now - self._since >= EVERY and self.lock.acquire(blocking=False):
            try:
                fresh, self._fresh = self._fresh, []
                self._since, self.arrived = now, tuple(fresh)
            finally:
                self.lock.release()

    def _judge_runs(self, settings: StudySettings, answer: StudyAnswer) -> None:
        """Say who is left out, by the runs' figures, which are found if they are not known."""
        with self.lock:
            self.reasons = self._reasons() if not settings.study.rules or self.figures is not None else self.reasons
        if self.figures is None:
            self._find_figures(settings, answer)

    def _find_figures(self, settings: StudySettings, answer: StudyAnswer) -> None:
        """Find the runs' figures, beside the analysis."""

        def judge(ticket: Ticket) -> None:
            figures = self.analysis.figures(settings, answer)
            ticket.checkpoint()
            with self.lock:
                if answer is self.answer:
                    self.figures = figures
                    self.reasons = self._reasons()

        self.aside(judge)

    def _reasons(self) -> tuple[str, ...]:
        """Why each run is left out under the present settings, or cannot answer."""
        own = self.analysis.reasons(self.settings, self.answer)
        return why_left_out(self.study.judged, own, self.answer.why_not)

    def _count(self, result: StudyMap, movement: int) -> None:
        # A design of each kind tells the model: another choice of it changes those of all runs.
        fitted = [part.design for part in result.fit_of_runs.parts if part.fitted is not None]
        kinds = {tuple(map(str, design.columns)): design for design in fitted}
        design = pd.concat(kinds.values(), ignore_index=True).fillna(0.0)
        self.ledger.add(result.settings, design, result.timings, movement, among=repr(result.used))

    # Which runs are in ------------------------------------------------------------------------------------------------

    @property
    def exclusions(self) -> Exclusions:
        """Rules and decisions, as they are set."""
        return exclusions_of(self.settings)

    def decide(
        self, rows: int | str | Sequence[int | str], what: str | None, comment: str = "", rater: str = ""
    ) -> bool:
        """Keep or leave out runs by hand, or have them looked at again; None takes the decision back.

        Parameters
        ----------
        rows : int, str, or sequence of these
            Of one run or several, each by its number or its name.
        what : {"keep", "drop", "look", None}
        comment, rater : str

        Raises
        ------
        InputError
            If there is no such run, or no such decision.
        """
        rows = [rows] if isinstance(rows, str | int) else rows
        names = [run.name for run in self.study.runs]
        with self.lock:
            chosen = self.exclusions.decided([names[row_of(names, row)] for row in rows], what, comment, rater)
            decided = [(name, d.what, d.comment, d.rater, d.when) for name, d in chosen.by_hand.items()]
            return self.update({"study.decisions": decided})

    def add_rule(self, text: str) -> bool:
        """Leave out the runs that a rule holds for; False if it cannot be read, and `status` says why."""

        def added() -> dict[str, Any]:
            return {"study.rules": (*self.settings.study.rules, str(parse_rule(text)))}

        return self._update_by(added, "study.rules")

    def remove_rule(self, number: int) -> bool:
        """Take a rule back."""
        rules = self.settings.study.rules
        return self.update({"study.rules": tuple(rule for i, rule in enumerate(rules) if i != number)})

    def said(self) -> str:
        """How many runs are left out, and by what; how many of the others cannot answer the contrast."""
        runs = self.study.judged
        if self.figures is None:
            n = sum(map(bool, self.reasons))
            return f"{n:,} of {len(runs):,} runs left out" if n else count(len(runs), "run")
        said = self.exclusions.said(runs, self.figures.values)
        of_all = zip(runs, self.reasons, self.answer.why_not, strict=True)
        mute = sum(bool(why) and why == reason and not run.why_not for run, reason, why in of_all)
        return f"{said}; {count(mute, 'further run')} cannot answer the contrast" if mute else said

    def pick(self, row: int) -> None:
        """Look at a run in every view, and at it alone: those that were marked no longer are; -1 for none."""
        with self.lock:
            self.picked = row if -1 <= row < len(self.study.runs) else -1
            self.brushed = ()

    # Whole runs -------------------------------------------------------------------------------------------------------

    def as_set(self) -> Study:
        """The study under the model and the contrasts as they are set."""
        with self.lock:
            return self.study.with_model(self.model, tuple(self.settings.contrast.listed))

    def fit_whole(self, executor: Any = None) -> None:
        """Fit whole runs in the background, under the model and the contrasts as they are set; `whole` says how far.

        Results are kept in the study's folder: what is there is not fitted again.

        Parameters
        ----------
        executor : None, "processes", "here", address or distributed.Client
            See `glmwidgets.study.study.Study.run`.

        Raises
        ------
        InputError
            If the model cannot be taken to other processes, or no run can answer a contrast.
        """
        study = self.as_set()
        study.check()
        self._whole_fits.fit(study, executor)

    def stop_whole(self) -> None:
        """Begin no further whole run; the next fit goes on from there."""
        self._whole_fits.stop()

    def whole_group(self) -> GroupMap:
        """The group's map of the contrast as it is set, from the whole runs that are in.

        Raises
        ------
        SettingsError
            If a run that is in is not fitted under the model and contrasts as they are set.
        InputError
            As `glmwidgets.study.gather.group_of_whole` does.
        """
        study, rows, expression = self._all_fitted()
        name = next(name for name, each in study.contrasts if each == expression)  # the one that is set is in the list
        return group_of_whole(study, name, rows)

    def fitted_study(self) -> Study:
        """The study as it is set, all of whose runs that are in are fitted; it is saved before.

        Raises
        ------
        SettingsError
            As `whole_group`.
        """
        self._all_fitted()
        return self._saved()

    def _saved(self) -> Study:
        self.save()
        return Study.open(self.study.folder)

    def _all_fitted(self) -> tuple[Study, list[int], str]:
        """The study as it is set, the rows of its runs that are in, all of which are fitted, and the contrast."""
        with self.lock:
            study, expression = self.as_set(), self.settings.contrast.expression
            rows = [i for i, reason in enumerate(self.reasons) if not reason]
        missing = [study.runs[i].name for i in rows if study.result(i) is None]
        if missing:
            raise SettingsError(
                "whole",
                f"{len(missing)} of {count(len(rows), 'run')} in the group {'is' if len(missing) == 1 else 'are'} not "
                f"fitted under this model and these contrasts, the first {missing[0]}: fit whole runs first",
            )
        return study, rows, expression

    def _count_whole(self, whole: WholeRuns) -> None:
        with self.lock:
            before, self.whole = self.whole, whole
            settings, answer = self.settings, self.answer
        if before.is_running and whole.are_all and not whole.is_running and answer is not None:
            # Figures of whole runs take the place of those of previews, in the rules too.
            self.analysis.forget_figures()
            self._find_figures(settings, answer)
            if settings.study.rules:
                self.refresh()

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Block until nothing is computed, whole runs included; False if `timeout` seconds were not enough."""
        return super().wait_until_idle(timeout) and self._whole_fits.wait_until_idle(timeout)

    # What is written --------------------------------------------------------------------------------------------------

    @property
    def model(self) -> Model:
        """The model of all runs, as it is set."""
        return self.settings.part(Model)

    def take_model(self, model: Model) -> bool:
        """Take the model of another analysis, such as of a run that was looked at by itself."""
        return self.update({path: after for path, (_, after) in model.changes_from(self.model).items()})

    def save(self) -> Path:
        """Write model, contrasts, rules and decisions into the study's folder."""
        with self.lock:
            study = self.as_set()
            path = study.save()
            answer, settings, chosen = self.answer, self.settings, self.exclusions
        # Before the first answer the figures are those of the study itself.
        study.exclude(chosen, None if answer is None else self.analysis.figures(settings, answer).values)
        return path

    def write_figures(self, folder: str | PathLike[str]) -> list[Path]:
        """Write the figures of all runs with their definitions, and which runs are left out and why.

        Parameters
        ----------
        folder : str or path
            Made if it does not exist.

        Returns
        -------
        list of Path
            ``qc.tsv`` and ``qc.json``, ``exclusions.tsv`` and ``exclusions.json``.

        Raises
        ------
        SettingsError
            If no result is there yet.
        """
        with self.lock:
            answer, settings, study = self.answer, self.settings, self.study
        if answer is None:
            raise SettingsError("study", "no run is fitted yet: wait until the explorer is up to date")
        figures, place = self.analysis.figures(settings, answer), check_folder(folder)
        place.mkdir(parents=True, exist_ok=True)
        return [
            write_text(place / "qc.tsv", tsv(table_of(study, figures)), "figures", overwrite=True),
            write_text(place / "qc.json", json.dumps(definitions(), indent=1) + "\n", "figures", overwrite=True),
            *self.exclusions.save(place, study.judged, figures.values),
        ]

    def write_group(self, folder: str | PathLike[str]) -> list[Path]:
        """Write what `glmwidgets.study.gather.gather` does of the whole runs that are in, and save the study before.

        Parameters
        ----------
        folder : str or path
            Made if it does not exist.

        Returns
        -------
        list of Path

        Raises
        ------
        SettingsError, InputError
            As `whole_group`.
        """
        self.whole_group()
        return list(self._saved().gather(folder).files)

    def _show_failure(self, settings: StudySettings, error: Any) -> None:
        super()._show_failure(settings, error)
        if error.stage == "group":
            # The runs' own maps are on screen; only the group has none.
            self._publish(result=None, clusters=None)

    def close(self) -> None:
        """End the worker threads and let go of every result."""
        self.analysis.stop()
        self._whole_fits.close()
        super().close()
