"""The conventional estimators: models that are fitted to images, and inference on their maps."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "base": "NotFittedError",
    "first_level": "FirstLevelModel",
    "fixed_effects": "compute_fixed_effects",
    "from_bids": "first_level_from_bids",
    "labels_masker": "NiftiLabelsMasker",
    "mapping": "runs_noise runs_random_field",
    "masker": "ImageMasker",
    "maskers": "NiftiMasker NiftiSpheresMasker",
    "permutation_inference": "non_parametric_inference",
    "permuted": "permuted_ols",
    "run_contrasts": "named_contrasts",
    "second_level": "SecondLevelModel",
    "thresholding": "cluster_level_inference get_clusters_table map_threshold threshold_stats_img",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
