"""The study explorer: every run under one model, and the group's map of those that are in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from glmwidgets.files.paths import resolved
from glmwidgets.files.writing import write_text
from glmwidgets.glm.errors import InputError
from glmwidgets.panels.group.explorer import GroupExplorer
from glmwidgets.panels.group.permutation import PermutationPanel
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.shared.base import close_with_all, guarded, text
from glmwidgets.panels.shared.clusters import ClustersPanel
from glmwidgets.panels.shared.commands import Command
from glmwidgets.panels.shared.contrast import ContrastPanel
from glmwidgets.panels.shared.crosshair import CrosshairPanel
from glmwidgets.panels.shared.explorer import SessionExplorer, only_ours
from glmwidgets.panels.shared.map import MapPanel
from glmwidgets.panels.shared.notebook import close_earlier
from glmwidgets.panels.study.decisions import DecisionsPanel
from glmwidgets.panels.study.figures import FiguresPanel
from glmwidgets.panels.study.model import StudyModelPanel
from glmwidgets.panels.study.runs import RunsPanel
from glmwidgets.panels.study.wall import WallPanel
from glmwidgets.panels.study.whole import WholePanel
from glmwidgets.plural import count
from glmwidgets.runs.arguments import check_arguments
from glmwidgets.session.core.live import LiveSession, first_settings
from glmwidgets.session.group.data import open_group
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.single.session import Session
from glmwidgets.session.study.analysis import StudyAnalysis
from glmwidgets.session.study.session import StudySession
from glmwidgets.specification.code import call_of
from glmwidgets.specification.encoding import begun_with
from glmwidgets.specification.model import Model
from glmwidgets.specification.study import StudySettings
from glmwidgets.study.gather import script
from glmwidgets.study.index import row_of, runs_of_dataset
from glmwidgets.study.preview import open_whole
from glmwidgets.study.setup import build_aloud, pairs_of, refuse_contrasts
from glmwidgets.study.study import Study

#: Runs that the search offers by their names.
MOST_NAMED = 4


class StudyExplorer(SessionExplorer):
    """A whole study, live.

    Parameters
    ----------
    session : StudySession

    Attributes
    ----------
    session : StudySession
        What is looked at; ``session.update({...})`` moves every control.
    model, whole, contrast, map, wall, permutation, runs, figures, decisions, clusters, crosshair : Panel
        Each can be shown in a cell of its own.
    opened : Explorer or GroupExplorer or None
        The explorer of one run, or of the group of whole runs, while it is open.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.datasets import write_study
    >>> from glmwidgets.study import Study
    >>> home = tempfile.TemporaryDirectory()
    >>> dataset = write_study(home.name + "/bids", 3, shape=(10, 12, 9), n_scans=40)
    >>> study = Study.of(dataset, home.name + "/study")
    >>> _ = study.build_previews()
    >>> from glmwidgets.session.study.session import StudySession
    >>> explorer = StudyExplorer(StudySession(study, synchronous=True))
    >>> explorer.opened is None
    True
    >>> explorer.close()
    >>> home.cleanup()
    """

    @W.opened_together
    def __init__(self, session: StudySession):
        self.opened: Explorer | GroupExplorer | None = None
        self.model = StudyModelPanel(session)
        self.whole = WholePanel(session, self.open_group)
        self.whole.fold()  # it is run on request, and tells in its heading how far it is
        self.contrast = ContrastPanel(session)
        self.map = MapPanel(session)
        self.map.look.background.options = [("runs that have the place", "mean")]
        self.wall = WallPanel(session, self.map.viewer)
        self.permutation = PermutationPanel(session)
        self.permutation.fold()  # it is run on request, and the wall needs the room
        self.runs = RunsPanel(session, self.wall.arrange)
        self.figures = FiguresPanel(session)
        self.decisions = DecisionsPanel(session, self.open_run, lambda path: self.say(f"saved in {path.parent}"))
        self.clusters = ClustersPanel(session, flash=self.map.viewer.flash)
        self.crosshair = CrosshairPanel(session)
        self.crosshair.fold()  # place and z stand below the map
        self._place = W.column("glmw-study-run")
        super().__init__(
            session,
            [self.model, self.decisions, self.whole, self.clusters, self.crosshair],
            [self.contrast, self.map, self.wall, self.permutation],
            [self.runs, self.figures],
            places=[self._place],
        )
        self._columns.add_class("glmw-study")
        if session.result is None:
            session.refresh()

    def _facts(self) -> tuple[str, list[str]]:
        study, result = self.session.study, self.session.result
        facts = [count(len({run.subject for run in study.runs}), "participant"), count(len(study.runs), "run")]
        if result is not None:
            facts.append(f"{len(result.group.subjects)} in the group, {result.z.size:,} cells")
        return Path(study.origin).name or "study", facts

    def named(self, words: str) -> list[Command]:
        """The first runs with these words in their names, to be looked at; words without a digit name no run."""
        asked, session, found = words.strip().casefold(), self.session, []
        if not any(letter.isdigit() for letter in asked):
            return found
        for row, run in enumerate(session.study.runs):
            if asked in run.name.casefold():
                hint, act = session.reasons[row], partial(session.pick, row)
                found.append(Command(f"run {run.name}", run.name, kind="run", hint=hint, act=act))
        return sorted(found, key=lambda command: len(command.title))[:MOST_NAMED]

    # One run, one group -----------------------------------------------------------------------------------------------

    def open_run(self, row: int | str) -> Explorer:
        """Look at one run in its own explorer, under the study's model and at its crosshair; the study waits behind it.

        Parameters
        ----------
        row : int or str
            Its number or name.

        Returns
        -------
        Explorer
        """
        session = self.session
        self.back()
        run = open_whole(session.study.runs[row_of([each.name for each in session.study.runs], row)])
        asked = {path: session.model.get(path) for path in Model.paths() if not path.startswith("events.")}
        asked |= {f"contrast.{name}": value for name, value in vars(session.settings.contrast).items()}
        take = W.Button(description="apply this model to the study")
        take.on_click(guarded(session, "model", lambda _b: self.take_model()))
        whose = f"one run of the study <b>{escape(self._facts()[0])}</b>: undo, Keep and Search apply to this run only"
        return self._put_before(Explorer(self._at_the_crosshair(Session(run, asked))), whose, take)

    def open_group(self) -> GroupExplorer:
        """Look at the group's map of the whole runs that are in, in its own explorer; the study waits behind it.

        Each participant's map is the fixed effects of the runs; maps and tests are those of the group explorer. The
        crosshair is where the study's is.

        Returns
        -------
        GroupExplorer

        Raises
        ------
        SettingsError, InputError
            If whole runs that are in are not fitted under the model and contrasts as they are set, or make no group.
        """
        found = self.session.whole_group()
        self.back()
        maps = [found.domain.image(values) for values in found.values]
        how = {"mask": found.domain.mask_image(), "subjects": list(found.subjects), "zeros_are_data": True}
        whose = f"the group of the study <b>{escape(self._facts()[0])}</b>, {escape(found.expression)}, from "
        whose += f"{count(sum(map(len, found.runs)), 'whole run')}; undo, Keep and Search apply to this group only"
        return self._put_before(GroupExplorer(self._at_the_crosshair(GroupSession(open_group(maps, **how)))), whose)

    def _at_the_crosshair(self, session: LiveSession) -> Any:
        """Another session, with its crosshair where the study's is; at its own peak where its image does not reach."""
        place = np.linalg.solve(session.affine, [*self.session.mm(), 1.0])[:3].round()
        if np.all((place >= 0) & (place < session.shape)):
            session.move_to_mm(self.session.mm())
        return session

    def _put_before(self, opened: Any, whose: str, *more: W.Button) -> Any:
        """Show an explorer in the study's place, with a way back."""
        self.opened, back = opened, W.Button(description="back to the study")
        back.on_click(guarded(self.session, "back", lambda _b: self.back()))
        self._place.children = [W.row("glmw-bar", back, *more, text("glmw-note", whose)), opened]
        self._columns.add_class("glmw-behind")
        return opened

    def take_model(self) -> bool:
        """Apply the model of the run that is open to all runs, and go back to the study."""
        if not isinstance(self.opened, Explorer):
            raise ValueError("no run is open: open_run(row) opens one")
        taken = self.session.take_model(self.opened.session.settings.part(Model))
        self.back()
        return taken

    def back(self) -> None:
        """Close the run or the group that is open."""
        opened, self.opened = self.opened, None
        if opened is not None:
            children, self._place.children = self._place.children, []
            opened.close()
            close_with_all(children[0])
            self._columns.remove_class("glmw-behind")

    # Files ------------------------------------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str] | None = None, *, overwrite: bool = False) -> Path:
        """Write model, contrasts, rules and decisions into the study's folder, for `Study.open` and the terminal.

        Parameters
        ----------
        path : None
            A study is saved in its own folder.
        overwrite : bool
            Not needed: the folder is the study's own.

        Returns
        -------
        Path
        """
        if path is not None:
            raise ValueError(f"a study is saved in its own folder, {self.session.study.folder}: call save()")
        saved = self.session.save()
        self.say(f"saved in {saved.parent}")
        return saved

    def _opening(self, first: Any) -> list[str]:
        return [call_of("gw.explore_study", [repr(str(self.session.study.folder))], {}, first)]

    def _script(self, path: str | PathLike[str], dialect: str, overwrite: bool) -> Path:
        only_ours(dialect, "a study")
        self.session.save()  # the script has the rules and decisions that are on screen
        text = script(Study.open(self.session.study.folder))
        return write_text(path, text, "script", overwrite=overwrite, by=self.subject)

    def _report(self, **options: Any) -> Any:
        from glmwidgets.report.page.runs import study_session_report

        return study_session_report(self.session, **options)

    def _alive(self) -> str:
        raise ValueError("a study has no live page; open one of its runs and keep the page of that run")

    def close(self) -> None:
        """End the workers, let go of data and results, and take the widgets away."""
        self.back()
        super().close()


