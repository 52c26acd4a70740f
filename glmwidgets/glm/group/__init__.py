"""Groups: designs of subjects, their estimates, and the maps that are unlike the others."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "design": "check_group_design make_second_level_design_matrix",
    "fit": "GROUP_ESTIMATORS GroupFit fit_group group_contrast group_weights",
    "influence": "Influence map_distances map_influence",
    "matching": "MATCHES Matching match_table",
    "terms": "KINDS TermColumn columns_of_terms design_of_terms kind_of",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
