"""How often each noise model calls a true null significant: ``python -m benchmarks.calibration [--full]``.

Every case is a kind of noise, a repetition time and a number of slow confounds; every design of a case is drawn anew
(blocks of 20 s, blocks of 40 s or random events, in turn; the number of scans in turn; random-walk confounds), with a
cosine drift of 128 s and the SPM response. Series hold a known effect of the task and noise whose innovations are
correlated over neighbouring voxels (0.6), as smoothed data are; the effect's interval is held against the truth.
Rates are means over designs, their standard errors come from the spread over designs.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from scipy.signal import lfilter
from scipy.stats import t as student

from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.evidence import noise_by_evidence
from glmwidgets.glm.noise.pooling import neighbour_matrix

SHAPE = (4, 4, 4)
ALPHAS = (0.05, 0.001)
EFFECT = 0.7
SMOOTHNESS = 0.7  # of the innovations, standard deviation in voxels: correlation 0.6 between neighbours


@dataclass(frozen=True)
class Noise:
    """An autoregression of correlation rho seen through white noise, of total variance 1."""

    name: str
    rho: float
    white: float = 0.0
    tails: float = np.inf  # degrees of freedom of Student's t, of which the innovations are


@dataclass(frozen=True)
class Case:
    noise: Noise
    t_r: float
    n_scans: tuple[int, ...]
    n_confounds: int


WHITE, LOW, HIGH = Noise("white", 0.0), Noise("AR .3", 0.3), Noise("AR .6", 0.6)
MIXED = {2.0: Noise("AR .67 + white", 0.67, 0.5), 0.8: Noise("AR .85 + white", 0.85, 0.5)}
SCANS = {2.0: (150, 200, 300), 0.8: (250, 325, 400)}
CONFOUNDS = (0, 6, 24)
CASES = tuple(
    Case(noise, t_r, SCANS[t_r], n_confounds)
    for t_r in (2.0, 0.8)
    for noise in (WHITE, LOW, HIGH, MIXED[t_r])
    for n_confounds in CONFOUNDS
)
# Short runs, long ones and wild ones, for the choice by evidence. Below the others, whose seeds are their places.
MORE_SCANS = {3.0: (80, 100, 120), 1.5: (150, 200, 300), 0.8: (600,)}
CASES += tuple(
    Case(noise, t_r, scans, n_confounds)
    for t_r, scans in MORE_SCANS.items()
    for noise in (LOW, Noise("AR .3, t5", 0.3, tails=5), Noise("AR .75 + white", 0.75, 0.5))
    for n_confounds in ((0, 6) if t_r > 2 else CONFOUNDS)
)

MODELS: dict[str, tuple[str, dict]] = {
    "ols": ("ols", {}),
    "ar1": ("ar1", {}),
    "ar1-reml": ("ar1-reml", {}),
    "ar1-reml local": ("ar1-reml", {"pooling": "local"}),
    "ar-auto": ("ar-auto", {}),
    "arma11": ("arma11", {}),
    "arma11 local": ("arma11", {"pooling": "local"}),
    "by evidence": ("by evidence", {}),
}


def draw_design(case: Case, number: int, rng: np.random.Generator) -> pd.DataFrame:
    """Design matrix of a run; the task is its first column, of unit height."""
    n = case.n_scans[number // 3 % len(case.n_scans)]
    length = n * case.t_r
    kind = ("block 20", "block 40", "event")[number % 3]
    if kind == "event":
        onset = np.cumsum(rng.uniform(4, 12, int(length / 8)))
        duration = 1.0
    else:
        duration = float(kind.split()[1])
        onset = np.arange(rng.uniform(0, duration), length, 2 * duration)
    onset = onset[onset < length - 4]
    events = pd.DataFrame({"onset": onset, "duration": duration, "trial_type": "task"})
    confounds = rng.standard_normal((n, case.n_confounds)).cumsum(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        design = make_first_level_design_matrix(
            frame_times(n, case.t_r),
            events,
            hrf_model="spm",
            high_pass=1 / 128,
            add_regs=(confounds - confounds.mean(axis=0)) / confounds.std(axis=0) if case.n_confounds else None,
        )
    design["task"] /= design["task"].max()
    return design


def draw_noise(noise: Noise, n: int, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Noise of unit variance, (n_scans, n_voxels), correlated over neighbours."""

    def innovations() -> np.ndarray:
        draw = rng.standard_normal((n + 100, *shape))
        if np.isfinite(noise.tails):
            draw /= np.sqrt(rng.chisquare(noise.tails, draw.shape) / noise.tails)
        draw = gaussian_filter(draw, (0, *[SMOOTHNESS] * 3), mode="wrap")
        return (draw / draw.std()).reshape(n + 100, -1)

    coloured = lfilter([np.sqrt(1 - noise.rho**2)], [1, -noise.rho], innovations(), axis=0)[100:]
    return np.sqrt(1 - noise.white) * coloured + np.sqrt(noise.white) * innovations()[100:]


