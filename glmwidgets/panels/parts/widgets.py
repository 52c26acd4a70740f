"""The widgets that panels are made of: those of ipywidgets, with one layout and one style for all of a kind.

Each widget of ipywidgets brings a layout and mostly a style, models of their own that a page has to open before it
shows anything: of 560 models of an explorer they were 330. What panels look like stands in the style sheet, so all of
theirs would be alike; of a layout they change only whether a widget is shown. In hosts where one process serves many
pages, each of which knows its own models only (shinywidgets, Panel), nothing is shared.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import ipywidgets
import traitlets as t
from ipywidgets import Widget
from ipywidgets.widgets.trait_types import TypedTuple

from glmwidgets.panels.parts.host import SAYS_NOTHING, knows_styles
from glmwidgets.panels.parts.late_pages import Told
from glmwidgets.panels.parts.lazy_widgets import SharedLayout, is_shared, is_shown, one, opened_together, show

__all__ = [
    "HTML",
    "BoundedFloatText",
    "BoundedIntText",
    "Box",
    "Button",
    "Checkbox",
    "Combobox",
    "Dropdown",
    "FileUpload",
    "FloatProgress",
    "FloatSlider",
    "FloatText",
    "IntText",
    "Light",
    "RadioButtons",
    "SelectMultiple",
    "Text",
    "ToggleButton",
    "ToggleButtons",
    "VBox",
    "Widget",
    "column",
    "is_shared",
    "is_shown",
    "one",
    "opened_together",
    "row",
    "show",
]

# How a page's word of what a widget holds is read.
_FROM_PAGE = {"from_json": ipywidgets.widget_serialization["from_json"]}


class Light(Told, ipywidgets.DOMWidget):
    """To be inherited before a widget of ipywidgets: it brings no layout and no style of its own."""

    @t.default("layout")
    def _shared_layout(self) -> ipywidgets.Layout:
        return one(SharedLayout, display="")

    @t.default("style")
    def _shared_style(self) -> Widget:
        return one(self.traits()["style"].klass, **({} if knows_styles() else SAYS_NOTHING))


def _seen(children: tuple[Widget, ...], holder: Widget) -> list[str]:
    """What a page is told of children: those that are hidden, and were never opened, are left out until `show`."""
    told = []
    for child in children:
        if getattr(child, "waits", False) and not is_shown(child):
            child.left_out_of = weakref.ref(holder)
        else:
            told.append(f"IPY_MODEL_{child.model_id}")
    return told


class Holder(Light):
    """What holds widgets."""

    children = TypedTuple(t.Instance(Widget)).tag(sync=True, to_json=_seen, **_FROM_PAGE)


class Box(Holder, ipywidgets.Box):
    """Widgets side by side, as the style sheet says."""


class VBox(Holder, ipywidgets.VBox):
    """Widgets above each other."""


def row(css: str, *widgets: Widget) -> Box:
    """Widgets side by side, under names of the style sheet; said at once, as each word to a page later costs time."""
    return Box(widgets, _dom_classes=css.split())


def column(css: str, *widgets: Widget) -> VBox:
    """Widgets above each other, under names of the style sheet."""
    return VBox(widgets, _dom_classes=css.split())


class HTML(Light, ipywidgets.HTML):
    """Words in our own markup."""


class Button(Light, ipywidgets.Button):
    """A button."""


class ToggleButton(Light, ipywidgets.ToggleButton):
    """A button that stays down."""


class ToggleButtons(Light, ipywidgets.ToggleButtons):
    """Buttons of which one is down."""


class Checkbox(Light, ipywidgets.Checkbox):
    """A tick."""


class RadioButtons(Light, ipywidgets.RadioButtons):
    """A choice that is seen whole."""


class Dropdown(Light, ipywidgets.Dropdown):
    """A choice that opens."""


class SelectMultiple(Light, ipywidgets.SelectMultiple):
    """A list of which several are chosen."""


class Combobox(Light, ipywidgets.Combobox):
    """Words, with some proposed."""


class Text(Light, ipywidgets.Text):
    """A line of words."""

    def on_enter(self, handler: Callable[[], Any]) -> None:
        """Call a handler when a person presses Enter in it."""

        def hear(_widget: Any, content: dict[str, Any], _buffers: Any) -> None:
            if content.get("event") == "submit":
                handler()

        self.on_msg(hear)


class IntText(Light, ipywidgets.IntText):
    """A whole number."""


class BoundedIntText(Light, ipywidgets.BoundedIntText):
    """A whole number between bounds."""


class FloatText(Light, ipywidgets.FloatText):
    """A number."""


class BoundedFloatText(Light, ipywidgets.BoundedFloatText):
    """A number between bounds."""


class FloatSlider(Light, ipywidgets.FloatSlider):
    """A number on a scale."""


class FloatProgress(Light, ipywidgets.FloatProgress):
    """How far something has come."""


class FileUpload(Light, ipywidgets.FileUpload):
    """A file of the person's own machine."""
