"""Voxels whose numbers are to be doubted, and why.

What real data hold: series that do not vary, series that the design explains altogether, a single scan that outweighs
all others, and noise parameters at the end of their range.
"""

from __future__ import annotations

import numpy as np

from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.noise.products import BLOCK

FLAGS = {
    "constant": "the series does not vary; no statistic is given",
    "explained": "the design explains the series to rounding error; its noise cannot be estimated",
    "spike": "one scan holds most of the residual variance",
    "edge": "a parameter of the noise lies at the end of its range",
}

# A share of the residual squares that one of n normal residuals has with a probability far below 1e-6 for n > 30.
SPIKE_SHARE = 0.5


def voxel_flags(fit: Fit) -> dict[str, np.ndarray]:
    """Masks of doubtful voxels.

    Parameters
    ----------
    fit : Fit
        With its series.

    Returns
    -------
    dict of bool arrays of shape (n_voxels,)
        One a key of `FLAGS`.

    Examples
    --------
    >>> from glmwidgets.glm.moments.lagged import Moments
    >>> from glmwidgets.glm.fit.regression import fit_glm
    >>> y = np.random.default_rng(0).standard_normal((50, 3))
    >>> y[:, 0] = 7
    >>> y[20, 1] = 1e3
    >>> flags = voxel_flags(fit_glm(Moments(y), np.ones((50, 1)), "ar1-reml"))
    >>> {name: mask.nonzero()[0].tolist() for name, mask in flags.items()}
    {'constant': [0], 'explained': [], 'spike': [1], 'edge': []}
    """
    constant = fit.moments.constant
    total, largest = np.empty((2, fit.n_voxels))
    for start in range(0, fit.n_voxels, BLOCK):
        block = slice(start, start + BLOCK)
        squares = np.square(fit.residuals(block))
        total[block], largest[block] = squares.sum(axis=0), squares.max(axis=0)
    # Residuals are differences of numbers as large as the data, which are known to their own precision.
    eps = np.finfo(fit.moments.dtype).eps
    power = fit.moments.own(0) + fit.moments.n_scans * fit.moments.mean**2
    explained = ~constant & (total <= fit.moments.n_scans * (100 * eps) ** 2 * power)
    return {
        "constant": constant.copy(),
        "explained": explained,
        "spike": ~constant & ~explained & (largest > SPIKE_SHARE * total),
        "edge": fit.noise.flags.get("edge", np.zeros_like(constant)) & ~explained,
    }
