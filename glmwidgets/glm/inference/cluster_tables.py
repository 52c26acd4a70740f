"""How large clusters of noise are, by drawing noise: tables of the largest cluster at many heights.

Noise over space correlates with itself at a distance of r mm by ``a exp(-r^2 / 2 b^2) + (1 - a) exp(-r / c)``, whose
long tail a Gaussian lacks (Cox et al. 2017, Brain Connectivity 7, 152-171). Volumes of such noise are drawn by way of
their spectrum, and at each height the largest cluster is measured: of voxels that share a face, an edge or a corner; of
one sign, of either, or of both together. The share of draws whose largest cluster reaches k voxels is the familywise p.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Event

import numpy as np
from numpy.typing import ArrayLike, NDArray

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.inference.cluster_stats import Lattice, components, make_lattice, one_step_apart, points_of
from glmwidgets.glm.parallel import workers

#: Heights in z at which clusters are measured: of p = .05 to .0000034, one-sided.
HEIGHTS = tuple(np.round(np.linspace(1.64, 4.54, 30), 2).tolist())

#: Which voxels make a cluster, by sides: those above the height, those beyond it of one sign each, those of any sign.
SIDES = {"one": "one-sided", "bi": "each sign by itself", "two": "both signs together"}

# Distance in mm up to which correlations are fitted, and the correlation at which noise is taken to have none left.
FITTED_MM, NONE_LEFT = 20.0, 0.005

# Volumes that are drawn and measured together.
BATCH = 20


@dataclass(frozen=True)
class Autocorrelation:
    """How noise correlates with itself over space.

    Attributes
    ----------
    a : float
        Share of the Gaussian part.
    b, c : float
        Widths in mm of the Gaussian and of the exponential part.

    Examples
    --------
    >>> gaussian = Autocorrelation(1.0, 3.0, 1.0)
    >>> round(gaussian.fwhm, 3), round(float(gaussian(3.0)), 4)
    (7.064, 0.6065)
    """

    a: float
    b: float
    c: float

    def __call__(self, r: ArrayLike) -> NDArray[np.float64]:
        """Correlation at distances in mm."""
        r = np.asarray(r, dtype=np.float64)
        return self.a * np.exp(-np.square(r / self.b) / 2) + (1 - self.a) * np.exp(-r / self.c)

    @classmethod
    def gaussian(cls, fwhm: float) -> Autocorrelation:
        """That of white noise smoothed by a Gaussian kernel of this width in mm."""
        return cls(1.0, fwhm / np.sqrt(4 * np.log(2)), 1.0)

    @property
    def fwhm(self) -> float:
        """Twice the distance at which the correlation is one half, in mm."""
        from scipy.optimize import brentq

        return float(2 * brentq(lambda r: self(r) - 0.5, 0, 20 * (self.b + self.c)))

    @property
    def reach(self) -> float:
        """Distance in mm from which on next to nothing is left."""
        r = np.linspace(0, 20 * (self.b + self.c), 2000)
        return float(r[np.argmax(self(r) < NONE_LEFT)])


# Estimated from residuals ---------------------------------------------------------------------------------------------


def correlation_by_distance(
    residuals: NDArray, mask: NDArray[np.bool_], voxel_size: Sequence[float], most_mm: float = FITTED_MM
) -> tuple[NDArray, NDArray]:
    """Mean correlation of residuals at each distance between voxels.

    Parameters
    ----------
    residuals : array of shape (n_scans, n_voxels)
        White over scans; each voxel is scaled to unit variance.
    mask : bool array of shape (nx, ny, nz)
    voxel_size : sequence of 3 floats
        In mm.
    most_mm : float

    Returns
    -------
    distance, correlation : arrays of shape (n,)
        By rising distance, from 0; offsets of one distance are averaged.

    Notes
    -----
    All pairs of voxels of the mask are counted, by way of Fourier transforms of the volumes and of the mask.

    Examples
    --------
    >>> noise = np.random.default_rng(0).standard_normal((200, 216))
    >>> distance, correlation = correlation_by_distance(noise, np.ones((6, 6, 6), bool), (2.0, 2.0, 2.0))
    >>> distance[:2].tolist(), correlation[:2].round(1).tolist()
    ([0.0, 2.0], [1.0, 0.0])
    """
    from scipy.fft import irfftn, next_fast_len, rfftn

    scale = np.sqrt(np.mean(np.square(residuals), axis=0, dtype=np.float64))
    unit = residuals / np.where(scale > 0, scale, np.inf)
    shape = [next_fast_len(2 * n - 1) for n in mask.shape]
    power = np.zeros([*shape[:-1], shape[-1] // 2 + 1])
    volume = np.zeros(mask.shape)
    for scan in unit:
        volume[mask] = scan
        power += np.square(np.abs(rfftn(volume, shape)))
    products = irfftn(power, shape) / len(unit)
    pairs = irfftn(np.square(np.abs(rfftn(mask.astype(float), shape))), shape)
    steps = [np.fft.fftfreq(n, 1 / n) * size for n, size in zip(shape, voxel_size, strict=True)]
    distance = np.sqrt(sum(np.square(s) for s in np.meshgrid(*steps, indexing="ij", sparse=True)))
    used = (distance <= most_mm) & (pairs > 0.5)
    r, c, weight = np.round(distance[used], 4), products[used], pairs[used]
    r, inverse = np.unique(r, return_inverse=True)
    return r, np.bincount(inverse, c) / np.bincount(inverse, weight)


def fit_autocorrelation(distance: NDArray, correlation: NDArray) -> Autocorrelation:
    """Fit the mixed model to correlations by distance.

    Parameters
    ----------
    distance, correlation : arrays of shape (n,)
        As `correlation_by_distance` gives them.

    Returns
    -------
    Autocorrelation

    Examples
    --------
    >>> r = np.linspace(0, 20, 40)
    >>> found = fit_autocorrelation(r, Autocorrelation(0.6, 3.0, 9.0)(r))
    >>> round(found.a, 3), round(found.b, 3), round(found.c, 3)
    (0.6, 3.0, 9.0)
    """
    from scipy.optimize import least_squares

    def misfit(p: NDArray) -> NDArray:
        return Autocorrelation(*p)(distance) - correlation

    starts = [(0.5, 2.0, 8.0), (0.9, 4.0, 12.0), (0.5, 5.0, 20.0)]
    bounds = ([0.0, 0.1, 0.1], [1.0, 60.0, 120.0])
    found = min((least_squares(misfit, start, bounds=bounds) for start in starts), key=lambda fit: fit.cost)
    return Autocorrelation(*(float(p) for p in found.x))


# Drawn ----------------------------------------------------------------------------------------------------------------


def draw_noise(
    mask: NDArray[np.bool_],
    voxel_size: Sequence[float],
    autocorrelation: Autocorrelation,
    n: int,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Volumes of noise of unit variance, in a mask.

    Parameters
    ----------
    mask : bool array of shape (nx, ny, nz)
    voxel_size : sequence of 3 floats
        In mm.
    autocorrelation : Autocorrelation
    n : int
    rng : Generator

    Returns
    -------
    array of shape (n, n_voxels), float32
    """
    return _NoiseSource(mask, voxel_size, autocorrelation).draw(n, rng)


