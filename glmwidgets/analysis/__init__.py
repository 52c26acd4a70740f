"""What follows from a run and a specification: contrast, threshold, clusters, and what is said beside a map."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Answer": "glmwidgets.analysis.answers",
    "Carpet": "glmwidgets.analysis.carpet",
    "Clusters": "glmwidgets.analysis.thresholding",
    "Comparison": "glmwidgets.analysis.compare",
    "ContrastBook": "glmwidgets.analysis.verdicts",
    "ContrastVerdict": "glmwidgets.analysis.verdicts",
    "EventSource": "glmwidgets.analysis.events",
    "Fitted": "glmwidgets.analysis.answers",
    "GroupAnswer": "glmwidgets.analysis.answers",
    "PlaceSeries": "glmwidgets.analysis.places",
    "RunAnswer": "glmwidgets.analysis.answers",
    "RunEffect": "glmwidgets.analysis.voxels",
    "RunEffects": "glmwidgets.analysis.voxels",
    "SpatialNoise": "glmwidgets.analysis.smoothness",
    "RunPart": "glmwidgets.analysis.answers",
    "RunsAnswer": "glmwidgets.analysis.answers",
    "adapted_expression": "glmwidgets.analysis.proposals",
    "all_pairs": "glmwidgets.analysis.proposals",
    "bounds_of": "glmwidgets.analysis.thresholding",
    "cluster_tsv": "glmwidgets.analysis.cluster_table",
    "clusters_of": "glmwidgets.analysis.thresholding",
    "condition_columns": "glmwidgets.analysis.proposals",
    "contrast_of": "glmwidgets.analysis.steps",
    "design_of": "glmwidgets.analysis.steps",
    "effects_of_interest": "glmwidgets.analysis.proposals",
    "event_findings": "glmwidgets.analysis.events",
    "find_place": "glmwidgets.analysis.places",
    "fit_of": "glmwidgets.analysis.steps",
    "make_carpet": "glmwidgets.analysis.carpet",
    "measures_of": "glmwidgets.analysis.events",
    "mended_expression": "glmwidgets.analysis.proposals",
    "moments_of": "glmwidgets.analysis.steps",
    "place_series": "glmwidgets.analysis.places",
    "scan_traces": "glmwidgets.analysis.carpet",
    "smoothness_of": "glmwidgets.analysis.smoothness",
    "series_of": "glmwidgets.analysis.steps",
    "threshold_of": "glmwidgets.analysis.thresholding",
    "written_contrast": "glmwidgets.analysis.proposals",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
