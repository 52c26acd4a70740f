"""Event types: which are modelled, their colours, where they fall in the run, and what is probably wrong with them."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

from glmwidgets.analysis.events import event_findings
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.timeline import EventTimeline
from glmwidgets.panels.run.event_editor import EventEditor
from glmwidgets.panels.shared.base import Panel, field, opened_by, text
from glmwidgets.plural import count
from glmwidgets.session.single.session import Session
from glmwidgets.specification.settings import EventsSettings

if TYPE_CHECKING:
    from glmwidgets.glm.events.checks import EventFinding

TONES = {"error": "glmw-error", "warning": "glmw-warn", "note": "glmw-note"}


class EventsPanel(Panel):
    """One line an event type: tick, colour, name, count, and a strip of the run with its events.

    Attributes
    ----------
    types : EventTimeline
        The lines; its ``off`` are the types without a tick.
    edit : ToggleButton
        Opens the editor.
    editor : EventEditor
        The timeline of all events with the table in which they are changed.
    to_seconds : Button
        Seen where onsets look like milliseconds.
    missing_duration : BoundedFloatText
        Seconds for events without a duration, which are left out otherwise; seen where there are any.
    fill_durations : Button
        Gives them that duration.
    """

    also = ("edit the events", "events table", "onsets", "trials", "conditions")
    reason = "events"

    def __init__(self, session: Session):
        # What is wrong with a design because of its events is said here before it is tried.
        super().__init__(session, "Events", ("events", "design.conditions"))
        self.types = EventTimeline()
        self.types.add_class("glmw-events-list")
        self.edit = W.ToggleButton(description="edit …", tooltip="timeline and table of all events")
        self.to_seconds = self.button(
            "divide by 1000", self._to_seconds, tooltip="onsets and durations from ms to seconds"
        )
        self.missing_duration = W.BoundedFloatText(value=1.0, min=0, max=1e6, step=0.5)
        self.fill_durations = self.button(
            "include them", self._fill_durations, tooltip="model the events without a duration, too"
        )
        n = session.analysis.event_source.n_unlasting
        label = f"{count(n, 'event')} without a duration left out; give it in s to include them"
        self._unlasting = W.row("glmw-bar", field(label, self.missing_duration), self.fill_durations)
        W.show(self._unlasting, n)
        self._nothing = text("glmw-note", "No events were given: the model holds drift and confounds only.")
        self._found = text("glmw-findings")
        tools = W.row("glmw-bar", self.to_seconds, self.edit)
        self._shown: tuple | None = None
        self.fill(self._nothing, self.types, self._found, self._unlasting, tools)
        self.types.observe(self.guarded(self._write), "off")
        session.observe_at_once(self._show, "settings")
        self.stand_still("design.conditions", "The design matrix was given: no events are modelled.")

    @cached_property
    def editor(self) -> EventEditor:
        """The timeline of all events with the table in which they are changed."""
        return EventEditor(self.session, self.edit)

    def _in_a_cell(self) -> list[W.Widget]:
        # In a cell of its own the editor opens below.
        return [self, opened_by(self.edit, lambda: self.editor)]

    def _write(self, _change: object) -> None:
        off, types = set(self.types.off), self.session.conditions
        on = tuple(name for name in types if name not in off)
        self.session.update({"design.conditions": None if on == types else on})

    def _to_seconds(self, _button: object) -> None:
        self.session.update(self.session.event_edits.in_seconds())

    def _fill_durations(self, _button: object) -> None:
        self.session.update(self.session.event_edits.lasting(self.missing_duration.value))

    def _show(self, _change: object = None) -> None:
        session = self.session
        if session.settings.field("design.conditions").lacking(session.settings):
            self.edit.value, self._shown = False, None
            return
        chosen, conditions, data = session.settings.events, session.settings.design.conditions, session.settings.data
        drawn = (chosen, data.t_r, data.slice_time_ref)
        if (drawn, conditions) == self._shown:
            return
        before, self._shown = self._shown, (drawn, conditions)
        if before is None or before[0] != drawn:
            self._show_events(chosen)
        off = [] if conditions is None else [name for name in session.conditions if name not in conditions]
        if sorted(self.types.off) != off:
            self.types.off = off

    def _show_events(self, chosen: EventsSettings) -> None:
        session, source = self.session, self.session.analysis.event_source
        try:
            events = source.events(dataclasses.replace(chosen, shift=0.0))
        except ValueError:
            return  # the stage says so; the last good picture stays
        with self.types.hold_sync():
            self.types.show(events, session.run.window, session.conditions)
            self.types.shift = chosen.shift
        for widget, there in ((self._nothing, events is None), (self.types, events is not None)):
            W.show(widget, there)
        self._show_findings(event_findings(source, chosen, session.run.frame_times)[0])
        words = [] if events is None else [count(len(source.table(chosen)), "event")]
        words += [f"{chosen.shift:+.4g} s".replace("-", "\u2212")] if chosen.shift else []
        words += ["edited"] if chosen.table is not None else []
        self.set_verdict(" · ".join(words))

    def _show_findings(self, findings: list[EventFinding]) -> None:
        self._found.value = "".join(
            f'<p class="{TONES[found.severity]}">{escape(found.message)}</p>' for found in findings
        )
        W.show(self.to_seconds, any(found.kind == "milliseconds" for found in findings))
