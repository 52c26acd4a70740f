"""What a permutation test has found so far: observed maps, null distributions of their largest values, corrected p."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.permutation.p_values import uncorrected_p
from glmwidgets.glm.permutation.true_discoveries import calibrated_line, permuted_true_discoveries

# Null values closer to the observed one than this share of it are ties; the sums that are computed in single
# precision differ by more than those in double.
TIES = {"t": 1e-9, "f": 1e-9, "size": 1e-9, "mass": 1e-5, "tfce": 1e-5}

# An effect that is zero but for rounding ties with another such one: values that differ by less than this share of the
# largest of all.
ROUNDING = 1e-12


@dataclass(frozen=True)
class PermutationResult:
    """Observed maps and null distributions of their maxima, as far as they have been computed.

    Attributes
    ----------
    observed : dict of str to array of shape (n_voxels,)
        Maps of the statistics: "t" (or "f"), and if asked for "size", "mass" and "tfce".
    null : dict of str to array of shape (n_done,)
        Maximum over the map of each statistic, for every rearrangement done. Absolute values if two-sided.
    n_perm : int
        Rearrangements that the test consists of.
    scheme : {"sign_flip", "permutation"}
    exact : bool
        Whether these are all the rearrangements there are.
    two_sided : bool
    dof : int
    height : float or None
        Cluster-forming threshold, in units of the statistic.
    lines : array of shape (n_done,) or None
        `glmwidgets.glm.permutation.true_discoveries.largest_line` of every rearrangement done, if asked for.
    observed_line : float
        Of the data as they are.
    n_tested : int
        Directions that are tested: 1 of a t.
    """

    observed: dict[str, np.ndarray]
    null: dict[str, np.ndarray]
    n_perm: int
    scheme: str
    exact: bool
    two_sided: bool
    dof: int
    height: float | None
    lines: np.ndarray | None = None
    observed_line: float = math.inf
    n_tested: int = 1

    @property
    def n_done(self) -> int:
        """Rearrangements done so far."""
        return len(next(iter(self.null.values())))

    @property
    def complete(self) -> bool:
        """Whether all rearrangements are done; False for a running or a cancelled test."""
        return self.n_done == self.n_perm

    @cached_property
    def _sorted_null(self) -> dict[str, np.ndarray]:
        return {name: np.sort(values) for name, values in self.null.items()}

    def p_value(self, name: str) -> np.ndarray:
        """Family-wise corrected p value of every voxel, shape (n_voxels,), for a statistic that was tested."""
        check_choice("a statistic that was tested", name, self.observed)
        value = np.abs(self.observed[name]) if self.two_sided else self.observed[name]
        null = self._sorted_null[name]
        largest = max(np.abs(value).max(initial=0), np.abs(null).max(initial=0))
        slack = np.maximum(TIES[name] * np.abs(value), ROUNDING * largest)
        below = np.searchsorted(null, value - slack, side="left")
        return (1 + self.n_done - below) / (1 + self.n_done)

    def logp(self, name: str) -> np.ndarray:
        """Minus log10 of `p_value`; at most ``log10(1 + n_done)``."""
        return -np.log10(self.p_value(name))

    def true_discoveries(self, labels: ArrayLike, alpha: float = 0.05) -> np.ndarray:
        """Lower bound on the share of each cluster's voxels that is surely active, whatever clusters are looked at.

        Parameters
        ----------
        labels : array-like of int, shape (n_voxels,)
            0 outside clusters, 1..n in them: of any choice, also one made after seeing the map.
        alpha : float
            All bounds together fail with at most this probability.

        Returns
        -------
        array of shape (n,)

        Raises
        ------
        ValueError
            If the test was made without ``true_discoveries=True``.

        Examples
        --------
        >>> from glmwidgets.glm.permutation import permutation_test
        >>> rng = np.random.default_rng(0)
        >>> maps = rng.standard_normal((20, 300)) + np.repeat([1.5, 0], [60, 240])
        >>> result = permutation_test(maps, np.ones((20, 1)), [1], n_perm=500, true_discoveries=True, seed=0)
        >>> result.true_discoveries(np.repeat([1, 2], [60, 240])).round(2)
        array([0.85, 0.  ])
        """
        if self.lines is None:
            raise InputError(
                "true discoveries were not asked for", advice={"function": "test with true_discoveries=True"}
            )
        labels = np.asarray(labels)
        inside = np.flatnonzero(labels)
        stat = next(iter(self.observed.values()))[inside]
        p = uncorrected_p(stat, self.dof, self.n_tested, "t" in self.observed, self.two_sided)
        line = calibrated_line(self.lines, self.observed_line, alpha)
        return permuted_true_discoveries(p, labels[inside] - 1, line, labels.size)

    def cutoff(self, name: str, alpha: float = 0.05) -> float:
        """Value that a statistic has to exceed to be significant at a family-wise error of alpha.

        It is infinite while there are too few rearrangements for a p of alpha.
        """
        check_choice("a statistic that was tested", name, self.observed)
        rank = math.floor(alpha * (1 + self.n_done) * (1 + 1e-12))
        return float(self._sorted_null[name][-rank]) if 0 < rank <= self.n_done else math.inf
