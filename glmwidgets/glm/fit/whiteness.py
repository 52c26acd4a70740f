"""Does a noise model leave white residuals? A test for each voxel, a spectrum, and one verdict in words.

A fit's innovations u (residuals after the model's own whitening) are not white even if the model is true: the design
has taken its columns out of them and the noise parameters were estimated from them. Ljung and Box's test knows
nothing of that. Here the same design and model are fitted to series that the fitted model itself makes, and

    Q = sum over lags k of [(r_k - mean r_k) / sd r_k]^2,    r_k = sum_t u_t u_{t+k} / sum_t u_t^2,

has its means, deviations and distribution (a multiple of chi-squared, by its first two moments) from those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc

from glmwidgets.glm.fit.regression import Fit, fit_glm
from glmwidgets.glm.moments.lagged import Moments

__all__ = [
    "Whiteness",
    "arma_coefficients",
    "autocorrelation",
    "innovations",
    "residual_whiteness",
    "suggested_noise_model",
]

LEVEL = 0.05

# Up to this share of voxels below the level, the model is said to fit.
TOLERATED = 0.10

MAX_LAG = 20

# Repetition times below this show noise that one autoregressive parameter does not describe (Olszowy and others
# 2019, Nat Commun 10, 1220; Corbin and others 2018, Hum Brain Mapp 39, 3884).
SHORT_T_R = 1.5

# A coarse lattice does for the reference series, which are few.
REFERENCE_BINS = {"arma11": 25}


@dataclass(frozen=True)
class Whiteness:
    """Outcome of `residual_whiteness`.

    Attributes
    ----------
    voxels : int array
        Voxels that were looked at.
    p_values : array like `voxels`
        Of the hypothesis that the innovations are as white as the model's own would be.
    share : float
        Share of them below 0.05, which is expected of 0.05.
    white : bool
        Whether that share is at most 0.10.
    verdict : str
        One sentence.
    suggestion : str or None
        Noise model to try, a key of `glmwidgets.glm.noise.models.NOISE_MODELS`.
    frequencies : array of shape (m,)
        In Hz where the repetition time is known, otherwise in cycles a scan; zero left out.
    periodogram : array of shape (m,)
        Mean over voxels of the innovations' periodogram.
    expected_periodogram : array of shape (m,)
        The same under the model: what it dips below 1 the design has taken out.
    autocorrelation, expected_autocorrelation : array of shape (n_lags,)
        Mean over voxels of r_k for k from 1.
    """

    voxels: np.ndarray
    p_values: np.ndarray
    share: float
    white: bool
    verdict: str
    suggestion: str | None
    frequencies: np.ndarray
    periodogram: np.ndarray
    expected_periodogram: np.ndarray
    autocorrelation: np.ndarray
    expected_autocorrelation: np.ndarray


def suggested_noise_model(t_r: float | None, tried: str | None = None) -> str | None:
    """Noise model for a repetition time, or the next one after one that did not fit.

    Parameters
    ----------
    t_r : float or None
        Repetition time in s.
    tried : str, optional
        Model that did not leave white residuals.

    Returns
    -------
    str or None
        None where all were tried.

    Examples
    --------
    >>> suggested_noise_model(2.0), suggested_noise_model(0.8), suggested_noise_model(2.0, "ar1-reml")
    ('ar1-reml', 'arma11', 'arma11')
    """
    short = t_r is not None and t_r < SHORT_T_R
    if tried in (None, "ols", "ar1"):
        return "arma11" if short else "ar1-reml"
    if tried == "arma11":
        return "ar-auto"
    return None if tried == "ar-auto" else "arma11"


def arma_coefficients(parameters: Mapping[str, np.ndarray], voxels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients phi (p, n) and theta (n,) that a noise model's parameters mean; none for white noise.

    Parameters
    ----------
    parameters : mapping from name to array
        As in `glmwidgets.glm.fit.regression.Fit.parameters`.
    voxels : array of int, shape (n,)

    Examples
    --------
    >>> phi, theta = arma_coefficients({"rho": np.array([0.1, 0.3])}, np.array([1]))
    >>> phi.tolist(), theta.tolist()
    ([[0.3]], [0.0])
    """
    if "lam" in parameters:
        return parameters["a"][None, voxels], parameters["b"][voxels]
    names = ["rho"] if "rho" in parameters else [f"phi{k + 1}" for k in range(len(parameters))]
    phi = [parameters[name][voxels] for name in names if name in parameters]
    return np.array(phi).reshape(len(phi), voxels.size), np.zeros(voxels.size)


