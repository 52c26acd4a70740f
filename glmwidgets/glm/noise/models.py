"""Noise models: each turns the moments of a run and a design into estimates under its own covariance of errors.

A model is one function ``(moments, basis, **options) -> NoiseFit`` and one row of `NOISE_MODELS`, which says what its
parameters mean: who looks at residuals, compares models or shows a parameter's map asks the row.

Everything is done in the coordinates q of the design (`glmwidgets.glm.moments.basis`). With W the precision of the
errors up to a factor, ``G = q' W q`` and ``b = q' W y``:

    coefficients = G^-1 b,    rss = y' W y - b' G^-1 b,    cov(coefficients) = sigma^2 G^-1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from glmwidgets.glm.choices import Choices, check_choice, meant
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1_pooled import fit_ar1_pooled
from glmwidgets.glm.noise.ar1_reml import fit_ar1_reml
from glmwidgets.glm.noise.ar_auto import MAX_ORDER, fit_ar_auto
from glmwidgets.glm.noise.arma import ARMA
from glmwidgets.glm.noise.arma11 import fit_arma11
from glmwidgets.glm.noise.arn import fit_arn
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.glm.noise.products import NoiseFit, lagged_products


@dataclass(frozen=True)
class NoiseParameter:
    """One of the maps that a noise model estimates.

    Attributes
    ----------
    name : str
        Key of `NoiseFit.parameters`. One that ends in ``N``, as in ``phiN``, stands for those from 1 to a family's N.
    label : str
        What a person reads, such as ``ρ``.
    part : {"", "phi", "theta"}
        What it is to the process ``e_t = phi_1 e_{t-1} + ... + u_t + theta u_{t-1}``: the next coefficient of the
        autoregression, that of the moving average, or none.
    is_lag_one : bool
        Whether it is the autocorrelation of the errors from one scan to the next.
    estimated : bool
        Whether the data were asked for it, and it so counts as a parameter of the model.
    unit : str
        Empty for a number without one.
    """

    name: str
    label: str
    part: str = ""
    is_lag_one: bool = False
    estimated: bool = True
    unit: str = ""

    def up_to(self, order: int) -> tuple[NoiseParameter, ...]:
        """Those that it stands for in the member of a family: itself, unless its name ends in ``N``."""
        if not self.name.endswith("N"):
            return (self,)
        return tuple(
            replace(self, name=f"{self.name[:-1]}{k}", label=f"{self.label[:-1]}{_subscript(k)}")
            for k in range(1, order + 1)
        )


def _subscript(number: int) -> str:
    return "".join(chr(ord("₀") + int(digit)) for digit in str(number))


@dataclass(frozen=True)
class NoiseModel:
    """One row of `NOISE_MODELS`.

    Attributes
    ----------
    name : str
        Value of ``noise_model``. A row whose name ends in ``N`` is a family: the N stands for an order of 2 or more,
        as in ``ar3``.
    label : str
        What a person reads.
    description : str
        One sentence on what it assumes and how it is estimated.
    calibration : str
        One sentence on what its p values are worth.
    fit : callable
        ``fit(moments, basis, **options) -> NoiseFit``; that of a family also takes ``order``.
    options : tuple of str
        Names of the options that `fit` knows.
    nilearn : str or None
        What nilearn calls it; None if it has no such model.
    nilearn_differs : str
        Why maps differ from nilearn's under the same name; empty if they do not.
    parameters : tuple of NoiseParameter
        Of `NoiseFit.parameters`, all of them; that by which a fit is told in short comes first.
    order_in : str
        Name of the parameter that tells how many coefficients each voxel has; empty if all have all.
    is_exact : bool or None
        Whether `NoiseFit.rss` is under the inverse of the covariance of the whole process. False where the first scans
        are taken as they are and later ones less what those before predict, a covariance of determinant 1. None if
        neither: such a model has no AICc.
    if_not_white : str or None
        Noise model to try where it leaves residuals that are not white.
    shortest_t_r : float
        Repetition time in s below which it is not proposed.
    counts_estimation : bool
        Whether a test has fewer degrees of freedom than scans minus rank of the design, in each voxel as many as the
        estimation of its noise parameters leaves: ``NoiseFit.tested``. Where voxels share their parameters it has not.
    reference_bins : int
        ``bins`` for the few reference series of `glmwidgets.glm.fit.whiteness`.
    also : tuple of str
        Phrases by which a person looks for it.
    """

    name: str
    label: str
    description: str
    calibration: str
    fit: Callable[..., NoiseFit]
    options: tuple[str, ...] = ()
    nilearn: str | None = None
    nilearn_differs: str = ""
    parameters: tuple[NoiseParameter, ...] = ()
    order_in: str = ""
    is_exact: bool | None = None
    if_not_white: str | None = "arma11"
    shortest_t_r: float = 0.0
    counts_estimation: bool = False
    reference_bins: int = 100
    also: tuple[str, ...] = ()

    @property
    def is_family(self) -> bool:
        """Whether an order has to be put in the place of the name's N."""
        return self.name.endswith("N")

    @property
    def can_pool(self) -> bool:
        """Whether voxels can share its parameters."""
        return "pooling" in self.options

    @property
    def keeps_time(self) -> bool:
        """Whether scans that are left out between others keep their place in time; nilearn's models join the rest."""
        return self.nilearn is None

    def check_pooling(self, pooling: str | None) -> None:
        """Raise a ValueError if pooling is asked of a model that has nothing to pool, or the way is unknown."""
        check_choice("pooling", pooling, POOLINGS)
        if pooling is not None and not self.can_pool:
            pooled = ", ".join(each.name for each in NOISE_MODELS.values() if each.can_pool)
            raise ValueError(f"the noise model {self.name} cannot be pooled over voxels; those that can are {pooled}")

    def check_parameters(self, fit: NoiseFit) -> None:
        """Raise a ValueError unless a fit has the parameters that the row says and no others, and its kind of dof."""
        said = [parameter.name for parameter in self.parameters]
        if set(fit.parameters) != set(said):
            raise ValueError(
                f"the noise model {self.name} gives the parameters {', '.join(fit.parameters) or 'none'}, and its row "
                f"of NOISE_MODELS says {', '.join(said) or 'none'}; name each there as a NoiseParameter"
            )
        if fit.tested is not None and not self.counts_estimation:
            raise ValueError(
                f"the noise model {self.name} gives degrees of freedom of each voxel, and its row of NOISE_MODELS does "
                "not say so; set counts_estimation there"
            )

    def process(self, parameters: Mapping[str, np.ndarray], voxels: np.ndarray) -> ARMA:
        """What its parameters mean.

        Parameters
        ----------
        parameters : mapping from name to array of shape (n_voxels,)
        voxels : array of int, shape (n,)

        Returns
        -------
        ARMA
            Of n voxels.
        """
        phi = [parameters[each.name][voxels] for each in self.parameters if each.part == "phi"]
        theta = [parameters[each.name][voxels] for each in self.parameters if each.part == "theta"]
        return ARMA(np.array(phi).reshape(len(phi), len(voxels)), theta[0] if theta else np.zeros(len(voxels)))

    def n_estimated(self, parameters: Mapping[str, np.ndarray]) -> int | np.ndarray:
        """Number of noise parameters that were estimated, in each voxel where voxels differ."""
        if self.order_in:
            return parameters[self.order_in]
        return sum(bool(each.part) and each.estimated for each in self.parameters)

    def log_determinant(self, fit: NoiseFit, kept: np.ndarray) -> np.ndarray | float | None:
        """Log determinant of the covariance V of the scans that are kept, whose inverse weighs `NoiseFit.rss`.

        None if it is not known: of a row that does not say.
        """
        if self.is_exact is None:
            return None
        process = self.process(fit.parameters, np.arange(fit.rss.size))
        if not kept.all():
            return process.log_determinant_of(kept, self.is_exact)
        return process.log_determinant(len(kept)) if self.is_exact else 0.0

    def means(self, text: str) -> bool:
        """Whether a ``noise_model`` means this row."""
        return text == self.name or self.of_order(text) is not None

    def of_order(self, text: str) -> NoiseModel | None:
        """Member of the family that a name such as ``ar3`` means; None if it means none."""
        match = re.fullmatch(re.escape(self.name[:-1]) + r"([1-9][0-9]*)", text)
        if not self.is_family or match is None:
            return None
        order = match[1]
        there = None if self.nilearn is None else self.nilearn.replace("N", order)
        fit = partial(self.fit, order=int(order))
        label, parameters = self.label.replace("N", order), _members(self.parameters, int(order))
        return replace(self, name=text, label=label, fit=fit, nilearn=there, parameters=parameters)


