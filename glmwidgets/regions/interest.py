"""Regions of interest: named selections of voxels, as a short text and as an image of labels."""

from __future__ import annotations

import base64
import binascii
import gzip
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.files.writing import check_ending, check_outputs, write_bytes, write_text
from glmwidgets.glm.errors import InputError
from glmwidgets.images.new import image_like
from glmwidgets.images.save import image_bytes

#: Whole numbers that NIfTI holds and most programs read, the narrowest first.
LABEL_TYPES = (np.uint8, np.int16, np.int32)


@dataclass(frozen=True, eq=False)
class RegionOfInterest:
    """A named selection of voxels.

    Attributes
    ----------
    name : str
    mask : bool array of shape (nx, ny, nz)
        Its voxels among those that are analysed.
    how : str
        How it was found, in words.
    circular : str
        Why its effects in this run are larger than in new data: it was found in the same map. Empty where it was not.
    said : tuple of str
        What else is to be known of it.
    """

    name: str
    mask: np.ndarray = field(repr=False)
    how: str = ""
    circular: str = ""
    said: tuple[str, ...] = ()

    @property
    def n_voxels(self) -> int:
        """Number of its voxels."""
        return int(np.count_nonzero(self.mask))


# As text --------------------------------------------------------------------------------------------------------------


def voxels_as_text(mask: np.ndarray) -> str:
    """Voxels as a short text that can stand in a file of settings.

    Parameters
    ----------
    mask : bool array of shape (nx, ny, nz)

    Returns
    -------
    str
        The shape, and the voxels as compressed bits in letters, digits, ``-`` and ``_``.

    Examples
    --------
    >>> mask = np.zeros((3, 4, 5), bool)
    >>> mask[1, 2, 3] = True
    >>> text = voxels_as_text(mask)
    >>> text.split()[0], np.argwhere(voxels_in_text(text, (3, 4, 5))).tolist()
    ('3x4x5', [[1, 2, 3]])
    """
    packed = zlib.compress(np.packbits(np.asarray(mask, bool)).tobytes(), 9)
    return f"{'x'.join(map(str, mask.shape))} {base64.urlsafe_b64encode(packed).decode()}"


def voxels_in_text(text: str, shape: Sequence[int] | None = None) -> np.ndarray:
    """Read what `voxels_as_text` wrote.

    Parameters
    ----------
    text : str
    shape : sequence of 3 int, optional
        Of the grid that they have to be on.

    Returns
    -------
    bool array of shape (nx, ny, nz)

    Raises
    ------
    InputError
        If the text is none of voxels, or these are of a grid of another shape.
    """
    try:
        size, code = text.split()
        own = tuple(int(n) for n in size.split("x"))
        n = int(np.prod(own, dtype=object))
        most = -(-n // 8)
        bits = zlib.decompressobj().decompress(base64.b64decode(code, altchars=b"-_", validate=True), most + 1)
        if len(own) != 3 or min(own) < 1 or len(bits) != most:
            raise ValueError("another number of voxels than its shape has")
    except (ValueError, binascii.Error, zlib.error) as error:
        raise InputError(f"the voxels of a region cannot be read from {text[:40]!r}: {error}") from None
    if shape is not None and own != tuple(shape):
        said = " x ".join(map(str, own)), " x ".join(map(str, shape))
        raise InputError(
            f"the region is of a grid of {said[0]} voxels, and the image has {said[1]}",
            advice="find the region again on this image, or give it as a mask on this grid",
        )
    return np.unpackbits(np.frombuffer(bits, np.uint8), count=n).astype(bool).reshape(own)


# As an image ----------------------------------------------------------------------------------------------------------


def label_image(regions: Sequence[RegionOfInterest], like_img: nib.Nifti1Image) -> nib.Nifti1Image:
    """Regions as an image of whole numbers: 1 for the first, 2 for the second ...

    Parameters
    ----------
    regions : sequence of RegionOfInterest
    like_img : Nifti1Image
        Gives the place in space.

    Returns
    -------
    Nifti1Image
        Of one volume; of one volume a region where regions have voxels in common, each with the number of its region.
        The narrowest of 8 bit unsigned, 16 and 32 bit signed integers that holds the numbers, without a scale.

    Raises
    ------
    InputError
        If there is no region, one holds no voxel, two have one name, or a grid differs.

    Examples
    --------
    >>> one, two = np.zeros((2, 3, 1, 1), bool)
    >>> one[0], two[1:] = True, True
    >>> like = nib.Nifti1Image(np.zeros((3, 1, 1)), np.eye(4))
    >>> label_image([RegionOfInterest("mill", one), RegionOfInterest("pond", two)], like).get_fdata().ravel()
    array([1., 2., 2.])
    """
    if not regions:
        raise InputError("there is no region of interest to write: add one first")
    names = [region.name for region in regions]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"two regions of interest are called {repeated[0]!r}: give each a name of its own")
    for region in regions:
        if region.mask.shape != tuple(like_img.shape[:3]):
            raise InputError(
                f"the region {region.name!r} has the shape {region.mask.shape}, the image {like_img.shape}"
            )
        if not region.n_voxels:
            raise InputError(f"the region {region.name!r} holds no analysed voxel")
    dtype = next(kind for kind in LABEL_TYPES if len(regions) <= np.iinfo(kind).max)
    numbered = [(region.mask * (number + 1)).astype(dtype) for number, region in enumerate(regions)]
    apart = not any((one.mask & other.mask).any() for one, other in combinations(regions, 2))
    labels = np.sum(numbered, axis=0, dtype=dtype) if apart else np.stack(numbered, axis=-1)
    return image_like(labels, like_img)


