"""A contrast of a design as a tested part and a nuisance part.

Any contrast C of a design X can be written so that nothing is left of the columns it was typed in:

    X beta = U phi + Z gamma,     U'U = I,  Z'Z = I,  U'Z = 0,

where Z spans what the model can still do when ``C beta = 0`` and U what it can do besides. The t or F of U given Z is
exactly the t or F of C in X (the partitioning of Winkler et al. 2014, NeuroImage 92:381-397, made orthonormal).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from glmwidgets.glm.errors import NotEstimableError
from glmwidgets.glm.fit.contrasts import ESTIMABLE_WITHIN, chosen_stat_type
from glmwidgets.plural import count

# Lengths of parts of unit vectors below this are rounding.
TOLERANCE = 1e-8


class ColumnSpace(NamedTuple):
    """An orthonormal basis of a design's columns, whatever their units and dependences.

    Attributes
    ----------
    basis : array of shape (n, r)
    to_columns : array of shape (p, r)
        Coefficients of the columns for coefficients of the basis; the smallest ones if there is a choice.
    null : array of shape (p - r, p)
        Orthonormal combinations of the columns, scaled to unit length, that are zero.
    """

    basis: np.ndarray
    to_columns: np.ndarray
    null: np.ndarray

    @property
    def rank(self) -> int:
        """Number of independent columns r."""
        return self.basis.shape[1]


def column_space(design: ArrayLike) -> ColumnSpace:
    """Find an orthonormal basis of a design's columns.

    Columns are scaled to unit length first, so that no verdict depends on the units of a covariate.

    Parameters
    ----------
    design : array of shape (n, p)

    Returns
    -------
    ColumnSpace

    Examples
    --------
    >>> column_space([[1, 2], [1, 2], [1, 2]]).rank
    1
    """
    # One layout in memory, so that the order of sums is one, however the table came about.
    x = np.asarray(design, dtype=float, order="F")
    length = np.linalg.norm(x, axis=0)
    length[length == 0] = 1
    # All of the right vectors are needed, of the left ones only those of the columns.
    left, singular, right = np.linalg.svd(x / length, full_matrices=len(x) < x.shape[1])
    rank = int(np.sum(singular > max(x.shape) * np.finfo(float).eps * singular[0]))
    to_columns = right[:rank].T / singular[:rank] / length[:, None]
    return ColumnSpace(left[:, :rank], to_columns, right[rank:])


@dataclass(frozen=True)
class Hypothesis:
    """A contrast of a design, written as tested part and nuisance part.

    Attributes
    ----------
    tested : array of shape (n, q)
        Orthonormal columns U; for a t contrast one column with the sign of the contrast.
    nuisance : array of shape (n, m)
        Orthonormal columns Z, orthogonal to U.
    stat_type : {"t", "F"}
    """

    tested: np.ndarray
    nuisance: np.ndarray
    stat_type: str

    @property
    def dof(self) -> int:
        """Degrees of freedom of the residuals: n minus the rank of the design."""
        return len(self.tested) - self.tested.shape[1] - self.nuisance.shape[1]


def holds_constant(design: ArrayLike) -> bool:
    """Whether the columns of a design, shape (n, p), can make a constant.

    Examples
    --------
    >>> holds_constant([[1, 0], [0, 1], [1, 0]]), holds_constant([[-1], [0], [1]])
    (True, False)
    """
    basis = column_space(design).basis
    ones = np.ones(len(basis))
    return bool(np.allclose(basis @ (basis.T @ ones), ones, atol=TOLERANCE))


def partition(design: ArrayLike, contrast: ArrayLike, stat_type: str | None = None) -> Hypothesis:
    """Write a contrast as a tested part and a nuisance part, ``X beta = U phi + Z gamma``.

    ``U`` is an orthonormal basis of ``X (X'X)^+ C'``, and ``Z`` of what is left of the column space of X.

    Parameters
    ----------
    design : array of shape (n, p)
    contrast : array of shape (p,) or (q, p)
        Weights of the design's columns.
    stat_type : {"t", "F"}, optional
        Default: t for one row, F for several.

    Returns
    -------
    Hypothesis

    Raises
    ------
    ValueError
        If the contrast is zero, not estimable, of another length than the design has columns, has several rows for
        a t test, or if the design leaves no degree of freedom.

    Examples
    --------
    >>> groups = [[1, 0], [1, 0], [0, 1], [0, 1]]
    >>> difference = partition(groups, [1, -1])
    >>> difference.tested.ravel(), difference.dof
    (array([ 0.5,  0.5, -0.5, -0.5]), 2)
    """
    x = np.asarray(design, dtype=float, order="F")
    if x.ndim != 2:
        raise ValueError(f"a design has rows and columns; this one has shape {x.shape}")
    weights = np.atleast_2d(np.asarray(contrast, dtype=float))
    if weights.shape[1] != x.shape[1]:
        raise ValueError(f"the contrast has {count(weights.shape[1], 'weight')} and the design {x.shape[1]} columns")
    if not np.isfinite(x).all():
        raise ValueError(f"the design holds NaN or infinity in row {int(np.argwhere(~np.isfinite(x))[0, 0])}")
    if not np.isfinite(weights).all() or not weights.any(axis=1).all():
        raise ValueError("the contrast, or a row of it, is zero or not finite")
    stat_type = chosen_stat_type(stat_type, len(weights))

    space = column_space(x)
    in_basis = weights @ space.to_columns
    # In units of each column's length, what the contrast asks of combinations of columns that are zero.
    scaled = weights / np.where((length := np.linalg.norm(x, axis=0)) > 0, length, 1)
    outside = np.linalg.norm(scaled @ space.null.T, axis=1)
    if np.any(outside > ESTIMABLE_WITHIN * np.linalg.norm(scaled, axis=1)):
        raise NotEstimableError(
            "the contrast is not estimable: columns of the design are combinations of each other, and no data can "
            "tell them apart"
        )
    if space.rank >= len(x):
        raise ValueError(f"{len(x)} maps and a design of rank {space.rank} leave no degree of freedom for the errors")

    directions = in_basis / np.linalg.norm(in_basis, axis=1, keepdims=True)
    _, size, basis = np.linalg.svd(directions, full_matrices=True)
    q = int(np.sum(size > TOLERANCE * size[0]))
    if q == 1:
        basis[0] = directions[0]
    return Hypothesis(space.basis @ basis[:q].T, space.basis @ basis[q:].T, stat_type)
