"""Published haemodynamic response curves: seconds since the event in, formula out.

How each is sampled into a kernel is in `glmwidgets.glm.response.kernels`; what it is called in
`glmwidgets.glm.response.models`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import gammainc, gammaln, xlogy

Array = np.ndarray


def gamma_density(t: Array, shape: float, scale: float) -> Array:
    """Density of the gamma distribution, zero before ``t = 0``.

    ``g(t; k, s) = t**(k - 1) * exp(-t / s) / (s**k * Gamma(k))``

    Parameters
    ----------
    t : array
        Times in seconds.
    shape, scale : float
        ``k > 1`` and ``s`` in seconds. Mean ``k s``, standard deviation ``s sqrt(k)``, mode ``(k - 1) s``.

    Returns
    -------
    array
        Density per second.

    Examples
    --------
    >>> gamma_density(np.array([-1.0, 0.0, 5.0]), 6, 1).round(4).tolist()
    [0.0, 0.0, 0.1755]
    """
    x = np.maximum(np.asarray(t, dtype=np.float64) / scale, 0.0)
    return np.exp(xlogy(shape - 1.0, x) - x - gammaln(shape)) / scale


def double_gamma(
    t: Array,
    delay: float = 6.0,
    undershoot: float = 16.0,
    dispersion: float = 1.0,
    u_dispersion: float = 1.0,
    ratio: float = 1.0 / 6.0,
) -> Array:
    """Response minus undershoot, each a gamma density; the defaults are SPM's canonical response.

    ``h(t) = g(t; delay / dispersion, dispersion) - ratio * g(t; undershoot / u_dispersion, u_dispersion)``

    Parameters
    ----------
    t : array
        Seconds since the event.
    delay, undershoot : float
        Mean lag of the response and of the undershoot, in seconds.
    dispersion, u_dispersion : float
        Scale of each, in seconds; the peaks are at ``delay - dispersion`` and ``undershoot - u_dispersion``.
    ratio : float
        Area of the undershoot relative to that of the response.

    Returns
    -------
    array
        Response per second; its integral is ``1 - ratio``.

    Notes
    -----
    Friston et al. 1998, NeuroImage 7:30; parameters of SPM12 (``spm_hrf``: 6, 16, 1, 1, 1/6, 32 s).

    Examples
    --------
    >>> double_gamma(np.array([5.0, 15.0])).round(4).tolist()
    [0.1754, -0.0151]
    """
    response = gamma_density(t, delay / dispersion, dispersion)
    return response - ratio * gamma_density(t, undershoot / u_dispersion, u_dispersion)


def glover1999(t: Array) -> Array:
    """Glover's auditory response with both lobes scaled to their peaks.

    ``h(t) = (t / 5.4)**6 exp(-(t - 5.4) / 0.9) - 0.35 (t / 10.8)**12 exp(-(t - 10.8) / 0.9)``

    Notes
    -----
    Glover 1999, NeuroImage 9:416, with the constants of Worsley's FMRISTAT and R's ``fmri``. nilearn's
    ``glover`` takes 6 and 12 s as *mean* lags of gamma densities with shapes 6 / 0.9 and 12 / 0.9, which is
    another, later curve.

    Examples
    --------
    >>> glover1999(np.array([0.0, 5.4])).round(3).tolist()
    [0.0, 0.966]
    """
    t = np.maximum(np.asarray(t, dtype=np.float64), 0.0)
    response = (t / 5.4) ** 6 * np.exp(-(t - 5.4) / 0.9)
    return response - 0.35 * (t / 10.8) ** 12 * np.exp(-(t - 10.8) / 0.9)


def fsl_gamma(t: Array) -> Array:
    """FEAT's gamma response: mean lag 6 s, standard deviation 3 s, so ``g(t; 4, 1.5)``.

    Examples
    --------
    >>> fsl_gamma(np.array([4.5])).round(4).tolist()
    [0.1494]
    """
    return gamma_density(t, (6.0 / 3.0) ** 2, 3.0**2 / 6.0)


def fsl_double_gamma(t: Array) -> Array:
    """FEAT's double gamma: mean lags 6 and 16 s, standard deviations sqrt(6) and 4 s, ratio 6.

    The same formula as SPM's canonical response; FEAT follows it for longer, to 7 standard deviations of
    the undershoot.

    Examples
    --------
    >>> fsl_double_gamma(np.array([5.0])).round(4).tolist()
    [0.1754]
    """
    return double_gamma(t, 6.0, 16.0, 6.0 / 6.0, 4.0**2 / 16.0, 1.0 / 6.0)


def afni_gam(t: Array, p: float = 8.6, q: float = 0.547) -> Array:
    """AFNI's ``GAM(p, q)``: ``(t / (p q))**p * exp(p - t / q)``, which peaks with height 1 at ``p q`` = 4.7
    s.

    Notes
    -----
    Cohen 1997, NeuroImage 6:93; help of ``3dDeconvolve``.

    Examples
    --------
    >>> afni_gam(np.array([0.0, 8.6 * 0.547])).tolist()
    [0.0, 1.0]
    """
    x = np.maximum(np.asarray(t, dtype=np.float64), 0.0) / (p * q)
    return x**p * np.exp(p - p * x)


def _until(t: Array) -> Array:
    """``integral of g from 0 to t`` of AFNI's BLOCK, over that of all of it."""
    return gammainc(5.0, np.maximum(t, 0.0))


