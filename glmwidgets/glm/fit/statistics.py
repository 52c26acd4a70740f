"""What a map can show of a result: one table of statistics, each a value in every voxel.

The threshold is always one on z, which decides what survives; the statistic shown gives the colours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr

from glmwidgets.glm.choices import Choices
from glmwidgets.glm.errors import GlmwidgetsError
from glmwidgets.glm.moments.scaling import PERCENT, SCALINGS, effect_unit, series_unit

if TYPE_CHECKING:
    from glmwidgets.glm.fit.contrasts import Contrast
    from glmwidgets.glm.fit.regression import Fit


@dataclass(frozen=True, eq=False)
class StatisticsBook:
    """Every statistic of a contrast of a fit, each computed when it is first asked for.

    Attributes
    ----------
    fit : Fit or None
        Or what else has its ``r_square`` and ``dispersion``; None where several runs have one each.
    contrast : Contrast
    z : array of shape (n_voxels,)
        Its z scores.
    two_sided : bool
        Whether both signs of the contrast are asked about.
    unit : str
        Of the series; see `glmwidgets.glm.moments.scaling.series_unit`. The name of a scaling means the unit it gives.
    lacks : mapping from str to str
        What an analysis of this kind does not have of the ``of`` of `Statistic`, and why.
    """

    fit: Fit | None
    contrast: Contrast
    z: np.ndarray
    two_sided: bool
    unit: str
    lacks: Mapping[str, str] = field(default_factory=dict)
    _made: dict[str, Shown] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.unit in SCALINGS:
            object.__setattr__(self, "unit", series_unit(self.unit))

    @property
    def nbytes(self) -> int:
        """Bytes of the fit."""
        return getattr(self.fit, "nbytes", 0)

    def show(self, name: str) -> Shown:
        """Statistic of the table: of z, with a reason, where the model or the contrast does not have the one asked for.

        Parameters
        ----------
        name : str
            Key of `STATISTICS`.

        Returns
        -------
        Shown
        """
        if name not in self._made:
            self._made[name] = _show(name, self)
        return self._made[name]

    @property
    def is_f(self) -> bool:
        """Whether the contrast is an F test, which has no direction."""
        return self.contrast.stat_type == "F"


class NotHere(GlmwidgetsError):
    """A statistic that this model or contrast does not have; the message says why."""


def _z(of: StatisticsBook) -> np.ndarray:
    """``z``: standard normal score with the contrast's one-sided p value; of an F test, with its p value."""
    return of.z


def _stat(of: StatisticsBook) -> np.ndarray:
    """``t = c beta / sqrt(var)``, or ``F = (C beta)' [cov]^-1 (C beta) / q``."""
    return of.contrast.stat()


def _log_p(of: StatisticsBook) -> np.ndarray:
    """``-log10 p`` with ``p = P(Z > z)``, or ``P(|Z| > |z|)`` where both signs are asked about; uncorrected."""
    log_p = log_ndtr(-np.abs(of.z)) + math.log(2) if of.two_sided else log_ndtr(-of.z)
    return np.maximum(-log_p / math.log(10), 0.0)


def _effect(of: StatisticsBook) -> np.ndarray:
    """``c beta``, in units of the data."""
    return _one_row(of, "effect").effect[0]


def _standard_error(of: StatisticsBook) -> np.ndarray:
    """``sqrt(var(c beta)) = sqrt(s^2 c (X'WX)^+ c')``, in units of the data."""
    return np.sqrt(_one_row(of, "standard error").covariance[0, 0])


def _one_row(of: StatisticsBook, what: str) -> Contrast:
    if of.contrast.dim > 1:
        raise NotHere(f"an F test of {of.contrast.dim} rows has no single {what}")
    return of.contrast


def _r_square(of: StatisticsBook) -> np.ndarray:
    """``1 - |y - X beta|^2 / |y - mean(y)|^2``: share of the variance over time that the whole model explains."""
    return of.fit.r_square


