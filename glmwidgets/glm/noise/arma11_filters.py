"""Products of series with a design where each voxel has its own c, and those of ordinary least squares.

What the fit needs of a voxel lies side by side in memory: voxels are gathered by their c afterwards.
"""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.moving_average import own_spectra, own_weights
from glmwidgets.glm.noise.products import BLOCK, LaggedProducts
from glmwidgets.glm.parallel import even_blocks, one_thread, side_by_side

# Voxels worked on at once: with fewer, the many small steps of this model take longer to call than to do, and threads
# wait for one another at each. Fewer are filtered at once where their series would take more than so many numbers.
AT_ONCE, FILTERED_NUMBERS = 10240, 3 * 2**20

# Values of c of which something is made at once: all of the lattice, unless it is finer than usual.
LEVELS_AT_ONCE = 256

# Of the sum and the difference of the ends, which F holds at unit length.
HALF = 0.5**0.5


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
    by_voxel : array of shape (n_voxels, 2 * rank + 4)
        All that follows, voxel by voxel.
    rank : int
    """

    by_voxel: np.ndarray
    rank: int

    @property
    def rows(self) -> np.ndarray:
        """``q'Hy``, then ``F' D^-1 y``, shape (rank + 2, n_voxels)."""
        return self.by_voxel[:, : self.rank + 2].T

    @property
    def own(self) -> np.ndarray:
        """``y'Hy``, shape (n_voxels,)."""
        return self.by_voxel[:, self.rank + 2]

    @property
    def power(self) -> np.ndarray:
        """Residual sum of squares of ordinary least squares, shape (n_voxels,)."""
        return self.by_voxel[:, self.rank + 3]

    @property
    def fitted(self) -> np.ndarray:
        """Coordinates of the fit of ordinary least squares, shape (rank, n_voxels)."""
        return self.by_voxel[:, self.rank + 4 :].T

    def at(self, voxels: np.ndarray) -> FilteredSeries:
        """Those of some voxels."""
        return FilteredSeries(self.by_voxel.take(voxels, axis=0), self.rank)


def filter_series(
    moments: Moments, basis: DesignBasis, ordinary: OrdinaryFit, levels: np.ndarray, level: np.ndarray
) -> FilteredSeries:
    """Products of the series of all voxels, each under its own c, which is that of its level.

    ``D = M + c^2 e e'`` with e the column of the first scan and ``M = (I - c L)(I - c L')``, where L shifts by a scan:
    ``M u = y`` is solved forward and backward in time, by the whole of a row of voxels at once, and ``(M^-1 - I) / c``
    of a series is what the first of these solutions was a scan before and the second a scan after, also where c is 0.
    The column adds a matrix of rank one (Sherman and Morrison's identity).
    """
    n, rank, own = basis.n_scans, basis.rank, threading.local()
    rows, at_once = np.ascontiguousarray(basis.q.T), max(1, min(AT_ONCE, FILTERED_NUMBERS // n))
    out = FilteredSeries(np.empty((level.size, 2 * rank + 4)), rank)
    spectra, shared = moments.power(own_spectra(n), basis.spans_constant), None
    if levels.size <= LEVELS_AT_ONCE:
        with one_thread():
            shared = _FirstScan.of(levels, rows)

    def multiply(block: slice) -> None:
        y, column, at = moments.block(block), shared, level[block]
        if not basis.spans_constant:
            y = y + moments.mean[block]
        if not hasattr(own, "into"):
            own.into = np.empty(n * at_once)
        filtered = own.into[: y.size].reshape(y.shape)
        first, last = _solve_in_time(y, levels[at], filtered)
        if column is None:
            few, at = np.unique(at, return_inverse=True)
            column = _FirstScan.of(levels[few], rows)
        here = out.by_voxel[block]
        share = column.share[at] * first
        # A product that is made voxel by voxel takes longer than one that is turned afterwards.
        product = rows @ filtered
        explained = column.explained.take(at, axis=1)
        explained *= share
        np.subtract(product, explained, out=product)
        here[:, :rank] = product.T
        at_first, at_last = column.per_first[at] * first, last - column.last[at] * share
        here[:, rank], here[:, rank + 1] = HALF * (at_first + at_last), HALF * (at_first - at_last)
        here[:, rank + 2] = np.einsum("sv,sv->v", column.weights.take(at, axis=1), spectra[:, block])
        here[:, rank + 3], here[:, rank + 4 :] = ordinary.power[block], ordinary.fitted[:, block].T

    side_by_side(multiply, even_blocks(level.size, at_once))
    return out


class _FirstScan(NamedTuple):
    """What levels of c add to a filtered series where its first scan is set right, and weights of its own product.

    Attributes
    ----------
    per_first, share, last : array of shape (n_levels,)
        Of the first scan of ``M^-1 y``: that of ``D^-1 y`` per unit of it; c times that; and the last scan of
        ``M^-1 e``, with e the column of the first scan.
    explained : array of shape (rank, n_levels)
        Product of the design with ``M^-1 e``.
    weights : array of shape (n_spectra, n_levels)
        With which `glmwidgets.glm.noise.moving_average.own_spectra` make H.
    """

    per_first: np.ndarray
    share: np.ndarray
    last: np.ndarray
    explained: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, levels: np.ndarray, rows: np.ndarray) -> _FirstScan:
        """Of values of c, and a design's coordinates in rows."""
        n = rows.shape[1]
        power = levels ** np.arange(n)[:, None]
        column = np.cumsum(np.square(power), axis=0)[::-1] * power
        per_first = 1 / (1 + np.square(levels) * column[0])
        return cls(per_first, levels * per_first, levels * column[-1], rows @ column, own_weights(levels, n).T)


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
