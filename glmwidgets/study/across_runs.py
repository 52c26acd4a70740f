"""Comparison of runs: the maps of each with those of the other participants, cell by cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.whiteness import Whiteness
from glmwidgets.runs.run import Run
from glmwidgets.study.index import StudyRun
from glmwidgets.study.refit import RunRefit, StudyAnswer

# t values beyond this weigh no more: a single vein does not tell how alike two maps are.
MOST_T = 8.0

# Distance in mm from a chosen place within which cells count.
NEAR = 10.0

# Places that a comparison of maps is made of at least.
FEWEST = 20

# Scans by which the events are moved to and fro to find how late a run is.
LAGS = np.arange(-3, 4)

# Cells that answer most, by which that is looked for.
N_RESPONSIVE = 300


def likeness(own: np.ndarray, others: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Cosine of the angle between two maps, over the tenth of the places where that of the others is largest.

    Parameters
    ----------
    own, others : arrays of one shape
        NaN for no value.
    weight : array of that shape, optional
        By which the places are chosen; the size of `others` by default.

    Returns
    -------
    float
        From -1 to 1, 0 for maps that have nothing to do with each other; NaN with fewer than `FEWEST` places.

    Examples
    --------
    >>> map_ = np.linspace(-1, 3, 400)
    >>> likeness(map_, map_), likeness(-2 * map_, map_), likeness(map_[:5], map_[:5])
    (1.0, -1.0, nan)
    """
    there = np.isfinite(own) & np.isfinite(others)
    if there.sum() < FEWEST:
        return float("nan")
    a, b = own[there], others[there]
    size = np.abs(b) if weight is None else weight[there]
    n = max(FEWEST, there.sum() // 10)
    best = np.argpartition(-size, n - 1)[:n]
    a, b = a[best], b[best]
    length = np.sqrt((a @ a) * (b @ b))
    return float(np.clip(a @ b / length, -1, 1)) if length > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class Seen:
    """What is seen of one run in its study: what figures are computed of.

    Attributes
    ----------
    index : int
        Row of the study.
    of : StudyRun
    part : RunRefit
    contrast : Contrast or None
        Of the question that is asked.
    expression : str
    together : Together or None
        The other runs; None of a run that is seen by itself, with all its voxels.
    whiteness : Whiteness or None
        Of the residuals, where they were tested.
    """

    index: int
    of: StudyRun
    part: RunRefit
    contrast: Contrast | None
    expression: str
    together: Together | None
    whiteness: Whiteness | None = None

    @property
    def run(self) -> Run | None:
        """Its events, confounds and clock; None where they cannot be read."""
        return self.part.run


class Together:
    """The maps of all runs on the cells that at least half of them have; NaN where a run has none.

    Parameters
    ----------
    answer : StudyAnswer
        Of a study whose runs are in one space; otherwise `is_possible` is False and nothing can be compared.
    place : (float, float, float), optional
        In mm: where a person wants to know effect and z of each run.
    """

    def __init__(self, answer: StudyAnswer, place: tuple[float, float, float] | None = None):
        self.answer, self.place = answer, place
        previews = [part.preview for part in answer.parts]
        there = [i for i, preview in enumerate(previews) if preview is not None]
        grids = [previews[i].grid for i in there]
        # Runs elsewhere are compared with nothing: they are told by their input.
        self.rows = [i for i, grid in zip(there, grids, strict=True) if grid.space and grid.same(grids[0])]
        self.is_possible = len({answer.subjects[i] for i in self.rows}) > 2
        if not self.is_possible:
            return
        self.grid = grids[0]
        self._cells = {i: np.asarray(previews[i].cells) for i in self.rows}
        counts = np.bincount(np.concatenate(list(self._cells.values())), minlength=self.grid.size)
        self.cells = np.flatnonzero(2 * counts >= len(self.rows))
        self._place = np.full(self.grid.size, -1)
        self._place[self.cells] = np.arange(self.cells.size)

    @cached_property
    def all_conditions(self) -> tuple[str, ...]:
        """Event types that at least half of the runs have, sorted."""
        kinds = [set(part.run.conditions) for part in self.answer.parts if part.run is not None]
        return tuple(sorted(k for k in set().union(*kinds) if 2 * sum(k in each for each in kinds) >= len(kinds)))

    def prepare_fits(self) -> None:
        """Make what figures of the fits share, before several threads ask for it."""
        if self.is_possible:
            _ = self.other_stats, self.other_effects, self.usual_signal, self.mirrored
        _ = self.all_conditions

    def prepare_maps(self) -> None:
        """Make what figures of the contrast share, before several threads ask for it."""
        if self.is_possible:
            _ = self.others, self.spread

    # Values of all runs on the same cells -----------------------------------------------------------------------------

    def on_all(self, i: int, values: np.ndarray) -> np.ndarray:
        """Values of a run's own cells, (..., n_cells), on the common ones."""
        out = np.full((*values.shape[:-1], self.cells.size), np.nan, np.float32)
        place = self._place[self._cells[i]]
        out[..., place[place >= 0]] = values[..., place >= 0]
        return out

    def at_place(self, i: int) -> np.ndarray:
        """Numbers of a run's cells whose centres are within `NEAR` of the place; none where there is no place."""
        preview = self.answer.parts[i].preview
        if self.place is None or preview is None:
            return np.zeros(0, np.intp)
        return np.flatnonzero(np.linalg.norm(preview.domain.points - self.place, axis=1) <= NEAR)

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """Effects that are modelled in any of the runs, sorted."""
        return tuple(sorted({name for i in self.rows for name in self._effects(i)}))

    def _effects(self, i: int) -> dict[str, tuple[str, ...]]:
        fitted = self.answer.parts[i].fitted
        return {} if fitted is None else fitted.effects

    @cached_property
    def _of_conditions(self) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        """Of each run: effect and t of each condition, (n_conditions, n_cells)."""
        found = {}
        for i in self.rows:
            effects = np.full((len(self.conditions), self._cells[i].size), np.nan)
            stats = effects.copy()
            for row, name in enumerate(self.conditions):
                contrast = self._condition(i, name)
                if contrast is not None:
                    effects[row], stats[row] = contrast.effect[0], np.clip(contrast.stat(), -MOST_T, MOST_T)
            found[i] = self.on_all(i, effects), self.on_all(i, stats)
        return found

    def _condition(self, i: int, name: str) -> Contrast | None:
        """The first column of a condition, or the mean of its delays."""
        columns = self._effects(i).get(name, ())
        fit = self.answer.parts[i].fit
        if not columns or fit is None:
            return None
        delayed = all("_delay_" in column for column in columns)
        weights = np.isin(fit.columns, columns if delayed else columns[:1]) / (len(columns) if delayed else 1)
        try:
            return compute_contrast(fit, weights)
        except ValueError:
            return None

    def _others(self, kept: dict[int, np.ndarray]) -> dict[int, np.ndarray]:
        """Of each run: the mean of the other participants' runs, of arrays of one shape with NaN for nothing."""
        total = np.sum([np.nan_to_num(values) for values in kept.values()], axis=0)
        count = np.sum([np.isfinite(values) for values in kept.values()], axis=0)
        found = {}
        subjects = self.answer.subjects
        for label in {subjects[i] for i in kept}:
            own = [i for i in kept if subjects[i] == label]
            rest = total - np.sum([np.nan_to_num(kept[i]) for i in own], axis=0)
            n = count - np.sum([np.isfinite(kept[i]) for i in own], axis=0)
            mean = np.divide(rest, n, out=np.full(rest.shape, np.nan), where=n > 0)
            found |= dict.fromkeys(own, mean)
        return found

    @cached_property
    def maps(self) -> dict[int, np.ndarray]:
        """T of the question in each run that can answer it, one row."""
        contrasts = self.answer.contrasts
        can = [i for i in self.rows if contrasts[i] is not None and contrasts[i].dim == 1]
        return {i: self.on_all(i, np.clip(contrasts[i].stat(), -MOST_T, MOST_T)) for i in can}

    @cached_property
    def others(self) -> dict[int, np.ndarray]:
        """Mean of `maps` over the other participants."""
        return self._others(self.maps)

    @cached_property
    def spread(self) -> np.ndarray:
        """SD of `maps` over runs."""
        if len(self.maps) < 2:
            return np.full(self.cells.size, np.nan)
        return np.nanstd(np.stack(list(self.maps.values())), axis=0, ddof=1)

    @cached_property
    def stats(self) -> dict[int, np.ndarray]:
        """T of every condition, (n_conditions, n_cells)."""
        return {i: stats for i, (_, stats) in self._of_conditions.items()}

    @cached_property
    def other_stats(self) -> dict[int, np.ndarray]:
        """Mean of `stats` over the other participants."""
        return self._others(self.stats)

    @cached_property
    def other_effects(self) -> dict[int, np.ndarray]:
        """Mean effect of every condition over the other participants."""
        return self._others({i: effects for i, (effects, _) in self._of_conditions.items()})

    @cached_property
    def signals(self) -> dict[int, np.ndarray]:
        """Mean signal of each run's cells, over its median."""
        found = {}
        for i in self.rows:
            mean = self.answer.parts[i].preview.mean
            found[i] = self.on_all(i, mean / np.median(mean))
        return found

    @cached_property
    def usual_signal(self) -> np.ndarray:
        """Median of `signals` over runs."""
        return np.nanmedian(np.stack(list(self.signals.values())), axis=0)

    @cached_property
    def mirrored(self) -> np.ndarray:
        """Place of the cell on the other side; -1 where there is none."""
        return self._place[self.grid.mirrored(self.cells)]

    def sides(self, values: np.ndarray) -> np.ndarray:
        """Values less those of the other side, (..., n_cells); NaN where there is none."""
        there = self.mirrored >= 0
        return np.where(there, values - values[..., self.mirrored], np.nan)

    # How late ---------------------------------------------------------------------------------------------------------

    def lateness(self, i: int) -> float:
        """Seconds by which a run's answer comes later than the other participants' responses say.

        In the cells that answer most, the series less their nuisance are correlated with what the other participants'
        mean effects make of the run's own design, moved to and fro by whole scans; the peak is that of a parabola.
        """
        part = self.answer.parts[i]
        if part.fitted is None or i not in self.other_effects:
            return float("nan")
        effects, columns = self.other_effects[i], list(part.fit.columns)
        strength = np.nansum(np.square(self.other_stats[i]), axis=0)
        own = self._place[self._cells[i]]
        best = np.argsort(-np.where(own >= 0, strength[own], -1), kind="stable")[:N_RESPONSIVE]
        names = [name for name in self.conditions if self._effects(i).get(name)]
        rows = [self.conditions.index(name) for name in names]
        task = [columns.index(self._effects(i)[name][0]) for name in names]
        of_task = {column for name in names for column in self._effects(i)[name]}
        nuisance = part.fit.basis.x[:, [j for j, name in enumerate(columns) if name not in of_task]]
        y = part.fit.moments.block(best).astype(np.float64)
        expected = part.fit.basis.x[:, task], np.nan_to_num(effects[rows][:, own[best]])
        basis = np.linalg.qr(nuisance)[0]
        y -= basis @ (basis.T @ y)
        scores = np.array([_alike(y, *expected, basis, lag) for lag in LAGS])
        peak = int(np.argmax(scores))
        shift = float(LAGS[peak])
        if 0 < peak < LAGS.size - 1:
            a, b, c = scores[peak - 1 : peak + 2]
            shift += float(0.5 * (a - c) / (a - 2 * b + c))
        return shift * float(part.fitted.t_r)


def _alike(y: np.ndarray, task: np.ndarray, effects: np.ndarray, basis: np.ndarray, lag: int) -> float:
    """Correlation over cells and scans of series with what is expected, moved later by some scans.

    What is expected, ``task @ effects`` less its part in the orthonormal `basis`, is not formed: the series have no
    part there, so that products with the few moved columns say the same.
    """
    moved = np.roll(task, lag, axis=0)
    if lag > 0:
        moved[:lag] = 0
    elif lag < 0:
        moved[lag:] = 0
    squares = ((moved.T @ moved) @ effects * effects).sum() - np.square((basis.T @ moved) @ effects).sum()
    size = np.sqrt(max(squares, 0.0) * np.square(y).sum())
    return float(((moved.T @ y) * effects).sum() / size) if size > 0 else 0.0


def seen_of(
    answer: StudyAnswer, rows: Sequence[StudyRun], place: tuple[float, float, float] | None = None
) -> list[Seen]:
    """What is seen of every run."""
    together = Together(answer, place)
    each = zip(rows, answer.parts, answer.contrasts, strict=True)
    return [Seen(i, of, part, contrast, answer.expression, together) for i, (of, part, contrast) in enumerate(each)]
