"""Steps of the engine on series already in memory, beside nilearn's `run_glm` and contrast on the same series."""

from __future__ import annotations

import itertools

import nibabel as nib
import numpy as np
from nilearn.glm.contrasts import compute_contrast as nilearn_contrast
from nilearn.glm.contrasts import expression_to_contrast_vector
from nilearn.glm.first_level import FirstLevelModel, run_glm

from benchmarks.runs import TimedRun
from benchmarks.table import Row, medians
from glmwidgets.glm.fit.contrasts import compute_contrast
from glmwidgets.glm.fit.regression import fit_glm
from glmwidgets.glm.moments.lagged import Moments
from glmwidgets.glm.moments.memory_budget import SERIES
from glmwidgets.glm.moments.scaling import scale_signal
from glmwidgets.images.mask import masked_series

CONTRAST = "a - b"


def rows(run: TimedRun, repeats: int = 7) -> list[Row]:
    """Time what changes when a person changes something."""
    series = scale_signal(masked_series(np.asanyarray(run.img.dataobj), run.mask), 0)
    moments = Moments(series, held=SERIES)
    wide = np.ascontiguousarray(series, dtype=np.float64)
    design = run.design()
    weights = expression_to_contrast_vector(CONTRAST, list(design.columns))
    fit = fit_glm(moments, design, "ar1")
    other = itertools.count(1)

    def z_of(design, noise="ar1"):
        return compute_contrast(fit_glm(moments, design, noise), CONTRAST).z_score()

    def reference(design, noise="ar1"):
        labels, results = run_glm(series, design.to_numpy(), noise)
        return nilearn_contrast(
            labels, results, expression_to_contrast_vector(CONTRAST, list(design.columns))
        ).z_score()

    def hrf(_):
        return z_of(run.design(f"gamma({6 + next(other) / 100:.2f}, 16, 1, 1, 0.167)"))

    def drift(_):
        return z_of(run.design(high_pass=0.006 + next(other) / 20_000))

    # What no method can avoid: the columns that changed, at both lags, times the series.
    task = np.ascontiguousarray(np.tile(design.iloc[:, :6].to_numpy().T, (2, 1)))
    slow = np.ascontiguousarray(np.tile(design.filter(like="drift").to_numpy().T, (2, 1)))
    z_of(design)
    t_hrf, floor, t_drift, slow_floor = medians(
        hrf, lambda _: task @ wide, drift, lambda _: slow @ wide, repeats=repeats
    )
    t_reference = t_refit = t_their_contrast = t_their_voxel = None
    if run.size.beside_nilearn:
        (t_reference,) = medians(lambda _: reference(design), repeats=3)
        labels, results = run_glm(series, design.to_numpy(), "ar1")
        (t_their_contrast,) = medians(lambda _: nilearn_contrast(labels, results, weights).z_score(), repeats=5)
        del labels, results
        t_refit, t_their_voxel = _estimator(run, design)
    t_noise, t_contrast = medians(
        lambda _: z_of(design),
        lambda _: compute_contrast(fit, "c - (d + e) / 2").z_score(),
        repeats=repeats,
    )
    conditions = [[column] for column in range(6)]

    def voxel(k: int) -> None:
        here = slice(k, k + 1)
        fit.data(here), fit.predicted(here)
        beta = fit.basis.to_columns @ fit.noise.coefficients[:, here]
        for columns in conditions:
            fit.basis.x[:, columns] @ beta[columns]

    (t_voxel,) = medians(voxel, repeats=30)
    return [
        Row("HRF → z map, AR(1)", t_hrf, t_reference, floor, "≥ 40 ×; ≤ 3 × bare + 15 ms"),
        Row("the same, beside FirstLevelModel's refit at 5 mm", t_hrf, t_refit, None, "≥ 100 ×"),
        Row("drift → z map, AR(1)", t_drift, t_reference, slow_floor, "≥ 30 ×"),
        Row("noise model → z map", t_noise, t_reference, None, "≥ 60 ×"),
        Row("contrast → z map", t_contrast, t_their_contrast, None, "≥ 8 ×; ≤ 10 ms"),
        Row("series, prediction, partial fits of a voxel", t_voxel, t_their_voxel, None, "≤ 2 ms"),
    ]


def _estimator(run: TimedRun, design) -> tuple[float, float]:
    """Seconds that nilearn's estimator takes to fit the image again at 5 mm and give a z map; and predictions.

    A fit of it begins at the image, whatever has changed: masking and smoothing are part of every refit.
    """
    mask_img = nib.Nifti1Image(run.mask.astype(np.uint8), run.img.affine)
    model = FirstLevelModel(mask_img=mask_img, smoothing_fwhm=5, noise_model="ar1", minimize_memory=False)
    (refit,) = medians(
        lambda _: model.fit(run.img, design_matrices=design).compute_contrast(CONTRAST), repeats=1, warm=0
    )
    (predicted,) = medians(lambda _: model.predicted, repeats=1, warm=0)
    return refit, predicted
