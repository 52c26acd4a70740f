"""Exact regressors beside those of the time grid: ``python -m benchmarks.convolution``.

A whole design, and the convolution of one condition alone. Milliseconds of the thread's own time, taken in turns.
"""

from __future__ import annotations

import statistics
import time
import warnings
from collections.abc import Callable
from itertools import count

import numpy as np
import pandas as pd

from glmwidgets.glm.design import make_first_level_design_matrix
from glmwidgets.glm.design.regressors import convolve_events, convolve_exactly, fine_grid
from glmwidgets.glm.response import resolve_hrf

#: Scans, seconds between them, events of four types.
RUNS = ((200, 2.0, 60), (600, 0.8, 200), (400, 2.0, 400))
DURATIONS = {"0.5 to 2 s": (0.5, 1.0, 2.0), "impulses": (0.0,), "20 s": (20.0,)}
DRAGGED = "dragged"


def in_turns(grid: Callable[[], object], exact: Callable[[], object], repeats: int = 60) -> tuple[float, float]:
    """Median milliseconds of each."""
    taken: list[list[float]] = [[], []]
    for _ in range(repeats):
        for of, action in zip(taken, (grid, exact), strict=True):
            start = time.thread_time()
            action()
            of.append(1e3 * (time.thread_time() - start))
    return statistics.median(taken[0][1:]), statistics.median(taken[1][1:])


def main() -> None:
    """Print a table with a row for each run, kind of events, and response."""
    warnings.simplefilter("ignore")
    rng, number = np.random.default_rng(0), count()

    def named(hrf: str) -> str:
        # A hand on the curve: another response in every design.
        return f"gamma({6 + 1e-6 * next(number)}, 16, 1, 1, 0.16)" if hrf == DRAGGED else hrf

    print("| run | events | response | design: grid | exact | ratio | alone: grid | exact | ratio |")
    print("|---|---|---|" + "---:|" * 6)
    for n_scans, t_r, n_events in RUNS:
        times = np.arange(n_scans) * t_r
        for length, seconds in DURATIONS.items():
            events = pd.DataFrame(
                {
                    "onset": np.sort(rng.uniform(0, times[-1] - 10, n_events)),
                    "duration": rng.choice(seconds, n_events),
                    "trial_type": rng.choice(list("abcd"), n_events),
                }
            )
            kind = events["onset"].to_numpy(), events["duration"].to_numpy(), np.ones(n_events)
            for hrf in ("spm", "spm + derivative + dispersion", DRAGGED):

                def design(way: str, hrf: str = hrf, times: np.ndarray = times, events: pd.DataFrame = events) -> None:
                    make_first_level_design_matrix(times, events, hrf_model=named(hrf), convolution=way)

                def on_grid(hrf: str = hrf, times: np.ndarray = times, kind: tuple = kind) -> None:
                    convolve_events(*kind, resolve_hrf(named(hrf)), fine_grid(times), "a")

                def exactly(hrf: str = hrf, times: np.ndarray = times, kind: tuple = kind) -> None:
                    convolve_exactly(*kind, resolve_hrf(named(hrf)), times, "a")

                cells = []
                for grid, exact in (
                    in_turns(lambda: design("grid"), lambda: design("exact")),
                    in_turns(on_grid, exactly),
                ):
                    cells += [f"{grid:.2f}", f"{exact:.2f}", f"{exact / grid:.2f}"]
                print("| " + " | ".join([f"{n_scans} × {t_r:g} s", length, hrf, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
