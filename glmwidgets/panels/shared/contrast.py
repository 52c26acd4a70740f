"""The contrasts: typed, weighed by hand or had at a click, answered as one types."""

from __future__ import annotations

import math
from html import escape

from glmwidgets.analysis.proposals import (
    INTEREST,
    all_pairs,
    as_f_test,
    effects_of_interest,
    is_contrast,
    is_f_test,
    spread_in_words,
    weights_of,
    written_contrast,
)
from glmwidgets.analysis.verdicts import ContrastVerdict, write_dof
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.table import RowTable
from glmwidgets.panels.shared.base import Panel, close_with_all, named, text, why
from glmwidgets.session.core.reasons import REASONS
from glmwidgets.session.single.session import Session
from glmwidgets.specification.field import SettingsError

COLUMNS = [
    {"label": "contrast", "help": "click to test this contrast"},
    {"label": "test", "help": "t, or F with its number of rows"},
    {
        "label": "efficiency",
        "digits": 2,
        "help": "1 / variance of the estimate, per unit of error variance (design only)",
    },
    {
        "label": "detectable",
        "digits": 2,
        "help": "smallest true effect that passes the threshold in the median voxel with power .8",
    },
    {"label": "VIF", "digits": 2, "help": "how much correlation with other columns inflates its variance"},
    {"label": "", "help": "why it cannot be tested"},
]

# Beyond this the contrast owes most of its variance to other columns.
INFLATED = 5.0

REACH, STEP = 1.0, 0.05


