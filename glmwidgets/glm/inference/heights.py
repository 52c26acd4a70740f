"""Inference on statistics: t, F, z, p and q turned into one another, and thresholds that control an error rate.

Adding a threshold is one function and one row in `THRESHOLDS`; the API, the panels and the documentation read that
table. A z score here is the standard normal score with the same upper-tail p value as the statistic it comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtr, fdtrc, fdtri, ndtr, ndtri, stdtr

from glmwidgets.glm.choices import Choices, check_choice
from glmwidgets.glm.inference.tails import z_of_thin_f, z_of_thin_t

__all__ = [
    "THRESHOLDS",
    "Threshold",
    "false_discovery_rate",
    "height_threshold",
    "p_from_f",
    "p_from_t",
    "p_from_z",
    "q_values",
    "z_from_f",
    "z_from_p",
    "z_from_t",
]

# A p value is held within these limits before it becomes a z score: |z| ends at 37.05 instead of infinity. Statistics
# whose p is below `THIN` become z scores by way of its logarithm, which has no such end.
P_MIN, P_MAX, THIN = 1e-300, 1 - 1e-16, 1e-290

MAX_DOF = 1e10  # from here on t is normal to double precision, and scipy's incomplete beta loses its way


# Conversions ----------------------------------------------------------------------------------------------------------


def p_from_z(z: ArrayLike, two_sided: bool = False) -> NDArray[np.float64]:
    """P value of z scores: ``P(Z > z)``, or ``P(|Z| > |z|)`` if two-sided.

    Parameters
    ----------
    z : array-like
    two_sided : bool

    Returns
    -------
    ndarray, float64, of the same shape

    Examples
    --------
    >>> p_from_z([0, 3.090232306167813]).round(6)
    array([0.5  , 0.001])
    """
    z = np.asarray(z, dtype=np.float64)
    return 2 * ndtr(-np.abs(z)) if two_sided else ndtr(-z)


def z_from_p(p: ArrayLike, two_sided: bool = False) -> NDArray[np.float64]:
    """Z score with this p value; the inverse of `p_from_z` (for two-sided p, the positive z).

    Parameters
    ----------
    p : array-like
        Clipped to [1e-300, 1 - 1e-16].
    two_sided : bool

    Returns
    -------
    ndarray, float64, of the same shape

    Examples
    --------
    >>> z_from_p([0.5, 0.001, 0]).round(3)
    array([ 0.  ,  3.09 , 37.047])
    """
    p = np.clip(np.asarray(p, dtype=np.float64), P_MIN, P_MAX)
    return 0.0 - ndtri(p / 2 if two_sided else p)


def p_from_t(t: ArrayLike, dof: ArrayLike) -> NDArray[np.float64]:
    """One-sided p value ``P(T > t)`` of Student's t.

    Parameters
    ----------
    t : array-like
    dof : float or array-like
        Degrees of freedom, positive.

    Returns
    -------
    ndarray, float64
    """
    return stdtr(_check_dof(dof), -np.asarray(t, dtype=np.float64))


def p_from_f(f: ArrayLike, q: int, dof: ArrayLike) -> NDArray[np.float64]:
    """P value ``P(F' > f)`` of the F distribution with `q` and `dof` degrees of freedom.

    Parameters
    ----------
    f : array-like
        Not negative.
    q : int
        Number of independent rows of the contrast.
    dof : float or array-like
        Degrees of freedom of the residuals, positive.

    Returns
    -------
    ndarray, float64
    """
    return fdtrc(q, _check_dof(dof), np.asarray(f, dtype=np.float64))


def z_from_t(t: ArrayLike, dof: ArrayLike) -> NDArray[np.float64]:
    """Z score with the same tail probability as Student's t.

    The smaller of the two tails is used, so that nothing is lost in either.

    Parameters
    ----------
    t : array-like
    dof : float or array-like
        Degrees of freedom, positive.

    Returns
    -------
    ndarray, float64
        Of the same sign as `t`; infinite only where `t` is.

    Notes
    -----
    Large arrays with one `dof` go through a polynomial: ``w = dof log(1 + t^2/dof)`` is nearly z^2 [1]_, and
    ``z / sqrt(w)`` as a function of w is so smooth that few terms give z to 1e-9.

    References
    ----------
    .. [1] Wallace, D. L. (1959). Bounds on normal approximations to Student's and the chi-square distributions.
       Annals of Mathematical Statistics 30, 1121-1130.

    Examples
    --------
    >>> z_from_t([0, 3, -3], dof=20).round(4)
    array([ 0.    ,  2.6933, -2.6933])
    """
    t, dof = np.asarray(t, dtype=np.float64), _check_dof(dof)
    if t.size < MANY or dof.ndim or dof < 3:
        return _exact_z_from_t(t, dof)

    def ratio(w: NDArray[np.float64]) -> NDArray[np.float64]:
        w = np.maximum(w, 1e-30)  # so that the ratio exists at w = 0
        return _exact_z_from_t(np.sqrt(dof * np.expm1(w / dof)), dof) / np.sqrt(w)

    w = t * t
    w /= dof
    np.log1p(w, out=w)
    w *= dof
    # 1370 is |z| = 37; below 1 the ratio would be a quotient of rounding errors at the nodes.
    top = np.clip(np.fmax.reduce(w, axis=None), 1.0, 1370.0)
    beyond = w > top
    np.minimum(w, top, out=w)
    z = _through_polynomial(ratio, w, 0.0, top)
    z *= np.sqrt(w, out=w)
    np.copysign(z, t, out=z)
    z[beyond] = _exact_z_from_t(t[beyond], dof)
    return z


def z_from_f(f: ArrayLike, q: int, dof: ArrayLike) -> NDArray[np.float64]:
    """Z score with the same upper-tail probability as F.

    An F test has no direction: z is negative where the effect is *smaller* than expected by chance (p > .5). Only
    large positive values speak against the hypothesis; threshold such a map one-sided.

    Parameters
    ----------
    f : array-like
        Not negative.
    q : int
        Number of independent rows of the contrast.
    dof : float or array-like
        Degrees of freedom of the residuals, positive.

    Returns
    -------
    ndarray, float64
        Above -37.05; infinite only where `f` is.

    Examples
    --------
    >>> z_from_f([1.5, 10.0], q=2, dof=100).round(4)
    array([0.7451, 3.6951])
    """
    f, dof = np.asarray(f, dtype=np.float64), _check_dof(dof)
    if f.size < MANY or dof.ndim:
        return _exact_z_from_f(f, q, dof)

    # log F takes the few values far down the lower tail, zero among them, out of the polynomial's range.
    bottom, largest = fdtri(q, dof, 1e-5), np.fmax.reduce(f, axis=None)
    if not bottom < largest < np.inf:
        return _exact_z_from_f(f, q, dof)
    below = f < bottom
    x = np.log(np.maximum(f, bottom))
    z = _through_polynomial(lambda x: _exact_z_from_f(np.exp(x), q, dof), x, np.log(bottom), np.log(largest))
    z[below] = _exact_z_from_f(f[below], q, dof)
    return z


def _check_dof(dof: ArrayLike) -> NDArray[np.float64]:
    dof = np.asarray(dof, dtype=np.float64)
    if not (dof > 0).all():
        raise ValueError(
            f"degrees of freedom must be positive, not {np.min(dof):g}: more scans than columns are needed"
        )
    return np.minimum(dof, MAX_DOF)


def _exact_z_from_t(t: NDArray[np.float64], dof: NDArray[np.float64]) -> NDArray[np.float64]:
    size = np.abs(t)
    p = stdtr(dof, -size)
    z, thin = z_from_p(p), p < THIN
    if thin.any():
        z = np.asarray(z)
        z[thin] = z_of_thin_t(size[thin], np.broadcast_to(dof, size.shape)[thin])
    return np.copysign(z, t)


def _exact_z_from_f(f: NDArray[np.float64], q: int, dof: NDArray[np.float64]) -> NDArray[np.float64]:
    p = fdtrc(q, dof, f)
    z, thin = np.where(f > fdtri(q, dof, 0.5), z_from_p(p), -z_from_p(fdtr(q, dof, f))), p < THIN
    if thin.any():
        z[thin] = z_of_thin_f(f[thin], q, np.broadcast_to(dof, f.shape)[thin])
    return z


MANY = 2048  # below this many values the special functions themselves are as quick as a polynomial

TOLERANCE = 1e-11


def _through_polynomial(
    function: Callable[[NDArray], NDArray], x: NDArray[np.float64], low: float, high: float, halvings: int = 3
) -> NDArray[np.float64]:
    """Evaluate a smooth function at many points of [low, high] through its Chebyshev interpolants.

    An interpolant is compared with the function between its nodes. Where it is not accurate enough, the interval is
    halved; where few points are left, or nothing helps, the function itself is evaluated.
    """
    if x.size < MANY:
        return function(x)
    middle, half = (high + low) / 2, (high - low) / 2
    for n_terms in (16, 32):
        series = chebyshev.chebinterpolate(lambda s: function(middle + half * s), n_terms - 1)
        between = chebyshev.chebpts1(4 * n_terms)
        if np.abs(_horner(between, series) - function(middle + half * between)).max() < TOLERANCE:
            return _horner((x - middle) / half, series)
    if not halvings:
        return function(x)
    value, upper = np.empty_like(x), x > middle
    value[upper] = _through_polynomial(function, x[upper], middle, high, halvings - 1)
    value[~upper] = _through_polynomial(function, x[~upper], low, middle, halvings - 1)
    return value


def _horner(x: NDArray[np.float64], series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value of a short Chebyshev series, in powers of x: five times quicker than Clenshaw's sum, and exact enough."""
    *lower, top = chebyshev.cheb2poly(series)
    value = np.full_like(x, top)
    for coefficient in reversed(lower):
        value *= x
        value += coefficient
    return value


# Thresholds -----------------------------------------------------------------------------------------------------------


class Threshold(NamedTuple):
    """A way to choose the height of a threshold: a row of `THRESHOLDS`.

    Attributes
    ----------
    function : callable
        ``function(z_values, level, two_sided) -> float``; `level` is the number that `setting` names.
    label : str
        A few words for a menu.
    description : str
        What it controls, in a sentence.
    setting : {"alpha", "fixed"}
        Which number it reads: an error rate, or the threshold itself.
    phrase : str
        What it is in a methods section; may hold ``{alpha}`` and ``{voxels}``. Made of the label if empty.
    nilearn : str or None
        What nilearn calls it, empty for nilearn's None. None if it has no such threshold: scripts for nilearn then
        bring the height.
    needs_map : bool
        Whether the height depends on the z scores.
    bounds_false : bool
        Whether alpha is the share of voxels without effect that is expected among those that pass.
    usual_alpha : float
        Alpha that the field asks of it, where nobody has chosen one.
    """

    function: Callable[[NDArray[np.float64], float, bool], float]
    label: str
    description: str
    setting: str = "alpha"
    phrase: str = ""
    nilearn: str | None = None
    needs_map: bool = True
    bounds_false: bool = False
    usual_alpha: float = 0.05

    def said(self, alpha: float, voxels: str) -> str:
        """The rule in a few words of a methods section.

        Examples
        --------
        >>> THRESHOLDS["bonferroni"].said(0.05, "12 voxels")
        'family-wise error 0.05 by Bonferroni over 12 voxels'
        """
        default = "{label}, alpha {alpha:g}" if self.setting == "alpha" else "{label}"
        return (self.phrase or default).format(label=self.label, alpha=alpha, voxels=voxels)


def height_threshold(
    z_values: ArrayLike,
    height_control: str | None = "fpr",
    alpha: float = 0.001,
    two_sided: bool = True,
    *,
    fixed: float = 3.0,
) -> float:
    """Z score that a voxel must reach.

    Parameters
    ----------
    z_values : array-like
        Z scores of all voxels in the mask. Their number is the number of tests, zeros and NaN included (NaN never
        passes). Not looked at by "fpr" and "fixed".
    height_control : {"fpr", "fdr", "bonferroni", "fixed"} or None
        A key of `THRESHOLDS`. None is "fixed".
    alpha : float
        Error rate, between 0 and 1; a two-sided test spends half of it on each tail.
    two_sided : bool
        Whether negative effects are tested, too.
    fixed : float
        The threshold itself, for "fixed". One-sided and negative means the lower tail.

    Returns
    -------
    float
        Infinite if no voxel can pass. Never below zero, except for a `fixed` one: positive effects are what the
        one-sided test is for.

    Raises
    ------
    ValueError
        If the method is unknown, `alpha` is not between 0 and 1, or `fixed` does not fit the test.

    Notes
    -----
    With n voxels and upper-tail p values (of the absolute z, and with alpha / 2, if two-sided):

    - fpr: ``P(Z > threshold) = alpha``;
    - bonferroni: ``P(Z > threshold) = alpha / n``;
    - fdr: the least of the z scores whose i-th smallest p value is ``p < alpha i / n`` (Benjamini and Hochberg 1995,
      J. R. Stat. Soc. B 57, 289-300), less 1e-12 so that this voxel passes.

    Examples
    --------
    >>> round(height_threshold([], "fpr", alpha=0.001), 3)
    3.291
    >>> z = [4.0, 3.5, 2.8, 2.5, 1.9, 1.2]
    >>> round(height_threshold(z, "fdr", alpha=0.05, two_sided=False), 2)
    1.9
    >>> round(height_threshold(z, "bonferroni", alpha=0.05, two_sided=False), 3)
    2.394
    """
    method = threshold_method(height_control)
    z_values = np.asarray(z_values, dtype=np.float64).ravel()
    if method.setting == "fixed":
        if not np.isfinite(fixed) or (two_sided and fixed < 0):
            raise ValueError(f"a {'two' if two_sided else 'one'}-sided threshold cannot be {fixed}")
        return float(method.function(z_values, fixed, two_sided))
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be between 0 and 1, not {alpha}")
    return max(0.0, float(method.function(z_values, alpha, two_sided)))


def threshold_method(height_control: str | None) -> Threshold:
    """The row of `THRESHOLDS` of this name; None is "fixed". ValueError if there is none."""
    name = "fixed" if height_control is None else height_control
    return THRESHOLDS[check_choice("height_control", name, THRESHOLDS)]


def _fixed(z_values: NDArray[np.float64], fixed: float, two_sided: bool) -> float:
    return fixed


def _false_positive_rate(z_values: NDArray[np.float64], alpha: float, two_sided: bool) -> float:
    return -ndtri(alpha / 2 if two_sided else alpha)


def _bonferroni(z_values: NDArray[np.float64], alpha: float, two_sided: bool) -> float:
    if not z_values.size:
        raise ValueError("Bonferroni's threshold needs to know how many voxels are tested, but none were given")
    return _false_positive_rate(z_values, alpha / z_values.size, two_sided)


def _benjamini_hochberg(z_values: NDArray[np.float64], alpha: float, two_sided: bool) -> float:
    if two_sided:
        z_values, alpha = np.abs(z_values), alpha / 2
    # No p value above alpha can pass: only the few others have to be sorted.
    candidates = np.sort(z_values[z_values > -ndtri(alpha)])[::-1]
    passes = ndtr(-candidates) < alpha * np.arange(1, candidates.size + 1) / z_values.size
    return candidates[passes][-1] - 1e-12 if passes.any() else np.inf


_ROWS = {
    "fixed": Threshold(
        _fixed,
        "fixed",
        "A height that is chosen by hand; it controls no error rate.",
        "fixed",
        phrase="a height chosen by hand, which controls no error rate",
        nilearn="",
        needs_map=False,
    ),
    "fpr": Threshold(
        _false_positive_rate,
        "p, uncorrected",
        "Each voxel has the chance alpha to pass if it has no effect; many of many voxels will.",
        phrase="uncorrected p below {alpha:g}",
        nilearn="fpr",
        needs_map=False,
        usual_alpha=0.001,
    ),
    "fdr": Threshold(
        _benjamini_hochberg,
        "FDR",
        "Among the voxels that pass, the expected share of those without effect is at most alpha.",
        phrase="false discovery rate {alpha:g}",
        nilearn="fdr",
        bounds_false=True,
    ),
    "bonferroni": Threshold(
        _bonferroni,
        "Bonferroni",
        "The chance that even one voxel without effect passes is at most alpha.",
        phrase="family-wise error {alpha:g} by Bonferroni over {voxels}",
        nilearn="bonferroni",
    ),
}

#: Every threshold by its name.
THRESHOLDS: Choices[Threshold] = Choices(_ROWS)


def q_values(p: ArrayLike) -> NDArray[np.float64]:
    """Smallest false discovery rate at which each test would pass (Benjamini and Hochberg's adjusted p).

    ``q_(i) = min over j >= i of p_(j) n / j`` for the i-th smallest of n p values.

    Parameters
    ----------
    p : array-like
        P values; NaN counts as a test that cannot pass.

    Returns
    -------
    ndarray, float64, of the same shape
        NaN where `p` is.

    Examples
    --------
    >>> q_values([0.01, 0.04, 0.03, 0.2]).round(4)
    array([0.04  , 0.0533, 0.0533, 0.2   ])
    """
    p = np.asarray(p, dtype=np.float64)
    order = np.argsort(p, axis=None)
    scaled = p.ravel()[order] * p.size / np.arange(1, p.size + 1)
    q = np.empty_like(scaled)
    q[order] = np.fmin.accumulate(scaled[::-1])[::-1]
    q[np.isnan(p.ravel())] = np.nan
    return q.reshape(p.shape)


def false_discovery_rate(threshold: float, z_values: ArrayLike, two_sided: bool = True) -> float:
    """Estimate the share of false discoveries among the voxels at or above a threshold.

    ``n P(Z >= threshold) / (number of voxels that pass)``, at most 1: what a slider prints beside p.

    Parameters
    ----------
    threshold : float
    z_values : array-like
        Z scores of all n voxels in the mask.
    two_sided : bool

    Returns
    -------
    float
        NaN if no voxel passes.

    Examples
    --------
    >>> z = [4.0, 3.5, 2.8, 2.5, 1.9, 1.2]
    >>> round(false_discovery_rate(2.5, z, two_sided=False), 4)
    0.0093
    """
    z_values = np.asarray(z_values, dtype=np.float64)
    passing = np.count_nonzero((np.abs(z_values) if two_sided else z_values) >= threshold)
    if not passing:
        return float("nan")
    return float(min(1.0, p_from_z(threshold, two_sided) * z_values.size / passing))
