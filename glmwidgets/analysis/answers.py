"""Results: fitted models, and the contrast maps of a run, of several runs or of a group."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.analysis.left_out import naming_left_out
from glmwidgets.analysis.smoothness import SpatialNoise
from glmwidgets.analysis.thresholding import Searched, thresholding
from glmwidgets.analysis.verdicts import ContrastBook, RunsBook
from glmwidgets.analysis.voxels import Here, RunEffect, RunEffects, VoxelSeries
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.heterogeneity import heterogeneity
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.fit.statistics import StatisticsBook
from glmwidgets.glm.group.fit import GroupFit, group_contrast
from glmwidgets.glm.group.influence import Influence
from glmwidgets.glm.inference.heights import false_discovery_rate
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.glm.inference.scores import p_from_z
from glmwidgets.glm.inference.smoothness import Smoothness
from glmwidgets.glm.moments.scaling import effect_unit
from glmwidgets.glm.noise.models import NoiseParameter, noise_model_row
from glmwidgets.glm.tables import some
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.run import Provenance
from glmwidgets.specification.settings import ThresholdSettings
from glmwidgets.specification.tree import SettingsTree


@dataclass(frozen=True, eq=False)
class Fitted:
    """A model that was fitted to a run.

    Attributes
    ----------
    name : str
        What the run is called.
    design : DataFrame
        Design matrix, one row a scan that was kept.
    fit : Fit or None
        None where nothing was asked yet of a model that is fitted when it is asked.
    t_r : float or None
        Time between scans, in seconds.
    events : DataFrame or None
        Those that were modelled.
    confounds : tuple of str or None
        Columns of the design that are confounds; None if that is not known.
    inputs : Provenance
        Where the run comes from, and who said so.
    signal : array of shape (n_voxels,) or None
        Mean over time of each voxel's signal before it was scaled.
    effects : dict
        Columns that model each event type.
    is_given : bool
        Whether the design matrix was given, and not made of events.
    left_out : tuple of str
        Event types that are not modelled.
    """

    name: str
    design: pd.DataFrame
    fit: Fit | None
    t_r: float | None = None
    events: pd.DataFrame | None = None
    confounds: tuple[str, ...] | None = None
    inputs: Provenance = field(default_factory=Provenance)
    signal: np.ndarray | None = field(default=None, repr=False)
    effects: dict[str, tuple[str, ...]] = field(default_factory=dict)
    is_given: bool = False
    left_out: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}: {len(self.design)} rows, {some(list(self.design.columns))}>"

    @property
    def nbytes(self) -> int:
        """Bytes of the fit."""
        return getattr(self.fit, "nbytes", 0)

    @cached_property
    def book(self) -> ContrastBook:
        """Verdicts on any contrast of this fit."""
        return ContrastBook(self.fit, self.design, left_out=self.left_out)

    def contrast(self, expression: str) -> Contrast:
        """Estimate a contrast.

        Raises
        ------
        ValueError
            If it cannot be read or estimated; the message says so of event types that are left out.
        """
        with naming_left_out(expression, self.left_out):
            made = compute_contrast(self.fit, expression)
        if made.dim > 1:
            made.stat()  # which is kept, and is refused where rounding would decide it
        return made

    @property
    def r_square(self) -> np.ndarray:
        """Share of the variance that the model explains, shape (n_voxels,)."""
        return self.fit.r_square

    @property
    def source(self) -> str | None:
        """Path of the image; None for one that was given in memory."""
        return self.inputs.bold

    @property
    def conditions(self) -> tuple[str, ...]:
        """Event types, sorted."""
        return () if self.events is None else tuple(sorted(self.events["trial_type"].astype(str).unique()))

    @property
    def has_series(self) -> bool:
        """Whether the series that were modelled are still held."""
        if self.fit is None:
            return False
        try:
            self.fit.data(slice(0, 1))
        except ValueError:
            return False
        return True

    def columns_of_interest(self) -> list[str]:
        """Columns of the design that stand for the task, or for the group's effects."""
        names = [str(name) for name in self.design.columns]
        if self.events is not None:
            kinds = self.conditions
            return [n for n in names if n in kinds or any(n.startswith(f"{kind}_") for kind in kinds)]
        if self.is_given:
            return [name for columns in self.effects.values() for name in columns] or names
        skipped = ("drift_", "constant")
        return [n for n in names if not n.startswith(skipped) and n not in (self.confounds or ())]


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class FittedGroup(Fitted):
    """A model that was fitted to the maps of a group.

    Attributes
    ----------
    fit : GroupFit
    values : array of shape (n_maps, n_voxels)
        What was fitted.
    """

    name: str = "group"
    fit: GroupFit
    values: np.ndarray = field(repr=False)
    has_series = False

    @classmethod
    def of(cls, values: np.ndarray, fit: GroupFit) -> FittedGroup:
        """Of the fit to some values."""
        return cls(design=fit.design, fit=fit, values=values, effects={str(name): (str(name),) for name in fit.design})

    @cached_property
    def book(self) -> ContrastBook:
        """Verdicts on any contrast of this fit."""
        return ContrastBook(self.fit, self.design, group_contrast)

    @cached_property
    def r_square(self) -> np.ndarray:
        """Share of the variance between maps that the design explains, shape (n_voxels,)."""
        return self.fit.r_square(self.values)

    @property
    def dispersion(self) -> np.ndarray:
        """Variance of the errors, shape (n_voxels,)."""
        return self.fit.spread


