"""What the models of runs and of groups share once they are fitted: maps of contrasts, their mask, and a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from glmwidgets.analysis.smoothness import SpatialNoise, runs_smoothness_of
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.fit.contrasts import Contrast
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.models.base import Estimator
from glmwidgets.models.map_header import describe_map
from glmwidgets.models.run_contrasts import is_named_contrasts

if TYPE_CHECKING:
    from nibabel import Nifti1Image

    from glmwidgets.models.masker import ImageMasker

OUTPUT_TYPES = ("z_score", "stat", "p_value", "effect_size", "effect_variance")

#: Found by name when it is asked for: models know nothing of figures, and run where matplotlib is not installed.
REPORT_MODULE = "glmwidgets.report.page.html"


class MappingModel(Estimator):
    """An estimator whose contrasts are maps, with a ``masker_`` once it is fitted."""

    masker_: ImageMasker
    verbose: int

    @property
    def n_elements_(self) -> int:
        """Number of voxels in the mask."""
        return self.masker_.n_elements_

    @property
    def mask_img_(self) -> Nifti1Image:
        """The mask."""
        return self.masker_.mask_img_

    def generate_report(self, contrasts: Any = None, *more: Any, **options: Any) -> Any:
        """Report on the fitted model and some contrasts, as one HTML page.

        Parameters
        ----------
        contrasts : str, array, list or dict of these
            What `compute_contrast` takes; a dictionary gives the names.
        *more, **options
            ``title``, ``bg_img``, ``threshold``, ``alpha``, ``cluster_threshold``, ``height_control``,
            ``min_distance``, ``plot_type``, ``report_dims`` ...: of ``glmwidgets.report.page.html.glm_report``, in its
            order.

        Returns
        -------
        Report
            Shown in a notebook by itself; ``save_as_html(path)`` writes it, ``open_in_browser()`` opens it.

        Raises
        ------
        ImportError
            If what reports are made with is not installed; the message says what to install.
        """
        self.check_fitted()
        try:
            glm_report: Callable[..., Any] = import_module(REPORT_MODULE).glm_report
        except ModuleNotFoundError as error:
            raise ImportError(
                f"reports cannot be made here, as {error.name} is not installed: "
                'python -m pip install "glmwidgets[report]" brings all they need'
            ) from error
        return glm_report(self, contrasts, *more, **options)

    def spatial_noise(self, *of: Any) -> SpatialNoise:
        """How smooth what the model leaves is, over space; found when it is asked for."""
        raise NotImplementedError

    def random_field(
        self, contrast: Any, two_sided: bool = True, smoothness: str = "correlation", region: Any = None, **how: Any
    ) -> RandomField:
        """What noise as smooth as the residuals does over the mask: familywise heights, and p of peaks and clusters.

        Parameters
        ----------
        contrast : str, array, dict or Contrast
            What `contrast` takes, or gave.
        two_sided : bool
            Whether both signs are looked at; an F test has one side.
        smoothness : str
            How the smoothness is estimated: a key of `glmwidgets.glm.inference.smoothness.SMOOTHNESS`.
        region : bool array of shape (nx, ny, nz), optional
            Where one searches; by default the whole mask.
        **how
            Further arguments of `contrast`.

        Returns
        -------
        glmwidgets.glm.inference.random_fields.RandomField
            For ``field=`` of `threshold_stats_img` and `get_clusters_table`.

        Raises
        ------
        ValueError
            If the residuals cannot be had; runs are kept with ``minimize_memory=False``.
        """
        found = contrast if isinstance(contrast, Contrast) else self.contrast(contrast, **how)
        noise = self.spatial_noise(*filter(None, [how.get("first_level_contrast")]))
        return noise.field(found, two_sided, smoothness, region)

    def _maps(self, definition: Any, output_type: str, estimate: Callable[[Any], Contrast], text: Any) -> Any:
        """Map of a contrast, or maps by output type, or these by the names of several contrasts."""
        if is_named_contrasts(definition):
            return {name: self._maps(one, output_type, estimate, one) for name, one in definition.items()}
        check_choice("output_type", output_type, (*OUTPUT_TYPES, "all"))
        contrast = estimate(definition)
        found = {}
        for each in OUTPUT_TYPES if output_type == "all" else (output_type,):
            found[each] = self.masker_.inverse_transform(getattr(contrast, each)())
            describe_map(found[each], each, contrast, text)
        return found if output_type == "all" else found[output_type]

    def _log(self, level: int, message: str) -> None:
        if self.verbose >= level:
            print(f"[{type(self).__name__}] {message}")


def runs_random_field(
    models: Sequence[MappingModel],
    contrast: Contrast,
    two_sided: bool = True,
    smoothness: str = "correlation",
    region: Any = None,
) -> RandomField:
    """The random field of a contrast over runs that have a model each.

    Parameters
    ----------
    models : sequence of glmwidgets.models.FirstLevelModel
        Fitted with ``minimize_memory=False`` on one mask.
    contrast : Contrast
        Of all of them together.
    two_sided, smoothness, region
        As in `MappingModel.random_field`.

    Returns
    -------
    glmwidgets.glm.inference.random_fields.RandomField

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.glm.fit.contrasts import fixed_effects
    >>> from glmwidgets.images import compute_epi_mask
    >>> from glmwidgets.models import FirstLevelModel
    >>> runs = [simulate_run("small", seed=seed) for seed in (1, 2)]
    >>> mask, how = compute_epi_mask(runs[0].img), {"t_r": 2.0, "noise_model": "ols", "minimize_memory": False}
    >>> models = [FirstLevelModel(mask_img=mask, **how).fit(run.img, run.events) for run in runs]
    >>> both = fixed_effects([model.contrast("faces - houses") for model in models])
    >>> runs_random_field(models, both).two_sided
    True
    """
    return runs_noise(models).field(contrast, two_sided, smoothness, region)


def runs_noise(models: Sequence[MappingModel]) -> SpatialNoise:
    """How smooth what several models of runs leave is, over space; see `runs_random_field`.

    Parameters
    ----------
    models : sequence of glmwidgets.models.FirstLevelModel
        Fitted with ``minimize_memory=False`` on one mask.

    Returns
    -------
    glmwidgets.analysis.smoothness.SpatialNoise

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.images import compute_epi_mask
    >>> from glmwidgets.models import FirstLevelModel
    >>> runs = [simulate_run("small", seed=seed) for seed in (1, 2)]
    >>> how = {"t_r": 2.0, "noise_model": "ols", "minimize_memory": False, "mask_img": compute_epi_mask(runs[0].img)}
    >>> noise = runs_noise([FirstLevelModel(**how).fit(run.img, run.events) for run in runs])
    >>> len(noise.smoothness().fwhm)
    3
    """
    return runs_smoothness_of(None, models[0].masker_.domain_, [model.spatial_noise() for model in models])
