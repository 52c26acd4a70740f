"""Settings in a person's words: what each is called, and what changed from one tree to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from glmwidgets.specification.settings import Settings
from glmwidgets.specification.tree import SettingsTree

__all__ = ["LIST_OF_CONTRASTS", "changes_in_words", "describe_changes"]

#: Settings that change no map, and are told of only where nothing else changed.
LIST_OF_CONTRASTS = frozenset(path for path, known in Settings.known().items() if known.aside)


def changes_in_words(changes: Mapping[str, tuple[Any, Any]], kind: type[SettingsTree] = Settings) -> tuple[str, ...]:
    """Each change of a setting as a few words.

    Parameters
    ----------
    changes : mapping from path to (before, after)
        As `glmwidgets.specification.tree.SettingsTree.changes_from` gives them.
    kind : type
        Of the trees that they are changes of.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> changes_in_words({"noise.model": ("ar1", "ols"), "data.smoothing_fwhm": (None, 5.0)})
    ('noise AR(1) → OLS (white)', 'smoothing none → 5 mm')
    """
    known = {path: kind.field(path) for path in changes if path.partition(".")[0] not in kind.VIEWS}
    words = tuple(field.changed(*changes[path]) for path, field in known.items() if not field.aside)
    return words or (("list of contrasts",) if LIST_OF_CONTRASTS & set(changes) else ())


def describe_changes(after: SettingsTree, before: SettingsTree) -> str:
    """What differs between two trees, in one line; empty if nothing does.

    Examples
    --------
    >>> describe_changes(Settings().updated({"design.high_pass": 1 / 64}), Settings())
    'high-pass 100 s → 64 s'
    """
    return " · ".join(changes_in_words(after.changes_from(before), type(after)))
