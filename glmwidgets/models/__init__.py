"""The conventional estimators: models that are fitted to images, and inference on their maps."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "FirstLevelModel": "glmwidgets.models.first_level",
    "ImageMasker": "glmwidgets.models.masker",
    "NiftiLabelsMasker": "glmwidgets.models.labels_masker",
    "NiftiMasker": "glmwidgets.models.maskers",
    "NiftiSpheresMasker": "glmwidgets.models.maskers",
    "NotFittedError": "glmwidgets.models.base",
    "SecondLevelModel": "glmwidgets.models.second_level",
    "cluster_level_inference": "glmwidgets.models.thresholding",
    "compute_fixed_effects": "glmwidgets.models.fixed_effects",
    "first_level_from_bids": "glmwidgets.models.from_bids",
    "get_clusters_table": "glmwidgets.models.thresholding",
    "non_parametric_inference": "glmwidgets.models.permutation_inference",
    "runs_random_field": "glmwidgets.models.mapping",
    "threshold_stats_img": "glmwidgets.models.thresholding",
}

__all__ = [*_EXPORTS]

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
