"""The stages of a group analysis, from the maps to the table of clusters."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from glmwidgets.analysis.answers import FittedGroup, GroupAnswer
from glmwidgets.analysis.group import (
    default_contrast,
    group_contrast_of,
    group_design_of,
    group_fit_of,
    group_values_of,
    kept_rows,
    permutations_of,
    used_of,
)
from glmwidgets.analysis.proposals import mended_expression
from glmwidgets.analysis.smoothness import group_smoothness_of
from glmwidgets.analysis.thresholding import Scored, two_sided
from glmwidgets.glm.fit.statistics import STATISTICS, StatisticsBook
from glmwidgets.glm.group.fit import group_weights
from glmwidgets.glm.group.influence import Influence, map_distances, map_influence
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.runs.domain import Domain
from glmwidgets.session.core.analysis import Checkpoint, Get, LiveAnalysis
from glmwidgets.session.core.graph import Stage
from glmwidgets.session.group.data import Group
from glmwidgets.session.group.thumbnails import seen_from_above
from glmwidgets.specification.group import GroupSettings
from glmwidgets.specification.reading import read_by, reads

# Smoothed versions that a person may come back to, within what a small machine can spare.
VALUES_BYTES = 400 * 2**20

#: What a group does not have of what a map can show.
LACKS = {"series": "maps of a group have no series"}


class GroupAnalysis(LiveAnalysis):
    """The graph of stages over one group.

    Parameters
    ----------
    group : Group

    Examples
    --------
    >>> import nibabel as nib, numpy as np, pandas as pd
    >>> from glmwidgets.session import GroupSession, open_group
    >>> rng = np.random.default_rng(0)
    >>> maps = [nib.Nifti1Image(rng.standard_normal((6, 6, 6)), np.eye(4)) for _ in range(8)]
    >>> group = open_group(maps, pd.DataFrame({"age": range(20, 28)}), match="order")
    >>> session = GroupSession(group, synchronous=True)
    >>> session.refresh()
    >>> analysis = GroupAnalysis(group)
    >>> analysis.default_settings().contrast.expression
    'intercept'
    """

    def __init__(self, group: Group):
        self.group = group
        super().__init__(
            [
                Stage("mask", lambda asked: self.domain),
                Stage("maps", self._maps, keep=8, budget=VALUES_BYTES),
                Stage("design", group_design_of, keep=8),
                Stage("fit", group_fit_of, ("maps", "design")),
                Stage("thumbnails", self._thumbnails, ("maps",), keep=2),
                Stage("distances", self._distances, ("maps",)),
                Stage("influence", self._influence, ("distances", "design")),
                Stage("smoothness", group_smoothness_of, ("fit", "mask")),
                Stage("contrast", group_contrast_of, ("fit",), keep=6),
                Stage("statistics", self._statistics, ("fit", "contrast"), keep=2),
            ]
        )

    def default_settings(self) -> GroupSettings:
        """Settings that a group is first looked at with: the mean of all maps, which of its voxels are not zero."""
        return GroupSettings(inputs=self.group.inputs, table=self.group.table).updated(
            {"contrast.expression": "intercept", "threshold.cluster_size": 10, "threshold.alpha": 0.001}
        )

    @property
    def statistics(self) -> tuple[str, ...]:
        """What the map can show: keys of `glmwidgets.glm.fit.statistics.STATISTICS`."""
        return tuple(name for name, row in STATISTICS.items() if row.of not in LACKS)

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """Names of the images that maps can be laid over."""
        return ("mean",)

    def background_image(self, name: str) -> np.ndarray:
        """The image that was given, or the size of the maps' values; 3-D float32."""
        return self.group.background

    @property
    def domain(self) -> Domain:
        """Voxels that are analysed."""
        return self.group.domain

    def _answer(
        self, settings: GroupSettings, get: Get, timings: dict[str, float], checkpoint: Checkpoint | None
    ) -> GroupAnswer:
        # In this order, so that a design that cannot be made says so before the maps are read.
        get("design")
        scored = self._scored(settings, get)
        timings.pop("mask", None)
        return GroupAnswer(
            **scored,
            timings=timings,
            fitted=get("fit"),
            values=get("maps"),
            rows=tuple(kept_rows(settings)),
            influence=get("influence"),
            thumbnails=get("thumbnails"),
        )

    def permutations(
        self, settings: GroupSettings, of: GroupAnswer, cancel: threading.Event
    ) -> Iterator[PermutationResult]:
        """A permutation test of a result, as it sharpens."""
        weights = group_weights(of.design, settings.contrast.expression)
        how = {"mask": self.domain.mask, "blocks": _blocks(settings, of), "cancel": cancel}
        return permutations_of(settings, of.fitted.values, of.design.to_numpy(), weights, **how)

    def forget(self) -> None:
        """Let go of everything that was kept for settings that may come back, and of the maps."""
        super().forget()
        self.group = replace(self.group, imgs=[])

    def suggestion(self, settings: GroupSettings, error: BaseException | None = None) -> str | None:
        """A contrast that could stand in the place of one that cannot be read under these settings."""
        return mended_expression(settings.contrast.expression, error) or default_contrast(settings)

    @reads(*read_by(group_values_of))
    def _maps(self, settings: GroupSettings) -> np.ndarray:
        group = self.group
        how = {"resample": group.resample, "zeros_are_data": group.inputs.zeros_are_data}
        return group_values_of(settings, group.imgs, group.names, group.domain, **how)

    def _thumbnails(self, settings: GroupSettings, values: np.ndarray) -> np.ndarray:
        return seen_from_above(values, self.domain)

    @reads(*read_by(used_of))
    def _distances(self, settings: GroupSettings, values: np.ndarray) -> np.ndarray:
        return map_distances(used_of(settings, values))

    def _influence(self, settings: GroupSettings, distances: np.ndarray, design: pd.DataFrame) -> Influence:
        return map_influence(distances, design)

    @reads("threshold.two_sided")
    def _statistics(self, settings: GroupSettings, fitted: FittedGroup, contrast: Scored) -> StatisticsBook:
        return StatisticsBook(fitted, *contrast, two_sided(settings, contrast[0]), "", LACKS)


def _blocks(settings: GroupSettings, of: GroupAnswer) -> list[str] | None:
    """Maps of one subject change places with each other only, where the model knows subjects."""
    subjects = settings.table.subjects
    if subjects is None or subjects not in settings.design.terms:
        return None
    cells = settings.table.column(subjects).cells
    return [cells[i] for i in of.rows]
