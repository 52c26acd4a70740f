"""How residuals of one series look: their autocorrelation, its limits under white noise, and spectra.

Residuals ``e = M z`` of a least-squares fit are correlated even if the errors z are white, as ``M = I - QQ'`` takes
the design out of them. With A_k half the sum of both shifts by k scans, ``r_k = e' A_k e / e'e``, and as the ratio is
independent of its denominator (Pitman 1937; Durbin and Watson 1950, Biometrika 37, 409), exactly

    E r_k = tr(M A_k) / m,    E r_k^2 = [2 tr((M A_k)^2) + tr(M A_k)^2] / (m (m + 2)),    m = tr M.
"""

from __future__ import annotations

import numpy as np


def white_autocorrelation(x: np.ndarray, n_lags: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of the autocorrelations of residuals under white normal errors.

    Parameters
    ----------
    x : array of shape (n_scans, n_columns)
        What was fitted by least squares; for whitened residuals, the design whitened alike.
    n_lags : int

    Returns
    -------
    mean, deviation : arrays of shape (n_lags,)
        Of ``r_k`` for k from 1.

    Notes
    -----
    The noise parameters count as known. Where they were estimated from the same residuals, the first lags vary less
    than this says (Box and Pierce 1970, J Am Stat Assoc 65, 1509).

    Examples
    --------
    >>> mean, deviation = white_autocorrelation(np.ones((100, 1)), 2)
    >>> mean.round(4).tolist(), deviation.round(3).tolist()
    ([-0.01, -0.0099], [0.098, 0.098])
    """
    x = np.asarray(x, dtype=np.float64, order="F")  # one layout in memory, so that the order of sums is one
    n = x.shape[0]
    u, s, _ = np.linalg.svd(x / np.maximum(np.linalg.norm(x, axis=0), 1e-300), full_matrices=False)
    q = u[:, s > s[0] * max(x.shape) * np.finfo(float).eps]
    m = n - q.shape[1]
    mean, deviation = np.empty((2, n_lags))
    for k in range(1, n_lags + 1):
        shifted = np.zeros_like(q)
        shifted[k:] += q[:-k] / 2
        shifted[:-k] += q[k:] / 2
        within = q.T @ shifted
        trace = -np.trace(within)
        # tr((MA)^2) = tr(A^2) - 2 tr(Q'A^2 Q) + tr((Q'AQ)^2)
        square = (n - k) / 2 - 2 * np.square(shifted).sum() + np.square(within).sum()
        mean[k - 1] = trace / m
        deviation[k - 1] = np.sqrt(max(0.0, (2 * square + trace**2) / (m * (m + 2)) - (trace / m) ** 2))
    return mean, deviation


def amplitude_spectrum(series: np.ndarray, t_r: float) -> tuple[np.ndarray, np.ndarray]:
    """Amplitude of each frequency in a series: the periodogram in the units of the series.

    ``2 |sum_t y_t exp(-2 pi i f t)| / n``, which is A for ``A cos(2 pi f t)``; the mean is left out.

    Parameters
    ----------
    series : array of shape (n_scans, ...)
    t_r : float
        Seconds between scans.

    Returns
    -------
    frequencies : array of shape (n_scans // 2,)
        Hz, without zero.
    amplitudes : array of shape (n_scans // 2, ...)

    Examples
    --------
    >>> wave = 3 * np.cos(2 * np.pi * 0.1 * 2.0 * np.arange(50))
    >>> frequencies, amplitudes = amplitude_spectrum(wave, 2.0)
    >>> round(float(amplitudes.max()), 6), round(float(frequencies[amplitudes.argmax()]), 6)
    (3.0, 0.1)
    """
    series = np.asarray(series, dtype=float)
    n = len(series)
    amplitudes = 2 * np.abs(np.fft.rfft(series, axis=0))[1:] / n
    if n % 2 == 0:
        amplitudes[-1] /= 2  # the highest frequency stands for itself alone
    return np.fft.rfftfreq(n, t_r)[1:], amplitudes


def main_frequency(series: np.ndarray, t_r: float) -> float:
    """Frequency of the largest amplitude, in Hz; of several columns, of their amplitudes together.

    Parameters
    ----------
    series : array of shape (n_scans,) or (n_scans, n_columns)
    t_r : float

    Returns
    -------
    float

    Examples
    --------
    >>> main_frequency(np.tile([1.0, 1.0, 0.0, 0.0], 10), 2.0)
    0.125
    """
    frequencies, amplitudes = amplitude_spectrum(np.asarray(series).reshape(len(series), -1), t_r)
    return float(frequencies[np.square(amplitudes).sum(axis=1).argmax()])
