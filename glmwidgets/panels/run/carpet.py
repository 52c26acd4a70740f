"""The carpet tab: all voxels over time, with what moved above them and the crosshair's voxel marked."""

from __future__ import annotations

from typing import Any

from glmwidgets.analysis.carpet import Carpet, make_carpet, scan_traces
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.carpet_view import CarpetView
from glmwidgets.panels.shared.base import Panel
from glmwidgets.session.core.scheduler import Ticket


class CarpetTab:
    """A carpet that is made when it is looked at, beside the analysis.

    Parameters
    ----------
    panel : Panel
        Whose session is looked at, and which says the verdict.

    Attributes
    ----------
    view : CarpetView
    choices : Box
        Controls of the settings ``series.carpet`` and ``series.order``.
    open : bool
        Whether it is on screen; nothing is made where it is not.
    """

    def __init__(self, panel: Panel):
        self.session, self._say = panel.session, panel.set_verdict
        self.open = False
        self.view = CarpetView(label="carpet: voxels by scans", height=270, resting="click a time to see its scan")
        self.what = panel.control("series.carpet", titled=True)
        self.order = panel.control("series.order", titled=True)
        self.choices = W.row("glmw-series-places glmw-carpet-choices", self.what, self.order)
        self._made: Carpet | None = None
        self._of: tuple[Any, str, str] | None = None
        self._asked: tuple[Any, str, str] | None = None

    def show(self, regions: list[dict[str, Any]]) -> None:
        """Have the carpet of the present result and settings on screen.

        Parameters
        ----------
        regions : list of dict
            Events, for the strip below.
        """
        session, view = self.session, self.session.settings.series
        if self.view.regions is not regions:
            self.view.regions = regions
        wanted = (session.result, view.carpet, view.order)
        if _same(wanted, self._of):
            self._mark()
        elif not _same(wanted, self._asked):
            self._asked = wanted
            session.aside(lambda ticket: self._make(wanted, ticket))

    def forget(self) -> None:
        """Let go of a result that is no longer on screen; it may be large."""
        if self._of is not None and self._of[0] is not self.session.result:
            self._made = self._of = None

    def _make(self, wanted: tuple[Any, str, str], ticket: Ticket) -> None:
        result, what, order = wanted
        carpet = make_carpet(result, what, order, ticket.checkpoint)
        with self.session.lock:
            # An older one than was asked for since is not shown.
            if not _same(wanted, self._asked):
                return
            self._made, self._of, self._asked = carpet, wanted, None
            times = result.design.index.to_numpy(dtype=float)
            traces = scan_traces(self.session.run, result.design)
            with self.view.hold_sync():
                self._mark()
                self.view.show(carpet.rows, times, carpet.limit, carpet.sizes, traces)

    def _mark(self) -> None:
        carpet, result = self._made, self._of[0]
        voxel = result.voxel(self.session.cursor)
        row = -1 if voxel is None else int(carpet.row_of[voxel])
        self.view.row = float(row)
        if self.open:
            n, where = len(carpet.rows), "the crosshair is outside the mask"
            if row >= 0:
                where = f"voxel ({', '.join(map(str, self.session.cursor))}) in row {row + 1} of {n}"
            self._say(f"{where} · ± {carpet.limit:.2g} sd")


def _same(a: tuple[Any, str, str], b: tuple[Any, str, str] | None) -> bool:
    return b is not None and a[0] is b[0] and a[1:] == b[1:]
