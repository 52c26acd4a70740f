"""Haemodynamic response kernels: curves sampled every ``t_r / oversampling`` seconds, ready for convolution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glmwidgets.glm.orthogonal import orthogonalize
from glmwidgets.glm.response.curves import double_gamma

Array = np.ndarray
Curve = Callable[[Array], Array]

#: Seconds after which the double gamma curves are cut off, as in SPM and nilearn.
KERNEL_SECONDS = 32.0


def sample_times(t_r: float, oversampling: int, seconds: float = KERNEL_SECONDS) -> Array:
    """Times 0, step, 2 step, ... up to ``seconds``, with ``step = t_r / oversampling``.

    Examples
    --------
    >>> sample_times(2.0, 4, 1.5).tolist()
    [0.0, 0.5, 1.0, 1.5]
    """
    step = t_r / oversampling
    return step * np.arange(int(np.floor(seconds / step + 1e-9)) + 1)


def unit_sum(values: Array) -> Array:
    """Divide by the sum, so that the response to an event that never ends settles at 1.

    Examples
    --------
    >>> unit_sum(np.array([1.0, 3.0])).tolist()
    [0.25, 0.75]
    """
    return values / values.sum()


def nilearn_double_gamma(
    t_r: float,
    oversampling: int = 50,
    time_length: float = KERNEL_SECONDS,
    onset: float = 0.0,
    delay: float = 6.0,
    undershoot: float = 16.0,
    dispersion: float = 1.0,
    u_dispersion: float = 1.0,
    ratio: float = 0.167,
) -> Array:
    """`double_gamma` on the grid of nilearn 0.14.1, sum 1.

    The grid has ``round(time_length / step)`` points from 0 to ``time_length`` *inclusive*, so they lie a
    little more than one step apart, and the curve starts one step late. Both are kept for the sake of equal
    numbers: the kernel differs from the published curve by 1.2 % at a TR of 2 s and 4.4 % at 7 s. With
    ``oversampling=1`` the step is a whole scan, and so is the delay. The ``spm12`` kernels have neither, nor has
    `sampled`.

    Parameters
    ----------
    t_r : float
        Seconds from scan to scan.
    oversampling : int
        Design steps per scan.
    time_length : float
        Length of the kernel in seconds.
    onset : float
        Delay of the whole curve in seconds.
    delay, undershoot, dispersion, u_dispersion, ratio : float
        See `double_gamma`.

    Returns
    -------
    array of shape (round(time_length * oversampling / t_r),)

    Examples
    --------
    >>> nilearn_double_gamma(2.0, oversampling=1, time_length=20.0).round(3).tolist()
    [0.0, 0.0, 0.161, 0.443, 0.335, 0.139, 0.022, -0.028, -0.04, -0.033]
    """
    step = t_r / oversampling
    t = np.linspace(0.0, time_length, int(np.rint(time_length / step))) - onset - step
    return unit_sum(double_gamma(t, delay, undershoot, dispersion, u_dispersion, ratio))


#: Shapes of nilearn's responses.
SPM = {"dispersion": 1.0, "ratio": 0.167}
GLOVER = {"undershoot": 12.0, "dispersion": 0.9, "u_dispersion": 0.9, "ratio": 0.48}
# When it differentiates the Glover response, nilearn leaves the dispersion of the undershoot at 1, not 0.9.
GLOVER_DISPERSION = {"undershoot": 12.0, "dispersion": 0.9, "ratio": 0.48}


def spm_hrf(t_r: float, oversampling: int = 50, time_length: float = KERNEL_SECONDS, onset: float = 0.0) -> Array:
    """The ``spm`` kernel of nilearn: lags 6 and 16 s, dispersions 1, ratio 0.167; see `nilearn_double_gamma`.

    Parameters
    ----------
    t_r : float
        Time between scans, in seconds.
    oversampling : int
        Samples per scan.
    time_length : float
        Length of the kernel, in seconds.
    onset : float
        When the response begins, in seconds.

    Returns
    -------
    array of shape (n_samples,)
        With a sum of 1.

    Examples
    --------
    >>> spm_hrf(2.0).shape
    (800,)
    """
    return nilearn_double_gamma(t_r, oversampling, time_length, onset)


def glover_hrf(t_r: float, oversampling: int = 50, time_length: float = KERNEL_SECONDS, onset: float = 0.0) -> Array:
    """The ``glover`` kernel of nilearn: lags 6 and 12 s, dispersions 0.9, ratio 0.48; see `nilearn_double_gamma`.

    Parameters
    ----------
    t_r : float
        Time between scans, in seconds.
    oversampling : int
        Samples per scan.
    time_length : float
        Length of the kernel, in seconds.
    onset : float
        When the response begins, in seconds.

    Returns
    -------
    array of shape (n_samples,)
        With a sum of 1.

    Examples
    --------
    >>> glover_hrf(2.0, oversampling=1, time_length=20.0).round(3).tolist()
    [0.0, 0.0, 0.226, 0.741, 0.5, 0.037, -0.181, -0.176, -0.103, -0.045]
    """
    return nilearn_double_gamma(t_r, oversampling, time_length, onset, **GLOVER)


def _time_derivative(kernel: Callable[..., Array], t_r, oversampling, time_length, onset, seconds=0.1) -> Array:
    """Loss per second of delay: ``(h(t) - h(t - 0.1 s)) / 0.1 s``, both of unit sum."""
    now = kernel(t_r, oversampling, time_length, onset)
    return (now - kernel(t_r, oversampling, time_length, onset + seconds)) / seconds


def _dispersion_derivative(t_r, oversampling, time_length, onset, dispersion=1.0, width=0.01, **shape) -> Array:
    """Loss per unit of widening: ``(h(dispersion) - h(dispersion + 0.01)) / 0.01``, both of unit sum."""
    grid = (t_r, oversampling, time_length, onset)
    narrow = nilearn_double_gamma(*grid, dispersion=dispersion, **shape)
    return (narrow - nilearn_double_gamma(*grid, dispersion=dispersion + width, **shape)) / width


def spm_time_derivative(
    t_r: float, oversampling: int = 50, time_length: float = KERNEL_SECONDS, onset: float = 0.0
) -> Array:
    """Temporal derivative of `spm_hrf`: ``(h(t) - h(t - 0.1 s)) / 0.1 s``.

    Parameters
    ----------
    t_r : float
        Time between scans, in seconds.
    oversampling : int
        Samples per scan.
    time_length : float
        Length of the kernel, in seconds.
    onset : float
        When the response begins, in seconds.

    Returns
    -------
    array of shape (n_samples,)

    Examples
    --------
    >>> spm_time_derivative(2.0, oversampling=1, time_length=20.0).round(3).tolist()
    [0.0, 0.0, 0.167, 0.04, -0.091, -0.072, -0.035, -0.013, -0.0, 0.005]
    """
    return _time_derivative(spm_hrf, t_r, oversampling, time_length, onset)


def glover_time_derivative(
    t_r: float, oversampling: int = 50, time_length: float = KERNEL_SECONDS, onset: float = 0.0
) -> Array:
    """Temporal derivative of `glover_hrf`: ``(h(t) - h(t - 0.1 s)) / 0.1 s``.

    Parameters
    ----------
    t_r : float
        Time between scans, in seconds.
    oversampling : int
        Samples per scan.
    time_length : float
        Length of the kernel, in seconds.
    onset : float
        When the response begins, in seconds.

    Returns
    -------
    array of shape (n_samples,)

    Examples
    --------
    >>> glover_time_derivative(2.0, oversampling=1, time_length=20.0).round(3).tolist()
    [0.0, 0.0, 0.267, 0.076, -0.215, -0.168, -0.039, 0.027, 0.033, 0.019]
    """
    return _time_derivative(glover_hrf, t_r, oversampling, time_length, onset)


def spm_dispersion_derivative(
    t_r: float, oversampling: int = 50, time_length: float = KERNEL_SECONDS, onset: float = 0.0
) -> Array:
    """Derivative of `spm_hrf` by its dispersion: ``(h(1) - h(1.01)) / 0.01``.

    Parameters
    ----------
    t_r : float
        Time between scans, in seconds.
    oversampling : int
        Samples per scan.
    time_length : float
        Length of the kernel, in seconds.
    onset : float
        When the response begins, in seconds.

    Returns
    -------
    array of shape (n_samples,)

    Examples
    --------
    >>> spm_dispersion_derivative(2.0).shape
    (800,)
    """
    return _dispersion_derivative(t_r, oversampling, time_length, onset)


def glover_dispersion_derivative(
    t_r: float, oversampling: int = 50, time_length: float = KERNEL_SECONDS, onset: float = 0.0
) -> Array:
    """Derivative of `glover_hrf` by its dispersion: ``(h(0.9) - h(0.91)) / 0.01``.

    As in nilearn, the undershoot's dispersion is 1 here and 0.9 in `glover_hrf`.

    Parameters
    ----------
    t_r : float
        Time between scans, in seconds.
    oversampling : int
        Samples per scan.
    time_length : float
        Length of the kernel, in seconds.
    onset : float
        When the response begins, in seconds.

    Returns
    -------
    array of shape (n_samples,)

    Examples
    --------
    >>> glover_dispersion_derivative(2.0, oversampling=1, time_length=20.0).round(3).tolist()
    [0.0, -0.0, -0.373, 0.282, 0.295, -0.04, -0.094, -0.048, -0.017, -0.005]
    """
    return _dispersion_derivative(t_r, oversampling, time_length, onset, **GLOVER_DISPERSION)


def spm12_basis(t_r: float, oversampling: int, n_functions: int) -> list[Array]:
    """SPM12's informed basis set: canonical response, temporal and dispersion derivatives.

    Each response has unit sum over its samples. The temporal derivative is ``h(t) - h(t - 1 s)``, the
    dispersion derivative ``(h(1) - h(1.01)) / 0.01``; then every function is made orthogonal to those
    before it, as SPM does before it convolves.

    Parameters
    ----------
    t_r : float
        Seconds from scan to scan.
    oversampling : int
        Design steps per scan. SPM's own default is 16; the formula does not depend on it.
    n_functions : {1, 2, 3}
        How many of the three to return.

    Returns
    -------
    list of arrays of shape (floor(32 s / step) + 1,)

    Notes
    -----
    SPM12, ``spm_hrf`` and ``spm_get_bf``; Friston et al. 1998, NeuroImage 7:30. SPM looks at the middle of
    each scan by default: that is ``slice_time_ref=0.5`` and not a matter of the kernel.

    Examples
    --------
    >>> spm12_basis(2.0, 1, 1)[0][:5].round(4).tolist()
    [0.0, 0.0866, 0.3749, 0.3849, 0.2161]
    """
    t = sample_times(t_r, oversampling)
    canonical = unit_sum(double_gamma(t))
    later = unit_sum(double_gamma(t - 1.0))
    wider = unit_sum(double_gamma(t, dispersion=1.01))
    basis = [canonical, canonical - later, (canonical - wider) / 0.01][:n_functions]
    return list(orthogonalize(np.column_stack(basis)).T)


def sampled(curve: Curve, t_r: float, oversampling: int, seconds: float = KERNEL_SECONDS) -> list[Array]:
    """Sample a curve on the design's own steps and give it unit sum.

    Parameters
    ----------
    curve : callable
        Given seconds since an event, an array; returns the response at each.
    t_r : float
        Time between scans, in seconds.
    oversampling : int
        Samples per scan.
    seconds : float
        Length of the kernel.

    Returns
    -------
    list of one array of shape (n_samples,)

    Examples
    --------
    >>> kernel = sampled(double_gamma, 2.0, 50)[0]
    >>> kernel.size, round(float(kernel.sum()), 12)
    (801, 1.0)
    """
    return [unit_sum(curve(sample_times(t_r, oversampling, seconds)))]


def fir_kernels(oversampling: int, delays: tuple[int, ...]) -> list[Array]:
    """One box of one scan, area 1, for each delay in scans.

    Examples
    --------
    >>> fir_kernels(2, (0, 1))
    [array([0.5, 0.5]), array([0. , 0. , 0.5, 0.5])]
    """
    box = np.full(oversampling, 1.0 / oversampling)
    return [np.concatenate([np.zeros(delay * oversampling), box]) for delay in delays]
