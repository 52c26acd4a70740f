"""Series cleaned before any model: trends, slow waves and confounds taken out, scaled to one unit.

What is taken out here should not be modelled again, and what is modelled need not be taken out: a model with drift and
confounds in its design does the same and counts the degrees of freedom.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from scipy.interpolate import CubicSpline

from glmwidgets.glm.design.censoring import scans_kept
from glmwidgets.glm.design.matrix import check_confounds
from glmwidgets.glm.moments.scaling import standard_name
from glmwidgets.images.filters import Filter, filter_row
from glmwidgets.images.load import ImageLike, image_data, image_name, load_image
from glmwidgets.images.mask import match_mask
from glmwidgets.images.new import image_like, new_image
from glmwidgets.images.smooth import storage_dtype

if TYPE_CHECKING:
    import pandas as pd

    Confounds = np.ndarray | pd.DataFrame | str | PathLike[str]


def clean_img(
    imgs: ImageLike,
    runs: Sequence[Any] | None = None,
    detrend: bool = True,
    standardize: str | bool | None = True,
    confounds: Confounds | None = None,
    low_pass: float | None = None,
    high_pass: float | None = None,
    t_r: float | None = None,
    ensure_finite: bool = False,
    mask_img: ImageLike | None = None,
    **options: Any,
) -> nib.Nifti1Image:
    """Clean the series of every voxel of an image.

    Parameters
    ----------
    imgs : image, path or list of these
        4-D.
    runs : sequence, optional
        Which run each scan is of; runs are cleaned one by one.
    detrend, standardize, confounds, low_pass, high_pass, t_r
        As in `clean_series`.
    ensure_finite : bool
        Take NaN and infinite values for zero.
    mask_img : image or path, optional
        Clean only these voxels; the others become zero.
    **options
        ``filter``, ``standardize_confounds`` and ``sample_mask``, as in `clean_series`. Names that begin with
        ``clean__`` are taken too.

    Returns
    -------
    Nifti1Image
        Of the same shape; without the scans that a sample mask leaves out.

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
    name, img = image_name(imgs), load_image(imgs)
    if img.ndim != 4:
        raise ValueError(f"{name} has shape {img.shape}: only a 4-D image has series to clean")
    data = image_data(img)
    mask = np.ones(img.shape[:3], bool) if mask_img is None else match_mask(mask_img, img)
    series = np.ascontiguousarray(data[mask].T)
    if ensure_finite and series.dtype.kind == "f":
        series = np.where(np.isfinite(series), series, 0)
    how = {key.removeprefix("clean__"): value for key, value in options.items()}
    cleaned = clean_series(series, detrend, standardize, confounds, high_pass, t_r, low_pass=low_pass, runs=runs, **how)
    if mask_img is None:
        return image_like(cleaned.T.reshape(*img.shape[:3], len(cleaned)), img)
    return new_image(cleaned, mask, img)


def clean_series(
    series: np.ndarray,
    detrend: bool = True,
    standardize: str | bool | None = True,
    confounds: Confounds | None = None,
    high_pass: float | None = None,
    t_r: float | None = None,
    *,
    low_pass: float | None = None,
    filter: str | bool | None = "butterworth",
    standardize_confounds: bool = True,
    sample_mask: np.ndarray | None = None,
    runs: Sequence[Any] | None = None,
) -> np.ndarray:
    """Clean series.

    In this order: a straight line (and with it the mean) is taken out of series and confounds; both are filtered; what
    lies in the span of the confounds is taken out of the series, ``y - Q Q' y`` with Q an orthonormal basis of them;
    then the series are scaled.

    Parameters
    ----------
    series : array of shape (n_scans, n_voxels)
    detrend : bool
        Take out a straight line.
    standardize : {True, "zscore_sample", "psc", None, False}
        Mean zero and variance one (over n - 1); percent of the mean that the series had; or leave the unit.
    confounds : array, DataFrame or path, optional
        One row a scan.
    high_pass, low_pass : float, optional
        Cut-offs in Hz: what is slower than the one and faster than the other is taken out. They need `t_r`.
    t_r : float, optional
        Seconds between scans.
    filter : {"butterworth", "cosine", None, False}
        How; see `glmwidgets.images.filters.FILTERS`. None and False leave the cut-offs unused.
    standardize_confounds : bool
        Give the confounds mean zero and variance one first. Without, their means are taken out of the series too.
    sample_mask : array of bool or int, optional
        Scans that are kept. A filter of the series is given the others by a cubic spline through those that are kept.
    runs : sequence, optional
        Which run each scan is of; runs are cleaned one by one.

    Returns
    -------
    array of shape (n_scans, n_voxels)
        float32 for integers and float32, otherwise float64. Only the scans that are kept.

    Raises
    ------
    ValueError
        If an option is not known, the confounds do not fit, or a cut-off cannot be.

    Examples
    --------
    >>> clean_series(np.array([[1.0], [2.0], [6.0]]), detrend=False).ravel().round(3)
    array([-0.756, -0.378,  1.134])
    """
    standardize = standard_name(standardize)
    row = filter_row(filter, low_pass, high_pass, t_r)
    # A copy, which the steps below may write into.
    series = np.array(series, dtype=storage_dtype(series.dtype))
    nuisance = None if confounds is None else check_confounds(confounds, len(series)).to_numpy(dtype=float)
    kept = scans_kept(sample_mask, len(series), "the series")
    how = {"low_pass": low_pass, "high_pass": high_pass, "t_r": t_r}
    done = []
    for scans in _by_run(runs, len(series)):
        own = None if kept is None else np.flatnonzero(np.isin(scans, kept))
        part = None if nuisance is None else nuisance[scans]
        done.append(_clean_run(series[scans], part, own, detrend, standardize, standardize_confounds, row, how))
    return done[0] if runs is None else np.concatenate(done)


