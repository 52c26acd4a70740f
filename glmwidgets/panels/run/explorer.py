"""The explorer: every panel around one session."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.brush import Brush
from glmwidgets.panels.run.compare import ComparePanel
from glmwidgets.panels.run.confounds import ConfoundsPanel
from glmwidgets.panels.run.data import DataPanel
from glmwidgets.panels.run.design import DesignPanel
from glmwidgets.panels.run.drift import DriftPanel
from glmwidgets.panels.run.events import EventsPanel
from glmwidgets.panels.run.noise import NoisePanel
from glmwidgets.panels.run.regions import RegionOnMap, RegionsTab
from glmwidgets.panels.run.response import ResponsePanel
from glmwidgets.panels.run.series import SeriesPanel
from glmwidgets.panels.shared.base import opened_by
from glmwidgets.panels.shared.clusters import ClustersPanel
from glmwidgets.panels.shared.contrast import ContrastPanel
from glmwidgets.panels.shared.crosshair import CrosshairPanel
from glmwidgets.panels.shared.explorer import SessionExplorer
from glmwidgets.panels.shared.history import HistoryPanel
from glmwidgets.panels.shared.map import MapPanel
from glmwidgets.runs.run import Provenance, Run
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.store import not_kept, save_session
from glmwidgets.specification.code import call_of
from glmwidgets.specification.settings import Settings

#: Inputs that `glmwidgets.explore` takes under another name.
_ARGUMENTS = {"design": "design_matrices"}


def opening_of(run: Run, first: Settings) -> str:
    """The call of `glmwidgets.explore` that opens a run; ``bold`` and ``design`` stand for what was given in memory."""
    given, usual = vars(run.inputs), vars(Provenance())
    # Who said an input is no input.
    names = [name for name in given if name not in ("bold", "said_by") and given[name] != usual[name]]
    inputs = {_ARGUMENTS.get(name, name): given[name] for name in names}
    opened = [repr(run.inputs.bold) if run.inputs.bold else "bold"]
    if run.design is not None and not run.inputs.design:
        opened.append("design_matrices=design")
    return call_of("gw.explore", opened, inputs, first)


class Explorer(SessionExplorer):
    """One run, its model and its map, live.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    session : Session
        What is looked at; ``session.update({...})`` moves every control.
    events, hrf, drift, confounds, noise, data, contrasts, map, series, clusters, crosshair : Panel
    design, history, compare : Panel
        Each can be shown in a cell of its own.
    undo, redo : Button
    brush : Brush
        Draws regions of interest on the slices.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> explorer = Explorer(session)
    >>> session.update({"design.hrf_model": "glover"}), explorer.undo.disabled
    (True, False)
    >>> explorer.close()
    """

    @W.opened_together
    def __init__(self, session: Session):
        is_new = session.result is None
        if is_new:
            session.begin()
        self.map = MapPanel(session)  # the first to hear of a result, so that its pixels are the first on their way
        self.events = EventsPanel(session)
        self.hrf = ResponsePanel(session)
        self.drift = DriftPanel(session)
        self.confounds = ConfoundsPanel(session)
        self.noise = NoisePanel(session)
        self.data = DataPanel(session)
        self.contrasts = ContrastPanel(session)
        self.brush = Brush(self.map.viewer)
        RegionOnMap(session, self.brush)
        self.series = SeriesPanel(session, self.brush)
        self.clusters = ClustersPanel(session, flash=self.map.viewer.flash)
        self.crosshair = CrosshairPanel(session)
        self.design = DesignPanel(session)
        self.history = HistoryPanel(session)
        self.compare = ComparePanel(session)
        # A run without confounds shows nothing of them.
        confounds = [] if session.run.confounds is None else [self.confounds]
        for panel in (self.hrf, self.drift, self.noise, self.confounds, self.data, self.design):
            panel.add_class("glmw-foldable")
        # Of a given design the columns are what a person changes; what stands still needs no room.
        given = session.settings.design.source == "given"
        still = (self.hrf,) if given else (self.design,)
        for panel in (self.drift, self.noise, self.confounds, self.data, *still):
            panel.fold()
        model = [self.events, self.hrf, self.drift, self.noise, *confounds, self.data]
        looked_at = opened_by(self.history.count, self.history)
        all_events = opened_by(self.events.edit, lambda: self.events.editor)
        super().__init__(
            session,
            [self.design, *model] if given else [*model, self.design],
            [self.contrasts, self.map, self.series],
            [self.clusters, self.crosshair],
            tools=[self.history.count, self.compare.pin],
            places=[looked_at, all_events],
            below=[opened_by(self.compare.pin, self.compare)],
        )
        if is_new:
            session.refresh()

    @property
    def regions(self) -> RegionsTab:
        """Regions of interest: what can be done by hand with those of ``session.regions``."""
        return self.series.regions

    def _facts(self) -> tuple[str, list[str]]:
        run, result = self.session.run, self.session.result
        shape = " × ".join(map(str, run.domain.shape))
        facts = [f"{shape} voxels", f"{run.n_scans} scans", run.clock]
        if result is not None:
            facts.append(f"mask {result.z.size:,}")
        return run.name, facts

    def _save(self, path: str | PathLike[str], overwrite: bool) -> Path:
        return save_session(self.session, path, overwrite=overwrite)

    def _not_kept(self) -> Sequence[str]:
        return not_kept(self.session.run, self.session.settings)

    def _white(self) -> Any:
        watch = self.noise.watch
        return watch.verdict.whiteness if watch.is_current else None

    def _opening(self, first: Any) -> list[str]:
        if self.outer is not None:
            return self.outer.opening(self.session)
        return [opening_of(self.session.run, first)]

    def study(self) -> Any:
        """What is on screen, as reports tell of it."""
        from glmwidgets.report.page.subject import study_of_session

        return study_of_session(self.session)

    def _report(self, **options: Any) -> Any:
        from glmwidgets.report.page.html import session_report

        return session_report(self.session, **options)

    def _script(self, path: str | PathLike[str], dialect: str, overwrite: bool) -> Path:
        from glmwidgets.report.exports.script import write_script

        return write_script(self.session, path, dialect, overwrite=overwrite)
