"""How the map is looked at: planes, mosaic or glass brain, colours, background. Opened below the map when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ipywidgets as W

from glmwidgets.panels.base import field, text
from glmwidgets.panels.colormaps import COLORMAPS, SEQUENTIAL
from glmwidgets.panels.slices import SliceViewer
from glmwidgets.report.style import write_number
from glmwidgets.session.backgrounds import BACKGROUNDS
from glmwidgets.session.statistics import Shown
from glmwidgets.session.tree import SettingsError

if TYPE_CHECKING:
    from glmwidgets.panels.base import Panel

__all__ = ["MapView"]

VIEWS = {"three planes": "ortho", "mosaic": "mosaic", "glass brain": "glass"}
CUTS = {"axial": "z", "coronal": "y", "sagittal": "x", "all three": "zyx"}
SIDES = {"left is left": "neurological", "left is right": "radiological"}

HELP = (
    "click or drag moves the crosshair · wheel, Page Up and Page Down: slice · arrows: crosshair · "
    "x, y, z: which plane the keys move in"
)


class MapView:
    """Controls of a viewer. What a session keeps goes through its settings, the rest through the viewer's traits.

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
        self.planes = W.Dropdown(options=VIEWS)
        self.cuts = W.Dropdown(options=CUTS)
        self.n_cuts = W.BoundedIntText(min=1, max=64)
        self.signed_colours = W.Dropdown(options=[(name.replace("-", " – "), name) for name in COLORMAPS])
        self.colours = W.Dropdown(options=list(SEQUENTIAL))
        self.limit = W.Text(continuous_update=False)
        self.background = W.Dropdown(options=[(BACKGROUNDS[name].label, name) for name in session.analysis.backgrounds])
        self.opacity = W.FloatSlider(min=0, max=1, step=0.02, readout=False)
        self.convention = W.Dropdown(options=SIDES)
        self.fade = _tick("fade below", "below the threshold the map fades with |z| instead of vanishing")
        self.outline = _tick("outline", "a line around what survives")
        self.mask = _tick("mask", "the border of the voxels that are analysed")

        tied = {
            "view": self.planes,
            "cut_axes": self.cuts,
            "n_cuts": self.n_cuts,
            "colormap": self.signed_colours,
            "sequential": self.colours,
            "fade_below": self.fade,
            "show_outline": self.outline,
            "show_mask": self.mask,
        }
        for trait, control in tied.items():
            self._tie(control, trait)
        # Dragged: the browser repaints on its own, and an answer of the kernel would only put an older value back.
        self.opacity.value = viewer.opacity
        self._link = W.jsdlink((self.opacity, "value"), (viewer, "opacity"))
        viewer.observe(panel.guarded(lambda change: _set(self.opacity, change["new"])), "opacity")

        panel.bind(self.background, "map.background", to_control=self._at_hand)
        panel.bind(self.limit, "map.limit", _to_limit, lambda limit: "" if limit is None else f"{limit:g}")
        panel.bind(self.convention, "map.convention")
        viewer.observe(panel.guarded(lambda _: self._show_cuts()), "view")
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
            _show(box, signed == (shown.signed or shown.is_z))
        hint = f"auto: {write_number(self._viewer.vmax)}"
        if self._panel.session.settings.map.limit is None and self.limit.placeholder != hint:
            self.limit.placeholder = hint

    def _tie(self, control: W.ValueWidget, trait: str) -> None:
        control.value = getattr(self._viewer, trait)
        self._panel.on_value(control, lambda change: _set(self._viewer, change["new"], trait))
        self._viewer.observe(self._panel.guarded(lambda change: _set(control, change["new"])), trait)

    def _show_cuts(self) -> None:
        for box in self._cut_fields:
            _show(box, self._viewer.view == "mosaic")

    def _at_hand(self, name: str) -> str:
        return name if name in self._panel.session.analysis.backgrounds else "mean"


def _tick(label: str, tooltip: str) -> W.Checkbox:
    return W.Checkbox(description=label, indent=False, tooltip=tooltip)


def _set(target: Any, value: Any, trait: str = "value") -> None:
    if getattr(target, trait) != value:
        setattr(target, trait, value)


def _show(box: W.Widget, shown: bool) -> None:
    display = "" if shown else "none"
    if box.layout.display != display:
        box.layout.display = display


def _to_limit(typed: str) -> float | None:
    typed = typed.strip().replace("−", "-").replace(",", ".")
    if not typed or typed.startswith("auto"):
        return None
    try:
        return float(typed)
    except ValueError:
        message = f"must be a number, or empty for what fits the values, not {typed!r}"
        raise SettingsError("map.limit", message) from None
