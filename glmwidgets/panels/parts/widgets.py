"""The widgets that panels are made of: those of ipywidgets, with one layout and one style for all of a kind.

Each widget of ipywidgets brings a layout and mostly a style, models of their own that a page has to open before it
shows anything: of 560 models of an explorer they were 330. What panels look like stands in the style sheet, so all of
theirs would be alike; of a layout they change only whether a widget is shown. In hosts where one process serves many
pages, each of which knows its own models only (shinywidgets), nothing is shared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import comm
import ipywidgets
import traitlets as t
from ipywidgets import Widget

from glmwidgets.panels.parts.told import Told

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
    "one",
    "opened_together",
    "row",
    "show",
]

#: Packages whose channels lead to one kernel and all its pages: that of Jupyter's kernels, and where there is no page.
KERNELS = ("ipykernel", "comm")

_shared: dict[tuple[Any, ...], Widget] = {}

# By thread: widgets that wait to be opened.
_waiting = threading.local()


def opened_together(make: Callable[..., None]) -> Callable[..., None]:
    """Decorate an ``__init__(self, session, ...)``: widgets that it makes are opened at its end, as they are then.

    Before that, each trait that is set after a widget was made would be a message of its own: some 230 of an explorer.
    """

    @wraps(make)
    def made(self: Widget, session: Any, *args: Any, **traits: Any) -> None:
        if hasattr(_waiting, "widgets"):  # part of what is being made
            make(self, session, *args, **traits)
            return
        _waiting.widgets = waiting = []
        try:
            make(self, session, *args, **traits)
        finally:
            del _waiting.widgets
        with session.lock:  # no result comes between what a widget is and its being open
            for widget in waiting:
                widget.wait_no_more()

    return made


class SharedLayout(ipywidgets.Layout):
    """A layout of many widgets, which none of them may change."""

    @t.validate(*ipywidgets.Layout.class_own_traits())
    def _refuse(self, proposal: Any) -> Any:
        if self.comm is not None:
            raise TypeError("this layout is shared by many widgets: show(widget, ...) shows or hides one of them")
        return proposal["value"]


def one(kind: type[Widget], **traits: Any) -> Widget:
    """The one model of a kind; another where it was closed, or where pages share no models."""
    if comm.create_comm.__module__.partition(".")[0] not in KERNELS:
        return (ipywidgets.Layout if kind is SharedLayout else kind)(**traits)
    key = (kind, *traits.items())
    if key not in _shared or _shared[key].comm is None:
        _shared[key] = kind(**traits)
    return _shared[key]


def is_shared(widget: Widget) -> bool:
    """Whether a model is of many widgets, and stays when one of them is closed."""
    return any(widget is one for one in _shared.values())


def show(widget: ipywidgets.DOMWidget, shown: object) -> None:
    """Show a widget if something is true, else hide it; where it is so already nothing is sent."""
    display = "" if shown else "none"
    if is_shared(widget.layout):
        widget.layout = one(SharedLayout, display=display)
    else:
        widget.layout.display = display


class Light(Told, ipywidgets.DOMWidget):
    """To be inherited before a widget of ipywidgets: it brings no layout and no style of its own.

    Not for those of anywidget, which go on looking as their first layout says when they are given another.
    """

    _waits = False

    def open(self) -> None:
        """Open a channel to the page, or wait for the others; see `opened_together`."""
        waiting = getattr(_waiting, "widgets", None)
        if waiting is None:
            super().open()
        elif not self._waits:
            self._waits = True
            waiting.append(self)

    def wait_no_more(self) -> None:
        """Open the channel, if that waits."""
        if self._waits:
            self._waits = False
            super().open()

    @property
    def model_id(self) -> str | None:
        """By which the page knows it; what waits is opened for whoever holds it, and so before that."""
        self.wait_no_more()
        return super().model_id

    def close(self) -> None:
        """Close the channel, if there is one."""
        self._waits = False
        super().close()

    @t.default("layout")
    def _shared_layout(self) -> ipywidgets.Layout:
        return one(SharedLayout, display="")

    @t.default("style")
    def _shared_style(self) -> Widget:
        return one(self.traits()["style"].klass)


class Box(Light, ipywidgets.Box):
    """Widgets side by side, as the style sheet says."""


class VBox(Light, ipywidgets.VBox):
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
