"""The stages of a group analysis, from the maps to the table of clusters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from glmwidgets.analysis.answers import GroupAnswer
from glmwidgets.analysis.proposals import mended_expression
from glmwidgets.analysis.thresholding import (
    Clusters,
    bounds_on,
    clusters_over,
    hommel_of,
    threshold_height,
    two_sided,
)
from glmwidgets.analysis.verdicts import ContrastBook
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.statistics import STATISTICS, StatisticsBook
from glmwidgets.glm.group.fit import GroupFit, fit_group, group_contrast
from glmwidgets.glm.group.influence import Influence, map_distances, map_influence
from glmwidgets.glm.group.terms import TermColumn, design_of_terms
from glmwidgets.models.group_masks import masked_maps
from glmwidgets.models.masker import ImageMasker
from glmwidgets.runs.domain import Domain
from glmwidgets.session.core.graph import Graph, Stage
from glmwidgets.session.group.data import Group
from glmwidgets.session.group.statistics import GroupFacts
from glmwidgets.session.group.tests import default_contrast, kept_rows
from glmwidgets.session.group.thumbnails import seen_from_above
from glmwidgets.specification.group import GroupSettings

__all__ = ["GroupAnalysis"]

# Smoothed versions that a person may come back to, within what a small machine can spare.
VALUES_BYTES = 400 * 2**20


class GroupAnalysis:
    """The graph of stages over one group.

    Parameters
    ----------
    group : Group
    """

    def __init__(self, group: Group):
        self.group = group
        table = tuple(f"table.{name}" for name in ("maps", "names", "kinds", "cells", "subjects"))
        used = ("data.left_out", "table.maps")
        model = (*table, "data.left_out", "design.terms")
        heights = tuple(f"threshold.{name}" for name in ("height_control", "alpha", "value", "two_sided"))
        kept = tuple(f"threshold.{name}" for name in ("two_sided", "cluster_size", "min_distance"))
        sides = ("threshold.two_sided",)
        self.graph = Graph(
            [
                Stage("maps", self._maps, reads=("data.smoothing_fwhm",), keep=8, budget=VALUES_BYTES),
                Stage("design", self._design, reads=(*model, "design.centre"), keep=8),
                Stage("fit", self._fit, needs=("maps", "design"), reads=used),
                Stage("thumbnails", self._thumbnails, needs=("maps",), keep=2),
                Stage("distances", self._distances, needs=("maps",), reads=used),
                Stage("influence", self._influence, needs=("distances", "design")),
                Stage("book", self._book, needs=("fit", "design")),
                Stage("contrast", self._contrast, needs=("fit",), reads=("contrast.expression", *model), keep=6),
                Stage("threshold", threshold_height, needs=("contrast",), reads=heights, keep=8),
                Stage("clusters", self._clusters, needs=("contrast", "threshold"), reads=kept),
                Stage("statistics", self._statistics, needs=("maps", "fit", "contrast"), reads=(*used, *sides), keep=2),
                Stage("hommel", hommel_of, needs=("contrast",), reads=sides),
                Stage("bounds", self._bounds, needs=("contrast", "clusters", "hommel"), reads=sides),
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
        return tuple(name for name, row in STATISTICS.items() if not row.needs_time)

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
        return self.group.masker.domain_

    def result(self, settings: GroupSettings, checkpoint: Callable[[str], None] | None = None) -> GroupAnswer:
        """Everything up to the threshold; see `glmwidgets.session.single.analysis.Analysis.result`."""
        timings: dict[str, float] = {}

        def get(name: str) -> Any:
            return self.graph.get(name, settings, timings, checkpoint)

        # In this order, so that a design that cannot be made says so before the maps are read.
        design = get("design")
        contrast, z = get("contrast")
        threshold, influence = get("threshold"), get("influence")
        return GroupAnswer(
            settings,
            self.domain,
            design,
            get("fit"),
            contrast,
            z,
            threshold,
            timings,
            self.graph.warnings("threshold", settings),
            get("book"),
            get("statistics"),
            values=get("maps"),
            rows=tuple(kept_rows(settings)),
            influence=influence,
            thumbnails=get("thumbnails"),
        )

    def suggestion(self, settings: GroupSettings, error: BaseException | None = None) -> str | None:
        """A contrast that could stand in the place of one that cannot be read under these settings."""
        return mended_expression(settings.contrast.expression, error) or default_contrast(settings)

    def forget(self) -> None:
        """Let go of everything that was kept for settings that may come back."""
        self.graph.clear()

    def pending(self, settings: GroupSettings) -> tuple[str, ...]:
        """Stages that these settings would run, in their order."""
        return self.graph.pending("bounds", settings)

    def clusters(
        self,
        settings: GroupSettings,
        timings: dict[str, float] | None = None,
        checkpoint: Callable[[str], None] | None = None,
    ) -> Clusters:
        """Clusters over the threshold, the volume of their labels, and how much of each is surely active."""
        clusters = self.graph.get("clusters", settings, timings, checkpoint)
        return replace(clusters, bounds=self.graph.get("bounds", settings, timings, checkpoint))

    def _maps(self, settings: GroupSettings) -> np.ndarray:
        group, masker = self.group, self.group.masker
        smoothing = ImageMasker(masker.mask_img_, settings.data.smoothing_fwhm or None, masker.resample)
        return masked_maps(group.imgs, list(group.names), smoothing)

    def _design(self, settings: GroupSettings) -> pd.DataFrame:
        table, rows = settings.table, kept_rows(settings)
        unknown = sorted(set(settings.data.left_out) - set(table.maps))
        if unknown:
            raise ValueError(f"no map is called {unknown[0]!r}")
        chosen = [table.column(name) for name in settings.design.terms]
        columns = [TermColumn(c.name, c.kind, [c.cells[i] for i in rows]) for c in chosen]
        return design_of_terms(columns, [table.maps[i] for i in rows], settings.design.centre, table.subjects)

    def _fit(self, settings: GroupSettings, values: np.ndarray, design: pd.DataFrame) -> GroupFit:
        return fit_group(_used(settings, values), design)

    def _thumbnails(self, settings: GroupSettings, values: np.ndarray) -> np.ndarray:
        return seen_from_above(values, self.domain)

    def _distances(self, settings: GroupSettings, values: np.ndarray) -> np.ndarray:
        return map_distances(_used(settings, values))

    def _influence(self, settings: GroupSettings, distances: np.ndarray, design: pd.DataFrame) -> Influence:
        return map_influence(distances, design)

    def _book(self, settings: GroupSettings, fit: GroupFit, design: pd.DataFrame) -> ContrastBook:
        return ContrastBook(fit, design, group_contrast)

    def _contrast(self, settings: GroupSettings, fit: GroupFit) -> tuple[Contrast, np.ndarray]:
        contrast = group_contrast(fit, settings.contrast.expression or default_contrast(settings))
        return contrast, contrast.z_score()

    def _clusters(self, settings: GroupSettings, contrast: tuple[Contrast, np.ndarray], threshold: float) -> Clusters:
        return clusters_over(settings, self.domain, contrast, threshold)

    def _bounds(
        self,
        settings: GroupSettings,
        contrast: tuple[Contrast, np.ndarray],
        clusters: Clusters,
        hommel: dict[int, int],
    ) -> np.ndarray:
        return bounds_on(settings, self.domain, contrast, clusters, hommel)

    def _statistics(
        self, settings: GroupSettings, values: np.ndarray, fit: GroupFit, contrast: tuple[Contrast, np.ndarray]
    ) -> StatisticsBook:
        facts = GroupFacts(fit, _used(settings, values))
        return StatisticsBook(facts, *contrast, two_sided(settings, contrast[0]), "none")


def _used(settings: GroupSettings, values: np.ndarray) -> np.ndarray:
    rows = kept_rows(settings)
    return values if len(rows) == len(values) else values[rows]
