"""The voxel grid as the data have it and as the screen shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation

from glmwidgets.images.grids import same_grid

# Voxels of an underlay, at most: what is sent to the page once.
FINEST = 24_000_000


@dataclass(frozen=True)
class Grid:
    """A volume's voxel grid, and the same grid turned to the nearest right-anterior-superior one.

    Display axes are x (to the right), y (to the front) and z (up); data axes are those of the array. Turning only
    permutes and flips axes, so an oblique volume keeps its voxels and its obliqueness.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray
    orientation: np.ndarray

    @classmethod
    def of(cls, shape: Sequence[int], affine: Any) -> Grid:
        """Read the orientation of a volume of this shape (3 integers) and affine (4 x 4, voxel to mm)."""
        affine = np.asarray(affine, dtype=float)
        if affine.shape != (4, 4) or not np.isfinite(affine).all():
            raise ValueError(f"the affine must be 4 x 4 finite numbers, got shape {affine.shape}")
        orientation = io_orientation(affine)
        if np.isnan(orientation).any():
            raise ValueError("the affine gives an axis of the volume no direction in space; check the image's header")
        return cls(tuple(int(n) for n in shape), affine, orientation.astype(int))

    @property
    def axes(self) -> list[int]:
        """Display axis of each data axis."""
        return [int(a) for a in self.orientation[:, 0]]

    @property
    def flips(self) -> list[bool]:
        """Whether each data axis runs against its display axis."""
        return [bool(f < 0) for f in self.orientation[:, 1]]

    @property
    def display_shape(self) -> tuple[int, int, int]:
        """Number of voxels along x, y and z."""
        return tuple(self.shape[self.axes.index(a)] for a in range(3))

    @property
    def display_affine(self) -> np.ndarray:
        """Affine (4 x 4) from display indices to mm."""
        return self.affine @ inv_ornt_aff(self.orientation, self.shape)

    def to_display(self, volume: np.ndarray) -> np.ndarray:
        """Turn a volume in data order into a contiguous one in display order."""
        return np.ascontiguousarray(apply_orientation(volume, self.orientation))

    def display_index(self, ijk: Any) -> np.ndarray:
        """Display indices of data indices, both of shape (..., 3)."""
        ijk = np.asarray(ijk, dtype=int)
        xyz = np.empty_like(ijk)
        for data, (display, flip) in enumerate(zip(self.axes, self.flips, strict=True)):
            xyz[..., display] = self.shape[data] - 1 - ijk[..., data] if flip else ijk[..., data]
        return xyz

    def from_display(self, numbers: np.ndarray) -> np.ndarray:
        """Volume in data order of the voxels that have some numbers in display order, bool."""
        volume = np.zeros(self.display_shape, bool)
        volume.ravel()[numbers] = True
        turned = np.moveaxis(volume, self.axes, range(3))
        return np.ascontiguousarray(np.flip(turned, [d for d, flip in enumerate(self.flips) if flip]))

    def packed(self, volume: np.ndarray, **others: np.ndarray | None) -> dict[str, bytes]:
        """Finite values of a volume in display order, which voxels these are, and other volumes' values in them."""
        inside = self.to_display(np.isfinite(volume))
        parts = {"values": volume} | {name: other for name, other in others.items() if other is not None}
        values = {name: self.to_display(np.asarray(part, dtype=np.float32))[inside] for name, part in parts.items()}
        return {"mask": np.packbits(inside.ravel()).tobytes(), **{name: v.tobytes() for name, v in values.items()}}

    def finer(self, spacing: float, most_voxels: int = FINEST) -> tuple[tuple[int, int, int], np.ndarray]:
        """How many parts each display axis is cut into for voxels of about a size, and the affine of the parts.

        Parameters
        ----------
        spacing : float
            Edge that is wanted, mm.
        most_voxels : int
            Of the finer grid.

        Returns
        -------
        parts : three ints
            At least 1 and at most 4.
        affine : array (4, 4)
            From indices of the parts, in display order, to mm.
        """
        affine = self.display_affine
        size = np.linalg.norm(affine[:3, :3], axis=0)
        parts = np.clip(np.rint(size / spacing), 1, 4).astype(int)
        while parts.max() > 1 and np.prod(parts * self.display_shape) > most_voxels:
            parts[parts.argmax()] -= 1
        # The middle of a voxel is the middle of its parts.
        within = np.diag([*(1.0 / parts), 1.0])
        within[:3, 3] = -(parts - 1) / (2.0 * parts)
        return tuple(int(n) for n in parts), affine @ within

    def same_as(self, other: Grid | None) -> bool:
        """Whether another grid has the same voxels at the same places."""
        return other is not None and same_grid(self, other)

    def message(self) -> dict[str, Any]:
        """What the browser must know of it."""
        affine = self.display_affine
        return {
            "shape": list(self.display_shape),
            "spacing": np.linalg.norm(affine[:3, :3], axis=0).tolist(),
            "affine": affine.ravel().tolist(),
            "axes": self.axes,
            "flips": self.flips,
        }


