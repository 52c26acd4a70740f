"""A wall of small maps, one a run, of one slice and one threshold; `web/wall.js` is its other half."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import traitlets as t

from glmwidgets.panels.parts.late_pages import Drawn
from glmwidgets.panels.parts.page_messages import below, heard
from glmwidgets.web import script
from glmwidgets.web.palettes import BRAIN, lookup_table

#: Steps of a level in one of z; from 12.7 on all are shown alike.
SCALE = 10.0

#: Level of a cell that a run does not have.
OUTSIDE = -128


def levels_of(z: np.ndarray) -> np.ndarray:
    """Z scores as the wall takes them.

    Parameters
    ----------
    z : array
        NaN for what is not there.

    Returns
    -------
    int8 array of the same shape

    Examples
    --------
    >>> levels_of(np.array([0.0, -3.14, 40.0, np.nan])).tolist()
    [0, -31, 127, -128]
    """
    level = np.clip(np.rint(np.nan_to_num(z, posinf=99.0, neginf=-99.0) * SCALE), -127, 127)
    return np.where(np.isnan(z), OUTSIDE, level).astype(np.int8)


class MapWall(Drawn):
    """Small maps side by side, of which those in view are drawn: one of five hundred scrolls as one of ten does.

    Attributes
    ----------
    grid : dict
        ``shape`` of the grid, of which each map is an axial slice.
    cells : bytes
        int32 numbers of the grid's cells that have a level, in C order, rising.
    levels : bytes
        int8, one a run and cell; see `levels_of`.
    tiles : list of dict
        ``name``, ``words`` (what stands out), ``out`` (why it is left out); empty for nothing.
    order : list of int
        Runs that are shown, in this order.
    slice : int
        Number of the axial slice.
    threshold : float
        In z.
    here : int
        Run that is looked at; -1 for none.
    brushed : list of int
        Runs that are marked.
    width : int
        Of a map, in pixels; 0 for what suits the room: as wide as all are seen at once, or as can be read.
    full : float
        Z at which the colours end.
    brain : int
        Grey level of the brain, into which the colours below the threshold fade.

    Examples
    --------
    >>> wall = MapWall()
    >>> wall.show((1, 1, 2), np.array([0, 1]), np.array([[0.0, 3.0], [np.nan, -1.0]]))
    >>> np.frombuffer(wall.levels, np.int8).tolist()
    [0, 30, -128, -10]
    """

    _esm = script("wall.js")

    grid = t.Dict({"shape": (1, 1, 1)}).tag(sync=True)
    cells = t.Bytes(b"").tag(sync=True)
    levels = t.Bytes(b"").tag(sync=True)
    tiles = t.List(t.Dict()).tag(sync=True)
    order = t.List(t.Int()).tag(sync=True)
    slice = t.Int(0).tag(sync=True)
    threshold = t.Float(3.0).tag(sync=True)
    scale = t.Float(SCALE).tag(sync=True)
    here = t.Int(-1).tag(sync=True)
    brushed = t.List(t.Int()).tag(sync=True)
    width = t.Int(0, min=0).tag(sync=True)
    full = t.Float(8.0).tag(sync=True)
    brain = t.Int(BRAIN).tag(sync=True)
    mirrored = t.Bool(False).tag(sync=True)
    lut = t.Bytes(lookup_table("warm-cold", two_sided=True).tobytes()).tag(sync=True)

    def show(self, shape: Sequence[int], cells: np.ndarray, z: np.ndarray) -> None:
        """Show other maps, in one message.

        Parameters
        ----------
        shape : three ints
            Of the grid.
        cells : int array of shape (n_cells,)
        z : array of shape (n_runs, n_cells)
            NaN for what a run does not have.
        """
        with self.hold_sync():
            self.grid = {"shape": [int(n) for n in shape]}
            self.cells = np.asarray(cells, np.int32).tobytes()
            self.levels = levels_of(z).tobytes()

    def replace(self, rows: Sequence[int], z: np.ndarray) -> None:
        """Show some maps anew, the others as they are."""
        self.send({"kind": "arrived", "rows": [int(row) for row in rows]}, [levels_of(z).tobytes()])

    def on_pick(self, handler: Callable[[int], Any]) -> None:
        """Call a handler with the run that a person picks."""
        heard(self, "pick", handler, row=below(lambda: len(self.tiles)))
