"""Estimates of a fitted first-level model besides contrasts: predictions, residuals, R²."""

from __future__ import annotations

from collections.abc import Callable

import nibabel as nib
import numpy as np

from glmwidgets.analysis.answers import Fitted
from glmwidgets.analysis.smoothness import SpatialNoise, runs_smoothness_of, smoothness_of
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.models.mapping import MappingModel
from glmwidgets.models.results import VoxelResults, labels_of, results_of


class RunEstimates(MappingModel):
    """A model of several runs, each with a fit."""

    fits_: list[Fit]
    fitted_: list[Fitted]
    minimize_memory: bool

    @property
    def labels_(self) -> list[np.ndarray]:
        """Label of each voxel, one array a run: its noise parameters as text, 0.0 for ``ols``."""
        self.check_fitted()
        return [labels_of(fit) for fit in self.fits_]

    @property
    def results_(self) -> list[dict[str | float, VoxelResults]]:
        """Estimates by label, one dictionary a run: ``theta``, ``dispersion``, ``df_residuals`` ..."""
        self.check_fitted()
        return [results_of(fit) for fit in self.fits_]

    @property
    def predicted(self) -> list[nib.Nifti1Image]:
        """Predicted series ``X beta``, one 4-D image a run.

        In the units of the series as they were modelled (percent, if they were scaled), under any noise model.
        """
        return self._images(lambda fit: fit.predicted())

    @property
    def residuals(self) -> list[nib.Nifti1Image]:
        """Modelled series minus `predicted`, one 4-D image a run; needs ``minimize_memory=False``."""
        self._need_series("the residuals need")
        return self._images(lambda fit: fit.residuals())

    @property
    def r_square(self) -> list[nib.Nifti1Image]:
        """Share of each voxel's variance over time that is predicted, within 0 and 1; one 3-D image a run."""
        return self._images(lambda fit: fit.r_square)

    @property
    def whitened_predicted(self) -> list[nib.Nifti1Image]:
        """Predicted series without the autocorrelation of the noise, one 4-D image a run: nilearn's `predicted`."""
        return self._images(lambda fit: fit.whitened_predicted())

    @property
    def whitened_residuals(self) -> list[nib.Nifti1Image]:
        """Residuals without their autocorrelation, one 4-D image a run.

        Needs ``minimize_memory=False``.
        """
        self._need_series("whitened residuals need")
        return self._images(lambda fit: fit.whitened_residuals())

    @property
    def whitened_r_square(self) -> list[nib.Nifti1Image]:
        """Variance of the whitened prediction over that of the whitened series: nilearn's `r_square`.

        One 3-D image a run. Needs ``minimize_memory=False``.
        """
        self._need_series("whitened R² needs")
        return self._images(lambda fit: fit.whitened_r_square())

    predicted_, residuals_, r_square_ = predicted, residuals, r_square

    def _need_series(self, what: str) -> None:
        if getattr(self, "fits_", None) and self.minimize_memory:
            raise AttributeError(
                f"{what} the runs' series, which were released to save memory: set minimize_memory=False and fit again"
            )

    def _images(self, values: Callable[[Fit], np.ndarray]) -> list[nib.Nifti1Image]:
        self.check_fitted()
        return [self.masker_.inverse_transform(values(one.fit), one.t_r) for one in self.fitted_]

    def spatial_noise(self) -> SpatialNoise:
        """How smooth what the model leaves is, over space; needs ``minimize_memory=False``."""
        self.check_fitted()
        domain = self.masker_.domain_
        runs = [smoothness_of(None, fit, domain) for fit in self.fits_]
        return runs_smoothness_of(None, domain, runs)
