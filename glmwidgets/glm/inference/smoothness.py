"""Smoothness of noise from the correlation of neighbouring voxels' residuals, and resels of a search region.

With c_ij the correlation over scans of the residuals of voxels i and j, two estimators of the width (FWHM, in voxels)
of a Gaussian kernel that makes noise as smooth are rows of `SMOOTHNESS`:

- "correlation", of the mean correlation c of neighbours along an axis: ``s^2 = -1 / (4 log c)``,
  ``FWHM = sqrt(8 log 2) s`` (Forman et al. 1995, Magnetic Resonance in Medicine 33, 636-647);
- "derivatives", of the covariance L of the normalised residuals' derivatives, whose diagonal is ``2 - 2 c``:
  ``FWHM = sqrt(4 log 2 / L_dd)`` and resels a voxel ``sqrt(|L| / (4 log 2)^3)`` (Kiebel et al. 1999, NeuroImage 10,
  756-766). Differences between voxels are no derivatives where noise is rough: at 1.5 voxels it is some 10 % too wide.

Correlations come from products of neighbours' residuals. Of ordinary least squares they need no residuals: with q the
design's orthonormal basis, ``r_i' r_j = y_i' y_j - (q'y_i)' (q'y_j)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glmwidgets.glm.boxes import bounding_box
from glmwidgets.glm.choices import Choices, check_choice
from glmwidgets.glm.parallel import even_blocks, side_by_side

FOUR_LOG_2 = 4 * np.log(2)

# Pairs that one thread multiplies at once.
PAIR_BLOCK = 8192

# Products that are summed at once: more do not stay near the processor.
AT_ONCE = 1 << 17

# Steps from a voxel to the next along each axis.
STEPS = ((1, 0, 0), (0, 1, 0), (0, 0, 1))

# Members of a cell (a voxel and its next along x, y and z) whose correlations the derivatives' covariances are made of.
CELL_PAIRS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))


@dataclass(frozen=True)
class NeighbourPairs:
    """Which voxels of a mask touch, along each axis.

    Attributes
    ----------
    faces : tuple of 3 int arrays of shape (2, n)
        Numbers of the two voxels of each pair, along x, y and z.
    cells : int array of shape (4, n)
        Voxels of the mask whose three next neighbours, along x, y and z, are in it too: numbers of the four.
    n_voxels : int
    """

    faces: tuple[NDArray, NDArray, NDArray]
    cells: NDArray
    n_voxels: int


def neighbour_pairs(mask: NDArray[np.bool_]) -> NeighbourPairs:
    """Find the voxels of a mask that touch.

    Parameters
    ----------
    mask : bool array of shape (nx, ny, nz)

    Returns
    -------
    NeighbourPairs

    Examples
    --------
    >>> pairs = neighbour_pairs(np.ones((2, 2, 1), bool))
    >>> [pair.tolist() for pair in pairs.faces]
    [[[0, 1], [2, 3]], [[0, 2], [1, 3]], [[], []]]
    """
    inside = mask[bounding_box(mask)]
    number = np.full([n + 1 for n in inside.shape], -1, dtype=np.intp)  # beyond the last voxel of an axis lies none
    there = np.zeros(number.shape, dtype=bool)
    there[:-1, :-1, :-1] = inside
    at = np.flatnonzero(there)
    own = np.arange(at.size)
    number.ravel()[at] = own
    strides = np.array(number.strides) // number.itemsize
    next_to = [number.ravel().take(at + int(np.dot(step, strides)), mode="clip") for step in STEPS]
    faces = tuple(np.stack([own[other >= 0], other[other >= 0]]) for other in next_to)
    in_all = np.all([other >= 0 for other in next_to], axis=0)
    return NeighbourPairs(faces, np.stack([some[in_all] for some in (own, *next_to)]), own.size)


def neighbour_products(series: NDArray | Callable[[NDArray], NDArray], i: NDArray, j: NDArray) -> NDArray[np.float64]:
    """``y_i' y_j`` for pairs of voxels.

    Parameters
    ----------
    series : array of shape (n_scans, n_voxels), or callable
        ``series(voxels)`` gives those of some voxels.
    i, j : int arrays of shape (n,)

    Returns
    -------
    array of shape (n,), float64

    Examples
    --------
    >>> neighbour_products(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([0]), np.array([1]))
    array([14.])
    """
    out = np.zeros(i.size)

    def multiply(block: slice) -> None:
        first, second, total = i[block], j[block], out[block]
        some = series
        if callable(series):
            voxels, where = np.unique(np.concatenate([first, second]), return_inverse=True)
            some, (first, second) = series(voxels), where.reshape(2, -1)
        for scans in even_blocks(len(some), max(AT_ONCE // first.size, 1)) if first.size else ():
            total += column_products(some[scans], first, second)

    side_by_side(multiply, even_blocks(i.size, PAIR_BLOCK))
    return out


def column_products(a: NDArray, i: NDArray, j: NDArray) -> NDArray[np.float64]:
    """``a_i' a_j`` of pairs of columns, one after the other down the rows."""
    # Of indices that it need not check, numpy makes no second copy.
    products = np.take(a, i, axis=1, mode="clip").astype(np.float64, copy=False)
    products *= np.take(a, j, axis=1, mode="clip")
    return np.add.reduce(products, axis=0)


