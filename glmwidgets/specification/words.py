"""Settings in a person's words: what each is called, and what changed from one tree to another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.moments.scaling import SCALINGS
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.specification.settings import Settings, is_analysis

__all__ = ["LIST_OF_CONTRASTS", "changes_in_words", "describe_changes"]


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return ", ".join(map(_plain, value)) or "none"
    return str(value) or "none"


def _with_unit(unit: str) -> Callable[[Any], str]:
    return lambda value: _plain(value) if value is None else f"{_plain(value)} {unit}"


def _all_if_none(value: Any) -> str:
    return "all" if value is None else _plain(value)


def _cut_off(value: float) -> str:
    return f"{1 / value:.4g} s" if value else "none"


# Which contrasts are at hand changes no map; which one is asked for is said by its expression.
LIST_OF_CONTRASTS = frozenset({"contrast.names", "contrast.expressions", "contrast.active"})


def _events_changed(before: tuple[str, ...] | None, after: tuple[str, ...] | None) -> str:
    if after is None:
        return "events back to those given"
    if before is None:
        return "events edited"
    n = len(after) - len(before)
    if n:
        return f"{abs(n)} event{'s' * (abs(n) > 1)} {'more' if n > 0 else 'fewer'}"
    n = sum(one != other for one, other in zip(before, after, strict=True))
    return f"{n} event{'s' * (n > 1)} edited"


# A setting that is not listed here is called by its own name.
_SAYINGS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "data.smoothing_fwhm": ("smoothing", _with_unit("mm")),
    "data.signal_scaling": ("signal", lambda name: SCALINGS[name].label),
    "events.shift": ("shift of events", _with_unit("s")),
    "events.modulated": ("modulated", _plain),
    "events.modulated_by": ("by", _plain),
    "design.conditions": ("event types", _all_if_none),
    "design.hrf_model": ("HRF", _plain),
    "design.fir_delays": ("delays", _with_unit("scans")),
    "design.drift_model": ("drift", _plain),
    "design.high_pass": ("high-pass", _cut_off),
    "design.drift_order": ("order of drift", _plain),
    "design.confounds": ("confounds", _all_if_none),
    "data.drop_scans": ("initial scans left out", _plain),
    "data.mask_cut": ("mask threshold", lambda share: f"× {_plain(share)}"),
    "design.scrub_fd": ("scrubbing above FD", _with_unit("mm")),
    "design.scrub_dvars": ("scrubbing above DVARS", _plain),
    "design.min_onset": ("earliest onset", _with_unit("s")),
    "noise.model": ("noise", lambda name: noise_model_row(name).label),
    "noise.pooling": ("noise pooled", lambda way: POOLINGS[way].change),
    "contrast.expression": ("contrast", _plain),
    "threshold.height_control": ("threshold", lambda name: THRESHOLDS[name].label),
    "threshold.alpha": ("alpha", _plain),
    "threshold.value": ("z threshold", _plain),
    "threshold.two_sided": ("sides", lambda both: "both" if both else "positive"),
    "threshold.cluster_size": ("smallest cluster", _with_unit("voxels")),
    "threshold.min_distance": ("distance of peaks", _with_unit("mm")),
}


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
    words = []
    for path, (before, after) in changes.items():
        if path in LIST_OF_CONTRASTS or not is_analysis(path):
            continue
        if path == "events.table":
            words.append(_events_changed(before, after))
            continue
        label, say = _SAYINGS.get(path, (path.partition(".")[2].replace("_", " "), _plain))
        words.append(f"{label} {say(before)} → {say(after)}")
    return tuple(words) or (("list of contrasts",) if LIST_OF_CONTRASTS & set(changes) else ())


def describe_changes(after: Settings, before: Settings) -> str:
    """What differs between two trees, in one line; empty if nothing does.

    Examples
    --------
    >>> describe_changes(Settings().updated({"design.high_pass": 1 / 64}), Settings())
    'high-pass 100 s → 64 s'
    """
    return " · ".join(changes_in_words(after.changes_from(before)))
