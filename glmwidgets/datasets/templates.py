"""The template of the standard space, downloaded once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from glmwidgets.datasets import fetch
from glmwidgets.datasets.download import download

#: What scripts call it where a background is asked for.
NAMES = ("MNI152TEMPLATE", "MNI152")


def fetch_mni152_template(data_dir: str | os.PathLike[str] | None = None, *, progress: bool = True) -> Path:
    """Brain of the MNI152 template in 2 mm: T1-weighted, nonlinear, asymmetric, 2009c.

    Parameters
    ----------
    data_dir, progress
        As in `fetch_spm_auditory`.

    Returns
    -------
    Path

    Raises
    ------
    DownloadError
        If it cannot be had.

    Examples
    --------
    >>> import nibabel as nib
    >>> nib.load(fetch_mni152_template()).shape  # doctest: +SKIP
    (97, 115, 97)
    """
    (file,) = fetch.DATASETS["mni152"].files
    return download(file, fetch.dataset_folder("mni152", data_dir), progress)


def load_mni152_template(resolution: int = 2, data_dir: str | os.PathLike[str] | None = None) -> Any:
    """The MNI152 template as an image.

    Parameters
    ----------
    resolution : int
        Edge of a voxel in mm.
    data_dir
        As in `fetch_mni152_template`.

    Returns
    -------
    Nifti1Image

    Examples
    --------
    >>> load_mni152_template(resolution=3).shape  # doctest: +SKIP
    """
    import numpy as np

    from glmwidgets.images.load import load_image
    from glmwidgets.images.resample import resample_img

    image = load_image(fetch_mni152_template(data_dir, progress=False))
    return image if resolution == 2 else resample_img(image, target_affine=np.eye(3) * resolution)


def named_template(given: Any) -> Any:
    """An image as it was given; the template's file where its name was, such as ``"MNI152TEMPLATE"``.

    Examples
    --------
    >>> named_template("anatomy.nii.gz")
    'anatomy.nii.gz'
    """
    if isinstance(given, str) and given.upper() in NAMES:
        return fetch_mni152_template(progress=False)
    return given
