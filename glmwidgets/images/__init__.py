"""NIfTI in and out: load, mask, smooth, resample, save."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "ImageLike": "glmwidgets.images.load",
    "apply_mask": "glmwidgets.images.mask",
    "clean_img": "glmwidgets.images.clean",
    "compute_epi_mask": "glmwidgets.images.mask",
    "gaussian_sigma": "glmwidgets.images.smooth",
    "header_t_r": "glmwidgets.images.load",
    "image_data": "glmwidgets.images.load",
    "image_like": "glmwidgets.images.new",
    "image_name": "glmwidgets.images.load",
    "intersect_masks": "glmwidgets.images.mask",
    "load_image": "glmwidgets.images.load",
    "load_run": "glmwidgets.images.load",
    "load_volume": "glmwidgets.images.load",
    "masked_series": "glmwidgets.images.mask",
    "match_mask": "glmwidgets.images.mask",
    "mean_img": "glmwidgets.images.mean",
    "new_image": "glmwidgets.images.new",
    "resample_img": "glmwidgets.images.resample",
    "save_image": "glmwidgets.images.save",
    "smooth_img": "glmwidgets.images.smooth",
    "sphere_indices": "glmwidgets.images.spheres",
    "sphere_series": "glmwidgets.images.spheres",
    "to_mm": "glmwidgets.images.coordinates",
    "unmask": "glmwidgets.images.mask",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
