"""The table of quality control: every figure of every run, and which are unusual among the runs of the study.

A value is unusual if it lies further from the runs' median than `FAR` robust standard deviations (1.4826 times the
median absolute deviation), on the figure's unusual side, and further than the figure's own floor. Figures that are
looked at as ratios are taken in logarithms. Nothing is ever left out by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from glmwidgets.glm.parallel import side_by_side
from glmwidgets.study.figure import Figure
from glmwidgets.study.figures import FIGURES, figures_of
from glmwidgets.study.index import StudyRun
from glmwidgets.study.refit import StudyAnswer
from glmwidgets.study.seen import seen_of

__all__ = ["QCTable", "qc_of", "robust_z"]

#: Robust standard deviations beyond which a value is unusual.
FAR = 4.5

MAD = 1.4826

# With fewer runs than this nothing is usual.
FEWEST = 5


def robust_z(values: np.ndarray, figure: Figure) -> tuple[np.ndarray, float]:
    """Distance of values from their median in robust SD, at least the figure's floor apart, and the median.

    Parameters
    ----------
    values : array of shape (n,)
    figure : Figure

    Returns
    -------
    z : array of shape (n,)
        0 within the floor, and where nothing is known; never infinite.
    usual : float

    Examples
    --------
    >>> figure = Figure("a", "a", "", "data", "", len, side="high", floor=0.5)
    >>> robust_z(np.array([1.0, 1.1, 0.9, 1.2, 0.8, 3.0]), figure)[0].round(1).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 8.8]
    """
    known = np.isfinite(values) & ((values > 0) if figure.ratio else True)
    if known.sum() < FEWEST:
        return np.zeros(values.size), np.nan
    usual = float(np.median(values[known]))
    seen = np.log(np.where(known, values, usual)) if figure.ratio else np.where(known, values, usual)
    middle = np.log(usual) if figure.ratio else usual
    floor = np.log(figure.floor) if figure.ratio else figure.floor
    off = seen - middle
    spread = MAD * np.median(np.abs(off[known]))
    # Where most values are equal the floor is all there is to measure by.
    z = off / max(spread, floor / FAR, np.finfo(float).tiny)
    return np.where(np.abs(off) >= floor, np.clip(z, -1e6, 1e6), 0.0), usual


@dataclass(frozen=True, eq=False)
class QCTable:
    """Figures of all runs of a study under one model and contrast.

    Attributes
    ----------
    values : DataFrame
        One row a run, by its number in the study, one column a figure, in the order of `FIGURES`; NaN for not known.
    names : tuple of str
        Of the runs.
    figures : mapping of str to Figure
    """

    values: pd.DataFrame
    names: tuple[str, ...]
    figures: Mapping[str, Figure] = field(default_factory=lambda: FIGURES, repr=False)

    @cached_property
    def _judged(self) -> tuple[pd.DataFrame, dict[str, float]]:
        z, usual = pd.DataFrame(index=self.values.index), {}
        for key in self.values:
            z[key], usual[key] = robust_z(self.values[key].to_numpy(dtype=float), self.figures[key])
        return z, usual

    @property
    def z(self) -> pd.DataFrame:
        """Robust z of every value, of the shape of `values`; 0 within the figure's floor."""
        return self._judged[0]

    @property
    def usual(self) -> dict[str, float]:
        """Median over runs, by figure."""
        return self._judged[1]

    @cached_property
    def unusual(self) -> pd.DataFrame:
        """Which values are unusual, of the shape of `values`."""
        found = pd.DataFrame(False, index=self.values.index, columns=self.values.columns)
        for key in self.values:
            side, z = self.figures[key].side, self.z[key]
            if side:
                found[key] = ((z > FAR) & (side != "low")) | ((z < -FAR) & (side != "high"))
        return found

    def said(self, i: int) -> list[str]:
        """Sentences about what is unusual of a run, the most unusual first."""
        keys = [key for key in self.values if self.unusual.loc[i, key]]
        keys.sort(key=lambda key: -abs(self.z.loc[i, key]))
        return [self.figures[key].said(self.values.loc[i, key], self.usual[key]) for key in keys]


def qc_of(answer: StudyAnswer, rows: Sequence[StudyRun]) -> QCTable:
    """Figures of all runs under the model and the contrast of an answer.

    Parameters
    ----------
    answer : StudyAnswer
    rows : sequence of StudyRun

    Returns
    -------
    QCTable
    """
    seen = seen_of(answer, rows)
    seen[0].together.prepare()
    found = side_by_side(figures_of, seen)
    return QCTable(pd.DataFrame(found, columns=list(FIGURES)), tuple(row.name for row in rows))
