"""Repeats messages to a page that connected while the kernel was sending; `web/late_page.js` is the page's half.

A page that opens widgets of a running kernel (Voilà's, or any that is reloaded) asks for all states, and then makes its
half of each. What the kernel says in between is heard by nobody there: if it was that the fit has ended, the page would
show the fit running for ever. So each widget remembers when it said what, and a page that stands is told again what was
said since its states were gathered. It is asked which of the widgets that were opened since then it does not know: the
explorer of a cell that was run again on this page is known to it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import anywidget
import ipywidgets
import traitlets as t

from glmwidgets.panels.parts.host import is_of_all_pages
from glmwidgets.panels.parts.lazy_widgets import SharedLayout, Waits, one
from glmwidgets.panels.parts.page_messages import are_texts, heard, is_number
from glmwidgets.web import script

#: Seconds that it may take to gather the states of all widgets: the time of one of them stands for all.
GATHERING = 20.0

# For each widget, when each of its traits was changed last, on the clock of time.monotonic.
_said: WeakKeyDictionary[ipywidgets.Widget, dict[str, float]] = WeakKeyDictionary()

# When each widget was opened, in their order.
_opened: WeakKeyDictionary[ipywidgets.Widget, float] = WeakKeyDictionary()

# By thread: what `together` holds back of each widget.
_held = threading.local()

# No word comes between reading a state and sending it: a later one would be overtaken by an earlier.
_saying = threading.RLock()


def _note(widget: ipywidgets.Widget, name: str) -> None:
    _said.setdefault(widget, {})[name] = time.monotonic()


class Told(Waits):
    """To be inherited before a widget that pages show: it remembers when it said what."""

    def open(self) -> None:
        """Open a channel to the page, or wait for something that it shows to hold it."""
        if self.comm is None and self._model_id is None and is_of_all_pages():
            self._model_id = uuid4().hex  # known before the state, which says it
        super().open()
        if self.comm is not None:
            _opened[self] = time.monotonic()

    def open_again(self) -> None:
        """Be another model for all pages, as one of them has not heard of this one."""
        ipywidgets.widgets.widget._instances.pop(self.model_id, None)
        self.comm.close()
        self.comm = self._model_id = None
        self.waits = True
        self.wait_no_more()

    def notify_change(self, change: Any) -> None:
        """Tell the page and whoever observes."""
        if self.comm is not None and change["name"] in self.keys:
            with _saying:
                _note(self, change["name"])
        super().notify_change(change)

    def send_state(self, key: Any = None) -> None:
        """Send a state, or a part of it, as it is now; or hold that back, see `together`."""
        names = [key] if isinstance(key, str) else key
        held = getattr(_held, "of", None)
        if held is not None and names is not None:
            held.setdefault(self, {}).update(dict.fromkeys(names))
        else:
            self._send_now(key)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send what is no state, after the state that was set before."""
        held = getattr(_held, "of", None)
        if held and self in held:
            self._send_now(list(held.pop(self)))
        super().send(content, buffers)

    def _send_now(self, key: Any) -> None:
        with _saying:
            if isinstance(key, str):
                _note(self, key)
            if self.comm is not None:
                super().send_state(key)


@contextmanager
def together() -> Iterator[None]:
    """Hold back what widgets say in this thread, and say it at the end: one message each, in one go.

    A page lays itself out for what comes together once, and for what comes one by one nearly as often as it comes.
    """
    if getattr(_held, "of", None) is not None:
        yield
        return
    _held.of = {}
    try:
        yield
    finally:
        held, _held.of = _held.of, None
        for widget, names in held.items():
            widget.send_state(list(names))


def say_again(gathered: float) -> None:
    """Send each trait that was changed since then, as it is now.

    Parameters
    ----------
    gathered : float
        When a page's states were gathered, on the clock of time.monotonic.
    """
    since = gathered - GATHERING
    with _saying:
        late = {widget: [name for name, at in said.items() if at > since] for widget, said in _said.items()}
    for widget, names in late.items():
        if names and widget.comm is not None:
            widget.send_state(names)


def opened_since(gathered: float) -> list[str]:
    """Names of the widgets that were opened since then: a page may have heard of them, or not."""
    with _saying:
        return [widget.model_id for widget, at in _opened.items() if at > gathered and widget.comm is not None]


def open_again(gathered: float, names: Iterable[str]) -> None:
    """Open the widgets of which a page never heard, and say all that was said since its states were gathered."""
    unknown = set(names)
    with _saying:
        # In their order: what a widget holds is known before it.
        for widget in [widget for widget in _opened if widget.comm is not None and widget.model_id in unknown]:
            widget.open_again()
    say_again(gathered)


class Drawn(Told, anywidget.AnyWidget):
    """A widget that draws itself in the page; its layout says nothing, and is that of all.

    It tells the page by which name that knows it: see `web/late_widget.js`.
    """

    _own = t.Unicode("").tag(sync=True, to_json=lambda _value, widget: widget._model_id or "")

    @t.default("layout")
    def _shared_layout(self) -> ipywidgets.Layout:
        return one(SharedLayout, display="")


class Stands(Drawn):
    """Nothing to be seen; one of it serves a page, which says by it that its widgets are there.

    Attributes
    ----------
    at : float or None
        In a state that is given to a page: when, on the clock of time.monotonic. None for a page that saw the widgets
        being made, as it has missed nothing, and where each page has widgets of its own.
    """

    _esm = script("late_page.js")

    at = t.Float(None, allow_none=True).tag(
        sync=True,
        to_json=lambda _value, widget: None if widget.comm is None or not is_of_all_pages() else time.monotonic(),
    )

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        heard(self, "stands", self._catch_up, at=is_number)
        heard(self, "unknown", open_again, at=is_number, ids=are_texts)

    def _catch_up(self, gathered: float) -> None:
        """Say again what the page missed; of widgets that were opened since then it may have heard, so it is asked."""
        if opened := opened_since(gathered):
            self.send({"opened": opened})
        else:
            say_again(gathered)
