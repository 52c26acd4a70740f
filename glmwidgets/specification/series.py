"""Settings of the plots of time series and carpets: what is drawn, where, in which unit and order."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from glmwidgets.glm.choices import Choices
from glmwidgets.specification.field import SettingsError, check_group, setting


@dataclass(frozen=True)
class Spot:
    """Where to look: a voxel, a sphere around it, the cluster that it lies in, or a region of interest.

    Attributes
    ----------
    ijk : tuple of int
        Of no meaning for a region.
    kind : {"voxel", "sphere", "cluster", "region"}
    radius : float
        Of a sphere, in mm; otherwise 0.
    name : str
        Of a region.

    Examples
    --------
    >>> str(Spot((26, 20, 7), "sphere", 6.0)), Spot.read("26 20 7 cluster").kind, Spot.read("region V1").name
    ('26 20 7 sphere 6', 'cluster', 'V1')
    """

    ijk: tuple[int, int, int]
    kind: str = "voxel"
    radius: float = 0.0
    name: str = ""

    @classmethod
    def of_region(cls, name: str) -> Spot:
        """The region of interest of a name."""
        return cls((0, 0, 0), "region", name=name)

    def __str__(self) -> str:
        if self.kind == "region":
            return f"region {self.name}"
        tail = {"voxel": "", "sphere": f" sphere {self.radius:g}", "cluster": " cluster"}[self.kind]
        return " ".join(map(str, self.ijk)) + tail

    @property
    def label(self) -> str:
        """A few words.

        Examples
        --------
        >>> Spot((26, 20, 7), "sphere", 6.0).label
        '6 mm (26, 20, 7)'
        """
        if self.kind == "region":
            return self.name
        head = {"voxel": "", "sphere": f"{self.radius:g} mm ", "cluster": "cluster "}[self.kind]
        return f"{head}({', '.join(map(str, self.ijk))})"

    @classmethod
    def read(cls, text: str) -> Spot:
        """Read what `str` wrote.

        Raises
        ------
        ValueError
            If it is nothing of the kind.
        """
        if text.startswith("region ") and text[7:].strip():
            return cls.of_region(text[7:])
        found = re.fullmatch(r"(\d+) (\d+) (\d+)(?: (cluster)| (sphere) (\d+(?:\.\d+)?))?", text.strip())
        if found is None:
            raise ValueError(
                f"{text!r} is not a place: write it as '26 20 7', '26 20 7 sphere 6', '26 20 7 cluster' or 'region V1'"
            )
        i, j, k, cluster, sphere, radius = found.groups()
        return cls((int(i), int(j), int(k)), cluster or sphere or "voxel", float(radius or 0))


@dataclass(frozen=True)
class CarpetOrder:
    """A row of `ORDERS`.

    Attributes
    ----------
    label : str
    key : callable
        Gives a value for each voxel of a result; rows go from the largest down.
    """

    label: str
    key: Callable[[Any], np.ndarray]


def _slice(result: Any) -> np.ndarray:
    return np.nonzero(result.mask)[2].astype(float)


#: What neighbours in a carpet have in common.
ORDERS: Choices[CarpetOrder] = Choices(
    {
        "brightness": CarpetOrder("by mean signal", lambda result: result.signal),
        "fit": CarpetOrder("by z of the contrast", lambda result: result.z),
        "slice": CarpetOrder("by slice, top first", _slice),
    }
)


#: Tabs of the series, by name.
SERIES_TABS = {
    "series": "Series",
    "average": "Event average",
    "effects": "Effects",
    "residuals": "Residuals",
    "spectrum": "Spectrum",
    "carpet": "Carpet",
    "regions": "Regions",
}


class SeriesLine(NamedTuple):
    """A row of `SERIES_LINES`: what a line is called, and what it is."""

    label: str
    description: str


# What a person can have drawn at the crosshair.
SERIES_LINES = {
    "data": SeriesLine("data", "as modelled, minus their mean"),
    "fit": SeriesLine("fit", "full fit: all columns of the design"),
    "residual": SeriesLine("residual", "data minus full fit"),
    "contrast": SeriesLine("contrast", "the part of the fit that the contrast tests"),
    "reduced": SeriesLine("adjusted data", "the data minus the part of the fit that the contrast does not test"),
}
SERIES_PLACES = ("voxel", "sphere", "cluster", "region")
SERIES_UNITS = {"percent": "% signal", "signal": "signal"}
CARPETS = ("data", "fit", "residual")
MOST_PINS = 6


@dataclass(frozen=True)
class SeriesSettings:
    """How the time series and the carpet are looked at; no map depends on it.

    Attributes
    ----------
    tab : str
        What is shown of the place: a key of `SERIES_TABS`.
    height : float or None
        Part of the explorer's height that the plots have; None for what suits its size.
    lines : tuple of str
        What is drawn, of `SERIES_LINES`.
    conditions : tuple of str
        Event types whose own fit is drawn.
    averaged : tuple of str or None
        Event types whose average is drawn; None for those that the contrast weighs.
    place : str
        Whether the voxel at the crosshair is looked at, the sphere around it, the cluster that it lies in, or the
        region of interest that is picked.
    radius : float
        Of the sphere, in mm.
    unit : str
        Percent of the mean signal, or units of the signal.
    pins : tuple of str
        Places that others are compared with, written by `glmwidgets.specification.series.Spot`.
    carpet : str
        What the carpet shows.
    order : str
        What its rows are ordered by.
    """

    tab: str = setting("series", "shown at the crosshair", short="series", choices=SERIES_TABS)
    height: float | None = setting(None, "height of the plots", low=0.06, high=0.7, step=0.02)
    lines: tuple[str, ...] = setting(("data", "fit"), "lines", choices=SERIES_LINES)
    conditions: tuple[str, ...] = setting((), "fits of event types")
    averaged: tuple[str, ...] | None = setting(None, "averaged event types")
    place: str = setting(
        "voxel",
        "place",
        short="place of the series",
        help="voxels around the crosshair that the series averages",
        choices=SERIES_PLACES,
    )
    radius: float = setting(6.0, "radius", short="radius of the sphere", unit="mm", low=0, high=100)
    unit: str = setting("percent", "unit", short="unit of the series", choices=SERIES_UNITS)
    pins: tuple[str, ...] = setting((), "pinned places")
    carpet: str = setting("data", "carpet of", help="what the carpet shows", choices=CARPETS)
    order: str = setting("brightness", "rows of the carpet", short="rows", help="order of its rows", choices=ORDERS)

    def __post_init__(self) -> None:
        check_group(self, "series")
        if len(self.pins) > MOST_PINS:
            raise SettingsError("series.pins", f"can be at most {MOST_PINS} places; unpin one first")
        for pin in self.pins:
            try:
                Spot.read(pin)
            except ValueError as error:
                raise SettingsError.of("series.pins", error) from None
