"""Degrees of freedom of a contrast whose noise parameters were estimated from the series themselves.

The variance of an effect is ``v = s^2 h(theta)`` with ``h = c (X'WX)^-1 c'``. Were theta known, it would vary as with
n - p degrees of freedom. As it is estimated, with the inverse of its information I as its covariance,

    var(log v) = 2 / (n - p) + d' I^-1 d,    d = d log v / d theta,    nu = 2 / var(log v)

(Satterthwaite 1946, Biometrics Bulletin 2:110; Giesbrecht and Burns 1985, Biometrics 41:477; Kenward and Roger 1997,
Biometrics 53:983). d is taken along the ridge of the restricted likelihood, where s^2 follows theta, and I is what that
likelihood, with s^2 profiled out, tells of theta.

Both are sums over frequencies (Whittle 1953): with S the spectrum of the noise, ``g = d log S / d theta``, and w the
share of each frequency that the design leaves in the residuals, which sums to n - p,

    d = d log h / d theta - E_w g,    I = (n - p) / 2 * cov_w(g),    nu = (n - p) / (1 + d' cov_w(g)^-1 d).

So degrees of freedom are lost where the contrast looks at other frequencies than those that the noise is learned from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.noise.arma import ARMA

# Frequencies are gathered in at most so many bands, narrow where they are slow: under an autoregression of .95 degrees
# of freedom are then within 3 % of those from all frequencies.
MOST_BANDS = 32

# Of a covariance over frequencies, relative to its largest: what rounding leaves of none.
ROUNDING = 1e-12


@dataclass(frozen=True)
class ResidualBands:
    """What a design leaves of each band of frequencies.

    Attributes
    ----------
    frequency : array of shape (n_bands,)
        In radians from one scan to the next, 0 to pi.
    weight : array of shape (n_bands,)
        Degrees of freedom in each; they sum to scans minus rank.
    """

    frequency: np.ndarray
    weight: np.ndarray


def residual_bands(basis: DesignBasis) -> ResidualBands:
    """Find what a design leaves of each band of frequencies.

    Parameters
    ----------
    basis : DesignBasis

    Returns
    -------
    ResidualBands

    Examples
    --------
    >>> from glmwidgets.glm.moments.basis import design_basis
    >>> residual_bands(design_basis(np.ones((6, 1)))).weight.round(6) + 0.0  # the mean is gone
    array([0., 2., 2., 1.])
    """
    n = basis.n_scans
    shares = np.full(n // 2 + 1, 2.0)
    shares[0] = 1
    if n % 2 == 0:
        shares[-1] = 1
    of_design = np.square(np.abs(np.fft.rfft(basis.q, axis=0))).sum(axis=1) / n
    left = np.maximum(shares * (1 - of_design), 0)
    frequency = 2 * np.pi * np.arange(left.size) / n
    edges = np.unique(np.round(left.size * np.linspace(0, 1, MOST_BANDS + 1) ** 2).astype(int))
    middle = np.add.reduceat(frequency, edges[:-1]) / np.diff(edges)
    return ResidualBands(middle, np.add.reduceat(left, edges[:-1]))


def log_spectrum_slopes(process: ARMA, frequency: np.ndarray) -> np.ndarray:
    """Derivatives of the log spectrum of autoregressions with respect to their coefficients.

    ``d log S / d phi_k = 2 Re[z^k / (1 - sum_j phi_j z^j)]`` with ``z = exp(-i frequency)``.

    Parameters
    ----------
    process : ARMA
        Without a moving average.
    frequency : array of shape (n_bands,)
        In radians from one scan to the next.

    Returns
    -------
    array of shape (n_voxels, p, n_bands)

    Examples
    --------
    >>> log_spectrum_slopes(ARMA(np.array([[0.5]]), np.zeros(1)), np.array([0.0, np.pi])).round(3)
    array([[[ 4.   , -1.333]]])
    """
    z = np.exp(-1j * np.outer(np.arange(1, process.order + 1), frequency))
    inverse = 1 / (1 - process.phi.T @ z)
    return 2 * (z * inverse[:, None, :]).real


def effective_dof(covariance: np.ndarray, slopes: np.ndarray, process: ARMA, bands: ResidualBands) -> np.ndarray:
    """Degrees of freedom of t and F tests, from how the variance of an effect depends on the noise parameters.

    Of q rows, ``d' cov_w(g)^-1 d`` is the mean over all their combinations, in units in which effects that are none are
    as likely in any direction: how the rows are written does not matter.

    Parameters
    ----------
    covariance : array of shape (n_voxels, q, q)
        ``H = C (X'WX)^-1 C'``, with W the inverse of the errors' covariance in units of the innovations' variance.
    slopes : array of shape (n_voxels, p, q, q)
        ``dH / d phi``.
    process : ARMA
        Autoregressions of order p, whose coefficients were all estimated.
    bands : ResidualBands

    Returns
    -------
    array of shape (n_voxels,)
        Between 1 and scans minus rank.

    Examples
    --------
    An effect of slow waves (``d log h = d log S`` at frequency 0), under white noise, in 100 scans:

    >>> from glmwidgets.glm.moments.basis import design_basis
    >>> bands, white = residual_bands(design_basis(np.ones((100, 1)))), ARMA(np.zeros((1, 1)), np.zeros(1))
    >>> effective_dof(np.ones((1, 1, 1)), np.full((1, 1, 1, 1), 2.0), white, bands).round(1)
    array([32.3])
    """
    dof, q = bands.weight.sum(), covariance.shape[-1]
    g = log_spectrum_slopes(process, bands.frequency)
    mean = g @ bands.weight / dof
    g -= mean[:, :, None]
    spread = (g * (bands.weight / dof)) @ g.transpose(0, 2, 1)
    # Where the design leaves too few frequencies to tell two coefficients apart nothing is known of their difference.
    spread += ROUNDING * np.trace(spread, axis1=1, axis2=2)[:, None, None] * np.eye(process.order)
    relative = np.linalg.solve(covariance[:, None], slopes)
    # With e a direction, d = e' M e - mean: E (e'Ae)(e'Be) = [tr A tr B + 2 tr AB] / [q (q + 2)].
    traces = np.trace(relative, axis1=2, axis2=3)
    mixed = np.einsum("vkij,vlji->vkl", relative, relative)
    away = traces / q - mean
    scatter = (traces[:, :, None] * traces[:, None] + 2 * mixed) / (q * (q + 2))
    scatter += away[:, :, None] * away[:, None] - traces[:, :, None] * traces[:, None] / q**2
    distance = np.trace(np.linalg.solve(spread, scatter), axis1=1, axis2=2)
    return np.clip(dof / (1 + distance), 1, dof)
