"""How a map is looked at: every choice of it that is a person's, for the screen, for reports and for saved sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from glmwidgets.glm.fit.statistics import STATISTICS
from glmwidgets.runs.backgrounds import BACKGROUNDS
from glmwidgets.specification.colormaps import COLORMAPS, SEQUENTIAL
from glmwidgets.specification.tree import SettingsError, one_of, within

__all__ = ["CONVENTIONS", "CUTS", "MOST_CUTS", "VIEWS", "MapSettings", "looks_of_file"]

#: How a map is laid out, by name, as a menu calls it.
VIEWS = {"ortho": "three planes", "mosaic": "mosaic", "glass": "glass brain"}

#: Rows of a mosaic that a menu offers; any choice of x (sagittal), y (coronal) and z (axial) can be set.
CUTS = {"z": "axial", "y": "coronal", "x": "sagittal", "zyx": "all three"}

#: Which way round the brain is.
CONVENTIONS = {"neurological": "left is left", "radiological": "left is right"}

MOST_CUTS = 64


@dataclass(frozen=True)
class MapSettings:
    """How the map is looked at; none of it changes what survives.

    Attributes
    ----------
    statistic : str
        What gives the colours: a key of `glmwidgets.glm.fit.statistics.STATISTICS`.
    limit : float or None
        Value at the end of the colour bar; None leaves it to the data.
    background : str
        A key of `glmwidgets.runs.backgrounds.BACKGROUNDS`.
    convention : {"neurological", "radiological"}
        Left side of the brain at the left, or at the right.
    view : {"ortho", "mosaic", "glass"}
        Three planes; rows of cuts; or the largest value along each line of sight.
    cut_axes : str
        Rows of the mosaic, each of x, y and z at most once, such as ``"z"`` or ``"zyx"``.
    n_cuts : int
        Cuts in each row of the mosaic.
    colormap, sequential : str
        Keys of `glmwidgets.specification.colormaps.COLORMAPS`: for a statistic that has a sign, and for one that has
        none.
    opacity : float
        Of the map, 0 to 1.
    fade_below : bool
        Below the threshold the map fades instead of vanishing.
    show_outline, show_mask : bool
        A line around what survives; the border of the voxels that are analysed.
    """

    statistic: str = "z"
    limit: float | None = None
    background: str = "mean"
    convention: str = "neurological"
    view: str = "ortho"
    cut_axes: str = "z"
    n_cuts: int = 7
    colormap: str = "warm-cold"
    sequential: str = "viridis"
    opacity: float = 1.0
    fade_below: bool = True
    show_outline: bool = True
    show_mask: bool = False

    def __post_init__(self) -> None:
        one_of("map.statistic", self.statistic, STATISTICS)
        within("map.limit", self.limit, 0, open_low=True)
        one_of("map.background", self.background, BACKGROUNDS)
        one_of("map.convention", self.convention, CONVENTIONS)
        one_of("map.view", self.view, VIEWS)
        if not self.cut_axes or set(self.cut_axes) - set("xyz") or len(set(self.cut_axes)) < len(self.cut_axes):
            raise SettingsError(
                "map.cut_axes", f"must name each of x, y, z at most once, such as 'z' or 'zyx', not {self.cut_axes!r}"
            )
        within("map.n_cuts", self.n_cuts, 1, MOST_CUTS)
        one_of("map.colormap", self.colormap, COLORMAPS)
        one_of("map.sequential", self.sequential, SEQUENTIAL)
        within("map.opacity", self.opacity, 0, 1)


def looks_of_file(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the map that a saved session holds outside of its settings, as those of version 0.1 do.

    Parameters
    ----------
    tree : mapping
        The file's.

    Returns
    -------
    dict from path to value
        Empty for a file that holds all of them among its settings.

    Examples
    --------
    >>> looks_of_file({"view": {"opacity": 0.5}}), looks_of_file({})
    ({'map.opacity': 0.5}, {})
    """
    known = {each.name for each in fields(MapSettings)}
    return {f"map.{name}": value for name, value in dict(tree.get("view", {})).items() if name in known}
