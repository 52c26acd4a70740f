"""How long the page took to paint the last map; `paint_time.js` is its other half."""

from __future__ import annotations

from pathlib import Path

import anywidget

__all__ = ["PaintTime"]


class PaintTime(anywidget.AnyWidget):
    """A few words that the page writes itself, as only the page knows and the kernel need not hear of it."""

    _esm = Path(__file__).with_suffix(".js")
