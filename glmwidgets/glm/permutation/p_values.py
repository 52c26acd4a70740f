"""Uncorrected p values of a permutation test's statistics, from their tables, and the way back."""

from __future__ import annotations

import numpy as np
from scipy.special import fdtrc, fdtri, stdtr, stdtrit

from glmwidgets.glm.fit.partition import Hypothesis


def uncorrected_p(stat: np.ndarray, dof: int, n_tested: int, is_t: bool, two_sided: bool) -> np.ndarray:
    """P values of t, one- or two-sided, or of F, from their tables."""
    if not is_t:
        return fdtrc(n_tested, dof, stat)
    return 2 * stdtr(dof, -np.abs(stat)) if two_sided else stdtr(dof, -stat)


def height_at(threshold: float, hypothesis: Hypothesis, two_sided: bool) -> float:
    """Value of the statistic whose uncorrected p value is the threshold."""
    if hypothesis.stat_type == "F":
        return float(fdtri(hypothesis.tested.shape[1], hypothesis.dof, 1 - threshold))
    return float(-stdtrit(hypothesis.dof, threshold / 2 if two_sided else threshold))


def check_forming(threshold: float | None) -> None:
    """Refuse a cluster-forming threshold that is no p value: a z score was meant, most likely."""
    if threshold is not None and not 0 < threshold < 0.5:
        raise ValueError(f"the cluster-forming threshold is a p value between 0 and .5, not {threshold!r}")
