"""Settings that a stage declares: it can read these and no others.

A stage's key is made of the settings that it declares. One that it read without declaring it would leave a map that
is out of date on screen and say nothing; so to read it is an error, here and now, for whoever wrote the stage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, NoReturn

from glmwidgets.glm.errors import GlmwidgetsError


class UndeclaredRead(GlmwidgetsError, RuntimeError):
    """A stage read a setting that it had not declared: a fault of the program, not of what a person chose.

    Attributes
    ----------
    stage : str
    path : str
        The setting, or a whole group of them.
    """

    def __init__(self, stage: str, path: str):
        super().__init__(
            f"the stage {stage!r} reads {path} without declaring it, so its result could be out of date: "
            "this is a fault of glmwidgets",
            advice="add it to the stage's reads",
        )
        self.stage = stage
        self.path = path


def by_group(paths: tuple[str, ...]) -> dict[str, frozenset[str]]:
    """Names of the settings at some paths, by group.

    Examples
    --------
    >>> sorted(by_group(("noise.model", "noise.pooling"))["noise"])
    ['model', 'pooling']
    """
    pairs = [path.split(".") for path in paths]
    return {group: frozenset(name for of, name in pairs if of == group) for group, _ in pairs}


class DeclaredSettings:
    """Settings of which only some may be read.

    Parameters
    ----------
    settings : SettingsTree or DeclaredSettings
    stage : str
        Who reads.
    declared : mapping from str to frozenset of str
        Names that may be read, by group; see `by_group`.

    Raises
    ------
    UndeclaredRead
        From whatever reads another setting, or takes a whole group of which some settings are not declared.

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> seen = DeclaredSettings(Settings(), "fit", by_group(("noise.model",)))
    >>> seen.noise.model, seen.get("noise.model")
    ('ar1', 'ar1')
    >>> seen.noise.pooling
    Traceback (most recent call last):
    glmwidgets.session.core.declared.UndeclaredRead: the stage 'fit' reads noise.pooling without declaring it, ...
    """

    __slots__ = ("_declared", "_settings", "_stage")

    def __init__(self, settings: Any, stage: str, declared: Mapping[str, frozenset[str]]):
        self._settings, self._stage, self._declared = settings, stage, declared

    def __getattr__(self, name: str) -> Any:
        group = getattr(self._settings, name)
        names = self._declared.get(name)
        if names is None:
            raise UndeclaredRead(self._stage, name)
        if type(group) is not _DeclaredGroup and names >= _names(type(group)):
            return group
        return _DeclaredGroup(group, name, self._stage, names)

    def get(self, path: str) -> Any:
        """Value at a path such as ``"design.hrf_model"``."""
        value = self._settings.get(path)
        group, _, name = path.partition(".")
        if name not in self._declared.get(group, ()):
            raise UndeclaredRead(self._stage, path)
        return value


class _DeclaredGroup:
    """A group of which only some settings may be read; its methods read them through it."""

    __slots__ = ("_group", "_kind", "_name", "_names", "_stage")

    def __init__(self, group: Any, name: str, stage: str, names: frozenset[str]):
        self._group, self._name, self._stage, self._names = group, name, stage, names
        self._kind = group._kind if type(group) is _DeclaredGroup else type(group)

    def __getattr__(self, name: str) -> Any:
        if name in self._names:
            return getattr(self._group, name)
        if name in _names(self._kind):
            raise UndeclaredRead(self._stage, f"{self._name}.{name}")
        found = next((vars(kind)[name] for kind in self._kind.__mro__ if name in vars(kind)), None)
        if found is None:
            raise AttributeError(f"{self._kind.__name__} has no {name}")
        return found.__get__(self, self._kind) if hasattr(found, "__get__") else found

    def _refuse(self, *_: Any) -> NoReturn:
        raise UndeclaredRead(self._stage, f"the whole group {self._name}")

    __eq__ = __hash__ = _refuse


@cache
def _names(group: type) -> frozenset[str]:
    return frozenset(field.name for field in fields(group))
