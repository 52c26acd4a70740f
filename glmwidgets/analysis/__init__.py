"""What follows from a run and a specification: contrast, threshold, clusters, and what is said beside a map."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Answer": "glmwidgets.analysis.answers",
    "Fitted": "glmwidgets.analysis.answers",
    "COLUMNS": "glmwidgets.analysis.cluster_table",
    "Carpet": "glmwidgets.analysis.carpet",
    "Clusters": "glmwidgets.analysis.thresholding",
    "Comparison": "glmwidgets.analysis.compare",
    "ContrastBook": "glmwidgets.analysis.verdicts",
    "ContrastVerdict": "glmwidgets.analysis.verdicts",
    "EventSource": "glmwidgets.analysis.events",
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
    "effects_of_interest": "glmwidgets.analysis.proposals",
    "event_findings": "glmwidgets.analysis.events",
    "find_place": "glmwidgets.analysis.places",
    "hommel_of": "glmwidgets.analysis.thresholding",
    "make_carpet": "glmwidgets.analysis.carpet",
    "measures_of": "glmwidgets.analysis.events",
    "mended_expression": "glmwidgets.analysis.proposals",
    "modulator_name": "glmwidgets.analysis.events",
    "place_series": "glmwidgets.analysis.places",
    "scan_traces": "glmwidgets.analysis.carpet",
    "smoothness_of": "glmwidgets.analysis.smoothness",
    "threshold_of": "glmwidgets.analysis.thresholding",
    "two_sided": "glmwidgets.analysis.thresholding",
    "types_of": "glmwidgets.analysis.events",
    "weighed_columns": "glmwidgets.analysis.places",
    "written_contrast": "glmwidgets.analysis.proposals",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
