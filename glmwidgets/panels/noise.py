"""The noise model and what it found."""

from __future__ import annotations

import ipywidgets as W
import numpy as np

from glmwidgets.glm.noise import NOISE_MODELS, noise_model_row
from glmwidgets.panels.base import Panel, text
from glmwidgets.session.session import Session

__all__ = ["NoisePanel"]


class NoisePanel(Panel):
    """Picker from the engine's table, with the median of what was estimated."""

    def __init__(self, session: Session):
        super().__init__(session, "Noise", ("noise", "fit"))
        names = {noise_model_row(name.replace("N", "2")).name for name in NOISE_MODELS}
        names.add(session.settings.noise.model)
        self.model = W.Dropdown(options=sorted((noise_model_row(name).label, name) for name in names))
        self.bind(self.model, "noise.model")
        self._note = text("glmw-note")
        self.fill(self.model, self._note)
        session.observe_locked(self._show, "result")
        self._show()

    def _show(self, _change: object = None) -> None:
        result = self.session.result
        if result is None:
            return
        self._note.value = noise_model_row(result.settings.noise.model).description
        medians = [f"median {name} {np.median(values):.2f}" for name, values in result.fit.parameters.items()]
        self.set_verdict(" · ".join(medians) or f"{result.fit.dof} df")
