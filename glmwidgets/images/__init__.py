"""NIfTI in and out: load, mask, smooth, resample, save."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "ImageLike": "glmwidgets.images.load",
    "apply_mask": "glmwidgets.images.masking",
    "binarize_img": "glmwidgets.images.arithmetic",
    "clean_img": "glmwidgets.images.clean",
    "common_voxels": "glmwidgets.images.mask",
    "compute_background_mask": "glmwidgets.images.masking",
    "compute_epi_mask": "glmwidgets.images.masking",
    "compute_multi_epi_mask": "glmwidgets.images.masking",
    "concat_imgs": "glmwidgets.images.load",
    "copy_img": "glmwidgets.images.volumes",
    "find_brain": "glmwidgets.images.mask",
    "gaussian_sigma": "glmwidgets.images.smooth",
    "get_data": "glmwidgets.images.volumes",
    "header_t_r": "glmwidgets.images.load",
    "high_variance_confounds": "glmwidgets.images.clean",
    "image_data": "glmwidgets.images.voxels",
    "image_like": "glmwidgets.images.new",
    "image_name": "glmwidgets.images.names",
    "index_img": "glmwidgets.images.volumes",
    "intersect_masks": "glmwidgets.images.masking",
    "iter_img": "glmwidgets.images.volumes",
    "load_image": "glmwidgets.images.load",
    "load_img": "glmwidgets.images.volumes",
    "load_run": "glmwidgets.images.load",
    "load_volume": "glmwidgets.images.load",
    "masked_series": "glmwidgets.images.mask",
    "match_mask": "glmwidgets.images.mask",
    "math_img": "glmwidgets.images.arithmetic",
    "mean_img": "glmwidgets.images.mean",
    "new_image": "glmwidgets.images.new",
    "new_img_like": "glmwidgets.images.volumes",
    "resample_img": "glmwidgets.images.resample",
    "resample_to_img": "glmwidgets.images.resample",
    "save_image": "glmwidgets.images.save",
    "smooth_img": "glmwidgets.images.smooth",
    "sphere_indices": "glmwidgets.images.spheres",
    "sphere_series": "glmwidgets.images.spheres",
    "threshold_img": "glmwidgets.images.arithmetic",
    "to_mm": "glmwidgets.images.coordinates",
    "to_volumes": "glmwidgets.images.mask",
    "unmask": "glmwidgets.images.masking",
    "voxel_series": "glmwidgets.images.mask",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