def innovations(e: np.ndarray, phi: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """What each scan adds to the prediction from those before it, under ``e_t = phi e + u_t + theta u_{t-1}``.

    Exact from the first scan where the order is one (Brockwell and Davis 1991, example 5.3.4); without the first p
    scans otherwise, where theta must be zero.

    Parameters
    ----------
    e : array of shape (n_scans, n_voxels)
    phi : array of shape (p, n_voxels)
    theta : array of shape (n_voxels,)

    Returns
    -------
    array of shape (n_scans, n_voxels), or (n_scans - p, n_voxels) for p > 1

    Examples
    --------
    >>> innovations(np.array([[3.0], [4.0]]), np.array([[0.8]]), np.zeros(1)).round(6)
    array([[1.8],
           [1.6]])
    """
    p = len(phi)
    if p == 0:
        return e
    if p > 1:
        out = e[p:].copy()
        for k in range(1, p + 1):
            out -= phi[k - 1] * e[p - k : -k]
        return out
    a, out = phi[0], e.copy()
    out[1:] -= a * e[:-1]
    variance = (1 + 2 * a * theta + theta**2) / (1 - a**2)
    out[0] /= np.sqrt(variance)
    if not theta.any():
        return out
    for t in range(1, len(out)):
        root = np.sqrt(variance)
        variance = 1 + theta**2 - (theta / root) ** 2
        out[t] = (out[t] - theta / root * out[t - 1]) / np.sqrt(variance)
    return out


def _series(n: int, phi: np.ndarray, theta: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Series of n scans that the coefficients make."""
    p, n_voxels = phi.shape
    if p == 0:
        return rng.standard_normal((n, n_voxels))
    if p == 1:
        u = rng.standard_normal((n + 1, n_voxels))
        e = u[1:] + theta * u[:-1]
        # e_1 = a e_0 + u_1 + b u_0, with e_0 a stationary past that shares u_0.
        e[0] += phi[0] * (u[0] + (phi[0] + theta) / np.sqrt(1 - phi[0] ** 2) * rng.standard_normal(n_voxels))
        for t in range(1, n):
            e[t] += phi[0] * e[t - 1]
        return e
    e = rng.standard_normal((n + 100, n_voxels))
    for t in range(p, len(e)):
        e[t] += np.einsum("kv,kv->v", phi, e[t - 1 : t - p - 1 : -1] if t > p else e[p - 1 :: -1])
    return e[100:]


def autocorrelation(u: np.ndarray, n_lags: int) -> np.ndarray:
    """``r_k = sum_t u_t u_{t+k} / sum_t u_t^2`` for k from 1, shape (n_lags, n_voxels); 0 for series of zeros.

    Examples
    --------
    >>> autocorrelation(np.array([[1.0], [-1.0], [1.0], [-1.0]]), 2).ravel().tolist()
    [-0.75, 0.5]
    """
    power = np.einsum("tv,tv->v", u, u)
    lagged = np.stack([np.einsum("tv,tv->v", u[:-k], u[k:]) for k in range(1, n_lags + 1)])
    return np.divide(lagged, power, out=np.zeros_like(lagged), where=power > 0)


def _periodogram(u: np.ndarray) -> np.ndarray:
    """Mean over voxels, of unit variance each; zero frequency left out."""
    from scipy.fft import rfft

    scale = np.sqrt(np.einsum("tv,tv->v", u, u))
    spectrum = rfft(u / np.where(scale > 0, scale, 1), axis=0)[1:]
    return np.mean(spectrum.real**2 + spectrum.imag**2, axis=1)


def residual_whiteness(
    fit: Fit,
    t_r: float | None = None,
    n_voxels: int | None = 4000,
    n_reference: int = 400,
    pooled: bool = False,
    seed: int = 0,
) -> Whiteness:
    """Test whether the innovations of a fit are white.

    Parameters
    ----------
    fit : Fit
        With its series.
    t_r : float, optional
        Repetition time in s: for the frequencies, and for what to suggest.
    n_voxels : int or None
        Voxels to look at, evenly spread over those that vary; None for all.
    n_reference : int
        Series that the model makes for reference.
    pooled : bool
        Whether the noise parameters were pooled over voxels: the reference then uses them as if they were known.
    seed : int
        Of the reference.

    Returns
    -------
    Whiteness

    Raises
    ------
    ValueError
        If the series of all voxels are constant.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fit = fit_glm(Moments(rng.standard_normal((200, 500)).cumsum(axis=0)[::2]), np.ones((100, 1)), "ols")
    >>> residual_whiteness(fit, t_r=2.0).verdict
    'Residuals of 100 % of voxels are not white (5 % expected by chance): try ar1-reml.'
    """
    usable = np.flatnonzero(~fit.moments.constant & (fit.noise.rss > 0))
    if usable.size == 0:
        raise ValueError("no voxel varies: there are no residuals to test")
    voxels = usable
    if n_voxels is not None and usable.size > n_voxels:
        voxels = usable[np.linspace(0, usable.size - 1, n_voxels).astype(np.intp)]
    n_lags = max(1, min(MAX_LAG, fit.basis.n_scans // 8))
    u = innovations(fit.residuals(voxels), *arma_coefficients(fit.parameters, voxels))
    reference = _reference(fit, voxels, n_reference, pooled, np.random.default_rng(seed))
    found, expected = autocorrelation(u, n_lags), autocorrelation(reference, n_lags)
    mean, deviation = expected.mean(axis=1, keepdims=True), expected.std(axis=1, keepdims=True)
    statistic = np.square((found - mean) / deviation).sum(axis=0)
    under_model = np.square((expected - mean) / deviation).sum(axis=0)
    scale = under_model.var() / (2 * under_model.mean())
    p_values = chdtrc(under_model.mean() / scale, statistic / scale)
    share = float(np.mean(p_values < LEVEL))
    white = share <= TOLERATED
    suggestion = None if white else suggested_noise_model(t_r, fit.noise_model)
    steps = np.arange(1, len(u) // 2 + 1) / len(u)
    return Whiteness(
        voxels,
        p_values,
        share,
        white,
        _verdict(share, white, suggestion),
        suggestion,
        steps if t_r is None else steps / t_r,
        _periodogram(u),
        _periodogram(reference),
        found.mean(axis=1),
        mean[:, 0],
    )


def _reference(fit: Fit, voxels: np.ndarray, n: int, pooled: bool, rng: np.random.Generator) -> np.ndarray:
    """Innovations of series that the model makes with parameters drawn from the voxels, fitted as the data were."""
    drawn = rng.choice(voxels, n)
    phi, theta = arma_coefficients(fit.parameters, drawn)
    series = _series(fit.basis.n_scans, phi, theta, rng)
    again = fit_glm(Moments(series), fit.basis, fit.noise_model, bins=REFERENCE_BINS.get(fit.noise_model, 100))
    if not pooled:
        phi, theta = arma_coefficients(again.parameters, np.arange(n))
    return innovations(again.residuals(), phi, theta)


def _verdict(share: float, white: bool, suggestion: str | None) -> str:
    if white:
        return f"Residuals are white: those of {100 * share:.0f} % of voxels differ, 5 % expected by chance."
    advice = (
        f"try {suggestion}"
        if suggestion is not None
        else "no noise model on offer describes them, look for what the design lacks in their mean periodogram"
    )
    return f"Residuals of {100 * share:.0f} % of voxels are not white (5 % expected by chance): {advice}."
