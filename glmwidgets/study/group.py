"""The group's map from the runs' contrasts: fixed effects within participants first, then between them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from glmwidgets.glm.errors import InputError
from glmwidgets.glm.fit.contrasts import Contrast, fixed_effects
from glmwidgets.glm.group.fit import GroupFit, fit_group, group_contrast
from glmwidgets.glm.group.influence import Influence, leverage, map_distances, map_influence
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.glm.permutation.tests import permutation_test
from glmwidgets.runs.domain import Domain
from glmwidgets.study.cells import CellGrid


@dataclass(frozen=True, eq=False)
class GroupMap:
    """What the participants of a study say together.

    Attributes
    ----------
    expression : str
        The contrast within runs.
    domain : Domain
        Cells, or voxels, that all runs have.
    subjects : tuple of str
        Participants, in the order of `values`.
    runs : tuple of tuple of int
        Rows of the study that each participant's values are made of.
    values : array of shape (n_subjects, n_cells)
        Effect of each participant: the mean over the runs.
    fit : GroupFit
        Of one mean, or of the design that was given.
    contrast : Contrast
    z : array of shape (n_cells,)
    """

    expression: str
    domain: Domain
    subjects: tuple[str, ...]
    runs: tuple[tuple[int, ...], ...]
    values: np.ndarray = field(repr=False)
    fit: GroupFit = field(repr=False)
    contrast: Contrast = field(repr=False)
    z: np.ndarray = field(repr=False)

    @cached_property
    def influence(self) -> Influence:
        """How far each participant's map is from the others', and how much it weighs."""
        return map_influence(map_distances(self.values), self.fit.design.to_numpy(dtype=float))

    def permuted(
        self,
        n_perm: int = 10_000,
        *,
        two_sided: bool = True,
        forming: float | None = None,
        tfce: bool = False,
        seed: int | None = None,
        cancel: threading.Event | None = None,
    ) -> PermutationResult:
        """Test the group's effect by permutation: the signs of the participants' maps are flipped.

        Runs of a participant are combined first and flipped together; see
        `glmwidgets.glm.permutation.tests.iter_permutations`.

        Parameters
        ----------
        n_perm : int
            Rearrangements; all of them where there are no more than that.
        two_sided : bool
        forming : float, optional
            An uncorrected p value: clusters of cells below it are tested by size and mass, too.
        tfce : bool
            Test threshold-free cluster enhancement, too.
        seed : int, optional
        cancel : threading.Event, optional
            Ends it when it is set.

        Returns
        -------
        PermutationResult
            ``p_value("t")`` is corrected for the whole map, one a cell or voxel of ``domain``.
        """
        design = self.fit.design.to_numpy(dtype=float)
        return permutation_test(
            self.values,
            design,
            np.eye(1, design.shape[1])[0],
            n_perm=n_perm,
            two_sided=two_sided,
            mask=self.domain.mask,
            threshold=forming,
            tfce=tfce,
            seed=seed,
            cancel=cancel,
        )

    def volume(self, what: str = "z") -> np.ndarray:
        """Volume of ``z`` or ``effect``, float32, NaN outside."""
        values = self.z if what == "z" else self.contrast.effect[0]
        return self.domain.fill(values.astype(np.float32), np.nan)

    def without(self, cell: int) -> tuple[np.ndarray, np.ndarray]:
        """The group's effect and its t at a cell with each participant left out in turn, two arrays (n_subjects,).

        In closed form (Belsley, Kuh and Welsch 1980, Regression Diagnostics, chapter 2): with the residual e of a
        participant and its leverage h, leaving it out moves the coefficients by ``(X'X)⁻¹ x e / (1 - h)``. NaN where
        the others do not determine the effect.
        """
        fit, of_effect = self.fit, self.fit.to_columns[0]
        weight, left = fit.basis @ of_effect, 1 - leverage(fit.design)
        residual, dof = self.values[:, cell] - fit.basis @ fit.theta[:, cell], fit.dof - 1
        with np.errstate(divide="ignore", invalid="ignore"):
            left = np.where(left > 1e-12, left, np.nan)
            effect = of_effect @ fit.theta[:, cell] - weight * residual / left
            variance = (fit.dof * fit.spread[cell] - residual**2 / left) / (dof if dof > 0 else np.nan)
            return effect, effect / np.sqrt(variance * (of_effect @ of_effect + weight**2 / left))

    def said_without(self, row: int, cell: int) -> str:
        """The group's effect at the crosshair with and without a run's participant, in words; empty if it is left out.

        Parameters
        ----------
        row : int
            Of the study.
        cell : int
            In the order of `values`.

        Returns
        -------
        str
        """
        place = next((i for i, rows in enumerate(self.runs) if row in rows), None)
        if place is None:
            return ""
        effect, t = self.without(cell)
        now = f"{self.contrast.effect[0, cell]:.3g} (t {float(self.contrast.stat()[cell]):.3g})"
        runs = f", all {len(self.runs[place])} runs," if len(self.runs[place]) > 1 else ""
        others = f"{effect[place]:.3g} (t {t[place]:.3g})"
        return (
            f"at the crosshair the group's effect is {now}; without participant {self.subjects[place]}{runs} {others}"
        )


def participants_of(
    contrasts: Sequence[Contrast], subjects: Sequence[str], rows: Sequence[int]
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...], list[Contrast]]:
    """Combine the runs of each participant, of the same voxels, by fixed effects; participants are sorted."""
    labels = tuple(sorted(set(subjects)))
    of = {label: [i for i, subject in enumerate(subjects) if subject == label] for label in labels}
    combined = [
        contrasts[places[0]] if len(places) == 1 else fixed_effects([contrasts[i] for i in places])
        for places in of.values()
    ]
    return labels, tuple(tuple(rows[i] for i in places) for places in of.values()), combined


def group_map(
    contrasts: Sequence[Contrast],
    grids: Sequence[CellGrid],
    cells: Sequence[np.ndarray],
    subjects: Sequence[str],
    rows: Sequence[int],
    expression: str,
    design: pd.DataFrame | None = None,
) -> GroupMap:
    """The group's map of contrasts on the cells of a common grid: those that all runs have.

    Parameters
    ----------
    contrasts : sequence of Contrast
        One a run, of one row.
    grids : sequence of CellGrid
    cells : sequence of int arrays
        Numbers of each run's cells.
    subjects, rows, expression, design
        As in `group_of`.

    Returns
    -------
    GroupMap

    Raises
    ------
    InputError
        If the runs are not in one space, or as `group_of` does.
    """
    _check(contrasts, subjects, expression)
    if not all(grid.space and grid.same(grids[0]) for grid in grids):
        raise InputError(
            "the runs are not in one standard space, so that their maps cannot be laid over each other",
            advice="take the preprocessed runs of one template: space=, as in the names of their files",
        )
    common = np.bincount(np.concatenate(cells), minlength=grids[0].size) == len(cells)
    if not common.any():
        raise InputError("no cell is in the masks of all runs: look at the runs that cover little of the brain")
    on = [contrast.at(common[own]) for contrast, own in zip(contrasts, cells, strict=True)]
    return group_of(on, grids[0].domain(np.flatnonzero(common)), subjects, rows, expression, design)


def group_of(
    contrasts: Sequence[Contrast],
    domain: Domain,
    subjects: Sequence[str],
    rows: Sequence[int],
    expression: str,
    design: pd.DataFrame | None = None,
) -> GroupMap:
    """The group's map of contrasts on the same voxels.

    Parameters
    ----------
    contrasts : sequence of Contrast
        One a run, of one row.
    domain : Domain
        The voxels.
    subjects : sequence of str
        Whose each run is.
    rows : sequence of int
        Rows of the study.
    expression : str
    design : DataFrame, optional
        One row a participant, sorted; one mean by default, and the test is of the first column.

    Returns
    -------
    GroupMap

    Raises
    ------
    InputError
        If it is an F contrast, or of fewer than two participants.
    """
    _check(contrasts, subjects, expression)
    labels, runs, combined = participants_of(contrasts, subjects, rows)
    values = np.stack([contrast.effect[0] for contrast in combined])
    design = pd.DataFrame({"intercept": np.ones(len(labels))}, index=list(labels)) if design is None else design
    fit = fit_group(values, design)
    contrast = group_contrast(fit, np.eye(1, design.shape[1]))
    return GroupMap(expression, domain, labels, runs, values, fit, contrast, contrast.z_score())


def too_few(subjects: Sequence[str], expression: str, why_not: Sequence[str] = ()) -> InputError:
    """The error of a group with fewer than two participants, and the first reason why a run is not in it.

    Examples
    --------
    >>> print(too_few(["01"], "a - b", ["", "sub-02 has no b"]))
    a group needs two participants or more, but 1 can estimate 'a - b': sub-02 has no b
    """
    n, why = len(set(subjects)), next(filter(None, why_not), "")
    said = "a group needs two participants or more, but"
    if why:
        return InputError(f"{said} {n} can estimate {expression!r}: {why}")
    return InputError(f"{said} {'only one' if n else 'none'} is in it")


def _check(contrasts: Sequence[Contrast], subjects: Sequence[str], expression: str) -> None:
    if len(set(subjects)) < 2:
        raise too_few(subjects, expression)
    if any(contrast.dim > 1 for contrast in contrasts):
        raise InputError("an F contrast has no direction that a group could share: ask for one of its rows")
