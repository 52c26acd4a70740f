"""Model A, pinned, and model B, which goes on changing: what differs, and which describes the data."""

from __future__ import annotations

from html import escape

import numpy as np

from glmwidgets.analysis.compare import SPEAKS, Comparison
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.session.single.session import Session


class ComparePanel(Panel):
    """Empty until a model is pinned.

    Attributes
    ----------
    pin : ToggleButton
        Pins the result on screen as A, for the head of the explorer.
    what : Dropdown
        Of what the map can show the difference: the setting ``map.difference``.
    """

    also = ("compare models", "difference of maps", "pin as a")
    reason = "model_comparison"

    def __init__(self, session: Session):
        super().__init__(session)
        self.add_class("glmw-compare-panel")
        self.pin = W.ToggleButton(description="pin as A", tooltip="keep this map and compare what comes with it")
        self.on_value(self.pin, self._press)
        self.what = self.control("map.difference")
        self._words = text("glmw-note")
        self._better = text("glmw-note")
        self._shown: Comparison | None = None
        numbers = W.VBox([self._words, self._better])
        self.fill(W.row("glmw-compare", numbers, text("glmw-note", "B − A of"), self.what))
        session.observe_at_once(self._show, ["pinned", "result"])

    def _press(self, change: dict) -> None:
        if change["new"] and self.session.pinned is None:
            self.session.pin()
            # There was nothing to pin yet.
            self.pin.value = self.session.pinned is not None
        elif not change["new"]:
            self.session.unpin()

    def unfold(self) -> None:
        """Pin what is on screen, where nothing is: there is no comparison before."""
        self.pin.value = True

    def forget(self) -> None:
        """Let go of both results."""
        self._shown = None

    def _show(self, _change: object = None) -> None:
        a, b = self.session.pinned, self.session.result
        self.pin.value = a is not None
        self.pin.description = "unpin A" if a is not None else "pin as A"
        if a is None or b is None:
            self.forget()
            return
        if self._shown is None or self._shown.a is not a or self._shown.b is not b:
            self._shown = Comparison(a, b)
            self._say(self._shown)

    def _say(self, both: Comparison) -> None:
        self._words.value = escape(" · ".join(both.words) or "A and B have the same settings")
        said = [f"R² {_signed(np.median(both.r_square), 3)} in the median voxel"]
        if both.aicc is None:
            said.append(f"no AICc: {both.why_no_aicc}")
        else:
            known = both.aicc[np.isfinite(both.aicc)]
            share_b, share_a = np.mean(known < -SPEAKS), np.mean(known > SPEAKS)
            said.append(f"AICc {_signed(np.median(known), 1)} in the median voxel")
            said.append(f"it favours B in {share_b:.0%} of voxels, A in {share_a:.0%}")
        a, b = both.z
        if a.size > 1 and np.ptp(a) > 0 and np.ptp(b) > 0:
            said.append(f"z of A and of B correlate {np.corrcoef(a, b)[0, 1]:.3f}")
        self._better.value = escape(" · ".join(said))


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return "±0" if float(text) == 0 else text.replace("-", "−")
