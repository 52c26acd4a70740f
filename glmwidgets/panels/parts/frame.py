"""Keeps the keys of an explorer and shares its height, as only the page can; `web/frame.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import heard, is_text
from glmwidgets.specification.looks import ROOMS
from glmwidgets.web import script


class Frame(Drawn):
    """Nothing to be seen; a child of the explorer that it works for.

    Attributes
    ----------
    room : {"shared", "map", "series"}
        Who has the explorer's room.
    height : float or None
        Part of it that the plots of the series have while it is shared; None for what suits its size.
    """

    _esm = script("frame.js")

    room = t.Enum(tuple(ROOMS), default_value="shared").tag(sync=True)
    height = t.Float(None, allow_none=True).tag(sync=True)

    def __init__(self, **traits: Any):
        super().__init__(**traits)
        self.on_msg(self._answer)

    def on_unfold(self, handler: Callable[[str], Any]) -> None:
        """Call a handler with the name of a panel, as in its class ``glmw-is-...``, that a person unfolds."""
        heard(self, "unfold", handler, name=is_text)

    def _answer(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        """Tell the page that it was heard."""
        if content.get("kind") == "ask":
            self.send({"kind": "heard"})
