"""What the voxel did and what the model says it should have done."""

from __future__ import annotations

import bqplot as bq
import numpy as np

from glmwidgets.panels.base import Panel
from glmwidgets.panels.plot import FIT, SIGNAL, figure, time_axis, value_axis
from glmwidgets.report.style import colour_of
from glmwidgets.session.session import Session

__all__ = ["SeriesPanel"]

# What bqplot leaves free above and below the data, as a share of their range.
MARGIN = 0.027


class SeriesPanel(Panel):
    """Actual and predicted series at the crosshair over shaded events."""

    def __init__(self, session: Session):
        super().__init__(session, "Series")
        run = session.run
        times = np.array([0.0, run.n_scans * run.t_r])
        x = bq.LinearScale(min=0, max=float(times[1]))
        self._y = bq.LinearScale()
        self.lines = bq.Lines(
            x=times,
            y=np.zeros((2, 2)),
            scales={"x": x, "y": self._y},
            colors=[SIGNAL, FIT],
            stroke_width=1.4,
            labels=["data", "model"],
        )
        marks = [*self._shades(x), self.lines]
        self.figure = figure(marks, [time_axis(x), value_axis(self._y)], height=190)
        self.fill(self.figure)
        session.observe_locked(self._show, ["cursor", "result"])
        session.observe_locked(self._show_conditions, "settings")
        self._show()
        self._show_conditions()

    def _shades(self, x: bq.Scale) -> list[bq.Lines]:
        # On a scale of their own, so that they need no message when the series change.
        unit = bq.LinearScale(min=0, max=1)
        conditions = self.session.run.conditions
        self._shade = {}
        for condition in conditions:
            events = self.session.run.events
            mine = events[events["trial_type"] == condition].sort_values("onset")
            onset = mine["onset"].to_numpy(dtype=float)
            # an event of no duration is still seen
            end = onset + np.maximum(mine["duration"].to_numpy(dtype=float), x.max / 600)
            self._shade[condition] = bq.Lines(
                x=np.column_stack([onset, onset, end, end]).ravel(),
                y=np.tile([-MARGIN, 1 + MARGIN, 1 + MARGIN, -MARGIN], len(mine)),
                scales={"x": x, "y": unit},
                colors=[colour_of(condition, conditions)],
                fill="bottom",
                fill_opacities=[0.16],
                opacities=[0.0],
                stroke_width=0,
            )
        return list(self._shade.values())

    def _show_conditions(self, _change: object = None) -> None:
        chosen = self.session.settings.design.conditions
        for condition, shade in self._shade.items():
            visible = chosen is None or condition in chosen
            if shade.visible != visible:
                shade.visible = visible

    def _show(self, _change: object = None) -> None:
        session = self.session
        here = session.series()
        if here is None:
            waiting = "waiting for the first fit" if session.result is None else "the crosshair is outside the mask"
            self.set_verdict(waiting)
            self.lines.visible = False
            return
        unit = "raw units" if session.result.settings.data.signal_scaling == "none" else "% signal"
        voxel = ", ".join(map(str, here.ijk))
        self.set_verdict(f"voxel ({voxel}) · {unit} · R² {here.statistics['r_square']:.2f}")
        with self.lines.hold_sync():
            self.lines.x = here.times
            self.lines.y = np.stack([here.data, here.predicted])
            self.lines.visible = True
