"""What a map can be laid over: one table of images on the run's grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import nibabel as nib

    from glmwidgets.runs.run import Run
from glmwidgets.glm.choices import Choices


def _mean(run: Run) -> np.ndarray:
    return run.reader.mean(np.float64)


def _first(run: Run) -> np.ndarray:
    return run.reader.scan(0)


def _anatomical(run: Run) -> np.ndarray:
    return values_on_grid(run.anatomical, run.domain.affine, run.domain.shape)


def values_on_grid(img: nib.Nifti1Image, affine: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """Values of any 3-D image on a grid, between voxels in straight lines: of an anatomical image, or another map.

    Parameters
    ----------
    img : Nifti1Image
    affine : array of shape (4, 4)
    shape : tuple of 3 int

    Returns
    -------
    array, 3-D, float32

    Examples
    --------
    >>> import nibabel as nib
    >>> ramp = nib.Nifti1Image(np.arange(4.0)[:, None, None] * np.ones((1, 2, 2)), np.eye(4))
    >>> finer = np.diag([0.5, 1, 1, 1])
    >>> values_on_grid(ramp, finer, (7, 2, 2))[:, 0, 0].tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    """
    from glmwidgets.images.load import image_data
    from glmwidgets.images.resample import resample_img

    return image_data(resample_img(img, affine, shape, interpolation="linear"))


class Background(NamedTuple):
    """A row of `BACKGROUNDS`: a label, ``make(run) -> volume`` on the run's grid, and which runs have it."""

    label: str
    make: Callable[[Run], np.ndarray]
    there: Callable[[Run], bool] = lambda run: True


BACKGROUNDS: Choices[Background] = Choices(
    {
        "mean": Background("mean", _mean),
        "first": Background("first scan", _first),
        "anatomical": Background("anatomical", _anatomical, lambda run: run.anatomical is not None),
    }
)


def background_of(run: Run, name: str) -> np.ndarray:
    """Image to lay a map over.

    Parameters
    ----------
    run : Run
    name : str
        Key of `BACKGROUNDS`.

    Returns
    -------
    array, 3-D, float32
    """
    return BACKGROUNDS[name].make(run).astype(np.float32)
