"""Autoregression with a moving average of one scan, ARMA(1,1), by restricted maximum likelihood in each voxel.

    e_t = a e_{t-1} + u_t + b u_{t-1},    0 <= a <= .98,    -.95 <= b <= .8,    a + b >= 0,

has at lag k >= 1 the autocorrelation ``lam a^(k-1)`` with ``lam = (b + a)(1 + a b) / (1 + 2 a b + b^2)``, which is not
negative (the parameters are those of AFNI's 3dREMLfit, whose default range lies inside of this one). For b < 0 it is an
autoregression of correlation a seen through white noise, whose share of the variance is ``1 - lam / a``; for b > 0
neighbouring scans are more alike than that, as after interpolation or smoothing over time.

The likelihood is looked at on a surface over c = -b and a (`glmwidgets.glm.noise.arma11_surface`); c is then rounded to
its lattice, and a is the exact optimum there (`glmwidgets.glm.noise.arma11_exact`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1 import check_bins
from glmwidgets.glm.noise.arma11_exact import Start, settle
from glmwidgets.glm.noise.arma11_filters import OrdinaryFit, filter_series
from glmwidgets.glm.noise.arma11_surface import U_MAX, Lowest, gain_over_ar1, lowest_points
from glmwidgets.glm.noise.arma11_waves import Waves
from glmwidgets.glm.noise.moving_average import A_MAX, C_MAX, C_MIN, relaxed, stretched
from glmwidgets.glm.noise.products import NoiseFit

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["A_MAX", "C_MAX", "C_MIN", "fit_arma11", "gain_over_ar1"]


def fit_arma11(
    moments: Moments,
    basis: DesignBasis,
    bins: int | None = 100,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> NoiseFit:
    """Autoregression with a moving average by restricted maximum likelihood, exact at both ends of the run.

    Unlike an autoregression's, these estimates need the series themselves, not only their lagged products.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    bins : int or None
        b is rounded to multiples of 1/`bins`; None keeps it as found, at the price of a design of its own for every
        voxel.
    pooling : {None, "local", "global"}
        Whose likelihoods a voxel's parameters make as large as possible; see `glmwidgets.glm.noise.pooling`.
    neighbours : sparse matrix of shape (n_voxels, n_voxels), optional
        For ``"local"``.

    Returns
    -------
    NoiseFit
        With the parameters ``a`` (0 to 0.98), ``b`` (-0.95 to 0.8) and ``lam``, the autocorrelation at lag 1;
        a = b = 0 where the noise is white. The flag ``edge`` tells where a or b lies at the far end of its range.
    """
    check_bins(bins)
    ordinary = OrdinaryFit.of(moments, basis)
    lowest = lowest_points(moments, basis, ordinary, pooling, neighbours)
    c, start = _on_lattice(lowest, moments.constant, bins, is_fixed=pooling is not None)
    levels, level = np.unique(c, return_inverse=True)
    waves = Waves.of(basis)
    series = filter_series(moments, basis, waves, ordinary, levels, level)
    (coefficients, rss, a), precision = settle(series, waves, moments, basis, levels, level, start)
    a[moments.constant] = 0
    edge = ((a >= A_MAX) | (c >= C_MAX) | (c <= C_MIN)) & ~moments.constant
    white = a <= c
    shown_a, shown_c = np.where(white, 0.0, a), np.where(white, 0.0, c)
    lam = (shown_a - shown_c) * (1 - shown_a * shown_c) / (1 - 2 * shown_a * shown_c + shown_c**2)
    parameters = {"a": shown_a, "b": 0.0 - shown_c, "lam": lam}
    return NoiseFit(coefficients.T, np.maximum(rss, 0), precision.covariance, parameters, {"edge": edge})


def _on_lattice(found: Lowest, constant: np.ndarray, bins: int | None, is_fixed: bool) -> tuple[np.ndarray, Start]:
    """C on its lattice, and where a is looked for there."""
    c = np.where(constant, 0.0, relaxed(found.c))
    if bins is not None:
        c = np.clip(np.rint(c * bins), np.ceil(C_MIN * bins), np.floor(C_MAX * bins)) / bins
    c = np.clip(c, C_MIN, C_MAX)
    of_c = stretched(c)
    a = np.clip(found.a + found.tilt * (of_c - found.c), np.maximum(of_c, 0), U_MAX)
    return c, Start(a, found.bend, is_fixed)
