"""What inference adds to a drag: ``python -m benchmarks.inference``.

Smoothness after a refit, and p values and names of clusters and peaks while a threshold moves, at 60,000 voxels and 300
clusters. ``--processor-time`` counts that of the process, which tells more where the machine has other work.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from tempfile import TemporaryDirectory

import numpy as np
from scipy.ndimage import gaussian_filter, label

from benchmarks.table import Row, medians, render
from glmwidgets.datasets import write_atlas
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.fit.smoothness import fit_smoothness
from glmwidgets.glm.inference.cluster_p import cluster_p
from glmwidgets.glm.inference.clusters import find_clusters
from glmwidgets.glm.inference.heights import height_threshold
from glmwidgets.glm.inference.ptfce import enhanced_z
from glmwidgets.glm.inference.random_fields import RandomField
from glmwidgets.glm.inference.smoothness import neighbour_pairs
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.regions import name_clusters, open_atlas

SHAPE, N_SCANS, FORMING = (40, 42, 36), 300, 3.1

# Of a map of noise over the made-up atlas, 4 mm; the height above which it has 300 clusters.
AFFINE, HEIGHT = np.array([[4.0, 0, 0, -78], [0, 4, 0, -99], [0, 0, 4, -61], [0, 0, 0, 1]]), 2.1


def rows(repeats: int = 9, clock: Callable[[], float] = time.perf_counter) -> list[Row]:
    """Smoothness under two noise models, the familywise height, p and names of 300 clusters, and pTFCE."""
    rng = np.random.default_rng(0)
    mask = np.ones(SHAPE, bool)
    y = rng.standard_normal((N_SCANS, mask.sum())) + 100
    design = np.column_stack([rng.standard_normal((N_SCANS, 12)), np.ones(N_SCANS)])
    moments, pairs, products = Moments(y), neighbour_pairs(mask), {}
    white, coloured = (fit_glm(moments, design, name) for name in ("ols", "ar1-reml"))
    z = gaussian_filter(rng.standard_normal(SHAPE), 1.2)
    z *= 1.35 / z.std()
    labels, _ = label(z > FORMING)
    sizes = np.resize(np.bincount(labels.ravel())[1:], 300)
    peaks = tuple(np.array([4.0, 3.6]) for _ in sizes)
    with TemporaryDirectory() as folder:
        atlas = open_atlas(write_atlas(folder))
    rough = gaussian_filter(rng.standard_normal(SHAPE), 0.88)
    clusters, numbers = find_clusters(rough / rough.std(), HEIGHT, AFFINE)
    smooth = fit_smoothness(white, pairs, products=products)
    field = RandomField(smooth.resels(mask), smooth.resel_size, z.size, dof=white.dof, two_sided=True)

    def after(fit):
        def find(_: int) -> None:
            found = fit_smoothness(fit, pairs, products=products)
            found.resels(mask)

        return find

    calls = (
        after(white),
        after(coloured),
        lambda _: height_threshold(z, "rft", 0.05, field=field),
        lambda _: cluster_p(sizes, FORMING, field, peaks=peaks),
        lambda _: name_clusters(atlas, clusters, numbers, AFFINE).rows(),
        lambda _: enhanced_z(z, mask, field.resel_size),
    )
    times = medians(*calls, repeats=repeats, clock=clock)
    names = (
        ("smoothness and resels after a refit, OLS", "≤ 15 ms"),
        ("smoothness and resels after a refit, AR(1)", "≤ 15 ms"),
        ("familywise height of a random field", "≤ 5 ms"),
        ("p of 300 clusters and 600 peaks", "≤ 5 ms"),
        (f"names of {len(clusters)} clusters and their peaks", "≤ 5 ms"),
        ("pTFCE", "≤ 1 s"),
    )
    return [Row(name, seconds, asked=asked) for (name, asked), seconds in zip(names, times, strict=True)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--processor-time", action="store_true")
    print(render(rows(clock=time.process_time if parser.parse_args().processor_time else time.perf_counter)))
