"""The map of every run, small, at the crosshair's slice and the map's threshold."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.wall import MapWall
from glmwidgets.panels.shared.base import Panel
from glmwidgets.plural import count
from glmwidgets.session.study.session import StudySession
from glmwidgets.session.study.small_maps import end_of_colours, threshold_of
from glmwidgets.study.refit import RunRefit
from glmwidgets.web.palettes import lookup_table


class WallPanel(Panel):
    """A small map of each run under the model and the contrast at hand; a click looks at the run, Shift or Ctrl marks.

    Parameters
    ----------
    session : StudySession
    viewer : SliceViewer
        The group's map, whose bar says what the colours mean.

    Attributes
    ----------
    wall : MapWall
    """

    also = ("maps of all runs", "wall of maps", "thumbnails")

    def __init__(self, session: StudySession, viewer: SliceViewer):
        super().__init__(session, "Runs", ("runs",))
        self._viewer = viewer
        self.wall = MapWall(order=list(range(len(session.study.runs))))
        self.wall.on_pick(self.guarded(session.pick))
        domain = session.domain
        self._cells = np.flatnonzero(domain.mask)
        self._mm = nib.affines.apply_affine(domain.affine, np.argwhere(domain.mask))
        self._places: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._z = np.full((len(session.study.runs), self._cells.size), np.nan, np.float32)
        self.fill(self.wall)
        self.wall.observe(self.guarded(lambda change: setattr(session, "brushed", tuple(change["new"]))), "brushed")
        session.observe_locked(self._show, "answer")
        session.observe_locked(self._arrive, "arrived")
        session.observe_locked(self._name, ["reasons", "figures"])
        session.observe_locked(self._mark, ["picked", "brushed"])
        session.observe_locked(self._look, ["cursor", "settings", "result"])
        viewer.observe(self.guarded(self._look), "vmax")
        self._name()
        self._look()
        self._show()

    def arrange(self, order: list[int]) -> None:
        """Show these runs, in this order."""
        self.wall.order = order

    def _of_run(self, part: RunRefit, z: np.ndarray | None) -> np.ndarray:
        """Z scores of a run in the cells of the wall; NaN for those that it does not have."""
        out = np.full(self._cells.size, np.nan, np.float32)
        if z is None:
            return out
        if part.index not in self._places:
            self._places[part.index] = self._placed(part)
        here, there = self._places[part.index]
        out[here] = z[there]
        return out

    def _placed(self, part: RunRefit) -> tuple[np.ndarray, np.ndarray]:
        """Which cells of the wall the run has, and which of its own these are; of another grid, the nearest."""
        preview, own = part.preview, np.asarray(part.preview.cells)
        cells = self._cells
        if not preview.grid.same(self.session.analysis.grid):
            ijk = np.rint(nib.affines.apply_affine(np.linalg.inv(preview.grid.affine), self._mm)).astype(int)
            inside = np.all((ijk >= 0) & (ijk < preview.grid.shape), axis=1)
            cells = np.where(inside, np.ravel_multi_index(np.where(inside[:, None], ijk, 0).T, preview.grid.shape), -1)
        at = np.searchsorted(own, cells)
        found = own[np.minimum(at, own.size - 1)] == cells
        return np.flatnonzero(found), at[found]

    def _show(self, _change: object = None) -> None:
        answer = self.session.answer
        if answer is None:
            return
        z = answer.all_z()
        for i, part in enumerate(answer.parts):
            self._z[i] = self._of_run(part, z.get(i))
        self.wall.show(self.session.shape, self._cells, self._z)
        self._name()

    def _arrive(self, _change: object = None) -> None:
        expression = self.session.settings.contrast.expression
        rows, z = [], []
        for part in self.session.arrived or ():
            contrast, _ = part.contrast(expression)
            rows.append(part.index)
            z.append(self._of_run(part, None if contrast is None else contrast.z_score()))
        if rows and self.session.answer is not None:
            self.wall.replace(rows, np.stack(z))

    def _name(self, _change: object = None) -> None:
        session, figures = self.session, self.session.figures
        self.wall.tiles = [
            {
                "name": run.name.removeprefix("sub-"),
                "words": "; ".join(figures.said_of_all[i]) if figures is not None else "",
                "out": reason,
            }
            for i, (run, reason) in enumerate(zip(session.study.runs, session.reasons, strict=True))
        ]
        odd = 0 if figures is None else int(figures.unusual.any(axis=1).sum())
        words = "" if figures is None else f" · {odd:,} stand{'s' * (odd == 1)} out"
        n_out = sum(map(bool, session.reasons))
        self.set_verdict(f"{count(len(session.reasons), 'run')}, {n_out:,} left out{words}", "warn" if odd else "quiet")

    def _mark(self, _change: object = None) -> None:
        with self.wall.hold_sync():
            self.wall.here, self.wall.brushed = self.session.picked, list(self.session.brushed)

    def _look(self, _change: object = None) -> None:
        session, looks, result = self.session, self.session.settings.map, self.session.result
        with self.wall.hold_sync():
            self.wall.slice = session.cursor[2]
            self.wall.threshold = threshold_of(None if result is None else result.threshold)
            # Where the large map shows no z, its bar says nothing of those of the runs.
            z = None if result is None else result.z
            self.wall.full = end_of_colours(z) if self._viewer.shown_label else self._viewer.vmax
            self.wall.mirrored = looks.convention == "radiological"
            self.wall.lut = lookup_table(looks.colormap, two_sided=True).tobytes()
