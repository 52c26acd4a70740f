"""Every figure of every run as a strip, with the run that is looked at marked in each."""

from __future__ import annotations

from glmwidgets.panels.parts.strips import Strips
from glmwidgets.panels.shared.base import Panel
from glmwidgets.plural import count
from glmwidgets.session.study.session import StudySession
from glmwidgets.study.figures import FIGURES


class FiguresPanel(Panel):
    """A strip a figure, a dot a run; a click picks a run, a drag marks those between two values.

    Attributes
    ----------
    strips : Strips
    """

    also = ("strips", "distributions of figures")

    def __init__(self, session: StudySession):
        super().__init__(session, "Figures of all runs", ("figures",))
        self.strips = Strips(names=[run.name for run in session.study.runs])
        self.strips.on_pick(self.guarded(session.pick))
        self.strips.observe(self.guarded(lambda change: setattr(session, "brushed", tuple(change["new"]))), "brushed")
        self.fill(self.strips)
        session.observe_locked(self._show, "figures")
        session.observe_locked(self._mark, ["picked", "brushed", "reasons"])
        self._show()
        self._mark()

    def _show(self, _change: object = None) -> None:
        figures = self.session.figures
        if figures is None:
            return
        known = [key for key in figures.values if figures.values[key].notna().any()]
        rows = [(FIGURES[key].label, FIGURES[key].unit, FIGURES[key].definition) for key in known]
        self.strips.show(rows, figures.values[known].to_numpy(float).T, figures.unusual[known].to_numpy().T)
        odd = int(figures.unusual.to_numpy().sum())
        self.set_verdict(f"{len(known)} figures · {count(odd, 'unusual value')}", "warn" if odd else "quiet")

    def _mark(self, _change: object = None) -> None:
        session = self.session
        with self.strips.hold_sync():
            self.strips.here, self.strips.brushed = session.picked, list(session.brushed)
            self.strips.out = [i for i, reason in enumerate(session.reasons) if reason]