def _partial_r_square(of: StatisticsBook) -> np.ndarray:
    """``t^2 / (t^2 + dof)``, or ``q F / (q F + dof)``: what the contrast explains of what the other columns leave.

    Equal to ``(RSS_0 - RSS) / RSS_0``, with the residual sum of squares RSS_0 of the model in which the contrast is
    zero; of whitened data where the errors are correlated.
    """
    stat = of.contrast.stat()
    explained = of.contrast.dim * stat if of.is_f else np.square(stat)
    left = of.contrast.dof_left
    return explained / (explained + (of.contrast.own_dof if left is None else left))


def _rho(of: StatisticsBook) -> np.ndarray:
    """Autocorrelation of the errors from one scan to the next, under the noise model that was fitted."""
    process = of.fit.noise_process()
    if process.order == 0:
        raise NotHere("this noise model assumes white errors: it has no rho")
    return process.lag_one()


def _residual_sd(of: StatisticsBook) -> np.ndarray:
    """``s = sqrt(RSS / dof)``: standard deviation of the errors (of their innovations, if correlated)."""
    return np.sqrt(of.fit.dispersion)


def _tsnr(of: StatisticsBook) -> np.ndarray:
    """``mean(y) / sd(y)`` over time, of the series as they enter the model, drifts and all, without scrubbed scans."""
    mean, squares = of.fit.spread
    sd = np.sqrt(squares / of.fit.basis.n_kept)
    mean = mean + (100.0 if of.unit == PERCENT else 0.0)
    return np.divide(mean, sd, out=np.full(sd.shape, np.nan), where=~of.fit.moments.constant & (sd > 0))


@dataclass(frozen=True)
class Statistic:
    """A row of `STATISTICS`.

    Attributes
    ----------
    label : str
        In menus.
    short : str
        Above the colour bar.
    description : str
        What it says, in a sentence.
    compute : callable
        ``compute(book) -> array of shape (n_voxels,)``.
    signed : bool
        Whether zero is its middle, and not its low end.
    whole : bool
        Whether it says something of every voxel. Otherwise it is a statement on the contrast, and fades where z is
        below the threshold.
    in_units : bool
        Whether it has the data's unit.
    quantile : float
        Of its size over voxels: the automatic end of the colour bar. Less than all, for a few voxels at the brain's
        edge would otherwise take all colours.
    least : float
        The colour bar never ends before this.
    of_test : bool
        Whether it is the test itself, which has no direction where that is an F test.
    short_f : str
        Above the colour bar of an F test; as otherwise if empty.
    also : tuple of str
        Phrases by which a person looks for it.
    of : {"contrast", "fit", "series"}
        What it is said of: fixed effects of several runs have a contrast alone, maps of a group no series.
    """

    label: str
    short: str
    description: str
    compute: Callable[[StatisticsBook], np.ndarray]
    signed: bool = False
    whole: bool = False
    in_units: bool = False
    quantile: float = 0.9995
    least: float = 0.0
    of_test: bool = False
    short_f: str = ""
    of: str = "contrast"
    also: tuple[str, ...] = ()


