"""A design's own coordinates, in which an AR(1) fit is diagonal at every autocorrelation.

For AR(1) errors the precision is ``W(r) = (1 + r^2) I - r S - r^2 E`` with ``S`` the sum of both one-scan shifts
and ``E`` non-zero at the run's ends only. Choose Q, an orthonormal basis of the design's column space, such that
``Q' S Q = diag(l)``. Then ``Q' W(r) Q = diag(1 + r^2 - r l) - r^2 Q' E Q``: a diagonal and a matrix of rank one or
two, whatever r. Every voxel can have its own r and no system has to be factored.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glmwidgets.glm.errors import NoFreedomError
from glmwidgets.glm.moments.cache import WeightedRows
from glmwidgets.glm.moments.lagged import Moments, shift_sum
from glmwidgets.glm.parallel import one_thread
from glmwidgets.plural import count

# Above this condition number, products with the columns themselves lose digits in the change of basis that
# products with the orthonormal columns keep; those cannot be cached by column.
CONDITION_FOR_CACHE = 1e5

# Numbers in a design from which more threads than one gain anything: below, its decomposition takes some milliseconds
# on one, and up to 200 on two where another program has one of the processors.
LARGE = 50_000


@dataclass(frozen=True)
class DesignBasis:
    """Orthonormal coordinates of a design matrix.

    Attributes
    ----------
    x : array of shape (n_scans, n_columns)
        The design matrix.
    q : array of shape (n_scans, rank)
        Orthonormal, spans the columns of `x`, makes ``q' S q`` diagonal.
    to_columns : array of shape (n_columns, rank)
        ``q = x @ to_columns``; coefficients of `x` are ``to_columns @ coefficients of q`` (of least norm in
        units of each column's length, where the design is rank deficient).
    eigenvalues : array of shape (rank,)
        The diagonal l of ``q' S q``.
    condition : float
        Condition number of the design with its columns scaled to unit length.
    """

    x: np.ndarray
    q: np.ndarray
    to_columns: np.ndarray
    eigenvalues: np.ndarray
    condition: float

    @property
    def n_scans(self) -> int:
        """Number of scans."""
        return self.x.shape[0]

    @property
    def rank(self) -> int:
        """Rank of the design."""
        return self.q.shape[1]

    @cached_property
    def constant(self) -> np.ndarray:
        """Coordinates of a constant series in the basis, shape (rank,)."""
        return self.q.sum(axis=0)

    @cached_property
    def spans_constant(self) -> bool:
        """Whether a constant series can be written with the design's columns."""
        return abs(self.constant @ self.constant - self.n_scans) < 1e-8 * self.n_scans

    @cached_property
    def kept(self) -> np.ndarray:
        """Scans without a column of their own, shape (n_scans,), bool."""
        return kept_scans(self.x)

    @property
    def n_kept(self) -> int:
        """Number of scans without a column of their own."""
        return int(self.kept.sum())

    def shifted(self, lag: int, coordinates: np.ndarray) -> np.ndarray:
        """``q' S_k q g`` for coordinates g of shape (rank, n), like `coordinates`."""
        if lag == 0:
            return coordinates
        if lag == 1:
            return self.eigenvalues[:, None] * coordinates
        return (self.q.T @ shift_sum(self.q, lag)) @ coordinates

    def products(self, moments: Moments, order: int) -> list[WeightedRows]:
        """``q' S_k y`` for the centred series of `moments` and k from 0 to `order`; ``at(voxels)`` gives (rank, n)."""
        lags = range(order + 1)
        if self.condition > CONDITION_FOR_CACHE:
            return moments.with_columns(self.q, lags)
        return moments.with_columns(self.x, lags, self.to_columns)


def kept_scans(x: np.ndarray) -> np.ndarray:
    """Scans of which a design says something: those without a column of their own.

    This is the one view of the scans that remain: R², tSNR, percent, averages and AICc are of them.

    Parameters
    ----------
    x : array of shape (n_scans, n_columns)

    Returns
    -------
    bool array of shape (n_scans,)

    Examples
    --------
    >>> import numpy as np
    >>> kept_scans(np.array([[1.0, 0, 2], [1, 3, 0], [1, 0, 1]]))
    array([ True, False,  True])
    """
    kept = np.ones(len(x), dtype=bool)
    there = x != 0
    kept[there[:, there.sum(axis=0) == 1].argmax(axis=0)] = False
    return kept


def design_basis(x: np.ndarray) -> DesignBasis:
    """Find the coordinates of a design.

    Parameters
    ----------
    x : array of shape (n_scans, n_columns)
        Design matrix; it may be rank deficient.

    Returns
    -------
    DesignBasis

    Raises
    ------
    ValueError
        If the matrix holds NaN or infinite values, is empty, or leaves no degree of freedom.

    Examples
    --------
    >>> import numpy as np
    >>> basis = design_basis(np.column_stack([np.arange(6.0), np.ones(6)]))
    >>> basis.rank, bool(basis.spans_constant)
    (2, True)
    """
    # One layout in memory: sums over scans have another order in another layout, and a table's is that of its history.
    x = np.asarray(x, dtype=np.float64, order="F")
    if x.ndim != 2 or x.shape[1] == 0:
        raise ValueError(f"the design must be a matrix (scans, columns), not of shape {x.shape}")
    bad = np.flatnonzero(~np.isfinite(x).all(axis=0))
    if bad.size:
        raise ValueError(f"column {bad[0]} of the design holds NaN or infinite values")
    # Unit lengths first, so that the rank does not depend on the units of a confound.
    length = np.linalg.norm(x, axis=0)
    unit = x / np.where(length > 0, length, 1)
    with one_thread() if x.size < LARGE else nullcontext():
        return _in_own_coordinates(x, unit, length)


def _in_own_coordinates(x: np.ndarray, unit: np.ndarray, length: np.ndarray) -> DesignBasis:
    u, s, vt = np.linalg.svd(unit, full_matrices=False)
    if s[0] == 0:
        raise ValueError("every column of the design is zero")
    rank = int(np.sum(s > s[0] * max(x.shape) * np.finfo(np.float64).eps))
    if rank >= x.shape[0]:
        raise NoFreedomError(
            f"the design has {count(rank, 'independent column')} for {x.shape[0]} scans, which leaves no degree of "
            "freedom; use fewer columns: fewer confounds, a lower high-pass cut-off, fewer delays"
        )
    u, s, vt = u[:, :rank], s[:rank], vt[:rank]
    eigenvalues, rotation = np.linalg.eigh(u.T @ shift_sum(u, 1))
    to_columns = (vt.T / s) @ rotation / np.where(length > 0, length, 1)[:, None]
    return DesignBasis(x, u @ rotation, to_columns, eigenvalues, float(s[0] / s[-1]))
