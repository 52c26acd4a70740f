"""Verdicts on a contrast: whether it is estimable, its efficiency, and the smallest detectable effect."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtr

from glmwidgets.analysis.left_out import naming_left_out
from glmwidgets.glm.design.collinearity import contrast_inflation
from glmwidgets.glm.design.diagnostics import efficiency, smallest_detectable_effect
from glmwidgets.glm.errors import NotEstimableError, told
from glmwidgets.glm.fit.contrasts import Contrast, compute_contrast
from glmwidgets.glm.fit.expressions import contrast_vector


@dataclass(frozen=True)
class ContrastVerdict:
    """What one contrast can tell under one fit.

    Attributes
    ----------
    expression : str
    stat_type : {"t", "F"} or None
        None if it cannot be read.
    dim : int
        Number of rows.
    dof : float
        Degrees of freedom of the errors.
    estimable : bool
    efficiency : float
        ``1 / trace(C (X'X)^+ C')``; see `glmwidgets.glm.design.diagnostics.efficiency`.
    inflation : float
        Variance inflation by correlation with the other columns, the worst of its rows.
    variance : float
        Variance of the estimate under the fitted noise, in the median voxel; NaN for an F test.
    message : str
        Why nothing can be said.
    dof_said : str
        Degrees of freedom in words.
    dof_left : float or None
        Scans minus rank, where tests have fewer degrees of freedom as the noise was estimated too.
    """

    expression: str
    stat_type: str | None = None
    dim: int = 0
    dof: float = math.nan
    estimable: bool = False
    efficiency: float = 0.0
    inflation: float = math.nan
    variance: float = math.nan
    message: str = ""
    dof_said: str = ""
    dof_left: float | None = None

    def detectable(self, threshold: float, power: float = 0.8) -> float:
        """Smallest true effect that the median voxel shows over a threshold with a given power.

        Parameters
        ----------
        threshold : float
            In z.
        power : float

        Returns
        -------
        float
            In units of the effect; NaN if the question has no answer (an F test, no threshold).
        """
        tail = float(ndtr(-threshold))
        if not (self.estimable and math.isfinite(self.variance) and 0 < tail < power):
            return math.nan
        return float(smallest_detectable_effect(self.variance, self.dof, tail, power=power))


def write_dof(dof: float) -> str:
    """Degrees of freedom to one digit, where they are no whole number.

    Examples
    --------
    >>> write_dof(64.0), write_dof(1023.48)
    ('64', '1,023.5')
    """
    return f"{dof:,.1f}".removesuffix(".0")


def dof_said(contrast: Contrast) -> str:
    """Degrees of freedom of a contrast in words.

    Parameters
    ----------
    contrast : Contrast

    Returns
    -------
    str
        Of nine voxels of ten, where the noise parameters are counted in each.

    Examples
    --------
    >>> runs = Contrast(np.ones((1, 2)), np.ones((1, 1, 2)), 31.0, dofs=np.array([18.0, 44.0]))
    >>> dof_said(runs)
    '31 degrees of freedom in the median voxel'
    >>> dof_said(replace(runs, dof_left=64.0))
    'effective degrees of freedom 19 to 43 of 64'
    """
    if contrast.dofs is None:
        return f"{write_dof(contrast.dof)} degrees of freedom"
    known = contrast.known
    if contrast.dof_left is None or not known.any():
        return f"{write_dof(contrast.dof)} degrees of freedom in the median voxel"
    low, high = np.quantile(contrast.dofs[known], (0.05, 0.95))
    return f"effective degrees of freedom {low:.0f} to {high:.0f} of {write_dof(contrast.dof_left)}"


class ContrastBook:
    """Verdicts on contrasts of one fit, each made once.

    Parameters
    ----------
    fit : Fit
    design : DataFrame
        Design matrix of that fit.
    compute : callable
        ``compute(fit, expression)`` gives a `Contrast`: for fits of another kind.
    left_out : sequence of str
        Event types that are not modelled, for what is said of a contrast that names one.

    Examples
    --------
    >>> from glmwidgets.datasets import simulate_run
    >>> from glmwidgets.runs import open_run
    >>> from glmwidgets.session import Session
    >>> session = Session(open_run(simulate_run("small", shape=(12, 14, 11), n_scans=60)), synchronous=True)
    >>> session.refresh()
    >>> book = ContrastBook(session.result.fit, session.result.design)
    >>> book.verdict("faces - houses").estimable, book.verdict("face").estimable
    (True, False)
    """

    def __init__(
        self,
        fit: Any,
        design: pd.DataFrame,
        compute: Callable[[Any, str], Contrast] = compute_contrast,
        left_out: Sequence[str] = (),
    ):
        self._fit = fit
        self._left_out = left_out
        self._design = design
        self._compute = compute
        self._made: dict[str, ContrastVerdict] = {}

    def verdict(self, expression: str) -> ContrastVerdict:
        """Verdict on one contrast; one that cannot be read or estimated says why in its message."""
        if expression not in self._made:
            self._made[expression] = self._make(expression)
        return self._made[expression]

    def _make(self, expression: str) -> ContrastVerdict:
        try:
            with naming_left_out(expression, self._left_out):
                weights = np.atleast_2d(contrast_vector(expression, [str(name) for name in self._design.columns]))
            contrast = self._compute(self._fit, expression)
        except NotEstimableError as error:
            kind = "t" if len(weights) == 1 else "F"
            return ContrastVerdict(
                expression, kind, len(weights), float(self._fit.dof), message=told(error, "notebook")
            )
        except ValueError as error:
            return ContrastVerdict(expression, message=told(error, "notebook"))
        inflation = contrast_inflation(self._design, weights)
        known = contrast.known
        # The tail of an F test is that of both signs of t.
        one = contrast.stat_type == "t" and known.any()
        return ContrastVerdict(
            expression,
            contrast.stat_type,
            contrast.dim,
            contrast.dof,
            estimable=True,
            efficiency=efficiency(self._design, weights),
            inflation=float(np.max(inflation)),
            variance=float(np.median(contrast.covariance[0, 0][known])) if one else math.nan,
            dof_said=dof_said(contrast),
            dof_left=contrast.dof_left,
        )


class RunsBook:
    """Verdicts on contrasts over runs, from those of each.

    Parameters
    ----------
    books : sequence of ContrastBook
        Of the runs that are used.
    """

    def __init__(self, books: Sequence[ContrastBook]):
        self._books = tuple(books)

    def verdict(self, expression: str) -> ContrastVerdict:
        """Verdict on the mean effect of the runs that can answer; its variance is their mean one over their number."""
        verdicts = [book.verdict(expression) for book in self._books]
        able = [verdict for verdict in verdicts if verdict.estimable]
        if not able:
            return verdicts[0]
        n = len(able)
        total = sum(verdict.dof for verdict in able)
        if all(math.isfinite(verdict.variance) and verdict.variance > 0 for verdict in able):  # Satterthwaite 1946
            squares = sum(verdict.variance**2 / verdict.dof for verdict in able)
            total = sum(verdict.variance for verdict in able) ** 2 / squares
        return replace(
            able[0],
            dof=round(total, 1),
            dof_said=f"{write_dof(total)} degrees of freedom",
            efficiency=n**2 / sum(1 / verdict.efficiency for verdict in able),
            inflation=max(verdict.inflation for verdict in able),
            variance=sum(verdict.variance for verdict in able) / n**2,
        )
