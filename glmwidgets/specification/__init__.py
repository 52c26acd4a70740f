"""The specification: every setting of a run, of several and of a group, in frozen trees that JSON can hold."""

from glmwidgets.front_door import front_door

_EXPORTS = {
    "confound_choice": "ConfoundChoice",
    "events": "EventsSettings",
    "field": "SettingsError",
    "fixed": "FixedSettings WEIGHTINGS model_of written_model",
    "glmwidgets.web.palettes": "COLORMAPS SEQUENTIAL",
    "group": "GroupInputSettings GroupSettings PermutationSettings TableSettings",
    "looks": "CONVENTIONS CUTS MapSettings VIEWS",
    "model": "DesignSettings Model",
    "noise": "NoiseSettings",
    "question": "ContrastSettings ThresholdSettings",
    "reading": "read_by reads",
    "series": "CARPETS ORDERS SERIES_PLACES Spot",
    "settings": "Settings",
    "source": "InputSettings",
    "tree": "SettingsTree",
    "words": "changes_in_words",
}

__all__, __getattr__, __dir__ = front_door(__name__, _EXPORTS)
