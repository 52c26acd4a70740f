"""What is done to the series before the model: smoothing and scaling."""

from __future__ import annotations

import ipywidgets as W

from glmwidgets.glm.scaling import SCALINGS
from glmwidgets.panels.base import Panel, field
from glmwidgets.session.session import Session

__all__ = ["DataPanel"]


class DataPanel(Panel):
    """Smoothing in mm and the unit of the signal."""

    def __init__(self, session: Session):
        super().__init__(session, "Data", ("data", "volumes", "mask", "series", "moments"))
        self.smoothing = W.BoundedFloatText(value=0, min=0, max=50, step=1)
        self.scaling = W.Dropdown(options=[(row.label, name) for name, row in SCALINGS.items()])
        self.bind(self.smoothing, "data.smoothing_fwhm", lambda mm: mm or None, lambda mm: mm or 0.0)
        self.bind(self.scaling, "data.signal_scaling")
        pair = W.Box([field("smoothing, mm", self.smoothing), field("signal", self.scaling)])
        pair.add_class("glmw-pair")
        self.fill(pair)
