"""Whole runs of a study, fitted in the background while one looks at their previews, and counted in the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from glmwidgets.execution.task import Outcome
from glmwidgets.execution.time_left import Pace
from glmwidgets.session.core.scheduler import LatestWins, Ticket
from glmwidgets.study.study import Study


@dataclass(frozen=True)
class WholeRuns:
    """How many whole runs are fitted under the model and the contrasts that are looked at.

    Attributes
    ----------
    n : int
        Runs that can be fitted.
    done : int
        Those whose results are in the store, whoever put them there.
    said : str
        Where a fit stands, with the time that is left, or how it ended; empty where none was begun.
    is_running : bool
    """

    n: int = 0
    done: int = 0
    said: str = ""
    is_running: bool = False

    @property
    def are_all(self) -> bool:
        """Whether the results of all runs that can be fitted are there."""
        return 0 < self.n == self.done


class WholeFits:
    """Fits whole runs on a thread that feeds the workers, and tells how far they have come.

    Parameters
    ----------
    publish : callable
        Given each `WholeRuns`, on any thread.
    on_error : callable
        Told of any exception.
    synchronous : bool
    """

    def __init__(
        self, publish: Callable[[WholeRuns], None], on_error: Callable[[Exception], None], synchronous: bool = False
    ):
        self._publish = publish
        self._fits, self._counts = (LatestWins(synchronous, on_error=on_error) for _ in range(2))
        self._stop = threading.Event()
        self._running = False

    def count(self, study: Study) -> None:
        """Count what the store holds for a study's model, unless a fit runs, which counts itself."""

        def job(ticket: Ticket) -> None:
            n, done = _usable(study), len(study.done)
            ticket.checkpoint()
            if not self._running:
                self._publish(WholeRuns(n, done))

        self._counts.submit(job)

    def fit(self, study: Study, executor: Any = None) -> None:
        """Fit the whole runs that the store lacks; nothing where a fit runs already."""
        if self._running:
            return
        self._running, self._stop = True, threading.Event()
        state = WholeRuns(_usable(study), 0, "beginning …", True)
        pace, stop = Pace(state.n), self._stop
        self._publish(state)

        def heard(outcome: Outcome) -> None:
            was_there = isinstance(outcome.value, Mapping) and bool(outcome.value.get("there"))
            said = pace.count(was_there)
            self._publish(replace(state, done=pace.done, said=f"{said} · stopping" if stop.is_set() else said))

        def job(_ticket: Ticket) -> None:
            said = ""
            try:
                failed = study.run(executor, heard=heard, stop=stop)
                said = _ended(study, failed, state.n)
            finally:
                self._running = False
                self._publish(WholeRuns(state.n, len(study.done), said))

        self._fits.submit(job)

    def stop(self) -> None:
        """Begin no further run; it is over when those in hand are done."""
        self._stop.set()

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Block until nothing is fitted or counted; False if `timeout` seconds were not enough."""
        return self._fits.wait_until_idle(timeout) and self._counts.wait_until_idle(timeout)

    def close(self) -> None:
        """Begin no further run, and end the threads."""
        self._stop.set()
        self._fits.close()
        self._counts.close()


def _usable(study: Study) -> int:
    return sum(not run.why_not for run in study.runs)


def _ended(study: Study, failed: Mapping[int, str], n: int) -> str:
    """How a fit ended, in a sentence or two; runs that could never be fitted are told of elsewhere."""
    broken = {i: why for i, why in failed.items() if not study.runs[i].why_not}
    said = "stopped; the next fit continues from here" if len(study.done) + len(broken) < n else ""
    if broken:
        i, why = next(iter(broken.items()))
        said += f"{'; ' if said else ''}{len(broken)} could not be fitted, the first {study.runs[i].name}: {why}"
    return said or "all are fitted"
