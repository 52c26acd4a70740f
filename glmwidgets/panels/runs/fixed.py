"""Fixed effects over runs: which runs, what they say together, and where they do not agree."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from os import PathLike
from pathlib import Path
from typing import Any

from glmwidgets.analysis.answers import RunPart
from glmwidgets.analysis.verdicts import dof_said
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.runs.forest import ForestPanel
from glmwidgets.panels.shared.base import Panel, labelled, text
from glmwidgets.panels.shared.clusters import ClustersPanel
from glmwidgets.panels.shared.contrast import ContrastPanel
from glmwidgets.panels.shared.crosshair import CrosshairPanel
from glmwidgets.panels.shared.explorer import SessionExplorer, only_ours
from glmwidgets.panels.shared.map import MapPanel
from glmwidgets.plural import count
from glmwidgets.session.several.runs import RunSet
from glmwidgets.session.several.session import FixedSession
from glmwidgets.session.several.store import save_runs
from glmwidgets.session.single.store import not_kept
from glmwidgets.specification.settings import Settings


class RunsPanel(Panel):
    """A tick for each run, with what it brings or why it cannot, and how runs are weighted.

    Attributes
    ----------
    ticks : list of Checkbox
    weighting : Dropdown
    """

    also = ("which runs",)

    def __init__(self, session: FixedSession, names: tuple[str, ...]):
        super().__init__(session, "Runs", ("runs", "contrasts", "fixed effects", "mask", "design"))
        self.ticks = [W.Checkbox(value=True, description=f"run {i + 1}", indent=False) for i in range(len(names))]
        self._told = [text("glmw-note") for _ in names]
        self._files = names
        lines = []
        for tick, told in zip(self.ticks, self._told, strict=True):
            line = W.column("glmw-run-line", tick, told)
            lines.append(line)
            self.on_value(tick, self._choose)
        self.weighting = self.control("runs.weighting")
        self.fill(*lines, labelled(self.weighting))
        session.observe_at_once(self._show_ticks, "settings")
        session.observe_at_once(self._show, "result")

    def _choose(self, _change: object) -> None:
        left_out = tuple(i + 1 for i, tick in enumerate(self.ticks) if not tick.value)
        if not self.is_following and left_out != self.session.settings.runs.left_out:
            self.session.update({"runs.left_out": left_out})

    def _show_ticks(self, _change: object = None) -> None:
        left_out = self.session.settings.runs.left_out
        # Of several ticks that move, the first is not yet what a person wants.
        with self.following():
            for i, tick in enumerate(self.ticks):
                tick.value = i + 1 not in left_out

    def _show(self, _change: object = None) -> None:
        result = self.session.result
        if result is None:
            words = [self._file(i) for i in range(len(self.ticks))]
            self.set_verdict("")
        else:
            used = [answer for answer in result.parts if not answer.why_not]
            tone = "quiet" if len(used) == len(result.parts) else "warn"
            self.set_verdict(f"{len(used)} of {len(result.parts)} combined", tone)
            words = [self._says(answer, i) for i, answer in enumerate(result.parts)]
        for told, value in zip(self._told, words, strict=True):
            told.value = value

    def _file(self, i: int) -> str:
        # What came from memory has no name of its own.
        return "" if self._files[i] == "run" else escape(self._files[i])

    def _says(self, answer: RunPart, i: int) -> str:
        words = [self._file(i)]
        if answer.contrast is not None:
            words.append(dof_said(answer.contrast))
        if answer.why_not:
            said = answer.why_not if answer.why_not.startswith("left out") else f"left out: {answer.why_not}"
            # The advice names every column there is: it is there for who points at it.
            title = ". ".join(filter(None, (answer.why_not, answer.advice)))
            words.append(f'<span class="glmw-warn" title="{escape(title)}">{escape(said)}</span>')
        return "<br>".join(filter(None, words))


class OutOfRuns:
    """How runs and their fixed effects go to files; the `subject` of such an explorer is a RunSet."""

    _holds = "runs"

    subject: RunSet

    def _save(self, path: str | PathLike[str], overwrite: bool) -> Path:
        return save_runs(self.subject, path, overwrite=overwrite)

    def _not_kept(self) -> Sequence[str]:
        return tuple(
            dict.fromkeys(name for session in self.subject.sessions for name in not_kept(session.run, session.settings))
        )

    def _asked(self) -> Settings:
        return self.subject.shared

    def _report(self, **options: Any) -> Any:
        from glmwidgets.report.exports.runs import runs_report

        return runs_report(self.subject, **options)

    def _script(self, path: str | PathLike[str], dialect: str, overwrite: bool) -> Path:
        from glmwidgets.report.exports.runs import write_runs_script

        only_ours(dialect, "several runs")
        return write_runs_script(self.subject, path, overwrite=overwrite)


class FixedExplorer(OutOfRuns, SessionExplorer):
    """What several runs say together, live.

    Parameters
    ----------
    of : RunSet

    Attributes
    ----------
    session : FixedSession
    runs, contrasts, map, clusters, crosshair, forest : Panel
        Each can be shown in a cell of its own.
    undo, redo : Button
        Of what is asked: contrast, threshold, which runs are combined and how.
    """

    def __init__(self, of: RunSet):
        session = of.fixed
        self.runs = RunsPanel(session, tuple(one.run.name for one in of.sessions))
        self.contrasts = ContrastPanel(session)
        self.map = MapPanel(session)
        self.forest = ForestPanel(session)
        self.clusters = ClustersPanel(session, flash=self.map.viewer.flash)
        self.crosshair = CrosshairPanel(session)
        super().__init__(
            session,
            [self.runs],
            [self.contrasts, self.map, self.forest],
            [self.clusters, self.crosshair],
            subject=of,
        )

    def _opening(self, first: Any) -> list[str]:
        return [] if self.outer is None else self.outer.opening(self.session)

    def study(self) -> Any:
        """What is on screen, as reports tell of it."""
        from glmwidgets.report.exports.runs import study_of_runs

        return study_of_runs(self.subject)

    def _facts(self) -> tuple[str, list[str]]:
        result = self.session.result
        facts = [count(len(self.runs.ticks), "run"), " × ".join(map(str, self.session.shape)) + " voxels"]
        if result is not None:
            facts.append(f"{result.z.size:,} in the masks of all")
        return "fixed effects", facts
