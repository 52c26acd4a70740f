"""Series of a place: over time, around events, residuals, spectrum, carpet, and regions."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from glmwidgets.analysis.effects import Effects
from glmwidgets.analysis.events import modulator_name
from glmwidgets.analysis.places import PlaceSeries, find_place, place_series, weighed_columns
from glmwidgets.analysis.signal_change import CHANGE_UNIT
from glmwidgets.analysis.timelines import Timeline, task_frequencies
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.brush import Brush
from glmwidgets.panels.parts.chart import Chart, Plot
from glmwidgets.panels.parts.chips import Chips
from glmwidgets.panels.run.carpet import CarpetTab
from glmwidgets.panels.run.regions import RegionsTab
from glmwidgets.panels.run.series_plots import (
    EFFECTS_WORDS,
    LINES,
    average_plot,
    average_words,
    colour_in,
    effects_plot,
    event_regions,
    residual_plots,
    series_plot,
    spectrum_plot,
)
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.session.single.regions import regions_of
from glmwidgets.session.single.session import Session
from glmwidgets.specification.series import MOST_PINS, SERIES_LINES, SERIES_TABS, Spot
from glmwidgets.web.palettes import COLUMN_COLOURS

_CLICK = "click a time to see its scan"

# Stands before the name of an event type whose fit is drawn, so that a type may be called "data".
_FIT_OF = "fit of "


class SeriesPanel(Panel):
    """Tabs around the crosshair: series, averages around events, residuals, spectrum, carpet; regions of interest.

    Only the tab that is open is computed and sent.

    Attributes
    ----------
    tabs : ToggleButtons
    chart : Chart
        Of all tabs but the carpet.
    carpet : CarpetTab
    regions : RegionsTab
        Made when it is first asked for.
    chips : Chips
        What is drawn.
    place, radius, unit : controls of the settings ``series.place``, ``series.radius``, ``series.unit``
    pin : Button
    pins : Chips
        Places that are pinned, with a cross to take them off.
    back : Button
        Names the scan that the map is laid over, and takes it away.
    """

    also = ("Series", "time course", "event average", "residuals", "spectrum", "carpet plot", "regions of interest")
    reason = "goodness_of_fit"

    def __init__(self, session: Session, brush: Brush | None = None):
        super().__init__(session, "", ("series", "regions"))
        self._brush = brush
        self.add_class("glmw-series-panel")
        self.tabs = W.ToggleButtons(options=[(label, name) for name, label in SERIES_TABS.items()])
        self.tabs.add_class("glmw-tabs")
        self.chart = Chart(label="series at the crosshair", height=196)
        self.carpet = CarpetTab(self)
        self._series: dict[Spot, PlaceSeries | str] = {}
        self._by_condition: dict[str, tuple[str, ...]] = {}
        self._seen: tuple[Any, ...] = ()
        self._events: Timeline | None = None
        self._events_of: tuple[Any, ...] = ()
        self._shaded: tuple[Timeline | None, bool] = (None, False)
        self._regions: list[dict[str, Any]] = []
        self._task: tuple[Any, dict[str, float]] = (None, {})
        self._effects: Effects | None = None
        self._make_controls()
        head = W.row("glmw-series-head", self.tabs, self._head)
        self._body = W.row("glmw-series-body", self.chart, self.back)
        self._foot = W.row("glmw-series-foot")
        self.fill(head, self._body, self._foot)
        self.bind(self.tabs, "series.tab")
        self.chart.on_pick(self.guarded(self._pick))
        self.carpet.view.on_pick(self.guarded(self._pick))
        session.observe_locked(self._show, ["cursor", "result"])
        session.observe_locked(self._follow_settings, "settings")
        session.observe_locked(self._show_clusters, "clusters")
        session.observe_locked(self._show_scan, "scan")
        self._open()

    @cached_property
    def regions(self) -> RegionsTab:
        """The tab of regions of interest."""
        return RegionsTab(self, self._brush)

    def _make_controls(self) -> None:
        self.chips = Chips(label="what is drawn")
        self.on_value(self.chips, self._choose)
        self.place, self.radius = self.control("series.place"), self.control("series.radius")
        self.unit = self.control("series.unit")
        self.pin = self.button("pin", self._pin, tooltip="keep the series of this place to compare others with")
        self.pins = Chips(removable=True, label="pinned places")
        self.pins.on_remove(self.guarded(self._unpin))
        self.back = self.button(
            "", lambda _button: self.session.show_scan(None), tooltip="show the background again (Escape)"
        )
        self.back.add_class("glmw-scan")
        W.show(self.back, False)
        self._radius = W.row("glmw-radius", self.radius, text("glmw-note", "mm"))
        self._places = W.row("glmw-series-places", self.place, self._radius, self.unit, self.pin, self.pins)

    def forget(self) -> None:
        """Let go of the result and of the series, fits and carpet of it."""
        self._seen = ()
        self._effects = None
        self._series.clear()
        self.carpet.forget()

    # ---- what is looked at

    @property
    def _spot(self) -> Spot:
        view = self.session.settings.series
        if view.place == "region":
            return Spot.of_region(self.session.settings.regions.shown)
        return Spot(self.session.cursor, view.place, view.radius if view.place == "sphere" else 0.0)

    def _look(self, spot: Spot) -> PlaceSeries | str:
        """Series of a spot under the present result, or why there are none."""
        session = self.session
        labels = None if session.clusters is None else session.clusters.labels
        # Another threshold alone is another result, but leaves the series as they are.
        result = session.result
        regions = session.settings.regions
        seen = (result.fit, result.contrast, result.signal, session.settings.series.unit, labels, regions)
        if len(seen) != len(self._seen) or any(a is not b for a, b in zip(seen, self._seen, strict=True)):
            self._seen = seen
            self._series.clear()
            self._by_condition = session.effects()
        if spot not in self._series:
            if len(self._series) > 2 * MOST_PINS:
                self._series.clear()
            place = find_place(result, spot, labels, regions_of(session) if spot.kind == "region" else ())
            self._series[spot] = (
                place_series(result, place, self._by_condition, session.settings.series.unit)
                if place.voxels.size
                else place.name
            )
        return self._series[spot]

    @property
    def _timeline(self) -> Timeline:
        """Events that are in the model; modulators are none."""
        session, settings = self.session, self.session.settings
        events, chosen = settings.events, settings.design.conditions
        wanted = (events, chosen, settings.design.source, settings.data.t_r, tuple(self._by_condition))
        if self._events is None or wanted != self._events_of:
            self._events_of = wanted
            modulators = {modulator_name(*pair) for pair in zip(events.modulated, events.modulated_by, strict=True)}
            # Of a given design the columns have the colours.
            types = session.conditions or tuple(self._by_condition)
            shown = (c for c in types if c not in modulators and (chosen is None or c in chosen))
            self._events = Timeline.of(session.events, types, shown, session.run.n_scans * session.run.t_r)
        return self._events

    @property
    def _effects_shown(self) -> dict[str, tuple[str, ...]]:
        """Columns by what they model: of each event type that is in the model, or of a design that was given."""
        if self.session.settings.design.source == "given":
            return self._by_condition
        return {c: self._by_condition[c] for c in self._timeline.shown if c in self._by_condition}

    def _averaged(self) -> tuple[str, ...]:
        """Event types whose average is drawn: those chosen, or those that the contrast weighs."""
        there, chosen = self._timeline.shown, self.session.settings.series.averaged
        if chosen is not None:
            return tuple(c for c in there if c in chosen)
        weighed = weighed_columns(self.session.result)
        found = tuple(c for c in there if weighed & set(self._by_condition.get(c, ())))
        return found or there

    # ---- drawing

    def _follow_settings(self, _change: object = None) -> None:
        (self._show if self.session.settings.series.tab == self._open_tab else self._open)()

    def _open(self) -> None:
        """Show another tab; its widgets are put there now, and those of the others taken out."""
        tab = self._open_tab = self.session.settings.series.tab
        is_carpet, of_regions = tab == "carpet", tab == "regions"
        shown = (self.regions.table, self.chart) if of_regions else (self.carpet.view if is_carpet else self.chart,)
        self._body.children = (*shown, self.back)
        (self._body.add_class if of_regions else self._body.remove_class)("glmw-of-regions")
        own = self.carpet.choices if is_carpet else self.regions.tools if of_regions else self._places
        tools: tuple[W.Widget, ...] = (own,)
        if tab in ("series", "average", "spectrum"):
            tools = (self.chips, *tools)
        self._foot.children = tools
        for widget in (self.pin, self.pins):
            W.show(widget, tab == "series")
        self.carpet.open = is_carpet
        if not of_regions and "regions" in vars(self):
            self.regions.let_go()
        self._show()
        self._show_scan()

    @property
    def _wants_clusters(self) -> bool:
        view = self.session.settings.series
        return view.place == "cluster" or any(Spot.read(pin).kind == "cluster" for pin in view.pins)

    def _show_clusters(self, _change: object = None) -> None:
        if self._wants_clusters:
            self._show()

    def _show(self, _change: object = None) -> None:
        session, tab = self.session, self._open_tab
        self._show_controls()
        if session.result is None:
            self.set_verdict("waiting for the first fit")
            return
        regions = self._shades()
        if tab == "carpet":
            self.carpet.show(regions)
            return
        self.carpet.forget()
        if session.clusters is None and self._wants_clusters:
            return  # they are being found: what is drawn stays until they are
        if self.chart.regions is not regions:
            self.chart.regions = regions
        if tab == "regions":
            self.chart.show(*self._draw_regions())
            return
        here = self._look(self._spot)
        self._show_chips()
        if isinstance(here, str):
            self.set_verdict(here)
            if self.chart.plots:
                self.chart.show([], "")
            return
        unit = here.unit if here.unit.startswith("%") else f"{here.unit}, mean {here.level:.4g}"
        self.set_verdict(f"{here.place.name} · {unit} · R² {here.r_square:.2f}")
        self.chart.show(*getattr(self, f"_draw_{tab}")(here))

    def _draw_series(self, here: PlaceSeries) -> tuple[list[dict[str, Any]], str]:
        view = self.session.settings.series
        pinned = [(c, self._look(Spot.read(pin))) for c, pin in zip(COLUMN_COLOURS, view.pins, strict=False)]
        others = [(colour, other) for colour, other in pinned if isinstance(other, PlaceSeries)]
        return [series_plot(here, view.lines, view.conditions, self._timeline, others)], _CLICK

    def _draw_average(self, here: PlaceSeries) -> tuple[list[dict[str, Any]], str]:
        events, wanted, t_r = self._timeline, self._averaged(), self.session.run.t_r
        if not events.shown:
            given = self.session.settings.design.source == "given"
            why = "the design matrix was given: " if given else ""
            return [], f"{why}there are no events to average over"
        if not wanted:
            return [], "choose an event type"
        return [average_plot(here, events, wanted, t_r)], average_words(events, wanted, t_r)

    def _draw_regions(self) -> tuple[list[Plot], str]:
        self._by_condition = self.session.effects()
        changes, words = self.regions.changes(self._effects_shown)
        if not changes:
            return [], words
        bars = [(each.condition, each.change) for each in changes]
        return [effects_plot(bars, [], self._timeline, CHANGE_UNIT)], words

    def _draw_effects(self, here: PlaceSeries) -> tuple[list[Plot], str]:
        result = self.session.result
        if here.place.spot.kind == "region":
            return self._draw_regions()
        if self._effects is None or self._effects.fit is not result.fit:
            self._effects = Effects(result.fit)
        voxel = result.voxel(self.session.cursor)
        if voxel is None:
            return [], "the crosshair is outside the mask: move it to a voxel to see its effects"
        conditions = self._effects.of_conditions(voxel, self._effects_shown)
        contrasts = self._effects.of_contrasts(voxel, self.session.settings.contrast.listed)
        return [effects_plot(conditions, contrasts, self._timeline, result.unit)], EFFECTS_WORDS

    def _draw_residuals(self, here: PlaceSeries) -> tuple[list[dict[str, Any]], str]:
        return residual_plots(here, self.session.result)

    def _draw_spectrum(self, here: PlaceSeries) -> tuple[list[dict[str, Any]], str]:
        if not self.session.run.is_even:
            return [], f"a spectrum needs scans in even steps, but this run has {self.session.run.clock}"
        result, view, t_r = self.session.result, self.session.settings.series, self.session.run.t_r
        if self._task[0] is not result.design:
            self._task = (result.design, task_frequencies(result.design, self._effects_shown, t_r))
        task, settings = self._task[1], result.settings
        filtered = not settings.field("design.high_pass").lacking(settings)
        high_pass = settings.design.high_pass if filtered else None
        plot = spectrum_plot(here, high_pass, task, view.lines, view.conditions, self._timeline, t_r)
        return [plot], "ticks: the strongest frequency of each event type's regressor" if task else ""

    def _shades(self) -> list[dict[str, Any]]:
        wanted = (self._timeline, self._open_tab == "carpet")
        if wanted != self._shaded:
            self._shaded = wanted
            self._regions = event_regions(wanted[0], 0.9 if wanted[1] else 0.16)
        return self._regions

    def _show_controls(self) -> None:
        view = self.session.settings.series
        W.show(self._radius, view.place == "sphere")
        self.pins.offer(
            [
                {"name": pin, "label": Spot.read(pin).label, "colour": colour}
                for colour, pin in zip(COLUMN_COLOURS, view.pins, strict=False)
            ]
        )
        full = str(self._spot) in view.pins or len(view.pins) >= MOST_PINS
        self.pin.disabled = full

    # ---- choosing

    def _show_chips(self) -> None:
        events, tab, view = self._timeline, self._open_tab, self.session.settings.series
        if tab == "average":
            options = [
                {"name": c, "label": f"{c} · {events.onsets[c].size}", "colour": colour_in(events, c)}
                for c in events.shown
            ]
            value = list(self._averaged())
        elif tab in ("series", "spectrum"):
            options = [
                {"name": name, "label": line.label, "colour": LINES[name][0], "title": line.description}
                for name, line in SERIES_LINES.items()
            ]
            options += [
                {"name": _FIT_OF + c, "label": c, "colour": colour_in(events, c), "title": f"fit of {c} alone"}
                for c in self._effects_shown
            ]
            on = {*view.lines, *(_FIT_OF + c for c in view.conditions)}
            value = [option["name"] for option in options if option["name"] in on]
        else:
            return
        with self.chips.hold_sync():
            self.chips.offer(options)
            self.chips.value = value

    def _choose(self, change: dict[str, Any]) -> None:
        chosen, tab = change["new"], self._open_tab
        if tab == "average":
            if tuple(chosen) != self._averaged():
                self.session.update({"series.averaged": tuple(chosen)})
            return
        lines = tuple(name for name in chosen if name in SERIES_LINES)
        fits = tuple(name.removeprefix(_FIT_OF) for name in chosen if name.startswith(_FIT_OF))
        view = self.session.settings.series
        # Those of types without a tick are not offered, and kept for when they come back.
        offered = {option["name"].removeprefix(_FIT_OF) for option in self.chips.options}
        fits += tuple(c for c in view.conditions if c not in offered)
        if lines != view.lines or set(fits) != set(view.conditions):
            self.session.update({"series.lines": lines, "series.conditions": fits})

    def _pin(self, _button: object) -> None:
        pins = self.session.settings.series.pins
        here = str(self._spot)
        if here not in pins:
            self.session.update({"series.pins": (*pins, here)})

    def _unpin(self, name: str) -> None:
        pins = self.session.settings.series.pins
        self.session.update({"series.pins": tuple(pin for pin in pins if pin != name)})

    # ---- the scan

    def _pick(self, scan: int | None) -> None:
        # the scan that is shown already goes away by the click that brought it
        self.session.show_scan(None if scan == self.session.scan else scan)

    def _show_scan(self, _change: object = None) -> None:
        scan, result = self.session.scan, self.session.result
        time = None if scan is None or result is None else float(result.design.index[scan])
        on_screen = self.carpet.view if self._open_tab == "carpet" else self.chart
        if on_screen.marker != time:
            on_screen.marker = time
        label = "" if time is None else f"scan {scan} · {time:g} s ×"
        if self.back.description != label:
            self.back.description = label
            W.show(self.back, label)
            (self._body.add_class if label else self._body.remove_class)("glmw-of-scan")
