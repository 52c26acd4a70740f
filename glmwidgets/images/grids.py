"""Whether images lie on one grid, and how much of them lies in one place: the one test, in mm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np

from glmwidgets.plural import count

#: Share of a voxel's edge by which voxels of one grid may lie apart: headers hold single precision.
MOST_APART = 0.01

#: What is shared by less than this share is said.
LITTLE = 0.5


class VoxelGrid(NamedTuple):
    """Voxels along each axis of a volume, and the affine that leads from them to mm."""

    shape: tuple[int, ...]
    affine: np.ndarray


def corners(shape: Sequence[int], affine: np.ndarray) -> np.ndarray:
    """Places of the eight outermost voxels of a volume, in mm.

    Parameters
    ----------
    shape : sequence of int
        Its first three are read.
    affine : array of shape (4, 4)

    Returns
    -------
    array of shape (8, 3)
    """
    return nib.affines.apply_affine(affine, list(product(*((0, n - 1) for n in shape[:3]))))


def most_apart(shape: Sequence[int], affine: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """How far voxels of a volume lie apart by two affines, at its corners, and the smallest voxel's edge; in mm.

    Examples
    --------
    >>> most_apart((11, 11, 11), np.eye(4), np.diag([1, 1, 2, 1]))
    (10.0, 1.0)
    """
    apart = np.linalg.norm(corners(shape, affine) - corners(shape, other), axis=1).max()
    edge = min(nib.affines.voxel_sizes(affine).min(), nib.affines.voxel_sizes(other).min())
    return float(apart), float(edge)


def grid_difference(img: Any, other: Any) -> str | None:
    """How the grids of two images differ.

    Parameters
    ----------
    img, other : image or Domain
        Anything with a ``shape``, of which the first three are read, and an ``affine``.

    Returns
    -------
    str or None
        None if they have as many voxels along each axis and no corner lies elsewhere by more than `MOST_APART` of the
        smallest voxel's edge: no voxel then does.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((10, 10, 10)), np.eye(4))
    >>> grid_difference(img, nib.Nifti1Image(np.zeros((10, 10, 10, 3)), np.eye(4) + 1e-7)) is None
    True
    >>> print(grid_difference(img, nib.Nifti1Image(np.zeros((10, 10, 10)), np.diag([1, 1, 1.1, 1]))))
    ... # doctest: +NORMALIZE_WHITESPACE
    their voxels lie up to 0.9 mm apart, affine [[1. 0. 0. 0.] [0. 1. 0. 0.] [0. 0. 1. 0.]] against
    [[1. 0. 0. 0. ] [0. 1. 0. 0. ] [0. 0. 1.1 0. ]]
    """
    shapes = tuple(map(int, img.shape[:3])), tuple(map(int, other.shape[:3]))
    if shapes[0] != shapes[1]:
        return f"shape {shapes[0]} against {shapes[1]}"
    apart, edge = most_apart(shapes[0], img.affine, other.affine)
    if apart <= MOST_APART * edge:
        return None
    affines = (np.array_str(np.asarray(one.affine)[:3], suppress_small=True) for one in (img, other))
    # In one line, as the reason also stands in tables.
    return (
        f"their voxels lie up to {apart:.3g} mm apart, affine {' against '.join(' '.join(a.split()) for a in affines)}"
    )


def same_grid(img: Any, other: Any) -> bool:
    """Whether two images have the same voxels at the same places; see `grid_difference`."""
    return grid_difference(img, other) is None


def share_within(img: Any, other: Any) -> float:
    """Share of the volume of one image that lies within another's.

    Parameters
    ----------
    img, other : image or Domain
        See `grid_difference`.

    Returns
    -------
    float
        Between 0 and 1; of some thousand places in the volume.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.zeros((10, 10, 10)), np.eye(4))
    >>> share_within(img, nib.Nifti1Image(np.zeros((20, 20, 5)), np.eye(4)))
    0.5
    """
    axes = [np.unique(np.linspace(0, n - 1, min(n, 20))) for n in img.shape[:3]]
    voxels = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    there = nib.affines.apply_affine(np.linalg.inv(other.affine) @ img.affine, voxels)
    half = 0.5 + MOST_APART
    return float(np.all((there >= -half) & (there <= np.array(other.shape[:3]) - 1 + half), axis=1).mean())


def little_is_shared(common: int, sizes: Sequence[int], names: Sequence[str], what: str) -> str | None:
    """What to say where runs or maps have few voxels in common.

    Parameters
    ----------
    common : int
        Voxels that are in all.
    sizes : sequence of int
        Voxels of each.
    names : sequence of str
    what : str
        Such as ``"runs"``.

    Returns
    -------
    str or None
        A sentence if less than half of what they have in the median is common; it names the smallest of them.
    """
    usual = float(np.median(sizes))
    if common >= LITTLE * usual:
        return None
    least = int(np.argmin(sizes))
    return (
        f"all {len(sizes)} {what} have only {count(common, 'voxel')} in common, {100 * common / usual:.0f} % of the "
        f"voxels of one of them ({usual:,.0f} in the median; {names[least]} has {sizes[least]:,}): look whether they "
        "show the same place"
    )
