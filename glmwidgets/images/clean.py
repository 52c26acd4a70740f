"""Series cleaned before any model: trends, slow waves and confounds taken out, scaled to one unit.

What is taken out here should not be modelled again, and what is modelled need not be taken out: a model with drift and
confounds in its design does the same and counts the degrees of freedom.
"""

from __future__ import annotations

import warnings
from os import PathLike
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np

from glmwidgets.glm.moments.scaling import standard_name
from glmwidgets.images.load import ImageLike, image_data, image_name, load_image
from glmwidgets.images.mask import match_mask
from glmwidgets.images.new import image_like, new_image
from glmwidgets.images.smooth import storage_dtype

if TYPE_CHECKING:
    import pandas as pd

    Confounds = np.ndarray | pd.DataFrame | str | PathLike[str]

__all__ = ["clean_img", "clean_series"]


def clean_img(
    img: ImageLike,
    detrend: bool = True,
    standardize: str | bool | None = True,
    confounds: Confounds | None = None,
    high_pass: float | None = None,
    t_r: float | None = None,
    mask_img: ImageLike | None = None,
    ensure_finite: bool = False,
) -> nib.Nifti1Image:
    """Clean the series of every voxel of an image.

    Parameters
    ----------
    img : image or path
        4-D.
    detrend, standardize, confounds, high_pass, t_r
        As in `clean_series`.
    mask_img : image or path, optional
        Clean only these voxels; the others become zero.
    ensure_finite : bool
        Take NaN and infinite values for zero.

    Returns
    -------
    Nifti1Image
        Of the same shape.

    Raises
    ------
    ValueError
        If the image is not 4-D, or as `clean_series`.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.arange(80.0).reshape(2, 2, 2, 10), np.eye(4))
    >>> bool(abs(clean_img(img, standardize=None).get_fdata()).max() < 1e-12)
    True
    """
    name, img = image_name(img), load_image(img)
    if img.ndim != 4:
        raise ValueError(f"{name} has shape {img.shape}: only a 4-D image has series to clean")
    data = image_data(img)
    mask = np.ones(img.shape[:3], bool) if mask_img is None else match_mask(mask_img, img)
    series = np.ascontiguousarray(data[mask].T)
    if ensure_finite and series.dtype.kind == "f":
        series = np.where(np.isfinite(series), series, 0)
    cleaned = clean_series(series, detrend, standardize, confounds, high_pass, t_r)
    if mask_img is None:
        return image_like(cleaned.T.reshape(img.shape), img)
    return new_image(cleaned, mask, img)


def clean_series(
    series: np.ndarray,
    detrend: bool = True,
    standardize: str | bool | None = True,
    confounds: Confounds | None = None,
    high_pass: float | None = None,
    t_r: float | None = None,
) -> np.ndarray:
    """Clean series.

    In this order: a straight line (and with it the mean) is taken out of series and confounds; then what lies in the
    span of the confounds and of the cosines below the cut-off, ``y - Q Q' y`` with Q an orthonormal basis of them; then
    the series are scaled.

    Parameters
    ----------
    series : array of shape (n_scans, n_voxels)
    detrend : bool
        Take out a straight line.
    standardize : {True, "zscore_sample", "psc", None, False}
        Mean zero and variance one (over n - 1); percent of the mean that the series had; or leave the unit.
    confounds : array, DataFrame or path, optional
        One row a scan. They are standardised first, so their unit does not matter.
    high_pass : float, optional
        Cut-off in Hz: slower cosines (of the discrete cosine transform) are taken out. Needs `t_r`.
    t_r : float, optional
        Seconds between scans.

    Returns
    -------
    array of shape (n_scans, n_voxels)
        float32 for integers and float32, otherwise float64.

    Raises
    ------
    ValueError
        If an option is not known, or the confounds do not fit.

    Examples
    --------
    >>> clean_series(np.array([[1.0], [2.0], [6.0]]), detrend=False).ravel().round(3)
    array([-0.756, -0.378,  1.134])
    """
    standardize = standard_name(standardize)
    # A copy, which the steps below may write into.
    series = np.array(series, dtype=storage_dtype(series.dtype))
    before = series.mean(axis=0)
    nuisance = _nuisance(len(series), confounds, high_pass, t_r)
    if detrend:
        series = _detrended(series)
        nuisance = None if nuisance is None else _detrended(nuisance)
    if nuisance is not None:
        basis = _orthonormal(_unit_variance(nuisance - nuisance.mean(axis=0)))
        series -= basis @ (basis.T @ series)
    if standardize == "zscore_sample":
        return _unit_variance(series - series.mean(axis=0))
    if standardize == "psc":
        return _percent(series, before)
    return series


def _nuisance(n_scans: int, confounds: Any, high_pass: float | None, t_r: float | None) -> np.ndarray | None:
    parts = []
    if confounds is not None:
        from glmwidgets.glm.design.matrix import check_confounds

        parts.append(check_confounds(confounds, n_scans).to_numpy(dtype=float))
    if high_pass is not None:
        if t_r is None:
            raise ValueError("a high_pass in Hz means nothing without the time between scans: give t_r in seconds")
        from glmwidgets.glm.design.drift import make_drift
        from glmwidgets.glm.design.matrix import frame_times

        drift, names = make_drift("cosine", frame_times(n_scans, t_r), high_pass=high_pass)
        parts.append(drift[:, [name != "constant" for name in names]])
    return np.hstack(parts) if parts else None


def _detrended(series: np.ndarray) -> np.ndarray:
    # In the precision of the series, step by step as the field's reference: later roundings depend on it.
    series = series - series.mean(axis=0)
    line = np.arange(len(series), dtype=series.dtype)
    line -= line.mean()
    line /= np.sqrt((line**2).sum())
    series -= np.dot(line, series) * line[:, np.newaxis]
    return series


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    from scipy.linalg import qr

    q, r, _ = qr(columns, mode="economic", pivoting=True)
    # Columns that the ones before them leave nothing of but rounding.
    return q[:, np.abs(np.diag(r)) > 1e-10 * np.abs(r[0, 0])]


def _unit_variance(series: np.ndarray) -> np.ndarray:
    sd = series.std(axis=0, ddof=1)
    # A series that does not vary stays as it is.
    return series / np.where(sd < np.finfo(float).eps, 1, sd).astype(series.dtype, copy=False)


def _percent(series: np.ndarray, before: np.ndarray) -> np.ndarray:
    # What was taken out may have taken the mean with it; percent are of the mean that was measured.
    if np.abs(series.mean(axis=0)).mean() < 0.1 * np.abs(before).mean():
        series = series + before
    mean = series.mean(axis=0)
    flat = np.abs(mean) < np.finfo(float).eps
    if flat.any():
        warnings.warn(
            f"{np.count_nonzero(flat)} series have a mean of zero, of which nothing is a percentage", stacklevel=3
        )
    percent = 100 * ((series - mean) / np.where(flat, 1, np.abs(mean)))
    percent[:, flat] = 0
    return percent
