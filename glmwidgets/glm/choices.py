"""Choices: tables of them, which tell rows of the package from those that a person added, and how one is refused."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from glmwidgets.glm.errors import InputError

Row = TypeVar("Row")

#: More choices than this are not listed where one of them was probably meant.
MANY = 20


class Choices(dict[str, Row]):
    """Rows of one kind of choice by name; whoever adds one has it everywhere.

    Examples
    --------
    >>> table = Choices({"round": 1})
    >>> table["square"] = 2
    >>> table.is_added("round"), table.is_added("square")
    (False, True)
    """

    def __init__(self, rows: Mapping[str, Row] | Iterable[tuple[str, Row]]):
        super().__init__(rows)
        self._own = dict(self)

    def is_added(self, name: str) -> bool:
        """Whether a name means another row than one of the package, so that a script has to bring it along."""
        return self.get(name) is not self._own.get(name)


def nearest(name: object, known: Iterable[str]) -> str | None:
    """The known name that is spelt most like another, whatever its case; None if none is like it.

    Parameters
    ----------
    name : object
    known : iterable of str

    Returns
    -------
    str or None

    Examples
    --------
    >>> nearest("T", ["t", "F"]), nearest("fixd", ["fpr", "fixed"]), nearest("foo", ["t", "F"])
    ('t', 'fixed', None)
    """
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(str(name).casefold(), folded, n=1)
    return folded[close[0]] if close else None


def check_choice(name: str, value: Any, choices: Iterable[Any]) -> Any:
    """Refuse a value that is not one of some choices, with their names and the one that was probably meant.

    Parameters
    ----------
    name : str
        Of the argument.
    value : object
    choices : iterable
        Texts, numbers, None and truth values.

    Returns
    -------
    object
        The value.

    Raises
    ------
    InputError
        A ValueError.

    Examples
    --------
    >>> check_choice("stat_type", "T", ("t", "F"))
    Traceback (most recent call last):
    glmwidgets.glm.errors.InputError: stat_type must be one of 't', 'F', not 'T'; did you mean 't'?
    """
    refused = refusal(value, choices)
    if refused is not None:
        message, advice = refused
        raise InputError(f"{name} {message}", advice=advice)
    return value


def refusal(value: Any, choices: Iterable[Any]) -> tuple[str, str] | None:
    """Why a value is not one of some choices, and what was probably meant; None if it is one of them."""
    choices = list(choices)
    if any(_same(value, choice) for choice in choices):
        return None
    advice = meant(value, choices)
    if advice and len(choices) > MANY:
        return f"cannot be {value!r}", advice
    return f"must be one of {', '.join(map(repr, choices))}, not {value!r}", advice


def meant(value: Any, choices: Iterable[Any]) -> str:
    """Advice on a value that is none of some choices: the text among them that is spelt most like it, if any is.

    Examples
    --------
    >>> meant("cosin", ["cosine", "none", None]), meant(3, ["cosine"])
    ("did you mean 'cosine'?", '')
    """
    near = nearest(value, [choice for choice in choices if isinstance(choice, str)])
    return f"did you mean {near!r}?" if near else ""


def _same(value: Any, choice: Any) -> bool:
    """Equal, without taking True for 1; numpy's numbers and texts are as good as Python's."""
    if isinstance(value, bool) or isinstance(choice, bool) or value is None or choice is None:
        return value is choice
    try:
        return bool(value == choice)
    except (TypeError, ValueError):
        return False