class _NoiseSource:
    """Amplitudes of the spectrum of noise, on a grid so much larger than the mask that no end meets the other."""

    def __init__(self, mask: NDArray[np.bool_], voxel_size: Sequence[float], autocorrelation: Autocorrelation):
        from scipy.fft import fftn, next_fast_len

        where = np.argwhere(mask)
        low, high = where.min(axis=0), where.max(axis=0) + 1
        self.mask = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
        gap = [int(np.ceil(autocorrelation.reach / size)) for size in voxel_size]
        shape = [next_fast_len(n + g) for n, g in zip(self.mask.shape, gap, strict=True)]
        steps = [np.fft.fftfreq(n, 1 / n) * size for n, size in zip(shape, voxel_size, strict=True)]
        distance = np.sqrt(sum(np.square(s) for s in np.meshgrid(*steps, indexing="ij", sparse=True)))
        # Cut at the grid's end, the model is no covariance by a little: what is negative is left out.
        power = np.maximum(fftn(autocorrelation(distance)).real, 0)
        self.amplitude = np.sqrt(power / power.mean() * power.size).astype(np.float32)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        from scipy.fft import ifftn

        out = np.empty((n, np.count_nonzero(self.mask)), np.float32)
        inner = tuple(slice(0, size) for size in self.mask.shape)
        for i in range(0, n, 2):
            white = rng.standard_normal((2, *self.amplitude.shape), dtype=np.float32)
            # Real and imaginary part of a transform of complex noise are two volumes that know nothing of each other.
            field = ifftn((white[0] + 1j * white[1]) * self.amplitude)[inner]
            out[i] = field.real[self.mask]
            if i + 1 < n:
                out[i + 1] = field.imag[self.mask]
        return out


