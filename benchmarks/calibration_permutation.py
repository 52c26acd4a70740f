"""Family-wise error of permutation inference on simulated groups without any effect.

    python -m benchmarks.calibration_permutation [--groups 2000] [--seed 1]

With 19 rearrangements p <= .05 is one chance in 20 under exchangeability, so that the error that is asked for is .05
exactly, whatever the number of rearrangements. The standard error of a rate over 2000 groups is .0049.

Sizes of clusters are small whole numbers, and ties count against significance. In rough maps the clusters above p = .01
have one to four voxels: a rate of .010 to .016 instead of .05 is what the ties leave. The rough rows therefore form
clusters at .2, where sizes differ.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
from scipy import ndimage

from glmwidgets.glm.permutation.tests import permutation_test

SHAPE, N_MAPS, N_PERM, ALPHA = (8, 8, 8), 16, 19, 0.05
STATISTICS = ("t", "size", "mass", "tfce")
BOUNDS = (0.035, 0.065)

#: Smoothness (full width at half maximum in voxels) and cluster-forming threshold.
MAPS = {"rough": (0.0, 0.2), "smooth": (3.0, 0.01)}


def one_sample(rng: np.random.Generator):
    """The mean of the group."""
    return np.ones((N_MAPS, 1)), [1]


def slope(rng: np.random.Generator):
    """A covariate far from centred, beside another that it is correlated with."""
    age = rng.normal(40, 10, N_MAPS)
    return np.c_[age, age / 10 + rng.standard_normal(N_MAPS), np.ones(N_MAPS)], [1, 0, 0]


def adjusted_mean(rng: np.random.Generator):
    """The mean of the group where a covariate is zero, in its middle."""
    return np.c_[np.ones(N_MAPS), rng.standard_normal(N_MAPS)], [1, 0]


def rows(groups: int = 2000, seed: int = 1) -> Iterator[dict[str, object]]:
    """Rate of groups with something significant, for every design, smoothness and statistic.

    Parameters
    ----------
    groups : int
    seed : int

    Yields
    ------
    dict
        ``design``, ``maps`` (a key of `MAPS`), and the rates ``t``, ``size``, ``mass``, ``tfce``.
    """
    mask = np.ones(SHAPE, dtype=bool)
    cases = [(design, kind) for design in (one_sample, slope, adjusted_mean) for kind in MAPS]
    for number, (design, kind) in enumerate(cases):
        fwhm, threshold = MAPS[kind]
        alarms = dict.fromkeys(STATISTICS, 0)
        for group in range(groups):
            rng = np.random.default_rng([seed, number, group])
            # Cut out of a larger volume, as smoothing makes the border different.
            volumes = rng.standard_normal((N_MAPS, *(side + 6 for side in SHAPE)))
            volumes = ndimage.gaussian_filter(volumes, (0, *(fwhm / 2.3548,) * 3))[:, 3:-3, 3:-3, 3:-3]
            x, contrast = design(rng)
            result = permutation_test(
                volumes[:, mask], x, contrast, n_perm=N_PERM, mask=mask, threshold=threshold, tfce=True, seed=group
            )
            for name in STATISTICS:
                alarms[name] += result.p_value(name).min() <= ALPHA
        yield {"design": design.__name__, "maps": kind, **{name: alarms[name] / groups for name in STATISTICS}}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    for row in rows(arguments.groups, arguments.seed):
        inside = all(BOUNDS[0] <= row[name] <= BOUNDS[1] for name in STATISTICS)
        rates = "  ".join(f"{name} {row[name]:.4f}" for name in STATISTICS)
        print(f"{row['design']:14s} {row['maps']:7s} {rates}  {'ok' if inside else 'OUTSIDE'}", flush=True)
