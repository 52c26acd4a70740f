"""Products of series with a design filtered by moving averages, and of their residuals with it.

For the surface of the likelihood single precision is enough. The design's own columns are multiplied under every value
of c, and what was multiplied lately is kept by column: where a response changes, drift and confounds are not multiplied
again. Where columns are so much alike that coordinates made of their products would lose the digits that count, where
fits are large beside residuals, or where there is no room, series are multiplied with coordinates of which the design
explains nothing, and nothing is kept.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma11_filters import OrdinaryFit
from glmwidgets.glm.noise.moving_average import MovingAverages, own_spectra
from glmwidgets.glm.parallel import one_thread

# Coordinates of a fit that are larger than so many lengths of the residuals are taken from them in double precision.
LARGE = 30

# Up to this condition number of a design: what rounding adds to the surface stays below .01, and what a lowest point
# that is out by so little costs is the square of it.
CONDITION_FOR_COLUMNS = 1e3


class Unit(NamedTuple):
    """Products of some series in units of the length of each.

    Attributes
    ----------
    fitted : array of shape (rank, n_voxels)
        Coordinates of their fit of ordinary least squares.
    cross : array of shape (n_levels, rank + 2, n_voxels), or None
        ``q'He`` of their residuals e, in the coordinates of each level, then ``F' D^-1 e``; None where the products
        with the columns are kept, which `FilteredProducts.cross` makes them of.
    own : array of shape (n_spectra, n_voxels)
        Products of the series as they are with themselves; see `glmwidgets.glm.noise.moving_average`.
    per_power : array of shape (n_voxels,)
        One over the square of the residuals' length, in the series' own unit.
    share : array of shape (n_voxels,)
        The same in the unit of the others.
    voxels : slice
        Which series.
    """

    fitted: np.ndarray
    cross: np.ndarray | None
    own: np.ndarray
    per_power: np.ndarray
    share: np.ndarray
    voxels: slice


class FilteredProducts:
    """Products of a run with a design under some moving averages.

    Parameters
    ----------
    averages : MovingAverages
    moments : Moments
    ordinary : OrdinaryFit
        Of the whole run.
    keep : bool
        Whether what is multiplied may be kept for another design, where there is room.
    """

    def __init__(self, averages: MovingAverages, moments: Moments, ordinary: OrdinaryFit, keep: bool = True):
        self._averages, self._moments, self._ordinary = averages, moments, ordinary
        basis = self._basis = averages.basis
        self._own = moments.power(own_spectra(basis.n_scans), basis.spans_constant)
        n_rows = basis.x.shape[1] + 2
        self._kept: tuple[np.ndarray, ...] = ()
        if (
            keep
            and basis.spans_constant
            and basis.condition < CONDITION_FOR_COLUMNS
            and moments.keeps_filtered(n_rows, averages.c.size)
        ):
            self._kept = self._of_columns()

    def _of_columns(self) -> tuple[np.ndarray, ...]:
        averages, x = self._averages, self._basis.x
        length = np.linalg.norm(x, axis=0)
        length[length == 0] = 1
        to_rows = np.zeros((averages.c.size, self._basis.rank + 2, x.shape[1] + 2), np.float32)
        with one_thread():
            to_rows[:, :-2, :-2] = averages.rotation.transpose(0, 2, 1) @ (self._basis.to_columns * length[:, None]).T
        to_rows[:, -2:, -2:] = np.eye(2)
        self._to_rows = to_rows
        levels, n = averages.c.tobytes(), x.shape[0]
        columns = [((levels, column.tobytes()), column) for column in (x / length).T]
        ends = [((levels, n, end), end) for end in range(2)]
        by_name = dict([*columns, *ends])

        def rows_of(names: list) -> np.ndarray:
            # Each by itself: its last bits are the same whichever others are asked for.
            return np.stack([averages.filtered(by_name[name]) for name in names])

        return self._moments.filtered([name for name, _ in (*columns, *ends)], averages.c.size, rows_of)

    @cached_property
    def _rows(self) -> dict[np.dtype, np.ndarray]:
        """Without what the design explains: their products with a series are those with its residuals."""
        q, rows = self._basis.q, self._averages.rows().reshape(-1, self._basis.n_scans)
        rows = rows - (rows @ q) @ q.T
        return {rows.dtype: rows, np.dtype(np.float32): rows.astype(np.float32)}

    def at(self, voxels: slice) -> Unit:
        """Those of some voxels."""
        moments, basis = self._moments, self._basis
        fitted, power = self._ordinary.at(voxels)
        length = moments.lengths[voxels]
        per_power = 1 / np.where(power > 0, power, 1)
        share = np.square(length) * per_power
        fitted = fitted / length
        own, largest = self._own[:, voxels], np.abs(fitted).max(axis=0) * np.sqrt(share)
        # The fit counts in units of what is left: wild scans with columns of their own want more digits.
        dtype = np.dtype(np.float64 if largest.max(initial=0) > LARGE else np.float32)
        fitted = fitted.astype(dtype, copy=False)
        if self._kept and dtype == np.float32:
            return Unit(fitted, None, own, per_power, share, voxels)
        y = moments.block(voxels).astype(dtype)
        if not basis.spans_constant:
            y += moments.mean[voxels].astype(dtype)
        y *= (1 / length).astype(dtype)
        cross = (self._rows[dtype] @ y).reshape(self._averages.c.size, -1, y.shape[1])
        return Unit(fitted, cross, own, per_power, share, voxels)

    def cross(self, unit: Unit, level: int, turned: np.ndarray, of_fit: np.ndarray) -> np.ndarray:
        """``q'He`` and ``F' D^-1 e`` at a level, from the fit in its coordinates and ``q'Hq`` times that."""
        if unit.cross is not None:
            return unit.cross[level]
        out = self._to_rows[level] @ np.concatenate([piece[:, level, unit.voxels] for piece in self._kept])
        out[:-2] -= of_fit
        out[-2:] -= self._averages.edges[level].T.astype(np.float32) @ turned
        return out