class ContrastPanel(Panel):
    """A line to type in, a list to choose from, sliders to weigh columns with.

    Parameters
    ----------
    session : Session

    Attributes
    ----------
    expression : Text
        Of the active contrast.
    name : Text
        What the active contrast is called in the list.
    f_test : ToggleButton
        Whether the active contrast is an F test; one of several rows always is.
    add, remove, pairs, interest : Button
    more : ToggleButton
        Opens what follows on narrow screens.
    weigh : ToggleButton
        Opens the sliders.
    sliders : dict from column to FloatSlider
        Of the columns that model conditions; empty while closed.
    suggestion : Button
        Takes what is proposed in place of a contrast that cannot be read.
    table : RowTable

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> panel = ContrastPanel(session)
    >>> panel.expression.value = "faces - houses"
    >>> session.settings.contrast.expression
    'faces - houses'
    """

    also = ("Contrasts", "list of contrasts", "weights")

    def __init__(self, session: Session):
        super().__init__(session, "", ("contrast",))
        self.add_class("glmw-contrast-panel")
        self.expression = self.control("contrast.expression", continuous_update=True, placeholder="face - house")
        self._verdict = text("glmw-note")
        self.add = self.button("+ add", self._add, tooltip="another contrast beside this one")
        row = W.row("glmw-contrast-row", text("glmw-name", "Contrast"), self.expression, self.add)

        self.suggestion = self.button("", self._take_suggestion)
        self.suggestion.add_class("glmw-suggestion")
        W.show(self.suggestion, False)
        self.name = W.Text(continuous_update=False, placeholder="name")
        named(self.name, "name of the contrast")
        self.remove = self.button("remove", self._remove, tooltip="take this contrast off the list")
        self.weigh = W.ToggleButton(description="weights", tooltip="write the contrast with a slider for each column")
        self.pairs = self.button("all pairs", self._add_pairs, tooltip="the difference of every two event types")
        self.interest = self.button(
            "effects of interest", self._add_interest, tooltip="an F test of all event types together"
        )
        self.f_test = W.ToggleButton(
            description="F", tooltip="F test, of effects in either direction; several rows always are one"
        )
        self.on_value(self.f_test, self._choose_test)
        # On a laptop's screen the verdict has the room, and these lie over the map when they are asked for.
        self.more = self.opener("more ▾", "F test, weights, effects of interest, all pairs")
        choices = W.row("glmw-bar glmw-contrast-tools", self.f_test, self.weigh, self.interest, self.pairs)
        tools = W.row("glmw-bar glmw-contrast-said", self._verdict, self.more, choices)
        self._of_list = W.row("glmw-bar", self.name, self.remove)
        self.table = RowTable(columns=COLUMNS)
        self.table.add_class("glmw-contrasts")
        self._weights = W.row("glmw-weights")
        self.sliders: dict[str, W.FloatSlider] = {}
        self._lines: list[W.Box] = []
        self.fill(row, self.suggestion, tools, self._weights, self.table, self._of_list)

        self.on_value(self.name, self._rename)
        self.on_value(self.weigh, self._show_weights)
        self.table.on_pick(self.guarded(lambda row: session.update({"contrast.active": row})))
        session.observe_locked(self._show_weights, ["settings", "result"])
        session.observe_at_once(self._show, ["result", "status", "verdicts"])
        session.observe_at_once(self._show_list, ["settings", "status"])

    # The list -------------------------------------------------------------------------------------------------

    def _write(self, listed: list[tuple[str, str]], active: int) -> None:
        """Make a list the settings' list; one nameless contrast is none."""
        self.session.update(self.session.settings.contrast.relisted(listed, active))

    def _extend(self, new: list[tuple[str, str]]) -> None:
        """Add contrasts that are not listed yet, and ask for the first of the new ones."""
        listed = list(self.session.settings.contrast.listed)
        there = [expression for _, expression in listed]
        more = [(name, expression) for name, expression in new if expression not in there]
        first = there.index(new[0][1]) if new[0][1] in there else len(listed)
        self._write(listed + more, first)

    def _add(self, _button: object) -> None:
        contrast = self.session.settings.contrast
        self._write([*contrast.listed, ("", contrast.expression)], len(contrast.listed))

    def _remove(self, _button: object) -> None:
        contrast = self.session.settings.contrast
        listed = [one for i, one in enumerate(contrast.listed) if i != contrast.active]
        if listed:
            self._write(listed, min(contrast.active, len(listed) - 1))

    def _rename(self, change: dict) -> None:
        contrast = self.session.settings.contrast
        listed = list(contrast.listed)
        name = change["new"].strip()
        if listed[contrast.active][0] != name:
            listed[contrast.active] = (name, contrast.expression)
            self._write(listed, contrast.active)

    def _add_pairs(self, _button: object) -> None:
        pairs = all_pairs(self.session.effects())
        if not pairs:
            raise SettingsError("contrast.listed", "there are fewer than two effects in the model")
        self._extend(pairs)

    def _add_interest(self, _button: object) -> None:
        by_condition = self.session.effects()
        if not by_condition:
            raise SettingsError("contrast.listed", "there is no effect in the model")
        self._extend([(INTEREST, effects_of_interest(by_condition))])

    def _choose_test(self, change: dict) -> None:
        if not self.is_following:
            self.session.update(
                {"contrast.expression": as_f_test(self.session.settings.contrast.expression, change["new"])}
            )

    def _take_suggestion(self, _button: object) -> None:
        if self.session.status.suggestion:
            self.session.update({"contrast.expression": self.session.status.suggestion})

    def _show_list(self, _change: object = None) -> None:
        session, contrast = self.session, self.session.settings.contrast
        several, name = len(contrast.listed) > 1, contrast.listed[contrast.active][0]
        for widget in (self.table, self.remove):
            W.show(widget, several)
        # A name goes into reports and names of files: it is seen, so that it is not left to another question.
        W.show(self._of_list, several or name)
        self.name.value = name
        self._show_test()
        if several and session.status.state != "busy":
            threshold = math.inf if session.result is None else session.result.threshold
            self.table.rows = [_row(*one, session.verdicts.get(one[1]), threshold) for one in contrast.listed]
        self.table.here = contrast.active

    def _show_test(self) -> None:
        expression, result = self.session.settings.contrast.expression, self.session.result
        names = [] if result is None else [str(name) for name in result.design.columns]
        several = weights_of(expression, names) is None and is_contrast(expression, names)
        with self.following():
            self.f_test.value = several or is_f_test(expression, names)
        self.f_test.disabled = several

    # The active one -------------------------------------------------------------------------------------------

    def _show(self, _change: object = None) -> None:
        status, result = self.session.status, self.session.result
        wrong = status.state == "error" and status.stage == "contrast"
        (self.expression.add_class if wrong else self.expression.remove_class)("glmw-bad-input")
        label = f"use {status.suggestion}" if wrong and status.suggestion else ""
        if self.suggestion.description != label:
            self.suggestion.description = label
            W.show(self.suggestion, label)
            (self.add_class if label else self.remove_class)("glmw-suggests")
        self._show_test()
        if result is None or status.state == "busy":
            return
        # What is still on screen was estimable; what is typed is not even read.
        verdict = None if wrong else self.session.verdicts.get(result.settings.contrast.expression)
        words = "" if verdict is None else _in_words(verdict, result.threshold, f" {self.session.unit}".rstrip())
        spread = spread_in_words(result.settings.contrast.expression, result.design.columns) if words else ""
        self._verdict.value = f"{words} · {escape(spread)}" if spread else words

    # Weights --------------------------------------------------------------------------------------------------

    def _show_weights(self, _change: object = None) -> None:
        columns = [name for names in self.session.effects().values() for name in names] if self.weigh.value else []
        if columns != list(self.sliders):
            self._make_sliders(columns)
        if not columns:
            return
        weights = self._weights_of(self.session.settings.contrast.expression)
        with self.following():
            self._set_sliders(weights)

    def _set_sliders(self, weights: dict[str, float] | None) -> None:
        for column, slider in self.sliders.items():
            # Several rows are more than one slider a column can say.
            slider.disabled = weights is None
            value = 0.0 if weights is None else weights.get(column, 0.0)
            if slider.value != value:
                if abs(value) > slider.max:
                    slider.min, slider.max = -abs(value), abs(value)
                slider.value = value

    def _make_sliders(self, columns: list[str]) -> None:
        surplus = self._lines[len(columns) :]
        del self._lines[len(columns) :]
        while len(self._lines) < len(columns):
            slider = W.FloatSlider(min=-REACH, max=REACH, step=STEP, readout_format=".2f")
            self.on_value(slider, self._weigh)
            line = W.row("glmw-weight", text("glmw-label"), slider)
            self._lines.append(line)
        for column, line in zip(columns, self._lines, strict=True):
            line.children[0].value = f'<span title="{escape(column)}">{escape(column)}</span>'
        self.sliders = {column: line.children[1] for column, line in zip(columns, self._lines, strict=True)}
        self._weights.children = self._lines
        for line in surplus:
            close_with_all(line)

    def _weights_of(self, expression: str) -> dict[str, float] | None:
        return weights_of(expression, self.session.result.design.columns)

    def _weigh(self, change: dict) -> None:
        present = self._weights_of(self.session.settings.contrast.expression)
        column = next((name for name, slider in self.sliders.items() if slider is change["owner"]), None)
        # The browser rounds what it is given to a step; that is an echo and no drag.
        if self.is_following or present is None or column is None or abs(present[column] - change["new"]) < 0.6 * STEP:
            return
        present[column] = round(change["new"], 2)
        is_f = is_f_test(self.session.settings.contrast.expression, list(present))
        if any(present.values()):
            self.session.update(
                {"contrast.expression": as_f_test(written_contrast(list(present.values()), list(present)), is_f)}
            )


