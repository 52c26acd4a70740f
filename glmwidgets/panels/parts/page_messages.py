"""Messages from a page to a widget, checked before any code uses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets import Widget


def heard(widget: Widget, kind: str, handler: Callable[..., Any], **checks: Callable[[Any], bool]) -> None:
    """Call a handler with what a page says of a kind to a widget.

    Parameters
    ----------
    widget : Widget
    kind : str
        Of the message.
    handler : callable
        Called with the words that are checked, in their order.
    **checks : callable
        Whether a word of the message can be what it should be; a page may say anything.
    """

    def receive(_widget: Widget, content: dict[str, Any], _buffers: Any) -> None:
        if content.get("kind") == kind and all(check(content.get(name)) for name, check in checks.items()):
            handler(*(content[name] for name in checks))

    widget.on_msg(receive)


def is_whole(value: Any) -> bool:
    """Whether a word of a page is a whole number."""
    return isinstance(value, int) and not is_flag(value)


def is_number(value: Any) -> bool:
    """Whether a word of a page is a number."""
    return isinstance(value, float | int) and not is_flag(value)


def is_text(value: Any) -> bool:
    """Whether a word of a page is a text."""
    return isinstance(value, str)


def are_texts(value: Any) -> bool:
    """Whether a word of a page is a list of texts."""
    return isinstance(value, list) and all(map(is_text, value))


def is_flag(value: Any) -> bool:
    """Whether a word of a page is true or false."""
    return isinstance(value, bool)


def below(end: Callable[[], int]) -> Callable[[Any], bool]:
    """A check: whether a word is the number of one of so many things."""
    return lambda value: is_whole(value) and 0 <= value < end()
