"""Noise models: each turns the moments of a run and a design into estimates under its own covariance of errors.

A model is one function ``(moments, basis, **options) -> NoiseFit`` and one row of `NOISE_MODELS`.

Everything is done in the coordinates q of the design (`glmwidgets.glm.moments.basis`). With W the precision of the
errors up to a factor, ``G = q' W q`` and ``b = q' W y``:

    coefficients = G^-1 b,    rss = y' W y - b' G^-1 b,    cov(coefficients) = sigma^2 G^-1.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from glmwidgets.glm.choices import Choices, check_choice, meant
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.moments.basis import DesignBasis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.ar1_pooled import fit_ar1_pooled
from glmwidgets.glm.noise.ar1_reml import fit_ar1_reml
from glmwidgets.glm.noise.ar_auto import fit_ar_auto
from glmwidgets.glm.noise.arma11 import fit_arma11
from glmwidgets.glm.noise.arn import fit_arn
from glmwidgets.glm.noise.pooling import POOLINGS
from glmwidgets.glm.noise.products import NoiseFit, lagged_products

__all__ = ["LIVE_NOISE_MODEL", "NOISE_MODELS", "NoiseFit", "NoiseModel", "noise_model_row"]


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
    """

    name: str
    label: str
    description: str
    calibration: str
    fit: Callable[..., NoiseFit]
    options: tuple[str, ...] = ()
    nilearn: str | None = None
    nilearn_differs: str = ""

    @property
    def is_family(self) -> bool:
        """Whether an order has to be put in the place of the name's N."""
        return self.name.endswith("N")

    @property
    def can_pool(self) -> bool:
        """Whether voxels can share its parameters."""
        return "pooling" in self.options

    def check_pooling(self, pooling: str | None) -> None:
        """Raise a ValueError if pooling is asked of a model that has nothing to pool, or the way is unknown."""
        check_choice("pooling", pooling, POOLINGS)
        if pooling is not None and not self.can_pool:
            pooled = ", ".join(each.name for each in NOISE_MODELS.values() if each.can_pool)
            raise ValueError(f"the noise model {self.name} cannot be pooled over voxels; those that can are {pooled}")

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
        return replace(self, name=text, label=self.label.replace("N", order), fit=fit, nilearn=there)


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


NOISE_MODELS: Choices[NoiseModel] = Choices(
    (row.name, row)
    for row in (
        NoiseModel(
            "ols",
            "OLS (white)",
            "Independent errors; ordinary least squares.",
            "Its p values are too small wherever scans are correlated, as they are in fMRI.",
            fit_ols,
            nilearn="ols",
        ),
        NoiseModel(
            "ar1",
            "AR(1)",
            "First-order autoregression in each voxel, estimated as the field's reference does.",
            "Its numbers are those that others get; its p values are too small when confounds are many and slow.",
            fit_ar1_pooled,
            options=("bins", "pooling", "neighbours"),
            nilearn="ar1",
        ),
        NoiseModel(
            "ar1-reml",
            "AR(1) REML",
            "First-order autoregression in each voxel by restricted maximum likelihood, not biased by the design.",
            "Its p values are nearly true under an autoregression, however many confounds there are.",
            fit_ar1_reml,
            options=("pooling", "neighbours"),
        ),
        NoiseModel(
            "arma11",
            "AR(1) + white",
            "First-order autoregression plus white noise in each voxel by restricted maximum likelihood.",
            "Its p values stay nearly true where thermal noise lies over the autoregression, as at short TRs.",
            fit_arma11,
            options=("bins", "pooling", "neighbours"),
        ),
        NoiseModel(
            "ar-auto",
            "AR, order by AICc",
            "Autoregression of the order, up to 6, that AICc prefers in each voxel, not biased by the design.",
            "Its p values are a little too small, but so for noise of any shape that some scans back describe.",
            fit_ar_auto,
            options=("pooling", "neighbours"),
        ),
        NoiseModel(
            "arN",
            "AR(N)",
            "Autoregression of a higher order, with coefficients shared by groups of similar voxels.",
            "Its numbers are those that others get; its p values are too small when confounds are many and slow.",
            fit_arn,
            options=("bins", "random_state", "pooling", "neighbours"),
            nilearn="arN",
            nilearn_differs="nilearn groups the voxels at random, so that maps differ",
        ),
    )
)

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
