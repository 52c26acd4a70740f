"""What is asked: every setting of a run, of several and of a group, in frozen trees that JSON can hold."""

from __future__ import annotations

from glmwidgets.front_door import front_door

_EXPORTS = {
    "CARPETS": "glmwidgets.specification.series",
    "COLORMAPS": "glmwidgets.web.palettes",
    "CONVENTIONS": "glmwidgets.specification.looks",
    "CUTS": "glmwidgets.specification.looks",
    "ConfoundChoice": "glmwidgets.specification.confound_choice",
    "ContrastSettings": "glmwidgets.specification.settings",
    "DesignSettings": "glmwidgets.specification.settings",
    "EventsSettings": "glmwidgets.specification.settings",
    "FixedSettings": "glmwidgets.specification.fixed",
    "GroupInputSettings": "glmwidgets.specification.group",
    "GroupSettings": "glmwidgets.specification.group",
    "InputSettings": "glmwidgets.specification.settings",
    "LIST_OF_CONTRASTS": "glmwidgets.specification.words",
    "MOST_CUTS": "glmwidgets.specification.looks",
    "MOST_PINS": "glmwidgets.specification.series",
    "MapSettings": "glmwidgets.specification.looks",
    "NoiseSettings": "glmwidgets.specification.settings",
    "ORDERS": "glmwidgets.specification.series",
    "PermutationSettings": "glmwidgets.specification.group",
    "SEQUENTIAL": "glmwidgets.web.palettes",
    "SERIES_PLACES": "glmwidgets.specification.series",
    "Settings": "glmwidgets.specification.settings",
    "SettingsError": "glmwidgets.specification.field",
    "SettingsTree": "glmwidgets.specification.tree",
    "Spot": "glmwidgets.specification.series",
    "TableSettings": "glmwidgets.specification.group",
    "ThresholdSettings": "glmwidgets.specification.settings",
    "VIEWS": "glmwidgets.specification.looks",
    "WEIGHTINGS": "glmwidgets.specification.fixed",
    "changes_in_words": "glmwidgets.specification.words",
    "describe_changes": "glmwidgets.specification.words",
    "is_analysis": "glmwidgets.specification.settings",
    "looks_of_file": "glmwidgets.specification.looks",
    "lookup_table": "glmwidgets.web.palettes",
    "model_of": "glmwidgets.specification.fixed",
    "ramp": "glmwidgets.web.palettes",
    "written_model": "glmwidgets.specification.fixed",
}

__all__ = list(_EXPORTS)

__getattr__, __dir__ = front_door(__name__, _EXPORTS)
