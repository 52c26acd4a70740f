"""What a report tells of, whichever way it was analysed: a session's result, a first-level or a second-level model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from numbers import Real
from os import PathLike
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.analysis.answers import RunAnswer
from glmwidgets.analysis.thresholding import Clusters
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.expressions import contrast_vector, expression_from_vector, quote_name
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.inference.clusters import Cluster, find_clusters
from glmwidgets.glm.inference.heights import height_threshold
from glmwidgets.glm.moments.scaling import SCALINGS, scaling_row
from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.mask import unmask
from glmwidgets.models.run_contrasts import definitions_by_run, is_named_contrasts
from glmwidgets.report.page.permuted import PermutationFacts
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.looks import MapSettings
from glmwidgets.specification.settings import ThresholdSettings
from glmwidgets.specification.tree import SettingsTree

__all__ = [
    "ContrastFacts",
    "ModelFacts",
    "RunFacts",
    "Study",
    "named_contrasts",
    "study_of_model",
    "study_of_result",
]


@dataclass(frozen=True)
class ModelFacts:
    """What was chosen of a model, under the names of `FirstLevelModel` and `SecondLevelModel`.

    Attributes
    ----------
    level : {"first", "second"}
    choices : dict
        Value of each parameter that shapes the numbers.
    unit : str
        Of the modelled series.
    """

    level: str
    choices: dict[str, Any]
    unit: str = ""


@dataclass(frozen=True, eq=False)
class RunFacts:
    """One run, or one group.

    Attributes
    ----------
    name : str
    design : DataFrame
    t_r : float or None
    events : DataFrame or None
        Those that were modelled.
    confounds : tuple of str or None
        Columns of the design that are confounds; None if that is not known.
    fit : Fit or None
    source : str or None
        Path of the image.
    """

    name: str
    design: pd.DataFrame
    t_r: float | None = None
    events: pd.DataFrame | None = None
    confounds: tuple[str, ...] | None = None
    fit: Fit | None = None
    source: str | None = None

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
        skipped = ("drift_", "constant")
        return [n for n in names if not n.startswith(skipped) and n not in (self.confounds or ())]


@dataclass(frozen=True, eq=False)
class ContrastFacts:
    """One contrast and what was found.

    Attributes
    ----------
    name : str
        What it is called.
    text : str
        How it is written.
    weights : tuple of arrays of shape (q, n_columns)
        One a run that answers it.
    contrast : Contrast
    z : array of shape (n_voxels,)
    threshold : ThresholdSettings
        As it was applied: an F test has one side.
    height : float
        In z.
    clusters : tuple of Cluster
    labels : array of int, 3-D
    permuted : PermutationFacts or None
    """

    name: str
    text: str
    weights: tuple[np.ndarray, ...]
    contrast: Contrast
    z: np.ndarray
    threshold: ThresholdSettings
    height: float
    clusters: tuple[Cluster, ...]
    labels: np.ndarray
    permuted: PermutationFacts | None = None


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that a report says.

    Attributes
    ----------
    title : str
    model : ModelFacts
    runs : tuple of RunFacts
    contrasts : tuple of ContrastFacts
    mask : array of bool, 3-D
    affine : array of shape (4, 4)
    r_square : array of shape (n_voxels,) or None
        The mean over runs.
    background : Nifti1Image or None
    settings : SettingsTree or None
        Of a session: its whole tree.
    looks : MapSettings
        How maps are drawn.
    """

    title: str
    model: ModelFacts
    runs: tuple[RunFacts, ...]
    contrasts: tuple[ContrastFacts, ...]
    mask: np.ndarray
    affine: np.ndarray
    r_square: np.ndarray | None = None
    background: nib.Nifti1Image | None = None
    settings: SettingsTree | None = None
    looks: MapSettings = field(default_factory=MapSettings)

    def image(self, values: np.ndarray) -> nib.Nifti1Image:
        """Values of the voxels as an image, 0 outside the mask."""
        return nib.Nifti1Image(unmask(np.asarray(values, dtype=np.float64), self.mask), self.affine)

    def mask_image(self) -> nib.Nifti1Image:
        """The mask as an image."""
        return nib.Nifti1Image(self.mask.astype(np.uint8), self.affine)


# A session ------------------------------------------------------------------------------------------------------------


