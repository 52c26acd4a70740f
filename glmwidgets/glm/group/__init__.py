"""Groups: designs of subjects, their estimates, and the maps that are unlike the others."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "GROUP_ESTIMATORS": "glmwidgets.glm.group.fit",
    "GroupFit": "glmwidgets.glm.group.fit",
    "Influence": "glmwidgets.glm.group.influence",
    "KINDS": "glmwidgets.glm.group.terms",
    "MATCHES": "glmwidgets.glm.group.matching",
    "Matching": "glmwidgets.glm.group.matching",
    "TermColumn": "glmwidgets.glm.group.terms",
    "check_group_design": "glmwidgets.glm.group.design",
    "columns_of_terms": "glmwidgets.glm.group.terms",
    "design_of_terms": "glmwidgets.glm.group.terms",
    "fit_group": "glmwidgets.glm.group.fit",
    "group_contrast": "glmwidgets.glm.group.fit",
    "group_weights": "glmwidgets.glm.group.fit",
    "make_second_level_design_matrix": "glmwidgets.glm.group.design",
    "kind_of": "glmwidgets.glm.group.terms",
    "map_distances": "glmwidgets.glm.group.influence",
    "map_influence": "glmwidgets.glm.group.influence",
    "match_table": "glmwidgets.glm.group.matching",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