def residual_correlations(residuals: NDArray, i: NDArray, j: NDArray) -> NDArray[np.float64]:
    """Correlation over scans of the residuals of pairs of voxels, not centred; NaN where a series is 0.

    Parameters
    ----------
    residuals : array of shape (n_scans, n_voxels)
    i, j : int arrays of shape (n,)

    Examples
    --------
    >>> residual_correlations(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]]), np.array([0, 0]), np.array([1, 2]))
    array([1., 0.])
    """
    size = _sizes(residuals)
    return neighbour_products(residuals, i, j) / (size[i] * size[j])


def _sizes(residuals: NDArray) -> NDArray[np.float64]:
    """Length of each series; NaN where it is 0."""
    size = np.sqrt(np.einsum("tv,tv->v", residuals, residuals, dtype=np.float64))
    size[size == 0] = np.nan
    return size


# Estimators -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Smoothness:
    """How smooth noise is.

    Attributes
    ----------
    fwhm : tuple of 3 floats
        Width along x, y and z of a Gaussian kernel that makes noise so smooth, in voxels; infinite along an axis on
        which no two voxels touch.
    resel_size : float
        Voxels in a resel: the product of the widths, along the axes that the mask extends over.
    """

    fwhm: tuple[float, float, float]
    resel_size: float

    @property
    def dlh(self) -> float:
        """Square root of the determinant of the derivatives' covariance, a voxel: ``(4 log 2)^(3/2) / resel_size``.

        Examples
        --------
        >>> round(Smoothness((3.0, 3.0, 3.0), 27.0).dlh, 4)
        0.171
        """
        return float(FOUR_LOG_2**1.5 / self.resel_size)

    def fwhm_mm(self, voxel_size: NDArray) -> tuple[float, float, float]:
        """The widths in mm, for voxels of these edges."""
        return tuple(float(w * s) for w, s in zip(self.fwhm, voxel_size, strict=True))

    def resels(self, mask: NDArray[np.bool_]) -> tuple[float, float, float, float]:
        """Resel counts of a search region; see `resel_counts`."""
        return resel_counts(mask, self.fwhm)


def pooled_smoothness(parts: Sequence[Smoothness]) -> Smoothness:
    """Smoothness of the mean of several maps' noises: roughness (1 / FWHM^2, and resels a voxel) is their mean.

    Parameters
    ----------
    parts : sequence of Smoothness
        Of one mask each, with noise of the same variance.

    Examples
    --------
    >>> two = pooled_smoothness([Smoothness((2.0, 2.0, 2.0), 8.0), Smoothness((4.0, 4.0, 4.0), 64.0)])
    >>> [round(width, 2) for width in two.fwhm]
    [2.53, 2.53, 2.53]
    """
    if len(parts) == 1:
        return parts[0]
    fwhm = 1 / np.sqrt(np.mean([np.divide(1.0, np.square(one.fwhm)) for one in parts], axis=0))
    there = np.isfinite(fwhm)
    # What the widths' product is beside the resel is kept: derivatives along two axes may correlate.
    beside = np.mean([one.resel_size / np.prod(np.asarray(one.fwhm)[there]) for one in parts])
    return Smoothness(tuple(float(w) for w in fwhm), float(beside * np.prod(fwhm[there])))


