"""Convolution of events with a response: exact, or on the time grid of the field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glmwidgets.glm.choices import check_choice

if TYPE_CHECKING:
    from glmwidgets.glm.response.models import Response


@dataclass(frozen=True)
class Convolution:
    """A row of `CONVOLUTIONS`.

    Attributes
    ----------
    label : str
        In menus, and in what changed.
    description : str
        One sentence.
    said : str
        In a methods section, after what events were convolved with; empty if that depends on the response.
    exact : callable
        Whether it is exact for a `glmwidgets.glm.response.models.Response`.
    """

    label: str
    description: str
    said: str
    exact: Callable[[Response], bool]


#: How events meet the response, by ``convolution``. Whether there is a grid: nobody can add a third way.
CONVOLUTIONS: dict[str | None, Convolution] = {
    "exact": Convolution(
        "exact",
        "The integral of the response over each event; an event of duration 0 counts as a short one of area 1.",
        "exactly, without a time grid",
        lambda response: True,
    ),
    "grid": Convolution(
        "on a time grid",
        "Onsets and durations rounded to 50 steps a scan, as in nilearn.",
        "on a time grid of 50 steps a scan",
        lambda response: False,
    ),
    None: Convolution(
        "by response",
        "On the grid for nilearn's responses and functions, as nilearn does; exact for any other.",
        "",
        lambda response: not response.on_grid,
    ),
}


def is_exact(convolution: str | None, response: Response) -> bool:
    """Whether a response is convolved exactly.

    Parameters
    ----------
    convolution : {None, "exact", "grid"}
    response : Response

    Raises
    ------
    ValueError
        If there is no such way.
    """
    return CONVOLUTIONS[check_choice("convolution", convolution, CONVOLUTIONS)].exact(response)
