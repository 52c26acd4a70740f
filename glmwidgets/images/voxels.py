"""Voxels of an image, read from its file: all of them, or one volume after the other."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np
from nibabel.arrayproxy import ArrayProxy, is_proxy
from nibabel.spatialimages import SpatialImage
from nibabel.volumeutils import apply_read_scaling

from glmwidgets.files.memory import human_bytes, need_memory
from glmwidgets.images.names import image_name
from glmwidgets.plural import count

#: Bytes after those that the header promises which are read to come to the checksum.
MOST_BEYOND = 2**26

#: Files that are read volume after volume.
READ_IN_ORDER = (".nii", ".nii.gz", ".img", ".img.gz")

#: Bytes of a compressed file that are decompressed in one go, which then stays in a core's own cache; and the most that
#: they may become.
CHUNK, PIECE = 2**18, 2**24


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
    with _damage_said(img):
        # Other formats scale in ways of their own, AFNI each volume by its own factor.
        data = _read_compressed(proxy) if is_compressed(img) else np.asanyarray(proxy)
    return _numbers(data, img)


def is_compressed(img: SpatialImage) -> bool:
    """Whether the voxels are to be read from a compressed file, in the order in which they lie there."""
    return type(img.dataobj) is ArrayProxy and str(img.dataobj.file_like).endswith(".gz")


class Volume(NamedTuple):
    """One volume of an image.

    Attributes
    ----------
    stored : array of shape (nx, ny, nz)
        As the file stores it.
    values : array of shape (nx, ny, nz)
        What it means: `image_data` of the image at this volume.
    """

    stored: np.ndarray
    values: np.ndarray


def lies_in_file(img: SpatialImage) -> bool:
    """Whether `each_volume` reads an image from its file one volume after the other."""
    proxy = img.dataobj
    return (
        type(proxy) is ArrayProxy
        and isinstance(proxy.file_like, str | PathLike)
        and str(proxy.file_like).endswith(READ_IN_ORDER)
        and proxy.dtype.kind in "iuf"
    )


def each_volume(img: SpatialImage) -> Iterator[Volume]:
    """Volumes of an image in their order; of one that lies in a file a few are in memory at a time.

    Parameters
    ----------
    img : image
        4-D.

    Yields
    ------
    Volume
        Not to be changed.

    Raises
    ------
    ValueError
        As `image_data`, when the reading comes to the damage.

    Examples
    --------
    >>> import nibabel as nib
    >>> img = nib.Nifti1Image(np.arange(16, dtype=np.int16).reshape(2, 2, 2, 2), np.eye(4))
    >>> [int(volume.values.sum()) for volume in each_volume(img)]
    [56, 64]
    """
    if not lies_in_file(img):
        data = image_data(img)
        yield from (Volume(data[..., t], data[..., t]) for t in range(data.shape[3]))
        return
    proxy = img.dataobj
    scale = scaling_of(img)
    size = int(np.prod(proxy.shape[:3])) * proxy.dtype.itemsize
    with _damage_said(img):
        for content in _cut(proxy, size):
            stored = np.frombuffer(content, proxy.dtype).reshape(proxy.shape[:3], order="F")
            yield Volume(stored, stored if scale is None else apply_read_scaling(stored, *scale))


def scaling_of(img: SpatialImage) -> tuple[np.ndarray, np.ndarray] | None:
    """Slope and intercept by which what `each_volume` finds stored becomes values; None where it is the values."""
    if not lies_in_file(img):
        return None
    slope, inter = (np.asanyarray(value) for value in (img.dataobj.slope, img.dataobj.inter))
    return None if (slope, inter) == (1, 0) else (slope, inter)


@contextmanager
def _damage_said(img: SpatialImage) -> Iterator[None]:
    try:
        yield
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{image_name(img)} is damaged or cut short: its header promises {_promise(img)}, "
            "and they cannot all be read; copy or download it again"
        ) from error


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
    return count(img.shape[3], "volume") if len(img.shape) > 3 else count(int(np.prod(img.shape)), "voxel")


def _read_compressed(proxy: ArrayProxy) -> np.ndarray:
    """Read a whole compressed array straight into its memory."""
    data = np.empty(proxy.shape, proxy.dtype, order="F")
    # Through the reversed axes the memory is contiguous in C order, which is what a byte view of it needs.
    target = memoryview(data.T.reshape(-1).view(np.uint8))
    at = 0
    for piece in _content(proxy):
        target[at : at + len(piece)] = piece
        at += len(piece)
    slope, inter = (np.asanyarray(value) for value in (proxy.slope, proxy.inter))
    return data if (slope, inter) == (1, 0) else apply_read_scaling(data, slope, inter)


def _cut(proxy: ArrayProxy, size: int) -> Iterator[np.ndarray]:
    """The bytes of an array in so many parts of one size."""
    part, at = np.empty(size, np.uint8), 0
    for piece in _content(proxy):
        while len(piece):
            some = piece[: size - at]
            part[at : at + len(some)] = some
            at, piece = at + len(some), piece[len(some) :]
            if at == size:
                yield part
                part, at = np.empty(size, np.uint8), 0


def _content(proxy: ArrayProxy) -> Iterator[memoryview]:
    """The bytes that a header promises, piece by piece; the file is read to its end, where the checksum is compared."""
    path, at = Path(proxy.file_like), -proxy.offset
    n_bytes = int(np.prod(proxy.shape, dtype=object)) * proxy.dtype.itemsize
    for piece in _decompressed(path) if str(path).endswith(".gz") else _plain(path, n_bytes + proxy.offset):
        if at > n_bytes + MOST_BEYOND:
            raise ValueError(
                f"{path} goes on for more than {human_bytes(MOST_BEYOND)} after the "
                f"{human_bytes(n_bytes)} that its header promises: do not trust this image; download it again"
            )
        wanted = memoryview(piece)[max(0, -at) : max(0, n_bytes - at)]
        if len(wanted):
            yield wanted
        at += len(piece)
    if at < n_bytes:
        raise EOFError(f"{at} of {n_bytes} bytes")


def _plain(path: Path, n_bytes: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while n_bytes > 0 and (piece := file.read(min(PIECE, n_bytes))):
            yield piece
            n_bytes -= len(piece)


def _decompressed(path: Path) -> Iterator[bytes]:
    """Content of a gzip file piece by piece, to its end, where the checksum is compared."""
    try:
        from isal import isal_zlib as codec  # two to three times faster than zlib
    except ImportError:
        codec = zlib
    decoder, chunk = None, b""
    with path.open("rb") as file:
        while chunk or (chunk := file.read(CHUNK)):
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
