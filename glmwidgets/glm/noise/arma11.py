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
from glmwidgets.glm.noise.arma11_exact import ARMAPrecision, Filtered, Settled, best_a, filter_residuals, solve
from glmwidgets.glm.noise.arma11_surface import U_MAX, Lowest, Surfaces, Unit, a_at
from glmwidgets.glm.noise.moving_average import A_MAX, C_MAX, C_MIN, MovingAverages, own_spectra
from glmwidgets.glm.noise.pooling import pooled_curves
from glmwidgets.glm.noise.products import BLOCK, LaggedProducts, NoiseFit
from glmwidgets.glm.parallel import side_by_side

if TYPE_CHECKING:
    import scipy.sparse

__all__ = ["A_MAX", "C_MAX", "C_MIN", "fit_arma11", "gain_over_ar1"]

# Values of c whose coordinates are made at once: all of the lattice, unless it is finer than usual.
LEVELS_AT_ONCE = 256


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
    pool = pooling is not None
    surfaces, products = Surfaces(basis, pool), LaggedProducts(moments, basis, order=0)
    moments.power(own_spectra(basis.n_scans), basis.spans_constant)

    def unit(block: slice) -> Unit:
        return Unit.of(moments, basis, products, block)

    if pool:
        found = _pooled(surfaces, unit, moments, pooling, neighbours)
    else:
        found = _joined(side_by_side(lambda block: surfaces.look(unit(block)), _blocks(moments.n_voxels)))
    c, start, bend = _on_lattice(found, moments.constant, bins)
    parts = products.at(slice(None))
    fitted = parts.cross[0]
    power = np.maximum(parts.own[0] - np.einsum("jv,jv->v", fitted, fitted), 0)
    coefficients, rss, a = np.empty_like(fitted), np.empty(moments.n_voxels), np.tanh(start)
    values, level = np.unique(c, return_inverse=True)
    settled = []
    for first in range(0, values.size, LEVELS_AT_ONCE):
        averages = MovingAverages(basis, values[first : first + LEVELS_AT_ONCE])
        of_these = level - first
        some = np.flatnonzero((of_these >= 0) & (of_these < averages.c.size))
        left, voxels = _filtered(moments, basis, fitted, power, averages, some, of_these)

        def fit_block(block: slice, averages=averages, left=left, voxels=voxels) -> None:
            here, mine = left.at(block), voxels[block]
            if not pool:
                a[mine] = best_a(averages, here, start[mine], bend[mine], basis.n_scans - basis.rank)
            fit = solve(averages, here, a[mine])
            coefficients[:, mine] = fit.coefficients(averages, here, a[mine])
            rss[mine] = fit.rss

        side_by_side(fit_block, _blocks(voxels.size))
        settled.append(Settled(averages, voxels, left.level, a[voxels]))
    coefficients += fitted
    coefficients += parts.taken
    a[moments.constant] = 0
    edge = ((a >= A_MAX) | (c >= C_MAX) | (c <= C_MIN)) & ~moments.constant
    white = a <= c
    shown_a, shown_c = np.where(white, 0.0, a), np.where(white, 0.0, c)
    lam = (shown_a - shown_c) * (1 - shown_a * shown_c) / (1 - 2 * shown_a * shown_c + shown_c**2)
    parameters = {"a": shown_a, "b": 0.0 - shown_c, "lam": lam}
    covariance = ARMAPrecision(tuple(settled)).covariance
    return NoiseFit(coefficients, np.maximum(rss, 0), covariance, parameters, {"edge": edge})


def _blocks(n_voxels: int) -> list[slice]:
    return [slice(start, start + BLOCK) for start in range(0, n_voxels, BLOCK)]


def _joined(parts: list) -> Lowest:
    return Lowest(*(np.concatenate(of_part) for of_part in zip(*parts, strict=True)))


def _pooled(surfaces, unit, moments, pooling, neighbours) -> Lowest:
    """Lowest points of likelihoods that voxels share."""
    usable, blocks = ~moments.constant, _blocks(moments.n_voxels)

    def shared(curves: np.ndarray) -> np.ndarray:
        return pooled_curves(curves, usable, pooling, neighbours)

    curves = shared(np.concatenate(side_by_side(lambda b: surfaces.positive.values(unit(b)), blocks), axis=1))
    found = _joined(side_by_side(lambda block: surfaces.positive.lowest(curves[:, block]), blocks))
    near = surfaces.is_near(found)
    if not near.any():
        return found
    # The far side of these takes the curves of all with whom they share.
    wanted = shared(near[None].astype(float))[0] > 0
    curves = np.zeros((surfaces.negative.n_values, near.size), np.float32)

    def fill(block: slice) -> None:
        some = np.flatnonzero(wanted[block])
        curves[:, block.start + some] = surfaces.negative.values(unit(block).at(some))

    side_by_side(fill, blocks)
    near = np.flatnonzero(near)
    return surfaces.or_beyond(found, near, shared(curves)[:, near])


def _on_lattice(found: Lowest, constant: np.ndarray, bins: int | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """C on its lattice; ``atanh a`` there, and how the likelihood bends with it."""
    c = np.where(constant, 0.0, np.tanh(found.c))
    if bins is not None:
        c = np.clip(np.rint(c * bins), np.ceil(C_MIN * bins), np.floor(C_MAX * bins)) / bins
    c = np.clip(c, C_MIN, C_MAX)
    of_c = np.arctanh(c)
    share = np.clip(found.share + found.tilt * (of_c - found.c), 0, 1)
    return c, a_at(of_c, share), found.bend / np.square(U_MAX - np.maximum(of_c, 0))


def _filtered(moments, basis, fitted, power, averages, voxels, level) -> tuple[Filtered, np.ndarray]:
    """Products of voxels under their own c, in order of level, and the order."""
    rows = averages.rows()

    def of_block(block: slice) -> tuple[Filtered, np.ndarray]:
        mine = voxels[block]
        mine = mine[np.argsort(level[mine], kind="stable")]
        return filter_residuals(moments, basis, fitted, power, averages, rows, mine, level[mine]), mine

    found = side_by_side(of_block, _blocks(voxels.size))
    level, power, filtered, *both = (
        [getattr(each, name) for each, _ in found] for name in Filtered.__dataclass_fields__
    )
    one = [np.concatenate(x) for x in (level, power, filtered)]
    whole = Filtered(*one, *(np.concatenate(x, axis=1) for x in both))
    order = np.argsort(whole.level, kind="stable")
    return whole.at(order), np.concatenate([mine for _, mine in found])[order]


def gain_over_ar1(moments: Moments, basis: DesignBasis) -> np.ndarray:
    """How much twice the restricted log likelihood rises from AR(1) to ARMA(1,1), shape (n_voxels,); 0 where constant.

    Looked up on the likelihood's polynomials, to about 0.1. Under an AR(1) it is what one parameter too many gives.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis
    """
    surfaces = Surfaces(basis)
    unit = Unit.of(moments, basis, LaggedProducts(moments, basis, order=0), slice(None))
    positive = surfaces.positive.values(unit)
    alone = surfaces.positive.polynomials.lowest_at_zero(positive)
    best = np.minimum(
        surfaces.positive.lowest(positive).value, surfaces.negative.lowest(surfaces.negative.values(unit)).value
    )
    return np.where(moments.constant, 0.0, np.maximum(alone - best, 0))
