"""Statistics as z scores and p values, and back.

A z score here is the standard normal score with the same upper-tail p value as the statistic it comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy.special import fdtr, fdtrc, fdtri, ndtr, ndtri, stdtr

from glmwidgets.glm.inference.tails import z_of_thin_f, z_of_thin_t

# A p value is held within these limits before it becomes a z score: |z| ends at 37.05 instead of infinity. Statistics
# whose p is below `THIN` become z scores by way of its logarithm, which has no such end.
P_MIN, P_MAX, THIN = 1e-300, 1 - 1e-16, 1e-290

MAX_DOF = 1e10  # from here on t is normal to double precision, and scipy's incomplete beta loses its way


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

    Examples
    --------
    >>> p_from_t([0.0, 2.0], dof=10).round(4).tolist()
    [0.5, 0.0367]
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

    Examples
    --------
    >>> p_from_f([0.0, 4.0], q=2, dof=10).round(4).tolist()
    [1.0, 0.0529]
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
    *lower, top = series @ _powers(series.size)
    value = np.full_like(x, top)
    for coefficient in reversed(lower):
        value *= x
        value += coefficient
    return value


@cache
def _powers(n_terms: int) -> NDArray[np.float64]:
    """Coefficients in powers of x of the first Chebyshev polynomials, one a row: whole numbers."""
    rows = np.zeros((n_terms, n_terms))
    for degree, unit in enumerate(np.eye(n_terms)):
        rows[degree, : degree + 1] = chebyshev.cheb2poly(unit)[: degree + 1]
    return rows
