"""How often each noise model calls a true null significant: ``python -m benchmarks.calibration [--full]``.

A regime is a repetition time, a number of scans and a number of slow confounds (random walks). Every design of a regime
is drawn anew (blocks of 20 s, blocks of 40 s or random events, in turn), with a cosine drift of 128 s and the SPM
response. Under each design stand series of every kind of noise, in a cube of voxels each, that hold a known effect of
the task; the innovations are correlated over neighbouring voxels (0.6), as smoothed data are. The effect's interval is
held against the truth. Rates are means over designs, and their standard errors come from the spread over designs.

Designs are done fifty at a time and kept in a folder, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import time
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.ndimage import gaussian_filter
from scipy.signal import lfilter
from scipy.sparse import block_diag
from scipy.stats import t as student

from glmwidgets.glm.design.matrix import frame_times, make_first_level_design_matrix
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.basis import design_basis
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.noise.evidence import SHORT, chosen_by, gains
from glmwidgets.glm.noise.pooling import neighbour_matrix

SHAPE = (4, 4, 4)
ALPHAS = (0.05, 0.001)
EFFECT = 0.7
SMOOTHNESS = 0.7  # of the innovations, standard deviation in voxels: correlation 0.6 between neighbours
CHUNK = 50
NILEARN_EVERY = 25
BINS = 25  # places of the moving average between 0 and 1: for so few series as many as do

# In these seconds the correlation of what is slow in the brain falls to 1/e: .85 at 0.8 s, .66 at 2 s.
SLOW = 4.9


@dataclass(frozen=True)
class Noise:
    """An ARMA(1,1) of parameters a and b, seen through white noise and over a random walk; of total variance 1.

    The share of variance of white noise is before the walk is added, which has the variance `drift` over the run.
    """

    name: str
    a: float | None  # None: by the repetition time
    b: float = 0.0
    white: float = 0.0
    drift: float = 0.0
    tails: float = np.inf  # degrees of freedom of Student's t, of which the innovations are

    def a_at(self, t_r: float) -> float:
        """Correlation of the autoregression from one scan to the next."""
        return float(np.exp(-t_r / SLOW)) if self.a is None else self.a

    def lag_one(self, t_r: float) -> float:
        """True autocorrelation at lag 1, of noise without drift."""
        a, b = self.a_at(t_r), self.b
        return (1 - self.white) * (a + b) * (1 + a * b) / (1 + 2 * a * b + b**2)


NOISES = {
    noise.name: noise
    for noise in (
        Noise("white", 0.0),
        Noise("AR .3", 0.3),
        Noise("AR .6", 0.6),
        Noise("AR + white", None, white=0.5),
        Noise("AR + white + drift", None, white=0.5, drift=0.5),
        Noise("ARMA .5, +.4", 0.5, 0.4),
        Noise("AR .3, t5", 0.3, tails=5),
        Noise("AR + white, t5", None, white=0.5, tails=5),
    )
}


@dataclass(frozen=True)
class Regime:
    """A run's repetition time in s, its scans, and its slow confounds."""

    t_r: float
    n_scans: int
    n_confounds: int


REGIMES = tuple(
    Regime(*each)
    for each in (
        (0.8, 150, 12),
        (0.8, 300, 0),
        (0.8, 300, 24),
        (0.8, 600, 12),
        (1.5, 200, 12),
        (2.0, 80, 0),
        (2.0, 80, 12),
        (2.0, 80, 24),
        (2.0, 150, 24),
        (2.0, 300, 6),
        (3.0, 80, 6),
        (3.0, 200, 24),
    )
)

MODELS: dict[str, tuple[str, str | None]] = {
    "ols": ("ols", None),
    "ar1": ("ar1", None),
    "ar1-reml": ("ar1-reml", None),
    "ar1-reml local": ("ar1-reml", "local"),
    "ar-auto": ("ar-auto", None),
    "arma11": ("arma11", None),
    "arma11 local": ("arma11", "local"),
}
# nilearn's own, and those between which the evidence chooses.
CANDIDATES = ("ar1", "ar1-reml", "arma11 local")

