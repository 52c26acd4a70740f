"""Which voxels: masks found and masks given, and the way between volumes and rows of voxels.

A mask is a boolean volume. Voxels are in its C order everywhere, so that ``volume[mask] = values`` puts them back.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import nibabel as nib
import numpy as np
from scipy import ndimage

from glmwidgets.glm.errors import InputError
from glmwidgets.images.grids import grid_difference
from glmwidgets.images.load import ImageLike, image_data, image_name, load_image, load_volume
from glmwidgets.images.smooth import VolumeSmoother, each_block, gaussian_sigma, smooth, storage_dtype
from glmwidgets.plural import count

# Numbers between the end of a plane and the next one. Voxels of a mask follow each other along z, and planes that lie a
# power of two apart would share few places of the processor's cache.
APART = 32


def find_brain(
    img: ImageLike | np.ndarray,
    lower_cutoff: float = 0.2,
    upper_cutoff: float = 0.85,
    connected: bool = True,
    opening: int | bool = 2,
    exclude_zeros: bool = False,
    cut: float = 1.0,
) -> np.ndarray:
    """Find the brain in an echo-planar run, or in its mean image.

    The mean over time, slightly smoothed, is cut at the widest gap between neighbouring values among those ranked
    between two fractions of the voxels: the valley of the histogram between air and tissue (T. Nichols' heuristic).
    Erosion, the largest connected component, dilation and erosion then take bridges and specks away.

    Parameters
    ----------
    img : image, path or array
        3-D or 4-D.
    lower_cutoff, upper_cutoff : float
        Fractions of the sorted voxels between which the gap is looked for. If the mask is too large, raise the first.
    connected : bool
        Keep only the largest component (voxels that share a face).
    opening : int
        Steps of erosion and dilation; 0 or False for none, and then no smoothing either.
    exclude_zeros : bool
        Leave voxels of exactly zero out of the ranking: for images padded with zeros.
    cut : float
        Where the mean is cut, as a share of the valley's value: below 1 the mask grows, above 1 it shrinks.

    Returns
    -------
    array of bool, 3-D

    Raises
    ------
    ValueError
        If the cut-offs are not in order, or nothing is left.

    Warns
    -----
    UserWarning
        If erosion, which starts at the faces of the image too, took a quarter or more of the planes along an axis.

    Examples
    --------
    >>> data = np.random.default_rng(0).normal(size=(12, 12, 12))
    >>> data[3:9, 3:9, 3:9] += 100
    >>> mask = find_brain(data, opening=1)
    >>> bool(mask[6, 6, 6]), bool(mask[0, 0, 0])
    (True, False)
    """
    if not 0 <= lower_cutoff < upper_cutoff <= 1:
        raise ValueError(f"0 <= lower_cutoff < upper_cutoff <= 1 is needed, not {lower_cutoff} and {upper_cutoff}")
    data = img if isinstance(img, np.ndarray) else image_data(load_image(img))
    if data.ndim not in (3, 4):
        raise ValueError(f"a mask is computed from a 3-D or 4-D image, not from one of shape {data.shape}")
    mean = data.mean(axis=3) if data.ndim == 4 else data.astype(storage_dtype(data.dtype))
    if opening:
        undefined = np.isnan(mean)
        # Width of one voxel, whatever its size.
        mean = smooth(mean, np.eye(4), 1.0)
        mean[undefined] = 0
    mean = np.where(np.isfinite(mean), mean, 0)
    mask = mean >= cut * _valley(mean, lower_cutoff, upper_cutoff, exclude_zeros)
    steps = int(opening)
    cross = _cross(mask.shape, steps)
    bright = mask
    if steps:
        mask = ndimage.binary_erosion(mask, cross, iterations=steps)
    if connected and mask.any():
        mask = largest_component(mask)
    if steps:
        mask = ndimage.binary_dilation(mask, cross, iterations=2 * steps)
        mask = ndimage.binary_erosion(mask, cross, iterations=steps)
    if not mask.any():
        raise ValueError(
            "no brain was found: the automatic mask is empty. It needs raw signal (not detrended or centred) "
            "of a head in darker surroundings; otherwise give a mask, or a smaller opening"
            + (", or cut lower" if cut > 1 else "")
        )
    _warn_of_lost_planes(mask, bright)
    return mask


def _warn_of_lost_planes(mask: np.ndarray, bright: np.ndarray) -> None:
    """A slab that is cut off at the faces of the image is thinned by the opening, as if air were outside."""
    losses = []
    for axis, name in enumerate("ijk"):
        others = tuple(other for other in range(3) if other != axis)
        held = mask.any(others)
        # Planes with specks of noise alone are no loss.
        filled = bright.sum(others) >= 0.5 * mask.sum(others).max()
        lost = int((filled & ~held).sum())
        if lost >= 0.25 * filled.sum():
            losses.append(f"{lost} of the {int(filled.sum())} planes along {name}")
    if losses:
        warnings.warn(
            f"the automatic mask leaves out {' and '.join(losses)} that hold as much signal: it erodes from the faces "
            "of the image too, where a slab of few slices ends. Give a mask, or analyse the whole field of view",
            stacklevel=3,
        )


def _cross(shape: tuple[int, ...], steps: int) -> np.ndarray:
    """A voxel and its neighbours, but not along an axis of so few slices that erosion would leave none."""
    cross = ndimage.generate_binary_structure(len(shape), 1)
    for axis, n in enumerate(shape):
        if n <= 2 * steps:
            np.moveaxis(cross, axis, 0)[[0, 2]] = False
    return cross


def _valley(mean: np.ndarray, lower: float, upper: float, exclude_zeros: bool) -> float:
    ranked = np.sort(mean, axis=None)
    if exclude_zeros:
        ranked = ranked[ranked != 0]
    first = int(np.floor(lower * ranked.size))
    last = min(int(np.floor(upper * ranked.size)), ranked.size - 1)
    if last <= first:
        raise ValueError(f"too few voxels ({ranked.size}) to find a mask from: give one")
    gap = first + int(np.diff(ranked[first : last + 1]).argmax())
    return 0.5 * (ranked[gap] + ranked[gap + 1])


def largest_component(mask: np.ndarray) -> np.ndarray:
    """Largest part of a mask whose voxels are connected by their faces.

    Parameters
    ----------
    mask : array of bool
        With at least one voxel.

    Returns
    -------
    array of bool

    Examples
    --------
    >>> largest_component(np.array([True, False, True, True]))
    array([False, False,  True,  True])
    """
    labels, _ = ndimage.label(mask)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return labels == sizes.argmax()


def common_voxels(masks: Sequence[np.ndarray], threshold: float = 0.5, connected: bool = True) -> np.ndarray:
    """Voxels that lie in more than a fraction of several masks.

    Parameters
    ----------
    masks : sequence of arrays of bool, all of one shape
    threshold : float
        0 is the union, 1 the intersection; of two masks, 0.5 asks for both.
    connected : bool
        Keep only the largest component.

    Returns
    -------
    array of bool
        It may be empty.

    Raises
    ------
    ValueError
        If there are no masks, their shapes differ, or the threshold is not between 0 and 1.

    Examples
    --------
    >>> common_voxels([np.array([True, True, False]), np.array([False, True, True])])
    array([False,  True, False])
    """
    if len(masks) == 0:
        raise ValueError("no masks were given")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold is a fraction of the masks, between 0 and 1, not {threshold}")
    shapes = {np.shape(mask) for mask in masks}
    if len(shapes) > 1:
        raise ValueError(f"the masks have different shapes: {', '.join(map(str, sorted(shapes)))}")
    votes = np.sum([np.asarray(mask, dtype=bool) for mask in masks], axis=0, dtype=int)
    common = votes > min(threshold, 1 - 1e-7) * len(masks)
    return largest_component(common) if connected and common.any() else common


def match_mask(mask_img: ImageLike, img: nib.Nifti1Image, resample: bool = False) -> np.ndarray:
    """Read a given mask and check that it fits an image.

    Parameters
    ----------
    mask_img : image or path
        3-D, of zeros and one other value.
    img : Nifti1Image
        What is to be masked.
    resample : bool
        Bring a mask on another grid to the image's, by its nearest voxel, instead of refusing it.

    Returns
    -------
    array of bool, of the first three axes of `img`

    Raises
    ------
    ValueError
        If it is not a mask, is empty, or lies on another grid; the message names both images.

    Examples
    --------
    >>> mask = nib.Nifti1Image(np.ones((2, 2, 2), np.uint8), np.eye(4))
    >>> int(match_mask(mask, mask).sum())
    8
    """
    name, mask_img = image_name(mask_img), load_volume(mask_img, "a mask")
    values = np.nan_to_num(image_data(mask_img), posinf=0, neginf=0)
    levels = np.unique(values)
    if len(levels) > 2 or (len(levels) == 2 and 0 not in levels):
        shown = ", ".join(f"{level:g}" for level in levels[:5])
        raise ValueError(
            f"a mask holds 0 outside and one other value inside; {name} holds {len(levels)} values "
            f"({shown}{', ...' if len(levels) > 5 else ''}): threshold it first"
        )
    mask = values != 0
    if (difference := grid_difference(mask_img, img)) is not None:
        if not resample:
            raise InputError(
                f"the mask {name} and {image_name(img)} lie on different grids: {difference}",
                advice="resample the mask to the image by its nearest voxels: "
                'glmwidgets.images.resample_to_img(mask, image, interpolation="nearest")',
            )
        mask = _nearest(mask, mask_img.affine, img)
    if not mask.any():
        raise ValueError(f"the mask {name} holds no voxel of {image_name(img)}")
    return mask


def _nearest(mask: np.ndarray, affine: np.ndarray, img: nib.Nifti1Image) -> np.ndarray:
    to_mask = np.linalg.inv(affine) @ img.affine
    return ndimage.affine_transform(
        mask.astype(np.uint8), to_mask[:3, :3], to_mask[:3, 3], output_shape=img.shape[:3], order=0
    ).astype(bool)


def voxel_series(data: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Series of the voxels in a mask.

    Parameters
    ----------
    data : array of shape (nx, ny, nz) or (nx, ny, nz, n_scans)
    mask : array of bool of shape (nx, ny, nz)

    Returns
    -------
    array of shape (n_voxels,) or (n_scans, n_voxels)
        float32 for integers and float32, otherwise float64. The series of a voxel is contiguous in memory: sums over
        time are then taken in the order that nilearn takes them in. NaN stay NaN.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    Examples
    --------
    >>> data = np.arange(8, dtype=np.int16).reshape(2, 2, 1, 2)
    >>> voxel_series(data, data[..., 0] > 2)
    array([[4., 6.],
           [5., 7.]], dtype=float32)
    """
    return masked_series(data, mask)


def masked_series(
    data: np.ndarray,
    mask: np.ndarray,
    affine: np.ndarray | None = None,
    smoothing_fwhm: float | Sequence[float | None] | None = None,
) -> np.ndarray:
    """Series of the voxels in a mask, smoothed on the way.

    The same numbers as `smooth` and then `voxel_series`, without ever holding a second 4-D array.

    Parameters
    ----------
    data : array of shape (nx, ny, nz) or (nx, ny, nz, n_scans)
    mask : array of bool of shape (nx, ny, nz)
    affine : array of shape (4, 4), optional
        From voxels to mm; needed for smoothing.
    smoothing_fwhm : float, three floats or None
        Full width at half maximum of a Gaussian, in mm. All voxels around the mask contribute; NaN count as zero.

    Returns
    -------
    array of shape (n_voxels,) or (n_scans, n_voxels)
        As `voxel_series`.

    Raises
    ------
    ValueError
        If the shapes do not fit, or a width is negative.

    Examples
    --------
    >>> data = np.zeros((3, 3, 3, 2))
    >>> data[1, 1, 1] = 1
    >>> masked_series(data, data[..., 0] > 0, np.eye(4), 2.0).round(4)
    array([[0.1049],
           [0.1049]])
    """
    if data.ndim not in (3, 4) or data.shape[:3] != mask.shape or mask.dtype != bool:
        raise ValueError(
            f"the data have shape {data.shape} and the mask has shape {mask.shape} and type {mask.dtype}: "
            "the first three axes must be those of a boolean mask"
        )
    volumes = data[..., np.newaxis] if data.ndim == 3 else data
    dtype = storage_dtype(data.dtype)
    out = np.empty((np.count_nonzero(mask), volumes.shape[3]), dtype).T

    def work(blocks: Sequence[range]) -> None:
        take = voxel_taker(mask, dtype, affine, smoothing_fwhm)
        for scans in blocks:
            block = np.empty((len(scans), out.shape[1]), dtype)
            for row, t in zip(block, scans, strict=True):
                row[:] = take(volumes[..., t])
            out[scans.start : scans.stop] = block

    each_block(volumes.shape[3], work)
    return out[0] if data.ndim == 3 else out


def voxel_taker(
    mask: np.ndarray,
    dtype: np.dtype,
    affine: np.ndarray | None = None,
    smoothing_fwhm: float | Sequence[float | None] | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """What takes the voxels of a mask out of volumes, one volume after the other.

    Parameters
    ----------
    mask : array of bool of shape (nx, ny, nz)
    dtype : dtype
        That smoothed values are computed in.
    affine, smoothing_fwhm
        As in `masked_series`.

    Returns
    -------
    callable
        ``take(volume) -> array of shape (n_voxels,)``; not to be called on two threads at once.

    Examples
    --------
    >>> take = voxel_taker(np.array([[[False, True, True]]]), np.float32)
    >>> take(np.array([[[1, 2, 3]]], np.int16))
    array([2, 3], dtype=int16)
    """
    sigma = np.zeros(3) if smoothing_fwhm is None else gaussian_sigma(affine, smoothing_fwhm)
    if sigma.any():
        smoother = VolumeSmoother(mask.shape, sigma, dtype, mask)
        inside = mask[smoother.box]
        within = np.ravel_multi_index(np.nonzero(inside), inside.shape, order="F")
        return lambda volume: smoother(volume).ravel(order="F").take(within, mode="clip")

    nx, ny, nz = mask.shape
    x, y, z = np.nonzero(mask)
    index, planes = z * (nx * ny + APART) + y * nx + x, None

    def take(volume: np.ndarray) -> np.ndarray:
        nonlocal planes
        if planes is None or planes.dtype != volume.dtype:
            planes = np.zeros((nz, nx * ny + APART), volume.dtype)
        planes[:, : nx * ny] = volume.reshape((nx * ny, nz), order="F").T
        return planes.reshape(-1).take(index, mode="clip")

    return take


def to_volumes(values: np.ndarray, mask: np.ndarray, fill: float = 0.0) -> np.ndarray:
    """Put values of voxels back into volumes.

    Parameters
    ----------
    values : array of shape (n_voxels,) or (n, n_voxels)
    mask : array of bool of shape (nx, ny, nz)
    fill : float
        Value outside the mask.

    Returns
    -------
    array of shape (nx, ny, nz) or (nx, ny, nz, n)
        Of the type of `values` if that can hold `fill`; Fortran-ordered if 4-D.

    Raises
    ------
    ValueError
        If there are not as many values as voxels.

    Examples
    --------
    >>> to_volumes(np.array([1.0, 2.0]), np.array([[[True, False, True]]]), fill=-1)
    array([[[ 1., -1.,  2.]]])
    """
    values = np.asarray(values)
    n_voxels = int(np.count_nonzero(mask))
    if values.ndim not in (1, 2) or values.shape[-1] != n_voxels:
        raise ValueError(f"the mask has {count(n_voxels, 'voxel')}; values of shape {values.shape} do not fit it")
    dtype = values.dtype if values.dtype.kind in "fc" or float(fill).is_integer() else np.dtype(float)
    if values.ndim == 1:
        volume = np.full(mask.shape, fill, dtype)
        volume[mask] = values
        return volume
    volumes = np.full((*mask.shape, len(values)), fill, dtype, order="F")
    for t, row in enumerate(values):
        volumes[..., t][mask] = row
    return volumes
