"""The model of all runs of a study: a control for each setting, made from the specification."""

from __future__ import annotations

from html import escape

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.base import Panel, labelled, text
from glmwidgets.panels.shared.controls import NOTHING
from glmwidgets.session.study.session import StudySession

#: Settings with a control, and those that are shown only where they have an effect.
SHOWN = ("design.hrf_model", "design.drift_model", "noise.model", "noise.pooling", "data.smoothing_fwhm")
WHERE_USED = ("design.high_pass", "design.drift_order")

#: From a control's value to the setting's and back, where the two differ.
TURNED = {
    "noise.pooling": (lambda name: name or None, lambda name: name or NOTHING),
    "data.smoothing_fwhm": (lambda mm: mm or None, lambda mm: mm or 0.0),
}


class StudyModelPanel(Panel):
    """Response, drift, noise model and smoothing of all runs; a change refits them all.

    Attributes
    ----------
    controls : dict of widget
        By the path of their setting.
    """

    also = ("response and noise of all runs",)

    def __init__(self, session: StudySession):
        super().__init__(session, "Model of all runs", ("fits", "data", "design", "noise"))
        self.controls = {path: self.control(path, *TURNED.get(path, ())) for path in (*SHOWN, *WHERE_USED)}
        self._fields = {path: labelled(control) for path, control in self.controls.items()}
        self._confounds = text("glmw-note glmw-study-confounds")
        self.add_class("glmw-study-model")
        self.fill(*self._fields.values(), self._confounds)
        session.observe_locked(self._show, "settings")
        session.observe_locked(self._count, ["answer", "arrived"])
        self._show()

    def _show(self, _change: object = None) -> None:
        settings = self.session.settings
        for path in WHERE_USED:
            W.show(self._fields[path], not settings.field(path).lacking(settings))
        chosen = settings.design.confounds
        names = "all columns of each run" if chosen is None else ", ".join(chosen) or "none"
        said = escape(f"confounds: {names}")
        self._confounds.value = f'<span title="{said}">{said}</span>'  # a line, and the whole where the pointer rests

    def _count(self, _change: object = None) -> None:
        answer = self.session.answer
        if answer is not None:
            fitted = sum(part.fitted is not None for part in answer.parts)
            n = len(answer.parts)
            self.set_verdict("all fitted" if fitted == n else f"{fitted:,} of {n:,} fitted", "quiet")
