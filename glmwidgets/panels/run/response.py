"""The haemodynamic response: which one, what it looks like, and its shape taken by the hand."""

from __future__ import annotations

from functools import cached_property
from html import escape

import numpy as np

from glmwidgets.analysis.responses import ChosenResponse, read_delays, usual_delays, written_delays
from glmwidgets.panels.parts import plot as bq
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.plot import figure, nice_ticks, time_axis
from glmwidgets.panels.shared.base import Panel, field, labelled, opened_by, text
from glmwidgets.panels.shared.notebook import named_in_notebook
from glmwidgets.plural import count
from glmwidgets.session.single.session import Session
from glmwidgets.specification.field import SettingsError
from glmwidgets.web.palettes import FIT, RULE, SECOND, SIGNAL

# Response, derivative in time, dispersion: the order in which columns follow each other.
COLOURS = (FIT, SECOND, SIGNAL)

# Handle: its colour, and the direction in which it moves (the other is held fast).
HANDLES = {
    "peak": (FIT, {"restrict_x": True}),
    "undershoot": (SECOND, {}),
    "width": (SIGNAL, {"restrict_x": True}),
}

# As far down as a usual undershoot reaches, so that the plot stands still while one is dragged.
LOWEST = -0.5


class ResponsePanel(Panel):
    """Picker from the engine's table, the numbers of the choice, and its curve.

    Attributes
    ----------
    model : Dropdown
    parameters : dict from name to FloatText
        Numbers of the model that is chosen; empty for one that takes none.
    delays : Text
        Of the FIR model, in scans.
    handles : dict from name to bqplot.Scatter
        By which the custom double gamma is dragged.
    more : ToggleButton
        Opens `convolution`, `min_onset` and `function`, which are made when they are first asked for.
    """

    also = ("haemodynamic response", "hrf", "function of the notebook")

    def __init__(self, session: Session):
        super().__init__(session, "Response", ("design.hrf_model", "design.fir_delays", "design.convolution"))
        self.model = self.unbound("design.hrf_model")
        self.on_value(self.model, self._pick)
        self.parameters: dict[str, W.FloatText] = {}
        self._fields: list[W.Box] = []
        self._numbers = W.row("glmw-numbers")
        self.delays = self.unbound("design.fir_delays", placeholder="0-7")
        self.on_value(self.delays, self._write_delays)
        self._delays = labelled(self.delays)
        self._legend = text("glmw-note")
        self._held: str | None = None
        self.more = W.ToggleButton(description="more")
        more = W.row("glmw-bar", self.more), opened_by(self.more, lambda: self._how)
        self.fill(self.model, self._numbers, self._delays, self._plot(), self._legend, *more)
        self._shown: tuple | None = None
        session.observe_at_once(self._show, "settings")
        self.stand_still("design.hrf_model", "The design matrix was given: its columns hold the response already.")

    @cached_property
    def convolution(self) -> W.Dropdown:
        """How events meet the response."""
        return self.control("design.convolution")

    @cached_property
    def min_onset(self) -> W.BoundedFloatText:
        """Seconds from the first scan before which events are left out."""
        return self.control("design.min_onset")

    @cached_property
    def _how(self) -> W.VBox:
        return W.column("glmw-view", labelled(self.convolution), labelled(self.min_onset), self._own)

    @cached_property
    def function(self) -> W.Text:
        """Name of a function of the notebook that gives the response: ``f(t_r, oversampling)``."""
        made = W.Text(continuous_update=False, placeholder="its name in the notebook")
        self.on_value(made, self._take_function)
        return made

    @cached_property
    def _own(self) -> W.VBox:
        return field("function f(t_r, oversampling)", self.function)

    def _take_function(self, change: dict) -> None:
        name = change["new"].strip()
        if not name:
            return
        found = named_in_notebook(name)
        if not callable(found):
            raise SettingsError("design.hrf_model", f"the notebook has no function {name!r}: define it in a cell first")
        self.session.update({"design.hrf_model": found})

    def _plot(self) -> bq.Figure:
        self._x = bq.LinearScale(min=0, max=32)
        self._y = bq.LinearScale(min=LOWEST, max=1.1)
        scales = {"x": self._x, "y": self._y}
        zero, box = np.zeros(2), np.zeros(4)
        self.curves = bq.Lines(x=zero, y=np.zeros((1, 2)), scales=scales, colors=list(COLOURS), stroke_width=1.8)
        self.boxes = bq.Lines(
            x=box, y=box, scales=scales, colors=[FIT], stroke_width=1, fill="inside", fill_opacities=[0.3]
        )
        self._zero = bq.Lines(x=[0.0, 1000.0], y=zero, scales=scales, colors=[RULE], stroke_width=0.6)
        self.handles = {
            name: bq.Scatter(
                x=np.zeros(1),
                y=np.zeros(1),
                scales=scales,
                colors=[colour],
                stroke="white",
                default_size=110,
                enable_move=True,
                interactions={},  # a page that tells where the pointer hovers has the drag wait
                visible=False,
                **ways,
            )
            for name, (colour, ways) in HANDLES.items()
        }
        for name, mark in self.handles.items():
            # One message a movement: a page that sends its state as well has the second wait some 40 ms for the first.
            mark.on_drag(self.guarded(lambda _mark, told, name=name: self._drag(name, **told["point"])))
            mark.on_drag_end(self.guarded(lambda _mark, told, name=name: self._let_go(name, **told["point"])))
        self._axis = time_axis(self._x)
        marks = [self._zero, self.boxes, self.curves, *self.handles.values()]
        return figure(marks, [self._axis], height=120, left=6, right=10, bottom=20)

    # From controls to settings --------------------------------------------------------------------------------

    @property
    def _chosen(self) -> ChosenResponse:
        return ChosenResponse.of(self.session.settings.design.hrf_model)

    def _pick(self, change: dict) -> None:
        picked, run = ChosenResponse.first(change["new"]), self.session.run
        if self.is_following or picked.row is self._chosen.row:
            return
        changes = {"design.hrf_model": str(picked)}
        if picked.row.by_delays and self.session.settings.design.fir_delays == (0,):
            # One box at the onset is no response to anything.
            changes["design.fir_delays"] = usual_delays(run.t_r, run.n_scans)
        self.session.update(changes)

    def _write_number(self, _change: dict) -> None:
        if not self.is_following:
            values = tuple(control.value for control in self.parameters.values())
            self.session.update({"design.hrf_model": str(ChosenResponse(self._chosen.row, values))})

    def _write_delays(self, change: dict) -> None:
        if not self.is_following:
            self.session.update({"design.fir_delays": read_delays(change["new"], self.session.run.n_scans)})

    def _drag(self, name: str, x: float, y: float) -> None:
        chosen = self._chosen
        if not chosen.row.draggable:
            return
        # The hand has it: where it lies is not written back until it is let go.
        self._held = name
        self.session.update({"design.hrf_model": str(chosen.pulled(name, x, y))})

    def _let_go(self, name: str, x: float, y: float) -> None:
        self._drag(name, x, y)
        self._held = None
        with self.following():
            self._place_handles(self._chosen)

    # From settings to controls --------------------------------------------------------------------------------

    def _show(self, _change: object = None) -> None:
        design = self.session.settings.design
        wanted = (design.hrf_model, design.fir_delays)
        if wanted == self._shown:
            return
        self._shown = wanted
        chosen = self._chosen
        with self.following():
            self._offer(chosen)
            self.model.value = chosen.row.name
            self._show_numbers(chosen)
            self._show_delays(chosen)
            self._draw(chosen)
            self._place_handles(chosen)

    def _offer(self, chosen: ChosenResponse) -> None:
        """Have the menu hold a response that was given as a function."""
        if chosen.row.name not in [value for _, value in self.model.options]:
            self.model.options = [*self.model.options, (chosen.row.label, chosen.row.name)]

    def _show_numbers(self, chosen: ChosenResponse) -> None:
        row = chosen.row
        names = [parameter.name for parameter in row.parameters]
        if names != list(self.parameters):
            # Fields are used again: a widget that is closed leaves traces in the page.
            while len(self._fields) < len(names):
                control = W.FloatText(continuous_update=False)
                self.on_value(control, self._write_number)
                self._fields.append(field("", control))
            fields = self._fields[: len(names)]
            for parameter, box in zip(row.parameters, fields, strict=True):
                unit = f", {parameter.unit}" if parameter.unit else ""
                said = f"{parameter.description}: {parameter.low:g} to {parameter.high:g}{unit.replace(',', '')}"
                box.children[
                    0
                ].value = f'<span title="{escape(said)}">{escape(parameter.name.replace("_", " "))}{unit}</span>'
                box.children[1].step = parameter.step
            self.parameters = {name: box.children[1] for name, box in zip(names, fields, strict=True)}
            self._numbers.children = fields
        W.show(self._numbers, bool(names))
        for value, control in zip(chosen.values, self.parameters.values(), strict=True):
            control.value = value

    def _show_delays(self, chosen: ChosenResponse) -> None:
        W.show(self._delays, chosen.row.by_delays)
        self.delays.value = written_delays(self.session.settings.design.fir_delays)

    def _draw(self, chosen: ChosenResponse) -> None:
        row, design, t_r = chosen.row, self.session.settings.design, self.session.run.t_r
        fir = row.by_delays
        if fir:
            end = (max(design.fir_delays) + 1) * t_r
            starts = np.array(design.fir_delays, dtype=float) * t_r
            stops = starts + 0.9 * t_r  # a little apart, that each is seen
            with self.boxes.hold_sync():
                self.boxes.x = np.column_stack([starts, starts, stops, stops]).ravel()
                self.boxes.y = np.tile([0.0, 1.0, 1.0, 0.0], starts.size)
            n = starts.size
            self.set_verdict(f"{count(n, 'delay')} · {end:g} s")
            labels: list[str] = []
        else:
            curves = chosen.curves(t_r)
            end, values = float(curves.index.max()), curves.to_numpy().T
            named = len(values) <= len(COLOURS)
            with self.curves.hold_sync():
                self.curves.x = curves.index.to_numpy(dtype=float)
                self.curves.y = values
                self.curves.colors = list(COLOURS) if named else [FIT]
            lowest = float(values.min())
            self._y.min = min(LOWEST if row.draggable else -0.05, lowest - 0.06)
            verdict = "drag the points" if row.draggable else f"{end:.0f} s"
            self.set_verdict(verdict if named else f"{count(len(values), 'column')} a type · {end:.0f} s")
            labels = list(curves.columns) if len(values) > 1 and named else []
        if fir:
            self._y.min = 0.0
        for mark, visible in ((self.curves, not fir), (self.boxes, fir)):
            mark.visible = visible
        if self._x.max != end:
            self._x.max = end
            self._axis.tick_values = nice_ticks(0, end, 5)
        coloured = zip(labels, COLOURS, strict=False)
        if row.draggable:
            coloured = [("peak", FIT), ("undershoot", HANDLES["undershoot"][0]), ("width", SIGNAL)]
        words = "  ".join(
            f'<span><i style="background:{colour}"></i>{escape(name)}</span>' for name, colour in coloured
        )
        said = f'<span class="glmw-key">{words}</span>' if words else ""
        if self._legend.value != said:
            self._legend.value = said
            W.show(self._legend, said)

    def _place_handles(self, chosen: ChosenResponse) -> None:
        places = chosen.places
        for name, mark in self.handles.items():
            with mark.hold_sync():
                mark.visible = name in places
                if name in places and name != self._held:
                    x, y = places[name]
                    if (float(mark.x[0]), float(mark.y[0])) != (x, y):
                        mark.x, mark.y = np.array([x]), np.array([y])