@dataclass(frozen=True)
class Inside:
    """The voxels of a mask, in data order (as ``volume[mask]`` gives them) and in display order.

    Attributes
    ----------
    mask : bool array, data order
    order : int array (n_voxels,)
        ``values[order]`` puts masked values of data order into display order.
    place : int32 array, display order
        Position of each voxel among the masked values of display order; -1 outside the mask.
    """

    mask: np.ndarray
    order: np.ndarray
    place: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray, grid: Grid) -> Inside:
        """Number the voxels of a boolean mask in data order."""
        turned = grid.to_display(mask)
        number = np.zeros(mask.shape, dtype=np.int64)
        number[mask] = np.arange(np.count_nonzero(mask))
        place = np.full(turned.shape, -1, dtype=np.int32)
        place[turned] = np.arange(np.count_nonzero(turned))
        return cls(mask, grid.to_display(number)[turned], place)

    def plane(self, values: np.ndarray, axis: int, index: int) -> np.ndarray:
        """One display plane of masked values (display order); NaN outside the mask."""
        place = self.place.take(index, axis=axis)
        plane = np.full(place.shape, np.nan, dtype=np.float32)
        plane[place >= 0] = values[place[place >= 0]]
        return plane


def grey_limits(volume: np.ndarray) -> tuple[float, float]:
    """Values of an image that are shown black and white: the 2nd and the 99.8th percentile of what is not zero.

    Parameters
    ----------
    volume : array (i, j, k)

    Returns
    -------
    low, high : float
        Both 0 if there is nothing to see.

    Examples
    --------
    >>> grey_limits(np.zeros((2, 2, 2)))
    (0.0, 0.0)
    """
    seen = volume[np.isfinite(volume) & (volume != 0)]
    low, high = np.percentile(seen, [2, 99.8]) if seen.size else (0.0, 0.0)
    return float(low), float(high)


def grey_levels(volume: np.ndarray, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Scale a background image to the 256 greys of the screen.

    Parameters
    ----------
    volume : array (i, j, k)
        Any real numbers; what is not finite becomes black.
    limits : (low, high), optional
        Values that become black and white. By default the 2nd percentile and the 99.8th of the voxels that are
        not zero, so that a few very bright voxels do not darken the brain.

    Returns
    -------
    greys : uint8 array (i, j, k)

    Examples
    --------
    >>> import numpy as np
    >>> grey_levels(np.array([[[0.0, 50.0, 100.0, np.nan]]]), limits=(0, 100)).ravel().tolist()
    [0, 128, 255, 0]
    """
    volume = np.asarray(volume, dtype=np.float32)
    finite = np.isfinite(volume)
    low, high = grey_limits(volume) if limits is None else (float(x) for x in limits)
    if not high > low:  # a constant image: nothing to see, but its shape
        return np.where(finite & (volume != 0), 128, 0).astype(np.uint8)
    scaled = np.clip((np.where(finite, volume, low) - low) / (high - low), 0, 1)
    return (255 * scaled).round().astype(np.uint8)


def cut_positions(occupied: np.ndarray, n_cuts: int) -> list[int]:
    """Place cuts evenly over the part of an axis that holds something.

    Parameters
    ----------
    occupied : bool array (n,)
        Which indices along the axis hold a voxel to show.
    n_cuts : int
        Number of cuts wanted; fewer come back from an axis with fewer indices.

    Returns
    -------
    positions : list of int
        Increasing, without repeats.

    Examples
    --------
    >>> import numpy as np
    >>> cut_positions(np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 0], bool), 3)
    [3, 5, 7]
    """
    at = np.flatnonzero(occupied)
    low, high = (at[0], at[-1]) if at.size else (0, len(occupied) - 1)
    edges = np.linspace(low, high + 1, n_cuts + 1)
    return sorted({int(c) for c in np.floor((edges[:-1] + edges[1:]) / 2)})


def cuts_by_axis(occupied: np.ndarray, n_cuts: int) -> list[list[int]]:
    """Places of the cuts along each axis of a volume, over the voxels that it holds; see `cut_positions`."""
    return [cut_positions(occupied.any(axis=others), n_cuts) for others in ((1, 2), (0, 2), (0, 1))]
