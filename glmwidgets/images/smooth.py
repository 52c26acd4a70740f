"""Gaussian smoothing in space, scan by scan.

A separable Gaussian of full width at half maximum w has ``sigma = w / sqrt(8 ln 2)``; it is cut off at 4 sigma, and
the volume is mirrored at its faces. The three axes are filtered one after the other, each result being stored in
the precision of the data: this is the field's reference, digit for digit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import nibabel as nib
import numpy as np
from scipy.ndimage import gaussian_filter1d

from glmwidgets.glm.parallel import workers
from glmwidgets.images.load import ImageLike, image_data, load_image

__all__ = ["VolumeSmoother", "each_block", "gaussian_sigma", "smooth", "smooth_img", "storage_dtype"]

TRUNCATE = 4.0

# Scans handled in one go: enough for a voxel's share of them to fill a cache line.
BLOCK = 32


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


class VolumeSmoother:
    """Smooths volumes of one shape, one after the other, with the memory of two.

    Parameters
    ----------
    shape : three ints
    sigma : array of shape (3,)
        In voxels; see `gaussian_sigma`.
    dtype : dtype
        Of the result.
    mask : array of bool of `shape`, optional
        Only the smallest box that holds it is computed; values in the box are the same with and without it.

    Attributes
    ----------
    box : tuple of three slices
        Where in the volume the result lies.
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
        self._sigma = sigma
        # The filter's reach: beyond it a voxel cannot matter to the box. At the faces nothing is cut, so that the
        # mirror stands where it stands for the whole volume.
        reach = (TRUNCATE * sigma + 0.5).astype(int)
        self.box = tuple(slice(0, n) for n in shape) if mask is None else bounding_box(mask)
        self._read = tuple(
            slice(max(0, b.start - r), min(n, b.stop + r)) for b, r, n in zip(self.box, reach, shape, strict=True)
        )
        self._within = tuple(
            slice(b.start - r.start, b.stop - r.start) for b, r in zip(self.box, self._read, strict=True)
        )
        self._work = np.empty(tuple(r.stop - r.start for r in reversed(self._read)), dtype)

    def __call__(self, volume: np.ndarray) -> np.ndarray:
        """Smooth one volume.

        Parameters
        ----------
        volume : array of the smoother's shape
            NaN and infinite values count as zero.

        Returns
        -------
        array of the shape of `box`
            Overwritten by the next call.
        """
        # Image arrays are Fortran-ordered and scipy walks in C order, so the axes are reversed: z, y, x.
        source, work = volume[self._read].T, self._work
        if source.dtype.kind == "f" and not np.isfinite(source).all():
            source = np.where(np.isfinite(source), source, 0)
        for axis, sigma in enumerate(self._sigma):
            if sigma > 0:
                gaussian_filter1d(source, sigma, axis=2 - axis, output=work, truncate=TRUNCATE)
                source = work
            # What the margin along this axis was for is done.
            keep = [slice(None)] * 3
            keep[2 - axis] = self._within[axis]
            source, work = source[tuple(keep)], work[tuple(keep)]
        return source.T


def bounding_box(mask: np.ndarray) -> tuple[slice, ...]:
    """Smallest box that holds a mask.

    Parameters
    ----------
    mask : array of bool
        With at least one voxel.

    Returns
    -------
    tuple of slices

    Examples
    --------
    >>> bounding_box(np.array([[False, False, False], [False, True, True]]))
    (slice(1, 2, None), slice(1, 3, None))
    """
    box = []
    for axis in range(mask.ndim):
        others = tuple(i for i in range(mask.ndim) if i != axis)
        where = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(where[0]), int(where[-1]) + 1))
    return tuple(box)


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
    if n_threads <= 1:
        work(blocks)
        return
    with workers(n_threads) as each:
        list(each(work, [blocks[i::n_threads] for i in range(n_threads)]))


def n_cpus(most: int = 4) -> int:
    # The smoothing of a volume lives in a core's own cache; more threads than this wait for memory.
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(most, available)


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
        If given, only the smallest box that holds it is smoothed, from all the voxels around it, and the rest is zero.
        Values in the box are those that the whole volume would have.

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
        for scans in blocks:
            for t in scans:
                out[..., t][smoother.box] = smoother(volumes[..., t])

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
