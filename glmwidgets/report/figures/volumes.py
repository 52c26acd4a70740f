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

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nibabel.spatialimages import SpatialImage
    from numpy.typing import ArrayLike, NDArray

    Image = SpatialImage | str | PathLike[str]

__all__ = ["Volume", "as_volume", "bounds", "head", "sample"]


class Volume(NamedTuple):
    """A 3-D array in canonical orientation, the affine that leads from its voxels to mm, and whether left is left."""

    data: NDArray[np.floating]
    affine: NDArray[np.float64]
    sides_known: bool = True

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
    return Volume(np.asarray(data, dtype=np.float32), affine, sides_unknown(loaded) is None)


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
