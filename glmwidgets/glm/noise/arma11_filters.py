"""Products of series with a design where each voxel has its own c, and those of ordinary least squares.

What the fit needs of a voxel lies side by side in memory: voxels are gathered by their c afterwards.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11_waves import Waves
from glmwidgets.glm.noise.moving_average import own_spectra, own_weights
from glmwidgets.glm.noise.products import BLOCK, LaggedProducts
from glmwidgets.glm.parallel import even_blocks, one_thread, side_by_side

# Voxels worked on at once: with fewer, the many small steps of this model take longer to call than to do, and threads
# wait for one another at each. Fewer are filtered at once where their series would take more than so many numbers.
AT_ONCE, FILTERED_NUMBERS = 10240, 3 * 2**20

# Values of c of which something is made at once: all of the lattice, unless it is finer than usual.
LEVELS_AT_ONCE = 256


class OrdinaryFit(NamedTuple):
    """Fit of ordinary least squares: coordinates of shape (rank, n_voxels), and residual sums of squares."""

    fitted: np.ndarray
    power: np.ndarray

    @classmethod
    def of(cls, moments: Moments, basis: DesignBasis) -> OrdinaryFit:
        """That of all series, of the centred ones where a column of the design absorbs the mean."""
        products, n = LaggedProducts(moments, basis), moments.n_voxels
        out = cls(np.empty((basis.rank, n)), np.empty(n))

        def fill(block: slice) -> None:
            parts = products.at(block)
            fitted = out.fitted[:, block] = parts.cross[0]
            left = parts.own[0] - np.einsum("jv,jv->v", fitted, fitted)
            np.maximum(left, 0, out=out.power[block])

        side_by_side(fill, even_blocks(n, BLOCK))
        return out

    def at(self, voxels: slice | np.ndarray) -> OrdinaryFit:
        """That of some voxels."""
        if isinstance(voxels, slice):
            return OrdinaryFit(self.fitted[:, voxels], self.power[voxels])
        return OrdinaryFit(self.fitted.take(voxels, axis=1), self.power.take(voxels))


class FilteredSeries(NamedTuple):
    """Products of series y, each voxel under its own c, and their fit of ordinary least squares.

    Attributes
    ----------
    by_voxel : array of shape (n_voxels, 2 * rank + 4 - n_waves)
        Voxel by voxel what `glmwidgets.glm.noise.arma11_waves.Waves.to_levels` makes products of; then ``y'Hy``, and
        the residual sum of squares of ordinary least squares.
    """

    by_voxel: np.ndarray

    @property
    def parts(self) -> np.ndarray:
        """What products are made of, shape (2 * rank + 2 - n_waves, n_voxels)."""
        return self.by_voxel[:, :-2].T

    @property
    def own(self) -> np.ndarray:
        """``y'Hy``, shape (n_voxels,)."""
        return self.by_voxel[:, -2]

    @property
    def power(self) -> np.ndarray:
        """Residual sum of squares of ordinary least squares, shape (n_voxels,)."""
        return self.by_voxel[:, -1]

    def at(self, voxels: np.ndarray) -> FilteredSeries:
        """Those of some voxels."""
        return FilteredSeries(self.by_voxel.take(voxels, axis=0))


def filter_series(
    moments: Moments, basis: DesignBasis, waves: Waves, ordinary: OrdinaryFit, levels: np.ndarray, level: np.ndarray
) -> FilteredSeries:
    """Products of the series of all voxels, each under its own c, which is that of its level.

    ``M u = y`` with ``M = (I - c L)(I - c L')``, where L shifts by a scan, is solved forward and backward in time, by
    the whole of a row of voxels at once, and ``(M^-1 - I) / c`` of a series is what the first of these solutions was a
    scan before and the second a scan after, also where c is 0.
    """
    n, n_others, own = basis.n_scans, len(waves.rows), threading.local()
    rows, at_once = np.ascontiguousarray(waves.rows), max(1, min(AT_ONCE, FILTERED_NUMBERS // n))
    out = FilteredSeries(np.empty((level.size, n_others + basis.rank + 4)))
    spectra, shared = moments.power(own_spectra(n), basis.spans_constant), None
    if levels.size <= LEVELS_AT_ONCE:
        with one_thread():
            shared = own_weights(levels, n).T

    def multiply(block: slice) -> None:
        y, weights, at = moments.block(block), shared, level[block]
        if not basis.spans_constant:
            y = y + moments.mean[block]
        if not hasattr(own, "into"):
            own.into = np.empty(n * at_once)
        filtered = own.into[: y.size].reshape(y.shape)
        here, ends = out.by_voxel[block], slice(n_others, n_others + 2)
        here[:, ends] = np.stack(_solve_in_time(y, levels[at], filtered), axis=1)
        # A product that is made voxel by voxel takes longer than one that is turned afterwards.
        here[:, :n_others] = (rows @ filtered).T
        here[:, ends.stop : -2] = ordinary.fitted[:, block].T
        if weights is None:
            few, at = np.unique(at, return_inverse=True)
            weights = own_weights(levels[few], n).T
        here[:, -2] = np.einsum("sv,sv->v", weights.take(at, axis=1), spectra[:, block])
        here[:, -1] = ordinary.power[block]

    side_by_side(multiply, even_blocks(level.size, at_once))
    return out


def _solve_in_time(y: np.ndarray, c: np.ndarray, out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write ``(M^-1 - I) y / c`` into an array like y, in double precision; the ends of ``M^-1 y``."""
    before, product = out[0], np.empty_like(c)
    before[:] = y[0]
    for row, of_scan in zip(out[1:], y[1:], strict=True):
        np.multiply(c, before, out=product)
        np.add(product, of_scan, out=row)
        before = row
    after, last = before.copy(), before.copy()
    if len(out) > 1:
        out[-1] = out[-2]
    for t in range(len(out) - 2, -1, -1):
        np.multiply(c, after, out=product)
        product += out[t]
        # The row is not needed any more, that before it is.
        if t:
            np.add(out[t - 1], after, out=out[t])
        else:
            out[0] = after
        after, product = product, after
    return after, last
