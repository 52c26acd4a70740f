"""Series of labelled regions: nilearn's masker of them by its name and arguments."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from glmwidgets.glm.choices import check_choice
from glmwidgets.glm.errors import InputError
from glmwidgets.glm.tables import read_table
from glmwidgets.images.coordinates import to_mm
from glmwidgets.images.grids import grid_difference, same_grid
from glmwidgets.images.load import image_data, load_volume
from glmwidgets.images.mask import match_mask
from glmwidgets.images.new import image_like
from glmwidgets.images.resample import resample_img, resample_to_img
from glmwidgets.images.spheres import REDUCTIONS, region_series
from glmwidgets.models.series_masker import Place, SeriesMasker, warn_of_resampling
from glmwidgets.plural import count

TARGETS = ("data", "labels", None)


class NiftiLabelsMasker(SeriesMasker):
    """Series of the regions of a label image.

    Parameters
    ----------
    labels_img : image or path
        3-D: `background_label` outside, a whole number in each region.
    labels : sequence of str, optional
        Names of the regions in the order of their numbers; one more than regions if the first is of the background.
    lut : DataFrame or path, optional
        Table with columns ``index`` and ``name``, in the place of `labels`.
    background_label : int
    mask_img : image or path, optional
        Only voxels in it count; brought to the grid of the labels.
    smoothing_fwhm, standardize, standardize_confounds, high_variance_confounds, detrend, low_pass, high_pass, t_r
        As in `glmwidgets.models.NiftiMasker`.
    resampling_target : {"data", "labels", None}
        Which is brought to the other's grid where they differ; None refuses them.
    strategy : str
        What is taken of the voxels of a region; see `glmwidgets.images.spheres.REDUCTIONS`.
    keep_masked_labels : bool
        Whether a region without a voxel has a series of zeros. By default it has none, with a warning.
    cmap : str, optional
        Accepted; reports have our colours.
    dtype, memory, memory_level, verbose, reports, clean_args
        As in `glmwidgets.models.NiftiMasker`.

    Attributes
    ----------
    labels_ : list of int
        Number of each series' region, once an image was transformed only of those that have voxels.
    region_names_ : dict
        Name of each series by its place, where names were given.
    n_elements_ : int
        Number of series.

    Examples
    --------
    >>> img = nib.Nifti1Image(np.arange(16.0).reshape(2, 2, 1, 4), np.eye(4))
    >>> labels = nib.Nifti1Image(np.array([[[1], [1]], [[2], [0]]], np.uint8), np.eye(4))
    >>> masker = NiftiLabelsMasker(labels, ["left", "right"])
    >>> masker.fit_transform(img)[:2]
    array([[2., 8.],
           [3., 9.]])
    >>> masker.region_names_
    {0: 'left', 1: 'right'}
    """

    def __init__(
        self,
        labels_img: Any = None,
        labels: Sequence[str] | None = None,
        lut: Any = None,
        background_label: int = 0,
        mask_img: Any = None,
        smoothing_fwhm: float | None = None,
        standardize: str | bool | None = False,
        standardize_confounds: bool = True,
        high_variance_confounds: bool = False,
        detrend: bool = False,
        low_pass: float | None = None,
        high_pass: float | None = None,
        t_r: float | None = None,
        dtype: Any = None,
        resampling_target: str | None = "data",
        memory: Any = None,
        memory_level: int | None = 1,
        verbose: int = 0,
        strategy: str = "mean",
        keep_masked_labels: bool = False,
        reports: bool = True,
        cmap: str | None = None,
        clean_args: Mapping[str, Any] | None = None,
    ):
        self._keep(locals())

    def _prepare(self, img: nib.Nifti1Image | None) -> Any:
        check_choice("strategy", self.strategy, REDUCTIONS)
        check_choice("resampling_target", self.resampling_target, TARGETS)
        if self.labels_img is None:
            raise InputError("labels_img is needed: an image with a whole number in each region")
        labels_img = load_volume(self.labels_img, "an image of regions")
        numbers = np.nan_to_num(image_data(labels_img)).astype(np.int32)
        all_numbers = [int(n) for n in np.unique(numbers) if n != self.background_label]
        if not all_numbers:
            raise InputError(f"labels_img holds no region: all its voxels are {self.background_label}")
        self._names = self._named(all_numbers)
        # Zero is outside from here on, whatever the background was called.
        known = np.where(numbers == self.background_label, 0, numbers)
        if self.background_label != 0 and 0 in all_numbers:
            raise InputError(f"0 is a region where background_label={self.background_label}: give it another number")
        self.labels_img_ = image_like(known, labels_img)
        if img is not None and self.resampling_target == "data" and not same_grid(self.labels_img_, img):
            self.labels_img_ = resample_img(self.labels_img_, img.affine, img.shape[:3], interpolation="nearest")
        if self.mask_img is not None:
            like = self.labels_img_
            mask = resample_img(self.mask_img, like.affine, like.shape, interpolation="nearest")
            self.labels_img_ = image_like(np.where(match_mask(mask, like), image_data(like), 0), like)
        self._found(all_numbers)
        return (
            image_data(self.labels_img_),
            self.labels_img_.affine,
            self.strategy,
            self.resampling_target,
            self.labels_,
        )

    def _named(self, numbers: list[int]) -> dict[int, str]:
        if self.lut is not None:
            table = read_table(self.lut, "label table") if isinstance(self.lut, str | PathLike) else self.lut
            if not isinstance(table, pd.DataFrame) or not {"index", "name"} <= set(table.columns):
                raise InputError("lut must be a table with the columns 'index' and 'name'")
            return dict(zip(table["index"].astype(int), table["name"].astype(str), strict=True))
        if self.labels is None:
            return {}
        names = [str(name) for name in self.labels]
        if len(names) == len(numbers) + 1:
            names = names[1:]
        if len(names) != len(numbers):
            raise InputError(f"labels holds {count(len(names), 'name')} for the {len(numbers)} regions of labels_img")
        return dict(zip(numbers, names, strict=True))

    def _found(self, numbers: list[int]) -> None:
        there = set(np.unique(image_data(self.labels_img_)).tolist())
        lost = [n for n in numbers if n not in there]
        if lost and not self.keep_masked_labels:
            listed = ", ".join(self._names.get(n, str(n)) for n in lost[:8]) + (", ..." if len(lost) > 8 else "")
            warnings.warn(
                f"{len(lost)} of {len(numbers)} regions have no voxel on the grid and within the mask that are used, "
                f"and no series: {listed}",
                stacklevel=5,
            )
        self.labels_ = numbers if self.keep_masked_labels else [n for n in numbers if n in there]
        if not self.labels_:
            raise InputError("no region has a voxel on the grid and within the mask that are used")
        self.n_elements_ = len(self.labels_)
        self.region_names_ = {i: self._names[n] for i, n in enumerate(self.labels_) if n in self._names}

    def _on_grid(self, img: nib.Nifti1Image) -> nib.Nifti1Image:
        if (difference := grid_difference(img, self.labels_img_)) is None:
            return img
        if self.resampling_target is None:
            raise InputError(
                f"image and regions lie on different grids: {difference}",
                advice='resampling_target="data" or "labels" brings one to the other',
            )
        if self.resampling_target == "labels":
            return resample_to_img(img, self.labels_img_, clip=True)
        # Fitted without this image: its grid is known only now.
        warn_of_resampling("the label image", self.labels_img_, img, "image")
        before = self.labels_
        self.labels_img_ = resample_img(self.labels_img_, img.affine, img.shape[:3], interpolation="nearest")
        self._found(before)
        return img

    def _take(self, img: nib.Nifti1Image) -> np.ndarray:
        table = region_series(img, self.labels_img_, self.strategy)
        series = table.reindex(columns=self.labels_, fill_value=0.0).to_numpy()
        return series if img.ndim == 4 else series[0]

    def _put(self, values: np.ndarray) -> nib.Nifti1Image:
        rows = np.atleast_2d(values)
        numbers = image_data(self.labels_img_)
        data = np.zeros((*numbers.shape, len(rows)))
        for number, column in zip(self.labels_, rows.T, strict=True):
            data[numbers == number] = column
        return image_like(data if values.ndim == 2 else data[..., 0], self.labels_img_)

    def report_parts(self) -> tuple[nib.Nifti1Image, list[Place]]:
        """Regions, and a voxel in the middle of each."""
        numbers, named = image_data(self.labels_img_), []
        for number in self.labels_:
            inside = np.argwhere(numbers == number)
            if not len(inside):
                continue
            middle = to_mm(inside[np.abs(inside - inside.mean(axis=0)).sum(axis=1).argmin()], self.labels_img_.affine)
            name = self._names.get(number, f"region {number}")
            named.append(Place(f"{name}, {count(len(inside), 'voxel')}", tuple(middle.tolist()), number))
        return self.labels_img_, named
