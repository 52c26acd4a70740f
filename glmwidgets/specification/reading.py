"""Settings that a step reads, declared where the step is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Step = TypeVar("Step", bound=Callable[..., Any])


def reads(*paths: str) -> Callable[[Step], Step]:
    """Declare the settings that a step reads; whoever keeps its results asks `read_by`.

    Parameters
    ----------
    *paths : str
        Of settings, such as ``"design.hrf_model"``.

    Returns
    -------
    callable
        A decorator.

    Examples
    --------
    >>> @reads("noise.model")
    ... def noise_of(asked):
    ...     return asked.noise.model
    >>> read_by(noise_of)
    ('noise.model',)
    """

    def declare(step: Step) -> Step:
        step.reads = paths
        return step

    return declare


def read_by(step: Callable[..., Any]) -> tuple[str, ...]:
    """Settings that a step declares.

    Parameters
    ----------
    step : callable
        A step that `reads` declares.

    Returns
    -------
    tuple of str
        Paths; empty where nothing is declared.

    Examples
    --------
    >>> read_by(print)
    ()
    """
    return getattr(step, "reads", ())
