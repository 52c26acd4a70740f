"""What is asked: every setting of a run, of several and of a group, in frozen trees that JSON can hold."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "CARPETS": "glmwidgets.specification.series",
    "COLORMAPS": "glmwidgets.web.palettes",
    "CONVENTIONS": "glmwidgets.specification.looks",
    "CUTS": "glmwidgets.specification.looks",
    "ConfoundChoice": "glmwidgets.specification.confound_choice",
    "ContrastSettings": "glmwidgets.specification.question",
    "DesignSettings": "glmwidgets.specification.model",
    "EventsSettings": "glmwidgets.specification.events",
    "FixedSettings": "glmwidgets.specification.fixed",
    "GroupInputSettings": "glmwidgets.specification.group",
    "GroupSettings": "glmwidgets.specification.group",
    "InputSettings": "glmwidgets.specification.source",
    "MapSettings": "glmwidgets.specification.looks",
    "NoiseSettings": "glmwidgets.specification.noise",
    "ORDERS": "glmwidgets.specification.series",
    "PermutationSettings": "glmwidgets.specification.group",
    "SEQUENTIAL": "glmwidgets.web.palettes",
    "SERIES_PLACES": "glmwidgets.specification.series",
    "Settings": "glmwidgets.specification.settings",
    "SettingsError": "glmwidgets.specification.field",
    "SettingsTree": "glmwidgets.specification.tree",
    "Spot": "glmwidgets.specification.series",
    "TableSettings": "glmwidgets.specification.group",
    "ThresholdSettings": "glmwidgets.specification.question",
    "VIEWS": "glmwidgets.specification.looks",
    "WEIGHTINGS": "glmwidgets.specification.fixed",
    "changes_in_words": "glmwidgets.specification.words",
    "model_of": "glmwidgets.specification.fixed",
    "read_by": "glmwidgets.specification.reading",
    "reads": "glmwidgets.specification.reading",
    "written_model": "glmwidgets.specification.fixed",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
