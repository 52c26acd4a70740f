"""Voxels of an image, read whole from its file."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from nibabel.arrayproxy import ArrayProxy, is_proxy
from nibabel.spatialimages import SpatialImage
from nibabel.volumeutils import apply_read_scaling

from glmwidgets.files.memory import human_bytes, need_memory
from glmwidgets.images.names import image_name

__all__ = ["image_data"]

#: Bytes after those that the header promises which are read to come to the checksum.
MOST_BEYOND = 2**26

#: What is decompressed in one piece.
PIECE = 2**24


def image_data(img: SpatialImage) -> np.ndarray:
    """Voxels of an image, in the type that the file stores them in.

    Parameters
    ----------
    img : image

    Returns
    -------
    array of the image's shape
        Fortran-ordered if it was read from a file. Integers without a scale factor stay integers, those with one
        become float64, as nibabel gives them. Of complex numbers the magnitudes. The array is shared with an image that
        is in memory: do not change it.

    Raises
    ------
    ValueError
        If the file is damaged or cut short, or holds colours; the message names it.

    Warns
    -----
    UserWarning
        If the voxels are complex numbers.

    Examples
    --------
    >>> import nibabel as nib
    >>> image_data(nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))).dtype
    dtype('int16')
    """
    proxy = img.dataobj
    if is_proxy(proxy):
        itemsize = np.dtype(getattr(proxy, "dtype", np.float64)).itemsize
        scaled = (getattr(proxy, "slope", 1), getattr(proxy, "inter", 0)) != (1, 0)
        need_memory(
            float(np.prod(img.shape, dtype=float)) * (itemsize + 8 * scaled), f"the voxels of {image_name(img)}"
        )
    try:
        # Other formats scale in ways of their own, AFNI each volume by its own factor.
        if type(proxy) is ArrayProxy and str(proxy.file_like).endswith(".gz"):
            data = _read_compressed(proxy)
        else:
            data = np.asanyarray(proxy)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{image_name(img)} is damaged or cut short: its header promises {_promise(img)}, "
            "and they cannot all be read; copy or download it again"
        ) from error
    return _numbers(data, img)


def _numbers(data: np.ndarray, img: SpatialImage) -> np.ndarray:
    if data.dtype.names:
        raise ValueError(
            f"the voxels of {image_name(img)} are colours ({', '.join(data.dtype.names)}), not measured values: give "
            "the image that the picture was made of"
        )
    if data.dtype.kind == "c":
        warnings.warn(f"the voxels of {image_name(img)} are complex: their magnitudes are taken", stacklevel=4)
        return np.abs(data)
    return data


def _promise(img: SpatialImage) -> str:
    return f"{img.shape[3]} volumes" if len(img.shape) > 3 else f"{int(np.prod(img.shape))} voxels"


def _read_compressed(proxy: ArrayProxy) -> np.ndarray:
    """Read a whole compressed array straight into its memory."""
    data = np.empty(proxy.shape, proxy.dtype, order="F")
    # Through the reversed axes the memory is contiguous in C order, which is what a byte view of it needs.
    target = memoryview(data.T.reshape(-1).view(np.uint8))
    at = -proxy.offset
    for piece in _decompressed(Path(proxy.file_like)):
        if at > len(target) + MOST_BEYOND:
            raise ValueError(
                f"{proxy.file_like} goes on for more than {human_bytes(MOST_BEYOND)} after the "
                f"{human_bytes(len(target))} that its header promises: it is no image that can be trusted"
            )
        wanted = memoryview(piece)[max(0, -at) : max(0, len(target) - at)]
        start = max(at, 0)
        target[start : start + len(wanted)] = wanted
        at += len(piece)
    if at < len(target):
        raise EOFError(f"{at} of {len(target)} bytes")
    slope, inter = (np.asanyarray(value) for value in (proxy.slope, proxy.inter))
    return data if (slope, inter) == (1, 0) else apply_read_scaling(data, slope, inter)


def _decompressed(path: Path) -> Iterator[bytes]:
    """Content of a gzip file piece by piece, to its end, where the checksum is compared."""
    try:
        from isal import isal_zlib as codec  # two to three times faster than zlib
    except ImportError:
        codec = zlib
    decoder, chunk = None, b""
    with path.open("rb") as file:
        while chunk or (chunk := file.read(2**20)):
            if decoder is None:
                # Several compressed files in a row are one, and zeros may follow the last.
                chunk = chunk.lstrip(b"\0")
                if not chunk:
                    continue
                decoder = codec.decompressobj(zlib.MAX_WBITS | 16)
            try:
                # A piece at a time: a few compressed bytes may be many.
                piece = decoder.decompress(chunk, PIECE)
            except codec.error as error:
                raise zlib.error(str(error)) from error
            yield piece
            chunk = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            if decoder.eof:
                decoder = None
    if decoder is not None:
        raise EOFError("the file ends before the compressed data do")