def _members(parameters: Iterable[NoiseParameter], order: int) -> tuple[NoiseParameter, ...]:
    return tuple(member for each in parameters for member in each.up_to(order))


def white_covariance(c: np.ndarray) -> np.ndarray:
    """``c c'`` of shape (m, m, 1): coordinates of the design are uncorrelated under white errors."""
    return (c @ c.T)[:, :, None]


def fit_ols(moments: Moments, basis: DesignBasis) -> NoiseFit:
    """Ordinary least squares: independent errors, ``W = I``.

    Parameters
    ----------
    moments : Moments
    basis : DesignBasis

    Returns
    -------
    NoiseFit
    """
    parts = lagged_products(moments, basis)
    g = parts.cross[0]
    rss = np.maximum(parts.own[0] - np.einsum("jv,jv->v", g, g), 0)
    return NoiseFit(g + parts.taken, rss, white_covariance)


RHO = NoiseParameter("rho", "ρ", "phi", is_lag_one=True)
PHI = NoiseParameter("phiN", "φN", "phi")

# Repetition times below this show noise that one autoregressive parameter does not describe (Olszowy and others
# 2019, Nat Commun 10, 1220; Corbin and others 2018, Hum Brain Mapp 39, 3884).
SHORT_T_R = 1.5

NOISE_MODELS: Choices[NoiseModel] = Choices(
    (row.name, row)
    for row in (
        NoiseModel(
            "ols",
            "OLS (white)",
            "Independent errors; ordinary least squares.",
            "Its p values are too small where scans are autocorrelated, as they are in fMRI.",
            fit_ols,
            nilearn="ols",
            is_exact=True,
            if_not_white="ar1-reml",
            also=("ordinary least squares", "no prewhitening"),
        ),
        NoiseModel(
            "ar1",
            "AR(1)",
            "First-order autoregression in each voxel, by Yule-Walker, as in nilearn.",
            "Its numbers equal nilearn's; its p values are too small if there are many slow confounds.",
            fit_ar1_pooled,
            options=("bins", "pooling", "neighbours"),
            nilearn="ar1",
            parameters=(RHO,),
            is_exact=False,
            if_not_white="ar1-reml",
        ),
        NoiseModel(
            "ar1-reml",
            "AR(1) REML",
            "First-order autoregression in each voxel by restricted maximum likelihood, not biased by the design.",
            "Its p values are nearly right under an autoregression, however many confounds there are.",
            fit_ar1_reml,
            options=("pooling", "neighbours"),
            parameters=(RHO,),
            is_exact=True,
            shortest_t_r=SHORT_T_R,
        ),
        NoiseModel(
            "arma11",
            "AR(1) + white",
            "First-order autoregression plus white noise, or smooth over time, by restricted maximum likelihood.",
            "Its p values are nearly right where white (thermal) noise adds to the autoregression, as at short TRs.",
            fit_arma11,
            options=("bins", "pooling", "neighbours"),
            parameters=(
                NoiseParameter("lam", "λ", is_lag_one=True),
                NoiseParameter("a", "a", "phi"),
                NoiseParameter("b", "b", "theta"),
            ),
            is_exact=True,
            if_not_white="ar-auto",
            reference_bins=25,  # a coarse lattice does for few series
        ),
        NoiseModel(
            "ar-auto",
            "AR, order by AICc",
            "Autoregression of the order, up to 6, that AICc prefers in each voxel, not biased by the design.",
            "It follows any noise that the last few scans describe. Its rate of false positives at .05 is .043 to "
            ".086, highest in runs of fewer than 200 scans and at short TRs.",
            fit_ar_auto,
            options=("pooling", "neighbours"),
            parameters=(*PHI.up_to(MAX_ORDER), NoiseParameter("order", "order", unit="scans")),
            order_in="order",
            is_exact=True,
            if_not_white=None,
            counts_estimation=True,
        ),
        NoiseModel(
            "arN",
            "AR(N)",
            "Autoregression of a higher order, with coefficients shared by groups of similar voxels.",
            "Its numbers equal nilearn's; its p values are too small if there are many slow confounds.",
            fit_arn,
            options=("bins", "random_state", "pooling", "neighbours"),
            nilearn="arN",
            parameters=(PHI,),
            is_exact=False,
            nilearn_differs="nilearn groups the voxels at random, so that maps differ",
        ),
    )
)

