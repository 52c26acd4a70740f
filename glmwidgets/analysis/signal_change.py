"""Percent signal change of conditions in a region of interest, with intervals.

The mean series of the region is fitted once, under the model of the run: its design with response, drift and
confounds, and its noise model, whose parameters are estimated from this one series (so that what is pooled over voxels
is not pooled). With the estimate b of a condition's column x and its variance v:

    change = 100 b h / B,    h = max |x|,    interval = 100 h (b ± t(.975, df) sqrt(v)) / B.

- h is the height of the design's own regressor: the change is that at the regressor's peak in this run. Where events
  overlap the peak is higher than one event's.
- B, which is 100 %, is the region's baseline: the mean over scans of its mean signal less the fit of all conditions,
  so what the model says of the region where nothing happens. That B is estimated is not in the interval.
- Of a condition with derivatives, it is the amplitude's column; of FIR, one change a delay.

Of blocks this is what Mumford's guide does [1]_; Featquery takes the mean over time in the place of B, conditions
included, and the height from the lowest to the highest value of the regressor. Pernet [2]_ takes the height of a
reference block or trial, which the design's own regressor need not have: with it, designs can be compared.

References
----------
.. [1] Mumford, J. A. A Guide to Calculating Percent Change with Featquery. Technical report without a date,
   https://jeanettemumford.org/assets/files/perchange_guide.pdf
.. [2] Pernet, C. R. (2014). Misconceptions in the use of the General Linear Model applied to functional MRI: a tutorial
   for junior neuro-imagers. Frontiers in Neuroscience 8, 1. https://doi.org/10.3389/fnins.2014.00001
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from glmwidgets.analysis.effects import Effects
from glmwidgets.analysis.places import LEAST_SIGNAL
from glmwidgets.analysis.voxels import RunEffect
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.scaling import PERCENT, series_unit
from glmwidgets.regions.interest import RegionOfInterest

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import RunAnswer

#: Unit of what `signal_changes` gives.
CHANGE_UNIT = "% of the region's baseline"

#: Columns of `change_table`.
COLUMNS = (
    *("region", "how", "n_voxels", "condition", "percent_change", "lower", "upper", "df", "noise_model", "circular"),
    *("height", "baseline"),
)


@dataclass(frozen=True)
class SignalChange:
    """What a condition does to the mean signal of a region.

    Attributes
    ----------
    condition : str
    change : RunEffect
        In percent of the baseline, by the name of the design's column, with its 95 % interval.
    dof : float
        Degrees of freedom of the interval.
    height : float
        Of the column's peak.
    baseline : float
        What 100 % is, in the units of the data as they were given.
    noise_model : str
    """

    condition: str
    change: RunEffect
    dof: float
    height: float
    baseline: float
    noise_model: str


def region_series(result: RunAnswer, voxels: np.ndarray) -> tuple[np.ndarray, float]:
    """Mean over voxels of the series that were modelled, in the units of the data as they were given.

    Parameters
    ----------
    result : RunAnswer
    voxels : array of int
        Their numbers in the order of the mask.

    Returns
    -------
    series : array of shape (n_scans,)
        As they were smoothed; where each scan was scaled by its own mean, without what all voxels share.
    away : float
        What scaling took off each of its scans before it was modelled: its mean, or nothing.

    Raises
    ------
    InputError
        If no voxel is given, or the scaling of the series left no mean of which percent can be taken.
    """
    if not voxels.size:
        raise InputError("the region holds no analysed voxel", advice="find it again on this image")
    data, signal = result.settings.data, result.signal[voxels]
    unit, series = series_unit(data.signal_scaling, data.standardize), result.fit.data(voxels)
    if unit not in ("", PERCENT):
        raise InputError(
            f"series in {unit} have no mean from which to take percent",
            advice={"notebook": "set 'standardize' to none", "function": "set data.standardize to None"},
            where="data.standardize",
        )
    if signal.min() < LEAST_SIGNAL:
        raise InputError(
            "the data are centred or empty in some voxels of the region, where the mean signal is below 1: percent of "
            "it have no meaning"
        )
    if not unit:
        return series.mean(axis=1), 0.0
    kept = result.fit.basis.kept
    series = 1 + series / 100
    series = (series * (signal / series[kept].mean(axis=0))).mean(axis=1)
    return series, float(series[kept].mean())


def signal_changes(
    result: RunAnswer, region: RegionOfInterest, effects: Mapping[str, Sequence[str]] | None = None
) -> list[SignalChange]:
    """Percent signal change of each condition in a region; see the head of this module for the convention.

    Parameters
    ----------
    result : RunAnswer
    region : RegionOfInterest
    effects : mapping from condition to columns, optional
        By default those of the result.

    Returns
    -------
    list of SignalChange
        NaN where the design does not tell a condition.

    Raises
    ------
    InputError
        If the region holds no voxel, or percent of its mean mean nothing.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.regions import RegionOfInterest
    >>> region = RegionOfInterest("all", session.result.mask)
    >>> [each.condition for each in signal_changes(session.result, region)][:2]
    ['faces', 'houses']
    """
    run = result.fit
    series, away = region_series(result, np.flatnonzero(region.mask[result.mask]))
    moments = Moments((series - away)[:, None])
    fit = fit_glm(moments, run.basis, run.noise_model, run.columns, bins=result.settings.noise.bins)
    column = {name: k for k, name in enumerate(fit.columns)}
    task = sorted({column[name] for columns in result.effects.values() for name in columns})
    x, kept = fit.basis.x, fit.basis.kept
    rest = series - x[:, task] @ fit.beta[task, 0]
    baseline = float(rest[kept].mean())
    found = []
    for condition, effect in Effects(fit).of_conditions(0, result.effects if effects is None else effects):
        height = float(np.abs(x[kept, column[effect.name]]).max())
        by = 100 * height / baseline if baseline > 0 else np.nan
        change = replace(effect, effect=effect.effect * by, low=effect.low * by, high=effect.high * by)
        dof = float(fit.dof) if np.isnan(effect.dof) else effect.dof
        found.append(SignalChange(condition, change, dof, height, baseline, fit.noise_model))
    return found


def change_table(result: RunAnswer, regions: Sequence[RegionOfInterest]) -> pd.DataFrame:
    """Percent signal change of every condition in every region, a row each.

    Parameters
    ----------
    result : RunAnswer
    regions : sequence of RegionOfInterest

    Returns
    -------
    DataFrame
        ``region``, ``how`` it was found, ``n_voxels``, ``condition`` (the design's column), ``percent_change``,
        ``lower`` and ``upper`` ends of its 95 % interval, ``df``, ``noise_model``, ``circular`` ("no", or why the
        region's effects are larger than in new data), ``height`` of the regressor and ``baseline``, which is 100 %.

    Raises
    ------
    InputError
        As in `signal_changes`, with the region's name.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> from glmwidgets.regions import RegionOfInterest
    >>> change_table(session.result, [RegionOfInterest("all", session.result.mask)])["condition"].tolist()[:2]
    ['faces', 'houses']
    """
    rows = []
    for region in regions:
        try:
            changes = signal_changes(result, region)
        except InputError as error:
            raise InputError(f"{region.name}: {error.message}", advice=error.advices, where=error.where) from error
        rows += [
            {
                "region": region.name,
                "how": region.how,
                "n_voxels": int(np.count_nonzero(region.mask & result.mask)),
                "condition": each.change.name,
                "percent_change": each.change.effect,
                "lower": each.change.low,
                "upper": each.change.high,
                "df": each.dof,
                "noise_model": each.noise_model,
                "circular": region.circular or "no",
                "height": each.height,
                "baseline": each.baseline,
            }
            for each in changes
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
