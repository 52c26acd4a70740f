"""The series of a run as they were measured: nothing else asks an image of a run for its voxels."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.images.alive import alive_voxels
from glmwidgets.images.load import image_data
from glmwidgets.images.mask import masked_series
from glmwidgets.images.resample import resample_img
from glmwidgets.runs.domain import Domain

__all__ = ["Reader"]


class Reader:
    """Series in an image, of which the voxels of a mask, a scan or a mean are taken at a time.

    Parameters
    ----------
    opened : Nifti1Image
        The image; its voxels may not have been read.
    read : callable, optional
        ``read() -> Nifti1Image``, checked and in memory; by default the image that is given.
    keep : bool
        Keep what was read, for a run that will be asked for again.

    Attributes
    ----------
    opened : Nifti1Image
    domain : Domain
        All voxels of the image.

    Examples
    --------
    >>> reader = Reader(nib.Nifti1Image(np.arange(16, dtype=np.int16).reshape(2, 2, 2, 2), np.eye(4)))
    >>> reader.mean()[0].tolist(), reader.scan(1)[0].tolist()
    ([[0.5, 2.5], [4.5, 6.5]], [[1, 3], [5, 7]])
    >>> reader.series(reader.domain.within(reader.scan(0) > 10)).tolist()
    [[12.0, 14.0], [13.0, 15.0]]
    """

    def __init__(self, opened: nib.Nifti1Image, read: Callable[[], nib.Nifti1Image] | None = None, keep: bool = True):
        self.opened = opened
        self._read = read
        self._keep = keep
        self._kept = opened if read is None else None
        self._alive: np.ndarray | None = None

    @cached_property
    def domain(self) -> Domain:
        """All voxels of the image."""
        return Domain.of(self.opened)

    @property
    def n_scans(self) -> int:
        """Number of scans."""
        return self.opened.shape[3]

    @property
    def image(self) -> nib.Nifti1Image:
        """The image, in memory, to be written or handed on."""
        if self._kept is not None:
            return self._kept
        img = self._read()
        if self._keep:
            self._kept = img
        return img

    def closed(self) -> Reader:
        """Where the series lay and how many scans there were, without the series; to ask for those is an error."""
        empty = np.broadcast_to(np.float32(0), self.opened.shape)
        return Reader(nib.Nifti1Image(empty, self.opened.affine, self.opened.header), _closed)

    def mean(self, dtype: type | None = None) -> np.ndarray:
        """Mean over time, 3-D; in the type that numpy takes for it by default."""
        return image_data(self.image).mean(axis=3, dtype=dtype)

    def scan(self, number: int) -> np.ndarray:
        """One scan as it is stored, 3-D."""
        return image_data(self.image)[..., number]

    def alive(self, scans: Any = slice(None)) -> np.ndarray:
        """Voxels whose series are finite and change, 3-D, bool; of all scans they are looked for once."""
        if not isinstance(scans, slice) or scans != slice(None):
            return alive_voxels(image_data(self.image), scans)
        if self._alive is None:
            self._alive = alive_voxels(image_data(self.image))
        return self._alive

    def series(self, domain: Domain, smoothing_fwhm: float | Sequence[float | None] | None = None) -> np.ndarray:
        """Series of the voxels of a domain.

        Parameters
        ----------
        domain : Domain
            If it lies on another grid, the image is brought to that.
        smoothing_fwhm : float, three floats or None
            Full width at half maximum of a Gaussian, in mm.

        Returns
        -------
        array of shape (n_scans, n_voxels), or (n_voxels,) of a 3-D image
            See `glmwidgets.images.mask.masked_series`.
        """
        img = self.image
        if not domain.lies_on(img):
            img = resample_img(img, domain.affine, domain.shape)
        return masked_series(image_data(img), domain.mask, img.affine, smoothing_fwhm)

    def checksum(self) -> int:
        """Number that tells these values at this place from others."""
        img = self.image
        found = zlib.crc32(np.round(img.affine, 6).tobytes())
        for block in image_data(img):
            found = zlib.crc32(np.ascontiguousarray(block).view(np.uint8).reshape(-1), found)
        return found


def _closed() -> nib.Nifti1Image:
    raise ValueError("what looked at this run was closed and has let go of its series: open the run again")
