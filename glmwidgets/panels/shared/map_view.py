"""How the map is looked at: planes, mosaic or glass brain, colours, background. Opened below the map when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from glmwidgets.panels.parts import widgets as W
from glmwidgets.panels.parts.slices import SliceViewer
from glmwidgets.panels.parts.slider import Slider
from glmwidgets.panels.shared.base import field, text
from glmwidgets.report.figures.style import write_number
from glmwidgets.runs.backgrounds import BACKGROUNDS
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.looks import CONVENTIONS, CUTS, MOST_CUTS, SIGNS, VIEWS
from glmwidgets.web.palettes import COLORMAPS, SEQUENTIAL

if TYPE_CHECKING:
    from glmwidgets.glm.fit.statistics import Shown
    from glmwidgets.panels.shared.base import Panel

__all__ = ["MapView"]

HELP = (
    "click or drag: crosshair, and the wheel is the map's until Escape · wheel, Page Up and Down: slice · "
    "Ctrl and wheel, +, −, 0: size · Shift and drag: move · arrows: crosshair · x, y, z: plane of the keys · "
    "s, c, v: peak of slice, cluster, map · Ctrl+C: copy"
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
        session = panel.session
        self.planes = W.Dropdown(options=_menu(VIEWS))
        self.cuts = W.Dropdown(options=_menu(CUTS))
        self.signs = W.Dropdown(options=_menu(SIGNS))
        self.n_cuts = W.BoundedIntText(min=1, max=MOST_CUTS)
        self.signed_colours = W.Dropdown(options=[(name.replace("-", " – "), name) for name in COLORMAPS])
        self.colours = W.Dropdown(options=list(SEQUENTIAL))
        self.limit = W.Text(continuous_update=False)
        self.background = W.Dropdown(options=[(BACKGROUNDS[name].label, name) for name in session.analysis.backgrounds])
        self.opacity = Slider(min=0, max=1, step=0.02, label="opacity")
        self.convention = W.Dropdown(options=_menu(CONVENTIONS))
        self.fade = _tick("fade below", "below the threshold the map fades with |z| instead of vanishing")
        self.outline = _tick("outline", "a line around what survives")
        self.mask = _tick("mask", "the border of the voxels that are analysed")

        for control, name in (
            (self.planes, "view"),
            (self.n_cuts, "n_cuts"),
            (self.signs, "signs"),
            (self.signed_colours, "colormap"),
            (self.colours, "sequential"),
            (self.opacity, "opacity"),
            (self.convention, "convention"),
            (self.fade, "fade_below"),
            (self.outline, "show_outline"),
            (self.mask, "show_mask"),
        ):
            panel.bind(control, f"map.{name}")
        # Dragged: the browser repaints on its own, and the setting follows when the hand rests.
        viewer.follow(self.opacity, "opacity")
        panel.bind(self.cuts, "map.cut_axes", to_control=self._offered)
        panel.bind(self.background, "map.background", to_control=self._at_hand)
        panel.bind(self.limit, "map.limit", _to_limit, lambda limit: "" if limit is None else f"{limit:g}")
        session.observe_locked(lambda _: self._show_cuts(), "settings")
        self._arrange()
        self._show_cuts()

    def _arrange(self) -> None:
        self._cut_fields = (field("cuts", self.cuts), field("of each", self.n_cuts))
        self._colour_fields = {
            True: field("colours", self.signed_colours),
            False: field("colours", self.colours),
        }
        choices = W.Box(
            [
                field("view", self.planes),
                *self._cut_fields,
                *self._colour_fields.values(),
                field("colours end at", self.limit),
                field("signs", self.signs),
                field("opacity", self.opacity),
                field("background", self.background),
                field("left and right", self.convention),
            ]
        )
        choices.add_class("glmw-choices")
        ticks = W.Box([self.fade, self.outline, self.mask])
        ticks.add_class("glmw-bar")
        self.box = W.VBox([choices, ticks, text("glmw-note", HELP)])
        self.box.add_class("glmw-view")

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
        if axes not in CUTS and axes not in [value for _, value in self.cuts.options]:
            self.cuts.options = [*_menu(CUTS), (axes, axes)]
        return axes

    def _at_hand(self, name: str) -> str:
        return name if name in self._panel.session.analysis.backgrounds else "mean"


def _menu(choices: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(label, name) for name, label in choices.items()]


def _tick(label: str, tooltip: str) -> W.Checkbox:
    return W.Checkbox(description=label, indent=False, tooltip=tooltip)


def _to_limit(typed: str) -> float | None:
    typed = typed.strip().replace("−", "-").replace(",", ".")
    if not typed or typed.startswith("auto"):
        return None
    try:
        return float(typed)
    except ValueError:
        message = f"must be a number, or empty for what fits the values, not {typed!r}"
        raise SettingsError("map.limit", message) from None
