"""From a file, an image or a list of volumes to one checked image; whatever is wrong is said with the file's name."""

from __future__ import annotations

import difflib
import gzip
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import nibabel as nib
import numpy as np
from nibabel.arrayproxy import ArrayProxy
from nibabel.spatialimages import SpatialImage
from nibabel.volumeutils import apply_read_scaling

from glmwidgets.files.writing import noted

__all__ = ["ImageLike", "concat_imgs", "header_t_r", "image_data", "image_name", "load_image", "load_run"]

ImageLike: TypeAlias = "SpatialImage | str | PathLike[str] | Sequence[Any]"

MIN_SCANS = 3

#: Seconds between scans that a header may be believed in; 2000 is a TR in milliseconds.
PLAUSIBLE_T_R = (0.02, 60.0)

SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6, "unknown": 1.0}


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


def load_image(img: ImageLike) -> nib.Nifti1Image:
    """Open an image; its voxels are read when they are asked for.

    Parameters
    ----------
    img : image, path or sequence of these
        A NIfTI image (or any other that nibabel places in space), the path of one, or a sequence of images with one
        shape and affine, which is put together along time.

    Returns
    -------
    Nifti1Image

    Raises
    ------
    FileNotFoundError
        If the file is missing; the message suggests files of a similar name.
    ValueError
        If the file cannot be read as an image; the message names it.
    TypeError
        If `img` is none of these.

    Examples
    --------
    >>> load_image(nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))).shape
    (2, 2, 2)
    """
    if isinstance(img, SpatialImage) and nib.is_proxy(img.dataobj):
        # Its values are those of a file, and may not even have been read yet.
        for part in img.file_map.values():
            if part.filename is not None:
                noted(part.filename)
    if isinstance(img, nib.Nifti1Image):
        return img
    if isinstance(img, SpatialImage):
        # A header and its image in two files say as much as a NIfTI in one; other formats know no time or unit.
        return nib.Nifti1Image(img.dataobj, img.affine, img.header if isinstance(img, nib.Nifti1Pair) else None)
    if isinstance(img, str | PathLike):
        return load_image(_open(Path(img).expanduser()))
    if isinstance(img, Iterable) and not isinstance(img, np.ndarray):
        return concat_imgs(img)
    hint = "; an array has no place in space: wrap it, nibabel.Nifti1Image(array, affine)"
    raise TypeError(
        f"expected an image, a path or a list of these, not {type(img).__name__}"
        f"{hint if isinstance(img, np.ndarray) else ''}"
    )


def _open(path: Path) -> SpatialImage:
    if not path.exists():
        raise FileNotFoundError(_missing(path))
    if path.is_dir():
        raise ValueError(f"{path} is a folder, not an image: name a .nii or .nii.gz file in it")
    try:
        img = nib.load(path)
    except PermissionError as error:
        raise PermissionError(f"no permission to read {path}") from error
    # nibabel passes on whatever the format's reader and the decompressor raise, and they have no common ancestor.
    except Exception as error:
        raise ValueError(_unreadable(path, error)) from error
    if not isinstance(img, SpatialImage):
        raise ValueError(f"{path} is a {type(img).__name__}, not an image of volumes: give a NIfTI image")
    return img


