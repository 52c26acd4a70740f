"""Diagnostics of a design matrix: correlations of its columns, and the share of the task that the drift removes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.glm.design.collinearity import column_correlation, condition_number, variance_inflation
from glmwidgets.glm.design.diagnostics import energy_removed, spectra
from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.design.spectra import drift_gain
from glmwidgets.glm.response.models import resolve_hrf

# A spectrum is drawn up to the frequency below which so much of every regressor lies.
SHOWN = 0.99


def setting_of_most_columns(chosen: Any, columns: Sequence[str]) -> str:
    """The setting that brings most columns of a design: the one to change where there are too many.

    Parameters
    ----------
    chosen : DesignSettings
    columns : sequence of str

    Returns
    -------
    str
        Its path.

    Examples
    --------
    >>> from glmwidgets.specification.settings import DesignSettings
    >>> setting_of_most_columns(DesignSettings(), ["face", "house", "drift_1", "drift_2", "drift_3", "constant"])
    'design.high_pass'
    """
    if chosen.source == "given":
        return "design.source"
    # What ends in nothing may also be a confound: of a response with derivatives these alone count.
    ends = tuple(filter(None, resolve_hrf(chosen.hrf_model, chosen.fir_delays).suffixes))
    drifts = sum(name.startswith("drift_") for name in columns)
    of_response = sum(name.endswith(ends) for name in columns)
    others = len(columns) - drifts - of_response
    counted = {DRIFTS[chosen.drift_model].setting: drifts, "hrf_model": of_response, "confounds": others}
    return f"design.{max(counted, key=counted.get)}"


@dataclass(frozen=True, eq=False)
class Separability:
    """How well the columns of a design are told apart.

    Attributes
    ----------
    inflation : array of shape (n_columns,)
        Variance inflation of each; NaN of a constant.
    worst : float
        Largest inflation of a column that is neither drift nor constant; NaN if there is none.
    condition : float
        Condition number.
    varying : tuple of str
        Columns that are not constant.
    correlation : array of shape (n_varying, n_varying)
    """

    inflation: np.ndarray
    worst: float
    condition: float
    varying: tuple[str, ...]
    correlation: np.ndarray

    @classmethod
    def of(cls, design: pd.DataFrame) -> Separability:
        """Look at a design matrix."""
        names, inflation, among = [str(name) for name in design], variance_inflation(design), column_correlation(design)
        task = [k for k, name in enumerate(names) if not name.startswith("drift_") and name != "constant"]
        # What does not vary has no correlation: a constant would be a band without a value.
        vary = np.isfinite(np.diag(among))
        return cls(
            inflation,
            float(max(inflation[task], default=np.nan)),
            float(condition_number(design)),
            tuple(name for name, varies in zip(names, vary, strict=True) if varies),
            among[np.ix_(vary, vary)],
        )


@dataclass(frozen=True, eq=False)
class DriftFacts:
    """What the drift columns of a design are, and what they take of the task.

    Attributes
    ----------
    n_columns : int
    taken : dict from condition to float
        Share of the variance of its first column that goes with the drift.
    task, drifts : DataFrame
        First column of each condition, and the drift columns.
    """

    n_columns: int
    taken: dict[str, float]
    task: pd.DataFrame
    drifts: pd.DataFrame

    @classmethod
    def of(cls, design: pd.DataFrame, by_condition: Mapping[str, Sequence[str]]) -> DriftFacts:
        """Look at a design matrix, whose conditions have these columns."""
        drifts = design[[name for name in design.columns if str(name).startswith("drift_")]]
        first = {name: columns[0] for name, columns in by_condition.items() if columns}
        task = design[list(first.values())].set_axis(list(first), axis=1)
        lost = dict(zip(first, energy_removed(task, drifts), strict=True)) if first else {}
        return cls(
            drifts.shape[1], {name: float(share) for name, share in lost.items() if np.isfinite(share)}, task, drifts
        )

    def spectra(self, t_r: float) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Frequencies in Hz, as far as the task reaches, and the share of each condition's variance at each of them."""
        frequency, share = spectra(self.task, t_r)
        share = np.nan_to_num(share)
        end = max(3, int(np.argmax(np.cumsum(share, axis=0).min(axis=1) >= SHOWN)))
        return frequency[: end + 1], dict(zip(self.task, share[: end + 1].T, strict=True))

    def gain(self, frequency: np.ndarray, t_r: float) -> np.ndarray:
        """Share that the drift takes of a wave of each frequency in Hz."""
        return drift_gain(self.drifts, frequency, t_r)
