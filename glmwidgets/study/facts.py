"""Figures of a run's data that no model changes, of all its voxels: made once, with the preview."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glmwidgets.glm.design.drift import cosine_drift, polynomial_drift
from glmwidgets.glm.fit.smoothness import sampled_pairs
from glmwidgets.glm.inference.scores import z_from_p
from glmwidgets.glm.inference.smoothness import NeighbourPairs, neighbour_pairs, smoothness_of_residuals
from glmwidgets.glm.moments.brightness import MAD, robust_spread
from glmwidgets.glm.moments.row_products import filled_up
from glmwidgets.glm.moments.series import BLOCK, Series
from glmwidgets.runs.domain import Domain
from glmwidgets.study.figure import Figure

# Cells whose residuals tell the smoothness.
N_CELLS = 3000

# Numbers between the end of a row and the next one.
APART = 24

# Below this frequency in Hz a change counts as slow.
SLOW = 0.01


@dataclass(frozen=True, eq=False)
class Whole:
    """All series of a run.

    Attributes
    ----------
    series : Series
        In the image's units, of shape (n_scans, n_voxels).
    domain : Domain
    t_r : float
        Seconds between scans.
    """

    series: Series
    domain: Domain
    t_r: float

    @property
    def n_scans(self) -> int:
        """Number of scans."""
        return self.series.shape[0]

    @cached_property
    def times(self) -> np.ndarray:
        """When scans were taken, in even steps."""
        return np.arange(self.n_scans) * self.t_r

    @cached_property
    def trend(self) -> np.ndarray:
        """Orthonormal columns of a quadratic trend, the constant among them."""
        return np.linalg.qr(np.column_stack([np.ones(self.n_scans), polynomial_drift(self.times, 2)]))[0]

    @cached_property
    def scanned(self) -> tuple[np.ndarray, ...]:
        """In one pass: per voxel mean, SD about the trend, share of slow power; per scan outliers, DVARS and mean."""
        n, trend = self.n_scans, self.trend
        slow = cosine_drift(self.times, SLOW)
        slow = slow - trend @ (trend.T @ slow)
        slow = np.linalg.svd(slow, full_matrices=False)[0] if slow.shape[1] else slow
        # What is slow does not lie in the trend: one product finds both, and the series are copied for it once. Rows of
        # zeros fill it up: a library takes longer for what its registers do not hold evenly.
        n_both = trend.shape[1] + slow.shape[1]
        both = np.zeros((filled_up(n_both), n))
        both[:n_both] = np.column_stack([trend, slow]).T
        limit = float(z_from_p(0.001 / n)) * MAD
        means, spreads, shares = [], [], []
        outliers, changes, sums = np.zeros(n), np.zeros(n - 1), np.zeros(n)
        # Written again for each block: new memory would take as long as a step. Row behind row, since each step begins
        # anew between rows that stand apart; but columns of rows a power of two apart share few places of the cache.
        room, other = np.empty((2, n * BLOCK))
        single, beyond = np.empty((n, BLOCK + APART), np.float32), np.empty(n * BLOCK, np.float32)
        ranked, ones, single_ones = np.empty((BLOCK, n), np.float32), np.ones(BLOCK), np.ones(BLOCK, np.float32)
        for _, block in self.series.blocks():
            width = block.shape[1]
            y, spare, far = (flat[: block.size].reshape(block.shape) for flat in (room, other, beyond))
            y[...] = block
            sums += y @ ones[:width]
            change = np.subtract(y[1:], y[:-1], out=spare[1:])
            changes += np.matmul(change[:, np.newaxis], change[:, :, np.newaxis])[:, 0, 0]
            in_both = both @ y
            in_trend, in_slow, _ = np.split(in_both, [trend.shape[1], n_both])
            means.append(in_trend[0] * trend[0, 0])  # whose first column is constant
            rest = np.subtract(y, np.matmul(trend, in_trend, out=spare), out=y)
            left = np.einsum("tv,tv->v", rest, rest)
            spreads.append(np.sqrt(left / (n - 3)))
            centred = left + np.square(in_trend[1:]).sum(axis=0)
            without = left - np.square(in_slow).sum(axis=0)
            shares.append(1 - np.divide(without, centred, out=np.ones_like(centred), where=centred > 0))
            # Single precision tells which distances are larger than others.
            deviation = np.abs(rest, out=single[:, :width], casting="same_kind")
            # A whole sort is vectorised, and three times as fast as the partition by which numpy finds a median. Where
            # there is no sign, the bits of numbers are in their order, and integers are sorted sooner.
            by_rank = ranked[:width]
            by_rank[...] = deviation.T
            by_rank.view(np.int32).sort(axis=1)
            usual = (by_rank[:, (n - 1) // 2] + by_rank[:, n // 2]) / 2
            outliers += np.greater(deviation, limit * usual, out=far) @ single_ones[:width]
        n_voxels = self.series.shape[1]
        return (
            np.concatenate(means),
            np.concatenate(spreads),
            np.concatenate(shares),
            outliers / n_voxels,
            np.sqrt(changes / n_voxels),
            sums / n_voxels,
        )

    @cached_property
    def brightness(self) -> float:
        """Median over voxels of the mean signal."""
        return float(np.median(self.scanned[0]))

    @cached_property
    def global_signal(self) -> np.ndarray:
        """Mean over voxels of each scan, less its quadratic trend, in percent of the whole mean."""
        mean = self.scanned[5]
        return 100 * (mean - self.trend @ (self.trend.T @ mean)) / mean.mean()


def mask_volume(whole: Whole) -> float:
    """Volume of the voxels that are analysed, in mL."""
    return whole.domain.size * whole.domain.cell_volume / 1000


def tsnr(whole: Whole) -> float:
    """Median over voxels of mean over SD in time, a quadratic trend taken off."""
    mean, spread = whole.scanned[:2]
    return float(np.median(np.divide(mean, spread, out=np.zeros_like(mean), where=spread > 0)))


def dvars(whole: Whole) -> float:
    """Median over scans of DVARS, in percent of the median signal."""
    return float(100 * np.median(whole.scanned[4]) / whole.brightness)


def dvars_max(whole: Whole) -> float:
    """Largest DVARS of a scan over the median one."""
    return float(whole.scanned[4].max() / np.median(whole.scanned[4]))


def spikes(whole: Whole) -> float:
    """Largest change of the global signal from one scan to the next, in robust SD of these changes."""
    change = np.diff(whole.global_signal)
    spread = robust_spread(change)
    return float(np.abs(change).max() / spread) if spread > 0 else np.nan


def outliers(whole: Whole) -> float:
    """Mean over scans of the share of voxels that are outliers in time, in percent."""
    return float(100 * whole.scanned[3].mean())


def outliers_max(whole: Whole) -> float:
    """Largest share of voxels that are outliers in one scan, in percent."""
    return float(100 * whole.scanned[3].max())


def smoothness(whole: Whole) -> float:
    """Width of the noise's smoothness in mm: the geometric mean of the three axes."""
    pairs = neighbour_pairs(whole.domain.mask)
    some = sampled_pairs(pairs, N_CELLS)
    voxels = np.unique(np.concatenate([some.cells.ravel(), *(face.ravel() for face in some.faces)]))
    place = np.full(pairs.n_voxels, -1)
    place[voxels] = np.arange(voxels.size)
    y = whole.series.read(voxels)
    renumbered = NeighbourPairs(tuple(place[face] for face in some.faces), place[some.cells], voxels.size)
    # What is slow, and the task, would make it look smoother, and so would a scan that is unlike the others.
    change = whole.scanned[4]
    usual = change <= 1.5 * np.median(change)
    rest = np.subtract(y[1:], y[:-1], dtype=np.float64)
    rest = rest if usual.all() else rest[usual]
    found = smoothness_of_residuals(rest, renumbered)
    wide = np.array(found.fwhm_mm(np.linalg.norm(whole.domain.affine[:3, :3], axis=0)))
    known = wide[np.isfinite(wide)]  # an axis along which no two voxels touch has no width
    return float(np.exp(np.log(known).mean())) if known.size else np.nan


