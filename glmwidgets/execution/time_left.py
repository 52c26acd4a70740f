"""How long work will still take, by what was done so far."""

from __future__ import annotations

import time
from collections.abc import Callable


class Pace:
    """Counts tasks that were done, and says how long the others will take at that pace.

    Parameters
    ----------
    n : int
        Tasks in all.
    clock : callable, optional
        Seconds.

    Examples
    --------
    >>> times = iter([0.0, 5.0, 60.0])
    >>> pace = Pace(4, lambda: next(times))
    >>> pace.count(was_there=True), pace.count()
    ('1 of 4', '2 of 4, 2 min left')
    """

    def __init__(self, n: int, clock: Callable[[], float] = time.monotonic):
        self.n, self.done, self.made = n, 0, 0
        self._clock = clock
        self._began = clock()

    def count(self, was_there: bool = False) -> str:
        """Count one more, and say where one is; what was there already tells nothing of the pace."""
        self.done += 1
        self.made += not was_there
        took, left = self._clock() - self._began, self.n - self.done
        said = f"{self.done} of {self.n}"
        return f"{said}, {_said(took / self.made * left)} left" if self.made and left else said


def _said(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
