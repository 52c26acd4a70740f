"""Estimates of one run by label, where users of nilearn look for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from glmwidgets.glm.errors import InputError
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.expressions import contrast_vector
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.plural import count


@dataclass(frozen=True)
class TContrast:
    """A t test of some voxels.

    Attributes
    ----------
    t, effect, sd : array of shape (n_voxels,), or None
        Statistic, effect and its standard deviation; None if it was not asked for.
    df_den : float or array of shape (n_voxels,)
        Degrees of freedom, of each voxel where the noise model counts them so.
    """

    t: np.ndarray | None
    effect: np.ndarray | None
    sd: np.ndarray | None
    df_den: float | np.ndarray

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.t, dtype=dtype)


@dataclass(frozen=True)
class FContrast:
    """An F test of some voxels.

    Attributes
    ----------
    F : array of shape (n_voxels,)
    effect : array of shape (q, n_voxels)
        Of each row.
    covariance : array of shape (q, q, n_voxels)
        Of the effects.
    df_num : float
        Number of rows.
    df_den : float or array of shape (n_voxels,)
        Degrees of freedom, of each voxel where the noise model counts them so.
    """

    F: np.ndarray
    effect: np.ndarray
    covariance: np.ndarray
    df_num: float
    df_den: float | np.ndarray

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.F, dtype=dtype)


@dataclass(frozen=True)
class VoxelResults:
    """Estimates of the voxels that share their noise parameters.

    Attributes
    ----------
    fit : Fit
        The run's.
    voxels : array of int
        Which of its voxels.

    Notes
    -----
    What is called whitened, `Y`, `residuals` and what follows from these need the run's series: fit with
    ``minimize_memory=False``.
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
    def df_total(self) -> int:
        """Number of scans."""
        return self.fit.basis.n_scans

    @property
    def Y(self) -> np.ndarray:
        """Series as they were modelled, shape (n_scans, n_voxels)."""
        return self.fit.data(self.voxels)

    @property
    def predicted(self) -> np.ndarray:
        """``X beta`` in the data's own units, shape (n_scans, n_voxels)."""
        return self.fit.predicted(self.voxels)

    @property
    def residuals(self) -> np.ndarray:
        """Data minus prediction in the data's own units, shape (n_scans, n_voxels)."""
        return self.fit.residuals(self.voxels)

    @property
    def normalized_residuals(self) -> np.ndarray:
        """`residuals` over the standard deviation of the errors, shape (n_scans, n_voxels)."""
        sd = np.sqrt(self.dispersion)
        return np.divide(self.residuals, sd, out=np.zeros((self.df_total, sd.size)), where=sd > 0)

    @property
    def r_square(self) -> np.ndarray:
        """Share of variance explained, shape (n_voxels,)."""
        return self.fit.r_square[self.voxels]

    @property
    def whitened_Y(self) -> np.ndarray:
        """Series without the autocorrelation of their noise, shape (n_scans, n_voxels)."""
        return self.fit.whitened(self.Y, self.voxels)

    @property
    def whitened_design(self) -> np.ndarray:
        """The design, whitened like the first of the voxels; shape (n_scans, n_columns)."""
        columns = self.fit.basis.x
        return self.fit.whitened(columns, np.repeat(self.voxels[:1], columns.shape[1]))

    @property
    def whitened_predicted(self) -> np.ndarray:
        """Prediction of the whitened series, shape (n_scans, n_voxels): what nilearn calls predicted."""
        return self.fit.whitened_predicted(self.voxels)

    @property
    def whitened_residuals(self) -> np.ndarray:
        """Whitened series minus their prediction, shape (n_scans, n_voxels)."""
        return self.fit.whitened_residuals(self.voxels)

    @property
    def SSE(self) -> np.ndarray:
        """Residual sum of squares under the noise model, shape (n_voxels,)."""
        return self.dispersion * self.fit.dof

    @property
    def MSE(self) -> np.ndarray:
        """`SSE` by degree of freedom, shape (n_voxels,)."""
        return self.SSE / self.fit.dof

    @property
    def logL(self) -> np.ndarray:
        """Log likelihood of the whitened series at the coefficients, shape (n_voxels,).

        ``-n/2 log(2 pi SSE/n) - n/2``, the noise parameters taken as known and the determinant of their covariance
        left out.
        """
        n = self.df_total
        with np.errstate(divide="ignore"):  # a fit without residuals is infinitely likely
            return -n / 2 * np.log(2 * np.pi * self.SSE / n) - n / 2

    def t(self, column: int | Sequence[int] | None = None) -> np.ndarray:
        """T of single columns.

        Parameters
        ----------
        column : int or sequence of int, optional
            All by default.

        Returns
        -------
        array of shape (n_voxels,) for one column, otherwise (n, n_voxels)
        """
        names = np.arange(len(self.theta)) if column is None else np.asarray(column)
        tests = [self._contrast(np.eye(len(self.theta))[j], "t").stat() for j in names.ravel()]
        return tests[0] if names.ndim == 0 else np.array(tests)

    def vcov(
        self, matrix: ArrayLike | None = None, column: int | Sequence[int] | None = None, dispersion: Any = None
    ) -> np.ndarray:
        """Covariance of the coefficients, or of contrasts of them.

        Parameters
        ----------
        matrix : array of shape (q, n_columns), optional
            Contrasts.
        column : int or sequence of int, optional
            Columns, in the place of contrasts.
        dispersion : float or array of shape (n_voxels,), optional
            Variance of the errors; by default the one that was estimated.

        Returns
        -------
        array of shape (q, q, n_voxels), or (n_voxels,) for one column
        """
        rows = np.eye(len(self.theta)) if matrix is None else np.atleast_2d(np.asarray(matrix, float))
        if matrix is None and column is not None:
            rows = rows[np.atleast_1d(column)]
        unscaled = self.fit.noise.covariance(rows @ self.fit.basis.to_columns)
        if unscaled.shape[2] > 1:
            unscaled = unscaled[:, :, self.voxels]
        found = unscaled * (self.dispersion if dispersion is None else np.asarray(dispersion, float))
        return found[0, 0] if matrix is None and column is not None and np.ndim(column) == 0 else found

    def Tcontrast(
        self, matrix: ArrayLike, store: Sequence[str] = ("t", "effect", "sd"), dispersion: Any = None
    ) -> TContrast:
        """T test of a contrast.

        Parameters
        ----------
        matrix : array of shape (n_columns,) or (1, n_columns)
        store : sequence of str
            Which of ``"t"``, ``"effect"`` and ``"sd"`` are wanted.
        dispersion : float or array of shape (n_voxels,), optional
            Variance of the errors; by default the one that was estimated.

        Returns
        -------
        TContrast

        Raises
        ------
        ValueError
            If the contrast has several rows or cannot be estimated, or something else is to be stored.
        """
        unknown = sorted(set(store) - {"t", "effect", "sd"})
        if unknown:
            raise ValueError(f"store knows 't', 'effect' and 'sd', not {', '.join(unknown)}")
        rows = np.atleast_2d(np.asarray(matrix, float))
        if rows.size == 0 or rows.shape[0] != 1:
            raise ValueError(f"a t test has one row of weights, not the shape {np.shape(matrix)}")
        contrast = self._contrast(rows, "t")
        effect = contrast.effect[0]
        if dispersion is None:
            sd, t = np.sqrt(contrast.covariance[0, 0]), contrast.stat()
        else:
            sd = np.sqrt(self.vcov(rows, dispersion=dispersion)[0, 0]) * np.ones_like(effect)
            t = np.divide(effect, sd, out=np.zeros_like(effect), where=sd > 0)
        found = {"t": t, "effect": effect, "sd": sd}
        return TContrast(
            **{name: value if name in store else None for name, value in found.items()}, df_den=contrast.own_dof
        )

    def Fcontrast(self, matrix: ArrayLike) -> FContrast:
        """F test of contrasts.

        Parameters
        ----------
        matrix : array of shape (q, n_columns) or (n_columns,)

        Returns
        -------
        FContrast

        Raises
        ------
        ValueError
            If rows have another number of weights than the design has columns, or the contrast cannot be estimated.
        """
        rows, n_columns = np.atleast_2d(np.asarray(matrix, float)), len(self.fit.columns)
        if rows.ndim != 2 or rows.shape[1] != n_columns:
            raise InputError(
                f"an F test of {count(n_columns, 'column')} has {count(n_columns, 'weight')} in each row, not the "
                f"shape {np.shape(matrix)}"
            )
        contrast = self._contrast(rows, "F")
        return FContrast(contrast.stat(), contrast.effect, contrast.covariance, contrast.dim, contrast.own_dof)

    def conf_int(self, alpha: float = 0.05, cols: Sequence[int] | None = None, dispersion: Any = None) -> np.ndarray:
        """Confidence intervals of coefficients, two-sided.

        Parameters
        ----------
        alpha : float
            One minus the confidence.
        cols : sequence of int, optional
            All columns by default.
        dispersion : float or array of shape (n_voxels,), optional
            Variance of the errors; by default the one that was estimated.

        Returns
        -------
        array of shape (n_columns, 2, n_voxels)
            Lower and upper ends.
        """
        columns = range(len(self.theta)) if cols is None else cols
        dof, tested, found = self.df_residuals, self.fit.noise.tested, []
        for j in columns:
            if tested is not None:
                dof = tested(self.fit.basis.to_columns[[j]])[1][self.voxels]
            half = stdtrit(dof, 1 - alpha / 2) * np.sqrt(self.vcov(column=j, dispersion=dispersion))
            found.append((self.theta[j] - half, self.theta[j] + half))
        return np.array(found)

    def _contrast(self, weights: np.ndarray, stat_type: str) -> Contrast:
        return compute_contrast(self.fit, contrast_vector(weights, self.fit.columns), stat_type).at(self.voxels)


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
