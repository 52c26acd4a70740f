"""Fixed effects of several maps of one effect: those of a participant's runs."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.fit.contrasts import DOF_METHODS, Contrast, fixed_effects, warn_if_liberal
from glmwidgets.glm.fit.heterogeneity import precision_weighted as weighted_by_precision
from glmwidgets.images.grids import grid_difference
from glmwidgets.images.load import ImageLike, image_data, image_name, load_image
from glmwidgets.images.mask import match_mask
from glmwidgets.images.new import image_like
from glmwidgets.models.map_header import describe_map, dof_of
from glmwidgets.models.masker import ImageMasker
from glmwidgets.plural import count

UNKNOWN_DOF = 100.0


class FixedEffects(NamedTuple):
    """Maps of a combined effect, each a Nifti1Image that is zero outside the mask."""

    effect_size: nib.Nifti1Image
    effect_variance: nib.Nifti1Image
    stat: nib.Nifti1Image
    z_score: nib.Nifti1Image


def compute_fixed_effects(
    contrast_imgs: Sequence[ImageLike],
    variance_imgs: Sequence[ImageLike],
    mask: Any = None,
    precision_weighted: bool = False,
    dofs: Sequence[float] | None = None,
    return_z_score: bool = True,
    *,
    dof_method: str = "sum",
) -> Any:
    """Combine the effects of several runs, given as maps of effect and variance.

    With equal weights ``effect = mean(b_r)`` and ``variance = sum(v_r) / n^2``; weighted by precision
    ``effect = sum(b_r / v_r) variance`` and ``variance = 1 / sum(1 / v_r)``. In both ``t = effect / sqrt(variance)``
    with the sum of the runs' degrees of freedom, unless ``dof_method`` says otherwise.

    Parameters
    ----------
    contrast_imgs : sequence of images or paths
        Effects, one a run.
    variance_imgs : sequence of images or paths
        Their variances, in the same order.
    mask : image, path or masker, optional
        Voxels to combine; by default those where every variance is positive.
    precision_weighted : bool
        Weight each run by the inverse of its variance.
    dofs : sequence of float, optional
        Degrees of freedom of the runs. Maps of this package tell theirs; of others 100 are assumed, with a warning.
    return_z_score : bool
        False leaves the last map out, as older versions of nilearn did.
    dof_method : {"sum", "satterthwaite"}
        Degrees of freedom: the sum, as nilearn has them, or those of each voxel, which hold the rate of
        false positives: Satterthwaite's, and weighted by precision those of
        `glmwidgets.glm.fit.heterogeneity.precision_weighted`, with its variance.

    Returns
    -------
    FixedEffects
        ``effect_size``, ``effect_variance``, ``stat`` (t) and ``z_score``; or the first three as a tuple. A voxel
        of which a run says nothing (no variance) is zero.

    Raises
    ------
    ValueError
        If the maps are not as many, lie on different grids, or are those of a test with several rows.

    Warns
    -----
    UserWarning
        If the degrees of freedom are not known, or their sum finds too much, as where one run is short.

    Examples
    --------
    >>> def image(value):
    ...     return nib.Nifti1Image(np.full((2, 2, 2), value), np.eye(4))
    >>> maps = compute_fixed_effects([image(2.0), image(4.0)], [image(1.0), image(3.0)], dofs=[50, 50])
    >>> [float(img.get_fdata()[0, 0, 0]) for img in maps[:3]]
    [3.0, 1.0, 3.0]
    """
    check_choice("dof_method", dof_method, DOF_METHODS)
    effects, variances = ([load_image(img) for img in imgs] for imgs in (contrast_imgs, variance_imgs))
    if len(effects) != len(variances) or not effects:
        raise ValueError(
            f"{count(len(effects), 'map')} of effects and {len(variances)} of variances were given; "
            "one of each is needed for every run"
        )
    for img in (*effects, *variances):
        if img.ndim != 3:
            raise ValueError(
                f"{image_name(img)} has shape {img.shape}; only effects of one row, 3-D maps, can be combined. "
                "For an F test over runs, fit one FirstLevelModel to all of them"
            )
        if (difference := grid_difference(img, effects[0])) is not None:
            raise ValueError(f"{image_name(img)} and {image_name(effects[0])} lie on different grids: {difference}")
    v, b = (np.array([image_data(img) for img in imgs], dtype=np.float64) for imgs in (variances, effects))
    known = (np.isfinite(b) & np.isfinite(v) & (v > 0)).all(axis=0)
    masker = ImageMasker(_mask(mask, known, effects[0]))
    v, b, known = v[:, masker.mask_], b[:, masker.mask_], known[masker.mask_]
    if dead := int(np.count_nonzero(~known)):
        warnings.warn(
            f"{dead:,} of {known.size:,} voxels in the mask are left out: in one of the runs their variance is 0, or "
            "a map is not finite",
            stacklevel=2,
        )
    runs = [
        Contrast(np.where(known, effect, 0.0)[np.newaxis], np.where(known, variance, 0.0)[np.newaxis, np.newaxis], dof)
        for effect, variance, dof in zip(b, v, _dofs(dofs, variances), strict=True)
    ]
    combined, corrected = _summed(runs, precision_weighted), _corrected(runs, precision_weighted)
    if dof_method == "satterthwaite":
        combined = corrected
    else:
        warn_if_liberal(combined, corrected, 'pass dof_method="satterthwaite"')
    images = []
    for name in FixedEffects._fields:
        images.append(masker.inverse_transform(getattr(combined, name)()))
        describe_map(images[-1], name, combined, count(len(v), "run"))
    found = FixedEffects(*images)
    return found if return_z_score else tuple(found[:3])


def _mask(mask: Any, known: np.ndarray, like: nib.Nifti1Image) -> nib.Nifti1Image:
    if mask is None:
        if not known.any():
            raise ValueError("no voxel has a positive variance in every map")
        return image_like(known.astype(np.uint8), like)
    given = getattr(mask, "mask_img_", mask)
    return image_like(match_mask(given, like).astype(np.uint8), like)


def _summed(runs: Sequence[Contrast], by_precision: bool) -> Contrast:
    """The field's way: the variance as if weights were known, and the sum of the degrees of freedom."""
    if not by_precision:
        return fixed_effects(runs, dof_method="sum")
    known = runs[0].known
    v = np.where(known, [run.surest_variance() for run in runs], 1.0)
    variance = 1 / np.sum(1 / v, axis=0)
    effect = np.sum([run.effect[0] for run in runs] / v, axis=0) * variance
    total = float(sum(run.dof for run in runs))
    return Contrast(effect[np.newaxis], np.where(known, variance, 0.0)[np.newaxis, np.newaxis], total)


def _corrected(runs: Sequence[Contrast], by_precision: bool) -> Contrast:
    return weighted_by_precision(runs) if by_precision else fixed_effects(runs)


def _dofs(dofs: Sequence[float] | None, variances: Sequence[nib.Nifti1Image]) -> list[float]:
    if dofs is not None:
        if len(dofs) != len(variances):
            raise ValueError(f"{len(dofs)} degrees of freedom were given for {len(variances)} runs")
        return [float(dof) for dof in dofs]
    told = [dof_of(img) for img in variances]
    if None in told:
        warnings.warn(
            f"the headers of the maps do not state their degrees of freedom; {UNKNOWN_DOF:g} a run are assumed: "
            "give dofs",
            stacklevel=3,
        )
    return [UNKNOWN_DOF if dof is None else dof for dof in told]
