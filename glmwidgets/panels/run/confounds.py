"""Confounds: which columns of the table enter the model, group by group, and scans that are scrubbed."""

from __future__ import annotations

from typing import Any

import numpy as np

from glmwidgets.analysis.confounds import begun_at_zero, comparable, scrubbed, values_of
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.chart import Chart, Line, Mark, Plot
from glmwidgets.panels.shared.base import Panel, field, named, opened_by, text
from glmwidgets.plural import count
from glmwidgets.session.single.session import Session
from glmwidgets.specification.confound_choice import LEVELS, SCRUBS, ConfoundChoice, ConfoundGroup
from glmwidgets.web.palettes import COLUMN_COLOURS

# Lines that are drawn where none of a group is chosen, and at most.
SOME, MOST = 6, 24

# Fewer degrees of freedom than these are worth a warning.
FEW = 30

OTHER = -1  # a choice of value None would be none at all for the widget


class ConfoundsPanel(Panel):
    """A tick a group, motion by its number of regressors, thresholds of scrubbing, single columns and their plots.

    Attributes
    ----------
    motion : Dropdown
        0, 6, 12 or 24; only where the table has the six parameters.
    ticks : dict from name of a group to Checkbox
    scrub : dict from measure to (Checkbox, BoundedFloatText)
    details : ToggleButton
        Opens `group`, `columns` and `chart`.
    """

    also = ("motion regressors", "nuisance regressors", "compcor", "scrubbing")
    reason = "degrees_of_freedom"

    def __init__(self, session: Session):
        super().__init__(
            session, "Confounds", ("confounds", "design.confounds", "design.scrub_fd", "design.scrub_dvars")
        )
        self._table = session.run.confounds
        self.choice = ConfoundChoice(() if self._table is None else self._table.columns)
        self._counts: dict[str, W.HTML] = {}
        self._note = text("glmw-note")
        widgets = [*self._group_rows(), *self._scrubbing(), self._note]
        self.details = W.ToggleButton(description="columns, plot")
        self.group = W.Dropdown(options=[(group.label, group.name) for group in self.choice.groups])
        named(self.group, "group of confounds")
        self.columns = W.SelectMultiple(rows=6)
        self.chart = Chart(height=120, label="confounds over the run")
        self._inside = W.column("glmw-view", self.group, self.columns, self.chart)
        self._painted: tuple | None = None
        self.on_value(self.details, self._show)
        self.on_value(self.group, self._show)
        self.on_value(self.columns, self._pick)
        bar = W.row("glmw-bar", self.details)
        self.fill(*widgets, bar, opened_by(self.details, self._inside))
        session.observe_locked(self._show, "settings")
        self.when_settled(self._show)
        self.stand_still("design.confounds", "The design matrix was given: the table of confounds is not used.")

    # What there is ----------------------------------------------------------------------------------------------------

    def _group_rows(self) -> list[W.Widget]:
        rows: list[W.Widget] = []
        self.motion: W.Dropdown | None = None
        self.ticks: dict[str, W.Checkbox] = {}
        for group in self.choice.groups:
            if group.measure:
                continue
            if group.name == "motion" and self.choice.has_motion:
                self.motion = W.Dropdown(options=[(label, level) for level, label in LEVELS.items()], value=0)
                self.on_value(self.motion, self._pick_motion)
                rows.append(field("motion regressors", self.motion))
                continue
            tick = W.Checkbox(value=False, description=group.label, indent=False)
            self.on_value(tick, lambda change, group=group: self._tick(group, change["new"]))
            self.ticks[group.name], self._counts[group.name] = tick, text("glmw-count")
            row = W.row("glmw-group-row", tick, self._counts[group.name])
            rows.append(row)
        return rows

    def _scrubbing(self) -> list[W.Widget]:
        self.scrub: dict[str, tuple[W.Checkbox, W.BoundedFloatText]] = {}
        rows = []
        for column, path in SCRUBS.items():
            if self._table is None or column not in self._table:
                continue
            known = self.session.settings.field(path)
            usual = next(limit for limit in known.alternatives if limit is not None)
            tick = self.unbound(path, kind=W.Checkbox)
            number = self.unbound(path, value=usual)
            self.bind(
                tick,
                path,
                lambda on, number=number: number.value if on else None,
                lambda threshold: threshold is not None,
            )
            self.bind(
                number,
                path,
                lambda value, tick=tick: value if tick.value else None,
                lambda threshold, number=number: number.value if threshold is None else threshold,
            )
            self.scrub[column] = (tick, number)
            row = W.row("glmw-group-row", tick, number)
            rows.append(row)
        return rows

    # From the controls ------------------------------------------------------------------------------------------------

    def _write(self, group: ConfoundGroup, columns: Any) -> None:
        setting = self.session.settings.design.confounds
        wanted = self.choice.with_group(setting, group, columns)
        if wanted != setting:
            self.session.update({"design.confounds": wanted})

    def _tick(self, group: ConfoundGroup, on: bool) -> None:
        if not self.is_following and on != bool(self.choice.of_group(self.session.settings.design.confounds, group)):
            self._write(group, group.usual if on else ())

    def _pick_motion(self, change: dict) -> None:
        level = change["new"]
        if not self.is_following and level != OTHER and level != self.choice.level(self._setting):
            motion = self.choice.group("motion")
            self._write(motion, motion.columns[:level])

    def _pick(self, change: dict) -> None:
        group = self.choice.group(self.group.value)
        if not self.is_following and set(change["new"]) != set(self.choice.of_group(self._setting, group)):
            self._write(group, change["new"])

    @property
    def _setting(self) -> tuple[str, ...] | None:
        return self.session.settings.design.confounds

    # From the session -------------------------------------------------------------------------------------------------

    def _show(self, _change: object = None) -> None:
        if self._table is None:
            return
        with self.following():
            self._show_choice()
            if self.details.value:
                self._show_details()
        self._say()

    def _show_choice(self) -> None:
        for name, tick in self.ticks.items():
            group = self.choice.group(name)
            chosen = self.choice.of_group(self._setting, group)
            tick.value = bool(chosen)
            self._counts[name].value = f"{len(chosen)} of {len(group.columns)}" if chosen else f"{len(group.columns)}"
        if self.motion is not None:
            level = self.choice.level(self._setting)
            options = [(label, value) for value, label in LEVELS.items()]
            options += [("another choice", OTHER)] if level is None else []
            if len(options) != len(self.motion.options):
                self.motion.options = options
            self.motion.value = OTHER if level is None else level

    def _say(self) -> None:
        result = self.session.result
        design = self.session.settings.design
        used = self.choice.chosen(self._setting)
        notes = []
        try:
            bad = scrubbed(self._table, design)
        except ValueError:
            return  # the stage of the confounds says so
        if design.scrubs:
            share = 100 * bad.size / len(self._table)
            notes.append(f"{count(bad.size, 'scan')} scrubbed ({share:.0f} %), a column each.")
        empty = begun_at_zero(self._table, used)
        if empty:
            notes.append(f"{count(len(empty), 'column')} without a first value start at 0.")
        if DRIFTS[design.drift_model].setting == "high_pass" and any(name.startswith("cosine") for name in used):
            notes.append('<span class="glmw-warn">The drift has cosines of its own: set it to none.</span>')
        self._note.value = " ".join(notes)
        n = len(used) + bad.size
        words, tone = count(n, "column"), "quiet"
        if result is not None and self.session.is_current:
            words += f" · {result.fit.dof} df"
            tone = "warn" if result.fit.dof < FEW else "quiet"
        self.set_verdict(words, tone)

    def _show_details(self) -> None:
        group = self.choice.group(self.group.value)
        if tuple(self.columns.options) != group.columns:
            self.columns.value = ()
            self.columns.options = group.columns
        chosen = self.choice.of_group(self._setting, group)
        if tuple(self.columns.value) != chosen:
            self.columns.value = chosen
        design = self.session.settings.design
        wanted = (group.name, chosen, design.scrub_fd, design.scrub_dvars)
        if wanted != self._painted:
            self._painted = wanted
            self._draw(group, chosen)

    def _draw(self, group: ConfoundGroup, chosen: tuple[str, ...]) -> None:
        run, design = self.session.run, self.session.settings.design
        drawn = chosen[:MOST] or tuple(name for name in group.columns if name in self._table)[:SOME]
        if group.measure:
            drawn = tuple(name for name in SCRUBS if name in group.columns) or drawn
        times, values, scaled = run.frame_times, values_of(self._table, drawn), False
        if not group.measure:
            values, scaled = comparable(values)
        parts = []
        for scan in scrubbed(self._table, design):
            parts.append(Mark(float(times[scan]), "--glmw-warn", f"scan {scan} is scrubbed", tick=True))
        for i, name in enumerate(drawn):
            parts.append(
                Line(
                    times, values[name].to_numpy(dtype=float), COLUMN_COLOURS[i % len(COLUMN_COLOURS)], name, width=1.1
                )
            )
        for name, path in SCRUBS.items():
            threshold = self.session.settings.get(path)
            if group.measure and threshold is not None:
                at = COLUMN_COLOURS[drawn.index(name) % len(COLUMN_COLOURS)]
                parts.append(Line(times[[0, -1]], np.full(2, threshold), at, dash=(4, 3), width=0.9))
        unit = ", each in its own sd" if scaled else ""
        none = "" if chosen else " (none chosen)"
        plot = Plot(parts, x=(0.0, float(times[-1] + run.t_r)), x_unit="s")
        self.chart.show([plot], f"{group.label}{none}{unit}")
