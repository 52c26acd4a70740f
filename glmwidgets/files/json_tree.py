"""A JSON file of ours, read part by part: what in it cannot be used is put aside with its place, its value and why.

A file that has to be right throughout is refused with all that is wrong with it (`JsonTree.refuse`). One of which the
rest is worth having, such as a saved session, is opened without what is wrong, and says it (`JsonTree.warn`).
"""

from __future__ import annotations

import types
import typing
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from glmwidgets.plural import count

#: Beyond it a whole number is none that anything counts.
LARGEST = 2**63

_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "empty"}
_ABSENT: Any = object()
# Stands for what is absent because the group around it is, which is noted already.
_NOTED: Any = object()


def converted(value: Any, hint: Any) -> Any:
    """A value from JSON or a control, as the type that a field declares.

    Parameters
    ----------
    value : object
    hint : type
        ``str``, ``int``, ``float``, ``bool``, a tuple of one of these, a mapping from texts, a union of such types.

    Returns
    -------
    object
        Lists are tuples.

    Raises
    ------
    ValueError
        If it is none of that type; the message goes on after the name of the setting.

    Examples
    --------
    >>> converted([1, 2], tuple[float, ...])
    (1.0, 2.0)
    >>> converted("fast", float | None)
    Traceback (most recent call last):
    ValueError: must be a number or empty, not 'fast'
    """
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None and type(None) not in kinds:
        raise ValueError("cannot be empty")
    for kind in kinds:
        if _is(kind, value):
            return _as(kind, value)
    wanted = " or ".join(_kind_words(kind) for kind in kinds)
    raise ValueError(f"must be {wanted}, not {shown(value)}")


def shown(value: Any) -> str:
    """A value for a message, of at most some 60 letters."""
    if isinstance(value, int) and abs(value) >= LARGEST:
        return "a number of more than 18 digits"
    if isinstance(value, Mapping):
        return f"a group of {len(value)}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value[:3]))}{', ...' if len(value) > 3 else ''}]"
    text = ascii(value) if isinstance(value, str) and _halves(value) else repr(value)
    return text if len(text) <= 60 else f"{text[:59]}..."


def _kind_words(kind: Any) -> str:
    return _KINDS.get(kind) or ("a group" if typing.get_origin(kind) is dict else "a list")


def _kinds_of(items: tuple[Any, ...], value: Any) -> tuple[Any, ...] | None:
    """The kind of each entry of a list; None for what is no such list."""
    if not isinstance(value, list | tuple):
        return None
    kinds = (items[0],) * len(value) if items[-1] is Ellipsis else items
    return kinds if len(kinds) == len(value) else None


def _is(kind: Any, value: Any) -> bool:
    origin, items = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        kinds = _kinds_of(items, value)
        return kinds is not None and all(map(_is, kinds, value))
    if origin is dict:
        named = isinstance(value, Mapping) and all(_is(str, name) for name in value)
        return named and all(_is(items[1], each) for each in value.values())
    if kind in (list, type(None)):
        return isinstance(value, list) if kind is list else value is None
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind in (int, float) and isinstance(value, int) and abs(value) >= LARGEST:
        return False
    if kind is int:
        return isinstance(value, int) or (hasattr(value, "__index__") and not isinstance(value, str))
    if kind is float:
        return isinstance(value, int | float) or hasattr(value, "__float__")
    return kind is str and isinstance(value, str) and not _halves(value)


def _as(kind: Any, value: Any) -> Any:
    origin, items = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple:
        return tuple(map(_as, _kinds_of(items, value), value))
    if origin is dict:
        return {name: _as(items[1], each) for name, each in value.items()}
    return value if kind in (list, type(None)) else kind(value)


