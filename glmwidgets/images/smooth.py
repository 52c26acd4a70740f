"""Gaussian smoothing in space, scan by scan.

A separable Gaussian of full width at half maximum w has ``sigma = w / sqrt(8 ln 2)``; it is cut off at 4 sigma, and
the volume is mirrored at its faces. The three axes are filtered one after the other, each result being stored in
the precision of the data, as nilearn does. Sums are taken in double precision in another order than
there, so that in single precision one value in some 10⁸ differs, by its last bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import nibabel as nib
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter1d, maximum_filter

from glmwidgets.glm.boxes import bounding_box
from glmwidgets.glm.parallel import one_thread, processors, workers
from glmwidgets.images.load import ImageLike, image_data, load_image

TRUNCATE = 4.0

# Scans handled in one go: enough for a voxel's share of them to fill a cache line.
BLOCK = 32

# Planes, or rows, that are smoothed in one go: they fit a core's own cache.
SLAB = 6

# Voxels of a line that are computed in one product: the filter's matrix is a band, and few of its zeros are multiplied.
# Along x, where neighbours lie side by side, a product takes longer to begin: fewer and larger ones are quicker there.
BAND, BAND_OF_X = 4, 8

# Lines of a plane are filled up to a multiple of this.
LINES = 8


def storage_dtype(dtype: np.dtype[Any] | type) -> np.dtype[Any]:
    """Floating-point type that data of a stored type are computed with.

    Parameters
    ----------
    dtype : dtype

    Returns
    -------
    dtype
        float32 for float32 and for integers of up to 32 bits, float64 for the rest.

    Examples
    --------
    >>> storage_dtype(np.int16), storage_dtype(np.float64)
    (dtype('float32'), dtype('float64'))
    """
    dtype = np.dtype(dtype)
    single = dtype.itemsize <= 4
    return np.dtype(np.float32 if single else np.float64)


def gaussian_sigma(affine: np.ndarray, fwhm: float | Sequence[float | None]) -> np.ndarray:
    """Standard deviation of the Gaussian along each axis, in voxels.

    Parameters
    ----------
    affine : array of shape (4, 4)
    fwhm : float or three floats
        Full width at half maximum in mm; one number, or one per axis (0 or None: not along this axis).

    Returns
    -------
    array of shape (3,)

    Raises
    ------
    ValueError
        If a width is negative or not finite, or there are not one or three of them.

    Examples
    --------
    >>> gaussian_sigma(np.diag([3.0, 3.0, 4.0, 1.0]), 6.0).round(4)
    array([0.8493, 0.8493, 0.637 ])
    """
    width = np.array([0.0 if w is None else w for w in np.ravel(np.asarray(fwhm, dtype=object))], dtype=float)
    if width.size not in (1, 3) or not np.all(np.isfinite(width)) or np.any(width < 0):
        raise ValueError(f"smoothing must be one width in mm, zero or more, or three of them, not {fwhm!r}")
    voxel_size = np.sqrt(np.sum(np.asarray(affine, dtype=float)[:3, :3] ** 2, axis=0))
    return width / (np.sqrt(8 * np.log(2)) * voxel_size)


def reach_of(sigma: Sequence[float] | np.ndarray) -> tuple[int, ...]:
    """Voxels on each side that the Gaussian reaches along each axis.

    Parameters
    ----------
    sigma : sequence of float
        In voxels; see `gaussian_sigma`.

    Examples
    --------
    >>> reach_of([0.85, 0.64, 0.0])
    (3, 3, 0)
    """
    return tuple(int(TRUNCATE * of_axis + 0.5) for of_axis in sigma)


def within_reach(mask: np.ndarray, reach: Sequence[int]) -> np.ndarray:
    """Voxels that the smoothed values of a mask depend on.

    Parameters
    ----------
    mask : array of bool, 3-D
    reach : sequence of int
        Voxels along each axis; see `reach_of`.

    Returns
    -------
    array of bool, 3-D

    Examples
    --------
    >>> within_reach(np.array([[[True, False, False, False]]]), (1, 1, 2)).tolist()
    [[[True, True, True, False]]]
    """
    sizes = [2 * voxels + 1 for voxels in reach]
    return maximum_filter(mask.view(np.uint8), sizes, mode="constant").view(bool)


class _Filter:
    """The Gaussian along an axis of `n` voxels as a matrix, which holds the mirrors at the faces, too."""

    def __init__(self, n: int, sigma: float, band: int = BAND):
        self._n, self._band, (self._radius,) = n, band, reach_of([sigma])
        # What scipy makes of each voxel alone; and nothing where the last band leaves the volume.
        alone = np.eye(n)
        self._matrix = np.zeros((_filled(n, band), n))
        self._matrix[:n] = gaussian_filter1d(alone, sigma, axis=0, truncate=TRUNCATE) if sigma > 0 else alone

    def reach(self, span: slice) -> slice:
        """The part of a line that another part of it depends on."""
        return slice(max(0, span.start - self._radius), min(self._n, span.stop + self._radius))

    def bands(self, span: slice) -> slice:
        """The bands that a part of a line lies in. They begin at the same voxels whatever is wanted."""
        return slice(span.start // self._band * self._band, _filled(span.stop, self._band))

    def products(
        self, bands: slice, lines: np.ndarray, out: np.ndarray, axis: int
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Factors and their products, in order, by which lines along the first or the last axis are smoothed.

        Parameters
        ----------
        bands : slice
            Of a line, which is wanted.
        lines, out : array
            The reach of the bands, and the bands.
        axis : {0, -1}
        """
        flat = (len(lines), -1) if axis == 0 else (-1, lines.shape[-1])
        lines, out = lines.reshape(flat), out.reshape((len(out), -1) if axis == 0 else (-1, out.shape[-1]))
        found = []
        for parts in self._alike(_parts(bands, self._band)):
            of, to = self.reach(parts[0]), slice(parts[0].start, parts[-1].stop)
            block, to = self._matrix[parts[0], of], _within(to, bands)
            at, width = of.start - self.reach(bands).start, _length(of)
            windows = sliding_window_view(lines, width, axis)[_every(self._band, at, len(parts), axis)]
            if axis == 0:
                stacked = out[to].reshape(len(parts), -1, out.shape[1])
                found.append((np.ascontiguousarray(block), windows.swapaxes(1, 2), stacked))
            else:
                stacked = out[:, to].reshape(len(out), len(parts), -1)
                found.append((windows.swapaxes(0, 1), np.ascontiguousarray(block.T), stacked.swapaxes(0, 1)))
        return found

    def _alike(self, parts: list[slice]) -> list[list[slice]]:
        """Bands in a row that one matrix smooths, all those that no mirror reaches: one call multiplies them."""
        found: list[list[slice]] = []
        of, block = slice(0, 0), np.empty(0)
        for part in parts:
            (last_of, of), (last, block) = (of, self.reach(part)), (block, self._matrix[part, self.reach(part)])
            if found and of.start == last_of.start + self._band and np.array_equal(block, last):
                found[-1].append(part)
            else:
                found.append([part])
        return found


