"""From images to the series of the voxels in a mask, and back."""

from __future__ import annotations

import warnings
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.images.alive import alive_voxels, check_alive
from glmwidgets.images.grids import grid_difference
from glmwidgets.images.load import ImageLike, image_name, load_image
from glmwidgets.images.mask import match_mask
from glmwidgets.images.new import image_like
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.reader import Reader
from glmwidgets.runs.run import Run

__all__ = ["ImageMasker"]


class ImageMasker:
    """Takes the series of the voxels in a mask out of images, and puts values back into images.

    Parameters
    ----------
    mask_img : image or path
        3-D; zero outside.
    smoothing_fwhm : float, optional
        Full width at half maximum, in mm, of a Gaussian that images are smoothed with on the way.
    resample : bool
        Bring images on another grid to the mask's (continuously), instead of refusing them.

    Attributes
    ----------
    mask_img_ : Nifti1Image
        Ones and zeros.
    mask_ : array of bool, 3-D
    domain_ : Domain
        The voxels in the mask, and how a map of them is written.
    n_elements_ : int
        Number of voxels in the mask.

    Examples
    --------
    >>> mask_img = nib.Nifti1Image(np.array([[[0, 1, 1]]], np.uint8), np.eye(4))
    >>> masker = ImageMasker(mask_img)
    >>> img = nib.Nifti1Image(np.arange(6.0).reshape(1, 1, 3, 2), np.eye(4))
    >>> masker.transform(img)
    array([[2., 4.],
           [3., 5.]])
    >>> masker.inverse_transform(np.array([7.0, 8.0])).get_fdata().ravel()
    array([0., 7., 8.])
    """

    def __init__(self, mask_img: ImageLike, smoothing_fwhm: float | None = None, resample: bool = False):
        given = load_image(mask_img)
        self.mask_ = match_mask(mask_img, given)
        self.mask_img_ = image_like(self.mask_.astype(np.uint8), given)
        self.domain_ = Domain.of(self.mask_img_, self.mask_)
        self.smoothing_fwhm = smoothing_fwhm
        self.resample = resample

    @property
    def n_elements_(self) -> int:
        """Number of voxels in the mask."""
        return self.domain_.size

    def transform(self, imgs: ImageLike | Run, sample_mask: np.ndarray | None = None) -> np.ndarray:
        """Take the series of the voxels in the mask.

        Parameters
        ----------
        imgs : image, path or list of these, or Run
            3-D or 4-D.
        sample_mask : array, optional
            Volumes that are kept, as booleans or indices.

        Returns
        -------
        array of shape (n_scans, n_voxels), or (n_voxels,) for one volume
            float32 for images of integers or float32, otherwise float64.

        Raises
        ------
        ValueError
            If an image lies on another grid than the mask, or no voxel of the mask has a signal in a run.

        Warns
        -----
        UserWarning
            If series hold NaN or infinite values, or those of a run never change; such series are zero throughout.
        """
        reader = imgs.reader if isinstance(imgs, Run) else Reader(load_image(imgs))
        img, name = reader.opened, image_name(reader.opened if isinstance(imgs, Run) else imgs)
        if not self.resample and (difference := grid_difference(img, self.domain_)) is not None:
            raise ValueError(f"{name} and the mask lie on different grids: {difference}")
        series = reader.series(self.domain_, self.smoothing_fwhm)
        if sample_mask is not None:
            series = series[sample_mask]
        if not isinstance(imgs, Run):
            return _finite(series, name)
        if self.domain_.lies_on(img):
            # As they were measured: smoothing spreads the signal of neighbours over voxels that have none.
            alive = reader.alive(slice(None) if sample_mask is None else sample_mask)[self.mask_]
        else:
            alive = alive_voxels(series.T[:, np.newaxis, np.newaxis]).ravel()
        check_alive(alive, name)
        series[:, ~alive] = 0
        return series

    def inverse_transform(self, values: Any, t_r: float | None = None) -> nib.Nifti1Image:
        """Put values of voxels into an image.

        Parameters
        ----------
        values : array of shape (n_voxels,) or (n, n_voxels)
        t_r : float, optional
            Seconds between scans, for the header of a 4-D image.

        Returns
        -------
        Nifti1Image
            3-D or 4-D, zero outside the mask.
        """
        img = self.domain_.image(values)
        if t_r is not None and img.ndim == 4:
            img.header.set_xyzt_units("mm", "sec")
            img.header.set_zooms((*img.header.get_zooms()[:3], t_r))
        return img


def _finite(series: np.ndarray, name: str) -> np.ndarray:
    broken = ~np.isfinite(series).all(axis=0) if series.ndim == 2 else ~np.isfinite(series)
    if broken.any():
        warnings.warn(
            f"{np.count_nonzero(broken)} voxels of {name} within the mask hold NaN or infinite values; "
            "nothing is said of them",
            stacklevel=3,
        )
        series[..., broken] = 0
    return series
