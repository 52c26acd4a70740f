"""The analysis that a report shows: a session's result, a first-level or a second-level model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np

from glmwidgets.analysis.answers import Answer, Fitted, RunAnswer
from glmwidgets.analysis.noise_tables import find_table
from glmwidgets.analysis.significance import Judged, judged_of
from glmwidgets.analysis.smoothness import SpatialNoise
from glmwidgets.analysis.steps import timed
from glmwidgets.analysis.thresholding import Clusters, clusters_of, searched_of, threshold_of, thresholding
from glmwidgets.datasets.download import DownloadError
from glmwidgets.datasets.templates import named_template
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.fit.expressions import contrast_vector, expression_from_vector
from glmwidgets.glm.fit.grammar import quote_name
from glmwidgets.glm.inference.cluster_p import CLUSTER_TESTS
from glmwidgets.glm.inference.clusters import Cluster
from glmwidgets.glm.moments.scaling import series_unit
from glmwidgets.images.load import image_data, load_image
from glmwidgets.images.mask import to_volumes
from glmwidgets.models.run_contrasts import definitions_by_run, named_contrasts
from glmwidgets.models.thresholding import warn_of_unused
from glmwidgets.regions.atlas import Atlas
from glmwidgets.regions.named import ClusterNames, kept_atlas, name_clusters
from glmwidgets.regions.spaces import space_in_names
from glmwidgets.report.page.permuted import PermutationFacts
from glmwidgets.session.single.analysis import Analysis
from glmwidgets.specification.arguments import arguments_of
from glmwidgets.specification.field import arguments_in
from glmwidgets.specification.looks import MapSettings
from glmwidgets.specification.settings import Settings, ThresholdSettings
from glmwidgets.specification.tree import SettingsTree
from glmwidgets.specification.words import told_beside

if TYPE_CHECKING:
    from glmwidgets.session.single.session import Session


@dataclass(frozen=True)
class ModelFacts:
    """What was chosen of a model, under the names of `FirstLevelModel` and `SecondLevelModel`.

    Attributes
    ----------
    level : {"first", "second"}
    choices : dict
        Value of each parameter that shapes the numbers.
    """

    level: str
    choices: dict[str, Any]

    @property
    def unit(self) -> str:
        """Unit of the modelled series; see `glmwidgets.glm.moments.scaling.series_unit`."""
        if self.level == "second":
            return ""
        return series_unit(self.choices["signal_scaling"], self.choices.get("standardize", False))


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
    searched : array of shape (n_voxels,)
        What the height is of: these z scores, unless a region was searched or the method enhanced them.
    judged : Judged
        What noise says of the clusters.
    permuted : PermutationFacts or None
    names : ClusterNames or None
        What an atlas says of the clusters.
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
    searched: np.ndarray
    judged: Judged
    permuted: PermutationFacts | None = None
    names: ClusterNames | None = None

    @property
    def n_searched(self) -> int:
        """Voxels among which effects were searched."""
        return self.z.size if self.judged.field is None else self.judged.field.n_voxels

    @classmethod
    def of(
        cls, name: str, text: str, weights: tuple[np.ndarray, ...], answer: Answer, clusters: Clusters, **more: Any
    ) -> ContrastFacts:
        """Of the contrast that an answer is to."""
        told = (answer.contrast, answer.z, answer.thresholding, answer.threshold, clusters.found, clusters.labels)
        more |= {"names": clusters.names}
        return cls(name, text, weights, *told, answer.searched.z, clusters.judged, **more)

    @classmethod
    def found(
        cls, name: str, text: str, weights: tuple[np.ndarray, ...], contrast: Contrast, asked: Any, noise: SpatialNoise
    ) -> ContrastFacts:
        """Of a contrast that is still to be thresholded, as ``asked.threshold`` says."""
        scored = (contrast, contrast.z_score())
        searched = searched_of(asked, scored, noise)
        height = threshold_of(asked, searched)
        clusters = clusters_of(asked, searched, height)
        table = None
        if CLUSTER_TESTS[asked.threshold.cluster_p].needs_table:
            table = find_table(noise, searched.region)
        told = (*scored, thresholding(asked, contrast), height, clusters.found, clusters.labels)
        return cls(name, text, weights, *told, searched.z, judged_of(asked, searched, clusters, height, table))


@dataclass(frozen=True, eq=False)
class Study:
    """Everything that a report says.

    Attributes
    ----------
    title : str
    model : ModelFacts
    runs : tuple of Fitted
        Or the one group.
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
    said : tuple of str
        What was warned of on the way to the result.
    beside : str
        What no argument of an estimator says of the model, in sentences.
    """

    title: str
    model: ModelFacts
    runs: tuple[Fitted, ...]
    contrasts: tuple[ContrastFacts, ...]
    mask: np.ndarray
    affine: np.ndarray
    r_square: np.ndarray | None = None
    background: nib.Nifti1Image | None = None
    settings: SettingsTree | None = None
    looks: MapSettings = field(default_factory=MapSettings)
    said: tuple[str, ...] = ()
    beside: str = ""

    def image(self, values: np.ndarray) -> nib.Nifti1Image:
        """Values of the voxels as an image, 0 outside the mask."""
        return nib.Nifti1Image(to_volumes(np.asarray(values, dtype=np.float64), self.mask), self.affine)

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

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> [facts.name for facts in study_of_result(session.analysis, session.result).contrasts]
    ['faces']
    """
    settings = result.settings
    run = timed(analysis.run, settings)
    clusters = analysis.clusters(settings) if clusters is None else clusters
    choices = {
        **arguments_of(settings.updated({"inputs.slice_time_ref": run.slice_time_ref, "inputs.t_r": run.t_r})),
        "mask_img": settings.inputs.mask or _mask_of(run, settings),
        "target_affine": run.inputs.target_affine,
    }
    choices = shaping(choices, result.fitted)
    facts = []
    for place, (name, text) in enumerate(settings.contrast.listed):
        active = place == settings.contrast.active
        own = result if active else analysis.result(settings.updated({"contrast.active": place}))
        found = clusters if active else analysis.clusters(own.settings)
        name = name or _column_called(text, own.fit.columns) or next(iter(named_contrasts(text, own.fit.columns)))
        facts.append(ContrastFacts.of(name, text, weights_of(text, [own.fitted]), own, found))
    if bg_img is None:
        mean = analysis.background_image(settings.map.background)
        bg_img = settings.map.underlay or nib.Nifti1Image(mean, run.domain.affine)
    return Study(
        title=title or f"GLM report: {run.name}",
        model=ModelFacts("first", choices),
        runs=(result.fitted,),
        contrasts=tuple(facts),
        mask=result.mask,
        affine=run.domain.affine,
        r_square=result.fitted.r_square,
        background=load_image(named_template(bg_img)),
        settings=settings,
        beside=told_beside(settings),
        looks=settings.map,
        said=tuple(text for texts in result.warnings.values() for text in texts),
    )