def _begun_or_opened(dataset: Any, folder: Any, contrasts: Sequence[Any], which: Mapping[str, Any]) -> Study:
    """The study of a dataset, or of a table of files, in a folder: the one that is there, or a new one."""
    is_table = Path(dataset).expanduser().is_file()
    called = resolved(dataset).stem if is_table else resolved(dataset).name
    place = resolved(f"{called}-study" if folder is None else folder)
    if is_table and which:
        raise InputError(
            f"{', '.join(which)} choose runs of a dataset, but {dataset} is a table: remove its rows there"
        )
    made = (Study.of_table if is_table else Study.of)(dataset, place, contrasts=contrasts, **which)
    if not (place / "study.json").is_file():
        return made
    there = Study.open(place)
    if there.origin != made.origin or [run.name for run in there.runs] != [run.name for run in made.runs]:
        raise InputError(
            f"{place} holds a study of {there.origin}, {count(len(there.runs), 'run')}, not of this one",
            advice="name another folder, as in gw.explore_study(dataset, folder)",
        )
    return there.with_model(there.model, made.contrasts) if contrasts else there


def _as_it_is(given: Any, folder: Any, contrasts: Sequence[Any], which: Mapping[str, Any]) -> Study:
    """A study that was given itself or by its folder: its runs are chosen already."""
    study = given if isinstance(given, Study) else Study.open(given)
    if which:
        names, verb = ", ".join(which), "chooses" if len(which) == 1 else "choose"
        raise InputError(f"{names} {verb} runs of a dataset, but {study.folder} is a study, which has its runs")
    if folder is not None and resolved(folder) != study.folder:
        raise InputError(
            f"{study.folder} is a study and stays in its own folder: {folder} cannot be another one",
            advice="leave the second argument out, or name the dataset first",
        )
    return study.with_model(study.model, pairs_of(contrasts)) if contrasts else study


