"""What was set, step by step, as lines of Python that set it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from glmwidgets.specification.encoding import encode
from glmwidgets.specification.tree import SettingsTree


def lines_of(trees: Sequence[SettingsTree]) -> list[str]:
    """A line for each step from one tree to the next.

    Parameters
    ----------
    trees : sequence of SettingsTree

    Returns
    -------
    list of str

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> first = Settings()
    >>> for line in lines_of([first, first.updated({"noise.model": "ols"})]):
    ...     print(line)
    explorer.session.update({'noise.model': 'ols'})
    """
    lines = []
    for before, after in pairwise(trees):
        changes = {path: value for path, (_, value) in after.changes_from(before).items()}
        if changes:
            lines.append(f"explorer.session.update({changes!r})")
    return lines


def call_of(function: str, given: Sequence[str], named: Mapping[str, Any], first: SettingsTree) -> str:
    """The call that opens an explorer which begins as a tree says.

    Parameters
    ----------
    function : str
        Such as ``"gw.explore"``.
    given : sequence of str
        Its first arguments, as they are written.
    named : mapping
        Further arguments, by name; None for those that are not given.
    first : SettingsTree

    Returns
    -------
    str

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> call_of("gw.explore", ["run"], {"t_r": 2.0, "mask": None}, Settings())[:41]
    'explorer = gw.explore(run, t_r=2.0, state'
    """
    try:
        begun = f"state={encode(first)!r}"
    except ValueError:  # too long for a state, as events that were edited may be
        plain = type(first).from_dict({})
        changes = {path: value for path, (_, value) in first.changes_from(plain).items() if path[:7] != "inputs."}
        begun = f"settings={changes!r}"
    more = [f"{name}={value!r}" for name, value in named.items() if value is not None]
    return f"explorer = {function}({', '.join([*given, *more, begun])})"
