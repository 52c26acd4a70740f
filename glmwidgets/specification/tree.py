"""A frozen tree of settings that JSON can hold: what every kind of session has for its state.

A tree is a frozen dataclass whose fields are groups, frozen dataclasses too, whose fields are texts, numbers, truth
values or tuples of these. A path such as ``design.hrf_model`` names a setting.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from functools import cache
from operator import attrgetter
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from glmwidgets.files.envelope import enveloped, opened
from glmwidgets.files.json_tree import JsonTree, converted
from glmwidgets.files.writing import noted
from glmwidgets.glm.choices import meant, nearest
from glmwidgets.specification.field import UNSAID, Field, SettingsError, field_of

Tree = TypeVar("Tree", bound="SettingsTree")


class SettingsTree:
    """What a dataclass of groups of settings inherits.

    Attributes
    ----------
    FORMAT : str
        What stands at the head of a file of such settings.
    VIEWS : frozenset of str
        Groups that say how a result is looked at: they are no part of the model, and nothing is computed for them.

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> settings = Settings().updated({"noise.model": "ols"})
    >>> settings.get("noise.model"), Settings.field("noise.model").label
    ('ols', 'noise')

    """

    FORMAT: ClassVar[str] = "glmwidgets settings"
    VIEWS: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def paths(cls) -> tuple[str, ...]:
        """Every path there is, in the order of the fields."""
        return tuple(_hints(cls))

    @classmethod
    def field(cls, path: str) -> Field:
        """What is known of the setting at a path."""
        cls._split(path)
        return _fields(cls)[path]

    @classmethod
    def known(cls) -> Mapping[str, Field]:
        """What is known of every setting, by path, in the order of the fields."""
        return _fields(cls)

    @classmethod
    def hint(cls, path: str) -> Any:
        """Type of the setting at a path, as it is annotated."""
        cls._split(path)
        return _hints(cls)[path]

    def part(self, kind: type[Tree]) -> Tree:
        """The part of this tree that is a tree of another kind, such as the `Model` of settings."""
        return kind(**{group.name: getattr(self, group.name) for group in dataclasses.fields(kind)})

    def get(self, path: str) -> Any:
        """Value at a path such as ``"design.hrf_model"``."""
        getter = _getters(type(self)).get(path)
        if getter is None:
            self._split(path)
        return getter(self)

    def updated(self: Tree, changes: Mapping[str, Any]) -> Tree:
        """Copy with the values at some paths replaced.

        Parameters
        ----------
        changes : mapping from path to value

        Raises
        ------
        SettingsError
            If a path does not exist or a value cannot be used; `self` is as it was.
        """
        by_group: dict[str, dict[str, Any]] = {}
        for path, value in changes.items():
            group, name = self._split(path)
            value = _held(path, value, _fields(type(self))[path])
            by_group.setdefault(group, {})[name] = _converted(path, value, _hints(type(self))[path])
        groups = {group: _changed(getattr(self, group), new) for group, new in by_group.items()}
        return dataclasses.replace(self, **groups)

    def changes_from(self, other: SettingsTree) -> dict[str, tuple[Any, Any]]:
        """Paths at which two trees differ, with the other's and this one's value."""
        return {path: (other.get(path), self.get(path)) for path in self.paths() if other.get(path) != self.get(path)}

    @classmethod
    def matters(cls, path: str) -> bool:
        """Whether a result depends on a setting; otherwise it says how it is looked at, or where another came from."""
        return path.partition(".")[0] not in cls.VIEWS and not cls.field(path).is_origin

    def same_analysis(self, other: SettingsTree) -> bool:
        """Whether two trees lead to the same result, however that is looked at."""
        return type(self) is type(other) and not any(map(self.matters, self.changes_from(other)))

    def seen_as(self: Tree, other: Tree) -> Tree:
        """Copy that is looked at as another tree is."""
        return dataclasses.replace(self, **{name: getattr(other, name) for name in self.VIEWS})

    def to_dict(self, views: bool = True, origins: bool = True) -> dict[str, Any]:
        """Plain dictionaries, ready for JSON.

        Parameters
        ----------
        views : bool
            With the groups that say how a result is looked at.
        origins : bool
            With what says where the value of another setting came from.
        """
        tree = {name: group for name, group in dataclasses.asdict(self).items() if views or name not in self.VIEWS}
        for path, known in self.known().items():
            group, _, name = path.partition(".")
            if known.is_origin and not origins and group in tree:
                del tree[group][name]
        return tree

    def to_json(self, views: bool = True) -> str:
        """Readable JSON with the format's name and version at its head; `views` as in `to_dict`."""
        return enveloped(self.FORMAT, self.to_dict(views))

    @classmethod
    def from_dict(cls: type[Tree], tree: Mapping[str, Any]) -> Tree:
        """Build the tree from plain dictionaries; what is absent means what it did before it could be said.

        Raises
        ------
        SettingsError
            If a name is unknown or a value is of the wrong kind.
        """
        read = JsonTree(tree)
        found = cls.read(read)
        read.refuse(SettingsError)
        return found

    @classmethod
    def read(cls: type[Tree], tree: JsonTree) -> Tree:
        """Build the tree from what in a file can be used; the file keeps what cannot."""
        groups = [each.name for each in dataclasses.fields(cls)]
        given: dict[str, Any] = {}
        for group, values in tree.items():
            if group not in groups:
                reason = f"there is no such group of settings; there are {', '.join(groups)}"
                tree.drop(group, values, SettingsError(str(group), reason, meant(group, groups)))
                continue
            for name, value in tree.branch(group).items():
                path = f"{group}.{name}"
                try:
                    cls._split(path)
                    given[path] = _converted(path, value, _hints(cls)[path])
                except SettingsError as error:
                    tree.drop(path, value, error)
        absent = {path: known.absent for path, known in cls.known().items() if known.absent is not UNSAID}
        while True:
            try:
                return cls().updated(absent | given)
            except SettingsError as error:
                if not given:
                    raise
                # What a group cannot hold together goes as a whole.
                wrong = [error.path] if error.path in given else _beside(error.path, given)
                for path in wrong:
                    tree.drop(path, given.pop(path), error)

    @classmethod
    def from_json(cls: type[Tree], text: str | bytes, source: str = "settings") -> Tree:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str or bytes
        source : str
            Name of the file, for messages.

        Raises
        ------
        ValueError
            If the text is no JSON, of another format or version, or holds a setting that cannot be used.
        """
        return cls.from_dict(opened(text, cls.FORMAT, source))

    @classmethod
    def load(cls: type[Tree], path: str | Path) -> Tree:
        """Read a settings file."""
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no settings file at {path}")
        try:
            return cls.from_json(noted(path).read_bytes(), str(path))
        except SettingsError as error:
            error.where = f"{path}: {error.where}"
            raise

    @classmethod
    def _split(cls, path: str) -> tuple[str, str]:
        if path not in _hints(cls):
            group = path.partition(".")[0]
            near = [p for p in cls.paths() if p.startswith(f"{group}.")]
            there = ", ".join(near or (f"{name}. ..." for name in _groups(cls.paths())))
            mean = nearest_setting(path, cls.paths())
            raise SettingsError(
                path, f"there is no such setting; there are {there}", f"did you mean {mean!r}?" * bool(mean)
            )
        group, _, name = path.partition(".")
        return group, name


def nearest_setting(path: str, known: Sequence[str]) -> str | None:
    """The setting that a path probably means which is none.

    Parameters
    ----------
    path : str
        Of a group alone it means the group's first setting, which says what the others are about; otherwise it is a
        setting's name, whole or in part, with a group or without, or something spelt like one of these.
    known : sequence of str
        Paths of the settings.

    Returns
    -------
    str or None

    Examples
    --------
    >>> known = ["inputs.confounds", "design.hrf_model", "design.confounds", "contrast.expression", "contrast.names"]
    >>> [nearest_setting(path, known) for path in ("contrast", "contrasts", "confounds", "hrf", "desing.hrf", "xyz")]
    ['contrast.expression', 'contrast.expression', 'design.confounds', 'design.hrf_model', 'design.hrf_model', None]
    """
    # Inputs belong to the data that are open: who sets something means another.
    groups, settable = _groups(known), [each for each in known if not each.startswith("inputs.")]
    group, dot, name = path.partition(".")
    if dot:
        of = nearest(group, groups)
        inside = [each for each in known if each.startswith(f"{of}.")]
        return _by_name(name, inside) or (None if inside else nearest(path, settable)) or nearest_setting(name, known)
    if group in groups:
        return next(each for each in known if each.startswith(f"{group}."))
    if (found := _by_name(group, settable, spelt_alike=False)) is not None:
        return found
    if (of := nearest(group, groups)) is not None:
        return nearest_setting(of, known)
    return _by_name(group, settable) or nearest(path, settable)


def _by_name(name: str, paths: Sequence[str], spelt_alike: bool = True) -> str | None:
    """The first path that ends in a name, then whose end begins with it, then holds it, then is spelt alike."""
    ends = {each: each.rpartition(".")[2] for each in paths}
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for each, end in ends.items():
            if fits(end, name):
                return each
    alike = nearest(name, ends.values()) if spelt_alike else None
    return next((each for each, end in ends.items() if end == alike), None)


def _groups(paths: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.partition(".")[0] for each in paths))


def _beside(path: str, given: Mapping[str, Any]) -> list[str]:
    """Settings of the group of a path; all, if there are none of it."""
    group = path.partition(".")[0]
    return [each for each in given if each.startswith(f"{group}.")] or list(given)


@cache
def _getters(tree: type) -> dict[str, attrgetter]:
    return {path: attrgetter(path) for path in _hints(tree)}


@cache
def _hints(tree: type) -> dict[str, Any]:
    """Type of every setting, by path."""
    groups = typing.get_type_hints(tree)
    return {
        f"{group.name}.{name}": hint
        for group in dataclasses.fields(tree)
        for name, hint in typing.get_type_hints(groups[group.name]).items()
    }


@cache
def _fields(tree: type) -> Mapping[str, Field]:
    groups = typing.get_type_hints(tree)
    return types.MappingProxyType(
        {
            f"{group.name}.{declared.name}": field_of(declared)
            for group in dataclasses.fields(tree)
            for declared in dataclasses.fields(groups[group.name])
        }
    )


def _changed(group: Any, new: Mapping[str, Any]) -> Any:
    return group.changed(new) if hasattr(group, "changed") else dataclasses.replace(group, **new)


def _held(path: str, value: Any, known: Field) -> Any:
    """What stands in the tree for a function, or for several."""
    several = value if isinstance(value, list | tuple) else [value]
    if known.hold is None or not several or not all(map(callable, several)):
        return value
    try:
        return known.hold(value)
    except (ValueError, TypeError) as error:
        raise SettingsError.of(path, error) from None


def _converted(path: str, value: Any, hint: Any) -> Any:
    """Bring a value from JSON or a control to the type that the tree declares."""
    try:
        return converted(value, hint)
    except ValueError as error:
        raise SettingsError(path, str(error)) from None
