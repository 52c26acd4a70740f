"""Measured and fitted series of a place: a voxel, a sphere or a cluster.

With the design X, the coefficients b of a voxel (or their mean over a place: the fit of a mean is the mean of the
fits) and the residuals e = y - Xb:

- fit of a condition: ``X_c b_c``, over all columns that model it, derivatives and delays too;
- fit of the contrast C: ``X (X'X)^- C' [C (X'X)^- C']^- C b``. It is what the full fit loses if Cb is made zero: for a
  t contrast of any scale the part of the fit in its direction, and the same for rows of F. SPM calls it the fitted
  response corrected for confounds (``spm_FcUtil``, 'Yc'). FSL's partial fit is another, ``X (c * b)``, which changes
  with the scale of c and holds what other columns explain as well;
- reduced data: fit of the contrast plus residuals ("reduced data" of FSL, "adjusted response" of SPM).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.residuals import amplitude_spectrum
from glmwidgets.glm.moments.scaling import PERCENT, series_unit
from glmwidgets.plural import count
from glmwidgets.specification.series import Spot

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import RunAnswer
    from glmwidgets.regions.interest import RegionOfInterest

# Below this mean a signal is centred or empty, and percent of it mean nothing.
LEAST_SIGNAL = 1.0


@dataclass(frozen=True, eq=False)
class Place:
    """Voxels that are looked at together.

    Attributes
    ----------
    spot : Spot
    voxels : array of int
        Their numbers in the order of the mask; empty if there is nothing to see.
    name : str
        In words; why there is nothing, if there is nothing.
    """

    spot: Spot
    voxels: np.ndarray
    name: str


def find_place(
    result: RunAnswer, spot: Spot, labels: np.ndarray | None = None, regions: Iterable[RegionOfInterest] = ()
) -> Place:
    """Find the voxels of a spot.

    Parameters
    ----------
    result : RunAnswer
        Whose mask counts.
    spot : Spot
    labels : array of int, 3-D, optional
        Number of each voxel's cluster, 0 for none.
    regions : iterable of RegionOfInterest
        Those that a spot may name.

    Returns
    -------
    Place

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.specification import Spot
    >>> find_place(session.result, Spot(session.cursor, "sphere", 8.0)).name
    '1 voxel within 8 mm of (8, 4, 3)'
    """
    if spot.kind == "region":
        region = next((each for each in regions if each.name == spot.name), None)
        if region is None:
            return Place(spot, np.empty(0, int), "no region is picked: see the tab Regions")
        voxels = np.flatnonzero(region.mask[result.mask])
        nothing = f"no voxel of {region.name} is analysed"
        return Place(spot, voxels, f"{region.name}, {_counted(voxels.size)}" if voxels.size else nothing)
    where = f"({', '.join(map(str, spot.ijk))})"
    if spot.kind == "sphere":
        voxels = result.domain.sphere(spot.ijk, spot.radius)
        if voxels.size:
            return Place(spot, voxels, f"{_counted(voxels.size)} within {spot.radius:g} mm of {where}")
        return Place(spot, voxels, "the sphere lies outside the mask")
    if spot.kind == "cluster":
        there = labels is not None and all(c < n for c, n in zip(spot.ijk, labels.shape, strict=True))
        number = int(labels[spot.ijk]) if there else 0
        if number:
            voxels = np.flatnonzero((labels == number)[result.mask])
            return Place(spot, voxels, f"cluster {number}, {_counted(voxels.size)}")
        return Place(spot, np.empty(0, int), "the crosshair is in no cluster of this threshold")
    voxel = result.voxel(spot.ijk)
    if voxel is None:
        return Place(spot, np.empty(0, int), "the crosshair is outside the mask")
    return Place(spot, np.array([voxel]), f"voxel {where}")


def _counted(n: int) -> str:
    return count(n, "voxel")


@dataclass(frozen=True, eq=False)
class PlaceSeries:
    """Series of a place, each as the deviation from the mean of the data.

    Attributes
    ----------
    place : Place
    times : array of shape (n_scans,)
        Seconds.
    data, fit, contrast : arrays of shape (n_scans,)
        Mean over the place's voxels.
    conditions : dict of arrays of shape (n_scans,)
        Fit of each condition, from the baseline that the model gives to no event at all.
    unit : str
        "% signal", or "signal" for the units of the data as they were given.
    level : float
        Mean signal of the place, in the units of the data as they were given.
    parameters : dict of float
        Of the noise, the mean over the place.
    kept : bool array of shape (n_scans,), or None
        Scans without a column of their own, which R², averages and residuals are of; None for all.
    """

    place: Place
    times: np.ndarray
    data: np.ndarray
    fit: np.ndarray
    contrast: np.ndarray
    conditions: Mapping[str, np.ndarray]
    unit: str
    level: float
    parameters: Mapping[str, float] = field(default_factory=dict)
    kept: np.ndarray | None = None

    @cached_property
    def residual(self) -> np.ndarray:
        """Data minus fit."""
        return self.data - self.fit

    @cached_property
    def reduced(self) -> np.ndarray:
        """Fit of the contrast plus residuals."""
        return self.contrast + self.residual

    @cached_property
    def task(self) -> np.ndarray:
        """Fit of all conditions together."""
        return sum(self.conditions.values(), np.zeros_like(self.data))

    @cached_property
    def cleaned(self) -> np.ndarray:
        """Data without what the model says of drift and confounds: fit of all conditions plus residuals."""
        return self.task + self.residual

    @property
    def r_square(self) -> float:
        """Share of the variance over time that the fit explains, within 0 and 1; 0 for a constant series."""
        kept = slice(None) if self.kept is None else self.kept
        data, residual = self.data[kept] - self.data[kept].mean(), self.residual[kept]
        total = data @ data
        return float(np.clip(1 - residual @ residual / total, 0, 1)) if total > 0 else 0.0

    def line(self, name: str) -> np.ndarray:
        """One of the series by its name in `glmwidgets.specification.series.SERIES_LINES`."""
        return getattr(self, name)


def place_series(
    result: RunAnswer, place: Place, by_condition: Mapping[str, Sequence[str]], unit: str = "percent"
) -> PlaceSeries:
    """Series of a place under a result.

    Parameters
    ----------
    result : RunAnswer
    place : Place
        With at least one voxel.
    by_condition : mapping from condition to columns
        Columns of the design that model each; see `glmwidgets.analysis.proposals.condition_columns`.
    unit : {"percent", "signal"}
        Data that were not scaled are in percent of each voxel's mean over time, where that is 1 or more in all of them.

    Returns
    -------
    PlaceSeries

    Raises
    ------
    ValueError
        If the place holds no voxel.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.specification import Spot
    >>> place = find_place(session.result, Spot(session.cursor))
    >>> series = place_series(session.result, place, {"faces": ["faces"], "houses": ["houses"]})
    >>> series.data.shape, list(series.conditions)
    ((60,), ['faces', 'houses'])
    """
    check_choice("unit", unit, ("percent", "signal"))
    if place.voxels.size == 0:
        raise ValueError(place.name)
    fit, basis = result.fit, result.fit.basis
    one = place.voxels.size == 1
    voxels = slice(int(place.voxels[0]), int(place.voxels[0]) + 1) if one else place.voxels
    weights, written = _weights(result, voxels, unit)
    coordinates = fit.noise.coefficients[:, voxels] @ weights
    beta = basis.to_columns @ coordinates
    column = {name: k for k, name in enumerate(fit.columns)}
    chosen = {name: [column[c] for c in columns] for name, columns in by_condition.items()}
    rows = _contrast_rows(result) @ basis.to_columns
    return PlaceSeries(
        place=place,
        times=result.design.index.to_numpy(dtype=float),
        data=fit.moments.block(voxels) @ weights,
        fit=basis.q @ coordinates - fit.moments.mean[voxels] @ weights,
        contrast=basis.q @ (np.linalg.pinv(rows) @ (rows @ coordinates)),
        conditions={name: basis.x[:, k] @ beta[k] for name, k in chosen.items()},
        unit=written,
        level=float(np.mean(result.signal[voxels])),
        parameters={name: float(np.mean(values[voxels])) for name, values in fit.parameters.items()},
        kept=basis.kept,
    )


def spectrum_of(values: np.ndarray, t_r: float) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies of a series in Hz, and its amplitude at each, without its mean."""
    return amplitude_spectrum(values - values.mean(), t_r)


