"""The chosen columns of a table of confounds: their values, scrubbed scans, and columns that start at 0."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from glmwidgets.glm.design.confound_groups import choose_confounds, scrubbed_scans, undefined_at_first
from glmwidgets.specification.settings import DesignSettings

# Where one column spreads so many times more than another, as mm do beside radians, each has a unit of its own.
UNLIKE = 8.0


def scrubbed(table: pd.DataFrame, design: DesignSettings) -> np.ndarray:
    """Numbers of the scans that a design scrubs, rising.

    Raises
    ------
    ValueError
        If the table lacks the measure by which they are found.
    """
    return scrubbed_scans(table, design.scrub_fd, design.scrub_dvars)


def begun_at_zero(table: pd.DataFrame, names: Iterable[str]) -> list[str]:
    """Columns that have no value at the first scan, and 0 in its place."""
    return [name for name in undefined_at_first(names) if name not in table or not table[name].iloc[0]]


def values_of(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Columns of a table, or made of its motion parameters."""
    return choose_confounds(table, names)


def comparable(values: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """Columns that can be drawn over each other, and whether each had to be brought to its own standard deviation."""
    y = values.to_numpy(dtype=float)
    spread = y.std(axis=0)
    unlike = bool(spread.max(initial=0) > UNLIKE * spread[spread > 0].min(initial=np.inf))
    return ((values - y.mean(axis=0)) / np.where(spread > 0, spread, 1.0) if unlike else values), unlike
