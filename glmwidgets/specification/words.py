"""Settings in a person's words: what each is called, and what changed from one tree to another."""

from __future__ import annotations

from typing import Any

from glmwidgets.specification.settings import Settings, is_analysis

__all__ = ["LIST_OF_CONTRASTS", "changes_in_words", "describe_changes"]

#: Settings that change no map, and are told of only where nothing else changed.
LIST_OF_CONTRASTS = frozenset(path for path, known in Settings.known().items() if known.aside)


def changes_in_words(changes: dict[str, tuple[Any, Any]]) -> tuple[str, ...]:
    """Each change of a setting as a few words.

    Parameters
    ----------
    changes : dict from path to (before, after)
        As `glmwidgets.specification.settings.Settings.changes_from` gives them.

    Returns
    -------
    tuple of str

    Examples
    --------
    >>> changes_in_words({"noise.model": ("ar1", "ols"), "data.smoothing_fwhm": (None, 5.0)})
    ('noise AR(1) → OLS (white)', 'smoothing none → 5 mm')
    """
    told = {path: pair for path, pair in changes.items() if is_analysis(path) and path not in LIST_OF_CONTRASTS}
    words = tuple(Settings.field(path).changed(*pair) for path, pair in told.items())
    return words or (("list of contrasts",) if LIST_OF_CONTRASTS & set(changes) else ())


def describe_changes(after: Settings, before: Settings) -> str:
    """What differs between two trees, in one line; empty if nothing does.

    Examples
    --------
    >>> describe_changes(Settings().updated({"design.high_pass": 1 / 64}), Settings())
    'high-pass 100 s → 64 s'
    """
    return " · ".join(changes_in_words(after.changes_from(before)))
