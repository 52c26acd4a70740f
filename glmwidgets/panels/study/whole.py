"""Whole runs: fitted in the background, with the time that is left, stopped and gone on with."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.session.study.session import StudySession


class WholePanel(Panel):
    """Previews answer at once; results are of whole runs, which are fitted on request and kept in the study's folder.

    Attributes
    ----------
    run : Button
        Fits the whole runs, or stops.
    bar : FloatProgress
    group : Button
        Opens the group's map of the whole runs that are in.
    """

    also = ("fit whole runs", "fit all voxels", "background", "group map of whole runs")

    def __init__(self, session: StudySession, open_group: Callable[[], object] = lambda: None):
        super().__init__(session, "Whole runs", ("whole",))
        tooltip = "fit every voxel of every run in the background; results in the study's folder are not fitted again"
        self.run = self.button("fit whole runs", self._press, tooltip=tooltip)
        tooltip = (
            "the group's map of the whole runs that are in: crosshair, influence and permutation tests in all voxels"
        )
        self.group = self.button("group map of whole runs", lambda _b: open_group(), tooltip=tooltip)
        self.bar = W.FloatProgress(min=0, max=1)
        self.bar.add_class("glmw-progress")
        self._words = text("glmw-note")
        self.fill(W.row("glmw-bar glmw-study-fit", self.run, self.bar), W.row("glmw-bar", self.group), self._words)
        session.observe_locked(self._show, "whole")
        self._show()

    def _press(self, _button: object) -> None:
        if self.session.whole.is_running:
            self.session.stop_whole()
        else:
            self.session.fit_whole()

    def _where(self) -> tuple[str, ...]:
        """Which maps are where."""
        return (
            "The maps on this page show previews, the figures are those of the whole runs.",
            "Keep ▾ writes the group's maps of whole runs; the maps of each run are in "
            f"{self.session.study.store.folder}.",
        )

    def _show(self, _change: object = None) -> None:
        whole = self.session.whole
        self.run.description = "stop" if whole.is_running else "fit whole runs"
        self.run.disabled = not whole.is_running and whole.are_all
        self.group.disabled = not whole.done
        self.bar.value = whole.done / max(1, whole.n)
        said = [whole.said] if whole.said else []
        self._words.value = "<br>".join(map(escape, [*said, *(self._where() if whole.are_all else ())]))
        self.set_verdict(f"{whole.done:,} of {whole.n:,} fitted" if whole.n else "", "quiet")