def study_of_result(
    analysis: Analysis,
    result: RunAnswer,
    clusters: Clusters | None = None,
    *,
    title: str | None = None,
    bg_img: Any = None,
) -> Study:
    """Gather what a result of the live analysis says, and what the other contrasts of its list do.

    Parameters
    ----------
    analysis : Analysis
        The one that gave the result.
    result : RunAnswer
    clusters : Clusters, optional
        Of the same settings; found if they are not given.
    title : str, optional
    bg_img : image or path, optional
        What maps are drawn on; by default what the settings lay them over.

    Returns
    -------
    Study
    """
    settings, run = result.settings, analysis.run
    clusters = analysis.clusters(settings) if clusters is None else clusters
    design, events = settings.design, analysis.events(settings)
    if events is not None and design.conditions is not None:
        events = events[events["trial_type"].isin(design.conditions)]
    chosen = design.confounds
    confounds = () if run.confounds is None else tuple(run.confounds.columns) if chosen is None else chosen
    scaling = SCALINGS[settings.data.signal_scaling]
    choices = {
        "t_r": run.t_r,
        "slice_time_ref": run.slice_time_ref,
        "hrf_model": design.hrf_model,
        "fir_delays": list(design.fir_delays),
        "drift_model": design.drift_model,
        "high_pass": design.high_pass,
        "drift_order": design.drift_order,
        "min_onset": design.min_onset,
        "smoothing_fwhm": settings.data.smoothing_fwhm,
        "signal_scaling": scaling.value,
        "noise_model": settings.noise.model,
        "pooling": settings.noise.pooling,
        "drop_scans": settings.data.drop_scans,
        "mask_cut": settings.data.mask_cut,
        "mask_img": settings.inputs.mask or (None if run.mask_img is None else "given in memory"),
    }
    facts = []
    for place, (name, text) in enumerate(settings.contrast.listed):
        active = place == settings.contrast.active
        own = result if active else analysis.result(settings.updated({"contrast.active": place}))
        found = clusters if active else analysis.clusters(own.settings)
        facts.append(
            ContrastFacts(
                name=name or _column_called(text, own.fit.columns) or text,
                text=text,
                weights=(np.atleast_2d(contrast_vector(text, own.fit.columns)),),
                contrast=own.contrast,
                z=own.z,
                threshold=own.thresholding,
                height=own.threshold,
                clusters=tuple(found.found),
                labels=found.labels,
            )
        )
    if bg_img is None:
        bg_img = nib.Nifti1Image(analysis.background_image(settings.map.background), run.domain.affine)
    return Study(
        title=title or f"GLM report: {run.name}",
        model=ModelFacts("first", choices, _unit(scaling.value)),
        runs=(RunFacts(run.name, result.design, run.t_r, events, confounds, result.fit, settings.inputs.bold),),
        contrasts=tuple(facts),
        mask=result.mask,
        affine=run.domain.affine,
        r_square=result.fit.r_square,
        background=load_image(bg_img),
        settings=settings,
        looks=settings.map,
    )


# A model --------------------------------------------------------------------------------------------------------------

# Parameters of the estimators that say where and how loudly to compute, not what.
_NOT_TOLD = {"memory", "memory_level", "verbose", "n_jobs", "minimize_memory", "random_state", "subject_label"}


def study_of_model(
    model: Any,
    contrasts: Any = None,
    *,
    first_level_contrast: Any = None,
    title: str | None = None,
    bg_img: Any = None,
    threshold: float | None = None,
    alpha: float = 0.001,
    cluster_threshold: int = 0,
    height_control: str | None = "fpr",
    two_sided: bool = True,
    min_distance: float = 8.0,
    missing: str = "error",
    looks: MapSettings | None = None,
) -> Study:
    """Gather what a fitted estimator says of some contrasts.

    Parameters
    ----------
    model : FirstLevelModel or SecondLevelModel
        Fitted.
    contrasts : str, array, mapping or list of these, optional
        See `named_contrasts`.
    first_level_contrast : optional
        Which maps a second-level model is asked about.
    title : str, optional
    bg_img : image or path, optional
        What maps are drawn on.
    threshold, alpha, cluster_threshold, height_control, two_sided
        As in `glmwidgets.models.threshold_stats_img`.
    min_distance : float
        Least distance between the peaks listed of a cluster, in mm.
    missing : {"error", "skip"}
        As in `FirstLevelModel.compute_contrast`.
    looks : MapSettings, optional
        How maps are drawn.

    Returns
    -------
    Study
    """
    chosen = ThresholdSettings(
        height_control="fixed" if height_control is None else height_control,
        alpha=alpha,
        value=3.09 if threshold is None else float(threshold),
        two_sided=two_sided,
        cluster_size=int(cluster_threshold),
        min_distance=float(min_distance),
    )
    model._check_fitted()
    first = hasattr(model, "fits_")
    runs = _runs(model) if first else (RunFacts("group", model.design_matrix_),)
    mask, affine = model.masker_.mask_, model.masker_.mask_img_.affine
    found = []
    for name, definition in named_contrasts(contrasts, runs[0].design.columns).items():
        if first:
            contrast = model.contrast(definition, missing=missing)
        else:
            contrast = model.contrast(definition, first_level_contrast)
        weights = _weights(definition, runs)
        text = definition if isinstance(definition, str) else expression_from_vector(weights[0], runs[0].design.columns)
        found.append(_found(name, text, weights, contrast, chosen, mask, affine))
    choices = {key: value for key, value in model.get_params(deep=False).items() if key not in _NOT_TOLD}
    if first:
        choices["t_r"] = runs[0].t_r
        unit = "sd" if model.standardize else _unit(model.signal_scaling)
    else:
        unit = ""
        if model.matching_ is not None:
            choices |= {"rows": model.matching_.sentence(), "maps and rows": model.matching_.pairs()}
        if first_level_contrast is not None:
            choices["first_level_contrast"] = first_level_contrast
    names = ", ".join(run.name for run in runs) if first else f"{len(model.design_matrix_)} maps"
    return Study(
        title=title or f"GLM report: {names}",
        model=ModelFacts("first" if first else "second", choices, unit),
        runs=runs,
        contrasts=tuple(found),
        mask=mask,
        affine=affine,
        r_square=_r_square(model, runs, first, bool(found)),
        background=_background(bg_img, runs),
        looks=looks or MapSettings(),
    )


