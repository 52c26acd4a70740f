"""Slow drifts and confounds: what is explained away before the task is asked about."""

from __future__ import annotations

import ipywidgets as W

from glmwidgets.glm.drift import DRIFTS
from glmwidgets.panels.base import Panel, field, text
from glmwidgets.session.session import Session

__all__ = ["DriftPanel"]


class DriftPanel(Panel):
    """Drift model with its cut-off in seconds or its order, and the confounds in use."""

    def __init__(self, session: Session):
        super().__init__(
            session,
            "Drift, confounds",
            ("design.drift_model", "design.high_pass", "design.drift_order", "design.confounds"),
        )
        self.model = W.Dropdown(options=[(row.label, name) for name, row in DRIFTS.items()])
        self.period = W.BoundedFloatText(min=2 * session.run.t_r, max=1e6, step=10)
        self.order = W.BoundedIntText(min=0, max=20)
        self.bind(self.model, "design.drift_model")
        self.bind(self.period, "design.high_pass", lambda s: 1 / s, lambda hz: round(1 / hz, 6) if hz else 1e6)
        self.bind(self.order, "design.drift_order")
        self._period_field = field("high-pass, s", self.period)
        self._order_field = field("order", self.order)
        self._hertz = text("glmw-note")
        pair = W.Box([self._period_field, self._order_field, self._hertz])
        pair.add_class("glmw-pair")
        extra = []
        if session.run.confounds is not None:
            columns = tuple(map(str, session.run.confounds.columns))
            self.confounds = W.SelectMultiple(options=columns, rows=min(6, len(columns)))
            self.bind(
                self.confounds,
                "design.confounds",
                lambda chosen: None if chosen == columns else tuple(chosen),
                lambda chosen: columns if chosen is None else chosen,
            )
            extra = [field("confounds (Ctrl-click)", self.confounds)]
        self.fill(self.model, pair, *extra)
        session.observe_locked(self._show, ["settings", "result"])
        self._show()

    def _show(self, _change: object = None) -> None:
        design = self.session.settings.design
        self._period_field.layout.display = "" if design.drift_model == "cosine" else "none"
        self._order_field.layout.display = "" if design.drift_model == "polynomial" else "none"
        self._hertz.value = f"<br>{design.high_pass:.4g} Hz" if design.drift_model == "cosine" else ""
        result = self.session.result
        if result is not None:
            drifts = sum(name.startswith("drift_") for name in result.design.columns)
            self.set_verdict(f"{drifts} column{'s' * (drifts != 1)}")
