"""Scans that are brighter or darker than the others as a whole: before the steady state, or a fault of the scanner."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.moments.series import Series
from glmwidgets.glm.tables import some
from glmwidgets.plural import count

# Scaled to the standard deviation of a normal variable.
MAD = 1.4826

# A scan is odd that is so many robust SD, and this share of the brightness, away from the others.
FAR = 8
SHARE = 0.05

# After a first scan that is odd, the next ones are before the steady state while they are brighter by this share.
SHARE_NEXT = 0.01

# Of so many voxels the mean of a scan is known to a small part of a percent.
N_VOXELS = 4096

# The residual of a scan is zero whatever it holds where its leverage is this near to one: it has a column of its own.
OWN_COLUMN = 1 - 1e-6


def robust_spread(values: np.ndarray) -> float:
    """Standard deviation by the median distance from the median.

    Parameters
    ----------
    values : array of shape (n,)

    Returns
    -------
    float

    Examples
    --------
    >>> robust_spread(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    1.4826
    """
    return float(MAD * np.median(np.abs(values - np.median(values))))


@dataclass(frozen=True)
class OddScans:
    """Scans whose mean over voxels is far from that of the others.

    Attributes
    ----------
    rows : tuple of int
        Of the design matrix.
    numbers : tuple of int
        In the run, from 0.
    percents : tuple of float
        How much brighter each is, in percent of the median scan.
    """

    rows: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()
    percents: tuple[float, ...] = ()

    @property
    def n_first(self) -> int:
        """How many scans at the beginning are brighter than the others."""
        n = 0
        while n < len(self.rows) and self.rows[n] == n and self.percents[n] > 0:
            n += 1
        return n


def odd_scans(means: np.ndarray, rows: np.ndarray | None = None, numbers: np.ndarray | None = None) -> OddScans:
    """Find scans that are brighter or darker than the others.

    A scan is odd where its mean is more than 8 robust standard deviations and more than 5 % away from the median scan;
    behind a first scan that is brighter, 1 % is enough. Nothing is found where the series have no brightness, as those
    that were centred.

    Parameters
    ----------
    means : array of shape (n_scans,)
        Mean over voxels of each scan.
    rows, numbers : int array of shape (n_scans,), optional
        Row of the design matrix that each scan has, and its number in the run; counted from 0 by default.

    Returns
    -------
    OddScans

    Examples
    --------
    >>> means = 1000 + np.sin(np.arange(100.0))
    >>> means[[0, 1, 57]] = 1300, 1020, 900
    >>> found = odd_scans(means)
    >>> found.rows, found.n_first, [round(p) for p in found.percents]
    ((0, 1, 57), 2, [30, 2, -10])
    """
    level, spread = float(np.median(means)), robust_spread(means)
    if not level > FAR * spread:
        return OddScans()
    away = (means - level) / level
    is_far = np.abs(means - level) > FAR * spread
    is_odd = is_far & (np.abs(away) > SHARE)
    if is_odd[0] and away[0] > 0:
        brighter = is_far & (away > SHARE_NEXT)
        is_odd[: len(means) if brighter.all() else int(np.argmin(brighter))] = True
    at = np.flatnonzero(is_odd)
    rows, numbers = (at if each is None else each[at] for each in (rows, numbers))
    return OddScans(*(tuple(each.tolist()) for each in (rows, numbers, 100 * away[at])))


def scan_means(series: Series) -> np.ndarray:
    """Mean of each scan over some 4,000 voxels that are spread over all.

    Parameters
    ----------
    series : Series
        Of shape (n_scans, n_voxels), in the scanner's units.

    Returns
    -------
    array of shape (n_scans,)

    Examples
    --------
    >>> scan_means(Series.of(np.array([[1.0, 3.0], [2.0, 6.0]]))).tolist()
    [2.0, 4.0]
    """
    n = series.shape[1]
    voxels = np.unique(np.linspace(0, n - 1, min(n, N_VOXELS)).astype(int))
    means = series.read(voxels).mean(axis=1, dtype=np.float64)
    series.done()
    return means


def warn_of_odd_scans(odd: OddScans, design: np.ndarray) -> None:
    """Say which scans are odd and not modelled by a column of their own.

    Parameters
    ----------
    odd : OddScans
    design : array of shape (n_scans, n_columns)
        Design matrix.

    Warns
    -----
    UserWarning
        Names the scans, and says what to do.

    Examples
    --------
    >>> means = np.full(20, 100.0)
    >>> means[0] = 130
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warn_of_odd_scans(odd_scans(means), np.ones((20, 1)))
    >>> str(said[0].message)[:49]
    'scan 0 (counted from 0) is brighter than the othe'
    """
    if not odd.rows:
        return
    axes, sizes, _ = np.linalg.svd(design, full_matrices=False)
    axes = axes[list(odd.rows)][:, sizes > sizes[0] * max(design.shape) * np.finfo(float).eps]
    is_bare = np.square(axes).sum(axis=1) < OWN_COLUMN
    first = [at for at in range(odd.n_first) if is_bare[at]]
    later = [at for at in range(odd.n_first, len(odd.rows)) if is_bare[at]]
    if first:
        n = odd.numbers[first[-1]] + 1
        warnings.warn(
            f"{_named(odd, first)} brighter than the others by {_by(odd, first)}, as scans before the steady "
            f"state are: leave the first {'scan' if n == 1 else count(n, 'scan')} out with data.drop_scans={n}, at the "
            f"command line --drop-scans {n}, in FirstLevelModel.fit with sample_masks",
            stacklevel=4,
        )
    if later:
        warnings.warn(
            f"{_named(odd, later)} unlike the others: the mean over voxels differs by {_by(odd, later)}. One "
            "such scan can hide an effect: scrub by design.scrub_dvars, at the command line --scrub-dvars, add a "
            "confound that is 1 at this scan alone, or leave it out in FirstLevelModel.fit with sample_masks",
            stacklevel=4,
        )


def _named(odd: OddScans, which: list[int]) -> str:
    scans = [odd.numbers[at] for at in which]
    return f"scan{'s' * (len(scans) > 1)} {some(scans)} (counted from 0) {'are' if len(scans) > 1 else 'is'}"


def _by(odd: OddScans, which: list[int]) -> str:
    most = max(abs(odd.percents[at]) for at in which)
    return f"{'up to ' * (len(which) > 1)}{most:.0f} %"
