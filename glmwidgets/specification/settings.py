"""Everything a person can choose of a run, as one frozen tree that JSON can hold.

The tree is the key of every cache, the entry of the ledger, the step of undo and the head of an export: two
analyses are the same if and only if their settings are equal.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import ClassVar

from glmwidgets.specification.events import EventsSettings
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.looks import MapSettings, MapView
from glmwidgets.specification.model import DataSettings, DesignSettings, Model
from glmwidgets.specification.noise import NoiseSettings
from glmwidgets.specification.question import ContrastSettings, Question, ThresholdSettings
from glmwidgets.specification.regions import RegionsSettings
from glmwidgets.specification.series import SeriesSettings
from glmwidgets.specification.source import InputSettings, Source

__all__ = [
    "ContrastSettings",
    "DataSettings",
    "DesignSettings",
    "EventsSettings",
    "InputSettings",
    "MapSettings",
    "NoiseSettings",
    "RegionsSettings",
    "SeriesSettings",
    "Settings",
    "SettingsError",
    "ThresholdSettings",
    "View",
]


@dataclass(frozen=True)
class View(MapView):
    """How a result is looked at; no map depends on it."""

    series: SeriesSettings = field(default_factory=SeriesSettings)
    regions: RegionsSettings = field(default_factory=RegionsSettings)


@dataclass(frozen=True)
class Settings(View, Question, Model, Source):
    """The whole tree: where the run comes from, a `Model`, a `Question` and a `View`.

    Examples
    --------
    >>> settings = Settings().updated({"design.hrf_model": "glover", "threshold.alpha": 0.01})
    >>> settings.design.hrf_model
    'glover'
    >>> Settings.from_json(settings.to_json()) == settings
    True
    >>> settings.changes_from(Settings())
    {'design.hrf_model': ('spm', 'glover'), 'threshold.alpha': (0.001, 0.01)}
    """

    VIEWS: ClassVar[frozenset[str]] = frozenset(group.name for group in dataclasses.fields(View))