@dataclass(frozen=True, eq=False, kw_only=True)
class Answer:
    """What an analysis says to what is asked of it.

    Attributes
    ----------
    settings : SettingsTree
        What was asked.
    domain : Domain
        Voxels that are analysed.
    contrast : Contrast
    z : array of shape (n_voxels,)
        z scores of the contrast, in the order of the mask's voxels.
    searched : Searched
        What the threshold is of: these z scores, unless a region is searched or the method enhances them.
    threshold : float
        In z; infinite if nothing can survive.
    statistics : StatisticsBook
        What the map can show.
    timings : dict
        Seconds by stage, of the stages that were computed for this answer.
    warnings : dict
        What the stages warned of, by stage.
    """

    settings: SettingsTree
    domain: Domain
    contrast: Contrast
    z: np.ndarray
    searched: Searched = field(repr=False)
    threshold: float
    statistics: StatisticsBook
    timings: dict[str, float] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        asked = self.settings.contrast.expression
        return f"<{type(self).__name__} to {asked!r}: {self.z.size:,} voxels, threshold z {self.threshold:.4g}>"

    @property
    def thresholding(self) -> ThresholdSettings:
        """The settings' threshold, one-sided for an F test."""
        return thresholding(self.settings, self.contrast)

    @property
    def smoothness(self) -> Smoothness:
        """How smooth the noise is, by the settings' estimator; found when it is first asked for."""
        return self.noise.smoothness(self.settings.threshold.smoothness)

    @property
    def noise(self) -> SpatialNoise:
        """Noise over the voxels that are analysed."""
        return self.searched.noise

    @property
    def field(self) -> RandomField:
        """What noise of this smoothness does over the voxels where one searches."""
        return self.searched.field(self.settings)

    @cached_property
    def rates(self) -> tuple[float, float]:
        """Uncorrected p of the threshold, and false discovery rate of the voxels over it; NaN if there is none."""
        return self.rates_at(self.threshold)

    def rates_at(self, threshold: float) -> tuple[float, float]:
        """What `rates` would be of another threshold on z."""
        both = self.thresholding.two_sided
        rate = false_discovery_rate(threshold, self.searched.values, both)
        return float(p_from_z(threshold, both)), rate

    @property
    def noise_parameters(self) -> tuple[NoiseParameter, ...]:
        """Parameters of the noise model, where there is one."""
        return ()

    @cached_property
    def z_map(self) -> np.ndarray:
        """Volume of z scores, NaN outside the mask, float32."""
        return self.volume(self.z, fill=np.nan).astype(np.float32)

    @property
    def unit(self) -> str:
        """Unit of effects; see `glmwidgets.glm.moments.scaling.effect_unit`."""
        return effect_unit(self.statistics.unit)

    @property
    def mask(self) -> np.ndarray:
        """Voxels that are analysed, 3-D bool."""
        return self.domain.mask

    def volume(self, values: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Put values of the voxels into a volume."""
        return self.domain.fill(np.asarray(values, dtype=np.float64), fill)

    def voxel(self, ijk: tuple[int, int, int]) -> int | None:
        """Number of a voxel in the mask's order; None outside the mask."""
        return self.domain.number(ijk)

    def at(self, ijk: tuple[int, int, int]) -> Here | None:
        """What is said of a voxel; None outside the mask."""
        voxel = self.voxel(ijk)
        return None if voxel is None else self._here(ijk, voxel)

    def _here(self, ijk: tuple[int, int, int], voxel: int) -> Here:
        raise NotImplementedError

    def _statistics(self, voxel: int) -> dict[str, float]:
        return {
            "effect": float(self.contrast.effect[0, voxel]),
            "effect_sd": float(np.sqrt(self.contrast.covariance[0, 0, voxel])),
            "stat": float(self.contrast.stat()[voxel]),
            "z": float(self.z[voxel]),
        }


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RunAnswer(Answer):
    """What a run says.

    Attributes
    ----------
    fitted : Fitted
    """

    fitted: Fitted

    @property
    def design(self) -> pd.DataFrame:
        """Design matrix."""
        return self.fitted.design

    @property
    def fit(self) -> Any:
        """Fit of the model."""
        return self.fitted.fit

    @property
    def book(self) -> ContrastBook:
        """Verdicts on any contrast of this fit."""
        return self.fitted.book

    @property
    def effects(self) -> dict[str, tuple[str, ...]]:
        """Columns of the design that model each effect one may contrast."""
        return self.fitted.effects

    @property
    def signal(self) -> np.ndarray:
        """Mean over time of each voxel's signal before it was scaled, shape (n_voxels,)."""
        return self.fitted.signal

    @property
    def noise_parameters(self) -> tuple[NoiseParameter, ...]:
        """Parameters of the noise model."""
        return noise_model_row(self.fit.noise_model).parameters

    def _here(self, ijk: tuple[int, int, int], voxel: int) -> Here:
        fit, one = self.fit, slice(voxel, voxel + 1)
        statistics = {
            **self._statistics(voxel),
            "r_square": fit.r_square_of(voxel),
            **{name: float(values[voxel]) for name, values in fit.parameters.items()},
        }
        times = self.design.index.to_numpy(dtype=float)
        return VoxelSeries(statistics, ijk, times, fit.data(one)[:, 0], fit.predicted(one)[:, 0])


@dataclass(frozen=True, eq=False)
class RunPart:
    """What one run says to the contrast of several.

    Attributes
    ----------
    name : str
    contrast : Contrast or None
        Of the voxels that all runs have; None where the run cannot answer.
    why_not : str
        Why the run is left out of the combination; empty where it is in it.
    advice : str
        What could be done about that.
    """

    name: str
    contrast: Contrast | None
    why_not: str = ""
    advice: str = ""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class RunsAnswer(Answer):
    """What several runs say together.

    Attributes
    ----------
    fitted : tuple of Fitted
        One a run, on the voxels that all have.
    parts : tuple of RunPart
        What each says to the contrast.
    book : RunsBook
        Verdicts on any contrast of the runs that are used.
    """

    fitted: tuple[Fitted, ...]
    parts: tuple[RunPart, ...]
    book: RunsBook

    @cached_property
    def effects(self) -> dict[str, tuple[str, ...]]:
        """Columns that model each event type, in any of the runs."""
        found: dict[str, dict[str, None]] = {}
        for one in self.fitted:
            for effect, names in one.effects.items():
                found.setdefault(effect, {}).update(dict.fromkeys(names))
        return {effect: tuple(names) for effect, names in sorted(found.items())}

    @cached_property
    def design(self) -> pd.DataFrame:
        """Columns of any run's design, without rows."""
        columns = dict.fromkeys(str(name) for one in self.fitted for name in one.design.columns)
        return pd.DataFrame(columns=list(columns))

    @cached_property
    def stacked(self) -> pd.DataFrame:
        """Designs of the runs that are used, one below the other."""
        used = [one.design for one, part in zip(self.fitted, self.parts, strict=True) if not part.why_not]
        return pd.concat(used, ignore_index=True).fillna(0.0)

    def _here(self, ijk: tuple[int, int, int], voxel: int) -> Here:
        runs = tuple(RunEffect.of(part.name, part.contrast, voxel, not part.why_not) for part in self.parts)
        used = [part.contrast for part in self.parts if not part.why_not and part.contrast.known[voxel]]
        agreement = None
        if len(used) > 1 and self.contrast.dim == 1:
            agreement = heterogeneity([c.effect[0, voxel] for c in used], [c.covariance[0, 0, voxel] for c in used])
        return RunEffects(self._statistics(voxel), runs, RunEffect.of("all runs", self.contrast, voxel), agreement)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GroupAnswer(RunAnswer):
    """What a group says.

    Attributes
    ----------
    fitted : FittedGroup
    values : array of shape (n_maps, n_voxels)
        All maps, masked and smoothed; those that are left out, too.
    rows : list of int
        Which of them are used.
    influence : Influence
        What sets each of those used apart.
    thumbnails : array of shape (n_maps, height, width)
        Small pictures of all maps; see `glmwidgets.session.group.thumbnails`.
    """

    fitted: FittedGroup
    values: np.ndarray = field(repr=False)
    rows: tuple[int, ...]
    influence: Influence
    thumbnails: np.ndarray = field(repr=False)
    noise_parameters = ()

    def _here(self, ijk: tuple[int, int, int], voxel: int) -> Here:
        one = slice(voxel, voxel + 1)
        share = float(self.fit.r_square(self.fitted.values[:, one], one)[0])
        return Here({**self._statistics(voxel), "r_square": share})
