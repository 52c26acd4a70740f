"""The fit of a linear model: moments of the run, a design and a noise model give estimates for every voxel.

``y = X beta + e``, with the covariance of e given by the noise model up to a factor of each voxel's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from glmwidgets.glm.moments.basis import DesignBasis, design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.arma import ARMA
from glmwidgets.glm.noise.models import NoiseFit, noise_model_row
from glmwidgets.plural import count

if TYPE_CHECKING:
    import scipy.sparse


@dataclass(frozen=True)
class Fit:
    """Estimates of one run under one design and one noise model.

    Attributes
    ----------
    moments : Moments
        The run.
    basis : DesignBasis
        The design.
    columns : tuple of str
        Names of the design's columns.
    noise_model : str
        Key of the noise model.
    noise : NoiseFit
        Estimates in the coordinates of `basis`.
    """

    moments: Moments
    basis: DesignBasis
    columns: tuple[str, ...]
    noise_model: str
    noise: NoiseFit

    @property
    def n_voxels(self) -> int:
        """Number of voxels."""
        return self.moments.n_voxels

    @property
    def nbytes(self) -> int:
        """Bytes of the coefficients."""
        return self.noise.coefficients.nbytes * (2 if "beta" in vars(self) else 1)

    @property
    def dof(self) -> int:
        """Degrees of freedom of the residuals: scans minus the rank of the design."""
        return self.basis.n_scans - self.basis.rank

    @cached_property
    def dispersion(self) -> np.ndarray:
        """Variance of the errors, shape (n_voxels,); 0 for constant series.

        The residual sum of squares over the degrees of freedom.
        """
        return np.where(self.moments.constant, 0.0, self.noise.rss / self.dof)

    @cached_property
    def beta(self) -> np.ndarray:
        """Coefficients of the design's columns, shape (n_columns, n_voxels), in units of the data."""
        return self.basis.to_columns @ self.noise.coefficients

    @property
    def parameters(self) -> dict[str, np.ndarray]:
        """Maps of the noise model's parameters by name, each of shape (n_voxels,)."""
        return self.noise.parameters

    def noise_process(self, voxels: slice | np.ndarray = slice(None)) -> ARMA:
        """Process of the errors that the noise parameters mean, in some voxels."""
        return noise_model_row(self.noise_model).process(self.parameters, np.arange(self.n_voxels)[voxels])

    def data(self, voxels: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Series as they were modelled, shape (n_scans, n_voxels), float64."""
        return self.moments.block(voxels) + self.moments.mean[voxels]

    def predicted(self, voxels: slice | np.ndarray = slice(None)) -> np.ndarray:
        """``X beta``, in the data's own units under any noise model, shape (n_scans, n_voxels)."""
        return self.basis.q @ self.noise.coefficients[:, voxels]

    def residuals(self, voxels: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Data minus prediction, in the data's own units, shape (n_scans, n_voxels)."""
        return self.data(voxels) - self.predicted(voxels)

    def whitened(self, series: np.ndarray, voxels: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Series whose noise is that of some voxels, made independent from scan to scan as the noise model does it.

        Parameters
        ----------
        series : array of shape (n_scans, n)
        voxels : slice or array of n
            Whose noise parameters are meant, column by column.

        Returns
        -------
        array of shape (n_scans, n)
            Under exact autoregressions of order p > 1 without the first p scans.
        """
        process = self.noise_process(voxels)
        # The first scans as they are, where the model takes them so.
        as_they_are = noise_model_row(self.noise_model).is_exact is False
        return process.unpredicted(series) if as_they_are else process.innovations(series)

    def whitened_predicted(self, voxels: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Prediction of the whitened series, shape (n_scans, n_voxels); see `whitened`."""
        return self.whitened(self.predicted(voxels), voxels)

    def whitened_residuals(self, voxels: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Whitened series minus their prediction, shape (n_scans, n_voxels); see `whitened`."""
        return self.whitened(self.residuals(voxels), voxels)

    def whitened_r_square(self, voxels: slice | np.ndarray = slice(None)) -> np.ndarray:
        """Variance over time of the whitened prediction over that of the whitened series, shape (n_voxels,).

        0 for constant series. It is not a share of what was measured; `r_square` is.
        """
        predicted = self.whitened_predicted(voxels)
        total = (predicted + self.whitened_residuals(voxels)).var(axis=0)
        share = np.zeros(total.size)
        np.divide(predicted.var(axis=0), total, out=share, where=~self.moments.constant[voxels] & (total > 0))
        return share

    def without_data(self) -> Fit:
        """Copy that no longer holds the run's series: all but `data` and `residuals` remain."""
        light = replace(self, moments=self.moments.without_series())
        light.__dict__["r_square"] = self.r_square
        return light

    @cached_property
    def spread(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean of the scans that are kept, and their sum of squares about it, each (n_voxels,)."""
        gone, n = self.moments.scans(np.flatnonzero(~self.basis.kept)), self.basis.n_kept
        # The series are centred: those that are kept sum to minus the others.
        total = gone.sum(axis=0)
        squares = self.moments.own(0) - np.square(gone).sum(axis=0) - total**2 / n
        return self.moments.mean - total / n, np.maximum(squares, 0)

    @cached_property
    def r_square(self) -> np.ndarray:
        """Share of each voxel's variance over time that the prediction explains, within 0 and 1.

        ``1 - |y - X beta|^2 / |y - mean(y)|^2`` in the data's own units, over the scans that have no column of their
        own. Under correlated errors the fit does not minimise this; the rare negative value is given as 0. 0 for
        constant series.
        """
        if not self.basis.spans_constant or not self.basis.kept.all():
            return self._r_square_from_residuals()
        g = self.noise.coefficients - np.outer(self.basis.constant, self.moments.mean)
        b0 = self.basis.products(self.moments, 0)[0].at(slice(None))
        left = self.moments.own(0) - 2 * np.einsum("jv,jv->v", g, b0) + np.einsum("jv,jv->v", g, g)
        return self._share(left)

    def r_square_of(self, voxel: int) -> float:
        """`r_square` of one voxel: from its own residuals, unless that of all is at hand."""
        if "r_square" in self.__dict__:
            return float(self.r_square[voxel])
        one, kept = slice(voxel, voxel + 1), self.basis.kept
        y = self.data(one)[kept]
        total = np.square(y - y.mean()).sum()
        if self.moments.constant[voxel] or total <= 0:
            return 0.0
        return float(np.clip(1 - np.square(self.residuals(one)[kept]).sum() / total, 0, 1))

    def _r_square_from_residuals(self) -> np.ndarray:
        blocks, kept = (slice(i, i + 4096) for i in range(0, self.n_voxels, 4096)), self.basis.kept
        return self._share(np.concatenate([np.square(self.residuals(b)[kept]).sum(axis=0) for b in blocks]))

    def _share(self, left: np.ndarray) -> np.ndarray:
        share, total = np.zeros(self.n_voxels), self.spread[1]
        np.divide(left, total, out=share, where=~self.moments.constant & (total > 0))
        return np.where(self.moments.constant, 0.0, np.clip(1 - share, 0, 1))


def fit_glm(
    moments: Moments,
    design: pd.DataFrame | np.ndarray | DesignBasis,
    noise_model: str = "ar1",
    columns: tuple[str, ...] | None = None,
    *,
    bins: int | None = 100,
    random_state: Any = None,
    pooling: str | None = None,
    neighbours: scipy.sparse.spmatrix | None = None,
) -> Fit:
    """Fit a linear model to every series of a run.

    Parameters
    ----------
    moments : Moments
        The run; products that it was asked for before are not computed again.
    design : DataFrame or array of shape (n_scans, n_columns), or DesignBasis
        Design matrix.
    noise_model : str
        A key of `glmwidgets.glm.noise.models.NOISE_MODELS`, with an order for N.
    columns : tuple of str, optional
        Names of the columns; taken from a table by default.
    bins : int or None
        How finely autocorrelations are kept apart: ``ar1`` truncates them to multiples of 1/`bins`, higher orders
        gather the voxels in at most `bins` groups. None leaves each voxel its own estimate.
    random_state : int, RandomState, Generator or None
        Start of the search for those groups.
    pooling : {None, "local", "global"}
        Whether voxels share their noise parameters with those that touch them, or with the whole mask; for models
        that can, see `glmwidgets.glm.noise.pooling`.
    neighbours : sparse matrix of shape (n_voxels, n_voxels), optional
        Which voxels touch, for ``pooling="local"``: `glmwidgets.glm.noise.pooling.neighbour_matrix` of the mask.

    Returns
    -------
    Fit

    Raises
    ------
    ValueError
        If the design does not have one row a scan or leaves no degree of freedom, the noise model is unknown, or it
        cannot be pooled.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.column_stack([[0, 1, 0, 1, 0, 1.0], np.ones(6)])
    >>> y = x @ [[2.0], [10.0]] + [[0.1], [0], [-0.1], [0], [0], [0]]
    >>> fit_glm(Moments(y), x, "ols").beta.round(3).ravel()
    array([ 2., 10.])
    """
    row = noise_model_row(noise_model)
    if isinstance(design, DesignBasis):
        basis = design
    else:
        if columns is None and isinstance(design, pd.DataFrame):
            columns = tuple(str(name) for name in design.columns)
        basis = design_basis(np.asarray(design, dtype=np.float64))
    if basis.n_scans != moments.n_scans:
        raise ValueError(
            f"the design matrix has {count(basis.n_scans, 'row')} and the run {moments.n_scans} scans; "
            "there must be one row a scan"
        )
    if columns is None:
        columns = tuple(f"x{i}" for i in range(basis.x.shape[1]))
    row.check_pooling(pooling)
    options = {"bins": bins, "random_state": random_state, "pooling": pooling, "neighbours": neighbours}
    noise = row.fit(moments, basis, **{name: options[name] for name in row.options})
    row.check_parameters(noise)
    return Fit(moments, basis, columns, row.name, noise)
