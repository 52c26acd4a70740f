"""Where to cut a volume: display modes, positions in mm, and the planes themselves.

Cuts follow the voxel grid, so what is seen are the voxels themselves, in oblique images too; their mm come from the
affine.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from nibabel.affines import apply_affine, from_matvec
from scipy import ndimage

from glmwidgets.glm.choices import check_choice
from glmwidgets.images.grids import same_grid
from glmwidgets.report.figures.volumes import Volume, as_volume, bounds, head, sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from glmwidgets.report.figures.volumes import Image

    CutCoords = int | float | Sequence[float] | Sequence[Sequence[float]] | Mapping[str, int | Sequence[float]] | None

AXES = "xyz"
# Rows of planes. A row of one letter is repeated for each of its cuts.
DISPLAY_MODES = {
    "ortho": ("yxz",),
    "tiled": ("yx", "z"),
    "x": ("x",),
    "y": ("y",),
    "z": ("z",),
    "xz": ("xz",),
    "yx": ("yx",),
    "yz": ("yz",),
    "mosaic": ("x", "y", "z"),
}
IN_A_ROW = 8  # cuts, before a new line begins
N_CUTS = 7


class Plane(NamedTuple):
    """One cut, normal to one of the axes.

    Attributes
    ----------
    axis : int
        0, 1 or 2: the axis that the cut is normal to.
    index : int
        Voxel index of the cut along `axis`.
    coordinate : float
        Position of the cut along `axis` in mm.
    extent : tuple of float
        Left, right, bottom and top edge of the whole cut in mm.
    view : tuple of float
        The same for the part that is worth looking at.
    """

    axis: int
    index: int
    coordinate: float
    extent: tuple[float, float, float, float]
    view: tuple[float, float, float, float]

    def of(self, data: NDArray) -> NDArray:
        """The values on the cut, shape (vertical, horizontal), the lowest row first."""
        return data.take(self.index, axis=self.axis).T


class Cuts(NamedTuple):
    """The planes to show, row by row, and the crosshair that they meet in, if they do."""

    rows: list[list[Plane]]
    crosshair: NDArray[np.float64] | None


def find_xyz_cut_coords(
    img: Image,
    mask_img: Image | None = None,
    activation_threshold: float | None = None,
    *,
    method: str = "peak",
    two_sided: bool = True,
) -> tuple[float, float, float]:
    """Choose the point through which to cut a map.

    Parameters
    ----------
    img : image or path
        3-D map.
    mask_img : image or path, optional
        What lies outside of it does not count; on any grid.
    activation_threshold : float, optional
        For ``method="centre"``: size that a value must exceed to be part of a cluster.
    method : {"peak", "centre"}, default "peak"
        ``"peak"``: the voxel with the largest value. ``"centre"``: centre of mass of the largest cluster (voxels that
        share a face) above the threshold; the peak if there is none.
    two_sided : bool, default True
        Whether sizes count, or values above 0 alone.

    Returns
    -------
    x, y, z : float
        In mm. The middle of the image if the map is empty.

    Raises
    ------
    ValueError
        If `method` is unknown or `img` is not one 3-D volume.

    Examples
    --------
    >>> import nibabel as nib
    >>> stat = np.zeros((5, 5, 5), dtype=np.float32)
    >>> stat[1, 2, 3] = 4
    >>> find_xyz_cut_coords(nib.Nifti1Image(stat, np.diag([3, 3, 3, 1])))
    (3.0, 6.0, 9.0)
    """
    check_choice("method", method, ("peak", "centre"))
    volume = as_volume(img, "img")
    if mask_img is not None:
        inside = sample(as_volume(mask_img, "mask_img"), volume.affine, volume.shape, order=0) != 0
        volume = volume._replace(data=np.where(inside, volume.data, 0))
    voxel: ArrayLike = peak_voxel(volume.data, two_sided)
    size = _size(volume.data, two_sided)
    labels, n_clusters = ndimage.label(size > (activation_threshold or 0))
    if method == "centre" and n_clusters:
        largest = np.bincount(labels.ravel())[1:].argmax() + 1
        voxel = ndimage.center_of_mass(size, labels, largest)
    x, y, z = volume.mm(voxel)
    return float(x), float(y), float(z)


def find_cut_slices(
    img: Image,
    direction: str = "z",
    n_cuts: int = 7,
    spacing: object = "auto",
    *,
    threshold: float | None = None,
    two_sided: bool = True,
) -> NDArray[np.float64]:
    """Choose the cuts along one axis that show most of a map.

    Slices are taken by the sum of the values that survive on them, the largest first, none too near to one already
    taken; what is left is filled up evenly. With nothing above the threshold the cuts are even over the map.

    Parameters
    ----------
    img : image or path
        3-D map.
    direction : {"x", "y", "z"}, default "z"
        Axis that the cuts are normal to.
    n_cuts : int, default 7
        Number of cuts; no more than there are slices are returned.
    spacing : optional
        Accepted: cuts keep two thirds of the distance that even ones have.
    threshold : float, optional
        Size that a value must exceed to count.
    two_sided : bool, default True
        Whether sizes count, or values above 0 alone.

    Returns
    -------
    array, shape (n_cuts,)
        Positions in mm, rising.

    Raises
    ------
    ValueError
        If `direction` is no axis, `n_cuts` is below 1, or `img` is not one 3-D volume.

    Examples
    --------
    >>> import nibabel as nib
    >>> stat = np.ones((4, 4, 10), dtype=np.float32)
    >>> stat[:, :, 7] = 4
    >>> find_cut_slices(nib.Nifti1Image(stat, np.diag([3, 3, 3, 1])), "z", 1, threshold=2)
    array([21.])
    """
    check_choice("direction", direction, tuple(AXES))
    volume = as_volume(img, "img")
    axis = AXES.index(direction)
    slices = choose_slices(volume.data, axis, n_cuts, threshold, two_sided)
    middle = (np.array(volume.data.shape) - 1) // 2
    voxels = np.tile(middle, (len(slices), 1))
    voxels[:, axis] = slices
    return np.array([volume.mm(voxel)[axis] for voxel in voxels])


def choose_cuts(
    grid: Volume,
    background: Volume | None,
    cut_coords: CutCoords,
    display_mode: str,
    threshold: float | None,
    two_sided: bool,
    middle: NDArray[np.bool_] | None = None,
) -> Cuts:
    """The planes that `display_mode` and `cut_coords` ask for, framed by what there is to see."""
    check_choice("display_mode", display_mode, DISPLAY_MODES)
    support = np.nan_to_num(grid.data) != 0
    if background is not None:
        support = support | (head(sample(background, grid.affine, grid.data.shape)) == 1)
    limits = bounds(support)
    rows = DISPLAY_MODES[display_mode]
    if len(rows) == 3 or len(rows[0]) == 1:
        planes = []
        for letter, wanted in zip(rows, _cuts_by_axis(cut_coords, rows), strict=True):
            if len(rows) > 1 and isinstance(wanted, Real) and wanted == 0:
                continue  # a mosaic without cuts of this axis
            axis = AXES.index(letter)
            line = _planes_along(grid, axis, wanted, limits, threshold, two_sided)
            planes += [line[i : i + IN_A_ROW] for i in range(0, len(line), IN_A_ROW)]
        if not planes:
            raise ValueError("this mosaic has no cut: give a number of cuts for one axis at least")
        return Cuts(planes, None)

    voxel = _meeting_point(grid, cut_coords, display_mode, two_sided, middle)
    planes = [[make_plane(grid, AXES.index(letter), voxel, limits) for letter in row] for row in rows]
    return Cuts(planes, grid.mm(voxel))


def _cuts_by_axis(cut_coords: CutCoords, rows: Sequence[str]) -> list[int | Sequence[float]]:
    """For each row a number of cuts or the positions of its cuts."""
    if cut_coords is None:
        return [N_CUTS] * len(rows)
    if isinstance(cut_coords, Mapping):
        unknown = sorted(set(cut_coords) - set(rows))
        if unknown:
            raise ValueError(f"cut_coords names {', '.join(map(repr, unknown))}, and there are {', '.join(rows)}")
        return [cut_coords.get(letter, 0) for letter in rows]
    if isinstance(cut_coords, Real):
        return [cut_coords] * len(rows)
    if len(rows) == 1:
        return [[float(value) for value in cut_coords]]
    if len(cut_coords) != len(rows):
        raise ValueError(f"cut_coords of a mosaic must be one number or three entries (x, y, z), not {cut_coords!r}")
    return list(cut_coords)


def _planes_along(
    grid: Volume,
    axis: int,
    wanted: int | Sequence[float],
    limits: NDArray[np.int_],
    threshold: float | None,
    two_sided: bool,
) -> list[Plane]:
    voxel = (np.array(grid.data.shape) - 1) // 2
    if isinstance(wanted, Real):
        indices = choose_slices(grid.data, axis, wanted, threshold, two_sided)
    else:
        indices = [index_at(grid, axis, coordinate, voxel) for coordinate in wanted]
        if not indices:
            raise ValueError("cut_coords is empty: give a number of cuts or at least one position in mm")
    planes = []
    for index in indices:
        voxel[axis] = index
        planes.append(make_plane(grid, axis, voxel, limits))
    return planes


def _meeting_point(
    grid: Volume,
    cut_coords: CutCoords,
    display_mode: str,
    two_sided: bool,
    middle: NDArray[np.bool_] | None,
) -> NDArray[np.int_]:
    """Voxel in which orthogonal cuts meet."""
    if cut_coords is None:
        if middle is not None:
            return np.rint(bounds(middle, margin=0).mean(axis=1)).astype(int)
        return np.array(peak_voxel(grid.data, two_sided))
    letters = AXES if len(display_mode) > 2 else display_mode
    if isinstance(cut_coords, Real) or len(cut_coords) != len(letters):
        raise ValueError(
            f"cut_coords must hold {len(letters)} positions in mm ({', '.join(letters)}) "
            f"for display_mode={display_mode!r}, not {cut_coords!r}"
        )
    if len(letters) == 3:
        return voxel_at(grid, cut_coords)
    voxel = (np.array(grid.data.shape) - 1) // 2
    for letter, coordinate in zip(letters, cut_coords, strict=True):
        voxel[AXES.index(letter)] = index_at(grid, AXES.index(letter), coordinate, voxel)
    return voxel


def sample_plane(volume: Volume, grid: Volume, plane: Plane, order: int = 1, at_least: int = 1) -> NDArray[np.float32]:
    """What lies on a cut through `grid` in a volume with voxels of its own, as finely as these (up to fourfold).

    `order` is that of the spline between voxels, 0 for the nearest; `at_least` as finely as that, on one grid too.
    """
    if at_least == 1 and same_grid(volume, grid):
        return plane.of(volume.data)
    finer = np.clip(np.rint(grid.zooms / volume.zooms.min()), at_least, 4)
    finer[plane.axis] = 1
    # The edge of the first voxel stays where it is: its centre moves by half the difference of the sizes.
    start = 0.5 / finer - 0.5
    start[plane.axis] = plane.index
    shape = np.array(grid.data.shape) * finer.astype(int)
    shape[plane.axis] = 1
    affine = grid.affine @ from_matvec(np.diag(1 / finer), start)
    return sample(volume, affine, shape, order).take(0, axis=plane.axis).T


def make_plane(grid: Volume, axis: int, voxel: ArrayLike, limits: NDArray[np.int_]) -> Plane:
    """The cut through a voxel, normal to an axis. In-plane mm are exact at that voxel, whatever the affine."""
    voxel, centre, zooms = np.asarray(voxel), grid.mm(voxel), grid.zooms

    def edges(first: ArrayLike, last: ArrayLike) -> tuple[float, float, float, float]:
        low, high = (centre + (np.asarray(edge) - voxel) * zooms for edge in (first - 0.5, last + 0.5))
        across, up = (a for a in range(3) if a != axis)
        return float(low[across]), float(high[across]), float(low[up]), float(high[up])

    whole = edges(np.zeros(3), np.array(grid.data.shape) - 1)
    return Plane(axis, int(voxel[axis]), float(centre[axis]), whole, edges(limits[:, 0], limits[:, 1]))


def index_at(grid: Volume, axis: int, coordinate: float, voxel: ArrayLike) -> int:
    """Voxel index of the cut nearest to a coordinate in mm, along the line through `voxel`.

    Raises
    ------
    ValueError
        If the coordinate lies outside the image.
    """
    voxel = np.array(voxel, dtype=float)
    index = round(float(voxel[axis] + (coordinate - grid.mm(voxel)[axis]) / grid.affine[axis, axis]))
    last = grid.data.shape[axis] - 1
    if not 0 <= index <= last:
        reach = []
        for end in (0, last):
            voxel[axis] = end
            reach.append(grid.mm(voxel)[axis])
        raise ValueError(
            f"cut_coords: {AXES[axis]} = {coordinate:g} mm lies outside the image, "
            f"which reaches from {reach[0]:.0f} to {reach[1]:.0f} mm"
        )
    return index


def voxel_at(grid: Volume, xyz: ArrayLike) -> NDArray[np.int_]:
    """Voxel nearest to a position in mm.

    Raises
    ------
    ValueError
        If the position lies outside the image.
    """
    voxel = np.rint(apply_affine(np.linalg.inv(grid.affine), np.asarray(xyz, dtype=float))).astype(int)
    if (voxel < 0).any() or (voxel >= grid.data.shape).any():
        corners = np.array(np.meshgrid(*[(0, length - 1) for length in grid.data.shape])).reshape(3, -1)
        mm = np.array([grid.mm(corner) for corner in corners.T])
        reach = ", ".join(
            f"{name} {low:.0f} to {high:.0f}" for name, low, high in zip(AXES, mm.min(0), mm.max(0), strict=True)
        )
        raise ValueError(
            f"cut_coords: ({', '.join(f'{value:g}' for value in xyz)}) mm lies outside the image ({reach} mm)"
        )
    return voxel


def choose_slices(
    data: NDArray[np.floating], axis: int, n_cuts: int, threshold: float | None, two_sided: bool
) -> list[int]:
    """Indices of the slices that `find_cut_slices` describes."""
    if int(n_cuts) != n_cuts or n_cuts < 1:
        raise ValueError(f"the number of cuts must be a whole number, 1 or more, not {n_cuts}")
    size = _size(data, two_sided)
    others = tuple(a for a in range(3) if a != axis)
    there = np.flatnonzero(size.any(axis=others))
    first, last = (there[0], there[-1]) if there.size else (0, data.shape[axis] - 1)
    n_cuts = min(int(n_cuts), last - first + 1)
    even = np.rint(first + (np.arange(n_cuts) + 0.5) * (last - first + 1) / n_cuts - 0.5).astype(int)
    weight = np.where(size > (threshold or 0), size, 0).sum(axis=others, dtype=float)
    if threshold is None or not weight.any():
        return even.tolist()
    distance = max(1, int((last - first + 1) / (1.5 * n_cuts)))
    taken: list[int] = []
    while len(taken) < n_cuts:
        free = np.array([all(abs(index - other) >= distance for other in taken) for index in range(len(weight))])
        left = np.where(free, weight, 0)
        if left.any():
            taken.append(int(left.argmax()))
        else:  # nothing more to see at this distance: the slice within reach that is farthest from those taken
            gaps = [min(abs(index - other) for other in taken) for index in range(first, last + 1)]
            taken.append(int(first + np.argmax(gaps)))
    return sorted(taken)


def peak_voxel(data: NDArray[np.floating], two_sided: bool) -> tuple[int, ...]:
    """Voxel with the largest value; the middle of an empty map."""
    size = _size(data, two_sided)
    if not size.any():
        return tuple((length - 1) // 2 for length in size.shape)
    return tuple(int(index) for index in np.unravel_index(size.argmax(), size.shape))


def _size(data: NDArray[np.floating], two_sided: bool) -> NDArray[np.floating]:
    data = np.nan_to_num(data, posinf=0, neginf=0)
    return np.abs(data) if two_sided else np.maximum(data, 0)
