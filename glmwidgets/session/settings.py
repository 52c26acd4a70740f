"""Everything a person can choose, as one frozen tree that JSON can hold.

The tree is the key of every cache, the entry of the ledger, the step of undo and the head of an export: two
analyses are the same if and only if their settings are equal.
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glmwidgets.glm.drift import DRIFTS
from glmwidgets.glm.hrf import parse_hrf
from glmwidgets.glm.inference import THRESHOLDS
from glmwidgets.glm.noise import noise_model_row
from glmwidgets.glm.scaling import SCALINGS

__all__ = [
    "ContrastSettings",
    "DataSettings",
    "DesignSettings",
    "InputSettings",
    "NoiseSettings",
    "Settings",
    "SettingsError",
    "ThresholdSettings",
]

FORMAT = "glmwidgets settings"
FORMAT_VERSION = 1


class SettingsError(ValueError):
    """A setting that cannot be used.

    Attributes
    ----------
    path : str
        Where it stands in the tree, such as ``design.high_pass``.
    """

    def __init__(self, path: str, message: str):
        super().__init__(f"{path}: {message}")
        self.path = path


def _one_of(path: str, value: Any, choices: Iterable[str]) -> None:
    choices = list(choices)
    if value not in choices:
        raise SettingsError(path, f"must be one of {', '.join(map(repr, choices))}, not {value!r}")


def _within(path: str, value: float | None, low: float, high: float = math.inf, *, open_low: bool = False) -> None:
    if value is None:
        return
    if not math.isfinite(value) or value > high or value < low or (open_low and value == low):
        bounds = f"above {low:g}" if open_low else f"at least {low:g}"
        bounds += "" if high == math.inf else f" and at most {high:g}"
        raise SettingsError(path, f"must be {bounds}, not {value:g}")


@dataclass(frozen=True)
class InputSettings:
    """Where the run comes from.

    Attributes
    ----------
    bold, events, confounds, mask : str or None
        Paths; None for what was given in memory or not at all.
    t_r : float or None
        Time between scans in seconds; None takes it from the image's header.
    slice_time_ref : float
        Time within a scan that the series are referred to, as a fraction of t_r.
    """

    bold: str | None = None
    events: str | None = None
    confounds: str | None = None
    mask: str | None = None
    t_r: float | None = None
    slice_time_ref: float = 0.0

    def __post_init__(self) -> None:
        _within("inputs.t_r", self.t_r, 0, open_low=True)
        _within("inputs.slice_time_ref", self.slice_time_ref, 0, 1)


@dataclass(frozen=True)
class DataSettings:
    """What is done to the series before the model.

    Attributes
    ----------
    smoothing_fwhm : float or None
        Full width at half maximum of the Gaussian, in mm; None or 0 for none.
    signal_scaling : str
        A key of `glmwidgets.glm.scaling.SCALINGS`.
    """

    smoothing_fwhm: float | None = None
    signal_scaling: str = "voxel"

    def __post_init__(self) -> None:
        _within("data.smoothing_fwhm", self.smoothing_fwhm, 0, 50)
        _one_of("data.signal_scaling", self.signal_scaling, SCALINGS)


@dataclass(frozen=True)
class DesignSettings:
    """The columns of the design matrix.

    Attributes
    ----------
    conditions : tuple of str or None
        Event types that are modelled; None for all.
    hrf_model : str
        A name of `glmwidgets.glm.hrf.HRFS`, with numbers in brackets where the model takes any.
    fir_delays : tuple of int
        Delays of the FIR model, in scans.
    drift_model : str
        A key of `glmwidgets.glm.drift.DRIFTS`.
    high_pass : float
        Cut-off of the cosine drift, in Hz.
    drift_order : int
        Order of the polynomial drift.
    confounds : tuple of str or None
        Columns of the confounds table that are used; None for all.
    min_onset : float
        Events that start earlier than this, in seconds from the first scan, are left out.
    """

    conditions: tuple[str, ...] | None = None
    hrf_model: str = "spm"
    fir_delays: tuple[int, ...] = (0,)
    drift_model: str = "cosine"
    high_pass: float = 0.01
    drift_order: int = 1
    confounds: tuple[str, ...] | None = None
    min_onset: float = -24.0

    def __post_init__(self) -> None:
        try:
            parse_hrf(self.hrf_model)
        except ValueError as error:
            raise SettingsError("design.hrf_model", str(error)) from None
        _one_of("design.drift_model", self.drift_model, DRIFTS)
        _within("design.high_pass", self.high_pass, 0)
        _within("design.drift_order", self.drift_order, 0, 20)
        if not self.fir_delays:
            raise SettingsError("design.fir_delays", "must hold at least one delay, such as 0")


@dataclass(frozen=True)
class NoiseSettings:
    """The covariance of the errors.

    Attributes
    ----------
    model : str
        A name of `glmwidgets.glm.noise.NOISE_MODELS`.
    """

    model: str = "ar1"

    def __post_init__(self) -> None:
        try:
            noise_model_row(self.model)
        except ValueError as error:
            raise SettingsError("noise.model", str(error)) from None


@dataclass(frozen=True)
class ContrastSettings:
    """What is asked of the model: one contrast, or the active one of a list.

    Attributes
    ----------
    expression : str
        Weights of the columns, such as ``"face - house"``; rows of an F contrast are separated by ``;``. Empty
        for the first condition. Of a list, the expression of the active contrast.
    names : tuple of str
        Names of the list's contrasts; an empty one is called by its expression.
    expressions : tuple of str
        Their expressions. The active one is always equal to `expression`. Empty where there is no list.
    active : int
        Place of the active contrast in the list, from 0. Changing it alone takes the expression of that place.
    """

    expression: str = ""
    names: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    active: int = 0

    def __post_init__(self) -> None:
        if len(self.names) != len(self.expressions):
            raise SettingsError(
                "contrast.names", f"must be as many as expressions ({len(self.expressions)}), not {len(self.names)}"
            )
        _within("contrast.active", self.active, 0, max(0, len(self.expressions) - 1))
        if self.expressions:
            listed = list(self.expressions)
            listed[self.active] = self.expression
            object.__setattr__(self, "expressions", tuple(listed))

    @property
    def listed(self) -> tuple[tuple[str, str], ...]:
        """Name and expression of every contrast, also where there is but one.

        Examples
        --------
        >>> ContrastSettings("face").listed
        (('', 'face'),)
        """
        return tuple(zip(self.names, self.expressions, strict=True)) or (("", self.expression),)

    def changed(self, new: Mapping[str, Any]) -> ContrastSettings:
        """Copy with some fields replaced, in which the expression follows the list where only the list was given."""
        new = dict(new)
        if "expression" not in new and {"active", "expressions"} & set(new):
            expressions, active = new.get("expressions", self.expressions), new.get("active", self.active)
            if 0 <= active < len(expressions):
                new["expression"] = expressions[active]
        return dataclasses.replace(self, **new)


@dataclass(frozen=True)
class ThresholdSettings:
    """What survives.

    Attributes
    ----------
    height_control : str
        A key of `glmwidgets.glm.inference.THRESHOLDS`.
    alpha : float
        Rate of false positives or discoveries that the method controls.
    value : float
        Threshold in z where the method is a fixed one.
    two_sided : bool
        Whether both signs are looked at, with alpha for the two together.
    cluster_size : int
        Smallest cluster that is kept, in voxels.
    min_distance : float
        Smallest distance between the peaks listed of a cluster, in mm.
    """

    height_control: str = "fpr"
    alpha: float = 0.001
    value: float = 3.1
    two_sided: bool = True
    cluster_size: int = 0
    min_distance: float = 8.0

    def __post_init__(self) -> None:
        _one_of("threshold.height_control", self.height_control, THRESHOLDS)
        _within("threshold.alpha", self.alpha, 0, 1, open_low=True)
        _within("threshold.value", self.value, 0)
        _within("threshold.cluster_size", self.cluster_size, 0)
        _within("threshold.min_distance", self.min_distance, 0)


@dataclass(frozen=True)
class Settings:
    """The whole tree.

    Examples
    --------
    >>> settings = Settings().updated({"design.hrf_model": "glover", "threshold.alpha": 0.01})
    >>> settings.design.hrf_model
    'glover'
    >>> Settings.from_json(settings.to_json()) == settings
    True
    >>> settings.changes_from(Settings())
    {'design.hrf_model': ('spm', 'glover'), 'threshold.alpha': (0.001, 0.01)}
    """

    inputs: InputSettings = field(default_factory=InputSettings)
    data: DataSettings = field(default_factory=DataSettings)
    design: DesignSettings = field(default_factory=DesignSettings)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    contrast: ContrastSettings = field(default_factory=ContrastSettings)
    threshold: ThresholdSettings = field(default_factory=ThresholdSettings)

    def get(self, path: str) -> Any:
        """Value at a path such as ``"design.hrf_model"``."""
        group, name = _split(path)
        return getattr(getattr(self, group), name)

    def updated(self, changes: Mapping[str, Any]) -> Settings:
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
            group, name = _split(path)
            by_group.setdefault(group, {})[name] = _converted(path, value)
        groups = {group: _changed(getattr(self, group), new) for group, new in by_group.items()}
        return dataclasses.replace(self, **groups)

    def changes_from(self, other: Settings) -> dict[str, tuple[Any, Any]]:
        """Paths at which two trees differ, with the other's and this one's value."""
        return {path: (other.get(path), self.get(path)) for path in _PATHS if other.get(path) != self.get(path)}

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionaries, ready for JSON."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Readable JSON with the format's name and version at its head."""
        return json.dumps({"format": FORMAT, "version": FORMAT_VERSION, **self.to_dict()}, indent=2) + "\n"

    @classmethod
    def from_dict(cls, tree: Mapping[str, Any]) -> Settings:
        """Build the tree from plain dictionaries; what is absent keeps its default.

        Raises
        ------
        SettingsError
            If a name is unknown or a value is of the wrong kind.
        """
        changes = {}
        for group, values in tree.items():
            if not isinstance(values, Mapping):
                raise SettingsError(str(group), "must be a group of settings in braces")
            for name, value in values.items():
                changes[f"{group}.{name}"] = value
        return cls().updated(changes)

    @classmethod
    def from_json(cls, text: str, source: str = "settings") -> Settings:
        """Read what `to_json` wrote.

        Parameters
        ----------
        text : str
        source : str
            Name of the file, for messages.

        Raises
        ------
        ValueError
            If the text is no JSON, of another format or version, or holds a setting that cannot be used.
        """
        try:
            tree = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{source} is not valid JSON: {error}") from None
        if not isinstance(tree, dict) or tree.pop("format", None) != FORMAT:
            raise ValueError(f'{source} is not a settings file: it has no "format": "{FORMAT}"')
        version = tree.pop("version", None)
        if version != FORMAT_VERSION:
            raise ValueError(f"{source} is of version {version}; this program reads version {FORMAT_VERSION}")
        return cls.from_dict(tree)

    @classmethod
    def load(cls, path: str | Path) -> Settings:
        """Read a settings file."""
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no settings file at {path}")
        return cls.from_json(path.read_text(encoding="utf-8"), str(path))


