"""NIfTI in and out: load, mask, smooth, resample, save."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "arithmetic": "binarize_img math_img threshold_img",
    "clean": "clean_img high_variance_confounds",
    "coordinates": "to_mm",
    "load": "ImageLike header_t_r load_image load_run load_volume",
    "mask": "common_voxels find_brain masked_series match_mask to_volumes voxel_series",
    "masking": "apply_mask compute_background_mask compute_epi_mask compute_multi_epi_mask intersect_masks unmask",
    "mean": "mean_img",
    "names": "image_name",
    "new": "image_like new_image",
    "resample": "resample_img resample_to_img",
    "save": "save_image",
    "smooth": "gaussian_sigma smooth_img",
    "spheres": "sphere_indices sphere_series",
    "volumes": "concat_imgs copy_img get_data index_img iter_img load_img new_img_like",
    "voxels": "image_data",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
