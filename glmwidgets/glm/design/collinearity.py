"""Collinearity of the columns of a design.

Everything is a plain function of a design matrix ``x`` of shape (n_scans, n_columns), a DataFrame or an array.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

Design = pd.DataFrame | np.ndarray

#: A contrast further than this share of its length from the design's rows cannot be estimated.
ESTIMABLE_WITHIN = 1e-8


def as_matrix(x: Design) -> np.ndarray:
    """A design as a finite matrix, a row a scan; in one layout in memory, so that the order of sums is one."""
    matrix = np.asarray(x, dtype=np.float64, order="F")
    if matrix.ndim != 2 or not np.isfinite(matrix).all():
        raise ValueError(f"a design is a matrix of finite numbers, (n_scans, n_columns), not shape {matrix.shape}")
    return matrix


def as_rows(weights: np.ndarray, n_columns: int) -> np.ndarray:
    """Weights of a contrast as rows, one weight a column of the design."""
    rows = np.atleast_2d(np.asarray(weights, dtype=np.float64))
    if rows.ndim != 2 or rows.shape[1] != n_columns:
        raise ValueError(f"a contrast of this design has {n_columns} weights, not shape {np.shape(weights)}")
    return rows


def unit_columns(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns at unit length, and their lengths; rank must not depend on the units of a confound."""
    length = np.linalg.norm(matrix, axis=0)
    length = np.where(length > 0, length, 1.0)
    return matrix / length, length


