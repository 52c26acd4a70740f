"""The chosen response: its row of the table, its parameters, its curve, and the points that are dragged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from glmwidgets.glm.response.fir_delays import format_delays, parse_delays
from glmwidgets.glm.response.handles import GammaShape, dragged, handle_places
from glmwidgets.glm.response.models import hrf_curve, parse_hrf
from glmwidgets.glm.response.table import HRF, HRFS, format_hrf
from glmwidgets.specification.field import SettingsError

# Seconds that a FIR model covers when it is first picked: a response has then come and gone.
FIR_SECONDS = 20.0
MOST_DELAYS = 16


@dataclass(frozen=True)
class ChosenResponse:
    """A model of the response, with the numbers in its brackets.

    Attributes
    ----------
    row : HRF
    values : tuple of float

    Examples
    --------
    >>> chosen = ChosenResponse.of("gamma(6, 16, 1, 1, 0.167)")
    >>> str(chosen.pulled("peak", 6.5, 1.0))
    'gamma(7.5, 16, 1, 1, 0.167)'
    """

    row: HRF
    values: tuple[float, ...]

    @classmethod
    def of(cls, text: str) -> ChosenResponse:
        """Read the setting ``design.hrf_model``."""
        return cls(*parse_hrf(text))

    @classmethod
    def first(cls, name: str) -> ChosenResponse:
        """A row of the table as it is when it is picked, or a response that was given as a function."""
        if name not in HRFS:
            return cls.of(name)
        return cls(HRFS[name], tuple(each.value for each in HRFS[name].parameters if each.required))

    def __str__(self) -> str:
        return format_hrf(self.row.name, self.values)

    def curves(self, t_r: float) -> pd.DataFrame:
        """Its columns over seconds, each of height 1."""
        drawn = hrf_curve(str(self), t_r, dt=0.1)
        size = drawn.abs().max()
        return drawn / size.where(size > 0, 1.0)

    @property
    def places(self) -> dict[str, tuple[float, float]]:
        """Seconds and height of the points by which the curve is held, by name; none of most models."""
        return handle_places(GammaShape(*self.values)) if self.row.draggable else {}

    def pulled(self, handle: str, seconds: float, height: float) -> ChosenResponse:
        """The response after one of the points was pulled to a place."""
        return ChosenResponse(self.row, dragged(GammaShape(*self.values), handle, seconds, height).values)


def usual_delays(t_r: float, n_scans: int) -> tuple[int, ...]:
    """Delays in scans that cover a response, as far as a run can tell them apart."""
    return tuple(range(max(1, min(MOST_DELAYS, round(FIR_SECONDS / t_r), n_scans // 4))))


def read_delays(text: str, n_scans: int) -> tuple[int, ...]:
    """Delays as a person types them, such as ``0-7``.

    Raises
    ------
    SettingsError
        If they cannot be read, or do not fit the run.
    """
    try:
        return parse_delays(text, n_scans)
    except ValueError as error:
        raise SettingsError.of("design.fir_delays", error) from None


def written_delays(delays: Sequence[int]) -> str:
    """Delays as a person types them."""
    return format_delays(delays)
