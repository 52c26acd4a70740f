"""Settings that have no effect under the others; each field lists what it needs."""

from __future__ import annotations

from collections.abc import Iterable

from glmwidgets.specification.field import Needs, SettingsError, plain
from glmwidgets.specification.tree import SettingsTree


def without_effect(settings: SettingsTree, given: Iterable[str] | None = None) -> list[SettingsError]:
    """Settings that change nothing, as errors that say why: who was given them refuses them or warns.

    Parameters
    ----------
    settings : SettingsTree
    given : iterable of str, optional
        Paths that a person gave; by default all that differ from their defaults.

    Returns
    -------
    list of SettingsError

    Examples
    --------
    >>> from glmwidgets.specification.settings import Settings
    >>> settings = Settings().updated({"design.drift_model": "polynomial", "design.high_pass": 0.02})
    >>> for error in without_effect(settings):
    ...     print(error)
    design.high_pass: has no effect where drift is polynomial: it is for cosine; set design.drift_model
    >>> without_effect(settings, ["design.drift_order"])
    []
    """
    if given is None:
        given = settings.changes_from(type(settings)())
    return [_told(settings, path, need) for path in given for need in settings.field(path).lacking(settings)]


def _told(settings: SettingsTree, path: str, need: Needs) -> SettingsError:
    other = settings.field(need.path)
    wanted = f"runs without {other.label}" if need.words == plain(None) else need.words
    why = f"has no effect where {other.label} is {plain(settings.get(need.path))}: it is for {wanted}"
    typed = f"choose it with {other.options[0].flag}" if other.options else ""
    return SettingsError(path, why, {"function": f"set {need.path}", "notebook": "", "terminal": typed})
