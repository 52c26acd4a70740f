"""Masks and masked values as the conventional scripts know them: images in, images out.

The engine's own functions of the same deeds take and give arrays (`glmwidgets.images.mask`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from glmwidgets.glm.errors import InputError
from glmwidgets.images.load import ImageLike, image_data, load_image, load_volume
from glmwidgets.images.mask import common_voxels, find_brain, largest_component, masked_series, match_mask
from glmwidgets.images.new import image_like, new_image
from glmwidgets.images.resample import resample_img


def compute_epi_mask(
    epi_img: ImageLike,
    lower_cutoff: float = 0.2,
    upper_cutoff: float = 0.85,
    connected: bool = True,
    opening: int | bool = 2,
    exclude_zeros: bool = False,
    ensure_finite: bool = True,
    target_affine: Any = None,
    target_shape: Any = None,
    memory: Any = None,
    verbose: int = 0,
) -> nib.Nifti1Image:
    """Find the brain in an echo-planar run, or in its mean image.

    Parameters
    ----------
    epi_img : image, path or list of these
        3-D or 4-D.
    lower_cutoff, upper_cutoff, connected, opening, exclude_zeros
        As in `glmwidgets.images.mask.find_brain`.
    ensure_finite : bool
        Values that are not finite always count as zero; False is accepted.
    target_affine : array of shape (3, 3) or (4, 4), optional
        Grid that the image is brought to first.
    target_shape : tuple of 3 int, optional
        Shape of that grid.
    memory, verbose
        Accepted for scripts that give them; nothing is kept on disk or printed.

    Returns
    -------
    Nifti1Image
        3-D, of 0 and 1 (uint8).

    Raises
    ------
    ValueError
        As `glmwidgets.images.mask.find_brain`.

    Examples
    --------
    >>> data = np.random.default_rng(0).normal(size=(12, 12, 12))
    >>> data[3:9, 3:9, 3:9] += 100
    >>> mask_img = compute_epi_mask(nib.Nifti1Image(data, np.eye(4)), opening=1)
    >>> mask_img.shape, mask_img.get_data_dtype()
    ((12, 12, 12), dtype('uint8'))
    """
    img = _on_target(load_image(epi_img), target_affine, target_shape)
    return image_like(find_brain(img, lower_cutoff, upper_cutoff, connected, opening, exclude_zeros), img)


def compute_background_mask(
    data_imgs: ImageLike,
    border_size: int = 2,
    connected: bool = False,
    opening: int | bool = False,
    target_affine: Any = None,
    target_shape: Any = None,
    memory: Any = None,
    verbose: int = 0,
) -> nib.Nifti1Image:
    """Find what is not background in images whose background is one value, as brains that were cut out.

    Parameters
    ----------
    data_imgs : image, path or list of these
        3-D or 4-D.
    border_size : int
        Voxels at each face of the volume that count as background. It is their median, or what is NaN if one of them
        is.
    connected : bool
        Keep only the largest component.
    opening : int
        Steps of erosion, and of dilation after it, which take specks away.
    target_affine, target_shape, memory, verbose
        As in `compute_epi_mask`.

    Returns
    -------
    Nifti1Image
        3-D, of 0 and 1 (uint8).

    Raises
    ------
    InputError
        If all is background.

    Examples
    --------
    >>> data = np.zeros((6, 6, 6))
    >>> data[2:4, 2:4, 2:4] = 5
    >>> int(compute_background_mask(nib.Nifti1Image(data, np.eye(4))).get_fdata().sum())
    8
    """
    img = _on_target(load_image(data_imgs), target_affine, target_shape)
    data = image_data(img)
    mean = data.mean(axis=3) if data.ndim == 4 else np.asarray(data, float)
    # Each face counts by itself: edges and corners, which several faces share, count as often.
    faces = [np.moveaxis(mean, axis, 0)[part].ravel() for axis in range(3) for part in _ends(border_size)]
    border = np.concatenate(faces)
    mask = ~np.isnan(mean) if np.isnan(border).any() else mean != np.median(border)
    steps = int(opening)
    if steps:
        mask = ndimage.binary_erosion(mask, iterations=steps)
    if connected and mask.any():
        mask = largest_component(mask)
    if steps:
        mask = ndimage.binary_erosion(ndimage.binary_dilation(mask, iterations=2 * steps), iterations=steps)
    if not mask.any():
        raise InputError(
            "all of the image is background: its voxels have the value of its border", advice="give a mask"
        )
    return image_like(mask, img)


def _ends(n: int) -> tuple[slice, slice]:
    return slice(None, n), slice(-n, None)


def compute_multi_epi_mask(
    epi_imgs: Sequence[ImageLike],
    lower_cutoff: float = 0.2,
    upper_cutoff: float = 0.85,
    connected: bool = True,
    opening: int | bool = 2,
    threshold: float = 0.5,
    target_affine: Any = None,
    target_shape: Any = None,
    exclude_zeros: bool = False,
    n_jobs: int = 1,
    memory: Any = None,
    verbose: int = 0,
) -> nib.Nifti1Image:
    """Find the brain in each of several runs, and the voxels that lie in enough of them.

    Parameters
    ----------
    epi_imgs : list of images or paths
        On one grid.
    threshold, connected
        As in `intersect_masks`.
    lower_cutoff, upper_cutoff, opening, target_affine, target_shape, exclude_zeros
        As in `compute_epi_mask`.
    n_jobs, memory, verbose
        Accepted for scripts that give them.

    Returns
    -------
    Nifti1Image
        3-D, of 0 and 1 (uint8).

    Examples
    --------
    >>> data = np.random.default_rng(0).normal(size=(12, 12, 12))
    >>> data[3:9, 3:9, 3:9] += 100
    >>> mask_img = compute_multi_epi_mask([nib.Nifti1Image(data, np.eye(4))] * 2, opening=1)
    >>> mask_img.shape
    (12, 12, 12)
    """
    masks = [
        compute_epi_mask(
            img, lower_cutoff, upper_cutoff, connected, opening, exclude_zeros, True, target_affine, target_shape
        )
        for img in epi_imgs
    ]
    return intersect_masks(masks, threshold, connected)


def intersect_masks(mask_imgs: Sequence[ImageLike], threshold: float = 0.5, connected: bool = True) -> nib.Nifti1Image:
    """Voxels that lie in more than a fraction of several masks.

    Parameters
    ----------
    mask_imgs : sequence of images or paths
        On one grid.
    threshold : float
        0 is the union, 1 the intersection; of two masks, 0.5 asks for both.
    connected : bool
        Keep only the largest component.

    Returns
    -------
    Nifti1Image
        3-D, of 0 and 1 (uint8).

    Raises
    ------
    ValueError
        If there are no masks, or they lie on different grids.

    Examples
    --------
    >>> masks = [nib.Nifti1Image(np.array([[row]], np.uint8), np.eye(4)) for row in ([1, 1, 0], [0, 1, 1])]
    >>> intersect_masks(masks).get_fdata().ravel().tolist()
    [0.0, 1.0, 0.0]
    """
    if not len(mask_imgs):
        raise ValueError("no masks were given")
    first = load_volume(mask_imgs[0], "a mask")
    masks = [match_mask(mask, first) for mask in mask_imgs]
    return image_like(common_voxels(masks, threshold, connected), first)


def apply_mask(
    imgs: ImageLike,
    mask_img: ImageLike,
    dtype: Any = "f",
    smoothing_fwhm: float | None = None,
    ensure_finite: bool = True,
) -> np.ndarray:
    """Series of the voxels in a mask.

    Parameters
    ----------
    imgs : image, path or list of these
        3-D or 4-D.
    mask_img : image or path
        3-D, on the same grid.
    dtype : dtype
        Of the result, ``"f"`` is float32; None for float64 where the image holds it.
    smoothing_fwhm : float, optional
        Full width at half maximum, in mm, of a Gaussian that the volumes are smoothed with before.
    ensure_finite : bool
        Take values that are not finite for zero.

    Returns
    -------
    array of shape (n_scans, n_voxels), or (n_voxels,) for one volume

    Raises
    ------
    ValueError
        If the grids differ, or the mask holds no voxel or is none.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.arange(8.0).reshape(1, 2, 2, 2), np.eye(4))
    >>> apply_mask(img, nib.Nifti1Image(np.array([[[1, 0], [0, 1]]], np.uint8), np.eye(4))).tolist()
    [[0.0, 6.0], [1.0, 7.0]]
    """
    img = load_image(imgs)
    mask = match_mask(mask_img, img)
    series = masked_series(image_data(img), mask, img.affine, smoothing_fwhm)
    if ensure_finite and not np.isfinite(series).all():
        series = np.nan_to_num(series, nan=0.0, posinf=0.0, neginf=0.0)
    return series if dtype is None else np.asarray(series, dtype=dtype)


def unmask(X: Any, mask_img: ImageLike, order: str = "F") -> Any:
    """Put values of voxels back into images.

    Parameters
    ----------
    X : array of shape (n_voxels,) or (n, n_voxels), or list of such arrays
    mask_img : image or path
    order : str
        Accepted; how the values lie in memory changes none of them.

    Returns
    -------
    Nifti1Image, or list of these for a list

    Raises
    ------
    TypeError
        If the values have another number of dimensions.
    ValueError
        If there are not as many values as voxels.

    Examples
    --------
    >>> mask_img = nib.Nifti1Image(np.array([[[1, 0, 1]]], np.uint8), np.eye(4))
    >>> unmask(np.array([1.0, 2.0]), mask_img).get_fdata().ravel().tolist()
    [1.0, 0.0, 2.0]
    """
    if isinstance(X, list | tuple):
        return [unmask(one, mask_img, order) for one in X]
    values = np.asarray(X)
    if values.ndim not in (1, 2):
        raise TypeError(f"values of voxels have one or two dimensions, not {values.ndim}")
    like = load_volume(mask_img, "a mask")
    return new_image(values, match_mask(mask_img, like), like)


def _on_target(img: nib.Nifti1Image, affine: Any, shape: Any) -> nib.Nifti1Image:
    return img if affine is None and shape is None else resample_img(img, affine, shape)
