"""From images to the series of the voxels in a mask, and back."""

from __future__ import annotations

import warnings
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.glm.moments.series import Series
from glmwidgets.images.alive import alive_voxels, check_alive
from glmwidgets.images.grids import grid_difference
from glmwidgets.images.load import ImageLike, image_data, image_name, load_image
from glmwidgets.images.mask import masked_series, match_mask
from glmwidgets.images.new import image_like
from glmwidgets.images.resample import resample_img
from glmwidgets.plural import count
from glmwidgets.runs.domain import Domain
from glmwidgets.runs.run import Run


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

    def transform(self, imgs: ImageLike, sample_mask: np.ndarray | None = None) -> np.ndarray:
        """Take the series of the voxels in the mask.

        Parameters
        ----------
        imgs : image, path or list of these
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
            If an image lies on another grid than the mask.

        Warns
        -----
        UserWarning
            If series hold NaN or infinite values; such series are zero throughout.
        """
        img, name = load_image(imgs), image_name(imgs)
        self._check_grid(img, name)
        if not self.domain_.lies_on(img):
            img = resample_img(img, self.domain_.affine, self.domain_.shape)
        series = masked_series(image_data(img), self.mask_, img.affine, self.smoothing_fwhm)
        return _finite(series if sample_mask is None else series[sample_mask], name)

    def series(self, run: Run, sample_mask: np.ndarray | None = None) -> Series:
        """Take the series of a run, to be read in blocks of voxels.

        Parameters
        ----------
        run : Run
        sample_mask : array of int, optional
            Indices of the scans that are used: those that its reader knows as such.

        Returns
        -------
        Series

        Raises
        ------
        ValueError
            If the run lies on another grid than the mask, or no voxel of the mask has a signal.

        Warns
        -----
        UserWarning
            If series of the mask never change, or hold NaN or infinite values; such series are zero throughout.
        """
        img, name = run.reader.opened, image_name(run.reader.opened)
        self._check_grid(img, name)
        series = run.reader.series(self.domain_, self.smoothing_fwhm)
        if sample_mask is not None:
            series = series.of_scans(sample_mask)
        if self.domain_.lies_on(img):
            # As they were measured: smoothing spreads the signal of neighbours over voxels that have none.
            alive = run.reader.alive()[self.mask_]
        else:
            alive = np.concatenate([alive_voxels(block.T[:, None, None]).ravel() for _, block in series.blocks()])
        check_alive(alive, name)
        return series if alive.all() else series.then(lambda block, voxels: np.where(alive[voxels], block, 0))

    def _check_grid(self, img: nib.Nifti1Image, name: str) -> None:
        if not self.resample and (difference := grid_difference(img, self.domain_)) is not None:
            raise ValueError(f"{name} and the mask lie on different grids: {difference}")

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
            f"{name} holds NaN or infinite values in {count(np.count_nonzero(broken), 'voxel')} of the mask: "
            "their values are set to 0",
            stacklevel=3,
        )
        series[..., broken] = 0
    return series
