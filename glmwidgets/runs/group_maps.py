"""Where the maps of a group lie, and their values there."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.glm.errors import InputError
from glmwidgets.images.grids import grid_difference, little_is_shared, same_grid
from glmwidgets.images.load import image_data, image_name, load_image
from glmwidgets.images.mask import masked_series, match_mask
from glmwidgets.images.new import image_like
from glmwidgets.images.orientation import place_doubted
from glmwidgets.images.statistic import statistic_of
from glmwidgets.plural import count
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.group_inputs import GroupInput

# Maps of effects differ in size, but not so many times.
OTHER_UNITS = 30.0


def group_domain(
    source: GroupInput,
    mask_img: Any = None,
    target_affine: Any = None,
    target_shape: Any = None,
    resample: bool = False,
    zeros_are_data: bool = False,
) -> tuple[Domain, bool]:
    """Find the voxels in which all maps of a group are analysed.

    Parameters
    ----------
    source : GroupInput
    mask_img, target_affine, target_shape, resample, zeros_are_data
        As in `glmwidgets.models.SecondLevelModel`.

    Returns
    -------
    domain : Domain
    resample : bool
        Whether maps on another grid are brought to that of the domain.

    Raises
    ------
    ValueError
        If the maps lie on different grids and are not to be resampled, or have no voxel in common.

    Warns
    -----
    UserWarning
        If the maps have to be resampled to a given mask's grid.
    """
    imgs, names = source.examples(), source.names()
    to_target = target_affine is not None or target_shape is not None
    unsure = [why for img in imgs if (why := place_doubted(img)) is not None]
    if unsure:
        more = f" ({len(unsure)} of the {len(imgs)} maps are like this)" if len(unsure) > 1 else ""
        warnings.warn(unsure[0] + more, stacklevel=3)
    if not (resample or to_target):
        check_grids(imgs, names)
    if (given := mask_img) is not None:
        opened = load_image(given)
        mask = image_like(match_mask(given, opened).astype(np.uint8), opened)
        if to_target:
            mask = _resampled(mask, target_affine, target_shape, interpolation="nearest")
        elif not resample and not same_grid(mask, imgs[0]):
            warnings.warn(
                f"the mask ({image_name(given)}, shape {mask.shape}) lies on another grid than {names[0]} (shape "
                f"{imgs[0].shape}): the maps are resampled to the mask's grid",
                stacklevel=3,
            )
            resample = True
        return Domain.of(mask, match_mask(mask, mask)), resample or to_target
    masks = source.mask_imgs()
    if to_target or resample:
        like = None if to_target else imgs[0]
        interpolation = "continuous" if masks is None else "nearest"
        imgs = [
            img if img is like else _resampled(img, *_grid(like, target_affine, target_shape), interpolation)
            for img in imgs
        ]
    mask = _common_voxels(imgs, names, zeros_are_data) if masks is None else _common_mask(imgs)
    return Domain.of(image_like(mask, imgs[0]), mask), resample or to_target


def _grid(like: nib.Nifti1Image | None, affine: Any, shape: Any) -> tuple[Any, Any]:
    return (affine, shape) if like is None else (like.affine, like.shape)


def _resampled(img: nib.Nifti1Image, affine: Any, shape: Any, interpolation: str) -> nib.Nifti1Image:
    from glmwidgets.images.resample import resample_img

    return resample_img(img, affine, shape, interpolation=interpolation)


def check_grids(imgs: Sequence[nib.Nifti1Image], names: Sequence[str]) -> None:
    """Refuse maps that lie on different grids, naming them all."""
    first = imgs[0]
    other = [i for i, img in enumerate(imgs) if not same_grid(img, first)]
    if other:
        raise ValueError(
            f"{len(other)} of the {len(imgs)} maps lie on another grid than {names[0]} (shape {first.shape}): "
            f"{'; '.join(f'{names[i]}, shape {imgs[i].shape}' for i in other[:5])}{' ...' if len(other) > 5 else ''}. "
            f"Of the first of these: {grid_difference(imgs[other[0]], first)}\n"
            "Give target_affine and target_shape, or a mask_img with resample=True, to bring all to one grid"
        )


def _common_voxels(imgs: Sequence[nib.Nifti1Image], names: Sequence[str], zeros_are_data: bool) -> np.ndarray:
    """Voxels in which every map has a value: finite and, unless zeros are data, not zero."""
    mask, sizes, infinite = np.ones(imgs[0].shape, dtype=bool), [], []
    for img, name in zip(imgs, names, strict=True):
        data = image_data(img)
        there = np.isfinite(data) if zeros_are_data else np.isfinite(data) & (np.abs(data) > _zero(img))
        if np.isinf(data).any():
            infinite.append(name)
        sizes.append(int(there.sum()))
        mask &= there
    if not mask.any():
        if empty := [name for name, size in zip(names, sizes, strict=True) if not size]:
            others = f", as {count(len(empty) - 1, 'other')} do" if len(empty) > 1 else ""
            nothing = "nothing but NaN" if zeros_are_data else "nothing but NaN and zeros"
            raise InputError(f"{empty[0]} holds {nothing}{others}: leave it out")
        raise ValueError("no voxel has a value in all maps: give mask_img")
    if (text := little_is_shared(int(mask.sum()), sizes, names, "maps")) is not None:
        warnings.warn(text, stacklevel=4)
    if infinite:
        warnings.warn(f"voxels that are infinite in {', '.join(infinite[:3])} are left out", stacklevel=4)
    return mask


def _zero(img: nib.Nifti1Image) -> float:
    """The largest size that a value of 0 has in an image.

    Integers that are scaled with an intercept seldom meet 0: what was 0, or missing, is stored up to half a step off.
    """
    slope, inter = getattr(img.dataobj, "slope", 1.0), getattr(img.dataobj, "inter", 0.0)
    whole = np.issubdtype(img.get_data_dtype(), np.integer)
    return abs(float(slope)) / 2 if whole and np.ndim(slope) == 0 and np.any(inter) else 0.0


def _common_mask(masks: Sequence[nib.Nifti1Image]) -> np.ndarray:
    """Voxels that are in every one of some masks."""
    mask = np.logical_and.reduce([match_mask(one, masks[0]) for one in masks])
    if not mask.any():
        raise ValueError("the masks of the first-level models have no voxel in common: give mask_img")
    return mask


def masked_maps(
    imgs: Sequence[nib.Nifti1Image],
    names: Sequence[str],
    domain: Domain,
    smoothing_fwhm: float | None = None,
    resample: bool = False,
    zeros_are_data: bool = False,
) -> np.ndarray:
    """Values of maps in the voxels of a domain, smoothed.

    Parameters
    ----------
    imgs : sequence of 3-D images
        On the domain's grid, unless they are resampled.
    names : sequence of str
        For messages.
    domain : Domain
    smoothing_fwhm : float, optional
        Full width at half maximum of a Gaussian, in mm.
    resample : bool
        Bring maps on another grid to the domain's, instead of refusing them.
    zeros_are_data : bool
        Whether a value of exactly 0 was measured. By default it means that there is none.

    Returns
    -------
    array of shape (n, n_voxels)
        A voxel in which a map has no value, NaN or infinity included, is 0 in all maps: nothing is said of it.

    Raises
    ------
    ValueError
        If no voxel of the mask has a value in all maps.

    Warns
    -----
    UserWarning
        If voxels are left out; the message counts them. If maps are of a statistic by their headers, or some are so
        much larger or smaller than the others that they are likely in other units.
    """
    _say_statistics(imgs, names)
    if resample:
        grid = domain.affine, domain.shape
        imgs = [img if domain.lies_on(img) else _resampled(img, *grid, "continuous") for img in imgs]
    else:
        check_grids([domain, *imgs], ["the mask", *names])
    volumes = np.stack([image_data(img) for img in imgs], axis=-1)
    inside = volumes[domain.mask]
    absent = ~np.isfinite(inside)
    if not zeros_are_data:
        absent |= np.abs(inside) <= [_zero(img) for img in imgs]
    left_out = absent.any(axis=1)
    if left_out.any():
        _say_left_out(absent, left_out, names, zeros_are_data)
    _say_other_units(inside[~left_out], names)
    volumes = np.where(np.isfinite(volumes), volumes, 0) if absent.any() else volumes
    values = masked_series(volumes, domain.mask, domain.affine, smoothing_fwhm)
    values[:, left_out] = 0
    return values


def _say_statistics(imgs: Sequence[nib.Nifti1Image], names: Sequence[str]) -> None:
    told = [(name, said.kind) for img, name in zip(imgs, names, strict=True) if (said := statistic_of(img)) is not None]
    if told:
        name, kind = told[0]
        more = f" ({len(told)} of the {len(imgs)} maps are of statistics)" if len(told) > 1 else ""
        warnings.warn(
            f"{name} is a map of {kind} by its header{more}: a group's model is of effects (con, cope), and {kind} "
            "depends on the number of scans, too",
            stacklevel=4,
        )


def _say_other_units(inside: np.ndarray, names: Sequence[str]) -> None:
    sizes = np.median(np.abs(inside), axis=0)
    times = np.divide(sizes, np.median(sizes), out=np.ones(sizes.shape), where=(sizes > 0) & (np.median(sizes) > 0))
    far = np.flatnonzero((times > OTHER_UNITS) | (times < 1 / OTHER_UNITS))
    # Of two maps nobody tells which is in other units.
    if far.size and len(names) > 2:
        first, more = far[0], f" ({far.size} maps are so far from the others)" if far.size > 1 else ""
        warnings.warn(
            f"the values of {names[first]} are {float(f'{times[first]:.2g}'):g} times as large as those of most "
            f"maps{more}: look whether they are in other units",
            stacklevel=4,
        )


def _say_left_out(absent: np.ndarray, left_out: np.ndarray, names: Sequence[str], zeros_are_data: bool) -> None:
    what = "not finite" if zeros_are_data else "0 or not finite"
    if left_out.all():
        raise ValueError(f"in every voxel of the mask a map is {what}: look whether mask and maps show the same place")
    counts = absent.sum(axis=0)
    worst, n_maps = int(counts.argmax()), int(np.count_nonzero(counts))
    where = f"in {names[worst]}" if n_maps == 1 else f"in {n_maps} of {len(names)} maps, most in {names[worst]}"
    keep = "" if zeros_are_data else "; zeros_are_data=True keeps the zeros"
    warnings.warn(
        f"{np.count_nonzero(left_out):,} of {left_out.size:,} voxels in the mask are left out, as they are {what} "
        f"{where}{keep}",
        stacklevel=4,
    )