_HINTS = {
    f"{group}.{name}": hint
    for group, kind in typing.get_type_hints(Settings).items()
    for name, hint in typing.get_type_hints(kind).items()
}
_PATHS = tuple(_HINTS)


def _changed(group: Any, new: Mapping[str, Any]) -> Any:
    return group.changed(new) if hasattr(group, "changed") else dataclasses.replace(group, **new)


def _split(path: str) -> tuple[str, str]:
    if path not in _HINTS:
        group = path.partition(".")[0]
        known = [p for p in _PATHS if p.startswith(f"{group}.")] or list(_PATHS)
        raise SettingsError(path, f"there is no such setting; there are {', '.join(known)}")
    group, _, name = path.partition(".")
    return group, name


def _converted(path: str, value: Any) -> Any:
    """Bring a value from JSON or a control to the type that the tree declares."""
    hint = _HINTS[path]
    kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    if value is None:
        if type(None) in kinds:
            return None
        raise SettingsError(path, "cannot be empty")
    for kind in kinds:
        if typing.get_origin(kind) is tuple and isinstance(value, list | tuple):
            item = typing.get_args(kind)[0]
            if all(_is(item, v) for v in value):
                return tuple(item(v) for v in value)
        elif kind in (str, int, float, bool) and _is(kind, value):
            return kind(value)
    wanted = " or ".join(_KINDS.get(kind, "a list") for kind in kinds)
    raise SettingsError(path, f"must be {wanted}, not {value!r}")


_KINDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", type(None): "empty"}


def _is(kind: type, value: Any) -> bool:
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) or (hasattr(value, "__index__") and not isinstance(value, str))
    if kind is float:
        return isinstance(value, int | float) or hasattr(value, "__float__")
    return isinstance(value, kind)
