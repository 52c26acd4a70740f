"""The stages of a first-level analysis of one run, from the file to the table of clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.analysis import steps
from glmwidgets.analysis.answers import Fitted, RunAnswer
from glmwidgets.analysis.designs import setting_of_most_columns
from glmwidgets.analysis.events import EventSource, types_of
from glmwidgets.analysis.left_out import left_out_types, naming_left_out
from glmwidgets.analysis.proposals import adapted_expression, condition_columns, mended_expression
from glmwidgets.analysis.smoothness import smoothness_of
from glmwidgets.analysis.thresholding import Scored, two_sided
from glmwidgets.glm.design.confound_groups import first_choice
from glmwidgets.glm.design.given import effects_in
from glmwidgets.glm.errors import NoFreedomError
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.fit.statistics import StatisticsBook
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.cache import ProductCache
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.memory_budget import PRODUCTS, SERIES
from glmwidgets.glm.moments.scaling import series_unit
from glmwidgets.glm.moments.series import Series
from glmwidgets.glm.noise.evidence import Evidence, noise_by_evidence
from glmwidgets.glm.noise.models import LIVE_NOISE_MODEL
from glmwidgets.glm.response.models import resolve_hrf
from glmwidgets.runs.backgrounds import BACKGROUNDS, background_of
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.run import Run
from glmwidgets.session.core.analysis import Checkpoint, Get, LiveAnalysis
from glmwidgets.session.core.graph import Stage, StageError
from glmwidgets.specification.field import SettingsError
from glmwidgets.specification.noise import ASKED
from glmwidgets.specification.reading import read_by, reads
from glmwidgets.specification.settings import InputSettings, NoiseSettings, Settings

# Smoothed versions that a person may come back to, and fits, within what a small machine can spare. Coming back asks
# for the moments alone; the series serve another scaling, or other scans left out, of the same version.
SERIES_BYTES = 160 * 2**20
MOMENTS_BYTES = 400 * 2**20
FIT_BYTES = 100 * 2**20


@contextmanager
def _naming_the_setting(chosen: Any, design: pd.DataFrame) -> Iterator[None]:
    """Say of a design that leaves no degree of freedom which setting brings most of its columns."""
    try:
        yield
    except NoFreedomError as error:
        path = setting_of_most_columns(chosen, [str(name) for name in design.columns])
        raise SettingsError.of(path, error) from error


class Analysis(LiveAnalysis):
    """The graph of stages over one run.

    Parameters
    ----------
    run : Run
    precision : {"float64", "float32"}
        Precision of the products with the data; see `glmwidgets.glm.moments.lagged.Moments`.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> run = open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60))
    >>> from glmwidgets.session.single.analysis import Analysis
    >>> analysis = Analysis(run)
    >>> settings = analysis.default_settings().updated({"contrast.expression": "faces - houses"})
    >>> result = analysis.result(settings)
    >>> result.contrast.stat_type, result.z.size == result.domain.size
    ('t', True)
    """

    def __init__(self, run: Run, precision: str = "float64"):
        self.run = run
        self.event_source = EventSource(run.events, run.unlasting)
        self.precision = precision
        self._products = ProductCache(shared=PRODUCTS)  # one for all versions of the data that are kept
        super().__init__(
            [
                Stage("scans", self._of_run(steps.scans_of), keep=1),
                Stage("mask", self._of_run(steps.domain_of)),
                Stage("series", self._series, ("mask",), keep=8, budget=SERIES_BYTES),
                Stage("kept", self._of_run(steps.scrubbed_of), ("scans",)),
                Stage("signal", self._signal, ("series", "scans", "kept"), keep=8),
                Stage("moments", self._moments, ("series", "scans", "kept"), budget=MOMENTS_BYTES),
                Stage("events", self._events, keep=8),
                Stage("confounds", self._of_run(steps.confounds_of), ("scans",)),
                Stage("design", self._of_run(steps.design_of), ("events", "confounds", "scans"), keep=8),
                Stage("fit", self._fit, ("moments", "design", "mask"), keep=3, budget=FIT_BYTES),
                Stage("fitted", self._fitted, ("fit", "design", "events", "signal"), keep=3, budget=FIT_BYTES),
                # Products of neighbours' series: of the data alone, made where they are first asked for.
                Stage("neighbours", lambda asked, moments: {}, ("moments",)),
                Stage("smoothness", smoothness_of, ("fit", "mask", "neighbours"), keep=3),
                Stage("contrast", self._contrast, ("fit", "events"), keep=6),
                Stage("statistics", self._statistics, ("fit", "contrast"), keep=2, budget=FIT_BYTES),
            ]
        )

    def default_settings(self) -> Settings:
        """Settings that a run is first looked at with: its first condition, the noise model as the run asks for it."""
        noise = NoiseSettings(LIVE_NOISE_MODEL, choice=ASKED) if self.run.is_even else NoiseSettings("ols")
        settings = Settings(inputs=InputSettings.of(self.run), noise=noise)
        if self.run.design is not None:
            settings = settings.updated({"design.source": "given"})
        if self.run.confounds is not None:
            chosen = self.run.chosen_confounds
            chosen = first_choice(self.run.confounds.columns) if chosen is None else chosen
            settings = settings.updated({"design.confounds": chosen})
        first = self.run.conditions if self.run.design is None else tuple(effects_in(self.run.design))
        if first:
            settings = settings.updated({"contrast.expression": quote_name(first[0]), "threshold.cluster_size": 10})
        return settings

    @property
    def warned(self) -> Mapping[str, tuple[str, ...]]:
        """What was warned of when the run was opened."""
        return {"run": self.run.warnings} if self.run.warnings else {}

    def noise_by_evidence(self, settings: Settings) -> Evidence:
        """The noise model that the run asks for under the design of some settings.

        Raises
        ------
        glmwidgets.session.core.graph.StageError
            If there is no design, or no data, to look at, or nothing in them varies.
        """
        design, run = self.graph.get("design", settings), steps.timed(self.run, settings)
        if not run.is_even:
            return Evidence("ols", None, None, None, "Scans at uneven times have no noise model but OLS")
        moments = self.graph.get("moments", settings)
        try:
            with _naming_the_setting(settings.design, design):
                return noise_by_evidence(moments, design_basis(design.to_numpy(dtype=float)), run.t_r)
        except ValueError as error:
            raise StageError("fit", error) from error

    def settled(self, settings: Settings) -> Settings:
        """The settings, with the noise model that the run asks for where they leave that to it."""
        if settings.noise.choice != ASKED:
            return settings
        return settings.updated(self.noise_by_evidence(settings).as_settings())

    def events(self, settings: Settings) -> pd.DataFrame | None:
        """Events that are modelled under these settings, those of types without a tick too.

        Raises
        ------
        ValueError
            If they cannot be made.
        """
        return None if settings.design.source == "given" else self.event_source.events(settings.events)

    def confounds(self, settings: Settings) -> pd.DataFrame | None:
        """Confounds that are modelled, one row a scan of the run; None if there are none."""
        return self.graph.get("confounds", settings)

    def design(self, settings: Settings) -> pd.DataFrame:
        """Design matrix, one row a scan that is analysed."""
        return self.graph.get("design", settings)

    def voxels(self, settings: Settings) -> Domain:
        """Voxels that are analysed."""
        return self.graph.get("mask", settings)

    def conditions(self, settings: Settings) -> tuple[str, ...]:
        """Types of these events, sorted."""
        return types_of(self.events(settings))

    def columns_of_conditions(self, settings: Settings) -> dict[str, tuple[str, ...]]:
        """Columns that model each event type under these settings, as they are called; the design is not made."""
        design, types = settings.design, self.conditions(settings)
        response = resolve_hrf(design.hrf_model, design.fir_delays)
        chosen = types if design.conditions is None else [name for name in types if name in design.conditions]
        return {name: tuple(response.column_names(name)) for name in chosen}

    @property
    def domain(self) -> Domain:
        """Where the series lie: all voxels of the run's image."""
        return self.run.domain

    @cached_property
    def background(self) -> np.ndarray:
        """Mean image over time, 3-D float32."""
        return background_of(self.run, "mean")

    @property
    def backgrounds(self) -> tuple[str, ...]:
        """What maps of this run can be laid over: keys of `glmwidgets.runs.backgrounds.BACKGROUNDS`."""
        return tuple(name for name, row in BACKGROUNDS.items() if row.there(self.run))

    @property
    def anatomical(self) -> nib.Nifti1Image | None:
        """The participant's anatomical image, on its own grid."""
        return self.run.anatomical

    def background_image(self, name: str) -> np.ndarray:
        """An image to lay maps over, 3-D float32; the mean where the one asked for was not given."""
        return self.background if name not in self.backgrounds or name == "mean" else background_of(self.run, name)

    def _answer(
        self, settings: Settings, get: Get, timings: dict[str, float], checkpoint: Checkpoint | None
    ) -> RunAnswer:
        # In this order, so that a design that cannot be made says so before the data are read.
        get("design")
        return RunAnswer(**self._scored(settings, get), fitted=self.graph.get("fitted", settings), timings=timings)

    def suggestion(self, settings: Settings, error: BaseException | None = None) -> str | None:
        """A contrast that could stand in the place of one that cannot be read under these settings."""
        design, expression = self.design(settings), settings.contrast.expression
        columns = [str(name) for name in design.columns]
        by_condition = condition_columns(self.conditions(settings), settings.design, columns)
        return adapted_expression(expression, by_condition, columns) or mended_expression(expression, error)

    def forget(self) -> None:
        """Let go of everything that was kept for settings that may come back, and of the run's images."""
        super().forget()
        self._products.clear()
        self.run = self.run.closed()

    @reads(
        *read_by(steps.timed),
        *(f"design.{name}" for name in ("source", "drift_model", "hrf_model", "fir_delays")),
        "data.signal_scaling",
        "data.standardize",
        *read_by(steps.fit_of),
    )
    def _fit(self, asked: Any, moments: Moments, design: pd.DataFrame, domain: Domain) -> Fit:
        if asked.design.source == "given":
            steps.warn_without_constant(self.run, asked, design)
        steps.check_even(steps.timed(self.run, asked), asked.noise.model)
        with _naming_the_setting(asked.design, design):
            return steps.fit_of(asked, moments, design, domain)

    @reads(*read_by(steps.series_of))
    def _series(self, asked: Any, domain: Domain) -> Series:
        return steps.series_of(self.run, asked, domain)

    def _of_run(self, step: Callable[..., Any]) -> Callable[..., Any]:
        """A step on the run that is there when it is asked for: an analysis that was closed holds no image."""

        @reads(*read_by(step))
        def compute(asked: Any, *needed: Any) -> Any:
            return step(self.run, asked, *needed)

        return compute

    @reads("design.source", "events.table", "events.shift", "events.modulated", "events.modulated_by")
    def _events(self, asked: Any) -> pd.DataFrame | None:
        return self.events(asked)

    def _signal(self, asked: Any, series: Series, scans: slice, kept: np.ndarray) -> np.ndarray:
        y = series.of_scans(scans)
        return (y if kept.all() else y.of_scans(kept)).mean()

    @reads(*read_by(steps.moments_of))
    def _moments(self, asked: Any, series: Series, scans: slice, kept: np.ndarray) -> Moments:
        how = {"precision": self.precision, "products": self._products, "held": SERIES}
        return steps.moments_of(asked, series, scans, None if kept.all() else kept, **how)

    @reads(
        *read_by(steps.timed),
        "design.source",
        "design.conditions",
        "design.confounds",
        "design.hrf_model",
        "design.fir_delays",
    )
    def _fitted(
        self, asked: Any, fit: Fit, design: pd.DataFrame, events: pd.DataFrame | None, signal: np.ndarray
    ) -> Fitted:
        run, chosen = steps.timed(self.run, asked), asked.design.confounds
        confounds = () if run.confounds is None else tuple(run.confounds.columns) if chosen is None else chosen
        about = {"t_r": run.t_r, "inputs": run.inputs, "signal": signal}
        if asked.design.source == "given":
            return Fitted(run.name, design, fit, effects=effects_in(design), is_given=True, **about)
        modelled, left_out = steps.modelled_events(asked, events), left_out_types(asked.design, events)
        effects = condition_columns(types_of(modelled), asked.design, [str(name) for name in design.columns])
        return Fitted(
            run.name, design, fit, events=modelled, confounds=confounds, effects=effects, left_out=left_out, **about
        )

    @reads("design.source", "design.conditions", *read_by(steps.contrast_of))
    def _contrast(self, asked: Any, fit: Fit, events: pd.DataFrame | None) -> Scored:
        with naming_left_out(asked.contrast.expression, left_out_types(asked.design, events)):
            return steps.contrast_of(asked, fit)

    @reads("threshold.two_sided", "data.signal_scaling", "data.standardize")
    def _statistics(self, asked: Any, fit: Fit, contrast: Scored) -> StatisticsBook:
        unit = series_unit(asked.data.signal_scaling, asked.data.standardize)
        return StatisticsBook(fit, *contrast, two_sided(asked, contrast[0]), unit)
