"""Several runs as tabs, with fixed effects over them: an explorer each, one model for all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from html import escape
from typing import Any

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.style import stylesheet
from glmwidgets.panels.run.explorer import Explorer
from glmwidgets.panels.runs.fixed import FixedExplorer, OutOfRuns
from glmwidgets.panels.shared.base import text
from glmwidgets.panels.shared.explorer import ExplorerBase
from glmwidgets.plural import count
from glmwidgets.session.core.live import LiveSession
from glmwidgets.session.several.runs import RunSet
from glmwidgets.specification.code import call_of

log = logging.getLogger(__name__)


class RunsExplorer(OutOfRuns, ExplorerBase):
    """Runs under one model, each in a tab, and their fixed effects in the last.

    The explorer of a run is made when its tab is first opened. Undo in a tab goes back in what that tab went through:
    what was changed elsewhere meanwhile is one step; where the model is shared, going back is a change for all runs.

    Parameters
    ----------
    of : RunSet

    Attributes
    ----------
    runs : RunSet
    tabs : ToggleButtons
        Which run, or the fixed effects.
    linked : Checkbox
        Whether the run of the open tab shares the model; without the tick it has one of its own.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session.several.runs import RunSet
    >>> runs = [open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60, seed=seed)) for seed in (1, 2)]
    >>> of = RunSet(runs, synchronous=True)
    >>> explorer = RunsExplorer(of)
    >>> list(explorer.tabs.options)
    [('run 1', 0), ('run 2', 1), ('fixed effects', 2)]
    >>> explorer.close()
    """

    @W.opened_together
    def __init__(self, of: RunSet):
        self.runs = of
        self._views: dict[int, W.Widget] = {}
        names = [session.run.name for session in of.sessions]
        self.tabs = W.ToggleButtons(
            options=[(name, i) for i, name in enumerate(of.names)],
            value=of.shown,
            tooltips=[*names, "all runs together"],
        )
        self.tabs.add_class("glmw-tabs")
        self.linked = W.Checkbox(
            value=True,
            description="one model for all runs",
            indent=False,
            tooltip="without the tick this run has a model of its own",
        )
        self._counted, self._opening = text("glmw-note"), text("glmw-note")
        bar = W.row("glmw-run-tabs", self.tabs, self._counted, self.linked)
        top = W.column("glmw", stylesheet(), bar)
        self._place = W.VBox([])
        super().__init__(of, [top, self._place])
        self.tabs.observe(self._press_tab, "value")
        self.linked.observe(self._press_link, "value")
        of.observe(self._show, ["shown", "own"])
        for session in of.every:
            session.observe(self._count, "looks")
        self._show()
        self._count()
        of.current.wake()

    @property
    def session(self) -> LiveSession:
        """The session of the open tab."""
        return self.runs.current

    def _headline(self) -> str:
        names = ", ".join(session.run.name for session in self.runs.sessions)
        return f"{len(self.runs.sessions)} runs ({names}), {'' if self.shown is None else self.shown._headline()}"

    @property
    def shown(self) -> Any:
        """The explorer of the open tab."""
        return self._views.get(self.runs.shown)

    def go_to(self, index: int) -> Any:
        """Open a tab.

        Parameters
        ----------
        index : int
            0 for the first run; the number of runs for the fixed effects.

        Returns
        -------
        Explorer or FixedExplorer
        """
        self.runs.show(index)
        return self.shown

    def _press_tab(self, change: dict) -> None:
        try:
            self.runs.show(change["new"])
        except Exception as error:
            log.exception("a tab could not be opened")
            self.runs.current.show_error(error)

    def _press_link(self, change: dict) -> None:
        index = self.runs.shown
        if index < len(self.runs.sessions) and change["new"] == (index in self.runs.own):
            (self.runs.link if change["new"] else self.runs.unlink)(index)

    def _show(self, _change: object = None) -> None:
        with self.runs.lock:
            index = self.runs.shown
            is_run = index < len(self.runs.sessions)
            linked = index not in self.runs.own
            self.tabs.value = index
            self.linked.value = linked
            W.show(self.linked, is_run)
            view = self._view(index)
            # Not hidden but taken out: a plot that is drawn where it has no size does not come right again.
            self._place.children = [view]

    def _view(self, index: int) -> W.Widget:
        if index not in self._views:
            session = self.runs.every[index]
            if self._place.children:
                self._opening.value = f"opening {escape(self.runs.names[index])} …"
                self._place.children = [self._opening]
            try:
                is_run = index < len(self.runs.sessions)
                view = Explorer(session) if is_run else FixedExplorer(self.runs)
            except Exception as error:
                log.exception("%s could not be opened", self.runs.names[index])
                return text("glmw-error", escape(f"{self.runs.names[index]}: {error}"))
            view.belong_to(self)
            self._views[index] = view
        return self._views[index]

    def _count(self, _change: object = None) -> None:
        models = self.runs.n_models
        self._counted.value = f"{count(models, 'model')} viewed in all tabs"

    def opening(self, session: LiveSession) -> list[str]:
        """Lines of Python that open these runs, with the model that they began with, and the tab of a session."""
        files = [one.run.inputs.bold for one in self.runs.sessions]
        given = [repr(files) if all(files) else "runs"]
        events = [one.run.inputs.events for one in self.runs.sessions]
        first = self.runs.sessions[0].steps.taken[0]
        designs = [one.run.inputs.design for one in self.runs.sessions]
        if any(one.run.design is not None for one in self.runs.sessions) and not all(designs):
            given.append("design_matrices=designs")
        named = {"events": events if all(events) else None, "design_matrices": designs if all(designs) else None}
        opened = call_of("gw.explore", given, named, first)
        return [opened, f"explorer.go_to({self.runs.every.index(session)})"]

    def _parts(self) -> Sequence[W.Widget]:
        return self.shown._parts()

    def _alive(self) -> str:
        """The page of the open tab."""
        return self.shown._alive()

    def say(self, words: str) -> None:
        """Write a few words at the right of the open tab's status line."""
        if self.shown is not None:
            self.shown.say(words)
