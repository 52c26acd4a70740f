"""What of an explorer only the page can do: keep its keys and its height; `web/frame.js` is its other half."""

from __future__ import annotations

import anywidget

from glmwidgets.web import script

__all__ = ["Frame"]


class Frame(anywidget.AnyWidget):
    """Nothing to be seen; a child of the explorer that it works for."""

    _esm = script("frame.js")
