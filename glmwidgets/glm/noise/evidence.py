"""Which noise model a run itself asks for: no knowledge of scanner or repetition time is needed.

AR(1) by restricted likelihood is right for white and for autoregressive noise. Where white noise lies over a slow
autoregression, as at short repetition times, it finds two to four times too much, and ARMA(1,1) does not. In a sample
of the voxels the likelihoods of both are compared: one coefficient that is not needed raises twice the restricted log
likelihood by 1 on average (Wilks 1938, Ann Math Stat 9:60), one that is needed by far more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11 import gain_over_ar1

__all__ = ["Evidence", "noise_by_evidence"]

# Mean gain above which the moving average is needed: without it means of a sample lie between 0.2 and 1.4.
NEEDED = 1.5


class Evidence(NamedTuple):
    """What a run says of its noise.

    Attributes
    ----------
    model : str
        Key of `glmwidgets.glm.noise.models.NOISE_MODELS`.
    pooling : str or None
        How its parameters are best shared.
    gain : float
        By how much ARMA(1,1) raises twice the restricted log likelihood of AR(1), mean over the sample.
    said : str
        One sentence.
    """

    model: str
    pooling: str | None
    gain: float
    said: str


def noise_by_evidence(moments: Moments, basis: DesignBasis, n_voxels: int = 1000) -> Evidence:
    """Choose the noise model of a run by what its residuals say.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
        Of the design.
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
    >>> found = noise_by_evidence(Moments(rng.standard_normal((150, 300))), design_basis(np.ones((150, 1))))
    >>> found.model, found.gain < 1
    ('ar1-reml', True)
    """
    usable = np.flatnonzero(~moments.constant)
    if usable.size == 0:
        raise ValueError("no voxel varies: there are no residuals to choose a noise model by")
    if usable.size > n_voxels:
        usable = usable[np.linspace(0, usable.size - 1, n_voxels).astype(np.intp)]
    gain = float(np.mean(gain_over_ar1(moments.subset(usable), basis)))
    of = f"ARMA(1,1) raises twice the log likelihood of AR(1) by {gain:.1f} in the mean voxel"
    if gain > NEEDED:
        said = f"{of}, where 1 is chance: the noise is no autoregression alone, under which AR(1) would find too much"
        return Evidence("arma11", "local", gain, said)
    return Evidence("ar1-reml", None, gain, f"{of}, which is no more than chance: AR(1) describes the noise")
