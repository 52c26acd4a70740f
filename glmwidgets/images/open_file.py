"""From a path to the image that the file holds; whatever is wrong is said with the file's name."""

from __future__ import annotations

import difflib
import gzip
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.spatialimages import SpatialImage

from glmwidgets.files.placeholders import not_its_content
from glmwidgets.glm.errors import MissingFileError
from glmwidgets.glm.tables import refuse_table
from glmwidgets.images.other_formats import to_convert

#: How much of a compressed file is read to tell whether it is damaged.
_PROBE = 2**28


def open_file(path: Path) -> SpatialImage:
    """Open the image in a file; its voxels are not read.

    Parameters
    ----------
    path : Path

    Returns
    -------
    SpatialImage

    Raises
    ------
    FileNotFoundError
        If there is no such file, or its content was never fetched.
    ValueError
        If it is no image of volumes.
    """
    if not path.exists():
        raise MissingFileError(not_its_content(path) or _missing(path))
    if (instead := not_its_content(path)) is not None:
        raise ValueError(instead)
    if path.is_dir():
        what, advice = to_convert(path) or ("a folder", "name a .nii or .nii.gz file in it")
        raise ValueError(f"{path} is {what}, not an image: {advice}")
    refuse_table(path)
    try:
        img = nib.load(path)
    except PermissionError as error:
        raise PermissionError(f"no permission to read {path}") from error
    except FileNotFoundError as error:  # a header whose voxels stand in a file of their own
        raise MissingFileError(_without_voxels(path, error.filename)) from error
    except ModuleNotFoundError as error:
        _, advice = to_convert(path) or ("", "")
        ways = ", or ".join(filter(None, (f"pip install {error.name}", advice)))
        raise ValueError(f"{path} cannot be read without {error.name}: {ways}") from error
    # nibabel passes on whatever the format's reader and the decompressor raise, and they have no common ancestor.
    except Exception as error:
        raise ValueError(_unreadable(path, error)) from error
    if not isinstance(img, SpatialImage):
        raise ValueError(f"{path} is a {type(img).__name__}, not an image of volumes: give a NIfTI image")
    voxels = img.file_map["image"].filename if "image" in img.file_map else None
    if voxels is not None and not Path(voxels).exists():
        raise MissingFileError(_without_voxels(path, voxels))
    if isinstance(img, nib.Nifti1Pair):
        _check_scale(img, path)
    return img


def _check_scale(img: nib.Nifti1Pair, path: Path) -> None:
    """Refuse scale factors that are none: nibabel takes 1 in their place."""
    part = img.file_map.get("header") or img.file_map["image"]
    with part.get_prepare_fileobj("rb") as file:
        header = img.header_class.from_fileobj(file, check=False)
    if np.isinf([header["scl_slope"], header["scl_inter"]]).any():
        raise ValueError(f"{path} has an infinite scale factor (scl_slope, scl_inter): its values cannot be known")


def _without_voxels(path: Path, voxels: str) -> str:
    return f"{path} is a header alone: its voxels are in {Path(voxels).name}, which is missing"


def _missing(path: Path) -> str:
    place = "" if path.is_absolute() else f" in {Path.cwd()}"
    if not path.parent.is_dir():
        return f"no such image: {path}{place} (its folder does not exist)"
    images = [p.name for p in path.parent.iterdir() if p.name.endswith((".nii", ".nii.gz", ".hdr", ".img"))]
    near = difflib.get_close_matches(path.name, images, n=3, cutoff=0.6)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"no such image: {path}{place}{hint}"


def _unreadable(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(2)
    if not start:
        return f"{path} is empty: copy or download it again"
    if other := to_convert(path):
        return f"{path} is {other[0]} that cannot be read: {other[1]}"
    if start == b"\x1f\x8b":
        if path.suffix != ".gz":
            return f"{path} is compressed, though its name does not end in .gz: rename it to {path.name}.gz"
        try:
            with gzip.open(path) as file:
                while file.read(2**20) and file.tell() < _PROBE:
                    pass
        except (EOFError, OSError, zlib.error):
            return f"{path} is damaged or cut short: copy or download it again"
    elif path.suffix == ".gz":
        return f"{path} is not compressed, though its name ends in .gz: rename it to {path.stem}"
    return f"{path} is not a NIfTI image that can be read ({error})"