def _halves(text: str) -> bool:
    """Whether it holds halves of characters, which JSON can say and no file can hold."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


@dataclass(frozen=True)
class Dropped:
    """Something in a file that cannot be used.

    Attributes
    ----------
    place : str
        Such as ``settings.design.high_pass`` or ``ledger.entries[3].time``.
    value : object
    reason : str
        Goes on after the place.
    error : Exception or None
        What it was refused with.
    """

    place: str
    value: Any
    reason: str
    error: Exception | None = None

    def __str__(self) -> str:
        given = "" if self.value is _ABSENT or "not " + shown(self.value) in self.reason else f" ({shown(self.value)})"
        return f"{self.place}{given}: {self.reason}"


class JsonTree:
    """A group in a JSON file, and what was found wrong in the file so far.

    Parameters
    ----------
    tree : object
        What stands there; anything but a group counts as an empty one, and is noted.
    place : str
        Where it stands; empty for the file itself.

    Attributes
    ----------
    dropped : list of Dropped
        Of the whole file.
    there : bool
        Whether there is such a group.

    Examples
    --------
    >>> tree = JsonTree({"cursor": [1, 2, "x"], "run": {"t_r": 2}})
    >>> tree.branch("run").leaf("t_r", float), tree.leaf("cursor", tuple[int, int, int])
    (2.0, None)
    >>> print(*tree.dropped)
    cursor: must be a list, not [1, 2, 'x']
    """

    def __init__(self, tree: Any, place: str = "", dropped: list[Dropped] | None = None):
        self.place, self.dropped = place, [] if dropped is None else dropped
        self.there = isinstance(tree, Mapping)
        self._tree: Mapping[str, Any] = tree if self.there else {}
        if not self.there and tree is not _NOTED:
            reason = "is missing" if tree is _ABSENT else f"must be a group in braces, not {shown(tree)}"
            self.dropped.append(Dropped(place, tree, reason))

    def __contains__(self, name: str) -> bool:
        return name in self._tree

    def perhaps(self, name: str) -> JsonTree | None:
        """The group of a name, or None where the file says that there is none, or holds something else."""
        if name in self and self._tree[name] is None:
            return None
        found = self.branch(name)
        return found if found.there else None

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and what stands there."""
        return iter(self._tree.items())

    def at(self, name: object) -> str:
        """Place of a name."""
        return f"{self.place}.{name}" if self.place else str(name)

    def drop(self, name: object, value: Any, reason: str | Exception) -> None:
        """Note that something cannot be used."""
        error = reason if isinstance(reason, Exception) else None
        self.dropped.append(Dropped(self.at(name), value, getattr(reason, "message", None) or str(reason), error))

    def branch(self, name: str) -> JsonTree:
        """The group of a name."""
        missing = _ABSENT if self.there else _NOTED
        return JsonTree(self._tree.get(name, missing), self.at(name), self.dropped)

    def branches(self, name: str) -> list[JsonTree]:
        """The groups of a list."""
        rows = self.leaf(name, list, [])
        return [JsonTree(row, f"{self.at(name)}[{i}]", self.dropped) for i, row in enumerate(rows)]

    def leaf(self, name: str, hint: Any, default: Any = None) -> Any:
        """A value, or the default where there is none of that type, which is noted."""
        if name not in self._tree:
            if self.there:
                self.drop(name, _ABSENT, "is missing")
            return default
        try:
            return converted(self._tree[name], hint)
        except ValueError as error:
            self.drop(name, self._tree[name], error)
            return default

    def refuse(self, raised: Callable[[str, str], Exception]) -> None:
        """Raise the first thing that is wrong, with the places of the others.

        Parameters
        ----------
        raised : callable
            Makes an error of a place and a reason, where there is none yet.
        """
        if not self.dropped:
            return
        first, *others = self.dropped
        error = first.error or raised(first.place, first.reason)
        if others and hasattr(error, "message"):
            places = ", ".join(each.place for each in others[:5]) + (", ..." if len(others) > 5 else "")
            error.message += f" ({len(others)} more cannot be used: {places})"
        raise error

    def warn(self, source: object, stacklevel: int = 2) -> None:
        """Say what was left out of a file of which the rest is used: a line each, the first twenty.

        Warns
        -----
        UserWarning
        """
        if not self.dropped:
            return
        lines = [f"  {each}" for each in self.dropped[:20]]
        lines += [f"  and {len(self.dropped) - 20} more"] if len(self.dropped) > 20 else []
        n = len(self.dropped)
        warnings.warn(
            f"{source}: {count(n, 'thing')} in it cannot be used, and what is usual stands there instead\n"
            + "\n".join(lines),
            UserWarning,
            stacklevel=stacklevel + 1,
        )
