"""Everything a person can choose of fixed effects over runs, as one frozen tree that JSON can hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import ClassVar, NamedTuple

from glmwidgets.glm.choices import Choices
from glmwidgets.glm.fit.contrasts import DOF_METHODS, Contrast, fixed_effects
from glmwidgets.glm.fit.heterogeneity import precision_weighted
from glmwidgets.specification.field import check_group, setting
from glmwidgets.specification.looks import MapView
from glmwidgets.specification.model import Model
from glmwidgets.specification.question import ContrastSettings, Question, ThresholdSettings
from glmwidgets.specification.settings import Settings
from glmwidgets.specification.tree import SettingsTree


class Weighting(NamedTuple):
    """How runs are combined: a row of `WEIGHTINGS`.

    Attributes
    ----------
    label : str
        In a menu, after "weighted".
    combine : callable
        ``combine(contrasts, dof_method)`` makes one `glmwidgets.glm.fit.contrasts.Contrast` of those of several runs.
    by_estimator : bool
        Whether `glmwidgets.models.FirstLevelModel` combines its runs so.
    """

    label: str
    combine: Callable[[Sequence[Contrast], str], Contrast]
    by_estimator: bool = False


def _equally(contrasts: Sequence[Contrast], dof_method: str) -> Contrast:
    return fixed_effects(contrasts, dof_method=dof_method)


#: How runs are combined, by name.
WEIGHTINGS: Choices[Weighting] = Choices(
    {
        "equal": Weighting("every run the same", _equally, by_estimator=True),
        "precision": Weighting("runs by their precision", precision_weighted),
    }
)


def written_model(settings: Settings) -> str:
    """The model of a run in one line of JSON: its settings without what is asked of it.

    Parameters
    ----------
    settings : Settings

    Returns
    -------
    str

    Examples
    --------
    >>> written_model(Settings()).startswith('{"data": {"drop_scans": 0')
    True

    """
    return json.dumps(settings.part(Model).to_dict(), sort_keys=True)


def model_of(text: str, contrast: ContrastSettings, threshold: ThresholdSettings) -> Settings:
    """Settings of a run from its written model, and what is asked of it.

    Parameters
    ----------
    text : str
        What `written_model` gave.
    contrast : ContrastSettings
    threshold : ThresholdSettings

    Returns
    -------
    Settings

    Examples
    --------
    >>> settings = Settings().updated({"noise.model": "ols"})
    >>> model_of(written_model(settings), settings.contrast, settings.threshold) == settings
    True
    """
    changes = {f"contrast.{name}": getattr(contrast, name) for name in ("expression", "names", "expressions", "active")}
    return Settings.from_dict({**json.loads(text), "threshold": vars(threshold)}).updated(changes)


def _models_changed(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    changed = [i + 1 for i, pair in enumerate(zip_longest(before, after)) if pair[0] != pair[1]]
    return f"model of run{'s' * (len(changed) > 1)} {', '.join(map(str, changed))}"


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
    dof_method : {"satterthwaite", "sum"}
        Degrees of freedom of what is combined. Files that do not say it mean the sum over runs, as version 0.1 took it.
    """

    models: tuple[str, ...] = setting(
        (),
        "models",
        say=lambda models: f"of {len(models)} runs",
        change=_models_changed,
    )
    left_out: tuple[int, ...] = setting((), "runs left out")
    weighting: str = setting("equal", "weighted", choices=WEIGHTINGS)
    dof_method: str = setting("satterthwaite", "degrees of freedom", choices=DOF_METHODS, absent="sum")

    def __post_init__(self) -> None:
        check_group(self, "runs")


@dataclass(frozen=True)
class RunsModel(SettingsTree):
    """What is fitted to several runs: the model of each, and how they are combined."""

    runs: RunsSettings = field(default_factory=RunsSettings)


@dataclass(frozen=True)
class FixedSettings(MapView, Question, RunsModel):
    """The whole tree."""

    FORMAT: ClassVar[str] = "glmwidgets fixed effects settings"
    VIEWS: ClassVar[frozenset[str]] = frozenset({"map"})
