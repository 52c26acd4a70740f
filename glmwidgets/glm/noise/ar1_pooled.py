"""The field's first-order autoregression, with autocorrelations that voxels share.

Correlations of neighbouring scans are averaged over voxels that touch, or over all of them, before they are truncated
to bins: ``rho = mean_v (e_v' S e_v / 2 (n - 1)) / (e_v' e_v / n)``, each voxel with the same weight whatever its
variance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1 import AR1Precision, check_bins, fit_ar1
from glmwidgets.glm.noise.pooling import check_pooling, pooled_curves
from glmwidgets.glm.noise.products import LaggedProducts, NoiseFit, residual_autocovariance

if TYPE_CHECKING:
    import scipy.sparse


def fit_ar1_pooled(
    moments: Moments,
    basis: DesignBasis,
    bins: int | None = 100,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> NoiseFit:
    """First-order autoregression as `glmwidgets.glm.noise.ar1.fit_ar1`, with rho pooled over voxels where that is
    asked.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    bins : int or None
        Truncate rho to multiples of 1/`bins`; None keeps it as estimated.
    pooling : {None, "local", "global"}
        See `glmwidgets.glm.noise.pooling`.
    neighbours : sparse matrix of shape (n_voxels, n_voxels), optional
        For ``"local"``.

    Returns
    -------
    NoiseFit
        With the parameter ``rho``.
    """
    if pooling is None:
        return fit_ar1(moments, basis, bins)
    check_bins(bins)
    check_pooling(pooling, neighbours, moments.n_voxels)
    products = LaggedProducts(moments, basis, order=1)
    power, lagged = np.empty((2, moments.n_voxels))
    for block in products.blocks():
        power[block], lagged[block] = residual_autocovariance(products.at(block), basis)
    known = ~moments.constant & (power > 0)
    own = np.divide(lagged, power, out=np.zeros_like(power), where=known)
    rho = pooled_curves(own[None], known, pooling, neighbours)[0]
    rho[~known] = 0
    if bins is not None:
        rho = np.trunc(rho * bins) / bins
    rss, coefficients = np.empty_like(rho), np.empty((basis.rank, rho.size))
    for block in products.blocks():
        parts = products.at(block)
        g, rss[block] = AR1Precision(basis, rho[block], ends=(-1,)).estimate(parts)
        coefficients[:, block] = g + parts.taken
    precision = AR1Precision(basis, rho, ends=(-1,), bins=bins)
    return NoiseFit(coefficients, rss, precision.covariance, {"rho": rho})
