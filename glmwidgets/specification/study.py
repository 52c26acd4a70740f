"""Everything a person can choose of a study, as one frozen tree that JSON can hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from glmwidgets.specification.field import check_group, setting
from glmwidgets.specification.group import GroupQuestion
from glmwidgets.specification.looks import MapView
from glmwidgets.specification.model import Model


def _counted(what: str) -> object:
    return lambda values: f"{len(values)} {what}" if values else "none"


@dataclass(frozen=True)
class StudyChoices:
    """Which runs are in the group's map.

    Attributes
    ----------
    rules : tuple of str
        Runs for which one of them holds are left out, such as ``fd_mean ge 0.5``; see
        `glmwidgets.study.exclusions.parse_rule`.
    decisions : tuple of (run, decision, comment, rater, time)
        What a person decided by hand, which goes before the rules.
    """

    rules: tuple[str, ...] = setting((), "rules", say=_counted("rules"))
    decisions: tuple[tuple[str, ...], ...] = setting((), "decisions", say=_counted("by hand"))

    def __post_init__(self) -> None:
        check_group(self, "study")


@dataclass(frozen=True)
class StudySettings(MapView, GroupQuestion, Model):
    """The whole tree: one model of all runs, what is asked of them and of the group, and which runs are in.

    Examples
    --------
    >>> settings = StudySettings().updated({"design.hrf_model": "glover", "study.rules": ["fd_mean ge 0.5"]})
    >>> StudySettings.from_json(settings.to_json()) == settings
    True
    """

    FORMAT: ClassVar[str] = "glmwidgets study settings"
    VIEWS: ClassVar[frozenset[str]] = frozenset({"map", "permutation"})

    study: StudyChoices = field(default_factory=StudyChoices)
