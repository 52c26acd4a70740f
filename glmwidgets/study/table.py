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
from scipy.special import ndtri

from glmwidgets.glm.moments.brightness import MAD
from glmwidgets.glm.parallel import side_by_side
from glmwidgets.study.across_runs import Seen, seen_of
from glmwidgets.study.figure import Figure
from glmwidgets.study.figures import FIGURES, figures_of
from glmwidgets.study.index import StudyRun, row_of
from glmwidgets.study.refit import StudyAnswer

#: Robust standard deviations beyond which a value is unusual.
FAR = 4.5

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

    @cached_property
    def distance(self) -> np.ndarray:
        """How far each run's figures, taken together, are from the others', shape (n_runs,), 1 being usual.

        Normal scores of the ranks of all judged figures that vary, and their distance under the correlation of these
        scores, ``d_i^2 = s_i' R^-1 s_i``, over the median distance. R is shrunk towards no correlation, by the number
        of figures over that of runs and figures. NaN where a figure is not known, and with fewer runs than twice the
        figures.
        """
        judged = [key for key in self.values if self.figures[key].side and self.values[key].nunique() > 2]
        values = self.values[judged].dropna(axis=1, thresh=max(FEWEST, len(self.values) // 2)).dropna()
        n, p = values.shape
        out = np.full(len(self.values), np.nan)
        if n < 2 * p or p < 2:
            return out
        scores = ndtri((values.rank().to_numpy() - 0.5) / n)
        share = p / (p + n)
        correlation = (1 - share) * np.corrcoef(scores.T) + share * np.eye(p)
        size = np.sqrt(np.einsum("ij,ij->i", scores, np.linalg.solve(correlation, scores.T).T))
        out[self.values.index.get_indexer(values.index)] = size / np.median(size)
        return out

    @cached_property
    def apart(self) -> np.ndarray:
        """Which runs are unusual by their figures taken together, shape (n_runs,)."""
        known = self.distance[np.isfinite(self.distance)]
        spread = MAD * np.median(np.abs(known - 1)) if known.size else np.nan
        return np.nan_to_num(self.distance) > 1 + max(np.nan_to_num(FAR * spread), 0.5)

    @cached_property
    def said_of_all(self) -> tuple[tuple[str, ...], ...]:
        """Sentences about what is unusual of each run, as `said` gives them; none for most."""
        odd = self.unusual.to_numpy().any(axis=1) | self.apart
        return tuple(tuple(self.said(i)) if odd[i] else () for i in range(len(self.names)))

    def said(self, i: int | str) -> list[str]:
        """Sentences about what is unusual of a run, by its number or name; the most serious first.

        Raises
        ------
        InputError
            If there is no such run.
        """
        i = row_of(self.names, i)
        keys = [key for key in self.values if self.unusual.loc[i, key]]
        grave = {key: self.figures[key].is_grave(self.values.loc[i, key]) for key in keys}
        keys.sort(key=lambda key: (not grave[key], -abs(self.z.loc[i, key])))
        said = [self.figures[key].said(self.values.loc[i, key], self.usual[key]) for key in keys]
        if self.apart[i]:
            said.append(
                f"Its figures are an unusual combination: they lie {self.distance[i]:.1f} times as far from the "
                "others' as those of most runs"
            )
        return said


def qc_of(answer: StudyAnswer, rows: Sequence[StudyRun], place: tuple[float, float, float] | None = None) -> QCTable:
    """Figures of all runs under the model and the contrast of an answer.

    Parameters
    ----------
    answer : StudyAnswer
    rows : sequence of StudyRun
    place : (float, float, float), optional
        In mm: where effect and z of each run are wanted.

    Returns
    -------
    QCTable
    """
    seen = seen_of(answer, rows, place)
    together = seen[0].together
    of_fits = _of_fits(answer, seen)
    together.prepare_maps()
    of_contrast = side_by_side(lambda one: figures_of(one, of_contrast=True), seen)
    found = [fits | contrast for fits, contrast in zip(of_fits, of_contrast, strict=True)]
    return QCTable(pd.DataFrame(found, columns=list(FIGURES)), tuple(row.name for row in rows))


def _of_fits(answer: StudyAnswer, seen: Sequence[Seen]) -> list[dict[str, float]]:
    """Figures that no contrast changes; kept with the fits for the next one."""
    of = [*(one.of for one in seen), *FIGURES.values()]
    known, values = answer.of_fits.get("figures", ((), ()))
    if len(known) == len(of) and all(a is b for a, b in zip(known, of, strict=True)):
        return values
    seen[0].together.prepare_fits()
    values = side_by_side(lambda one: figures_of(one, of_contrast=False), seen)
    answer.of_fits["figures"] = of, values
    return values
