"""What a person may name as the place where work is done, as lanes."""

from __future__ import annotations

from typing import Any

from glmwidgets.execution.dask import dask_lanes
from glmwidgets.execution.lanes import HereLane, Lane, LocalLane
from glmwidgets.execution.n_workers import local_processors, local_width
from glmwidgets.glm.errors import InputError
from glmwidgets.plural import count


def lanes_of(executor: Any = None, width: int | None = None) -> tuple[list[Lane], str]:
    """Lanes of an executor.

    Parameters
    ----------
    executor : None, "processes", "here", address or distributed.Client
        Processes of this machine by default, each with one thread of linear algebra; ``"here"`` is this process;
        ``"tcp://..."`` a scheduler of Dask.
    width : int, optional
        How many; by default what there is room for.

    Returns
    -------
    lanes : list of Lane
    said : str
        How many they are and why, in a few words.

    Raises
    ------
    InputError
        If it is none of these.

    Examples
    --------
    >>> lanes_of("here")[1], len(lanes_of("processes", 3)[0])
    ('in this process', 3)
    """
    if width is not None and width < 1:
        raise InputError(f"there must be one worker or more, not {width}")
    if executor == "here":
        return [HereLane()], "in this process"
    if executor in (None, "processes"):
        n, why = local_width() if width is None else (width, "as asked")
        each = max(1, local_processors().n // n)
        return [LocalLane(each) for _ in range(n)], f"{count(n, 'worker')} of this machine ({why})"
    is_address = isinstance(executor, str) and "://" in executor
    if is_address or (hasattr(executor, "submit") and hasattr(executor, "scheduler_info")):
        lanes = dask_lanes(executor, width)
        return list(lanes), f"{len(lanes)} threads of Dask's workers"
    raise InputError(
        f"{executor!r} is not a place to compute: give 'processes', 'here', an address such as tcp://..., or a "
        "distributed.Client"
    )
