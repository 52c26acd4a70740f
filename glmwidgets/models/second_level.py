"""Second level: maps of a group of subjects, to the map of an effect in that group."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
from joblib import hash as content_hash

from glmwidgets.analysis.answers import FittedGroup
from glmwidgets.analysis.group import group_fit_of, group_values_of
from glmwidgets.analysis.smoothness import SpatialNoise, group_smoothness_of
from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.fit.contrasts import STAT_TYPES, Contrast
from glmwidgets.glm.fit.regression import Fit, fit_glm
from glmwidgets.glm.group.design import check_confounds_table, check_group_design, design_of_covariates
from glmwidgets.glm.group.fit import GROUP_ESTIMATORS, GroupFit, group_contrast, group_weights
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.permutation.result import PermutationResult
from glmwidgets.glm.permutation.tests import iter_permutations
from glmwidgets.models.arguments import asked_by
from glmwidgets.models.base import NotFittedError
from glmwidgets.models.caching import image_key, open_memory
from glmwidgets.models.given_masker import BESIDE, mask_img_of, settings_of
from glmwidgets.models.mapping import MappingModel
from glmwidgets.models.masker import ImageMasker
from glmwidgets.models.results import VoxelResults, labels_of, results_of
from glmwidgets.plural import count
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.group_inputs import GroupInput, group_input, match_rows
from glmwidgets.runs.group_maps import group_domain
from glmwidgets.specification.group import GroupModel


class SecondLevelModel(MappingModel):
    """General linear model of a group of subjects, one map each (or several).

    ``y = X beta + e`` in every voxel, over the maps. The maps are masked, smoothed and fitted once; contrasts then cost
    nothing.

    Parameters
    ----------
    mask_img : image, path or masker, optional
        Voxels to analyse. By default those in which all maps have a value (finite and not zero), or for first-level
        models those in all of their masks.
    target_affine : array of shape (3, 3) or (4, 4), optional
        Grid that mask and maps are resampled to.
    target_shape : tuple of 3 int, optional
        Shape of that grid.
    smoothing_fwhm : float, optional
        Full width at half maximum of a Gaussian that the maps are smoothed with, in mm.
    memory : str, path or joblib.Memory, optional
        Folder in which masked maps are kept, so that they are not read and smoothed twice.
    memory_level : int or None
        0 or None turns `memory` off.
    verbose : int
        1 prints what is done.
    n_jobs : int
        First-level models that are asked for their contrasts at once.
    minimize_memory : bool
        Let go of the maps' values after a fit; they are read again when they are needed.
    estimator : {"ols", "fixed_effects", "precision_weighted"}
        How effects and their variance are estimated; see `glmwidgets.glm.group.fit.GROUP_ESTIMATORS`.
    resample : bool
        Bring maps on another grid to that of the mask, or of the first map, instead of refusing them.

    Attributes
    ----------
    design_matrix_ : DataFrame
        One row a map.
    masker_ : ImageMasker
        ``masker_.mask_img_`` is the mask; ``transform`` and ``inverse_transform`` go from images to voxels and back.
    subject_labels_ : list of str or None
        In the order of the maps.
    matching_ : glmwidgets.glm.group.matching.Matching or None
        Which row of a given table was taken for each map.
    sources_ : list of str or None
        Files that the maps come from: of themselves, or of the runs of first-level models.
    n_elements_ : int
        Number of voxels in the mask.

    Notes
    -----
    Maps equal nilearn 0.14.1's to rounding within the same mask. Different on purpose: contrasts that cannot be
    estimated and NaN within the mask are errors; maps of a table are matched to the rows of a design by subject.

    Examples
    --------
    Ten subjects, with an effect in one half of the voxels:

    >>> rng = np.random.default_rng(0)
    >>> effect = np.zeros((4, 4, 4))
    >>> effect[:2] = 3
    >>> maps = [nib.Nifti1Image(effect + rng.standard_normal((4, 4, 4)), np.eye(4)) for _ in range(10)]
    >>> model = SecondLevelModel().fit(maps, design_matrix=pd.DataFrame({"intercept": [1] * 10}))
    >>> z = model.compute_contrast("intercept").get_fdata()
    >>> bool(z[:2].min() > 2.5 and abs(z[2:]).max() < 3.5)
    True
    """

    fitted_to = "maps"
    learnt = "_fits"

    def __init__(
        self,
        mask_img: Any = None,
        target_affine: Any = None,
        target_shape: Any = None,
        smoothing_fwhm: float | None = None,
        memory: Any = None,
        memory_level: int | None = 1,
        verbose: int = 0,
        n_jobs: int = 1,
        minimize_memory: bool = False,
        estimator: str = "ols",
        resample: bool = False,
    ):
        self._keep(locals())

    # Fit --------------------------------------------------------------------------------------------------------------

    def fit(
        self,
        second_level_input: Any,
        confounds: pd.DataFrame | None = None,
        design_matrix: Any = None,
        *,
        variance_maps: Any = None,
        dof: float = np.inf,
        match: str = "names",
        zeros_are_data: bool = False,
    ) -> SecondLevelModel:
        """Fit the model to the maps of a group.

        Parameters
        ----------
        second_level_input : list, image, path, Series or DataFrame
            - a list (or Series) of 3-D images or paths, or one 4-D image: one map for each row of the design;
            - a DataFrame with the columns ``subject_label``, ``map_name`` and ``effects_map_path``: maps are sorted by
              subject (10 after 9 if these are numbers), and `first_level_contrast` says which ``map_name`` is meant;
            - a list of fitted first-level models, each with a ``subject_label``: `first_level_contrast` says which of
              their contrasts is meant.
        confounds : DataFrame, optional
            ``subject_label`` and columns of numbers, from which a design with an intercept is made.
        design_matrix : DataFrame or path, optional
            One row a map. If its index, or a column such as ``subject_label`` or ``participant_id``, names the maps
            (their subjects, or folders and files that name these), rows are matched by it, and rows of others left
            out. By default an intercept, and the confounds.
        variance_maps : list of images or paths, or 4-D image, optional
            Variances of the maps, for estimators that use them. A table names them in a column
            ``variances_map_path``; first-level models are asked for theirs.
        dof : float
            Degrees of freedom of these variances taken together; by default they are taken as known.
        match : {"names", "order"}
            ``"order"`` takes the rows of a design in the order of the maps, whatever both are called.
        zeros_are_data : bool
            Whether a value of exactly 0 was measured. By default it means that a map has none there, and the voxel is
            left out, as it is where a map is NaN or infinite, under a given mask, too.

        Returns
        -------
        self

        Raises
        ------
        FileNotFoundError, TypeError, ValueError
            If something is missing, cannot be read or does not fit; the message names the map, subject or column.
        """
        given = settings_of(self.mask_img, self.get_params(deep=False), self._parameters(), BESIDE[:3])
        asked = asked_by(given, GroupModel, "SecondLevelModel")
        row = GROUP_ESTIMATORS[asked.design.estimator]
        if row.needs_variances and given["smoothing_fwhm"]:
            raise ValueError(
                f"the variances of smoothed maps are not known: for {self.estimator!r} smooth at the first level, and "
                "leave smoothing_fwhm out"
            )
        source = group_input(second_level_input, variance_maps)
        self._asked = asked.updated({"table.maps": tuple(source.names())})
        self.design_matrix_ = self._design(source, confounds, design_matrix, match)
        where = None if self.mask_img is None else mask_img_of(self.mask_img), *(given[name] for name in BESIDE[:2])
        domain, resample = group_domain(source, *where, self.resample, zeros_are_data)
        self.masker_ = ImageMasker(domain.mask_image(), given["smoothing_fwhm"], resample)
        self.second_level_input_ = second_level_input
        self.confounds_ = confounds
        self.subject_labels_, self.sources_ = source.labels, source.files()
        self._source, self._dof, self._last = source, dof, None
        self._zeros_are_data = zeros_are_data
        self._fits: dict[str, GroupFit] = {}
        self._values: dict[str, np.ndarray] = {}
        if not source.needs_contrast:
            # Whatever is wrong with the maps is said now.
            if row.needs_variances or self.minimize_memory:
                self._fit_of(None)
            else:
                self._values_of(None)
        return self

    def _design(
        self, source: GroupInput, confounds: pd.DataFrame | None, design_matrix: Any, match: str
    ) -> pd.DataFrame:
        if not isinstance(confounds, pd.DataFrame | None):
            check_confounds_table(confounds)
        if design_matrix is None:
            if source.repeated is not None:
                raise ValueError(
                    f"two of the first-level models have the subject_label {source.repeated!r}: give a design_matrix "
                    "with one row a model, which says what tells them apart"
                )
            keys = source.keys()
            if confounds is not None and None in keys and match == "names":
                raise ValueError(
                    "confounds are matched to maps by subject, and a list of maps names none: give a design_matrix "
                    "with one row a map, or the maps as a table with subject_label"
                )
            design, self.matching_ = design_of_covariates(keys, confounds, match)
        else:
            if confounds is not None:
                warnings.warn(
                    "a design_matrix is given, so that confounds are not used: what is in them must be columns of it",
                    stacklevel=3,
                )
            design, self.matching_ = match_rows(design_matrix, source, match)
        if self.matching_ is not None:
            self._log(1, self.matching_.sentence())
        return check_group_design(design, source.n_maps, source.names())

    def _values_of(self, first_level_contrast: Any) -> np.ndarray:
        """Masked and smoothed maps, shape (n, n_voxels)."""
        key = content_hash(first_level_contrast)
        if key in self._values:
            return self._values[key]
        self._log(1, f"reading {count(self._source.n_maps, 'map')}")
        maps = self._source.maps(first_level_contrast, n_jobs=self.n_jobs)
        values = self._read(maps, self._source.names(), self._zeros_are_data)
        if not self.minimize_memory:
            self._values[key] = values
        return values

    def _read(self, imgs: list[nib.Nifti1Image], names: list[str], zeros_are_data: bool) -> np.ndarray:
        memory, masker = open_memory(self.memory, self.memory_level), self.masker_
        widths = masker.smoothing_fwhm if np.ndim(masker.smoothing_fwhm) else None
        how = {"widths": widths, "resample": masker.resample, "zeros_are_data": zeros_are_data}
        grid = masker.mask_, masker.domain_.affine, masker.smoothing_fwhm
        key = None if memory.location is None else content_hash((image_key(imgs), grid))
        values_of = memory.cache(_values_of, ignore=["asked", "imgs", "names", "domain"])
        return values_of(key, self._asked, imgs, names, masker.domain_, **how)

    def _fit_of(self, first_level_contrast: Any) -> GroupFit:
        self.check_fitted()
        key = content_hash(first_level_contrast)
        if key not in self._fits:
            values, variances = self._values_of(first_level_contrast), None
            if GROUP_ESTIMATORS[self._asked.design.estimator].needs_variances:
                imgs = self._source.maps(first_level_contrast, variance=True, n_jobs=self.n_jobs)
                variances = self._read(imgs, [f"the variance of {name}" for name in self._source.names()], True)
            self._fits[key] = group_fit_of(self._asked, values, self.design_matrix_, variances, self._dof).fit
            self._log(1, f"fitted {count(self.n_elements_, 'voxel')}")
        self._last = first_level_contrast
        return self._fits[key]

    # Contrasts --------------------------------------------------------------------------------------------------------

    def compute_contrast(
        self,
        second_level_contrast: Any = None,
        first_level_contrast: Any = None,
        second_level_stat_type: str | None = None,
        output_type: str = "z_score",
    ) -> Any:
        """Map of a contrast of the group.

        Parameters
        ----------
        second_level_contrast : str, array, dict, or list of these, optional
            An expression in the design's columns (``"patient - control"``), weights, or several of them for an F test;
            a dictionary from names to any of these gives a dictionary of maps. May be left out if the design has one
            column.
        first_level_contrast : str or array, optional
            Which ``map_name`` of a table, or contrast of first-level models, the maps are of.
        second_level_stat_type : {"t", "F"}, optional
            Default: t for one row, F for several.
        output_type : {"z_score", "stat", "p_value", "effect_size", "effect_variance", "all"}

        Returns
        -------
        Nifti1Image, or dict of Nifti1Image by output type for ``"all"``
            float64, zero outside the mask. Effects and variances of an F test with several rows are 4-D. Headers tell
            the degrees of freedom.

        Raises
        ------
        ValueError
            If the contrast cannot be read or estimated, or maps hold NaN.
        """
        self.check_fitted()
        check_choice("second_level_stat_type", second_level_stat_type, (*STAT_TYPES, None))
        name = self.design_matrix_.columns[0] if second_level_contrast is None else second_level_contrast
        how = (first_level_contrast, second_level_stat_type)
        return self._maps(second_level_contrast, output_type, lambda one: self.contrast(one, *how), name)

    def contrast(
        self, second_level_contrast: Any = None, first_level_contrast: Any = None, stat_type: str | None = None
    ) -> Contrast:
        """Estimate a contrast as arrays of the voxels in the mask.

        Parameters
        ----------
        second_level_contrast, first_level_contrast, stat_type
            As in `compute_contrast`.

        Returns
        -------
        glmwidgets.glm.fit.contrasts.Contrast
            In the order of ``masker_``: ``masker_.inverse_transform(contrast.stat())`` is an image.
        """
        return group_contrast(self._fit_of(first_level_contrast), second_level_contrast, stat_type)

    def iter_permutations(
        self, second_level_contrast: Any = None, first_level_contrast: Any = None, **options: Any
    ) -> Iterator[PermutationResult]:
        """Test a contrast by rearranging the maps, giving the result again and again as it sharpens.

        Parameters
        ----------
        second_level_contrast, first_level_contrast
            As in `compute_contrast`.
        **options
            ``n_perm``, ``two_sided``, ``threshold``, ``tfce``, ``blocks``, ``seed``, ``cancel`` ...: of
            `glmwidgets.glm.permutation.tests.iter_permutations`.

        Yields
        ------
        glmwidgets.glm.permutation.tests.PermutationResult
            Arrays in the order of ``masker_``; `glmwidgets.models.permutation_inference.permutation_maps` makes images
            of them.
        """
        self.check_fitted()
        weights = group_weights(self.design_matrix_, second_level_contrast)
        values = self._values_of(first_level_contrast)
        yield from iter_permutations(values, self.design_matrix_, weights, mask=self.masker_.mask_, **options)

    def spatial_noise(self, first_level_contrast: Any = None) -> SpatialNoise:
        """How smooth what the design leaves of the maps is, over space."""
        domain = self.masker_.domain_
        return group_smoothness_of(None, self.fitted(first_level_contrast), domain)

    # What the fit found -----------------------------------------------------------------------------------------------

    def values(self, first_level_contrast: Any = None) -> np.ndarray:
        """Maps as they are modelled, masked and smoothed; shape (n, n_voxels)."""
        self.check_fitted()
        return self._values_of(first_level_contrast)

    def fitted(self, first_level_contrast: Any = None) -> FittedGroup:
        """The model as it was fitted to the maps of a first-level contrast, with these."""
        return FittedGroup.of(self.values(first_level_contrast), self._fit_of(first_level_contrast))

    @property
    def predicted(self) -> nib.Nifti1Image:
        """``X beta`` of the first-level contrast that was used last, 4-D with one volume a map."""
        return self.masker_.inverse_transform(self._last_fitted().fit.predicted)

    @property
    def residuals(self) -> nib.Nifti1Image:
        """Maps minus `predicted`, 4-D with one volume a map."""
        last = self._last_fitted()
        return self.masker_.inverse_transform(last.values - last.fit.predicted)

    @property
    def r_square(self) -> nib.Nifti1Image:
        """Share of the maps' variance around their mean that the design predicts, within 0 and 1."""
        return self.masker_.inverse_transform(self._last_fitted().r_square)

    predicted_, residuals_, r_square_ = predicted, residuals, r_square

    @property
    def labels_(self) -> np.ndarray:
        """Label of each voxel, 0.0: the errors of maps are independent."""
        return labels_of(self._least_squares())

    @property
    def results_(self) -> dict[str | float, VoxelResults]:
        """Estimates of ordinary least squares by label: ``theta``, ``dispersion``, ``df_residuals`` ..."""
        return results_of(self._least_squares())

    def _least_squares(self) -> Fit:
        values = self._last_fitted().values
        if self.estimator != "ols":
            raise AttributeError(f"labels_ and results_ are of ordinary least squares, and not of {self.estimator!r}")
        return fit_glm(Moments(values), self.design_matrix_, "ols")

    def _last_fitted(self) -> FittedGroup:
        self.check_fitted()
        if self._source.needs_contrast and not self._fits:
            raise NotFittedError("no contrast has been computed yet, and only a contrast tells which maps are meant")
        return self.fitted(self._last)


def _values_of(
    key: str | None, asked: GroupModel, imgs: list[nib.Nifti1Image], names: list[str], domain: Domain, **how: Any
) -> np.ndarray:
    """Values of maps in the voxels of a domain; `key` stands for images, kernel and domain when results are kept."""
    return group_values_of(asked, imgs, names, domain, **how)