def misses(effect: np.ndarray, variance: np.ndarray, dof: float) -> np.ndarray:
    """Share of voxels whose interval at each level misses the true effect."""
    t = np.abs(effect - EFFECT) / np.sqrt(variance)
    return np.array([np.mean(t > student.isf(alpha / 2, dof)) for alpha in ALPHAS])


def by_nilearn(y: np.ndarray, design: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Effect and variance of the task by nilearn's own functions."""
    from nilearn.glm import compute_contrast as reference_contrast
    from nilearn.glm.first_level import run_glm

    labels, results = run_glm(y, design.to_numpy(), noise_model="ar1")
    weights = np.eye(design.shape[1])[0]
    contrast = reference_contrast(labels, results, weights, stat_type="t")
    return contrast.effect_size().ravel(), contrast.effect_variance().ravel()


def measure(
    case: Case,
    models: Sequence[str] = tuple(MODELS),
    n_designs: int = 200,
    shape: Sequence[int] = SHAPE,
    seed: int = 0,
    nilearn_every: int = 0,
) -> dict:
    """Rates of one case.

    Returns
    -------
    dict
        ``rates[model]``: mean and standard error for each of `ALPHAS`, each (2, 2). ``rho[model]``: mean estimate of
        the autocorrelation at lag 1 in runs of at least 200 scans, and its standard error. ``nilearn``: rates of
        nilearn and of ``ar1`` on the designs that both saw, and the largest difference of their t.
    """
    neighbours = neighbour_matrix(np.ones(shape, bool))
    found: dict[str, list[np.ndarray]] = {name: [] for name in models}
    rho: dict[str, list[float]] = {name: [] for name in models}
    both: list[np.ndarray] = []
    apart, chosen = 0.0, []
    for number in range(n_designs):
        rng = np.random.default_rng([seed, CASES.index(case), number])
        design = draw_design(case, number, rng)
        task = design["task"].to_numpy()
        y = 100 + EFFECT * task[:, None] + draw_noise(case.noise, len(design), shape, rng)
        moments = Moments(y)
        for name in models:
            model, options = MODELS[name]
            if model == "by evidence":
                found_by = noise_by_evidence(moments, design_basis(design.to_numpy()))
                model, options = found_by.model, {"pooling": found_by.pooling}
                chosen.append(model)
            if "pooling" in options:
                options = {**options, "neighbours": neighbours}
            fit = fit_glm(moments, design, model, **options)
            contrast = compute_contrast(fit, np.eye(design.shape[1])[0])
            found[name].append(misses(contrast.effect[0], contrast.covariance[0, 0], fit.dof))
            process = fit.noise_process()
            if process.order and len(design) >= 200:
                rho[name].append(process.lag_one().mean())
            if name == "ar1" and nilearn_every and number % nilearn_every == 0:
                effect, variance = by_nilearn(y, design)
                both.append(np.concatenate([misses(effect, variance, fit.dof), found[name][-1]]))
                ours = contrast.effect[0] / np.sqrt(contrast.covariance[0, 0])
                apart = max(apart, float(np.abs(effect / np.sqrt(variance) - ours).max()))

    def mean_and_error(values: list) -> list:
        return [np.mean(values, axis=0).tolist(), (np.std(values, axis=0, ddof=1) / np.sqrt(len(values))).tolist()]

    return {
        "rates": {name: mean_and_error(values) for name, values in found.items()},
        "rho": {name: mean_and_error(values) for name, values in rho.items() if len(values) > 1},
        "arma11 by evidence": chosen.count("arma11") / len(chosen) if chosen else None,
        "nilearn": {"designs": len(both), "rates": np.mean(both, axis=0).tolist(), "apart": apart} if both else None,
    }


def lag_one(noise: Noise) -> float:
    """True autocorrelation at lag 1."""
    return (1 - noise.white) * noise.rho


def table(results: dict[Case, dict], alpha: int) -> str:
    """Rates at one level as a Markdown table, standard errors in brackets in units of the last digit."""
    digits = (3, 4)[alpha]
    names = list(next(iter(results.values()))["rates"])
    lines = [
        "| noise | TR (s) | confounds | " + " | ".join(names) + " |",
        "|---|---|---|" + "---|" * len(names),
    ]
    for case, result in results.items():
        cells = []
        for name in names:
            mean, error = (part[alpha] for part in result["rates"][name])
            cells.append(f"{mean:.{digits}f} ({error * 10**digits:.0f})".replace("0.", ".", 1))
        lines.append(f"| {case.noise.name} | {case.t_r:g} | {case.n_confounds} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def bias_table(results: dict[Case, dict]) -> str:
    """Mean error of the autocorrelation at lag 1, of cases with runs of at least 200 scans."""
    results = {case: result for case, result in results.items() if result["rho"]}
    if not results:
        return ""
    names = list(next(iter(results.values()))["rho"])
    lines = [
        "| noise | TR (s) | confounds | truth | " + " | ".join(names) + " |",
        "|---|---|---|---|" + "---|" * len(names),
    ]
    for case, result in results.items():
        cells = [f"{result['rho'][name][0] - lag_one(case.noise):+.3f}" for name in names]
        head = f"| {case.noise.name} | {case.t_r:g} | {case.n_confounds} | {lag_one(case.noise):.3f} | "
        lines.append(head + " | ".join(cells) + " |")
    return "\n".join(lines)


def reference_lines(results: dict[Case, dict]) -> str:
    """What nilearn itself gave on the designs it was run on."""
    lines = [
        "| noise | TR (s) | confounds | designs | nilearn `ar1` at .05 | ours | largest difference of t |",
        "|---" * 7 + "|",
    ]
    for case, result in results.items():
        if result["nilearn"]:
            found = result["nilearn"]
            lines.append(
                f"| {case.noise.name} | {case.t_r:g} | {case.n_confounds} | {found['designs']} | "
                f"{found['rates'][0]:.4f} | {found['rates'][2]:.4f} | {found['apart']:.0e} |"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="200 designs a case, as in the documentation")
    parser.add_argument("--designs", type=int, help="designs a case, in the place of 12 or 200")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(MODELS))
    parser.add_argument("--noise", nargs="+", help="kinds of noise, such as 'AR .3'; all by default")
    parser.add_argument("--t-r", type=float, help="one repetition time, in s")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", type=Path, help="write the rates to a JSON file")
    arguments = parser.parse_args()
    n_designs = arguments.designs or (200 if arguments.full else 12)
    chosen = [
        case
        for case in CASES
        if (arguments.noise is None or case.noise.name in arguments.noise) and arguments.t_r in (None, case.t_r)
    ]
    start = time.perf_counter()
    results = {}
    for case in chosen:
        results[case] = measure(case, arguments.models, n_designs, seed=arguments.seed, nilearn_every=10)
        print(f"{time.perf_counter() - start:5.0f} s  {case}", flush=True)
        if arguments.save:
            arguments.save.write_text(json.dumps([[repr(key), value] for key, value in results.items()]))
    for alpha, level in enumerate(ALPHAS):
        print(f"\nShare of intervals that miss the truth at {level}\n\n{table(results, alpha)}")
    print(f"\nMean error of the autocorrelation at lag 1\n\n{bias_table(results)}")
    if any(result["nilearn"] for result in results.values()):
        print(f"\n{reference_lines(results)}")


if __name__ == "__main__":
    main()
