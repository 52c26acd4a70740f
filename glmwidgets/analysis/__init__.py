"""Results of a run under a specification: contrasts, thresholds, clusters, and the texts beside a map."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "answers": "Answer Fitted GroupAnswer RunAnswer RunPart RunsAnswer",
    "carpet": "Carpet make_carpet scan_traces",
    "cluster_table": "cluster_tsv",
    "compare": "Comparison",
    "events": "EventSource event_findings measures_of",
    "noise_tables": "find_table",
    "places": "PlaceSeries find_place place_series",
    "proposals": (
        "adapted_expression all_pairs condition_columns effects_of_interest mended_expression written_contrast"
    ),
    "signal_change": "SignalChange change_table signal_changes",
    "significance": "Judged judged_of",
    "smoothness": "SpatialNoise group_smoothness_of runs_smoothness_of smoothness_of",
    "steps": "contrast_of design_of fit_of moments_of series_of",
    "thresholding": "Clusters Searched bounds_of clusters_of searched_of threshold_of",
    "verdicts": "ContrastBook ContrastVerdict",
    "voxels": "RunEffect RunEffects",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
