"""What came out: the answer of a run, of several runs or of a group to what was asked of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from glmwidgets.analysis.thresholding import thresholding
from glmwidgets.analysis.verdicts import ContrastBook
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.fit.statistics import StatisticsBook
from glmwidgets.glm.group.influence import Influence
from glmwidgets.runs.domain import Domain
from glmwidgets.specification.settings import Settings, ThresholdSettings

__all__ = ["Answer", "GroupAnswer", "RunPart", "RunsAnswer"]


@dataclass(frozen=True, eq=False)
class Answer:
    """What an analysis says under one set of settings.

    Attributes
    ----------
    settings : Settings
    domain : Domain
        Voxels that are analysed.
    design : DataFrame
        Design matrix.
    fit : Fit
    contrast : Contrast
    z : array of shape (n_voxels,)
        z scores of the contrast, in the order of the mask's voxels.
    threshold : float
        In z; infinite if nothing can survive.
    timings : dict
        Seconds by stage, of the stages that were computed for this result.
    warnings : dict
        What the stages warned of, by stage.
    book : ContrastBook or None
        Verdicts on any contrast of this fit.
    statistics : StatisticsBook or None
        What the map can show.
    signal : array of shape (n_voxels,)
        Mean over time of each voxel's signal before it was scaled.
    """

    settings: Settings
    domain: Domain
    design: pd.DataFrame
    fit: Fit
    contrast: Contrast
    z: np.ndarray
    threshold: float
    timings: dict[str, float] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    book: ContrastBook | None = None
    statistics: StatisticsBook | None = None
    signal: np.ndarray = field(default_factory=lambda: np.empty(0), repr=False)

    @property
    def thresholding(self) -> ThresholdSettings:
        """The settings' threshold, one-sided for an F test."""
        return thresholding(self.settings, self.contrast)

    @cached_property
    def z_map(self) -> np.ndarray:
        """Volume of z scores, NaN outside the mask, float32."""
        return self.volume(self.z, fill=np.nan).astype(np.float32)

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


@dataclass(frozen=True, eq=False)
class RunPart:
    """What one run says to the contrast.

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


@dataclass(frozen=True, eq=False)
class RunsAnswer(Answer):
    """What the runs say together under one set of settings.

    Attributes
    ----------
    answers : tuple of RunPart
        One a run.
    effects : dict
        Columns that model each event type, in any of the runs.
    stacked : DataFrame
        Designs of the runs that are used, one below the other.
    scaled : bool
        Whether the data of every run are in percent of a mean.
    """

    answers: tuple[RunPart, ...] = ()
    effects: dict[str, tuple[str, ...]] | None = None
    stacked: pd.DataFrame | None = None
    scaled: bool = False


@dataclass(frozen=True, eq=False)
class GroupAnswer(Answer):
    """What a group analysis says under one set of settings.

    Attributes
    ----------
    values : array of shape (n_maps, n_voxels)
        All maps, masked and smoothed; those that are left out, too.
    rows : list of int
        Which of them are used.
    influence : Influence
        What sets each of those used apart.
    thumbnails : array of shape (n_maps, height, width)
        Small pictures of all maps; see `glmwidgets.session.group.thumbnails`.
    """

    values: np.ndarray | None = None
    rows: tuple[int, ...] = ()
    influence: Influence | None = None
    thumbnails: np.ndarray | None = None
