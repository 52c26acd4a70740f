"""Maps of a group as small glass brains side by side, in one widget; `web/group_tiles.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import below, heard
from glmwidgets.web import script
from glmwidgets.web.palettes import lookup_table


class MapTiles(Drawn):
    """A grid of pictures, each with its name; one can be picked by click, arrows or Enter.

    Attributes
    ----------
    pictures : dict
        ``width``, ``height`` and ``pixels`` of all pictures in a row: 0 outside the brain, otherwise 128 for zero and
        up to 127 to either side of it for a value at the end of the colours.
    tiles : list of dict
        ``name``, ``words`` (what stands out; empty if nothing does), ``kept``.
    here : int
        Picture that is marked; -1 for none.
    mirrored : bool
        Whether the left side of the brain is at the right.

    Examples
    --------
    >>> tiles = MapTiles()
    >>> tiles.show(np.array([[[np.nan, 2.0], [-1.0, 0.0]]]), limit=2.0)
    >>> list(tiles.pictures["pixels"])
    [0, 255, 64, 128]
    """

    _esm = script("group_tiles.js")

    pictures = t.Dict({"width": 0, "height": 0, "pixels": b""}).tag(sync=True)
    tiles = t.List(t.Dict()).tag(sync=True)
    here = t.Int(-1).tag(sync=True)
    mirrored = t.Bool(False).tag(sync=True)
    _lut = t.Bytes(lookup_table("warm-cold", two_sided=True).tobytes()).tag(sync=True)

    def __init__(self, **traits: Any) -> None:
        super().__init__(**traits)
        self.on_msg(self._answer)

    def _answer(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        """Send a view that has just been made what it may have missed."""
        if content.get("kind") == "ready" and self.tiles:
            self.send_state(["tiles", "pictures"])
            self.send({"kind": "draw"})

    def show(self, pictures: np.ndarray, limit: float) -> None:
        """Show other pictures, in one message.

        Parameters
        ----------
        pictures : array of shape (n, height, width)
            NaN outside the brain.
        limit : float
            Value at the end of the colours.
        """
        level = np.rint(np.clip(pictures / (limit or 1.0), -1, 1) * 127)
        pixels = np.where(np.isfinite(pictures), 128 + np.nan_to_num(level), 0).astype(np.uint8)
        self.pictures = {"width": pictures.shape[2], "height": pictures.shape[1], "pixels": pixels.tobytes()}

    def name(self, names: Sequence[str], words: Sequence[str], kept: Sequence[bool]) -> None:
        """Write names, what stands out, and which are left out."""
        tiles = [
            {"name": name, "words": said, "kept": used} for name, said, used in zip(names, words, kept, strict=True)
        ]
        if tiles != self.tiles:
            self.tiles = tiles

    def on_pick(self, handler: Callable[[int], Any]) -> None:
        """Call a handler with the number of the picture that a person picks."""
        heard(self, "pick", handler, row=below(lambda: len(self.tiles)))
