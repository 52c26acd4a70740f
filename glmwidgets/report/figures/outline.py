"""The shape of a brain behind a glass brain: of the standard space from formulas, of any other from its mask.

The standard brain is that of the simulated head (`glmwidgets.datasets.phantom`), whose lengths and places are those of
the MNI space, so that it needs no template and no download.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glmwidgets.datasets.phantom import brain_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

STEP = 2.0  # mm
FIELD = ((-80.0, 80.0), (-116.0, 84.0), (-74.0, 92.0))  # mm, around the brain; the stem ends at its lower edge
# The simulated brain is this much smaller all round than the average brain of the MNI space, in mm: with it the
# silhouettes share 94 to 97 % with those of the MNI152 template's mask.
SMALLER = 4.0


class Template(NamedTuple):
    """The standard brain on its own grid.

    Attributes
    ----------
    places : tuple of three arrays
        Along x, y and z in mm.
    parts : dict of str to array
        Depth below the surface of each part; see `glmwidgets.datasets.phantom.brain_parts`.
    """

    places: tuple[NDArray, NDArray, NDArray]
    parts: dict[str, NDArray]

    @property
    def depth(self) -> NDArray:
        """Depth below the surface of the whole brain."""
        return np.maximum.reduce(list(self.parts.values()))

    def extent(self) -> list[tuple[float, float]]:
        """From where to where the brain reaches along x, y and z, in mm."""
        inside = self.depth > 0
        reach = []
        for axis, places in enumerate(self.places):
            there = places[inside.any(axis=tuple(a for a in range(3) if a != axis))]
            reach.append((float(there[0]) - STEP / 2, float(there[-1]) + STEP / 2))
        return reach

    def lines(self, view: str) -> Iterator[tuple[NDArray, NDArray, NDArray, float]]:
        """Silhouettes of a view: places across, places up, the field whose zero they are, and width in points."""
        axis = {"l": 0, "r": 0}.get(view, "xyz".find(view))
        across, up = (places for a, places in enumerate(self.places) if a != axis)
        half = {"l": self.places[0] < 0, "r": self.places[0] >= 0}.get(view, slice(None))
        for name, field in {"brain": self.depth, **self.parts}.items():
            part = field[half].max(axis=axis).T
            yield across, up, part, 1.2 if name == "brain" else 0.5


@cache
def standard_brain() -> Template:
    """The standard brain, computed once."""
    places = tuple(np.arange(low, high + STEP / 2, STEP) for low, high in FIELD)
    parts = {name: depth + SMALLER for name, depth in brain_parts(places).items()}
    for depth in parts.values():
        depth[..., 0] = -STEP
    return Template(places, parts)
