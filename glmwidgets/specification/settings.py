"""Everything a person can choose, as one frozen tree that JSON can hold.

The tree is the key of every cache, the entry of the ledger, the step of undo and the head of an export: two
analyses are the same if and only if their settings are equal.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from glmwidgets.glm.design.drift import DRIFTS
from glmwidgets.glm.events.table import checked_lines
from glmwidgets.glm.inference.heights import THRESHOLDS
from glmwidgets.glm.moments.scaling import SCALINGS
from glmwidgets.glm.noise.models import NOISE_MODELS, noise_model_row
from glmwidgets.glm.response.models import parse_hrf, resolve_hrf
from glmwidgets.runs.run import Provenance
from glmwidgets.specification.looks import MapSettings
from glmwidgets.specification.series import SeriesSettings
from glmwidgets.specification.tree import SettingsError, SettingsTree, one_of, within

if TYPE_CHECKING:
    from glmwidgets.runs.run import Run

__all__ = [
    "ContrastSettings",
    "DataSettings",
    "DesignSettings",
    "EventsSettings",
    "InputSettings",
    "MapSettings",
    "NoiseSettings",
    "SeriesSettings",
    "Settings",
    "SettingsError",
    "ThresholdSettings",
    "is_analysis",
]


@dataclass(frozen=True)
class InputSettings(Provenance):
    """Where the run comes from."""

    @classmethod
    def of(cls, run: Run) -> InputSettings:
        """What the settings of an analysis say of its run."""
        return cls(**vars(run.inputs))

    def __post_init__(self) -> None:
        within("inputs.t_r", self.t_r, 0, open_low=True)
        within("inputs.slice_time_ref", self.slice_time_ref, 0, 1)


@dataclass(frozen=True)
class DataSettings:
    """What is done to the series before the model.

    Attributes
    ----------
    smoothing_fwhm : float or None
        Full width at half maximum of the Gaussian, in mm; None or 0 for none.
    signal_scaling : str
        A key of `glmwidgets.glm.moments.scaling.SCALINGS`.
    drop_scans : int
        Scans at the beginning of the run that are left out. The clock stays: events keep their onsets, and the first
        scan that is kept has the time it was taken at. The design is that of the whole run without its first rows.
    mask_cut : float
        Cut between air and brain where the mask is found from the run, as a share of the one that is found.
    """

    smoothing_fwhm: float | None = None
    signal_scaling: str = "voxel"
    drop_scans: int = 0
    mask_cut: float = 1.0

    def __post_init__(self) -> None:
        within("data.smoothing_fwhm", self.smoothing_fwhm, 0, 50)
        within("data.drop_scans", self.drop_scans, 0)
        within("data.mask_cut", self.mask_cut, 0, 10, open_low=True)
        one_of("data.signal_scaling", self.signal_scaling, SCALINGS)


@dataclass(frozen=True)
class EventsSettings:
    """What is changed in the events as they were given.

    Attributes
    ----------
    table : tuple of str or None
        The edited table, see `glmwidgets.glm.events.table`; None for the events as given.
    shift : float
        Seconds that are added to every onset.
    modulated, modulated_by : tuple of str
        Parametric modulators: event types, and the column of the table by which each is modulated.
    """

    table: tuple[str, ...] | None = None
    shift: float = 0.0
    modulated: tuple[str, ...] = ()
    modulated_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        within("events.shift", self.shift, -math.inf)
        if len(self.modulated) != len(self.modulated_by):
            raise SettingsError(
                "events.modulated_by", f"must be as many as modulated ({len(self.modulated)}), one column a type"
            )
        if self.table is not None:
            try:
                checked_lines(self.table)
            except ValueError as error:
                raise SettingsError.of("events.table", error) from None


@dataclass(frozen=True)
class DesignSettings:
    """The columns of the design matrix.

    Attributes
    ----------
    conditions : tuple of str or None
        Event types that are modelled; None for all.
    hrf_model : str
        A name of `glmwidgets.glm.response.models.HRFS`, with numbers in brackets where the model takes any.
    fir_delays : tuple of int
        Delays in scans, of the FIR model and others that have a column for each.
    drift_model : str
        A key of `glmwidgets.glm.design.drift.DRIFTS`.
    high_pass : float
        Cut-off in Hz of the drifts that have one, such as the cosines.
    drift_order : int
        Order of the drifts that have one, such as the polynomial.
    confounds : tuple of str or None
        Columns of the confounds table that are used, or made of its motion parameters; None for all it has.
    scrub_fd, scrub_dvars : float or None
        Scans whose framewise displacement in mm, or standardised DVARS, is above this have a column of their own.
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
    scrub_fd: float | None = None
    scrub_dvars: float | None = None
    min_onset: float = -24.0

    def __post_init__(self) -> None:
        path = "design.hrf_model"
        try:
            path = "design.fir_delays" if parse_hrf(self.hrf_model)[0].by_delays else path
            # Numbers that are each allowed may still make no curve together.
            resolve_hrf(self.hrf_model, self.fir_delays).kernels(2.0, 10)
        except ValueError as error:
            raise SettingsError.of(path, error) from None
        one_of("design.drift_model", self.drift_model, DRIFTS)
        within("design.high_pass", self.high_pass, 0)
        within("design.drift_order", self.drift_order, 0, 20)
        within("design.scrub_fd", self.scrub_fd, 0)
        within("design.scrub_dvars", self.scrub_dvars, 0)
        if not self.fir_delays:
            raise SettingsError("design.fir_delays", "must hold at least one delay, such as 0")


