"""What leads through an explorer: search, keys, answers to "why?", a tour; `web/guide.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.web import script


class Guide(Drawn):
    """A button that opens a search, and a sheet over the explorer for what is shown when it is asked for.

    Attributes
    ----------
    shortcuts : list of dict
        Keys that work in the explorer: ``keys`` (list of str, as they are written), ``label``, and ``does``, the name
        of what is asked of the kernel; empty for what the page does by itself.
    kept : list of dict
        Rows of the menu of what can be kept: ``name``, ``label``, ``hint``.
    reasons : dict
        Questions that "?" beside a verdict asks, by name.
    tour : list of dict
        Steps shown at the first opening: ``at``, a selector, ``title`` and ``words``; none for no tour.
    """

    _esm = script("guide.js")

    shortcuts = t.List(t.Dict()).tag(sync=True)
    kept = t.List(t.Dict()).tag(sync=True)
    reasons = t.Dict().tag(sync=True)
    tour = t.List(t.Dict()).tag(sync=True)

    def on_ask(self, kind: str, handler: Callable[..., Any]) -> None:
        """Call a handler with the content of each message of a kind: search, pick, say, do, why, keep."""

        def receive(_widget: Any, content: dict[str, Any], _buffers: Any) -> None:
            if content.get("kind") == kind:
                handler(**{name: value for name, value in content.items() if name != "kind"})

        self.on_msg(receive)

    def found(self, number: int, entries: list[dict[str, Any]]) -> None:
        """Answer a search, by its number."""
        self.send({"kind": "found", "number": number, "entries": entries})

    def show(self, title: str, parts: list[dict[str, Any]]) -> None:
        """Lay a sheet over the explorer.

        Parameters
        ----------
        title : str
        parts : list of dict
            From above: ``{"heading", "text"}``, ``{"heading", "code"}`` (lines that can be copied), or ``{"rows"}``, a
            list of pairs.
        """
        self.send({"kind": "show", "title": title, "parts": parts})

    def ask(self, key: str, label: str, value: str) -> None:
        """Have a value typed, beginning with the present one."""
        self.send({"kind": "ask", "key": key, "label": label, "value": value})

    def begin_tour(self) -> None:
        """Take the tour again, whether it was dismissed or not."""
        self.send({"kind": "tour"})

    def reveal(self, name: str) -> None:
        """Bring the panel of a class into sight, unfolded, and put the focus into it."""
        self.send({"kind": "reveal", "name": name})
