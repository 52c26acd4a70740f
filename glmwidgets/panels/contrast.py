"""The contrast: typed, parsed by a grammar of our own, answered as one types."""

from __future__ import annotations

import ipywidgets as W

from glmwidgets.panels.base import Panel, text
from glmwidgets.session.session import Session

__all__ = ["ContrastPanel"]


class ContrastPanel(Panel):
    """A line to type in; a mistake is named beside it while the last good map stays."""

    def __init__(self, session: Session):
        super().__init__(session, "", ("contrast",))
        self.expression = W.Text(continuous_update=True, placeholder="face - house")
        self.bind(self.expression, "contrast.expression")
        self._verdict = text("glmw-note")
        row = W.Box([text("glmw-name", "Contrast"), self.expression, self._verdict])
        row.add_class("glmw-contrast-row")
        self.fill(row)
        session.observe_locked(self._show, ["result", "status"])
        self._show()

    def _show(self, _change: object = None) -> None:
        status, result = self.session.status, self.session.result
        wrong = status.state == "error" and status.stage == "contrast"
        (self.expression.add_class if wrong else self.expression.remove_class)("glmw-bad-input")
        if result is not None:
            contrast = result.contrast
            q = f"F({contrast.dim}, {contrast.dof:g})" if contrast.stat_type == "F" else f"t({contrast.dof:g})"
            verdict = f"{q} · estimable"
            if self._verdict.value != verdict:
                self._verdict.value = verdict
