"""Volumes on paper: 3-D arrays in canonical orientation, sampled where a figure needs them.

Images of any affine are first turned to the closest canonical orientation (first axis to the right, second to the
front, third up) by flips and swaps alone, so voxels stay what they are.
"""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, NamedTuple

import nibabel as nib
import numpy as np
from scipy import ndimage

from glmwidgets.images.grids import VoxelGrid, same_grid
from glmwidgets.images.load import image_data, load_volume
from glmwidgets.images.orientation import sides_unknown
from glmwidgets.regions.spaces import is_mni, space_in_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nibabel.spatialimages import SpatialImage
    from numpy.typing import ArrayLike, NDArray

    Image = SpatialImage | str | PathLike[str]


STANDARD_CODES = (3, 4)  # of a NIfTI header: Talairach, MNI


class Volume(NamedTuple):
    """A 3-D array in canonical orientation, and where it lies.

    Attributes
    ----------
    data : array
    affine : array
        From voxels to mm.
    sides_known : bool
        Whether left is known to be left.
    standard : bool
        Whether the image says that it is in the standard space: by its header's code, or ``space-MNI...`` in its name.
    """

    data: NDArray[np.floating]
    affine: NDArray[np.float64]
    sides_known: bool = True
    standard: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along each axis."""
        return self.data.shape

    @property
    def zooms(self) -> NDArray[np.float64]:
        """Size of a voxel along each axis in mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    def mm(self, voxel: ArrayLike) -> NDArray[np.float64]:
        """Position of a voxel's centre in mm."""
        return self.affine[:3, :3] @ np.asarray(voxel, dtype=float) + self.affine[:3, 3]


def as_volume(image: Image, what: str) -> Volume:
    """Read one 3-D image and turn it to the closest canonical orientation.

    Parameters
    ----------
    image : image or path
        3-D, or 4-D with a single volume.
    what : str
        Name of the argument, for the message.

    Returns
    -------
    Volume
        Values as float32.

    Raises
    ------
    TypeError
        If `image` is neither an image nor a path.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it cannot be read, holds several volumes or is not three-dimensional.
    """
    try:
        loaded = load_volume(image, what)
    except TypeError as error:
        raise TypeError(f"{what}: {error}") from None
    turn = nib.io_orientation(loaded.affine)
    data = nib.apply_orientation(image_data(loaded), turn)
    affine = loaded.affine @ nib.orientations.inv_ornt_aff(turn, loaded.shape)
    name = image if isinstance(image, str | PathLike) else loaded.get_filename()
    coded = (
        "sform_code" in getattr(loaded.header, "keys", list)() and int(loaded.header["sform_code"]) in STANDARD_CODES
    )
    standard = coded or is_mni(space_in_name(name))
    return Volume(np.asarray(data, dtype=np.float32), affine, sides_unknown(loaded) is None, standard)


def background_volume(image: Image | None, what: str = "bg_img") -> Volume | None:
    """Read what lies under a map: an image, or ``"MNI152TEMPLATE"``, which is downloaded once; None for nothing."""
    if image is None:
        return None
    from glmwidgets.datasets.templates import named_template

    return as_volume(named_template(image), what)


def as_map(image: Image, what: str) -> Volume:
    """Read a statistical map, in which an infinite value within the brain is the largest, and one outside is none.

    Outside is what hangs together with the faces of the volume by infinite values alone, as in a map of -log p whose
    p is 0 where nothing was tested.

    Parameters
    ----------
    image, what
        As in `as_volume`.

    Returns
    -------
    Volume
    """
    volume = as_volume(image, what)
    endless = np.isinf(volume.data)
    if not endless.any():
        return volume
    labels, _ = ndimage.label(endless)
    faces = [labels.take(place, axis=axis).ravel() for axis in range(3) for place in (0, -1)]
    outside = endless & np.isin(labels, np.concatenate(faces))
    known = volume.data[np.isfinite(volume.data)]
    largest = np.abs(known).max() if known.size else 0.0
    return volume._replace(data=np.where(outside, 0, np.clip(volume.data, -largest, largest)))


def sample(volume: Volume, affine: NDArray[np.float64], shape: Sequence[int], order: int = 1) -> NDArray[np.float32]:
    """Values of a volume on another grid; 0 outside of it.

    Parameters
    ----------
    volume : Volume
    affine : array, shape (4, 4)
        From the new grid's voxels to mm.
    shape : three ints
    order : int, default 1
        0 takes the nearest voxel, 1 interpolates linearly.

    Returns
    -------
    array of `shape`
    """
    if same_grid(volume, VoxelGrid(shape, affine)):
        return volume.data
    to_voxels = np.linalg.inv(volume.affine) @ affine
    return ndimage.affine_transform(
        np.nan_to_num(volume.data, posinf=0, neginf=0), to_voxels, output_shape=tuple(shape), order=order
    )


def head(data: NDArray[np.floating]) -> NDArray[np.float32]:
    """How surely each voxel belongs to a head in dark surroundings, 0 to 1.

    1 where it is brighter than a fifth of the brightest voxels, or enclosed by such; the square of its share below.
    """
    data = np.abs(np.nan_to_num(data, posinf=0, neginf=0))
    lit = data[data > 0]
    if not lit.size:
        return np.zeros(data.shape, dtype=np.float32)
    share = np.minimum(data / (0.2 * np.percentile(lit, 98)), 1)
    return np.where(ndimage.binary_fill_holes(share == 1), 1, share**2).astype(np.float32)


def bounds(support: NDArray[np.bool_], margin: int = 1) -> NDArray[np.int_]:
    """First and last voxel of a region along each axis with a margin, shape (3, 2); the whole grid if it is empty."""
    limits = np.array([[0, length - 1] for length in support.shape])
    if not support.any():
        return limits
    for axis in range(3):
        there = np.flatnonzero(support.any(axis=tuple(a for a in range(3) if a != axis)))
        limits[axis] = (
            max(limits[axis, 0], there[0] - margin),
            min(limits[axis, 1], there[-1] + margin),
        )
    return limits
