"""Estimates of one run by label, where users of the field's reference look for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glmwidgets.glm.fit.regression import Fit

__all__ = ["VoxelResults", "labels_of", "results_of"]


@dataclass(frozen=True)
class VoxelResults:
    """Estimates of the voxels that share their noise parameters.

    Attributes
    ----------
    fit : Fit
        The run's.
    voxels : array of int
        Which of its voxels.
    """

    fit: Fit
    voxels: np.ndarray

    @property
    def theta(self) -> np.ndarray:
        """Coefficients, shape (n_columns, n_voxels)."""
        return self.fit.beta[:, self.voxels]

    @property
    def dispersion(self) -> np.ndarray:
        """Variance of the errors, shape (n_voxels,)."""
        return self.fit.dispersion[self.voxels]

    @property
    def df_residuals(self) -> int:
        """Scans minus the rank of the design."""
        return self.fit.dof

    @property
    def df_model(self) -> int:
        """Rank of the design."""
        return self.fit.basis.rank

    @property
    def predicted(self) -> np.ndarray:
        """``X beta`` in the data's own units, shape (n_scans, n_voxels)."""
        return self.fit.predicted(self.voxels)

    @property
    def residuals(self) -> np.ndarray:
        """Data minus prediction in the data's own units, shape (n_scans, n_voxels)."""
        return self.fit.residuals(self.voxels)

    @property
    def r_square(self) -> np.ndarray:
        """Share of variance explained, shape (n_voxels,)."""
        return self.fit.r_square[self.voxels]

    @property
    def SSE(self) -> np.ndarray:
        """Residual sum of squares under the noise model, shape (n_voxels,)."""
        return self.dispersion * self.fit.dof

    @property
    def MSE(self) -> np.ndarray:
        """`SSE` by scan, shape (n_voxels,)."""
        return self.SSE / self.fit.basis.n_scans


def labels_of(fit: Fit) -> np.ndarray:
    """Label of each voxel: its noise parameters as text, or 0.0 where the noise model has none.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    array of shape (n_voxels,)
        ``"0.31"`` for an AR(1) with rho .31; several parameters are rounded to 1/100 and joined by ``_``.
    """
    parameters = list(fit.parameters.values())
    if not parameters:
        return np.zeros(fit.n_voxels)
    if len(parameters) == 1:
        return np.array([str(value) for value in _unsigned_zero(parameters[0]).tolist()])
    rounded = _unsigned_zero(np.round(np.column_stack(parameters), 2))
    return np.array(["_".join(map(str, row)) for row in rounded.tolist()])


def results_of(fit: Fit) -> dict[str | float, VoxelResults]:
    """Estimates by label.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    dict
        Keys are the values of `labels_of`.
    """
    labels = labels_of(fit)
    return {label.item(): VoxelResults(fit, np.flatnonzero(labels == label)) for label in np.unique(labels)}


def _unsigned_zero(values: np.ndarray) -> np.ndarray:
    return values + 0.0
