"""Slow drifts: the drift model, and the part of the task that it removes."""

from __future__ import annotations

from html import escape

import numpy as np

from glmwidgets.analysis.designs import DriftFacts
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.chart import Band, Chart, Line, Plot
from glmwidgets.panels.shared.base import Panel, labelled, text
from glmwidgets.plural import count
from glmwidgets.session.single.session import Session
from glmwidgets.web.palettes import colour_of

# Share of a regressor's variance that a person should know to be lost.
LOUD = 0.10

# Conditions that are named with what is taken of them; of more, those that lose most.
NAMED = 4

# Seconds that stand for no cut-off at all.
NEVER = 1e6


class DriftPanel(Panel):
    """Drift model with its cut-off, in seconds and in Hz, or its order; spectra of the task and what is taken.

    Attributes
    ----------
    model, period, frequency, order : widgets
    spectrum : Chart
        Of each event type's first column, over a shaded area: the share of a frequency that the drift columns remove.
    """

    also = ("high-pass filter", "slow drift")
    reason = "drift"

    def __init__(self, session: Session):
        super().__init__(session, "Drift", ("design.drift_model", "design.high_pass", "design.drift_order"))
        t_r = session.run.t_r
        slowest, quickest = 2 * t_r, 1 / (2 * t_r)
        self.model = self.control("design.drift_model")
        self.period = self.control(
            "design.high_pass",
            lambda s: 0.0 if s >= NEVER else 1 / s,
            lambda hz: min(max(round(1 / hz, 4), slowest), NEVER) if hz else NEVER,
            min=slowest,
            max=NEVER,
            step=10,
            description=f"{session.settings.field('design.high_pass').label}, s",
        )
        self.frequency = self.control(
            "design.high_pass",
            to_control=lambda hz: min(round(hz, 6), quickest),
            max=quickest,
            description=f"in {session.settings.field('design.high_pass').unit}",
        )
        self.order = self.control("design.drift_order")
        self._cut_off = W.row("glmw-pair", labelled(self.period), labelled(self.frequency))
        self._order = labelled(self.order)
        self.spectrum = Chart(height=92, label="spectra of the event types, and the part that the drift model removes")
        self._taken = text("glmw-note")
        self._painted: tuple | None = None
        self.fill(self.model, self._cut_off, self._order, self.spectrum, self._taken)
        session.observe_at_once(self._show_fields, "settings")
        self.when_settled(self._show)
        self.stand_still("design.drift_model", "The design matrix was given: slow drifts are modelled by its columns.")

    def _show_fields(self, _change: object = None) -> None:
        setting = DRIFTS[self.session.settings.design.drift_model].setting
        for box, name in ((self._cut_off, "high_pass"), (self._order, "drift_order")):
            W.show(box, setting == name)

    def _show(self) -> None:
        result = self.session.result
        if result is None or self.is_still or self._painted == (id(result.design), result.settings.design):
            return
        self._painted = (id(result.design), result.settings.design)
        facts = DriftFacts.of(result.design, self.session.effects())
        self._write(facts.n_columns, facts.taken)
        drawn = facts.task.shape[1] > 0 and self.session.run.is_even
        if drawn:
            self._draw(facts)
        W.show(self.spectrum, drawn)

    def _draw(self, facts: DriftFacts) -> None:
        t_r = self.session.run.t_r
        frequency, shares = facts.spectra(t_r)
        end = frequency[-1]
        fine = np.linspace(frequency[0] / 4, end, 160)
        gain = facts.gain(fine, t_r)
        parts = [Band(fine, np.zeros_like(fine), gain, "--glmw-muted", 0.3)]
        parts.append(Line(fine, gain, "--glmw-muted", "drift removes", width=0.8))
        kinds = self.session.analysis.conditions(self.session.result.settings)
        for name, values in shares.items():
            parts.append(Line(frequency, values / (values.max() or 1.0), colour_of(name, kinds), name, width=1.2))
        plot = Plot(parts, x=(0.0, float(end)), y=(0.0, 1.06), x_name="", x_unit="Hz")
        self.spectrum.show([plot], "power by frequency in Hz; grey: removed by the drift")

    def _write(self, n_drifts: int, lost: dict[str, float]) -> None:
        worst = max(lost, key=lost.get, default=None)
        columns = count(n_drifts, "column")
        if worst is not None and lost[worst] > LOUD:
            self.set_verdict(f"removes {100 * lost[worst]:.0f} % of {worst} · {columns}", "warn")
        else:
            self.set_verdict(columns)
        named = sorted(lost, key=lost.get, reverse=True)
        words = [_share(name, lost[name]) for name in named[:NAMED]]
        left = len(named) - len(words)
        more = f", and less of {count(left, 'other')}" if left else ""
        by_filter = DRIFTS[self.session.result.settings.design.drift_model].setting == "high_pass"
        what = "The high-pass filter" if by_filter else "The drift model"
        self._taken.value = f"{what} removes {', '.join(words)}{more}." if n_drifts and words else ""


def _share(name: str, share: float) -> str:
    words = f"{100 * share:.0f} % of the {escape(name)} regressor"
    return f'<span class="glmw-warn">{words}</span>' if share > LOUD else words