# Beside the degrees of freedom of each voxel: scans minus rank of the design for all.
COUNTED = ", scans - rank"

OF_REGIME = ("TR (s)", "scans", "confounds")


def draw_design(regime: Regime, number: int, rng: np.random.Generator) -> pd.DataFrame:
    """Design matrix of a run; the task is its first column, of unit height."""
    n = regime.n_scans
    length = n * regime.t_r
    kind = ("block 20", "block 40", "event")[number % 3]
    if kind == "event":
        onset = np.cumsum(rng.uniform(4, 12, int(length / 8)))
        duration = 1.0
    else:
        duration = float(kind.split()[1])
        onset = np.arange(rng.uniform(0, duration), length, 2 * duration)
    onset = onset[onset < length - 4]
    events = pd.DataFrame({"onset": onset, "duration": duration, "trial_type": "task"})
    confounds = rng.standard_normal((n, regime.n_confounds)).cumsum(axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        design = make_first_level_design_matrix(
            frame_times(n, regime.t_r),
            events,
            hrf_model="spm",
            high_pass=1 / 128,
            add_regs=(confounds - confounds.mean(axis=0)) / confounds.std(axis=0) if regime.n_confounds else None,
        )
    design["task"] /= design["task"].max()
    return design


def draw_noise(noise: Noise, t_r: float, n: int, shape: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Noise of unit variance, (n_scans, n_voxels), correlated over neighbours."""

    def innovations() -> np.ndarray:
        draw = rng.standard_normal((n + 100, *shape))
        if np.isfinite(noise.tails):
            draw /= np.sqrt(rng.chisquare(noise.tails, draw.shape) / noise.tails)
        draw = gaussian_filter(draw, (0, *[SMOOTHNESS] * 3), mode="wrap")
        return (draw / draw.std()).reshape(n + 100, -1)

    a, b = noise.a_at(t_r), noise.b
    gain = np.sqrt((1 - a**2) / (1 + 2 * a * b + b**2))
    e = gain * lfilter([1, b], [1, -a], innovations(), axis=0)[100:]
    e = np.sqrt(1 - noise.white) * e + np.sqrt(noise.white) * innovations()[100:]
    if noise.drift:
        walk = innovations()[100:].cumsum(axis=0)
        walk -= walk.mean(axis=0)
        e = np.sqrt(1 - noise.drift) * e + np.sqrt(noise.drift) * walk / walk.std()
    return e


def misses(effect: np.ndarray, variance: np.ndarray, dof: float | np.ndarray) -> np.ndarray:
    """Whether each voxel's interval misses the true effect, (levels, n_voxels)."""
    t = np.abs(effect - EFFECT) / np.sqrt(variance)
    return np.stack([t > student.isf(alpha / 2, dof) for alpha in ALPHAS])


def by_nilearn(y: np.ndarray, design: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Effect and variance of the task by nilearn's own functions."""
    from nilearn.glm import compute_contrast as reference_contrast
    from nilearn.glm.first_level import run_glm

    labels, results = run_glm(y, design.to_numpy(), noise_model="ar1")
    weights = np.eye(design.shape[1])[0]
    contrast = reference_contrast(labels, results, weights, stat_type="t")
    return contrast.effect_size().ravel(), contrast.effect_variance().ravel()


def measure(
    regime: Regime,
    models: Sequence[str],
    designs: Iterable[int],
    noises: Sequence[str] = tuple(NOISES),
    shape: Sequence[int] = SHAPE,
    seed: int = 0,
    nilearn_every: int = NILEARN_EVERY,
) -> dict[str, np.ndarray]:
    """What some designs of a regime give.

    Returns
    -------
    dict from name to array
        ``misses <model>`` of shape (n_designs, n_noises, levels): shares of voxels; ``rho <model>`` (n_designs,
        n_noises): mean autocorrelation at lag 1; ``gain`` (n_designs, n_noises) and ``if mixed`` (n_designs,): what
        `glmwidgets.glm.noise.evidence.gains` says; ``nilearn`` (n, n_noises, levels) and ``apart`` (n,): nilearn's
        misses, and the largest difference of its t from those of ``ar1``.
    """
    size, found = int(np.prod(shape)), {}
    neighbours = block_diag([neighbour_matrix(np.ones(shape, bool))] * len(noises), format="csr")

    def keep(name: str, value: np.ndarray | float) -> None:
        found.setdefault(name, []).append(value)

    def by_noise(values: np.ndarray) -> np.ndarray:
        return values.reshape(*values.shape[:-1], len(noises), size).mean(axis=-1)

    for number in designs:
        rng = np.random.default_rng([seed, round(10 * regime.t_r), regime.n_scans, regime.n_confounds, number])
        design = draw_design(regime, number, rng)
        drawn = [draw_noise(NOISES[name], regime.t_r, len(design), shape, rng) for name in noises]
        y = 100 + EFFECT * design["task"].to_numpy()[:, None] + np.concatenate(drawn, axis=1)
        moments, basis = Moments(y), design_basis(design.to_numpy())
        gain, if_mixed = gains(moments, basis, regime.t_r)
        keep("gain", by_noise(gain))
        keep("if mixed", if_mixed)
        for name in models:
            model, pooling = MODELS[name]
            options = {} if pooling is None else {"pooling": pooling, "neighbours": neighbours}
            options |= {"bins": BINS} if model == "arma11" else {}
            fit = fit_glm(moments, design, model, **options)
            contrast = compute_contrast(fit, np.eye(design.shape[1])[0])
            effect, variance = contrast.effect[0], contrast.covariance[0, 0]
            keep(f"misses {name}", by_noise(misses(effect, variance, contrast.own_dof)).T)
            if contrast.dofs is not None:
                keep(f"misses {name}{COUNTED}", by_noise(misses(effect, variance, fit.dof)).T)
                keep(f"dof {name}", by_noise(contrast.dofs))
            process = fit.noise_process()
            if process.order:
                keep(f"rho {name}", by_noise(np.broadcast_to(process.lag_one(), effect.shape)))
            if name == "ar1" and nilearn_every and number % nilearn_every == 0:
                theirs = by_nilearn(y, design)
                keep("nilearn", by_noise(misses(*theirs, fit.dof)).T)
                keep("apart", float(np.abs(theirs[0] / np.sqrt(theirs[1]) - effect / np.sqrt(variance)).max()))
    return {name: np.array(values) for name, values in found.items()}


def measured(
    regime: Regime, models: Sequence[str], n_designs: int, seed: int = 0, folder: Path | None = None
) -> dict[str, np.ndarray]:
    """`measure` of many designs, fifty at a time, each kept in a folder."""
    parts = []
    for start in range(0, n_designs, CHUNK):
        key = hashlib.sha1(repr((regime, tuple(models), NOISES, SHAPE, seed, start)).encode()).hexdigest()[:16]
        path = None if folder is None else folder / f"{key}.npz"
        stop = min(start + CHUNK, n_designs)
        if path is not None and path.is_file():
            part = dict(np.load(path))
        else:
            part = {}
        if len(part.get("if mixed", ())) < stop - start:
            part = measure(regime, models, range(start, stop), seed=seed)
            if path is not None:
                folder.mkdir(parents=True, exist_ok=True)
                np.savez(path.with_suffix(".part.npz"), **part)
                path.with_suffix(".part.npz").replace(path)
        parts.append(part)
    return {name: np.concatenate([part[name] for part in parts if name in part]) for name in parts[0]}


# The tables -----------------------------------------------------------------------------------------------------------


def by_evidence(found: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Misses of the model that each design's evidence chooses, and whether that is ARMA(1,1); by design and noise."""
    choose = np.vectorize(lambda gain, if_mixed: chosen_by(gain, if_mixed) == "arma11")
    is_arma = choose(found["gain"], found["if mixed"][:, None])
    return np.where(is_arma[:, :, None], found["misses arma11 local"], found["misses ar1-reml"]), is_arma


def rate(misses: np.ndarray, alpha: int = 0) -> tuple[float, float]:
    """Mean over designs and its standard error, of misses of shape (n_designs, levels)."""
    return float(misses[:, alpha].mean()), float(misses[:, alpha].std(ddof=1) / np.sqrt(len(misses)))


def _cell(misses: np.ndarray, alpha: int) -> str:
    mean, error = rate(misses, alpha)
    digits = (3, 4)[alpha]
    return f"{mean:.{digits}f} ({error * 10**digits:.0f})".replace("0.", ".", 1)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def _named(regime: Regime) -> list[str]:
    return [f"{regime.t_r:g}", f"{regime.n_scans}", f"{regime.n_confounds}"]


def choice_table(results: Mapping[Regime, dict], alpha: int) -> str:
    """Rates of nilearn's AR(1), of both candidates and of the one chosen, and how often that is ARMA(1,1)."""
    rows = []
    for regime, found in results.items():
        chosen, is_arma = by_evidence(found)
        for i, noise in enumerate(NOISES):
            kinds = (found["misses ar1"], found["misses ar1-reml"], found["misses arma11 local"], chosen)
            cells = [_cell(misses[:, i], alpha) for misses in kinds]
            rows.append([*_named(regime), noise, *cells, f"{100 * is_arma[:, i].mean():.0f} %", str(len(is_arma))])
    models = ["`ar1`", "`ar1-reml`", "`arma11` local", "by evidence", "is `arma11`", "designs"]
    return _table([*OF_REGIME, "noise", *models], rows)


def worth_table(results: Mapping[Regime, dict]) -> str:
    """Least and largest rate of both candidates where nine designs of ten chose one."""
    rows = []
    for model in ("ar1-reml", "arma11"):
        for short in (False, True):
            own, other = [], []
            for regime, found in results.items():
                _, is_arma = by_evidence(found)
                if (regime.n_scans < SHORT) is not short:
                    continue
                for i in range(len(NOISES)):
                    share = is_arma[:, i].mean()
                    if (share if model == "arma11" else 1 - share) < 0.9:
                        continue
                    reml, arma = (rate(found[f"misses {name}"][:, i])[0] for name in ("ar1-reml", "arma11 local"))
                    own.append(arma if model == "arma11" else reml)
                    other.append(reml if model == "arma11" else arma)
            if own:
                length = f"fewer than {SHORT}" if short else f"{SHORT} or more"
                spans = (f"{min(values):.3f} to {max(values):.3f}".replace("0.", ".") for values in (own, other))
                rows.append([f"`{model}`", length, *spans])
    return _table(["chosen", "scans", "rate at .05", "rate of the other"], rows)


def models_table(results: Mapping[Regime, dict], models: Sequence[str], alpha: int) -> str:
    """Rates of some models."""
    rows = [
        [*_named(regime), noise, *(_cell(found[f"misses {name}"][:, i], alpha) for name in models)]
        for regime, found in results.items()
        for i, noise in enumerate(NOISES)
    ]
    return _table([*OF_REGIME, "noise", *(f"`{name}`" for name in models)], rows)


def dof_table(results: Mapping[Regime, dict], models: Sequence[str]) -> str:
    """Rates with scans minus rank of the design and with degrees of freedom of each voxel, and how many these are."""
    rows = []
    for regime, found in results.items():
        for i, noise in enumerate(NOISES):
            row = [*_named(regime), noise]
            for name in models:
                both = [found[f"misses {name}{way}"][:, i] for way in (COUNTED, "")]
                row += [_cell(each, alpha) for alpha in range(len(ALPHAS)) for each in both]
                row.append(f"{np.median(found[f'dof {name}'][:, i]):.0f}")
            rows.append([*row, str(len(both[0]))])
    heads = []
    for name in models:
        heads += [f"`{name}` at {level:g}, {way}" for level in ALPHAS for way in ("scans − rank", "own")]
        heads.append("own, median")
    return _table([*OF_REGIME, "noise", *heads, "designs"], rows)


def bias_table(results: Mapping[Regime, dict], models: Sequence[str]) -> str:
    """Mean error of the autocorrelation at lag 1, of noise without drift."""
    rows = []
    models = [name for name in models if any(f"rho {name}" in found for found in results.values())]
    for regime, found in results.items():
        for i, (name, noise) in enumerate(NOISES.items()):
            if not noise.drift:
                truth = noise.lag_one(regime.t_r)
                errors = [f"{found[f'rho {model}'][:, i].mean() - truth:+.3f}" for model in models]
                rows.append([*_named(regime), name, f"{truth:.3f}", *errors])
    return _table([*OF_REGIME, "noise", "truth", *(f"`{name}`" for name in models)], rows)


def reference_table(results: Mapping[Regime, dict]) -> str:
    """What nilearn itself gave on the designs it was run on, over all kinds of noise."""
    rows = []
    for regime, found in results.items():
        theirs = found["nilearn"][:, :, 0]
        ours = found["misses ar1"][::NILEARN_EVERY][: len(theirs), :, 0]
        rates = (f"{each.mean():.4f}" for each in (theirs, ours))
        rows.append([*_named(regime), str(len(theirs)), *rates, f"{found['apart'].max():.0e}"])
    return _table([*OF_REGIME, "designs", "nilearn", "ours", "largest difference of t"], rows)


def written(text: str, tables: Mapping[str, str]) -> str:
    """A page in which each table stands below its mark, ``<!-- name -->``, in the place of the one before."""
    for name, table in tables.items():
        mark = f"<!-- {name} -->"
        if mark in text:
            before, _, after = text.partition(mark)
            after = re.sub(r"^\s*(\|.*\n)*\s*", "", after)
            text = f"{before}{mark}\n\n{table}\n\n{after}"
    return text


def main() -> None:
    """Print the tables, or write them into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="800 designs a regime, as in the documentation")
    parser.add_argument("--designs", type=int, help="designs a regime, in the place of 50 or 800")
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=list(CANDIDATES))
    parser.add_argument("--t-r", type=float, help="one repetition time, in s")
    parser.add_argument("--scans", type=int, help="one number of scans")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for what was measured, from which it goes on")
    parser.add_argument("--page", type=Path, help="page that the tables are written into, in the place of the screen")
    arguments = parser.parse_args()
    n_designs = arguments.designs or (800 if arguments.full else 50)
    regimes = [r for r in REGIMES if arguments.t_r in (None, r.t_r) and arguments.scans in (None, r.n_scans)]
    start, models = time.perf_counter(), tuple(arguments.models)
    results = {}
    for regime in regimes:
        results[regime] = measured(regime, models, n_designs, arguments.seed, arguments.keep)
        print(f"{time.perf_counter() - start:5.0f} s  {regime}", flush=True)
    tables = {}
    for alpha, level in enumerate(ALPHAS):
        if set(CANDIDATES) <= set(models):
            tables[f"by evidence at {level}"] = choice_table(results, alpha)
        else:
            tables[f"rates at {level}"] = models_table(results, models, alpha)
    if set(CANDIDATES) <= set(models):
        tables["worth"] = worth_table(results)
        tables["lag one"] = bias_table(results, models)
        tables["beside nilearn"] = reference_table(results)
    counting = [name for name in models if all(f"dof {name}" in found for found in results.values())]
    if counting:
        tables["degrees of freedom"] = dof_table(results, counting)
    if arguments.page:
        arguments.page.write_text(written(arguments.page.read_text("utf-8"), tables), "utf-8")
    else:
        for name, table in tables.items():
            print(f"\n{name}\n\n{table}")


if __name__ == "__main__":
    main()
