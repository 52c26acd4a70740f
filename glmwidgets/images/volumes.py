"""Single volumes and arrays of images, by the conventional names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.images.load import ImageLike, image_data, image_name, join_images, load_image
from glmwidgets.images.new import image_like
from glmwidgets.images.resample import resample_img


def load_img(img: ImageLike, wildcards: bool = True, dtype: Any = None) -> nib.Nifti1Image:
    """Open an image; see `glmwidgets.images.load.load_image`.

    Parameters
    ----------
    img : image, path, path with wildcards or list of these
    wildcards : bool
        Whether ``*``, ``?`` and ``[...]`` in a path stand for several files.
    dtype : dtype, optional
        Type that the voxels are brought to.

    Returns
    -------
    Nifti1Image

    Examples
    --------
    >>> load_img(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4)), dtype="float32").get_data_dtype()
    dtype('<f4')
    """
    opened = load_image(img, wildcards=wildcards)
    return opened if dtype is None else image_like(image_data(opened).astype(dtype), opened)


def get_data(img: ImageLike) -> np.ndarray:
    """Voxels of an image, in the type that the file stores them in.

    Parameters
    ----------
    img : image or path

    Returns
    -------
    array
        Shared with an image that is in memory: do not change it.

    Examples
    --------
    >>> get_data(nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))).dtype
    dtype('int16')
    """
    return image_data(load_image(img))


def index_img(imgs: ImageLike, index: Any) -> nib.Nifti1Image:
    """One volume or some volumes of an image.

    Parameters
    ----------
    imgs : image, path or list of these
        4-D.
    index : int, slice, or array of int or bool
        Along time.

    Returns
    -------
    Nifti1Image
        3-D for a single number, otherwise 4-D.

    Raises
    ------
    ValueError
        If the image is not 4-D.
    IndexError
        If there is no such volume.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.arange(8.0).reshape(1, 1, 2, 4), np.eye(4))
    >>> index_img(img, -1).get_fdata().ravel().tolist(), index_img(img, slice(0, 2)).shape
    ([3.0, 7.0], (1, 1, 2, 2))
    """
    name, opened = image_name(imgs), load_image(imgs)
    if opened.ndim != 4:
        raise ValueError(f"{name} has shape {tuple(map(int, opened.shape))}: only a 4-D image has volumes to choose")
    chosen = image_data(opened)[..., np.asarray(index) if isinstance(index, list | tuple) else index]
    out = image_like(chosen, opened)
    if chosen.ndim == 4:  # also of fewer volumes, their time step is the run's
        out.header.set_xyzt_units(*opened.header.get_xyzt_units())
        out.header.set_zooms((*out.header.get_zooms()[:3], opened.header.get_zooms()[3]))
    return out


def iter_img(imgs: ImageLike) -> Iterator[nib.Nifti1Image]:
    """The volumes of an image one by one, or the images of a list.

    Parameters
    ----------
    imgs : image, path or list of these

    Yields
    ------
    Nifti1Image
        3-D.

    Raises
    ------
    ValueError
        If an image has one volume only.

    Examples
    --------
    >>> [volume.shape for volume in iter_img(nib.Nifti1Image(np.zeros((2, 2, 2, 2)), np.eye(4)))]
    [(2, 2, 2), (2, 2, 2)]
    """
    opened = load_image(imgs)
    if opened.ndim != 4:
        raise ValueError(f"{image_name(imgs)} has one volume: there is nothing to go through")
    data = image_data(opened)
    for t in range(opened.shape[3]):
        yield image_like(data[..., t], opened)


def new_img_like(
    ref_niimg: ImageLike, data: np.ndarray, affine: Any = None, copy_header: bool = True
) -> nib.Nifti1Image:
    """Make an image of an array that lies where another image lies.

    Parameters
    ----------
    ref_niimg : image or path
    data : array of shape (nx, ny, nz) or (nx, ny, nz, n)
    affine : array of shape (4, 4), optional
        Another grid in the same space.
    copy_header : bool
        Accepted: place and units are the other image's, what its header says of values is not.

    Returns
    -------
    Nifti1Image

    Examples
    --------
    >>> new_img_like(nib.Nifti1Image(np.zeros((2, 2, 2)), 3 * np.eye(4)), np.ones((2, 2, 2), bool)).get_data_dtype()
    dtype('uint8')
    """
    return image_like(np.asarray(data), load_image(ref_niimg), affine)


def copy_img(img: ImageLike) -> nib.Nifti1Image:
    """Copy of an image that shares nothing with it.

    Parameters
    ----------
    img : image or path

    Returns
    -------
    Nifti1Image

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))
    >>> copy_img(img).dataobj is img.dataobj
    False
    """
    opened = load_image(img)
    return nib.Nifti1Image(image_data(opened).copy(), opened.affine.copy(), opened.header.copy())


def concat_imgs(
    niimgs: Iterable[ImageLike],
    dtype: Any = None,
    ensure_ndim: int | None = None,
    memory: object = None,
    memory_level: int = 0,
    auto_resample: bool = False,
    verbose: int = 0,
) -> nib.Nifti1Image:
    """Put images together along time.

    Parameters
    ----------
    niimgs : iterable of images or paths
        3-D or 4-D, all of one shape and affine.
    dtype : numpy type, optional
        Of the result; by default that of the stored values.
    ensure_ndim : {3, 4}, optional
        Refuse images of other dimensions.
    memory, memory_level, verbose
        Accepted.
    auto_resample : bool
        Bring those of another grid to the first one's, by splines.

    Returns
    -------
    Nifti1Image
        4-D, with the first image's header.

    Raises
    ------
    ValueError
        As `glmwidgets.images.load.join_images`, and if an image has other dimensions than `ensure_ndim`.

    Examples
    --------
    >>> volume = nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))
    >>> concat_imgs([volume, volume, volume], dtype="float32").shape
    (2, 2, 2, 3)
    """
    opened = [load_image(img) for img in niimgs]
    for i, img in enumerate(opened):
        if ensure_ndim is not None and img.ndim != ensure_ndim:
            raise ValueError(f"image {i} ({image_name(img)}) has {img.ndim} dimensions; {ensure_ndim} are needed")
    if auto_resample and opened:
        opened = [opened[0], *(resample_img(img, opened[0].affine, opened[0].shape[:3]) for img in opened[1:])]
    joined = join_images(opened)
    return joined if dtype is None else image_like(image_data(joined).astype(dtype), joined)
