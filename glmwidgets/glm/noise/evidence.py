"""Which noise model a run itself asks for: no knowledge of scanner or repetition time is needed.

AR(1) by restricted likelihood is right for white and for autoregressive noise. Where white noise lies over a slow
autoregression, as at short repetition times, it finds two to four times too much, and ARMA(1,1) does not. In a sample
of the voxels the likelihoods of both are compared: one coefficient that is not needed raises twice the restricted log
likelihood by 1 on average (Wilks 1938, Ann Math Stat 9:60), one that is needed by far more if the run can tell. Whether
it can is asked of series of such noise that are drawn for the run's own design: short runs with many slow confounds may
not, and then the model is taken that is right for both.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma import ARMA
from glmwidgets.glm.noise.arma11 import gain_over_ar1

# Mean gain above which the moving average is needed: without it means of a sample lie between 0.2 and 1.4.
NEEDED = 1.5

# Where mixed noise would raise the likelihood little, AR(1) is believed below this share of what it would.
SHARE = 0.6

# Mixed noise: half of the variance is white, and the other half falls to 1/e of its correlation in so many seconds
# (.85 at 0.8 s, .66 at 2 s).
WHITE, SECONDS = 0.5, 4.9

N_REFERENCE = 300

# Runs of fewer scans are told of apart.
SHORT = 100

#: Rate of false positives at .05 of a model where it is chosen, in long runs and in short ones (True), and the rate of
#: the other there: the table "What the choice is worth" of docs/calibration.md.
RATES = {
    ("ar1-reml", False): (".048 to .059", ".041 to .057"),
    ("ar1-reml", True): (".053 to .058", ".042 to .048"),
    ("arma11", False): (".049 to .067", ".038 to .164"),
    ("arma11", True): (".053 to .063", ".058 to .098"),
}

NAMES = {"ar1-reml": "AR(1)", "arma11": "ARMA(1,1)"}


class Evidence(NamedTuple):
    """What a run says of its noise.

    Attributes
    ----------
    model : str
        Key of `glmwidgets.glm.noise.models.NOISE_MODELS`.
    pooling : str or None
        How its parameters are best shared.
    gain : float or None
        By how much ARMA(1,1) raises twice the restricted log likelihood of AR(1), mean over the sample.
    if_mixed : float or None
        By how much it would if the noise were mixed, white over a slow autoregression, under the same design.
    said : str
        Why, in a sentence, and what both models are worth in such a run, in another.
    """

    model: str
    pooling: str | None
    gain: float | None
    if_mixed: float | None
    said: str

    def as_settings(self) -> dict[str, str | None]:
        """Settings that take the model, by path."""
        return {"noise.model": self.model, "noise.pooling": self.pooling, "noise.choice": "evidence"}


def mixed_noise(t_r: float, n_series: int) -> ARMA:
    """White noise over a slow autoregression, half of the variance each, at a repetition time in s.

    Examples
    --------
    >>> mixed_noise(0.8, 1).lag_one().round(3)  # half of .849
    array([0.425])
    """
    a = math.exp(-t_r / SECONDS)
    ratio = -WHITE * a / ((1 - WHITE) * (1 - a**2) + WHITE * (1 + a**2))
    b = (1 - math.sqrt(1 - 4 * ratio**2)) / (2 * ratio)
    return ARMA(np.full((1, n_series), a), np.full(n_series, b))


def gains(moments: Moments, basis: DesignBasis, t_r: float) -> tuple[np.ndarray, float]:
    """How much more likely ARMA(1,1) is than AR(1), in the data and where the noise is mixed.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
        Of the design.
    t_r : float
        Repetition time in s.

    Returns
    -------
    gain : array of shape (n_voxels,)
        As `glmwidgets.glm.noise.arma11.gain_over_ar1` has it.
    if_mixed : float
        Mean gain of series of `mixed_noise` under the same design.
    """
    drawn = mixed_noise(t_r, N_REFERENCE).draw(basis.n_scans, np.random.default_rng(0))
    series = np.concatenate([moments.block() + moments.mean, drawn], axis=1)
    found = gain_over_ar1(Moments(series), basis)
    return found[:-N_REFERENCE], float(found[-N_REFERENCE:].mean())


def chosen_by(gain: float, if_mixed: float) -> str:
    """Name of the noise model that mean gains speak for: AR(1) where they are clearly below those of mixed noise.

    Examples
    --------
    >>> chosen_by(1.0, if_mixed=8.0), chosen_by(4.0, if_mixed=8.0), chosen_by(1.0, if_mixed=1.2)
    ('ar1-reml', 'arma11', 'arma11')
    """
    return "arma11" if gain > min(NEEDED, SHARE * if_mixed) else "ar1-reml"


def noise_by_evidence(moments: Moments, basis: DesignBasis, t_r: float, n_voxels: int = 1000) -> Evidence:
    """Choose the noise model of a run by what its residuals say.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
        Of the design.
    t_r : float
        Repetition time in s.
    n_voxels : int
        Voxels to look at, evenly spread over those that vary.

    Returns
    -------
    Evidence

    Raises
    ------
    ValueError
        If no voxel varies.

    Examples
    --------
    >>> from glmwidgets.glm.moments.basis import design_basis
    >>> rng = np.random.default_rng(0)
    >>> found = noise_by_evidence(Moments(rng.standard_normal((150, 300))), design_basis(np.ones((150, 1))), t_r=2.0)
    >>> found.model, found.gain < 1 < found.if_mixed
    ('ar1-reml', True)
    """
    usable = np.flatnonzero(~moments.constant)
    if usable.size == 0:
        raise ValueError("no voxel varies: there are no residuals to choose a noise model by")
    if usable.size > n_voxels:
        usable = usable[np.linspace(0, usable.size - 1, n_voxels).astype(np.intp)]
    gain, if_mixed = gains(moments.subset(usable), basis, t_r)
    return _told(float(gain.mean()), if_mixed, basis.n_scans)


def _told(gain: float, if_mixed: float, n_scans: int) -> Evidence:
    model = chosen_by(gain, if_mixed)
    if model == "ar1-reml":
        why = f"and by {if_mixed:.1f} in simulated white plus slow noise: AR(1) describes the noise"
    elif gain > NEEDED:
        why = "where 1 is expected by chance: AR(1) does not describe the noise"
    else:
        why = f"and by {if_mixed:.1f} in simulated white plus slow noise: this run is too short to tell them apart"
    said = f"ARMA(1,1) raises twice the log likelihood of AR(1) by {gain:.1f} in the mean voxel, {why}"
    own, other = RATES[model, n_scans < SHORT]
    (not_chosen,) = NAMES.keys() - {model}
    worth = f"the rate of false positives at .05 is {own} with {NAMES[model]} and {other} with {NAMES[not_chosen]}"
    pooling = "local" if model == "arma11" else None
    return Evidence(model, pooling, gain, if_mixed, f"{said}. In simulated runs like it {worth}")
