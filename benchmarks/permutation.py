"""Permutation inference beside nilearn: 16 maps, 66,000 voxels, 500 sign flips, both on the same images.

    python -m benchmarks.permutation [--quick]

Both are timed in one process, taking turns, and the best of the repetitions counts; `--quick` gives the reference
fewer permutations where it is slow (TFCE) and scales the time up. The reference runs in one process: a second one makes
it no faster here, as starting it costs what it gains. Rows from images hold reading, smoothing and masking, too.
"""

from __future__ import annotations

import argparse
import time
import warnings

import nibabel as nib
import numpy as np
import pandas as pd
from scipy import ndimage

N_MAPS, N_PERM, FWHM = 16, 500, 8.0
SHAPE, VOXEL = (52, 60, 50), 3.0

#: What is timed: options of both, and the least ratio that is asked for.
CASES = {
    "max-T": ({}, 30),
    "max-T, cluster size and mass": ({"threshold": 0.001}, 3),
    "max-T, cluster size and mass, TFCE": ({"threshold": 0.001, "tfce": True}, 10),
}


def group(seed: int = 0) -> tuple[list[nib.Nifti1Image], nib.Nifti1Image]:
    """Maps of noise with an effect in one place, and their mask of 66,000 voxels in the shape of a head."""
    rng = np.random.default_rng(seed)
    grid = [(axis - (size - 1) / 2) / (size / 2) for axis, size in zip(np.indices(SHAPE), SHAPE, strict=True)]
    radius = sum(axis**2 for axis in grid)
    mask = np.zeros(SHAPE, dtype=np.uint8)
    mask.ravel()[np.argsort(radius, axis=None)[:66_000]] = 1
    affine = np.diag([VOXEL, VOXEL, VOXEL, 1.0])
    maps = []
    for _ in range(N_MAPS):
        volume = ndimage.gaussian_filter(rng.standard_normal(SHAPE), 0.8)
        volume[30:36, 20:26, 20:26] += 0.3
        maps.append(nib.Nifti1Image((volume * mask).astype(np.float32), affine))
    return maps, nib.Nifti1Image(mask, affine)


def rows(quick: bool = True, repeats: int = 3) -> list[dict[str, object]]:
    """Time every case.

    Parameters
    ----------
    quick : bool
        Time the reference's TFCE over 25 permutations and scale it.
    repeats : int

    Returns
    -------
    list of dict
        ``what``, ``ours`` and ``nilearn`` in seconds, ``ratio``, ``asked`` (least ratio), ``note``.
    """
    from nilearn.glm.second_level import non_parametric_inference as reference
    from nilearn.maskers import NiftiMasker
    from nilearn.mass_univariate import permuted_ols

    from glmwidgets.glm.permutation.tests import permutation_test
    from glmwidgets.models.permutation_inference import non_parametric_inference

    maps, mask = group()
    inside = np.asarray(mask.dataobj) > 0
    data, design = np.stack([np.asarray(img.dataobj)[inside] for img in maps]), np.ones((N_MAPS, 1))
    masker = NiftiMasker(mask, standardize=None).fit()
    common = {
        "design_matrix": pd.DataFrame(design, columns=["intercept"]),
        "mask": mask,
        "smoothing_fwhm": FWHM,
        "random_state": 0,
    }

    def our_arrays(n_perm: int, n_jobs: int, **options: object) -> None:
        permutation_test(data, design, [1], n_perm=n_perm, mask=inside, seed=0, n_jobs=n_jobs, **options)

    def their_arrays(n_perm: int, n_jobs: int, **options: object) -> None:
        permuted_ols(
            design,
            data,
            n_perm=n_perm,
            masker=masker,
            two_sided_test=False,
            random_state=0,
            n_jobs=n_jobs,
            output_type="dict",
            **options,
        )

    def our_images(n_perm: int, n_jobs: int, **options: object) -> None:
        non_parametric_inference(maps, n_perm=n_perm, n_jobs=n_jobs, **common, **options)

    def their_images(n_perm: int, n_jobs: int, **options: object) -> None:
        reference(maps, n_perm=n_perm, n_jobs=n_jobs, **common, **options)

    # Workers are started and libraries imported before anything is timed.
    our_images(32, 2, tfce=True)
    out = []
    for what, (options, asked) in CASES.items():
        slow = "tfce" in options
        for where, ours, theirs in (
            ("permutations of masked maps", our_arrays, their_arrays),
            (f"images to maps, smoothed at {FWHM:g} mm", our_images, their_images),
        ):
            n_perm = 25 if quick and slow else N_PERM
            mine, other = [], []
            for repeat in range(repeats):
                mine.append(_time(ours, N_PERM, 2, **options))
                if not (slow and repeat):  # one run of minutes says enough
                    other.append(_time(theirs, n_perm, 1, **options) * N_PERM / n_perm)
            out.append(
                {
                    "what": f"{what}, {where}",
                    "ours": min(mine),
                    "nilearn": min(other),
                    "ratio": min(other) / min(mine),
                    "asked": asked,
                    "note": "" if n_perm == N_PERM else f"(nilearn's scaled up from {n_perm} permutations)",
                }
            )
    return out


def _time(function, *args: object, **options: object) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        start = time.perf_counter()
        function(*args, **options)
        return time.perf_counter() - start


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="scale the reference's TFCE up from 25 permutations")
    for row in rows(quick=parser.parse_args().quick):
        print(
            f"{row['what']}: {row['ours']:.3f} s, nilearn {row['nilearn']:.2f} s, {row['ratio']:.1f} x "
            f"(asked {row['asked']} x) {row['note']}"
        )
