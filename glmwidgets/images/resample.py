"""The same image on another grid."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import product
from typing import Any

import nibabel as nib
import numpy as np
from scipy import ndimage

from glmwidgets.glm.choices import check_choice
from glmwidgets.images.load import ImageLike, image_data, image_name, load_image
from glmwidgets.images.new import image_like
from glmwidgets.images.smooth import each_block, storage_dtype

#: Order of the spline by name.
INTERPOLATIONS = {"continuous": 3, "linear": 1, "nearest": 0}


def resample_img(
    img: ImageLike,
    target_affine: np.ndarray | Sequence[Any] | None = None,
    target_shape: Sequence[int] | None = None,
    interpolation: str = "continuous",
    copy: bool = True,
    order: str = "F",
    clip: bool = True,
    fill_value: float = 0.0,
    force_resample: bool = True,
    copy_header: bool = True,
) -> nib.Nifti1Image:
    """Bring an image to another grid.

    Parameters
    ----------
    img : image or path
        3-D or 4-D.
    target_affine : array of shape (4, 4) or (3, 3), optional
        From the new voxels to mm. Of 3 x 3 only the axes are taken; the field of view is then the smallest that holds
        the image. None leaves the image as it is.
    target_shape : three ints, optional
        New number of voxels; goes with a 4 x 4 affine. By default as many as reach the far corner of the image.
    interpolation : {"continuous", "linear", "nearest"}
        Cubic spline, linear, or the nearest voxel (for masks and labels).
    clip : bool
        Keep the values within the range of the image and zero, so that the spline does not overshoot.
    fill_value : float
        Value outside the image.
    copy, order, force_resample, copy_header
        Accepted.

    Returns
    -------
    Nifti1Image
        `img` itself if the grid is the same already. With "nearest" values keep their type, otherwise they are
        floating point. Where the nearest voxel is NaN or infinite, the result is NaN.

    Raises
    ------
    ValueError
        If the target is not a grid, or does not hold any of the image.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.arange(27.0).reshape(3, 3, 3), np.eye(4))
    >>> resample_img(img, np.diag([2.0, 2.0, 2.0, 1.0]), interpolation="nearest").get_fdata()[..., 0]
    array([[ 0.,  6.],
           [18., 24.]])
    """
    check_choice("interpolation", interpolation, INTERPOLATIONS)
    name, img = image_name(img), load_image(img)
    if target_affine is None:
        if target_shape is not None:
            raise ValueError("target_shape says how many voxels, but not where: give target_affine, too")
        return img
    affine, shape = target_grid(img, target_affine, target_shape)
    if shape == img.shape[:3] and np.allclose(affine, img.affine):
        return img
    data = image_data(img)
    resampled = _resample(data, np.linalg.inv(img.affine) @ affine, shape, interpolation, fill_value)
    if clip:
        finite = data[np.isfinite(data)] if data.dtype.kind == "f" else data
        if finite.size == 0:
            raise ValueError(f"{name} holds nothing but NaN: there is nothing to resample")
        np.clip(resampled, min(finite.min(), 0), max(finite.max(), 0), out=resampled)
    return image_like(resampled, img, affine)


def resample_to_img(
    source_img: ImageLike,
    target_img: ImageLike,
    interpolation: str = "continuous",
    copy: bool = True,
    order: str = "F",
    clip: bool = False,
    fill_value: float = 0.0,
    force_resample: bool = True,
    copy_header: bool = True,
) -> nib.Nifti1Image:
    """Bring an image to the grid of another.

    Parameters
    ----------
    source_img, target_img : image or path
    interpolation, clip, fill_value
        As in `resample_img`.
    copy, order, force_resample, copy_header
        Accepted.

    Returns
    -------
    Nifti1Image

    Examples
    --------
    >>> fine = nib.Nifti1Image(np.ones((6, 6, 6)), np.eye(4))
    >>> coarse = nib.Nifti1Image(np.ones((2, 2, 2)), np.diag([3.0, 3.0, 3.0, 1.0]))
    >>> resample_to_img(fine, coarse).shape
    (2, 2, 2)
    """
    target = load_image(target_img)
    how = {"interpolation": interpolation, "clip": clip, "fill_value": fill_value}
    return resample_img(source_img, target.affine, target.shape[:3], **how)


def target_grid(
    img: nib.Nifti1Image, target_affine: Any, target_shape: Sequence[int] | None = None
) -> tuple[np.ndarray, tuple[int, int, int]]:
    """Complete what is known of a grid that an image is to be brought to.

    Parameters
    ----------
    img : image
    target_affine, target_shape
        As in `resample_img`.

    Returns
    -------
    affine : array of shape (4, 4)
    shape : tuple of three ints

    Raises
    ------
    ValueError
        If they do not describe a grid, or one that holds nothing of the image.

    Examples
    --------
    >>> target_grid(nib.Nifti1Image(np.ones((6, 6, 6)), np.eye(4)), np.diag([2.0, 2.0, 2.0]))[1]
    (4, 4, 4)
    """
    affine = np.asarray(target_affine, dtype=float)
    if affine.shape not in ((3, 3), (4, 4)) or not abs(np.linalg.det(affine[:3, :3])) > 1e-12:
        raise ValueError(f"target_affine must be an invertible array of shape (4, 4) or (3, 3), not\n{target_affine}")
    if target_shape is not None and (len(target_shape) != 3 or min(target_shape) < 1):
        raise ValueError(f"target_shape must be three numbers of voxels, not {target_shape}")
    axes_only = affine.shape == (3, 3)
    if axes_only:
        if target_shape is not None:
            raise ValueError("a 3 x 3 target_affine has no origin to count target_shape from: give a 4 x 4 one")
        full = np.eye(4)
        full[:3, :3] = affine
        affine = full
    else:
        affine = affine.copy()
    corners = np.array(list(product(*((0, n - 1) for n in img.shape[:3]))), dtype=float)
    placed = nib.affines.apply_affine(np.linalg.inv(affine) @ img.affine, corners)
    # To a millionth of a voxel: rounding of the affine must not add a plane.
    low, high = placed.min(axis=0).round(6), placed.max(axis=0).round(6)
    if axes_only:
        affine[:3, 3] = affine[:3, :3] @ low
        high = high - low
    if np.any(high < 0):
        raise ValueError(f"the grid with affine\n{affine}\ncontains no part of {image_name(img)}")
    shape = tuple(int(n) for n in (np.ceil(high) + 1 if target_shape is None else target_shape))
    return affine, shape


def _resample(
    data: np.ndarray, to_data: np.ndarray, shape: tuple[int, ...], interpolation: str, fill: float
) -> np.ndarray:
    order = INTERPOLATIONS[interpolation]
    dtype = data.dtype.newbyteorder("=") if order == 0 else storage_dtype(data.dtype)
    matrix, offset = to_data[:3, :3], to_data[:3, 3]
    if np.array_equal(matrix, np.diag(np.diag(matrix))):
        # scipy then goes along one axis after the other, which is much faster.
        matrix = np.diag(matrix)
    volumes = data[..., np.newaxis] if data.ndim == 3 else data
    out = np.empty((*shape, volumes.shape[3]), dtype, order="F")

    def transform(volume: np.ndarray, order: int, cval: float, dtype: np.dtype[Any]) -> np.ndarray:
        return ndimage.affine_transform(volume, matrix, offset, shape, dtype, order=order, cval=cval)

    def work(blocks: Sequence[range]) -> None:
        for t in (t for scans in blocks for t in scans):
            volume = volumes[..., t].astype(dtype, copy=False)
            undefined = None if dtype.kind != "f" or order == 0 else ~np.isfinite(volume)
            if undefined is None or not undefined.any():
                out[..., t] = transform(volume, order, fill, dtype)
                continue
            out[..., t] = transform(_spread_into(volume, undefined), order, fill, dtype)
            out[..., t][transform(undefined.astype(np.uint8), 0, 0, np.dtype(np.uint8)) > 0] = np.nan

    with warnings.catch_warnings():
        # Before 1.16, scipy tells each time of a change that it made ten years ago.
        warnings.filterwarnings("ignore", "The behavior of affine_transform with a 1-D array", UserWarning)
        each_block(volumes.shape[3], work)
    return out[..., 0] if data.ndim == 3 else out


def _spread_into(volume: np.ndarray, undefined: np.ndarray, steps: int = 2) -> np.ndarray:
    """Replace undefined voxels by the mean of their defined neighbours, a few voxels deep, and by zero beyond.

    So that the spline, whose reach is two voxels, is not pulled to zero where values are missing.
    """
    cross = ndimage.generate_binary_structure(3, 1).astype(float)
    filled, known = np.where(undefined, 0, volume).astype(float), ~undefined
    for _ in range(steps):
        count = ndimage.convolve(known.astype(float), cross, mode="constant")
        total = ndimage.convolve(np.where(known, filled, 0), cross, mode="constant")
        shell = ~known & (count > 0.5)
        filled[shell] = total[shell] / count[shell]
        known |= shell
    return filled
