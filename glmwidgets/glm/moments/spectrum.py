"""Series as sums of sines, which every matrix made of one-scan shifts alone multiplies by a number each."""

from __future__ import annotations

import numpy as np


def sines(x: np.ndarray, axis: int = 0) -> np.ndarray:
    """Weights of the sines ``sin(pi j t / (n + 1))``, orthonormal, that make up an array along an axis.

    Parameters
    ----------
    x : array
    axis : int
        The one of the n scans.

    Returns
    -------
    array like `x`
        The same function of it gives `x` again.

    Examples
    --------
    >>> sines(np.sin(np.pi * np.arange(1, 4) / 4)).round(6) + 0.0  # the first of three sines
    array([1.414214, 0.      , 0.      ])
    """
    from scipy.fft import dst

    return dst(x, 1, axis=axis, norm="ortho")


def twice_cosines(n: int) -> np.ndarray:
    """Eigenvalues of the sum of both one-scan shifts of n scans, belonging to the sines, shape (n,).

    Examples
    --------
    >>> twice_cosines(2).round(6)
    array([ 1., -1.])
    """
    return 2 * np.cos(np.pi * np.arange(1, n + 1) / (n + 1))