def _weights(result: RunAnswer, voxels: slice | np.ndarray, unit: str) -> tuple[np.ndarray, str]:
    """What each voxel's series counts in the mean of the place, in the unit wanted, and that unit in words."""
    mean, signal = result.fit.moments.mean[voxels], result.signal[voxels]
    each = np.full(signal.size, 1 / signal.size)
    data = result.settings.data
    modelled = series_unit(data.signal_scaling, data.standardize)
    if modelled not in ("", PERCENT):
        return each, modelled  # in which no mean is left to take percent of
    if not modelled:
        if unit == "percent" and signal.min() >= LEAST_SIGNAL:
            return each * 100 / signal, PERCENT
        return each, "signal"
    if unit == "percent":
        return each, PERCENT
    # y = m (1 + p / 100), so that m is the mean signal over the mean of that bracket.
    bracket = 1 + mean / 100
    return each * np.divide(signal, bracket, out=signal.astype(float), where=bracket > 0) / 100, "signal"


def _contrast_rows(result: RunAnswer) -> np.ndarray:
    return np.atleast_2d(contrast_vector(result.settings.contrast.expression, list(result.fit.columns)))


def weighed_columns(result: RunAnswer) -> set[str]:
    """Columns of the design that the contrast of a result weighs."""
    used = np.any(_contrast_rows(result), axis=0)
    return {name for name, is_used in zip(result.fit.columns, used, strict=True) if is_used}