def explore_study(
    dataset: str | PathLike[str] | Study,
    folder: str | PathLike[str] | None = None,
    *,
    settings: StudySettings | Mapping[str, Any] | None = None,
    contrasts: Sequence[tuple[str, str] | str] = (),
    state: str | None = None,
    **which: Any,
) -> StudyExplorer:
    """Look at a whole study: every run as a small map, its figures of quality control, and the group.

    Each run is made a preview of some 5,000 cells, once; every change of the model refits all previews.

    Parameters
    ----------
    dataset : str, path or Study
        A BIDS dataset, raw or of fMRIPrep; a table of files (``.tsv``, ``.csv``), as of
        `glmwidgets.study.index.runs_of_table`; or the folder of a study that was saved.
    folder : str or path, optional
        Where previews and results are kept; by default one in the working folder that is called
        as the dataset, with ``-study``. A study of the same runs that is there is opened, with its model and decisions.
    settings : StudySettings or mapping, optional
        What to begin with, such as ``{"design.hrf_model": "glover"}``.
    contrasts : sequence of str or (name, expression), optional
        By default each condition.
    state : str, optional
        What another study explorer's ``state`` gave: to begin with all that was set there.
    **which
        Of `glmwidgets.study.index.runs_of_dataset`: task, space, subject or subjects ...

    Returns
    -------
    StudyExplorer
        Shown as the last value of a cell.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such dataset, or it holds no run that can be used.

    Examples
    --------
    >>> explore_study("bids", "bids-study", contrasts=[("faces", "faces - houses")])  # doctest: +SKIP
    """
    check_arguments(explore_study, which, runs_of_dataset)
    close_earlier()
    if isinstance(dataset, Study) or (Path(dataset).expanduser() / "study.json").is_file():
        study = _as_it_is(dataset, folder, contrasts, which)
    else:
        study = _begun_or_opened(dataset, folder, contrasts, which)
    if state is not None:
        settings = begun_with(state, settings, StudySettings)
    if contrasts:
        asked = first_settings(StudyAnalysis(study), settings).part(Model)
        refuse_contrasts(study.runs, asked, study.contrasts)
    if not (study.folder / "study.json").is_file():
        study.save()
    build_aloud(study)
    return StudyExplorer(StudySession(study, settings))