def _why(name: str) -> str:
    return why(name, REASONS[name].title)


def _in_words(verdict: ContrastVerdict, threshold: float, unit: str) -> str:
    if not verdict.estimable:
        return f'<span class="glmw-warn" title="{escape(verdict.message)}">not estimable</span>'
    dof = write_dof(verdict.dof)
    test = f"F({verdict.dim}, {dof})" if verdict.stat_type == "F" else f"t({dof})"
    own = [] if verdict.dof_left is None else [verdict.dof_said]
    words = [f"{test} {_why('contrast')}", *own, "estimable", f"efficiency {verdict.efficiency:.3g}"]
    effect = verdict.detectable(threshold)
    if math.isfinite(effect):
        words.append(f"smallest detectable effect {effect:.2g}{unit} {_why('detectable_effect')}")
    said = " · ".join(words)
    if verdict.inflation > INFLATED:
        said += f' · <span class="glmw-warn">VIF {verdict.inflation:.1f}</span>'
    return said


def _row(name: str, expression: str, verdict: ContrastVerdict | None, threshold: float) -> dict:
    called = f"{name}:  {expression}" if name and name != expression else expression
    if verdict is None:
        return {"cells": [called, None, None, None, None, "…"]}
    if verdict.stat_type is None:
        return {"cells": [called, None, None, None, None, "cannot be read"]}
    test = "t" if verdict.stat_type == "t" else f"F{verdict.dim}"
    if not verdict.estimable:
        return {"cells": [called, test, None, None, None, "not estimable"]}
    effect = verdict.detectable(threshold)
    figures = [verdict.efficiency, effect, verdict.inflation]
    cells = [figure if math.isfinite(figure) else None for figure in figures]
    return {"cells": [called, test, *cells, ""]}
