"""Undo and redo of a session's settings, as two buttons."""

from __future__ import annotations

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.base import guarded
from glmwidgets.session.core.live import LiveSession


class UndoBar(W.Box):
    """Two buttons that go back and forth in what was set.

    Parameters
    ----------
    session : LiveSession

    Attributes
    ----------
    undo, redo : Button
    """

    def __init__(self, session: LiveSession):
        self.session = session
        self.undo = W.Button(description="↶ undo", tooltip="back to the settings before")
        self.redo = W.Button(description="↷ redo", tooltip="take back the last undo")
        self.undo.on_click(guarded(session, "undo", lambda _: session.undo()))
        self.redo.on_click(guarded(session, "redo", lambda _: session.redo()))
        super().__init__([self.undo, self.redo])
        self.add_class("glmw-bar")
        session.observe_at_once(self._show, "looks")

    def _show(self, _change: object = None) -> None:
        steps = self.session.steps
        for button, can in ((self.undo, steps.can_undo), (self.redo, steps.can_redo)):
            if button.disabled == can:
                button.disabled = not can
