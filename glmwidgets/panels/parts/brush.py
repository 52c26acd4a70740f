"""A brush on the slices: a region is drawn voxel by voxel, and its border is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from glmwidgets.panels.parts.slices import SliceViewer

# Bits of no voxel, which differ from no bits.
NOTHING = bytes(1)


class Brush:
    """Draws on a viewer; the page shows the stroke under the hand, and tells its voxels when it ends.

    Parameters
    ----------
    viewer : SliceViewer

    Examples
    --------
    >>> viewer = SliceViewer()
    >>> viewer.set_background(np.zeros((4, 4, 4)), np.eye(4))
    >>> brush = Brush(viewer)
    >>> brush.take(3.0)
    >>> brush.is_held, viewer.brush
    (True, 3.0)
    >>> brush.put_down()
    """

    def __init__(self, viewer: SliceViewer):
        self._viewer = viewer

    @property
    def is_held(self) -> bool:
        """Whether a hand on the slices draws, instead of moving the crosshair."""
        return self._viewer.brush > 0

    def take(self, radius: float, erases: bool = False) -> None:
        """Draw with discs of a radius in mm, within the plane that is drawn on, or erase with them."""
        with self._viewer.hold_sync():
            self._viewer.brush, self._viewer.erases = float(radius), erases

    def put_down(self) -> None:
        """Draw no more."""
        self._viewer.brush = 0.0

    def on_put_down(self, handler: Callable[[], Any]) -> None:
        """Call a handler when nothing is drawn any more, as after Escape on the slices."""

        def hear(change: dict[str, Any]) -> None:
            if not change["new"]:
                handler()

        self._viewer.observe(hear, "brush")

    def on_stroke(self, handler: Callable[[np.ndarray, bool], Any]) -> None:
        """Call a handler with the voxels of each stroke, bool of the volume's shape, and whether they are erased."""

        def hear(_widget: Any, content: dict[str, Any], buffers: Any) -> None:
            grid = self._viewer._grid
            if content.get("kind") != "stroke" or grid is None or not buffers or len(buffers[0]) % 4:
                return
            numbers, before = np.frombuffer(buffers[0], np.uint32), self._viewer._region
            if numbers.size and numbers.max() < np.prod(grid.shape):
                handler(grid.from_display(numbers), content.get("erases") is True)
            if self._viewer._region == before:  # what the page shows of the stroke did not come to be
                self._viewer._region = NOTHING
                self._viewer._region = before

        self._viewer.on_msg(hear)

    def show(self, inside: np.ndarray | None) -> None:
        """Show the border of a region, bool of the volume's shape; None for none."""
        viewer = self._viewer
        grid = viewer._require_grid("a region")
        viewer._region = b"" if inside is None else np.packbits(grid.to_display(inside).ravel()).tobytes()
