"""Writing images: whole or not at all, and the same bytes for the same values."""

from __future__ import annotations

import gzip
import os
import tempfile
from os import PathLike
from pathlib import Path

import nibabel as nib

__all__ = ["image_bytes", "save_image"]


def image_bytes(img: nib.Nifti1Image, compress: bool = True) -> bytes:
    """An image as the content of a file.

    Parameters
    ----------
    img : Nifti1Image
    compress : bool
        As .nii.gz, otherwise as .nii.

    Returns
    -------
    bytes
        They hold no name and no time, so that equal images are equal files.

    Examples
    --------
    >>> import numpy as np
    >>> image_bytes(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)))[:2] == bytes([0x1F, 0x8B])
    True
    """
    content = img.to_bytes()
    return gzip.compress(content, compresslevel=1, mtime=0) if compress else content


def save_image(img: nib.Nifti1Image, path: str | PathLike[str]) -> Path:
    """Write an image to a file, whole or not at all.

    Parameters
    ----------
    img : Nifti1Image
    path : str or path
        Ends in .nii or .nii.gz. An existing file is replaced, at once and only when the new one is complete.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the name has another ending.
    FileNotFoundError
        If the folder does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_image(nib.Nifti1Image(np.ones((2, 2, 2)), np.eye(4)), Path(folder) / "map.nii.gz")
    ...     nib.load(path).shape
    (2, 2, 2)
    """
    path = Path(path).expanduser()
    if not path.name.endswith((".nii", ".nii.gz")):
        raise ValueError(f"the name of an image ends in .nii or .nii.gz; {path.name} does not")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: its folder does not exist")
    content = image_bytes(img, compress=path.name.endswith(".gz"))
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        # mkstemp lets nobody else read; the file gets the rights that any new file would.
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path
