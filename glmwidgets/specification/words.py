"""Settings in a person's words: what each is called, and what changed from one tree to another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from glmwidgets.specification.model import Model
from glmwidgets.specification.settings import Settings
from glmwidgets.specification.tree import SettingsTree

#: Settings that change no map, and are told of only where nothing else changed.
ASIDE = frozenset(path for path, known in Settings.known().items() if known.aside)


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
    >>> changes_in_words({"threshold.atlas": ("", "made.nii.gz")})
    ('atlas none → made.nii.gz',)
    """
    known = {path: kind.field(path) for path in changes if path.partition(".")[0] not in kind.VIEWS}
    told = {path: field.changed(*changes[path]) for path, field in known.items() if not field.aside}
    words = tuple(text for path, text in told.items() if not known[path].is_origin) or tuple(told.values())
    aside = ((path, known[path]) for path in changes if path in ASIDE)
    return words or tuple(
        dict.fromkeys(
            "list of contrasts" if path.startswith("contrast.") else field.changed(*changes[path])
            for path, field in aside
        )
    )


def describe_changes(after: SettingsTree, before: SettingsTree) -> str:
    """What differs between two trees, in one line; empty if nothing does.

    Examples
    --------
    >>> describe_changes(Settings().updated({"design.high_pass": 1 / 64}), Settings())
    'high-pass 100 s → 64 s'
    """
    return " · ".join(changes_in_words(after.changes_from(before), type(after)))


def told_beside(model: SettingsTree) -> str:
    """What no argument of an estimator says of a model, in sentences; empty if there is nothing.

    Parameters
    ----------
    model : SettingsTree
        With the groups of `glmwidgets.specification.model.Model`.

    Examples
    --------
    >>> told_beside(Settings().updated({"data.drop_scans": 3, "design.scrub_fd": 0.5}))
    'The first 3 scans were left out. Scans of a framewise displacement above 0.5 mm had a column each.'
    """
    told = [field.clause(model.get(path)) for path, field in Model.known().items() if field.argument is None]
    return " ".join(_sentences(told))


def told_origins(model: SettingsTree) -> list[str]:
    """Where values of settings came from, in sentences.

    Parameters
    ----------
    model : SettingsTree

    Examples
    --------
    >>> told_origins(Settings().updated({"noise.choice": "evidence"}))
    ["The noise model was chosen from the run's residuals."]
    """
    return _sentences(field.clause(model.get(path)) for path, field in model.known().items() if field.is_origin)


def _sentences(clauses: Iterable[str]) -> list[str]:
    return [f"{clause[0].upper()}{clause[1:]}." for clause in clauses if clause]
