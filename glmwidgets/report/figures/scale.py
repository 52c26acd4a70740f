"""How the values of a map become colours: what is shown, how strongly, and the colour bar that says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Colormap, LinearSegmentedColormap, ListedColormap, Normalize, to_rgb

from glmwidgets.glm.choices import check_choice
from glmwidgets.report.figures.canvas import plain
from glmwidgets.report.figures.style import write_number
from glmwidgets.web.palettes import COLORMAPS, FIELD_COLORMAPS, SEQUENTIAL, ramp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

HALF = 256


def colours_of(name: str = "warm-cold", on_dark: bool = True) -> ListedColormap:
    """A colour map of the viewer for figures.

    Parameters
    ----------
    name : str, default "warm-cold"
        A key of `glmwidgets.web.palettes.COLORMAPS`.
    on_dark : bool, default True
        Whether the map lies on a dark ground. On paper the ramps of a map with two are turned round: the largest values
        stand out most from the ground.

    Returns
    -------
    matplotlib.colors.ListedColormap
        512 colours; of a map with two ramps the middle is 0.

    Examples
    --------
    >>> colours_of("orange-purple").N
    512
    """
    anchors = COLORMAPS[name]
    if "sequential" in anchors:
        return ListedColormap(ramp(anchors["sequential"], 2 * HALF) / 255, name=name)
    negative, positive = (ramp(anchors[sign][:: 1 if on_dark else -1], HALF) for sign in ("negative", "positive"))
    return ListedColormap(np.concatenate([negative[::-1], positive]) / 255, name=name)


def colormap(name: str | Colormap) -> Colormap:
    """A colour map by a name of matplotlib, or by one that scripts of the field use, such as ``"cold_hot"``.

    Parameters
    ----------
    name : str or matplotlib.colors.Colormap
        ``"_r"`` at its end turns it round; ``"red_transparent"`` and the like run from nothing to a colour.

    Returns
    -------
    matplotlib.colors.Colormap

    Raises
    ------
    ValueError
        If the name is unknown.

    Examples
    --------
    >>> bool(sum(colormap("cold_hot")(0.5)[:3]) < 0.02), colormap("black_red_r").name
    (True, 'black_red_r')
    """
    if not isinstance(name, str):
        return name
    plain_name = name.removesuffix("_r")
    # Names of the field first: other packages register their own maps under them, once they are imported.
    if plain_name in FIELD_COLORMAPS:
        # A pair in a tuple is one colour and its opacity to some versions.
        made = LinearSegmentedColormap.from_list(plain_name, list(FIELD_COLORMAPS[plain_name]))
        return made.reversed() if name.endswith("_r") else made
    if name in colormaps:
        return colormaps[name]
    if name in _TRANSPARENT:
        colour = to_rgb(name.partition("_")[0])
        return LinearSegmentedColormap.from_list(name, [(*colour, 0), (*colour, 1)])
    check_choice("cmap", plain_name, (*FIELD_COLORMAPS, *COLORMAPS, *_TRANSPARENT, *colormaps))
    return colours_of(plain_name).reversed()


_TRANSPARENT = [f"{c}_transparent{end}" for c in ("red", "green", "blue") for end in ("", "_full_alpha_range")]


def height_of(threshold: float | str | None, values: NDArray[np.floating]) -> float | None:
    """A threshold as a number: ``"auto"`` is what 80 % of all voxels' sizes lie below, ``"95%"`` likewise.

    Examples
    --------
    >>> height_of("auto", np.arange(-10.0, 1)), height_of(3, np.zeros(2)), height_of(None, np.zeros(2))
    (8.0, 3.0, None)
    """
    if threshold is None or not isinstance(threshold, str):
        return None if threshold is None else float(threshold)
    try:
        percent = 80.0 if threshold == "auto" else float(threshold.strip().removesuffix("%"))
    except ValueError:
        percent = np.nan
    if not 0 <= percent <= 100:
        raise ValueError(f'a threshold is a number, "auto" or a percentage such as "95%", not {threshold!r}')
    sizes = np.abs(values[np.isfinite(values)])
    return float(np.percentile(sizes, percent)) if sizes.size else 0.0


@dataclass(frozen=True)
class Scale:
    """What is shown of a map, and in which colours.

    Attributes
    ----------
    vmin, vmax : float
        Ends of the colour bar.
    threshold : float or None
        Values of this size or smaller do not survive. None: every value other than 0 does.
    two_sided : bool
        Whether negative values can survive.
    fade : bool
        Whether what does not survive fades instead of vanishing.
    cmap : matplotlib.colors.Colormap
    norm : matplotlib.colors.Normalize
    name : str
        Name of the statistic, for instance ``"z"``; may be empty.
    tick_format : str or None
        Of the numbers beside the bar, such as ``"%.2g"``; those of the house by default.
    """

    vmin: float
    vmax: float
    threshold: float | None
    two_sided: bool
    fade: bool
    cmap: Colormap
    norm: Normalize
    name: str
    tick_format: str | None = None

    def survives(self, values: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each value lies beyond the threshold."""
        size = np.abs(values) if self.two_sided else values
        return np.isfinite(values) & (size > (self.threshold or 0))

    def opacity(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """1 for what survives; below it 0, or the square of the value's share of the threshold if it fades."""
        opacity = self.survives(values).astype(float)
        if self.fade and self.threshold:
            size = np.nan_to_num(np.abs(values) if self.two_sided else np.maximum(values, 0), posinf=0)
            opacity = np.where(opacity == 1, 1, np.minimum(size / self.threshold, 1) ** 2)
        return opacity

    def nothing_above(self) -> str:
        """What to say when no voxel survives."""
        if not self.threshold:
            return "no voxel with a value other than 0"
        name = f"|{self.name}|" if self.name and self.two_sided else self.name
        return f"no voxel above {name + ' = ' if name else ''}{write_number(self.threshold)}"


def make_scale(
    values: NDArray[np.floating],
    *,
    threshold: float | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    symmetric: bool | str = "auto",
    two_sided: bool = True,
    fade: bool = False,
    cmap: str | Colormap | None = None,
    on_dark: bool = True,
    name: str = "",
    tick_format: str | None = None,
) -> Scale:
    """Choose the colours of a map.

    Parameters
    ----------
    values : array
        All values of the map, not just those on the slices that are shown; NaN, infinities and 0 are left out.
    threshold : float, optional
        Size that a value must exceed to survive.
    vmin, vmax : float, optional
        Ends of the colour bar. By default the largest size in the map, to both sides if there are values of both
        signs, otherwise from 0.
    symmetric : bool or "auto", default "auto"
        True puts 0 at the middle of the bar whatever the values' signs, False takes the values' own range.
    two_sided : bool, default True
        False shows values above the threshold alone.
    fade : bool, default False
        Values below the threshold fade instead of vanishing.
    cmap : str or matplotlib.colors.Colormap, optional
        A key of `glmwidgets.web.palettes.COLORMAPS`, or another colour map, see `colormap`; warm for positive
        and cold for negative by default. Those with a ramp for each sign keep 0 in the middle, others are stretched
        from `vmin` to `vmax`.
    on_dark : bool, default True
        Whether the map lies on a dark ground.
    name : str, default ""
        Name of the statistic.
    tick_format : str, optional
        Of the numbers beside the bar.

    Returns
    -------
    Scale

    Raises
    ------
    ValueError
        If the threshold is negative or not finite, if it is not below `vmax`, or if `vmin` is not below `vmax`.

    Examples
    --------
    >>> scale = make_scale(np.array([-5.0, 0.0, 2.0]), threshold=3)
    >>> scale.vmin, scale.vmax, scale.survives(np.array([-5.0, 0.0, 2.0])).tolist()
    (-5.0, 5.0, [True, False, False])
    """
    if threshold is not None and not (np.isfinite(threshold) and threshold >= 0):
        raise ValueError(f"threshold must be a finite number, 0 or more, not {threshold}")
    values = values[np.isfinite(values) & (values != 0)]
    if not two_sided:
        values = values[values > 0]
    floor = threshold or 0.0
    lowest, highest = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    largest = max(-lowest, highest)
    if symmetric == "auto":
        symmetric = lowest < 0 < highest and (vmin is None or vmin < 0)
    if largest <= floor:  # an empty map's bar needs room above the threshold, too
        largest = 1.25 * floor or 1.0
        lowest, highest = (0.0, largest)
    low, high = (-largest, largest) if symmetric else (min(lowest, 0.0), max(highest, 0.0))
    if vmax is None:
        vmax = -vmin if symmetric and vmin is not None else high
    if vmin is None:
        vmin = -vmax if symmetric else low
    if not vmin < vmax:
        raise ValueError(f"vmin ({vmin:g}) must be below vmax ({vmax:g})")
    if max(abs(vmin), abs(vmax)) <= floor:
        raise ValueError(
            f"the colours end at {max(abs(vmin), abs(vmax)):g}: vmax must be above the threshold, {floor:g}"
        )
    norm = Normalize(vmin, vmax, clip=True)
    if cmap is None or (isinstance(cmap, str) and cmap in COLORMAPS):
        name_of_map = cmap or "warm-cold"
        colours = colours_of(name_of_map, on_dark)
        if name_of_map not in SEQUENTIAL:
            # A colour belongs to a value: it moves neither with the threshold nor with the bar's other end.
            top = max(abs(vmin), abs(vmax))
            norm = Normalize(-top, top, clip=True)
    else:
        colours = colormap(cmap)
    return Scale(float(vmin), float(vmax), threshold, two_sided, fade, colours, norm, name, tick_format)


def draw_colorbar(axes: Axes, scale: Scale, ink: str, ground: str) -> None:
    """Draw a colour bar that fills the axes: the dead zone grey, ticks at the ends and at the threshold.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    scale : Scale
    ink, ground : str
        Colours of the text and of what lies behind the map.
    """
    values = np.linspace(scale.vmin, scale.vmax, 512)
    colours = scale.cmap(scale.norm(values))
    grey = np.array([0.5, 0.5, 0.5, 0.35])
    opacity = np.where(values == 0, 0, scale.opacity(values)) if scale.threshold else np.ones(values.size)
    colours = opacity[:, None] * colours + (1 - opacity[:, None]) * grey
    axes.set(facecolor=ground, xticks=[])
    axes.imshow(colours[:, None], origin="lower", aspect="auto", extent=(0, 1, scale.vmin, scale.vmax))
    ticks = _ticks(scale)
    axes.set_yticks(list(ticks), list(ticks.values()), fontsize=7.5, color=ink)
    axes.yaxis.tick_right()
    axes.tick_params(length=0, pad=3)
    axes.spines[:].set_visible(False)
    if scale.name:
        axes.set_title(plain(scale.name), fontsize=8, color=ink, pad=4)


def _formatted(tick_format: str, value: float) -> str:
    """A number in a format of either kind: ``"%.2g"``, or ``".2g"``."""
    return tick_format % value if "%" in tick_format else format(value, tick_format)


def _ticks(scale: Scale) -> dict[float, str]:
    """Position and text of each tick. Thresholds come first, and nothing is written over anything else."""
    span, floor = scale.vmax - scale.vmin, scale.threshold or 0.0
    wanted = [scale.vmin, scale.vmax]
    if floor > 0:
        inside = [v for v in (floor, -floor) if scale.vmin <= v <= scale.vmax and (v > 0 or scale.two_sided)]
        wanted = inside + wanted
    elif scale.vmin < 0 < scale.vmax:
        wanted.append(0.0)
    ticks: dict[float, str] = {}
    for value in wanted:
        if all(abs(value - other) > 0.07 * span for other in ticks):
            ticks[value] = write_number(value) if scale.tick_format is None else _formatted(scale.tick_format, value)
    if -floor in wanted and floor in ticks and -floor not in ticks:
        del ticks[floor]
        ticks[0.0] = f"±{write_number(floor) if scale.tick_format is None else _formatted(scale.tick_format, floor)}"
    return dict(sorted(ticks.items()))
