"""The noise model: what it assumes, what it found, and whether it leaves the residuals white."""

from __future__ import annotations

from functools import cached_property
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.chart import Band, Chart, Line, Plot
from glmwidgets.panels.shared.base import Panel, labelled, opened_by, text
from glmwidgets.session.single.session import Session
from glmwidgets.session.single.whiteness import WhitenessWatch
from glmwidgets.specification.noise import ASKED, EVIDENCE, NoiseSettings
from glmwidgets.specification.offers import offers_of
from glmwidgets.web.palettes import FIT

if TYPE_CHECKING:
    from glmwidgets.glm.fit.regression import Fit
    from glmwidgets.glm.fit.whiteness import Whiteness
    from glmwidgets.glm.noise.models import NoiseModel


# Around the periodogram that a model expects: two standard errors of the mean of its 400 reference series.
WITHIN = 0.10


class NoisePanel(Panel):
    """Pickers of the model and of whom a voxel shares its noise with, the verdict on the residuals, their periodogram.

    Attributes
    ----------
    model, pooling : Dropdown
    more : ToggleButton
        Opens `bins`.
    suggestion : Button
        Sets the model that the verdict suggests; hidden where there is none.
    evidence : Button
        Takes the noise model that the run itself asks for, and says why; hidden where that was done.
    rho : Button
        Shows the map of the autocorrelation, and the z map again.
    watch : WhitenessWatch
        Makes the verdict once a result has stayed for a moment.
    periodogram : Chart
    """

    also = ("autocorrelation", "prewhitening", "whiteness")
    reason = "whiteness"

    def __init__(self, session: Session):
        super().__init__(session, "Noise", ("noise", "fit"))
        offered = [offer.value for offer in offers_of("noise.model", type(session.settings))]
        if session.settings.noise.model not in offered:
            offered.append(session.settings.noise.model)
        self.model = self.unbound("noise.model", offered=offered)
        self.bind(self.model, "noise.model", to_control=self._offered)
        self.pooling = self.control("noise.pooling")
        self.more = W.ToggleButton(description="more")
        self.suggestion = self.button("", lambda _button: self._try())
        self.rho = self.button(
            "ρ map", lambda _button: self._toggle_rho(), tooltip="show the autocorrelation on the map"
        )
        self.evidence = self.button(
            "choose by evidence",
            lambda _button: self._choose(),
            tooltip="take the noise model that describes this run's residuals best",
        )
        self._about, self._said = text("glmw-note"), text("glmw-note")
        self.periodogram = Chart(height=84, label="mean periodogram of the residuals")
        bar = W.row("glmw-bar", self.suggestion, self.evidence, self.rho, self.more)
        self._plot = W.Box([self.periodogram])
        self.watch = WhitenessWatch(session)
        self._drawn: Whiteness | None = None
        self._found: tuple[object, str, tuple[str, ...]] = (None, "", ())
        more = opened_by(self.more, lambda: self._more)
        self.fill(self.model, self.pooling, self._about, self._said, self._plot, bar, more)
        self.watch.observe(self.guarded(lambda _change: self._show_verdict()), "verdict")
        session.observe_at_once(self._show_choice, ["settings", "evidence"])
        self.when_settled(self._show_verdict)

    @cached_property
    def bins(self) -> W.BoundedIntText:
        """How finely autocorrelations are kept apart; 0 gives each voxel its own."""
        return self.control("noise.bins", lambda n: n or None, lambda n: n or 0, min=0)

    @cached_property
    def _more(self) -> W.VBox:
        return labelled(self.bins)

    def _offered(self, name: str) -> str:
        if all(name != value for _, value in self.model.options):
            self.model.options = (*self.model.options, (noise_model_row(name).label, name))
        return name

    def _try(self) -> None:
        verdict = self.watch.verdict
        if self.watch.is_current and verdict.whiteness is not None and verdict.whiteness.suggestion:
            self.session.update({"noise.model": verdict.whiteness.suggestion})

    def _choose(self) -> None:
        self.session.choose_noise()

    def _why(self, noise: NoiseSettings, row: NoiseModel) -> str:
        if noise.choice == ASKED:
            return f"Used until the run's residuals select a noise model. {row.description}"
        if noise.choice != EVIDENCE:
            return row.description
        found = self.session.evidence
        if found is not None and (found.model, found.pooling) == (noise.model, noise.pooling):
            return f"Chosen by evidence. {found.said}."
        return f"Chosen by evidence when the run was first looked at. {row.calibration}"

    def _toggle_rho(self) -> None:
        shown = self.session.settings.map.statistic
        self.session.update({"map.statistic": "z" if shown == "rho" else "rho"})

    def _show_choice(self, _change: object = None) -> None:
        settings = self.session.settings
        row = noise_model_row(settings.noise.model)
        self.pooling.disabled = not row.can_pool
        self._about.value = escape(self._why(settings.noise, row))
        W.show(self.evidence, settings.noise.choice == "name")
        self.model.tooltip = row.description
        self.rho.description = "z map" if settings.map.statistic == "rho" else "ρ map"
        W.show(self.rho, row.can_pool)

    def forget(self) -> None:
        """Let go of the fit."""
        self._found = (None, "", ())

    def _show_verdict(self) -> None:
        result = self.session.result
        if result is None:
            return
        verdict = self.watch.verdict if self.watch.is_current else None
        white = None if verdict is None else verdict.whiteness
        if self._found[0] is not result.fit:
            self._found = (result.fit, *_found(result.fit))
        _, symbol, quartiles = self._found
        parts, tone = [], "quiet"
        if white is not None:
            parts.append("white" if white.white else f"{100 * white.share:.0f} % not white")
            tone = "quiet" if white.white else "warn"
        parts += [f"{symbol} {quartiles[1]}"] if symbol else []
        self.set_verdict(" · ".join(parts) or f"{result.fit.dof} df", tone)
        suggested = white.suggestion if white is not None else None
        W.show(self.suggestion, suggested is not None)
        if suggested is not None:
            self.suggestion.description = f"try {noise_model_row(suggested).label}"
        if verdict is None:
            # Nothing jumps while the newer verdict is on its way: the old words stay, and are greyed.
            self._said.add_class("glmw-stale")
            self._plot.add_class("glmw-stale")
            return
        self._said.remove_class("glmw-stale")
        self._plot.remove_class("glmw-stale")
        middle = f" In the middle half of the voxels, {symbol} is {quartiles[0]} to {quartiles[2]}." if symbol else ""
        self._said.value = escape(verdict.message) if white is None else _words(white, result.fit.n_voxels) + middle
        W.show(self._plot, white is not None)
        if white is not None and white is not self._drawn:
            self._drawn = white
            self._draw(white)

    def _draw(self, white: Whiteness) -> None:
        x, expected = white.frequencies, white.expected_periodogram
        parts = [
            Line(x[[0, -1]], np.ones(2), "--glmw-muted", dash=(3, 3), width=0.8),
            Band(x, (1 - WITHIN) * expected, (1 + WITHIN) * expected, "--glmw-muted", 0.3),
            Line(x, expected, "--glmw-muted", "expected", width=0.8),
            Line(x, white.periodogram, FIT, "residuals", width=1.3),
        ]
        top = max(1.6, 1.08 * float(white.periodogram.max()))
        plot = Plot(parts, x=(0.0, float(x[-1])), y=(0.0, top), x_unit="Hz")
        self.periodogram.show([plot], "power of the residuals by frequency in Hz; grey: what the noise model expects")


def _found(fit: Fit) -> tuple[str, tuple[str, ...]]:
    """Label of the first parameter and its quartiles over the voxels; no label where there is none."""
    for first in noise_model_row(fit.noise_model).parameters[:1]:
        quartiles = np.quantile(fit.parameters[first.name], (0.25, 0.5, 0.75))
        return first.label, tuple(f"{round(q, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}") for q in quartiles)
    return "", ()


def _words(white: Whiteness, n_voxels: int) -> str:
    looked = white.voxels.size
    of = f"{looked:,} of {n_voxels:,}" if looked < n_voxels else f"all {looked:,}"
    lost = not white.white and not white.suggestion
    advice = " No noise model here describes them: look for what the design lacks." if lost else ""
    share = f"{100 * white.share:.0f} % of {of} voxels"
    return f"In {share}, the residuals are correlated in time (not white); 5 % are expected by chance.{advice}"
