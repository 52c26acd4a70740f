"""Keywords that a function hands on to others, such as those that choose a run of a dataset."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

from glmwidgets.glm.choices import meant
from glmwidgets.glm.errors import KindError


def check_arguments(function: Callable[..., Any], given: Iterable[str], *takers: Callable[..., Any]) -> None:
    """Refuse keywords that no function takes, in the name of the one that was called.

    Parameters
    ----------
    function : callable
        What was called; its own arguments may have been meant.
    given : iterable of str
        Keywords that it hands on.
    *takers : callable
        Functions that it hands them to, whose keyword-only arguments they may be.

    Raises
    ------
    KindError
        A TypeError, and a ValueError.

    Examples
    --------
    >>> def find(place, *, task=None, space=None): ...
    >>> def explore(place, **which):
    ...     check_arguments(explore, which, find)
    >>> explore("bids", tsk="rest")
    Traceback (most recent call last):
    glmwidgets.glm.errors.KindError: explore has no argument 'tsk'; did you mean 'task'?
    """
    taken = [p.name for each in takers for p in _parameters(each) if p.kind is p.KEYWORD_ONLY]
    own = [p.name for p in _parameters(function) if p.kind is not p.VAR_KEYWORD]
    for name in given:
        if name not in taken:
            advice = meant(name, [*own, *taken]) or f"it has {', '.join(dict.fromkeys([*own, *taken]))}"
            raise KindError(f"{function.__qualname__} has no argument {name!r}", advice=advice)


def _parameters(function: Callable[..., Any]) -> Iterable[inspect.Parameter]:
    return inspect.signature(function).parameters.values()