def label_table(regions: Sequence[RegionOfInterest]) -> str:
    """Names of the numbers of `label_image` as a BIDS table, tab-separated: what `open_atlas` reads beside the image.

    Examples
    --------
    >>> print(label_table([RegionOfInterest("mill", np.ones((1, 1, 1), bool), "sphere of 6 mm")]), end="")
    index	name	n_voxels	how
    1	mill	1	sphere of 6 mm
    """
    rows = [("index", "name", "n_voxels", "how")]
    rows += [(str(n), r.name, str(r.n_voxels), r.how) for n, r in enumerate(regions, 1)]
    return "".join("\t".join(" ".join(cell.split()) for cell in row) + "\n" for row in rows)


def write_label_image(
    regions: Sequence[RegionOfInterest],
    like_img: nib.Nifti1Image,
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    by: Any = None,
) -> Path:
    """Write regions as an image of labels, with the table of their names beside it.

    What would be written is read back and compared before anything is put in place.

    Parameters
    ----------
    regions, like_img
        As in `label_image`.
    path : str or path
        Ends in .nii or .nii.gz; the table has the same name, with .tsv.
    overwrite : bool
        Whether files that exist may be replaced. Those that the same object wrote before may.
    by : object, optional
        Who writes.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        As in `label_image`.
    ValueError
        If the name has another ending.
    FileExistsError
        If a file was read as an input, or exists and may not be replaced.

    Examples
    --------
    >>> import tempfile
    >>> from glmwidgets.regions import open_atlas
    >>> mill = RegionOfInterest("mill", np.ones((2, 2, 2), bool))
    >>> like = nib.Nifti1Image(np.zeros((2, 2, 2)), np.eye(4))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     atlas = open_atlas(write_label_image([mill], like, Path(folder) / "mine.nii.gz"))
    >>> str(atlas.at((1, 1, 1)))
    'mill'
    """
    path = Path(path).expanduser()
    check_ending(path, "regions")
    img = label_image(regions, like_img)
    stem, compress = path.name[: path.name.lower().rindex(".nii")], path.name.lower().endswith(".gz")
    content = image_bytes(img, compress)
    _check_read_back(content, compress, img, path.name)
    table = path.with_name(f"{stem}.tsv")
    check_outputs([("regions", path), ("names of regions", table)], overwrite, by)
    write_bytes(path, content, "regions", overwrite=overwrite, by=by)
    write_text(table, label_table(regions), "names of regions", overwrite=overwrite, by=by)
    return path


def _check_read_back(content: bytes, compressed: bool, img: nib.Nifti1Image, name: str) -> None:
    back = nib.Nifti1Image.from_bytes(gzip.decompress(content) if compressed else content)
    same = (
        back.get_data_dtype() == img.get_data_dtype()
        and np.array_equal(np.asanyarray(back.dataobj), np.asanyarray(img.dataobj))
        and np.allclose(back.affine, img.affine, rtol=1e-5, atol=1e-3)
    )
    if not same:
        raise InputError(f"{name} was not written: the labels that would stand in it are not those of the regions")
