"""The map: slices on a canvas, the threshold that is dragged below them, and what is shown how."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.analysis.sides import sides_in_words
from glmwidgets.glm.fit.statistics import STATISTICS
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.images.orientation import sides_unknown
from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.grid import grey_limits
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.slices_state import LOOKS
from glmwidgets.panels.parts.slider import Slider
from glmwidgets.panels.shared.base import Panel, labelled, opened_by, text, why
from glmwidgets.panels.shared.files_on_map import FilesOnMap
from glmwidgets.panels.shared.map_view import MapView
from glmwidgets.panels.shared.pinned_map import UNREACHABLE, Beside
from glmwidgets.plural import count
from glmwidgets.report.figures.style import write_number
from glmwidgets.session.core.live import LiveSession
from glmwidgets.session.core.reasons import REASONS

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import Answer
    from glmwidgets.glm.fit.statistics import Shown
    from glmwidgets.specification.tree import SettingsTree

# A threshold of zero, fixed: the choice that lets every voxel pass.
NO_THRESHOLD = "none"


class MapPanel(Panel):
    """Viewer, threshold slider with its p and q, how the threshold is chosen, and which statistic gives the colours.

    The threshold is always one on z: it decides what survives and how opaque a voxel is, whatever gives the colours.

    Parameters
    ----------
    session : LiveSession
        Its settings have the groups ``threshold`` and ``map``, its results ``z``, ``mask``, ``threshold``,
        ``thresholding`` and ``statistics``, its analysis ``backgrounds``, ``background_image`` and, unless it has all
        of them, the names of its ``statistics``.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> panel = MapPanel(session)
    >>> panel.viewer.threshold == session.result.threshold
    True
    """

    also = ("Map and threshold", "map", "brain", "threshold")

    def __init__(self, session: LiveSession):
        super().__init__(session, "", ("threshold", "clusters", "map"))
        self.add_class("glmw-bare")
        self.add_class("glmw-map-panel")
        self.viewer = SliceViewer(lock=session.lock, label="z")
        self._background: tuple[str, str] | int | None = None
        self._files = FilesOnMap(session, self.viewer)
        self._show_background()
        self._files.show_contour()
        self.share_crosshair(self.viewer)
        self.viewer.sides_known = sides_unknown(session.domain.like) is None
        self.slider = Slider(min=0, max=12, step=0.01, label="threshold")
        # The browser repaints on its own; the kernel follows with the numbers and the clusters.
        self.viewer.follow(self.slider)
        self._height = text()
        self._rates = text("glmw-note")
        row = W.row("glmw-threshold-row", self._height, self.slider, self._rates, self._choices())
        self._why_not = text("glmw-note")
        self.fill(self.viewer, row, self._why_not, opened_by(self.view, lambda: self.look.box))

        self._painted: np.ndarray | None = None
        self._shown: Shown | None = None
        # Settings of the map whose visible slices are painted over the result's.
        self._ahead: SettingsTree | None = None
        self._alphas: dict[str, float] = {}
        self._limit = session.settings.map.limit
        self.viewer.look(session.settings.map)
        self.viewer.observe(self.guarded(self._keep_look), list(LOOKS))
        self.on_value(self.slider, self._drag)
        if session.has_trait("scan"):
            session.observe_locked(self._show_background, "scan")
        session.observe_locked(self._show_state, "status")
        session.observe_locked(self._show_result, "result", first=True)
        session.observe_locked(self._show_words, "result")
        session.observe_locked(self._show_preview, "preview", first=True)
        session.observe_at_once(self._show_settings, "settings")
        self._beside = Beside(session, self.viewer) if session.has_trait("pinned") else None

    def forget(self) -> None:
        """Let go of the results on the map."""
        self._painted = self._shown = None
        self._files.close()
        if self._beside is not None:
            self._beside.forget()

    @cached_property
    def look(self) -> MapView:
        """Controls of what the map looks like."""
        view = MapView(self, self.viewer)
        if self._shown is not None:
            view.follow(self._shown)
        return view

    def _choices(self) -> W.Box:
        self.method = self.unbound("threshold.height_control")
        self.method.options = [("none", NO_THRESHOLD), *self.method.options]
        self.alpha = self.control("threshold.alpha")
        self.sides = self.control("threshold.two_sided")
        self.size = self.control("threshold.cluster_size")
        self.statistic = self.unbound("map.statistic", offered=getattr(self.session.analysis, "statistics", None))
        self.view = W.ToggleButton(
            description="view", tooltip="choose planes, mosaic or glass brain, colours and background"
        )
        self.on_value(self.method, self._choose_method)
        self.on_value(self.statistic, self._choose_statistic)
        self.share = self.control("threshold.share", kind=Slider)
        self._levels = {"alpha": labelled(self.alpha), "share": labelled(self.share)}
        size = labelled(self.size)
        size.add_class("glmw-count")
        others = (labelled(self.sides), size, labelled(self.statistic))
        fields = W.row("glmw-choices", labelled(self.method), *self._levels.values(), *others)
        return W.row("glmw-map-choices", fields, self.view)

    def _choose_method(self, change: dict) -> None:
        name, threshold = change["new"], self.session.settings.threshold
        changes = {"threshold.height_control": "fixed" if name == NO_THRESHOLD else name}
        if name == NO_THRESHOLD:
            changes["threshold.value"] = 0.0
        elif name == "fixed" and threshold.value == 0:
            changes["threshold.value"] = type(threshold)().value
        # An alpha is of its method: .001 of each voxel and .05 of a rate of discoveries are alike strict.
        row = THRESHOLDS[changes["threshold.height_control"]]
        if row.setting == "alpha":
            changes["threshold.alpha"] = self._alphas.get(name, row.usual_alpha)
        if name != self._method():
            self.session.update(changes)

    def _method(self) -> str:
        chosen = self.session.settings.threshold
        return NO_THRESHOLD if chosen.height_control == "fixed" and chosen.value == 0 else chosen.height_control

    def _choose_statistic(self, change: dict) -> None:
        if change["new"] != self.session.settings.map.statistic:
            # The end of the colour bar was one of another statistic.
            self.session.update({"map.statistic": change["new"], "map.limit": None})

    def _drag(self, change: dict) -> None:
        result = self.session.result
        # The browser rounds what it is given to a step; that is an echo and no drag.
        echo = result is not None and abs(change["new"] - self._on_slider(result.threshold)) < self.slider.step
        if result is not None and not echo:
            self.session.update({"threshold.height_control": "fixed", "threshold.value": change["new"]})

    def _on_slider(self, threshold: float) -> float:
        return min(threshold, self.slider.max)

    def _show_settings(self, _change: object = None) -> None:
        settings = self.session.settings
        for control, value in ((self.method, self._method()), (self.statistic, settings.map.statistic)):
            control.value = value
        row = THRESHOLDS[settings.threshold.height_control]
        self.method.tooltip = row.hint
        self._alphas[settings.threshold.height_control] = settings.threshold.alpha
        # It keeps its place: the slider beside it is under the hand that makes the threshold a fixed one.
        for name, field in self._levels.items():
            (field.remove_class if name == row.setting else field.add_class)("glmw-absent")
        W.show(self._levels["share"], row.setting == "share")
        self.viewer.look(settings.map)
        self._show_background()
        self._show_map()
        self._show_words()

    def _show_background(self, _change: object = None) -> None:
        """Lay the map over the background of the settings, or over the scan that is looked at."""
        session = self.session
        scan = getattr(session, "scan", None)
        look = session.settings.map
        wanted = (look.background, look.underlay) if scan is None else scan
        if wanted == self._background:
            return
        first, self._background = self._background is None, wanted
        if scan is None:
            # The picture before stays while an image is brought to the grid, which takes seconds of a large one.
            if first or not self._files.has_underlay:
                name = "mean" if self._files.has_underlay else look.background
                self.viewer.set_background(session.analysis.background_image(name), session.affine)
        else:
            # The greys of the mean, so that a scan that is brighter looks brighter.
            limits = grey_limits(session.analysis.background_image("mean"))
            self.viewer.set_background(session.scan_image(scan), session.affine, limits)
        self._files.show_underlay(scan is None)

    def _show_state(self, _change: object = None) -> None:
        # A threshold that moves leaves the map true; only what the map is computed from makes it stale.
        result, settings = self.session.result, self.session.settings
        painted = self._ahead if result is None else self._ahead or result.settings
        if painted is None:  # nothing yet, or a map of what has none any more
            self.viewer.stale = self._painted is not None
        else:
            self.viewer.stale = not replace(painted, threshold=settings.threshold).same_analysis(settings)

    def _show_result(self, _change: object) -> None:
        # Even where it is the one before: the slices of another may have been painted over it.
        if self._ahead is not None:
            self._ahead = self._painted = None
        self._show_map()

    def _show_map(self, _change: object = None) -> None:
        result = self.session.result
        if result is None:
            return
        threshold, chosen = result.threshold, result.thresholding
        with self.viewer.hold_sync():
            self._paint(result)
            signs = self.session.settings.map.signs if chosen.two_sided else "positive"
            self.viewer.sign = "two-sided" if signs == "both" else signs
            self.viewer.cluster_threshold = chosen.cluster_size
            # While a thumb is being dragged its own newer value must not be pulled back to this result's.
            if self.session.is_current:
                self.viewer.threshold = threshold if math.isfinite(threshold) else UNREACHABLE
            self._show_state()

    def _show_words(self, _change: object = None) -> None:
        """Say what is beside the map of a result."""
        result = self.session.result
        if result is None:
            return
        threshold, shown = result.threshold, self._shown
        self._why_not.value = shown.why_not
        W.show(self._why_not, bool(shown.why_not))
        if "look" in self.__dict__:
            self.look.follow(shown)
        if self.session.is_current and self.slider.value != self._on_slider(threshold):
            self.slider.value = self._on_slider(threshold)
        self.sides.disabled = result.contrast.stat_type == "F"
        self._write(result)

    def _paint(self, result: Answer) -> None:
        """Send what has changed of the map, and of what its colours mean."""
        shown = result.statistics.show(self.session.settings.map.statistic)
        another = self._shown is None or (shown.name, shown.label, shown.unit) != (
            self._shown.name,
            self._shown.label,
            self._shown.unit,
        )
        tested = result.searched.z
        same = not another and tested is self._painted and shown.values is self._shown.values
        self._describe(shown)
        self._name_sides(result, shown)
        self._fit_colours(shown, another)
        if not same:
            self._ahead = None
            self._fit_reach(result.z)
            self.viewer.set_mask(result.mask)
            # Where z is not what is tested, it still gives the colours.
            self.viewer.set_map(tested, shown=None if shown.is_z and tested is result.z else shown.values)
        self._painted, self._shown = tested, shown

    def _describe(self, shown: Shown) -> None:
        self.viewer.shown_label, self.viewer.shown_unit = ("", "") if shown.is_z else (shown.label, shown.unit)
        self.viewer.signed, self.viewer.whole = shown.signed, shown.whole

    def _name_sides(self, result: object, shown: Shown) -> None:
        """Say what warm and cold colours are more of, where the statistic has the contrast's direction."""
        of_contrast = shown.signed and STATISTICS[shown.name].of == "contrast"
        expression = result.settings.contrast.expression
        self.viewer.warm, self.viewer.cold = (
            sides_in_words(expression, result.design.columns, result.effects) if of_contrast else ("", "")
        )

    def _keep_look(self, change: dict) -> None:
        if change["new"] != getattr(self.session.settings.map, change["name"]):
            self.session.update({f"map.{change['name']}": change["new"]})

    def _show_preview(self, change: dict) -> None:
        preview = change["new"]
        chosen = self.session.settings.threshold
        if preview is None or chosen.search or THRESHOLDS[chosen.height_control].enhance:
            return  # the visible slices alone do not tell what is tested
        shown = preview.statistics.show(self.session.settings.map.statistic)
        with self.viewer.hold_sync():
            self._describe(shown)
            if self.viewer.preview(preview.voxels, preview.z, None if shown.is_z else shown.values):
                self._ahead = preview.settings
            self._show_state()

    def _fit_colours(self, shown: Shown, another: bool) -> None:
        chosen, before = self.session.settings.map.limit, self._limit
        self._limit = chosen
        if chosen is not None:
            self.viewer.vmax = chosen
        # Colours belong to values: they are fitted to those of another statistic, and where a person asks for it.
        elif another or before is not None:
            self.viewer.vmax = shown.limit

    def _fit_reach(self, z: np.ndarray) -> None:
        top = max(5.0, math.ceil(np.quantile(np.abs(z), 0.9995)))
        if not 0.7 * self.viewer.reach <= top <= 1.1 * self.viewer.reach:
            self.viewer.reach = top

    def _write(self, result: Answer) -> None:
        threshold, z, two_sided = result.threshold, result.searched.values, result.thresholding.two_sided
        symbol = "|z|" if two_sided else "z"
        highest = np.abs(z).max() if two_sided else z.max()
        if threshold == 0 and two_sided:
            height, rates = "no threshold", "every voxel is shown; values near zero are faint"
        elif not math.isfinite(threshold):
            height, rates = f"{symbol} &gt; <b>∞</b>", f"no voxel passes; the highest {symbol} is {highest:.2f}"
        else:
            height = f"{symbol} &gt; <b>{threshold:.2f}</b>"
            p, q = result.rates
            rate = f"no voxel passes; the highest is {write_number(highest)}" if math.isnan(q) else f"q {write_rate(q)}"
            rates = f"p {write_rate(p)} · {rate}"
        chosen = result.thresholding
        if THRESHOLDS[chosen.height_control].setting == "share" and math.isfinite(threshold):
            passing = np.count_nonzero(np.abs(z) > threshold)
            rates = (
                f"{count(passing, 'voxel')} in regions of which {100 * chosen.level:.0f} % or more are surely active"
            )
        height = f"{height} {why('threshold', REASONS['threshold'].title)}"
        for place, words in ((self._height, height), (self._rates, rates)):
            place.value = words


def write_rate(value: float) -> str:
    """Write a p or q as HTML, with two digits or as a power of ten."""
    if value >= 1e-4:
        return f"{value:.2g}" if value >= 0.1 else f"{value:.4f}".lstrip("0")
    mantissa, exponent = f"{value:.0e}".split("e")
    return f"{mantissa}·10<sup>{int(exponent)}</sup>".replace("-", "−")