def afni_block(t: Array, duration: float, until: Callable[[Array], Array] = _until) -> Array:
    """AFNI's ``BLOCK(d, 1)``: the response to a stimulus of ``duration`` seconds, scaled to peak at 1.

    ``h(t) = integral over s from 0 to min(t, d) of g(t - s)``, with ``g(t) = t**4 exp(-t) / (4**4
    exp(-4))``. The integral is an incomplete gamma function, and the peak is at ``d / (1 - exp(-d / 4))``,
    where the rising and the falling edge balance.

    Parameters
    ----------
    t : array
        Seconds since the onset.
    duration : float
        Seconds, positive.
    until : callable
        The integral of g up to some times, 0 before the event: its closed form, or a table of it.

    Examples
    --------
    >>> afni_block(np.array([0.0, 20.1358]), 20.0).round(6).tolist()
    [0.0, 1.0]
    """
    peak = duration / -np.expm1(-duration / 4.0)
    risen, fallen = until(np.array([peak, peak - duration]))
    t = np.asarray(t, dtype=np.float64)
    return (until(t) - until(t - duration)) / (risen - fallen)


def afni_spmg1(t: Array) -> Array:
    """AFNI's ``SPMG1``: ``exp(-t) (t**5 / 5! - t**15 / (6 * 15!))``, SPM's canonical response before any
    scaling.

    Examples
    --------
    >>> afni_spmg1(np.array([5.0])).round(4).tolist()
    [0.1754]
    """
    return double_gamma(t)


def afni_mion(t: Array) -> Array:
    """AFNI's ``MION``: response of cerebral blood volume seen with an iron-oxide contrast agent, peak 1.

    ``16.4486 (-0.184 / 1.5 exp(-t / 1.5) + 0.330 / 4.5 exp(-t / 4.5) + 0.670 / 13.5 exp(-t / 13.5))``

    Notes
    -----
    Leite et al. 2002, NeuroImage 16:283; help of ``3dDeconvolve``. The contrast agent makes the signal
    *fall* where blood volume rises: expect negative weights, or negate the contrast.

    Examples
    --------
    >>> round(float(afni_mion(np.linspace(0, 60, 6001)).max()), 3)
    1.0
    """
    t = np.asarray(t, dtype=np.float64)
    x = np.maximum(t, 0.0)
    lobes = sum(a / tau * np.exp(-x / tau) for a, tau in ((-0.184, 1.5), (0.330, 4.5), (0.670, 13.5)))
    return np.where(t < 0, 0.0, 16.4486 * lobes)


def tent(t: Array, start: float, stop: float, n_knots: int, knot: int) -> Array:
    """AFNI's ``TENT(b, c, n)``: 1 at its own knot, falling to 0 at the two beside it.

    Knots are ``start + i (stop - start) / (n_knots - 1)``; the first and the last tent are halves. The
    tents sum to 1 between ``start`` and ``stop``, and the weight of each is the response's height at its
    knot.

    Examples
    --------
    >>> tent(np.array([0.0, 1.0, 2.0, 3.0, 4.0]), 0.0, 4.0, 3, knot=1).tolist()
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    t = np.asarray(t, dtype=np.float64)
    spacing = (stop - start) / (n_knots - 1)
    height = 1.0 - np.abs(t - (start + knot * spacing)) / spacing
    # A sample a rounding error beyond the last knot still belongs to it.
    slack = 1e-9 * spacing
    return np.where((t >= start - slack) & (t <= stop + slack), np.maximum(height, 0.0), 0.0)