class VolumeSmoother:
    """Smooths volumes of one shape, one after the other.

    Lines of voxels are multiplied by the matrix of the filter, in double precision, and stored in the precision of the
    data after each axis. The first two axes are done slab by slab, so that what lies between them stays in a core's own
    cache; and of each slab the rectangle alone that the mask needs.

    A value does not depend on what else is wanted. The order in which a processor adds up the terms of a product may
    depend on where they stand in the matrices, and is another at the edge of a matrix that does not fill the registers.
    So each band begins at the same voxel and has the same terms for any mask, and the lines of a product are filled up
    to a multiple of 48, which fills the registers of all processors that are known.

    Parameters
    ----------
    shape : three ints
    sigma : array of shape (3,)
        In voxels; see `gaussian_sigma`.
    dtype : dtype
        Of the result.
    mask : array of bool of `shape`, optional
        Voxels that are wanted, by default all.

    Attributes
    ----------
    box : tuple of three slices
        Where in the volume the result lies: the smallest box that holds the mask.
    """

    def __init__(
        self, shape: Sequence[int], sigma: np.ndarray, dtype: np.dtype[Any] | type, mask: np.ndarray | None = None
    ):
        width, apart = sigma * np.sqrt(8 * np.log(2)), np.asarray(shape, dtype=float)
        if sigma.any() and (width > apart)[sigma > 0].all():
            raise ValueError(
                f"the smoothing is wider than the volume: {width.max():.4g} voxels at half maximum, and there are "
                f"{' x '.join(map(str, shape))}. It is in mm"
            )
        # Image arrays are Fortran-ordered and numpy walks in C order, so the axes are reversed: z, y, x.
        wanted = np.ones(tuple(shape)[::-1], bool) if mask is None else mask.T
        bands = (BAND, BAND, BAND_OF_X)
        z, y, x = (_Filter(*of_axis) for of_axis in zip(wanted.shape, sigma[::-1], bands, strict=True))
        box = bounding_box(wanted)
        self.box = box[::-1]
        self._read = z.reach(box[0]), y.reach(box[1]), x.reach(x.bands(box[2]))
        # Zeros: what nobody fills is multiplied, too, though nothing that is wanted comes of it.
        size = SLAB * (max(wanted.shape) + 2 * LINES) ** 2
        room, other, stored = np.zeros(size), np.zeros(size), np.zeros(size, dtype)
        between = np.zeros(wanted.shape, dtype)
        smoothed = np.zeros([_length(span) for span in box], dtype)
        self._result = smoothed.T

        self._slabs = []
        for zs in _parts(self._read[0], SLAB):
            if not (plane := wanted[z.reach(zs)].any(axis=0)).any():
                continue
            ys, xs = bounding_box(plane)
            to_y, to_x = y.bands(ys), x.bands(xs)
            of_y, of_x = y.reach(ys), x.reach(to_x)
            # Of the lines that the bands along y reach, those that the wanted voxels need.
            needed = _within(of_y, y.reach(to_y))
            needed = slice(needed.start, needed.start + _filled(_length(of_y)))
            n_lines = max(_length(y.reach(to_y)), needed.stop)
            source = _shaped(room, _length(needed), _length(of_x))
            across, rounded = _shaped(other, n_lines, _length(to_x)), _shaped(stored, n_lines, _length(to_x))[needed]
            down = _shaped(room, _length(to_y), _length(to_x))
            by_x = x.products(to_x, source, across[needed], -1)
            by_y = y.products(to_y, across[: _length(y.reach(to_y))], down, 0)
            here = source[: _length(of_y), : _length(zs)].swapaxes(0, 1)
            found = down[_within(ys, to_y), : _length(zs), _within(xs, to_x)].swapaxes(0, 1)
            self._slabs.append(
                ((zs, of_y, of_x), here, by_x, across[needed], rounded, by_y, found, between[zs, ys, xs])
            )
        self._rows = []
        for ys in _parts(box[1], SLAB):
            if not (plane := wanted[:, ys].any(axis=1)).any():
                continue
            zs, xs = bounding_box(plane)
            to_z, of_z = z.bands(zs), z.reach(zs)
            reach = z.reach(to_z)
            source = _shaped(room, _length(reach), _filled(_length(xs)))
            along = _shaped(other, _length(to_z), _filled(_length(xs)))
            by_z = z.products(to_z, source, along, 0)
            here = source[_within(of_z, reach), : _length(ys), : _length(xs)]
            found = along[_within(zs, to_z), : _length(ys), : _length(xs)]
            to = tuple(_within(span, whole) for span, whole in zip((zs, ys, xs), box, strict=True))
            self._rows.append((between[of_z, ys, xs], here, by_z, found, smoothed[to]))

    def __call__(self, volume: np.ndarray) -> np.ndarray:
        """Smooth one volume.

        Parameters
        ----------
        volume : array of the smoother's shape
            NaN and infinite values count as zero.

        Returns
        -------
        array of the shape of `box`
            Voxels that are not wanted say nothing. Overwritten by the next call.
        """
        values = volume.T
        if values.dtype.kind == "f" and not np.isfinite(values[self._read]).all():
            values = np.where(np.isfinite(values), values, 0)
        for where, source, by_x, across, rounded, by_y, down, between in self._slabs:
            np.copyto(source, values[where])
            _multiply(by_x)
            np.copyto(rounded, across, casting="same_kind")
            np.copyto(across, rounded)
            _multiply(by_y)
            np.copyto(between, down, casting="same_kind")
        for between, source, by_z, along, smoothed in self._rows:
            np.copyto(source, between)
            _multiply(by_z)
            np.copyto(smoothed, along, casting="same_kind")
        return self._result