def _mask_of(run: Any, settings: Settings) -> str | bool | None:
    """What ``mask_img`` is where no file is named: False for every voxel, None for a mask that is found."""
    if run.mask_img is not None:
        return "given in memory"
    return False if settings.data.whole_field else None


def study_of_session(session: Session, *, title: str | None = None, bg_img: Any = None) -> Study:
    """Gather what a session of a run shows, looked at as it is now.

    Parameters
    ----------
    session : Session
    title, bg_img
        As in `study_of_result`.

    Returns
    -------
    Study

    Raises
    ------
    NoResult
        If what is set has no result; see `glmwidgets.session.core.waiting.Awaited.current_result`.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> [facts.name for facts in study_of_session(session).contrasts]
    ['faces']
    """
    session.current_result()
    with session.lock:
        result, clusters, chosen = session.current_result(), session.clusters, session.settings
    result = replace(result, settings=result.settings.seen_as(chosen))
    return study_of_result(session.analysis, result, clusters, title=title, bg_img=bg_img)


# A model --------------------------------------------------------------------------------------------------------------

# Parameters of the estimators that say where and how loudly to compute, not what.
_NOT_TOLD = {"memory", "memory_level", "verbose", "n_jobs", "minimize_memory", "random_state", "subject_label"}


def choices_of(model: Any) -> dict[str, Any]:
    """Parameters of an estimator that shape its numbers."""
    return {key: value for key, value in model.get_params(deep=False).items() if key not in _NOT_TOLD}


def shaping(choices: dict[str, Any], run: Fitted) -> dict[str, Any]:
    """Those of some arguments that shape the numbers of a run: a given design has no response and no drift."""
    left = ("slice_time_ref", *arguments_in(Settings().design)) if run.is_given else ()
    return {name: value for name, value in choices.items() if name not in left}


