"""The events at large: a timeline of them all, the table in which they are changed, and what can be done with types."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from html import escape

from glmwidgets.analysis.event_edits import HALVES, EventEdits, parts_of
from glmwidgets.analysis.events import event_findings, measures_of, types_of
from glmwidgets.glm.errors import told
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.event_grid import EventGrid
from glmwidgets.panels.parts.table import Refused, Typed
from glmwidgets.panels.parts.timeline import EventTimeline
from glmwidgets.panels.shared.base import Panel, field, taken, text
from glmwidgets.plural import count
from glmwidgets.session.single.session import Session
from glmwidgets.specification.settings import Settings
from glmwidgets.web.palettes import colour_of

# As far as the slider reaches, in scans.
REACH = 4


class EventEditor(Panel):
    """Shown while a button is down; it costs nothing while it is not.

    Parameters
    ----------
    session : Session
    button : ToggleButton
        Opens and closes it.

    Attributes
    ----------
    timeline : EventTimeline
    grid : EventGrid
    shift : FloatSlider
        Seconds added to all onsets.
    kind : Dropdown
        Type that the actions are about.
    name : Text
        New name of the type.
    other, part, measure : Dropdown
        What it is merged into, split by, modulated by.
    new_type : Combobox
        Type that the picked events are given.
    rename, merge, split, modulate, unmodulate, remove, retype, add, delete, reset : Button
    """

    def __init__(self, session: Session, button: W.ToggleButton):
        super().__init__(session, "All events")
        self._open = button
        self._shown: tuple | None = None
        self.timeline, self.grid = EventTimeline(wide=True), EventGrid()
        self._said = text("glmw-error")
        W.show(self._said, False)
        below = W.row("glmw-editor", W.VBox([self.grid, self._event_tools()]), self._type_tools())
        self.fill(self.timeline, self._shift_row(), self._said, below)

        self.grid.on_edit(self._edit)
        self.grid.on_delete(self.guarded(lambda: self._act(self._drop)))
        for one, other in ((self.grid, self.timeline), (self.timeline, self.grid)):
            one.observe(self.guarded(lambda change, other=other: self._pick(change["new"], other)), "picked")
        self.timeline.observe(self.guarded(self._pick_kind), "kind")
        self.timeline.observe(self.guarded(self._tick), "off")
        self.on_value(self.kind, self._show_kind)
        self.on_value(self._open, self._show)
        session.observe_at_once(self._show, "settings")

    # What it is made of ----------------------------------------------------------------------------------------

    def _shift_row(self) -> W.Box:
        reach = round(REACH * self.session.run.t_r, 3)
        self.shift = W.FloatSlider(min=-reach, max=reach, step=round(self.session.run.t_r / 20, 3), readout=False)
        self.seconds = W.FloatText(continuous_update=False)
        self.reset = self._acting(
            "back to the file", lambda: self._edits.as_given(), tooltip="events as they were given, without a shift"
        )
        self._scans = text("glmw-note")
        self.on_value(self.shift, self._write_shift)
        self.on_value(self.seconds, self._write_shift)
        return W.row(
            "glmw-shift", text("glmw-name", "Shift all onsets"), self.shift, self.seconds, self._scans, self.reset
        )

    def _event_tools(self) -> W.Box:
        self.add = self._acting(
            "add event", self._with_event, tooltip="an event of the type chosen at the right; edit it in the table"
        )
        self.delete = self._acting("delete", self._drop, tooltip="delete the picked events (also the key Delete)")
        self.new_type = W.Combobox(placeholder="type", ensure_option=False, continuous_update=False)
        self.retype = self._acting(
            "change type",
            lambda: self._edits.retyped(self._picked(), self.new_type.value),
            tooltip="of the picked events, to the one at the left",
        )
        self._count = text("glmw-note")
        return W.row("glmw-bar", self._count, self.add, self.delete, self.new_type, self.retype)

    def _type_tools(self) -> W.VBox:
        self.kind = W.Dropdown()
        self.name = W.Text(placeholder="new name")
        self.other, self.part, self.measure = W.Dropdown(), W.Dropdown(), W.Dropdown()
        self.rename = self._acting("rename", self._renamed, tooltip="give the type another name; contrasts follow")
        self.merge = self._acting("merge", self._merged, tooltip="turn its events into events of the other type")
        self.split = self._acting(
            "split",
            lambda: self._edits.split(self.kind.value, self.part.value),
            tooltip="make a type for each value of the column",
        )
        self.modulate = self._acting(
            "modulate",
            lambda: self._edits.modulated(self.kind.value, self.measure.value),
            tooltip="add a regressor for what changes with the measure",
        )
        self.unmodulate = self._acting("remove the modulator", lambda: self._edits.unmodulated(self.kind.value))
        self.remove = self._acting(
            "delete the type", lambda: self._edits.without(self.kind.value), tooltip="delete all events of this type"
        )
        self._acts = {
            "rename": _with_button("rename to", self.name, self.rename),
            "merge": _with_button("merge into", self.other, self.merge),
            "split": _with_button("split by", self.part, self.split),
            "modulate": _with_button("modulate by", self.measure, self.modulate),
            "last": W.row("glmw-bar", self.remove, self.unmodulate),
        }
        return W.column("glmw-type-tools", field("type", self.kind), *self._acts.values())

    # From controls to settings --------------------------------------------------------------------------------

    @property
    def _edits(self) -> EventEdits:
        return self.session.event_edits

    def _acting(self, description: str, make: Callable[[], dict | None], tooltip: str = "") -> W.Button:
        return self.button(description, lambda _button: self._act(make), tooltip=tooltip)

    def _act(self, make: Callable[[], dict | None]) -> None:
        """Do what a button says; what cannot be done is said beside it."""
        try:
            changes = make()
        except ValueError as error:
            self._say(told(error, "notebook"))
            return
        self._say("")
        if changes:
            self.session.update(changes)

    def _say(self, words: str) -> None:
        said = escape(words)
        if self._said.value != said:
            self._said.value = said
            W.show(self._said, said)

    def _edit(self, cells: list[Typed]) -> Refused:
        """Take what was typed into cells, or say why not."""

        def change(settings: Settings, row: int, column: int, words: str) -> dict:
            return dataclasses.replace(self._edits, settings=settings).cell(row, self.grid.names[column], words)

        return taken(self.session, cells, change)

    def _renamed(self) -> dict:
        changes = self._edits.renamed(self.kind.value, self.name.value)
        self._wanted = " ".join(self.name.value.split())
        return changes

    def _merged(self) -> dict:
        self._wanted = self.other.value
        return self._edits.merged(self.kind.value, self.other.value)

    def _picked(self) -> list[int]:
        if not self.grid.picked:
            raise ValueError("no event is picked: click a row of the table, or an event of the timeline")
        return list(self.grid.picked)

    def _with_event(self) -> dict:
        edits = self._edits
        n = 0 if edits.table is None else len(edits.table)
        picked = [row for row in self.grid.picked if row < n]
        changes, row = edits.added(self.kind.value or "event", picked[-1] if picked else -1)
        self._to_pick = [row]
        return changes

    def _drop(self) -> dict:
        changes = self._edits.dropped(self._picked())
        self.grid.picked = []
        return changes

    def _write_shift(self, change: dict) -> None:
        now = self.session.settings.events.shift
        # The browser rounds what it is given to a step; that is an echo and no drag.
        if not self.is_following and abs(change["new"] - now) > 1e-9:
            self.session.update({"events.shift": round(float(change["new"]), 4)})

    def _tick(self, change: dict) -> None:
        if self.is_following:
            return
        types = self.session.conditions
        on = tuple(name for name in types if name not in change["new"])
        self.session.update({"design.conditions": None if on == types else on})

    # From settings to controls --------------------------------------------------------------------------------

    _wanted: str | None = None
    _to_pick: list[int] | None = None

    def _pick(self, rows: list[int], other: EventGrid | EventTimeline) -> None:
        table = self._edits.table
        mine = [row for row in rows if table is not None and row < len(table)]
        if list(other.picked) != mine:
            other.picked = mine
        if mine and not self.is_following:
            kind = table["trial_type"].iloc[mine[0]]
            if self.kind.value != kind and kind in self.kind.options:
                self.kind.value = kind
        self._count_picked()

    def _count_picked(self) -> None:
        n = len(self.grid.picked)
        self._count.value = f"{count(n, 'event')} picked" if n else "click a row, double-click a cell"
        for button in (self.delete, self.retype):
            button.disabled = n == 0

    def _pick_kind(self, change: dict) -> None:
        if change["new"] in self.kind.options and self.kind.value != change["new"]:
            self.kind.value = change["new"]

    def _show(self, _change: object = None) -> None:
        if not self._open.value:
            return
        settings = self.session.settings
        wanted = (settings.events, settings.design.conditions)
        if wanted == self._shown:
            return
        before, self._shown = self._shown, wanted
        with self.following():
            if before is None or before[0] != settings.events:
                self._show_events()
            chosen = settings.design.conditions
            off = [] if chosen is None else [name for name in self.session.conditions if name not in chosen]
            if sorted(self.timeline.off) != off:
                self.timeline.off = off

    def _show_events(self) -> None:
        chosen = self.session.settings.events
        try:
            events = self._edits.source.events(dataclasses.replace(chosen, shift=0.0))
        except ValueError:
            return  # the stage says so; the last good table stays
        table, types = self._edits.table, types_of(events)
        colours = {name: colour_of(name, types) for name in types}
        _, outside = event_findings(self._edits.source, chosen, self.session.run.frame_times)
        self.grid.show(table, colours, dict.fromkeys(outside, "outside the run"), "No events yet: add one.")
        with self.timeline.hold_sync():
            self.timeline.show(events, self.session.run.window, types)
            self.timeline.shift = chosen.shift
        if self._to_pick is not None:
            rows, self._to_pick = self._to_pick, None
            self.grid.picked = self.timeline.picked = rows
        kept = self._wanted if self._wanted in types else self.kind.value
        self._wanted = None
        if tuple(self.kind.options) != types:
            self.kind.options = types
            self.kind.value = kept if kept in types else next(iter(types), None)
            before, self.new_type.options = self.new_type.options, types_of(table)
            if self.new_type.value in set(before) - set(self.new_type.options):
                self.new_type.value = ""  # a name that is gone: to offer it would bring it back
        elif kept in types and self.kind.value != kept:
            self.kind.value = kept
        self._show_kind()
        self._show_shift(chosen.shift)
        self._count_picked()
        changed = chosen.table is not None or bool(chosen.shift) or bool(chosen.modulated)
        if self.reset.disabled == changed:
            self.reset.disabled = not changed
        n = 0 if table is None else len(table)
        words = [count(n, "event"), count(len(types), "type")]
        words += [f"{len(outside)} outside the run"] if outside else []
        m = len(chosen.modulated)
        words += [count(m, "modulator")] if m else []
        words += ["edited" if chosen.table is not None else "as given"]
        self.set_verdict(" · ".join(words), "warn" if outside else "quiet")

    def _show_shift(self, shift: float) -> None:
        if abs(shift) > self.shift.max:
            self.shift.min, self.shift.max = -abs(shift), abs(shift)
        for control in (self.shift, self.seconds):
            if abs(control.value - shift) > 1e-9:
                control.value = shift
        self._scans.value = f"s · {shift / self.session.run.t_r:+.2f} TR".replace("-", "\u2212") if shift else "s"

    def _show_kind(self, _change: object = None) -> None:
        kind, table = self.kind.value, self._edits.table
        self.timeline.kind = kind or ""
        of, there = self._edits.modulator(kind), table is not None and kind in set(table["trial_type"])
        others = [name for name in types_of(table) if name != kind]
        measures = list(measures_of(table, kind)) if there else []
        possible = {"rename": there, "merge": there and others, "split": there, "modulate": measures, "last": True}
        for name, box in self._acts.items():
            W.show(box, bool(possible[name]))
        for button, seen in ((self.remove, there), (self.unmodulate, of is not None)):
            W.show(button, seen)
        if self.new_type.value == "" and there:
            self.new_type.value = kind
        if not there:
            return
        parts = [(f"{by} ({n})", by) for by, n in parts_of(table, kind)]
        for control, options in (
            (self.other, others),
            (self.part, [(HALVES, HALVES), *parts]),
            (self.measure, measures),
        ):
            _offer(control, options)


def _offer(control: W.Dropdown, options: list) -> None:
    """Other choices; what was chosen stays where it can."""
    if list(control.options) == options:
        return
    before = control.value
    control.options = options
    values = [option[1] if isinstance(option, tuple) else option for option in options]
    if values:
        control.value = before if before in values else values[0]


def _with_button(label: str, control: W.Widget, button: W.Button) -> W.VBox:
    return field(label, W.row("glmw-with-button", control, button))
