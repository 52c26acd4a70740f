"""How the map is looked at: planes, mosaic or glass brain, colours, background. Opened below the map when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.slider import Slider
from glmwidgets.panels.shared.base import labelled, text
from glmwidgets.report.figures.style import write_number
from glmwidgets.specification.field import SettingsError

if TYPE_CHECKING:
    from glmwidgets.glm.fit.statistics import Shown
    from glmwidgets.panels.shared.base import Panel

HELP = (
    "click or drag: crosshair, and the wheel is the map's until Escape · wheel, Page Up and Down: slice · "
    "Ctrl and wheel, i, o, 0: size · Shift and drag: move · arrows: crosshair · x, y, z: plane of the keys · "
    "s, k, m: peak of slice, cluster, map · a: A alone · b: the map alone · Ctrl+C: copy"
)


class MapView:
    """Controls of how a session's map is looked at: its settings ``map``, which the viewer follows.

    Parameters
    ----------
    panel : Panel
        Whose session and error line are used.
    viewer : SliceViewer

    Attributes
    ----------
    box : Box
        The controls.
    """

    def __init__(self, panel: Panel, viewer: SliceViewer):
        self._panel, self._viewer = panel, viewer
        session, control = panel.session, panel.control
        self.planes = control("map.view")
        self.cuts = panel.unbound("map.cut_axes")
        self.n_cuts, self.signs = control("map.n_cuts"), control("map.signs")
        self.signed_colours, self.colours = control("map.colormap"), control("map.sequential")
        self.limit = control("map.limit", _to_limit, lambda limit: "" if limit is None else f"{limit:g}", kind=W.Text)
        self.background = control("map.background", to_control=self._at_hand, offered=session.analysis.backgrounds)
        self.underlay, self.contour = control("map.underlay"), control("map.contour")
        self.level = control("map.contour_level")
        self.opacity = control("map.opacity", kind=Slider)
        self.convention = control("map.convention")
        self.min_distance, self.atlas = control("threshold.min_distance"), control("threshold.atlas")
        self.fade, self.outline = control("map.fade_below"), control("map.show_outline")
        self.mask = control("map.show_mask")
        # Dragged: the browser repaints on its own, and the setting follows when the hand rests.
        viewer.follow(self.opacity, "opacity")
        panel.bind(self.cuts, "map.cut_axes", to_control=self._offered)
        session.observe_locked(lambda _: self._show_cuts(), "settings")
        self._arrange()
        self._show_cuts()

    def _arrange(self) -> None:
        self._cut_fields = (labelled(self.cuts), labelled(self.n_cuts))
        self._colour_fields = {True: labelled(self.signed_colours), False: labelled(self.colours)}
        colours = (self.limit, self.signs, self.opacity)
        images = (self.background, self.underlay, self.contour, self.level)
        fields = map(labelled, (*colours, *images, self.convention, self.min_distance, self.atlas))
        row = (labelled(self.planes), *self._cut_fields, *self._colour_fields.values(), *fields)
        choices = W.row("glmw-choices", *row)
        ticks = W.row("glmw-bar", self.fade, self.outline, self.mask)
        self.box = W.column("glmw-view", choices, ticks, text("glmw-note", HELP))

    def follow(self, shown: Shown) -> None:
        """Offer the colours of what is shown."""
        for signed, box in self._colour_fields.items():
            W.show(box, signed == (shown.signed or shown.is_z))
        hint = f"auto: {write_number(self._viewer.vmax)}"
        if self._panel.session.settings.map.limit is None and self.limit.placeholder != hint:
            self.limit.placeholder = hint

    def _show_cuts(self) -> None:
        for box in self._cut_fields:
            W.show(box, self._panel.session.settings.map.view == "mosaic")

    def _offered(self, axes: str) -> str:
        """The menu's choice; other rows can be set by hand, and it then has none of its own."""
        if axes not in [value for _, value in self.cuts.options]:
            self.cuts.options = [*self.cuts.options, (axes, axes)]
        return axes

    def _at_hand(self, name: str) -> str:
        return name if name in self._panel.session.analysis.backgrounds else "mean"


def _to_limit(typed: str) -> float | None:
    typed = typed.strip().replace("−", "-").replace(",", ".")
    if not typed or typed.startswith("auto"):
        return None
    try:
        return float(typed)
    except ValueError:
        message = f"must be a number, or empty for what fits the values, not {typed!r}"
        raise SettingsError("map.limit", message) from None