def study_of_model(
    model: Any,
    contrasts: Any = None,
    *,
    first_level_contrast: Any = None,
    contrast_types: Mapping[str, str] | None = None,
    title: str | None = None,
    bg_img: Any = None,
    threshold: float | None = None,
    alpha: float = 0.001,
    cluster_threshold: int = 0,
    height_control: str | None = "fpr",
    two_sided: bool = True,
    min_distance: float = 8.0,
    cluster_p: str = "none",
    missing: str = "error",
    dof_method: str = "sum",
    looks: MapSettings | None = None,
    atlas: Any = None,
) -> Study:
    """Gather what a fitted estimator says of some contrasts.

    Parameters
    ----------
    model : FirstLevelModel or SecondLevelModel
        Fitted.
    contrasts : str, array, mapping or list of these, optional
        See `glmwidgets.models.run_contrasts.named_contrasts`.
    first_level_contrast : optional
        Which maps a second-level model is asked about.
    contrast_types : mapping from str to {"t", "F"}, optional
        Tests of some contrasts, by their names; by default t for one row and F for several.
    title : str, optional
    bg_img : image or path, optional
        What maps are drawn on.
    threshold, alpha, cluster_threshold, height_control, two_sided
        As in `glmwidgets.models.threshold_stats_img`.
    min_distance : float
        Least distance between the peaks listed of a cluster, in mm.
    cluster_p : str
        How p values of clusters are found: a key of `glmwidgets.glm.inference.cluster_p.CLUSTER_TESTS`.
    missing : {"error", "skip"}
        As in `FirstLevelModel.compute_contrast`.
    dof_method : {"sum", "satterthwaite"}
        Of several runs; see `glmwidgets.models.FirstLevelModel.compute_contrast`.
    looks : MapSettings, optional
        How maps are drawn.
    atlas : Atlas or path, optional
        Names the regions of peaks and clusters; see `glmwidgets.regions.open_atlas`.

    Returns
    -------
    Study

    Examples
    --------
    >>> from glmwidgets import FirstLevelModel
    >>> from glmwidgets.datasets import simulate_run
    >>> run = simulate_run("small", shape=(12, 14, 11), n_scans=60)
    >>> model = FirstLevelModel(t_r=run.t_r).fit(run.img, run.events)
    >>> [facts.name for facts in study_of_model(model, {"category": "faces - houses"}).contrasts]
    ['category']
    """
    named_by = atlas if atlas is None or isinstance(atlas, Atlas) else kept_atlas(atlas)
    warn_of_unused(threshold, height_control)
    chosen = ThresholdSettings(
        height_control="fixed" if height_control is None else height_control,
        alpha=alpha,
        value=3.09 if threshold is None else float(threshold),
        two_sided=two_sided,
        cluster_size=int(cluster_threshold),
        min_distance=float(min_distance),
        cluster_p=cluster_p,
    )
    model.check_fitted()
    first = hasattr(model, "fits_")
    asked, domain = Settings(threshold=chosen), model.masker_.domain_
    designs = [run.design for run in model.fitted_] if first else [model.design_matrix_]
    named = named_contrasts(contrasts, designs[0].columns)
    if first:
        runs = tuple(model.fitted_)
    elif named:
        runs = (model.fitted(first_level_contrast),)
    else:  # only a contrast tells which maps a group model is about
        runs = (Fitted("group", designs[0], None),)
    found = []
    noise = model.spatial_noise(*([] if first else [first_level_contrast])) if named else None
    types = dict(contrast_types or {})
    for name in types:
        check_choice("a contrast of contrast_types", name, named)
    for name, definition in named.items():
        if first:
            contrast = model.contrast(definition, types.get(name), missing=missing, dof_method=dof_method)
        else:
            contrast = model.contrast(definition, first_level_contrast, types.get(name))
        weights = weights_of(definition, runs)
        text = definition if isinstance(definition, str) else expression_from_vector(weights[0], runs[0].design.columns)
        facts = ContrastFacts.found(name, text, weights, contrast, asked, noise)
        if named_by is not None:
            names = name_clusters(named_by, facts.clusters, facts.labels, domain.affine, space_in_names(model.sources_))
            facts = replace(facts, names=names)
        found.append(facts)
    choices = choices_of(model)
    if first:
        choices = {**shaping(choices, runs[0]), "t_r": runs[0].t_r}
    else:
        if model.matching_ is not None:
            choices |= {"rows": model.matching_.sentence(), "maps and rows": model.matching_.pairs()}
        if first_level_contrast is not None:
            choices["first_level_contrast"] = first_level_contrast
    names = [run.name for run in runs] if first else [f"{len(model.design_matrix_)} maps"]
    background, said = _background(bg_img, runs)
    return Study(
        title=title or f"GLM report: {_listed(list(named) or names)}",
        model=ModelFacts("first" if first else "second", choices),
        runs=runs,
        contrasts=tuple(found),
        mask=domain.mask,
        affine=domain.affine,
        r_square=np.mean([run.r_square for run in runs], axis=0) if runs[0].fit is not None else None,
        background=background,
        looks=looks or MapSettings(),
        said=said,
    )


def weights_of(definition: Any, runs: Sequence[Fitted]) -> tuple[np.ndarray, ...]:
    """Weights in every run that knows the columns."""
    definitions, _ = definitions_by_run(definition, len(runs))
    weights = []
    for own, run in zip(definitions, runs, strict=True):
        try:
            weights.append(np.atleast_2d(contrast_vector(own, run.design.columns)))
        except ValueError:
            continue  # the model has said so already
    return tuple(weights)


def _listed(names: Sequence[str], most: int = 3) -> str:
    """Some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def _background(bg_img: Any, runs: Sequence[Fitted]) -> tuple[nib.Nifti1Image | None, tuple[str, ...]]:
    """What maps are drawn on, and what has to be said of it."""
    said: tuple[str, ...] = ()
    if bg_img is not None:
        try:
            return load_image(named_template(bg_img)), said
        except DownloadError as error:
            said = (f"maps are not drawn on the template that was asked for: {error}",)
            warnings.warn(said[0], stacklevel=4)
    source = runs[0].source
    if source is None or not Path(source).is_file():
        return None, said
    img = load_image(source)
    mean = image_data(img).mean(axis=3, dtype=np.float64).astype(np.float32)
    return nib.Nifti1Image(mean, img.affine), said


def _column_called(text: str, columns: Sequence[str]) -> str | None:
    """The column that an expression is, without the quotes that its name may need."""
    return next((name for name in columns if text in (name, quote_name(name))), None)
