"""A permutation test beside the parametric one: run, watched as it sharpens, cancelled."""

from __future__ import annotations

import math
from html import escape

import numpy as np

from glmwidgets.analysis.thresholding import usual_heights
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.panels.group.viewer import group_viewer
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.chart import Bars, Chart, Mark, Plot
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.slices_state import COLOURS
from glmwidgets.panels.shared.base import Panel, field, labelled, text
from glmwidgets.report.figures.style import write_number
from glmwidgets.session.core.permutation import TESTED, Permuted, PermutingSession, sure_shares
from glmwidgets.specification.field import SettingsError

N_BINS = 40


class PermutationPanel(Panel):
    """Thresholds of both kinds side by side, the null distribution, and a map of corrected p.

    Attributes
    ----------
    run, take : Button
        Runs or cancels the test; puts its cut-off on the map.
    n_perm, forming, seed, alpha : number controls
    tfce, discoveries : Checkbox
    statistic : Dropdown
        Whose corrected p is shown.
    bar : FloatProgress
    viewer : SliceViewer or None
        Made when a test is first run.
    chart : Chart
        Null distribution of the largest statistic.
    """

    also = ("permutation", "sign flipping", "tfce")

    reason = "permutation"

    def __init__(self, session: PermutingSession):
        super().__init__(session, "Permutation test", ("permutation",))
        self.run = self.button("run", self._press, tooltip="shuffle the maps, or flip their signs, and fit each time")
        self.take = self.button(
            "use this height on the map", self._take, tooltip="sets the map's threshold to the cut-off"
        )
        self.n_perm, self.forming = self.control("permutation.n_perm"), self.control("permutation.forming")
        self.seed, self.alpha = self.control("permutation.seed"), self.control("permutation.alpha")
        self.tfce, self.discoveries = self.control("permutation.tfce"), self.control("permutation.discoveries")
        self.statistic = W.Dropdown(options=[(TESTED["t"], "t")])
        self.bar = W.FloatProgress(min=0, max=1)
        self.bar.add_class("glmw-progress")
        self.chart = Chart(height=150, label="null distribution of the largest statistic")
        self.viewer: SliceViewer | None = None
        self.on_value(self.statistic, lambda _: self._paint())
        numbers = map(labelled, (self.n_perm, self.forming, self.alpha, self.seed))
        choices = W.row("glmw-choices", *numbers, self.tfce, self.discoveries)
        tools = W.row("glmw-bar", self.run, self.bar, self._progress_words())
        self._table = text("glmw-values")
        self._place = W.row("glmw-permuted")
        self._sure = text("glmw-values")
        self._drawn: Permuted | None = None
        self._stale = False
        self.fill(choices, tools, self._table, self._sure, self._place)
        session.observe_locked(self._show_settings, "settings")
        # A test that could not be begun ends without a result.
        session.observe_locked(self._show_run, "status")
        session.observe_at_once(self._show, ["permuted", "result"])
        session.observe_locked(self._say_sure, "clusters")

    def _progress_words(self) -> W.HTML:
        self._words = text("glmw-note")
        return self._words

    def _press(self, _button: object) -> None:
        if self.session.is_permuting:
            self.session.stop_permuting()
        else:
            self.session.permute()
        self._show_run()

    def _take(self, _button: object) -> None:
        height = self._drawn.height_in_z(self.session.settings.permutation.alpha)
        if not math.isfinite(height):
            raise SettingsError("permutation.n_perm", "there are too few for a cut-off: run more")
        self.session.update({"threshold.height_control": "fixed", "threshold.value": round(height, 4)})

    # What is seen ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Make what is seen when it is first needed: a canvas costs memory in kernel and page."""
        self.viewer = group_viewer(self, "−log₁₀ p", max_height=260)
        shown = field("corrected p of", self.statistic)
        take = W.row("glmw-bar", self.take)
        null = W.VBox([text("glmw-label", "null distribution of the largest statistic"), self.chart, take])
        left = W.VBox([shown, self.viewer])
        self._place.children = [left, null]

    def _show(self, _change: object = None) -> None:
        permuted = self.session.permuted
        if permuted is not None:
            if self.viewer is None:
                self._build()
            self._drawn = permuted
            self._offer(permuted)
            self._paint()
            self._plot(permuted)
        self._write()
        self._show_run()

    def _show_settings(self, _change: object = None) -> None:
        if self.viewer is not None:
            self.viewer.look(self.session.settings.map, COLOURS)
        if self._drawn is not None and self._drawn is self.session.permuted:
            self._paint()
            self._plot(self._drawn)
        self._write()
        self._show_run()

    def _offer(self, permuted: Permuted) -> None:
        options = tuple((TESTED[name], name) for name in permuted.names)
        if self.statistic.options != options:
            chosen = self.statistic.value
            self.statistic.options = options
            self.statistic.value = chosen if chosen in permuted.names else permuted.names[0]

    def _paint(self) -> None:
        permuted = self._drawn
        if permuted is None or self.viewer is None or self.statistic.value not in permuted.names:
            return
        name = self.statistic.value
        # The sign is that of the effect; a map of p alone would not tell it.
        signed = permuted.logp(name) * np.where(permuted.result.observed[permuted.names[0]] < 0, -1, 1)
        alpha = self.session.settings.permutation.alpha
        with self.viewer.hold_sync():
            self.viewer.set_mask(permuted.of.domain.mask)
            self.viewer.threshold = -math.log10(alpha) * (1 - 1e-6)
            self.viewer.sign = "two-sided" if permuted.result.two_sided else "positive"
            self.viewer.vmax = max(1.5 * -math.log10(alpha), math.log10(1 + permuted.result.n_perm))
            self.viewer.set_map(signed)

    def _plot(self, permuted: Permuted) -> None:
        name = permuted.names[0]
        null, highest = permuted.result.null[name], float(np.abs(permuted.result.observed[name]).max())
        cutoff = permuted.result.cutoff(name, self.session.settings.permutation.alpha)
        low, top = (float(null.min()), float(null.max())) if null.size else (0.0, 1.0)
        # A statistic far beyond all that chance makes would leave the distribution itself no room.
        high = max(top, min(highest, low + 2 * (top - low)))
        counts, edges = (
            np.histogram(null, N_BINS, (low, high)) if high > low else (np.zeros(1), np.array([low, low + 1]))
        )
        middle, width = (edges[1:] + edges[:-1]) / 2, float(edges[1] - edges[0])
        symbol = "F" if name == "f" else "|t|" if permuted.result.two_sided else "t"
        parts = [Bars(middle, counts, 0.92 * width, "--glmw-muted", "permutations")]
        said = f"observed {highest:.2f}{' →' if highest > high else ''}"
        if math.isfinite(cutoff):
            # Two labels need half of the width.
            near = abs(min(highest, high) - cutoff) < 0.5 * (high - low)
            parts.append(Mark(cutoff, "--glmw-warn", f"cut-off {cutoff:.2f}{' · ' + said if near else ''}"))
            said = "" if near else said
        parts.append(Mark(min(highest, high), "--glmw-accent", said))
        room = 0.02 * (high - low) or 0.5
        ends = (low - room, high + room)
        self.chart.show([Plot(parts, ends, (0.0, 1.25 * max(1.0, counts.max())), x_name=f"largest {symbol}")])

    def _write(self) -> None:
        result, permuted = self.session.result, self.session.permuted
        if result is None:
            return
        rows = [("", "height", "z", "voxels", "lowest p")]
        two_sided = result.thresholding.two_sided
        size = np.abs(result.z) if two_sided else result.z
        chosen = [(f"on the map: {_method(result)}", result.threshold)]
        for method, (alpha, height) in usual_heights(result.z, two_sided, result.field).items():
            chosen.append((f"{THRESHOLDS[method].label} {alpha:g}", height))
        rows += [(label, "", _number(height), f"{np.count_nonzero(size > height):,}", "") for label, height in chosen]
        if permuted is not None:
            alpha = self.session.settings.permutation.alpha
            for name in permuted.names:
                cutoff = permuted.result.cutoff(name, alpha)
                z = permuted.height_in_z(alpha) if name == permuted.names[0] else None
                rows.append(
                    (
                        f"permuted, {TESTED[name]}, FWE {alpha:g}",
                        _number(cutoff),
                        "" if z is None else _number(z),
                        f"{permuted.n_significant(name, alpha):,}",
                        f"{permuted.best[name]:.4f}".lstrip("0"),
                    )
                )
        self._say_sure()
        self._table.value = _table(rows)

    def _say_sure(self, _change: object = None) -> None:
        permuted, clusters = self.session.permuted, self.session.clusters
        alpha = self.session.settings.permutation.alpha
        rows = [] if permuted is None else sure_shares(permuted, clusters, alpha)
        head = ("cluster", "surely active by permutation", f"by p values alone (all at once, {100 * (1 - alpha):g} %)")
        self._sure.value = (
            _table([head, *((label, f"≥ {share}", f"≥ {p}") for label, share, p in rows)]) if rows else ""
        )

    def _show_run(self, _change: object = None) -> None:
        permuted, running = self.session.permuted, self.session.is_permuting
        self.run.description = "cancel" if running else "run"
        self.bar.value = 0.0 if permuted is None else permuted.result.n_done / max(1, permuted.result.n_perm)
        self._words.value = self._in_words(permuted, running)
        stale = self._drawn is not None and self._drawn is not permuted
        if self.viewer is not None and self.viewer.stale != stale:
            self.viewer.stale = stale
        self.take.disabled = permuted is None or not math.isfinite(
            permuted.height_in_z(self.session.settings.permutation.alpha)
        )
        verdict = "not run" if permuted is None else f"{permuted.result.n_done:,} permutations, {permuted.state}"
        self.set_verdict(verdict)

    def _in_words(self, permuted: Permuted | None, running: bool) -> str:
        if permuted is None:
            other = "the plot shows another model or group · " if self._drawn is not None else ""
            return f"{other}starting …" if running else f"{other}not run for what is set"
        result = permuted.result
        what = "sign flips" if result.scheme == "sign_flip" else "permutations"
        every = ", all there are" if result.exact else ""
        words = f"{result.n_done:,} of {result.n_perm:,} {what}{every} · {permuted.seconds:.1f} s"
        return f"{words} · cancelled" if permuted.state == "cancelled" else words


def _method(result: object) -> str:
    chosen = result.settings.threshold
    row = THRESHOLDS[chosen.height_control]
    return f"{row.label} {chosen.level:g}" if row.setting != "fixed" else row.label


def _number(value: float) -> str:
    return write_number(value) if math.isfinite(value) else "–"


def _table(rows: list[tuple[str, ...]]) -> str:
    return "<table>" + "".join(_row(row, i == 0) for i, row in enumerate(rows)) + "</table>"


def _row(cells: tuple[str, ...], is_head: bool) -> str:
    tag = "th" if is_head else "td"
    return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"
