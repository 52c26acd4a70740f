"""Images as files: the same bytes for the same values."""

from __future__ import annotations

import gzip
import zlib
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib

from glmwidgets.files.writing import check_ending, write_bytes


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
        They hold no name and no time, so that equal images are equal files where the same compressor is installed.

    Examples
    --------
    >>> import numpy as np
    >>> image_bytes(nib.Nifti1Image(np.zeros((2, 2, 2), np.uint8), np.eye(4)))[:2] == bytes([0x1F, 0x8B])
    True
    """
    content = img.to_bytes()
    return _compressed(content) if compress else content


def _compressed(content: bytes) -> bytes:
    """As a gzip file, without a time."""
    try:
        from isal import isal_zlib  # a tenth of the time of zlib, and no larger
    except ImportError:
        return gzip.compress(content, compresslevel=1, mtime=0)
    return isal_zlib.compress(content, 1, zlib.MAX_WBITS | 16)


def save_image(
    img: nib.Nifti1Image,
    path: str | PathLike[str],
    what: str = "image",
    *,
    overwrite: bool = False,
    by: Any = None,
) -> Path:
    """Write an image to a file, whole or not at all.

    Parameters
    ----------
    img : Nifti1Image
    path : str or path
        Ends in .nii or .nii.gz.
    what, overwrite, by
        As in `glmwidgets.files.writing.write_bytes`.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If the name has another ending.
    FileNotFoundError, FileExistsError
        If the folder does not exist, or the file does and may not be replaced.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = save_image(nib.Nifti1Image(np.ones((2, 2, 2)), np.eye(4)), Path(folder) / "map.nii.gz")
    ...     nib.load(path).shape
    (2, 2, 2)
    """
    path = Path(path).expanduser()
    check_ending(path, "image")
    content = image_bytes(img, compress=path.name.lower().endswith(".gz"))
    return write_bytes(path, content, what, overwrite=overwrite, by=by)
