"""The stages of a first-level analysis of one run, from the file to the table of clusters."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from glmwidgets.analysis.answers import Answer
from glmwidgets.analysis.events import EventSource, types_of
from glmwidgets.analysis.proposals import adapted_expression, condition_columns, mended_expression
from glmwidgets.analysis.thresholding import (
    Clusters,
    bounds_on,
    clusters_over,
    hommel_of,
    threshold_height,
    two_sided,
)
from glmwidgets.analysis.verdicts import ContrastBook
from glmwidgets.glm.design.confound_groups import choose_confounds, first_choice
from glmwidgets.glm.design.matrix import make_first_level_design_matrix
from glmwidgets.glm.events.checks import event_warnings
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.expressions import quote_name
from glmwidgets.glm.fit.regression import Fit, fit_glm
from glmwidgets.glm.fit.statistics import StatisticsBook
from glmwidgets.glm.moments.cache import ProductCache
from glmwidgets.glm.moments.lagged import CACHE_BYTES, Moments
from glmwidgets.glm.moments.scaling import scale_signal
from glmwidgets.glm.noise.models import LIVE_NOISE_MODEL
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.images.mask import compute_epi_mask, match_mask
from glmwidgets.runs.backgrounds import BACKGROUNDS, background_of
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.run import Run
from glmwidgets.session.core.graph import Graph, Stage
from glmwidgets.specification.settings import InputSettings, NoiseSettings, Settings

if TYPE_CHECKING:
    pass

__all__ = ["Analysis"]


_READ_BY_STATISTICS = ("threshold.two_sided", "data.signal_scaling")

# Fewer scans than these are no series.
MIN_SCANS = 3

# Smoothed versions that a person may come back to, within what a small machine can spare. Coming back asks for the
# moments alone; the series serve another scaling, or other scans left out, of the same version.
SERIES_BYTES = 160 * 2**20
MOMENTS_BYTES = 400 * 2**20


class Analysis:
    """The graph of stages over one run.

    Parameters
    ----------
    run : Run
    precision : {"float64", "float32"}
        Precision of the products with the data; see `glmwidgets.glm.moments.lagged.Moments`.
    """

    #: What the series are made from.
    SERIES_READ: ClassVar[tuple[str, ...]] = ("data.smoothing_fwhm",)

    def __init__(self, run: Run, precision: str = "float64"):
        self.run = run
        self.event_source = EventSource(run.events)
        self.precision = precision
        self._products = ProductCache(CACHE_BYTES)  # one for all versions of the data that are kept
        design = ("conditions", "hrf_model", "fir_delays", "drift_model", "high_pass", "drift_order", "min_onset")
        self.graph = Graph(
            [
                Stage("scans", self._scans, reads=("data.drop_scans",), keep=1),
                Stage("mask", self._mask, reads=("data.mask_cut",)),
                Stage(
                    "series",
                    self._series,
                    needs=("mask",),
                    reads=self.SERIES_READ,
                    keep=8,
                    budget=SERIES_BYTES,
                ),
                Stage("signal", self._signal, needs=("series", "scans"), keep=8),
                Stage(
                    "moments",
                    self._moments,
                    needs=("series", "scans"),
                    reads=("data.signal_scaling",),
                    budget=MOMENTS_BYTES,
                ),
                Stage(
                    "events",
                    self._events,
                    reads=("events.table", "events.shift", "events.modulated", "events.modulated_by"),
                    keep=8,
                ),
                Stage(
                    "confounds",
                    self._confounds,
                    needs=("scans",),
                    reads=("design.confounds", "design.scrub_fd", "design.scrub_dvars"),
                ),
                Stage(
                    "design",
                    self._design,
                    needs=("events", "confounds", "scans"),
                    reads=tuple(f"design.{name}" for name in design),
                    keep=8,
                ),
                Stage(
                    "fit",
                    self._fit,
                    needs=("moments", "design", "mask"),
                    reads=("noise.model", "noise.pooling"),
                    keep=3,
                ),
                Stage("book", self._book, needs=("fit", "design"), keep=3),
                Stage("contrast", self._contrast, needs=("fit",), reads=("contrast.expression",), keep=6),
                Stage(
                    "threshold",
                    threshold_height,
                    needs=("contrast",),
                    reads=tuple(f"threshold.{name}" for name in ("height_control", "alpha", "value", "two_sided")),
                    keep=8,
                ),
                Stage(
                    "clusters",
                    clusters_over,
                    needs=("mask", "contrast", "threshold"),
                    reads=tuple(f"threshold.{name}" for name in ("two_sided", "cluster_size", "min_distance")),
                ),
                Stage("statistics", self._statistics, needs=("fit", "contrast"), reads=_READ_BY_STATISTICS, keep=2),
                # Of all voxels and no threshold: a threshold that is dragged leaves it as it is.
                Stage("hommel", hommel_of, needs=("contrast",), reads=("threshold.two_sided",)),
                Stage(
                    "bounds",
                    bounds_on,
                    needs=("mask", "contrast", "clusters", "hommel"),
                    reads=("threshold.two_sided",),
                ),
            ]
        )

    def default_settings(self) -> Settings:
        """Settings that a run is first looked at with: its first condition, under the live noise model."""
        settings = Settings(inputs=InputSettings.of(self.run), noise=NoiseSettings(model=LIVE_NOISE_MODEL))
        if self.run.confounds is not None:
            chosen = self.run.chosen_confounds
            chosen = first_choice(self.run.confounds.columns) if chosen is None else chosen
            settings = settings.updated({"design.confounds": chosen})
        if self.run.conditions:
            settings = settings.updated(
                {"contrast.expression": quote_name(self.run.conditions[0]), "threshold.cluster_size": 10}
            )
        return settings

    def events(self, settings: Settings) -> pd.DataFrame | None:
        """Events that are modelled under these settings, those of types without a tick too.

        Raises
        ------
        ValueError
            If they cannot be made.
        """
        return self.event_source.events(settings.events)

    def conditions(self, settings: Settings) -> tuple[str, ...]:
        """Types of these events, sorted."""
        return self.event_source.types(settings.events)

    @cached_property
    def background(self) -> np.ndarray:
        """Mean image over time, 3-D float32."""
        return background_of(self.run, "mean")

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """What maps of this run can be laid over: keys of `glmwidgets.runs.backgrounds.BACKGROUNDS`."""
        return tuple(name for name, row in BACKGROUNDS.items() if row.there(self.run))

    def background_image(self, name: str) -> np.ndarray:
        """An image to lay maps over, 3-D float32; the mean where the one asked for was not given."""
        return self.background if name not in self.backgrounds or name == "mean" else background_of(self.run, name)

    def result(self, settings: Settings, checkpoint: Callable[[str], None] | None = None) -> Answer:
        """Everything up to the threshold.

        Parameters
        ----------
        settings : Settings
        checkpoint : callable, optional
            Called with the name of each stage before it is computed; may raise to stop.

        Raises
        ------
        glmwidgets.session.core.graph.StageError
            Names the stage that failed; its cause says why.
        """
        timings: dict[str, float] = {}

        def get(name: str):
            return self.graph.get(name, settings, timings, checkpoint)

        # In this order, so that a design that cannot be made says so before the data are read.
        design = get("design")
        contrast, z = get("contrast")
        domain, fit, threshold = get("mask"), get("fit"), get("threshold")
        warned = self.graph.warnings("threshold", settings)
        book = self.graph.get("book", settings)
        statistics = self.graph.get("statistics", settings)
        signal = self.graph.get("signal", settings)
        return Answer(settings, domain, design, fit, contrast, z, threshold, timings, warned, book, statistics, signal)

    def suggestion(self, settings: Settings, error: BaseException | None = None) -> str | None:
        """A contrast that could stand in the place of one that cannot be read under these settings.

        Parameters
        ----------
        settings : Settings
        error : Exception, optional
            What reading it raised.

        Returns
        -------
        str or None
        """
        design, expression = self.graph.get("design", settings), settings.contrast.expression
        columns = [str(name) for name in design.columns]
        by_condition = condition_columns(self.conditions(settings), settings.design, columns)
        return adapted_expression(expression, by_condition, columns) or mended_expression(expression, error)

    def forget(self) -> None:
        """Let go of everything that was kept for settings that may come back."""
        self.graph.clear()
        self._products.clear()

    def pending(self, settings: Settings) -> tuple[str, ...]:
        """Stages that these settings would run, in their order."""
        return self.graph.pending("bounds", settings)

    def clusters(
        self,
        settings: Settings,
        timings: dict[str, float] | None = None,
        checkpoint: Callable[[str], None] | None = None,
    ) -> Clusters:
        """Clusters over the threshold, the volume of their labels, and how much of each is surely active."""
        clusters = self.graph.get("clusters", settings, timings, checkpoint)
        return replace(clusters, bounds=self.graph.get("bounds", settings, timings, checkpoint))

    def _scans(self, settings: Settings) -> int:
        dropped, n = settings.data.drop_scans, self.run.n_scans
        if n - dropped < MIN_SCANS:
            raise ValueError(f"the first {dropped} scans cannot be left out of {n}: leave at most {n - MIN_SCANS} out")
        return dropped

    def _mask(self, settings: Settings) -> Domain:
        run = self.run
        if run.mask_img is not None:
            return run.domain.within(match_mask(run.mask_img, run.reader.opened))
        return run.domain.within(compute_epi_mask(run.reader.mean(), cut=settings.data.mask_cut))

    def _series(self, settings: Settings, domain: Domain) -> np.ndarray:
        return self.run.reader.series(domain, settings.data.smoothing_fwhm)

    def _signal(self, settings: Settings, series: np.ndarray, dropped: int) -> np.ndarray:
        return series[dropped:].mean(axis=0, dtype=np.float64)

    def _moments(self, settings: Settings, series: np.ndarray, dropped: int) -> Moments:
        return Moments(scale_signal(series[dropped:], settings.data.signal_scaling), self.precision, self._products)

    def _events(self, settings: Settings) -> pd.DataFrame | None:
        return self.event_source.events(settings.events)

    def _confounds(self, settings: Settings, dropped: int) -> pd.DataFrame | None:
        chosen, table = settings.design, self.run.confounds
        if table is None:
            return None
        table = choose_confounds(
            table,
            chosen.confounds,
            fd_threshold=chosen.scrub_fd,
            std_dvars_threshold=chosen.scrub_dvars,
            skip=dropped,
        )
        return table if table.shape[1] else None

    def _design(
        self, settings: Settings, events: pd.DataFrame | None, confounds: pd.DataFrame | None, dropped: int
    ) -> pd.DataFrame:
        chosen, run = settings.design, self.run
        if events is not None and chosen.conditions is not None:
            there = types_of(events)
            unknown = sorted(set(chosen.conditions) - set(there))
            if unknown:
                raise ValueError(f"no event is of type {', '.join(unknown)}; there are {', '.join(there)}")
            events = events[events["trial_type"].isin(chosen.conditions)]
        if events is not None and events.empty:
            events = None
        design = make_first_level_design_matrix(
            run.frame_times,
            events,
            hrf_model=chosen.hrf_model,
            drift_model=chosen.drift_model,
            high_pass=chosen.high_pass,
            drift_order=chosen.drift_order,
            fir_delays=list(chosen.fir_delays),
            add_regs=confounds,
            min_onset=chosen.min_onset,
        )
        if not dropped:
            return design
        kept = np.arange(dropped, run.n_scans)
        for finding in [] if events is None else event_warnings(events, run.frame_times, kept):
            if finding.kind == "censored" and finding.severity == "error":
                warnings.warn(finding.message, stacklevel=2)
        return design.iloc[dropped:]

    def _fit(self, settings: Settings, moments: Moments, design: pd.DataFrame, domain: Domain) -> Fit:
        pooling = settings.noise.pooling
        touching = domain.neighbours() if POOLINGS[pooling].needs_neighbours else None
        return fit_glm(moments, design, settings.noise.model, pooling=pooling, neighbours=touching)

    def _book(self, settings: Settings, fit: Fit, design: pd.DataFrame) -> ContrastBook:
        return ContrastBook(fit, design)

    def _contrast(self, settings: Settings, fit: Fit) -> tuple[Contrast, np.ndarray]:
        contrast = compute_contrast(fit, settings.contrast.expression)
        return contrast, contrast.z_score()

    def _statistics(self, settings: Settings, fit: Fit, contrast: tuple[Contrast, np.ndarray]) -> StatisticsBook:
        return StatisticsBook(fit, *contrast, two_sided(settings, contrast[0]), settings.data.signal_scaling)
