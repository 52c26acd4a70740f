"""Lazy widgets: their channels open when something on the page holds them.

What an explorer makes for a panel that is folded, or for a place that opens at a button, is whole in Python, and is put
among the ``children`` of what is seen when it is asked for; what `show` hides is put there when it is first shown. And
a model of which one can serve all widgets, such as a layout that says nothing, is one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import anywidget
import ipywidgets
import traitlets as t
from ipywidgets import Widget

from glmwidgets.panels.parts.host import giver, is_of_all_pages

#: Hides a widget of anywidget, which goes on looking as its first layout says when it is given another.
HIDDEN = "glmw-hidden"

_shared: dict[tuple[Any, ...], Widget] = {}

# By thread: whether what is made waits for something on the page to hold it.
_made = threading.local()


def opened_together(make: Callable[..., None]) -> Callable[..., None]:
    """Decorate an ``__init__(self, session, ...)``: the widget is opened at its end, with those that it then holds.

    Before that, each trait that is set after a widget was made would be a message of its own: some 230 of an explorer.
    """

    @wraps(make)
    def made(self: Widget, session: Any, *args: Any, **traits: Any) -> None:
        # Part of what is being made, or of a host that opens channels in its own way.
        if getattr(_made, "together", False) or not is_of_all_pages():
            make(self, session, *args, **traits)
            return
        _made.together = True
        try:
            make(self, session, *args, **traits)
        finally:
            _made.together = False
        with session.lock:  # no result comes between what a widget is and its being open
            self.wait_no_more()

    return made


class _GivenWhenOpened:
    """What a host does to each widget that was made; to ours it does that when they open.

    shinywidgets (0.8.2) gives a widget its channel in this way, and opens the channels in the order in which it met the
    widgets. A page refuses a widget that holds one of which it has not heard, so those that are held have to be first.
    """

    def __init__(self, give: Callable[[Widget], None]):
        self.give = give
        self.__module__ = give.__module__

    def __call__(self, widget: Widget) -> None:
        if not isinstance(widget, Waits):
            self.give(widget)


class Waits(Widget):
    """To be inherited before a widget: what is made together waits until something on the page holds it.

    Where the host gives channels, each waits.
    """

    waits = False

    def __init__(self, *args: Any, **traits: Any):
        give = giver()
        if give is not None and not isinstance(give, _GivenWhenOpened):
            Widget.on_widget_constructed(_GivenWhenOpened(give))
        super().__init__(*args, **traits)

    def open(self) -> None:
        """Open a channel to the page, or wait; see `opened_together`."""
        given = giver()
        if not self.waits and (given is not None or getattr(_made, "together", False)):
            self.waits = True
            return
        self.waits = False
        if given is not None:
            self.get_state()  # opens what it holds
            given.give(self)
        super().open()

    def wait_no_more(self) -> None:
        """Open the channel, if that waits."""
        if self.waits:
            self.open()

    @property
    def model_id(self) -> str | None:
        """By which the page knows it; what waits is opened for whoever holds it, and so before that."""
        self.wait_no_more()
        return super().model_id

    def close(self) -> None:
        """Close the channel, if there is one."""
        self.waits = False
        super().close()


class SharedLayout(ipywidgets.Layout):
    """A layout of many widgets, which none of them may change."""

    @t.validate(*ipywidgets.Layout.class_own_traits())
    def _refuse(self, proposal: Any) -> Any:
        if self.comm is not None:
            raise TypeError("this layout is shared by many widgets: show(widget, ...) shows or hides one of them")
        return proposal["value"]


def one(kind: type[Widget], **traits: Any) -> Widget:
    """The one model of a kind; another where it was closed, or where pages share no models."""
    if not is_of_all_pages():
        return (ipywidgets.Layout if kind is SharedLayout else kind)(**traits)
    key = (kind, *traits.items())
    known = _shared.get(key)
    if known is None or (known.comm is None and not getattr(known, "waits", False)):
        _shared[key] = kind(**traits)
    return _shared[key]


def is_shared(widget: Widget) -> bool:
    """Whether a model is of many widgets, and stays when one of them is closed."""
    return any(widget is one for one in _shared.values())


def show(widget: ipywidgets.DOMWidget, shown: object) -> None:
    """Show a widget if something is true, else hide it; where it is so already nothing is sent."""
    display = "" if shown else "none"
    if isinstance(widget, anywidget.AnyWidget):
        (widget.remove_class if shown else widget.add_class)(HIDDEN)
    elif is_shared(widget.layout):
        widget.layout = one(SharedLayout, display=display)
    else:
        widget.layout.display = display
    holder = getattr(widget, "left_out_of", lambda: None)()
    if shown and holder is not None:
        del widget.left_out_of
        holder.send_state("children")


def is_shown(widget: ipywidgets.DOMWidget) -> bool:
    """Whether a widget is seen where what holds it is."""
    return widget.layout.display != "none" and HIDDEN not in widget._dom_classes