def slow_drift(whole: Whole) -> float:
    """Median over voxels of the share of the variance that is trend and change slower than 100 s, in percent."""
    return float(100 * np.median(whole.scanned[2]))


#: Figures of the data.
FACTS = (
    Figure(
        "mask_volume",
        "volume of the mask",
        "mL",
        "data",
        "Volume of the voxels that are analysed: those of the given mask, or of the brain that is found, that have "
        "a signal.",
        mask_volume,
        side="both",
        floor=1.15,
        ratio=True,
    ),
    Figure(
        "tsnr",
        "temporal signal to noise",
        "",
        "data",
        "Median over voxels of mean(y) / SD(y - quadratic trend).",
        tsnr,
        "Krueger and Glover 2001, Magn Reson Med 46, 631-637",
        "low",
        1.3,
        True,
    ),
    Figure(
        "dvars",
        "DVARS",
        "%",
        "data",
        "Median over scans of sqrt(mean over voxels of (y_t - y_(t-1))^2), in percent of the median signal.",
        dvars,
        "Power and others 2012, NeuroImage 59, 2142-2154",
        "high",
        1.3,
        True,
    ),
    Figure(
        "dvars_max",
        "largest DVARS",
        "× the median",
        "data",
        "Largest DVARS over the median DVARS: large where one scan differs from the scan before it.",
        dvars_max,
        "Power and others 2012, NeuroImage 59, 2142-2154",
        "high",
        1.6,
        True,
    ),
    Figure(
        "spikes",
        "largest jump of the global signal",
        "SD",
        "data",
        "Largest change of the mean signal from one scan to the next, over 1.4826 times the median absolute "
        "deviation of these changes.",
        spikes,
        "",
        "high",
        1.8,
        True,
    ),
    Figure(
        "outliers",
        "voxels that are outliers",
        "%",
        "data",
        "Mean over scans of the share of voxels further from their own trend than z(.001 / n_scans) × 1.4826 × the "
        "median of these distances.",
        outliers,
        "3dToutcount of AFNI (Cox 1996, Comput Biomed Res 29, 162-173), with a quadratic trend by least squares",
        "high",
        2.0,
        True,
        "{value} of the voxels are outliers, and {usual} is usual",
    ),
    Figure(
        "outliers_max",
        "outliers in the worst scan",
        "%",
        "data",
        "Largest share over scans of voxels that are outliers.",
        outliers_max,
        "3dToutcount of AFNI (Cox 1996, Comput Biomed Res 29, 162-173)",
        "high",
        3.0,
        True,
        "{value} of the voxels are outliers in the worst scan, and {usual} is usual",
    ),
    Figure(
        "fwhm",
        "smoothness",
        "mm",
        "data",
        "Smoothness of the changes from scan to scan, as the full width at half maximum of a Gaussian; geometric mean "
        "of the axes.",
        smoothness,
        "Forman and others 1995, Magn Reson Med 33, 636-647",
        "both",
        1.15,
        True,
        "its smoothness is {value}, and {usual} is usual: it may have been smoothed in another way",
    ),
    Figure(
        "slow_drift",
        "slow drift",
        "%",
        "data",
        "Median over voxels of the share of variance in a quadratic trend and cosines slower than 100 s.",
        slow_drift,
        "",
        "high",
        1.5,
        True,
    ),
)


def facts_of(series: np.ndarray | Series, domain: Domain, t_r: float) -> dict[str, float]:
    """All figures of a run's data; NaN for one that cannot be made.

    Parameters
    ----------
    series : array of shape (n_scans, n_voxels), or Series
    domain : Domain
    t_r : float

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> import nibabel as nib
    >>> rng = np.random.default_rng(0)
    >>> domain = Domain.of(nib.Nifti1Image(np.zeros((8, 8, 8, 60), np.float32), np.diag([3.0, 3, 3, 1])))
    >>> facts = facts_of(100 + rng.standard_normal((60, 512)), domain, 2.0)
    >>> round(facts["tsnr"]), round(facts["dvars"], 1), bool(facts["fwhm"] < 3)
    (101, 1.4, True)
    """
    whole, facts = Whole(Series.of(series), domain, t_r), {}
    for row in FACTS:
        try:
            value = float(row.of(whole))
        except ValueError:
            value = np.nan
        facts[row.key] = value if np.isfinite(value) else np.nan
    return facts