def named_contrasts(contrasts: Any, columns: Sequence[Any]) -> dict[str, Any]:
    """Contrasts by name.

    Parameters
    ----------
    contrasts : str, array, mapping or list of these, or None
        A mapping from names to definitions; one definition; or a list of several. A list of numbers is one vector.
        Definitions without a name are called by their text.
    columns : sequence of str
        Of the design.

    Returns
    -------
    dict

    Examples
    --------
    >>> named_contrasts(["a", [1, -1]], ["a", "b"])
    {'a': 'a', 'a - b': [1, -1]}
    """
    if contrasts is None:
        return {}
    if is_named_contrasts(contrasts):
        return {str(name): definition for name, definition in contrasts.items()}
    several = isinstance(contrasts, list | tuple) and not all(isinstance(c, Real | np.number) for c in contrasts)
    named: dict[str, Any] = {}
    for definition in contrasts if several else [contrasts]:
        if isinstance(definition, str):
            name = definition
        else:
            name = expression_from_vector(contrast_vector(definition, columns), columns)
        named[name] = definition
    return named


def _runs(model: Any) -> tuple[RunFacts, ...]:
    sources = model._sources
    return tuple(
        RunFacts(
            name=_short_name(source, number),
            design=design,
            t_r=t_r,
            events=events,
            fit=fit,
            source=str(source) if isinstance(source, str | PathLike) else None,
        )
        for number, (source, design, t_r, events, fit) in enumerate(
            zip(sources, model.design_matrices_, model._t_r, model._events, model.fits_, strict=True), 1
        )
    )


def _short_name(source: Any, number: int) -> str:
    if isinstance(source, str | PathLike):
        return Path(source).name.removesuffix(".gz").removesuffix(".nii")
    return f"run {number}"


def _weights(definition: Any, runs: Sequence[RunFacts]) -> tuple[np.ndarray, ...]:
    """Weights in every run that knows the columns."""
    definitions, _ = definitions_by_run(definition, len(runs))
    weights = []
    for own, run in zip(definitions, runs, strict=True):
        try:
            weights.append(np.atleast_2d(contrast_vector(own, run.design.columns)))
        except ValueError:
            continue  # the model has said so already
    return tuple(weights)


def _found(
    name: str,
    text: str,
    weights: tuple[np.ndarray, ...],
    contrast: Contrast,
    chosen: ThresholdSettings,
    mask: np.ndarray,
    affine: np.ndarray,
) -> ContrastFacts:
    if contrast.stat_type == "F" and chosen.two_sided:
        # The z score of an F is large where there is an effect, of whichever sign, and says nothing where it is small.
        chosen = ThresholdSettings(**{**vars(chosen), "two_sided": False})
    z = contrast.z_score()
    height = height_threshold(
        z, chosen.height_control, alpha=chosen.alpha, two_sided=chosen.two_sided, fixed=chosen.value
    )
    clusters, labels = find_clusters(
        unmask(z, mask),
        height,
        affine,
        cluster_threshold=chosen.cluster_size,
        two_sided=chosen.two_sided,
        min_distance=chosen.min_distance,
    )
    return ContrastFacts(name, text, weights, contrast, z, chosen, height, tuple(clusters), labels)


def _r_square(model: Any, runs: Sequence[RunFacts], first: bool, asked: bool) -> np.ndarray | None:
    if first:
        return np.mean([run.fit.r_square for run in runs], axis=0)
    # Only a contrast tells which maps a group model is about.
    return model.masker_.transform(model.r_square) if asked else None


def _background(bg_img: Any, runs: Sequence[RunFacts]) -> nib.Nifti1Image | None:
    if bg_img is not None:
        return load_image(bg_img)
    source = runs[0].source
    if source is None or not Path(source).is_file():
        return None
    img = load_image(source)
    mean = image_data(img).mean(axis=3, dtype=np.float64).astype(np.float32)
    return nib.Nifti1Image(mean, img.affine)


def _column_called(text: str, columns: Sequence[str]) -> str | None:
    """The column that an expression is, without the quotes that its name may need."""
    return next((name for name in columns if text in (name, quote_name(name))), None)


def _unit(signal_scaling: Any) -> str:
    return "" if scaling_row(signal_scaling).mean is None else "% signal"
