"""Series of the voxels in a mask, and of spheres: nilearn's maskers by their names and arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import nibabel as nib
import numpy as np

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.images.coordinates import to_mm
from glmwidgets.images.grids import same_grid
from glmwidgets.images.load import image_data, load_volume
from glmwidgets.images.mask import match_mask
from glmwidgets.images.masking import apply_mask, compute_background_mask, compute_epi_mask, unmask
from glmwidgets.images.new import image_like
from glmwidgets.images.resample import resample_img, resample_to_img
from glmwidgets.images.spheres import sphere_indices, sphere_series
from glmwidgets.models.series_masker import Place, SeriesMasker, warn_of_resampling
from glmwidgets.plural import count

#: How `NiftiMasker` finds a mask that is not given.
MASK_STRATEGIES = {"background": compute_background_mask, "epi": compute_epi_mask}


class NiftiMasker(SeriesMasker):
    """Series of the voxels in a mask.

    Parameters
    ----------
    mask_img : image or path, optional
        Found in the image by `mask_strategy` if it is not given.
    runs : sequence, optional
        Which run each scan is of; runs are cleaned one by one.
    smoothing_fwhm : float, optional
        Full width at half maximum, in mm, of a Gaussian that images are smoothed with before.
    standardize, standardize_confounds, detrend, low_pass, high_pass, t_r
        As in `glmwidgets.images.clean.clean_series`.
    high_variance_confounds : bool
        Take the main components of the voxels of largest variance out, too; see
        `glmwidgets.images.clean.high_variance_confounds`.
    target_affine, target_shape : array and tuple, optional
        Grid that images and mask are brought to.
    mask_strategy : {"background", "epi"}
        What is not the value of the border, or the brain of an echo-planar run.
    mask_args : dict, optional
        Further arguments of `glmwidgets.images.masking.compute_background_mask` or ``compute_epi_mask``.
    dtype : dtype or "auto", optional
        Of the series; "auto" is float32, None that of the image.
    memory, memory_level : str, path or joblib.Memory, and int
        Folder in which series are kept, so that they are taken once.
    verbose : int
        1 prints what is done.
    reports : bool
        Keep a volume for `generate_report`.
    cmap : str
        Accepted; reports are grey.
    clean_args : dict, optional
        Further arguments of `glmwidgets.images.clean.clean_series`, such as ``{"filter": "cosine"}``.

    Attributes
    ----------
    mask_img_ : Nifti1Image
    n_elements_ : int
        Number of voxels in the mask.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.arange(16.0).reshape(2, 2, 1, 4), np.eye(4))
    >>> mask = nib.Nifti1Image(np.array([[[1], [0]], [[0], [1]]], np.uint8), np.eye(4))
    >>> NiftiMasker(mask).fit_transform(img)[:2]
    array([[ 0., 12.],
           [ 1., 13.]])
    """

    def __init__(
        self,
        mask_img: Any = None,
        runs: Sequence[Any] | None = None,
        smoothing_fwhm: float | None = None,
        standardize: str | bool | None = False,
        standardize_confounds: bool = True,
        detrend: bool = False,
        high_variance_confounds: bool = False,
        low_pass: float | None = None,
        high_pass: float | None = None,
        t_r: float | None = None,
        target_affine: Any = None,
        target_shape: Any = None,
        mask_strategy: str = "background",
        mask_args: Mapping[str, Any] | None = None,
        dtype: Any = None,
        memory: Any = None,
        memory_level: int | None = 1,
        verbose: int = 0,
        reports: bool = True,
        cmap: str = "gray",
        clean_args: Mapping[str, Any] | None = None,
    ):
        self._keep(locals())

    def _prepare(self, img: nib.Nifti1Image | None) -> Any:
        if self.mask_img is not None:
            mask = load_volume(self.mask_img, "a mask")
            mask = image_like(match_mask(mask, mask), mask)
        elif img is None:
            raise InputError("a mask is found in an image: give one to fit, or mask_img to the masker")
        else:
            find = MASK_STRATEGIES[check_choice("mask_strategy", self.mask_strategy, MASK_STRATEGIES)]
            mask = find(img, **dict(self.mask_args or {}))
        if self.target_affine is not None or self.target_shape is not None:
            mask = resample_img(mask, self.target_affine, self.target_shape, interpolation="nearest")
        self.mask_img_ = mask
        self.n_elements_ = int(np.count_nonzero(image_data(mask)))
        return image_data(mask), mask.affine

    def _on_grid(self, img: nib.Nifti1Image) -> nib.Nifti1Image:
        if same_grid(img, self.mask_img_):
            return img
        if self.target_affine is None and self.target_shape is None:
            warn_of_resampling("the image", img, self.mask_img_, "mask")
        return resample_to_img(img, self.mask_img_, clip=True)

    def _take(self, img: nib.Nifti1Image) -> np.ndarray:
        return apply_mask(img, self.mask_img_, dtype=None)

    def _put(self, values: np.ndarray) -> nib.Nifti1Image:
        return unmask(values, self.mask_img_)

    def report_parts(self) -> tuple[nib.Nifti1Image, list[Place]]:
        """Mask, and its middle."""
        inside = np.argwhere(image_data(self.mask_img_) > 0)
        middle = to_mm(inside[np.abs(inside - inside.mean(axis=0)).sum(axis=1).argmin()], self.mask_img_.affine)
        return self.mask_img_, [Place(f"mask of {count(self.n_elements_, 'voxel')}", tuple(middle.tolist()), 1)]


class NiftiSpheresMasker(SeriesMasker):
    """Mean series of spheres.

    Parameters
    ----------
    seeds : sequence of three floats each
        Centres in mm.
    radius : float, optional
        In mm; None for the one voxel that each centre lies in.
    mask_img : image or path, optional
        Only voxels in it count; brought to the grid of the image.
    allow_overlap : bool
        Whether spheres may share voxels.
    smoothing_fwhm, standardize, standardize_confounds, high_variance_confounds, detrend, low_pass, high_pass, t_r
        As in `NiftiMasker`.
    dtype, memory, memory_level, verbose, reports, clean_args
        As in `NiftiMasker`.

    Attributes
    ----------
    seeds_ : list of list of float
    n_elements_ : int
        Number of spheres.

    Raises
    ------
    ValueError
        When it is fitted or used, if a centre is none, a sphere holds no voxel, or two share one.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.arange(16.0).reshape(2, 2, 1, 4), np.eye(4))
    >>> NiftiSpheresMasker([(0, 0, 0), (1, 1, 0)], standardize=False).fit_transform(img)[:2]
    array([[ 0., 12.],
           [ 1., 13.]])
    """

    def __init__(
        self,
        seeds: Any = None,
        radius: float | None = None,
        mask_img: Any = None,
        allow_overlap: bool = False,
        smoothing_fwhm: float | None = None,
        standardize: str | bool | None = False,
        standardize_confounds: bool = True,
        high_variance_confounds: bool = False,
        detrend: bool = False,
        low_pass: float | None = None,
        high_pass: float | None = None,
        t_r: float | None = None,
        dtype: Any = None,
        memory: Any = None,
        memory_level: int | None = 1,
        verbose: int = 0,
        reports: bool = True,
        clean_args: Mapping[str, Any] | None = None,
    ):
        self._keep(locals())

    def _prepare(self, img: nib.Nifti1Image | None) -> Any:
        try:
            seeds = np.array(self.seeds, dtype=float)
        except (TypeError, ValueError):
            seeds = np.zeros(0)
        if seeds.ndim != 2 or seeds.shape[1] != 3:
            raise InputError(f"seeds must be a list of places of three numbers in mm, not {self.seeds!r}")
        self.seeds_ = seeds.tolist()
        self.n_elements_ = len(seeds)
        self.mask_img_ = None if self.mask_img is None else load_volume(self.mask_img, "a mask")
        mask = None if self.mask_img_ is None else (image_data(self.mask_img_), self.mask_img_.affine)
        return self.seeds_, self.radius, self.allow_overlap, mask

    def _mask_on(self, like: nib.Nifti1Image) -> nib.Nifti1Image | None:
        mask = self.mask_img_
        return None if mask is None else resample_img(mask, like.affine, like.shape[:3], interpolation="nearest")

    def _take(self, img: nib.Nifti1Image) -> np.ndarray:
        return sphere_series(img, self.seeds_, self.radius, self._mask_on(img), self.allow_overlap)[self._rows(img)]

    @staticmethod
    def _rows(img: nib.Nifti1Image) -> Any:
        return slice(None) if img.ndim == 4 else 0

    def _spheres(self, like: nib.Nifti1Image) -> list[tuple[np.ndarray, ...]]:
        """Places of the voxels of each sphere."""
        mask_img = self._mask_on(like)
        mask = np.ones(like.shape[:3], bool) if mask_img is None else match_mask(mask_img, like)
        places = np.flatnonzero(mask)
        found = (sphere_indices(mask, like.affine, seed, self.radius) for seed in self.seeds_)
        return [np.unravel_index(places[numbers], mask.shape) for numbers in found]

    def _put(self, values: np.ndarray) -> nib.Nifti1Image:
        if self.mask_img_ is None:
            raise InputError("values of spheres are put on the grid of a mask: give mask_img to the masker")
        like, rows = self.mask_img_, np.atleast_2d(values)
        data, times = np.zeros((*like.shape, len(rows))), np.zeros(like.shape)
        for voxels, column in zip(self._spheres(like), rows.T, strict=True):
            data[voxels] += column
            times[voxels] += 1
        data /= np.maximum(times, 1)[..., np.newaxis]
        return image_like(data if values.ndim == 2 else data[..., 0], like)

    def report_parts(self) -> tuple[nib.Nifti1Image, list[Place]]:
        """Spheres by their numbers from 1, and their centres."""
        like = getattr(self, "background_", None) or self.mask_img_
        if like is None:
            raise InputError("spheres are shown on an image: transform one first")
        data = np.zeros(like.shape[:3], np.int32)
        named = []
        for i, (voxels, seed) in enumerate(zip(self._spheres(like), self.seeds_, strict=True), 1):
            data[voxels] = i
            where = ", ".join(f"{value:g}" for value in seed)
            named.append(Place(f"sphere {i} at ({where}) mm, {count(len(voxels[0]), 'voxel')}", tuple(seed), i))
        return image_like(data, like), named
