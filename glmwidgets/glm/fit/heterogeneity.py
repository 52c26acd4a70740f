"""Whether runs agree on an effect, and their combination with weights by precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.fit.contrasts import DOF_METHODS, Contrast, summed_dof, with_dofs


class Heterogeneity(NamedTuple):
    """How far estimates of one effect lie apart.

    Attributes
    ----------
    q : float
        Cochran's ``Q = sum(w_r (b_r - b)^2)`` with ``w_r = 1 / v_r`` and b their weighted mean.
    dof : int
        Number of estimates less one.
    p : float
        Of a Q at least as large, if all are estimates of one effect.
    i_square : float
        Share of the scatter that is beyond what the variances explain, ``max(0, (Q - dof) / Q)``.

    Examples
    --------
    >>> heterogeneity(np.array([1.0, 2.0, 9.0]), np.ones(3)).dof
    2
    """

    q: float
    dof: int
    p: float
    i_square: float


def heterogeneity(effects: Sequence[float], variances: Sequence[float]) -> Heterogeneity:
    """Test whether several estimates can be of one effect.

    Parameters
    ----------
    effects, variances : sequence of float
        One a run; at least two, with variances above zero.

    Returns
    -------
    Heterogeneity

    Raises
    ------
    ValueError
        If there are fewer than two, or a variance is not positive.

    Notes
    -----
    Cochran 1954, Biometrics 10:101; Higgins & Thompson 2002, Statistics in Medicine 21:1539. The variances are taken
    as known, which runs of a hundred scans come close to.

    Examples
    --------
    >>> [round(float(value), 4) for value in heterogeneity([1.0, 3.0], [1.0, 1.0])]
    [2.0, 1.0, 0.1573, 0.5]
    """
    b, v = np.asarray(effects, dtype=float), np.asarray(variances, dtype=float)
    if b.size < 2 or b.shape != v.shape or not (v > 0).all():
        raise ValueError("at least two effects are needed, each with a variance above zero")
    weights = 1 / v
    q = float(np.sum(weights * (b - np.sum(weights * b) / weights.sum()) ** 2))
    dof = b.size - 1
    return Heterogeneity(q, dof, float(chdtrc(dof, q)), max(0.0, (q - dof) / q) if q > 0 else 0.0)


def precision_weighted(contrasts: Sequence[Contrast], dof_method: str = "satterthwaite") -> Contrast:
    """Combine the same effect of several independent runs, each weighted by the inverse of its variance.

    With ``w_r = 1 / v_r`` and ``p_r = w_r / sum(w)``: ``effect = sum(p_r b_r)``. As the weights are estimates, of d_r
    degrees of freedom each, the variance is ``(1 + 4 sum[p_r (1 - p_r) / (d_r - 4)]) / sum(w)`` and the degrees of
    freedom are ``1 / sum(p_r^2 / d_r)`` (Meier 1953, Biometrics 9:59, who divides by d_r; 1 / v_r scatters by d_r - 4).
    Nothing is said of a voxel of which one of the runs says nothing.

    Parameters
    ----------
    contrasts : sequence of Contrast
        One a run, of one row each.
    dof_method : {"satterthwaite", "sum"}
        ``"sum"`` takes the weights for known: the variance is ``1 / sum(w)``, with the sum of the runs' degrees of
        freedom. It finds too much over short runs, and is what version 0.1 did.

    Returns
    -------
    Contrast

    Raises
    ------
    ValueError
        If there is none, or they have several rows, or differ in kind or number of voxels, or `dof_method` is unknown.

    Examples
    --------
    >>> runs = [Contrast(np.array([[b]]), np.array([[[v]]]), 50.0) for b, v in ((2.0, 1.0), (4.0, 3.0))]
    >>> both = precision_weighted(runs)
    >>> float(both.effect[0, 0]), float(both.covariance[0, 0, 0].round(4)), both.dof
    (2.5, 0.7745, 80.0)
    """
    check_choice("dof_method", dof_method, DOF_METHODS)
    if not contrasts:
        raise ValueError("no run to combine")
    if len({(c.stat_type, c.effect.shape) for c in contrasts}) > 1:
        raise ValueError("the runs' contrasts differ in kind, number of rows or number of voxels")
    if contrasts[0].dim > 1:
        raise ValueError(
            f"only effects of one row can be weighted by precision, and this F test has {contrasts[0].dim}: "
            "weight the runs equally"
        )
    known = np.logical_and.reduce([c.known for c in contrasts])
    v = np.where(known, [c.surest_variance() for c in contrasts], 1.0)
    effect, variance, dofs = weighed_by_precision(
        np.array([c.effect[0] for c in contrasts]),
        v,
        np.array([np.broadcast_to(c.own_dof, v.shape[1]) for c in contrasts]),
    )
    if dof_method == "sum":
        variance = 1 / np.sum(1 / v, axis=0)
    effect, variance = np.where(known, effect, 0.0), np.where(known, variance, 0.0)
    combined = summed_dof(contrasts, effect[np.newaxis], variance[np.newaxis, np.newaxis])
    return combined if len(contrasts) == 1 or dof_method == "sum" else with_dofs(combined, dofs)


def weighed_by_precision(b: np.ndarray, v: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effect, variance and degrees of freedom as `precision_weighted` says, each of shape (n_voxels,).

    Parameters
    ----------
    b, v : arrays of shape (n_runs, n_voxels)
    d : array of shape (n_runs, 1) or (n_runs, n_voxels)
    """
    total = np.sum(1 / v, axis=0)
    share = 1 / v / total
    uncertain = 1 + 4 * (share * (1 - share) / np.maximum(d - 4, 1)).sum(axis=0)
    return np.sum(b / v, axis=0) / total, uncertain / total, 1 / (np.square(share) / d).sum(axis=0)
