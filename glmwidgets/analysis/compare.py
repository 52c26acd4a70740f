"""Two models of one run beside each other: where their maps differ, and which describes the data better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glmwidgets.analysis.answers import RunAnswer
from glmwidgets.glm.fit.regression import Fit
from glmwidgets.glm.fit.statistics import colour_limit
from glmwidgets.glm.noise.models import noise_model_row
from glmwidgets.specification.looks import DIFFERENCES as LABELS
from glmwidgets.specification.words import changes_in_words

#: Difference of an AICc that speaks for a model (Burnham & Anderson 2002, p. 70).
SPEAKS = 2.0


def aicc(fit: Fit) -> np.ndarray | None:
    """Corrected Akaike criterion of a fit, in every voxel.

    ``n log(rss / n) + log |V| + 2 k + 2 k (k + 1) / (n - k - 1)``, up to a constant of n, with V the covariance whose
    inverse weighs the residual sum of squares, and k the rank of the design, one for the variance and one for each
    noise parameter. Hurvich & Tsai 1989, Biometrika 76:297.

    Parameters
    ----------
    fit : Fit

    Returns
    -------
    array of shape (n_voxels,), or None
        NaN for constant series. None where the noise model's likelihood is not known, or there are too few scans.

    Examples
    --------
    >>> from glmwidgets.glm.moments.lagged import Moments
    >>> from glmwidgets.glm.fit.regression import fit_glm
    >>> y = np.array([1.0, 2, 1, 2, 1, 3, 1, 2])[:, None]
    >>> aicc(fit_glm(Moments(y), np.ones((8, 1)), "ols")).round(3)
    array([0.601])
    """
    row, n = noise_model_row(fit.noise_model), fit.basis.n_kept
    log_determinant = row.log_determinant(fit.noise, fit.basis.kept)
    # A scan with a column of its own is no scan of the others' model, and the column no parameter of it.
    k = fit.basis.rank - (fit.basis.n_scans - n) + 1 + row.n_estimated(fit.parameters)
    if log_determinant is None or np.min(n - k - 1) <= 0:
        return None
    with np.errstate(divide="ignore"):
        misfit = n * np.log(fit.noise.rss / n) + log_determinant
    return np.where(fit.moments.constant, np.nan, misfit + 2 * k + 2 * k * (k + 1) / (n - k - 1))


@dataclass(frozen=True, eq=False)
class Comparison:
    """Model A beside model B.

    Attributes
    ----------
    a, b : RunAnswer
        Of the same run.
    """

    a: RunAnswer
    b: RunAnswer

    @cached_property
    def words(self) -> tuple[str, ...]:
        """What differs between the settings, from A to B."""
        return changes_in_words(self.b.settings.changes_from(self.a.settings))

    @cached_property
    def both(self) -> np.ndarray:
        """Voxels that are in both masks, 3-D."""
        return self.a.mask & self.b.mask

    @cached_property
    def z(self) -> tuple[np.ndarray, np.ndarray]:
        """Z scores of A and of B in the voxels of both, each of shape (n_voxels,)."""
        return self._of_both(self.a, self.a.z), self._of_both(self.b, self.b.z)

    @property
    def limit(self) -> float:
        """Where the colours of both maps end: the same colour is the same z."""
        return max(colour_limit(z, least=5.0) for z in self.z)

    def volume(self, values: np.ndarray) -> np.ndarray:
        """Values of the voxels of both as a volume, NaN elsewhere, float32."""
        out = np.full(self.both.shape, np.nan, dtype=np.float32)
        out[self.both] = values
        return out

    @cached_property
    def r_square(self) -> np.ndarray:
        """Change of R² from A to B, shape (n_voxels,)."""
        return self._of_both(self.b, self.b.fit.r_square) - self._of_both(self.a, self.a.fit.r_square)

    @cached_property
    def aicc(self) -> np.ndarray | None:
        """Change of the AICc from A to B, shape (n_voxels,), negative where B is better; None if it means nothing."""
        if self.why_no_aicc:
            return None
        return self._of_both(self.b, aicc(self.b.fit)) - self._of_both(self.a, aicc(self.a.fit))

    @cached_property
    def why_no_aicc(self) -> str:
        """Why the AICc of the two cannot be compared; empty if it can."""
        if self.a.settings.data != self.b.settings.data:
            return "smoothing or scaling differ, so the two describe different data"
        if not np.array_equal(self.a.fit.basis.kept, self.b.fit.basis.kept):
            return "the two describe different scans"
        for name, result in (("A", self.a), ("B", self.b)):
            row = noise_model_row(result.fit.noise_model)
            if row.is_exact is None:
                return f"the likelihood of {name} is not known under {row.label}"
            if aicc(result.fit) is None:
                return f"{name} leaves too few degrees of freedom"
        return ""

    def _of_both(self, result: RunAnswer, values: np.ndarray) -> np.ndarray:
        return values[self.both[result.mask]]


@dataclass(frozen=True)
class Difference:
    """A row of `DIFFERENCES`.

    Attributes
    ----------
    label : str
    values : callable
        ``values(comparison)``: B minus A in the voxels of both, or None where it has no meaning.
    notable : float
        A difference is no test and has no threshold; what is smaller than this fades.
    least : float
        The colour bar never ends before this.
    warm, cold : str
        What is said of values above and below zero.
    """

    label: str
    values: Callable[[Comparison], np.ndarray | None]
    notable: float
    least: float
    warm: str = "more in B"
    cold: str = "more in A"

    def limit(self, values: np.ndarray) -> float:
        """Where the colours of some values end."""
        return colour_limit(values, least=self.least)


#: What of two models can be subtracted, by name.
DIFFERENCES = {
    "z": Difference(LABELS["z"], lambda both: both.z[1] - both.z[0], 1.0, 0.5),
    "r_square": Difference(LABELS["r_square"], lambda both: both.r_square, 0.02, 0.01),
    "aicc": Difference(LABELS["aicc"], lambda both: both.aicc, SPEAKS, 1.0, "for A", "for B"),
}