def high_variance_confounds(
    imgs: ImageLike,
    n_confounds: int = 5,
    percentile: float = 2.0,
    detrend: bool = True,
    mask_img: ImageLike | None = None,
) -> np.ndarray:
    """Main components of the voxels of largest variance, which are seldom of neurons.

    Parameters
    ----------
    imgs : image, path or list of these
        4-D.
    n_confounds : int
    percentile : float
        Share of the voxels that are taken, in percent.
    detrend : bool
        Take a straight line out before.
    mask_img : image or path, optional
        Only voxels in it count.

    Returns
    -------
    array of shape (n_scans, n_confounds)
        Orthonormal.

    References
    ----------
    Behzadi and others (2007), NeuroImage 37, 90 (tCompCor).

    Examples
    --------
    >>> data = np.random.default_rng(0).normal(size=(4, 4, 4, 20))
    >>> high_variance_confounds(nib.Nifti1Image(data, np.eye(4)), 2, 10).shape
    (20, 2)
    """
    img = load_image(imgs)
    mask = np.ones(img.shape[:3], bool) if mask_img is None else match_mask(mask_img, img)
    series = np.nan_to_num(image_data(img)[mask].T.astype(float), posinf=0, neginf=0)
    series = _detrended(series) if detrend else series
    squares = np.square(series).mean(axis=0)
    chosen = series[:, squares > np.percentile(squares, 100 - percentile)]
    return np.linalg.svd(chosen, full_matrices=False)[0][:, :n_confounds]


def _by_run(runs: Sequence[Any] | None, n_scans: int) -> list[np.ndarray]:
    if runs is None:
        return [np.arange(n_scans)]
    labels = np.asarray(runs)
    if labels.shape != (n_scans,):
        raise ValueError(f"runs must name the run of each of the {n_scans} scans, and has shape {labels.shape}")
    found = [np.flatnonzero(labels == label) for label in dict.fromkeys(labels.tolist())]
    if not np.array_equal(np.concatenate(found), np.arange(n_scans)):
        raise ValueError("runs must name the scans of one run after the other")
    return found


def _clean_run(
    series: np.ndarray,
    nuisance: np.ndarray | None,
    kept: np.ndarray | None,
    detrend: bool,
    standardize: str | None,
    standardize_confounds: bool,
    row: Filter | None,
    how: dict[str, Any],
) -> np.ndarray:
    if row is not None and row.columns is not None:
        waves = row.columns(len(series), **how)
        nuisance = waves if nuisance is None else np.hstack([nuisance, waves])
    filtered = row is not None and row.filtered is not None
    if kept is not None and filtered:
        # A filter needs even steps: scans between those that are kept are filled in, those at the ends are cut.
        series, nuisance = (None if part is None else _filled(part, kept) for part in (series, nuisance))
        kept = kept - kept[0]
    elif kept is not None:
        series, nuisance = (None if part is None else part[kept] for part in (series, nuisance))
    before = series.mean(axis=0)
    if detrend:
        series = _detrended(series)
        nuisance = None if nuisance is None else _detrended(nuisance)
    if filtered:
        series, nuisance = (None if part is None else row.filtered(part, **how) for part in (series, nuisance))
        if kept is not None:
            series, nuisance = (None if part is None else part[kept] for part in (series, nuisance))
    if nuisance is not None:
        basis = _orthonormal(_unit_variance(nuisance - nuisance.mean(axis=0)) if standardize_confounds else nuisance)
        series -= basis @ (basis.T @ series)
    if standardize == "zscore_sample":
        return _unit_variance(series - series.mean(axis=0))
    if standardize == "psc":
        return _percent(series, before)
    return series


def _filled(series: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """From the first scan that is kept to the last, those between by a cubic spline."""
    scans = np.arange(kept[0], kept[-1] + 1)
    if len(scans) == len(kept):
        return series[scans]
    filled = CubicSpline(kept, series[kept])(scans).astype(series.dtype, copy=False)
    filled[kept - kept[0]] = series[kept]
    return filled


def _detrended(series: np.ndarray) -> np.ndarray:
    # In the precision of the series, step by step as nilearn: later roundings depend on it.
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
            f"{np.count_nonzero(flat)} series have a mean of zero, so they have no percentage of it", stacklevel=3
        )
    percent = 100 * ((series - mean) / np.where(flat, 1, np.abs(mean)))
    percent[:, flat] = 0
    return percent
