"""How a map is looked at: every choice of it that is a person's, for the screen, for reports and for saved sessions."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

from glmwidgets.files.json_tree import JsonTree
from glmwidgets.glm.fit.statistics import STATISTICS
from glmwidgets.runs.backgrounds import BACKGROUNDS
from glmwidgets.specification.field import SettingsError, check_group, setting
from glmwidgets.specification.tree import SettingsTree
from glmwidgets.web.palettes import COLORMAPS, SEQUENTIAL

#: How a map is laid out, by name, as a menu calls it.
VIEWS = {"ortho": "three planes", "mosaic": "mosaic", "glass": "glass brain"}

#: Rows of a mosaic that a menu offers; any choice of x (sagittal), y (coronal) and z (axial) can be set.
CUTS = {"z": "axial", "y": "coronal", "x": "sagittal", "zyx": "all three"}

#: Which way round the brain is.
CONVENTIONS = {"neurological": "left is left", "radiological": "left is right"}

#: How the map of a pinned result A is shown with that of the present one, B.
COMPARES = {"side": "A | B", "flicker": "A, B in turn", "difference": "B − A", "off": "B alone"}

#: Of what the difference of two maps can be.
DIFFERENCES = {"z": "z", "r_square": "R²", "aicc": "AICc"}

#: Who has the room of an explorer.
ROOMS = {"shared": "all of it", "map": "the map alone", "series": "the series alone"}

#: Which values are seen, of a threshold on both sides.
SIGNS = {"both": "both signs", "positive": "positive only", "negative": "negative only"}

MOST_CUTS = 64

#: How many times as large a picture can be.
MOST_ZOOM = 16.0


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
    underlay : str
        Path of an image to lay the map over instead, at its own resolution; empty for none.
    contour, contour_level : str, float
        Path of another statistical map, and where its size is reached: a line on the map; empty for none.
    convention : {"neurological", "radiological"}
        Left side of the brain at the left, or at the right.
    view : {"ortho", "mosaic", "glass"}
        Three planes; rows of cuts; or the largest value along each line of sight.
    cut_axes : str
        Rows of the mosaic, each of x, y and z at most once, such as ``"z"`` or ``"zyx"``.
    n_cuts : int
        Cuts in each row of the mosaic.
    zoom : tuple of float
        How many times as large the picture is, and the place in mm (x, y, z) in its middle, such as
        ``(3, 40, -35, -18)``; empty for the whole.
    room : {"shared", "map", "series"}
        What the explorer shows: everything, or the map or the series alone.
    signs : {"both", "positive", "negative"}
        Which of the values that survive are seen.
    compare : {"side", "flicker", "difference", "off"}
        How a pinned result is shown with the present one: beside it, in turn, subtracted from it, or not.
    difference : {"z", "r_square", "aicc"}
        Of what their difference is.
    colormap, sequential : str
        Keys of `glmwidgets.web.palettes.COLORMAPS`: for a statistic that has a sign, and for one that has
        none.
    opacity : float
        Of the map, 0 to 1.
    fade_below : bool
        Below the threshold the map fades instead of vanishing.
    show_outline, show_mask : bool
        A line around what survives; the border of the voxels that are analysed.
    """

    statistic: str = setting("z", "statistic", short="colours show", choices=STATISTICS, also=("map of",))
    limit: float | None = setting(
        None, "end of the colour bar", short="colours end at", low=0, open_low=True, also=("colour scale",)
    )
    background: str = setting("mean", "background", choices=BACKGROUNDS, also=("underlay", "anatomy"))
    underlay: str = setting("", "underlay", help="path of any image, such as a T1", also=("anatomy file",))
    contour: str = setting("", "contour of", help="path of another statistical map", also=("overlay", "another map"))
    contour_level: float = setting(3.1, "level of the contour", short="its level", low=0, open_low=True)
    convention: str = setting("neurological", "left and right", choices=CONVENTIONS, also=("flip the brain",))
    view: str = setting("ortho", "view", choices=VIEWS, also=("planes", "slices"))
    cut_axes: str = setting("z", "rows of the mosaic", short="cuts", choices=CUTS, closed=False)
    n_cuts: int = setting(7, "cuts in a row", short="of each", low=1, high=MOST_CUTS, stride=1)
    zoom: tuple[float, ...] = setting((), "enlarged", say=lambda zoom: f"{zoom[0]:.2g}×" if zoom else "no")
    room: str = setting("shared", "what the explorer shows", short="shows", choices=ROOMS)
    signs: str = setting("both", "signs shown", short="signs", choices=SIGNS)
    compare: str = setting("side", "A and B", choices=COMPARES)
    difference: str = setting("z", "difference of A and B", short="difference of", choices=DIFFERENCES)
    colormap: str = setting(
        "warm-cold",
        "colours of both signs",
        short="colours",
        say=lambda name: name.replace("-", " \N{EN DASH} "),
        choices=COLORMAPS,
        also=("colour map",),
    )
    sequential: str = setting(
        "viridis", "colours of one sign", short="colours", choices=SEQUENTIAL, also=("colour map",)
    )
    opacity: float = setting(1.0, "opacity", low=0, high=1, step=0.02, stride=0.1, also=("transparency",))
    fade_below: bool = setting(
        True,
        "fade below the threshold",
        short="fade below",
        help="below the threshold the map fades with |z| instead of vanishing",
        also=("hide what does not pass",),
    )
    show_outline: bool = setting(True, "outline", help="a line around what survives")
    show_mask: bool = setting(
        False,
        "border of the mask",
        short="mask",
        help="the border of the voxels that are analysed",
        also=("mask outline",),
    )

    def __post_init__(self) -> None:
        check_group(self, "map")
        if not self.cut_axes or set(self.cut_axes) - set("xyz") or len(set(self.cut_axes)) < len(self.cut_axes):
            raise SettingsError(
                "map.cut_axes", f"must name each of x, y, z at most once, such as 'z' or 'zyx', not {self.cut_axes!r}"
            )
        if self.zoom and not (len(self.zoom) == 4 and isfinite(sum(self.zoom)) and 1 <= self.zoom[0] <= MOST_ZOOM):
            raise SettingsError(
                "map.zoom",
                f"must be a factor from 1 to {MOST_ZOOM:g} and a place in mm, such as (3, 40, -35, -18), or empty, "
                f"not {self.zoom!r}",
            )


@dataclass(frozen=True)
class MapView(SettingsTree):
    """How a map is looked at, of runs and of groups."""

    map: MapSettings = field(default_factory=MapSettings)


def looks_of_file(tree: JsonTree) -> dict[str, Any]:
    """Settings of the map that a saved session holds outside of its settings, as those of version 0.1 do.

    Parameters
    ----------
    tree : JsonTree
        The file's.

    Returns
    -------
    dict from path to value
        Empty for a file that holds all of them among its settings.

    Examples
    --------
    >>> looks_of_file(JsonTree({"view": {"opacity": 0.5}})), looks_of_file(JsonTree({}))
    ({'map.opacity': 0.5}, {})
    """
    if "view" not in tree:
        return {}
    known = {each.name for each in fields(MapSettings)}
    view = tree.branch("view")
    looks, usual = {}, MapView()
    for name, value in view.items():
        if name in known:
            try:
                usual = usual.updated({f"map.{name}": value})
            except SettingsError as error:
                view.drop(name, value, error)
            else:
                looks[f"map.{name}"] = value
    return looks