class SmoothnessMethod(NamedTuple):
    """A way to estimate smoothness: a row of `SMOOTHNESS`.

    Attributes
    ----------
    label : str
        In menus and tables.
    estimate : callable
        ``estimate(correlations) -> Smoothness``, of `Correlations`.
    source : str
    """

    label: str
    estimate: Callable[[Correlations], Smoothness]
    source: str


@dataclass(frozen=True)
class Correlations:
    """Correlations over scans between the residuals of voxels that touch.

    Attributes
    ----------
    faces : tuple of 3 arrays of shape (n,)
        Along x, y and z, of `NeighbourPairs.faces`.
    cells : array of shape (6, n) or None
        Of `NeighbourPairs.cells`: of a voxel with its next along x, y and z; of those next along x and y, x and z, y
        and z. None where they were not asked for.
    """

    faces: tuple[NDArray, NDArray, NDArray]
    cells: NDArray | None = None


def correlations_of(
    pairs: NeighbourPairs, correlate: Callable[[NDArray, NDArray], NDArray], method: str
) -> Correlations:
    """Correlations that a method needs.

    Parameters
    ----------
    pairs : NeighbourPairs
    correlate : callable
        ``correlate(i, j) -> array``: correlation of the residuals of voxels i and j.
    method : str
        A key of `SMOOTHNESS`.
    """
    check_choice("method", method, SMOOTHNESS)
    if method == "correlation":
        return Correlations(tuple(correlate(i, j) for i, j in pairs.faces))
    cells = np.stack([correlate(pairs.cells[a], pairs.cells[b]) for a, b in CELL_PAIRS])
    return Correlations(tuple(cells[:3]), cells)


def smoothness_of_residuals(residuals: NDArray, pairs: NeighbourPairs, method: str = "correlation") -> Smoothness:
    """Smoothness of residuals that are at hand.

    Parameters
    ----------
    residuals : array of shape (n_scans, n_voxels)
        Of a fit, white over scans; they need no scaling.
    pairs : NeighbourPairs
        Of the mask.
    method : {"correlation", "derivatives"}

    Returns
    -------
    Smoothness

    Raises
    ------
    ValueError
        If no two voxels touch.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> from scipy.ndimage import gaussian_filter1d
    >>> noise = rng.standard_normal((40, 20, 20, 20))
    >>> for axis in (1, 2, 3):
    ...     noise = gaussian_filter1d(noise, 3 / np.sqrt(8 * np.log(2)), axis=axis, mode="wrap")
    >>> pairs = neighbour_pairs(np.ones((20, 20, 20), bool))
    >>> found = smoothness_of_residuals(noise.reshape(40, -1), pairs)
    >>> bool(np.allclose(found.fwhm, 3, rtol=0.02))
    True
    """
    size = _sizes(residuals)

    def correlate(i: NDArray, j: NDArray) -> NDArray[np.float64]:
        return neighbour_products(residuals, i, j) / (size[i] * size[j])

    return SMOOTHNESS[method].estimate(correlations_of(pairs, correlate, method))


def _by_correlation(correlations: Correlations) -> Smoothness:
    fwhm = tuple(_width(float(np.nanmean(c)) if np.isfinite(c).any() else np.nan) for c in correlations.faces)
    return _smoothness(fwhm)


def _width(c: float) -> float:
    """Width of the kernel that makes neighbours correlate by c."""
    if np.isnan(c):
        return np.inf
    c = min(max(c, 1e-6), 1 - 1e-12)  # noise that is rougher than white has no width
    return float(np.sqrt(8 * np.log(2) * -1 / (4 * np.log(c))))


def _smoothness(fwhm: tuple[float, float, float]) -> Smoothness:
    there = [w for w in fwhm if np.isfinite(w)]
    if not there:
        raise ValueError("no two voxels of the mask touch: noise has no smoothness there")
    return Smoothness(fwhm, float(np.prod(there)))


