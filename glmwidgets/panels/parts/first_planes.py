"""The first message of a map to a page: its visible planes, which nothing delays.

A server on the same machine may send no short message while the page has yet to acknowledge the one before, which can
take 40 ms (Nagle's algorithm, RFC 896, and delayed acknowledgements, RFC 1122, 4.2.3.2). Before the planes come two or
three: that the kernel is busy, and what it heard. A full segment is sent at once, and with it whatever waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from glmwidgets.panels.parts.grid import Inside

#: Bytes of the longest segment between two programs of a machine: Linux's loopback device sends no longer one.
SEGMENT = 65_536

#: Nothing is in sight.
NOTHING = {"serial": 0, "planes": []}


def in_sight(
    serial: int, inside: Inside, wanted: Iterable[tuple[int, int]], parts: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    """A message of planes of a map, filled up to a segment.

    Parameters
    ----------
    serial : int
        Of the map.
    inside : Inside
        Voxels that the map has values in.
    wanted : sequence of (axis, index)
        Display planes.
    parts : mapping from name to float32 array (n_voxels,)
        ``values``, and ``shown`` where another statistic gives the colours, in display order.

    Returns
    -------
    dict
        ``serial``, ``planes`` with their values as bytes, and ``filler``, which says nothing.

    Examples
    --------
    >>> from glmwidgets.panels.parts.grid import Grid
    >>> mask = np.ones((2, 3, 4), bool)
    >>> inside = Inside.of(mask, Grid.of(mask.shape, np.eye(4)))
    >>> said = in_sight(1, inside, [(0, 1)], {"values": np.arange(24, dtype=np.float32)})
    >>> np.frombuffer(said["planes"][0]["values"], np.float32)[:3].tolist(), len(said["filler"])
    ([12.0, 13.0, 14.0], 65488)
    """
    planes, size = [], 0
    for axis, index in wanted:
        values = {name: inside.plane(part, axis, index).tobytes() for name, part in parts.items()}
        planes.append({"axis": axis, "index": index, **values})
        size += sum(map(len, values.values()))
    return {"serial": serial, "planes": planes, "filler": bytes(max(0, SEGMENT - size))}
