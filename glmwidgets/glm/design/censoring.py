"""Scans that are to be ignored, without breaking the order of time.

Cutting scans out of a run joins scans that were not neighbours, and the autocorrelation of the errors with them. A
column of the design that is one at a single scan and zero elsewhere takes all that the scan says, and leaves the
others where they are in time: generalised least squares with such columns are those of the remaining scans under the
true covariance between them, gaps included, and so are the restricted likelihood, its estimates and the degrees of
freedom. (The models that estimate from residuals of ordinary least squares, ``ar1`` and ``arN``, see zeros there.)

Runs need nothing of the kind: each is fitted by itself, so that no autocorrelation reaches over its border.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.plural import count


def filled_gaps(y: np.ndarray, scans: np.ndarray) -> np.ndarray:
    """Put series of some scans where they belong in time; scans between them hold the mean of each series.

    The values there do not matter, as these scans get columns of their own (`with_censored_scans`).

    Parameters
    ----------
    y : array of shape (n_kept, n_voxels)
    scans : int array of shape (n_kept,)
        Rising.

    Returns
    -------
    array of shape (n_scans, n_voxels), dtype of `y`
        From the first of the scans to the last.

    Examples
    --------
    >>> filled_gaps(np.array([[1.0], [3.0]]), np.array([4, 6])).ravel()
    array([1., 2., 3.])
    """
    out = np.empty((scans[-1] - scans[0] + 1, y.shape[1]), y.dtype)
    out[:] = y.mean(axis=0, dtype=np.float64)
    out[scans - scans[0]] = y
    return out


def censored_scans(sample_mask: np.ndarray, n_scans: int) -> np.ndarray:
    """Scans that a sample mask leaves out.

    Parameters
    ----------
    sample_mask : int array of the scans that are kept, or bool array of shape (n_scans,), true where kept
    n_scans : int

    Returns
    -------
    int array
        Scans that are not kept, rising.

    Raises
    ------
    ValueError
        If a scan is outside the run, or a bool mask of another length.

    Examples
    --------
    >>> censored_scans(np.array([0, 1, 4]), 5)
    array([2, 3])
    """
    kept = np.asarray(sample_mask)
    if kept.dtype == bool:
        if kept.shape != (n_scans,):
            raise ValueError(f"the sample mask is of shape {kept.shape}; the run has {n_scans} scans")
        return np.flatnonzero(~kept)
    if kept.size and (kept.min() < 0 or kept.max() >= n_scans):
        raise ValueError(
            f"the sample mask keeps scan {kept.max() if kept.max() >= n_scans else kept.min()}, "
            f"but scans are numbered from 0 to {n_scans - 1}"
        )
    return np.setdiff1d(np.arange(n_scans), kept)


def with_censored_scans(design: pd.DataFrame, censored: np.ndarray, first: int = 0) -> pd.DataFrame:
    """Add a column for each scan that is to be ignored.

    Parameters
    ----------
    design : DataFrame of shape (n_scans, n_columns)
        Design of the whole run.
    censored : int array
        Scans to ignore, numbered from 0.
    first : int
        Number of the scan in the design's first row, for the names.

    Returns
    -------
    DataFrame of shape (n_scans, n_columns + n_censored)
        New columns are named ``censored_7`` after their scan and come last.

    Raises
    ------
    ValueError
        If a scan is outside the run or censored twice, or no scan would be left.

    Examples
    --------
    >>> with_censored_scans(pd.DataFrame({"constant": np.ones(3)}), [1])
       constant  censored_1
    0       1.0         0.0
    1       1.0         1.0
    2       1.0         0.0
    """
    n, scans = len(design), np.asarray(censored, dtype=np.intp)
    outside = scans[(scans < 0) | (scans >= n)]
    if outside.size:
        raise ValueError(f"scan {outside[0]} cannot be censored: scans are numbered from 0 to {n - 1}")
    if np.unique(scans).size < scans.size:
        raise ValueError("a scan is censored twice; name each once")
    if scans.size == n:
        raise ValueError(f"all {n} scans are censored")
    columns = np.zeros((n, scans.size))
    columns[scans, np.arange(scans.size)] = 1
    spikes = pd.DataFrame(columns, index=design.index, columns=[f"censored_{first + scan}" for scan in scans])
    return pd.concat([design, spikes], axis=1)


def scans_kept(sample_mask: Any, n_scans: int, where: str, called: str = "sample mask") -> np.ndarray | None:
    """Check a sample mask.

    Parameters
    ----------
    sample_mask : array of bool or int, or None
        Booleans for all scans, or the numbers of those that are kept.
    n_scans : int
    where, called : str
        What messages call the run and the mask.

    Returns
    -------
    array of int, or None
        Numbers of the scans that are kept, ascending; None for all.

    Raises
    ------
    ValueError
        If it is none, or keeps no scan.

    Examples
    --------
    >>> scans_kept([True, False, True], 3, "run 1")
    array([0, 2])
    """
    if sample_mask is None:
        return None
    mask = np.asarray(sample_mask)
    if mask.ndim != 1:
        raise ValueError(f"the {called} of {where} must be a list of scans, not an array of shape {mask.shape}")
    if mask.dtype == bool:
        if mask.size != n_scans:
            raise ValueError(f"the {called} of {where} has {count(mask.size, 'boolean')} for {n_scans} scans")
        kept = np.flatnonzero(mask)
    else:
        kept = mask.astype(np.int64)
        if np.any(kept != mask):
            raise ValueError(f"the {called} of {where} must hold booleans or whole numbers of scans")
        if kept.size and (kept.min() < 0 or kept.max() >= n_scans):
            raise ValueError(
                f"the {called} of {where} names scan {kept.max() if kept.min() >= 0 else kept.min()}, "
                f"and its scans are 0 to {n_scans - 1}"
            )
        if np.any(np.diff(kept) <= 0):
            raise ValueError(f"the {called} of {where} must name each kept scan once, in the order of time")
    if not kept.size:
        raise ValueError(f"the {called} of {where} leaves no scan")
    return kept
