"""A figure of quality control: what is known of it stands in one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glmwidgets.specification.field import plain


@dataclass(frozen=True)
class Figure:
    """One figure of a run.

    Attributes
    ----------
    key : str
        Its column in tables and rules.
    label, unit : str
        The unit is empty for a number without one.
    group : {"input", "data", "model", "map", "mriqc"}
        What it is of.
    definition : str
        One sentence, with the formula where there is one.
    of : callable
        Gives it: of the whole run's series for "data" (see `glmwidgets.study.facts`), otherwise of what is seen of the
        run in the study (see `glmwidgets.study.across_runs.Seen`). NaN where there is nothing to say.
    source : str
        Where it comes from.
    side : {"high", "low", "both", ""}
        Which values are unusual; empty for figures that are shown and not judged.
    floor : float
        A difference from the usual value that is smaller than this, in the unit or as a ratio, is never unusual.
    ratio : bool
        Whether it is looked at as a ratio to the usual value: of amounts that are above 0.
    words : str
        What to say when it is unusual, with ``{value}`` and ``{usual}``.
    digits : int
        Significant digits that are shown.
    of_contrast : bool
        Whether it changes with the contrast that is asked, or with the place that is chosen. Other figures are found
        once for all contrasts of a model.
    grave : str
        What to say, before all else, where an unusual value has changed its sign: a flip, an inversion, a swap.
    """

    key: str
    label: str
    unit: str
    group: str
    definition: str
    of: Callable[[Any], float]
    source: str = ""
    side: str = ""
    floor: float = 0.0
    ratio: bool = False
    words: str = ""
    digits: int = 3
    of_contrast: bool = False
    grave: str = ""

    @property
    def function(self) -> str:
        """Dotted name of the function that computes it."""
        return f"{self.of.__module__}.{self.of.__qualname__}"

    def shown(self, value: float) -> str:
        """A value with its unit."""
        if not np.isfinite(value):
            return "not known"
        rounded = float(f"{value:.{self.digits}g}")
        return f"{plain(rounded)} {self.unit}".strip()

    def is_grave(self, value: float) -> bool:
        """Whether an unusual value says that the run is the wrong way round."""
        return bool(self.grave) and (value < 0 if self.side == "low" else value > 0)

    def said(self, value: float, usual: float) -> str:
        """The sentence about an unusual value."""
        words = (
            self.grave if self.is_grave(value) else self.words or f"{self.label} is {{value}}, and {{usual}} is usual"
        )
        text = words.format(value=self.shown(value), usual=self.shown(usual))
        return text[0].upper() + text[1:]
