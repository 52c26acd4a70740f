"""What is on screen first: the visible slices are fitted ahead of the whole brain."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import ref

import numpy as np

from glmwidgets.analysis.steps import contrast_of, fit_of
from glmwidgets.analysis.thresholding import two_sided
from glmwidgets.glm.fit.statistics import StatisticsBook
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.scaling import series_unit
from glmwidgets.glm.parallel import one_thread
from glmwidgets.runs.domain import Domain
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.settings import Settings

# Scans times voxels from which the visible slices are there sooner than the whole brain: at 3,000 of 49,000 voxels and
# 156 scans after 13 ms and not 70.
LARGE = 2e6


@dataclass(frozen=True, eq=False)
class Preview:
    """z scores of the visible voxels under settings whose whole map is still to come.

    Attributes
    ----------
    settings : Settings
    voxels : array of int
        Numbers of the voxels, in the mask's order.
    z : array of the length of `voxels`
    statistics : StatisticsBook
        What the map can show there.
    """

    settings: Settings
    voxels: np.ndarray
    z: np.ndarray
    statistics: StatisticsBook


class Previewer:
    """Fits the three planes through the crosshair.

    Parameters
    ----------
    analysis : Analysis
    large : float
        Scans times voxels below which there is no preview, for the whole brain is as quick.
    """

    def __init__(self, analysis: Analysis, large: float = LARGE):
        self.analysis = analysis
        self.large = large
        # Of which moments and crosshair, and what is visible of them. Moments hold all series of a run: whether those
        # stay in memory is the graph's to decide, and a closed session's do not.
        self._kept: tuple[ref[Moments], tuple, tuple[np.ndarray, Moments]] | None = None

    def forget(self) -> None:
        """Let go of what is visible."""
        self._kept = None

    def look(self, settings: Settings, cursor: tuple[int, int, int]) -> Preview | None:
        """Fit what is visible.

        Parameters
        ----------
        settings : Settings
        cursor : tuple of int
            Voxel (i, j, k).

        Returns
        -------
        Preview or None
            None where there is nothing to gain: the run is small, its series are not at hand yet, or the fit is; and
            where the model cannot be fitted, which the whole analysis will say.
        """
        graph = self.analysis.graph
        if not graph.is_kept("moments", settings) or graph.is_kept("fit", settings):
            return None
        if settings.noise.pooling is not None:  # the visible slices alone do not know whom they share their noise with
            return None
        moments = graph.get("moments", settings)
        if moments.n_scans * moments.n_voxels < self.large:
            return None
        domain = graph.get("mask", settings)
        voxels, some = self._visible(moments, domain, cursor)
        try:
            design = graph.get("design", settings)
            # So few voxels take 3 ms on one thread. Two would wait for each other, and the page needs a processor too.
            with one_thread():
                fit = fit_of(settings, some, design, domain)
                contrast, z = contrast_of(settings, fit)
        except ValueError:
            return None
        sides, data = two_sided(settings, contrast), settings.data
        unit = series_unit(data.signal_scaling, data.standardize)
        return Preview(settings, voxels, z, StatisticsBook(fit, contrast, z, sides, unit))

    def _visible(self, moments: Moments, domain: Domain, cursor: tuple[int, int, int]) -> tuple[np.ndarray, Moments]:
        kept = self._kept
        if kept is None or kept[0]() is not moments or kept[1] != tuple(cursor):
            voxels = np.flatnonzero((domain.voxels == cursor).any(axis=1))
            kept = self._kept = (ref(moments), tuple(cursor), (voxels, moments.subset(voxels)))
        return kept[2]