def _by_derivatives(correlations: Correlations) -> Smoothness:
    cells = correlations.cells[:, np.isfinite(correlations.cells).all(axis=0)]
    if not cells.shape[1]:
        raise ValueError(
            "no voxel of the mask has a neighbour along each axis: choose the estimator of correlations, which needs "
            "them along one axis only"
        )
    x, y, z, xy, xz, yz = cells
    xx, yy, zz = 2 - 2 * x, 2 - 2 * y, 2 - 2 * z
    xy, xz, yz = xy - x - y + 1, xz - x - z + 1, yz - y - z + 1
    determinant = xx * (yy * zz - yz * yz) - xy * (xy * zz - yz * xz) + xz * (xy * yz - yy * xz)
    resels = float(np.sqrt(np.maximum(determinant, 0)).mean() / FOUR_LOG_2**1.5)  # a voxel
    inverse = np.array([np.sqrt(np.maximum(d, 0)).mean() for d in (xx, yy, zz)]) / np.sqrt(FOUR_LOG_2)
    # The widths' product is made that of the determinant, which knows that derivatives along two axes may correlate.
    inverse *= np.cbrt(resels / np.prod(inverse))
    return Smoothness(tuple(float(w) for w in 1 / inverse), 1 / resels)


#: Ways to estimate smoothness, by name.
SMOOTHNESS: Choices[SmoothnessMethod] = Choices(
    {
        "correlation": SmoothnessMethod(
            "correlation of neighbours",
            _by_correlation,
            "Forman et al. 1995, Magnetic Resonance in Medicine 33, 636-647",
        ),
        "derivatives": SmoothnessMethod(
            "derivatives of residuals", _by_derivatives, "Kiebel et al. 1999, NeuroImage 10, 756-766"
        ),
    }
)


# Search regions -------------------------------------------------------------------------------------------------------


def resel_counts(mask: NDArray[np.bool_], fwhm: tuple[float, float, float]) -> tuple[float, float, float, float]:
    """Resels of a search region in 0 to 3 dimensions.

    Voxels are points of a lattice; between them lie edges, faces and cubes whose corners are all in the mask, and the
    counts are those of Worsley et al. 1996 (Human Brain Mapping 4, 58-73).

    Parameters
    ----------
    mask : bool array of shape (nx, ny, nz)
    fwhm : tuple of 3 floats
        In voxels.

    Returns
    -------
    tuple of 4 floats
        The first is the Euler characteristic of the region: pieces, less holes through them, plus hollows.

    Examples
    --------
    >>> resel_counts(np.ones((11, 11, 11), bool), (5.0, 5.0, 5.0))
    (1.0, 6.0, 12.0, 8.000000000000002)
    """
    m = np.asarray(mask, dtype=bool)
    m = m[bounding_box(m)]

    def both(a: NDArray, axis: int) -> NDArray:
        """Where a voxel and the next along an axis are in it."""
        low, high = [slice(None)] * 3, [slice(None)] * 3
        low[axis], high[axis] = slice(0, -1), slice(1, None)
        return a[tuple(low)] & a[tuple(high)]

    edges = [both(m, axis) for axis in range(3)]
    faces = {(a, b): both(edges[a], b) for a, b in ((0, 1), (0, 2), (1, 2))}
    n_cubes = int(np.count_nonzero(both(faces[0, 1], 2)))
    n_edges = [int(np.count_nonzero(e)) for e in edges]
    n_faces = {axes: int(np.count_nonzero(f)) for axes, f in faces.items()}
    inverse = [1 / w for w in fwhm]
    lines = [
        n_edges[axis] - sum(count for axes, count in n_faces.items() if axis in axes) + n_cubes for axis in range(3)
    ]
    return (
        float(np.count_nonzero(m) - sum(n_edges) + sum(n_faces.values()) - n_cubes),
        float(np.dot(lines, inverse)),
        float(sum((count - n_cubes) * inverse[a] * inverse[b] for (a, b), count in n_faces.items())),
        float(n_cubes * np.prod(inverse)),
    )
