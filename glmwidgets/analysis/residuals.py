"""Residuals at a place: their size, and their autocorrelation before and after whitening."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from glmwidgets.glm.fit.residuals import white_autocorrelation
from glmwidgets.glm.fit.whiteness import autocorrelation
from glmwidgets.glm.noise.models import noise_model_row

if TYPE_CHECKING:
    from glmwidgets.analysis.answers import RunAnswer
    from glmwidgets.analysis.places import PlaceSeries

MAX_LAG = 20


@dataclass(frozen=True, eq=False)
class Residuals:
    """Residuals of a place.

    Attributes
    ----------
    values : array of shape (n_kept,)
        Of the scans without a column of their own.
    sd : float
        Their standard deviation, by the degrees of freedom of the fit.
    lags, before, after : arrays of shape (n_lags,)
        Autocorrelation of the residuals, and of the whitened ones.
    expected, deviation : arrays of shape (n_lags,)
        Mean and standard deviation of the autocorrelations of white noise after this design was fitted, with the noise
        parameters taken as known: `glmwidgets.glm.fit.residuals.white_autocorrelation`.
    whitened_by : str
        Label of the noise model; empty where it whitens nothing.
    """

    values: np.ndarray
    sd: float
    lags: np.ndarray
    before: np.ndarray
    after: np.ndarray
    expected: np.ndarray
    deviation: np.ndarray
    whitened_by: str

    @classmethod
    def of(cls, here: PlaceSeries, result: RunAnswer) -> Residuals | None:
        """Residuals of a place; None where the fit leaves nothing.

        Of several voxels the mean residual is whitened with their mean parameters.
        """
        residual, fit = here.residual, result.fit
        remaining = residual if here.kept is None else residual[here.kept]
        sd = float(np.sqrt(remaining @ remaining / max(1, fit.dof)))
        if not sd > 0:
            return None
        n_lags = max(1, min(MAX_LAG, residual.size // 8))
        row = noise_model_row(fit.noise_model)
        parameters = {name: np.array([value]) for name, value in here.parameters.items()}
        white = row.process(parameters, np.array([0])).innovations(residual[:, None])
        of_design = row.process(parameters, np.zeros(fit.basis.rank, dtype=np.intp)).innovations(fit.basis.q)
        return cls(
            remaining,
            sd,
            np.arange(1.0, n_lags + 1),
            autocorrelation(residual[:, None], n_lags)[:, 0],
            autocorrelation(white, n_lags)[:, 0],
            *white_autocorrelation(of_design, n_lags),
            row.label if parameters else "",
        )
