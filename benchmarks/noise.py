"""What each noise model costs on a refit: ``python -m benchmarks.noise [--size medium] [--repeats 5]``.

Beside AR(1) by restricted likelihood, on the same run and in turns.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from dataclasses import dataclass

import numpy as np

from benchmarks.runs import CHECK, SIZES, Size, TimedRun, make_run
from benchmarks.table import medians, render
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.memory_budget import SERIES
from glmwidgets.glm.moments.scaling import scale_signal
from glmwidgets.glm.noise.evidence import noise_by_evidence
from glmwidgets.glm.noise.pooling import neighbour_matrix
from glmwidgets.images.mask import masked_series

#: Noise model, pooling, and what is asked of its time beside that of AR(1) by restricted likelihood.
TIMED = (
    ("ar1-reml", None, ""),
    ("ols", None, ""),
    ("ar1", None, ""),
    ("ar2", None, ""),
    ("arma11", None, "≤ 4 ×"),
    ("ar-auto", None, ""),
    ("ar1-reml", "local", ""),
    ("arma11", "local", "≤ 4 ×"),
    ("arma11", "global", ""),
)

HEAD = ["noise model", "same design, ms", "beside AR(1) REML", "new HRF, ms", "beside AR(1) REML", "asked"]


@dataclass(frozen=True)
class NoiseRow:
    """A noise model's refit, from settings to z map: of the design as it is, and of another response."""

    what: str
    same: float
    new: float
    beside: tuple[float, float]
    asked: str = ""

    def cells(self) -> list[str]:
        """What is printed."""
        times = ((self.same, self.beside[0]), (self.new, self.beside[1]))
        timed = [cell for ours, theirs in times for cell in (f"{1e3 * ours:.0f}", f"{ours / theirs:.1f} ×")]
        return [self.what, *timed, self.asked]


def rows(run: TimedRun, repeats: int = 5) -> list[NoiseRow]:
    """Time every model in turns; then the choice between two of them by evidence, on the same design alone."""
    moments = Moments(scale_signal(masked_series(np.asanyarray(run.img.dataobj), run.mask), 0), held=SERIES)
    design, neighbours = run.design(), neighbour_matrix(run.mask)
    other = itertools.count(1)

    def refit(model, pooling, new):
        def fit(_):
            here = run.design(f"gamma({6 + next(other) / 100:.2f}, 16, 1, 1, 0.167)") if new else design
            where = {} if pooling is None else {"pooling": pooling, "neighbours": neighbours}
            return compute_contrast(fit_glm(moments, here, model, **where), "a - b").z_score()

        return fit

    same = medians(*(refit(model, pooling, False) for model, pooling, _ in TIMED), repeats=repeats)
    new = medians(*(refit(model, pooling, True) for model, pooling, _ in TIMED), repeats=repeats)
    names = [model if pooling is None else f"{model}, {pooling}" for model, pooling, _ in TIMED]
    beside = same[0], new[0]
    table = [NoiseRow(name, *both, beside, row[2]) for name, *both, row in zip(names, same, new, TIMED, strict=True)]
    basis, seconds = design_basis(design.to_numpy(dtype=float)), []
    for _ in range(repeats):
        start = time.perf_counter()
        noise_by_evidence(moments, basis, run.size.t_r)
        seconds.append(time.perf_counter() - start)
    chosen = float(np.median(seconds))
    return [*table, NoiseRow("the choice by evidence, once a run", chosen, chosen, beside, "≤ 0.5 × of the chosen fit")]


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    sizes: dict[str, Size] = {"check": CHECK, **SIZES}
    parser.add_argument("--size", choices=sizes, default="medium")
    parser.add_argument("--repeats", type=int, default=5)
    asked = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    print(render(rows(make_run(sizes[asked.size]), asked.repeats), HEAD))


if __name__ == "__main__":
    main()