def row_space(unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Singular values above rounding error, and their right singular vectors as rows."""
    _, s, vt = np.linalg.svd(unit, full_matrices=False)
    kept = s > s.max(initial=0.0) * max(unit.shape) * np.finfo(np.float64).eps
    return s[kept], vt[kept]


def spans_constant(matrix: np.ndarray) -> bool:
    """Whether a constant series can be written with the columns: one of them, or the sum of one for each run."""
    unit = unit_columns(matrix)[0]
    s, vt = row_space(unit)
    q = unit @ vt.T / s
    return len(q) - np.square(q.sum(axis=0)).sum() < ESTIMABLE_WITHIN * len(q)


# Columns -------------------------------------------------------------------------------------------------------


def column_cosine(x: Design) -> np.ndarray:
    """Cosine of the angle between every two columns: ``x_i' x_j / (|x_i| |x_j|)``.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)

    Returns
    -------
    array of shape (n_columns, n_columns)
        NaN for columns of zeros.

    Examples
    --------
    >>> column_cosine(np.array([[1.0, 1.0], [0.0, 1.0]])).round(3).tolist()
    [[1.0, 0.707], [0.707, 1.0]]
    """
    matrix = as_matrix(x)
    length = np.linalg.norm(matrix, axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        unit = matrix / length
    return np.clip(unit.T @ unit, -1.0, 1.0)


def column_correlation(x: Design) -> np.ndarray:
    """Correlation of every two columns over time.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)

    Returns
    -------
    array of shape (n_columns, n_columns)
        NaN for columns that do not change.

    Examples
    --------
    >>> column_correlation(np.array([[1.0, 2.0], [2.0, 1.0], [3.0, 0.0]])).round(3).tolist()
    [[1.0, -1.0], [-1.0, 1.0]]
    """
    return column_cosine(centred(as_matrix(x)))


def centred(matrix: np.ndarray) -> np.ndarray:
    """Columns less their mean; one that does not change becomes exactly 0."""
    return np.where(np.ptp(matrix, axis=0) > 0, matrix - matrix.mean(axis=0), 0.0)


@dataclass(frozen=True)
class Collinearity:
    """Two columns that are hard to tell apart, or one that is empty.

    Attributes
    ----------
    severity : {"identical", "high", "medium", "empty"}
    columns : tuple of str
        One name if the column is empty, two otherwise.
    correlation, cosine : float
        Of the two columns; NaN for an empty one.
    message : str
        A sentence for people.
    """

    severity: str
    columns: tuple[str, ...]
    correlation: float
    cosine: float
    message: str


def collinearity_warnings(
    x: pd.DataFrame, interest: list[str] | None = None, medium: float = 0.4
) -> list[Collinearity]:
    """Pairs of columns whose correlation makes their effects hard to separate.

    A correlation of `medium` or more in absolute value is called medium, one halfway from there to 1 or more
    high, and 1 identical. The limits are those of AFNI's ``1d_tool.py -show_cormat_warnings``: 0.4 and 0.7.

    Parameters
    ----------
    x : DataFrame of shape (n_scans, n_columns)
    interest : list of str, optional
        Names of the columns of interest. Pairs without any of them (two drifts, two motion parameters) are
        left out; by default none is.
    medium : float
        Lowest correlation worth a word.

    Returns
    -------
    list of Collinearity
        Empty columns first, then pairs from the highest correlation down.

    Examples
    --------
    >>> x = pd.DataFrame({"a": [0.0, 1, 0, 1], "b": [0.0, 1, 0, 0.5], "c": [0.0, 0, 0, 0]})
    >>> for found in collinearity_warnings(x):
    ...     print(found.severity, found.message)
    empty 'c' is zero in every scan
    high 'a' and 'b' correlate 0.90: their effects are hard to tell apart
    """
    correlation, cosine = column_correlation(x), column_cosine(x)
    names = [str(name) for name in x.columns]
    wanted = np.ones(len(names), dtype=bool) if interest is None else np.isin(names, interest)
    found = []
    for j in np.flatnonzero(np.isnan(np.diag(cosine)) & wanted):
        found.append(Collinearity("empty", (names[j],), np.nan, np.nan, f"{names[j]!r} is zero in every scan"))
    upper = np.triu(np.abs(np.nan_to_num(correlation)), 1)
    pairs = np.argwhere((upper >= medium) & (wanted[:, None] | wanted))
    for i, j in sorted(pairs.tolist(), key=lambda pair: -upper[tuple(pair)]):
        r = float(correlation[i, j])
        pair = f"{names[i]!r} and {names[j]!r}"
        if abs(r) > 1 - 1e-10:
            severity, message = "identical", f"{pair} are the same up to scale: no data can tell their effects apart"
        elif abs(r) >= (1 + medium) / 2:
            severity, message = "high", f"{pair} correlate {r:.2f}: their effects are hard to tell apart"
        else:
            severity, message = "medium", f"{pair} correlate {r:.2f}: their effects share variance"
        found.append(Collinearity(severity, (names[i], names[j]), r, float(cosine[i, j]), message))
    return found


def variance_inflation(x: Design) -> np.ndarray:
    """Variance inflation factor of every column: ``1 / (1 - R_j^2)``.

    ``R_j^2`` is the share of column j's variance that the other columns explain; the factor is how many times
    larger the variance of its estimate is than if no other column went along with it.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)
        If a constant can be written with its columns, shares of variance are about the mean; otherwise about 0.

    Returns
    -------
    array of shape (n_columns,)
        At least 1; inf for columns that are combinations of others, NaN for those that only tell of the level:
        constant ones, and those whose sum is constant, such as one for each run.

    Examples
    --------
    >>> x = np.array([[1.0, 1, 1], [0, 1, 1], [1, 0, 1], [0, 0, 1]])
    >>> variance_inflation(x).tolist()
    [1.0, 1.0, nan]
    """
    matrix = as_matrix(x)
    return contrast_inflation(matrix, np.eye(matrix.shape[1]))


def contrast_inflation(x: Design, weights: np.ndarray) -> np.ndarray:
    """Variance inflation factor of every contrast.

    ``c (Z' Z)^+ c' / c diag(Z' Z)^-1 c'``, with Z the columns, less their means if a constant can be written with them:
    the variance of the estimate, relative to what it would be if the columns were as long but orthogonal. For a single
    column this is its `variance_inflation`. Two columns of equal length with correlation r give ``1 / (1 + r)`` for
    their sum and ``1 / (1 - r)`` for their difference.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)
    weights : array of shape (n_columns,) or (n_rows, n_columns)

    Returns
    -------
    array of shape (n_rows,)
        inf where the contrast is not estimable, NaN where it weighs a constant column or none, or asks about the level:
        of one run's constant beside another's.

    Examples
    --------
    >>> x = np.array([[1.0, 1, 1], [0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 1]])
    >>> contrast_inflation(x, [[1, 1, 0], [1, -1, 0]]).round(3).tolist()
    [0.857, 1.2]
    """
    matrix = as_matrix(x)
    rows = as_rows(weights, matrix.shape[1])
    flat = np.ptp(matrix, axis=0) == 0
    about_mean = spans_constant(matrix)
    unit, length = unit_columns(centred(matrix) if about_mean else matrix)
    scaled = rows / length
    variance = _variance(unit, scaled)
    alone = np.square(scaled).sum(axis=1)
    undefined = (rows[:, flat] != 0).any(axis=1) | (alone == 0)
    if about_mean and np.isinf(variance).any():
        # What the columns cannot tell only once their means are gone is a matter of the level: the mean of one run.
        unit, length = unit_columns(matrix)
        undefined |= np.isinf(variance) & np.isfinite(_variance(unit, rows / length))
    return np.where(undefined, np.nan, variance / np.where(alone > 0, alone, 1.0))


def _variance(unit: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """``w (U' U)^+ w'`` for every row w; inf where w is not in the row space of U."""
    s, vt = row_space(unit)
    inside = scaled @ vt.T
    outside = np.linalg.norm(scaled - inside @ vt, axis=1)
    variance = np.square(inside / s).sum(axis=1)
    return np.where(outside > ESTIMABLE_WITHIN * np.linalg.norm(scaled, axis=1), np.inf, variance)


# The matrix as a whole -----------------------------------------------------------------------------------------


def design_rank(x: Design) -> int:
    """Number of columns that no others can replace, whatever their units.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)

    Examples
    --------
    >>> design_rank(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]))
    1
    """
    return row_space(unit_columns(as_matrix(x))[0])[0].size


def degrees_of_freedom(x: Design) -> int:
    """Scans minus rank: what is left to estimate the noise from.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)

    Examples
    --------
    >>> degrees_of_freedom(np.array([[1.0, 2.0], [1.0, 2.0], [1.0, 2.0]]))
    2
    """
    return as_matrix(x).shape[0] - design_rank(x)


def condition_number(x: Design, unit_length: bool = True) -> float:
    """Largest over smallest singular value.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)
    unit_length : bool
        Whether to scale the columns to unit length first, so that the number tells of collinearity and not of
        units.

    Returns
    -------
    float
        inf for a rank-deficient matrix.

    Examples
    --------
    >>> condition_number(np.diag([1.0, 100.0])), condition_number(np.diag([1.0, 100.0]), unit_length=False)
    (1.0, 100.0)
    """
    matrix = as_matrix(x)
    s = np.linalg.svd(unit_columns(matrix)[0] if unit_length else matrix, compute_uv=False)
    return float(s[0] / s[-1]) if s[-1] > s[0] * max(matrix.shape) * np.finfo(np.float64).eps else np.inf


def dependent_columns(x: Design) -> tuple[np.ndarray, np.ndarray]:
    """Columns that are empty, and columns that are combinations of each other.

    Parameters
    ----------
    x : DataFrame or array of shape (n_scans, n_columns)

    Returns
    -------
    empty : int array
        Indices of columns that are zero in every scan.
    dependent : int array
        Indices of the other columns that take part in a combination that vanishes.

    Examples
    --------
    >>> x = np.array([[1.0, 0, 2, 1, 0], [1, 0, 2, 0, 0], [1, 0, 2, 0, 1]])
    >>> empty, dependent = dependent_columns(x)
    >>> empty.tolist(), dependent.tolist()
    ([1], [0, 2])
    """
    matrix = as_matrix(x)
    zero = ~matrix.any(axis=0)
    used = np.flatnonzero(~zero)
    unit = unit_columns(matrix[:, used])[0]
    # The cheap look first. It has half the digits: what it suspects is looked at again with all of them.
    if used.size == 0 or np.linalg.eigvalsh(unit.T @ unit)[0] > 1e-10:
        return np.flatnonzero(zero), used[:0]
    vt = row_space(unit)[1]
    lost = np.sqrt(np.maximum(1.0 - np.square(vt).sum(axis=0), 0.0))
    return np.flatnonzero(zero), used[lost > 1e-6]
