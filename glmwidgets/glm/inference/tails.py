"""Tails of t and F so thin that their probability is no number any more: in logarithms.

Both are incomplete beta functions: with ``x = dof / (dof + q F)``,

    P(F' > F) = I_x(dof / 2, q / 2),        P(T > t) = I_x(dof / 2, 1 / 2) / 2  for F = t^2 and q = 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, ndtri_exp

# Terms of a continued fraction; some tens are enough so far out.
MOST_TERMS = 500


def z_of_thin_t(t: NDArray[np.float64], dof: NDArray[np.float64]) -> NDArray[np.float64]:
    """Z score with the upper-tail probability of large t.

    Parameters
    ----------
    t : array
        Positive, far in the tail; infinity gives infinity.
    dof : array, broadcast with `t`

    Returns
    -------
    array

    Examples
    --------
    >>> z_of_thin_t(np.array([40.0, 50.0]), np.array(1e10)).round(3)
    array([40., 50.])
    """
    # Squares of what is finite stay finite.
    squared = np.where(np.isinf(t), np.inf, np.minimum(t, 1e150) ** 2)
    return -ndtri_exp(_log_tail(squared, 1, dof) - np.log(2))


def z_of_thin_f(f: NDArray[np.float64], q: int, dof: NDArray[np.float64]) -> NDArray[np.float64]:
    """Z score with the upper-tail probability of large F; see `z_of_thin_t`.

    Parameters
    ----------
    f : array
    q : int
    dof : array, broadcast with `f`

    Returns
    -------
    array
    """
    return -ndtri_exp(_log_tail(f, q, dof))


def _log_tail(f: NDArray[np.float64], q: int, dof: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of ``P(F' > f)``, by the continued fraction of the incomplete beta function (DLMF 8.17.22)."""
    f, dof = np.broadcast_arrays(np.asarray(f, dtype=np.float64), dof)
    a, b, ratio = dof / 2, q / 2, q * f / dof
    front = -a * np.log1p(ratio) - b * np.log1p(1 / ratio) - np.log(a) - betaln(a, b)
    return front - np.log(_fraction(a, b, 1 / (1 + ratio)))


def _fraction(a: NDArray[np.float64], b: float, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The denominator ``1 + d_1 / (1 + d_2 / (1 + ...))``, by Lentz's method."""
    value, c, d = np.ones_like(x), np.ones_like(x), np.zeros_like(x)
    for m in range(1, MOST_TERMS):
        k = m // 2
        if m % 2:
            term = -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1))
        else:
            term = k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        value = value * c * d
        if np.all(np.abs(c * d - 1) < 1e-15):
            break
    return value
