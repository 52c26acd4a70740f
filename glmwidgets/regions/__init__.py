"""Names of places: atlases that people have, looked up in mm, and what is said of a place or a cluster."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "Atlas": "glmwidgets.regions.atlas",
    "FORMATS": "glmwidgets.regions.tables",
    "Label": "glmwidgets.regions.labels",
    "LabelAtlas": "glmwidgets.regions.atlas",
    "LabelTable": "glmwidgets.regions.labels",
    "Place": "glmwidgets.regions.places",
    "ProbabilityAtlas": "glmwidgets.regions.atlas",
    "Shares": "glmwidgets.regions.places",
    "hedge_of_spaces": "glmwidgets.regions.spaces",
    "is_mni": "glmwidgets.regions.spaces",
    "make_atlas": "glmwidgets.regions.atlas",
    "open_atlas": "glmwidgets.regions.opening",
    "parse_labels": "glmwidgets.regions.tables",
    "read_labels": "glmwidgets.regions.tables",
    "space_in_name": "glmwidgets.regions.spaces",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
