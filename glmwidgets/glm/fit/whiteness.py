"""Does a noise model leave white residuals? A test for each voxel, a spectrum, and one verdict in words.

A fit's innovations u (residuals after the model's own whitening) are not white even if the model is true: the design
has taken its columns out of them and the noise parameters were estimated from them. Ljung and Box's test knows
nothing of that. Here the same design and model are fitted to series that the fitted model itself makes. With

    Q = sum over lags k of [(r_k - median r_k) / sd r_k]^2,    r_k = sum_t u_t u_{t+k} / sum_t u_t^2,
    P = max over frequencies of periodogram / mean periodogram,

medians, deviations (from quartiles) and means being those of the reference, a voxel's p value is the rank, among those
of the reference, of the smaller of the ranks of its Q and its P. Q sees what lasts some scans, P a rhythm; ranks hold
where a few series are fitted badly, as autoregressions of many orders are in short or scrubbed runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.fit.regression import Fit, fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.models import LIVE_NOISE_MODEL, NOISE_MODELS, noise_model_row

LEVEL = 0.05

# Up to this share of voxels below the level, the model is said to fit.
TOLERATED = 0.10
N_TRIED = 1000  # voxels on which a model is tried before it is suggested

MAX_LAG = 20

# Voxels of like autocorrelation whose processes are averaged for reference, where these have several coefficients.
GROUPS = 4

# Between the quartiles of a normal variable, in standard deviations.
QUARTILES = 1.349

# Mean power, 1 being that of white noise, below which a frequency counts as taken by the design.
LEAST_POWER = 0.1


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
        Noise model that leaves fewer voxels so, tried on a sample of them: a key of
        `glmwidgets.glm.noise.models.NOISE_MODELS`. None if no model on offer does.
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
    name = LIVE_NOISE_MODEL if tried is None else noise_model_row(tried).if_not_white
    while name is not None and t_r is not None and t_r < NOISE_MODELS[name].shortest_t_r:
        name = NOISE_MODELS[name].if_not_white
    return name


def autocorrelation(u: np.ndarray, n_lags: int) -> np.ndarray:
    """``r_k = sum_t u_t u_{t+k} / sum_t u_t^2`` for k from 1, shape (n_lags, n_voxels); 0 for series of zeros.

    Parameters
    ----------
    u : array of shape (n_scans, n_voxels)
        Residuals; their mean is taken to be 0.
    n_lags : int
        Largest lag, in scans.

    Returns
    -------
    array of shape (n_lags, n_voxels)

    Examples
    --------
    >>> autocorrelation(np.array([[1.0], [-1.0], [1.0], [-1.0]]), 2).ravel().tolist()
    [-0.75, 0.5]
    """
    power = np.einsum("tv,tv->v", u, u)
    lagged = np.stack([np.einsum("tv,tv->v", u[:-k], u[k:]) for k in range(1, n_lags + 1)])
    return np.divide(lagged, power, out=np.zeros_like(lagged), where=power > 0)


def _periodograms(u: np.ndarray) -> np.ndarray:
    """Of each voxel, of unit variance; shape (n_frequencies, n_voxels), zero frequency left out."""
    from scipy.fft import rfft

    scale = np.sqrt(np.einsum("tv,tv->v", u, u))
    spectrum = rfft(u / np.where(scale > 0, scale, 1), axis=0)[1:]
    return spectrum.real**2 + spectrum.imag**2


def _ranks(found: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of reference values that reach those found, and those of the reference itself."""
    ordered = np.sort(reference)
    return tuple(ordered.size - np.searchsorted(ordered, values) for values in (found, reference))