def _missing(path: Path) -> str:
    if not path.parent.is_dir():
        return f"no such image: {path} (its folder does not exist)"
    images = [p.name for p in path.parent.iterdir() if p.name.endswith((".nii", ".nii.gz", ".hdr", ".img"))]
    near = difflib.get_close_matches(path.name, images, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"no such image: {path}{hint}"


def _unreadable(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    if not start:
        return f"{path} is empty: copy or download it again"
    if start == b"\x1f\x8b":
        try:
            with gzip.open(path) as file:
                while file.read(2**20):
                    pass
        except (EOFError, OSError, zlib.error):
            return f"{path} is damaged or cut short: copy or download it again"
    elif path.suffix == ".gz":
        return f"{path} is not compressed, though its name ends in .gz: rename it to {path.stem}"
    return f"{path} is not a NIfTI image that can be read ({error})"


def image_data(img: SpatialImage) -> np.ndarray:
    """Voxels of an image, in the type that the file stores them in.

    Parameters
    ----------
    img : image

    Returns
    -------
    array of the image's shape
        Fortran-ordered if it was read from a file. Integers without a scale factor stay integers, those with one
        become float64, as nibabel gives them. The array is shared with an image that is in memory: do not change it.

    Raises
    ------
    ValueError
        If the file is damaged or cut short; the message names it.

    Examples
    --------
    >>> image_data(nib.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))).dtype
    dtype('int16')
    """
    proxy = img.dataobj
    try:
        if isinstance(proxy, ArrayProxy) and str(proxy.file_like).endswith(".gz"):
            return _read_compressed(proxy)
        return np.asanyarray(proxy)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(
            f"{image_name(img)} is damaged or cut short: its header promises {_promise(img)}, "
            "and they cannot all be read; copy or download it again"
        ) from error


def _promise(img: SpatialImage) -> str:
    return f"{img.shape[3]} volumes" if len(img.shape) > 3 else f"{int(np.prod(img.shape))} voxels"


def _read_compressed(proxy: ArrayProxy) -> np.ndarray:
    """Read a whole compressed array straight into its memory."""
    data = np.empty(proxy.shape, proxy.dtype, order="F")
    # Through the reversed axes the memory is contiguous in C order, which is what a byte view of it needs.
    target = memoryview(data.T.reshape(-1).view(np.uint8))
    at = -proxy.offset
    for piece in _decompressed(Path(proxy.file_like)):
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
                piece = decoder.decompress(chunk)
            except codec.error as error:
                raise zlib.error(str(error)) from error
            yield piece
            chunk = decoder.unused_data
            if decoder.eof:
                decoder = None
    if decoder is not None:
        raise EOFError("the file ends before the compressed data do")


def concat_imgs(imgs: Iterable[ImageLike]) -> nib.Nifti1Image:
    """Put images together along time.

    Parameters
    ----------
    imgs : iterable of images or paths
        3-D or 4-D, all of one shape and affine.

    Returns
    -------
    Nifti1Image
        4-D, with the first image's header. Values keep their stored type.

    Raises
    ------
    ValueError
        If there are none, or one has another shape or affine than the first; the message names it.

    Examples
    --------
    >>> volume = nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))
    >>> concat_imgs([volume, volume, volume]).shape
    (2, 2, 2, 3)
    """
    loaded = [load_image(img) for img in imgs]
    if not loaded:
        raise ValueError("no images were given: the list is empty")
    first = loaded[0]
    for i, img in enumerate(loaded):
        if img.ndim not in (3, 4):
            raise ValueError(f"image {i} ({image_name(img)}) has {img.ndim} dimensions; 3 or 4 are needed")
        if img.shape[:3] != first.shape[:3] or not np.allclose(img.affine, first.affine):
            raise ValueError(
                f"image {i} ({image_name(img)}) lies on another grid than the first ({image_name(first)}): "
                f"shape {img.shape[:3]} against {first.shape[:3]}, "
                f"affine\n{img.affine}\nagainst\n{first.affine}\nresample them to one grid first"
            )
    volumes = [image_data(img).reshape(*img.shape[:3], -1) for img in loaded]
    data = np.empty(
        (*first.shape[:3], sum(v.shape[3] for v in volumes)), np.result_type(*{v.dtype for v in volumes}), order="F"
    )
    np.concatenate(volumes, axis=3, out=data)
    header = first.header.copy()
    header.set_slope_inter(1, 0)
    joined = nib.Nifti1Image(data, first.affine, header, dtype=data.dtype)
    if first.ndim == 3:
        # Volumes know no time between them; nibabel's default of one second would pass for knowledge.
        joined.header.set_zooms((*first.header.get_zooms()[:3], 0))
    return joined


def header_t_r(img: SpatialImage) -> float | None:
    """Time between scans by the image's header.

    Parameters
    ----------
    img : image

    Returns
    -------
    float or None
        Seconds; None where the header holds none that can be believed: zero, outside of 0.02 to 60 s, or the 1
        without a unit that software writes when it does not know.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((2, 2, 2, 5)), np.eye(4))
    >>> header_t_r(img) is None
    True
    >>> img.header.set_xyzt_units("mm", "msec")
    >>> img.header.set_zooms((1, 1, 1, 2500))
    >>> header_t_r(img)
    2.5
    """
    zooms = img.header.get_zooms()
    if len(zooms) < 4 or not hasattr(img.header, "get_xyzt_units"):
        return None
    unit = img.header.get_xyzt_units()[1]
    if unit not in SECONDS or (unit == "unknown" and zooms[3] == 1):
        return None
    # Through the decimal digits: the header stores single precision, and 0.72 must not become 0.7200000286.
    t_r = float(str(zooms[3])) * SECONDS[unit]
    low, high = PLAUSIBLE_T_R
    return t_r if low <= t_r <= high else None


def load_run(
    img: ImageLike, t_r: float | None = None, sample_mask: np.ndarray | Sequence[int] | None = None
) -> tuple[nib.Nifti1Image, float]:
    """Read one run into memory and check that it can be modelled.

    Parameters
    ----------
    img : image, path or sequence of 3-D images or paths
    t_r : float, optional
        Time between scans in seconds; the header's by default.
    sample_mask : array, optional
        Scans that will be used, as booleans or indices; the others may be bad.

    Returns
    -------
    img : Nifti1Image
        4-D, its voxels in memory.
    t_r : float
        Seconds.

    Raises
    ------
    FileNotFoundError, TypeError
        As `load_image`.
    ValueError
        If the image is not 4-D, has fewer than three scans, knows no time between scans and none is given, is damaged,
        or holds volumes that are constant or all NaN. The message names the file and the volumes.

    Warns
    -----
    UserWarning
        If the given `t_r` and the header's differ by more than 1 %.

    Examples
    --------
    >>> data = np.random.default_rng(0).normal(size=(4, 4, 4, 10))
    >>> img, t_r = load_run(nib.Nifti1Image(data, np.eye(4)), t_r=2)
    >>> img.shape, t_r
    ((4, 4, 4, 10), 2.0)
    """
    opened = load_image(img)
    name = image_name(img if isinstance(img, str | PathLike) else opened)
    if opened.ndim != 4:
        what = "one 3-D volume" if opened.ndim == 3 else f"an image of {opened.ndim} dimensions {opened.shape}"
        raise ValueError(f"{name} is {what}; a run is a 4-D image, one volume per scan, or a list of 3-D volumes")
    if opened.shape[3] < MIN_SCANS:
        raise ValueError(f"{name} has {opened.shape[3]} scans; a model needs at least {MIN_SCANS}, usually hundreds")
    t_r = _checked_t_r(opened, t_r, name)
    data = image_data(opened)
    _check_volumes(data, sample_mask, name)
    if data is opened.dataobj:
        return opened, t_r
    in_memory = nib.Nifti1Image(data, opened.affine, opened.header, dtype=data.dtype)
    in_memory.header.set_slope_inter(1, 0)
    if (file := opened.get_filename()) is not None:
        in_memory.set_filename(file)
    return in_memory, t_r


def _checked_t_r(img: nib.Nifti1Image, t_r: float | None, name: str) -> float:
    by_header = header_t_r(img)
    if t_r is None:
        if by_header is None:
            zoom = img.header.get_zooms()[3]
            found = "no time between scans" if zoom in (0, 1) else f"{zoom} as time between scans"
            raise ValueError(f"the header of {name} holds {found}: give it in seconds, such as t_r=2.0")
        return by_header
    t_r = float(t_r)
    if not (np.isfinite(t_r) and t_r > 0):
        raise ValueError(f"t_r must be a positive number of seconds, not {t_r:g}")
    if t_r > PLAUSIBLE_T_R[1]:
        raise ValueError(f"t_r must be in seconds: {t_r:g} s between scans looks like milliseconds")
    if by_header is not None and abs(t_r - by_header) > 0.01 * by_header:
        warnings.warn(
            f"t_r={t_r:g} s was given, and the header of {name} says {by_header:g} s; {t_r:g} s is used", stacklevel=3
        )
    return t_r


def _check_volumes(data: np.ndarray, sample_mask: Any, name: str) -> None:
    scans = np.arange(data.shape[3])
    if sample_mask is not None:
        try:
            scans = scans[np.asarray(sample_mask)]
        except IndexError as error:
            raise ValueError(f"sample_mask does not fit the {data.shape[3]} scans of {name}: {error}") from None
    nan = [t for t in scans if _all_nan(data[..., t])]
    constant = [t for t in scans if t not in set(nan) and _is_constant(data[..., t])]
    for volumes, what in ((nan, "nothing but NaN"), (constant, "the same value in every voxel")):
        if len(volumes) == data.shape[3]:
            raise ValueError(f"{name} holds {what} in all of its {len(volumes)} volumes: it is not a measured run")
        if volumes:
            raise ValueError(
                f"{name} holds {what} in {len(volumes)} of its {data.shape[3]} volumes (counted from 0): "
                f"{_listed(volumes)}; cut them off the run or leave them out with sample_masks"
            )


def _listed(numbers: Sequence[int], most: int = 12) -> str:
    shown = ", ".join(str(int(n)) for n in numbers[:most])
    return shown if len(numbers) <= most else f"{shown}, ..."


def _probe(volume: np.ndarray) -> np.ndarray:
    # The middle plane is nearly always enough to know that a volume is sound, and a hundred times cheaper.
    return volume[..., volume.shape[2] // 2]


def _all_nan(volume: np.ndarray) -> bool:
    return volume.dtype.kind == "f" and all(np.isnan(part).all() for part in (_probe(volume), volume))


def _is_constant(volume: np.ndarray) -> bool:
    return all(bool((part == volume[0, 0, 0]).all()) for part in (_probe(volume), volume))
