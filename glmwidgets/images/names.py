"""What images are called in messages."""

from __future__ import annotations

from os import PathLike
from typing import Any

from nibabel.spatialimages import SpatialImage


def image_name(img: Any) -> str:
    """What an image is called in a message: its file, or what it is.

    Parameters
    ----------
    img : image, path or list of these

    Returns
    -------
    str

    Examples
    --------
    >>> image_name("sub-01_bold.nii.gz")
    'sub-01_bold.nii.gz'
    """
    if isinstance(img, str | PathLike):
        return str(img)
    if isinstance(img, SpatialImage):
        return img.get_filename() or f"the image in memory of shape {tuple(map(int, img.shape))}"
    if isinstance(img, list | tuple):
        return f"the list of {len(img)} images"
    return f"an object of type {type(img).__name__}"
