"""Mean series of places: a voxel, a sphere, a labelled region."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from glmwidgets.glm.choices import check_choice
from glmwidgets.images.coordinates import nearest_voxel, to_mm
from glmwidgets.images.grids import grid_difference
from glmwidgets.images.load import ImageLike, image_data, image_name, load_image, load_volume
from glmwidgets.images.mask import match_mask
from glmwidgets.plural import count

#: What can be taken of the voxels of a region.
REDUCTIONS: dict[str, Callable[..., np.ndarray]] = {
    "mean": np.mean,
    "median": np.median,
    "sum": np.sum,
    "minimum": np.min,
    "maximum": np.max,
    "standard_deviation": np.std,
    "variance": np.var,
}


def sphere_indices(
    mask: np.ndarray, affine: np.ndarray, centre_mm: Sequence[float], radius: float | None = None
) -> np.ndarray:
    """Voxels of a mask that lie in a sphere.

    Parameters
    ----------
    mask : array of bool, 3-D
    affine : array of shape (4, 4)
    centre_mm : three floats
    radius : float, optional
        In mm; None for the one voxel that the centre lies in.

    Returns
    -------
    array of int
        Their numbers in the C order of the mask, by which columns of masked series are chosen, sorted. All voxels
        whose centre is at most `radius` away, and the one that the centre lies in. Empty if none is in the mask.

    Raises
    ------
    ValueError
        If the radius is negative.

    Examples
    --------
    >>> sphere_indices(np.ones((3, 3, 3), bool), np.eye(4), [1, 1, 1], radius=1).tolist()
    [4, 10, 12, 13, 14, 16, 22]
    """
    if radius is not None and not radius >= 0:
        raise ValueError(f"the radius of a sphere must be zero or more mm, not {radius}")
    own = nearest_voxel(centre_mm, affine, mask.shape)
    chosen = np.zeros(mask.shape, bool)
    if radius is not None:
        # Only the box around the sphere: an ellipsoid in voxels reaches as far as the rows of the inverse are long.
        inverse = np.linalg.inv(affine)
        middle = inverse[:3, :3] @ np.asarray(centre_mm, float) + inverse[:3, 3]
        reach = radius * np.linalg.norm(inverse[:3, :3], axis=1)
        low = np.maximum(np.floor(middle - reach), 0).astype(int)
        high = np.maximum(np.minimum(np.ceil(middle + reach) + 1, mask.shape), low).astype(int)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        voxels = np.moveaxis(np.indices(high - low), 0, -1) + low
        chosen[box] = np.sum((to_mm(voxels, affine) - np.asarray(centre_mm)) ** 2, axis=-1) <= radius**2
    if own is not None:
        chosen[own] = True
    return np.flatnonzero(chosen[mask])


def sphere_series(
    img: ImageLike,
    centres_mm: Sequence[Sequence[float]],
    radius: float | None = None,
    mask_img: ImageLike | None = None,
    allow_overlap: bool = True,
) -> np.ndarray:
    """Mean series of spheres.

    Parameters
    ----------
    img : image or path
        3-D or 4-D.
    centres_mm : sequence of three floats
    radius : float, optional
        In mm; None for the one voxel that each centre lies in.
    mask_img : image or path, optional
        Only voxels in it count.
    allow_overlap : bool
        Whether spheres may share voxels.

    Returns
    -------
    array of shape (n_scans, n_spheres), float64
        One row for a 3-D image. NaN count as zero.

    Raises
    ------
    ValueError
        If a sphere holds no voxel, or shares one where it may not; the message names its centre.

    Examples
    --------
    >>> import nibabel as nib
    >>> img = nib.Nifti1Image(np.arange(16.0).reshape(2, 2, 2, 2), np.eye(4))
    >>> sphere_series(img, [(0, 0, 0), (1, 1, 1)])
    array([[ 0., 14.],
           [ 1., 15.]])
    """
    name, img = image_name(img), load_image(img)
    mask = np.ones(img.shape[:3], bool) if mask_img is None else match_mask(mask_img, img)
    # The mask's voxels by their place in the volume: only those of the spheres are ever read.
    places = np.flatnonzero(mask)
    data = image_data(img)
    columns = []
    taken = np.zeros(places.size, bool)
    for centre in np.atleast_2d(np.asarray(centres_mm, dtype=float)):
        numbers = sphere_indices(mask, img.affine, centre, radius)
        if numbers.size == 0:
            where = "the image" if mask_img is None else "the mask"
            raise ValueError(f"the sphere at {tuple(centre.tolist())} mm holds no voxel of {where} ({name})")
        shared = np.count_nonzero(taken[numbers])
        if shared and not allow_overlap:
            raise ValueError(
                f"the sphere at {tuple(centre.tolist())} mm shares {count(shared, 'voxel')} with one "
                "before it: make the radius smaller, or pass allow_overlap=True"
            )
        taken[numbers] = True
        values = data[np.unravel_index(places[numbers], mask.shape)]
        columns.append(np.nan_to_num(values.astype(float), posinf=0, neginf=0).mean(axis=0))
    return np.atleast_2d(np.array(columns).T)


def region_series(img: ImageLike, labels_img: ImageLike, strategy: str = "mean") -> pd.DataFrame:
    """Series of the regions of a label image.

    Parameters
    ----------
    img : image or path
        4-D, or 3-D for one row.
    labels_img : image or path
        3-D, on the same grid: 0 outside, a whole number in each region.
    strategy : str
        What is taken of the voxels of a region, a key of `REDUCTIONS`.

    Returns
    -------
    DataFrame
        One column a region, named by its number, one row a scan. NaN count as zero.

    Raises
    ------
    ValueError
        If the grids differ, or there is no region.

    Examples
    --------
    >>> import nibabel as nib
    >>> img = nib.Nifti1Image(np.arange(16.0).reshape(2, 2, 2, 2), np.eye(4))
    >>> labels = nib.Nifti1Image(np.repeat([1, 2], 4).reshape(2, 2, 2).astype(np.uint8), np.eye(4))
    >>> region_series(img, labels)
         1     2
    0  3.0  11.0
    1  4.0  12.0
    """
    names = image_name(img), image_name(labels_img)
    img, labels_img = load_image(img), load_volume(labels_img, "an image of regions")
    if (difference := grid_difference(img, labels_img)) is not None:
        raise ValueError(f"{names[0]} and the regions {names[1]} lie on different grids: {difference}")
    labels = np.nan_to_num(image_data(labels_img)).astype(int)
    numbers = np.unique(labels[labels != 0])
    if numbers.size == 0:
        raise ValueError(f"{names[1]} holds no region: all its voxels are 0")
    data = image_data(img).reshape(*img.shape[:3], -1)
    take = REDUCTIONS[check_choice("strategy", strategy, REDUCTIONS)]
    taken = [take(np.nan_to_num(data[labels == n].astype(float), posinf=0, neginf=0), axis=0) for n in numbers]
    return pd.DataFrame(np.array(taken).T, columns=numbers.tolist())
