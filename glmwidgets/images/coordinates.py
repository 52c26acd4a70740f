"""Between voxels and mm: places, nearest voxels, peaks."""

from __future__ import annotations

from collections.abc import Sequence

import nibabel as nib
import numpy as np

from glmwidgets.images.load import ImageLike, image_data, load_volume
from glmwidgets.images.mask import match_mask


def to_mm(voxels: np.ndarray | Sequence[float], affine: np.ndarray) -> np.ndarray:
    """Places of voxels.

    Parameters
    ----------
    voxels : array of shape (..., 3)
    affine : array of shape (4, 4)

    Returns
    -------
    array of shape (..., 3)
        mm.

    Examples
    --------
    >>> to_mm([1, 2, 3], np.diag([2.0, 2.0, 2.0, 1.0])).tolist()
    [2.0, 4.0, 6.0]
    """
    return nib.affines.apply_affine(affine, voxels)


def to_voxels(mm: np.ndarray | Sequence[float], affine: np.ndarray) -> np.ndarray:
    """Voxel coordinates of places, not rounded.

    Parameters
    ----------
    mm : array of shape (..., 3)
    affine : array of shape (4, 4)

    Returns
    -------
    array of shape (..., 3)

    Examples
    --------
    >>> to_voxels([3, 4, 6], np.diag([2.0, 2.0, 2.0, 1.0])).tolist()
    [1.5, 2.0, 3.0]
    """
    return nib.affines.apply_affine(np.linalg.inv(affine), mm)


def nearest_voxel(mm: Sequence[float], affine: np.ndarray, shape: Sequence[int]) -> tuple[int, int, int] | None:
    """The voxel that a place lies in.

    Parameters
    ----------
    mm : three floats
    affine : array of shape (4, 4)
    shape : sequence of int
        Of the volume.

    Returns
    -------
    tuple of three ints, or None
        None outside the volume.

    Examples
    --------
    >>> nearest_voxel([3.2, 4, 6], np.diag([2.0, 2.0, 2.0, 1.0]), (4, 4, 4))
    (2, 2, 3)
    """
    i, j, k = (int(c) for c in np.round(to_voxels(mm, affine)))
    inside = all(0 <= c < n for c, n in zip((i, j, k), shape[:3], strict=True))
    return (i, j, k) if inside else None


def peak_mm(img: ImageLike, mask_img: ImageLike | None = None, two_sided: bool = False) -> tuple[float, float, float]:
    """Place of the highest value of a map.

    Parameters
    ----------
    img : image or path
        3-D.
    mask_img : image or path, optional
        Where to look.
    two_sided : bool
        Highest absolute value, instead of highest value.

    Returns
    -------
    tuple of three floats
        mm.

    Raises
    ------
    ValueError
        If the map is not 3-D, or has no finite value there.

    Examples
    --------
    >>> data = np.zeros((3, 3, 3))
    >>> data[2, 1, 0] = 5
    >>> peak_mm(nib.Nifti1Image(data, np.diag([2.0, 2.0, 2.0, 1.0])))
    (4.0, 2.0, 0.0)
    """
    img = load_volume(img, "a map with a peak")
    values = image_data(img).astype(float)
    values = np.abs(values) if two_sided else values
    values[~np.isfinite(values)] = -np.inf
    if mask_img is not None:
        values[~match_mask(mask_img, img)] = -np.inf
    if np.isneginf(values.max()):
        raise ValueError("the map has no finite value there")
    x, y, z = to_mm(np.unravel_index(int(values.argmax()), values.shape), img.affine)
    return float(x), float(y), float(z)