@dataclass(frozen=True)
class ClusterTable:
    """Largest clusters of draws of noise.

    Attributes
    ----------
    largest : int array of shape (n_draws, n_heights, 3, 3)
        In voxels, by height, connectivity (face, edge, corner) and key of `SIDES`.
    heights : tuple of float
        In z.
    autocorrelation : Autocorrelation
    n_voxels : int
    seed : int
        With which it was drawn.
    """

    largest: NDArray[np.int32]
    heights: tuple[float, ...]
    autocorrelation: Autocorrelation
    n_voxels: int
    seed: int

    @property
    def n_draws(self) -> int:
        """Number of volumes that were drawn."""
        return len(self.largest)

    def p(self, size: ArrayLike, height: float, sides: str = "bi", connectivity: int = 1) -> NDArray[np.float64]:
        """Familywise p of clusters of these sizes: the share of draws whose largest is at least as large.

        Parameters
        ----------
        size : array-like
            In voxels.
        height : float
            Forming threshold in z, within those of the table; between two of them log p is taken in proportion.
        sides : {"one", "bi", "two"}
        connectivity : {1, 2, 3}

        Returns
        -------
        ndarray, float64, like `size`
            At least 1 / (draws + 1), as the cluster itself is a draw (Phipson and Smyth 2010).

        Raises
        ------
        ValueError
            If the height is below or above those of the table.
        """
        size = np.asarray(size, dtype=np.float64)
        below, above, share = self._between(height)
        log_p = [np.log(self._p_at(size, i, sides, connectivity)) for i in (below, above)]
        return np.exp((1 - share) * log_p[0] + share * log_p[1])

    def _p_at(self, size: NDArray, i: int, sides: str, connectivity: int) -> NDArray[np.float64]:
        ordered = np.sort(self._largest(i, sides, connectivity))
        return (1 + ordered.size - np.searchsorted(ordered, size)) / (ordered.size + 1)

    def size(self, height: float, alpha: float = 0.05, sides: str = "bi", connectivity: int = 1) -> float:
        """Size in voxels that noise exceeds with chance `alpha`, in proportion between whole numbers and heights.

        Parameters
        ----------
        height : float
        alpha : float
        sides : {"one", "bi", "two"}
        connectivity : {1, 2, 3}
        """
        below, above, share = self._between(height)
        found = [self._size_at(i, alpha, sides, connectivity) for i in (below, above)]
        return float((1 - share) * found[0] + share * found[1])

    def _size_at(self, i: int, alpha: float, sides: str, connectivity: int) -> float:
        largest = self._largest(i, sides, connectivity)
        sizes = np.arange(largest.max() + 2)
        reach = np.array([np.mean(largest >= k) for k in sizes])
        k = int(np.argmax(reach <= alpha))
        # The chance of k - 1 is above alpha, that of k is not: log p in proportion between them.
        high, low = np.log(reach[k - 1]), np.log(max(reach[k], 0.5 / largest.size))
        return k - 1 + (high - np.log(alpha)) / (high - low) if k else 0.0

    def _largest(self, i: int, sides: str, connectivity: int) -> NDArray[np.int32]:
        check_choice("sides", sides, SIDES)
        check_choice("connectivity", connectivity, (1, 2, 3))
        return self.largest[:, i, connectivity - 1, list(SIDES).index(sides)]

    def _between(self, height: float) -> tuple[int, int, float]:
        first, last = self.heights[0], self.heights[-1]
        if not first <= height <= last:
            raise ValueError(f"the table holds heights from z = {first:g} to {last:g}, not {height:.3g}")
        above = int(np.searchsorted(self.heights, height))
        below = max(above - 1, 0) if self.heights[above] > height else above
        gap = self.heights[above] - self.heights[below]
        return below, above, (height - self.heights[below]) / gap if gap else 0.0


