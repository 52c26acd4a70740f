"""Model A, pinned, beside model B, which goes on changing: maps, their difference, and which describes the data."""

from __future__ import annotations

import math
from html import escape

import bqplot as bq
import ipywidgets as W
import numpy as np

from glmwidgets.panels.base import Panel, text
from glmwidgets.panels.flip import FlipButton
from glmwidgets.panels.plot import PLAIN, SIGNAL, figure, value_axis
from glmwidgets.panels.slices import SliceViewer
from glmwidgets.session.compare import Comparison
from glmwidgets.session.session import Session

__all__ = ["ComparePanel"]

# A difference is no test and has no threshold; what is smaller than this fades.
NOTABLE = 1.0

# More points than this say no more and cost bytes and ink.
MOST_POINTS = 2500

# Difference of an AICc that speaks for a model (Burnham & Anderson 2002, p. 70).
SPEAKS = 2.0


class ComparePanel(Panel):
    """Empty until a model is pinned.

    Attributes
    ----------
    pin : ToggleButton
        Pins the result on screen as A, for the head of the explorer.
    viewers : dict of SliceViewer
        ``a``, ``b`` and ``difference``, with one crosshair.
    flip : FlipButton
        Puts A in the place of B.
    scatter : bqplot.Scatter
        z of A against z of B.
    """

    def __init__(self, session: Session):
        super().__init__(session, "A beside B")
        self.pin = W.ToggleButton(description="pin as A", tooltip="keep this map and compare what comes with it")
        self.on_value(self.pin, self._press)
        self.viewers: dict[str, SliceViewer] = {}
        self._titles: dict[str, W.HTML] = {}
        self.flip = FlipButton()
        self._words = text("glmw-note")
        self._better = text("glmw-note")
        self._dots = W.Box([])
        self.scatter: bq.Scatter | None = None
        self._shown: Comparison | None = None
        self.fill(text("glmw-note", "Pin a model as A: what is shown after it is B, beside it."))
        session.observe_locked(self._show, ["pinned", "result"])
        session.observe_locked(self._show_cursor, "cursor")
        session.observe_locked(self._show_state, ["settings", "status"])
        self._show()

    def _press(self, change: dict) -> None:
        if change["new"] and self.session.pinned is None:
            self.session.pin()
            # There was nothing to pin yet.
            self.pin.value = self.session.pinned is not None
        elif not change["new"]:
            self.session.unpin()

    def _build(self) -> None:
        """Make what is seen when it is first needed: three canvases cost memory in kernel and page."""
        session, maps = self.session, []
        for name, title in (("a", "A"), ("b", "B"), ("difference", "B − A")):
            viewer = SliceViewer(lock=session.lock, label="z" if name != "difference" else "Δz", max_height=230)
            viewer.set_background(session.analysis.background, session.affine)
            viewer.cursor = session.cursor
            viewer.threshold = NOTABLE
            viewer.observe(self.guarded(lambda change: session.move_to(change["new"])), "cursor")
            self.viewers[name] = viewer
            self._titles[name] = text("glmw-label", title)
            maps.append(W.VBox([self._titles[name], viewer]))
        self.flip.observe(self.guarded(lambda _: self._paint_b()), "value")
        x, y = bq.LinearScale(), bq.LinearScale()
        scales = {"x": x, "y": y}
        self.scatter = bq.Scatter(
            x=np.zeros(1), y=np.zeros(1), scales=scales, colors=[SIGNAL], default_size=5, opacities=[0.5]
        )
        self._diagonal = bq.Lines(x=np.zeros(2), y=np.zeros(2), scales=scales, colors=["#b0b8c0"], stroke_width=1)
        axes = [
            bq.Axis(scale=x, label="z of A", grid_lines="none", tick_format=PLAIN),
            value_axis(y, label="z of B"),
        ]
        self._dots.children = [figure([self._diagonal, self.scatter], axes, height=230, left=48, bottom=38)]
        self._dots.add_class("glmw-compare-dots")
        grid = W.Box([*maps, self._dots, self._better])
        grid.add_class("glmw-compare")
        tools = W.Box([self.flip, self._words])
        tools.add_class("glmw-bar")
        self.fill(tools, grid)

    def _show(self, _change: object = None) -> None:
        a, b = self.session.pinned, self.session.result
        if self.pin.value != (a is not None):
            self.pin.value = a is not None
        label = "unpin A" if a is not None else "pin as A"
        if self.pin.description != label:
            self.pin.description = label
        if a is None or b is None:
            return
        if not self.viewers:
            self._build()
        same = self._shown is not None and self._shown.a is a and self._shown.b.z is b.z
        before, self._shown = self._shown, Comparison(a, b)
        if before is None or before.a is not a:
            self._paint("a", a.z_map)
        if not same:
            self._paint_b()
            self._paint("difference", self._shown.difference_map)
            self._plot()
        self._threshold()
        self._say()

    def _paint(self, name: str, volume: np.ndarray) -> None:
        viewer = self.viewers[name]
        viewer.set_map(volume)
        size = np.abs(volume[np.isfinite(volume)])
        least = 0.5 if name == "difference" else 5.0
        top = max(least, float(np.ceil(2 * np.quantile(size, 0.9995)) / 2)) if size.size else least
        if not 0.7 * viewer.vmax <= top <= 1.1 * viewer.vmax:
            viewer.vmax = top

    def _paint_b(self) -> None:
        if self._shown is None:
            return
        flipped = self.flip.value
        self._titles["b"].value = "A, in the place of B" if flipped else "B"
        self._paint("b", (self._shown.a if flipped else self._shown.b).z_map)
        self._threshold()

    def _threshold(self) -> None:
        """Each map under its own threshold."""
        shown = {"a": self._shown.a, "b": self._shown.a if self.flip.value else self._shown.b}
        for name, result in shown.items():
            viewer, chosen = self.viewers[name], result.thresholding
            with viewer.hold_sync():
                viewer.threshold = result.threshold if math.isfinite(result.threshold) else 1e6
                viewer.sign = "two-sided" if chosen.two_sided else "positive"
                viewer.cluster_threshold = chosen.cluster_size

    def _plot(self) -> None:
        a, b = self._shown.z
        some = slice(None, None, max(1, math.ceil(a.size / MOST_POINTS)))
        with self.scatter.hold_sync():
            self.scatter.x, self.scatter.y = a[some].astype(np.float32), b[some].astype(np.float32)
        ends = np.array([min(a.min(), b.min()), max(a.max(), b.max())]) if a.size else np.zeros(2)
        with self._diagonal.hold_sync():
            self._diagonal.x, self._diagonal.y = ends, ends

    def _say(self) -> None:
        both = self._shown
        words = escape(" · ".join(both.words) or "the same settings")
        if self._words.value != words:
            self._words.value = words
        lines = [f"R² {_signed(np.median(both.r_square), 3)} in the median voxel"]
        if both.aicc is None:
            lines.append(f"no AICc: {both.why_no_aicc}")
        else:
            known = both.aicc[np.isfinite(both.aicc)]
            share_b, share_a = np.mean(known < -SPEAKS), np.mean(known > SPEAKS)
            lines.append(f"AICc {_signed(np.median(known), 1)} in the median voxel")
            lines.append(f"it speaks for B in {share_b:.0%} of voxels, for A in {share_a:.0%}")
        a, b = both.z
        if a.size > 1 and np.ptp(a) > 0 and np.ptp(b) > 0:
            lines.append(f"z of A and of B correlate {np.corrcoef(a, b)[0, 1]:.3f}")
        said = "<br>".join(map(escape, lines))
        if self._better.value != said:
            self._better.value = said

    def _show_cursor(self, _change: object = None) -> None:
        for viewer in self.viewers.values():
            if viewer.cursor != self.session.cursor:
                viewer.cursor = self.session.cursor

    def _show_state(self, _change: object = None) -> None:
        if "b" in self.viewers:
            stale = not self.session.is_current and not self.flip.value
            for name in ("b", "difference"):
                if self.viewers[name].stale != stale:
                    self.viewers[name].stale = stale


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return "±0" if float(text) == 0 else text.replace("-", "−")