# Orders of a family that menus offer by name.
OFFERED_ORDERS = (2, 3)

# What an exploration begins with: of the models that answer while a slider moves, the one whose p values are truest
# (``benchmarks/calibration.py``). Estimators begin with ``ar1``, as the field expects.
LIVE_NOISE_MODEL = "ar1-reml"


def noise_model_row(name: str) -> NoiseModel:
    """Look up a noise model.

    Parameters
    ----------
    name : str
        A key of `NOISE_MODELS`, with an order in the place of a family's N: ``ols``, ``ar1``, ``ar2``, ...

    Returns
    -------
    NoiseModel

    Raises
    ------
    ValueError
        If there is none of that name; the message lists those there are.

    Examples
    --------
    >>> noise_model_row("ar3").label
    'AR(3)'
    """
    if isinstance(name, str):
        row = NOISE_MODELS.get(name)
        if row is not None and not row.is_family:
            return row
        for family in NOISE_MODELS.values():
            member = family.of_order(name)
            if member is not None:
                return member
    raise InputError(
        f"noise_model must be one of {', '.join(NOISE_MODELS)} (with an order of 2 or more for N, such as ar3), "
        f"not {name!r}",
        advice=meant(name, NOISE_MODELS),
    )


def offered_noise_models() -> tuple[str, ...]:
    """Names that menus offer: every row, a family by its lowest orders.

    Examples
    --------
    >>> offered_noise_models()[-2:]
    ('ar2', 'ar3')
    """
    orders = {name: OFFERED_ORDERS if row.is_family else ("",) for name, row in NOISE_MODELS.items()}
    return tuple(name.replace("N", str(order)) for name, some in orders.items() for order in some)
