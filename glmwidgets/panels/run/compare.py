"""Model A, pinned, beside model B, which goes on changing: maps, their difference, and which describes the data."""

from __future__ import annotations

import math
from dataclasses import replace
from html import escape

import bqplot as bq
import numpy as np

from glmwidgets.analysis.compare import DIFFERENCES, SPEAKS, Comparison
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.flip import FlipButton
from glmwidgets.panels.parts.plot import PLAIN, figure, value_axis
from glmwidgets.panels.parts.slices import COLOURS, SliceViewer
from glmwidgets.panels.shared.base import Panel, named, text
from glmwidgets.session.single.session import Session
from glmwidgets.web.palettes import RULE, SIGNAL

__all__ = ["ComparePanel"]

# More points than this say no more and cost bytes and ink.
MOST_POINTS = 4000


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
    what : Dropdown
        Of what the third map shows the difference: a key of `DIFFERENCES`.
    """

    def __init__(self, session: Session):
        super().__init__(session, "A beside B")
        self.pin = W.ToggleButton(description="pin as A", tooltip="keep this map and compare what comes with it")
        self.on_value(self.pin, self._press)
        self.viewers: dict[str, SliceViewer] = {}
        self._titles: dict[str, W.HTML] = {}
        self.flip = FlipButton()
        self.what = W.Dropdown(options=[(f"B − A of {row.label}", name) for name, row in DIFFERENCES.items()])
        named(self.what, "what is compared")
        self.on_value(self.what, lambda _: self._paint_difference())
        self._words = text("glmw-note")
        self._better = text("glmw-note")
        self._dots = W.Box([])
        self.scatter: bq.Scatter | None = None
        self._shown: Comparison | None = None
        self._empty = text("glmw-note", "Pin a model as A: what is shown after it is B, beside it.")
        self.fill(self._empty)
        session.observe_locked(self._show, ["pinned", "result"])
        session.observe_locked(self._show_cursor, "cursor")
        session.observe_locked(self._show_state, ["settings", "status"])
        session.observe_locked(self._show_look, "settings")
        self._background = ""
        self._show()

    def _press(self, change: dict) -> None:
        if change["new"] and self.session.pinned is None:
            self.session.pin()
            # There was nothing to pin yet.
            self.pin.value = self.session.pinned is not None
        elif not change["new"]:
            self.session.unpin()

    def forget(self) -> None:
        """Let go of both results."""
        self._shown = None

    def _build(self) -> None:
        """Make what is seen when it is first needed: three canvases cost memory in kernel and page."""
        session, maps = self.session, []
        for name, title in (("a", "A"), ("b", "B"), ("difference", "")):
            # What is notable of a difference has no border: it is no test.
            outline = name != "difference"
            viewer = SliceViewer(lock=session.lock, label="z", max_height=230, show_outline=outline)
            self.viewers[name] = viewer
            self._titles[name] = text("glmw-label", title)
            head = W.Box([self.what, self._titles[name]] if name == "difference" else [self._titles[name]])
            head.add_class("glmw-compare-head")
            maps.append(W.VBox([head, viewer]))
        self._show_look()
        self._show_cursor()
        # Only now: a viewer that gets its grid puts its crosshair in the middle.
        for viewer in self.viewers.values():
            viewer.observe(self.guarded(lambda change: session.move_to(change["new"])), "cursor")
        self.flip.observe(self.guarded(lambda _: self._paint_b()), "value")
        x, y = bq.LinearScale(), bq.LinearScale()
        scales = {"x": x, "y": y}
        self.scatter = bq.Scatter(
            x=np.zeros(1), y=np.zeros(1), scales=scales, colors=[SIGNAL], default_size=5, opacities=[0.5]
        )
        self._diagonal = bq.Lines(x=np.zeros(2), y=np.zeros(2), scales=scales, colors=[RULE], stroke_width=1)
        axes = [
            bq.Axis(scale=x, label="z of A", grid_lines="none", tick_format=PLAIN, label_offset="30px"),
            value_axis(y, label="z of B"),
        ]
        self._dots.children = [figure([self._diagonal, self.scatter], axes, height=240, left=48, bottom=46)]
        self._dots.add_class("glmw-compare-dots")
        grid = W.Box([*maps, self._dots, self._better])
        grid.add_class("glmw-compare")
        tools = W.Box([self.flip, self._words])
        tools.add_class("glmw-bar")
        self.fill(tools, grid)

    def _show(self, _change: object = None) -> None:
        a, b = self.session.pinned, self.session.result
        self.pin.value = a is not None
        label = "unpin A" if a is not None else "pin as A"
        self.pin.description = label
        if a is None or b is None:
            self.forget()
            return
        if not self.viewers:
            self._build()
        same = self._shown is not None and self._shown.a is a and self._shown.b.z is b.z
        before, self._shown = self._shown, Comparison(a, b)
        if before is None or before.a is not a:
            self.viewers["a"].set_map(a.z_map)
        if not same:
            self._fit_colours()
            self._paint_b()
            self._paint_difference()
            self._plot()
        self._threshold()
        self._say()

    def _fit_colours(self) -> None:
        """One scale for A and B: the same colour is the same z."""
        top = self._shown.limit
        for name in ("a", "b"):
            viewer = self.viewers[name]
            if not 0.7 * viewer.vmax <= top <= 1.1 * viewer.vmax or viewer.vmax != self.viewers["a"].vmax:
                viewer.vmax = top

    def _paint_difference(self) -> None:
        if self._shown is None:
            return
        row, viewer = DIFFERENCES[self.what.value], self.viewers["difference"]
        values = row.values(self._shown)
        with viewer.hold_sync():
            viewer.label, viewer.threshold = f"Δ {row.label}", row.notable
            if values is None:
                viewer.set_map(None)
            else:
                viewer.vmax = row.limit(values)
                viewer.set_map(self._shown.volume(values))
        said = "" if values is not None else "not known here"
        if values is not None and self.what.value == "aicc":
            said = "below 0 it speaks for B"
        self._titles["difference"].value = said

    def _paint_b(self) -> None:
        if self._shown is None:
            return
        flipped = self.flip.value
        self._titles["b"].value = "A, in the place of B" if flipped else "B"
        self.viewers["b"].set_map((self._shown.a if flipped else self._shown.b).z_map)
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
        self._better.value = said

    def _show_cursor(self, _change: object = None) -> None:
        for viewer in self.viewers.values():
            viewer.cursor = self.session.cursor

    def _show_look(self, _change: object = None) -> None:
        """On the same background, in the same colours and the same way round as the map above."""
        look, analysis = self.session.settings.map, self.session.analysis
        another, self._background = self._background != look.background, look.background
        for viewer in self.viewers.values():
            viewer.look(look, COLOURS)
            if another or not viewer._background:
                viewer.set_background(analysis.background_image(look.background), self.session.affine)

    def _show_state(self, _change: object = None) -> None:
        result, settings = self.session.result, self.session.settings
        if "b" in self.viewers and result is not None:
            # A threshold that moves leaves a map true.
            fitted = replace(result.settings, threshold=settings.threshold).same_analysis(settings)
            stale = not fitted and not self.flip.value
            for name in ("b", "difference"):
                self.viewers[name].stale = stale


def _signed(value: float, digits: int) -> str:
    text = f"{value:+.{digits}f}"
    return "±0" if float(text) == 0 else text.replace("-", "−")
