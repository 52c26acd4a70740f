"""Images made of arrays: values of voxels or volumes, placed where another image lies."""

from __future__ import annotations

import nibabel as nib
import numpy as np

from glmwidgets.images.grids import VoxelGrid, same_grid
from glmwidgets.images.mask import to_volumes


def image_like(data: np.ndarray, like_img: nib.Nifti1Image, affine: np.ndarray | None = None) -> nib.Nifti1Image:
    """Make an image of an array that lies where another image lies.

    Parameters
    ----------
    data : array of shape (nx, ny, nz) or (nx, ny, nz, n)
    like_img : Nifti1Image
        Gives the place in space and the units; the time between scans, too, if it has n volumes.
    affine : array of shape (4, 4), optional
        Another grid in the same space.

    Returns
    -------
    Nifti1Image
        With a header of its own: nothing that was said of the other image's values is said of these. Its sform and
        qform codes are the other's.

    Examples
    --------
    >>> image_like(np.zeros((2, 2, 2)), nib.Nifti1Image(np.ones((2, 2, 2, 9)), 3 * np.eye(4))).shape
    (2, 2, 2)
    """
    if data.dtype == bool:
        data = data.astype(np.uint8)
    elif data.dtype.kind in "iu" and data.dtype.itemsize > 4:
        data = data.astype(np.float64)
    old = like_img.header
    qform = like_img.get_qform() if affine is None else affine
    affine = like_img.affine if affine is None else affine
    img = nib.Nifti1Image(data, affine, dtype=data.dtype)
    sform_code, qform_code = int(old["sform_code"]), int(old["qform_code"])
    # The header holds single precision; the image keeps the affine that it was given.
    img.set_sform(affine, sform_code, update_affine=False)
    img.set_qform(qform, qform_code, update_affine=False)
    if not same_grid(VoxelGrid(img.shape, img.header.get_best_affine()), img):
        # What the image's own header uses cannot tell this place.
        img.set_sform(affine, sform_code or qform_code or "aligned", update_affine=False)
    series = data.ndim == 4 and like_img.ndim == 4 and data.shape[3] == like_img.shape[3]
    xyz, time = old.get_xyzt_units()
    img.header.set_xyzt_units(xyz, time if series else "unknown")
    if series:
        img.header.set_zooms((*img.header.get_zooms()[:3], old.get_zooms()[3]))
    return img


def new_image(values: np.ndarray, mask: np.ndarray, like_img: nib.Nifti1Image, fill: float = 0.0) -> nib.Nifti1Image:
    """Make an image of values of voxels.

    Parameters
    ----------
    values : array of shape (n_voxels,) or (n, n_voxels)
    mask : array of bool of shape (nx, ny, nz)
    like_img : Nifti1Image
        Gives the place in space and the units; the time between scans, too, if it has n volumes.
    fill : float
        Value outside the mask.

    Returns
    -------
    Nifti1Image
        float32 if `values` are, otherwise float64; booleans and integers up to 32 bits are stored as they are.

    Examples
    --------
    >>> mask = np.ones((2, 2, 2), bool)
    >>> new_image(np.arange(8.0), mask, nib.Nifti1Image(mask.astype(np.uint8), 3 * np.eye(4))).get_data_dtype()
    dtype('<f8')
    """
    return image_like(to_volumes(values, mask, fill), like_img)
