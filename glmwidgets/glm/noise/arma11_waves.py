"""Columns of a design whose products under a moving average need no pass over the series, such as those of drift.

Where the sum of both neighbours of each scan is one multiple m of it, as in cosines, constants and straight lines, with
S and H as in `glmwidgets.glm.noise.moving_average`, and e and f the columns of the first and of the last scan,

    S x = m x + r e + s f,    H x = ((m - c) x + r D^-1 e + s D^-1 f) / (1 + c^2 - c m):

``x'Hy`` follows from ``x'y`` and both ends of ``D^-1 y``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import shift_sum
from glmwidgets.glm.noise.moving_average import C_MAX, C_MIN, HALF, MovingAverages
from glmwidgets.glm.parallel import one_thread

# How far off a column of unit length may be, per unit of the least ``1 + c^2 - c m``. At c = .95 and m = 2 that is some
# roundings, and becomes 160,000 times as large: some 1e-10 of a series' length.
TOLERANCE = 4e-13

# Part of a wave of unit length that the ones before it must leave.
LEAST_NEW = 0.1


@dataclass(frozen=True)
class Waves:
    """What a design holds of such columns x, and the rest of it.

    Attributes
    ----------
    multiple : array of shape (n_waves,)
    ends : array of shape (n_waves, 2)
        r and s.
    of_fit : array of shape (n_waves, rank)
        ``x'q``.
    into : array of shape (rank, n_waves)
        Makes their part of ``q'u`` of the products ``x'u``.
    others : array of shape (rank, rank - n_waves)
        Orthonormal coordinates of the rest.
    rows : array of shape (rank - n_waves, n_scans)
        The rest of the design.
    """

    multiple: np.ndarray
    ends: np.ndarray
    of_fit: np.ndarray
    into: np.ndarray
    others: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, basis: DesignBasis) -> Waves:
        """Those among the columns of a design."""
        length = np.linalg.norm(basis.x, axis=0)
        x = basis.x[:, length > 0] / length[length > 0]
        sums, power = shift_sum(x, 1), np.square(x[1:-1]).sum(axis=0)
        multiple = (sums[1:-1] * x[1:-1]).sum(axis=0) / np.where(power > 0, power, 1)
        ends = sums - multiple * x
        least = np.min([1 + c**2 - c * multiple for c in (C_MIN, C_MAX)], axis=0)
        found = np.abs(ends[1:-1]).max(axis=0, initial=0) <= TOLERANCE * least
        with one_thread():
            found[found] = np.abs(np.diag(np.linalg.qr(x[:, found])[1])) > LEAST_NEW
            x, ends, multiple = x[:, found], ends[[0, -1]][:, found].T, multiple[found]
            q, r = np.linalg.qr(x)
            own = basis.q.T @ q
            others = np.linalg.qr(own, mode="complete")[0][:, own.shape[1] :]
            return cls(multiple, ends, x.T @ basis.q, own @ np.linalg.inv(r).T, others, (basis.q @ others).T)

    def to_levels(self, averages: MovingAverages) -> np.ndarray:
        """From what is kept of a series to ``q'He`` in the coordinates of each level, ``F' D^-1 e``, and the fit.

        Kept are the product of the rest with ``(M^-1 - I) y / c``, the first and the last scan of ``M^-1 y``, and the
        fit of ordinary least squares, where ``D = M + c^2 e e'``; the first column adds a matrix of rank one (Sherman
        and Morrison's identity).

        Returns
        -------
        array of shape (n_levels, 2 * rank + 2, 2 * rank + 2 - n_waves)
        """
        c, (n_others, n) = averages.c[:, None], self.rows.shape
        rank, turns = averages.basis.rank, averages.rotation.transpose(0, 2, 1)
        power = np.repeat(c, n, axis=1)
        power[:, 0] = 1
        np.multiply.accumulate(power, axis=1, out=power)
        column = np.cumsum(np.square(power), axis=1)[:, ::-1] * power  # M^-1 e
        per_first = 1 / (1 + np.square(c) * column[:, :1])
        share = c * per_first
        # Both ends of D^-1 y from those of M^-1 y.
        ends = np.zeros((c.size, 2, 2))
        ends[:, 0, 0], ends[:, 1, 0], ends[:, 1, 1] = per_first[:, 0], (-c * share * column[:, -1:])[:, 0], 1
        of_waves = self.into / (1 + np.square(c) - c * self.multiple)[:, None]
        products = np.zeros((c.size, rank, n_others + 2 + rank))
        products[..., :n_others] = self.others
        at_ends = products[..., n_others : n_others + 2]
        at_ends[...] = of_waves @ self.ends @ ends
        at_ends[..., 0] -= share * (column @ self.rows.T) @ self.others.T
        products[..., n_others + 2 :] = (of_waves * (self.multiple - c)[:, None]) @ self.of_fit
        out = np.zeros((c.size, 2 * rank + 2, products.shape[2]))
        out[:, :rank] = turns @ products
        out[:, :rank, n_others + 2 :] -= averages.diagonal[..., None] * turns
        out[:, rank : rank + 2, n_others : n_others + 2] = HALF * np.array([[1, 1], [1, -1]]) @ ends
        out[:, rank : rank + 2, n_others + 2 :] = -averages.edges.transpose(0, 2, 1) @ turns
        out[:, rank + 2 :, n_others + 2 :] = turns
        return out
