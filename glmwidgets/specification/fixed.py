"""Everything a person can choose of fixed effects over runs, as one frozen tree that JSON can hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple

from glmwidgets.glm.choices import Choices
from glmwidgets.glm.fit.contrasts import Contrast, fixed_effects
from glmwidgets.glm.fit.heterogeneity import precision_weighted
from glmwidgets.specification.settings import ContrastSettings, MapSettings, Settings, ThresholdSettings
from glmwidgets.specification.tree import SettingsTree, one_of

__all__ = ["WEIGHTINGS", "FixedSettings", "RunsSettings", "Weighting", "model_of", "written_model"]


class Weighting(NamedTuple):
    """How runs are combined: a row of `WEIGHTINGS`.

    Attributes
    ----------
    label : str
        In a menu, after "weighted".
    combine : callable
        Makes one `glmwidgets.glm.fit.contrasts.Contrast` of those of two runs or more.
    by_estimator : bool
        Whether `glmwidgets.models.FirstLevelModel` combines its runs so.
    """

    label: str
    combine: Callable[[Sequence[Contrast]], Contrast]
    by_estimator: bool = False


#: How runs are combined, by name.
WEIGHTINGS: Choices[Weighting] = Choices(
    {
        "equal": Weighting("every run the same", fixed_effects, by_estimator=True),
        "precision": Weighting("runs by their precision", precision_weighted),
    }
)

#: Groups of a run's settings that make its model.
MODEL = ("data", "events", "design", "noise")


def written_model(settings: Settings) -> str:
    """The model of a run in one line of JSON: its settings without what is asked of it.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    str
    """
    tree = settings.to_dict()
    return json.dumps({group: tree[group] for group in MODEL}, sort_keys=True)


def model_of(text: str, contrast: ContrastSettings, threshold: ThresholdSettings) -> Settings:
    """Settings of a run from its written model, and what is asked of it.

    Examples
    --------
    >>> settings = Settings().updated({"noise.model": "ols"})
    >>> model_of(written_model(settings), settings.contrast, settings.threshold) == settings
    True
    """
    changes = {f"contrast.{name}": getattr(contrast, name) for name in ("expression", "names", "expressions", "active")}
    return Settings.from_dict({**json.loads(text), "threshold": vars(threshold)}).updated(changes)


@dataclass(frozen=True)
class RunsSettings:
    """What is combined.

    Attributes
    ----------
    models : tuple of str
        Model of each run, see `written_model`. They follow the runs.
    left_out : tuple of int
        Numbers of runs, from 1, that are not used.
    weighting : str
        A key of `WEIGHTINGS`.
    """

    models: tuple[str, ...] = ()
    left_out: tuple[int, ...] = ()
    weighting: str = "equal"

    def __post_init__(self) -> None:
        one_of("runs.weighting", self.weighting, WEIGHTINGS)


@dataclass(frozen=True)
class FixedSettings(SettingsTree):
    """The whole tree."""

    FORMAT: ClassVar[str] = "glmwidgets fixed effects settings"
    VIEWS: ClassVar[frozenset[str]] = frozenset({"map"})

    runs: RunsSettings = field(default_factory=RunsSettings)
    contrast: ContrastSettings = field(default_factory=ContrastSettings)
    threshold: ThresholdSettings = field(default_factory=ThresholdSettings)
    map: MapSettings = field(default_factory=MapSettings)
