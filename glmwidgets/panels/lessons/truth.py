"""True and false positives of a simulated run, counted while the threshold moves."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from glmwidgets.datasets.simulate import Truth, true_effect
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.panels.parts import plot as bq
from glmwidgets.panels.parts.plot import figure, time_axis, value_axis
from glmwidgets.panels.shared.base import Panel, text
from glmwidgets.session.single.session import Session
from glmwidgets.web.palettes import BAD, FIT, GOOD, SIGNAL

HIGHEST = 8.0


class TruthPanel(Panel):
    """How many of the voxels that survive truly respond, and how many of those that respond survive.

    Parameters
    ----------
    session : Session
        Of a simulated run.
    truth : Truth

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> simulated = simulate_run("small", shape=(12, 14, 11), n_scans=60)
    >>> session = Session(open_run(simulated), synchronous=True)
    >>> session.refresh()
    >>> panel = TruthPanel(session, simulated.truth)
    >>> sorted(panel.counts)
    ['false', 'missed', 'rest', 'true']
    """

    def __init__(self, session: Session, truth: Truth):
        super().__init__(session, "Truth")
        self.truth = truth
        self.counts: dict[str, int] = {}
        self._words = text("glmw-truth")
        x, y = bq.LinearScale(min=0, max=HIGHEST), bq.LinearScale(min=0, max=100)
        scales = {"x": x, "y": y}
        self.curves = bq.Lines(x=[0, 1], y=np.zeros((2, 2)), scales=scales, colors=[GOOD, BAD], stroke_width=1.8)
        self.here = bq.Lines(x=[0, 0], y=[0, 100], scales=scales, colors=[SIGNAL], stroke_width=1.4)
        self.promise = bq.Lines(
            x=[0, HIGHEST], y=[5, 5], scales=scales, colors=[FIT], line_style="dotted", stroke_width=1.2, visible=False
        )
        axes = [time_axis(x, label="threshold (z)"), value_axis(y, tick_values=[0, 25, 50, 75, 100])]
        plot = figure([self.curves, self.promise, self.here], axes, height=170, bottom=38)
        legend = text(
            "glmw-note",
            f'<span style="color:{GOOD}">▬</span> of those that respond, share found (%) &emsp;'
            f'<span style="color:{BAD}">▬</span> of those found, share that does not respond (%) &emsp;'
            f'<span style="color:{FIT}">···</span> what the false discovery rate promises',
        )
        self.fill(self._words, plot, legend)
        session.observe_at_once(self._draw, "result")
        session.observe_at_once(self._count, "clusters")

    def _responding(self) -> np.ndarray | None:
        """By voxel of the mask: the sign of what the contrast truly is."""
        result = self.session.result
        effect = true_effect(self.truth, result.settings.contrast.expression)
        return None if effect is None else np.sign(effect)[result.mask]

    def _draw(self, _change: Any = None) -> None:
        """Both shares at every threshold, without regard to the size of clusters."""
        result = self.session.result
        if result is None:
            return
        responds = self._responding()
        if responds is None:
            self.curves.visible = self.here.visible = self.promise.visible = False
            return
        two_sided = result.thresholding.two_sided
        height = np.abs(result.z) if two_sided else result.z
        wanted = responds != 0 if two_sided or result.contrast.stat_type == "F" else responds > 0
        grid = np.linspace(0, HIGHEST, 81)
        found = height[:, None] > grid
        n_found, n_true = found.sum(axis=0), (found & wanted[:, None]).sum(axis=0)
        share_found = 100 * n_true / max(1, wanted.sum())
        # Nothing found is nothing falsely found.
        share_false = 100 * (n_found - n_true) / np.maximum(1, n_found)
        with self.curves.hold_sync():
            self.curves.x, self.curves.y = grid, np.stack([share_found, share_false])
            self.curves.visible = True
        height_at = min(float(result.threshold), HIGHEST)
        with self.here.hold_sync():
            self.here.x, self.here.visible = [height_at, height_at], True
        promised = THRESHOLDS[result.thresholding.height_control].bounds_false
        with self.promise.hold_sync():
            self.promise.y = [100 * result.thresholding.alpha] * 2
            self.promise.visible = promised

    def _count(self, _change: Any = None) -> None:
        result, clusters = self.session.result, self.session.clusters
        if result is None or clusters is None:
            return
        expression = result.settings.contrast.expression
        responds = self._responding()
        if responds is None:
            self.counts = {}
            self.set_verdict("")
            self._words.value = f"The truth of {escape(expression)} is not known: use event types in the contrast."
            return
        two_sided = result.thresholding.two_sided
        wanted = responds != 0 if two_sided or result.contrast.stat_type == "F" else responds > 0
        found = clusters.labels[result.mask] > 0
        self.counts = {
            "true": int((found & wanted).sum()),
            "false": int((found & ~wanted).sum()),
            "missed": int((~found & wanted).sum()),
            "rest": int((~found & ~wanted).sum()),
        }
        true, false, missed, rest = self.counts.values()
        share = (
            f"{100 * false / (true + false):.1f} % of what is found is false" if true + false else "nothing is found"
        )
        self.set_verdict(f"{expression} · {share}")
        self._words.value = (
            '<table class="glmw-truth"><tr><th></th><th>responds</th><th>does not</th></tr>'
            f'<tr><td>found</td><td class="glmw-good">{true:,}</td><td class="glmw-bad">{false:,}</td></tr>'
            f"<tr><td>not found</td><td>{missed:,} missed</td><td>{rest:,}</td></tr></table>"
        )