STATISTICS: Choices[Statistic] = Choices(
    {
        "z": Statistic("z", "z", "Standard normal score of the contrast.", _z, signed=True, least=5.0, of_test=True),
        "stat": Statistic(
            "t or F",
            "t",
            "The test statistic of the contrast.",
            _stat,
            signed=True,
            least=5.0,
            of_test=True,
            short_f="F",
        ),
        "p": Statistic("−log₁₀ p", "−log₁₀ p", "3 is p = .001, uncorrected.", _log_p, least=5.0),
        "effect": Statistic(
            "effect",
            "effect",
            "The contrast of the coefficients.",
            _effect,
            signed=True,
            in_units=True,
            quantile=0.995,
            also=("beta map", "effect size", "percent signal change map"),
        ),
        "standard_error": Statistic(
            "standard error",
            "se",
            "Standard error of the effect.",
            _standard_error,
            whole=True,
            in_units=True,
            quantile=0.98,
        ),
        "r_square": Statistic(
            "R²", "R²", "Share of the variance that the model explains.", _r_square, whole=True, of="fit"
        ),
        "partial_r_square": Statistic(
            "partial R²",
            "partial R²",
            "Share of the variance left by the other columns that the contrast explains.",
            _partial_r_square,
        ),
        "rho": Statistic(
            "rho of errors",
            "rho",
            "Autocorrelation of the errors from one scan to the next.",
            _rho,
            signed=True,
            whole=True,
            quantile=0.999,
            of="series",
            also=("autocorrelation map",),
        ),
        "residual_sd": Statistic(
            "residual sd",
            "sd",
            "Standard deviation of the residuals.",
            _residual_sd,
            whole=True,
            in_units=True,
            quantile=0.98,
            of="fit",
        ),
        "tsnr": Statistic(
            "tSNR",
            "tSNR",
            "Mean over standard deviation of the series.",
            _tsnr,
            whole=True,
            quantile=0.99,
            of="series",
        ),
    }
)


@dataclass(frozen=True, eq=False)
class Shown:
    """A statistic in every voxel, and how to read it.

    Attributes
    ----------
    name : str
        Key of `STATISTICS`.
    values : array of shape (n_voxels,)
        NaN where nothing can be said.
    label, unit : str
        ``"effect"`` and ``"% × regressor"``; the unit is empty where there is none.
    signed, whole : bool
        See `Statistic`.
    limit : float
        Automatic end of the colour bar.
    why_not : str
        Why z is shown in the place of what was asked for; empty if it is not.
    """

    name: str
    values: np.ndarray = field(repr=False)
    label: str
    unit: str
    signed: bool
    whole: bool
    limit: float
    why_not: str = ""

    @property
    def is_z(self) -> bool:
        """Whether the colours are those of the thresholded statistic itself."""
        return self.name == "z"


def _show(name: str, of: StatisticsBook) -> Shown:
    row, why_not = STATISTICS[name], ""
    try:
        if row.of in of.lacks:
            raise NotHere(of.lacks[row.of])
        values = row.compute(of)
    except NotHere as reason:
        name, row, values, why_not = "z", STATISTICS["z"], of.z, f"{reason}; z is shown"
    if name != "z":
        values = np.where(of.contrast.known, values, np.nan)
    directed = row.signed and not (of.is_f and row.of_test)
    label = row.short_f if of.is_f and row.short_f else row.short
    in_units = of.unit.removesuffix(" signal") if row.of == "fit" else effect_unit(of.unit)
    unit = in_units if row.in_units else ""
    return Shown(name, values, label, unit, directed, row.whole, colour_limit(values, row.quantile, row.least), why_not)


_ROUND = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def colour_limit(values: np.ndarray, quantile: float = 0.9995, least: float = 0.0) -> float:
    """End of a colour bar: a round number that few voxels exceed.

    Parameters
    ----------
    values : array
        Of which the size counts; NaN does not.
    quantile : float
        Share of the voxels that stay below it.
    least : float
        It never ends before this. Bars that have such a least end grow from it in whole steps.

    Returns
    -------
    float

    Examples
    --------
    >>> colour_limit(np.array([0.1, -2.2, np.nan]), quantile=1.0), colour_limit(np.array([6.2]), least=5.0)
    (2.5, 7.0)
    """
    size = np.abs(values[np.isfinite(values)])
    top = max(float(np.quantile(size, quantile)) if size.size else 0.0, least)
    if 5 <= top < 20 and least:
        return float(math.ceil(top))
    if not top > 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(top))
    return round(unit * next(step for step in _ROUND if unit * step >= top * (1 - 1e-9)), 12)