def draw_cluster_table(
    mask: ArrayLike,
    voxel_size: Sequence[float],
    autocorrelation: Autocorrelation,
    *,
    n_draws: int = 1000,
    seed: int = 0,
    heights: Sequence[float] = HEIGHTS,
    n_threads: int = 2,
    progress: Callable[[int, int], bool] | None = None,
) -> ClusterTable | None:
    """Draw noise, and measure its largest clusters.

    Parameters
    ----------
    mask : bool array-like of shape (nx, ny, nz)
        Search region.
    voxel_size : sequence of 3 floats
        In mm.
    autocorrelation : Autocorrelation
    n_draws : int
    seed : int
        The same seed draws the same noise, whatever the number of threads.
    heights : sequence of float
        In z, rising.
    n_threads : int
        At work in the background.
    progress : callable, optional
        ``progress(done, n_draws)`` is called in the caller's thread after each batch of volumes; where it returns
        False, no more are drawn.

    Returns
    -------
    ClusterTable or None
        None where it was stopped.

    Examples
    --------
    >>> mask = np.ones((12, 12, 12), bool)
    >>> table = draw_cluster_table(mask, (3.0, 3.0, 3.0), Autocorrelation(1.0, 2.5, 1.0), n_draws=20)
    >>> table.largest.shape[0], table.n_voxels
    (20, 1728)
    """
    mask = np.asarray(mask, dtype=bool)
    lattices = [make_lattice(mask, connectivity) for connectivity in (1, 2, 3)]
    source = _NoiseSource(mask, voxel_size, autocorrelation)
    batches = [slice(start, min(start + BATCH, n_draws)) for start in range(0, n_draws, BATCH)]
    seeds = dict(zip((batch.start for batch in batches), np.random.SeedSequence(seed).spawn(len(batches)), strict=True))
    largest = np.zeros((n_draws, len(heights), 3, len(SIDES)), np.int32)
    stopped = Event()

    def measure(batch: slice) -> None:
        if stopped.is_set():
            return
        noise = source.draw(batch.stop - batch.start, np.random.default_rng(seeds[batch.start]))
        largest[batch] = _largest_clusters(noise, np.asarray(heights, dtype=np.float32), lattices)

    # Threads of its own: those of `side_by_side` belong to fits, which somebody waits for.
    with workers(n_threads) as each:
        for batch, _ in zip(batches, each(measure, batches), strict=True):
            if progress is not None and not progress(batch.stop, n_draws):
                stopped.set()
                break
    if stopped.is_set():
        return None
    return ClusterTable(largest, tuple(float(h) for h in heights), autocorrelation, int(mask.sum()), seed)


def _largest_clusters(noise: NDArray, heights: NDArray, lattices: Sequence[Lattice]) -> NDArray[np.int32]:
    """Largest clusters of volumes, shape (n, n_voxels), at rising heights; shape (n, n_heights, 3, 3)."""
    widest, size = lattices[-1], np.abs(noise)
    draw, voxel = np.nonzero(size >= heights[0])
    # Voxels by falling height: those above any height are the first, and so are the pairs of them.
    order = np.argsort(-size[draw, voxel], kind="stable")
    points = points_of(widest, draw, voxel)
    rank = np.empty(order.size, dtype=np.int32)
    rank[order] = np.arange(order.size, dtype=np.int32)
    pairs = {}
    for step in widest.steps:
        start, target = one_step_apart(points, step)
        pairs[step] = rank[start], rank[target]
    draw, falling = draw[order], size[draw, voxel][order]
    positive = noise[draw, voxel[order]] > 0
    n_above = np.searchsorted(-falling, -heights, side="right")
    out = np.zeros((len(noise), heights.size, len(lattices), len(SIDES)), np.int32)
    for k, lattice in enumerate(lattices):
        i, j = (np.concatenate(ends) for ends in zip(*(pairs[step] for step in lattice.steps), strict=True))
        later = np.maximum(i, j)
        by_height = np.argsort(later, kind="stable")
        i, j, later = i[by_height], j[by_height], later[by_height]
        alike = positive[i] == positive[j]
        for h, n in enumerate(n_above):
            some = slice(0, int(np.searchsorted(later, n)))
            _measure(out[:, h, k], i[some], j[some], alike[some], draw[:n], positive[:n])
    return out


def _measure(out: NDArray, i: NDArray, j: NDArray, alike: NDArray, draw: NDArray, positive: NDArray) -> None:
    """Write the largest clusters of one height into ``out``, shape (n, 3), given the pairs of voxels that touch."""
    if not draw.size:
        return
    labels, counts, whose = _clusters(i[alike], j[alike], draw)
    is_positive = np.empty(counts.size, dtype=bool)
    is_positive[labels] = positive
    np.maximum.at(out[:, 0], whose[is_positive], counts[is_positive])
    np.maximum.at(out[:, 1], whose, counts)
    if not alike.all():
        _, counts, whose = _clusters(i, j, draw)
    np.maximum.at(out[:, 2], whose, counts)


def _clusters(i: NDArray, j: NDArray, draw: NDArray) -> tuple[NDArray, NDArray[np.int32], NDArray[np.int64]]:
    """Cluster of each voxel; size of each cluster, and the draw that it is of."""
    labels = components(i, j, draw.size)
    counts = np.bincount(labels).astype(np.int32)
    whose = np.empty(counts.size, dtype=np.int64)
    whose[labels] = draw
    return labels, counts, whose