def _multiply(products: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
    for one, other, out in products:
        np.matmul(one, other, out=out)


def _length(span: slice) -> int:
    return span.stop - span.start


def _every(step: int, start: int, n: int, axis: int) -> tuple[slice, ...]:
    """`n` places along the first or the last of two axes, with the same step between them."""
    places = slice(start, start + step * (n - 1) + 1, step)
    return (places,) if axis == 0 else (slice(None), places)


def _parts(span: slice, length: int) -> list[slice]:
    return [slice(start, min(start + length, span.stop)) for start in range(span.start, span.stop, length)]


def _within(span: slice, whole: slice) -> slice:
    return slice(span.start - whole.start, span.stop - whole.start)


def _filled(length: int, to: int = LINES) -> int:
    """Voxels in whole bands; or lines, which times `SLAB` planes are a multiple of 48."""
    return -(-length // to) * to


def _shaped(room: np.ndarray, first: int, last: int) -> np.ndarray:
    shape = first, SLAB, last
    return room[: int(np.prod(shape))].reshape(shape)


def each_block(n_scans: int, work: Callable[[Sequence[range]], None]) -> None:
    """Share the scans of a run among threads.

    Parameters
    ----------
    n_scans : int
    work : callable
        Gets the blocks of scans that one thread is to handle.
    """
    blocks = [range(start, min(start + BLOCK, n_scans)) for start in range(0, n_scans, BLOCK)]
    n_threads = min(n_cpus(), len(blocks))
    with one_thread(), workers(n_threads) as each:
        list(each(work, [blocks[i::n_threads] for i in range(n_threads)]))


def n_cpus(most: int = 4) -> int:
    """Threads that smooth at once: a volume lives in a core's own cache, and more than these wait for memory.

    No more than OMP_NUM_THREADS says, if it is set: one in the workers of a study, each of which has a processor.
    """
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(most, processors(), int(allowed) if allowed.isdecimal() else most))


def smooth(
    data: np.ndarray,
    affine: np.ndarray,
    fwhm: float | Sequence[float | None] | None,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """Smooth volumes with a Gaussian.

    Parameters
    ----------
    data : array of shape (nx, ny, nz) or (nx, ny, nz, n_scans)
        NaN and infinite values count as zero.
    affine : array of shape (4, 4)
        From voxels to mm.
    fwhm : float, three floats or None
        Full width at half maximum in mm. With None or 0 nothing is done.
    mask : array of bool of shape (nx, ny, nz), optional
        If given, only its voxels are smoothed, from all the voxels around them, and the rest is zero. They have the
        values that they have in the whole volume.

    Returns
    -------
    array of the shape of `data`
        float32 for integers and float32, otherwise float64; Fortran-ordered. `data` itself if nothing was to be done.

    Raises
    ------
    ValueError
        If a width is negative, or the number of axes is wrong.

    Examples
    --------
    >>> data = np.zeros((3, 3, 3))
    >>> data[1, 1, 1] = 1
    >>> smooth(data, np.eye(4), 2.0)[:, 1, 1].round(4)
    array([0.0588, 0.1049, 0.0588])
    """
    if data.ndim not in (3, 4):
        raise ValueError(f"smoothing needs volumes, an array of 3 or 4 axes, not one of shape {data.shape}")
    if fwhm is None or not np.any(sigma := gaussian_sigma(affine, fwhm)):
        return data
    volumes = data[..., np.newaxis] if data.ndim == 3 else data
    dtype = storage_dtype(data.dtype)
    out = np.zeros(volumes.shape, dtype, order="F")

    def work(blocks: Sequence[range]) -> None:
        smoother = VolumeSmoother(volumes.shape[:3], sigma, dtype, mask)
        inside = True if mask is None else mask[smoother.box]
        for scans in blocks:
            for t in scans:
                np.copyto(out[..., t][smoother.box], smoother(volumes[..., t]), where=inside)

    each_block(volumes.shape[3], work)
    return out.reshape(data.shape, order="F")


def smooth_img(
    imgs: ImageLike | Sequence[ImageLike], fwhm: float | Sequence[float | None] | None
) -> nib.Nifti1Image | list[nib.Nifti1Image]:
    """Smooth an image with a Gaussian.

    Parameters
    ----------
    imgs : image or path, or sequence of these
        3-D or 4-D.
    fwhm : float, three floats or None
        Full width at half maximum in mm.

    Returns
    -------
    Nifti1Image, or list of these
        Of the same grid and header.

    Examples
    --------
    >>> data = np.zeros((3, 3, 3))
    >>> data[1, 1, 1] = 1
    >>> smooth_img(nib.Nifti1Image(data, np.eye(4)), 2.0).get_fdata()[:, 1, 1].round(4)
    array([0.0588, 0.1049, 0.0588])
    """
    if isinstance(imgs, list | tuple):
        return [smooth_img(img, fwhm) for img in imgs]
    img = load_image(imgs)
    data = smooth(image_data(img), img.affine, fwhm)
    smoothed = nib.Nifti1Image(data, img.affine, img.header, dtype=data.dtype)
    smoothed.header.set_slope_inter(1, 0)
    return smoothed
