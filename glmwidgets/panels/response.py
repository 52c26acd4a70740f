"""The haemodynamic response: which one, and what it looks like."""

from __future__ import annotations

import bqplot as bq
import ipywidgets as W
import numpy as np

from glmwidgets.glm.hrf import hrf_curve
from glmwidgets.glm.hrf_table import HRFS, format_hrf
from glmwidgets.panels.base import Panel, field
from glmwidgets.panels.plot import FIT, SIGNAL, figure, time_axis
from glmwidgets.session.session import Session

__all__ = ["ResponsePanel"]


class ResponsePanel(Panel):
    """Picker from the engine's table and the curve of the choice."""

    def __init__(self, session: Session):
        super().__init__(session, "Response", ("design.hrf_model", "design.fir_delays"))
        names = {name: format_hrf(name, [p.value for p in row.parameters if p.required]) for name, row in HRFS.items()}
        options = [(HRFS[name].label, written) for name, written in names.items()]
        present = session.settings.design.hrf_model
        if present not in names.values():
            options.append((present, present))
        self.model = W.Dropdown(options=options)
        self.delays = W.Text(continuous_update=False, placeholder="0, 1, 2, 3")
        self.bind(self.model, "design.hrf_model")
        self.bind(self.delays, "design.fir_delays", _delays, lambda delays: ", ".join(map(str, delays)))
        self._delays = field("delays, scans", self.delays)
        self._x = bq.LinearScale(min=0, max=32)
        self._curves = bq.Lines(
            x=np.zeros(2),
            y=np.zeros((1, 2)),
            scales={"x": self._x, "y": bq.LinearScale()},
            colors=[FIT, SIGNAL, "#b9c2cc"],
            stroke_width=1.8,
        )
        axis = time_axis(self._x)
        self.fill(self.model, self._delays, figure([self._curves], [axis], height=92, left=4, right=6, bottom=20))
        session.observe_locked(self._show, "settings")
        self._shown: tuple | None = None
        self._show()

    def _show(self, _change: object = None) -> None:
        design = self.session.settings.design
        wanted = (design.hrf_model, design.fir_delays)
        if wanted == self._shown:
            return
        self._shown = wanted
        self._delays.layout.display = "" if design.hrf_model == "fir" else "none"
        curves = hrf_curve(design.hrf_model, self.session.run.t_r, dt=0.1, fir_delays=design.fir_delays)
        values = curves.to_numpy().T
        peak = np.abs(values).max(axis=1, keepdims=True)
        with self._curves.hold_sync():
            self._curves.x = curves.index.to_numpy(dtype=float)
            self._curves.y = values / np.where(peak > 0, peak, 1)
        self._x.max = float(curves.index.max())
        self.set_verdict(f"{curves.index.max():.0f} s")


def _delays(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(word) for word in text.replace(",", " ").split())
    except ValueError:
        raise ValueError(f"delays must be whole numbers of scans, such as 0, 1, 2; not {text!r}") from None
