"""Places: atlases that people have, looked up in mm, what is said of a place or a cluster, and regions of interest."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "atlas": "Atlas LabelAtlas ProbabilityAtlas",
    "atlas_image": "make_atlas",
    "interest": "RegionOfInterest label_image write_label_image",
    "labels": "Label LabelTable",
    "named": "REGION_COLUMNS ClusterNames name_clusters",
    "opening": "open_atlas",
    "places": "Place Shares",
    "spaces": "hedge_of_spaces is_mni space_in_name space_in_names",
    "tables": "FORMATS parse_labels read_labels",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
