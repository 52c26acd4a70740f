"""Mean of images over time."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any

import nibabel as nib
import numpy as np
from nibabel.spatialimages import SpatialImage

from glmwidgets.images.load import ImageLike, image_data, load_image
from glmwidgets.images.new import image_like
from glmwidgets.images.resample import resample_img


class Means:
    """Sums volumes one after the other: the mean is that which numpy takes of them all.

    Parameters
    ----------
    n_volumes : int

    Examples
    --------
    >>> means = Means(2)
    >>> for volume in (np.array([1, 2], np.int16), np.array([4, 2], np.int16)):
    ...     means.see(volume)
    >>> means.mean()
    array([2.5, 2. ])
    """

    def __init__(self, n_volumes: int):
        self.n_volumes = n_volumes
        self._totals: dict[np.dtype, np.ndarray] = {}

    def see(self, volume: np.ndarray) -> None:
        """Add the next volume."""
        if not self._totals:
            own = volume.dtype.newbyteorder("=") if volume.dtype.kind == "f" else _sum_of(volume.dtype, self.n_volumes)
            kinds = {own, np.dtype(np.float64)} if own.kind == "f" else {own}
            self._own, self._totals = own, {kind: np.zeros(volume.shape, kind, order="F") for kind in kinds}
        for total in self._totals.values():
            np.add(total, volume, out=total, casting="unsafe")

    def mean(self, dtype: Any = None, n: int | None = None) -> np.ndarray:
        """The mean, in single precision for single precision, else in double; or summed in double precision.

        `n` is the number of volumes that were seen, if they are not all yet.
        """
        double = dtype is not None and np.dtype(np.float64) in self._totals
        return self._totals[np.dtype(np.float64) if double else self._own] / (self.n_volumes if n is None else n)


def _sum_of(dtype: np.dtype, n_volumes: int) -> np.dtype:
    """The quickest type in which sums of integers are exact."""
    largest = max(abs(int(np.iinfo(dtype).min)), int(np.iinfo(dtype).max)) * n_volumes
    return np.dtype(np.int32 if largest < 2**31 else np.float64)


def mean_img(
    imgs: ImageLike | Sequence[ImageLike],
    target_affine: Any = None,
    target_shape: Sequence[int] | None = None,
    verbose: int = 0,
    n_jobs: int = 1,
    copy_header: bool = True,
) -> nib.Nifti1Image:
    """Mean over time, and over images.

    Parameters
    ----------
    imgs : image, path or sequence of these
        3-D or 4-D. Of several, the mean of their means is taken: a long run counts as much as a short one.
    target_affine, target_shape
        Grid of the result, as in `glmwidgets.images.resample.resample_img`; the first image's by default.
    verbose, n_jobs, copy_header
        Accepted.

    Returns
    -------
    Nifti1Image
        3-D.

    Raises
    ------
    ValueError
        If there are no images.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.arange(16.0).reshape(2, 2, 2, 2), np.eye(4))
    >>> mean_img(img).get_fdata()[0]
    array([[0.5, 2.5],
           [4.5, 6.5]])
    """
    one = isinstance(imgs, SpatialImage | str | PathLike)
    means = []
    for img in [imgs] if one else imgs:
        loaded = load_image(img)
        data = image_data(loaded)
        mean = image_like(data.mean(axis=3) if data.ndim == 4 else data, loaded)
        means.append(resample_img(mean, target_affine, target_shape))
        if target_affine is None:
            target_affine, target_shape = loaded.affine, loaded.shape[:3]
        elif target_shape is None:
            target_affine, target_shape = means[0].affine, means[0].shape
    if not means:
        raise ValueError("no images were given: the list is empty")
    if len(means) == 1:
        return means[0]
    return image_like(np.mean([image_data(mean) for mean in means], axis=0), means[0])
