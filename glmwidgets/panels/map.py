"""The map: slices on a canvas, and the threshold that is dragged below them."""

from __future__ import annotations

import math

import ipywidgets as W
import numpy as np

from glmwidgets.glm.inference import THRESHOLDS, false_discovery_rate, p_from_z
from glmwidgets.panels.base import Panel, field, text
from glmwidgets.panels.slices import SliceViewer
from glmwidgets.session.session import Session

__all__ = ["MapPanel"]

# Stands for a threshold that nothing can reach; JSON has no infinity.
UNREACHABLE = 1e6


class MapPanel(Panel):
    """Viewer, threshold slider with its p and q, and how the threshold is chosen."""

    def __init__(self, session: Session):
        super().__init__(session, "", ("threshold", "clusters"))
        self.add_class("glmw-bare")
        self.viewer = SliceViewer(lock=session.lock, label="z")
        self.viewer.set_background(session.analysis.background, session.affine)
        self.viewer.cursor = session.cursor
        self.slider = W.FloatSlider(min=0, max=12, step=0.01, readout=False, continuous_update=True)
        # The browser repaints on its own; the kernel follows with the numbers and the clusters.
        self._link = W.jsdlink((self.slider, "value"), (self.viewer, "threshold"))
        self._height = text()
        self._rates = text("glmw-note")
        row = W.Box([self._height, self.slider, self._rates])
        row.add_class("glmw-threshold-row")
        self.fill(self.viewer, row, self._choices())

        self._painted: np.ndarray | None = None
        self.viewer.observe(self.guarded(self._follow_viewer), "cursor")
        self.on_value(self.slider, self._drag)
        session.observe_locked(self._show_cursor, "cursor")
        session.observe_locked(self._show_state, ["settings", "status"])
        session.observe_locked(self._show_result, "result")
        session.observe_locked(self._show_preview, "preview")
        self._show_result()

    def _choices(self) -> W.Box:
        self.method = W.Dropdown(options=[(row.label, name) for name, row in THRESHOLDS.items()])
        self.alpha = W.BoundedFloatText(min=1e-9, max=1, step=0.01)
        self.sides = W.Dropdown(options=[("two-sided", True), ("positive only", False)])
        self.size = W.BoundedIntText(min=0, max=100_000)
        self.fade = W.Checkbox(value=self.viewer.fade_below, description="fade below", indent=False)
        self.convention = W.Dropdown(options=[("left is left", "neurological"), ("left is right", "radiological")])
        self.bind(self.method, "threshold.height_control")
        self.bind(self.alpha, "threshold.alpha")
        self.bind(self.sides, "threshold.two_sided")
        self.bind(self.size, "threshold.cluster_size")
        W.jsdlink((self.fade, "value"), (self.viewer, "fade_below"))
        self.on_value(self.convention, lambda change: setattr(self.viewer, "convention", change["new"]))
        # A session that is loaded sets them on the viewer.
        for control, trait in ((self.fade, "fade_below"), (self.convention, "convention")):
            self.viewer.observe(self.guarded(lambda change, c=control: setattr(c, "value", change["new"])), trait)
        self._alpha_field = field("alpha", self.alpha)
        box = W.Box(
            [
                field("threshold", self.method),
                self._alpha_field,
                field("sides", self.sides),
                field("cluster, voxels", self.size),
                field("view", self.convention),
                self.fade,
            ]
        )
        box.add_class("glmw-choices")
        return box

    def _follow_viewer(self, change: dict) -> None:
        self.session.move_to(change["new"])

    def _show_cursor(self, _change: object = None) -> None:
        if self.viewer.cursor != self.session.cursor:
            self.viewer.cursor = self.session.cursor

    def _drag(self, change: dict) -> None:
        result = self.session.result
        # The browser rounds what it is given to a step; that is an echo and no drag.
        echo = result is not None and abs(change["new"] - self._on_slider(result.threshold)) < self.slider.step
        if result is not None and not echo:
            self.session.update({"threshold.height_control": "fixed", "threshold.value": change["new"]})

    def _on_slider(self, threshold: float) -> float:
        return min(threshold, self.slider.max)

    def _show_state(self, _change: object = None) -> None:
        threshold = self.session.settings.threshold
        by_rate = THRESHOLDS[threshold.height_control].setting == "alpha"
        self._alpha_field.layout.display = "" if by_rate else "none"
        # A threshold that moves leaves the map true; only what the map is computed from makes it stale.
        result = self.session.result
        fitted = ("data", "design", "noise", "contrast")
        stale = result is not None and any(
            getattr(result.settings, group) != getattr(self.session.settings, group) for group in fitted
        )
        if self.viewer.stale != stale:
            self.viewer.stale = stale

    def _show_result(self, _change: object = None) -> None:
        result = self.session.result
        if result is None:
            return
        threshold, settings = result.threshold, result.thresholding
        if result.z is not self._painted:
            self._painted = result.z
            self._fit_colours(result.z)
            self.viewer.set_mask(result.mask)
            self.viewer.set_map(result.z)
        sign = "two-sided" if settings.two_sided else "positive"
        with self.viewer.hold_sync():
            self.viewer.sign = sign
            self.viewer.cluster_threshold = settings.cluster_size
            # While a thumb is being dragged its own newer value must not be pulled back to this result's.
            if self.session.is_current:
                self.viewer.threshold = threshold if math.isfinite(threshold) else UNREACHABLE
        if self.session.is_current and self.slider.value != self._on_slider(threshold):
            self.slider.value = self._on_slider(threshold)
        self._write(threshold, result.z, settings.two_sided)
        self._show_state()

    def _show_preview(self, change: dict) -> None:
        with self.viewer.hold_sync():
            self.viewer.preview(change["new"].voxels, change["new"].z)
            self.viewer.stale = False

    def _fit_colours(self, z: np.ndarray) -> None:
        top = max(5.0, math.ceil(np.quantile(np.abs(z), 0.9995)))
        # Colours belong to values: they move only when the values have outgrown them.
        if not 0.7 * self.viewer.vmax <= top <= 1.1 * self.viewer.vmax:
            self.viewer.vmax = top

    def _write(self, threshold: float, z: np.ndarray, two_sided: bool) -> None:
        symbol = "|z|" if two_sided else "z"
        if not math.isfinite(threshold):
            self._height.value = f"{symbol} &gt; <b>∞</b>"
            self._rates.value = "no voxel passes"
            return
        self._height.value = f"{symbol} &gt; <b>{threshold:.2f}</b>"
        p = float(p_from_z(threshold, two_sided))
        q = false_discovery_rate(threshold, z, two_sided)
        rate = "no voxel passes" if math.isnan(q) else f"q {_rate(q)}"
        self._rates.value = f"p {_rate(p)} · {rate} · {'two-sided' if two_sided else 'one-sided'}"


def _rate(value: float) -> str:
    if value >= 1e-4:
        return f"{value:.2g}" if value >= 0.1 else f"{value:.4f}".lstrip("0")
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}·10<sup>{int(exponent)}</sup>".replace("-", "−")