@dataclass(frozen=True)
class NoiseSettings:
    """The covariance of the errors.

    Attributes
    ----------
    model : str
        A name of `glmwidgets.glm.noise.models.NOISE_MODELS`.
    pooling : {None, "local", "global"}
        Whether voxels share their noise with those that touch them, or with the whole mask; see
        `glmwidgets.glm.noise.pooling`. Changing only the model to one that has nothing to share sets it to None.
    """

    model: str = "ar1"
    pooling: str | None = None

    def __post_init__(self) -> None:
        try:
            row = noise_model_row(self.model)
        except ValueError as error:
            raise SettingsError.of("noise.model", error) from None
        try:
            row.check_pooling(self.pooling)
        except ValueError as error:
            raise SettingsError.of("noise.pooling", error) from None

    def changed(self, new: Mapping[str, Any]) -> NoiseSettings:
        """Copy with some fields replaced, in which pooling gives way to a model that cannot be pooled."""
        new = dict(new)
        row = NOISE_MODELS.get(new.get("model", self.model))
        if row is not None and not row.can_pool and "pooling" not in new:
            new["pooling"] = None
        return dataclasses.replace(self, **new)


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
        within("contrast.active", self.active, 0, max(0, len(self.expressions) - 1))
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
        A key of `glmwidgets.glm.inference.heights.THRESHOLDS`.
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
        one_of("threshold.height_control", self.height_control, THRESHOLDS)
        within("threshold.alpha", self.alpha, 0, 1, open_low=True)
        within("threshold.value", self.value, 0)
        within("threshold.cluster_size", self.cluster_size, 0)
        within("threshold.min_distance", self.min_distance, 0)

    @property
    def height(self) -> dict[str, Any]:
        """What chooses the height, as arguments of `glmwidgets.models.threshold_stats_img`, and no others.

        Examples
        --------
        >>> ThresholdSettings("fdr", 0.05).height, ThresholdSettings("fixed", value=4.0).height
        ({'height_control': 'fdr', 'alpha': 0.05}, {'height_control': None, 'threshold': 4.0})
        """
        row = THRESHOLDS[self.height_control]
        # None is what the field calls the height that is chosen by hand.
        name = self.height_control if row.nilearn is None else row.nilearn or None
        level = {"alpha": self.alpha} if row.setting == "alpha" else {"threshold": self.value}
        return {"height_control": name, **level}


@dataclass(frozen=True)
class Settings(SettingsTree):
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

    VIEWS: ClassVar[frozenset[str]] = frozenset({"map", "series"})

    inputs: InputSettings = field(default_factory=InputSettings)
    data: DataSettings = field(default_factory=DataSettings)
    events: EventsSettings = field(default_factory=EventsSettings)
    design: DesignSettings = field(default_factory=DesignSettings)
    noise: NoiseSettings = field(default_factory=NoiseSettings)
    contrast: ContrastSettings = field(default_factory=ContrastSettings)
    threshold: ThresholdSettings = field(default_factory=ThresholdSettings)
    map: MapSettings = field(default_factory=MapSettings)
    series: SeriesSettings = field(default_factory=SeriesSettings)


def is_analysis(path: str) -> bool:
    """Whether a result depends on a setting, or only how it is looked at."""
    return path.partition(".")[0] not in Settings.VIEWS
