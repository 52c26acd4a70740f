"""Fixed effects over runs: which runs, what they say together, and where they do not agree."""

from __future__ import annotations

from html import escape

import ipywidgets as W

from glmwidgets.panels.base import Panel, column, field, text
from glmwidgets.panels.clusters import ClustersPanel
from glmwidgets.panels.contrast import ContrastPanel
from glmwidgets.panels.crosshair import CrosshairPanel
from glmwidgets.panels.forest import ForestPanel
from glmwidgets.panels.map import MapPanel
from glmwidgets.panels.status import StatusLine
from glmwidgets.panels.style import stylesheet
from glmwidgets.session.fixed import FixedSession
from glmwidgets.session.fixed_analysis import RunAnswer
from glmwidgets.specification.fixed import WEIGHTINGS

__all__ = ["FixedExplorer", "RunsPanel"]


class RunsPanel(Panel):
    """A tick for each run, with what it brings or why it cannot, and how runs are weighted.

    Attributes
    ----------
    ticks : list of Checkbox
    weighting : Dropdown
    """

    def __init__(self, session: FixedSession, names: tuple[str, ...]):
        super().__init__(session, "Runs", ("runs", "contrasts", "fixed effects", "mask", "design"))
        self.ticks = [W.Checkbox(value=True, description=f"run {i + 1}", indent=False) for i in range(len(names))]
        self._told = [text("glmw-note") for _ in names]
        self._files = names
        self._following = False
        lines = []
        for tick, told in zip(self.ticks, self._told, strict=True):
            line = W.VBox([tick, told])
            line.add_class("glmw-run-line")
            lines.append(line)
            self.on_value(tick, self._choose)
        self.weighting = W.Dropdown(options=[(label, name) for name, label in WEIGHTINGS.items()])
        self.bind(self.weighting, "runs.weighting")
        self.fill(*lines, field("weighted", self.weighting))
        session.observe_locked(self._show_ticks, "settings")
        session.observe_locked(self._show, "result")
        self._show_ticks()
        self._show()

    def _choose(self, _change: object) -> None:
        left_out = tuple(i + 1 for i, tick in enumerate(self.ticks) if not tick.value)
        if not self._following and left_out != self.session.settings.runs.left_out:
            self.session.update({"runs.left_out": left_out})

    def _show_ticks(self, _change: object = None) -> None:
        left_out = self.session.settings.runs.left_out
        # Of several ticks that move, the first is not yet what a person wants.
        self._following = True
        try:
            for i, tick in enumerate(self.ticks):
                value = i + 1 not in left_out
                if tick.value != value:
                    tick.value = value
        finally:
            self._following = False

    def _show(self, _change: object = None) -> None:
        result = self.session.result
        if result is None:
            words = [self._file(i) for i in range(len(self.ticks))]
            self.set_verdict("")
        else:
            used = [answer for answer in result.answers if not answer.why_not]
            tone = "quiet" if len(used) == len(result.answers) else "warn"
            self.set_verdict(f"{len(used)} of {len(result.answers)} combined", tone)
            words = [self._says(answer, i) for i, answer in enumerate(result.answers)]
        for told, value in zip(self._told, words, strict=True):
            if told.value != value:
                told.value = value

    def _file(self, i: int) -> str:
        # What came from memory has no name of its own.
        return "" if self._files[i] == "run" else escape(self._files[i])

    def _says(self, answer: RunAnswer, i: int) -> str:
        words = [self._file(i)]
        if answer.contrast is not None:
            words.append(f"{answer.contrast.dof:g} degrees of freedom")
        if answer.why_not:
            said = answer.why_not if answer.why_not.startswith("left out") else f"left out: {answer.why_not}"
            # The advice names every column there is: it is there for who points at it.
            title = ". ".join(filter(None, (answer.why_not, answer.advice)))
            words.append(f'<span class="glmw-warn" title="{escape(title)}">{escape(said)}</span>')
        return "<br>".join(filter(None, words))


class FixedExplorer(W.VBox):
    """What several runs say together, live.

    Parameters
    ----------
    session : FixedSession
    names : tuple of str
        Of the runs' files.

    Attributes
    ----------
    session : FixedSession
    runs, contrasts, map, clusters, crosshair, forest : Panel
        Each can be shown in a cell of its own.
    undo, redo : Button
        Of what is asked: contrast, threshold, which runs are combined and how.
    """

    def __init__(self, session: FixedSession, names: tuple[str, ...]):
        self.session = session
        self.runs = RunsPanel(session, names)
        self.contrasts = ContrastPanel(session)
        self.map = MapPanel(session)
        self.forest = ForestPanel(session)
        self.clusters = ClustersPanel(session, flash=self.map.viewer.flash)
        self.crosshair = CrosshairPanel(session)
        self._status = StatusLine(session)
        self._top = text("glmw-top")
        self.undo = W.Button(description="↶ undo", tooltip="back to what was asked before")
        self.redo = W.Button(description="↷ redo", tooltip="take back the last undo")
        self.undo.on_click(self.runs.guarded(lambda _: session.undo()))
        self.redo.on_click(self.runs.guarded(lambda _: session.redo()))
        bar = W.Box([self.undo, self.redo])
        bar.add_class("glmw-bar")
        head = W.Box([self._top, bar])
        head.add_class("glmw-head-line")
        columns = W.Box(
            [
                column("glmw-left", self.runs),
                column("glmw-centre", self.contrasts, self.map, self.forest),
                column("glmw-right", self.clusters, self.crosshair),
            ]
        )
        columns.add_class("glmw-columns")
        body = W.VBox([stylesheet(), head, columns, self._status.widget])
        body.add_class("glmw-explorer")
        super().__init__([body])
        self.add_class("glmw")
        session.observe_locked(self._show_facts, "result")
        session.observe_locked(self._show_steps, "looks")
        self._show_facts()
        self._show_steps()

    def _show_steps(self, _change: object = None) -> None:
        steps = self.session.steps
        for button, can in ((self.undo, steps.can_undo), (self.redo, steps.can_redo)):
            if button.disabled == can:
                button.disabled = not can

    def _show_facts(self, _change: object = None) -> None:
        result = self.session.result
        facts = [f"{len(self.runs.ticks)} runs", " × ".join(map(str, self.session.shape)) + " voxels"]
        if result is not None:
            facts.append(f"{result.z.size:,} in the masks of all")
        value = f'<span class="glmw-run">fixed effects</span> <span class="glmw-facts">{" · ".join(facts)}</span>'
        if self._top.value != value:
            self._top.value = value
