"""The mask of a model: found in its runs or given, on their grid or on a target's."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import nibabel as nib
import numpy as np
from joblib import Memory

from glmwidgets.glm.errors import about
from glmwidgets.images.grids import grid_difference, little_is_shared, same_grid
from glmwidgets.images.load import image_data, image_name, load_image
from glmwidgets.images.mask import common_voxels, find_brain, match_mask
from glmwidgets.images.new import image_like
from glmwidgets.images.orientation import place_doubted
from glmwidgets.images.resample import resample_img
from glmwidgets.models.caching import image_key
from glmwidgets.models.given_masker import mask_img_of
from glmwidgets.models.masker import ImageMasker
from glmwidgets.models.runs import RunInput
from glmwidgets.runs.need import check_memory


def fit_masker(
    runs: Sequence[RunInput],
    memory: Memory,
    mask_img: Any = None,
    target_affine: Any = None,
    target_shape: Any = None,
    smoothing_fwhm: float | None = None,
) -> ImageMasker:
    """Make the masker that all runs of a model go through.

    Parameters
    ----------
    runs : sequence of RunInput
    memory : joblib.Memory
        Where masks that were found are kept.
    mask_img, target_affine, target_shape, smoothing_fwhm
        As in `glmwidgets.models.FirstLevelModel`.

    Returns
    -------
    ImageMasker

    Raises
    ------
    ValueError
        If the runs lie on different grids and no target is given, or the mask is none.

    Warns
    -----
    UserWarning
        If the runs have to be resampled to a given mask's grid.
    """
    first = runs[0].reader.opened
    to_target = target_affine is not None or target_shape is not None
    if (why := place_doubted(first)) is not None:
        warnings.warn(why, stacklevel=3)
    if not to_target:
        for run in runs[1:]:
            img = run.reader.opened
            if (difference := grid_difference(img, first)) is not None:
                raise ValueError(
                    f"{run.name} lies on another grid than {runs[0].name}: {difference}\n"
                    "give target_affine and target_shape to resample both"
                )
    if mask_img is None:
        mask = _found_mask(runs, memory, target_affine, target_shape)
    elif mask_img is False:
        mask = image_like(np.ones(first.shape[:3], np.uint8), first)
        if to_target:
            mask = _resampled(mask, target_affine, target_shape)
    else:
        mask = _given_mask(mask_img)
        if to_target:
            mask = _resampled(mask, target_affine, target_shape)
        elif not same_grid(mask, first):
            warnings.warn(
                f"the mask ({image_name(mask)}, shape {mask.shape}) lies on another grid than {runs[0].name} "
                f"(shape {first.shape[:3]}): the runs are resampled to the mask's grid",
                stacklevel=4,
            )
            to_target = True
    masker = ImageMasker(mask, smoothing_fwhm, resample=to_target)
    check_memory(masker.n_elements_, runs[0].name)
    return masker


def _given_mask(mask_img: Any) -> nib.Nifti1Image:
    mask_img = mask_img_of(mask_img)
    opened = load_image(mask_img)
    return image_like(match_mask(mask_img, opened).astype(np.uint8), opened)


def _found_mask(
    runs: Sequence[RunInput],
    memory: Memory,
    target_affine: Any,
    target_shape: Any,
) -> nib.Nifti1Image:
    """Voxels that lie in the brain of most runs: of two, in both."""
    find = memory.cache(_epi_mask, ignore=["run"])
    masks = []
    for run in runs:
        key = None if memory.location is None else image_key(run.source)
        masks.append(find(key, run, target_affine, target_shape))
    brains = [image_data(mask) > 0 for mask in masks]
    common = common_voxels(brains)
    if not common.any():
        raise ValueError("the brains that were found in the runs have no voxel in common; give a mask")
    text = little_is_shared(int(common.sum()), [int(b.sum()) for b in brains], [run.name for run in runs], "runs")
    if text is not None:
        warnings.warn(text, stacklevel=5)
    return image_like(common.astype(np.uint8), masks[0])


def _epi_mask(
    key: str | None,
    run: RunInput,
    target_affine: Any,
    target_shape: Any,
) -> nib.Nifti1Image:
    """Mask of one run, found on the target's grid; `key` stands for the run when masks are kept."""
    mean = resample_img(run.domain.volume_image(run.reader.mean()), target_affine, target_shape)
    try:
        mask = find_brain(mean)
    except ValueError as error:
        raise about(run.name, error) from error
    return image_like(mask.astype(np.uint8), mean)


def _resampled(mask: nib.Nifti1Image, target_affine: Any, target_shape: Any) -> nib.Nifti1Image:
    return resample_img(mask, target_affine, target_shape, interpolation="nearest")
