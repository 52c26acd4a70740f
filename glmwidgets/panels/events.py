"""Event types: which are modelled, their colours, and where they fall in the run."""

from __future__ import annotations

from html import escape

import ipywidgets as W

from glmwidgets.glm.design import frame_times
from glmwidgets.glm.events import event_warnings
from glmwidgets.panels.base import Panel, text
from glmwidgets.report.style import colour_of
from glmwidgets.session.session import Session

__all__ = ["EventsPanel"]


class EventsPanel(Panel):
    """One line an event type: tick, colour, name, count, and a strip of the run with its events."""

    def __init__(self, session: Session):
        super().__init__(session, "Events", ("design.conditions", "design"))
        self.ticks: dict[str, W.Checkbox] = {}
        self._lines: dict[str, W.VBox] = {}
        conditions = session.run.conditions
        for condition in conditions:
            self._lines[condition] = self._line(condition, conditions)
        listing = W.VBox(list(self._lines.values()))
        listing.add_class("glmw-events-list")
        if conditions:
            self.set_verdict(f"{len(session.run.events)} events")
            self.fill(listing, *self._findings())
        else:
            self.fill(text("glmw-note", "No events were given: the model holds drift and confounds only."))
        session.observe_locked(self._show, "settings")
        self._show()

    def _findings(self) -> list[W.HTML]:
        """What is probably wrong with the table, in words."""
        run = self.session.run
        found = event_warnings(run.events, frame_times(run.n_scans, run.t_r, run.slice_time_ref))
        tones = {"error": "glmw-error", "warning": "glmw-warn", "note": "glmw-note"}
        return [text(tones[finding.severity], escape(finding.message)) for finding in found]

    def _line(self, condition: str, conditions: tuple[str, ...]) -> W.VBox:
        events = self.session.run.events
        mine = events[events["trial_type"] == condition]
        tick = W.Checkbox(value=True, description=condition, indent=False, tooltip=condition)
        self.on_value(tick, self._write)
        self.ticks[condition] = tick
        row = W.Box([tick, text("glmw-count", str(len(mine)))])
        row.add_class("glmw-event-row")
        end = self.session.run.n_scans * self.session.run.t_r
        line = W.VBox([row, text("glmw-strip", _strip(mine, end, colour_of(condition, conditions)))])
        line.add_class("glmw-event")
        return line

    def _write(self, _change: object) -> None:
        on = tuple(name for name, tick in self.ticks.items() if tick.value)
        everything = len(on) == len(self.ticks)
        self.session.update({"design.conditions": None if everything else on})

    def _show(self, _change: object = None) -> None:
        chosen = self.session.settings.design.conditions
        for name, tick in self.ticks.items():
            on = chosen is None or name in chosen
            if tick.value != on:
                tick.value = on
            (self._lines[name].remove_class if on else self._lines[name].add_class)("glmw-off")


def _strip(events, end: float, colour: str) -> str:
    """Events of one type as marks on the run's time axis, in SVG."""
    least = end / 250  # an event of no duration is still seen
    marks = "".join(
        f'<rect x="{onset:.2f}" y="0" width="{max(duration, least):.2f}" height="8" fill="{colour}"/>'
        for onset, duration in zip(events["onset"], events["duration"], strict=True)
    )
    return (
        f'<svg viewBox="0 0 {end:.2f} 8" preserveAspectRatio="none" role="img" aria-label="events over the run">'
        f'<rect x="0" y="3.6" width="{end:.2f}" height="0.8" fill="currentColor" opacity="0.15"/>{marks}</svg>'
    )
