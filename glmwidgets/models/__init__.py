"""The conventional estimators: models that are fitted to images, and inference on their maps."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_EXPORTS = {
    "FirstLevelModel": "glmwidgets.models.first_level",
    "ImageMasker": "glmwidgets.models.masker",
    "NotFittedError": "glmwidgets.models.base",
    "SecondLevelModel": "glmwidgets.models.second_level",
    "cluster_level_inference": "glmwidgets.models.thresholding",
    "compute_fixed_effects": "glmwidgets.models.fixed_effects",
    "get_clusters_table": "glmwidgets.models.thresholding",
    "non_parametric_inference": "glmwidgets.models.permutation_inference",
    "threshold_stats_img": "glmwidgets.models.thresholding",
}

__all__ = [*_EXPORTS]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'glmwidgets.models' has no attribute {name!r}")
    value = getattr(import_module(_EXPORTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