def residual_whiteness(
    fit: Fit,
    t_r: float | None = None,
    n_voxels: int | None = 4000,
    n_reference: int = 1000,
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
    p_values, (found, expected), spectra = _tested(fit, voxels, n_reference, pooled, seed)
    share = float(np.mean(p_values < LEVEL))
    white = share <= TOLERATED
    suggestion = None if white else _better(fit, t_r, voxels, p_values, n_reference, seed)
    steps = np.arange(1, fit.basis.n_scans // 2 + 1) / fit.basis.n_scans
    return Whiteness(
        voxels,
        p_values,
        share,
        white,
        _verdict(share, white, suggestion),
        suggestion,
        steps if t_r is None else steps / t_r,
        spectra[0].mean(axis=1),
        spectra[1].mean(axis=1),
        found.mean(axis=1),
        expected.mean(axis=1),
    )


def _tested(
    fit: Fit, voxels: np.ndarray, n_reference: int, pooled: bool, seed: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """P values of some voxels, and autocorrelations and periodograms of their innovations and of the reference."""
    n_lags = max(1, min(MAX_LAG, fit.basis.n_scans // 8))
    u = fit.noise_process(voxels).innovations(fit.residuals(voxels))
    reference = _reference(fit, voxels, n_reference, pooled, np.random.default_rng(seed))
    found, expected = autocorrelation(u, n_lags), autocorrelation(reference, n_lags)
    low, middle, high = np.quantile(expected, (0.25, 0.5, 0.75), axis=1)[..., None]
    deviation = (high - low) / QUARTILES
    of_lags = [np.square((r - middle) / deviation).sum(axis=0) for r in (found, expected)]
    spectra = _periodograms(u), _periodograms(reference)
    usual = np.maximum(spectra[1].mean(axis=1, keepdims=True), LEAST_POWER)
    of_rhythm = [(each / usual).max(axis=0) for each in spectra]
    smaller = [np.minimum(*ranks) for ranks in zip(_ranks(*of_lags), _ranks(*of_rhythm), strict=True)]
    p_values = (1 + np.searchsorted(np.sort(smaller[1]), smaller[0], side="right")) / (1 + n_reference)
    return p_values, (found, expected), spectra


def _better(
    fit: Fit, t_r: float | None, voxels: np.ndarray, p_values: np.ndarray, n_reference: int, seed: int
) -> str | None:
    """The next noise model after which fewer of these voxels are not white: tried on them, and not only named."""
    few = np.linspace(0, voxels.size - 1, min(N_TRIED, voxels.size)).astype(np.intp)
    share, data = np.mean(p_values[few] < LEVEL), Moments(fit.data(voxels[few]))
    name, tried = suggested_noise_model(t_r, fit.noise_model), {fit.noise_model}
    while name is not None and name not in tried:
        again = fit_glm(data, fit.basis, name)
        if np.mean(_tested(again, np.arange(few.size), n_reference, False, seed)[0] < LEVEL) < share:
            return name
        tried.add(name)
        name = suggested_noise_model(t_r, name)
    return None


def _reference(fit: Fit, voxels: np.ndarray, n: int, pooled: bool, rng: np.random.Generator) -> np.ndarray:
    """Innovations of series that the model makes with parameters drawn from the voxels, fitted as the data were."""
    process = fit.noise_process(rng.choice(voxels, n))
    if process.order > 1:
        # Coefficients that one voxel gave, fitted once more, would scatter twice as much as those of the voxels do.
        means = fit.noise_process(voxels).averaged(GROUPS)
        process = means.at(np.arange(n) % means.theta.size)
    bins = noise_model_row(fit.noise_model).reference_bins
    again = fit_glm(Moments(process.draw(fit.basis.n_scans, rng)), fit.basis, fit.noise_model, bins=bins)
    return (process if pooled else again.noise_process()).innovations(again.residuals())


def _verdict(share: float, white: bool, suggestion: str | None) -> str:
    if white:
        return f"Residuals are white: {100 * share:.0f} % of voxels differ from white noise, 5 % expected by chance."
    advice = (
        f"try {suggestion}"
        if suggestion is not None
        else "no noise model on offer describes them, look for what the design lacks in their mean periodogram"
    )
    return f"Residuals of {100 * share:.0f} % of voxels are not white (5 % expected by chance): {advice}."
