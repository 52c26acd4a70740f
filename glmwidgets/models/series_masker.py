"""From an image to cleaned series, whatever they are the series of: the one way of all maskers of scripts."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
from joblib import hash as content_hash

from glmwidgets.glm.design.matrix import check_confounds
from glmwidgets.glm.errors import InputError
from glmwidgets.images.clean import clean_series, high_variance_confounds
from glmwidgets.images.load import ImageLike, image_data, load_image
from glmwidgets.images.new import image_like
from glmwidgets.images.smooth import smooth_img
from glmwidgets.models.base import Estimator
from glmwidgets.models.caching import image_key, open_memory

#: Found by name when it is asked for: models know nothing of figures, and run where matplotlib is not installed.
REPORT_MODULE = "glmwidgets.report.page.maskers"


class Place(NamedTuple):
    """Where a series is taken: in words, by a voxel in its middle in mm, and by its number in an image."""

    name: str
    middle: tuple[float, float, float]
    number: int


class SeriesMasker(Estimator):
    """What the maskers of voxels, regions and spheres share: smoothing, taking out, cleaning.

    A masker says what it takes in `_prepare`, how in `_take`, and how values go back into an image in `_put`.
    """

    learnt = "n_elements_"
    fitted_to = "an image, or without any"

    smoothing_fwhm: float | None
    standardize: str | bool | None
    standardize_confounds: bool
    high_variance_confounds: bool
    detrend: bool
    low_pass: float | None
    high_pass: float | None
    t_r: float | None
    dtype: Any
    memory: Any
    memory_level: int | None
    verbose: int
    reports: bool
    clean_args: Mapping[str, Any] | None

    #: Number of series.
    n_elements_: int

    def _prepare(self, img: nib.Nifti1Image | None) -> Any:
        """Learn what is taken, and give it back as something that a cache can tell from another."""
        raise NotImplementedError

    def _on_grid(self, img: nib.Nifti1Image) -> nib.Nifti1Image:
        """The image where its voxels are taken."""
        return img

    def _take(self, img: nib.Nifti1Image) -> np.ndarray:
        """Series, shape (n_scans, n_elements_)."""
        raise NotImplementedError

    def _put(self, values: np.ndarray) -> nib.Nifti1Image:
        """Image of values, shape (n, n_elements_) or (n_elements_,)."""
        raise NotImplementedError

    def report_parts(self) -> tuple[nib.Nifti1Image, list[Place]]:
        """What a report shows: an image of numbers, and the places that these are of."""
        raise NotImplementedError

    def fit(self, imgs: ImageLike | None = None, y: Any = None) -> Any:
        """Learn which voxels are taken.

        Parameters
        ----------
        imgs : image, path or list of these, optional
            Needed where what is taken depends on the image: a mask that has to be found.
        y
            Accepted for scikit-learn's pipelines.

        Returns
        -------
        self
        """
        img = None if imgs is None else load_image(imgs)
        self._what = (type(self).__name__, self._prepare(img))
        if img is not None:
            self._remember(img)
        self._log(f"{self.n_elements_} series are taken of each image")
        return self

    def transform(self, imgs: ImageLike, confounds: Any = None, sample_mask: Any = None) -> np.ndarray:
        """Take series out of an image, and clean them.

        Parameters
        ----------
        imgs : image, path or list of these
            4-D, or 3-D, which is not cleaned.
        confounds : array, DataFrame, path, or list of these, optional
            One row a scan; what lies in their span is taken out.
        sample_mask : array of bool or int, optional
            Scans that are kept.

        Returns
        -------
        array of shape (n_scans, n_elements_), or (n_elements_,) for a 3-D image

        Raises
        ------
        ValueError
            If a place holds no voxel of the image, grids differ or an option of the cleaning cannot be.
        """
        self.check_fitted()
        img = load_image(imgs)
        self._remember(img)
        memory = open_memory(self.memory, self.memory_level)
        key = None if memory.location is None else content_hash((image_key(imgs), self._what, self.smoothing_fwhm))
        series = memory.cache(_taken, ignore=["img", "masker"])(key, img, self)
        if img.ndim == 4:
            series = self._cleaned(series, img, confounds, sample_mask)
        self._log(f"series of shape {series.shape}")
        return series if self.dtype is None else series.astype("f" if self.dtype == "auto" else self.dtype)

    def fit_transform(self, imgs: ImageLike, y: Any = None, confounds: Any = None, sample_mask: Any = None) -> Any:
        """Fit, then transform the same image; see `fit` and `transform`."""
        return self.fit(imgs, y).transform(imgs, confounds, sample_mask)

    def inverse_transform(self, values: Any) -> nib.Nifti1Image:
        """Put values into an image.

        Parameters
        ----------
        values : array of shape (n_elements_,) or (n, n_elements_)

        Returns
        -------
        Nifti1Image
            3-D or 4-D, zero elsewhere.
        """
        self.check_fitted()
        values = np.asarray(values)
        if values.ndim not in (1, 2) or values.shape[-1] != self.n_elements_:
            raise InputError(f"{self.n_elements_} values are put into an image (each time), not {values.shape}")
        return self._put(values)

    def generate_report(self, displayed: int = 12, title: str | None = None) -> Any:
        """Show where the series are taken, as one HTML page.

        Parameters
        ----------
        displayed : int
            How many of several places are drawn.
        title : str, optional

        Returns
        -------
        Report
        """
        self.check_fitted()
        if not self.reports:
            raise InputError("reports=False was asked for, so that no picture is kept: give reports=True and fit again")
        report: Callable[..., Any] = import_module(REPORT_MODULE).masker_report
        return report(self, displayed, title)

    def _cleaned(self, series: np.ndarray, img: nib.Nifti1Image, confounds: Any, sample_mask: Any) -> np.ndarray:
        parts = [confounds] if confounds is not None and not isinstance(confounds, list | tuple) else confounds or []
        columns = [check_confounds(part, len(series)).to_numpy(dtype=float) for part in parts]
        if self.high_variance_confounds:
            columns.append(high_variance_confounds(img))
        return clean_series(
            series,
            self.detrend,
            self.standardize,
            np.hstack(columns) if columns else None,
            self.high_pass,
            self.t_r,
            low_pass=self.low_pass,
            standardize_confounds=self.standardize_confounds,
            sample_mask=sample_mask,
            runs=getattr(self, "runs", None),
            **dict(self.clean_args or {}),
        )

    def _remember(self, img: nib.Nifti1Image) -> None:
        """Keep a volume for the report."""
        if self.reports:
            middle = image_data(img)[..., img.shape[3] // 2] if img.ndim == 4 else image_data(img)
            self.background_ = image_like(np.array(middle), img)

    def _log(self, message: str) -> None:
        if self.verbose > 0:
            print(f"[{type(self).__name__}] {message}")


def _taken(key: str | None, img: nib.Nifti1Image, masker: SeriesMasker) -> np.ndarray:
    """Series before they are cleaned; `key` stands for image and masker when results are kept."""
    return masker._take(smooth_img(masker._on_grid(img), masker.smoothing_fwhm))


def warn_of_resampling(what: str, img: nib.Nifti1Image, target: nib.Nifti1Image, whose: str) -> None:
    """Say that one image is brought to the grid of another."""
    warnings.warn(
        f"{what} (shape {img.shape[:3]}) is brought to the grid of the {whose} (shape {target.shape[:3]})",
        stacklevel=6,
    )
