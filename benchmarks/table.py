"""Timing side by side, and the table that is printed."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

#: Seconds: the threads of a matrix library go on turning for a while after its work, and what comes next is not to pay.
PAUSE = 0.1


class Printed(Protocol):
    """A line of a table."""

    def cells(self) -> list[str]:
        """What is printed."""


@dataclass
class Row:
    """One step, timed for us, for nilearn, and for what the step cannot avoid."""

    what: str
    ours: float
    nilearn: float | None = None
    floor: float | None = None
    asked: str = ""

    def cells(self) -> list[str]:
        """What is printed."""
        ratio = f"{self.nilearn / self.ours:.0f} ×" if self.nilearn else ""
        floor = f"{1e3 * self.floor:.1f}" if self.floor else ""
        above = f"{self.ours / self.floor:.1f}" if self.floor else ""
        nilearn = f"{1e3 * self.nilearn:.0f}" if self.nilearn else ""
        return [self.what, f"{1e3 * self.ours:.1f}", nilearn, ratio, floor, above, self.asked]


HEAD = ["step", "ours, ms", "nilearn, ms", "ratio", "bare product, ms", "ours / bare", "asked"]


def medians(
    *actions: Callable[[int], object],
    repeats: int = 9,
    warm: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> list[float]:
    """Median seconds of some actions, taken in turns so that a slow minute is slow for all."""
    seconds: list[list[float]] = [[] for _ in actions]
    for k in range(warm + repeats):
        for of_action, action in zip(seconds, actions, strict=True):
            time.sleep(PAUSE)
            start = clock()
            action(k)
            if k >= warm:
                of_action.append(clock() - start)
    return [statistics.median(s) for s in seconds]


def render(rows: Sequence[Printed], head: list[str] = HEAD) -> str:
    """Markdown; the first column is words, and the last what is asked."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 2) + ["---"], *(row.cells() for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
