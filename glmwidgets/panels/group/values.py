"""The values of all maps at the crosshair: beside each other with mean and interval, or against a covariate."""

from __future__ import annotations

from html import escape

import numpy as np

from glmwidgets.panels.parts import plot as bq
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.plot import PLAIN, figure, value_axis
from glmwidgets.panels.shared.base import Panel, field, text
from glmwidgets.report.figures.style import write_number
from glmwidgets.session.group.session import GroupSession
from glmwidgets.session.group.values import GroupValues
from glmwidgets.web.palettes import FIT, PICKED, SIGNAL

# What the contrast asks about, and all maps beside each other.
ASKED, BESIDE = "asked", "beside"


class ValuesPanel(Panel):
    """A point for each map; a clicked one is looked at by itself.

    Attributes
    ----------
    against : Dropdown
        What the points are drawn against.
    points : bqplot.Scatter
    means, fit, band : bqplot marks
    """

    also = ("values of the subjects",)

    def __init__(self, session: GroupSession):
        super().__init__(session, "Values at the crosshair")
        self.against = W.Dropdown(options=[("what is asked", ASKED), ("all beside each other", BESIDE)])
        self._x, self._y = bq.LinearScale(), bq.LinearScale()
        scales = {"x": self._x, "y": self._y}
        nothing, two = np.zeros(1), np.zeros((1, 2))
        tip = bq.Tooltip(fields=["name", "y"], labels=["map", "value"], formats=["", ".3g"])
        self.points = bq.Scatter(
            x=nothing, y=nothing, names=np.array([""]), display_names=False, scales=scales, default_size=42, tooltip=tip
        )
        self.points.on_element_click(self.guarded(self._click))
        self.band = bq.Lines(
            x=np.zeros(2), y=np.zeros((2, 2)), scales=scales, fill="between", fill_opacities=[0.16] * 2, visible=False
        )
        self.band.colors, self.band.fill_colors, self.band.opacities = [FIT], [FIT, FIT], [0.0, 0.0]
        self.fit = bq.Lines(x=np.zeros(2), y=np.zeros(2), scales=scales, colors=[FIT], stroke_width=2, visible=False)
        self.interval = bq.Lines(x=two, y=two, scales=scales, colors=[FIT], stroke_width=3)
        self.means = bq.Scatter(x=nothing, y=nothing, scales=scales, colors=[FIT], marker="diamond", default_size=64)
        self.zero = bq.Lines(
            x=np.zeros(2), y=np.zeros(2), scales=scales, colors=[SIGNAL], stroke_width=1, line_style="dashed"
        )
        # On a scale of their own, so that they need no message when the values change.
        foot = {"x": self._x, "y": bq.LinearScale(min=0, max=1)}
        self.ticks = bq.Label(
            x=nothing, y=nothing, text=np.array([""]), scales=foot, colors=[SIGNAL], align="middle", default_size=12
        )
        self._axis = bq.Axis(scale=self._x, grid_lines="none", tick_format=PLAIN, label_offset="28px")
        marks = [self.zero, self.band, self.interval, self.fit, self.points, self.means, self.ticks]
        self.figure = figure(marks, [self._axis, value_axis(self._y)], height=150, left=48, bottom=30)
        self._words = text("glmw-note")
        row = W.row("glmw-values-row", self._words, field("against", self.against))
        self._drawn: GroupValues | None = None
        self._place: tuple | None = None
        self.fill(self.figure, row)
        self.on_value(self.against, lambda _: self._show())
        session.observe_locked(self._colour, "shown")
        session.observe_at_once(self._offer, "settings")
        session.observe_at_once(self._show, ["cursor", "result"])

    def _offer(self, _change: object = None) -> None:
        names = [(name, f"column {name}") for name in self.session.settings.table.names]
        options = (("what is asked", ASKED), ("all beside each other", BESIDE), *names)
        if self.against.options != options:
            chosen = self.against.value
            self.against.options = options
            self.against.value = chosen if chosen in [value for _, value in options] else ASKED

    def _click(self, _mark: object, content: dict) -> None:
        index = content["data"]["index"]
        name = self._drawn.names[index]
        self.session.show_map(None if self.session.shown == name else name)

    def _column(self) -> str | None:
        chosen = self.against.value
        return {ASKED: None, BESIDE: ""}[chosen] if chosen in (ASKED, BESIDE) else chosen.removeprefix("column ")

    def _show(self, _change: object = None) -> None:
        session = self.session
        column = self._column()
        if column and session.result is not None and column not in session.result.settings.table.names:
            column = None
        drawn = self._drawn = session.values(column)
        if drawn is None:
            self.set_verdict("outside the mask" if session.result is not None else "waiting for the first fit")
            self.points.visible = False
            return
        voxel = ", ".join(map(str, session.cursor))
        self.set_verdict(f"voxel ({voxel})")
        ends = self._ends(drawn)
        strip = bool(drawn.ticks)
        self._scale(drawn, ends)
        with self.points.hold_sync():
            self.points.x, self.points.y = drawn.x.astype(float), drawn.y
            if list(self.points.names) != list(drawn.names):
                self.points.names = np.array(drawn.names)
            self.points.visible = True
        self._draw_line(drawn, strip)
        self._colour()
        self._say(drawn)

    def _ends(self, drawn: GroupValues) -> tuple[float, float]:
        if drawn.ticks:
            return -0.5, len(drawn.ticks) - 0.5
        known = drawn.x[np.isfinite(drawn.x)]
        low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
        room = 0.04 * (high - low) or 0.5
        return low - room, high + room

    def _scale(self, drawn: GroupValues, ends: tuple[float, float]) -> None:
        place = (ends, drawn.label, drawn.ticks)
        if self._place != place:
            self._place = place
            self._lay_out(drawn, ends)
        known = np.concatenate([drawn.y, drawn.line[1:].ravel(), [0.0]])
        low, high = float(np.nanmin(known)), float(np.nanmax(known))
        room = (0.12 if drawn.ticks else 0.05) * (high - low) or 1.0
        with self._y.hold_sync():
            self._y.min, self._y.max = low - room, high + room

    def _lay_out(self, drawn: GroupValues, ends: tuple[float, float]) -> None:
        """What stays where the crosshair moves: the horizontal axis, groups' names, the line at zero."""
        with self._x.hold_sync():
            self._x.min, self._x.max = ends
        self.zero.x = np.array(ends)
        with self._axis.hold_sync():
            self._axis.label = drawn.label
            self._axis.visible = not drawn.ticks
        self.figure.fig_margin = {**self.figure.fig_margin, "bottom": 8 if drawn.ticks else 40}
        with self.ticks.hold_sync():
            self.ticks.x = np.arange(len(drawn.ticks), dtype=float)
            self.ticks.y = np.full(len(drawn.ticks), 0.01)
            self.ticks.text = np.array([_short(name, 60 // max(2, len(drawn.ticks))) for name in drawn.ticks])
            self.ticks.visible = len(drawn.ticks) > 1

    def _draw_line(self, drawn: GroupValues, strip: bool) -> None:
        x, centre, low, high = drawn.line
        some = x.size > 0
        for mark, visible in (
            (self.band, some and not strip),
            (self.fit, some and not strip),
            (self.interval, some and strip),
            (self.means, some and strip),
        ):
            mark.visible = visible
        if some and strip:
            with self.interval.hold_sync():
                self.interval.x, self.interval.y = np.stack([x, x], axis=1), np.stack([low, high], axis=1)
            with self.means.hold_sync():
                self.means.x, self.means.y = x, centre
        elif some:
            with self.band.hold_sync():
                self.band.x, self.band.y = x, np.stack([low, high])
            with self.fit.hold_sync():
                self.fit.x, self.fit.y = x, centre

    def _colour(self, _change: object = None) -> None:
        if self._drawn is None:
            return
        colours = [PICKED if name == self.session.shown else SIGNAL for name in self._drawn.names]
        sizes = [1.0 if name == self.session.shown else 0.75 for name in self._drawn.names]
        if self.points.colors != colours:
            with self.points.hold_sync():
                self.points.colors, self.points.opacities = colours, sizes

    def _say(self, drawn: GroupValues) -> None:
        words = []
        if drawn.ticks and drawn.line.size:
            for name, (_, mean, low, high) in zip(drawn.ticks, drawn.line.T, strict=True):
                called = "mean" if len(drawn.ticks) == 1 else name
                words.append(f"{called} {write_number(mean)} [{write_number(low)}, {write_number(high)}]")
            words.append("95 % interval")
        elif drawn.line.size:
            slope = (drawn.line[1, -1] - drawn.line[1, 0]) / (drawn.line[0, -1] - drawn.line[0, 0])
            words.append(f"slope {write_number(slope)} · 95 % band of the mean")
        else:
            words.append(f"{drawn.label or 'this column'} is not in the model: values as they are")
        if drawn.adjusted:
            words.append(f"adjusted for {', '.join(drawn.adjusted[:4])}{' …' if len(drawn.adjusted) > 4 else ''}")
        self._words.value = escape(" · ".join(words))


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
